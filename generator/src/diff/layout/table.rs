//! The table of clusters that every preview begins with: a row for all that
//! have the same in it. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::diff::preview::{ClusterChange, ClusterDanger};

/// Clusters of which the table says the same.
pub(in crate::diff) struct Row<'p> {
    /// What it says; the name is that of the first.
    pub(in crate::diff) change: &'p ClusterChange,
    /// Their names.
    pub(in crate::diff) clusters: Vec<&'p str>,
}

/// The rows, those with a danger that nobody has acknowledged first, and
/// otherwise in the order of their first clusters.
pub(in crate::diff) fn rows(changes: &[ClusterChange]) -> Vec<Row<'_>> {
    let mut numbers = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for change in changes {
        let same = (
            (change.status, change.files, change.objects),
            (&change.dangers, &change.renamed_from),
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
    rows.sort_by_key(|row| Reverse(row.is_in_danger()));
    rows
}

impl Row<'_> {
    /// Whether there is a danger that nobody has acknowledged.
    pub(in crate::diff) fn is_in_danger(&self) -> bool {
        self.change
            .dangers
            .iter()
            .any(|danger| !danger.acknowledged)
    }
}

/// What a danger is called in the table.
pub(in crate::diff) fn danger_words(danger: ClusterDanger) -> String {
    let id = danger.flag.id();
    if danger.acknowledged {
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

    fn change(name: &str, changed: usize, dangers: &[(Flag, bool)]) -> ClusterChange {
        let dangers = dangers
            .iter()
            .map(|&(flag, acknowledged)| ClusterDanger { flag, acknowledged });
        ClusterChange {
            name: name.to_owned(),
            status: ClusterStatus::Changed,
            files: Totals {
                changed,
                ..Totals::default()
            },
            objects: Totals::default(),
            renamed_from: None,
            dangers: dangers.collect(),
        }
    }

    #[test]
    fn a_row_is_for_all_that_have_the_same_and_dangers_come_first() {
        let open = [(Flag::TlsWeakens, false)];
        let meant = [(Flag::TlsWeakens, true)];
        let changes = [
            change("a", 1, &[]),
            change("b", 2, &meant),
            change("c", 1, &[]),
            change("d", 1, &open),
        ];
        let told: Vec<Vec<&str>> = rows(&changes).into_iter().map(|row| row.clusters).collect();
        assert_eq!(told, [vec!["d"], vec!["a", "c"], vec!["b"]]);
    }

    #[test]
    fn what_is_meant_is_told_to_be() {
        let words = |acknowledged| {
            danger_words(ClusterDanger {
                flag: Flag::TlsWeakens,
                acknowledged,
            })
        };
        assert_eq!(words(false), "tls-weakens");
        assert_eq!(words(true), "tls-weakens (meant)");
    }
}
