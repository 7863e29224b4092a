//! Writes a plan's new files where they wait for those of all clusters, so that
//! no bytes have to be held until then. Writes.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::change::ClusterChange;
use super::folder::{self, Opened, Walk};
use super::output::Output;
use super::ownership::{self, Digest, Ownership};
use super::plan::WritePlan;
use super::{faults, names, staging};
use crate::fault::{Fault, Faults};
use crate::tree::TreePath;

/// A change whose new files are in the staging folder, ready to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedChange {
    pub(super) change: ClusterChange,
    /// Hashes of the new files; empty where the whole folder is new.
    pub(super) new: BTreeMap<String, Digest>,
    /// What the ownership file is to list; none where it stays, or is staged.
    pub(super) ownership: Option<Ownership>,
}

impl StagedChange {
    /// What changes.
    pub fn change(&self) -> &ClusterChange {
        &self.change
    }

    /// A cluster of which nothing changes.
    pub(super) fn unchanged(change: ClusterChange) -> Self {
        Self {
            change,
            new: BTreeMap::new(),
            ownership: None,
        }
    }

    /// A plan's change without anything staged: there are no new files.
    fn nothing_staged(plan: WritePlan) -> Self {
        let rewritten = plan.change.ownership_changes && !plan.change.removes_cluster;
        Self {
            change: plan.change,
            new: BTreeMap::new(),
            ownership: rewritten.then_some(plan.ownership),
        }
    }
}

/// What a plan would change, for a run that stages nothing: it has a fault
/// elsewhere. Committing it does nothing.
pub fn leave_unstaged(mut plan: WritePlan) -> StagedChange {
    plan.change.check_only = true;
    StagedChange::nothing_staged(plan)
}

/// Writes a plan's new files into the cluster's staging folder, and lets go of
/// the bytes. Nothing in place changes. Writes, unless the plan only checks.
pub fn stage(output: &Output, mut plan: WritePlan) -> Result<StagedChange, Faults> {
    if plan.change.check_only {
        return Ok(leave_unstaged(plan));
    }
    let cluster = plan.change.cluster.clone();
    let stale = plan.change.stale_staging.take();
    if !plan.change.fresh && plan.new.is_empty() && stale.is_none() {
        return Ok(StagedChange::nothing_staged(plan));
    }
    output.while_open(&cluster, || {
        let top = output.make()?;
        if let Some(stale) = &stale {
            staging::clear(output, top, &cluster, stale)?;
        }
        if !plan.change.fresh && plan.new.is_empty() {
            return Ok(StagedChange::nothing_staged(plan));
        }
        let new = digests_of_new(&plan);
        let listing = ownership::record(&cluster, new.clone());
        let filled = fill(output, &listing, &plan.new);
        if filled.is_err() {
            // Frees a full disk at once. If that fails too, the next run does it.
            let _ = discard(output, &cluster);
        }
        filled?;
        plan.new = BTreeMap::new();
        if plan.change.fresh {
            return Ok(StagedChange {
                change: plan.change,
                new: BTreeMap::new(),
                ownership: None,
            });
        }
        Ok(StagedChange {
            new,
            ..StagedChange::nothing_staged(plan)
        })
    })
}

/// Makes and fills the staging folder. Nobody looks into it, so files are
/// written directly. The ownership file comes first, to know them by if we are
/// killed.
fn fill(
    output: &Output,
    ownership: &Ownership,
    files: &BTreeMap<TreePath, Vec<u8>>,
) -> Result<(), Fault> {
    let (top, disk) = (output.make()?, &output.disk);
    let name = names::temporary(&ownership.cluster);
    let shown = format!("{}/{name}", output.shown);
    match disk.make_folder(top, &name) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Err(staging::taken(output, &ownership.cluster)),
        Err(error) => return Err(faults::refused(&shown, "created", error)),
    }
    let folder = match folder::open(top, &name) {
        Ok(Opened::Folder(folder)) => folder,
        Ok(Opened::Missing) => return Err(faults::refused(&shown, "opened", Errno::NOENT)),
        Ok(Opened::Obstacle(obstacle)) => return Err(faults::not_a_folder(&shown, obstacle)),
        Err(error) => return Err(faults::refused(&shown, "opened", error)),
    };
    let refused = |path: &str, error| faults::refused(&format!("{shown}/{path}"), "written", error);
    let text = ownership
        .text()
        .map_err(|error| Fault::environment(format!("`{shown}`: {error}")))?;
    let listing = disk
        .create(folder.as_fd(), names::OWNERSHIP)
        .map_err(|error| refused(names::OWNERSHIP, error))?;
    disk.write(listing.as_fd(), &text)
        .map_err(|error| refused(names::OWNERSHIP, error))?;
    let mut walk = Walk::new(folder.as_fd(), &shown);
    for (path, bytes) in files {
        let (above, name) = names::split(path.as_str());
        let above = walk.make_folder(above, disk)?;
        disk.create(above, name)
            .and_then(|file| disk.write(file.as_fd(), bytes))
            .map_err(|error| refused(path.as_str(), error))?;
    }
    Ok(())
}

/// Removes everything that was staged: a run ends with a fault, and nothing in
/// place has changed. Nothing can be staged any more. Writes.
///
/// What can't be removed is removed by the next run.
pub fn abandon(output: &Output) {
    for cluster in output.close() {
        let _ = discard(output, &cluster);
    }
    output.remove_if_made();
}

fn discard(output: &Output, cluster: &str) -> Result<(), Fault> {
    let Some(top) = output.folder() else {
        return Ok(());
    };
    match staging::find(output, top, cluster)? {
        Some(staged) => staging::clear(output, top, cluster, &staged),
        None => Ok(()),
    }
}

fn digests_of_new(plan: &WritePlan) -> BTreeMap<String, Digest> {
    let files = plan.ownership.files.iter();
    let new = files.filter(|(path, _)| plan.new.contains_key(path.as_str()));
    new.map(|(path, digest)| (path.clone(), *digest)).collect()
}
