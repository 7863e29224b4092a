//! Risks that somebody has said are meant. Pure.
//!
//! A word is given in a commit's message or in `clusters/<cluster>/acknowledge.yaml`,
//! and holds for one change only: an entry that the base has too says nothing
//! of what this change does.

use std::collections::{BTreeMap, BTreeSet};

use super::Flag;
use crate::diff::preview::{Acknowledgement, Risk};
use crate::diff::redact;
use crate::fault::{Fault, Faults, Place};
use crate::report::printable;

/// Characters of a reason that are shown.
const MAX_REASON: usize = 500;
/// Characters of a reason that are looked at.
const MAX_READ: usize = 20 * MAX_REASON;

/// Somebody's word that a kind of risk is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The kind.
    pub flag: Flag,
    /// The clusters it is said of; none for every cluster of the change.
    pub clusters: Option<BTreeSet<String>>,
    /// Who says it.
    pub by: Acknowledgement,
}

/// An entry that the base has too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierWord {
    /// The kind of risk.
    pub flag: Flag,
    /// The cluster in whose folder it stands.
    pub cluster: String,
    /// Where.
    pub place: Place,
}

/// All that is said of the risks of a change.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// What counts. Of several on one risk the first does.
    pub given: Vec<Word>,
    /// What was said of an earlier change, and counts no more.
    pub earlier: Vec<EarlierWord>,
    /// What can't be made out.
    pub faults: Faults,
}

/// A reason as it may be shown: on one line, no secret, no character that a
/// terminal would obey; nothing if it is blank.
pub(super) fn shown_reason(text: &str) -> Option<String> {
    let words: String = text.chars().take(MAX_READ).collect();
    let line = one_line(&words);
    let shown = redact::line(&printable(&line));
    let cut: String = shown.chars().take(MAX_REASON).collect();
    match (cut.is_empty(), cut.len() < shown.len()) {
        (true, _) => None,
        (_, true) => Some(cut + "…"),
        _ => Some(cut),
    }
}

/// A text without its line breaks and what else only lays it out.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Word {
    /// That of an entry in a cluster's file.
    pub fn of_entry(flag: Flag, cluster: &str, place: &Place, reason: &str) -> Self {
        Self {
            flag,
            clusters: Some(BTreeSet::from([cluster.to_owned()])),
            by: Acknowledgement {
                place: format!("{}:{}", place.file, place.line),
                reason: shown_reason(reason),
            },
        }
    }
}

/// What counts, to be looked up. What is said of a cluster by name goes before
/// what is said of all.
struct Given<'w> {
    named: BTreeMap<(Flag, &'w str), &'w Acknowledgement>,
    all: BTreeMap<Flag, &'w Acknowledgement>,
}

impl<'w> Given<'w> {
    fn new(words: &'w [Word]) -> Self {
        let mut given = Self {
            named: BTreeMap::new(),
            all: BTreeMap::new(),
        };
        for word in words {
            match &word.clusters {
                None => {
                    given.all.entry(word.flag).or_insert(&word.by);
                }
                Some(clusters) => {
                    for cluster in clusters {
                        let key = (word.flag, cluster.as_str());
                        given.named.entry(key).or_insert(&word.by);
                    }
                }
            }
        }
        given
    }

    fn of(&self, flag: Flag, cluster: &str) -> Option<&'w Acknowledgement> {
        let named = self.named.get(&(flag, cluster));
        named.or_else(|| self.all.get(&flag)).copied()
    }
}

/// Says of each risk who meant it; what nobody has meant comes first. One
/// that is meant in some of its clusters only, or for several reasons, becomes several.
pub(in crate::diff) fn acknowledge(risks: Vec<Risk>, words: &[Word]) -> Vec<Risk> {
    let given = Given::new(words);
    let (mut open, mut meant) = (Vec::new(), Vec::new());
    for risk in risks {
        let mut by_reason: BTreeMap<Option<&str>, (Vec<String>, BTreeSet<&str>)> = BTreeMap::new();
        let mut left = Vec::new();
        for cluster in &risk.clusters {
            let Some(by) = given.of(risk.flag, cluster) else {
                left.push(cluster.clone());
                continue;
            };
            let (clusters, places) = by_reason.entry(by.reason.as_deref()).or_default();
            clusters.push(cluster.clone());
            places.insert(&by.place);
        }
        let parts = by_reason.into_iter().map(|(reason, (clusters, places))| {
            let by = Acknowledgement {
                place: first_of(&places),
                reason: reason.map(str::to_owned),
            };
            part(&risk, clusters, Some(by))
        });
        meant.extend(parts);
        if !left.is_empty() {
            open.push(part(&risk, left, None));
        }
    }
    open.extend(meant);
    open
}

fn part(risk: &Risk, clusters: Vec<String>, by: Option<Acknowledgement>) -> Risk {
    Risk {
        clusters,
        acknowledged: by,
        ..risk.clone()
    }
}

