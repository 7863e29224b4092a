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

/// One danger for all files in which the same clusters have it. What only one
/// cluster has needs no placeholder.
fn split_by_clusters(
    clusters: &[EndangeredCluster<'_>],
    (flag, what, live): &Words,
    files: Files<'_>,
) -> Vec<Danger> {
    type Originals<'a> = Vec<(Option<String>, Option<&'a DangerFinding>)>;
    let mut by_clusters: BTreeMap<BTreeSet<usize>, Originals<'_>> = BTreeMap::new();
    for (file, found) in files {
        let numbers: BTreeSet<usize> = found.keys().copied().collect();
        let original = found.into_values().next().filter(|_| numbers.len() == 1);
        by_clusters
            .entry(numbers)
            .or_default()
            .push((file, original));
    }
    let dangers = by_clusters.into_iter().map(|(numbers, files)| {
        let named = numbers.iter().filter_map(|number| clusters.get(*number));
        let original = files.first().and_then(|(_, original)| *original);
        let words = |replaced: &str, own: Option<&String>| {
            own.map_or_else(|| show_placeholders(replaced), Clone::clone)
        };
        let files = files.iter().filter_map(|(replaced, original)| {
            let own = original.and_then(|finding| finding.file.as_ref());
            Some(words(replaced.as_deref()?, own))
        });
        Danger {
            flag: *flag,
            what: words(what, original.map(|finding| &finding.what)),
            live: live
                .as_ref()
                .map(|live| words(live, original.and_then(|finding| finding.live.as_ref()))),
            clusters: named.map(|cluster| cluster.name.to_owned()).collect(),
            files: files.collect(),
            acknowledged: None,
        }
    });
    dangers.collect()
}
