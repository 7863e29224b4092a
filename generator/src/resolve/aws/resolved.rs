//! What the settings of AWS mean. Templates see it as `aws`, and the stack of
//! one Region as `region`, under the names of these fields.

use std::collections::BTreeMap;

use logfleet_contract::account::Registration;
use logfleet_contract::forwarder::{Configuration, ScheduleInput};
use serde::Serialize;
use serde_json::Value;

use super::super::account::AccountShare;
use super::super::{LogGroup, ResolvedArchive};
use super::tags::TagFilter;
use crate::settings::{Forwarder, Traffic};

/// What a cluster has in AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResolvedAws {
    /// The partition, the second part of every ARN.
    pub partition: &'static str,
    /// How the hosts of AWS's services end, such as `amazonaws.com`.
    pub dns_suffix: &'static str,
    /// Tags of every object that is made.
    pub tags: BTreeMap<String, String>,
    /// The stacks, one for each Region that needs one; the cluster's own Region first.
    pub regions: Vec<AwsRegion>,
    /// What hangs on members of the resource group.
    pub members: Option<Members>,
    /// What is collected, for the list of sources.
    pub sources: Vec<AwsSource>,
    /// What is shared with other clusters of the account; none if nothing is.
    pub share: Option<AccountShare>,
}

/// A source that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AwsSource {
    /// Its id, such as `aws.vpc`.
    pub source: String,
    /// The stream it feeds.
    pub stream: String,
    /// The log groups that it comes through, as Region and name.
    pub log_groups: Vec<(String, String)>,
    /// What else is read, in words.
    pub reads: Vec<String>,
    /// The objects of AWS that ship it, in words.
    pub objects: Vec<String>,
    /// The rendered files.
    pub files: Vec<String>,
    /// Whether its measurements are collected.
    pub metrics: bool,
    /// What of it isn't collected though nobody switched it off, each with the reason, in a sentence without its end.
    pub gaps: Vec<String>,
}

/// The stack of one Region.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AwsRegion {
    /// The Region.
    pub name: String,
    /// The stack.
    pub stack: String,
    /// The cluster's objects of this Region.
    pub resource_group: Option<ResourceGroupOfRegion>,
    /// Log groups that it makes, or is subscribed to.
    pub log_groups: Vec<AwsLogGroup>,
    /// Events of machines and volumes.
    pub event_rules: Vec<EventRule>,
    /// Where logs of load balancers and buckets are delivered.
    pub deliveries: Vec<DeliveryDestination>,
    /// The cluster's own trail, and what the trails of members need.
    pub trail: Option<Trail>,
    /// The role of flow logs.
    pub flow_logs: Option<FlowLogRole>,
    /// Queries of machines.
    pub resolver: Option<ResolverQueryLog>,
    /// The bucket that Classic Load Balancers write to.
    pub classic: Option<ClassicBucket>,
    /// Archives.
    pub archives: Vec<ArchiveBucket>,
    /// Firehoses into archives.
    pub firehoses: Vec<Firehose>,
    /// What Firehoses of this Region have in common.
    pub firehose_log_group: Option<String>,
    /// The role that hands log events to Firehoses and Kinesis data streams.
    pub subscription_role: Option<SubscriptionRole>,
    /// Functions of the user's that log groups call.
    pub called_functions: Vec<CalledFunction>,
    /// Firehoses that send to endpoints of HTTP.
    pub http_firehoses: Vec<HttpFirehose>,
    /// The bucket with what endpoints of HTTP didn't take.
    pub http_backup: Option<HttpBackup>,
    /// The forwarder.
    pub forwarder: Option<RegionForwarder>,
    /// The role of the pods, if the stack makes it.
    pub pods: Option<PodsRole>,
    /// What registers the cluster with its account.
    pub registration: Option<RegionRegistration>,
    /// Counts of log events.
    pub metric_filters: Vec<RegionMetricFilter>,
    /// Alarms.
    pub alarms: Vec<Alarm>,
    /// The topics that alarms of this Region tell.
    pub alarm_actions: Vec<String>,
    /// The dashboard.
    pub dashboard: Option<Dashboard>,
}

/// The cluster's objects of a Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceGroupOfRegion {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The tags that a member has.
    pub tags: Vec<TagFilter>,
}

/// A log group, with what AWS's services need to write to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AwsLogGroup {
    /// The log group.
    #[serde(flatten)]
    pub group: LogGroup,
    /// Its ARN.
    pub arn: String,
    /// The source, such as `aws.vpc`; none for what shippers write.
    pub source: Option<String>,
    /// Who writes it by the log group's policy.
    pub written_by: Option<WriterService>,
}

