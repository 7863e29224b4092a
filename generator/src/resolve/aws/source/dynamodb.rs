//! Requests at tables: data events of a trail.

use std::collections::BTreeSet;

use logfleet_contract::account::Source as AccountSource;

use super::{
    Collected, Details, Measurements, SourceOfAws, TrailOfSource, Way, check_data_events, fragments,
};
use crate::resolve::aws::members::Composing;
use crate::resolve::aws::resolved::Members;
use crate::resolve::{Identity, Problems};
use crate::settings::{Dynamodb, Settings};

impl SourceOfAws for Dynamodb {
    fn metrics(&self) -> Option<&Measurements> {
        Some(&self.metrics)
    }

    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        vec![Way::own("dynamodb", &cluster.region, None)]
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
        composing.members.table_trail = composing.data_trail(AccountSource::Dynamodb);
        composing.members.joins_tables = composing.joins(AccountSource::Dynamodb);
        composing.members.contributor_insights = self.contributor_insights;
    }

    fn details(&self, collected: &Collected<'_>) -> Details {
        let has_members = |own: &Members| own.table_trail.is_some() || own.joins_tables;
        Details {
            fragments: fragments([(collected.members.is_some_and(has_members), "table")]),
            ..Details::default()
        }
    }
}
