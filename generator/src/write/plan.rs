//! What has to change in a cluster's folder. [`plan`] reads; [`WritePlan`] is
//! data.

use std::collections::BTreeMap;

use super::change::ClusterChange;
use super::folder::{self, Opened};
use super::output::Output;
use super::ownership::{self, Digest, Ownership};
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
    /// faults, and nothing is staged or committed.
    pub check_only: bool,
}

/// What has to change in the folder of one cluster, with the new bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WritePlan {
    pub(super) change: ClusterChange,
    /// The files that are created or updated.
    pub(super) new: BTreeMap<TreePath, Vec<u8>>,
    /// What the ownership file is to list: every file that was rendered.
    pub(super) ownership: Ownership,
}

impl WritePlan {
    /// What changes.
    pub fn change(&self) -> &ClusterChange {
        &self.change
    }

    /// The files that are written, with their bytes.
    pub fn written(&self) -> impl Iterator<Item = (&TreePath, &[u8])> {
        let files = self.new.iter();
        files.map(|(path, bytes)| (path, bytes.as_slice()))
    }

    /// Whether every file that was rendered is written.
    pub fn is_whole(&self) -> bool {
        self.new.len() == self.ownership.files.len()
    }

    /// The digest of what the ownership file is to be, which lists the digest
    /// of every rendered file.
    pub(crate) fn digest(&self) -> Option<Digest> {
        Some(Digest::of(&self.ownership.text().ok()?))
    }

    /// Plans a cluster that has no folder.
    fn fresh(ownership: Ownership, tree: RenderedTree, options: WriteOptions) -> Self {
        Self {
            change: ClusterChange {
                check_only: options.check_only,
                fresh: true,
                created: tree.0.keys().cloned().collect(),
                ownership_changes: true,
                ..ClusterChange::none(&ownership.cluster, 0)
            },
            new: tree.0,
            ownership,
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
    let ownership = ownership::record(cluster, digests(&tree));
    let Some(top) = output.folder() else {
        return Ok(WritePlan::fresh(ownership, tree, options));
    };
    let stale_staging = staging::find(output, top, cluster)?;
    let taken = stale_staging.is_none() && staging::is_taken(output, top, cluster)?;
    let mut plan = match folder::open(top, cluster) {
        Ok(Opened::Folder(folder)) => Planner::new(
            &folder,
            (output.path.join(cluster), &shown),
            ownership,
            options,
        )
        .plan(tree)?,
        Ok(Opened::Missing) => WritePlan::fresh(ownership, tree, options),
        Ok(Opened::Obstacle(obstacle)) => return Err(faults::not_a_folder(&shown, obstacle).into()),
        Err(error) => return Err(faults::refused(&shown, "read", error).into()),
    };
    if taken && !plan.new.is_empty() && !options.check_only {
        return Err(staging::taken(output, cluster).into());
    }
    plan.change.stale_staging = stale_staging;
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

fn digests(tree: &RenderedTree) -> BTreeMap<String, Digest> {
    tree.files()
        .map(|(path, bytes)| (path.as_str().to_owned(), Digest::of(bytes)))
        .collect()
}
