//! A cluster that leaves the fleet, and what becomes of what runs in it. Pure.

use super::{Flag, RiskFinding};
use crate::resolve::{ResolvedCluster, ResolvedGitops};
use crate::settings::{GitopsTool, OnRemoval};

/// The risk of a cluster's removal.
pub(in crate::diff) fn of_cluster(cluster: &ResolvedCluster) -> RiskFinding {
    removed(what_goes(cluster.gitops.as_ref()))
}

/// The same of a cluster that the base can't render.
pub(in crate::diff) fn of_unknown() -> RiskFinding {
    removed("what is deleted isn't known: the base has an error")
}

fn removed(live: &str) -> RiskFinding {
    let what = "its log shipping is no longer rendered";
    RiskFinding::new(Flag::ClusterRemoved, what, Some(live.to_owned()))
}

/// What the tool that applies the cluster's files deletes, as docs/gitops.md
/// says: neither the Application nor the `ApplicationSet` takes objects along
/// (<https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Controlling-Resource-Modification/#preserve-changes-made-to-an-applications-annotations-and-labels>),
/// and Flux does as `deletionPolicy` says
/// (<https://fluxcd.io/flux/components/kustomize/kustomizations/#deletion-policy>).
fn what_goes(gitops: Option<&ResolvedGitops>) -> &'static str {
    let Some(gitops) = gitops else {
        return "nothing is deleted automatically: what is deployed keeps shipping until someone deletes it";
    };
    match (gitops.tool, gitops.flux.on_removal) {
        (GitopsTool::ArgoCd, _) => {
            "Argo CD deletes the cluster's Application; what is deployed in the cluster keeps shipping until someone deletes it"
        }
        (GitopsTool::Flux, OnRemoval::Delete) => {
            "Flux deletes the cluster's Kustomizations and every object that they applied: shipping ends"
        }
        (GitopsTool::Flux, OnRemoval::Keep) => {
            "Flux deletes the cluster's Kustomizations; what is deployed in the cluster keeps shipping until someone deletes it"
        }
        (GitopsTool::None, _) => {
            "nothing is deleted automatically: what is deployed keeps shipping until someone deletes it"
        }
    }
}
