//! Who applies files, and what becomes of what leaves them. Pure.

use crate::resolve::ResolvedGitops;
use crate::settings::GitopsTool;

/// Who applies a cluster's Kubernetes objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::diff) enum Applier {
    /// A tool that deletes what is no longer rendered.
    Prunes(&'static str),
    /// Argo CD, which applies and deletes nothing until somebody presses Sync
    /// (<https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/>).
    Waits,
    /// Flux, which does nothing until it goes on; then it deletes
    /// (<https://fluxcd.io/flux/components/kustomize/kustomizations/#suspend>).
    Suspended,
    /// Nobody does.
    #[default]
    Nobody,
}

impl Applier {
    /// That of a cluster.
    pub(in crate::diff) fn of(gitops: Option<&ResolvedGitops>) -> Self {
        let Some(gitops) = gitops.filter(|gitops| gitops.sync.prune) else {
            return Self::Nobody;
        };
        match (gitops.tool, gitops.sync.automated) {
            (GitopsTool::ArgoCd, true) => Self::Prunes("Argo CD"),
            (GitopsTool::ArgoCd, false) => Self::Waits,
            (GitopsTool::Flux, true) => Self::Prunes("Flux"),
            (GitopsTool::Flux, false) => Self::Suspended,
            (GitopsTool::None, _) => Self::Nobody,
        }
    }

    /// What becomes of an object that is no longer rendered (`gitops.sync.prune`).
    pub(super) fn of_removed(self) -> String {
        match self {
            Self::Prunes(tool) => format!("{tool} deletes it with the next sync"),
            Self::Waits => {
                "nothing deletes it automatically: Argo CD does when someone syncs with pruning"
                    .to_owned()
            }
            Self::Suspended => {
                "nothing deletes it as long as Flux is suspended; Flux does when it is resumed"
                    .to_owned()
            }
            Self::Nobody => "nothing deletes it automatically".to_owned(),
        }
    }
}

/// What becomes of resources that leave a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stack {
    /// The whole template is removed, and its stack isn't.
    Stays,
    /// The stack is updated by the template.
    Updated,
    /// The resources are of the members' stack, which is made of fragments.
    OfMembers,
}

impl Stack {
    /// What becomes of a resource that nothing keeps.
    pub(super) fn of_removed(self) -> &'static str {
        match self {
            Self::Stays => "it stays as long as its stack, which nothing deletes automatically",
            Self::Updated => "CloudFormation deletes it when the stack is updated",
            Self::OfMembers => {
                "CloudFormation deletes it for every member when the members' stack is recreated"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_deletes_depends_on_whether_it_syncs_by_itself() {
        assert!(
            Applier::Waits
                .of_removed()
                .starts_with("nothing deletes it automatically")
        );
        assert!(Applier::Suspended.of_removed().contains("suspended"));
    }
}
