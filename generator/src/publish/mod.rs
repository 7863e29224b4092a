//! Commits the rendered tree to a branch: of this repository, or of another.
//!
//! The steps:
//! 1. [`Checkout::open`] (reads): the commit that is published. What is
//!    published must be in it, so uncommitted inputs or outputs are faults.
//! 2. [`Target::open`] (reads): the repository and the branch. One that is
//!    checked out somewhere is refused, since a commit on it would leave that
//!    working tree behind.
//! 3. [`publish`]: compares the folder of each cluster in both trees (`folder`,
//!    pure), writes blobs and trees to the target's object database
//!    (`compose`), commits, and moves the branch. No working tree and no index
//!    is touched, and the branch only ever moves forward.
//!
//! With a push the branch of the remote decides, where it has one: it is
//! fetched, the commit is made on it and pushed without force. If somebody
//! else pushed in between, all that is done again on what they pushed. The
//! branch here goes the same way if it can without losing anything; if not,
//! that is a note.
//!
//! Objects and references are read and written by libgit2. Whatever depends on
//! how the user set git up (who commits, signatures, credentials, transports)
//! is done by the user's own `git` program (`program`).

mod checkout;
mod compose;
mod folder;
mod message;
mod program;
mod target;

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use git2::{Oid, Tree};

pub use checkout::{Checkout, short};
pub use folder::ClusterChanges;
pub use target::Target;

use crate::fault::{Fault, Faults};
use crate::tree::TreePath;
use folder::{Folder, FolderChange, Standing};
use program::Program;
use target::Base;

/// How often a push is tried when others push at the same time.
const ATTEMPTS: u32 = 8;
/// The wait before the second attempt; it grows by as much each time.
const WAIT: Duration = Duration::from_millis(150);

/// What to publish where.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The folder in the branch, or `.` for its top.
    pub path: &'a str,
    /// Whether to push the branch, too.
    pub push: bool,
    /// The remote; without it the branch's own, or `origin`.
    pub remote: Option<&'a str>,
    /// Whether files that somebody edited in the branch are overwritten.
    pub overwrite: bool,
    /// Whether an older state may follow a newer one.
    pub allow_older: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The commit that was made, if there was anything to do.
    pub commit: Option<String>,
    /// Whether the remote's branch was moved.
    pub pushed: bool,
    /// The clusters that differ from what the branch had.
    pub clusters: ClusterChanges,
    /// The later source commit that the branch has already, if so.
    pub newer: Option<String>,
    /// Why the clone's own branch isn't where the remote's is now.
    pub note: Option<String>,
}

/// Checks the folder in the branch that somebody typed: its parts, none for
/// the top.
pub fn check_path(path: &str) -> Result<Vec<&str>, Fault> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path == "." {
        return Ok(Vec::new());
    }
    let fault = |why: String| {
        Fault::input(format!("--path: {why}"))
            .hint("give a folder below the top of the branch, such as `rendered`, or `.`")
    };
    TreePath::new(path).map_err(|error| fault(error.to_string()))?;
    let parts: Vec<&str> = path.split('/').collect();
    // Git itself refuses such names, in any case.
    match parts.iter().find(|part| part.eq_ignore_ascii_case(".git")) {
        Some(part) => Err(fault(format!("`{part}` can't be in a branch"))),
        None => Ok(parts),
    }
}

/// Commits what the source's commit has in `rendered/` to the target's branch.
pub fn publish(
    source: &Checkout,
    target: &Target,
    options: Options<'_>,
) -> Result<Published, Faults> {
    let parts = check_path(options.path)?;
    let program = Program::new(&target.repository);
    let remote = target.remote(options.push, options.remote)?;
    for attempt in 1..=ATTEMPTS {
        let base = target.base(remote.as_deref(), options.push, &program)?;
        if !options.allow_older
            && let Some(newer) = newer_than(source, target, base.tip, &parts)?
        {
            return Ok(Published {
                commit: None,
                pushed: false,
                clusters: ClusterChanges::default(),
                newer: Some(newer),
                note: None,
            });
        }
        let (commit, clusters) = commit(source, target, base, &parts, options, &program)?;
        let tip = commit.or(base.tip);
        let mut published = Published {
            commit: commit.map(|commit| commit.to_string()),
            pushed: false,
            clusters,
            newer: None,
            note: None,
        };
        let (Some(tip), true) = (tip, options.push) else {
            if let Some(commit) = commit {
                target.move_branch(commit, base.local)?;
            }
            return Ok(published);
        };
        if base.remote == Some(tip) {
            return Ok(published);
        }
        let remote = remote.as_deref().unwrap_or_default();
        target.check_keeps(tip, base, remote)?;
        match program.push(remote, tip, &target.reference)? {
            Ok(()) => {
                published.note = target.follow(tip, remote);
                published.pushed = true;
                return Ok(published);
            }
            // Whoever pushed meanwhile is the reason; else it is a fault, and
            // a further attempt would end as this one.
            Err(why) => {
                if program.remote_tip(remote, &target.reference)? == base.remote {
                    return Err(target.push_refused(remote, &why).into());
                }
            }
        }
        thread::sleep(WAIT * attempt);
    }
    Err(Fault::environment(format!(
        "the branch `{}` was moved by others {ATTEMPTS} times while this was being pushed",
        target.branch
    ))
    .hint("run it again")
    .into())
}

