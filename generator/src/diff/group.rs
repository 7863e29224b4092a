//! The same change in many clusters, reported once. Pure.
//!
//! 1. What differs at one place of one file is a *slot*; clusters that change
//!    it alike are one of its *variants*. A cluster's own values are
//!    placeholders by then. Lines that stay are no part of a change, and what
//!    isn't shown of it is.
//! 2. Slots at the same place of several files become one *part*, if most
//!    clusters change them alike.
//! 3. Parts whose variants have the same clusters become one *group*.
//!
//! The result doesn't depend on the order of the clusters, but for names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::compare::files::FileComparison;
use super::compare::finding::{Finding, Fingerprint};
use super::compare::text;
use super::placeholders::{Placeholders, show_placeholders};
use super::preview::{Detail, Group, Part, PartFile, Variant};
use super::risk::RiskFinding;

/// What differs in a cluster that both sides have.
#[derive(Debug)]
pub(super) struct ChangedCluster {
    /// Its name.
    pub(super) name: String,
    /// Its own values.
    pub(super) known: Placeholders,
    /// Its files that differ.
    pub(super) files: Vec<FileComparison>,
    /// What in it is risky.
    pub(super) risks: Vec<RiskFinding>,
}

/// A place, with placeholders: the file, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    path: String,
    /// A renamed file that has other changes as a whole, too.
    is_rename: bool,
    /// Of several differences that one cluster has there, which.
    number: usize,
}

/// What differs at a place.
#[derive(Debug)]
struct Slot<'c> {
    /// Where the first cluster has it.
    own_file: &'c FileComparison,
    object: Option<String>,
    variants: BTreeMap<Change, Seen<'c>>,
}

/// What tells changes from each other: the detail without lines that stay, as
/// JSON with placeholders, and what isn't shown of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    text: String,
    fingerprint: Option<Fingerprint>,
}

/// The clusters that change something alike.
#[derive(Clone, Debug)]
struct Seen<'c> {
    /// As the first of them has it.
    own: &'c Finding,
    /// As it is shown for all, with placeholders; none if lines that stay
    /// differ, and so aren't shown.
    shown: Option<String>,
    clusters: ClusterSet,
}

/// Numbers of clusters, in the order of their names.
type ClusterSet = BTreeSet<usize>;

/// What differs at a place of one or more files.
#[derive(Debug)]
struct Bundle<'c> {
    path: String,
    files: Vec<BundleFile<'c>>,
    /// That of most clusters first.
    variants: Vec<(Change, Seen<'c>)>,
}

#[derive(Clone, Debug)]
struct BundleFile<'c> {
    path: String,
    object: Option<String>,
    own: &'c FileComparison,
    clusters: ClusterSet,
}

