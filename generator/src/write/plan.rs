//! What has to change in a cluster's folder. [`plan`] reads; [`WritePlan`] is
//! data.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::{self, Opened};
use super::output::Output;
use super::ownership::Digest;
use super::planner::Planner;
use super::{faults, names, staging};
use crate::fault::{Fault, Faults};
use crate::tree::{RenderedTree, TreePath};

/// How to plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Overwrites and deletes files of ours that were edited by hand, and
    /// overwrites foreign files that stand where a rendered one belongs.
    pub force: bool,
    /// Only lists what differs: files edited by hand are differences then, not
    /// faults, and [`super::apply`] does nothing.
    pub check_only: bool,
}

/// What has to change in the folder of one cluster, and what stays.
// Independent facts, not states of one another.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WritePlan {
    pub(super) cluster: String,
    pub(super) check_only: bool,
    /// The folder doesn't exist yet.
    pub(super) fresh: bool,
    /// The cluster is no longer in the fleet.
    pub(super) removes_cluster: bool,
    pub(super) created: BTreeMap<TreePath, Vec<u8>>,
    pub(super) updated: BTreeMap<TreePath, Vec<u8>>,
    pub(super) deleted: BTreeSet<String>,
    pub(super) edited: BTreeSet<String>,
    pub(super) unchanged: usize,
    pub(super) ownership_changes: bool,
    /// Hashes of the unchanged files; empty if the ownership file stays.
    pub(super) kept: BTreeMap<String, Digest>,
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

impl WritePlan {
    /// The cluster it is for.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Paths, below the cluster's folder, of files that don't exist yet.
    pub fn created(&self) -> impl Iterator<Item = &str> {
        self.created.keys().map(TreePath::as_str)
    }

    /// Paths of files that have other bytes.
    pub fn updated(&self) -> impl Iterator<Item = &str> {
        self.updated.keys().map(TreePath::as_str)
    }

    /// The files that are written, with their bytes.
    pub fn written(&self) -> impl Iterator<Item = (&TreePath, &[u8])> {
        let files = self.created.iter().chain(&self.updated);
        files.map(|(path, bytes)| (path, bytes.as_slice()))
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

    /// Whether the ownership file has to be written or, with its cluster,
    /// removed.
    pub fn ownership_changes(&self) -> bool {
        self.ownership_changes
    }

    /// Whether the cluster is no longer in the fleet.
    pub fn removes_cluster(&self) -> bool {
        self.removes_cluster
    }

    /// Whether the folder is as rendered, so that a check passes.
    ///
    /// Temporary files of a killed run don't count; applying removes them.
    pub fn is_clean(&self) -> bool {
        self.created.is_empty()
            && self.updated.is_empty()
            && self.deleted.is_empty()
            && !self.ownership_changes
    }

    /// Whether applying does nothing at all.
    pub(super) fn is_idle(&self) -> bool {
        self.is_clean() && self.leftovers.is_empty() && self.stale_staging.is_none()
    }

    /// Plans a cluster that has no folder.
    fn fresh(cluster: &str, tree: RenderedTree, options: WriteOptions) -> Self {
        Self {
            cluster: cluster.to_owned(),
            check_only: options.check_only,
            fresh: true,
            created: tree.0,
            ownership_changes: true,
            ..Self::default()
        }
    }
}

/// Compares what was rendered for a cluster with its folder. Reads only.
///
/// Of the tree, the plan keeps what has to be written. The faults are all
/// those of this cluster.
pub fn plan(
    output: &Output,
    cluster: &str,
    tree: RenderedTree,
    options: WriteOptions,
) -> Result<WritePlan, Faults> {
    let shown = format!("{}/{cluster}", output.shown);
    check_name(cluster, &shown)?;
    check_paths(&tree, &shown)?;
    let Some(top) = output.folder() else {
        return Ok(WritePlan::fresh(cluster, tree, options));
    };
    let stale_staging = staging::find(output, top, cluster)?;
    let mut plan = match folder::open(top, cluster) {
        Ok(Opened::Folder(folder)) => Planner::new(&folder, &shown, cluster, options).plan(tree)?,
        Ok(Opened::Missing) => WritePlan::fresh(cluster, tree, options),
        Ok(Opened::Obstacle(obstacle)) => return Err(faults::not_a_folder(&shown, obstacle).into()),
        Err(error) => return Err(faults::refused(&shown, "read", error).into()),
    };
    plan.stale_staging = stale_staging;
    Ok(plan)
}

/// A cluster's name is one part of a path and not hidden, whatever else the
/// settings demand of it.
fn check_name(cluster: &str, shown: &str) -> Result<(), Fault> {
    match TreePath::new(cluster) {
        Ok(_) if !cluster.contains(['/', '"']) && !cluster.starts_with('.') => Ok(()),
        _ => Err(Fault::input(format!(
            "`{shown}` can't be a cluster's folder"
        ))),
    }
}

/// No path may be reserved, nor be both a file and the folder of another.
fn check_paths(tree: &RenderedTree, shown: &str) -> Result<(), Faults> {
    let mut faults = Faults::new();
    let mut checked = "";
    for path in tree.0.keys().map(TreePath::as_str) {
        if names::is_reserved(path) {
            faults.push(faults::reserved(&format!("{shown}/{path}")));
        }
        let folder = names::split(path).0;
        if folder != checked {
            for above in names::folders_above(path).filter(|above| tree.0.contains_key(*above)) {
                faults.push(faults::file_and_folder(&format!("{shown}/{above}")));
            }
            checked = folder;
        }
    }
    faults.into_result(())
}
