//! Files that are named by the digest of their bytes: where a patch changed
//! one, it has another name, and so has whatever names it. Pure.

use logfleet_contract::index::{content_digest, is_content_digest};

use crate::tree::{RenderedTree, TreePath};

/// Renames every file below `elasticsearch/<destination>/` whose name no longer is
/// its digest, and corrects those that name it, until all fit.
pub(super) fn rename(tree: &mut RenderedTree) {
    // Each round renames one; names lead from templates to parts, and never round
    // in circles but in a fleet's own templates.
    for _ in 0..4 * tree.0.len() {
        let Some((old, new)) = find_misnamed(tree) else {
            return;
        };
        let Some(bytes) = tree.0.remove(&old) else {
            return;
        };
        let folder = destination_of(old.as_str()).to_owned();
        let (from, to) = (stem(old.as_str()).to_owned(), stem(new.as_str()).to_owned());
        tree.0.insert(new, bytes);
        let others = tree.0.iter_mut();
        for (_, bytes) in others.filter(|(path, _)| path.as_str().starts_with(&folder)) {
            if let Ok(text) = std::str::from_utf8(bytes)
                && text.contains(&from)
            {
                *bytes = text.replace(&from, &to).into_bytes();
            }
        }
    }
}

fn find_misnamed(tree: &RenderedTree) -> Option<(TreePath, TreePath)> {
    let files = tree.0.iter();
    let mut named = files.filter(|(path, _)| path.as_str().starts_with("elasticsearch/"));
    named.find_map(|(path, bytes)| {
        let (before, digest) = stem_path(path.as_str())?.rsplit_once('-')?;
        let right = content_digest(bytes);
        if !is_content_digest(digest) || !before.contains('@') || digest == right {
            return None;
        }
        let new = TreePath::new(format!("{before}-{right}.json")).ok()?;
        Some((path.clone(), new))
    })
}

fn stem_path(path: &str) -> Option<&str> {
    path.strip_suffix(".json")
}

/// The name of the object.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    stem_path(name).unwrap_or(name)
}

/// `elasticsearch/<destination>/`.
fn destination_of(path: &str) -> &str {
    let end = path
        .match_indices('/')
        .nth(1)
        .map_or(path.len(), |(at, _)| at + 1);
    &path[..end]
}
