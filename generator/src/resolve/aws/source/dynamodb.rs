//! Requests at tables: data events of a trail.

use std::collections::BTreeSet;

use logfleet_contract::account::Source as AccountSource;

use super::{SourceOfAws, TrailOfSource, Way, check_data_events};
use crate::resolve::aws::members::Composing;
use crate::resolve::{Identity, Problems};
use crate::settings::{Dynamodb, Settings};

impl SourceOfAws for Dynamodb {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        vec![Some(Way::own("dynamodb", &cluster.region, None))]
    }

    fn check(&self, _: &Settings, problems: &mut Problems) {
        check_data_events("dynamodb", &self.data_events, problems);
    }

    fn trail(&self) -> Option<TrailOfSource> {
        Some(TrailOfSource {
            source: AccountSource::Dynamodb,
            purpose: "tables",
            events: self.data_events.clone(),
            exclude: BTreeSet::new(),
        })
    }

    fn in_members(&self, composing: &mut Composing<'_, '_, '_>) {
        composing.members.table_trail = composing.data_trail(AccountSource::Dynamodb, "table");
        composing.members.joins_tables = composing.joins(AccountSource::Dynamodb, "table");
        composing.members.contributor_insights = self.contributor_insights;
    }
}
