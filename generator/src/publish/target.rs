//! The repository and the branch that is published to.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{
    Branch, Commit, Direction, ErrorClass, ErrorCode, Oid, Repository, RepositoryOpenFlags, Sort,
    Tree,
};

use super::checkout::Checkout;
use super::folder;
use super::message;
use super::program::Program;
use crate::fault::Fault;
use crate::write::names::folders_above;

/// How many commits of the branch are looked at for the last that published.
const LOOKED_AT: usize = 10_000;

/// Where the branch is, here and at the remote, and what the commit goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) tip: Option<Oid>,
    pub(super) local: Option<Oid>,
    pub(super) remote: Option<Oid>,
}

/// A branch of a repository, which is checked out nowhere.
pub struct Target {
    pub(super) repository: Repository,
    pub(super) branch: String,
    /// The branch's full name.
    pub(super) reference: String,
}

impl Target {
    /// Opens a repository by its folder. `.` may be any folder of the source.
    pub fn open(to: &Path, source: &Checkout, branch: &str) -> Result<Self, Fault> {
        let reference = format!("refs/heads/{branch}");
        // Git reads `@` as HEAD wherever a branch may stand.
        let is_name = Branch::name_is_valid(branch).unwrap_or(false) && branch != "@";
        if branch.starts_with("refs/") || !is_name {
            return Err(
                Fault::input(format!("--branch: `{branch}` is not a branch's name"))
                    .hint("give it as `git branch` lists it"),
            );
        }
        let target = Self {
            repository: open(to, source)?,
            branch: branch.to_owned(),
            reference,
        };
        target.check_not_checked_out()?;
        Ok(target)
    }

