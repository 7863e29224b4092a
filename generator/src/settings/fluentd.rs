//! How Fluentd runs, whatever it reads.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    HostPath, ImageDigest, ImageRepository, ImageTag, KubernetesName, LabelValue, Name,
    QualifiedName, Quantity, TaintEffect,
};

/// Settings of one Fluentd `DaemonSet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FluentdSettings {
    /// The image. It must contain Fluentd 1.13.0 or newer, and the plugins that the sources and destinations need.
    pub image: Image,
    /// CPU and memory.
    pub resources: Resources,
    /// The pods' priority class.
    pub priority_class: KubernetesName,
    /// Which taints the pods tolerate.
    pub tolerate: Tolerate,
    /// Additional tolerations.
    pub tolerations: BTreeMap<Name, Toleration>,
    /// How many pods an update may replace at a time, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable_percent: u8,
    /// Seconds that a stopping pod has to flush its buffers.
    #[schemars(range(min = 30, max = 600))]
    pub termination_grace_seconds: u16,
    /// Folder on the machine for positions and buffers.
    pub state_directory: HostPath,
    /// Log level of Fluentd itself.
    pub log_level: LogLevel,
    /// How files are read.
    pub read: Read,
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Name without tag.
    pub repository: ImageRepository,
    /// Tag. If it isn't set, the tag of Fluentd's stock image is derived from the destinations' back end.
    pub tag: Option<ImageTag>,
    /// Digest; takes precedence over the tag.
    pub digest: Option<ImageDigest>,
    /// The Fluentd plugins in it, by gem name. They are known for the tags of `fluent/fluentd-kubernetes-daemonset`;
    /// list them for your own image, and `gen` reports those that the configuration needs and the image lacks.
    pub plugins: Option<BTreeSet<String>>,
    /// The processor architectures that it is available for.
    #[schemars(length(min = 1))]
    pub architectures: BTreeSet<Architecture>,
}

/// The architecture of a machine's processor.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM, such as Graviton.
    Arm64,
}

/// CPU and memory of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Requests.
    pub requests: ResourceAmounts,
    /// Limits.
    pub limits: ResourceAmounts,
}

/// Amounts of CPU and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceAmounts {
    /// CPU, such as `100m`.
    pub cpu: Option<Quantity>,
    /// Memory, such as `512Mi`.
    pub memory: Option<Quantity>,
}

/// Which taints the pods of a `DaemonSet` tolerate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tolerate {
    /// The taints in `node_groups`, and no others.
    NodeGroups,
    /// Every taint.
    Everything,
    /// Only those listed in `tolerations`; a node group that isn't covered is an error.
    Listed,
}

/// A Kubernetes toleration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Toleration {
    /// The taint's key; if not set, every key.
    pub key: Option<QualifiedName>,
    /// The taint's value; if not set, every value.
    pub value: Option<LabelValue>,
    /// The taint's effect; if not set, every effect.
    pub effect: Option<TaintEffect>,
    /// For `NoExecute`: seconds until the pod is evicted anyway.
    pub toleration_seconds: Option<u32>,
}

/// Log level of Fluentd itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Everything: for debugging.
    Debug,
    /// Normal operation.
    Info,
    /// Warnings and errors.
    Warn,
    /// Errors only.
    Error,
}

/// How files are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Seconds that a rotated file is still read (with fewer, fluent/fluentd#4693 loses lines).
    #[schemars(range(min = 5, max = 600))]
    pub rotate_wait_seconds: u16,
    /// Seconds between checks for new files.
    #[schemars(range(min = 1, max = 300))]
    pub refresh_interval_seconds: u16,
    /// Most bytes read from one file per second, so that one busy pod can't hold up the others; 0 for no limit.
    #[schemars(range(max = 1_073_741_824))]
    pub bytes_per_second: u32,
}
