//! Finds files that only got another name. Pure.

use std::collections::BTreeMap;

use super::files::File;

/// Lines that two files must have in common, of the longer one's, in percent.
const SIMILAR_PERCENT: usize = 85;
/// Fewer lines are alike by chance.
const MIN_LINES: usize = 5;
/// Pairs that are looked at; of more, only those of the same content are found.
const MAX_PAIRS: usize = 2_500;

/// Pairs of a removed and an added file that are one file: those of the same
/// content, and then the most similar ones. Each stands in one pair at most.
pub(in crate::diff) fn find<'t>(
    removed: &[File<'t>],
    added: &[File<'t>],
) -> Vec<(File<'t>, File<'t>)> {
    let mut candidates: Vec<(usize, File<'t>, File<'t>)> = Vec::new();
    for from in removed {
        for to in added
            .iter()
            .filter(|to| extension(to.path) == extension(from.path))
            .filter(|to| is_named_by_content(to.path) == is_named_by_content(from.path))
        {
            if from.bytes == to.bytes {
                candidates.push((101, *from, *to));
            } else if removed.len() * added.len() <= MAX_PAIRS
                && let Some(percent) = similarity(from.bytes, to.bytes)
            {
                candidates.push((percent, *from, *to));
            }
        }
    }
    candidates.sort_by(|(one, from, to), (other, other_from, other_to)| {
        let paths = (from.path, to.path).cmp(&(other_from.path, other_to.path));
        other.cmp(one).then(paths)
    });
    let mut pairs: Vec<(File<'t>, File<'t>)> = Vec::new();
    for (_, from, to) in candidates {
        let taken =
            |(one, other): &(File<'_>, File<'_>)| one.path == from.path || other.path == to.path;
        if !pairs.iter().any(taken) {
            pairs.push((from, to));
        }
    }
    pairs
}

/// Whether a file's name ends with a digest of what is in it: an index object
/// that many share, and never one that was only its stream's.
fn is_named_by_content(path: &str) -> bool {
    let digest = path
        .strip_suffix(".json")
        .and_then(|path| path.rsplit_once('-'));
    digest.is_some_and(|(name, digest)| {
        let is_hex = |c: char| c.is_ascii_digit() || matches!(c, 'a'..='f');
        name.contains('@') && digest.len() == 16 && digest.chars().all(is_hex)
    })
}

fn extension(path: &str) -> Option<&str> {
    Some(path.rsplit('/').next()?.rsplit_once('.')?.1)
}

/// The lines that two texts share, in percent of the longer one's, if these are enough.
fn similarity(old: &[u8], new: &[u8]) -> Option<usize> {
    let (old, new) = (
        std::str::from_utf8(old).ok()?,
        std::str::from_utf8(new).ok()?,
    );
    let longest = old.lines().count().max(new.lines().count());
    if longest < MIN_LINES {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in old.lines() {
        *counts.entry(line).or_default() += 1;
    }
    let mut shared = 0;
    for line in new.lines() {
        if let Some(count) = counts.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    Some(shared * 100 / longest).filter(|percent| *percent >= SIMILAR_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &'static str, text: &'static str) -> File<'static> {
        File {
            path,
            bytes: text.as_bytes(),
        }
    }

    fn pairs(
        removed: &[File<'static>],
        added: &[File<'static>],
    ) -> Vec<(&'static str, &'static str)> {
        let found = find(removed, added);
        found
            .iter()
            .map(|(from, to)| (from.path, to.path))
            .collect()
    }

    #[test]
    fn the_same_content_is_a_rename() {
        assert_eq!(
            pairs(
                &[file("a.txt", "x")],
                &[file("b.txt", "x"), file("c.txt", "y")]
            ),
            [("a.txt", "b.txt")]
        );
    }

    #[test]
    fn nearly_the_same_content_is_one_too() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let new = "1\n2\n3\n4\n5\n6\n7\n8\n9\nten\n";
        assert_eq!(
            pairs(&[file("a.txt", old)], &[file("b.txt", new)]),
            [("a.txt", "b.txt")]
        );
        assert_eq!(
            pairs(&[file("a.txt", old)], &[file("b.txt", "1\n2\n3\n4\n5\n")]),
            []
        );
        assert_eq!(pairs(&[file("a.txt", old)], &[file("b.json", new)]), []);
    }

    #[test]
    fn a_file_is_renamed_once() {
        let removed = [file("a.txt", "x"), file("b.txt", "x")];
        assert_eq!(pairs(&removed, &[file("c.txt", "x")]), [("a.txt", "c.txt")]);
    }
}
