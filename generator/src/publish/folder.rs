//! A cluster's folder as git has it, and what has to change in one to become
//! another. Comparing is pure but for the digests it asks for.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ObjectType, Oid, Repository, Tree, TreeWalkMode, TreeWalkResult};
use serde::Serialize;

use crate::fault::{Fault, Faults};
use crate::write::names::{OWNERSHIP, folders_above};
use crate::write::ownership::{Digest, Owner, Ownership};

/// A file, link or submodule of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: Oid,
    pub(super) mode: i32,
}

impl Entry {
    /// Whether it is a plain file, executable or not.
    pub(super) fn is_file(self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// A folder of a tree.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// All that is in it but folders, by path.
    pub(super) files: BTreeMap<String, Entry>,
    /// What its ownership file says, or why it can't be understood.
    pub(super) ownership: Result<Option<Ownership>, String>,
}

impl Default for Folder {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            ownership: Ok(None),
        }
    }
}

impl Folder {
    /// Reads a tree's folder.
    pub(super) fn read(repository: &Repository, id: Oid) -> Result<Self, git2::Error> {
        let mut files = BTreeMap::new();
        repository
            .find_tree(id)?
            .walk(TreeWalkMode::PreOrder, |above, entry| {
                if entry.kind() != Some(ObjectType::Tree) {
                    // A name that isn't Unicode is nobody's of ours; it only
                    // has to be there.
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    let entry = Entry {
                        id: entry.id(),
                        mode: entry.filemode(),
                    };
                    files.insert(format!("{above}{name}"), entry);
                }
                TreeWalkResult::Ok
            })?;
        let ownership = match files.get(OWNERSHIP) {
            Some(entry) if entry.is_file() => {
                let blob = repository.find_blob(entry.id)?;
                Ownership::parse(blob.content())
                    .map(Some)
                    .map_err(|error| error.reason())
            }
            _ => Ok(None),
        };
        Ok(Self { files, ownership })
    }
}

/// What a tree has of some name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing at all.
    Nothing,
    /// A folder, with its tree.
    Folder(Oid),
    /// What is called so, such as "a link".
    Other(&'static str),
}

impl Standing {
    /// Looks a name up in a tree, where there is one.
    pub(super) fn of(tree: Option<&Tree<'_>>, name: &str) -> Self {
        let Some(entry) = tree.and_then(|tree| tree.get_name(name)) else {
            return Self::Nothing;
        };
        match (entry.kind(), entry.filemode()) {
            (Some(ObjectType::Tree), _) => Self::Folder(entry.id()),
            (Some(ObjectType::Commit), _) => Self::Other("a submodule"),
            (_, 0o120_000) => Self::Other("a link"),
            _ => Self::Other("a file"),
        }
    }
}

/// The folders of a tree that have an ownership file: name to tree.
pub(super) fn owned_folders(
    repository: &Repository,
    tree: &Tree<'_>,
) -> Result<BTreeMap<String, Oid>, git2::Error> {
    let mut folders = BTreeMap::new();
    for entry in tree {
        if entry.kind() == Some(ObjectType::Tree)
            && let Ok(name) = std::str::from_utf8(entry.name_bytes())
            && repository
                .find_tree(entry.id())?
                .get_name(OWNERSHIP)
                .is_some()
        {
            folders.insert(name.to_owned(), entry.id());
        }
    }
    Ok(folders)
}

/// The digest of a blob's bytes.
pub(super) fn digest(repository: &Repository, id: Oid) -> Result<Digest, git2::Error> {
    Ok(Digest::of(repository.find_blob(id)?.content()))
}

/// What happens to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Added,
    Changed,
    Removed,
}

/// What has to change in a cluster's folder of the branch.
#[derive(Clone, Debug)]
pub(super) struct FolderChange {
    pub(super) cluster: String,
    pub(super) kind: Kind,
    /// Files to write, with the digest that the source's ownership file has
    /// of them; it has none of itself.
    pub(super) writes: BTreeMap<String, (Entry, Option<Digest>)>,
    pub(super) removes: BTreeSet<String>,
}

