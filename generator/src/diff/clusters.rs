//! One cluster on both sides, and what becomes of it. Pure.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::cluster_renames::Renamed;
use super::danger::{self, Applier, DangerFinding, EndangeredCluster, Surroundings};
use super::endangered;
use super::files::{self, compare_trees};
use super::group::ChangedCluster;
use super::known::KnownValues;
use super::preview::Totals;
use super::shipping::Shipping;
use crate::render::FLEET;
use crate::resolve::ResolvedCluster;
use crate::tree::RenderedTree;

/// A cluster on one side.
#[derive(Clone, Copy, Debug)]
pub enum Presence<T> {
    /// It isn't in the fleet.
    Absent,
    /// It has a fault, so nothing is known of its files.
    Faulty,
    /// It was rendered.
    Rendered(T),
}

/// A rendered cluster.
#[derive(Clone, Copy, Debug)]
pub struct RenderedCluster<'a> {
    /// The cluster.
    pub cluster: &'a ResolvedCluster,
    /// Its files.
    pub tree: &'a RenderedTree,
}

/// What becomes of a cluster.
#[derive(Debug)]
pub struct Comparison {
    pub(super) name: String,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Changed {
        cluster: ChangedCluster,
        files: Totals,
        objects: Totals,
    },
    /// The files of the whole fleet.
    Fleet {
        files: ChangedCluster,
        file_totals: Totals,
        object_totals: Totals,
    },
    Added {
        whole: Whole,
        known: KnownValues,
        shipping: Shipping,
        dangers: Vec<DangerFinding>,
        /// The removed cluster that it is under another name.
        renamed: Option<Renamed>,
    },
    Removed {
        whole: Whole,
        known: KnownValues,
        dangers: Vec<DangerFinding>,
    },
    HeadFaulty,
    BaseFaulty {
        whole: Whole,
        known: KnownValues,
        dangers: Vec<DangerFinding>,
    },
}

/// A cluster that only one side has.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) files: usize,
    pub(super) objects: usize,
    /// Digests of its files, the cluster's own values left out.
    digests: BTreeSet<[u8; 32]>,
}

impl Comparison {
    /// Whether it is one of a cluster, and not of the files of the whole fleet.
    pub(super) fn is_of_cluster(&self) -> bool {
        self.name != FLEET
    }

    /// What was found to be dangerous in it.
    pub(super) fn endangered(&self) -> Option<EndangeredCluster<'_>> {
        let (known, findings) = match &self.outcome {
            Outcome::Changed { cluster, .. } | Outcome::Fleet { files: cluster, .. } => {
                (&cluster.known, &cluster.dangers)
            }
            // As it was before, it was reviewed.
            Outcome::Added {
                renamed: Some(Renamed { changed, .. }),
                ..
            } => {
                let cluster = changed.as_ref()?;
                (&cluster.known, &cluster.dangers)
            }
            Outcome::Added { known, dangers, .. }
            | Outcome::Removed { known, dangers, .. }
            | Outcome::BaseFaulty { known, dangers, .. } => (known, dangers),
            Outcome::HeadFaulty => return None,
        };
        Some(EndangeredCluster {
            name: &self.name,
            known,
            findings,
        })
    }
}

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
            known: KnownValues::of(head.cluster),
            shipping: Shipping::of(head.cluster),
            dangers: files::dangers_of_new(head.tree),
            renamed: None,
        },
        (Presence::Rendered(base), Presence::Absent) => Outcome::Removed {
            whole: Whole::of(base),
            known: KnownValues::of(base.cluster),
            dangers: vec![danger::removal::of_cluster(base.cluster)],
        },
        (Presence::Faulty, Presence::Absent) => Outcome::Removed {
            whole: Whole::default(),
            known: KnownValues::default(),
            dangers: vec![danger::removal::of_unknown()],
        },
        (Presence::Faulty, Presence::Rendered(head)) => Outcome::BaseFaulty {
            whole: Whole::of(head),
            known: KnownValues::of(head.cluster),
            dangers: vec![danger::unknown::of_faulty_base()],
        },
        (_, Presence::Faulty) => Outcome::HeadFaulty,
        (Presence::Absent, Presence::Absent) => return None,
    };
    Some(Comparison {
        name: name.to_owned(),
        outcome,
    })
}

/// Compares the files of the whole fleet; nothing if they stay as they are.
pub fn compare_fleet(base: &RenderedTree, head: &RenderedTree) -> Option<Comparison> {
    if base == head {
        return None;
    }
    let known = KnownValues::default();
    let around = Surroundings {
        base,
        head,
        applier: Applier::Nobody,
    };
    let compared = compare_trees(around, &known);
    let name = FLEET.to_owned();
    Some(Comparison {
        name: name.clone(),
        outcome: Outcome::Fleet {
            files: ChangedCluster {
                name,
                known,
                files: compared.files,
                dangers: compared.dangers,
            },
            file_totals: compared.file_totals,
            object_totals: compared.object_totals,
        },
    })
}

/// The files of the whole fleet where they can't be compared: the head's if the
/// base alone has a fault.
pub fn uncompared_fleet(head: Option<&RenderedTree>) -> Comparison {
    let outcome = head.map_or(Outcome::HeadFaulty, |head| {
        let (files, objects) = files::count(head);
        Outcome::BaseFaulty {
            whole: Whole {
                files,
                objects,
                digests: BTreeSet::new(),
            },
            known: KnownValues::default(),
            dangers: vec![danger::unknown::of_faulty_base()],
        }
    });
    Comparison {
        name: FLEET.to_owned(),
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
    let known = KnownValues::of(base.cluster).common(&KnownValues::of(head.cluster));
    let around = Surroundings {
        base: base.tree,
        head: head.tree,
        applier: Applier::of(head.cluster.gitops.as_ref()),
    };
    let compared = compare_trees(around, &known);
    let dangers = endangered::of_both(base, head, compared.dangers);
    Some(Outcome::Changed {
        cluster: ChangedCluster {
            name: name.to_owned(),
            known,
            files: compared.files,
            dangers,
        },
        files: compared.file_totals,
        objects: compared.object_totals,
    })
}

impl Whole {
    fn of(rendered: RenderedCluster<'_>) -> Self {
        let known = KnownValues::of(rendered.cluster);
        let digest = |path: &str, bytes: &[u8]| -> [u8; 32] {
            let text = String::from_utf8_lossy(bytes);
            let parts = [known.replace_in(path), known.replace_in(&text)];
            Sha256::digest(parts.join("\0")).into()
        };
        let (files, objects) = files::count(rendered.tree);
        let tree = rendered.tree.files();
        Self {
            files,
            objects,
            digests: tree
                .map(|(path, bytes)| digest(path.as_str(), bytes))
                .collect(),
        }
    }

    /// How many files another cluster has like this one, if these are so many
    /// of the files of either, in percent.
    pub(super) fn same_files(&self, other: &Self, percent: usize) -> Option<usize> {
        let count = self.digests.intersection(&other.digests).count();
        let needed = self.files.max(other.files) * percent;
        (count > 0 && count * 100 >= needed).then_some(count)
    }
}
