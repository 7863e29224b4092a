//! Logs of the virtual machines: what is read, and how it is shipped.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AgentVersion, Day, FieldName, FileGlob, HostName, Image, KubernetesName, LogLevel, Name,
    PackageVersion, Pattern, Replacement, Resources, SecretReference, TagKey, TagValue, Unit,
};

/// System and kernel logs of the virtual machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machines {
    /// Control plane machines. None on EKS, where AWS runs them.
    pub masters: MachineRole,
    /// All other machines of the cluster.
    pub nodes: MachineRole,
    /// Filebeat on each machine, for streams that go to a server.
    pub filebeat: FilebeatSettings,
    /// The CloudWatch agent on each machine, for streams that go to CloudWatch.
    pub cloudwatch_agent: CloudwatchAgentSettings,
    /// Logstash between Filebeat and the servers.
    pub logstash: LogstashSettings,
    /// How machines get all this.
    pub delivery: MachineDelivery,
}

/// Machines of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineRole {
    /// Whether their logs are collected.
    pub enabled: bool,
    /// Their operating system, which determines the log files. By default `ubuntu_24_04` with kops and
    /// `amazon_linux_2023` with EKS.
    pub operating_system: Option<OperatingSystem>,
    /// Where the system log is read from. rsyslog writes the journal's messages to files, so one must be chosen. With
    /// `files`, Fluentd must not read the journal (`sources.kubernetes.nodes.journal`), because the files contain its
    /// units, too.
    pub read: MachineRead,
    /// The journal, for `read: journal`.
    pub journal: MachineJournal,
    /// Additional files, or changes to those of the operating system, by name.
    pub files: BTreeMap<Name, MachineFile>,
    /// What is dropped, masked or parsed. Any rule needs Logstash.
    pub records: MachineRecords,
    /// The stream for everything without a stream of its own.
    pub stream: Name,
    /// The tags by which AWS Systems Manager finds the machines: all must match, at most five. By default those that
    /// kops and EKS set.
    pub tags: BTreeMap<TagKey, TagValue>,
}

/// The operating system of a machine.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OperatingSystem {
    /// Debian 11, with rsyslog.
    #[serde(rename = "debian_11")]
    Debian11,
    /// Debian 12: journal only.
    #[serde(rename = "debian_12")]
    Debian12,
    /// Debian 13: journal only.
    #[serde(rename = "debian_13")]
    Debian13,
    /// Ubuntu 22.04, with rsyslog.
    #[serde(rename = "ubuntu_22_04")]
    Ubuntu2204,
    /// Ubuntu 24.04, with rsyslog.
    #[serde(rename = "ubuntu_24_04")]
    Ubuntu2404,
    /// Amazon Linux 2, with rsyslog.
    #[serde(rename = "amazon_linux_2")]
    AmazonLinux2,
    /// Amazon Linux 2023: journal only.
    #[serde(rename = "amazon_linux_2023")]
    AmazonLinux2023,
    /// Red Hat Enterprise Linux 9, Rocky Linux 9 or Alma Linux 9, with rsyslog.
    #[serde(rename = "rhel_9")]
    Rhel9,
    /// Flatcar Container Linux, which can't install packages.
    Flatcar,
    /// Bottlerocket, which can't install packages.
    Bottlerocket,
}

/// Where the system log is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineRead {
    /// The journal: kernel and units, with their fields.
    Journal,
    /// The files that rsyslog writes.
    Files,
}

/// The journal of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineJournal {
    /// Whether the kernel's lines are read.
    pub kernel: bool,
    /// A separate stream for the kernel's lines.
    pub kernel_stream: Option<Name>,
    /// The units that are read: `true` for each. An empty map means every unit that nothing else ships.
    pub units: BTreeMap<Unit, bool>,
    /// Units that are not read, if all are.
    pub exclude: BTreeMap<Unit, UnitExclusion>,
}

/// A unit that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitExclusion {
    /// The reason, which is written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Files on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineFile {
    /// Whether they are read.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Their paths; by default those that the operating system has under this name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<FileGlob>,
    /// How multi-line records are joined.
    pub multiline: Option<MachineMultiline>,
    /// A separate stream for these files.
    pub stream: Option<Name>,
}

fn yes() -> bool {
    true
}

/// How lines of a file are joined into records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineMultiline {
    /// A regular expression (Go) that matches the first line of each record.
    pub first_line: Pattern,
    /// Seconds after which a record is sent even if no next one has begun.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 60))]
    pub flush_seconds: u16,
    /// Most lines of a record.
    #[serde(default = "five_hundred")]
    #[schemars(range(min = 2, max = 100_000))]
    pub max_lines: u32,
}

fn five() -> u16 {
    5
}

fn five_hundred() -> u32 {
    500
}

/// What Logstash does to records, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineRecords {
    /// If any of these rules exists, records that match none of them are dropped.
    pub keep: BTreeMap<Name, KeepRule>,
    /// Records that are dropped.
    pub drop: BTreeMap<Name, MachineDrop>,
    /// Text that is masked.
    pub mask: BTreeMap<Name, Mask>,
    /// Fields that are extracted from text.
    pub parse: BTreeMap<Name, Parse>,
}

