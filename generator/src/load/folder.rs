//! A folder on disk as a [`Root`](super::root::Root). Does IO: it reads.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};

use super::entry::{self, Entry, EntryKind};
use super::work_tree::WorkTree;
use super::yaml::{self, MAX_BYTES};
use crate::fault::{Fault, Faults};

/// A folder that nothing is read outside of.
#[derive(Debug)]
pub struct Folder {
    given: PathBuf,
    /// Without links, to compare with.
    real: PathBuf,
    /// What git has of it, if that is to be read.
    work_tree: Option<WorkTree>,
}

impl Folder {
    /// Opens it.
    pub fn open(given: &Path) -> Result<Self, Fault> {
        let real = given.canonicalize().map_err(|error| {
            Fault::environment(format!(
                "can't open `{}`: {}",
                given.display(),
                reason(&error)
            ))
        })?;
        Ok(Self {
            given: given.to_owned(),
            real,
            work_tree: None,
        })
    }

    /// The same, read as git would store it.
    #[must_use]
    pub fn as_stored(self, work_tree: Option<WorkTree>) -> Self {
        Self { work_tree, ..self }
    }

    /// The path as it was given.
    pub fn given(&self) -> &Path {
        &self.given
    }

    pub(super) fn below(&self, folder: &str) -> Result<Self, Fault> {
        let below = Self::open(&self.given.join(folder))?;
        Ok(below.as_stored(self.work_tree.clone()))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.real.join(path)).is_ok()
    }

    pub(super) fn link_target(&self, path: &str) -> Option<String> {
        let full = self.real.join(path);
        let real = full.canonicalize().ok().filter(|real| *real != full)?;
        entry::with_slashes(real.strip_prefix(&self.real).ok()?.to_owned())
    }

    pub(super) fn list(&self, folder: &str, faults: &mut Faults) -> Option<Vec<Entry>> {
        let entries = match fs::read_dir(self.real.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                faults.push(unreadable(folder, &error));
                return Some(Vec::new());
            }
        };
        if let Err(fault) = self.stay_within(folder) {
            faults.push(fault);
            return Some(Vec::new());
        }
        let mut found = Vec::new();
        for entry in entries {
            match entry
                .map_err(|error| unreadable(folder, &error))
                .and_then(|entry| self.classify(folder, &entry))
            {
                Ok(Some(entry)) => found.push(entry),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Some(found)
    }

    fn classify(&self, folder: &str, entry: &fs::DirEntry) -> Result<Option<Entry>, Fault> {
        let name = entry.file_name();
        if entry::is_hidden(name.as_encoded_bytes()) {
            return Ok(None);
        }
        let Some(name) = name.to_str() else {
            return Err(entry::not_unicode(Path::new(&name)));
        };
        let path = format!("{folder}/{name}");
        let mut kind = entry
            .file_type()
            .map_err(|error| unreadable(&path, &error))?;
        let is_link = kind.is_symlink();
        if is_link {
            self.stay_within(&path)?;
            kind = fs::metadata(entry.path())
                .map_err(|error| unreadable(&path, &error))?
                .file_type();
        }
        let kind = if kind.is_dir() {
            EntryKind::Folder
        } else {
            EntryKind::File
        };
        Ok(Some(Entry {
            name: name.to_owned(),
            kind,
            is_link,
        }))
    }

    /// Refuses a path that a link leads out of the root.
    fn stay_within(&self, path: &str) -> Result<(), Fault> {
        let real = self
            .real
            .join(path)
            .canonicalize()
            .map_err(|error| unreadable(path, &error))?;
        if real.starts_with(&self.real) {
            return Ok(());
        }
        Err(entry::leaves(path))
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let bytes = self.read_on_disk(path)?;
        let stored = self.stored(path, |work_tree, real| work_tree.bytes(real, &bytes));
        Ok(stored.unwrap_or(bytes))
    }

    /// The id that git has or would have of a file's content.
    pub(super) fn content_id(&self, path: &str) -> Option<Oid> {
        let bytes = self.read_on_disk(path).ok()?;
        self.stored(path, |work_tree, real| work_tree.content_id(real, &bytes))
            .or_else(|| Oid::hash_object(ObjectType::Blob, &bytes).ok())
    }

    /// What git has of a file, if it is to be asked.
    fn stored<T>(&self, path: &str, ask: impl Fn(&WorkTree, &Path) -> Option<T>) -> Option<T> {
        let work_tree = self.work_tree.as_ref()?;
        ask(work_tree, &self.real.join(path).canonicalize().ok()?)
    }

    fn read_on_disk(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let full = self.real.join(path);
        self.stay_within(path)?;
        let about = fs::metadata(&full).map_err(|error| unreadable(path, &error))?;
        if !about.is_file() {
            return Err(entry::not_a_file(path));
        }
        if about.len() > MAX_BYTES as u64 {
            return Err(yaml::too_large(path));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        // A file may grow between the two calls.
        let limit = MAX_BYTES as u64 + 1;
        File::open(&full)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| unreadable(path, &error))?;
        if bytes.len() > MAX_BYTES {
            Err(yaml::too_large(path))
        } else {
            Ok(bytes)
        }
    }
}

/// A missing file is the input's fault, anything else that of the surroundings.
fn unreadable(path: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => entry::missing(path),
        _ => Fault::environment(format!("can't read `{path}`: {}", reason(error))),
    }
}

/// What the system says, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}
