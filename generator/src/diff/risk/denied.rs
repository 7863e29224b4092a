//! What stands against a change under `--deny risk`. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::folder::is_shared;

use super::Flag;
use super::wording::names;
use crate::diff::preview::{ClusterStatus, Preview};
use crate::fault::{Fault, Faults};

/// Clusters that are named in the line to add; of more the line says "all".
const MAX_IN_LINE: usize = 5;

/// A fault for each kind of risk that somebody has yet to acknowledge, with
/// the lines that do.
pub fn unacknowledged(preview: &Preview) -> Faults {
    let mut clusters: BTreeMap<Flag, BTreeSet<&str>> = BTreeMap::new();
    let open = preview.risks.iter();
    for risk in open.filter(|risk| risk.acknowledged.is_none()) {
        let names = risk.clusters.iter().map(String::as_str);
        clusters.entry(risk.flag).or_default().extend(names);
    }
    let removed: BTreeSet<&str> = preview
        .changed_clusters
        .iter()
        .filter(|change| change.status == ClusterStatus::Removed)
        .map(|change| change.name.as_str())
        .collect();
    let faults = clusters
        .into_iter()
        .map(|(flag, names)| tell(flag, &names, &removed));
    faults.collect()
}

fn tell(flag: Flag, clusters: &BTreeSet<&str>, removed: &BTreeSet<&str>) -> Fault {
    let id = flag.id();
    let named: Vec<&str> = clusters.iter().copied().collect();
    let fault = Fault::input(format!(
        "unacknowledged danger `{id}`: {} ({})",
        flag.title(),
        names(&named)
    ));
    let place = match named.len() {
        // For every cluster is for these.
        many if many > MAX_IN_LINE => String::new(),
        _ => format!(" in {}", named.join(", ")),
    };
    let fault = fault.hint(format!(
        "if it is meant, end a commit's message with `Acknowledge-Danger: {id}{place}: <reason>`"
    ));
    let with_folder: Vec<&str> = named
        .into_iter()
        .filter(|name| !is_shared(name) && !removed.contains(name))
        .collect();
    let file = |name: &str| format!("clusters/{name}/acknowledge.yaml");
    match with_folder.as_slice() {
        [] => fault,
        [one] => fault.hint(format!("or add `{id}: <reason>` to {}", file(one))),
        many => fault.hint(format!(
            "or add `{id}: <reason>` to {} for each of {}",
            file("<cluster>"),
            names(many)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(clusters: &[&str], removed: &[&str]) -> Vec<String> {
        let clusters = clusters.iter().copied().collect();
        let fault = tell(
            Flag::ClusterRemoved,
            &clusters,
            &removed.iter().copied().collect(),
        );
        [vec![fault.message], fault.hints].concat()
    }

    #[test]
    fn says_which_line_to_add_where() {
        let lines = reported(&["a", "b"], &[]);
        assert_eq!(
            lines,
            [
                "unacknowledged danger `cluster-removed`: a cluster leaves the fleet (a, b)",
                "if it is meant, end a commit's message with `Acknowledge-Danger: cluster-removed in a, b: <reason>`",
                "or add `cluster-removed: <reason>` to clusters/<cluster>/acknowledge.yaml for each of a, b",
            ]
        );
        let lines = reported(&["a", "b"], &["b"]);
        assert_eq!(
            lines[2],
            "or add `cluster-removed: <reason>` to clusters/a/acknowledge.yaml"
        );
    }

    #[test]
    fn names_no_file_where_there_is_none() {
        assert_eq!(reported(&["a"], &["a"]).len(), 2);
        assert_eq!(reported(&["_fleet"], &[]).len(), 2);
        assert_eq!(reported(&["_accounts"], &[]).len(), 2);
    }

    #[test]
    fn a_line_for_many_clusters_stays_short() {
        let names: Vec<String> = (0..1000).map(|number| format!("c{number:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let lines = reported(&names, &[]);
        assert!(lines[0].ends_with("and 992 more)"), "{}", lines[0]);
        assert!(lines[1].contains("`Acknowledge-Danger: cluster-removed: <reason>`"));
        assert!(lines.iter().all(|line| line.len() < 300));
    }
}
