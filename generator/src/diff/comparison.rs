//! What is compared: clusters on both sides; and what becomes of each. Pure.

use std::collections::BTreeSet;

use logfleet_contract::folder::is_shared;
use sha2::{Digest as _, Sha256};

use super::compare::files;
use super::group::ChangedCluster;
use super::placeholders::Placeholders;
use super::preview::{AccountRegions, Totals};
use super::risk::{ClusterFindings, RiskFinding};
use super::shipping::Shipping;
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
    /// Those that it would have where the other side has it, if that is another place.
    pub relocated: Option<&'a RenderedTree>,
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
    /// The files of the whole fleet, or of accounts.
    Fleet {
        files: ChangedCluster,
        file_totals: Totals,
        object_totals: Totals,
        /// Of accounts, what only one side has; its files are not among `files`.
        regions: AccountRegions,
    },
    Added {
        whole: Whole,
        known: Placeholders,
        shipping: Shipping,
        risks: Vec<RiskFinding>,
        /// The removed cluster that it is under another name.
        renamed: Option<Renamed>,
    },
    Removed {
        whole: Whole,
        known: Placeholders,
        risks: Vec<RiskFinding>,
    },
    HeadFaulty,
    BaseFaulty {
        whole: Whole,
        known: Placeholders,
        risks: Vec<RiskFinding>,
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
    /// Whether it is one of a cluster, and not of the files of the whole fleet or of accounts.
    pub(super) fn is_of_cluster(&self) -> bool {
        !is_shared(&self.name)
    }

    /// What was found to be risky in it.
    pub(super) fn clusters_at_risk(&self) -> Option<ClusterFindings<'_>> {
        let (known, findings) = match &self.outcome {
            Outcome::Changed { cluster, .. } | Outcome::Fleet { files: cluster, .. } => {
                (&cluster.known, &cluster.risks)
            }
            // As it was before, it was reviewed.
            Outcome::Added {
                renamed: Some(Renamed { changed, .. }),
                ..
            } => {
                let cluster = changed.as_ref()?;
                (&cluster.known, &cluster.risks)
            }
            Outcome::Added { known, risks, .. }
            | Outcome::Removed { known, risks, .. }
            | Outcome::BaseFaulty { known, risks, .. } => (known, risks),
            Outcome::HeadFaulty => return None,
        };
        Some(ClusterFindings {
            name: &self.name,
            known,
            findings,
        })
    }
}

/// A cluster and what it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRename {
    /// Its name at the base.
    pub from: String,
    /// Its name at the head.
    pub to: String,
    /// How many files are the same but for the cluster's own values.
    pub same_files: usize,
}

/// A renamed cluster, and what of it differs beside its name.
#[derive(Debug)]
pub struct Renamed {
    pub(super) rename: ClusterRename,
    /// Nothing if all is as it was.
    pub(super) changed: Option<ChangedCluster>,
}

impl Whole {
    /// Counts files that aren't compared with another cluster's.
    pub(super) fn counted(tree: &RenderedTree) -> Self {
        let (files, objects) = files::count(tree);
        Self {
            files,
            objects,
            digests: BTreeSet::new(),
        }
    }

    /// Counts the files of one, and what they are without its own values.
    pub(super) fn of(rendered: RenderedCluster<'_>) -> Self {
        let known = Placeholders::of(rendered.cluster);
        let digest = |path: &str, bytes: &[u8]| -> [u8; 32] {
            let text = String::from_utf8_lossy(bytes);
            let parts = [known.replace_in(path), known.replace_in(&text)];
            Sha256::digest(parts.join("\0")).into()
        };
        let files = rendered.tree.files();
        let digests = files.map(|(path, bytes)| digest(path.as_str(), bytes));
        Self {
            digests: digests.collect(),
            ..Self::counted(rendered.tree)
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
