//! The data streams that logs are written to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CopyDestinationArn, DataStreamPart, FieldLabel, FieldName, FilterPattern, HttpsUrl, LabelKey,
    LifeCycle, LogStreamPattern, LogsDestinationArn, MetricFilter, Name, Retention, RoleArn,
    SecretArn,
};

/// One data stream, its buffers on the nodes and its life cycle at the destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// What it contains, for people who read the list.
    #[schemars(length(max = 200))]
    pub description: Option<String>,
    /// Middle part of the data stream's name; by default `kubernetes.<stream>`.
    pub dataset: Option<DataStreamPart>,
    /// Whether nothing feeds the stream any more. Its data stream, index template, lifecycle policy, log group, archive
    /// and readers are kept until its retention ends; no writer may write to it.
    pub retired: bool,
    /// The destinations that the stream goes to, `true` for each. If neither the stream nor `stream_defaults` sets any:
    /// every Elasticsearch and OpenSearch. Layers add to this map, and `false` takes a destination out, unlike lists,
    /// which replace. `gen sources` shows the result.
    pub destinations: BTreeMap<Name, bool>,
    /// Minimum number of days that a record is kept: its index is deleted that long after its rollover. With `never`,
    /// no index is deleted until someone does so by hand.
    pub retention_days: Retention,
    /// When a new backing index is started.
    pub rollover: Rollover,
    /// Merges an index to one segment after its rollover: uses less space, but takes work once.
    pub force_merge: bool,
    /// What happens to an index between its rollover and its deletion.
    pub life_cycle: LifeCycle,
    /// Primary shards.
    #[schemars(range(min = 1, max = 100))]
    pub shards: u8,
    /// Replicas of each shard.
    #[schemars(range(max = 5))]
    pub replicas: u8,
    /// Seconds until a new record can be found.
    #[schemars(range(min = 1, max = 300))]
    pub refresh_interval_seconds: u16,
    /// How indices are compressed.
    pub codec: Codec,
    /// How fields are mapped.
    pub mapping: Mapping,
    /// What waits on the node until a destination accepts it.
    pub buffer: Buffer,
    /// The stream's log groups in CloudWatch, if it has any: those of a destination, and those of AWS logs.
    pub cloudwatch: StreamInCloudwatch,
    /// Fields that every record gets as `labels.<key>`, such as `labels.team`, searchable as keywords. If a record
    /// already has the field, from `enrich` for example, it keeps its own value.
    pub labels: BTreeMap<LabelKey, FieldLabel>,
}

/// A stream's log groups in CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamInCloudwatch {
    /// Days that a log group keeps events: one of the numbers that AWS allows.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub retention_days: u16,
    /// The log streams whose events the forwarder ships.
    pub log_streams: LogStreams,
    /// Who gets a copy of the log groups' events. AWS allows two subscriptions at a time.
    pub subscriptions: Subscriptions,
    /// Metric filters in each of the log groups.
    pub metric_filters: BTreeMap<Name, MetricFilter>,
}

/// Log streams by name. CloudWatch's own filter patterns select events by content, and can't select log streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogStreams {
    /// Only these, `true` for each; all by default.
    pub include: BTreeMap<LogStreamPattern, bool>,
    /// All except these, `true` for each.
    pub exclude: BTreeMap<LogStreamPattern, bool>,
}

/// The days that CloudWatch Logs can keep events:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>.
pub const LOG_RETENTION_DAYS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Who gets a copy of a log group's events. Each subscription has its own filter, so to move from one to another
/// without a gap, switch the new one on before the old one off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriptions {
    /// The cluster's forwarder, which writes to the stream's Elasticsearch and OpenSearch.
    pub function: Subscription,
    /// A Firehose that writes to the stream's archive.
    pub firehose: Subscription,
    /// A CloudWatch Logs destination, usually in another account.
    pub account: AccountSubscription,
    /// Something of yours: a function, a Kinesis data stream, a Firehose, or an HTTP endpoint.
    pub own: BTreeMap<Name, OwnSubscription>,
}

/// A copy of a log group's events for something of yours: `destination_arn` or `http_endpoint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnSubscription {
    /// A Lambda function, a Kinesis data stream or a Firehose. It gets events of log groups in its own account and
    /// Region; for another account, use `account`.
    pub destination_arn: Option<CopyDestinationArn>,
    /// The role that CloudWatch Logs uses to write to a Kinesis data stream or a Firehose; by default the stack creates
    /// one.
    pub role_arn: Option<RoleArn>,
    /// An HTTP endpoint that a Firehose in the stack sends to.
    pub http_endpoint: Option<HttpEndpoint>,
    /// The filter pattern, rendered byte for byte; every event by default.
    #[serde(default = "every_event")]
    pub pattern: FilterPattern,
}

