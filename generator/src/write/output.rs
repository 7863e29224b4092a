//! The output folder, opened once for a run. Reads; makes the folder when
//! something is to be written.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::disk::Disk;
use super::faults;
use super::folder::{self, Opened};
use crate::fault::{Fault, Faults};

/// Whether clusters may be staged, and which of them are.
#[derive(Debug, Default)]
struct Staging {
    is_closed: bool,
    staged: Mutex<BTreeSet<String>>,
}

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
    /// Its path, for git, which has no handles.
    pub(super) path: PathBuf,
    folder: OnceLock<OwnedFd>,
    /// Whether it was made by this run.
    made: AtomicBool,
    lock: bool,
    /// Held for reading while a cluster is staged, for writing to close it.
    staging: RwLock<Staging>,
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
            path,
            folder: OnceLock::new(),
            made: AtomicBool::new(false),
            lock: !check_only,
            staging: RwLock::default(),
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
            Ok(()) => self.made.store(true, Ordering::Relaxed),
            // Another thread was faster.
            Err(Errno::EXIST) => {}
            Err(error) => return Err(faults::refused(&self.shown, "created", error)),
        }
        self.enter()?;
        self.folder()
            .ok_or_else(|| faults::refused(&self.shown, "opened", Errno::NOENT))
    }

    /// Removes the folder if this run made it, and it is empty. Writes.
    pub(super) fn remove_if_made(&self) {
        if self.made.load(Ordering::Relaxed) {
            let _ = self.disk.remove_folder(self.parent.as_fd(), &self.name);
        }
    }

    /// Stages a cluster, and notes that it is; does nothing once staging is closed.
    pub(super) fn while_open<T>(
        &self,
        cluster: &str,
        stage: impl FnOnce() -> Result<T, Faults>,
    ) -> Result<T, Faults> {
        // A thread that panicked left the set as it was.
        let staging = self.staging.read().unwrap_or_else(PoisonError::into_inner);
        if staging.is_closed {
            return Err(Faults::new());
        }
        let mut staged = staging
            .staged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        staged.insert(cluster.to_owned());
        drop(staged);
        stage()
    }

    /// Lets nothing be staged any more, waits for what is being staged, and
    /// tells which clusters were.
    pub(super) fn close(&self) -> BTreeSet<String> {
        let mut staging = self.staging.write().unwrap_or_else(PoisonError::into_inner);
        staging.is_closed = true;
        let staged = staging.staged.get_mut();
        std::mem::take(staged.unwrap_or_else(PoisonError::into_inner))
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
