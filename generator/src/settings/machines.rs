//! The virtual machines' own logs: what is read there, and how it gets away.

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
    /// The machines of the control plane. None on EKS, where AWS runs them.
    pub masters: MachineRole,
    /// All other machines of the cluster.
    pub nodes: MachineRole,
    /// The Filebeat on each machine, for streams that go to a server.
    pub filebeat: FilebeatSettings,
    /// The CloudWatch agent on each machine, for streams that go to CloudWatch.
    pub cloudwatch_agent: CloudwatchAgentSettings,
    /// The Logstash between Filebeat and the servers.
    pub logstash: LogstashSettings,
    /// How a machine gets all this.
    pub delivery: MachineDelivery,
}

/// Machines of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineRole {
    /// Whether their logs are collected.
    pub enabled: bool,
    /// What they run; it says which files there are. By default `ubuntu_24_04` with kops and `amazon_linux_2023` with EKS.
    pub operating_system: Option<OperatingSystem>,
    /// From where the system's log is read. rsyslog writes to files what is in the journal, so one must be chosen;
    /// with `files` Fluentd must not read the journal (`sources.kubernetes.nodes.journal`), whose units are in them, too.
    pub read: MachineRead,
    /// The journal, for `read: journal`.
    pub journal: MachineJournal,
    /// Files beside those of the operating system, or changes to them, by name.
    pub files: BTreeMap<Name, MachineFile>,
    /// What is thrown away, masked or taken apart on the way. With any rule, Logstash is needed.
    pub records: MachineRecords,
    /// The stream of all that isn't sent to another.
    pub stream: Name,
    /// The tags by which AWS Systems Manager finds the machines: all must be there, at most five. By default those that kops and EKS set.
    pub tags: BTreeMap<TagKey, TagValue>,
}

/// What a machine runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OperatingSystem {
    /// Debian 11, with rsyslog.
    #[serde(rename = "debian_11")]
    Debian11,
    /// Debian 12: only the journal.
    #[serde(rename = "debian_12")]
    Debian12,
    /// Debian 13: only the journal.
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
    /// Amazon Linux 2023: only the journal.
    #[serde(rename = "amazon_linux_2023")]
    AmazonLinux2023,
    /// Red Hat Enterprise Linux 9, Rocky Linux 9 or Alma Linux 9, with rsyslog.
    #[serde(rename = "rhel_9")]
    Rhel9,
    /// Flatcar Container Linux, which takes no packages.
    Flatcar,
    /// Bottlerocket, which takes no packages.
    Bottlerocket,
}

/// From where the system's log is read.
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
    /// The stream of the kernel's lines, if it is one of their own.
    pub kernel_stream: Option<Name>,
    /// The units that are read: `true` each. An empty map means every one that nothing else ships.
    pub units: BTreeMap<Unit, bool>,
    /// Units that are not read, where every one is.
    pub exclude: BTreeMap<Unit, UnitExclusion>,
}

/// A unit that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitExclusion {
    /// Why; it stands in the rendered file.
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
    /// Which; by default those that the operating system has under this name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<FileGlob>,
    /// Lines that belong together.
    pub multiline: Option<MachineMultiline>,
    /// The stream, if it is one of their own.
    pub stream: Option<Name>,
}

fn yes() -> bool {
    true
}

/// Lines of a file that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineMultiline {
    /// What the first line of each record looks like, as Go reads regular expressions.
    pub first_line: Pattern,
    /// Seconds after which a record is sent even if no next one began.
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
    /// If there is any, records that match none of them are thrown away.
    pub keep: BTreeMap<Name, KeepRule>,
    /// Records that are thrown away.
    pub drop: BTreeMap<Name, MachineDrop>,
    /// Text that is taken out of records.
    pub mask: BTreeMap<Name, Mask>,
    /// Fields that are made from text.
    pub parse: BTreeMap<Name, Parse>,
}

/// Records that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepRule {
    /// Fields, each with what it must match; all must. The fields are in `docs/fields.md`.
    #[schemars(extend("minProperties" = 1))]
    pub when: BTreeMap<FieldName, Pattern>,
    /// Why the rest may be lost; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Records that are thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineDrop {
    /// Fields, each with what it must match; all must. The fields are in `docs/fields.md`.
    #[schemars(extend("minProperties" = 1))]
    pub when: BTreeMap<FieldName, Pattern>,
    /// Why they may be lost; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
    /// From this day on (UTC) the rule has no effect.
    pub expires: Option<Day>,
}

/// Text that is taken out of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// The field that is looked at.
    #[serde(default = "message")]
    pub field: FieldName,
    /// What is taken out, wherever it stands in the field.
    pub matches: Pattern,
    /// What stands there instead.
    #[serde(default = "masked")]
    pub replacement: Replacement,
    /// Why; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

