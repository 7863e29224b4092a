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
    /// What Kubernetes writes.
    pub kubernetes: KubernetesSources,
    /// System and kernel logs of the virtual machines.
    pub machines: Machines,
    /// What AWS writes and measures.
    pub aws: Aws,
}

/// What Kubernetes writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSources {
    /// Containers of everybody's own programs: all that are neither a node's nor the control plane's.
    pub applications: Applications,
    /// Containers of the system namespaces, and the journal of kubelet and container runtime.
    pub nodes: Nodes,
    /// The API server and its companions on machines of the cluster's own; none on EKS.
    pub control_plane: ControlPlane,
    /// Events of the API server.
    pub events: Events,
}

/// Containers of everybody's own programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Applications {
    /// Whether it is collected.
    pub enabled: bool,
    /// How records are treated on the way.
    pub records: Records,
    /// The Fluentd that does it.
    pub fluentd: FluentdSettings,
}

/// Containers of the system namespaces, and the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// Whether it is collected.
    pub enabled: bool,
    /// The namespaces whose containers count as the node's: `true` each.
    pub namespaces: BTreeMap<KubernetesName, bool>,
    /// The journal of the machine.
    pub journal: Journal,
    /// How records are treated on the way. Rules that choose no namespace, pod, container or label are for the journal, too.
    pub records: Records,
    /// The Fluentd that does it.
    pub fluentd: FluentdSettings,
}

/// The journal of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Whether it is read.
    pub enabled: bool,
    /// Where it is kept: `/var/log/journal`, or `/run/log/journal` where it is lost with the machine.
    pub directory: HostPath,
    /// The units that are read: `true` each.
    pub units: BTreeMap<Unit, bool>,
}

/// The API server and its companions on machines of the cluster's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlPlane {
    /// Whether it is collected. Without effect on EKS, which has no such machines.
    pub enabled: bool,
    /// From where. kops writes the same lines to both, so one must be chosen.
    pub read: ControlPlaneRead,
    /// The components that are read: `true` each. The name is that of the static pod in `kube-system`; what runs on every machine, such as kube-proxy, is read by `nodes`.
    pub components: BTreeMap<KubernetesName, bool>,
    /// Where the components write on the machine, for `read: files`.
    pub files: BTreeMap<KubernetesName, HostPath>,
    /// The audit log of the API server.
    pub audit_log: AuditLog,
    /// How records are treated on the way; not those of the audit log.
    pub records: Records,
    /// The Fluentd that does it.
    pub fluentd: FluentdSettings,
}

/// From where the control plane's logs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlPlaneRead {
    /// What the containers of the static pods print.
    Containers,
    /// Files on the machine.
    Files,
}

/// The audit log of the API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditLog {
    /// Whether it is read.
    pub enabled: bool,
    /// Where the API server writes it (`--audit-log-path`).
    pub path: HostPath,
    /// The stream it goes to.
    pub stream: Name,
}

/// Events of the API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Whether they are collected.
    pub enabled: bool,
    /// The stream they go to.
    pub stream: Name,
    /// The image of kubernetes-event-exporter, which prints each event as a line of JSON.
    pub image: Image,
    /// CPU and memory of it.
    pub resources: Resources,
    /// Seconds after which an event is too old to be sent when the exporter starts.
    #[schemars(range(min = 5, max = 3600))]
    pub max_age_seconds: u16,
}

/// How records are treated on the way, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// Containers that are not read at all.
    pub exclude: BTreeMap<Name, Exclusion>,
    /// Lines that belong together. Of several rules for a container the first counts: by `order`, then by name.
    pub multiline: BTreeMap<Name, Multiline>,
    /// Text that is JSON.
    pub json: Json,
    /// What is known of the pod.
    pub metadata: Metadata,
    /// Records that are kept: of the containers that a rule is for, what none of their rules matches is thrown away.
    pub keep: BTreeMap<Name, Keep>,
    /// Records that are thrown away.
    pub drop: BTreeMap<Name, Drop>,
    /// Fields that are added or renamed, by the name of the new field.
    pub enrich: BTreeMap<FieldName, Enrichment>,
    /// Fields that are taken off, `true` each, after `enrich` and before `routes`.
    pub remove: BTreeMap<FieldName, bool>,
    /// Which records go to a stream of their own: the first match by `order` wins.
    pub routes: BTreeMap<Name, Route>,
    /// The stream of all the rest.
    pub stream: Name,
}

/// A choice of containers. All that is given must hold; of a list, one.
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

/// Containers that are not read at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Which.
    pub containers: ContainerSelector,
    /// Why; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Lines that belong together, such as those of a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Multiline {
    /// Its place among the rules: lower ones are tried first, those without a number last. No two are equal.
    pub order: Option<u16>,
    /// Whose lines.
    pub containers: ContainerSelector,
    /// What the first line of each record looks like.
    pub first_line: Pattern,
    /// Seconds after which a record is sent even if no next one began.
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

/// Text that is JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// Whether it is read as JSON; other text stays as it is.
    pub parse: bool,
    /// The field that gets the values. The text itself is kept beside it.
    pub target: FieldName,
    /// Whether `message` is kept where the text was JSON. Rules on `message` need it.
    pub keep_text: bool,
}

/// What is known of the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The pod's labels.
    pub labels: bool,
    /// The namespace's labels.
    pub namespace_labels: bool,
    /// The annotations that are kept, by key: `true` each.
    pub annotations: BTreeMap<QualifiedName, bool>,
    /// How many pods are remembered.
    #[schemars(range(min = 100, max = 100_000))]
    pub cache_size: u32,
}

/// Records that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// Whose; everybody's without it. Records of other containers stay.
    pub containers: Option<ContainerSelector>,
    /// Fields, each with what it must match; all must. The fields are in `docs/rule-fields.md`.
    #[schemars(extend("minProperties" = 1))]
    pub when: BTreeMap<FieldName, Pattern>,
    /// Why the others may be lost; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
}

/// Records that are thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// Whose; everybody's without it.
    pub containers: Option<ContainerSelector>,
    /// The field that is looked at: one of those in `docs/rule-fields.md`.
    #[serde(default = "message")]
    pub field: FieldName,
    /// What it must match.
    pub matches: Pattern,
    /// Why they may be lost; it stands in the rendered file.
    #[schemars(length(min = 3, max = 500))]
    pub reason: String,
    /// From this day on (UTC) the rule has no effect.
    pub expires: Option<Day>,
}

fn message() -> FieldName {
    FieldName("message".to_owned())
}

/// Where the value of an added field comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum Enrichment {
    /// A value that is always the same.
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
    /// Another field, which gets this name instead of its own.
    Field {
        /// Its name so far.
        name: FieldName,
    },
}

/// Records that go to a stream of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its place among the routes: lower ones are tried first. No two are equal.
    pub order: u16,
    /// Which records.
    pub when: RecordSelector,
    /// Where to.
    pub stream: Name,
}

/// A choice of records. All that is given must hold; of a list, one.
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
    /// Fields, each with what it must match: those in `docs/rule-fields.md`, and those of `enrich`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<FieldName, Pattern>,
}
