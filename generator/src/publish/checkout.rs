//! What is published: a commit, and the folders of `rendered/` in it. Reads.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository, Status, StatusOptions, Tree};

use super::folder::{self, Folder};
use super::program::Program;
use crate::fault::{Fault, Faults};
use crate::load::commit::{CommitTree, Objects};
use crate::load::inputs::Inputs;
use crate::load::root::Root;
use crate::sentence::first_of;
use crate::write::names::OWNERSHIP;
use logfleet_contract::folder::RENDERED;

/// How many paths of a kind a fault names.
const SHOWN: usize = 5;
/// What to do about a file that is there and not committed.
const IGNORED: &str = "does a .gitignore exclude it? see `git check-ignore --verbose`";

/// The commit that is checked out, and nothing in the working tree that isn't in
/// it.
pub struct Checkout {
    pub(super) repository: Repository,
    /// The commit.
    pub(super) commit: Oid,
    /// Its committer's time: that of the commit which publishes it.
    pub(super) time: git2::Time,
    /// The fleet's folder below the repository's top, with a final `/`, or
    /// nothing.
    prefix: String,
}

impl Checkout {
    /// Finds the repository that a fleet is in, and looks whether what is to
    /// be published is committed.
    pub fn open(root: &Path) -> Result<Self, Faults> {
        let repository = Repository::discover(root).map_err(|error| no_repository(root, &error))?;
        let prefix = prefix(&repository, root)?;
        let (commit, time) = head(&repository)?;
        let source = Self {
            repository,
            commit,
            time,
            prefix,
        };
        source.check_committed()?;
        Ok(source)
    }

    /// The commit's full name.
    pub fn commit(&self) -> String {
        self.commit.to_string()
    }