/// A service that writes a log group by its policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriterService {
    /// What makes it write.
    pub kind: WriterKind,
    /// The service principal.
    pub principal: &'static str,
    /// For what it may: the ARN, with `*`.
    pub source_arn: String,
}

/// What makes a service write a log group by its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WriterKind {
    /// A rule of EventBridge, `events`.
    Events,
    /// A delivery of members' logs, `delivery`.
    Delivery,
    /// A query log of Route 53's resolver, `resolver`.
    Resolver,
    /// Query logging of Route 53's public zones, `route53`.
    Route53,
}

/// A rule of EventBridge that writes events to a log group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventRule {
    /// Part of its logical id: the source's, such as `Ec2`.
    pub logical_id: String,
    /// The key of its source, such as `ec2`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The log group's logical id.
    pub log_group: String,
    /// The log group's ARN.
    pub log_group_arn: String,
    /// Patterns of names of roles, for `iam`.
    pub roles: Vec<String>,
    /// Patterns of ARNs of roles, for `iam`.
    pub role_arns: Vec<String>,
    /// Whether calls that only read count, for `iam`.
    pub read_only_events: bool,
}

/// Where logs of a source's members are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryDestination {
    /// Part of its logical id.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The log group's logical id.
    pub log_group: String,
    /// The log group's ARN.
    pub log_group_arn: String,
}

/// The cluster's own trail, and what all its trails need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trail {
    /// The trail of calls; none if it is somebody else's.
    pub own: Option<OwnTrail>,
    /// The bucket of all trails.
    pub bucket: String,
    /// Days that it keeps files.
    pub expiry_days: u16,
    /// The role that writes to log groups.
    pub role: String,
    /// ARNs of all trails, those of members among them.
    pub trail_arns: Vec<String>,
    /// ARNs of the log groups of all trails.
    pub log_group_arns: Vec<String>,
}

/// The trail of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnTrail {
    /// Its name.
    pub name: String,
    /// The log group's logical id.
    pub log_group: String,
    /// `true` if only calls that read are written down, `false` if only those that write.
    pub read_only: Option<&'static str>,
    /// Services that are left out.
    pub exclude: Vec<String>,
}

/// The role of flow logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowLogRole {
    /// Its name.
    pub role: String,
    /// The log group's ARN.
    pub log_group_arn: String,
    /// What may take it on.
    pub source_arn: String,
}

/// Queries of machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolverQueryLog {
    /// Its name.
    pub name: String,
    /// The log group's logical id.
    pub log_group: String,
    /// The log group's ARN.
    pub log_group_arn: String,
    /// Under which name the members' stack finds its id.
    pub export: String,
}

/// The bucket that Classic Load Balancers write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassicBucket {
    /// Its name.
    pub bucket: String,
    /// What may write to it.
    pub source_arn: String,
    /// Days that it keeps files.
    pub expiry_days: u16,
}

/// An archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchiveBucket {
    /// Part of its logical id.
    pub logical_id: String,
    /// The archive.
    #[serde(flatten)]
    pub archive: ResolvedArchive,
}

/// A Firehose into an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Firehose {
    /// Part of its logical id.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// The stream whose log events it gets.
    pub stream: String,
    /// Its ARN.
    pub arn: String,
    /// Its role.
    pub role: String,
    /// The archive's bucket.
    pub bucket_arn: String,
    /// The archive's logical id, if it is in the same stack.
    pub archive: Option<String>,
    /// Below which its objects lie.
    pub prefix: String,
    /// Below which lies what it could not write there.
    pub error_prefix: String,
}

/// The role that hands log events to Firehoses and Kinesis data streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionRole {
    /// Its name.
    pub role: String,
    /// What may take it on.
    pub source_arn: String,
    /// The Firehoses.
    pub firehose_arns: Vec<String>,
    /// The Kinesis data streams.
    pub kinesis_arns: Vec<String>,
}

/// A function of the user's that a log group calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CalledFunction {
    /// Part of its logical id: that of the log group and of the subscription.
    pub logical_id: String,
    /// The function.
    pub arn: String,
    /// The log group, with `:*`.
    pub source_arn: String,
}

