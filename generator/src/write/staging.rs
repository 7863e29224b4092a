//! The folder that a cluster's new files wait in until all clusters are right,
//! and what a killed run leaves of it. Reads, and writes where reported.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::disk::Disk;
use super::faults;
use super::folder::{self, File, Opened, Walk};
use super::names;
use super::output::Output;
use super::ownership::{self, Ownership};
use crate::fault::Fault;

/// A staging folder left by a killed run: the files in it that are ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stale {
    files: BTreeSet<String>,
    /// Its ownership file, from which the others are known, goes last.
    has_ownership: bool,
}

/// Looks for the staging folder of a cluster and what is ours in it.
///
/// A folder with an ownership file of that cluster, whole or torn, is ours,
/// and so is an empty one. Any other is foreign, and stays as it is.
pub(super) fn find(
    output: &Output,
    top: BorrowedFd<'_>,
    cluster: &str,
) -> Result<Option<Stale>, Fault> {
    let name = names::temporary(cluster);
    let shown = format!("{}/{name}", output.shown);
    let refused = |error| faults::refused(&shown, "read", error);
    let Opened::Folder(staging) = folder::open(top, &name).map_err(refused)? else {
        return Ok(None);
    };
    let staging = staging.as_fd();
    match folder::open_file(staging, names::OWNERSHIP).map_err(refused)? {
        File::Open(file, stat) => {
            let mut text = Vec::new();
            let text = folder::read(file.as_fd(), &stat, &mut text).map_err(refused)?;
            Ok(recognise(text, cluster))
        }
        File::Missing if folder::list(staging).map_err(refused)?.is_empty() => {
            Ok(Some(Stale::default()))
        }
        File::Missing | File::Obstacle(_) => Ok(None),
    }
}

fn recognise(text: &[u8], cluster: &str) -> Option<Stale> {
    match Ownership::parse(text) {
        Ok(owned) if owned.cluster == cluster => Some(Stale {
            files: owned.paths().map(str::to_owned).collect(),
            has_ownership: true,
        }),
        Ok(_) => None,
        // Torn, it was the first thing written: there is nothing else of ours.
        Err(_) => ownership::is_torn_or_whole(text).then(|| Stale {
            files: BTreeSet::new(),
            has_ownership: true,
        }),
    }
}

/// Whether something stands where a cluster's staging folder would.
pub(super) fn is_taken(output: &Output, top: BorrowedFd<'_>, cluster: &str) -> Result<bool, Fault> {
    let name = names::temporary(cluster);
    let found = folder::kind(top, &name);
    found
        .map(|found| found.is_some())
        .map_err(|error| faults::refused(&format!("{}/{name}", output.shown), "read", error))
}

/// The fault of a staging folder whose name somebody else has.
pub(super) fn taken(output: &Output, cluster: &str) -> Fault {
    faults::temporary_taken(&format!("{}/{}", output.shown, names::temporary(cluster)))
}

/// Removes what is ours of a staging folder, and the folder if that was all.
/// Writes.
pub(super) fn clear(
    output: &Output,
    top: BorrowedFd<'_>,
    cluster: &str,
    stale: &Stale,
) -> Result<(), Fault> {
    let name = names::temporary(cluster);
    let shown = format!("{}/{name}", output.shown);
    let refused = |error| faults::refused(&shown, "removed", error);
    let Opened::Folder(staging) = folder::open(top, &name).map_err(refused)? else {
        return Ok(());
    };
    let mut walk = Walk::new(staging.as_fd(), &shown);
    for path in &stale.files {
        remove_file(&output.disk, &mut walk, path)?;
    }
    let folders: BTreeSet<&str> = stale
        .files
        .iter()
        .flat_map(|path| names::folders_above(path))
        .collect();
    for path in folders.into_iter().rev() {
        remove_folder(&output.disk, &mut walk, path)?;
    }
    if stale.has_ownership {
        remove_file(&output.disk, &mut walk, names::OWNERSHIP)?;
    }
    removed(output.disk.remove_folder(top, &name)).map_err(refused)
}

/// Removes a file, if it is still there. Writes.
pub(super) fn remove_file(disk: &Disk, walk: &mut Walk<'_>, path: &str) -> Result<(), Fault> {
    let shown = walk.displayed(path);
    let (folder, name) = names::split(path);
    let Some(folder) = walk.folder(folder)? else {
        return Ok(());
    };
    match disk.remove_file(folder, name) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(faults::refused(&shown, "removed", error)),
    }
}

/// Removes a folder, if it is there and empty. Writes.
pub(super) fn remove_folder(disk: &Disk, walk: &mut Walk<'_>, path: &str) -> Result<(), Fault> {
    let shown = walk.displayed(path);
    let (folder, name) = names::split(path);
    let Ok(Some(folder)) = walk.folder(folder) else {
        return Ok(());
    };
    removed(disk.remove_folder(folder, name))
        .map_err(|error| faults::refused(&shown, "removed", error))
}

/// A folder that is gone, or kept by what somebody else has in it, is fine.
fn removed(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(()),
        other => other,
    }
}
