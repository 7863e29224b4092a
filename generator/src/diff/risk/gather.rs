//! The same risk in many files and clusters, reported once. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Flag, RiskFinding};
use crate::diff::placeholders::{Placeholders, show_placeholders};
use crate::diff::preview::{FactKey, Risk};

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

/// Files, each with the clusters' findings in it.
type Originals<'a> = Vec<(Option<String>, BTreeMap<usize, &'a RiskFinding>)>;

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
            .and_then(|(_, found)| found.values().next().copied())
            .filter(|_| is_one);
        let difference = common_difference(clusters, &files, is_one);
        let words = |replaced: &str, own: Option<&String>| {
            own.map_or_else(|| show_placeholders(replaced), Clone::clone)
        };
        let files = files.iter().filter_map(|(replaced, found)| {
            let own = found.values().next().filter(|_| is_one);
            let own = own.and_then(|finding| finding.file.as_ref());
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
            key: difference.as_ref().map(|common| common.key.clone()),
            before: difference.as_ref().and_then(|common| common.before.clone()),
            after: difference.and_then(|common| common.after),
        }
    });
    risks.collect()
}

/// What all findings have in common of what differs, with placeholders unless
/// they are of one cluster; nothing if not all say it of one kind of property.
fn common_difference(
    clusters: &[ClusterFindings<'_>],
    files: &Originals<'_>,
    is_one: bool,
) -> Option<Difference> {
    let found = files.iter().flat_map(|(_, found)| found);
    let differences = found.map(|(number, finding)| {
        let known = clusters.get(*number).map(|cluster| cluster.known);
        let said = |text: &String| match known.filter(|_| !is_one) {
            Some(known) => show_placeholders(&known.replace_in(text)),
            None => text.clone(),
        };
        let Difference { key, before, after } = finding.difference.as_deref()?;
        let key = FactKey {
            object: key.object.as_ref().map(said),
            ..key.clone()
        };
        Some(Difference {
            key,
            before: before.as_ref().map(said),
            after: after.as_ref().map(said),
        })
    });
    let differences: Option<Vec<Difference>> = differences.collect();
    let mut differences = differences?.into_iter();
    let mut common = differences.next()?;
    for other in differences {
        if (&other.key.kind, &other.key.aspect) != (&common.key.kind, &common.key.aspect) {
            return None;
        }
        common.keep_common(&other);
    }
    Some(common)
}

/// The files by the clusters that have them, those of few clusters with those
/// of more that have these among them.
fn merge_subsets(files: Files<'_>) -> Vec<(BTreeSet<usize>, Originals<'_>)> {
    let by_clusters = files.into_iter().map(|(file, found)| {
        let numbers: BTreeSet<usize> = found.keys().copied().collect();
        (numbers, file, found)
    });
    let mut by_size: Vec<_> = by_clusters.collect();
    by_size.sort_by_key(|(numbers, ..)| Reverse(numbers.len()));
    let mut merged: Vec<(BTreeSet<usize>, Originals<'_>)> = Vec::new();
    for (numbers, file, found) in by_size {
        match merged.iter_mut().find(|(more, _)| numbers.is_subset(more)) {
            Some((_, files)) => files.push((file, found)),
            None => merged.push((numbers, vec![(file, found)])),
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
            difference: None,
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