fn every_event() -> FilterPattern {
    FilterPattern(String::new())
}

/// An endpoint that implements Firehose's protocol:
/// <https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpEndpoint {
    /// Its URL.
    pub url: HttpsUrl,
    /// The secret with its key, as JSON: `{"api_key": "…"}`. Firehose reads it in its own Region, so only log groups of
    /// that Region are sent to the endpoint.
    pub secret_arn: SecretArn,
    /// Seconds that the Firehose retries; after that, records are kept in a bucket.
    #[serde(default = "five_minutes")]
    #[schemars(range(max = 7200))]
    pub retry_seconds: u16,
    /// Most seconds that events are collected before they are sent.
    #[serde(default = "one_minute")]
    #[schemars(range(max = 900))]
    pub buffer_seconds: u16,
    /// Most mebibytes that are collected before they are sent.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(min = 1, max = 64))]
    pub buffer_mebibytes: u8,
}

fn five_minutes() -> u16 {
    300
}

fn one_minute() -> u16 {
    60
}

fn one_mebibyte() -> u8 {
    1
}

/// A copy of a log group's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Whether it is on. By default where AWS logs need it to reach the stream's destinations.
    pub enabled: Option<bool>,
    /// The filter pattern, rendered byte for byte; every event by default. See
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>.
    pub pattern: FilterPattern,
}

/// A copy of a log group's events for a CloudWatch Logs destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSubscription {
    /// Whether it is on.
    pub enabled: bool,
    /// The destination; its access policy must allow this account.
    pub destination_arn: Option<LogsDestinationArn>,
    /// The filter pattern, rendered byte for byte; every event by default.
    pub pattern: FilterPattern,
}

/// When a new backing index is started: whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollover {
    /// Age in days. If not set: 1 for a retention of up to 14 days, 7 for up to 90 days, 30 for more or `never`.
    #[schemars(range(min = 1, max = 366))]
    pub max_age_days: Option<u16>,
    /// Size of its primary shards, in gibibytes.
    #[schemars(range(min = 1, max = 200))]
    pub max_primary_shard_gibibytes: u16,
}

/// How an index is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Fast to write and read.
    Default,
    /// Small on disk.
    BestCompression,
}

/// How fields are mapped. Nothing is mapped automatically, so no program can cause a mapping explosion: an unknown
/// field is stored in the record, but isn't searchable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Most fields in the mapping.
    #[schemars(range(min = 100, max = 10_000))]
    pub total_fields_limit: u32,
    /// Longest text that is still searchable as a whole.
    #[schemars(range(min = 64, max = 8191))]
    pub ignore_above: u16,
    /// Searchable fields in addition to the built-in ones.
    pub fields: BTreeMap<FieldName, FieldType>,
}

/// The type of a field. There is no boolean: OpenSearch can't be told to keep a record whose boolean is malformed, and
/// a keyword serves as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text that is found as a whole.
    Keyword,
    /// Text that is found by its words.
    Text,
    /// A whole number.
    Long,
    /// A number.
    Double,
    /// A date.
    Date,
    /// An IP address.
    Ip,
}

/// What waits on the node until a destination accepts it, per destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Size of a chunk, in mebibytes. For a server, a chunk is one request, and can grow to twice its size as JSON: so
    /// it is at most half of `bulk_size_mebibytes`, which is also the default; 8 for CloudWatch.
    #[schemars(range(min = 1, max = 64))]
    pub chunk_mebibytes: Option<u16>,
    /// Size of all chunks together, in mebibytes.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub total_mebibytes: u32,
    /// Seconds until a chunk is sent, even if it isn't full.
    #[schemars(range(min = 1, max = 300))]
    pub flush_interval_seconds: u16,
    /// Chunks that are sent at the same time.
    #[schemars(range(min = 1, max = 16))]
    pub flush_threads: u8,
    /// What happens when the buffer is full.
    pub when_full: WhenFull,
    /// Longest pause between attempts, in seconds. Fluentd retries forever, unless the destination has
    /// `give_up_after_minutes`.
    #[schemars(range(min = 1, max = 600))]
    pub retry_max_interval_seconds: u16,
    /// Whether chunks are compressed on the node's disk.
    pub compress: bool,
}

/// What happens when a buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Fluentd reads nothing more until there is room: nothing is lost as long as the files exist.
    Block,
    /// Fluentd discards the oldest chunk and continues reading: logs are lost.
    DropOldest,
}
