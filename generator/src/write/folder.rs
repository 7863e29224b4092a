//! Open folders: looking at what is on disk without ever following a
//! symbolic link. Reads.
//!
//! Each folder is opened once, relative to the one above it and with
//! `O_NOFOLLOW`, and files are reached by one name from their folder's handle:
//! cheaper than long paths, and nobody can slip a link in between.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::disk::Disk;
use super::faults::{self, Obstacle};
use super::names;
use super::ownership::Digest;
use crate::fault::Fault;

/// Opens a folder by a name in its parent; `None` if nothing is there.
pub(super) fn open(parent: BorrowedFd<'_>, name: &str) -> Result<Opened, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(folder) => Ok(Opened::Folder(folder)),
        Err(Errno::NOENT) => Ok(Opened::Missing),
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(match kind(parent, name)? {
            Some(obstacle) => Opened::Obstacle(obstacle),
            None => Opened::Missing,
        }),
        Err(error) => Err(error),
    }
}

/// What opening a folder found.
#[derive(Debug)]
pub(super) enum Opened {
    /// The folder.
    Folder(OwnedFd),
    /// Nothing.
    Missing,
    /// Something else.
    Obstacle(Obstacle),
}

/// What stands at a name; `None` if nothing does.
pub(super) fn kind(parent: BorrowedFd<'_>, name: &str) -> Result<Option<Obstacle>, Errno> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(obstacle(&found))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

fn obstacle(found: &Stat) -> Obstacle {
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Obstacle::File,
        FileType::Directory => Obstacle::Folder,
        FileType::Symlink => Obstacle::Link,
        _ => Obstacle::Special,
    }
}

/// The names in a folder, sorted.
pub(super) fn list(folder: BorrowedFd<'_>) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A regular file that was opened, or what is there instead.
#[derive(Debug)]
pub(super) enum File {
    /// Its handle and size.
    Open(OwnedFd, Stat),
    /// Nothing.
    Missing,
    /// Something else.
    Obstacle(Obstacle),
}

/// Opens a file for reading by a name in its folder.
///
/// `O_NONBLOCK` keeps a pipe of that name from holding the run up.
pub(super) fn open_file(parent: BorrowedFd<'_>, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(file) => {
            let stat = rustix::fs::fstat(&file)?;
            Ok(match obstacle(&stat) {
                Obstacle::File => File::Open(file, stat),
                other => File::Obstacle(other),
            })
        }
        Err(Errno::NOENT) => Ok(File::Missing),
        // A link is `ELOOP`, a socket `ENXIO` or `EOPNOTSUPP`.
        Err(error) => match kind(parent, name)? {
            Some(other) if other != Obstacle::File => Ok(File::Obstacle(other)),
            _ => Err(error),
        },
    }
}

/// Reads a file's `size` bytes into `buffer`, whatever was in it, and returns them.
pub(super) fn read<'b>(
    file: BorrowedFd<'_>,
    stat: &Stat,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8], Errno> {
    let size = usize::try_from(stat.st_size).map_err(|_| Errno::FBIG)?;
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
    let mut end = 0;
    while end < size {
        match rustix::io::read(file, &mut buffer[end..size]) {
            Ok(0) => break,
            Ok(count) => end += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(&buffer[..end])
}

/// What stands at the path of a rendered or recorded file.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Missing,
    /// A file with just the bytes asked for.
    Equal,
    /// A file with other bytes.
    Other(Digest),
    /// No regular file.
    Obstacle(Obstacle),
    /// Nothing, as this path above it is no folder.
    Behind(String, Obstacle),
}

/// Walks through the folders below one, keeping those on the way to the last
/// path open. Paths in sorted order open each folder once.
pub(super) struct Walk<'f> {
    top: BorrowedFd<'f>,
    /// The path of `top` as shown in faults.
    shown: &'f str,
    /// The path of the folder now reached, and the folders on the way to it.
    path: String,
    open: Vec<Level>,
    buffer: RefCell<Vec<u8>>,
}

/// One folder on the way: how long its path is, and what was found there.
struct Level {
    end: usize,
    opened: Opened,
}

/// The folder of a path, as far as it exists.
enum Reached<'w> {
    Folder(BorrowedFd<'w>),
    Missing,
    Obstacle { end: usize, obstacle: Obstacle },
}

impl<'f> Walk<'f> {
    /// Begins at a folder.
    pub(super) fn new(top: BorrowedFd<'f>, shown: &'f str) -> Self {
        Self {
            top,
            shown,
            path: String::new(),
            open: Vec::new(),
            buffer: RefCell::default(),
        }
    }

    /// The path as shown in faults.
    pub(super) fn displayed(&self, path: &str) -> String {
        format!("{}/{path}", self.shown)
    }

    /// Looks at a file, comparing it with `bytes` if there are some.
    pub(super) fn look(&mut self, path: &str, bytes: Option<&[u8]>) -> Result<Found, Fault> {
        let (folder_path, name) = names::split(path);
        self.reach(folder_path, None)?;
        let folder = match self.reached() {
            Reached::Folder(folder) => folder,
            Reached::Missing => return Ok(Found::Missing),
            Reached::Obstacle { end, obstacle } => {
                return Ok(Found::Behind(self.path[..end].to_owned(), obstacle));
            }
        };
        look_in(folder, name, bytes, &mut self.buffer.borrow_mut())
            .map_err(|error| faults::refused(&self.displayed(path), "read", error))
    }

