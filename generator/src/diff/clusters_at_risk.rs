//! What is risky about a cluster that is on both sides. Pure.
//!
//! Of a cluster that moves, the base's files are those that it would have where it is now; objects of
//! Kubernetes are looked at as they are applied.

use super::comparison::RenderedCluster;
use super::documents::Documents;
use super::risk::effective_objects::Applied;
use super::risk::image::program::of_machines;
use super::risk::{self, Applier, RiskFinding, relocation, removed, source};
use crate::resolve::Place;

/// The risks of a cluster, whose files these are.
pub(super) fn of_both(
    base: RenderedCluster<'_>,
    head: RenderedCluster<'_>,
    files: (&Documents<'_>, &Documents<'_>),
) -> Vec<RiskFinding> {
    let applier = Applier::of(head.cluster.gitops.as_ref());
    let relocated = base.relocated.map(Documents::of);
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
    let [before, after] = [base, head].map(|side| Place::of(side.cluster));
    found.extend(relocation::risks(&before, &after, files.0, applier));
    removed::tell_once(found)
}
