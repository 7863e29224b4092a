//! What a fleet is read from: a folder, or the tree of a commit.
//!
//! Both keep the same rules and tell the same faults: nothing is read from
//! outside the root, nor by a link that leaves it, nor what is no plain file
//! or too large. Does IO: it reads, and never writes.

use std::path::Path;

use super::commit::CommitTree;
use super::entry::Entry;
use super::folder::Folder;
use crate::fault::{Fault, Faults};
use crate::tree::TreePath;

/// What nothing is read outside of.
#[derive(Debug)]
pub enum Root {
    /// A folder, as it is on disk.
    Folder(Folder),
    /// The tree of a commit, or a folder in it. Nothing is checked out.
    Commit(CommitTree),
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

    /// Reads the file that a setting names by a path below `folder`. The fault has no place; the caller
    /// knows the setting's.
    pub fn read_below(&self, folder: &str, relative: &str) -> Result<Vec<u8>, Fault> {
        let relative = TreePath::new(relative).map_err(|error| Fault::input(error.to_string()))?;
        let root = self
            .below(folder)
            .map_err(|fault| fault.hint(format!("`{relative}` is read from it")))?;
        root.read(relative.as_str()).map_err(|mut fault| {
            fault.place = None;
            fault
        })
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
