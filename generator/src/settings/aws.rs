//! What is collected of AWS itself, and how it gets from there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AwsClusterName, AwsTagKey, AwsTagValue, CodeBucket, CodeKey, DimensionName, EventField,
    FieldTagKey, FilterPattern, LOG_RETENTION_DAYS, LogGroupName, MetricName, MetricNamespace,
    MetricValue, Name, Region, RoleNamePattern, SecurityGroupId, ServicePrincipal, SubnetId,
    TopicArn,
};

/// What all objects have in common that the rendered stacks make in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsObjects {
    /// Tags of every object that takes some and can change them: key and value. AWS allows 50.
    #[schemars(extend("maxProperties" = 50))]
    pub tags: BTreeMap<AwsTagKey, AwsTagValue>,
}

/// What AWS logs and measures of the cluster. Everything is made by
/// CloudFormation templates: `aws/<Region>/stack.json`, and
/// `aws/members/` for what hangs on single members of the resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// Whether anything of it is collected.
    pub enabled: bool,
    /// What EKS or kops calls the cluster, such as `Prod_Cluster`; by default the name in a tag
    /// `kubernetes.io/cluster/<name>` of `resource_group.tags`, else the cluster's own. The tags of its objects,
    /// the names of its roles and the log group of its control plane follow from it.
    pub cluster_name: Option<AwsClusterName>,
    /// Whether trails are the account's, once for all of its clusters, and its distributor hands
    /// the cluster what is its own. Without it the cluster has trails of its own, of which AWS
    /// allows an account five in a Region.
    pub account_stack: bool,
    /// Which objects of AWS are the cluster's.
    pub resource_group: ResourceGroup,
    /// Machines, as their hypervisor sees them.
    pub ec2: Ec2,
    /// Volumes and snapshots.
    pub ebs: Ebs,
    /// Who used and changed the cluster's roles.
    pub iam: Iam,
    /// Requests at load balancers.
    pub elb: Elb,
    /// Requests at buckets.
    pub s3: S3,
    /// Requests at tables.
    pub dynamodb: Dynamodb,
    /// Queries for names.
    pub route53: Route53,
    /// Connections in the network.
    pub vpc: Vpc,
    /// Calls of AWS's API.
    pub cloudtrail: Cloudtrail,
    /// The control plane of EKS. It is switched on and off, and its stream is
    /// chosen, by `sources.kubernetes.control_plane`.
    pub eks: Eks,
    /// The measurements of all of these.
    pub metrics: Metrics,
    /// The function that brings logs and measurements to Elasticsearch and OpenSearch.
    pub forwarder: Forwarder,
    /// What the forwarder could not bring there.
    pub dead_letters: DeadLetters,
    /// Who is told when logs stop.
    pub alarms: Alarms,
    /// Whether the cluster has a dashboard in CloudWatch.
    pub dashboard: bool,
}

/// Which objects of AWS are the cluster's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroup {
    /// Tags that an object must have: each key with the values of which one
    /// counts, `true` each; no values mean any. By default the tag that
    /// Kubernetes puts on its own: `kubernetes.io/cluster/<cluster_name>`, `owned` or `shared`.
    /// Machines with these tags get the shippers, too, unless `sources.machines.<role>.tags` says which.
    pub tags: BTreeMap<String, BTreeMap<String, bool>>,
}

/// Counts log events that match a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricFilter {
    /// Which events, to the byte. See
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>.
    pub pattern: FilterPattern,
    /// The namespace of the metric; by default `logfleet/<cluster>`, for an account's stack `logfleet/_account`.
    pub namespace: Option<MetricNamespace>,
    /// The metric; by default `<source>_<name>` or `<stream>_<name>`.
    pub metric: Option<MetricName>,
    /// What an event adds: a number, or a field such as `$.bytes`.
    #[serde(default = "one")]
    pub value: MetricValue,
    /// What is counted in a minute in which events come and none matches; without it, nothing.
    pub default_value: Option<u32>,
    /// Dimensions of the metric, each from a field of the event: at most three, and no `default_value` beside them.
    /// Each value of a field is a metric that costs, so no ids.
    #[serde(default)]
    pub dimensions: BTreeMap<DimensionName, EventField>,
    /// Rings the alarms' actions where five minutes add up to this much; never without.
    #[schemars(range(min = 1))]
    pub alarm_at: Option<u32>,
}