    /// Refuses differences between the working tree and the commit.
    fn check_committed(&self) -> Result<(), Fault> {
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .exclude_submodules(true)
            .disable_pathspec_match(true)
            .update_index(false);
        for folder in ["clusters", "templates", RENDERED] {
            options.pathspec(format!("{}{folder}", self.prefix));
        }
        let statuses = self
            .repository
            .statuses(Some(&mut options))
            .map_err(|error| unreadable(&error))?;
        let paths: Vec<String> = statuses
            .iter()
            .filter(|entry| entry.status() != Status::CURRENT)
            .map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned())
            .collect();
        if paths.is_empty() {
            return Ok(());
        }
        Err(not_committed(format!(
            "what is published must be a commit, and these differ from {}: {}",
            short(&self.commit.to_string()),
            some(&paths),
        )))
    }

    /// The commit's files as what a fleet is read from.
    pub fn inputs(&self) -> Result<Root, Fault> {
        let tree = self.tree()?.id();
        // The other one stays with this thread.
        let repository =
            Repository::open(self.repository.path()).map_err(|error| unreadable(&error))?;
        let name = short(&self.commit.to_string()).to_owned();
        let top = Root::Commit(CommitTree::new(Objects::new(repository), tree, name));
        match self.prefix.strip_suffix('/') {
            Some(folder) => top.below(folder),
            None => Ok(top),
        }
    }

    /// Refuses what `gen render` reads on disk and the commit lacks: git
    /// ignores it.
    pub fn check_inputs(&self, root: &Path, committed: &Root) -> Result<(), Fault> {
        let here = Inputs::find(&Root::folder(root)?);
        let lacking = here.paths().filter(|path| !committed.exists(path));
        let lacking: Vec<String> = lacking
            .map(|path| format!("{}{path}", self.prefix))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        Err(not_committed(format!(
            "what is published must be a commit, and {} lacks what is rendered here: {}",
            short(&self.commit.to_string()),
            some(&lacking),
        ))
        .hint(IGNORED))
    }

    /// Refuses a commit that lacks the folder of what is rendered: in the
    /// branch it would be removed.
    pub fn check_has<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<(), Fault> {
        let folders = self.folders()?;
        let lacking: Vec<String> = names
            .filter(|name| !folders.contains_key(*name))
            .map(|name| format!("{}{RENDERED}/{name}", self.prefix))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        Err(not_committed(format!(
            "these are rendered, but not in the commit: {}",
            some(&lacking)
        ))
        .hint(IGNORED))
    }

    fn tree(&self) -> Result<Tree<'_>, Fault> {
        self.repository
            .find_commit(self.commit)
            .and_then(|commit| commit.tree())
            .map_err(|error| unreadable(&error))
    }

    /// The folders of `rendered/` that have an ownership file: name to tree.
    pub(super) fn folders(&self) -> Result<BTreeMap<String, Oid>, Fault> {
        let tree = self.tree()?;
        let path = format!("{}{RENDERED}", self.prefix);
        let rendered = match tree.get_path(Path::new(&path)) {
            Ok(entry) if entry.kind() == Some(ObjectType::Tree) => self
                .repository
                .find_tree(entry.id())
                .map_err(|error| unreadable(&error))?,
            Ok(_) => {
                return Err(Fault::input(format!(
                    "`{path}` is not a folder in the commit"
                )));
            }
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Err(not_committed(format!(
                    "`{path}` is not in the commit {}",
                    short(&self.commit.to_string())
                )));
            }
            Err(error) => return Err(unreadable(&error)),
        };
        folder::owned_folders(&self.repository, &rendered).map_err(|error| unreadable(&error))
    }

    /// Reads a cluster's folder, which must hold all that its ownership file
    /// lists, as plain files.
    pub(super) fn folder(&self, name: &str, id: Oid) -> Result<Folder, Faults> {
        let folder = Folder::read(&self.repository, id).map_err(|error| unreadable(&error))?;
        let shown = format!("{}{RENDERED}/{name}", self.prefix);
        let ownership = folder
            .ownership
            .as_ref()
            .map_err(|why| Fault::input(format!("`{shown}/{OWNERSHIP}` can't be used: {why}")))?
            .as_ref();
        let mut faults = Faults::new();
        for path in ownership
            .into_iter()
            .flat_map(|ownership| ownership.files.keys())
        {
            match folder.files.get(path) {
                Some(entry) if entry.is_file() => {}
                Some(_) => faults.push(Fault::input(format!(
                    "`{shown}/{path}` is a link or a submodule in the commit, not a file"
                ))),
                None => faults.push(
                    Fault::input(format!(
                        "`{shown}/{path}` is rendered, but not in the commit"
                    ))
                    .hint(IGNORED),
                ),
            }
        }
        faults.into_result(folder)
    }

    /// Whether the commit lies before another, which may be unknown here: then
    /// it is fetched.
    pub(super) fn is_before(&self, other: &str) -> Result<bool, Fault> {
        let why = match self.judge(other)? {
            Some(before) => return Ok(before),
            None if self.repository.is_shallow() => return Err(self.shallow(other)),
            None => self.fetch(other),
        };
        self.judge(other)?.ok_or_else(|| self.unknown(other, why))
    }

    /// Whether the commit lies before another; `None` if that can't be reported.
    fn judge(&self, other: &str) -> Result<Option<bool>, Fault> {
        let known = Oid::from_str(other).and_then(|id| self.repository.find_commit(id));
        let Ok(other) = known.map(|commit| commit.id()) else {
            return Ok(None);
        };
        let follows = |later, earlier| {
            let follows = self.repository.graph_descendant_of(later, earlier);
            follows.map_err(|error| unreadable(&error))
        };
        if follows(other, self.commit)? {
            return Ok(Some(true));
        }
        // Where the history ends early, what lies between the two may be cut.
        let certain =
            other == self.commit || !self.repository.is_shallow() || follows(self.commit, other)?;
        Ok(certain.then_some(false))
    }

    /// Fetches a commit from where this repository was cloned, or else the
    /// default branch, which may have it; why not, if so.
    fn fetch(&self, commit: &str) -> Option<Fault> {
        let remote = self.remote()?;
        // It comes out of a message, and goes into a command.
        let commit = Oid::from_str(commit).ok()?.to_string();
        let program = Program::new(&self.repository);
        // Some servers only give what a reference names.
        let fetched = program.fetch(&remote, &commit);
        fetched.or_else(|_| program.fetch(&remote, "HEAD")).err()
    }

    /// The remote of the branch that is checked out, else `origin`.
    fn remote(&self) -> Option<String> {
        let head = self.repository.head().ok()?;
        let own = head.name().ok().and_then(|name| {
            let found = self.repository.branch_upstream_remote(name).ok()?;
            found.as_str().ok().map(str::to_owned)
        });
        let name = own.unwrap_or_else(|| "origin".to_owned());
        self.repository.find_remote(&name).ok().map(|_| name)
    }

    fn shallow(&self, other: &str) -> Fault {
        self.cannot_tell(other, "this clone is shallow")
            .hint("fetch the whole history (`git fetch --unshallow`; in CI `fetch-depth: 0`, or `GIT_DEPTH: 0`)")
            .hint("or pass --allow-older, if nothing can overtake this run")
    }

    fn unknown(&self, other: &str, why: Option<Fault>) -> Fault {
        let fault = self
            .cannot_tell(other, "that commit is unknown here")
            .hint("fetch the branch that it is on: there may be a newer state to publish")
            .hint("if this history was rewritten, or another repository published there before, pass --allow-older once");
        match why {
            Some(why) => fault.hint(format!("it couldn't be fetched: {}", why.message)),
            None => fault,
        }
    }

    fn cannot_tell(&self, other: &str, why: &str) -> Fault {
        Fault::environment(format!(
            "can't tell whether {} is older than {}, which was published last: {why}",
            short(&self.commit.to_string()),
            short(other)
        ))
    }
}

