//! One cluster on both sides, and what becomes of it. Pure.

use std::collections::BTreeSet;

use logfleet_contract::folder::ACCOUNTS;

use super::clusters_at_risk;
use super::compare::files::compare_trees;
use super::comparison::{Comparison, Outcome, Presence, RenderedCluster, Whole};
use super::documents::Documents;
use super::group::ChangedCluster;
use super::placeholders::Placeholders;
use super::preview::AccountRegions;
use super::risk::{self, Applier};
use super::shipping::Shipping;
use crate::tree::RenderedTree;

/// Compares a cluster with itself; nothing if it stays as it is.
pub fn compare_cluster(
    name: &str,
    base: Presence<RenderedCluster<'_>>,
    head: Presence<RenderedCluster<'_>>,
) -> Option<Comparison> {
    let outcome = match (base, head) {
        (Presence::Rendered(base), Presence::Rendered(head)) => compare_both(name, base, head)?,
        (Presence::Absent, Presence::Rendered(head)) => Outcome::Added {
            whole: Whole::of(head),
            known: Placeholders::of(head.cluster),
            shipping: Shipping::of(head.cluster),
            risks: risk::find(
                &Documents::default(),
                &Documents::of(head.tree),
                Applier::Nobody,
            ),
            renamed: None,
        },
        (Presence::Rendered(base), Presence::Absent) => Outcome::Removed {
            whole: Whole::of(base),
            known: Placeholders::of(base.cluster),
            risks: vec![risk::removal::of_cluster(base.cluster)],
        },
        (Presence::Faulty, Presence::Absent) => Outcome::Removed {
            whole: Whole::default(),
            known: Placeholders::default(),
            risks: vec![risk::removal::of_unknown()],
        },
        (Presence::Faulty, Presence::Rendered(head)) => Outcome::BaseFaulty {
            whole: Whole::of(head),
            known: Placeholders::of(head.cluster),
            risks: vec![risk::unknown::of_faulty_base()],
        },
        (_, Presence::Faulty) => Outcome::HeadFaulty,
        (Presence::Absent, Presence::Absent) => return None,
    };
    Some(Comparison {
        name: name.to_owned(),
        outcome,
    })
}

/// Compares the files of a folder that is no cluster's: those of the whole fleet, or
/// of accounts; nothing if they stay as they are. The base's are `relocated` where
/// clusters move: as if these had been there all along.
pub fn compare_shared(
    folder: &str,
    base: &RenderedTree,
    relocated: &RenderedTree,
    head: &RenderedTree,
) -> Option<Comparison> {
    if base == head {
        return None;
    }
    let known = Placeholders::default();
    let (old, new) = (Documents::of(base), Documents::of(head));
    let compared = compare_trees(&old, &new, &known);
    let mut risks = risk::find(&Documents::of(relocated), &new, Applier::Nobody);
    let mut files = compared.files;
    let mut regions = AccountRegions::default();
    if folder == ACCOUNTS {
        let (of_base, of_head) = (regions_of(base), regions_of(head));
        regions.added = only_in(&of_head, &of_base);
        regions.removed = only_in(&of_base, &of_head);
        // No cluster shares anything there any more, and what becomes of each of them is
        // reported for itself.
        risks.retain(|risk| !is_in(&regions.removed, risk.file.as_deref()));
        let comes_or_goes =
            |path: &str| is_in(&regions.added, Some(path)) || is_in(&regions.removed, Some(path));
        files.retain(|file| !comes_or_goes(&file.path));
    }
    let name = folder.to_owned();
    Some(Comparison {
        name: name.clone(),
        outcome: Outcome::Fleet {
            files: ChangedCluster {
                name,
                known,
                files,
                risks,
            },
            file_totals: compared.file_totals,
            object_totals: compared.object_totals,
            regions,
        },
    })
}

/// The Regions of accounts that a tree has files of.
fn regions_of(tree: &RenderedTree) -> BTreeSet<&str> {
    let paths = tree.0.keys();
    paths.filter_map(|path| region_of(path.as_str())).collect()
}

fn only_in(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> Vec<String> {
    one.difference(other).map(ToString::to_string).collect()
}

/// Whether a file is in one of these Regions.
fn is_in(regions: &[String], file: Option<&str>) -> bool {
    let region = file.and_then(region_of);
    region.is_some_and(|region| regions.iter().any(|one| one == region))
}

/// `<account>/<region>` of a path below `_accounts/`.
fn region_of(path: &str) -> Option<&str> {
    let (end, _) = path.match_indices('/').nth(1)?;
    Some(&path[..end])
}

/// The files of such a folder where they can't be compared: the head's if the
/// base alone has a fault.
pub fn uncompared_shared(folder: &str, head: Option<&RenderedTree>) -> Comparison {
    let outcome = head.map_or(Outcome::HeadFaulty, |head| Outcome::BaseFaulty {
        whole: Whole::counted(head),
        known: Placeholders::default(),
        risks: vec![risk::unknown::of_faulty_base()],
    });
    Comparison {
        name: folder.to_owned(),
        outcome,
    }
}

/// Compares a cluster that both sides have; nothing if it stays as it is.
pub(super) fn compare_both(
    name: &str,
    base: RenderedCluster<'_>,
    head: RenderedCluster<'_>,
) -> Option<Outcome> {
    if base.tree == head.tree {
        return None;
    }
    let known = Placeholders::of(base.cluster).common(&Placeholders::of(head.cluster));
    let files = (Documents::of(base.tree), Documents::of(head.tree));
    let compared = compare_trees(&files.0, &files.1, &known);
    let risks = clusters_at_risk::of_both(base, head, (&files.0, &files.1));
    Some(Outcome::Changed {
        cluster: ChangedCluster {
            name: name.to_owned(),
            known,
            files: compared.files,
            risks,
        },
        files: compared.file_totals,
        objects: compared.object_totals,
    })
}