/// The names of the clusters that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClusterChanges {
    /// New in the branch.
    pub added: Vec<String>,
    /// Other than before.
    pub changed: Vec<String>,
    /// No longer in it.
    pub removed: Vec<String>,
}

impl ClusterChanges {
    pub(super) fn of(changes: &[FolderChange]) -> Self {
        let of = |kind| {
            let changes = changes.iter().filter(move |change| change.kind == kind);
            changes.map(|change| change.cluster.clone()).collect()
        };
        Self {
            added: of(Kind::Added),
            changed: of(Kind::Changed),
            removed: of(Kind::Removed),
        }
    }
}

/// Compares a cluster's folder of the source, if it has one, with that of the
/// branch. `None` if nothing of ours differs.
///
/// As on disk, only what is ours and as we wrote it is replaced or removed;
/// with `overwrite`, also what somebody edited. `digest_of` is asked for
/// files that differ.
pub(super) fn compare(
    cluster: &str,
    ours: Option<&Folder>,
    theirs: &Folder,
    overwrite: bool,
    digest_of: &dyn Fn(Oid) -> Result<Digest, Fault>,
) -> Result<Option<FolderChange>, Faults> {
    let owned = match &theirs.ownership {
        Ok(owned) => owned.as_ref(),
        Err(why) => {
            return Err(in_the_branch(cluster, OWNERSHIP, &format!("can't be used: {why}")).into());
        }
    };
    if let Some(owned) = owned
        && owned.cluster != cluster
    {
        // A folder that was copied is somebody's own.
        return match ours {
            None => Ok(None),
            Some(_) => Err(in_the_branch(
                cluster,
                OWNERSHIP,
                &format!(
                    "says that the folder belongs to the cluster `{}`",
                    owned.cluster
                ),
            )
            .into()),
        };
    }
    let wanted = ours.map(wanted).unwrap_or_default();
    let mut change = FolderChange {
        cluster: cluster.to_owned(),
        kind: match (owned, ours) {
            (None, _) => Kind::Added,
            (Some(_), Some(_)) => Kind::Changed,
            (Some(_), None) => Kind::Removed,
        },
        writes: BTreeMap::new(),
        removes: BTreeSet::new(),
    };
    let comparison = Comparison {
        cluster,
        theirs,
        owned,
        overwrite,
        digest_of,
    };
    let mut faults = Faults::new();
    for path in owned
        .into_iter()
        .flat_map(Ownership::paths)
        .chain([OWNERSHIP])
    {
        if let Some(entry) = theirs.files.get(path)
            && !wanted.contains_key(path)
        {
            match comparison.check_replaceable(path, *entry) {
                Ok(()) => {
                    change.removes.insert(path.to_owned());
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    for (path, (entry, digest)) in wanted {
        match theirs.files.get(&path) {
            Some(their) if *their == entry => continue,
            Some(their) => {
                if let Err(fault) = comparison.check_replaceable(&path, *their) {
                    faults.push(fault);
                }
            }
            None => {}
        }
        change.writes.insert(path, (entry, digest));
    }
    faults.append(comparison.obstacles(&change));
    let idle = change.writes.is_empty() && change.removes.is_empty();
    faults.into_result((!idle).then_some(change))
}

/// What the source's folder has that is ours.
fn wanted(folder: &Folder) -> BTreeMap<String, (Entry, Option<Digest>)> {
    let mut wanted = BTreeMap::new();
    if let Ok(Some(ownership)) = &folder.ownership {
        let files = ownership
            .files
            .iter()
            .map(|(path, digest)| (path.as_str(), Some(*digest)));
        for (path, digest) in files.chain([(OWNERSHIP, None)]) {
            if let Some(entry) = folder.files.get(path) {
                wanted.insert(path.to_owned(), (*entry, digest));
            }
        }
    }
    wanted
}

struct Comparison<'a> {
    cluster: &'a str,
    theirs: &'a Folder,
    owned: Option<&'a Ownership>,
    overwrite: bool,
    digest_of: &'a dyn Fn(Oid) -> Result<Digest, Fault>,
}

impl Comparison<'_> {
    /// Refuses what isn't ours, or not as we wrote it.
    fn check_replaceable(&self, path: &str, entry: Entry) -> Result<(), Fault> {
        if !entry.is_file() {
            let what = "is a link or a submodule, which is never replaced";
            return Err(in_the_branch(self.cluster, path, what));
        }
        if self.overwrite || (path == OWNERSHIP && self.owned.is_some()) {
            return Ok(());
        }
        let digest = (self.digest_of)(entry.id)?;
        match self.owned.map(|owned| owned.owner_of(path, digest)) {
            Some(Owner::Us) => Ok(()),
            Some(Owner::Editor) => Err(in_the_branch(self.cluster, path, "was edited there")
                .hint("edit the inputs instead, or discard that edit by --overwrite")),
            Some(Owner::Somebody) | None => Err(in_the_branch(
                self.cluster,
                path,
                "exists, but was not written by logfleet",
            )
            .hint("move it away in the branch, or replace it by --overwrite")),
        }
    }

    /// Files where a folder is needed, and folders where a file is.
    fn obstacles(&self, change: &FolderChange) -> Faults {
        let stays =
            |path: &str| self.theirs.files.contains_key(path) && !change.removes.contains(path);
        let mut faults = Faults::new();
        for path in change.writes.keys() {
            for above in folders_above(path).filter(|above| stays(above)) {
                let what = format!("is a file, where a folder is needed for `{path}`");
                faults.push(in_the_branch(self.cluster, above, &what));
            }
            let below = format!("{path}/");
            let inside = self.theirs.files.range(below.clone()..);
            if let Some((other, _)) = inside
                .take_while(|(other, _)| other.starts_with(&below))
                .find(|(other, _)| !change.removes.contains(*other))
            {
                let what = format!("is in the way: `{path}` must be a file");
                faults.push(in_the_branch(self.cluster, other, &what));
            }
        }
        faults
    }
}

fn in_the_branch(cluster: &str, path: &str, what: &str) -> Fault {
    Fault::input(format!(
        "in the branch, `{path}` of the cluster `{cluster}` {what}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::ownership;

    fn id(text: &str) -> Oid {
        Oid::hash_object(ObjectType::Blob, text.as_bytes()).unwrap()
    }

    fn file(text: &str) -> Entry {
        Entry {
            id: id(text),
            mode: 0o100_644,
        }
    }

    /// A folder of ours; a file's text is its path unless `edits` say other.
    fn folder(cluster: &str, owned: &[&str], others: &[(&str, Entry)]) -> Folder {
        let digests = owned
            .iter()
            .map(|path| ((*path).to_owned(), Digest::of(path.as_bytes())));
        let mut files: BTreeMap<String, Entry> = owned
            .iter()
            .map(|path| ((*path).to_owned(), file(path)))
            .collect();
        files.insert(OWNERSHIP.to_owned(), file(&owned.join(" ")));
        files.extend(
            others
                .iter()
                .map(|(path, entry)| ((*path).to_owned(), *entry)),
        );
        Folder {
            files,
            ownership: Ok(Some(ownership::record(cluster, digests.collect()))),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what compare asks is")]
    fn digests(asked: Oid) -> Result<Digest, Fault> {
        for text in ["a", "b", "c/d", "e", "x", "c"] {
            if id(text) == asked {
                return Ok(Digest::of(text.as_bytes()));
            }
        }
        Ok(Digest::of(b"something else"))
    }

    fn messages(result: Result<Option<FolderChange>, Faults>) -> Vec<String> {
        let faults = result.unwrap_err().sorted();
        faults.into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn a_new_cluster_is_added_beside_foreign_files() {
        let ours = folder("k", &["a", "c/d"], &[("notes", file("x"))]);
        let theirs = Folder {
            files: [("README".to_owned(), file("x"))].into(),
            ownership: Ok(None),
        };
        let change = compare("k", Some(&ours), &theirs, false, &digests)
            .unwrap()
            .unwrap();
        assert_eq!(change.kind, Kind::Added);
        let writes: Vec<&str> = change.writes.keys().map(String::as_str).collect();
        assert_eq!(
            writes,
            [OWNERSHIP, "a", "c/d"],
            "foreign files stay at home"
        );
        assert!(change.removes.is_empty());
    }

    #[test]
    fn only_what_differs_is_written_and_what_went_is_removed() {
        let ours = folder("k", &["a", "b"], &[]);
        let theirs = folder("k", &["a", "c/d"], &[("notes", file("x"))]);
        let change = compare("k", Some(&ours), &theirs, false, &digests)
            .unwrap()
            .unwrap();
        assert_eq!(change.kind, Kind::Changed);
        let writes: Vec<&str> = change.writes.keys().map(String::as_str).collect();
        assert_eq!(writes, [OWNERSHIP, "b"]);
        assert_eq!(change.removes, ["c/d".to_owned()].into());
        let same = folder("k", &["a"], &[("notes", file("x"))]);
        let nothing = compare("k", Some(&folder("k", &["a"], &[])), &same, false, &digests);
        assert!(nothing.unwrap().is_none());
    }

    #[test]
    fn a_removed_cluster_leaves_what_is_not_ours() {
        let theirs = folder("k", &["a"], &[("notes", file("x"))]);
        let change = compare("k", None, &theirs, false, &digests)
            .unwrap()
            .unwrap();
        assert_eq!(change.kind, Kind::Removed);
        assert_eq!(
            change.removes,
            [OWNERSHIP.to_owned(), "a".to_owned()].into()
        );
        let copied = folder("other", &["a"], &[]);
        assert!(
            compare("k", None, &copied, false, &digests)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn edits_and_foreign_files_stop_it_unless_overwritten() {
        let ours = folder("k", &["b", "e"], &[]);
        let theirs = folder("k", &["a", "b"], &[("a", file("edited")), ("e", file("x"))]);
        let found = messages(compare("k", Some(&ours), &theirs, false, &digests));
        assert_eq!(
            found,
            [
                "in the branch, `a` of the cluster `k` was edited there",
                "in the branch, `e` of the cluster `k` exists, but was not written by logfleet",
            ]
        );
        let change = compare("k", Some(&ours), &theirs, true, &digests)
            .unwrap()
            .unwrap();
        assert!(change.removes.contains("a") && change.writes.contains_key("e"));
    }

    #[test]
    fn links_are_never_replaced() {
        let link = Entry {
            id: id("a"),
            mode: 0o120_000,
        };
        let ours = folder("k", &["a"], &[]);
        let theirs = folder("k", &["a"], &[("a", link)]);
        for overwrite in [false, true] {
            let found = messages(compare("k", Some(&ours), &theirs, overwrite, &digests));
            assert_eq!(
                found,
                [
                    "in the branch, `a` of the cluster `k` is a link or a submodule, which is never replaced"
                ]
            );
        }
    }

    #[test]
    fn a_file_and_a_folder_of_one_name() {
        let ours = folder("k", &["c/d"], &[]);
        let foreign = folder("k", &[], &[("c", file("x"))]);
        let found = messages(compare("k", Some(&ours), &foreign, true, &digests));
        assert_eq!(
            found,
            ["in the branch, `c` of the cluster `k` is a file, where a folder is needed for `c/d`"]
        );
        let own = folder("k", &["c"], &[]);
        let change = compare("k", Some(&ours), &own, false, &digests)
            .unwrap()
            .unwrap();
        assert!(change.removes.contains("c") && change.writes.contains_key("c/d"));
        let found = messages(compare(
            "k",
            Some(&own),
            &folder("k", &["c/d"], &[("c/x", file("x"))]),
            true,
            &digests,
        ));
        assert_eq!(
            found,
            ["in the branch, `c/x` of the cluster `k` is in the way: `c` must be a file"]
        );
    }
}
