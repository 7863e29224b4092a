//! The same change in many clusters, told once. Pure.
//!
//! 1. What differs at one place of one file is a *slot*; clusters that change
//!    it alike are one of its *variants*. A cluster's own values are
//!    placeholders by then.
//! 2. Slots at the same place of several files become one *part*, if most
//!    clusters change them alike.
//! 3. Parts whose variants have the same clusters become one *group*.
//!
//! The result doesn't depend on the order of the clusters, but for names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::danger::DangerFinding;
use super::files::FileComparison;
use super::finding::Finding;
use super::known::{KnownValues, show_placeholders};
use super::preview::{Detail, Group, Part, PartFile, Variant};

/// What differs in a cluster that both sides have.
#[derive(Debug)]
pub(super) struct ChangedCluster {
    /// Its name.
    pub(super) name: String,
    /// Its own values.
    pub(super) known: KnownValues,
    /// Its files that differ.
    pub(super) files: Vec<FileComparison>,
    /// What in it is dangerous.
    pub(super) dangers: Vec<DangerFinding>,
}

/// A place, with placeholders: the file, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    path: String,
}

/// What differs at a place.
#[derive(Debug, Default)]
struct Slot {
    object: Option<String>,
    /// What changes, as JSON with placeholders, and the clusters that it changes in.
    variants: BTreeMap<String, ClusterSet>,
}

/// Numbers of clusters, in the order of their names.
type ClusterSet = BTreeSet<usize>;

/// What differs at a place of one or more files.
#[derive(Debug)]
struct Bundle {
    path: String,
    files: Vec<PartFile>,
    /// That of most clusters first.
    variants: Vec<(String, ClusterSet)>,
}

/// Groups what differs in these clusters, which are sorted by name.
pub(super) fn group(clusters: &[ChangedCluster]) -> Vec<Group> {
    let bundles = merge_files(find_slots(clusters));
    let mut groups: BTreeMap<Vec<ClusterSet>, Vec<Bundle>> = BTreeMap::new();
    for bundle in bundles {
        let sets = bundle.variants.iter().map(|(_, clusters)| clusters.clone());
        groups.entry(sets.collect()).or_default().push(bundle);
    }
    let mut groups: Vec<Group> = groups
        .into_iter()
        .map(|(sets, bundles)| show_group(clusters, &sets, bundles))
        .collect();
    groups.sort_by_cached_key(|group| {
        let first = group.parts.first();
        let place = first.map(|part| (part.files.first().cloned(), part.path.clone()));
        (group.comments_only, Reverse(group.clusters.len()), place)
    });
    groups
}

fn find_slots(clusters: &[ChangedCluster]) -> BTreeMap<Place, Slot> {
    let mut slots: BTreeMap<Place, Slot> = BTreeMap::new();
    for (number, cluster) in clusters.iter().enumerate() {
        let replace = |text: &str| cluster.known.replace_in(text);
        for file in &cluster.files {
            let path = replace(&file.path);
            let object = file.object.as_deref().map(replace);
            for finding in &file.findings {
                let place = Place {
                    file: path.clone(),
                    path: replace(&finding.path),
                };
                let slot = slots.entry(place).or_default();
                slot.object.clone_from(&object);
                let text = replace(&as_text(&finding.detail));
                slot.variants.entry(text).or_default().insert(number);
            }
        }
    }
    slots
}

/// A detail as JSON. It has no map whose keys are no texts, so this can't fail.
fn as_text(detail: &Detail) -> String {
    serde_json::to_string(detail).unwrap_or_default()
}

/// Puts slots at the same place of several files together, where the clusters
/// of one are all among those of another that most clusters change alike.
fn merge_files(slots: BTreeMap<Place, Slot>) -> Vec<Bundle> {
    let mut by_change: BTreeMap<(String, String), Vec<Bundle>> = BTreeMap::new();
    for (place, slot) in slots {
        let bundle = Bundle::of(place, slot);
        let main = bundle.variants.first().map(|(text, _)| text.clone());
        let key = (bundle.path.clone(), main.unwrap_or_default());
        by_change.entry(key).or_default().push(bundle);
    }
    by_change.into_values().flat_map(merge_alike).collect()
}

fn merge_alike(mut alike: Vec<Bundle>) -> Vec<Bundle> {
    alike.sort_by_cached_key(|bundle| (Reverse(bundle.clusters().len()), bundle.files.clone()));
    let mut merged: Vec<Bundle> = Vec::new();
    for bundle in alike {
        // Whole files stay apart: their paths are what is told.
        let place = merged
            .iter_mut()
            .find(|first| !bundle.path.is_empty() && bundle.is_within(first));
        match place {
            Some(first) => first.files.extend(bundle.files),
            None => merged.push(bundle),
        }
    }
    merged
}

