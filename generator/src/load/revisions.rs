//! The two sides of a comparison, found in a git repository. Does IO: it reads
//! the repository, and never writes; nothing is checked out.

use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, Oid, Repository};

use super::commit::{CommitTree, Objects};
use super::root::Root;
use super::trailers::Trailers;
use crate::fault::Fault;
use crate::secrets;

/// What the head is called if it is what is on disk.
pub const WORKTREE: &str = "worktree";

/// A commit has so many digits where it is shown.
const SHOWN_DIGITS: usize = 8;

/// The tree without an entry, which git knows without having it
/// (<https://git-scm.com/docs/git-hash-object>: of nothing, with `-t tree`).
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// One side.
#[derive(Debug)]
pub struct Revision {
    /// What it was called.
    pub called: String,
    /// The commit; none for what is on disk.
    pub commit: Option<String>,
    /// How it came to be this one.
    pub taken: String,
    /// Its files.
    pub root: Root,
}

/// Both sides.
#[derive(Debug)]
pub struct Revisions {
    /// What is compared with: the merge base of what was named and the head.
    pub base: Revision,
    /// What is looked at.
    pub head: Revision,
    /// What the commits say that the head has and the base's branch hasn't.
    pub trailers: Trailers,
}

/// Finds both sides. Without a base, the remote's default branch is taken, or
/// else `main` or `master`; without a head, what is on disk.
pub fn find(root: &Path, base: Option<&str>, head: &str) -> Result<Revisions, Fault> {
    let place = FleetPlace::find(root)?;
    let repository = &place.repository;
    let head_commit = match head {
        WORKTREE => commit_of(repository, "HEAD")?,
        revision => commit_of(repository, revision)?,
    };
    let base = match base {
        Some(revision) => revision.to_owned(),
        None => default_base(repository)?,
    };
    let base_commit = commit_of(repository, &base)?;
    let merge_base = find_merge_base(repository, &base, base_commit.id(), head_commit.id())?;
    let (base_id, head_id) = (base_commit.id(), head_commit.id());
    drop((base_commit, head_commit));
    // Not from the merge base: there may be several, and what the base's branch has was reviewed.
    let trailers = Trailers::read(repository, base_id, head_id);
    let (base, head) = place.open(root, (base, base_id), (head, head_id), merge_base)?;
    Ok(Revisions {
        base,
        head,
        trailers,
    })
}

/// A fleet's root in a repository.
struct FleetPlace {
    repository: Repository,
    /// The root's path below the repository's top; empty for the top.
    folder: String,
}

impl FleetPlace {
    fn find(root: &Path) -> Result<Self, Fault> {
        // It tells better of a folder that isn't there.
        Root::folder(root)?;
        let repository =
            Repository::discover(root).map_err(|error| not_a_repository(root, &error))?;
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let top: Option<PathBuf> = repository.workdir().and_then(|top| top.canonicalize().ok());
        // A bare repository has no work tree, and its root is its top.
        let below = top.and_then(|top| real.strip_prefix(top).ok().map(Path::to_owned));
        let folder = below
            .and_then(super::root::with_slashes)
            .unwrap_or_default();
        Ok(Self { repository, folder })
    }

    fn open(
        self,
        root: &Path,
        (base, base_id): (String, Oid),
        (head, head_id): (&str, Oid),
        merge_base: Oid,
    ) -> Result<(Revision, Revision), Fault> {
        let taken = if merge_base == base_id {
            format!("what {base} is at")
        } else {
            format!("the merge base with {base}")
        };
        let (base_tree, head_tree) = (self.tree(merge_base)?, self.tree(head_id)?);
        let objects = Objects::new(self.repository);
        let open = |id: Oid, tree: Oid| -> Result<Root, Fault> {
            let whole = CommitTree::new(objects.clone(), tree, shown(id));
            if self.folder.is_empty() {
                return Ok(Root::Commit(whole));
            }
            if whole.exists(&self.folder) {
                return whole.below(&self.folder).map(Root::Commit);
            }
            let nothing = Oid::from_str(EMPTY_TREE).unwrap_or(tree);
            Ok(Root::Commit(CommitTree::new(
                objects.clone(),
                nothing,
                shown(id),
            )))
        };
        Ok((
            Revision {
                called: base,
                commit: Some(merge_base.to_string()),
                taken,
                root: open(merge_base, base_tree)?,
            },
            if head == WORKTREE {
                Revision {
                    called: head.to_owned(),
                    commit: None,
                    taken: "what is on disk".to_owned(),
                    root: Root::folder(root)?,
                }
            } else {
                Revision {
                    called: head.to_owned(),
                    commit: Some(head_id.to_string()),
                    taken: format!("what {head} is at"),
                    root: open(head_id, head_tree)?,
                }
            },
        ))
    }