    /// What stands at a path; `None` also if a folder above it is missing.
    pub(super) fn kind(&mut self, path: &str) -> Result<Option<Obstacle>, Fault> {
        let (folder_path, name) = names::split(path);
        self.reach(folder_path, None)?;
        match self.reached() {
            Reached::Folder(folder) => kind(folder, name)
                .map_err(|error| faults::refused(&self.displayed(path), "read", error)),
            Reached::Missing | Reached::Obstacle { .. } => Ok(None),
        }
    }

    /// The names in the folder at `path`; none if it is no folder.
    pub(super) fn list(&mut self, path: &str) -> Result<Vec<String>, Fault> {
        self.reach(path, None)?;
        match self.reached() {
            Reached::Folder(folder) => {
                list(folder).map_err(|error| faults::refused(&self.displayed(path), "read", error))
            }
            Reached::Missing | Reached::Obstacle { .. } => Ok(Vec::new()),
        }
    }

    /// The folder at `path`, if there is one.
    pub(super) fn folder(&mut self, path: &str) -> Result<Option<BorrowedFd<'_>>, Fault> {
        self.reach(path, None)?;
        match self.reached() {
            Reached::Folder(folder) => Ok(Some(folder)),
            Reached::Missing => Ok(None),
            Reached::Obstacle { end, obstacle } => Err(faults::not_a_folder(
                &self.displayed(&self.path[..end]),
                obstacle,
            )),
        }
    }

    /// The folder at `path`, made with those above it where missing. Writes.
    pub(super) fn make_folder(&mut self, path: &str, disk: &Disk) -> Result<BorrowedFd<'_>, Fault> {
        self.reach(path, Some(disk))?;
        match self.reached() {
            Reached::Folder(folder) => Ok(folder),
            Reached::Missing => Err(faults::refused(
                &self.displayed(path),
                "opened",
                Errno::NOENT,
            )),
            Reached::Obstacle { end, obstacle } => Err(faults::not_a_folder(
                &self.displayed(&self.path[..end]),
                obstacle,
            )),
        }
    }

    /// Goes to the folder at `path`, up and down as little as needed.
    fn reach(&mut self, path: &str, disk: Option<&Disk>) -> Result<(), Fault> {
        if self.path == path {
            return Ok(());
        }
        while let Some(level) = self.open.last() {
            let above = &self.path[..level.end];
            if path
                .strip_prefix(above)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            {
                break;
            }
            self.open.pop();
        }
        let mut begin = self.open.last().map_or(0, |level| level.end + 1);
        path.clone_into(&mut self.path);
        while begin < path.len() {
            let end = path[begin..]
                .find('/')
                .map_or(path.len(), |slash| begin + slash);
            match self.step(&path[begin..end], disk) {
                Ok(opened) => self.open.push(Level { end, opened }),
                Err((what, error)) => {
                    self.path.truncate(begin.saturating_sub(1));
                    return Err(faults::refused(&self.displayed(&path[..end]), what, error));
                }
            }
            begin = end + 1;
        }
        Ok(())
    }

    /// Opens a folder in the deepest one that is open.
    fn step(&self, name: &str, disk: Option<&Disk>) -> Result<Opened, (&'static str, Errno)> {
        let parent = match self.open.last().map(|level| &level.opened) {
            None => self.top,
            Some(Opened::Folder(folder)) => folder.as_fd(),
            // Below something else is nothing; `reached` tells of it.
            Some(Opened::Missing | Opened::Obstacle(_)) => return Ok(Opened::Missing),
        };
        let opened = open(parent, name).map_err(|error| ("read", error))?;
        match (opened, disk) {
            (Opened::Missing, Some(disk)) => {
                disk.make_folder(parent, name)
                    .map_err(|error| ("created", error))?;
                open(parent, name).map_err(|error| ("read", error))
            }
            (opened, _) => Ok(opened),
        }
    }

    fn reached(&self) -> Reached<'_> {
        for level in &self.open {
            if let Opened::Obstacle(obstacle) = level.opened {
                return Reached::Obstacle {
                    end: level.end,
                    obstacle,
                };
            }
        }
        match self.open.last().map(|level| &level.opened) {
            None => Reached::Folder(self.top),
            Some(Opened::Folder(folder)) => Reached::Folder(folder.as_fd()),
            Some(_) => Reached::Missing,
        }
    }
}

fn look_in(
    folder: BorrowedFd<'_>,
    name: &str,
    bytes: Option<&[u8]>,
    buffer: &mut Vec<u8>,
) -> Result<Found, Errno> {
    let (file, stat) = match open_file(folder, name)? {
        File::Open(file, stat) => (file, stat),
        File::Missing => return Ok(Found::Missing),
        File::Obstacle(obstacle) => return Ok(Found::Obstacle(obstacle)),
    };
    let there = read(file.as_fd(), &stat, buffer)?;
    if bytes == Some(there) {
        Ok(Found::Equal)
    } else {
        Ok(Found::Other(Digest::of(there)))
    }
}
