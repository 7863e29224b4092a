//! The same danger in many files and clusters, told once. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{DangerFinding, Flag};
use crate::diff::known::{KnownValues, show_placeholders};
use crate::diff::preview::Danger;

/// What was found in one cluster.
#[derive(Debug)]
pub(in crate::diff) struct EndangeredCluster<'a> {
    /// Its name.
    pub(in crate::diff) name: &'a str,
    /// Its own values.
    pub(in crate::diff) known: &'a KnownValues,
    /// What was found.
    pub(in crate::diff) findings: &'a [DangerFinding],
}

type Words = (Flag, String, Option<String>);
/// Each file, and the clusters that have the danger in it.
type Files<'a> = BTreeMap<Option<String>, BTreeMap<usize, &'a DangerFinding>>;

/// Gathers what was found in these clusters, which are sorted by name. In a
/// danger of several clusters a placeholder stands for what each has of its own.
pub(in crate::diff) fn gather(clusters: &[EndangeredCluster<'_>]) -> Vec<Danger> {
    let mut by_words: BTreeMap<Words, Files<'_>> = BTreeMap::new();
    for (number, cluster) in clusters.iter().enumerate() {
        let replace = |text: &String| cluster.known.replace_in(text);
        for finding in cluster.findings {
            let words = (
                finding.flag,
                replace(&finding.what),
                finding.live.as_ref().map(replace),
            );
            let file = finding.file.as_ref().map(replace);
            let files = by_words.entry(words).or_default();
            files.entry(file).or_default().insert(number, finding);
        }
    }
    let mut dangers: Vec<Danger> = by_words
        .into_iter()
        .flat_map(|(words, files)| split_by_clusters(clusters, &words, files))
        .collect();
    dangers.sort_by(|a, b| {
        let key = |danger: &Danger| (danger.flag, Reverse(danger.clusters.len()));
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.what, &a.files, &a.clusters).cmp(&(&b.what, &b.files, &b.clusters)))
    });
    dangers
}

/// A file, and one cluster's finding in it.
type Originals<'a> = Vec<(Option<String>, &'a DangerFinding)>;

/// One danger for all files whose clusters are all among those of another
/// file. What only one cluster has needs no placeholder.
fn split_by_clusters(
    clusters: &[EndangeredCluster<'_>],
    (flag, what, live): &Words,
    files: Files<'_>,
) -> Vec<Danger> {
    let dangers = merge_subsets(files).into_iter().map(|(numbers, files)| {
        let is_one = numbers.len() == 1;
        let named = numbers.iter().filter_map(|number| clusters.get(*number));
        let own = files
            .first()
            .map(|(_, finding)| *finding)
            .filter(|_| is_one);
        let words = |replaced: &str, own: Option<&String>| {
            own.map_or_else(|| show_placeholders(replaced), Clone::clone)
        };
        let files = files.iter().filter_map(|(replaced, finding)| {
            let own = finding.file.as_ref().filter(|_| is_one);
            Some(words(replaced.as_deref()?, own))
        });
        let mut files: Vec<String> = files.collect();
        files.sort();
        let live = live.as_ref();
        Danger {
            flag: *flag,
            what: words(what, own.map(|finding| &finding.what)),
            live: live.map(|live| words(live, own.and_then(|finding| finding.live.as_ref()))),
            clusters: named.map(|cluster| cluster.name.to_owned()).collect(),
            files,
            acknowledged: None,
        }
    });
    dangers.collect()
}

/// The files by the clusters that have them, those of few clusters with those
/// of more that have these among them.
fn merge_subsets(files: Files<'_>) -> Vec<(BTreeSet<usize>, Originals<'_>)> {
    let mut by_size: Vec<(BTreeSet<usize>, Option<String>, &DangerFinding)> = files
        .into_iter()
        .filter_map(|(file, found)| {
            let first = found.values().next().copied()?;
            Some((found.into_keys().collect(), file, first))
        })
        .collect();
    by_size.sort_by_key(|(numbers, ..)| Reverse(numbers.len()));
    let mut merged: Vec<(BTreeSet<usize>, Originals<'_>)> = Vec::new();
    for (numbers, file, finding) in by_size {
        match merged.iter_mut().find(|(more, _)| numbers.is_subset(more)) {
            Some((_, files)) => files.push((file, finding)),
            None => merged.push((numbers, vec![(file, finding)])),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(file: &str) -> DangerFinding {
        DangerFinding {
            flag: Flag::TlsWeakens,
            what: "it weakens".to_owned(),
            live: None,
            file: Some(file.to_owned()),
            gone: None,
        }
    }

    /// Each cluster's name and its files that have the same danger.
    fn gathered(clusters: &[(&str, &[&str])]) -> Vec<(Vec<String>, Vec<String>)> {
        let known = KnownValues::default();
        let found: Vec<Vec<DangerFinding>> = clusters
            .iter()
            .map(|(_, files)| files.iter().map(|file| finding(file)).collect())
            .collect();
        let clusters = clusters.iter().zip(&found);
        let clusters: Vec<EndangeredCluster<'_>> = clusters
            .map(|((name, _), findings)| EndangeredCluster {
                name,
                known: &known,
                findings,
            })
            .collect();
        let dangers = gather(&clusters).into_iter();
        dangers
            .map(|danger| (danger.clusters, danger.files))
            .collect()
    }

    #[test]
    fn a_file_that_some_clusters_lack_is_no_danger_of_its_own() {
        let dangers = gathered(&[("a", &["x", "y"]), ("b", &["x"]), ("c", &["x"])]);
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(dangers, [(names(&["a", "b", "c"]), names(&["x", "y"]))]);
    }

    #[test]
    fn files_of_other_clusters_stay_apart() {
        let dangers = gathered(&[("a", &["x"]), ("b", &["y"])]);
        assert_eq!(dangers.len(), 2);
    }
}
