//! What is collected from AWS itself, and how it is shipped.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AwsClusterName, AwsTagKey, AwsTagValue, CodeBucket, CodeKey, DimensionName, EventField,
    FieldTagKey, FilterPattern, LOG_RETENTION_DAYS, LogGroupName, MetricName, MetricNamespace,
    MetricValue, Name, Region, RoleNamePattern, SecurityGroupId, ServicePrincipal, SubnetId,
    TopicArn,
};

/// Settings of everything that the rendered stacks create in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsObjects {
    /// Tags of every object that supports tags and can change them: keys and values. AWS allows 50.
    #[schemars(extend("maxProperties" = 50))]
    pub tags: BTreeMap<AwsTagKey, AwsTagValue>,
}

/// AWS logs and metrics of the cluster. CloudFormation templates create everything: `aws/<Region>/stack.json`, and
/// `aws/members/` for resources tied to individual members of the resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// Whether any of this is collected.
    pub enabled: bool,
    /// The cluster's name in EKS or kops, such as `Prod_Cluster`; by default the name in a tag
    /// `kubernetes.io/cluster/<name>` of `resource_group.tags`, or else the cluster's own. The tags of its objects, the
    /// names of its roles and the log group of its control plane are derived from it.
    pub cluster_name: Option<AwsClusterName>,
    /// Whether the account's clusters share its trails, and its distributor passes each cluster its own events. If not,
    /// the cluster has its own trails, of which AWS allows five per account and Region.
    pub account_stack: bool,
    /// Which AWS objects belong to the cluster.
    pub resource_group: ResourceGroup,
    /// EC2: state, status and console output of machines.
    pub ec2: Ec2,
    /// EBS: volumes and snapshots.
    pub ebs: Ebs,
    /// IAM: who used and changed the cluster's roles.
    pub iam: Iam,
    /// Access logs of load balancers.
    pub elb: Elb,
    /// Requests to S3 buckets.
    pub s3: S3,
    /// Requests to DynamoDB tables.
    pub dynamodb: Dynamodb,
    /// Route 53: DNS queries.
    pub route53: Route53,
    /// VPC flow logs.
    pub vpc: Vpc,
    /// CloudTrail: AWS API calls.
    pub cloudtrail: Cloudtrail,
    /// The EKS control plane. `sources.kubernetes.control_plane` switches it on or off and sets its stream.
    pub eks: Eks,
    /// Metrics of all of these.
    pub metrics: Metrics,
    /// The function that ships logs and metrics to Elasticsearch and OpenSearch.
    pub forwarder: Forwarder,
    /// What the forwarder couldn't deliver.
    pub dead_letters: DeadLetters,
    /// Alarms when logs stop.
    pub alarms: Alarms,
    /// Whether the cluster has a CloudWatch dashboard.
    pub dashboard: bool,
}

/// Which AWS objects belong to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroup {
    /// Tags that an object must have: each key with the accepted values, `true` for each; no values mean any value. By
    /// default the tag that Kubernetes sets: `kubernetes.io/cluster/<cluster_name>`, `owned` or `shared`. Machines with
    /// these tags also get the shippers, unless `sources.machines.<role>.tags` selects others.
    pub tags: BTreeMap<String, BTreeMap<String, bool>>,
}

/// A metric filter: counts log events that match a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricFilter {
    /// The filter pattern, rendered byte for byte. See
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>.
    pub pattern: FilterPattern,
    /// The metric's namespace; by default `logfleet/<cluster>`, for an account's stack `logfleet/_account`.
    pub namespace: Option<MetricNamespace>,
    /// The metric's name; by default `<source>_<name>` or `<stream>_<name>`.
    pub metric: Option<MetricName>,
    /// The value that an event adds: a number, or a field such as `$.bytes`.
    #[serde(default = "one")]
    pub value: MetricValue,
    /// The value for a minute with events of which none matches; if not set, no value.
    pub default_value: Option<u32>,
    /// Dimensions of the metric, each from a field of the event: at most three, and not together with `default_value`.
    /// Each value of a field is a separate metric that costs money, so don't use ids.
    #[serde(default)]
    pub dimensions: BTreeMap<DimensionName, EventField>,
    /// Triggers the alarms' actions if the sum over five minutes reaches this value; if not set, never.
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
            /// The stream that it goes to.
            pub stream: Name,
            $($own)*
            $(
                /// Metrics: names by namespace, `true` for each.
                pub $metrics: BTreeMap<MetricNamespace, BTreeMap<MetricName, bool>>,
            )?
            /// Metric filters.
            pub metric_filters: BTreeMap<Name, MetricFilter>,
        }
    };
}

