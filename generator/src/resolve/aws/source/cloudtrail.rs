//! Calls of AWS's API: a trail of the cluster's own, the account's, or one that
//! someone else made.

use logfleet_contract::account::Source as AccountSource;

use super::{Details, Idle, SourceOfAws, TrailOfSource, Way};
use crate::resolve::{AwsRegion, Identity, Problems};
use crate::settings::{Cloudtrail, DataEvents, Settings};

impl SourceOfAws for Cloudtrail {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        let home = cluster.region.as_str();
        vec![Some(match &self.existing_log_group {
            Some(group) => Way::foreign(group.to_string(), home, "ExistingTrail"),
            None => Way::own("cloudtrail", home, None),
        })]
    }

    fn check(&self, _: &Settings, problems: &mut Problems) {
        if self.existing_log_group.is_none() && !self.read && !self.write {
            problems.push(
                &["sources", "aws", "cloudtrail"],
                "neither calls that read nor those that write are collected, so nothing is",
                "set `read` or `write` to `true`, or `enabled` to `false`",
            );
        }
    }

    fn idle(&self, _: &Settings) -> Option<Idle> {
        self.existing_log_group.is_some().then_some(Idle {
            keys: &["read", "write", "exclude", "expiry_days"],
            why: "the trail of `existing_log_group` belongs to someone else",
            hint: "remove one of the two",
        })
    }

    fn trail(&self) -> Option<TrailOfSource> {
        let excluded = self.exclude.iter().filter(|(_, on)| **on);
        Some(TrailOfSource {
            source: AccountSource::Cloudtrail,
            purpose: "calls",
            events: DataEvents {
                read: self.read,
                write: self.write,
            },
            exclude: excluded.map(|(service, _)| service.to_string()).collect(),
        })
    }

    fn details(&self, _: &Settings, regions: &[AwsRegion]) -> Details {
        let trails = regions.iter().filter_map(|region| region.trail.as_ref());
        let own = trails.filter_map(|trail| trail.own.as_ref());
        Details {
            objects: own.map(|own| format!("trail {}", own.name)).collect(),
            ..Details::default()
        }
    }
}
