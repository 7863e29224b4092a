//! The same risk in many files and clusters, reported once. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Flag, RiskFinding};
use crate::diff::placeholders::{Placeholders, show_placeholders};
use crate::diff::preview::Risk;

/// What was found in one cluster.
#[derive(Debug)]
pub(in crate::diff) struct ClusterFindings<'a> {
    /// Its name.
    pub(in crate::diff) name: &'a str,
    /// Its own values.
    pub(in crate::diff) known: &'a Placeholders,
    /// What was found.
    pub(in crate::diff) findings: &'a [RiskFinding],
}

type Words = (Flag, String, Option<String>);
/// Each file, and the clusters that have the risk in it.
type Files<'a> = BTreeMap<Option<String>, BTreeMap<usize, &'a RiskFinding>>;

/// Gathers what was found in these clusters, which are sorted by name. In a
/// risk of several clusters a placeholder stands for what each has of its own.
pub(in crate::diff) fn gather(clusters: &[ClusterFindings<'_>]) -> Vec<Risk> {
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
    let mut risks: Vec<Risk> = by_words
        .into_iter()
        .flat_map(|(words, files)| split_by_clusters(clusters, &words, files))
        .collect();
    risks.sort_by(|a, b| {
        let key = |risk: &Risk| (risk.flag, Reverse(risk.clusters.len()));
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.what, &a.files, &a.clusters).cmp(&(&b.what, &b.files, &b.clusters)))
    });
    risks
}

/// A file, and one cluster's finding in it.
type Originals<'a> = Vec<(Option<String>, &'a RiskFinding)>;

/// One risk for all files whose clusters are all among those of another
/// file. What only one cluster has needs no placeholder.
fn split_by_clusters(
    clusters: &[ClusterFindings<'_>],
    (flag, what, live): &Words,
    files: Files<'_>,
) -> Vec<Risk> {
    let risks = merge_subsets(files).into_iter().map(|(numbers, files)| {
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
        Risk {
            flag: *flag,
            what: words(what, own.map(|finding| &finding.what)),
            live: live.map(|live| words(live, own.and_then(|finding| finding.live.as_ref()))),
            clusters: named.map(|cluster| cluster.name.to_owned()).collect(),
            files,
            acknowledged: None,
        }
    });
    risks.collect()
}

/// The files by the clusters that have them, those of few clusters with those
/// of more that have these among them.
fn merge_subsets(files: Files<'_>) -> Vec<(BTreeSet<usize>, Originals<'_>)> {
    let mut by_size: Vec<(BTreeSet<usize>, Option<String>, &RiskFinding)> = files
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

    fn finding(file: &str) -> RiskFinding {
        RiskFinding {
            flag: Flag::TlsWeakens,
            what: "it weakens".to_owned(),
            live: None,
            file: Some(file.to_owned()),
            removed: None,
        }
    }

    /// Each cluster's name and its files that have the same risk.
    fn gathered(clusters: &[(&str, &[&str])]) -> Vec<(Vec<String>, Vec<String>)> {
        let known = Placeholders::default();
        let found: Vec<Vec<RiskFinding>> = clusters
            .iter()
            .map(|(_, files)| files.iter().map(|file| finding(file)).collect())
            .collect();
        let clusters = clusters.iter().zip(&found);
        let clusters: Vec<ClusterFindings<'_>> = clusters
            .map(|((name, _), findings)| ClusterFindings {
                name,
                known: &known,
                findings,
            })
            .collect();
        let risks = gather(&clusters).into_iter();
        risks.map(|risk| (risk.clusters, risk.files)).collect()
    }

    #[test]
    fn a_file_that_some_clusters_lack_is_no_risk_of_its_own() {
        let risks = gathered(&[("a", &["x", "y"]), ("b", &["x"]), ("c", &["x"])]);
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(risks, [(names(&["a", "b", "c"]), names(&["x", "y"]))]);
    }

    #[test]
    fn files_of_other_clusters_stay_apart() {
        let risks = gathered(&[("a", &["x"]), ("b", &["y"])]);
        assert_eq!(risks.len(), 2);
    }
}
