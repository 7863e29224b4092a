//! What is collected, and which stream each record goes to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Aws, Day, FieldName, FluentdSettings, Glob, HostPath, Image, KubernetesName, LabelValue,
    Machines, Name, Pattern, QualifiedName, Resources, Unit,
};

/// Everything that is collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// Logs of Kubernetes.
    pub kubernetes: KubernetesSources,
    /// System and kernel logs of the virtual machines.
    pub machines: Machines,
    /// Logs and metrics of AWS.
    pub aws: Aws,
}

/// Logs of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSources {
    /// Containers that belong neither to the node nor to the control plane.
    pub applications: Applications,
    /// Containers of the system namespaces, and the journal of kubelet and container runtime.
    pub nodes: Nodes,
    /// Control plane components on the cluster's own machines; none on EKS.
    pub control_plane: ControlPlane,
    /// Kubernetes events.
    pub events: Events,
}

/// Containers that belong neither to the node nor to the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Applications {
    /// Whether it is collected.
    pub enabled: bool,
    /// How records are processed.
    pub records: Records,
    /// Settings of its Fluentd.
    pub fluentd: FluentdSettings,
}

/// Containers of the system namespaces, and the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// Whether it is collected.
    pub enabled: bool,
    /// The namespaces whose containers belong to the node: `true` for each.
    pub namespaces: BTreeMap<KubernetesName, bool>,
    /// The machine's journal.
    pub journal: Journal,
    /// How records are processed. Rules without a namespace, pod, container or label also apply to the journal.
    pub records: Records,
    /// Settings of its Fluentd.
    pub fluentd: FluentdSettings,
}

/// The machine's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Whether it is read.
    pub enabled: bool,
    /// Its folder: `/var/log/journal`, or `/run/log/journal` if the journal isn't persistent.
    pub directory: HostPath,
    /// The units that are read: `true` for each.
    pub units: BTreeMap<Unit, bool>,
}

/// Control plane components on the cluster's own machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlPlane {
    /// Whether it is collected. Has no effect on EKS, which has no such machines.
    pub enabled: bool,
    /// Where logs are read from. kops writes the same lines to both, so one must be chosen.
    pub read: ControlPlaneRead,
    /// The components that are read: `true` for each, by the name of the static pod in `kube-system`. What runs on
    /// every machine, such as kube-proxy, is read by `nodes`.
    pub components: BTreeMap<KubernetesName, bool>,
    /// The components' log files on the machine, for `read: files`.
    pub files: BTreeMap<KubernetesName, HostPath>,
    /// The API server's audit log.
    pub audit_log: AuditLog,
    /// How records are processed, except those of the audit log.
    pub records: Records,
    /// Settings of its Fluentd.
    pub fluentd: FluentdSettings,
}

/// Where control plane logs are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlPlaneRead {
    /// Output of the static pods' containers.
    Containers,
    /// Files on the machine.
    Files,
}

/// The API server's audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditLog {
    /// Whether it is read.
    pub enabled: bool,
    /// Its path on the machine (`--audit-log-path`).
    pub path: HostPath,
    /// The stream that it goes to.
    pub stream: Name,
}

/// Kubernetes events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Whether they are collected.
    pub enabled: bool,
    /// The stream that they go to.
    pub stream: Name,
    /// The image of kubernetes-event-exporter, which prints each event as a JSON line.
    pub image: Image,
    /// The exporter's CPU and memory.
    pub resources: Resources,
    /// Maximum age in seconds of the events that are sent when the exporter starts.
    #[schemars(range(min = 5, max = 3600))]
    pub max_age_seconds: u16,
}

/// How records are processed, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// Containers that aren't read at all.
    pub exclude: BTreeMap<Name, Exclusion>,
    /// Joins lines into records. If several rules match a container, the first one applies: by `order`, then by name.
    pub multiline: BTreeMap<Name, Multiline>,
    /// How JSON text is parsed.
    pub json: Json,
    /// Pod metadata.
    pub metadata: Metadata,
    /// Records that are kept. If rules apply to a container, its records that match none of them are dropped.
    pub keep: BTreeMap<Name, Keep>,
    /// Records that are dropped.
    pub drop: BTreeMap<Name, Drop>,
    /// Fields that are added or renamed, by the name of the new field.
    pub enrich: BTreeMap<FieldName, Enrichment>,
    /// Fields that are removed, `true` for each, after `enrich` and before `routes`.
    pub remove: BTreeMap<FieldName, bool>,
    /// Records that go to a separate stream: the first match by `order` wins.
    pub routes: BTreeMap<Name, Route>,
    /// The stream for all other records.
    pub stream: Name,
}

