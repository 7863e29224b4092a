//! What `clusters/fleet.yaml` says of accounts. Pure.
//!
//! What an account doesn't say itself, the fleet's `sources.aws` says: one fact
//! in one place, and a fleet that shared nothing before needs no new setting.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::Source;
use serde::Deserialize;

use super::super::aws::own_tags as tags;
use crate::fault::Fault;
use crate::layers::fleet::{FleetLayers, merge_fleet};
use crate::load::node::Node;
use crate::settings::{
    Account, AccountDataEvents, AccountSettings, Alarms, Aws, AwsObjects, DataEvents,
    ExistingLogGroup, Forwarder, MetricFilter, Name,
};

/// What a fleet says of its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetAccounts {
    /// What it says of AWS for all clusters.
    aws: Aws,
    /// What it says of all objects in AWS.
    objects: AwsObjects,
    defaults: AccountSettings,
    accounts: BTreeMap<Account, AccountSettings>,
}

impl FleetAccounts {
    /// Reads it out of the layers below all environments and clusters.
    pub fn of(layers: &FleetLayers) -> Result<Self, Fault> {
        Self::read(&merge_fleet(layers)).map_err(|error| {
            Fault::input(format!(
                "`clusters/fleet.yaml` doesn't say what accounts have for their clusters: {error}"
            ))
            .hint("add it there, even if every environment or cluster sets it; or set `sources.aws.account_stack: false`")
        })
    }

    /// What settings of one cluster say, for tests.
    #[cfg(test)]
    pub(in crate::resolve) fn by_default(settings: &Node) -> Self {
        Self::read(&crate::layers::inherit::expand(settings.clone())).expect("settings")
    }

    fn read(settings: &Node) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Read {
            account_defaults: AccountSettings,
            accounts: BTreeMap<Account, AccountSettings>,
            aws: AwsObjects,
            sources: ReadSources,
        }
        #[derive(Deserialize)]
        struct ReadSources {
            aws: Aws,
        }
        let read: Read = serde_json::from_value(settings.to_json())?;
        Ok(Self {
            aws: read.sources.aws,
            objects: read.aws,
            defaults: read.account_defaults,
            accounts: read.accounts,
        })
    }

    /// What holds for one account.
    pub(in crate::resolve) fn of_account(&self, account: &str) -> ResolvedSettings<'_> {
        let own = self
            .accounts
            .get(&Account(account.to_owned()))
            .unwrap_or(&self.defaults);
        let aws = &self.aws;
        let trail = &aws.cloudtrail;
        let excluded = trail.exclude.iter().chain(&own.calls.exclude);
        let mut exclude: BTreeSet<String> = BTreeSet::new();
        for (service, on) in excluded {
            if *on {
                exclude.insert(service.to_string());
            } else {
                exclude.remove(service.as_str());
            }
        }
        let data = |own: &AccountDataEvents, fleet: &DataEvents| DataEvents {
            read: own.read.unwrap_or(fleet.read),
            write: own.write.unwrap_or(fleet.write),
        };
        ResolvedSettings {
            has_calls: own.calls.enabled,
            existing: own.calls.existing_log_group.as_ref(),
            calls: DataEvents {
                read: own.calls.read.unwrap_or(trail.read),
                write: own.calls.write.unwrap_or(trail.write),
            },
            exclude,
            tables: data(&own.tables, &aws.dynamodb.data_events),
            buckets: data(&own.buckets, &aws.s3.data_events),
            tags: tags::merged(&self.objects.tags, &own.tags),
            metric_filters: &own.calls.metric_filters,
            expiry_days: own.expiry_days.unwrap_or(trail.expiry_days),
            retention_days: own.retention_days,
            code: own.code.as_ref().or(aws.forwarder.code.as_ref()),
            forwarder: &aws.forwarder,
            dead_letter_days: aws.dead_letters.expiry_days,
            alarms: &aws.alarms,
        }
    }
}

impl FleetAccounts {
    /// Which requests of a source the whole fleet wants.
    pub(super) fn fleet_data(&self, source: Source) -> DataEvents {
        let aws = &self.aws;
        match source {
            Source::Cloudtrail => DataEvents {
                read: aws.cloudtrail.read,
                write: aws.cloudtrail.write,
            },
            Source::Dynamodb => aws.dynamodb.data_events.clone(),
            Source::S3 => aws.s3.data_events.clone(),
        }
    }

    /// Whether the whole fleet leaves out calls of a service.
    pub(super) fn fleet_excludes(&self, service: &str) -> bool {
        let mut excluded = self.aws.cloudtrail.exclude.iter();
        excluded.any(|(own, on)| *on && own.as_str() == service)
    }

    /// Days that the whole fleet keeps files of trails.
    pub(super) fn fleet_expiry_days(&self) -> u16 {
        self.aws.cloudtrail.expiry_days
    }
}

/// What holds for an account.
#[derive(Clone, Debug)]
pub(in crate::resolve) struct ResolvedSettings<'a> {
    pub has_calls: bool,
    pub existing: Option<&'a ExistingLogGroup>,
    pub calls: DataEvents,
    pub exclude: BTreeSet<String>,
    pub tables: DataEvents,
    pub buckets: DataEvents,
    pub tags: BTreeMap<String, String>,
    pub metric_filters: &'a BTreeMap<Name, MetricFilter>,
    pub expiry_days: u16,
    pub retention_days: u16,
    pub code: Option<&'a crate::settings::ForwarderCode>,
    pub forwarder: &'a Forwarder,
    pub dead_letter_days: u16,
    pub alarms: &'a Alarms,
}

impl ResolvedSettings<'_> {
    /// Which requests a source has; all, where another trail writes them down.
    pub(super) fn data(&self, source: Source) -> &DataEvents {
        match source {
            Source::Cloudtrail => &self.calls,
            Source::Dynamodb => &self.tables,
            Source::S3 => &self.buckets,
        }
    }

    /// Whether the account writes anything of a source down.
    pub(super) fn writes_down(&self, source: Source) -> bool {
        let data = self.data(source);
        data.read || data.write
    }

    /// The Region of the log group of calls, if there is one; `home` is that of global services.
    pub(super) fn region_of_calls<'r>(&'r self, home: &'r str) -> Option<&'r str> {
        let here = self
            .existing
            .map_or(home, |existing| existing.region.as_str());
        let written = self.existing.is_some() || self.writes_down(Source::Cloudtrail);
        (self.has_calls && written).then_some(here)
    }

    pub(super) fn code_bucket(&self, region: &str) -> String {
        let bucket = self.code.map(|code| code.bucket.as_str());
        bucket.unwrap_or_default().replace("{region}", region)
    }

    pub(super) fn code_key(&self) -> String {
        self.code
            .map(|code| code.key.to_string())
            .unwrap_or_default()
    }

    /// The topics of a Region.
    pub(super) fn alarm_actions(&self, region: &str) -> Vec<String> {
        let actions = self.alarms.actions.iter();
        actions
            .filter(|(topic, on)| **on && topic.as_str().split(':').nth(3) == Some(region))
            .map(|(topic, _)| topic.to_string())
            .collect()
    }
}
