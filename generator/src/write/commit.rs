//! Puts staged files in place. Writes.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::change::ClusterChange;
use super::disk::Disk;
use super::folder::{self, Opened, Walk};
use super::names;
use super::output::Output;
use super::ownership::{self, Ownership};
use super::stage::StagedChange;
use super::{faults, staging};
use crate::fault::{Fault, Faults};

/// What a run did in a cluster's folder, in files, the ownership file not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// Files that did not exist before.
    pub created: usize,
    /// Files that were replaced.
    pub updated: usize,
    /// Files that were removed.
    pub deleted: usize,
    /// Files that were as rendered.
    pub unchanged: usize,
}

/// Makes a cluster's folder match what was rendered. Writes.
///
/// To be called only when every cluster of the run is staged, and none has a
/// fault. A change that was only checked does nothing. A fault here is one of
/// the environment; what was begun is then finished by the next run.
pub fn commit(output: &Output, staged: &StagedChange) -> Result<WriteSummary, Faults> {
    let change = &staged.change;
    if change.check_only || change.is_idle() {
        return Ok(WriteSummary {
            unchanged: change.unchanged,
            ..WriteSummary::default()
        });
    }
    let commit = Commit {
        disk: &output.disk,
        top: output.make()?,
        staged,
        change,
        shown: format!("{}/{}", output.shown, change.cluster),
    };
    if change.fresh {
        commit.name_staged()?;
    } else {
        commit.change_in_place(output)?;
    }
    Ok(WriteSummary {
        created: change.created.len(),
        updated: change.updated.len(),
        deleted: change.deleted.len(),
        unchanged: change.unchanged,
    })
}

/// One change being carried out.
struct Commit<'p> {
    disk: &'p Disk,
    /// The output folder.
    top: BorrowedFd<'p>,
    staged: &'p StagedChange,
    change: &'p ClusterChange,
    /// The cluster's folder as shown in faults.
    shown: String,
}

