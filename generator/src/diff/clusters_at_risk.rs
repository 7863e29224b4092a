//! What is risky about a cluster that is on both sides. Pure.

use super::compare::files;
use super::comparison::RenderedCluster;
use super::risk::effective_objects::Applied;
use super::risk::relocation::Move;
use super::risk::{Applier, RiskFinding, Surroundings, removed, source};
use crate::tree::RenderedTree;

/// The risks of a cluster, of which those in its files as they are rendered
/// are known. Rules look at what is applied, and from where the cluster is:
/// where that is something else, its files are looked at once more.
pub(super) fn of_both(
    base: RenderedCluster<'_>,
    head: RenderedCluster<'_>,
    in_files: Vec<RiskFinding>,
) -> Vec<RiskFinding> {
    let applier = Applier::of(head.cluster.gitops.as_ref());
    let moved = Move::of(base.cluster, head.cluster);
    let own = moved.as_ref().map(|moved| moved.translate(base.tree));
    let found = match &own {
        Some(own) => risks(own, head.tree, applier),
        None => in_files,
    };
    let found = as_applied(own.as_ref().unwrap_or(base.tree), head.tree, applier, found);
    let mut found = source::join(source::of_rows(base.cluster, head.cluster), found);
    if let Some(moved) = moved {
        found.extend(moved.risks(base.tree, applier));
    }
    removed::tell_once(found)
}

/// What is found in the objects as they are applied, instead of in their files.
fn as_applied(
    base: &RenderedTree,
    head: &RenderedTree,
    applier: Applier,
    mut found: Vec<RiskFinding>,
) -> Vec<RiskFinding> {
    if let Some(applied) = Applied::of(base, head) {
        found.retain(|finding| !Applied::is_for(finding));
        let objects = risks(&applied.base, &applied.head, applier).into_iter();
        found.extend(objects.map(|finding| applied.placed(finding, (base, head))));
    }
    found
}

fn risks(base: &RenderedTree, head: &RenderedTree, applier: Applier) -> Vec<RiskFinding> {
    files::risks(Surroundings {
        base,
        head,
        applier,
    })
}