source! {
    /// EC2: state, status and console output of machines.
    pub struct Ec2 {
        /// Events: starts and stops, interruptions of spot machines, maintenance.
        pub state_changes: bool,
        /// Status checks of the machine and its host, polled every few minutes. The forwarder only ships them to
        /// Elasticsearch and OpenSearch; on by default unless the stream goes to neither.
        pub status: Option<bool>,
        /// The machine's console output, polled every few minutes. The forwarder only ships it to Elasticsearch and
        /// OpenSearch; on by default unless the stream goes to neither.
        pub console_output: Option<bool>,
        /// Minutes between polls of status and console.
        #[schemars(range(min = 1, max = 60))]
        pub poll_minutes: u8,
    } with metrics
}

source! {
    /// EBS: volumes and snapshots.
    pub struct Ebs {} with metrics
}

source! {
    /// IAM: who used and changed the cluster's roles. Comes from CloudTrail through EventBridge, so the account needs a
    /// trail, whoever created it.
    pub struct Iam {
        /// The names of the cluster's roles, `true` for each; `*` matches any part. By default `*.<cluster_name>` with
        /// kops, which names its roles this way, and `*<cluster_name>*` on EKS.
        pub roles: BTreeMap<RoleNamePattern, bool>,
        /// Whether read-only calls are also collected. Assuming a role is one.
        pub read_only_events: bool,
    }
}

source! {
    /// Access logs of load balancers.
    pub struct Elb {
        /// Access logs of Application Load Balancers.
        pub application: bool,
        /// Connection logs of Application Load Balancers.
        pub connections: bool,
        /// Health check logs of Application Load Balancers.
        pub health_checks: bool,
        /// Access logs of Network Load Balancers: only TLS listeners have them.
        pub network: bool,
        /// Access logs of Classic Load Balancers, which write them to a bucket. The forwarder only ships them to
        /// Elasticsearch and OpenSearch; on by default unless the stream goes to neither.
        pub classic: Option<bool>,
        /// Minutes between log files of a Classic Load Balancer: 5 or 60.
        #[schemars(extend("enum" = [5, 60]))]
        pub classic_minutes: u8,
    } with metrics
}

source! {
    /// Requests to S3 buckets.
    pub struct S3 {
        /// How requests are recorded.
        pub method: S3Method,
        /// Which requests are recorded, for `method: data_events`.
        pub data_events: DataEvents,
    } with metrics
}

/// How requests to buckets are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum S3Method {
    /// S3 server access logs: every request, sometimes hours late.
    ServerAccessLogs,
    /// Data events of a trail: within minutes, but more expensive.
    DataEvents,
}

/// Which data requests a trail records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataEvents {
    /// Requests that read.
    pub read: bool,
    /// Requests that write.
    pub write: bool,
}

source! {
    /// Requests to DynamoDB tables.
    pub struct Dynamodb {
        /// Which requests are recorded.
        pub data_events: DataEvents,
        /// Whether DynamoDB counts the most used keys (Contributor Insights). It shows keys in plain text.
        pub contributor_insights: bool,
    } with metrics
}

source! {
    /// Route 53: DNS queries.
    pub struct Route53 {
        /// Queries to the cluster's public zones.
        pub public: bool,
        /// Queries from the cluster's VPCs.
        pub resolver: bool,
    } with metrics
}

source! {
    /// VPC flow logs.
    pub struct Vpc {
        /// Which connections are recorded.
        pub traffic: Traffic,
        /// Seconds over which a connection's packets are aggregated: 60 or 600.
        #[schemars(extend("enum" = [60, 600]))]
        pub aggregation_seconds: u16,
        /// The fields of a record, `true` for each, such as `pkt-srcaddr`; by default those that AWS selects. They are in
        /// the order of <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
        pub fields: BTreeMap<String, bool>,
        /// The percentage of accepted flows that are shipped to Elasticsearch and OpenSearch, always both directions of a
        /// flow or neither: selected by a hash of addresses, ports and protocol. Rejected flows are always shipped, and
        /// CloudWatch Logs and archives get everything.
        #[schemars(range(min = 1, max = 100))]
        pub accepted_percent: u8,
        /// Tags that are added to records.
        pub tag_fields: TagFieldSettings,
    } with metrics
}

/// Which connections of a VPC are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Traffic {
    /// Accepted connections.
    Accept,
    /// Rejected connections.
    Reject,
    /// All connections.
    All,
}

/// Tags that are added to a flow log's records: up to two keys of each kind, `true` for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagFieldSettings {
    /// Tag keys of the Auto Scaling group.
    pub auto_scaling_group: BTreeMap<String, bool>,
    /// Tag keys of the machine.
    pub instance: BTreeMap<String, bool>,
    /// Tag keys of the network interface.
    pub network_interface: BTreeMap<String, bool>,
}

source! {
    /// CloudTrail: AWS API calls.
    pub struct Cloudtrail {
        /// A log group in the cluster's Region that a trail of the account already writes to. The cluster then gets all of
        /// its events, instead of its own events from the account's stack. AWS allows two subscriptions on a log group, so
        /// two clusters can read one.
        pub existing_log_group: Option<LogGroupName>,
        /// Calls that read. From the account's trail, the cluster only gets what that records, `accounts.<account>.calls`.
        pub read: bool,
        /// Calls that write.
        pub write: bool,
        /// Services whose calls are left out, `true` for each.
        pub exclude: BTreeMap<ServicePrincipal, bool>,
        /// Days that the bucket of the cluster's own trails keeps files; also the default of
        /// `account_defaults.expiry_days`.
        #[schemars(range(min = 1, max = 36_500))]
        pub expiry_days: u16,
    }
}