/// A Firehose that sends to an endpoint of HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpFirehose {
    /// Part of its logical id.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its role.
    pub role: String,
    /// Below which lies what the endpoint didn't take; also its log stream.
    pub prefix: String,
    /// The endpoint's key in the settings.
    pub endpoint: String,
    /// Its address.
    pub url: String,
    /// The secret with its key.
    pub secret_arn: String,
    /// Seconds that it tries again.
    pub retry_seconds: u16,
    /// Most seconds that events are gathered.
    pub buffer_seconds: u16,
    /// Most mebibytes that are gathered.
    pub buffer_mebibytes: u8,
}

/// The bucket with what endpoints of HTTP didn't take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpBackup {
    /// Its name.
    pub bucket: String,
    /// Its ARN.
    pub arn: String,
    /// Days that it keeps objects.
    pub expiry_days: u16,
}

/// The forwarder in one Region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegionForwarder {
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
    /// The network that it runs in, if that is one of the user's.
    pub network: Option<RegionNetwork>,
    /// What no destination took: what is sent again, what was refused for good, and calls that were given up.
    pub dead_letter_bucket: String,
    /// Days that what was refused is kept.
    pub dead_letter_days: u16,
    /// What it is told about the cluster.
    pub configuration: Configuration,
    /// The same as its environment has it: packed where there is no room otherwise.
    pub environment: String,
    /// Log groups that call it: ARNs with `*`, one for all of the cluster's own.
    pub called_by_log_groups: Vec<CallingLogGroups>,
    /// Log groups whose tags it reads: ARNs, with `*` for all of the cluster's own; none if it reads no tags.
    pub tagged_log_groups: Vec<String>,
    /// What calls it by the clock.
    pub schedules: Vec<Schedule>,
    /// Secrets that it reads.
    pub secrets: Vec<String>,
    /// Domains of Amazon OpenSearch Service that it writes to.
    pub domains: Vec<String>,
    /// Whether it asks for measurements.
    pub reads_metrics: bool,
    /// Machines whose console it reads: ARN with `*`.
    pub reads_consoles: Option<String>,
    /// Whether it asks for the status of machines.
    pub reads_status: bool,
}

/// A network that the forwarder runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionNetwork {
    /// Subnets.
    pub subnets: Vec<String>,
    /// Security groups.
    pub security_groups: Vec<String>,
    /// Everything of EC2 in the account: Lambda allows no less for the interfaces that it makes.
    pub interfaces_arn: String,
}

/// Log groups that call the forwarder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallingLogGroups {
    /// Part of the logical id.
    pub logical_id: String,
    /// The ARN, with `*`.
    pub arn: String,
}

/// What calls the forwarder by the clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Schedule {
    /// Part of its logical id.
    pub logical_id: String,
    /// The rule's name.
    pub name: String,
    /// The rule's ARN.
    pub arn: String,
    /// How often, such as `rate(5 minutes)`.
    pub rate: String,
    /// What for.
    pub description: String,
    /// What the forwarder is handed.
    pub input: ScheduleInput,
}

/// What registers a cluster with its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionRegistration {
    /// The parameter.
    pub name: String,
    /// What the account's distributors know of the cluster.
    pub value: Registration,
}

/// The role of the pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PodsRole {
    /// Its name.
    pub role: String,
    /// The provider that vouches for the pods.
    pub provider_arn: String,
    /// The provider, as its conditions name it.
    pub provider: String,
    /// The service accounts, as the provider names them.
    pub service_accounts: Vec<String>,
    /// Log groups that the pods write to.
    pub log_group_arns: Vec<String>,
    /// All log groups of each Region that they write to, which they list.
    pub listed_log_groups: Vec<String>,
    /// Objects that the pods write.
    pub objects: Vec<String>,
    /// What answers bulk requests at the domains of Amazon OpenSearch Service that the pods write to.
    pub bulk: Vec<String>,
    /// What answers at `/` of those that Logstash writes to, which looks whether they are there.
    pub roots: Vec<String>,
}

/// Counts log events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RegionMetricFilter {
    /// Part of its logical id.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// The log group.
    pub log_group: String,
    /// The log group's logical id, if the stack makes it.
    pub depends_on: Option<String>,
    /// Whether a member makes the log group, so that the members' stack makes this.
    pub of_member: bool,
    /// Which events, to the byte.
    pub pattern: String,
    /// The metric's namespace.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// What an event adds.
    pub value: String,
    /// What is counted where none matches.
    pub default_value: Option<u32>,
    /// Dimensions: name and field.
    pub dimensions: Vec<(String, String)>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Part of its logical id.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// What it measures.
    pub measure: Measure,
    /// From how much on it rings.
    pub threshold: u32,
    /// Minutes in a row that it must be so.
    pub periods: u8,
}

