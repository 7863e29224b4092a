//! How a Fluentd runs, whatever it reads.

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
    /// The image. It must hold the plugins that the sources and the destinations need, in Fluentd 1.13.0 or newer.
    pub image: Image,
    /// CPU and memory.
    pub resources: Resources,
    /// The pods' priority class.
    pub priority_class: KubernetesName,
    /// Which taints the pods tolerate.
    pub tolerate: Tolerate,
    /// Tolerations beside those.
    pub tolerations: BTreeMap<Name, Toleration>,
    /// How many pods may be replaced at a time, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable_percent: u8,
    /// Seconds that a stopping pod has to flush its buffers.
    #[schemars(range(min = 30, max = 600))]
    pub termination_grace_seconds: u16,
    /// Folder on the machine that holds positions and buffers.
    pub state_directory: HostPath,
    /// How much Fluentd says of itself.
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
    /// Tag. For Fluentd's stock image it follows from the destinations' back end if it is not set.
    pub tag: Option<ImageTag>,
    /// Digest, which wins over the tag.
    pub digest: Option<ImageDigest>,
    /// The Fluentd plugins in it, by gem name. Known for the tags of
    /// `fluent/fluentd-kubernetes-daemonset`; say it for an image of your own, and `gen` tells which its configuration lacks.
    pub plugins: Option<BTreeSet<String>>,
    /// The processor architectures that it exists for.
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
    /// What is set aside.
    pub requests: ResourceAmounts,
    /// What is the most.
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
    /// Those of `node_groups`, and only they.
    NodeGroups,
    /// Every taint.
    Everything,
    /// Only those listed in `tolerations`; a node group left out is a fault.
    Listed,
}

/// A toleration as Kubernetes has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Toleration {
    /// The taint's key; every key without it.
    pub key: Option<QualifiedName>,
    /// The taint's value; every value without it.
    pub value: Option<LabelValue>,
    /// The taint's effect; every effect without it.
    pub effect: Option<TaintEffect>,
    /// For `NoExecute`: seconds until the pod is evicted after all.
    pub toleration_seconds: Option<u32>,
}

/// How much Fluentd says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What it does.
    Info,
    /// What looks wrong.
    Warn,
    /// What is wrong.
    Error,
}

/// How files are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Seconds that a rotated file is still read (fluent/fluentd#4693 loses lines with fewer).
    #[schemars(range(min = 5, max = 600))]
    pub rotate_wait_seconds: u16,
    /// Seconds between looks for new files.
    #[schemars(range(min = 1, max = 300))]
    pub refresh_interval_seconds: u16,
    /// Most bytes read of one file in a second, so that one loud pod can't keep the others waiting; 0 for no limit.
    #[schemars(range(max = 1_073_741_824))]
    pub bytes_per_second: u32,
}
