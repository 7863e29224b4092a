//! The tables of rows: each property that can lose, leak or break something,
//! by the kind of object that has it. Pure.
//!
//! A new property is one more row. What can't be told from one property alone is a row, too: about all
//! of the object, or with what it is among ([`super::row::Among`]).

mod aws;
mod files;
mod gitops;
mod kubernetes;
mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::objects::{GITOPS, OBJECT, PARTS_OF_OBJECTS, RESOURCE, SERVER_OBJECT};
use super::row::Row;
pub(super) use aws::{known_as, noun};
pub(super) use server::folder_of;

/// Writes rows as a table: the kind, and for each aspect, or several separated by `|`, how it is read, when
/// it is a risk, of which flag, what is said, and what becomes of what is there.
macro_rules! rows {
    ($($kind:expr => {
        $($($aspect:literal)|+: $read:expr, $when:expr => $flag:ident, $what:expr, $live:expr;)*
    })*) => {
        &[$($($(
            Row {
                kind: $kind,
                aspect: $aspect,
                read: $read,
                when: $when,
                flag: Flag::$flag,
                what: $what,
                live: $live,
            },
        )+)*)*]
    };
}
use rows;

const TABLES: [&[Row]; 5] = [
    aws::ROWS,
    kubernetes::ROWS,
    gitops::ROWS,
    server::ROWS,
    files::ROWS,
];

/// The rows by each kind that they name.
static BY_KIND: LazyLock<BTreeMap<&str, Vec<&Row>>> = LazyLock::new(|| {
    let mut found: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in TABLES.into_iter().flatten() {
        for kind in row.kind.split('|') {
            found.entry(kind).or_default().push(row);
        }
    }
    found
});

/// The rows about a kind of object, and about all objects such as it.
pub(super) fn of(kind: &str) -> impl Iterator<Item = &'static Row> {
    let kinds = [kind].into_iter().chain(classes(kind).iter().copied());
    let rows: Vec<_> = kinds.filter_map(|kind| BY_KIND.get(kind)).collect();
    rows.into_iter().flatten().copied()
}

/// What a kind of object is one of.
fn classes(kind: &str) -> &'static [&'static str] {
    match kind {
        kind if kind.contains("::") => &[RESOURCE],
        kind if kind.starts_with('/') => &[SERVER_OBJECT],
        kind if kind.contains('/') => &[GITOPS, OBJECT],
        kind if PARTS_OF_OBJECTS.contains(&kind) => &[],
        _ => &[OBJECT],
    }
}
