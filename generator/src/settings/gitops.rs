//! How what is rendered gets applied: by Argo CD, by Flux, or by nobody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ApiServerUrl, ArgoClusterName, FilePath, GitRevision, GitUrl, KubernetesName,
    KubernetesSecretReference, ObjectName,
};

/// How `rendered/<cluster>/kubernetes/` gets into the cluster. One fleet has
/// one tool, so `tool`, `repository`, `namespace` and `argo_cd` belong into `clusters/fleet.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitopsSettings {
    /// The tool whose objects are rendered; a cluster may have `none` in a fleet that has one.
    pub tool: GitopsTool,
    /// The repository that `rendered/` is committed to.
    pub repository: GitRepository,
    /// The namespace that the tool runs in; by default `argocd` or `flux-system`.
    pub namespace: Option<KubernetesName>,
    /// The cluster's address, as the tool knows it.
    pub destination: GitopsDestination,
    /// What the tool does by itself.
    pub sync: GitopsSync,
    /// Settings of Argo CD alone.
    pub argo_cd: ArgoCdSettings,
    /// Settings of Flux alone.
    pub flux: FluxSettings,
}

/// The tool that applies what is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GitopsTool {
    /// Nothing is rendered for any.
    None,
    /// An `Application` for each cluster; `AppProject` and `ApplicationSet` for the fleet.
    ArgoCd,
    /// Two `Kustomization`s for each cluster; `GitRepository` and a root `Kustomization` for the fleet.
    Flux,
}

/// The repository that `rendered/` is committed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitRepository {
    /// Its address; required with a tool.
    pub url: Option<GitUrl>,
    /// The branch; or a reference such as `refs/tags/v1`, or a whole commit.
    pub revision: GitRevision,
    /// The path of the folder `rendered/` in it.
    pub path: FilePath,
    /// The Secret with Flux's credential for it, in Flux's namespace, such as
    /// `kubernetes-secret:logs-repository`; Argo CD keeps its repositories' credentials itself.
    pub secret: Option<KubernetesSecretReference>,
    /// Minutes between two looks of Flux for a new commit.
    #[schemars(range(min = 1, max = 1440))]
    pub interval_minutes: u16,
}

/// The cluster's address, as the tool knows it: at most one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitopsDestination {
    /// The name that the cluster was registered by at Argo CD; by default the cluster's own.
    pub name: Option<ArgoClusterName>,
    /// The address of its API server, as it was registered at Argo CD.
    pub server: Option<ApiServerUrl>,
    /// The Secret with its kubeconfig, in Flux's namespace; such as
    /// `kubernetes-secret:prod-eu-kubeconfig`; by default `<cluster>-kubeconfig`.
    pub kubeconfig_secret: Option<KubernetesSecretReference>,
    /// Whether the tool runs in this very cluster; at most one cluster of a fleet can say so
    /// of one installation.
    #[serde(default)]
    pub in_cluster: bool,
}

/// What the tool does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitopsSync {
    /// Whether a new commit is applied at once; otherwise somebody presses
    /// the button (Argo CD), or nothing is applied (Flux: suspended).
    pub automated: bool,
    /// Whether an object that is no longer rendered is deleted.
    pub prune: bool,
    /// Whether an object that was changed by hand is changed back. Flux always does.
    pub self_heal: bool,
}

/// Settings of Argo CD alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArgoCdSettings {
    /// The project of the clusters' applications, which is rendered: it permits
    /// this repository, these clusters and namespaces, and the rendered kinds.
    pub project: KubernetesName,
    /// The project of the one application that keeps the project and the
    /// `ApplicationSet` up to date; it must permit these.
    pub root_project: KubernetesName,
}

/// Settings of Flux alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FluxSettings {
    /// Minutes until everything is compared again without a new commit.
    #[schemars(range(min = 1, max = 1440))]
    pub interval_minutes: u16,
    /// Minutes until what failed is tried again.
    #[schemars(range(min = 1, max = 1440))]
    pub retry_interval_minutes: u16,
    /// Minutes that objects have to become healthy.
    #[schemars(range(min = 1, max = 1440))]
    pub timeout_minutes: u16,
    /// The service account that Flux acts as in the cluster; its own by default.
    pub service_account: Option<ObjectName>,
    /// What becomes of the objects in a cluster that leaves the fleet.
    pub on_removal: OnRemoval,
}

/// What becomes of the objects in a cluster that leaves the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRemoval {
    /// They stay, and logs go on being shipped, until somebody deletes them.
    Keep,
    /// They are deleted.
    Delete,
}
