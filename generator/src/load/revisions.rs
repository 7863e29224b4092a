//! The two sides of a comparison, found in a git repository. Does IO: it reads
//! the repository, and never writes; nothing is checked out.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository};

use super::commit::{CommitTree, Objects, short_id};
use super::folder::Folder;
use super::merge_base::MergeBase;
use super::root::Root;
use super::trailers::Trailers;
use super::work_tree::WorkTree;
use crate::fault::Fault;
use crate::secrets;

/// What the head is called if it is what is on disk.
pub const WORKTREE: &str = "worktree";

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
    let place = FleetPlace::find(root, head)?;
    let repository = &place.repository;
    let head_id = match head {
        WORKTREE => commit_of(repository, "HEAD")?,
        revision => named_commit(repository, revision)?,
    };
    let (base, base_id) = match base {
        Some(revision) => (revision.to_owned(), named_commit(repository, revision)?),
        None => default_base(repository)?,
    };
    let merge_base = MergeBase::find(repository, &base, base_id, head_id)?;
    // Not from the merge base: there may be several, and what the base's branch has was reviewed.
    let trailers = Trailers::read(repository, base_id, head_id);
    let (base, head) = place.open(root, base, (head, head_id), &merge_base)?;
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
    fn find(root: &Path, head: &str) -> Result<Self, Fault> {
        // It tells better of a folder that isn't there.
        Root::folder(root)?;
        let repository =
            Repository::discover(root).map_err(|error| not_a_repository(root, &error))?;
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let folder = if repository.is_bare() {
            refuse_folder_of_bare(&repository, &real, head)?;
            String::new()
        } else {
            folder_below_top(&repository, &real)?
        };
        Ok(Self { repository, folder })
    }

    fn open(
        self,
        root: &Path,
        base: String,
        (head, head_id): (&str, Oid),
        found: &MergeBase,
    ) -> Result<(Revision, Revision), Fault> {
        let taken = found.taken(&base);
        let merge_base = found.id;
        let (base_tree, head_tree) = (self.tree(merge_base)?, self.tree(head_id)?);
        let (git, top) = (self.repository.path().to_owned(), top_of(&self.repository));
        let objects = Objects::new(self.repository);
        let on_disk = || -> Result<Root, Fault> {
            let commit = CommitTree::new(objects.clone(), head_tree, short_id(head_id));
            let work_tree = top.map(|top| WorkTree::new(git, top, commit, &self.folder));
            Ok(Root::Folder(Folder::open(root)?.as_stored(work_tree)))
        };
        let open = |id: Oid, tree: Oid| -> Result<Root, Fault> {
            let whole = CommitTree::new(objects.clone(), tree, short_id(id));
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
                short_id(id),
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
                    taken: "with uncommitted changes".to_owned(),
                    root: on_disk()?,
                }
            } else {
                Revision {
                    called: head.to_owned(),
                    commit: Some(head_id.to_string()),
                    taken: format!("tip of {head}"),
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

/// The path of a fleet's root below the top of its repository's working tree.
/// Another one than that would be another fleet, or none.
fn folder_below_top(repository: &Repository, real: &Path) -> Result<String, Fault> {
    let shown = real.display();
    let top = top_of(repository);
    let gits_own = repository.path().canonicalize().ok();
    if gits_own.is_some_and(|own| real.starts_with(own)) {
        return Err(Fault::environment(format!(
            "`{shown}` is git's own folder, not part of a working tree"
        ))
        .hint("name the folder that has `clusters/`"));
    }
    let below = top.as_deref().and_then(|top| real.strip_prefix(top).ok());
    let Some(below) = below else {
        let top = top.unwrap_or_default();
        let fault = Fault::environment(format!(
            "`{shown}` is not in the working tree of its git repository, which is `{}`",
            top.display()
        ));
        return Err(
            fault.hint("`git config core.worktree` may say so; run it in that working tree")
        );
    };
    super::entry::with_slashes(below.to_owned()).ok_or_else(|| {
        let fault = Fault::environment(format!("the path `{shown}` is not Unicode"));
        fault.hint("rename it: the folder is looked for in commits by its name")
    })
}

/// Where a repository's files are on disk, without links.
fn top_of(repository: &Repository) -> Option<PathBuf> {
    repository.workdir().and_then(|top| top.canonicalize().ok())
}

/// A bare repository has commits, and nothing on disk to look at.
fn refuse_folder_of_bare(repository: &Repository, real: &Path, head: &str) -> Result<(), Fault> {
    let top = repository.path();
    let top = top.canonicalize().unwrap_or_else(|_| top.to_owned());
    if real != top {
        let fault = format!("`{}` is within a bare git repository", real.display());
        let hint = format!("name the repository itself: `--root {}`", top.display());
        return Err(Fault::environment(fault).hint(hint));
    }
    if head == WORKTREE {
        let fault = format!(
            "`{}` is a bare git repository: it has no working tree",
            real.display()
        );
        return Err(Fault::environment(fault).hint("name the head: `--head <revision>`"));
    }
    Ok(())
}

fn not_a_repository(root: &Path, error: &git2::Error) -> Fault {
    let root = root.display();
    match error.code() {
        ErrorCode::NotFound => {
            Fault::environment(format!("`{root}` is not inside a Git repository"))
                .hint("`gen diff` compares commits: run it in a clone, or name one with --root")
        }
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

/// The commit of a revision that somebody named.
fn named_commit(repository: &Repository, revision: &str) -> Result<Oid, Fault> {
    refuse_ambiguous(repository, revision)?;
    commit_of(repository, revision)
}

/// Refuses a name that is a tag and a branch, of two commits. Git warns, and
/// takes the tag.
fn refuse_ambiguous(repository: &Repository, revision: &str) -> Result<(), Fault> {
    let end = revision.find(['~', '^', ':']).unwrap_or(revision.len());
    let end = revision.find("@{").map_or(end, |at| end.min(at));
    let name = &revision[..end];
    // As git looks for it (<https://git-scm.com/docs/gitrevisions>).
    let prefixes = ["refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
    let mut found: Vec<(String, Oid)> = Vec::new();
    for prefix in prefixes {
        let full = format!("{prefix}{name}");
        let reference = repository.find_reference(&full);
        let commit = reference.and_then(|reference| reference.peel_to_commit());
        let commit = commit.map(|commit| commit.id());
        found.extend(commit.ok().map(|id| (full, id)));
    }
    let mut others = found.iter().skip(1);
    match found.first() {
        Some((_, id)) if others.any(|(_, other)| other != id) => {
            let names: Vec<String> = found.iter().map(|(full, _)| format!("`{full}`")).collect();
            let fault = format!("`{name}` is {}, of different commits", names.join(" and "));
            Err(Fault::environment(fault).hint("write the whole name of the one that is meant"))
        }
        _ => Ok(()),
    }
}

fn commit_of(repository: &Repository, revision: &str) -> Result<Oid, Fault> {
    let found = repository.revparse_single(revision);
    found
        .and_then(|object| object.peel_to_commit())
        .map(|commit| commit.id())
        .map_err(|error| {
            let called = secrets::mask(revision);
            let head = repository.head().map_err(|error| error.code());
            if revision == "HEAD" && head.err() == Some(ErrorCode::UnbornBranch) {
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
                        .hint("write more of its characters")
                }
                _ => Fault::environment(format!("`{called}` is not a commit: {}", error.message())),
            }
        })
}

/// The branch that changes go to, as it is called, and its commit. Its whole
/// name is looked up: a tag may be called the same.
fn default_base(repository: &Repository) -> Result<(String, Oid), Fault> {
    let candidates = [
        "refs/remotes/origin/main",
        "refs/remotes/origin/master",
        "refs/heads/main",
        "refs/heads/master",
    ];
    let exists = |name: &&&str| repository.find_reference(name).is_ok();
    let found = default_of_remote(repository)
        .or_else(|| candidates.iter().find(exists).map(ToString::to_string))
        .ok_or_else(|| {
            Fault::environment("no default branch is known to compare with")
                .hint("name one: `--base <branch>`")
        })?;
    let short = found
        .strip_prefix("refs/remotes/")
        .or_else(|| found.strip_prefix("refs/heads/"));
    let short = short.unwrap_or(&found).to_owned();
    Ok((short, commit_of(repository, &found)?))
}

/// The default branch of the remote, as it was at the last clone or `git remote set-head`.
fn default_of_remote(repository: &Repository) -> Option<String> {
    let head = repository.find_reference("refs/remotes/origin/HEAD").ok()?;
    let target = head.symbolic_target().ok()??.to_owned();
    repository.find_reference(&target).ok()?;
    Some(target)
}
