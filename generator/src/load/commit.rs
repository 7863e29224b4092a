//! The tree of a commit as a [`Root`](super::root::Root): a fleet as it was,
//! without a checkout. Does IO: it reads git's objects, and never writes.
//!
//! libgit2's repository serves one thread at a time, so it stands behind a
//! lock; each folder is decoded once and remembered. So is each object that git
//! can't give, whoever asked: without it, nothing is known of the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use git2::{ObjectType, Oid, Repository};

use super::entry::{self, Entry, EntryKind};
use super::yaml::{self, MAX_BYTES};
use crate::fault::{Fault, Faults};

/// A commit has so many digits where it is shown.
const SHOWN_DIGITS: usize = 8;

/// The first digits of a commit.
pub fn short_id(commit: Oid) -> String {
    commit.to_string().chars().take(SHOWN_DIGITS).collect()
}

/// Links that are followed one after the other, as many as Linux does
/// (<https://man7.org/linux/man-pages/man7/path_resolution.7.html>).
const MAX_LINKS: usize = 40;

/// How a file begins that stands for another one
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
pub(super) const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A repository that several trees are read from.
#[derive(Clone)]
pub struct Objects(Arc<Mutex<Store>>);

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}

struct Store {
    repository: Repository,
    folders: BTreeMap<Oid, Arc<TreeFolder>>,
    lost: BTreeSet<Fault>,
}

