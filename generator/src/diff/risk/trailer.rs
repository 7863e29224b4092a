//! `Acknowledge-Danger: <flag> [in <cluster>[, <cluster>…]][: <reason>]`, as it
//! stands in the message of a commit. Pure.

use std::collections::BTreeSet;

use super::Flag;
use super::acknowledge::{Word, one_line, shown_reason};
use crate::diff::preview::Acknowledgement;
use crate::diff::redact;
use crate::fault::{Fault, Faults};
use crate::load::trailers::Trailer;
use crate::nearest::did_you_mean;
use crate::report::printable;

/// Characters of a word that can't be made out, where it is reported.
const MAX_SHOWN: usize = 60;

const USAGE: &str = "write `Acknowledge-Danger: <flag>: <reason>`, or `Acknowledge-Danger: <flag> in <cluster>, <cluster>: <reason>`";

/// What trailers say. Clusters that aren't known are reported; the others count.
pub fn words_of_trailers(trailers: &[Trailer], known: &BTreeSet<String>) -> (Vec<Word>, Faults) {
    let mut faults = Faults::new();
    let mut words = Vec::new();
    for trailer in trailers {
        let reported = |fault: Fault| Fault {
            message: format!("commit {}: {}", trailer.commit, fault.message),
            ..fault
        };
        match parse(&trailer.value) {
            Ok(parsed) => {
                let clusters = parsed.clusters.map(|names| {
                    let (there, unknown): (BTreeSet<String>, BTreeSet<String>) =
                        names.into_iter().partition(|name| known.contains(name));
                    for name in unknown {
                        faults.push(reported(unknown_cluster(&name, known)));
                    }
                    there
                });
                words.push(Word {
                    flag: parsed.flag,
                    clusters,
                    by: Acknowledgement {
                        place: format!("commit {}", trailer.commit),
                        reason: parsed.reason,
                    },
                });
            }
            Err(fault) => faults.push(reported(fault)),
        }
    }
    (words, faults)
}

#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    flag: Flag,
    /// None if none is named.
    clusters: Option<Vec<String>>,
    reason: Option<String>,
}

fn parse(value: &str) -> Result<Parsed, Fault> {
    let (what, reason) = value.split_once(':').unwrap_or((value, ""));
    let what = one_line(what);
    let (id, rest) = what.split_once(' ').unwrap_or((&what, ""));
    if id.is_empty() {
        return Err(Fault::input("an `Acknowledge-Danger` names no flag").hint(USAGE));
    }
    let flag = Flag::of_id(id).ok_or_else(|| unknown_flag(id))?;
    let clusters = match rest.split_once(' ') {
        None if rest.is_empty() => None,
        Some(("in", names)) => Some(split_names(names)),
        None | Some(_) => {
            let message = format!(
                "`{}` after the flag of an `Acknowledge-Danger` can't be made out",
                excerpt(rest)
            );
            return Err(Fault::input(message).hint(USAGE));
        }
    };
    if clusters.as_ref().is_some_and(Vec::is_empty) {
        return Err(
            Fault::input("an `Acknowledge-Danger` names no cluster after `in`").hint(USAGE),
        );
    }
    Ok(Parsed {
        flag,
        clusters,
        reason: shown_reason(reason),
    })
}