impl Bundle {
    fn of(place: Place, slot: Slot) -> Self {
        let mut variants: Vec<_> = slot.variants.into_iter().collect();
        variants.sort_by_cached_key(|(text, clusters)| (Reverse(clusters.len()), text.clone()));
        let mut bundle = Self {
            path: place.path,
            files: Vec::new(),
            variants,
        };
        bundle.files.push(PartFile {
            path: place.file,
            object: slot.object,
            clusters: bundle.clusters().len(),
        });
        bundle
    }

    fn clusters(&self) -> ClusterSet {
        let sets = self.variants.iter().flat_map(|(_, clusters)| clusters);
        sets.copied().collect()
    }

    /// Whether each of its variants is one of the other's, in some of its clusters.
    fn is_within(&self, other: &Self) -> bool {
        self.variants.iter().all(|(text, clusters)| {
            let same = other.variants.iter().find(|(other, _)| other == text);
            same.is_some_and(|(_, others)| clusters.is_subset(others))
        })
    }
}

fn show_group(clusters: &[ChangedCluster], sets: &[ClusterSet], mut bundles: Vec<Bundle>) -> Group {
    bundles.sort_by(|a, b| (&a.files, &a.path).cmp(&(&b.files, &b.path)));
    let all: ClusterSet = sets.iter().flatten().copied().collect();
    let parts: Vec<Part> = bundles
        .into_iter()
        .map(|bundle| show_part(clusters, &bundle))
        .collect();
    let details = parts.iter().flat_map(|part| &part.variants);
    Group {
        clusters: names(clusters, &all),
        comments_only: details.clone().all(|variant| variant.detail.is_comment()),
        parts,
    }
}

fn names(clusters: &[ChangedCluster], numbers: &ClusterSet) -> Vec<String> {
    let known = numbers.iter().filter_map(|number| clusters.get(*number));
    known.map(|cluster| cluster.name.clone()).collect()
}

/// A part of several clusters has placeholders; of one, what that one has.
fn show_part(clusters: &[ChangedCluster], bundle: &Bundle) -> Part {
    let all = bundle.clusters();
    let own = only(&all).and_then(|number| clusters.get(number));
    let variants = bundle.variants.iter().map(|(text, numbers)| Variant {
        clusters: names(clusters, numbers),
        detail: show_detail(clusters, bundle, text, numbers),
    });
    let variants = variants.collect();
    let files = bundle.files.iter().map(|file| match own {
        Some(cluster) => own_file(cluster, file),
        None => PartFile {
            path: show_placeholders(&file.path),
            object: file.object.as_deref().map(show_placeholders),
            clusters: file.clusters,
        },
    });
    let path = own.and_then(|cluster| Some(own_finding(cluster, bundle)?.path.clone()));
    Part {
        files: files.collect(),
        path: path.unwrap_or_else(|| show_placeholders(&bundle.path)),
        variants,
    }
}

fn show_detail(
    clusters: &[ChangedCluster],
    bundle: &Bundle,
    text: &str,
    numbers: &ClusterSet,
) -> Detail {
    let own = only(numbers).and_then(|number| own_finding(clusters.get(number)?, bundle));
    if let Some(finding) = own {
        return finding.detail.clone();
    }
    // It was written by `as_text`; placeholders are within its texts.
    serde_json::from_str(&show_placeholders(text)).unwrap_or(Detail::Opaque {
        old_bytes: 0,
        new_bytes: 0,
    })
}

fn only(numbers: &ClusterSet) -> Option<usize> {
    numbers.first().copied().filter(|_| numbers.len() == 1)
}

fn own_comparison<'c>(cluster: &'c ChangedCluster, path: &str) -> Option<&'c FileComparison> {
    let is_it = |file: &&FileComparison| cluster.known.replace_in(&file.path) == path;
    cluster.files.iter().find(is_it)
}

fn own_file(cluster: &ChangedCluster, file: &PartFile) -> PartFile {
    let own = own_comparison(cluster, &file.path);
    PartFile {
        path: own.map_or_else(|| show_placeholders(&file.path), |own| own.path.clone()),
        object: own.and_then(|own| own.object.clone()),
        clusters: file.clusters,
    }
}