fn one() -> MetricValue {
    MetricValue("1".to_owned())
}

/// Makes a source's settings: its own between those that every source has.
macro_rules! source {
    ($(#[$of_type:meta])* pub struct $name:ident { $($own:tt)* } $(with $metrics:ident)?) => {
        $(#[$of_type])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Whether it is collected.
            pub enabled: bool,
            /// The stream it goes to.
            pub stream: Name,
            $($own)*
            $(
                /// Measurements: names by namespace, `true` each.
                pub $metrics: BTreeMap<MetricNamespace, BTreeMap<MetricName, bool>>,
            )?
            /// Counts of events.
            pub metric_filters: BTreeMap<Name, MetricFilter>,
        }
    };
}

source! {
    /// Machines, as their hypervisor sees them.
    pub struct Ec2 {
        /// Events: starts and stops, interruptions of spot machines, maintenance.
        pub state_changes: bool,
        /// The checks of the machine and of what it runs on, asked for every few minutes. The forwarder
        /// brings them to Elasticsearch and OpenSearch only; by default on unless the stream goes to neither.
        pub status: Option<bool>,
        /// What the machine's console printed, asked for every few minutes. The forwarder
        /// brings it to Elasticsearch and OpenSearch only; by default on unless the stream goes to neither.
        pub console_output: Option<bool>,
        /// Minutes between asking for the status and the console.
        #[schemars(range(min = 1, max = 60))]
        pub poll_minutes: u8,
    } with metrics
}

source! {
    /// Volumes and snapshots.
    pub struct Ebs {} with metrics
}

source! {
    /// Who used and changed the cluster's roles. It comes from CloudTrail by
    /// EventBridge, so the account needs a trail, of whomever.
    pub struct Iam {
        /// The names of the cluster's roles, `true` each, with `*` for any part.
        /// By default `*.<cluster_name>` with kops, which names its roles so, and `*<cluster_name>*` on EKS.
        pub roles: BTreeMap<RoleNamePattern, bool>,
        /// Whether calls that only read are collected, too. Taking on a role is one.
        pub read_only_events: bool,
    }
}

source! {
    /// Requests at load balancers.
    pub struct Elb {
        /// Requests at Application Load Balancers.
        pub application: bool,
        /// Connections at Application Load Balancers.
        pub connections: bool,
        /// Health checks of Application Load Balancers.
        pub health_checks: bool,
        /// Connections at Network Load Balancers: at their TLS listeners, others have no logs.
        pub network: bool,
        /// Requests at Classic Load Balancers, which write them to a bucket. The forwarder brings them from
        /// there to Elasticsearch and OpenSearch only; by default on unless the stream goes to neither.
        pub classic: Option<bool>,
        /// Minutes between two files of a Classic Load Balancer: 5 or 60.
        #[schemars(extend("enum" = [5, 60]))]
        pub classic_minutes: u8,
    } with metrics
}

source! {
    /// Requests at buckets.
    pub struct S3 {
        /// Where the requests are written down.
        pub method: S3Method,
        /// Which requests, for `method: data_events`.
        pub data_events: DataEvents,
    } with metrics
}

/// Where requests at buckets are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum S3Method {
    /// S3's own access logs: every request, hours late at times.
    ServerAccessLogs,
    /// Data events of a trail: within minutes, and dearer.
    DataEvents,
}

/// Which requests at data are written down by a trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataEvents {
    /// Those that read.
    pub read: bool,
    /// Those that write.
    pub write: bool,
}

