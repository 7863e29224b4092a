//! What is risky about a cluster that is on both sides. Pure.
//!
//! Rules look at its files as they would have been in the place where the
//! cluster is now, with the objects of Kubernetes as they are applied. Each of
//! these is a step on what the files mean, and is left out where it changes nothing.

use super::comparison::RenderedCluster;
use super::documents::Documents;
use super::risk::effective_objects::Applied;
use super::risk::image::program::of_machines;
use super::risk::relocation::Move;
use super::risk::{self, Applier, RiskFinding, removed, source};

/// The risks of a cluster, whose files these are.
pub(super) fn of_both(
    base: RenderedCluster<'_>,
    head: RenderedCluster<'_>,
    files: (&Documents<'_>, &Documents<'_>),
) -> Vec<RiskFinding> {
    let applier = Applier::of(head.cluster.gitops.as_ref());
    let moved = Move::of(base.cluster, head.cluster);
    let relocated = moved.as_ref().map(|moved| moved.relocated(files.0));
    let (old, new) = (relocated.as_ref().unwrap_or(files.0), files.1);
    let found = match Applied::of(old, new) {
        Some(applied) => {
            let found = risk::find(&applied.base, &applied.head, applier).into_iter();
            let placed = |finding| applied.placed(finding, (old, new));
            found.map(placed).collect()
        }
        None => risk::find(old, new, applier),
    };
    let mut found = source::join(source::of_rows(base.cluster, head.cluster), found);
    found.extend(of_machines(base.cluster, head.cluster, (old, new)));
    if let Some(moved) = moved {
        found.extend(moved.risks(files.0, applier));
    }
    removed::tell_once(found)
}
