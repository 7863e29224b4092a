//! What a folder has in it, on disk as in the tree of a commit, and the faults that both tell. Pure.

use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// What an entry of a folder is, after links that stay within the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A file, or what is to be reported not to be one when it is read.
    File,
    /// A folder.
    Folder,
}

/// An entry of a folder that can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Whether it is a link.
    pub is_link: bool,
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