/// Makes the commit, unless there is nothing to do.
fn commit(
    source: &Checkout,
    target: &Target,
    base: Base,
    parts: &[&str],
    options: Options<'_>,
    program: &Program,
) -> Result<(Option<Oid>, ClusterChanges), Faults> {
    let refused = |error: git2::Error| Faults::from(target.refused(&error));
    let tree = match base.tip {
        Some(tip) => {
            let commit = target.repository.find_commit(tip).map_err(refused)?;
            Some(commit.tree().map_err(refused)?)
        }
        None => None,
    };
    let folder = find_folder(target, tree.as_ref(), parts)?;
    let changes = compare(source, target, folder.as_ref(), parts, options.overwrite)?;
    if changes.is_empty() {
        return Ok((None, ClusterChanges::default()));
    }
    compose::copy(source, &target.repository, &changes)?;
    let composed =
        compose::compose(&target.repository, tree.as_ref(), parts, &changes).map_err(refused)?;
    let clusters = ClusterChanges::of(&changes);
    let message = message::message(&source.commit.to_string(), options.path, &clusters);
    let commit = program.commit(composed, base.tip, &message, source.time)?;
    Ok((Some(commit), clusters))
}

/// The folder of the branch that is published to, if it is there.
fn find_folder<'r>(
    target: &'r Target,
    tree: Option<&Tree<'r>>,
    parts: &[&str],
) -> Result<Option<Tree<'r>>, Fault> {
    let mut folder = tree.cloned();
    for (index, part) in parts.iter().enumerate() {
        folder = match Standing::of(folder.as_ref(), part) {
            Standing::Nothing => return Ok(None),
            Standing::Folder(id) => {
                let tree = target.repository.find_tree(id);
                Some(tree.map_err(|error| target.refused(&error))?)
            }
            Standing::Other(what) => {
                let path = parts.get(..=index).unwrap_or_default().join("/");
                return Err(target.in_the_way(&path, what, "and no folder"));
            }
        };
    }
    Ok(folder)
}

/// Compares every cluster's folder of the source with what the target has of
/// its name, and finds those that only the target has.
fn compare(
    source: &Checkout,
    target: &Target,
    folder: Option<&Tree<'_>>,
    parts: &[&str],
    overwrite: bool,
) -> Result<Vec<FolderChange>, Faults> {
    let ours = source.folders()?;
    let theirs = target.folders(folder)?;
    let names: BTreeSet<&String> = ours.keys().chain(&theirs).collect();
    let mut changes = Vec::new();
    let mut faults = Faults::new();
    for name in names {
        let our = ours.get(name).copied();
        let change = match Standing::of(folder, name) {
            Standing::Folder(their) if our == Some(their) => continue,
            Standing::Folder(their) => {
                compare_folders(source, target, name, (our, Some(their)), overwrite)
            }
            Standing::Nothing => compare_folders(source, target, name, (our, None), overwrite),
            Standing::Other(what) => {
                let path = [parts, &[name.as_str()]].concat().join("/");
                let wanted = "where the folder of a cluster belongs";
                Err(target.in_the_way(&path, what, wanted).into())
            }
        };
        match change {
            Ok(change) => changes.extend(change),
            Err(more) => faults.append(more),
        }
    }
    faults.into_result(changes)
}

fn compare_folders(
    source: &Checkout,
    target: &Target,
    name: &str,
    (our, their): (Option<Oid>, Option<Oid>),
    overwrite: bool,
) -> Result<Option<FolderChange>, Faults> {
    let refused = |error: git2::Error| Faults::from(target.refused(&error));
    let our = our.map(|id| source.folder(name, id)).transpose()?;
    let their = their.map(|id| Folder::read(&target.repository, id));
    let their = their.transpose().map_err(refused)?.unwrap_or_default();
    folder::compare(name, our.as_ref(), &their, overwrite, &|id| {
        folder::digest(&target.repository, id).map_err(|error| target.refused(&error))
    })
}

/// The source commit that the branch has already, if it is a later one: runs
/// of CI may overtake one another.
fn newer_than(
    source: &Checkout,
    target: &Target,
    tip: Option<Oid>,
    parts: &[&str],
) -> Result<Option<String>, Fault> {
    let Some(tip) = tip else { return Ok(None) };
    let Some(published) = target.last_published(tip, parts)? else {
        return Ok(None);
    };
    source
        .is_before(&published)
        .map(|before| before.then_some(published))
}
