//! Whether the tables are right, and complete.

mod every_property;

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
                Read::Value => (None, None),
                Read::Of(list, at) => (Some((list, at)), None),
                Read::By(read) => (None, Some(read as usize)),
            };
            let first = readings.entry((kind, row.aspect)).or_insert(reading);
            assert_eq!(*first, reading, "{kind} {}", row.aspect);
        }
    }
}
