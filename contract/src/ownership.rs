//! The ownership file: which files of a cluster's folder are ours, and what
//! was in them when we wrote them. Pure.
//!
//! It is committed with the rendered files, so it is deterministic, and names
//! nothing of the machine or build but the release. Each file has a line, with
//! an empty one between two, so that changes to two files merge: git takes
//! lines that touch for one place. Where both sides of a merge changed the same
//! file, its digest is in conflict; what both sides list can still be read
//! ([`Ownership::parse_conflict`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::conflict;
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
    /// What the other side of a merge in conflict lists. Never written.
    #[serde(skip)]
    pub theirs: BTreeMap<String, Digest>,
}

/// Why an ownership file is of no use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum OwnershipError {
    /// It has a format we don't know.
    #[error("the ownership file has format {0}, and this release reads up to {FORMAT}")]
    Newer(u64),
    /// It is in a merge conflict.
    #[error(
        "the ownership file is in a merge conflict: `gen render` rewrites it from what both sides list"
    )]
    Conflict,
    /// It is broken, for this reason.
    #[error("the ownership file is broken: {0}")]
    Broken(String),
}

impl OwnershipError {
    /// Why it is of no use, without saying what is.
    pub fn reason(&self) -> String {
        match self {
            Self::Newer(format) => format!("a newer release of gen wrote it (format {format})"),
            Self::Conflict => "it is in a merge conflict, which `gen render` resolves".to_owned(),
            Self::Broken(why) => why.clone(),
        }
    }
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
            theirs: BTreeMap::new(),
        }
    }

    /// Reads an ownership file that git left in conflict: what our side lists,
    /// and beside it what theirs does. Anything but a conflict is an error.
    pub fn parse_conflict(text: &[u8]) -> Result<Self, OwnershipError> {
        let broken = |why: &str| OwnershipError::Broken(why.to_owned());
        let text = std::str::from_utf8(text).map_err(|error| broken(&error.to_string()))?;
        let [ours, theirs] = conflict::sides(text)
            .ok_or_else(|| broken("the marks of its merge conflict don't fit each other"))?;
        let mut ours = Self::parse(with_commas(&ours).as_bytes())?;
        let theirs = Self::parse(with_commas(&theirs).as_bytes())?;
        if ours.cluster != theirs.cluster {
            return Err(broken("its two sides are of different clusters"));
        }
        ours.theirs = theirs.files;
        ours.theirs.extend(theirs.writing);
        Ok(ours)
    }

    /// Reads the text of an ownership file.
    pub fn parse(text: &[u8]) -> Result<Self, OwnershipError> {
        Self::parse_whole(text).map_err(|error| match error {
            OwnershipError::Broken(_)
                if std::str::from_utf8(text).is_ok_and(|text| conflict::find(text).is_some()) =>
            {
                OwnershipError::Conflict
            }
            error => error,
        })
    }

    fn parse_whole(text: &[u8]) -> Result<Self, OwnershipError> {
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

    /// The text of the ownership file: pretty JSON with an empty line between
    /// files, and a final newline.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let text = serde_json::to_string_pretty(self)?;
        // A line break in a path is written as an escape, so this is one between files.
        let mut text = text.replace(",\n    ", ",\n\n    ");
        text.push('\n');
        Ok(text.into_bytes())
    }

    /// Every path that is, or may be, ours. A path may come twice.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .chain(self.writing.keys())
            .chain(self.theirs.keys())
            .map(String::as_str)
    }

    /// Whether these bytes at this path are what we wrote.
    pub fn wrote(&self, path: &str, digest: Digest) -> bool {
        self.owner_of(path, digest) == Owner::Us
    }

    /// Whose the bytes at this path are.
    pub fn owner_of(&self, path: &str, digest: Digest) -> Owner {
        let written = [&self.files, &self.writing, &self.theirs].map(|files| files.get(path));
        if written.contains(&Some(&digest)) {
            Owner::Us
        } else if written == [None; 3] {
            Owner::Somebody
        } else {
            Owner::Editor
        }
    }
}

/// Whose a file is that is in a cluster's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It is as we wrote it, so it may be replaced.
    Us,
    /// We wrote it, and somebody changed it since.
    Editor,
    /// We never wrote it.
    Somebody,
}

