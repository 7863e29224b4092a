//! Requests at buckets: S3's own access logs, delivered, or data events of a trail.

use std::collections::BTreeSet;

use logfleet_contract::account::Source as AccountSource;

use super::{Idle, SourceOfAws, TrailOfSource, Way, check_data_events};
use crate::resolve::aws::members::Composing;
use crate::resolve::aws::resolved::WriterKind;
use crate::resolve::{Identity, Problems};
use crate::settings::{S3, S3Method, Settings};

impl SourceOfAws for S3 {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        let written_by = match self.method {
            S3Method::ServerAccessLogs => Some(WriterKind::Delivery),
            S3Method::DataEvents => None,
        };
        vec![Some(Way::own("s3", &cluster.region, written_by))]
    }

    fn check(&self, _: &Settings, problems: &mut Problems) {
        if self.method == S3Method::DataEvents {
            check_data_events("s3", &self.data_events, problems);
        }
    }

    fn idle(&self, _: &Settings) -> Option<Idle> {
        (self.method == S3Method::ServerAccessLogs).then_some(Idle {
            keys: &["data_events"],
            why: "S3's own access logs have every request",
            hint: "set `method: data_events`, or remove it",
        })
    }

    fn trail(&self) -> Option<TrailOfSource> {
        (self.method == S3Method::DataEvents).then(|| TrailOfSource {
            source: AccountSource::S3,
            purpose: "buckets",
            events: self.data_events.clone(),
            exclude: BTreeSet::new(),
        })
    }

    fn in_members(&self, composing: &mut Composing<'_, '_, '_>) {
        let by_logs = self.method == S3Method::ServerAccessLogs;
        composing.members.bucket = composing.delivered(
            "S3",
            "bucket",
            &[(by_logs, "Access", "S3_SERVER_ACCESS_LOGS", "s3")],
        );
        composing.members.bucket_trail = composing.data_trail(AccountSource::S3, "bucket");
        composing.members.joins_buckets = composing.joins(AccountSource::S3, "bucket");
    }
}
