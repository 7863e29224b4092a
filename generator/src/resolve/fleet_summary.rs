//! What the files of the whole fleet are rendered from. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::gitops::{self, FleetGitops, ResolvedGitops};
use super::problem::Problems;
use super::reconciler::{FleetReconciler, ReconciledCluster, ResolvedReconciler};
use super::{Identity, ResolvedCluster};

/// A whole fleet, ready for its own files to be rendered. This is what
/// templates below `_fleet/` see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedFleet {
    /// What its clusters' objects are applied by; none if nobody applies them.
    pub gitops: Option<FleetGitops>,
    /// Its clusters, by name.
    pub clusters: Vec<FleetCluster>,
    /// The kinds below the clusters' `kubernetes/` that live in no namespace, by group.
    pub cluster_kinds: Vec<GroupKind>,
    /// The other kinds there, by group.
    pub namespaced_kinds: Vec<GroupKind>,
    /// What makes servers, credentials and stacks match; none if it isn't enabled.
    pub reconciler: Option<ResolvedReconciler>,
}

/// A cluster of the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetCluster {
    /// Which cluster.
    pub cluster: Identity,
    /// The namespace of its objects.
    pub namespace: String,
    /// How they get applied; none if nobody applies them.
    pub gitops: Option<ResolvedGitops>,
    /// What the reconciler has to know of it.
    #[serde(skip)]
    pub reconciled: ReconciledCluster,
}

/// A kind of Kubernetes object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKind {
    /// Its group; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
}

/// Kubernetes' own kinds that live in no namespace, as far as somebody may
/// want them beside shippers (<https://kubernetes.io/docs/reference/kubernetes-api/>).
const CLUSTER_KINDS: [(&str, &str); 9] = [
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("external-secrets.io", "ClusterSecretStore"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("security.openshift.io", "SecurityContextConstraints"),
    ("storage.k8s.io", "StorageClass"),
];

impl ResolvedFleet {
    /// Puts together a fleet whose clusters, sorted by name, render these kinds. What is wrong with its reconciler was
    /// reported where the clusters were compared.
    pub fn new(
        clusters: Vec<FleetCluster>,
        kinds: BTreeSet<GroupKind>,
        reconciler: Option<&FleetReconciler>,
    ) -> Self {
        let lives_in_none =
            |kind: &GroupKind| CLUSTER_KINDS.contains(&(kind.group.as_str(), kind.kind.as_str()));
        let (cluster_kinds, namespaced_kinds) = kinds.into_iter().partition(lives_in_none);
        Self {
            gitops: gitops::common(&clusters),
            reconciler: reconciler.map(|own| own.resolve(&clusters, &mut Problems::default())),
            clusters,
            cluster_kinds,
            namespaced_kinds,
        }
    }
}

impl FleetCluster {
    /// What the fleet's own files say of a cluster.
    pub fn of(cluster: &ResolvedCluster) -> Self {
        Self {
            cluster: cluster.cluster.clone(),
            namespace: cluster.kubernetes.namespace.clone(),
            gitops: cluster.gitops.clone(),
            reconciled: ReconciledCluster::of(cluster),
        }
    }
}