/// Records that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepRule {
    /// Fields and the patterns that they must match, all of them. The fields are in `docs/rule-fields.md`.
    #[schemars(extend("minProperties" = 1))]
    pub when: BTreeMap<FieldName, Pattern>,
    /// Why the rest may be lost; written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Records that are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineDrop {
    /// Fields and the patterns that they must match, all of them. The fields are in `docs/rule-fields.md`.
    #[schemars(extend("minProperties" = 1))]
    pub when: BTreeMap<FieldName, Pattern>,
    /// Why they may be lost; written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
    /// From this day on (UTC), the rule has no effect.
    pub expires: Option<Day>,
}

/// Text that is masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// The field to search.
    #[serde(default = "message")]
    pub field: FieldName,
    /// The text to replace, wherever it occurs in the field.
    pub matches: Pattern,
    /// The text to put in its place.
    #[serde(default = "masked")]
    pub replacement: Replacement,
    /// The reason, which is written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

fn message() -> FieldName {
    FieldName("message".to_owned())
}

fn masked() -> Replacement {
    Replacement("***".to_owned())
}

/// Fields that are extracted from text. They are searchable as `parsed.<group>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parse {
    /// The field to search.
    #[serde(default = "message")]
    pub field: FieldName,
    /// A pattern with named groups, `(?<user>[a-z]+)`: each group becomes a field.
    pub pattern: Pattern,
    /// The reason, which is written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Filebeat on each machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilebeatSettings {
    /// The version of the package `filebeat` in Elastic's repository of open-source builds; by default one that matches
    /// the server.
    pub version: Option<PackageVersion>,
    /// Most disk space on the machine for waiting events, in mebibytes.
    #[schemars(range(min = 100, max = 102_400))]
    pub queue_mebibytes: u32,
    /// Log level of Filebeat itself.
    pub log_level: LogLevel,
}

/// The CloudWatch agent on each machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudwatchAgentSettings {
    /// Its version with build number, `1.300071.0b1200`. It can read the journal since 1.300070.0. By default the
    /// newest is installed.
    pub version: Option<AgentVersion>,
}

/// Logstash between Filebeat and the servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogstashSettings {
    /// Whether Logstash is used.
    pub enabled: LogstashEnabled,
    /// Where it runs.
    pub runs_on: LogstashPlace,
    /// The host name that machines connect to, which Logstash's certificate must contain. Not needed with `service:
    /// node_port`: each machine uses the port of its own node.
    pub address: Option<HostName>,
    /// How machines reach it on Kubernetes.
    pub service: LogstashService,
    /// The port on each node, for `service: node_port`.
    #[schemars(range(min = 30_000, max = 32_767))]
    pub node_port: u16,
    /// The image; by default one with the outputs that the destinations need.
    pub image: Option<Image>,
    /// The package version, for `runs_on: machine`.
    pub version: PackageVersion,
    /// Replicas on Kubernetes.
    #[schemars(range(min = 1, max = 16))]
    pub replicas: u8,
    /// CPU and memory on Kubernetes.
    pub resources: Resources,
    /// Java heap, in mebibytes.
    #[schemars(range(min = 256, max = 31_744))]
    pub heap_mebibytes: u32,
    /// Most disk space for waiting events, in mebibytes, per destination.
    #[schemars(range(min = 256, max = 1_048_576))]
    pub queue_mebibytes: u32,
    /// Most disk space for events that a destination permanently rejects, in mebibytes, per destination.
    #[schemars(range(min = 64, max = 102_400))]
    pub dead_letter_mebibytes: u32,
    /// The storage class of its disk on Kubernetes; by default the cluster's default.
    pub storage_class: Option<KubernetesName>,
    /// The certificates of both sides.
    pub tls: LogstashTls,
    /// The tags by which AWS Systems Manager finds its machine, for `runs_on: machine`. At most five.
    pub tags: BTreeMap<TagKey, TagValue>,
}

/// Whether Logstash is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogstashEnabled {
    /// If something needs it: a rule of `records`, OpenSearch, or several servers.
    Automatic,
    /// Always.
    Always,
    /// Never; anything that needs it is an error.
    Never,
}

/// Where Logstash runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogstashPlace {
    /// In the cluster, as a `StatefulSet`.
    Kubernetes,
    /// On its own machine.
    Machine,
}

/// How machines reach Logstash on Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogstashService {
    /// Through a port on each node; no load balancer is needed.
    NodePort,
    /// Through an internal network load balancer.
    LoadBalancer,
}

/// The certificates between Filebeat and Logstash; each side verifies the other's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogstashTls {
    /// Logstash's certificate. Contains `tls.crt`, `tls.key` (PKCS #8), and in `ca.crt` the CA of the machines'
    /// certificate; by default `aws-secretsmanager:logfleet/<cluster>/logstash`.
    pub server_secret: Option<SecretReference>,
    /// The machines' certificate. Contains `tls.crt`, `tls.key`, and in `ca.crt` the CA of Logstash's certificate; by
    /// default `aws-secretsmanager:logfleet/<cluster>/machines`.
    pub client_secret: Option<SecretReference>,
}

/// How machines get shippers and their configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineDelivery {
    /// cloud-init user data: new machines have everything from their first minute.
    pub cloud_init: bool,
    /// An AWS Systems Manager document, associated by tag: changes reach running machines.
    pub ssm: bool,
    /// A snippet for kops instance groups. Without effect on EKS.
    pub kops: bool,
    /// Minutes until Systems Manager applies it again.
    #[schemars(range(min = 30, max = 44_640))]
    pub repeat_minutes: u16,
}
