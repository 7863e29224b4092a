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

use super::row::Row;
pub(super) use aws::{known_as, noun};
pub(super) use server::folder_of;

/// Writes rows as a table: the kind, and for each aspect how it is read, when
/// it is a risk, of which flag, what is said, and what becomes of what is there.
macro_rules! rows {
    ($($kind:expr => {
        $($aspect:literal: $read:expr, $when:expr => $flag:ident, $what:expr, $live:expr;)*
    })*) => {
        &[$($(
            Row {
                kind: $kind,
                aspect: $aspect,
                read: $read,
                when: $when,
                flag: Flag::$flag,
                what: $what,
                live: $live,
            },
        )*)*]
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

/// The rows about a kind of object.
pub(super) fn of(kind: &str) -> impl Iterator<Item = &'static Row> {
    let rows = TABLES.into_iter().flatten();
    rows.filter(move |row| row.is_of(kind))
}