/// The EKS control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eks {
    /// Which logs are enabled.
    pub types: EksTypes,
}

/// Log types of the EKS control plane: <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>.
#[expect(clippy::struct_excessive_bools, reason = "each is switched by itself")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EksTypes {
    /// The API server.
    pub api: bool,
    /// The API server's audit log.
    pub audit: bool,
    /// The authenticator.
    pub authenticator: bool,
    /// The controller manager.
    pub controller_manager: bool,
    /// The scheduler.
    pub scheduler: bool,
}

impl EksTypes {
    /// Each log type by its name in EKS, and whether it is on.
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

/// The metrics of all sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Whether they are collected. The forwarder only ships them to Elasticsearch and OpenSearch; on by default unless
    /// the stream goes to neither.
    pub enabled: Option<bool>,
    /// The stream that they go to.
    pub stream: Name,
    /// Seconds that a metric value covers: 60, or a multiple of it.
    #[schemars(range(min = 60, max = 3600), extend("multipleOf" = 60))]
    pub period_seconds: u16,
}

/// The function that ships logs and metrics to Elasticsearch and OpenSearch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forwarder {
    /// Where its program is. Required if any AWS logs or metrics go to Elasticsearch or OpenSearch.
    pub code: Option<ForwarderCode>,
    /// The processor that it runs on.
    pub architecture: ForwarderArchitecture,
    /// Memory, in mebibytes; AWS allocates CPU in proportion.
    #[schemars(range(min = 128, max = 10_240))]
    pub memory_mebibytes: u16,
    /// Seconds that a call may take.
    #[schemars(range(min = 10, max = 900))]
    pub timeout_seconds: u16,
    /// Maximum number of concurrent instances, which are then reserved for this function; if not set, as many as the
    /// account allows.
    #[schemars(range(min = 1, max = 10_000))]
    pub reserved_concurrency: Option<u16>,
    /// Days that its own log is kept: one of the numbers that AWS allows.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub log_retention_days: u16,
    /// Keys of log group tags, `true` for each: events from a log group get them as fields, such as `aws.tags.team`. If
    /// not set, no tags are read.
    pub log_group_tags: BTreeMap<FieldTagKey, bool>,
    /// The VPC that it runs in, by Region, for destinations that can't be reached from outside; if not set, it runs
    /// outside your VPCs. From there, it must also reach the AWS services that it calls.
    pub networks: BTreeMap<Region, ForwarderNetwork>,
}

/// A VPC that the forwarder runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwarderNetwork {
    /// Subnets, `true` for each; use two in different zones, so that it keeps running if one fails.
    pub subnets: BTreeMap<SubnetId, bool>,
    /// Security groups, `true` for each. They must allow connections to the destinations and to AWS.
    pub security_groups: BTreeMap<SecurityGroupId, bool>,
}

/// Where the forwarder's program is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwarderCode {
    /// The bucket. A function reads from a bucket in its own Region; `{region}` is replaced by that Region's name.
    pub bucket: CodeBucket,
    /// The object's key: a ZIP file with the program `bootstrap`. A new version needs a new key.
    pub key: CodeKey,
}

/// The processor that the forwarder runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForwarderArchitecture {
    /// AWS Graviton (arm64).
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X8664,
}

/// What a destination permanently refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// Days that it is kept, so that it can be corrected and resent.
    #[schemars(range(min = 1, max = 365))]
    pub expiry_days: u16,
}

/// Alarms when logs stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// Whether there are alarms.
    pub enabled: bool,
    /// SNS topics to notify, `true` for each. A topic only gets alarms of its own Region.
    pub actions: BTreeMap<TopicArn, bool>,
    /// Failed calls of the forwarder in five minutes.
    #[schemars(range(min = 1))]
    pub errors: u32,
    /// Throttled calls of the forwarder in five minutes.
    #[schemars(range(min = 1))]
    pub throttles: u32,
    /// Documents that a destination permanently refused, and calls of the forwarder that were given up, in five
    /// minutes.
    #[schemars(range(min = 1))]
    pub dead_letters: u32,
    /// Objects in its bucket that wait to be resent.
    #[schemars(range(min = 1))]
    pub waiting_objects: u32,
    /// Seconds that the oldest of them has waited.
    #[schemars(range(min = 300, max = 259_200))]
    pub waiting_seconds: u32,
    /// Seconds that logs wait for the forwarder, or for a Firehose.
    #[schemars(range(min = 60, max = 21_600))]
    pub age_seconds: u16,
    /// Log events that a subscription couldn't deliver in five minutes.
    #[schemars(range(min = 1))]
    pub delivery_errors: u32,
}
