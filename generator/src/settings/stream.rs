//! The data streams that logs end in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CopyDestinationArn, DataStreamPart, FieldLabel, FieldName, FilterPattern, HttpsUrl, LabelKey,
    LifeCycle, LogStreamPattern, LogsDestinationArn, MetricFilter, Name, Retention, RoleArn,
    SecretArn,
};

/// One data stream, its buffers on the way and its life at the destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// What it holds, for whoever reads the list.
    #[schemars(length(max = 200))]
    pub description: Option<String>,
    /// Middle part of the data stream's name; by default `kubernetes.<stream>`.
    pub dataset: Option<DataStreamPart>,
    /// Whether nothing feeds it any more, and what it holds is kept until its retention ends: its data stream, index template,
    /// life cycle, log group and archive stay, and its readers; no writer may write to it.
    pub retired: bool,
    /// The destinations it goes to, `true` each. Where neither the stream nor
    /// `stream_defaults` names one: every Elasticsearch and OpenSearch. Layers add to this map, and `false` takes one out; lists
    /// elsewhere replace. `gen sources` shows what comes of it.
    pub destinations: BTreeMap<Name, bool>,
    /// Days that a record is kept at least: its index is deleted so long after it was rolled over. With `never`
    /// no index is deleted, until somebody does it by hand.
    pub retention_days: Retention,
    /// When a new backing index begins.
    pub rollover: Rollover,
    /// Merges an index to one segment after its rollover: less room, more work once.
    pub force_merge: bool,
    /// What becomes of an index between its rollover and its end.
    pub life_cycle: LifeCycle,
    /// Primary shards.
    #[schemars(range(min = 1, max = 100))]
    pub shards: u8,
    /// Copies of each shard.
    #[schemars(range(max = 5))]
    pub replicas: u8,
    /// Seconds until a new record is found.
    #[schemars(range(min = 1, max = 300))]
    pub refresh_interval_seconds: u16,
    /// How indices are compressed.
    pub codec: Codec,
    /// How fields are mapped.
    pub mapping: Mapping,
    /// What waits on the node until a destination takes it.
    pub buffer: Buffer,
    /// Its log groups in CloudWatch, if it has any: those of a destination, and those that logs of AWS come through.
    pub cloudwatch: StreamInCloudwatch,
    /// What every record of it gets as `labels.<key>`, such as `labels.team`, and can be searched by. A record that has the
    /// field already, by `enrich` for example, keeps its own.
    pub labels: BTreeMap<LabelKey, FieldLabel>,
}

/// A stream's log groups in CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamInCloudwatch {
    /// Days that a log group keeps an event: one of the numbers that AWS allows.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub retention_days: u16,
    /// The log streams whose events the forwarder brings on.
    pub log_streams: LogStreams,
    /// Who gets a copy of the log groups' events. AWS allows two at a time.
    pub subscriptions: Subscriptions,
    /// Counts of events, in each of the log groups.
    pub metric_filters: BTreeMap<Name, MetricFilter>,
}

/// Log streams by their names. CloudWatch's own patterns choose events by what they say, and know nothing of
/// log streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogStreams {
    /// Only these, `true` each; all by default.
    pub include: BTreeMap<LogStreamPattern, bool>,
    /// None of these, `true` each.
    pub exclude: BTreeMap<LogStreamPattern, bool>,
}

/// The days that CloudWatch Logs can keep events:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>.
pub const LOG_RETENTION_DAYS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Who gets a copy of a log group's events. Each has a filter of its own, so
/// to move from one to another without a gap, switch the new one on before the
/// old one off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriptions {
    /// The cluster's forwarder, which writes to the stream's Elasticsearch and OpenSearch.
    pub function: Subscription,
    /// A Firehose that writes to the stream's archive.
    pub firehose: Subscription,
    /// A destination of CloudWatch Logs, usually another account's.
    pub account: AccountSubscription,
    /// What is yours: a function, a Kinesis data stream, a Firehose, or an endpoint of HTTP.
    pub own: BTreeMap<Name, OwnSubscription>,
}

