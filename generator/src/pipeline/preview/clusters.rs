//! Both sides of each cluster that may differ, rendered and compared. Pure.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::side::{Rendered, Side};
use crate::diff::{
    Comparison, Presence, RenderedCluster, compare_cluster, compare_renamed, find_cluster_renames,
    tell_renamed,
};
use crate::fault::Faults;
use crate::pipeline::checking::with_faults;
use crate::pipeline::kinds_seen::KindsSeen;
use crate::pipeline::timings::timed;
use crate::resolve::{GroupKind, Place, ResolvedMember};
use crate::tree::RenderedTree;

/// What came of comparing clusters.
pub(super) struct ComparedClusters {
    pub(super) comparisons: Vec<Comparison>,
    /// The kinds of objects that they render at the base, and at the head.
    pub(super) kinds: (BTreeSet<GroupKind>, BTreeSet<GroupKind>),
}

/// Compares these clusters on all threads. Faults are reported to their side.
pub(super) fn compare_clusters(
    base: &Side<'_>,
    head: &Side<'_>,
    clusters: &BTreeSet<String>,
    progress: &(dyn Fn() + Sync),
) -> ComparedClusters {
    let (base_kinds, head_kinds) = (KindsSeen::default(), KindsSeen::default());
    let compare = |name: &String| {
        let (old, new) = (base.find(name), head.find(name));
        if let Presence::Rendered(old) = &old {
            base_kinds.look_at(&old.tree);
        }
        if let Presence::Rendered(new) = &new {
            head_kinds.look_at(&new.tree);
            let before = match &old {
                Presence::Rendered(old) => Some(&old.tree),
                _ => None,
            };
            let checked = check(head, &new.member, &new.tree, before);
            head.report(checked.err().unwrap_or_default());
        }
        let relocated = relocated(base, (name, &old), &new);
        let compared = timed(&head.timings.compare, || {
            compare_cluster(
                name,
                borrowed(&old, relocated.as_ref()),
                borrowed(&new, None),
            )
        });
        progress();
        compared
    };
    let mut comparisons: Vec<Comparison> = clusters.par_iter().filter_map(compare).collect();
    compare_those_renamed(base, head, &mut comparisons);
    ComparedClusters {
        comparisons,
        kinds: (base_kinds.into_kinds(), head_kinds.into_kinds()),
    }
}

/// Compares clusters that have another name with what they were.
fn compare_those_renamed(base: &Side<'_>, head: &Side<'_>, comparisons: &mut [Comparison]) {
    let renames = find_cluster_renames(comparisons).into_par_iter();
    let compared = renames.filter_map(|rename| {
        let (old, new) = (base.find(&rename.from), head.find(&rename.to));
        let relocated = relocated(base, (&rename.from, &old), &new);
        match (borrowed(&old, relocated.as_ref()), borrowed(&new, None)) {
            (Presence::Rendered(old), Presence::Rendered(new)) => {
                Some(compare_renamed(rename, old, new))
            }
            _ => None,
        }
    });
    tell_renamed(comparisons, compared.collect());
}

/// Checks what differs at the head, as `gen render` checks what it would
/// write: what stays as it is was checked before.
fn check(
    head: &Side<'_>,
    member: &ResolvedMember,
    tree: &RenderedTree,
    before: Option<&RenderedTree>,
) -> Result<(), Faults> {
    let Some(renderer) = &head.renderer else {
        return Ok(());
    };
    let differs = |(path, bytes): &(&_, &[u8])| {
        let old = before.and_then(|tree| tree.0.get(*path));
        old.map(Vec::as_slice) != Some(*bytes)
    };
    timed(&head.timings.check, || {
        let checked = renderer.check(member, tree.files().filter(differs));
        with_faults(
            checked,
            renderer.check_references(member, head.loaded(), tree),
        )
    })
}

/// The files that the base would have where the head has the cluster. Without them, where the base's settings
/// don't fit there, what the move alone changes is reported as well.
fn relocated(
    base: &Side<'_>,
    (name, old): (&str, &Presence<Rendered>),
    new: &Presence<Rendered>,
) -> Option<RenderedTree> {
    let (Presence::Rendered(old), Presence::Rendered(new)) = (old, new) else {
        return None;
    };
    let [before, after] = [old, new].map(|side| Place::of(&side.member.cluster));
    (before != after).then(|| base.find_at(name, &after))?
}

fn borrowed<'a>(
    side: &'a Presence<Rendered>,
    relocated: Option<&'a RenderedTree>,
) -> Presence<RenderedCluster<'a>> {
    match side {
        Presence::Absent => Presence::Absent,
        Presence::Faulty => Presence::Faulty,
        Presence::Rendered(Rendered { member, tree }) => Presence::Rendered(RenderedCluster {
            cluster: &member.cluster,
            tree,
            relocated,
        }),
    }
}
