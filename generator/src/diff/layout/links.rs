//! Which groups a danger is in: a danger names clusters and files, and so does
//! a group. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::diff::known::between_placeholders;
use crate::diff::preview::{ClusterDanger, Danger, Group, Preview};

/// What leads from dangers to groups, and back.
#[derive(Debug, Default)]
pub(in crate::diff) struct Links {
    groups: Vec<Vec<usize>>,
    dangers: Vec<Vec<ClusterDanger>>,
}

impl Links {
    /// Those of a preview.
    pub(in crate::diff) fn of(preview: &Preview) -> Self {
        let files = Files::of(&preview.groups);
        let groups = preview.dangers.iter();
        let groups: Vec<Vec<usize>> = groups
            .map(|danger| files.groups_of(danger, &preview.groups))
            .collect();
        let mut kinds = vec![BTreeMap::new(); preview.groups.len()];
        for (danger, groups) in preview.dangers.iter().zip(&groups) {
            for group in groups {
                *kinds[*group].entry(danger.flag).or_insert(true) &= danger.acknowledged.is_some();
            }
        }
        let dangers = kinds.into_iter().map(|kinds| {
            let kinds = kinds.into_iter();
            let kinds = kinds.map(|(flag, acknowledged)| ClusterDanger { flag, acknowledged });
            kinds.collect()
        });
        let dangers = dangers.collect();
        Self { groups, dangers }
    }

    /// The groups that a danger is in, the first being 0.
    pub(in crate::diff) fn groups_of(&self, danger: usize) -> &[usize] {
        self.groups.get(danger).map_or(&[], Vec::as_slice)
    }

    /// The kinds of danger in a group, the worst first.
    pub(in crate::diff) fn dangers_of(&self, group: usize) -> &[ClusterDanger] {
        self.dangers.get(group).map_or(&[], Vec::as_slice)
    }
}

/// The groups of each file.
struct Files<'p> {
    by_path: BTreeMap<&'p str, BTreeSet<usize>>,
    /// Paths in which something stands for what each cluster has of its own.
    patterns: Vec<(&'p str, Vec<&'p str>)>,
}

impl<'p> Files<'p> {
    fn of(groups: &'p [Group]) -> Self {
        let mut by_path: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (number, group) in groups.iter().enumerate() {
            for file in group.parts.iter().flat_map(|part| &part.files) {
                by_path.entry(&file.path).or_default().insert(number);
            }
        }
        let patterns = by_path
            .keys()
            .map(|path| (*path, between_placeholders(path)));
        let patterns = patterns.filter(|(_, pieces)| pieces.len() > 1).collect();
        Self { by_path, patterns }
    }

    fn groups_of(&self, danger: &Danger, groups: &[Group]) -> Vec<usize> {
        let clusters: BTreeSet<&String> = danger.clusters.iter().collect();
        let has_one = |group: &Group| group.clusters.iter().any(|name| clusters.contains(name));
        let files = danger.files.iter().flat_map(|file| self.like(file));
        let numbers: BTreeSet<usize> = files.flatten().copied().collect();
        let numbers = numbers.into_iter();
        numbers.filter(|number| has_one(&groups[*number])).collect()
    }

    /// The groups of a file, whoever of the two has placeholders in its path.
    fn like(&self, file: &str) -> Vec<&BTreeSet<usize>> {
        let mut found: Vec<_> = self.by_path.get(file).into_iter().collect();
        let pieces = between_placeholders(file);
        if let [first, _, ..] = pieces.as_slice() {
            let from = (Bound::Included(*first), Bound::Unbounded);
            let from = self.by_path.range::<str, _>(from);
            let alike = from.take_while(|(path, _)| path.starts_with(first));
            let alike = alike.filter(|(path, _)| fits(path, &pieces));
            found.extend(alike.map(|(_, groups)| groups));
        }
        let patterns = self.patterns.iter();
        let patterns = patterns.filter(|(_, pieces)| fits(file, pieces));
        found.extend(patterns.filter_map(|(path, _)| self.by_path.get(path)));
        found
    }
}

/// Whether a path has these pieces in their order, and names between them.
fn fits(path: &str, pieces: &[&str]) -> bool {
    let [first, middle @ .., last] = pieces else {
        return false;
    };
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    for piece in middle {
        let Some((name, after)) = rest.split_once(piece) else {
            return false;
        };
        if name.contains('/') {
            return false;
        }
        rest = after;
    }
    rest.strip_suffix(last)
        .is_some_and(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::preview::{Part, PartFile};
    use crate::settings::Flag;

    fn group(clusters: &[&str], path: &str) -> Group {
        let file = PartFile {
            path: path.to_owned(),
            object: None,
            clusters: clusters.len(),
            only_in: Vec::new(),
        };
        Group {
            clusters: clusters.iter().map(|name| (*name).to_owned()).collect(),
            comments_only: false,
            parts: vec![Part {
                files: vec![file],
                path: String::new(),
                variants: Vec::new(),
            }],
        }
    }

    fn danger(clusters: &[&str], file: &str) -> Danger {
        Danger {
            flag: Flag::TlsWeakens,
            what: String::new(),
            live: None,
            clusters: clusters.iter().map(|name| (*name).to_owned()).collect(),
            files: vec![file.to_owned()],
            acknowledged: None,
        }
    }

    #[test]
    fn a_danger_is_in_groups_of_its_files_and_clusters() {
        let preview = Preview {
            groups: vec![
                group(&["a", "b"], "x/logs-{cluster}.json"),
                group(&["a"], "x/logs-a.json"),
                group(&["c"], "x/logs-c.json"),
                group(&["a", "b"], "y.yaml"),
                group(&["a"], "x/logs-a/b.json"),
            ],
            dangers: vec![
                danger(&["a", "b"], "x/logs-{cluster}.json"),
                danger(&["b"], "x/logs-b.json"),
                danger(&["c"], "y.yaml"),
            ],
            ..Preview::default()
        };
        let links = Links::of(&preview);
        assert_eq!(links.groups_of(0), [0, 1]);
        assert_eq!(links.groups_of(1), [0]);
        assert_eq!(links.groups_of(2), [0; 0]);
        let in_danger: Vec<bool> = (0..5).map(|n| !links.dangers_of(n).is_empty()).collect();
        assert_eq!(in_danger, [true, true, false, false, false]);
    }
}