fn own_finding<'c>(cluster: &'c ChangedCluster, bundle: &Bundle) -> Option<&'c Finding> {
    let is_it = |finding: &&Finding| cluster.known.replace_in(&finding.path) == bundle.path;
    let files = bundle.files.iter();
    let mut own = files.filter_map(|file| own_comparison(cluster, &file.path));
    own.find_map(|file| file.findings.iter().find(is_it))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn finding(path: &str, old: &str, new: &str) -> Finding {
        Finding {
            path: path.to_owned(),
            detail: Detail::Changed {
                old: json!(old),
                new: json!(new),
            },
        }
    }

    fn cluster(name: &str, files: &[(&str, Finding)]) -> ChangedCluster {
        let files = files.iter().map(|(path, finding)| FileComparison {
            path: (*path).to_owned(),
            object: None,
            findings: vec![finding.clone()],
        });
        ChangedCluster {
            name: name.to_owned(),
            known: KnownValues::default(),
            files: files.collect(),
            dangers: Vec::new(),
        }
    }

    fn bump(name: &str, old: &str) -> ChangedCluster {
        let image = finding("image", old, "2");
        let files = [("apps.yaml", image.clone()), ("nodes.yaml", image)];
        cluster(name, &files)
    }

    #[test]
    fn one_change_in_many_clusters_and_files_is_one_group() {
        let clusters: Vec<_> = (0..50).map(|n| bump(&format!("c{n:02}"), "1")).collect();
        let groups = group(&clusters);
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].clusters.len(), groups[0].parts.len()), (50, 1));
        assert_eq!(groups[0].parts[0].files.len(), 2);
    }

    #[test]
    fn an_outlier_stands_beside_its_group() {
        let mut clusters: Vec<_> = (0..9).map(|n| bump(&format!("c{n}"), "1")).collect();
        clusters.push(bump("odd", "0"));
        let groups = group(&clusters);
        assert_eq!(groups.len(), 1);
        let variants = &groups[0].parts[0].variants;
        assert_eq!(variants[0].clusters.len(), 9);
        assert_eq!(variants[1].clusters, ["odd"]);
        assert_eq!(variants[1].detail, finding("image", "0", "2").detail);
    }

    #[test]
    fn clusters_that_lack_a_file_are_no_group_of_their_own() {
        let mut clusters: Vec<_> = (0..9).map(|n| bump(&format!("c{n}"), "1")).collect();
        clusters.push(cluster(
            "less",
            &[("apps.yaml", finding("image", "1", "2"))],
        ));
        let groups = group(&clusters);
        assert_eq!(groups.len(), 1);
        let counts: Vec<usize> = groups[0].parts[0]
            .files
            .iter()
            .map(|f| f.clusters)
            .collect();
        assert_eq!(counts, [10, 9]);
    }

    #[test]
    fn what_only_others_have_is_another_group() {
        let clusters = [
            cluster("a", &[("x", finding("image", "1", "2"))]),
            cluster("b", &[("y", finding("replicas", "1", "2"))]),
        ];
        assert_eq!(group(&clusters).len(), 2);
    }

    proptest! {
        /// Each change of each cluster is told exactly once.
        #[test]
        fn tells_every_change_once(changes in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_usize), 1..12)) {
            let clusters: Vec<_> = changes.iter().enumerate().map(|(number, (file, path, new))| {
                let change = finding(&format!("p{path}"), "old", &format!("n{new}"));
                cluster(&format!("c{number:02}"), &[(["x", "y", "z"][*file], change)])
            }).collect();
            let groups = group(&clusters);
            let mut told: Vec<String> = groups.iter().flat_map(|g| &g.parts).flat_map(|p| &p.variants).flat_map(|v| v.clusters.clone()).collect();
            told.sort();
            let names: Vec<String> = clusters.iter().map(|c| c.name.clone()).collect();
            prop_assert_eq!(told, names);
        }

        /// Names decide the order, not the place in the list.
        #[test]
        fn grouping_is_independent_of_order(olds in prop::collection::vec(0..3_usize, 2..8), rotate in 0..8_usize) {
            let make = |number: usize, old: usize| bump(&format!("c{number}"), &old.to_string());
            let in_order: Vec<_> = olds.iter().enumerate().map(|(n, old)| make(n, *old)).collect();
            let mut rotated: Vec<_> = olds.iter().enumerate().map(|(n, old)| make(n, *old)).collect();
            rotated.rotate_left(rotate % olds.len());
            let sets = |groups: Vec<Group>| -> BTreeSet<(BTreeSet<String>, String)> {
                groups.iter().flat_map(|g| &g.parts).flat_map(|p| &p.variants)
                    .map(|v| (v.clusters.iter().cloned().collect(), format!("{:?}", v.detail))).collect()
            };
            prop_assert_eq!(sets(group(&in_order)), sets(group(&rotated)));
        }
    }
}
