//! What the Kubernetes objects have in common, and the machines they run on.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, KubernetesName, LabelValue, OidcProvider, QualifiedName, RoleArn};

/// What the Kubernetes objects have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSettings {
    /// The namespace they live in.
    pub namespace: KubernetesName,
    /// How the container runtime writes logs.
    pub log_format: LogFormat,
    /// How the credential gets into the cluster.
    pub credentials: CredentialDelivery,
    /// The IAM role of the pods, for destinations of AWS: Amazon OpenSearch
    /// Service, CloudWatch Logs, S3. Where pods write there, somebody must make it: you, and name it here, or the
    /// cluster's stack, with `oidc_provider`.
    pub role_arn: Option<RoleArn>,
    /// The OIDC provider that IAM knows the cluster's service
    /// accounts by. With it the cluster's CloudFormation stack makes the role of the pods, `logfleet-<cluster>-pods`.
    pub oidc_provider: Option<OidcProvider>,
    /// Metrics and alerts for the Prometheus Operator.
    pub monitoring: Monitoring,
}

/// How the container runtime writes logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines of the Container Runtime Interface: containerd, CRI-O.
    Cri,
    /// JSON lines of Docker's json-file driver, on old nodes.
    Docker,
}

/// How the credential gets into the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialDelivery {
    /// The External Secrets Operator fetches it from AWS Secrets Manager.
    ExternalSecrets {
        /// The kind of its store.
        #[serde(default)]
        store_kind: SecretStoreKind,
        /// The name of its store.
        #[serde(default = "default_store")]
        store: KubernetesName,
        /// Minutes between looks for a new value.
        #[serde(default = "default_refresh")]
        #[schemars(range(min = 1, max = 1440))]
        refresh_minutes: u16,
    },
    /// The reconciler writes the Secret.
    Reconciler {},
}

fn default_store() -> KubernetesName {
    KubernetesName("aws-secretsmanager".to_owned())
}

fn default_refresh() -> u16 {
    60
}

/// The kind of a store of the External Secrets Operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SecretStoreKind {
    /// One for all namespaces.
    #[default]
    ClusterSecretStore,
    /// One of the namespace.
    SecretStore,
}

/// Metrics and alerts for the Prometheus Operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// Whether a `PodMonitor` and a `PrometheusRule` are rendered. The
    /// metrics themselves are there in any case, on port 24231.
    pub enabled: bool,
    /// Labels by which Prometheus chooses them.
    pub labels: BTreeMap<QualifiedName, LabelValue>,
    /// When somebody is told.
    pub alerts: Alerts,
}

/// When somebody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Percent of a buffer's room that may be in use.
    #[schemars(range(min = 1, max = 100))]
    pub buffer_percent: u8,
    /// Retries of an output in ten minutes.
    #[schemars(range(min = 1))]
    pub retries: u32,
    /// Minutes without any record from a node.
    #[schemars(range(min = 1, max = 1440))]
    pub silent_minutes: u16,
    /// Minutes that something must last.
    #[schemars(range(min = 1, max = 1440))]
    pub for_minutes: u16,
}

/// Machines that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    /// What they do.
    pub role: NodeRole,
    /// What they are, as far as it decides which shippers can run there. Logs that none can ship are listed by `gen sources`, with the reason.
    #[serde(default)]
    pub r#type: NodeType,
    /// Their processors.
    #[serde(default = "amd64")]
    pub architecture: Architecture,
    /// Their taints, by key.
    #[serde(default)]
    pub taints: BTreeMap<QualifiedName, Taint>,
}

fn amd64() -> Architecture {
    Architecture::Amd64
}

/// What the machines of a group are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    /// Linux that takes packages, such as Amazon Linux, Ubuntu or Debian.
    #[default]
    Linux,
    /// Bottlerocket, which takes no packages: Fluentd runs there, Filebeat and the CloudWatch agent don't.
    Bottlerocket,
    /// Machines that EKS Auto Mode manages, which take no packages either.
    EksAutoMode,
    /// Windows, which no shipper here runs on.
    Windows,
    /// Fargate, which runs no `DaemonSet`.
    Fargate,
}

impl NodeType {
    /// Whether the `DaemonSet`s run there.
    pub fn runs_daemon_sets(self) -> bool {
        match self {
            Self::Linux | Self::Bottlerocket | Self::EksAutoMode => true,
            Self::Windows | Self::Fargate => false,
        }
    }

    /// Whether Filebeat and the CloudWatch agent can be installed there.
    pub fn takes_packages(self) -> bool {
        self == Self::Linux
    }
}

/// What the machines of a group do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// They run the control plane.
    ControlPlane,
    /// They run everything else.
    Node,
}

/// A taint of a node group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    /// Its value.
    pub value: Option<LabelValue>,
    /// Its effects.
    #[schemars(length(min = 1))]
    pub effects: BTreeSet<TaintEffect>,
}

/// What a taint does to a pod that doesn't tolerate it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum TaintEffect {
    /// It is not placed there.
    NoSchedule,
    /// It is placed elsewhere if possible.
    PreferNoSchedule,
    /// It is not placed there, and removed if it is there.
    NoExecute,
}
