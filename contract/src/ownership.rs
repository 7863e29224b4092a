//! The ownership file: which files of a cluster's folder are ours, and what
//! was in them when we wrote them. Pure.
//!
//! It is committed with the rendered files, so it is deterministic, has one
//! line a file (version control merges it well), and names nothing of the
//! machine or build but the release.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::folder;
use crate::tree::TreePath;

/// The format this release writes, and the newest it reads.
pub const FORMAT: u64 = 1;

/// How every ownership file begins, whatever its format: by this a torn one,
/// left by a killed process, is told from a file of somebody else.
const BEGINNING: &[u8] = b"{\n  \"logfleet_ownership\": ";

/// The SHA-256 of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; 64];
        let text = base16ct::lower::encode_str(&self.0, &mut text)
            .map_err(|error| serde::ser::Error::custom(format!("{error}")))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        match base16ct::lower::decode(&text, &mut bytes) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(bytes)),
            _ => Err(serde::de::Error::custom(format!(
                "`{text}` is not a SHA-256 in hex"
            ))),
        }
    }
}

/// What the ownership file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    #[serde(rename = "logfleet_ownership")]
    format: u64,
    generator: String,
    /// Whose folder it was written into; a copied folder is not ours.
    pub cluster: String,
    /// What stands on disk: path to hash.
    pub files: BTreeMap<String, Digest>,
    /// What a run that hasn't finished is writing: path to new hash. The file
    /// on disk is either of the two, and its temporary file may exist.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writing: BTreeMap<String, Digest>,
}

/// Why an ownership file is of no use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum OwnershipError {
    /// It has a format we don't know.
    #[error("the ownership file has format {0}, and this release reads up to {FORMAT}")]
    Newer(u64),
    /// It is broken, for this reason.
    #[error("the ownership file is broken: {0}")]
    Broken(String),
}

impl Ownership {
    /// Records files that are in place, written by this release of gen.
    pub fn new(generator: &str, cluster: &str, files: BTreeMap<String, Digest>) -> Self {
        Self {
            format: FORMAT,
            generator: generator.to_owned(),
            cluster: cluster.to_owned(),
            files,
            writing: BTreeMap::new(),
        }
    }

    /// Reads the text of an ownership file.
    pub fn parse(text: &[u8]) -> Result<Self, OwnershipError> {
        #[derive(Deserialize)]
        struct Head {
            logfleet_ownership: u64,
        }
        let broken = |error: serde_json::Error| OwnershipError::Broken(error.to_string());
        let head: Head = serde_json::from_slice(text).map_err(broken)?;
        if head.logfleet_ownership > FORMAT {
            return Err(OwnershipError::Newer(head.logfleet_ownership));
        }
        let ownership: Self = serde_json::from_slice(text).map_err(broken)?;
        for path in ownership.paths() {
            TreePath::new(path).map_err(|error| OwnershipError::Broken(error.to_string()))?;
            if folder::is_reserved(path) {
                let why = format!("`{path}` is a name no rendered file has");
                return Err(OwnershipError::Broken(why));
            }
        }
        Ok(ownership)
    }

    /// The release of gen that wrote it.
    pub fn generator(&self) -> &str {
        &self.generator
    }

    /// The text of the ownership file: pretty JSON with a final newline.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Every path that is, or may be, ours. A path may come twice.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .chain(self.writing.keys())
            .map(String::as_str)
    }

    /// Whether these bytes at this path are what we wrote.
    pub fn wrote(&self, path: &str, digest: Digest) -> bool {
        self.files.get(path) == Some(&digest) || self.writing.get(path) == Some(&digest)
    }
}

/// Whether a text is an ownership file, or the torn beginning of one.
pub fn is_torn_or_whole(text: &[u8]) -> bool {
    text.starts_with(BEGINNING) || BEGINNING.starts_with(text)
}

/// Whether an ownership file begins as this release of gen writes it; decided without
/// reading it. A `false` only costs time.
pub fn is_of_release(text: &[u8], generator: &str) -> bool {
    let head = format!("{FORMAT},\n  \"generator\": \"{generator}\",\n");
    let rest = text.strip_prefix(BEGINNING);
    rest.is_some_and(|rest| rest.starts_with(head.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_this_release_is_told_by_how_it_begins() {
        let ours = Ownership::new("1.2.3", "alpha", BTreeMap::new());
        let text = ours.text().expect("JSON");
        assert!(is_of_release(&text, "1.2.3"));
        let other = String::from_utf8(text).expect("UTF-8");
        let other = other.replace("1.2.3", "1.2.30");
        assert!(!is_of_release(other.as_bytes(), "1.2.3"));
        assert!(!is_of_release(b"", "1.2.3"));
    }
}
