//! Writes blobs and trees of the commit to the target's object database.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository, Tree};

use super::checkout::{Checkout, unreadable};
use super::folder::{Entry, FolderChange, Standing};
use crate::fault::{Fault, Faults};
use crate::write::ownership::Digest;

/// A path below a tree, and the file that is to be there, or none.
type Edit<'a> = (&'a str, Option<Entry>);

/// Copies the files that are written into the target, if it lacks them.
///
/// Looks whether the bytes in the commit are those that were rendered: git may
/// have been told to convert ends of lines.
pub(super) fn copy(
    source: &Checkout,
    target: &Repository,
    changes: &[FolderChange],
) -> Result<(), Faults> {
    let read = source
        .repository
        .odb()
        .map_err(|error| unreadable(&error))?;
    let refused = |error: git2::Error| {
        Fault::environment(format!(
            "can't write to the repository: {}",
            error.message()
        ))
    };
    let write = target.odb().map_err(refused)?;
    let mut faults = Faults::new();
    for change in changes {
        for (path, (entry, digest)) in &change.writes {
            let object = read.read(entry.id).map_err(|error| unreadable(&error))?;
            if digest.is_some_and(|digest| digest != Digest::of(object.data())) {
                faults.push(
                    Fault::input(format!(
                        "`{path}` of the cluster `{}` has other bytes in the commit than were rendered",
                        change.cluster
                    ))
                    .hint("does git convert line endings? .gitattributes needs `rendered/** text eol=lf`"),
                );
            } else if !write.exists(entry.id) {
                write
                    .write(ObjectType::Blob, object.data())
                    .map_err(refused)?;
            }
        }
    }
    faults.into_result(())
}

/// Writes the trees of the commit, and returns the uppermost.
pub(super) fn compose(
    target: &Repository,
    base: Option<&Tree<'_>>,
    parts: &[&str],
    changes: &[FolderChange],
) -> Result<Oid, git2::Error> {
    let mut above = parts.join("/");
    if !above.is_empty() {
        above.push('/');
    }
    let mut edits: Vec<(String, Option<Entry>)> = Vec::new();
    for change in changes {
        let path = |file: &String| format!("{above}{}/{file}", change.cluster);
        edits.extend(change.removes.iter().map(|file| (path(file), None)));
        let writes = change.writes.iter();
        edits.extend(writes.map(|(file, (entry, _))| (path(file), Some(*entry))));
    }
    let edits: Vec<Edit<'_>> = edits
        .iter()
        .map(|(path, entry)| (path.as_str(), *entry))
        .collect();
    match edit(target, base, &edits)? {
        Some(tree) => Ok(tree),
        // Nothing is left; a commit has a tree all the same.
        None => target.treebuilder(None)?.write(),
    }
}

/// Writes a tree with files put in or taken out; `None` if it is empty then.
///
/// A folder and anything else never replace one another, unless that is taken
/// out by an edit of its own.
fn edit(
    repository: &Repository,
    base: Option<&Tree<'_>>,
    edits: &[Edit<'_>],
) -> Result<Option<Oid>, git2::Error> {
    let mut builder = repository.treebuilder(base)?;
    for (name, (file, below)) in by_first_part(edits) {
        let there = match (Standing::of(base, name), file) {
            (Standing::Folder(id), _) => Some(repository.find_tree(id)?),
            (Standing::Other(_), None) => return Err(in_the_way(name)),
            _ => None,
        };
        let folder = match &there {
            Some(there) if below.is_empty() => Some(there.id()),
            there => edit(repository, there.as_ref(), &below)?,
        };
        match (file.flatten(), folder) {
            (Some(_), Some(_)) => return Err(in_the_way(name)),
            (Some(entry), None) => {
                builder.insert(name, entry.id, entry.mode)?;
            }
            (None, Some(folder)) => {
                builder.insert(name, folder, 0o040_000)?;
            }
            (None, None) => {
                if builder.get(name)?.is_some() {
                    builder.remove(name)?;
                }
            }
        }
    }
    if builder.is_empty() {
        return Ok(None);
    }
    builder.write().map(Some)
}

/// Comparing tells of it before, and better.
fn in_the_way(name: &str) -> git2::Error {
    git2::Error::from_str(&format!("`{name}` is in the way"))
}

/// What is to happen to a name: to the file there, if anything, and below a
/// folder there.
type Part<'a> = (Option<Option<Entry>>, Vec<Edit<'a>>);

/// The edits for each name directly in a tree.
fn by_first_part<'a>(edits: &[Edit<'a>]) -> BTreeMap<&'a str, Part<'a>> {
    let mut parts: BTreeMap<&str, Part<'_>> = BTreeMap::new();
    for (path, entry) in edits {
        match path.split_once('/') {
            Some((name, below)) => parts.entry(name).or_default().1.push((below, *entry)),
            None => parts.entry(path).or_default().0 = Some(*entry),
        }
    }
    parts
}
