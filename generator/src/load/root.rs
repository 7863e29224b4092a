//! What a fleet is read from: a folder, or the tree of a commit.
//!
//! Both keep the same rules and tell the same faults: nothing is read from
//! outside the root, nor by a link that leaves it, nor what is no plain file
//! or too large. Does IO: it reads, and never writes.

use std::path::{Path, PathBuf};

use super::commit::CommitTree;
use super::folder::Folder;
use crate::fault::{Fault, Faults};

/// What nothing is read outside of.
#[derive(Debug)]
pub enum Root {
    /// A folder, as it is on disk.
    Folder(Folder),
    /// The tree of a commit, or a folder in it. Nothing is checked out.
    Commit(CommitTree),
}

/// What an entry of a folder is, after links that stay within the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file, or what is to be reported not to be one when it is read.
    File,
    /// A folder.
    Folder,
}

/// An entry of a folder that can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Whether it is a link.
    pub is_link: bool,
}

impl Root {
    /// Opens a folder.
    pub fn folder(path: &Path) -> Result<Self, Fault> {
        Folder::open(path).map(Self::Folder)
    }

    /// A folder in it, as a root that nothing is read outside of.
    pub fn below(&self, folder: &str) -> Result<Self, Fault> {
        match self {
            Self::Folder(root) => root.below(folder).map(Self::Folder),
            Self::Commit(root) => root.below(folder).map(Self::Commit),
        }
    }

    /// How messages call it.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Folder(root) => format!("`{}`", root.given().display()),
            Self::Commit(root) => root.description(),
        }
    }

    /// The visible entries of a folder, sorted; `None` if it doesn't exist.
    pub(super) fn list(&self, folder: &str, faults: &mut Faults) -> Option<Vec<Entry>> {
        match self {
            Self::Folder(root) => root.list(folder, faults),
            Self::Commit(root) => root.list(folder, faults),
        }
    }

    /// The bytes of a plain file of at most [`super::yaml::MAX_BYTES`].
    pub fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let read = match self {
            Self::Folder(root) => root.read(path),
            Self::Commit(root) => root.read(path),
        };
        read.map_err(|fault| self.missing_cluster(path).unwrap_or(fault))
    }

    /// Whether there is something of that path, were it a link to nowhere.
    pub fn exists(&self, path: &str) -> bool {
        match self {
            Self::Folder(root) => root.exists(path),
            Self::Commit(root) => root.exists(path),
        }
    }

    /// The fault of an object of git that could not be read so far, if there is one.
    pub fn all_found(&self) -> Result<(), Fault> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Commit(root) => root.all_found(),
        }
    }

    /// Where the link at that path leads within the root, or a link above it;
    /// nothing if none of them is a link.
    pub fn link_target(&self, path: &str) -> Option<String> {
        match self {
            Self::Folder(root) => root.link_target(path),
            Self::Commit(root) => root.link_target(path),
        }
    }

    /// The fault of a folder without its `cluster.yaml`.
    fn missing_cluster(&self, path: &str) -> Option<Fault> {
        let folder = path.strip_suffix("/cluster.yaml")?;
        if self.exists(path) {
            return None;
        }
        let fault = Fault::input(format!("the folder `{folder}` has no `cluster.yaml`"));
        let short = format!("{folder}/cluster.yml");
        Some(if self.exists(&short) {
            fault.hint(format!("rename `{short}` to `cluster.yaml`"))
        } else {
            fault.hint("add one, or remove the folder")
        })
    }
}

/// The fault of a link that would be followed out of the root.
pub(super) fn leaves(path: &str) -> Fault {
    Fault::input(format!("`{path}` is a link that leaves its folder"))
        .hint("copy the file in instead")
}

/// The fault of what can't be read as a file.
pub(super) fn not_a_file(path: &str) -> Fault {
    Fault::input(format!("`{path}` is not a plain file"))
}

/// The fault of a file that isn't there.
pub(super) fn missing(path: &str) -> Fault {
    Fault::input(format!("there is no file `{path}`"))
}

/// The fault of a name that is no text.
pub(super) fn not_unicode(name: &Path) -> Fault {
    Fault::input(format!("the name `{}` is not Unicode", name.display())).hint("rename it")
}

/// Whether a name is one that people don't see, and that isn't read.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

/// Paths below a root with `/`, as text.
pub(super) fn with_slashes(path: PathBuf) -> Option<String> {
    let path = path.into_os_string().into_string().ok()?;
    Some(path.replace(std::path::MAIN_SEPARATOR, "/"))
}
