//! The file of a record, in the user's cache folder. Does IO.
//!
//! One file for each root, by its absolute path. It begins with the digest of
//! the rest, so that a file which was cut off or damaged isn't understood.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Record;
use crate::write::ownership::Digest;

/// The format of the file. A record of another one isn't understood.
const FORMAT: u32 = 1;

/// Where the record of a fleet is.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    /// The fleet's root, absolute and without links.
    root: PathBuf,
}

/// What the file holds after the digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    /// The digest of the root's path: a copied file is of no use.
    root: Digest,
    record: Record,
}

impl Store {
    /// The record of the fleet at `root`, below the user's cache folder.
    pub fn new(cache: &Path, root: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: cache.join("logfleet/records"),
            root: root.canonicalize()?,
        })
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        let name = base16ct::lower::encode_string(&sha256(self.root.as_os_str().as_bytes()));
        self.folder.join(name + ".json")
    }

    /// Reads the record; none if there is none, or it isn't whole, or not of
    /// this root. Then everything is rendered.
    pub fn read(&self) -> Option<Record> {
        let bytes = fs::read(self.path()).ok()?;
        let (digest, rest) = bytes.split_at_checked(64)?;
        if digest != checksum(rest).as_bytes() {
            return None;
        }
        let content: Content = serde_json::from_slice(rest).ok()?;
        (content.format == FORMAT && content.root == self.digest_of_root())
            .then_some(content.record)
    }

    /// Replaces the record.
    pub fn write(&self, record: &Record) -> io::Result<()> {
        let content = serde_json::to_vec(&Content {
            format: FORMAT,
            root: self.digest_of_root(),
            record: record.clone(),
        })?;
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&self.folder)?;
        let (path, temporary) = (self.path(), self.path().with_extension("new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(checksum(&content).as_bytes())?;
        file.write_all(&content)?;
        fs::rename(temporary, path)
    }

    fn digest_of_root(&self) -> Digest {
        Digest::of(self.root.as_os_str().as_bytes())
    }
}

/// The digest of a file of any size, piece by piece. It is that of the SHA-256,
/// not of the bytes themselves.
pub(super) fn digest_of_file(path: &Path) -> io::Result<Digest> {
    use sha2::Digest as _;
    let mut file = fs::File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(Digest::of(&hasher.finalize())),
            Ok(count) => hasher.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

fn checksum(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&sha256(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn record() -> Record {
        Record {
            program: Digest::of(b"program"),
            shared: Digest::of(b"shared"),
            clusters: BTreeMap::new(),
            shared_folders: BTreeMap::new(),
        }
    }

    #[test]
    fn what_was_written_is_read_by_that_root_only() {
        let (cache, one, two) = (folder(), folder(), folder());
        let store =
            |root: &tempfile::TempDir| Store::new(cache.path(), root.path()).expect("a folder");
        assert_eq!(store(&one).read(), None);
        store(&one).write(&record()).expect("written");
        assert_eq!(store(&one).read(), Some(record()));
        assert_eq!(store(&two).read(), None);
        fs::copy(store(&one).path(), store(&two).path()).expect("copied");
        assert_eq!(store(&two).read(), None, "a copied record");
        // The same folder by another path.
        let again = one
            .path()
            .join("../")
            .join(one.path().file_name().expect("a name"));
        let again = Store::new(cache.path(), &again).expect("a folder");
        assert_eq!(again.read(), Some(record()));
    }

    #[test]
    fn a_damaged_record_is_none() {
        let (cache, root) = (folder(), folder());
        let store = Store::new(cache.path(), root.path()).expect("a folder");
        store.write(&record()).expect("written");
        let whole = fs::read(store.path()).expect("there");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(store.path(), damaged).expect("written");
            assert_eq!(store.read(), None, "byte {at}");
            fs::write(store.path(), &whole[..at]).expect("written");
            assert_eq!(store.read(), None, "cut at {at}");
        }
        store.write(&record()).expect("written");
        assert_eq!(store.read(), Some(record()));
    }

    #[test]
    fn a_record_of_another_format_is_none() {
        let (cache, root) = (folder(), folder());
        let store = Store::new(cache.path(), root.path()).expect("a folder");
        store.write(&record()).expect("written");
        let text = fs::read_to_string(store.path()).expect("there");
        for (from, to) in [
            ("\"format\":1", "\"format\":2"),
            ("\"shared_folders\":{}", "\"shared_folders\":{},\"more\":1"),
        ] {
            let changed = text[64..].replace(from, to);
            assert_ne!(changed, text[64..]);
            let changed = checksum(changed.as_bytes()) + &changed;
            fs::write(store.path(), changed).expect("written");
            assert_eq!(store.read(), None, "{to}");
        }
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }
}