/// A selection of containers. All conditions must match; for a list, one item is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerSelector {
    /// Namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Glob>,
    /// Pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Glob>,
    /// Containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Glob>,
}

/// Containers that aren't read at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Which containers.
    pub containers: ContainerSelector,
    /// The reason, which is written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Lines that are joined into one record, such as those of a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Multiline {
    /// Its position among the rules: lower numbers first, rules without a number last. Numbers must be unique.
    pub order: Option<u16>,
    /// The containers whose lines are joined.
    pub containers: ContainerSelector,
    /// A pattern that matches the first line of each record.
    pub first_line: Pattern,
    /// Seconds after which a record is sent even if no next one has begun.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 60))]
    pub flush_seconds: u16,
    /// Most lines of a record.
    #[serde(default = "thousand")]
    #[schemars(range(min = 2, max = 100_000))]
    pub max_lines: u32,
}

/// Rules in the order in which they are tried.
pub fn multiline_in_order(rules: &BTreeMap<Name, Multiline>) -> Vec<(&Name, &Multiline)> {
    let mut rules: Vec<(&Name, &Multiline)> = rules.iter().collect();
    rules.sort_by_key(|(name, rule)| (rule.order.is_none(), rule.order, *name));
    rules
}

fn five() -> u16 {
    5
}

fn thousand() -> u32 {
    1000
}

/// How JSON text is parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// Whether JSON is parsed; other text is left unchanged.
    pub parse: bool,
    /// The field for the parsed values. The text itself is kept, too.
    pub target: FieldName,
    /// Whether `message` is kept if the text was JSON. Rules on `message` need it.
    pub keep_text: bool,
}

/// Pod metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The pod's labels.
    pub labels: bool,
    /// The namespace's labels.
    pub namespace_labels: bool,
    /// The annotations that are kept, by key: `true` for each.
    pub annotations: BTreeMap<QualifiedName, bool>,
    /// How many pods are cached.
    #[schemars(range(min = 100, max = 100_000))]
    pub cache_size: u32,
}

/// Records that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The containers that the rule applies to; all by default. Records of other containers are kept.
    pub containers: Option<ContainerSelector>,
    /// Fields and the patterns that they must match, all of them. The fields are in `docs/rule-fields.md`.
    #[schemars(extend("minProperties" = 1))]
    pub when: BTreeMap<FieldName, Pattern>,
    /// Why the others may be lost; written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Records that are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// The containers that the rule applies to; all by default.
    pub containers: Option<ContainerSelector>,
    /// The field to check: one of those in `docs/rule-fields.md`.
    #[serde(default = "message")]
    pub field: FieldName,
    /// The pattern that it must match.
    pub matches: Pattern,
    /// Why they may be lost; written to the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
    /// From this day on (UTC), the rule has no effect.
    pub expires: Option<Day>,
}

fn message() -> FieldName {
    FieldName("message".to_owned())
}

/// Where the value of an added field comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum Enrichment {
    /// A constant value.
    Constant {
        /// The value.
        #[schemars(length(max = 1024))]
        value: String,
    },
    /// A label of the pod.
    PodLabel {
        /// Its key.
        key: QualifiedName,
    },
    /// An annotation of the pod.
    PodAnnotation {
        /// Its key.
        key: QualifiedName,
    },
    /// Another field, which is renamed.
    Field {
        /// Its current name.
        name: FieldName,
    },
}

/// Records that go to a separate stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its position among the routes: lower numbers first. Numbers must be unique.
    pub order: u16,
    /// Which records.
    pub when: RecordSelector,
    /// The stream for them.
    pub stream: Name,
}

/// A selection of records. All conditions must match; for a list, one item is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct RecordSelector {
    /// Namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Glob>,
    /// Pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Glob>,
    /// Containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Glob>,
    /// Labels of the pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<QualifiedName, LabelValue>,
    /// Fields and the patterns that they must match: those in `docs/rule-fields.md`, and those of `enrich`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<FieldName, Pattern>,
}
