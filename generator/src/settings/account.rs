//! What an account of AWS has once for all of its clusters.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AwsTagKey, AwsTagValue, ForwarderCode, LOG_RETENTION_DAYS, LogGroupName, MetricFilter, Name,
    Region, ServicePrincipal,
};

/// What an account has once for all of its clusters that leave
/// `sources.aws.account_stack` on: `_accounts/<account>/<Region>/stack.json`.
/// Only `clusters/fleet.yaml` can say it, so that no two clusters disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// The trail of calls of AWS's API, of all Regions.
    pub calls: AccountCalls,
    /// Which requests at tables are written down.
    /// By default those of `sources.aws.dynamodb.data_events` in `clusters/fleet.yaml`.
    pub tables: AccountDataEvents,
    /// Which requests at buckets are written down, for clusters with `sources.aws.s3.method: data_events`.
    /// By default those of `sources.aws.s3.data_events` in `clusters/fleet.yaml`.
    pub buckets: AccountDataEvents,
    /// Days that the trails' buckets keep their files.
    /// By default those of `sources.aws.cloudtrail.expiry_days` in `clusters/fleet.yaml`.
    #[schemars(range(min = 1, max = 36_500))]
    pub expiry_days: Option<u16>,
    /// Days that the account's log groups keep an event: one of the numbers that AWS allows. What is
    /// no cluster's is there only.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub retention_days: u16,
    /// Tags of every object of the account's stack, key and value. They come on top of those of `aws.tags` in
    /// `clusters/fleet.yaml`.
    pub tags: BTreeMap<AwsTagKey, AwsTagValue>,
    /// Where the distributor's program is, which is the forwarder's.
    /// By default that of `sources.aws.forwarder.code` in `clusters/fleet.yaml`.
    pub code: Option<ForwarderCode>,
}

/// The account's trail of calls of AWS's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountCalls {
    /// Whether there is one.
    pub enabled: bool,
    /// The log group of the account that another trail writes to already, such
    /// as one of the organisation; the account's stack makes no trail of calls then.
    pub existing_log_group: Option<ExistingLogGroup>,
    /// Calls that read, for a trail that the stack makes.
    /// By default what `sources.aws.cloudtrail.read` says in `clusters/fleet.yaml`.
    pub read: Option<bool>,
    /// Calls that write, for a trail that the stack makes.
    /// By default what `sources.aws.cloudtrail.write` says in `clusters/fleet.yaml`.
    pub write: Option<bool>,
    /// Services whose calls are left out, `true` each, for a trail that the stack makes. They
    /// come on top of those of `sources.aws.cloudtrail.exclude` in `clusters/fleet.yaml`.
    pub exclude: BTreeMap<ServicePrincipal, bool>,
    /// Counts of events of the whole account.
    pub metric_filters: BTreeMap<Name, MetricFilter>,
}

/// A log group of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExistingLogGroup {
    /// Its name.
    pub name: LogGroupName,
    /// Its Region.
    pub region: Region,
}

/// Which requests at data the account's trail writes down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountDataEvents {
    /// Those that read.
    pub read: Option<bool>,
    /// Those that write.
    pub write: Option<bool>,
}