impl Commit<'_> {
    /// A new cluster's staging folder becomes its folder.
    fn name_staged(&self) -> Result<(), Fault> {
        let name = names::temporary(&self.change.cluster);
        self.disk
            .rename(self.top, &name, &self.change.cluster)
            .map_err(|error| faults::refused(&self.shown, "created", error))
    }

    /// Changes a folder that exists.
    fn change_in_place(&self, output: &Output) -> Result<(), Fault> {
        let change = self.change;
        let mut clusters = Walk::new(self.top, &output.shown);
        // Only a staging folder was left of a cluster without a folder.
        let Some(folder) = clusters.folder(&change.cluster)? else {
            return Ok(());
        };
        for leftover in &change.leftovers {
            staging::remove_file(self.disk, &mut self.walk(folder), leftover)?;
        }
        let new = &self.staged.new;
        if !new.is_empty() || change.takes_over {
            let mut journal = ownership::record(&change.cluster, change.before.clone());
            journal.writing.clone_from(new);
            self.write_ownership(folder, &journal)?;
        }
        self.delete(folder)?;
        self.move_staged(folder)?;
        if change.removes_cluster {
            return self.remove_cluster(output, folder);
        }
        if let Some(ownership) = &self.staged.ownership {
            self.write_ownership(folder, ownership)?;
        }
        if new.is_empty() {
            return Ok(());
        }
        self.clear_staging(output)
    }

    /// Moves each new file from the staging folder to its place.
    fn move_staged(&self, folder: BorrowedFd<'_>) -> Result<(), Fault> {
        if self.staged.new.is_empty() {
            return Ok(());
        }
        let name = names::temporary(&self.change.cluster);
        let shown = self.shown.as_str();
        let gone = || faults::refused(shown, "written", Errno::NOENT);
        let staging = match folder::open(self.top, &name) {
            Ok(Opened::Folder(staging)) => staging,
            Ok(Opened::Missing | Opened::Obstacle(_)) => return Err(gone()),
            Err(error) => return Err(faults::refused(shown, "written", error)),
        };
        let mut from = Walk::new(staging.as_fd(), shown);
        let mut to = self.walk(folder);
        for path in self.staged.new.keys() {
            let (above, name) = names::split(path);
            let refused = |error| faults::refused(&format!("{shown}/{path}"), "written", error);
            let old = from.folder(above)?.ok_or_else(gone)?;
            let new = to.make_folder(above, self.disk)?;
            let moved = self.disk.move_to((old, name), (new, name));
            moved.map_err(refused)?;
        }
        Ok(())
    }

    /// Removes the staging folder, in which nothing but its ownership file and
    /// folders are left.
    fn clear_staging(&self, output: &Output) -> Result<(), Fault> {
        match staging::find(output, self.top, &self.change.cluster)? {
            Some(emptied) => staging::clear(output, self.top, &self.change.cluster, &emptied),
            None => Ok(()),
        }
    }

    fn walk<'w>(&'w self, folder: BorrowedFd<'w>) -> Walk<'w> {
        Walk::new(folder, &self.shown)
    }

    fn delete(&self, folder: BorrowedFd<'_>) -> Result<(), Fault> {
        let mut walk = self.walk(folder);
        for path in &self.change.deleted {
            staging::remove_file(self.disk, &mut walk, path)?;
        }
        for path in &self.change.emptied {
            staging::remove_folder(self.disk, &mut walk, path)?;
        }
        Ok(())
    }

    /// Writes a temporary file beside a file and renames it.
    fn replace(&self, walk: &mut Walk<'_>, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let shown = walk.displayed(path);
        let (above, name) = names::split(path);
        let temporary = names::temporary(name);
        let above = walk.make_folder(above, self.disk)?;
        let file = match self.disk.create(above, &temporary) {
            Ok(file) => file,
            Err(Errno::EXIST) => {
                let (above, _) = names::split(&shown);
                return Err(faults::temporary_taken(&format!("{above}/{temporary}")));
            }
            Err(error) => return Err(faults::refused(&shown, "written", error)),
        };
        let replaced = self
            .disk
            .write(file.as_fd(), bytes)
            .and_then(|()| self.disk.rename(above, &temporary, name));
        replaced.map_err(|error| {
            // Frees a full disk at once. If that fails too, the next run does it.
            let _ = self.disk.remove_file(above, &temporary);
            faults::refused(&shown, "written", error)
        })
    }

    fn write_ownership(&self, folder: BorrowedFd<'_>, ownership: &Ownership) -> Result<(), Fault> {
        let text = self.text(ownership)?;
        self.replace(&mut self.walk(folder), names::OWNERSHIP, &text)
    }

    fn text(&self, ownership: &Ownership) -> Result<Vec<u8>, Fault> {
        ownership
            .text()
            .map_err(|error| Fault::environment(format!("`{}`: {error}", self.shown)))
    }

    /// Removes the ownership file and, if nothing else is left, the folder.
    ///
    /// Without its ownership file the empty folder would be nobody's, if we
    /// were killed in between; as a staging folder it is still ours.
    fn remove_cluster(&self, output: &Output, folder: BorrowedFd<'_>) -> Result<(), Fault> {
        let refused = |error| faults::refused(&self.shown, "removed", error);
        let left = folder::list(folder).map_err(refused)?;
        if left.iter().any(|name| name != names::OWNERSHIP) {
            return staging::remove_file(self.disk, &mut self.walk(folder), names::OWNERSHIP);
        }
        let temporary = names::temporary(&self.change.cluster);
        match self.disk.rename(self.top, &self.change.cluster, &temporary) {
            Ok(()) => {}
            // Something foreign has that name.
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {
                staging::remove_file(self.disk, &mut self.walk(folder), names::OWNERSHIP)?;
                let mut clusters = Walk::new(self.top, &output.shown);
                return staging::remove_folder(self.disk, &mut clusters, &self.change.cluster);
            }
            Err(error) => return Err(refused(error)),
        }
        let stale = staging::find(output, self.top, &self.change.cluster)?.unwrap_or_default();
        staging::clear(output, self.top, &self.change.cluster, &stale)
    }
}
