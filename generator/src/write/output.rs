//! The output folder, opened once for a run. Reads; makes the folder when
//! something is to be written.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::disk::Disk;
use super::faults;
use super::folder::{self, Opened};
use crate::fault::Fault;

/// The folder that holds a folder per cluster, normally `rendered/`.
///
/// Shared by all threads of a run. Only one run at a time may write: the
/// folder is locked (`flock`) for as long as this value lives, and the system
/// releases the lock of a killed process.
#[derive(Debug)]
pub struct Output {
    parent: OwnedFd,
    name: String,
    /// Its path as shown in faults: relative to the root where it can be.
    pub(super) shown: String,
    folder: OnceLock<OwnedFd>,
    lock: bool,
    pub(super) disk: Disk,
}

impl Output {
    /// Opens `folder`, relative to `root` unless absolute. It may not exist
    /// yet, but the folder it is in must, and it may not be a symbolic link.
    ///
    /// With `check_only` nothing is locked. Faults are of the environment.
    pub fn open(root: &Path, folder: &Path, check_only: bool) -> Result<Self, Fault> {
        let shown = folder.display().to_string();
        let path: PathBuf = root.join(folder);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Fault::environment(format!(
                "`{shown}` can't be the output folder"
            )));
        };
        let name = name.to_string_lossy().into_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let above = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        let parent = rustix::fs::openat(rustix::fs::CWD, above, flags, Mode::empty())
            .map_err(|error| faults::refused(&above.display().to_string(), "opened", error))?;
        let output = Self {
            parent,
            name,
            shown,
            folder: OnceLock::new(),
            lock: !check_only,
            disk: Disk::default(),
        };
        output.enter()?;
        Ok(output)
    }

    /// The folder, if it exists.
    pub(super) fn folder(&self) -> Option<BorrowedFd<'_>> {
        self.folder.get().map(AsFd::as_fd)
    }

    /// The folder, made if it doesn't exist. Writes.
    pub(super) fn make(&self) -> Result<BorrowedFd<'_>, Fault> {
        if let Some(folder) = self.folder() {
            return Ok(folder);
        }
        match self.disk.make_folder(self.parent.as_fd(), &self.name) {
            // Another thread was faster.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(faults::refused(&self.shown, "created", error)),
        }
        self.enter()?;
        self.folder()
            .ok_or_else(|| faults::refused(&self.shown, "opened", Errno::NOENT))
    }

    /// Opens and locks the folder if it exists.
    fn enter(&self) -> Result<(), Fault> {
        match folder::open(self.parent.as_fd(), &self.name) {
            Ok(Opened::Folder(folder)) => {
                // A second thread's handle is dropped before it asks for the lock.
                self.folder.get_or_init(|| folder);
                self.lock()
            }
            Ok(Opened::Missing) => Ok(()),
            Ok(Opened::Obstacle(obstacle)) => Err(faults::not_a_folder(&self.shown, obstacle)),
            Err(error) => Err(faults::refused(&self.shown, "opened", error)),
        }
    }

    fn lock(&self) -> Result<(), Fault> {
        let Some(folder) = self.folder().filter(|_| self.lock) else {
            return Ok(());
        };
        match rustix::fs::flock(folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(Fault::environment(format!(
                "another gen is writing to `{}` right now",
                self.shown
            ))
            .hint("wait for it to end and run again")),
            // Some network file systems have no locks; then nothing guards
            // against two runs at once.
            _ => Ok(()),
        }
    }
}
