//! The table of clusters that every preview begins with: a row for all that
//! have the same in it. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::diff::preview::{ClusterChange, ClusterRisk};

/// Clusters of which the table says the same.
pub(in crate::diff) struct Row<'p> {
    /// What it says; the name is that of the first.
    pub(in crate::diff) change: &'p ClusterChange,
    /// Their names.
    pub(in crate::diff) clusters: Vec<&'p str>,
}

/// The rows, those with a risk that nobody has acknowledged first, and
/// otherwise in the order of their first clusters.
pub(in crate::diff) fn rows(changes: &[ClusterChange]) -> Vec<Row<'_>> {
    let mut numbers = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for change in changes {
        let same = (
            (change.status, change.files, change.objects),
            (&change.risks, &change.renamed_from),
        );
        let number = *numbers.entry(same).or_insert(rows.len());
        match rows.get_mut(number) {
            Some(row) => row.clusters.push(&change.name),
            None => rows.push(Row {
                change,
                clusters: vec![&change.name],
            }),
        }
    }
    rows.sort_by_key(|row| Reverse(row.is_at_risk()));
    rows
}

impl Row<'_> {
    /// Whether there is a risk that nobody has acknowledged.
    pub(in crate::diff) fn is_at_risk(&self) -> bool {
        self.change.risks.iter().any(|risk| !risk.acknowledged)
    }
}

/// What a risk is called in the table.
pub(in crate::diff) fn risk_words(risk: ClusterRisk) -> String {
    let id = risk.flag.id();
    if risk.acknowledged {
        format!("{id} (meant)")
    } else {
        id.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::preview::{ClusterStatus, Totals};
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

    #[test]
    fn what_is_meant_is_reported_to_be() {
        let words = |acknowledged| {
            risk_words(ClusterRisk {
                flag: Flag::TlsWeakens,
                acknowledged,
            })
        };
        assert_eq!(words(false), "tls-weakens");
        assert_eq!(words(true), "tls-weakens (meant)");
    }
}