/// A decoded tree object: name to entry. A name that is no UTF-8 is reported when
/// the folder is listed.
type TreeFolder = BTreeMap<Vec<u8>, TreeEntry>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TreeEntry {
    id: Oid,
    kind: TreeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TreeKind {
    File,
    Folder,
    Link,
    Submodule,
}

impl Objects {
    /// Takes a repository.
    pub fn new(repository: Repository) -> Self {
        Self(Arc::new(Mutex::new(Store {
            repository,
            folders: BTreeMap::new(),
            lost: BTreeSet::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // A thread that panicked left what it had decoded, which stays right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn folder(&mut self, id: Oid) -> Result<Arc<TreeFolder>, git2::Error> {
        if let Some(folder) = self.folders.get(&id) {
            return Ok(Arc::clone(folder));
        }
        let tree = self.repository.find_tree(id)?;
        let entries = tree.iter().map(|entry| {
            let kind = match (entry.kind(), entry.filemode()) {
                (Some(ObjectType::Tree), _) => TreeKind::Folder,
                (Some(ObjectType::Commit), _) => TreeKind::Submodule,
                (_, 0o120_000) => TreeKind::Link,
                _ => TreeKind::File,
            };
            let id = entry.id();
            (entry.name_bytes().to_vec(), TreeEntry { id, kind })
        });
        let folder = Arc::new(entries.collect::<TreeFolder>());
        self.folders.insert(id, Arc::clone(&folder));
        Ok(folder)
    }

    /// A file's bytes; nothing if they are too many.
    fn blob(&self, id: Oid) -> Result<Option<Vec<u8>>, git2::Error> {
        if size_of(&self.repository, id)? > MAX_BYTES {
            return Ok(None);
        }
        let blob = self.repository.find_blob(id)?;
        Ok(Some(blob.content().to_vec()))
    }
}

/// A folder of a commit that nothing is read outside of.
#[derive(Clone, Debug)]
pub struct CommitTree {
    objects: Objects,
    top: Oid,
    /// The commit as it is shown.
    name: String,
}

/// What a path leads to, once its links are followed.
struct Found {
    entry: TreeEntry,
    /// Its path without links.
    real: Vec<String>,
}

/// Why a path leads nowhere.
enum Lost {
    Missing,
    Leaves,
    Absolute,
    Submodule,
    Object(git2::Error),
}

impl From<git2::Error> for Lost {
    fn from(error: git2::Error) -> Self {
        Self::Object(error)
    }
}

impl Lost {
    fn tell(self, path: &str, tree: &CommitTree) -> Fault {
        match self {
            Self::Missing => entry::missing(path),
            Self::Leaves => entry::leaves(path),
            Self::Absolute => Fault::input(format!(
                "`{path}` is a link to an absolute path, which leaves any commit"
            ))
            .hint("link to it by a relative path, or copy the file in instead"),
            Self::Submodule => Fault::input(format!(
                "`{path}` is in a submodule, whose files aren't in this repository"
            ))
            .hint("commit the files themselves instead"),
            Self::Object(error) => tree.unreadable(path, &error),
        }
    }
}

impl CommitTree {
    /// The tree of that id; `name` is the commit's, for messages.
    pub fn new(objects: Objects, tree: Oid, name: impl Into<String>) -> Self {
        Self {
            objects,
            top: tree,
            name: name.into(),
        }
    }

    pub(super) fn description(&self) -> String {
        format!("the commit {}", self.name)
    }

    /// A folder in it, as a tree that nothing is read outside of.
    pub fn below(&self, folder: &str) -> Result<Self, Fault> {
        match self.find(folder) {
            Ok(found) if found.entry.kind == TreeKind::Folder => Ok(Self {
                top: found.entry.id,
                ..self.clone()
            }),
            Ok(_) | Err(Lost::Missing) => Err(Fault::environment(format!(
                "can't open `{folder}` in {}: there is no such folder",
                self.description()
            ))),
            Err(lost) => Err(lost.tell(folder, self)),
        }
    }

    /// Whether there is something of that path.
    pub fn exists(&self, path: &str) -> bool {
        !matches!(self.find_unfollowed(path), Err(Lost::Missing))
    }

    pub(super) fn link_target(&self, path: &str) -> Option<String> {
        let real = self.find(path).ok()?.real.join("/");
        (real != path).then_some(real)
    }

    /// The id of the tree.
    pub(super) fn id(&self) -> Oid {
        self.top
    }

    /// The id of a plain file's content, links not followed.
    pub(super) fn file_id(&self, path: &str) -> Option<Oid> {
        let entry = self.find_unfollowed(path).ok()?.entry;
        (entry.kind == TreeKind::File).then_some(entry.id)
    }

    /// The id of a file's content, without reading it.
    pub(super) fn content_id(&self, path: &str) -> Option<Oid> {
        let found = self.find(path).ok()?;
        (found.entry.kind == TreeKind::File).then_some(found.entry.id)
    }

    pub(super) fn list(&self, folder: &str, faults: &mut Faults) -> Option<Vec<Entry>> {
        let found = match self.find(folder) {
            Ok(found) if found.entry.kind == TreeKind::Folder => found,
            Ok(_) => {
                let fault = format!("can't read `{folder}`: not a directory");
                faults.push(Fault::environment(fault));
                return Some(Vec::new());
            }
            Err(Lost::Missing) => return None,
            Err(lost) => {
                faults.push(lost.tell(folder, self));
                return Some(Vec::new());
            }
        };
        let entries = self.objects.lock().folder(found.entry.id);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                faults.push(self.unreadable(folder, &error));
                return Some(Vec::new());
            }
        };
        let mut listed = Vec::with_capacity(entries.len());
        for (name, entry) in entries.iter().filter(|(name, _)| !entry::is_hidden(name)) {
            match self.classify(folder, name, *entry) {
                Ok(entry) => listed.push(entry),
                Err(fault) => faults.push(fault),
            }
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Some(listed)
    }

    fn classify(&self, folder: &str, name: &[u8], entry: TreeEntry) -> Result<Entry, Fault> {
        let Ok(name) = std::str::from_utf8(name) else {
            let shown = String::from_utf8_lossy(name).into_owned();
            return Err(entry::not_unicode(Path::new(&shown)));
        };
        let path = format!("{folder}/{name}");
        let kind = match entry.kind {
            TreeKind::Link => {
                self.find(&path)
                    .map_err(|lost| lost.tell(&path, self))?
                    .entry
                    .kind
            }
            kind => kind,
        };
        Ok(Entry {
            name: name.to_owned(),
            // A submodule is a folder on disk, too.
            kind: match kind {
                TreeKind::Folder | TreeKind::Submodule => EntryKind::Folder,
                TreeKind::File | TreeKind::Link => EntryKind::File,
            },
            is_link: entry.kind == TreeKind::Link,
        })
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let found = self.find(path).map_err(|lost| lost.tell(path, self))?;
        if found.entry.kind != TreeKind::File {
            return Err(entry::not_a_file(path));
        }
        let blob = self.objects.lock().blob(found.entry.id);
        match blob.map_err(|error| self.unreadable(path, &error))? {
            Some(bytes) if bytes.starts_with(LFS_POINTER) => Err(Fault::input(format!(
                "`{path}` is a pointer of Git LFS: {} doesn't have its text",
                self.description()
            ))
            .hint("`git lfs untrack` it: only what git itself has can be compared")),
            Some(bytes) => Ok(bytes),
            None => Err(yaml::too_large(path)),
        }
    }

    /// The fault of an object that git couldn't give, whoever asked for it: all
    /// that follows from what can be read would be a guess.
    pub(super) fn all_found(&self) -> Result<(), Fault> {
        self.objects
            .lock()
            .lost
            .first()
            .cloned()
            .map_or(Ok(()), Err)
    }

    /// The fault of an object that git can't give: of a partial clone, or
    /// damaged. It is remembered.
    fn unreadable(&self, path: &str, error: &git2::Error) -> Fault {
        let what = format!("can't read `{path}` of {}", self.description());
        let fault = match error.code() {
            git2::ErrorCode::NotFound => {
                Fault::environment(format!("{what}: git has no such object here")).hint(
                    "objects are missing in a partial clone: `git fetch --refetch --no-filter origin` fetches them",
                )
            }
            _ => Fault::environment(format!("{what}: {}", error.message()))
                .hint("`git fsck` tells whether the repository is damaged"),
        };
        self.objects.lock().lost.insert(fault.clone());
        fault
    }

    /// Looks a path up, following every link.
    fn find(&self, path: &str) -> Result<Found, Lost> {
        let found = self.look_up(path, true)?;
        match found.entry.kind {
            TreeKind::Submodule => Err(Lost::Submodule),
            _ => Ok(found),
        }
    }

    /// Looks a path up, following the links above its last part only.
    fn find_unfollowed(&self, path: &str) -> Result<Found, Lost> {
        self.look_up(path, false)
    }

    fn look_up(&self, path: &str, follow_last: bool) -> Result<Found, Lost> {
        let found = self.walk(split(path), follow_last);
        if let Err(Lost::Object(error)) = &found {
            // Who asks whether there is something, tells no fault.
            self.unreadable(path, error);
        }
        found
    }

    /// Goes down from the top, part by part.
    fn walk(&self, mut ahead: Vec<String>, follow_last: bool) -> Result<Found, Lost> {
        let mut store = self.objects.lock();
        let mut real: Vec<(String, TreeEntry)> = Vec::new();
        let top = TreeEntry {
            id: self.top,
            kind: TreeKind::Folder,
        };
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                real.pop().ok_or(Lost::Leaves)?;
                continue;
            }
            let here = real.last().map_or(top, |(_, entry)| *entry);
            match here.kind {
                TreeKind::Folder => {}
                TreeKind::Submodule => return Err(Lost::Submodule),
                TreeKind::File | TreeKind::Link => return Err(Lost::Missing),
            }
            let folder = store.folder(here.id)?;
            let entry = *folder.get(part.as_bytes()).ok_or(Lost::Missing)?;
            if entry.kind == TreeKind::Link && (follow_last || !ahead.is_empty()) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Lost::Missing);
                }
                ahead.extend(read_link(&store.repository, entry.id)?);
            } else {
                real.push((part, entry));
            }
        }
        Ok(Found {
            entry: real.last().map_or(top, |(_, entry)| *entry),
            real: real.into_iter().map(|(part, _)| part).collect(),
        })
    }
}

