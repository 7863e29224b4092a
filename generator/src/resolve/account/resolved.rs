//! What an account has once in a Region. Templates below `_accounts/` see
//! [`AccountStack`] under the names of its fields.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::{AccountConfiguration, Source};
use serde::Serialize;

use super::super::aws::resolved::{Alarm, CallingLogGroups, DataTrail, RegionMetricFilter, Trail};
use super::super::name::AwsName;
use crate::settings::Forwarder;

/// What an account has once in a Region, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountStack {
    /// The account.
    pub account: AccountIdentity,
    /// Its partition.
    pub aws: AccountPartition,
    /// The stack.
    pub region: AccountRegion,
    /// What members of all its clusters get together.
    pub members: Option<AccountMembers>,
    /// The names that are given there.
    #[serde(skip)]
    pub(in crate::resolve) names: BTreeSet<AwsName>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountIdentity {
    /// Its twelve digits.
    pub id: String,
    /// Tags of every object of its stack.
    pub tags: BTreeMap<String, String>,
}

/// The partition of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountPartition {
    /// The partition, the second part of every ARN.
    pub partition: &'static str,
    /// How the hosts of AWS's services end, such as `amazonaws.com`.
    pub dns_suffix: &'static str,
}

/// The account's stack in one Region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountRegion {
    /// The Region.
    pub name: String,
    /// The stack.
    pub stack: String,
    /// The trail of calls, if it is of this Region, and what the trails of members need.
    pub trail: Option<Trail>,
    /// The log groups that the distributor is subscribed to.
    pub log_groups: Vec<AccountLogGroup>,
    /// The distributor.
    pub distributor: ResolvedDistributor,
    /// Counts of log events.
    pub metric_filters: Vec<RegionMetricFilter>,
    /// Alarms.
    pub alarms: Vec<Alarm>,
    /// The topics that alarms of this Region tell.
    pub alarm_actions: Vec<String>,
}

/// A log group of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountLogGroup {
    /// What comes through it.
    pub source: Source,
    /// Part of its logical id.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Days that it keeps an event.
    pub retention_days: u16,
    /// Whether the stack makes it.
    pub declared: bool,
}

/// The function that hands each cluster its part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedDistributor {
    /// What is set of it; templates see each setting.
    #[serde(flatten)]
    pub settings: Forwarder,
    /// The function.
    pub function: String,
    /// Its ARN.
    pub arn: String,
    /// Its role.
    pub role: String,
    /// Its log group, which nobody is subscribed to.
    pub log_group: String,
    /// ARN of it.
    pub log_group_arn: String,
    /// The bucket of its program, in this Region.
    pub code_bucket: String,
    /// The object.
    pub code_key: String,
    /// The bucket of calls that were given up.
    pub failed_bucket: String,
    /// ARN of it.
    pub failed_bucket_arn: String,
    /// Days that they are kept.
    pub failed_days: u16,
    /// What it is reported, in its environment.
    pub configuration: AccountConfiguration,
    /// The parameters that it reads clusters from.
    pub registry_arns: Vec<String>,
    /// The clusters' resource groups, with `*`.
    pub resource_groups_arn: String,
    /// The clusters' log groups that it writes to, with `*`.
    pub target_arns: Vec<String>,
    /// Log groups that call it.
    pub called_by: Vec<CallingLogGroups>,
}

/// What members of all clusters of an account get together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountMembers {
    /// The Region of their stack.
    pub region: String,
    /// The account's own buckets, which are never logged.
    pub own_buckets: Vec<String>,
    /// The trail of requests at tables.
    pub tables: Option<DataTrail>,
    /// The trail of requests at buckets.
    pub buckets: Option<DataTrail>,
}
