//! What a merge tells of files that aren't as the ownership file lists them:
//! git joins two outputs of gen line by line, and what comes of it is neither.
//! Reads git's objects and index; only asked where a file would be a fault.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{Commit, ObjectType, Oid, Repository, RepositoryState};

use super::names;
use super::ownership::{Digest, Ownership};

/// Where git notes which commit is being joined with the one checked out
/// (<https://git-scm.com/docs/gitrevisions>).
const OTHER_HEADS: [&str; 4] = [
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REBASE_HEAD",
    "REVERT_HEAD",
];
/// The stages of a file in conflict: the merge base's, ours, theirs
/// (<https://git-scm.com/docs/git-merge#_true_merge>).
const STAGES: [i32; 3] = [1, 2, 3];

/// The sides that were, or are being, merged into a cluster's folder.
pub(super) struct Merge {
    repository: Repository,
    /// The cluster's folder, and its path below the repository's top.
    folder: PathBuf,
    below: PathBuf,
    /// What each side's ownership file lists.
    sides: Vec<Ownership>,
    /// Whether its commit is made.
    is_committed: bool,
}

impl Merge {
    /// Looks for the merge that a folder is in the midst of, or that its last
    /// commit is. `recorded` is its ownership file as it was read.
    pub(super) fn find(folder: &Path, recorded: &Ownership) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        let repository = Repository::discover(&folder).ok()?;
        let top = repository.workdir()?.canonicalize().ok()?;
        let mut merge = Self {
            below: folder.strip_prefix(top).ok()?.to_owned(),
            folder,
            repository,
            sides: Vec::new(),
            is_committed: false,
        };
        merge.sides = merge.unfinished_sides(recorded);
        if merge.sides.is_empty() {
            merge.sides = merge.committed_sides();
            merge.is_committed = true;
        }
        (!merge.sides.is_empty()).then_some(merge)
    }

    /// Whether a file of these bytes is one that gen wrote on some side, or
    /// what git made of two that it wrote.
    pub(super) fn explains(&self, path: &str, digest: Digest) -> bool {
        let is_of_a_side = self.sides.iter().any(|side| side.wrote(path, digest));
        is_of_a_side || (self.both_wrote(path) && self.is_gits(path))
    }

    /// Whether gen wrote other bytes on one side than on another.
    fn both_wrote(&self, path: &str) -> bool {
        let sides = self.sides.iter();
        let mut listed = sides
            .flat_map(|side| [&side.files, &side.theirs])
            .filter_map(|files| files.get(path));
        let first = listed.next();
        listed.any(|other| Some(other) != first)
    }

    /// Whether a file is in conflict, or as git itself stored it: whoever
    /// edited it meanwhile did so in git's hands, where it isn't lost.
    fn is_gits(&self, path: &str) -> bool {
        let below = self.below.join(path);
        let Ok(index) = self.repository.index() else {
            return false;
        };
        if STAGES
            .iter()
            .any(|stage| index.get_path(&below, *stage).is_some())
        {
            return true;
        }
        let stored = if self.is_committed {
            let head = self.repository.head().and_then(|head| head.peel_to_tree());
            head.and_then(|tree| tree.get_path(&below))
                .map(|entry| entry.id())
                .ok()
        } else {
            index.get_path(&below, 0).map(|entry| entry.id)
        };
        let on_disk = fs::read(self.folder.join(path)).ok();
        let on_disk = on_disk.and_then(|bytes| Oid::hash_object(ObjectType::Blob, &bytes).ok());
        on_disk.is_some() && on_disk == stored
    }

    fn unfinished_sides(&self, recorded: &Ownership) -> Vec<Ownership> {
        let mut sides = self.staged_sides();
        // What a finished operation left behind says nothing.
        let is_going_on = self.repository.state() != RepositoryState::Clean;
        let others = OTHER_HEADS.iter().filter(|_| is_going_on);
        let others = others.filter_map(|name| self.repository.find_reference(name).ok()?.target());
        let others: Vec<Oid> = others.collect();
        sides.extend(
            others
                .iter()
                .filter_map(|id| self.at(&self.repository.find_commit(*id).ok()?)),
        );
        if !recorded.theirs.is_empty() {
            sides.push(recorded.clone());
        }
        if !sides.is_empty() {
            sides.extend(self.head().and_then(|head| self.at(&head)));
        }
        sides
    }

    /// Both sides of an ownership file in conflict.
    fn staged_sides(&self) -> Vec<Ownership> {
        let Ok(index) = self.repository.index() else {
            return Vec::new();
        };
        let path = self.below.join(names::OWNERSHIP);
        let staged = STAGES.iter().skip(1).filter_map(|stage| {
            let entry = index.get_path(&path, *stage)?;
            self.read(entry.id)
        });
        staged.collect()
    }

    /// The parents of a merge's commit that is checked out.
    fn committed_sides(&self) -> Vec<Ownership> {
        let parents = self.head().map(|head| head.parents().collect::<Vec<_>>());
        let parents = parents.filter(|parents| parents.len() > 1);
        let parents = parents.into_iter().flatten();
        parents.filter_map(|parent| self.at(&parent)).collect()
    }

    fn head(&self) -> Option<Commit<'_>> {
        self.repository.head().ok()?.peel_to_commit().ok()
    }

    /// What the ownership file of a commit lists.
    fn at(&self, commit: &Commit<'_>) -> Option<Ownership> {
        let entry = commit
            .tree()
            .ok()?
            .get_path(&self.below.join(names::OWNERSHIP))
            .ok()?;
        self.read(entry.id())
    }

    fn read(&self, blob: Oid) -> Option<Ownership> {
        Ownership::parse(self.repository.find_blob(blob).ok()?.content()).ok()
    }
}
