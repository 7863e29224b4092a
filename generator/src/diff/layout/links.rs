//! Which groups a risk is in: a risk names clusters and files, and so does
//! a group. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::diff::placeholders::between_placeholders;
use crate::diff::preview::{ClusterRisk, Group, Preview, Risk};

/// What leads from risks to groups, and back.
#[derive(Debug, Default)]
pub(in crate::diff) struct Links {
    groups: Vec<Vec<usize>>,
    risks: Vec<Vec<ClusterRisk>>,
}

impl Links {
    /// Those of a preview.
    pub(in crate::diff) fn of(preview: &Preview) -> Self {
        let files = Files::of(&preview.groups);
        let groups = preview.risks.iter();
        let groups: Vec<Vec<usize>> = groups
            .map(|risk| files.groups_of(risk, &preview.groups))
            .collect();
        let mut kinds = vec![BTreeMap::new(); preview.groups.len()];
        for (risk, groups) in preview.risks.iter().zip(&groups) {
            for group in groups {
                *kinds[*group].entry(risk.flag).or_insert(true) &= risk.acknowledged.is_some();
            }
        }
        let risks = kinds.into_iter().map(|kinds| {
            let kinds = kinds.into_iter();
            let kinds = kinds.map(|(flag, acknowledged)| ClusterRisk { flag, acknowledged });
            kinds.collect()
        });
        let risks = risks.collect();
        Self { groups, risks }
    }

    /// The groups that a risk is in, the first being 0.
    pub(in crate::diff) fn groups_of(&self, risk: usize) -> &[usize] {
        self.groups.get(risk).map_or(&[], Vec::as_slice)
    }

    /// The kinds of risk in a group, the worst first.
    pub(in crate::diff) fn risks_of(&self, group: usize) -> &[ClusterRisk] {
        self.risks.get(group).map_or(&[], Vec::as_slice)
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

    fn groups_of(&self, risk: &Risk, groups: &[Group]) -> Vec<usize> {
        let clusters: BTreeSet<&String> = risk.clusters.iter().collect();
        let has_one = |group: &Group| group.clusters.iter().any(|name| clusters.contains(name));
        let files = risk.files.iter().flat_map(|file| self.like(file));
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

    fn risk(clusters: &[&str], file: &str) -> Risk {
        Risk {
            flag: Flag::TlsWeakens,
            what: String::new(),
            live: None,
            clusters: clusters.iter().map(|name| (*name).to_owned()).collect(),
            files: vec![file.to_owned()],
            acknowledged: None,
            key: None,
            before: None,
            after: None,
        }
    }

    #[test]
    fn a_risk_is_in_groups_of_its_files_and_clusters() {
        let preview = Preview {
            groups: vec![
                group(&["a", "b"], "x/logs-{cluster}.json"),
                group(&["a"], "x/logs-a.json"),
                group(&["c"], "x/logs-c.json"),
                group(&["a", "b"], "y.yaml"),
                group(&["a"], "x/logs-a/b.json"),
            ],
            risks: vec![
                risk(&["a", "b"], "x/logs-{cluster}.json"),
                risk(&["b"], "x/logs-b.json"),
                risk(&["c"], "y.yaml"),
            ],
            ..Preview::default()
        };
        let links = Links::of(&preview);
        assert_eq!(links.groups_of(0), [0, 1]);
        assert_eq!(links.groups_of(1), [0]);
        assert_eq!(links.groups_of(2), [0; 0]);
        let at_risk: Vec<bool> = (0..5).map(|n| !links.risks_of(n).is_empty()).collect();
        assert_eq!(at_risk, [true, true, false, false, false]);
    }
}