/// What an alarm measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Measure {
    /// One metric.
    Metric {
        /// Its namespace.
        namespace: String,
        /// Its name.
        metric: String,
        /// Its dimensions: name and value.
        dimensions: Vec<(String, String)>,
        /// `Sum` or `Maximum`.
        statistic: &'static str,
    },
    /// A query of Metrics Insights.
    Query {
        /// The query.
        expression: String,
    },
}

/// The dashboard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dashboard {
    /// Its name.
    pub name: String,
    /// What it shows: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>.
    pub body: Value,
}

/// What hangs on members of the resource group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Members {
    /// The Region of the members' stack.
    pub region: String,
    /// Own buckets, which are never logged: that would go round in circles.
    pub own_buckets: Vec<String>,
    /// Networks.
    pub vpc: Option<VpcMembers>,
    /// Application Load Balancers.
    pub application_load_balancer: Option<DeliveredMembers>,
    /// Network Load Balancers.
    pub network_load_balancer: Option<DeliveredMembers>,
    /// Classic Load Balancers.
    pub classic_load_balancer: Option<ClassicMembers>,
    /// Buckets, whose access logs are delivered.
    pub bucket: Option<DeliveredMembers>,
    /// Buckets, whose requests a trail writes down.
    pub bucket_trail: Option<DataTrail>,
    /// Tables.
    pub table_trail: Option<DataTrail>,
    /// Whether the account's trail of requests at buckets gets the buckets.
    pub joins_buckets: bool,
    /// Whether the account's trail of requests at tables gets the tables.
    pub joins_tables: bool,
    /// Whether DynamoDB counts keys.
    pub contributor_insights: bool,
    /// Public zones.
    pub hosted_zone: Option<ZoneMembers>,
    /// The cluster as EKS knows it.
    pub eks: Option<EksMember>,
}

/// Networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VpcMembers {
    /// Their flow logs.
    pub flow_log: Option<FlowLog>,
    /// Where their resolver query log's id is exported.
    pub resolver_export: Option<String>,
}

/// A flow log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowLog {
    /// Which connections.
    pub traffic: Traffic,
    /// Seconds over which packets are put together.
    pub aggregation_seconds: u16,
    /// The log group.
    pub log_group: String,
    /// The role.
    pub role_arn: String,
    /// The fields of a record, as AWS writes them; AWS's own choice without.
    pub format: Option<String>,
    /// Tags that are put into records.
    pub tag_fields: Vec<TagFields>,
}

/// Tags that are put into records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagFields {
    /// Whose.
    pub resource: &'static str,
    /// Their keys.
    pub keys: Vec<String>,
}

/// Members whose logs are delivered to a log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveredMembers {
    /// Where to.
    pub destination_arn: String,
    /// The kinds of logs.
    pub logs: Vec<DeliveredLog>,
}

/// A kind of log that is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveredLog {
    /// Part of the logical ids.
    pub logical_id: &'static str,
    /// The type, such as `ALB_ACCESS_LOGS`.
    pub log_type: &'static str,
    /// The source's name, with `${member.hash}` in it.
    pub source_name: String,
}

/// Classic Load Balancers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassicMembers {
    /// The bucket they write to.
    pub bucket: String,
    /// Minutes between two files.
    pub minutes: u8,
}

/// A trail of requests at members' data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataTrail {
    /// Its name.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// The role that writes to the log group.
    pub role_arn: String,
    /// The log group's ARN.
    pub log_group_arn: String,
    /// `true` if only requests that read are written down, `false` if only those that write.
    pub read_only: Option<&'static str>,
}

/// Public zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneMembers {
    /// The log group's ARN.
    pub log_group_arn: String,
}

/// The cluster as EKS knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EksMember {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The kinds of logs that are on.
    pub on: Vec<&'static str>,
    /// Those that are off.
    pub off: Vec<&'static str>,
    /// The log group, which EKS makes.
    pub log_group: String,
    /// Days that it is to keep an event.
    pub retention_days: u16,
    /// Who gets a copy of its events.
    pub subscriptions: Vec<MemberSubscription>,
    /// Counts of its events.
    pub metric_filters: Vec<RegionMetricFilter>,
}

/// A subscription of a log group that a member makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberSubscription {
    /// Part of its logical id.
    pub logical_id: String,
    /// The filter's name.
    pub name: String,
    /// Which events, to the byte.
    pub pattern: String,
    /// Where to.
    pub destination_arn: String,
    /// The role that hands events over, for a Firehose.
    pub role_arn: Option<String>,
}
