//! A working tree as git would store it: what git calls unchanged is what its
//! commit has, whatever line ends and filters made of it on disk. Does IO: it
//! reads, and never writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use git2::{DiffOptions, ObjectType, Oid, Repository, Status};

use super::commit::CommitTree;
use super::entry;
use super::names::{CLUSTERS, TEMPLATES};

/// The working tree that a fleet's folder is in.
#[derive(Clone, Debug)]
pub struct WorkTree(Arc<Stored>);

#[derive(Debug)]
struct Stored {
    /// Git's own folder.
    git: PathBuf,
    /// Where it was checked out to, without links.
    top: PathBuf,
    /// What was checked out.
    commit: CommitTree,
    /// The fleet's folder below the top.
    folder: String,
    /// The paths in the folders of inputs that git calls changed, once somebody
    /// asks; none if it can't tell.
    changed: OnceLock<Option<BTreeSet<String>>>,
}

impl WorkTree {
    /// The working tree at `top` of the repository in `git`, that a commit was
    /// checked out to, and the fleet's folder in it.
    pub(super) fn new(git: PathBuf, top: PathBuf, commit: CommitTree, folder: &str) -> Self {
        Self(Arc::new(Stored {
            git,
            top,
            commit,
            folder: folder.to_owned(),
            changed: OnceLock::new(),
        }))
    }

    /// What the commit has of a file, if git calls it unchanged where its bytes differ.
    pub(super) fn bytes(&self, real: &Path, on_disk: &[u8]) -> Option<Vec<u8>> {
        let (path, _) = self.0.unchanged(real, on_disk)?;
        // One that stands for a larger file is read on disk, where that one is.
        self.0.commit.read(&path).ok()
    }

    /// The id of the content that git has or would have of a file.
    pub(super) fn content_id(&self, real: &Path, on_disk: &[u8]) -> Option<Oid> {
        self.0.unchanged(real, on_disk).map(|(_, id)| id)
    }
}

impl Stored {
    fn unchanged(&self, real: &Path, on_disk: &[u8]) -> Option<(String, Oid)> {
        let path = entry::with_slashes(real.strip_prefix(&self.top).ok()?.to_owned())?;
        let id = self.commit.file_id(&path)?;
        // Git is only asked of what isn't the same at sight.
        if Oid::hash_object(ObjectType::Blob, on_disk).is_ok_and(|same| same == id) {
            return None;
        }
        (!self.is_changed(&path)).then_some((path, id))
    }

    fn is_changed(&self, path: &str) -> bool {
        let inputs = [CLUSTERS, TEMPLATES].map(|part| Path::new(&self.folder).join(part));
        if inputs.iter().any(|part| Path::new(path).starts_with(part)) {
            let changed = self.changed.get_or_init(|| self.find_changed().ok());
            return changed.as_ref().is_none_or(|paths| paths.contains(path));
        }
        // A link led out of them. Only few do, so git isn't asked of the whole tree.
        let status = Repository::open(&self.git)
            .and_then(|repository| repository.status_file(Path::new(path)));
        status != Ok(Status::CURRENT)
    }

    /// As `git status` finds them, staged or not; those that git doesn't know
    /// are in no commit.
    fn find_changed(&self) -> Result<BTreeSet<String>, git2::Error> {
        let repository = Repository::open(&self.git)?;
        let head = repository.find_tree(self.commit.id())?;
        let mut options = DiffOptions::new();
        options.disable_pathspec_match(true).ignore_submodules(true);
        for part in [CLUSTERS, TEMPLATES] {
            options.pathspec(Path::new(&self.folder).join(part));
        }
        let diff = repository.diff_tree_to_workdir_with_index(Some(&head), Some(&mut options))?;
        let paths = diff.deltas().flat_map(|delta| {
            let both = [delta.old_file().path(), delta.new_file().path()];
            both.map(|path| path.and_then(|path| entry::with_slashes(path.to_owned())))
        });
        Ok(paths.flatten().collect())
    }
}
