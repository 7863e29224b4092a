//! Folds a fault that every cluster has into one with a list of clusters.
//!
//! A mistake in a template shows up in what it renders for each cluster: a
//! thousand times the same in a fleet of a thousand. Pure.

use std::collections::BTreeMap;

use crate::fault::{Fault, FaultKind, Place};
use crate::sentence::first_of;
use logfleet_contract::folder::RENDERED;

/// Clusters that are named; more are counted.
const MAX_NAMED: usize = 5;
/// Stands for a cluster's name where faults are compared; no message has it.
const NAME: &str = "\0";

/// A fault, and the clusters whose outputs have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// The first of them.
    pub(crate) fault: Fault,
    /// None if it stands in no output.
    clusters: Vec<String>,
}

impl Repeated {
    /// The clusters by name; none if it stands in no output.
    pub(crate) fn names(&self) -> &[String] {
        &self.clusters
    }

    /// "in 3 clusters: a, b, c", if there are several.
    pub(crate) fn clusters(&self) -> Option<String> {
        let count = self.clusters.len();
        if count < 2 {
            return None;
        }
        let named = first_of(&self.clusters, MAX_NAMED);
        Some(format!("in {count} clusters: {named}"))
    }
}

/// Folds faults of outputs that differ by nothing but the cluster. The order
/// is that of the first of each.
pub(crate) fn fold(faults: Vec<Fault>) -> Vec<Repeated> {
    let mut folded: Vec<Repeated> = Vec::with_capacity(faults.len());
    let mut known: BTreeMap<Sameness, usize> = BTreeMap::new();
    for fault in faults {
        let Some((cluster, sameness)) = Sameness::of(&fault) else {
            let clusters = Vec::new();
            folded.push(Repeated { fault, clusters });
            continue;
        };
        let at = *known.entry(sameness).or_insert(folded.len());
        match folded.get_mut(at) {
            Some(repeated) => repeated.clusters.push(cluster),
            None => folded.push(Repeated {
                fault,
                clusters: vec![cluster],
            }),
        }
    }
    folded
}

/// All that a fault in an output says, with the cluster's name left out.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sameness {
    kind: FaultKind,
    path: String,
    line: u32,
    column: usize,
    message: String,
    hints: Vec<String>,
}

impl Sameness {
    /// The cluster, and the rest; nothing for a fault that stands elsewhere.
    fn of(fault: &Fault) -> Option<(String, Self)> {
        let place = fault.place.as_ref()?;
        let below = place.file.strip_prefix(RENDERED)?.strip_prefix('/')?;
        let (cluster, path) = below.split_once('/')?;
        let slug = cluster.replace(['-', '.'], "_");
        let nameless = |text: &str| text.replace(cluster, NAME).replace(&slug, NAME);
        let sameness = Self {
            kind: fault.kind,
            path: nameless(path),
            line: place.line,
            column: nameless(&before(place)).chars().count(),
            message: nameless(&fault.message),
            hints: fault.hints.iter().map(|hint| nameless(hint)).collect(),
        };
        Some((cluster.to_owned(), sameness))
    }
}

/// The line up to the place: a longer name before it moves the column.
fn before(place: &Place) -> String {
    let column = place.column.saturating_sub(1) as usize;
    let line = place.excerpt.chars().chain(std::iter::repeat(' '));
    line.take(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(file: &str, line: &str, piece: &str, message: &str) -> Fault {
        let column = line.find(piece).expect("there") + 1;
        Fault::input(message).at(Place {
            file: file.to_owned(),
            line: 1,
            column: u32::try_from(column).expect("small"),
            excerpt: line.to_owned(),
            width: 1,
        })
    }

    fn reported(faults: Vec<Fault>) -> Vec<(String, Option<String>)> {
        let folded = fold(faults).into_iter();
        folded
            .map(|repeated| (repeated.fault.message.clone(), repeated.clusters()))
            .collect()
    }

    #[test]
    fn what_differs_by_the_cluster_only_is_one() {
        let of = |name: &str, slug: &str| {
            fault(
                &format!("rendered/{name}/x/logs-{slug}.json"),
                &format!("a: {name} ["),
                "[",
                &format!("`{name}` is wrong"),
            )
        };
        assert_eq!(
            reported(vec![of("a-b.c", "a_b_c"), of("longer-name", "longer_name")]),
            [(
                "`a-b.c` is wrong".to_owned(),
                Some("in 2 clusters: a-b.c, longer-name".to_owned())
            )]
        );
    }

    #[test]
    fn what_differs_otherwise_is_reported_apart() {
        let faults = vec![
            fault("rendered/a/x", "[ ]", "[", "wrong"),
            fault("rendered/b/x", "[ ]", "]", "wrong"),
            fault("rendered/c/x", "[ ]", "[", "wronger"),
            fault("rendered/d/y", "[ ]", "[", "wrong"),
            fault("rendered/e/x", "[ ]", "[", "wrong").hint("why"),
        ];
        assert!(
            reported(faults.clone())
                .iter()
                .all(|(_, clusters)| clusters.is_none())
        );
        assert_eq!(fold(faults).len(), 5);
    }

    #[test]
    fn only_outputs_repeat() {
        let faults = vec![
            fault("clusters/a/cluster.yaml", "[ ]", "[", "wrong"),
            fault("clusters/b/cluster.yaml", "[ ]", "[", "wrong"),
            Fault::input("wrong"),
        ];
        assert_eq!(reported(faults), vec![("wrong".to_owned(), None); 3]);
    }

    #[test]
    fn more_than_five_are_counted() {
        let faults = (0..1000).map(|number| {
            let file = format!("rendered/c{number:03}/x");
            fault(&file, "[", "[", "wrong")
        });
        assert_eq!(
            reported(faults.collect()),
            [(
                "wrong".to_owned(),
                Some("in 1000 clusters: c000, c001, c002, c003, c004 and 995 more".to_owned())
            )]
        );
    }
}