/// The parts of a path, the first one last. What stands between two slashes
/// and `.` are no parts.
fn split(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.rev().map(str::to_owned).collect()
}

/// The parts of a link's target, the first one last. One that starts at the
/// file system's root leaves any tree.
fn read_link(repository: &Repository, id: Oid) -> Result<Vec<String>, Lost> {
    if size_of(repository, id)? > MAX_BYTES {
        return Err(Lost::Missing);
    }
    let blob = repository.find_blob(id)?;
    let target = std::str::from_utf8(blob.content()).map_err(|_| Lost::Missing)?;
    if target.starts_with('/') {
        return Err(Lost::Absolute);
    }
    Ok(split(target))
}

/// The size of an object, without reading it.
fn size_of(repository: &Repository, id: Oid) -> Result<usize, git2::Error> {
    Ok(repository.odb()?.read_header(id)?.0)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use git2::{IndexAddOption, Signature};
    use tempfile::TempDir;

    use super::super::files::{Selection, load};
    use super::super::inputs::Inputs;
    use super::super::root::Root;
    use super::*;
    use crate::fault::Fault;

    /// A folder, and the same as a commit.
    struct Twins {
        _folder: TempDir,
        root: Root,
        commit: Root,
    }

    fn twins(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Twins {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            path
        };
        for (path, bytes) in files {
            fs::write(make(path), bytes).expect("written");
        }
        for (path, target) in links {
            symlink(target, make(path)).expect("linked");
        }
        let repository = Repository::init(folder.path()).expect("a repository");
        let mut index = repository.index().expect("an index");
        index
            .add_all(["*"], IndexAddOption::DEFAULT, None)
            .expect("added");
        let tree = index.write_tree().expect("a tree");
        let author = Signature::now("Tester", "tester@example.com").expect("a name");
        let found = repository.find_tree(tree).expect("the tree");
        repository
            .commit(Some("HEAD"), &author, &author, "all", &found, &[])
            .expect("a commit");
        drop(found);
        drop(index);
        let objects = Objects::new(repository);
        Twins {
            root: Root::folder(folder.path()).expect("a folder"),
            commit: Root::Commit(CommitTree::new(objects, tree, "abc")),
            _folder: folder,
        }
    }

    fn reported(root: &Root) -> Vec<Fault> {
        load(root, Selection::All).1.sorted()
    }

    const GOOD: [(&str, &[u8]); 7] = [
        ("clusters/fleet.yaml", b"a: 1\n"),
        ("clusters/environments/prod.yaml", b"b: 2\n"),
        ("clusters/certificates/logs.pem", b"PEM"),
        ("clusters/x/cluster.yaml", b"environment: prod\n"),
        ("clusters/x/kubernetes/patch.yaml", b"kind: Patch\n"),
        ("clusters/.hidden/cluster.yaml", b"a: 1\n"),
        ("templates/kubernetes/namespace.yaml", b"kind: Namespace\n"),
    ];

    #[test]
    fn a_commit_reads_as_the_folder_does() {
        let twins = twins(&GOOD, &[("clusters/y", "x")]);
        let (folder, commit) = (
            load(&twins.root, Selection::All).0,
            load(&twins.commit, Selection::All).0,
        );
        assert_eq!(reported(&twins.commit), []);
        assert_eq!(commit.clusters, folder.clusters);
        assert_eq!(commit.clusters.len(), 2);
        assert_eq!(commit.template_overrides, folder.template_overrides);
        assert_eq!(Inputs::find(&twins.commit), Inputs::find(&twins.root));
        assert_eq!(
            twins.commit.link_target("clusters/y/cluster.yaml"),
            twins.root.link_target("clusters/y/cluster.yaml")
        );
    }

    #[test]
    fn a_commit_has_the_faults_that_the_folder_has() {
        let large = vec![b'a'; MAX_BYTES + 1];
        let mut files = GOOD.to_vec();
        files.extend([
            ("clusters/fleet.yml", b"".as_slice()),
            ("clusters/environments/test.yml", b""),
            ("clusters/empty/notes.txt", b""),
            ("clusters/short/cluster.yml", b""),
            ("clusters/x/kubernetes/patch.json", b"{}"),
            ("clusters/bytes/cluster.yaml", b"a: \xff"),
            ("clusters/tabs/cluster.yaml", b"a:\n\tb: 1\n"),
            ("clusters/large/cluster.yaml", &large),
            ("clusters/folder/cluster.yaml/file", b""),
            ("clusters/crlf/cluster.yaml", b"a: 1\r\na: 2\r\n"),
        ]);
        let links = [
            ("clusters/above", "../.."),
            ("clusters/out/cluster.yaml", "../../.."),
            ("clusters/dangling/cluster.yaml", "nowhere.yaml"),
            ("templates/round", "."),
        ];
        let twins = twins(&files, &links);
        let faults = reported(&twins.commit);
        assert!(faults.len() > 10, "{faults:?}");
        assert_eq!(faults, reported(&twins.root));
        // What wasn't read is like nothing else.
        let inputs = Inputs::find(&twins.root);
        let differing = inputs.differences(&inputs);
        assert_eq!(
            differing.into_iter().collect::<Vec<_>>(),
            [
                "clusters",
                "clusters/dangling/cluster.yaml",
                "clusters/folder/cluster.yaml",
                "clusters/large/cluster.yaml",
                "clusters/out/cluster.yaml",
                "templates/round",
            ]
        );
    }

    #[test]
    fn what_a_commit_cannot_have_is_reported() {
        let pointer = [LFS_POINTER, b"v1\noid sha256:1\nsize 1\n"].concat();
        let mut files = GOOD.to_vec();
        files.push(("templates/kubernetes/large.yaml", &pointer));
        let links = [
            ("clusters/absolute", "/etc"),
            ("clusters/out/cluster.yaml", "/etc/passwd"),
        ];
        let faults = reported(&twins(&files, &links).commit);
        let messages = faults.iter().map(|fault| fault.message.as_str());
        assert_eq!(
            messages.collect::<Vec<_>>(),
            [
                "`clusters/absolute` is a link to an absolute path, which leaves any commit",
                "`clusters/out/cluster.yaml` is a link to an absolute path, which leaves any commit",
                "`templates/kubernetes/large.yaml` is a pointer of Git LFS: the commit abc doesn't have its text",
            ]
        );
    }

    #[test]
    fn nothing_below_a_folder_leaves_it() {
        let links = [
            ("clusters/certificates/inside.pem", "logs.pem"),
            ("clusters/certificates/round.pem", "round.pem"),
            (
                "clusters/certificates/outside.pem",
                "../../templates/kubernetes/namespace.yaml",
            ),
        ];
        let twins = twins(&GOOD, &links);
        for root in [&twins.root, &twins.commit] {
            let read = |path: &str| {
                root.read_below("clusters", path)
                    .map_err(|fault| fault.message)
            };
            assert_eq!(read("certificates/inside.pem"), Ok(b"PEM".to_vec()));
            for path in [
                "certificates/outside.pem",
                "certificates/round.pem",
                "certificates",
                "nowhere.pem",
            ] {
                assert!(read(path).is_err(), "{path}");
            }
        }
        let message = |root: &Root, path: &str| {
            root.read_below("clusters", path)
                .map_err(|fault| fault.message)
        };
        for path in ["certificates/outside.pem", "certificates", "nowhere.pem"] {
            assert_eq!(message(&twins.commit, path), message(&twins.root, path));
        }
    }
}