    /// Refuses a branch that a working tree, this one or a linked one, is on,
    /// even if it has no commit yet.
    fn check_not_checked_out(&self) -> Result<(), Fault> {
        let common = self.repository.commondir();
        let mut folders: Vec<PathBuf> = match fs::read_dir(common.join("worktrees")) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => Vec::new(),
        };
        folders.sort();
        // In a bare repository HEAD is only what a clone begins with.
        let main = Repository::open(common).map_err(|error| self.refused(&error))?;
        if !main.is_bare() {
            folders.insert(0, common.to_owned());
        }
        let Some(folder) = folders.iter().find(|folder| self.is_used_in(folder)) else {
            return Ok(());
        };
        let place = fs::read_to_string(folder.join("gitdir"))
            .map_or_else(|_| folder.clone(), |path| PathBuf::from(path.trim()));
        let place = place.parent().unwrap_or(&place).display().to_string();
        Err(Fault::input(format!(
            "the branch `{}` is checked out in `{place}`; publishing would move the branch under that working tree",
            self.branch
        ))
        .hint("publish to a branch that isn't checked out anywhere, or check out another one there")
        .hint("a bare clone (`git clone --bare`) has no working tree at all"))
    }

    /// Whether the working tree of a git folder is on the branch, or will move it
    /// when the rebase or bisection that it is in ends.
    fn is_used_in(&self, folder: &Path) -> bool {
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
        let on_it = read("HEAD")
            .strip_prefix("ref:")
            .is_some_and(|name| name.trim() == self.reference);
        let rebased = ["rebase-merge/head-name", "rebase-apply/head-name"];
        on_it
            || rebased.iter().any(|file| read(file).trim() == self.reference)
            || read("BISECT_START").trim() == self.branch
            // A branch to a line, among commits: of `git rebase --update-refs`.
            || read("rebase-merge/update-refs").lines().any(|line| line == self.reference)
    }

    /// The remote to push to or, without a push, the one whose branch counts
    /// where there is none here.
    pub(super) fn remote(&self, push: bool, named: Option<&str>) -> Result<Option<String>, Fault> {
        let config = self
            .repository
            .config()
            .map_err(|error| self.refused(&error))?;
        let own = config
            .get_string(&format!("branch.{}.remote", self.branch))
            .ok();
        let name = named
            .map(str::to_owned)
            .or(own)
            .unwrap_or_else(|| "origin".to_owned());
        if self.repository.find_remote(&name).is_ok() {
            return Ok(Some(name));
        }
        if push || named.is_some() {
            return Err(
                Fault::input(format!("the repository has no remote `{name}`"))
                    .hint("add it by `git remote add`, or name another by --remote"),
            );
        }
        Ok(None)
    }

    /// Finds what the commit goes on; with a push, fetches it.
    ///
    /// With a push the remote's branch decides, where there is one: what only
    /// the branch here has was never published, or was taken back.
    pub(super) fn base(
        &self,
        remote: Option<&str>,
        push: bool,
        program: &Program,
    ) -> Result<Base, Fault> {
        let local = self.tip(&self.reference)?;
        let mut base = Base {
            tip: local,
            local,
            remote: None,
        };
        let Some(remote) = remote else {
            return Ok(base);
        };
        if !push {
            // As `git switch` does with a branch that only the remote has.
            if local.is_none() {
                base.tip = self.tip(&format!("refs/remotes/{remote}/{}", self.branch))?;
            }
            return Ok(base);
        }
        base.remote = program.remote_tip(remote, &self.reference)?;
        if let Some(tip) = base.remote {
            if self.repository.find_commit(tip).is_err() {
                program.fetch(remote, &self.reference)?;
            }
            base.tip = Some(tip);
        }
        Ok(base)
    }

    /// Refuses a push by which git itself would drop commits of the branch
    /// here: a mirror's branches are made equal to the remote's.
    pub(super) fn check_keeps(&self, tip: Oid, base: Base, remote: &str) -> Result<(), Fault> {
        let refused = |error: git2::Error| self.refused(&error);
        let Some(local) = base.local.filter(|local| *local != tip) else {
            return Ok(());
        };
        let found = self.repository.find_remote(remote).map_err(refused)?;
        let is_mirrored = found.refspecs().any(|spec| {
            spec.direction() == Direction::Fetch
                && spec.src_matches(&self.reference)
                && spec.dst_matches(&self.reference)
        });
        let follows = self.repository.graph_descendant_of(tip, local);
        if !is_mirrored || follows.map_err(refused)? {
            return Ok(());
        }
        Err(Fault::input(format!(
            "{}, and with `remote.{remote}.fetch` as it is, git would drop them when it pushes",
            self.has_more(remote)
        ))
        .hint(self.give_up(remote)))
    }

    /// Moves the branch here on to what was pushed. If it can't go there, what
    /// to know about it: published is published.
    pub(super) fn follow(&self, pushed: Oid, remote: &str) -> Option<String> {
        match self.try_to_follow(pushed) {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "{}, and stays as it is; {}",
                self.has_more(remote),
                self.give_up(remote)
            )),
            Err(fault) => Some(format!(
                "the branch `{}` of the clone stays where it is: {}",
                self.branch, fault.message
            )),
        }
    }

    /// Whether the branch here, if there is one, has what was pushed now.
    fn try_to_follow(&self, pushed: Oid) -> Result<bool, Fault> {
        let follows = |later, earlier| {
            let follows = self.repository.graph_descendant_of(later, earlier);
            follows.map_err(|error| self.refused(&error))
        };
        match self.tip(&self.reference)? {
            None => Ok(true),
            Some(local) if local == pushed => Ok(true),
            Some(local) if follows(pushed, local)? => {
                self.move_branch(pushed, Some(local)).map(|()| true)
            }
            Some(local) => follows(local, pushed),
        }
    }

    fn has_more(&self, remote: &str) -> String {
        format!(
            "the branch `{}` of the clone has commits that `{remote}` lacks",
            self.branch
        )
    }

    fn give_up(&self, remote: &str) -> String {
        format!(
            "if they aren't needed: `git fetch {remote} +{0}:{0}`",
            self.reference
        )
    }

    fn tip(&self, reference: &str) -> Result<Option<Oid>, Fault> {
        match self
            .repository
            .find_reference(reference)
            .and_then(|found| found.peel_to_commit())
        {
            Ok(commit) => Ok(Some(commit.id())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Moves the branch here, unless it has been moved meanwhile.
    pub(super) fn move_branch(&self, commit: Oid, before: Option<Oid>) -> Result<(), Fault> {
        let log = "publish: what gen renders";
        let moved = match before {
            Some(before) => {
                let branch = &self.reference;
                self.repository
                    .reference_matching(branch, commit, true, before, log)
            }
            None => self
                .repository
                .reference(&self.reference, commit, false, log),
        };
        moved.map(|_| ()).map_err(|error| self.not_moved(&error))
    }

    fn not_moved(&self, error: &git2::Error) -> Fault {
        if let Some(other) = self.branch_above_or_below() {
            return Fault::input(format!(
                "`{}` can't be created next to the branch `{other}`: a branch's name can't be a folder of another's",
                self.branch
            ))
            .hint("choose another name by --branch");
        }
        let fault = self.refused(error);
        if error.code() == ErrorCode::Locked {
            return fault.hint(format!(
                "if no git process is running there, remove `{}.lock`, left behind by one that was killed",
                self.repository.commondir().join(&self.reference).display()
            ));
        }
        fault.hint("did something else commit to that branch at the same time? run it again")
    }

    /// A branch whose name begins with this one's and `/`, or the other way
    /// round: git has a file for the one where the other needs a folder.
    fn branch_above_or_below(&self) -> Option<String> {
        let exists = |name: &&str| {
            let reference = format!("refs/heads/{name}");
            self.repository.find_reference(&reference).is_ok()
        };
        if let Some(above) = folders_above(&self.branch).find(exists) {
            return Some(above.to_owned());
        }
        let below = format!("{}/*", self.reference);
        let mut below = self.repository.references_glob(&below).ok()?;
        let name = below.names().next()?.ok()?.to_owned();
        Some(name.trim_start_matches("refs/heads/").to_owned())
    }

    /// The names of the folders in the branch that have an ownership file.
    pub(super) fn folders(&self, folder: Option<&Tree<'_>>) -> Result<BTreeSet<String>, Fault> {
        let Some(folder) = folder else {
            return Ok(BTreeSet::new());
        };
        folder::owned_folders(&self.repository, folder)
            .map(|folders| folders.into_keys().collect())
            .map_err(|error| self.refused(&error))
    }

    /// The source commit that was published last to a folder of the branch.
    pub(super) fn last_published(&self, tip: Oid, parts: &[&str]) -> Result<Option<String>, Fault> {
        let refused = |error: git2::Error| self.refused(&error);
        let path = if parts.is_empty() {
            ".".to_owned()
        } else {
            parts.join("/")
        };
        let mut walk = self.repository.revwalk().map_err(refused)?;
        walk.set_sorting(Sort::TOPOLOGICAL).map_err(refused)?;
        walk.push(tip).map_err(refused)?;
        for id in walk.take(LOOKED_AT) {
            let id = id.map_err(refused)?;
            let commit = self.repository.find_commit(id).map_err(refused)?;
            let text = String::from_utf8_lossy(commit.message_bytes());
            if let Some(source) = message::source_of(&text, &path)
                && changes(&commit, parts).map_err(refused)?
            {
                return Ok(Some(source.to_owned()));
            }
        }
        let commit = self.repository.find_commit(tip).map_err(refused)?;
        if self.repository.is_shallow() && below(&commit, parts).map_err(refused)?.is_some() {
            return Err(self.cut_off());
        }
        Ok(None)
    }

    fn cut_off(&self) -> Fault {
        Fault::environment(format!(
            "can't tell what was published last to `{}`: `{}` is a shallow clone",
            self.branch,
            self.repository.path().display()
        ))
        .hint("fetch the whole history there: `git fetch --unshallow`")
        .hint("or pass --allow-older, if nothing can overtake this run")
    }

    /// Tells what stands where a folder is needed, which nothing replaces.
    pub(super) fn in_the_way(&self, path: &str, what: &str, wanted: &str) -> Fault {
        Fault::input(format!(
            "`{path}` of the branch `{}` is {what}, {wanted}",
            self.branch
        ))
        .hint("it is neither followed nor replaced: move it away in the branch, or publish to another folder by --path")
    }

    /// Tells that git refused something here.
    pub(super) fn refused(&self, error: &git2::Error) -> Fault {
        let fault = Fault::environment(format!(
            "the repository `{}` refuses: {}",
            self.repository.path().display(),
            error.message()
        ));
        if error.class() == ErrorClass::Odb && self.is_partial() {
            return fault.hint("it is a partial clone with missing objects: publish to a complete one (`git clone --bare`, without --filter)");
        }
        fault
    }

    /// Whether git would fetch objects as they are needed.
    fn is_partial(&self) -> bool {
        let promised = |config: git2::Config| {
            let mut entries = config.entries(Some(r"^remote\..*\.promisor$"))?;
            Ok::<_, git2::Error>(entries.next().is_some())
        };
        self.repository.config().and_then(promised).unwrap_or(false)
    }

    /// Tells that a push was refused although nobody else pushed.
    pub(super) fn push_refused(&self, remote: &str, why: &str) -> Fault {
        Fault::environment(format!(
            "`{remote}` refused the push to `{}`: {why}",
            self.branch
        ))
        .hint("check that this user may push to the branch, and whether it is protected")
    }
}

/// Whether a commit has other things in a folder than its parent: a message
/// alone publishes nothing. Ours have one parent at most.
fn changes(commit: &Commit<'_>, parts: &[&str]) -> Result<bool, git2::Error> {
    let before = match commit.parent_count() {
        0 => None,
        1 => below(&commit.parent(0)?, parts)?,
        _ => return Ok(false),
    };
    Ok(below(commit, parts)? != before)
}

/// What a commit has at a path.
fn below(commit: &Commit<'_>, parts: &[&str]) -> Result<Option<Oid>, git2::Error> {
    if parts.is_empty() {
        return Ok(Some(commit.tree_id()));
    }
    match commit.tree()?.get_path(&parts.iter().collect::<PathBuf>()) {
        Ok(entry) => Ok(Some(entry.id())),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a repository by its top folder, or its git folder. A folder that only
/// lies in some repository isn't meant, unless that is the source.
fn open(to: &Path, source: &Checkout) -> Result<Repository, Fault> {
    let none: [&OsStr; 0] = [];
    let opened = Repository::open_ext(to, RepositoryOpenFlags::NO_SEARCH, none);
    let error = match opened {
        Ok(repository) => return Ok(repository),
        Err(error) => error,
    };
    if error.code() != ErrorCode::NotFound {
        return Err(Fault::environment(format!(
            "can't open the repository `{}`: {}",
            to.display(),
            error.message()
        )));
    }
    match Repository::discover(to) {
        Ok(found) if found.path() == source.repository.path() => Ok(found),
        _ => Err(
            Fault::input(format!("--to: `{}` is not a Git repository", to.display())).hint(
                "give the folder of a clone, bare or not, or `.` for the fleet's own repository",
            ),
        ),
    }
}