/// The first paths.
fn some(paths: &[String]) -> String {
    first_of(paths.iter().map(|path| format!("`{path}`")), SHOWN)
}

/// The first characters of a commit's name, as people know it.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// The commit that is checked out.
fn head(repository: &Repository) -> Result<(Oid, git2::Time), Fault> {
    let commit = repository.head().and_then(|head| head.peel_to_commit());
    match commit {
        Ok(commit) => Ok((commit.id(), commit.time())),
        Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            Err(not_committed("this repository has no commit yet"))
        }
        Err(error) => Err(unreadable(&error)),
    }
}

fn prefix(repository: &Repository, root: &Path) -> Result<String, Fault> {
    let Some(top) = repository.workdir() else {
        return Err(Fault::input(format!(
            "`{}` is in a repository without a working tree",
            root.display()
        )));
    };
    let refused = |error| Fault::environment(format!("can't read `{}`: {error}", root.display()));
    let (top, root) = (
        top.canonicalize().map_err(refused)?,
        root.canonicalize().map_err(refused)?,
    );
    match root.strip_prefix(&top).map(Path::to_str) {
        Ok(Some("")) => Ok(String::new()),
        Ok(Some(path)) => Ok(format!("{path}/")),
        _ => Err(Fault::input(format!(
            "`{}` is not below `{}`",
            root.display(),
            top.display()
        ))),
    }
}

fn no_repository(root: &Path, error: &git2::Error) -> Fault {
    if error.code() == ErrorCode::NotFound {
        return not_committed(format!(
            "`{}` is not inside a Git repository",
            root.display()
        ));
    }
    unreadable(error)
}

fn not_committed(message: impl Into<String>) -> Fault {
    Fault::input(message)
        .hint("run `gen render`, and commit clusters/, templates/ and rendered/ together")
}

pub(super) fn unreadable(error: &git2::Error) -> Fault {
    Fault::environment(format!("can't read this repository: {}", error.message()))
}
