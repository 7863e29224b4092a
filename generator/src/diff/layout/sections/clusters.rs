//! What becomes of clusters: a row for all that have the same in it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::diff::layout::document::{Row, Section, Table, Text, Tone};
use crate::diff::layout::words::{Status, count};
use crate::diff::preview::{ClusterChange, ClusterStatus, Preview};

pub(in crate::diff) fn clusters(preview: &Preview) -> Section<'_> {
    let rows = rows(&preview.changed_clusters).into_iter().map(|row| {
        let (change, status) = (row.change, Status::of(row.change));
        let number = count(row.clusters.len(), "cluster");
        let clusters = row.clusters.len();
        let mut names = Text::default().clusters(row.clusters, number);
        let regions = &change.account_regions;
        for (word, regions) in [("new", &regions.added), ("no longer", &regions.removed)] {
            if !regions.is_empty() {
                let regions = regions.iter().map(String::as_str);
                names = names
                    .words(format!("; {word}: "))
                    .clusters(regions, String::new());
            }
        }
        Row {
            tone: match change.status {
                ClusterStatus::Removed | ClusterStatus::HeadFaulty | ClusterStatus::BaseFaulty => {
                    Tone::Alert
                }
                _ => Tone::Plain,
            },
            note: status.note.map(|note| Text::default().note(note)),
            risks: &change.risks,
            clusters,
            ..Row::of([
                Text::default().words(status.word),
                Text::default().totals(change.files),
                Text::default().totals(change.objects),
                names,
            ])
        }
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let unchanged = preview.clusters.unchanged;
    let rest = (unchanged > 0 && !rows.is_empty()).then(|| Row {
        tone: Tone::Quiet,
        ..Row::of([
            Text::default().words("unchanged"),
            Text::default(),
            Text::default(),
            Text::default().words(count(unchanged, "cluster")),
        ])
    });
    Section::of(
        "Clusters",
        Table {
            class: "clusters",
            columns: &["What", "Files", "Objects", "Clusters"],
            narrow: 3,
            below: 0,
            noun: "row",
            max_rows: usize::MAX,
            rows,
            rest,
        },
    )
}

/// Clusters of which the table says the same.
struct Same<'p> {
    /// What it says; the name is that of the first.
    change: &'p ClusterChange,
    /// Their names.
    clusters: Vec<&'p str>,
}

/// The rows, those with a risk that nobody has acknowledged first, and
/// otherwise in the order of their first clusters.
fn rows(changes: &[ClusterChange]) -> Vec<Same<'_>> {
    let mut numbers = BTreeMap::new();
    let mut rows: Vec<Same<'_>> = Vec::new();
    for change in changes {
        let same = (
            (change.status, change.files, change.objects),
            (&change.risks, &change.renamed_from, &change.account_regions),
        );
        let number = *numbers.entry(same).or_insert(rows.len());
        match rows.get_mut(number) {
            Some(row) => row.clusters.push(&change.name),
            None => rows.push(Same {
                change,
                clusters: vec![&change.name],
            }),
        }
    }
    rows.sort_by_key(|row| Reverse(row.is_at_risk()));
    rows
}

impl Same<'_> {
    /// Whether there is a risk that nobody has acknowledged.
    fn is_at_risk(&self) -> bool {
        self.change.risks.iter().any(|risk| !risk.acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::preview::{AccountRegions, ClusterRisk, Totals};
    use crate::settings::Flag;

    fn change(name: &str, changed: usize, risks: &[(Flag, bool)]) -> ClusterChange {
        let risks = risks
            .iter()
            .map(|&(flag, acknowledged)| ClusterRisk { flag, acknowledged });
        ClusterChange {
            name: name.to_owned(),
            status: ClusterStatus::Changed,
            files: Totals {
                changed,
                ..Totals::default()
            },
            objects: Totals::default(),
            renamed_from: None,
            account_regions: AccountRegions::default(),
            risks: risks.collect(),
        }
    }

    #[test]
    fn a_row_is_for_all_that_have_the_same_and_risks_come_first() {
        let open = [(Flag::TlsWeakens, false)];
        let meant = [(Flag::TlsWeakens, true)];
        let changes = [
            change("a", 1, &[]),
            change("b", 2, &meant),
            change("c", 1, &[]),
            change("d", 1, &open),
        ];
        let reported: Vec<Vec<&str>> = rows(&changes).into_iter().map(|row| row.clusters).collect();
        assert_eq!(reported, [vec!["d"], vec!["a", "c"], vec!["b"]]);
    }
}