/// Groups what differs in these clusters, which are sorted by name.
pub(super) fn group(clusters: &[ChangedCluster]) -> Vec<Group> {
    let bundles = merge_files(find_slots(clusters));
    let mut groups: BTreeMap<Vec<ClusterSet>, Vec<Bundle<'_>>> = BTreeMap::new();
    for bundle in bundles {
        let sets = bundle
            .variants
            .iter()
            .map(|(_, seen)| seen.clusters.clone());
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

fn find_slots(clusters: &[ChangedCluster]) -> BTreeMap<Place, Slot<'_>> {
    let mut slots: BTreeMap<Place, Slot<'_>> = BTreeMap::new();
    for (number, cluster) in clusters.iter().enumerate() {
        let replace = |text: &str| cluster.known.replace_in(text);
        for file in &cluster.files {
            let mut places: BTreeMap<Place, usize> = BTreeMap::new();
            let path = replace(&file.path);
            for finding in &file.findings {
                let mut place = Place {
                    file: path.clone(),
                    path: replace(&finding.path),
                    is_rename: matches!(finding.detail, Detail::FileRenamed { .. }),
                    number: 0,
                };
                let before = places.entry(place.clone()).or_default();
                place.number = *before;
                *before += 1;
                let slot = slots.entry(place).or_insert_with(|| Slot {
                    own_file: file,
                    object: file.object.as_deref().map(replace),
                    variants: BTreeMap::new(),
                });
                slot.add(number, cluster, finding);
            }
        }
    }
    slots
}

impl<'c> Slot<'c> {
    fn add(&mut self, number: usize, cluster: &'c ChangedCluster, finding: &'c Finding) {
        let detail = with_placeholders(&finding.detail, &cluster.known);
        let shown = as_text(&detail);
        let change = Change {
            text: detail
                .without_context()
                .as_ref()
                .map_or_else(|| shown.clone(), as_text),
            fingerprint: finding.fingerprint,
        };
        let seen = self.variants.entry(change).or_insert_with(|| Seen {
            own: finding,
            shown: Some(shown.clone()),
            clusters: ClusterSet::new(),
        });
        if seen.shown.as_ref() != Some(&shown) {
            seen.shown = None;
        }
        seen.clusters.insert(number);
    }
}

/// A detail with placeholders in its texts. Where these would hide what
/// differs, as between two spellings of a name, it stays as it is.
fn with_placeholders(detail: &Detail, known: &Placeholders) -> Detail {
    let replaced = detail.map_texts(&|text| known.replace_in(text));
    if replaced.tells_a_difference() || !detail.tells_a_difference() {
        replaced
    } else {
        detail.clone()
    }
}

/// A detail as JSON. It has no map whose keys are no texts, so this can't fail.
fn as_text(detail: &Detail) -> String {
    serde_json::to_string(detail).unwrap_or_default()
}

/// What [`as_text`] wrote, with words for its placeholders.
fn from_text(text: &str) -> Detail {
    serde_json::from_str(&show_placeholders(text)).unwrap_or(Detail::Opaque {
        old_bytes: 0,
        new_bytes: 0,
    })
}

/// Puts slots at the same place of several files together, where the clusters
/// of one are all among those of another that most clusters change alike.
fn merge_files(slots: BTreeMap<Place, Slot<'_>>) -> Vec<Bundle<'_>> {
    let mut by_change: BTreeMap<(String, Option<Change>), Vec<Bundle<'_>>> = BTreeMap::new();
    for (place, slot) in slots {
        let bundle = Bundle::of(place, slot);
        let main = bundle.variants.first().map(|(change, _)| change.clone());
        by_change
            .entry((bundle.path.clone(), main))
            .or_default()
            .push(bundle);
    }
    by_change.into_values().flat_map(merge_alike).collect()
}

fn merge_alike(mut alike: Vec<Bundle<'_>>) -> Vec<Bundle<'_>> {
    alike.sort_by_cached_key(|bundle| (Reverse(bundle.clusters().len()), bundle.first_path()));
    let mut merged: Vec<Bundle<'_>> = Vec::new();
    for bundle in alike {
        // Whole files stay apart: their paths are what is reported.
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

impl<'c> Bundle<'c> {
    fn of(place: Place, slot: Slot<'c>) -> Self {
        let mut variants: Vec<_> = slot.variants.into_iter().collect();
        variants.sort_by(|(change, seen), (other, other_seen)| {
            let by_clusters = other_seen.clusters.len().cmp(&seen.clusters.len());
            by_clusters.then_with(|| change.cmp(other))
        });
        let mut bundle = Self {
            path: place.path,
            files: Vec::new(),
            variants,
        };
        bundle.files.push(BundleFile {
            path: place.file,
            object: slot.object,
            own: slot.own_file,
            clusters: bundle.clusters(),
        });
        bundle
    }

    fn clusters(&self) -> ClusterSet {
        let sets = self.variants.iter().flat_map(|(_, seen)| &seen.clusters);
        sets.copied().collect()
    }

    fn first_path(&self) -> Option<String> {
        self.files.first().map(|file| file.path.clone())
    }

    /// Whether each of its variants is one of the other's, in some of its clusters.
    fn is_within(&self, other: &Self) -> bool {
        self.variants.iter().all(|(change, seen)| {
            let same = other.variants.iter().find(|(other, _)| other == change);
            same.is_some_and(|(_, others)| seen.clusters.is_subset(&others.clusters))
        })
    }
}

fn show_group(
    clusters: &[ChangedCluster],
    sets: &[ClusterSet],
    mut bundles: Vec<Bundle<'_>>,
) -> Group {
    bundles.sort_by(|a, b| {
        let keys = |bundle: &Bundle<'_>| -> Vec<_> {
            let keys = bundle
                .files
                .iter()
                .map(|file| (file.path.clone(), file.object.clone()));
            keys.collect()
        };
        (keys(a), &a.path).cmp(&(keys(b), &b.path))
    });
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
fn show_part(clusters: &[ChangedCluster], bundle: &Bundle<'_>) -> Part {
    let all = bundle.clusters();
    let is_one = all.len() == 1;
    let mut variants: Vec<Variant> = bundle
        .variants
        .iter()
        .map(|(change, seen)| Variant {
            clusters: names(clusters, &seen.clusters),
            detail: seen.show(change),
        })
        .collect();
    tell_outliers(&mut variants);
    let files = bundle.files.iter().map(|file| {
        let (path, object) = if is_one {
            (&file.own.path, file.own.object.as_ref())
        } else {
            (&file.path, file.object.as_ref())
        };
        let only_in = (file.clusters.len() < all.len()).then(|| names(clusters, &file.clusters));
        PartFile {
            path: show_placeholders(path),
            object: object.map(|object| show_placeholders(object)),
            clusters: file.clusters.len(),
            only_in: only_in.unwrap_or_default(),
        }
    });
    let own = bundle.variants.first().filter(|_| is_one);
    Part {
        files: files.collect(),
        path: show_placeholders(own.map_or(&bundle.path, |(_, seen)| &seen.own.path)),
        variants,
    }
}

impl Seen<'_> {
    fn show(&self, change: &Change) -> Detail {
        if self.clusters.len() == 1 {
            // A renamed cluster is compared with placeholders for its names.
            return self.own.detail.map_texts(&show_placeholders);
        }
        from_text(self.shown.as_ref().unwrap_or(&change.text))
    }
}

/// Of new files that are otherwise in some clusters, what these have otherwise.
fn tell_outliers(variants: &mut [Variant]) {
    let Some((usual, others)) = variants.split_first_mut() else {
        return;
    };
    let Detail::FileAdded { lines: usual, .. } = &usual.detail else {
        return;
    };
    for other in others {
        if let Detail::FileAdded { lines, omitted } = &other.detail {
            other.detail = Detail::FileAddedOtherwise {
                lines: text::compare_shown(usual, lines),
                omitted: *omitted,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::diff::preview::{Line, Sign};

    fn finding(path: &str, old: &str, new: &str) -> Finding {
        Finding {
            path: path.to_owned(),
            detail: Detail::Changed {
                old: json!(old),
                new: json!(new),
            },
            fingerprint: None,
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
            known: Placeholders::default(),
            files: files.collect(),
            risks: Vec::new(),
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

    fn known(values: &[(&str, char)]) -> Placeholders {
        Placeholders::of_pairs(values)
    }

    fn lines(texts: &[(Sign, &str)]) -> Detail {
        let lines = texts.iter().map(|(sign, text)| Line {
            sign: *sign,
            text: (*text).to_owned(),
        });
        Detail::Lines {
            lines: lines.collect(),
            omitted: 0,
        }
    }

    fn with_details(name: &str, details: &[Detail]) -> ChangedCluster {
        let mut changed = cluster(name, &[("x", finding("a", "1", "2"))]);
        let findings = details.iter().map(|detail| Finding {
            path: String::new(),
            detail: detail.clone(),
            fingerprint: None,
        });
        changed.files[0].findings = findings.collect();
        changed
    }

    fn variants(groups: &[Group]) -> Vec<(Vec<String>, Detail)> {
        let variants = groups
            .iter()
            .flat_map(|group| &group.parts)
            .flat_map(|part| &part.variants);
        variants
            .map(|variant| (variant.clusters.clone(), variant.detail.clone()))
            .collect()
    }

    #[test]
    fn what_is_shown_alike_and_differs_is_not_one_change() {
        let opaque = |name: &str, fingerprint: u8| {
            let detail = Detail::Opaque {
                old_bytes: 1,
                new_bytes: 1,
            };
            let mut changed = with_details(name, &[detail]);
            changed.files[0].findings[0].fingerprint = Some([fingerprint; 32]);
            changed
        };
        let groups = group(&[opaque("a", 1), opaque("b", 2), opaque("c", 1)]);
        let clusters: Vec<_> = variants(&groups)
            .into_iter()
            .map(|(clusters, _)| clusters)
            .collect();
        assert_eq!(clusters, [vec!["a", "c"], vec!["b"]]);
    }

    #[test]
    fn lines_that_stay_are_no_part_of_a_change() {
        let one = |context| lines(&[(Sign::Context, context), (Sign::Added, "new")]);
        let clusters = [
            with_details("a", &[one("x")]),
            with_details("b", &[one("y")]),
        ];
        let reported = variants(&group(&clusters));
        assert_eq!(reported.len(), 1);
        assert_eq!(reported[0].1, lines(&[(Sign::Added, "new")]));
    }

    #[test]
    fn each_of_several_changes_at_a_place_is_reported() {
        let renamed = Detail::FileRenamed {
            from: "y".to_owned(),
        };
        let details = [renamed, lines(&[(Sign::Added, "new")])];
        for names in [&["a"][..], &["a", "b"]] {
            let clusters: Vec<_> = names
                .iter()
                .map(|name| with_details(name, &details))
                .collect();
            let reported: Vec<Detail> = variants(&group(&clusters))
                .into_iter()
                .map(|(_, detail)| detail)
                .collect();
            assert_eq!(reported.len(), 2, "{reported:?}");
            assert!(
                details.iter().all(|detail| reported.contains(detail)),
                "{reported:?}"
            );
        }
    }

    #[test]
    fn own_values_are_placeholders_in_texts_alone() {
        let change = |name: &str, account: u64, own: &[(&str, char)]| {
            let detail = Detail::Changed {
                old: json!(1),
                new: json!(account),
            };
            let mut changed = with_details(name, &[detail]);
            changed.known = known(own);
            changed
        };
        // Such as a cluster or an environment called like a key of the document.
        let groups = group(&[
            change("new", 123, &[("123", '\u{f0001}'), ("new", '\u{f0000}')]),
            change(
                "kind",
                456,
                &[
                    ("456", '\u{f0001}'),
                    ("kind", '\u{f0000}'),
                    ("old", '\u{f0003}'),
                ],
            ),
        ]);
        let reported = variants(&groups);
        assert_eq!(reported.len(), 1);
        assert_eq!(
            reported[0].1,
            Detail::Changed {
                old: json!(1),
                new: json!("{account}")
            }
        );
    }

    #[test]
    fn placeholders_never_hide_what_differs() {
        let detail = Detail::Changed {
            old: json!("a.b"),
            new: json!("a_b"),
        };
        let mut changed = with_details("a.b", std::slice::from_ref(&detail));
        changed.known = known(&[("a.b", '\u{f0000}'), ("a_b", '\u{f0000}')]);
        let mut other = with_details(
            "c",
            &[Detail::Changed {
                old: json!("c"),
                new: json!("c2"),
            }],
        );
        other.known = known(&[("c", '\u{f0000}')]);
        let reported: Vec<Detail> = variants(&group(&[changed, other]))
            .into_iter()
            .map(|(_, detail)| detail)
            .collect();
        assert!(reported.contains(&detail), "{reported:?}");
    }

    #[test]
    fn outliers_of_a_new_file_are_reported_by_what_they_have_otherwise() {
        let file = |word: &str| Detail::FileAdded {
            lines: ["a", "b", "c", "d", word]
                .map(|text| Line {
                    sign: Sign::Added,
                    text: text.to_owned(),
                })
                .into(),
            omitted: 0,
        };
        let mut clusters: Vec<_> = ["a", "b"]
            .map(|name| with_details(name, &[file("1")]))
            .into();
        clusters.push(with_details("odd", &[file("2")]));
        let reported = variants(&group(&clusters));
        let Detail::FileAddedOtherwise { lines, .. } = &reported[1].1 else {
            panic!("{reported:?}");
        };
        let changed: Vec<&str> = lines
            .iter()
            .filter(|line| line.sign != Sign::Context)
            .map(|line| line.text.as_str())
            .collect();
        assert_eq!(changed, ["1", "2"]);
    }

    #[test]
    fn a_file_that_some_clusters_lack_says_which_have_it() {
        let mut clusters: Vec<_> = (0..3).map(|n| bump(&format!("c{n}"), "1")).collect();
        clusters[1].files.truncate(1);
        let groups = group(&clusters);
        let only: Vec<&[String]> = groups[0].parts[0]
            .files
            .iter()
            .map(|file| file.only_in.as_slice())
            .collect();
        assert_eq!(only, [&[][..], &["c0".to_owned(), "c2".to_owned()]]);
    }

    proptest! {
        /// Each change of each cluster is reported exactly once.
        #[test]
        fn tells_every_change_once(changes in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_usize), 1..12)) {
            let clusters: Vec<_> = changes.iter().enumerate().map(|(number, (file, path, new))| {
                let change = finding(&format!("p{path}"), "old", &format!("n{new}"));
                cluster(&format!("c{number:02}"), &[(["x", "y", "z"][*file], change)])
            }).collect();
            let groups = group(&clusters);
            let mut reported: Vec<String> = groups.iter().flat_map(|g| &g.parts).flat_map(|p| &p.variants).flat_map(|v| v.clusters.clone()).collect();
            reported.sort();
            let names: Vec<String> = clusters.iter().map(|c| c.name.clone()).collect();
            prop_assert_eq!(reported, names);
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