fn message() -> FieldName {
    FieldName("message".to_owned())
}

fn masked() -> Replacement {
    Replacement("***".to_owned())
}

/// Fields that are made from text. They are searchable as `parsed.<group>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parse {
    /// The field that is looked at.
    #[serde(default = "message")]
    pub field: FieldName,
    /// A pattern with named groups, `(?<user>[a-z]+)`: each group becomes a field.
    pub pattern: Pattern,
    /// Why; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// The Filebeat on each machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilebeatSettings {
    /// The version of the package `filebeat` of Elastic's repository of open-source builds; by default one that suits the server.
    pub version: Option<PackageVersion>,
    /// Most room on the machine's disk for what waits to be sent, in mebibytes.
    #[schemars(range(min = 100, max = 102_400))]
    pub queue_mebibytes: u32,
    /// How much it says of itself.
    pub log_level: LogLevel,
}

/// The CloudWatch agent on each machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudwatchAgentSettings {
    /// Its version, with its build: `1.300071.0b1200`. It reads the journal since 1.300070.0; by default the newest is installed.
    pub version: Option<AgentVersion>,
}

/// The Logstash between Filebeat and the servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogstashSettings {
    /// Whether there is one.
    pub enabled: LogstashEnabled,
    /// Where it runs.
    pub runs_on: LogstashPlace,
    /// The name by which the machines reach it, which its certificate must carry. With `service: node_port` it needs none: each machine asks its own node port.
    pub address: Option<HostName>,
    /// How it is reached on Kubernetes.
    pub service: LogstashService,
    /// The port on each node, for `service: node_port`.
    #[schemars(range(min = 30_000, max = 32_767))]
    pub node_port: u16,
    /// The image; by default one that holds the outputs that the destinations need.
    pub image: Option<Image>,
    /// The version of the package, for `runs_on: machine`.
    pub version: PackageVersion,
    /// How many run on Kubernetes.
    #[schemars(range(min = 1, max = 16))]
    pub replicas: u8,
    /// CPU and memory on Kubernetes.
    pub resources: Resources,
    /// Java's heap, in mebibytes.
    #[schemars(range(min = 256, max = 31_744))]
    pub heap_mebibytes: u32,
    /// Most room on disk for what waits to be sent, in mebibytes, per destination.
    #[schemars(range(min = 256, max = 1_048_576))]
    pub queue_mebibytes: u32,
    /// Most room on disk for what a destination refuses for good, in mebibytes, per destination.
    #[schemars(range(min = 64, max = 102_400))]
    pub dead_letter_mebibytes: u32,
    /// The storage class of its disk on Kubernetes; the cluster's default without it.
    pub storage_class: Option<KubernetesName>,
    /// The certificates of both sides.
    pub tls: LogstashTls,
    /// The tags by which AWS Systems Manager finds its machine, for `runs_on: machine`. At most five.
    pub tags: BTreeMap<TagKey, TagValue>,
}

/// Whether there is a Logstash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogstashEnabled {
    /// If anything needs it: a rule of `records`, OpenSearch, or several servers.
    Automatic,
    /// In any case.
    Always,
    /// In no case; what needs it is a fault.
    Never,
}

/// Where Logstash runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogstashPlace {
    /// In the cluster, as a `StatefulSet`.
    Kubernetes,
    /// On a machine of its own.
    Machine,
}

/// How Logstash is reached on Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogstashService {
    /// By a port of each node; no load balancer is needed.
    NodePort,
    /// By an internal network load balancer.
    LoadBalancer,
}

/// The certificates between Filebeat and Logstash; each side asks for the other's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogstashTls {
    /// Logstash's. Holds `tls.crt`, `tls.key` (PKCS #8) and `ca.crt`, which signs the machines'; by default `aws-secretsmanager:logfleet/<cluster>/logstash`.
    pub server_secret: Option<SecretReference>,
    /// The machines'. Holds `tls.crt`, `tls.key` and `ca.crt`, which signs Logstash's; by default `aws-secretsmanager:logfleet/<cluster>/machines`.
    pub client_secret: Option<SecretReference>,
}

/// How a machine gets its shippers and their settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineDelivery {
    /// User data for cloud-init: new machines have everything from their first minute.
    pub cloud_init: bool,
    /// A document of AWS Systems Manager, associated by tag: a change reaches machines that run.
    pub ssm: bool,
    /// A snippet for instance groups of kops. Without effect on EKS.
    pub kops: bool,
    /// Minutes after which Systems Manager applies it again.
    #[schemars(range(min = 30, max = 44_640))]
    pub repeat_minutes: u16,
}