fn first_of(places: &BTreeSet<&str>) -> String {
    let first = places.first().copied().unwrap_or_default();
    match places.len() {
        0 | 1 => first.to_owned(),
        many => format!("{first} and {} more", many - 1),
    }
}

/// Tells of entries of an earlier change where they would have counted.
pub(in crate::diff) fn tell_earlier(risks: &[Risk], earlier: &[EarlierWord]) -> Faults {
    let open = |flag: Flag, cluster: &str| {
        risks.iter().any(|risk| {
            risk.acknowledged.is_none()
                && risk.flag == flag
                && risk.clusters.iter().any(|name| name == cluster)
        })
    };
    let matching = earlier.iter().filter(|word| open(word.flag, &word.cluster));
    let faults = matching.map(|word| {
        Fault::input(format!(
            "this entry is of an earlier change: it doesn't acknowledge `{}` in this one",
            word.flag.id()
        ))
        .at(word.place.clone())
        .hint("change its reason if this one is meant too")
    });
    faults.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(clusters: &[&str]) -> Risk {
        Risk {
            flag: Flag::ClusterRemoved,
            what: "it goes".to_owned(),
            live: None,
            clusters: clusters.iter().map(ToString::to_string).collect(),
            files: Vec::new(),
            acknowledged: None,
            key: None,
            before: None,
            after: None,
        }
    }

    fn word(place: &str, clusters: Option<&[&str]>, reason: Option<&str>) -> Word {
        Word {
            flag: Flag::ClusterRemoved,
            clusters: clusters.map(|names| names.iter().map(ToString::to_string).collect()),
            by: Acknowledgement {
                place: place.to_owned(),
                reason: reason.map(str::to_owned),
            },
        }
    }

    /// Clusters, place and reason of each.
    fn reported(risks: &[Risk], words: &[Word]) -> Vec<String> {
        let done = acknowledge(risks.to_vec(), words);
        let lines = done.iter().map(|risk| {
            let clusters = risk.clusters.join(" ");
            match &risk.acknowledged {
                None => clusters,
                Some(by) => format!(
                    "{clusters} | {} | {}",
                    by.place,
                    by.reason.as_deref().unwrap_or("-")
                ),
            }
        });
        lines.collect()
    }

    #[test]
    fn without_a_word_all_stays() {
        let risks = [risk(&["a", "b"])];
        assert_eq!(acknowledge(risks.to_vec(), &[]), risks);
    }

    #[test]
    fn splits_what_is_meant_in_some_clusters_and_puts_it_last() {
        let risks = [risk(&["a", "b", "c"]), risk(&["d"])];
        let words = [word("commit 1", Some(&["b", "z"]), Some("why"))];
        assert_eq!(reported(&risks, &words), ["a c", "d", "b | commit 1 | why"]);
    }

    #[test]
    fn what_names_a_cluster_goes_before_what_is_said_of_all() {
        let risks = [risk(&["a", "b"])];
        let words = [
            word("commit 2", None, None),
            word("commit 1", Some(&["a"]), Some("first")),
            word("commit 0", Some(&["a"]), Some("second")),
        ];
        assert_eq!(
            reported(&risks, &words),
            ["b | commit 2 | -", "a | commit 1 | first"]
        );
    }

    #[test]
    fn one_reason_of_many_files_is_reported_once() {
        let risks = [risk(&["a", "b", "c"])];
        let words = [
            word("a:1", Some(&["a"]), Some("move")),
            word("b:1", Some(&["b"]), Some("move")),
            word("c:1", Some(&["c"]), Some("other")),
        ];
        assert_eq!(
            reported(&risks, &words),
            ["a b | a:1 and 1 more | move", "c | c:1 | other"]
        );
    }

    #[test]
    fn an_earlier_word_is_reported_only_where_nobody_gave_a_new_one() {
        let place = Place {
            file: "clusters/a/acknowledge.yaml".to_owned(),
            line: 2,
            column: 1,
            excerpt: String::new(),
            width: 1,
        };
        let earlier = |cluster: &str| EarlierWord {
            flag: Flag::ClusterRemoved,
            cluster: cluster.to_owned(),
            place: place.clone(),
        };
        let risks = acknowledge(
            vec![risk(&["a", "b"])],
            &[word("commit 1", Some(&["b"]), None)],
        );
        let count = |cluster| tell_earlier(&risks, &[earlier(cluster)]).sorted().len();
        assert_eq!((count("a"), count("b"), count("c")), (1, 0, 0));
    }

    #[test]
    fn a_reason_is_one_line_without_secrets_and_escapes() {
        assert_eq!(shown_reason(" \n\t "), None);
        assert_eq!(shown_reason("two\n  lines"), Some("two lines".to_owned()));
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let shown = shown_reason(&format!("\u{1b}[2J use {key} \u{202e}")).expect("a reason");
        assert!(!shown.contains(&key), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
        let long = shown_reason(&"because ".repeat(200_000)).expect("a reason");
        assert_eq!(long.chars().count(), MAX_REASON + 1);
        assert!(!shown_reason("password: hunter2").is_some_and(|text| text.contains("hunter2")));
    }
}
