//! The tables of rows: each property that can lose, leak or break something,
//! by the kind of object that has it. Pure.
//!
//! A new property is one more row. What can't be told from one property alone
//! is a rule ([`super::RULES`]).

mod aws;
#[cfg(test)]
mod every_property;
mod gitops;
mod kubernetes;
mod server;

use super::row::Row;
pub(super) use aws::{known_as, noun};
pub(super) use server::folder_of;

/// Writes rows as a table: the kind, and for each aspect how it is read, when
/// it is a risk, of which flag, what is said, and what becomes of what is there.
macro_rules! rows {
    ($($kind:expr => {
        $($aspect:literal: $read:expr, $when:expr => $flag:ident, $what:literal, $live:expr;)*
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

const TABLES: [&[Row]; 4] = [aws::ROWS, kubernetes::ROWS, gitops::ROWS, server::ROWS];

/// The rows about a kind of object.
pub(super) fn of(kind: &str) -> impl Iterator<Item = &'static Row> {
    let rows = TABLES.into_iter().flatten();
    rows.filter(move |row| row.is_of(kind))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::row::Read;
    use super::*;

    /// One aspect is one fact, so all rows about it have to read the same.
    #[test]
    fn rows_about_one_aspect_read_it_alike() {
        let mut readings = BTreeMap::new();
        for row in TABLES.into_iter().flatten() {
            for kind in row.kind.split('|') {
                let reading = match row.read {
                    Read::Value => None,
                    Read::By(read) => Some(read as usize),
                };
                let first = readings.entry((kind, row.aspect)).or_insert(reading);
                assert_eq!(*first, reading, "{kind} {}", row.aspect);
            }
        }
    }
}
