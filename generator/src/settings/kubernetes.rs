//! Settings of all Kubernetes objects, and the machines that they run on.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, KubernetesName, LabelValue, OidcProvider, QualifiedName, RoleArn};

/// Settings of all Kubernetes objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSettings {
    /// The namespace of the rendered objects.
    pub namespace: KubernetesName,
    /// The container runtime's log format.
    pub log_format: LogFormat,
    /// How the credential gets into the cluster.
    pub credentials: CredentialDelivery,
    /// The pods' IAM role, for destinations in AWS: Amazon OpenSearch Service, CloudWatch Logs, S3. If pods write
    /// there, either create a role and name it here, or set `oidc_provider`, and the cluster's stack creates it.
    pub role_arn: Option<RoleArn>,
    /// The OIDC provider in IAM for the cluster's service accounts. With it, the cluster's CloudFormation stack creates
    /// the pods' role, `logfleet-<cluster>-pods`.
    pub oidc_provider: Option<OidcProvider>,
    /// Metrics and alerts for the Prometheus Operator.
    pub monitoring: Monitoring,
}

/// The container runtime's log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Container Runtime Interface: containerd, CRI-O.
    Cri,
    /// JSON lines of Docker's json-file driver, on old nodes.
    Docker,
}

/// How the credential gets into the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialDelivery {
    /// The External Secrets Operator fetches the credential from AWS Secrets Manager.
    ExternalSecrets {
        /// The kind of the operator's store.
        #[serde(default)]
        store_kind: SecretStoreKind,
        /// The name of the operator's store.
        #[serde(default = "default_store")]
        store: KubernetesName,
        /// Minutes between checks for a new value.
        #[serde(default = "default_refresh")]
        #[schemars(range(min = 1, max = 1440))]
        refresh_minutes: u16,
    },
    /// The reconciler writes the Secret with the credential.
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
    /// A store for all namespaces.
    #[default]
    ClusterSecretStore,
    /// A store in the namespace.
    SecretStore,
}

/// Metrics and alerts for the Prometheus Operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// Whether a `PodMonitor` and a `PrometheusRule` are rendered. The metrics themselves are always available, on port
    /// 24231.
    pub enabled: bool,
    /// Labels by which Prometheus selects them.
    pub labels: BTreeMap<QualifiedName, LabelValue>,
    /// When alerts fire.
    pub alerts: Alerts,
}

/// When alerts fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Percent of a buffer that may be in use.
    #[schemars(range(min = 1, max = 100))]
    pub buffer_percent: u8,
    /// Retries of an output in ten minutes.
    #[schemars(range(min = 1))]
    pub retries: u32,
    /// Minutes without any record from a node.
    #[schemars(range(min = 1, max = 1440))]
    pub silent_minutes: u16,
    /// Minutes that a condition must last before an alert fires.
    #[schemars(range(min = 1, max = 1440))]
    pub for_minutes: u16,
}

/// A group of similar machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    /// Their role.
    pub role: NodeRole,
    /// Their type, which decides which shippers can run there. `gen sources` lists logs that no shipper can ship, with
    /// the reason.
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

/// The type of the machines in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    /// Linux with a package manager, such as Amazon Linux, Ubuntu or Debian.
    #[default]
    Linux,
    /// Bottlerocket, which can't install packages: Fluentd runs there, Filebeat and the CloudWatch agent don't.
    Bottlerocket,
    /// Machines that EKS Auto Mode manages, which can't install packages either.
    EksAutoMode,
    /// Windows, which none of the shippers supports.
    Windows,
    /// Fargate, which runs no `DaemonSet`s.
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

/// The role of the machines in a group.
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
    /// The pod isn't scheduled there.
    NoSchedule,
    /// The pod is scheduled elsewhere if possible.
    PreferNoSchedule,
    /// The pod isn't scheduled there, and evicted if it already runs there.
    NoExecute,
}