source! {
    /// Requests at tables.
    pub struct Dynamodb {
        /// Which requests.
        pub data_events: DataEvents,
        /// Whether DynamoDB counts the keys that are used most. It shows keys in plain text.
        pub contributor_insights: bool,
    } with metrics
}

source! {
    /// Queries for names.
    pub struct Route53 {
        /// Queries for names of the cluster's public zones.
        pub public: bool,
        /// Queries that machines of the cluster's networks make.
        pub resolver: bool,
    } with metrics
}

source! {
    /// Connections in the network.
    pub struct Vpc {
        /// Which connections.
        pub traffic: Traffic,
        /// Seconds over which a connection's packets are put together: 60 or 600.
        #[schemars(extend("enum" = [60, 600]))]
        pub aggregation_seconds: u16,
        /// The fields of a record, `true` each, such as `pkt-srcaddr`; AWS's own choice
        /// without. Fields stand in the order of <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
        pub fields: BTreeMap<String, bool>,
        /// Of a hundred flows that were let through, so many are brought to Elasticsearch and OpenSearch, both
        /// directions of each or none: chosen by a hash of addresses, ports and protocol. What was refused is
        /// always brought, and CloudWatch Logs and archives get everything.
        #[schemars(range(min = 1, max = 100))]
        pub accepted_percent: u8,
        /// Tags that are put into records.
        pub tag_fields: TagFieldSettings,
    } with metrics
}

/// Which connections of a network are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Traffic {
    /// Those that were let through.
    Accept,
    /// Those that were refused.
    Reject,
    /// All.
    All,
}

/// Tags that are put into a flow log's records: up to two keys of each, `true` each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagFieldSettings {
    /// Keys of the Auto Scaling group's tags.
    pub auto_scaling_group: BTreeMap<String, bool>,
    /// Keys of the machine's tags.
    pub instance: BTreeMap<String, bool>,
    /// Keys of the network interface's tags.
    pub network_interface: BTreeMap<String, bool>,
}

source! {
    /// Calls of AWS's API.
    pub struct Cloudtrail {
        /// The log group in the cluster's Region that a trail of the account writes
        /// to already, if the cluster is to have all events of it, and not those of the account's stack
        /// that are its own. AWS allows two subscriptions on a log group, so two clusters can read one.
        pub existing_log_group: Option<LogGroupName>,
        /// Calls that read. Of the account's trail the cluster gets what that writes down, `accounts.<account>.calls`.
        pub read: bool,
        /// Calls that write.
        pub write: bool,
        /// Services whose calls are left out, `true` each.
        pub exclude: BTreeMap<ServicePrincipal, bool>,
        /// Days that the bucket of the cluster's own trails keeps files, and by default those of
        /// accounts, `account_defaults.expiry_days`.
        #[schemars(range(min = 1, max = 36_500))]
        pub expiry_days: u16,
    }
}

/// The control plane of EKS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eks {
    /// The kinds of logs.
    pub types: EksTypes,
}

/// The kinds of logs of EKS: <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>.
#[expect(clippy::struct_excessive_bools, reason = "each is switched by itself")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EksTypes {
    /// The API server.
    pub api: bool,
    /// Its audit log.
    pub audit: bool,
    /// Who logs in.
    pub authenticator: bool,
    /// The controllers.
    pub controller_manager: bool,
    /// The scheduler.
    pub scheduler: bool,
}

impl EksTypes {
    /// Each kind as EKS names it, and whether it is on.
    pub fn all(&self) -> [(&'static str, bool); 5] {
        [
            ("api", self.api),
            ("audit", self.audit),
            ("authenticator", self.authenticator),
            ("controllerManager", self.controller_manager),
            ("scheduler", self.scheduler),
        ]
    }
}

/// The measurements of all sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Whether they are collected. The forwarder brings them to Elasticsearch and OpenSearch only;
    /// by default on unless the stream goes to neither.
    pub enabled: Option<bool>,
    /// The stream they go to.
    pub stream: Name,
    /// Seconds that a measurement stands for: 60, or a multiple of it.
    #[schemars(range(min = 60, max = 3600), extend("multipleOf" = 60))]
    pub period_seconds: u16,
}

