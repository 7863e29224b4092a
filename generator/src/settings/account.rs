//! What an AWS account has once for all of its clusters.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AwsTagKey, AwsTagValue, ForwarderCode, LOG_RETENTION_DAYS, LogGroupName, MetricFilter, Name,
    Region, ServicePrincipal,
};

/// What an AWS account has once for all clusters that leave `sources.aws.account_stack` on:
/// `_accounts/<account>/<Region>/stack.json`. Can only be set in `clusters/fleet.yaml`, so that clusters can't
/// contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// The trail of AWS API calls in all Regions.
    pub calls: AccountCalls,
    /// Which requests to tables are recorded. By default as `sources.aws.dynamodb.data_events` in
    /// `clusters/fleet.yaml`.
    pub tables: AccountDataEvents,
    /// Which requests to buckets are recorded, for clusters with `sources.aws.s3.method: data_events`. By default as
    /// `sources.aws.s3.data_events` in `clusters/fleet.yaml`.
    pub buckets: AccountDataEvents,
    /// Days that the trails' buckets keep files. By default as `sources.aws.cloudtrail.expiry_days` in
    /// `clusters/fleet.yaml`.
    #[schemars(range(min = 1, max = 36_500))]
    pub expiry_days: Option<u16>,
    /// Days that the account's log groups keep events: one of the numbers that AWS allows. Events that belong to no
    /// cluster are only kept there.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub retention_days: u16,
    /// Tags of everything in the account's stack: keys and values, in addition to `aws.tags` in `clusters/fleet.yaml`.
    pub tags: BTreeMap<AwsTagKey, AwsTagValue>,
    /// Where the distributor's program is; it is the same program as the forwarder. By default as
    /// `sources.aws.forwarder.code` in `clusters/fleet.yaml`.
    pub code: Option<ForwarderCode>,
}

/// The account's trail of AWS API calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountCalls {
    /// Whether the account has a trail of calls.
    pub enabled: bool,
    /// A log group of the account that another trail already writes to, such as the organisation's. The account's stack
    /// then creates no trail of calls.
    pub existing_log_group: Option<ExistingLogGroup>,
    /// Calls that read, for a trail that the stack creates. By default as `sources.aws.cloudtrail.read` in
    /// `clusters/fleet.yaml`.
    pub read: Option<bool>,
    /// Calls that write, for a trail that the stack creates. By default as `sources.aws.cloudtrail.write` in
    /// `clusters/fleet.yaml`.
    pub write: Option<bool>,
    /// Services whose calls are left out, `true` for each, for a trail that the stack creates; in addition to
    /// `sources.aws.cloudtrail.exclude` in `clusters/fleet.yaml`.
    pub exclude: BTreeMap<ServicePrincipal, bool>,
    /// Metric filters for events of the whole account.
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

/// Which data requests the account's trail records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountDataEvents {
    /// Requests that read.
    pub read: Option<bool>,
    /// Requests that write.
    pub write: Option<bool>,
}