/// One side of a conflict, which may lack the comma after what was its last
/// file, or have one after what is.
fn with_commas(side: &str) -> String {
    let lines: Vec<&str> = side.lines().map(str::trim).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let mut text = String::with_capacity(side.len());
    for (at, line) in lines.iter().enumerate() {
        let bare = line.strip_suffix(',').unwrap_or(line);
        text.push_str(bare);
        let closes = lines.get(at + 1).is_none_or(|next| next.starts_with('}'));
        if !bare.ends_with('{') && !closes {
            text.push(',');
        }
    }
    text
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

    fn listing(files: &[(&str, &str)]) -> Ownership {
        let files = files.iter();
        let files = files.map(|(path, bytes)| ((*path).to_owned(), Digest::of(bytes.as_bytes())));
        Ownership::new("1.2.3", "alpha", files.collect())
    }

    #[test]
    fn a_file_is_ours_as_we_wrote_it_during_a_replacement_too() {
        let mut ownership = listing(&[("a", "new")]);
        let writing = ("a".to_owned(), Digest::of(b"old"));
        ownership.writing.extend([writing]);
        let owner = |path, bytes: &[u8]| ownership.owner_of(path, Digest::of(bytes));
        assert_eq!(owner("a", b"new"), Owner::Us);
        assert_eq!(owner("a", b"old"), Owner::Us);
        assert_eq!(owner("a", b"edited"), Owner::Editor);
        assert_eq!(owner("b", b"new"), Owner::Somebody);
    }

    /// A file with a conflict in its lines after the head, as git writes it.
    fn in_conflict(ours: &Ownership, base: Option<&Ownership>, theirs: &Ownership) -> String {
        let lines = |side: &Ownership| {
            let text = String::from_utf8(side.text().expect("JSON")).expect("UTF-8");
            let (head, files) = text.split_once("\"files\": {\n").expect("files");
            let files = files.strip_suffix("  }\n}\n").expect("an end").to_owned();
            (format!("{head}\"files\": {{\n"), files)
        };
        let base = base.map_or(String::new(), |base| {
            format!("||||||| 1a2b3c4\n{}", lines(base).1)
        });
        let (head, ours) = lines(ours);
        format!(
            "{head}<<<<<<< HEAD\n{ours}{base}=======\n{}>>>>>>> add-beta\n  }}\n}}\n",
            lines(theirs).1
        )
    }

    #[test]
    fn both_sides_of_a_conflict_are_read() {
        let ours = listing(&[("a", "1"), ("b", "ours"), ("only-ours", "3")]);
        let theirs = listing(&[("a", "1"), ("b", "theirs"), ("only-theirs", "4")]);
        let base = listing(&[("a", "1"), ("b", "base")]);
        for base in [None, Some(&base)] {
            let text = in_conflict(&ours, base, &theirs);
            assert_eq!(
                Ownership::parse(text.as_bytes()),
                Err(OwnershipError::Conflict)
            );
            let read = Ownership::parse_conflict(text.as_bytes()).expect("two sides");
            assert_eq!((&read.files, &read.theirs), (&ours.files, &theirs.files));
            for (path, bytes) in [("b", "ours"), ("b", "theirs"), ("only-theirs", "4")] {
                assert!(read.wrote(path, Digest::of(bytes.as_bytes())), "{path}");
            }
            for (path, bytes) in [("b", "base"), ("b", "1"), ("foreign", "1")] {
                assert!(!read.wrote(path, Digest::of(bytes.as_bytes())), "{path}");
            }
        }
    }

    #[test]
    fn a_comma_that_a_merge_left_over_or_took_is_no_matter() {
        let digest = serde_json::to_value(Digest::of(b"1")).expect("JSON");
        let text = format!(
            "{{\n  \"logfleet_ownership\": 1,\n  \"generator\": \"1\",\n  \"cluster\": \"a\",\n  \"files\": {{\n                 \"a\": {digest}\n<<<<<<< HEAD\n\n    \"b\": {digest},\n=======\n\n    \"c\": {digest}\n>>>>>>> other\n  }}\n}}\n"
        );
        let read = Ownership::parse_conflict(text.as_bytes()).expect("two sides");
        assert_eq!(read.files.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(read.theirs.keys().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn what_is_no_conflict_is_still_broken() {
        let whole = String::from_utf8(listing(&[("a", "1")]).text().expect("JSON")).expect("UTF-8");
        for text in [
            "<<<<<<< HEAD\n".to_owned(),
            whole.replace("  \"files\"", "<<<<<<< HEAD\n=======\n  \"files\""),
            whole.replace("\"a\"", "\"../a\"") + "<<<<<<< HEAD\n=======\n>>>>>>> x\n",
            whole[..whole.len() / 2].to_owned(),
        ] {
            let read = Ownership::parse_conflict(text.as_bytes());
            assert!(matches!(read, Err(OwnershipError::Broken(_))), "{read:?}");
        }
    }

    #[test]
    fn an_empty_line_is_between_two_files() {
        let text = listing(&[("a", "1"), ("b", "2")]).text().expect("JSON");
        let text = String::from_utf8(text).expect("UTF-8");
        let lines: Vec<&str> = text
            .lines()
            .skip(4)
            .map(|line| line.split(':').next().unwrap_or_default())
            .collect();
        assert_eq!(
            lines,
            ["  \"files\"", "    \"a\"", "", "    \"b\"", "  }", "}"]
        );
        assert_eq!(
            Ownership::parse(text.as_bytes()),
            Ok(listing(&[("a", "1"), ("b", "2")]))
        );
    }
}