/// A copy of a log group's events for something of yours: `destination_arn`, or
/// `http_endpoint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnSubscription {
    /// A function of Lambda, a Kinesis data stream or a Firehose. It gets the events of log groups
    /// of its own account and Region; for another account's there is `account`.
    pub destination_arn: Option<CopyDestinationArn>,
    /// The role that hands events to a Kinesis data stream or a Firehose; by default the stack makes one.
    pub role_arn: Option<RoleArn>,
    /// An endpoint of HTTP that a Firehose of the stack sends to.
    pub http_endpoint: Option<HttpEndpoint>,
    /// Which events, to the byte; every one by default.
    #[serde(default = "every_event")]
    pub pattern: FilterPattern,
}

fn every_event() -> FilterPattern {
    FilterPattern(String::new())
}

/// An endpoint that understands what a Firehose sends:
/// <https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpEndpoint {
    /// Its address.
    pub url: HttpsUrl,
    /// The secret with its key, as JSON: `{"api_key": "…"}`. Firehose reads it in its own Region, so only log groups of
    /// that Region get to the endpoint.
    pub secret_arn: SecretArn,
    /// Seconds that a Firehose tries again; then what wasn't taken is kept in a bucket.
    #[serde(default = "five_minutes")]
    #[schemars(range(max = 7200))]
    pub retry_seconds: u16,
    /// Most seconds that events are gathered.
    #[serde(default = "one_minute")]
    #[schemars(range(max = 900))]
    pub buffer_seconds: u16,
    /// Most mebibytes that are gathered.
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
    /// Whether it is on. Without it: where logs of AWS need it to get to where the stream goes.
    pub enabled: Option<bool>,
    /// Which events, to the byte; every one by default. See
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>.
    pub pattern: FilterPattern,
}

/// A copy of a log group's events for a destination of CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSubscription {
    /// Whether it is on.
    pub enabled: bool,
    /// The destination, whose access policy must let this account in.
    pub destination_arn: Option<LogsDestinationArn>,
    /// Which events, to the byte; every one by default.
    pub pattern: FilterPattern,
}

/// When a new backing index begins: at whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollover {
    /// Days since it began. Without it: 1 where records are kept for up to 14 days, 7 for up to 90 days, 30 for longer or for good.
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
    /// Fast.
    Default,
    /// Small.
    BestCompression,
}

/// How fields are mapped. Nothing is ever mapped by itself, so no program can
/// make the mapping explode: an unknown field is kept in the record, but not
/// searchable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Most fields of the mapping.
    #[schemars(range(min = 100, max = 10_000))]
    pub total_fields_limit: u32,
    /// Longest text that is still searchable as a whole.
    #[schemars(range(min = 64, max = 8191))]
    pub ignore_above: u16,
    /// Fields beside the built-in ones that are searchable.
    pub fields: BTreeMap<FieldName, FieldType>,
}

/// The type of a field. There is no boolean: OpenSearch can't be told to keep
/// a record whose boolean is malformed, and a keyword serves as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A word that is found as a whole.
    Keyword,
    /// Text whose words are found.
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

/// What waits on the node until a destination takes it, per destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Size of a chunk, in mebibytes. A chunk for a server is one request, and as JSON it may grow to twice
    /// its size: at most half of `bulk_size_mebibytes`, which it also is by default; 8 for CloudWatch.
    #[schemars(range(min = 1, max = 64))]
    pub chunk_mebibytes: Option<u16>,
    /// Size of all chunks, in mebibytes.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub total_mebibytes: u32,
    /// Seconds until a chunk is sent, full or not.
    #[schemars(range(min = 1, max = 300))]
    pub flush_interval_seconds: u16,
    /// Chunks that are sent at a time.
    #[schemars(range(min = 1, max = 16))]
    pub flush_threads: u8,
    /// What happens when it is full.
    pub when_full: WhenFull,
    /// Longest wait between tries, in seconds. Tries go on for ever, unless the destination's `give_up_after_minutes` says otherwise.
    #[schemars(range(min = 1, max = 600))]
    pub retry_max_interval_seconds: u16,
    /// Whether chunks are compressed on the node's disk.
    pub compress: bool,
}

/// What happens when a buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Nothing more is read until there is room: nothing is lost while the files are there.
    Block,
    /// The oldest chunk is thrown away: reading goes on, logs are lost.
    DropOldest,
}