fn split_names(names: &str) -> Vec<String> {
    let names = names.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The fault of an id that no flag has.
fn unknown_flag(id: &str) -> Fault {
    let ids = Flag::ALL.iter().map(|flag| flag.id());
    let fault = Fault::input(format!("there is no danger flag `{}`", excerpt(id)));
    fault.hint(
        did_you_mean(id, ids.clone())
            .unwrap_or_else(|| format!("the flags are {}", ids.collect::<Vec<_>>().join(", "))),
    )
}

fn unknown_cluster(name: &str, known: &BTreeSet<String>) -> Fault {
    let fault = Fault::input(format!(
        "an `Acknowledge-Danger` names a cluster that there is not: `{}`",
        excerpt(name)
    ));
    fault.hint(
        did_you_mean(name, known.iter().map(String::as_str)).unwrap_or_else(|| {
            "a cluster is called as its folder is, at the base or at the head".to_owned()
        }),
    )
}

fn excerpt(word: &str) -> String {
    let start: String = word.chars().take(2 * MAX_SHOWN).collect();
    let shown = redact::line(&printable(&start));
    shown.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<String> {
        ["alpha", "beta.example.com"].map(str::to_owned).into()
    }

    fn read(value: &str) -> (Vec<Word>, Vec<Fault>) {
        let trailer = Trailer {
            commit: "1f0c9a52".to_owned(),
            value: value.to_owned(),
        };
        let (words, faults) = words_of_trailers(&[trailer], &known());
        (words, faults.sorted())
    }

    fn good(value: &str) -> (Option<Vec<String>>, Option<String>) {
        let (words, faults) = read(value);
        assert_eq!(faults, [], "{value}");
        let [word] = words.as_slice() else {
            unreachable!("{words:?}");
        };
        assert_eq!(word.flag, Flag::ClusterRemoved);
        assert_eq!(word.by.place, "commit 1f0c9a52");
        let clusters = word.clusters.clone();
        (
            clusters.map(|names| names.into_iter().collect()),
            word.by.reason.clone(),
        )
    }

    #[test]
    fn reads_every_form() {
        let why = || Some("moved: OPS-17".to_owned());
        let names = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        assert_eq!(good("cluster-removed"), (None, None));
        assert_eq!(good("cluster-removed:"), (None, None));
        assert_eq!(good("cluster-removed: moved: OPS-17"), (None, why()));
        assert_eq!(good("cluster-removed in alpha"), (names(&["alpha"]), None));
        assert_eq!(
            good("  cluster-removed \t in alpha ,beta.example.com,:  moved:\n  OPS-17 "),
            (names(&["alpha", "beta.example.com"]), why())
        );
    }

    #[test]
    fn tells_what_cannot_be_made_out() {
        for (value, message, hint) in [
            ("", "names no flag", USAGE),
            (": because", "names no flag", USAGE),
            (
                "cluster-removd: x",
                "no danger flag `cluster-removd`",
                "did you mean `cluster-removed`?",
            ),
            (
                "Cluster-Removed",
                "no danger flag `Cluster-Removed`",
                "did you mean `cluster-removed`?",
            ),
            (
                "everything",
                "no danger flag `everything`",
                "the flags are cluster-removed",
            ),
            ("cluster-removed alpha", "`alpha` after the flag", USAGE),
            ("cluster-removed in", "`in` after the flag", USAGE),
            ("cluster-removed in ,: x", "no cluster after `in`", USAGE),
        ] {
            let (words, faults) = read(value);
            assert_eq!(words, [], "{value}");
            assert_eq!(faults.len(), 1, "{value}");
            assert!(faults[0].message.starts_with("commit 1f0c9a52: "));
            assert!(faults[0].message.contains(message), "{faults:?}");
            assert!(faults[0].hints[0].starts_with(hint), "{faults:?}");
        }
    }

    #[test]
    fn an_unknown_cluster_is_reported_and_the_others_count() {
        let (words, faults) = read("cluster-removed in alhpa, alpha, zzzzzzzz");
        assert_eq!(
            words[0].clusters,
            Some(BTreeSet::from(["alpha".to_owned()]))
        );
        assert_eq!(faults.len(), 2);
        assert_eq!(faults[0].hints, ["did you mean `alpha`?"]);
        // One that names nobody who is known is said of nobody, and not of all.
        let (words, _) = read("cluster-removed in zzzzzzzz");
        assert_eq!(words[0].clusters, Some(BTreeSet::new()));
    }

    #[test]
    fn hostile_words_are_reported_in_short_and_masked() {
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        for value in [
            format!("\u{1b}[31m{}", "x".repeat(1 << 20)),
            format!("cluster-removed in {key}, {}", "y".repeat(1 << 20)),
            format!("cluster-removed \u{202e}{key}"),
        ] {
            let (_, faults) = read(&value);
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(fault.message.len() < 400, "{}", fault.message.len());
                assert!(!fault.message.contains(&key), "{}", fault.message);
                assert!(!fault.message.contains(['\u{1b}', '\u{202e}']));
            }
        }
    }
}
