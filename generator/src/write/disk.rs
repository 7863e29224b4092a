//! The one place that changes anything on disk. Writes.
//!
//! Every change is one method of [`Disk`], each one system call (a write may
//! take several), relative to the handle of an open folder, so that no part
//! of a path is resolved twice and none is a symbolic link. Tests count these
//! steps and stop at each of them in turn; outside tests the counter does not
//! exist.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

/// Carries out changes.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Where a test stops the run.
    #[cfg(test)]
    pub(super) interruption: super::interruption::Interruption,
}

// Without tests the counter, the only field, is not there.
#[cfg_attr(
    not(test),
    expect(clippy::unused_self, reason = "tests count the calls")
)]
impl Disk {
    /// Creates a folder; it must not exist.
    pub(super) fn make_folder(&self, parent: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
        #[cfg(test)]
        self.interruption.step()?;
        rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o777))
    }

    /// Creates an empty file; nothing of that name may exist.
    pub(super) fn create(&self, parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
        #[cfg(test)]
        self.interruption.step()?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o666))
    }

    /// Writes all bytes.
    pub(super) fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), Errno> {
        #[cfg(test)]
        self.interruption
            .write(|share| write_all(file, &bytes[..bytes.len() / 2 * share]))?;
        write_all(file, bytes)
    }

    /// Renames within a folder; a file of the new name is replaced, a folder
    /// only when empty.
    pub(super) fn rename(&self, folder: BorrowedFd<'_>, from: &str, to: &str) -> Result<(), Errno> {
        self.move_to((folder, from), (folder, to))
    }

    /// The same from one folder to another.
    pub(super) fn move_to(
        &self,
        (folder, from): (BorrowedFd<'_>, &str),
        (new_folder, to): (BorrowedFd<'_>, &str),
    ) -> Result<(), Errno> {
        #[cfg(test)]
        self.interruption.step()?;
        rustix::fs::renameat(folder, from, new_folder, to)
    }

    /// Removes a file, or a symbolic link itself.
    pub(super) fn remove_file(&self, parent: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
        #[cfg(test)]
        self.interruption.step()?;
        rustix::fs::unlinkat(parent, name, AtFlags::empty())
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&self, parent: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
        #[cfg(test)]
        self.interruption.step()?;
        rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)
    }
}

fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
