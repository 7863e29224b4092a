//! Carries a plan out. Writes.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::disk::Disk;
use super::folder::{self, Opened, Walk};
use super::names;
use super::output::Output;
use super::ownership::{self, Digest, Ownership};
use super::plan::WritePlan;
use super::{faults, staging};
use crate::fault::{Fault, Faults};
use crate::tree::TreePath;

/// What applying a plan did, in files, the ownership file not counted.
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
/// To be called only when no cluster of the run has a fault. A plan that only
/// checks does nothing. A fault here is one of the environment; what was begun
/// is then finished by the next run.
pub fn apply(output: &Output, plan: &WritePlan) -> Result<WriteSummary, Faults> {
    if plan.check_only || plan.is_idle() {
        return Ok(WriteSummary {
            unchanged: plan.unchanged,
            ..WriteSummary::default()
        });
    }
    let top = output.make()?;
    if let Some(stale) = &plan.stale_staging {
        staging::clear(output, top, &plan.cluster, stale)?;
    }
    let application = Application {
        disk: &output.disk,
        top,
        plan,
        shown: format!("{}/{}", output.shown, plan.cluster),
    };
    if !plan.fresh || !application.write_staged(output)? {
        application.write_in_place(output)?;
    }
    Ok(WriteSummary {
        created: plan.created.len(),
        updated: plan.updated.len(),
        deleted: plan.deleted.len(),
        unchanged: plan.unchanged,
    })
}

/// One plan being carried out.
struct Application<'p> {
    disk: &'p Disk,
    /// The output folder.
    top: BorrowedFd<'p>,
    plan: &'p WritePlan,
    /// The cluster's folder as shown in faults.
    shown: String,
}

impl Application<'_> {
    /// Writes a new cluster beside its place and renames the whole folder;
    /// `false` if the staging folder's name is taken by something foreign.
    fn write_staged(&self, output: &Output) -> Result<bool, Fault> {
        let name = names::temporary(&self.plan.cluster);
        let shown = format!("{}/{name}", output.shown);
        match self.disk.make_folder(self.top, &name) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(false),
            Err(error) => return Err(faults::refused(&shown, "created", error)),
        }
        let filled = self.fill_staging(&name, &shown).and_then(|()| {
            self.disk
                .rename(self.top, &name, &self.plan.cluster)
                .map_err(|error| faults::refused(&self.shown, "created", error))
        });
        if filled.is_err() {
            // Frees a full disk at once. If that fails too, the next run does it.
            if let Ok(Some(stale)) = staging::find(output, self.top, &self.plan.cluster) {
                let _ = staging::clear(output, self.top, &self.plan.cluster, &stale);
            }
        }
        filled.map(|()| true)
    }

    /// Nobody looks into the staging folder, so files are written directly.
    /// The ownership file comes first, to know them by if we are killed, and
    /// is dated last, so that no file is newer.
    fn fill_staging(&self, name: &str, shown: &str) -> Result<(), Fault> {
        let folder = match folder::open(self.top, name) {
            Ok(Opened::Folder(folder)) => folder,
            Ok(Opened::Missing) => return Err(faults::refused(shown, "opened", Errno::NOENT)),
            Ok(Opened::Obstacle(obstacle)) => return Err(faults::not_a_folder(shown, obstacle)),
            Err(error) => return Err(faults::refused(shown, "opened", error)),
        };
        let refused =
            |path: &str, error| faults::refused(&format!("{shown}/{path}"), "written", error);
        let text = self.text(&ownership::record(
            &self.plan.cluster,
            hashes(&self.plan.created),
        ))?;
        let ownership = self
            .disk
            .create(folder.as_fd(), names::OWNERSHIP)
            .map_err(|error| refused(names::OWNERSHIP, error))?;
        self.disk
            .write(ownership.as_fd(), &text)
            .map_err(|error| refused(names::OWNERSHIP, error))?;
        let mut walk = Walk::new(folder.as_fd(), shown);
        for (path, bytes) in &self.plan.created {
            let (above, name) = names::split(path.as_str());
            let above = walk.make_folder(above, self.disk)?;
            let file = self
                .disk
                .create(above, name)
                .map_err(|error| refused(path.as_str(), error))?;
            self.disk
                .write(file.as_fd(), bytes)
                .map_err(|error| refused(path.as_str(), error))?;
        }
        self.disk
            .touch(ownership.as_fd())
            .map_err(|error| refused(names::OWNERSHIP, error))
    }

    /// Changes a folder that exists, or has to be made where it is.
    fn write_in_place(&self, output: &Output) -> Result<(), Fault> {
        let plan = self.plan;
        let mut clusters = Walk::new(self.top, &output.shown);
        let folder = if plan.fresh {
            clusters.make_folder(&plan.cluster, self.disk)?
        } else {
            match clusters.folder(&plan.cluster)? {
                Some(folder) => folder,
                // Only a staging folder was left of this cluster.
                None => return Ok(()),
            }
        };
        for leftover in &plan.leftovers {
            staging::remove_file(self.disk, &mut self.walk(folder), leftover)?;
        }
        let new = self.new_hashes();
        if !new.is_empty() || plan.takes_over {
            let mut journal = ownership::record(&plan.cluster, plan.before.clone());
            journal.writing.clone_from(&new);
            self.write_ownership(folder, &journal)?;
        }
        self.delete(folder)?;
        let mut walk = self.walk(folder);
        for (path, bytes) in plan.created.iter().chain(&plan.updated) {
            self.replace(&mut walk, path.as_str(), bytes)?;
        }
        if plan.removes_cluster {
            self.remove_cluster(output, folder)
        } else if plan.ownership_changes {
            let mut files = plan.kept.clone();
            files.extend(new);
            self.write_ownership(folder, &ownership::record(&plan.cluster, files))
        } else {
            Ok(())
        }
    }

    fn walk<'w>(&'w self, folder: BorrowedFd<'w>) -> Walk<'w> {
        Walk::new(folder, &self.shown)
    }

    fn new_hashes(&self) -> BTreeMap<String, Digest> {
        let mut new = hashes(&self.plan.created);
        new.extend(hashes(&self.plan.updated));
        new
    }

    fn delete(&self, folder: BorrowedFd<'_>) -> Result<(), Fault> {
        let mut walk = self.walk(folder);
        for path in &self.plan.deleted {
            staging::remove_file(self.disk, &mut walk, path)?;
        }
        for path in &self.plan.emptied {
            staging::remove_folder(self.disk, &mut walk, path)?;
        }
        Ok(())
    }

    /// Writes a temporary file beside a file and renames it.
    fn replace(&self, walk: &mut Walk<'_>, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let shown = walk.shown(path);
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
        let temporary = names::temporary(&self.plan.cluster);
        match self.disk.rename(self.top, &self.plan.cluster, &temporary) {
            Ok(()) => {}
            // Something foreign has that name.
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {
                staging::remove_file(self.disk, &mut self.walk(folder), names::OWNERSHIP)?;
                let mut clusters = Walk::new(self.top, &output.shown);
                return staging::remove_folder(self.disk, &mut clusters, &self.plan.cluster);
            }
            Err(error) => return Err(refused(error)),
        }
        let stale = staging::find(output, self.top, &self.plan.cluster)?.unwrap_or_default();
        staging::clear(output, self.top, &self.plan.cluster, &stale)
    }
}

fn hashes(files: &BTreeMap<TreePath, Vec<u8>>) -> BTreeMap<String, Digest> {
    files
        .iter()
        .map(|(path, bytes)| (path.as_str().to_owned(), Digest::of(bytes)))
        .collect()
}