    fn tree(&self, commit: Oid) -> Result<Oid, Fault> {
        let commit = self.repository.find_commit(commit);
        let tree = commit.map(|commit| commit.tree_id());
        tree.map_err(|error| {
            Fault::environment(format!("can't read a commit: {}", error.message()))
        })
    }
}

/// The first digits of a commit.
pub fn shown(commit: Oid) -> String {
    commit.to_string().chars().take(SHOWN_DIGITS).collect()
}

fn not_a_repository(root: &Path, error: &git2::Error) -> Fault {
    let root = root.display();
    match error.code() {
        ErrorCode::NotFound => Fault::environment(format!("`{root}` is in no git repository"))
            .hint("`gen diff` compares commits: run it in a clone, or name one with --root"),
        ErrorCode::Owner => Fault::environment(format!(
            "git's repository of `{root}` belongs to another user"
        ))
        .hint("`git config --global --add safe.directory <folder>` says that it can be trusted"),
        _ => Fault::environment(format!(
            "can't open git's repository of `{root}`: {}",
            error.message()
        )),
    }
}

fn commit_of<'r>(repository: &'r Repository, revision: &str) -> Result<Commit<'r>, Fault> {
    let found = repository.revparse_single(revision);
    found
        .and_then(|object| object.peel_to_commit())
        .map_err(|error| {
            let called = secrets::mask(revision);
            let unborn = revision == "HEAD" && repository.is_empty().unwrap_or(false);
            if unborn {
                return Fault::environment("the repository has no commit yet")
                    .hint("commit the fleet first");
            }
            match error.code() {
                ErrorCode::NotFound | ErrorCode::InvalidSpec => Fault::environment(format!(
                    "there is no revision `{called}`"
                ))
                .hint("a branch of a remote must have been fetched: `git fetch origin <branch>`"),
                ErrorCode::Ambiguous => {
                    Fault::environment(format!("`{called}` is the start of several revisions"))
                        .hint("write more of its digits")
                }
                _ => Fault::environment(format!("`{called}` is no commit: {}", error.message())),
            }
        })
}

/// The branch that changes go to.
fn default_base(repository: &Repository) -> Result<String, Fault> {
    if let Some(branch) = default_of_remote(repository) {
        return Ok(branch);
    }
    let candidates = ["origin/main", "origin/master", "main", "master"];
    let exists = |name: &&&str| {
        let prefix = if name.contains('/') {
            "refs/remotes"
        } else {
            "refs/heads"
        };
        repository
            .find_reference(&format!("{prefix}/{name}"))
            .is_ok()
    };
    let found = candidates.iter().find(exists);
    found.map(|name| (*name).to_owned()).ok_or_else(|| {
        Fault::environment("no default branch is known to compare with")
            .hint("name one: `--base <branch>`")
    })
}

/// The default branch of the remote, as it was at the last clone or `git remote set-head`.
fn default_of_remote(repository: &Repository) -> Option<String> {
    let head = repository.find_reference("refs/remotes/origin/HEAD").ok()?;
    let target = head.symbolic_target().ok()??.to_owned();
    repository.find_reference(&target).ok()?;
    Some(target.trim_start_matches("refs/remotes/").to_owned())
}

fn find_merge_base(
    repository: &Repository,
    base: &str,
    one: Oid,
    other: Oid,
) -> Result<Oid, Fault> {
    repository.merge_base(one, other).map_err(|error| {
        if repository.is_shallow() {
            return Fault::environment(format!(
                "this clone is shallow: the commit where the head left `{base}` isn't in it"
            ))
            .hint(
                "`git fetch --unshallow`, or `--deepen=<number>`; in a CI job, fetch with depth 0",
            );
        }
        match error.code() {
            ErrorCode::NotFound => {
                Fault::environment(format!("the head and `{base}` have no commit in common"))
                    .hint("name another base: `--base <revision>`")
            }
            _ => Fault::environment(format!(
                "can't look for the merge base with `{base}`: {}",
                error.message()
            )),
        }
    })
}