/// The function that brings logs and measurements to Elasticsearch and OpenSearch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forwarder {
    /// Where its program is. Required as soon as something of AWS goes to Elasticsearch or OpenSearch.
    pub code: Option<ForwarderCode>,
    /// What it runs on.
    pub architecture: ForwarderArchitecture,
    /// Memory, in mebibytes; AWS gives it CPU in proportion.
    #[schemars(range(min = 128, max = 10_240))]
    pub memory_mebibytes: u16,
    /// Seconds that a call may take.
    #[schemars(range(min = 10, max = 900))]
    pub timeout_seconds: u16,
    /// Copies that run at a time at most, which are then kept free of other
    /// functions' use; as many as the account allows without.
    #[schemars(range(min = 1, max = 10_000))]
    pub reserved_concurrency: Option<u16>,
    /// Days that its own log is kept: one of the numbers that AWS allows.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub log_retention_days: u16,
    /// Tags of log groups by their keys, `true` each: events that come through a log group get them as
    /// fields, such as `aws.tags.team`. No tag is read without.
    pub log_group_tags: BTreeMap<FieldTagKey, bool>,
    /// The network that it runs in, by Region, for destinations that are not reachable from outside of
    /// your networks; outside of them without. From there it must reach the services that it calls, too.
    pub networks: BTreeMap<Region, ForwarderNetwork>,
}

/// A network that the forwarder runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwarderNetwork {
    /// Subnets, `true` each; two in different zones, so that it runs on when one fails.
    pub subnets: BTreeMap<SubnetId, bool>,
    /// Security groups, `true` each. They must let it out to the destinations and to AWS.
    pub security_groups: BTreeMap<SecurityGroupId, bool>,
}

/// Where the forwarder's program is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwarderCode {
    /// The bucket. A function reads it from its own Region, so `{region}` stands for that one's name.
    pub bucket: CodeBucket,
    /// The object: a ZIP file with the program `bootstrap`. A new version needs a new name.
    pub key: CodeKey,
}

/// What the forwarder runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForwarderArchitecture {
    /// AWS's own processors.
    Arm64,
    /// Intel's and AMD's.
    #[serde(rename = "x86_64")]
    X8664,
}

/// What a destination refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// Days that it is kept, to be mended and sent again.
    #[schemars(range(min = 1, max = 365))]
    pub expiry_days: u16,
}

/// Who is told when logs stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// Whether there are alarms.
    pub enabled: bool,
    /// The SNS topics that are told, `true` each. A topic hears of its own Region's alarms only.
    pub actions: BTreeMap<TopicArn, bool>,
    /// Failed calls of the forwarder in five minutes.
    #[schemars(range(min = 1))]
    pub errors: u32,
    /// Refused calls of the forwarder in five minutes.
    #[schemars(range(min = 1))]
    pub throttles: u32,
    /// Documents that a destination refused for good in five minutes, and calls of the forwarder that were given up.
    #[schemars(range(min = 1))]
    pub dead_letters: u32,
    /// Objects that wait in its bucket to be sent again.
    #[schemars(range(min = 1))]
    pub waiting_objects: u32,
    /// Seconds that the oldest of them waits.
    #[schemars(range(min = 300, max = 259_200))]
    pub waiting_seconds: u32,
    /// Seconds that logs wait for the forwarder, or for a Firehose.
    #[schemars(range(min = 60, max = 21_600))]
    pub age_seconds: u16,
    /// Log events that a subscription could not hand on in five minutes.
    #[schemars(range(min = 1))]
    pub delivery_errors: u32,
}
