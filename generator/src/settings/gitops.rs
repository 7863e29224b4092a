//! How the rendered files are applied: by Argo CD, by Flux, or by neither.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ApiServerUrl, ArgoClusterName, GitRevision, GitUrl, KubernetesName, KubernetesSecretReference,
    ObjectName, RepositoryPath,
};

/// How `rendered/<cluster>/kubernetes/` gets into the cluster. A fleet uses one tool, so set `tool`, `repository`,
/// `namespace` and `argo_cd` in `clusters/fleet.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitopsSettings {
    /// The tool to render objects for; a single cluster can set `none`.
    pub tool: GitopsTool,
    /// The repository that contains `rendered/`.
    pub repository: GitRepository,
    /// The namespace that the tool runs in; by default `argocd` or `flux-system`.
    pub namespace: Option<KubernetesName>,
    /// The cluster as the tool knows it.
    pub destination: GitopsDestination,
    /// What the tool does automatically.
    pub sync: GitopsSync,
    /// Settings only for Argo CD.
    pub argo_cd: ArgoCdSettings,
    /// Settings only for Flux.
    pub flux: FluxSettings,
}

/// The tool that applies the rendered files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GitopsTool {
    /// No objects are rendered.
    None,
    /// An `Application` for each cluster; `AppProject` and `ApplicationSet` for the fleet.
    ArgoCd,
    /// Two `Kustomization`s for each cluster; `GitRepository` and a root `Kustomization` for the fleet.
    Flux,
}

/// The repository that contains `rendered/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitRepository {
    /// Its URL; required with a tool.
    pub url: Option<GitUrl>,
    /// The branch, another reference such as `refs/tags/v1`, or a full commit hash.
    pub revision: GitRevision,
    /// The path of `rendered/` in it.
    pub path: RepositoryPath,
    /// The Secret with Flux's credential for it, in Flux's namespace, such as `kubernetes-secret:logs-repository`. Argo
    /// CD manages its repositories' credentials itself.
    pub secret: Option<KubernetesSecretReference>,
    /// Minutes between Flux's checks for new commits.
    #[schemars(range(min = 1, max = 1440))]
    pub interval_minutes: u16,
}

/// The cluster as the tool knows it: at most one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitopsDestination {
    /// The name that the cluster was registered under in Argo CD; by default the cluster's own.
    pub name: Option<ArgoClusterName>,
    /// The URL of its API server, as registered in Argo CD.
    pub server: Option<ApiServerUrl>,
    /// The Secret with its kubeconfig, in Flux's namespace, such as `kubernetes-secret:prod-eu-kubeconfig`; by default
    /// `<cluster>-kubeconfig`.
    pub kubeconfig_secret: Option<KubernetesSecretReference>,
    /// Whether the tool runs in this cluster itself. Only one cluster per installation of the tool can set it.
    #[serde(default)]
    pub in_cluster: bool,
}

/// What the tool does automatically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitopsSync {
    /// Whether a new commit is applied automatically; if not, someone presses Sync (Argo CD), or nothing is applied
    /// (Flux: suspended).
    pub automated: bool,
    /// Whether objects that are no longer rendered are deleted.
    pub prune: bool,
    /// Whether manual changes to objects are reverted. Flux always does this.
    pub self_heal: bool,
}

/// Settings only for Argo CD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArgoCdSettings {
    /// The rendered project of the clusters' applications. It permits this repository, these clusters and namespaces,
    /// and the rendered kinds.
    pub project: KubernetesName,
    /// The project of the application that keeps that project and the `ApplicationSet` up to date; it must permit both.
    pub root_project: KubernetesName,
}

/// Settings only for Flux.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FluxSettings {
    /// Minutes between full comparisons without a new commit.
    #[schemars(range(min = 1, max = 1440))]
    pub interval_minutes: u16,
    /// Minutes until a failure is retried.
    #[schemars(range(min = 1, max = 1440))]
    pub retry_interval_minutes: u16,
    /// Minutes that objects have to become healthy.
    #[schemars(range(min = 1, max = 1440))]
    pub timeout_minutes: u16,
    /// The service account that Flux uses in the cluster; by default its own.
    pub service_account: Option<ObjectName>,
    /// What happens to the objects in a cluster that is removed from the fleet.
    pub on_removal: OnRemoval,
}

/// What happens to the objects in a cluster that is removed from the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRemoval {
    /// They stay and keep shipping logs until someone deletes them.
    Keep,
    /// They are deleted.
    Delete,
}
