//! The rendered tree: paths and bytes, before anything is written. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// The folder of all rendered trees, below the root of a fleet: one folder in it
/// for each cluster.
pub const RENDERED: &str = "rendered";

/// A path below a folder that can't leave it: relative, forward slashes, no
/// empty, `.` or `..` part, no control characters, and no part over 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TreePath(String);

/// Why a text is not a [`TreePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreePathError {
    /// It is empty.
    #[error("the path is empty")]
    Empty,
    /// It starts at the file system's root, or names a drive.
    #[error("`{0}` is absolute; paths are relative to the cluster's folder")]
    Absolute(String),
    /// One of its parts is empty, `.` or `..`.
    #[error("`{0}` leaves its folder, or has an empty part")]
    Leaves(String),
    /// It holds a character that is not fit for a file's name.
    #[error("`{0}` holds a backslash or a control character")]
    Character(String),
    /// A part is longer than file systems allow.
    #[error("a part of `{0}` is longer than 255 bytes")]
    Long(String),
}

impl TreePath {
    /// Checks a text.
    pub fn new(path: impl Into<String>) -> Result<Self, TreePathError> {
        let path = path.into();
        if path.is_empty() {
            return Err(TreePathError::Empty);
        }
        if path.starts_with('/') {
            return Err(TreePathError::Absolute(path));
        }
        if path.chars().any(|c| c == '\\' || c.is_control()) {
            return Err(TreePathError::Character(path));
        }
        for part in path.split('/') {
            if part.is_empty() || part == "." || part == ".." {
                return Err(TreePathError::Leaves(path));
            }
            if part.len() > 255 {
                return Err(TreePathError::Long(path));
            }
        }
        Ok(Self(path))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Looks up by text; equality and order are those of the text.
impl std::borrow::Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<std::path::Path> for TreePath {
    fn as_ref(&self) -> &std::path::Path {
        self.0.as_ref()
    }
}

/// Everything rendered for one cluster, or for the whole fleet: path below
/// `rendered/<cluster>/` or `rendered/_fleet/` to bytes, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedTree(pub BTreeMap<TreePath, Vec<u8>>);

impl RenderedTree {
    /// The files, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path, bytes.as_slice()))
    }
}
