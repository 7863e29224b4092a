//! What changes in a cluster's folder, without the bytes. Data.

use std::collections::{BTreeMap, BTreeSet};

use super::ownership::Digest;
use super::staging;
use crate::tree::TreePath;

/// What changes in the folder of one cluster, and what stays.
// Independent facts, not states of one another.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterChange {
    pub(super) cluster: String,
    pub(super) check_only: bool,
    /// The folder doesn't exist yet.
    pub(super) fresh: bool,
    /// The cluster is no longer in the fleet.
    pub(super) removes_cluster: bool,
    pub(super) created: BTreeSet<TreePath>,
    pub(super) updated: BTreeSet<TreePath>,
    pub(super) deleted: BTreeSet<String>,
    pub(super) edited: BTreeSet<String>,
    pub(super) unchanged: usize,
    pub(super) ownership_changes: bool,
    /// What stands on disk before: what the journal lists as ours.
    pub(super) before: BTreeMap<String, Digest>,
    /// The journal is needed for deletions too, as it hands over edited files.
    pub(super) takes_over: bool,
    /// Folders that held only files which go, the deepest first.
    pub(super) emptied: Vec<String>,
    /// Temporary files of a run that was killed.
    pub(super) leftovers: BTreeSet<String>,
    /// The staging folder of a run that was killed.
    pub(super) stale_staging: Option<staging::Stale>,
}

impl ClusterChange {
    /// A cluster of which nothing changes.
    pub(super) fn none(cluster: &str, unchanged: usize) -> Self {
        Self {
            cluster: cluster.to_owned(),
            unchanged,
            ..Self::default()
        }
    }

    /// The cluster it is for.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Paths, below the cluster's folder, of files that don't exist yet.
    pub fn created(&self) -> impl Iterator<Item = &str> {
        self.created.iter().map(TreePath::as_str)
    }

    /// Paths of files that have other bytes.
    pub fn updated(&self) -> impl Iterator<Item = &str> {
        self.updated.iter().map(TreePath::as_str)
    }

    /// Paths of files that are no longer rendered.
    pub fn deleted(&self) -> impl Iterator<Item = &str> {
        self.deleted.iter().map(String::as_str)
    }

    /// Those of the updated and deleted paths that somebody else wrote or
    /// edited; there are some only if forced or checking.
    pub fn edited(&self) -> impl Iterator<Item = &str> {
        self.edited.iter().map(String::as_str)
    }

    /// How many files are as rendered.
    pub fn unchanged_count(&self) -> usize {
        self.unchanged
    }

    /// Whether the cluster is no longer in the fleet.
    pub fn removes_cluster(&self) -> bool {
        self.removes_cluster
    }

    /// Whether the folder is as rendered, so that a check passes.
    ///
    /// Temporary files of a killed run don't count; committing removes them.
    pub fn is_clean(&self) -> bool {
        self.created.is_empty()
            && self.updated.is_empty()
            && self.deleted.is_empty()
            && !self.ownership_changes
    }

    /// Whether committing does nothing at all.
    pub(super) fn is_idle(&self) -> bool {
        self.is_clean() && self.leftovers.is_empty()
    }
}
