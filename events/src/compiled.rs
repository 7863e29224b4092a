//! Tables as the parsers use them: keys ready to be written, sources ready to
//! be found. Made once, at the first event. Pure.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::field::{Field, FieldType, Reading, Shape, Table, TableName};
use crate::tables::TABLES;
use crate::text::string;

/// A field's place among all of all tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) usize);

/// A row, ready to be written.
#[derive(Debug)]
pub(crate) struct CompiledField {
    pub slot: Slot,
    /// Its name in quotes, behind a comma and before a colon.
    pub key: Box<[u8]>,
    pub reading: Reading,
    /// Its place among the sources that say when the event was.
    pub time_rank: Option<u8>,
}

/// What is read below a path of keys.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub fields: Vec<CompiledField>,
    /// A number of each child's key, so that few keys are compared.
    tags: Vec<u64>,
    pub children: Vec<(Box<[u8]>, Node)>,
    /// What is read of each object in a list.
    pub elements: Option<Box<Node>>,
}

impl Node {
    /// What is read below a key. Keys mostly come in the order of the table, so
    /// the one behind the last is tried first.
    pub(crate) fn child(&self, key: &[u8], next: &mut usize) -> Option<&Node> {
        if let Some((name, node)) = self.children.get(*next)
            && **name == *key
        {
            *next += 1;
            return Some(node);
        }
        let tag = tag(key);
        let mut tags = self.tags.iter().enumerate();
        tags.find_map(|(place, other)| {
            let (name, node) = &self.children[place];
            let found = *other == tag && **name == *key;
            found.then(|| {
                *next = place + 1;
                node
            })
        })
    }

    /// Whether an object there is needed as a whole.
    pub(crate) fn takes_objects(&self) -> bool {
        self.fields
            .iter()
            .any(|field| field.reading.takes_objects())
    }
}

/// A table, ready to be used.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    /// What is read of each column.
    pub columns: Vec<Vec<CompiledField>>,
    /// How many columns a line has at least.
    pub at_least: usize,
    /// What is read of an object of JSON.
    pub root: Node,
    /// Fields with the value that they have if no source gives one.
    pub otherwise: Vec<(CompiledField, &'static str)>,
}

/// A table by its name.
pub(crate) fn compiled(name: TableName) -> &'static Compiled {
    static ALL: OnceLock<Vec<Compiled>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let slots = slots();
        TABLES.iter().map(|table| compile(table, &slots)).collect()
    });
    // A table's name is its place, which a test checks.
    &all[name as usize]
}

/// The places of all fields.
pub(crate) fn slots() -> BTreeMap<&'static str, Slot> {
    let fields = TABLES.iter().flat_map(|table| table.fields);
    let mut slots: BTreeMap<&str, Slot> = fields.map(|field| (field.target, Slot(0))).collect();
    for (place, slot) in slots.values_mut().enumerate() {
        *slot = Slot(place);
    }
    slots
}

fn compile(table: &Table, slots: &BTreeMap<&'static str, Slot>) -> Compiled {
    let field = |field: &Field| CompiledField {
        slot: slots[field.target],
        key: key(field.target),
        reading: field.reading,
        time_rank: table
            .time
            .iter()
            .position(|source| *source == field.source)
            .filter(|_| field.field_type() == FieldType::Date)
            .and_then(|rank| u8::try_from(rank).ok()),
    };
    let mut compiled = Compiled::default();
    for row in table.fields {
        compiled.root.insert(row.source, field(row));
    }
    if let Shape::Columns {
        columns,
        at_least,
        also,
    } = table.shape
    {
        compiled.at_least = at_least;
        compiled.columns = columns
            .iter()
            .map(|column| {
                let rows = table.fields.iter().filter(|row| row.source == *column);
                rows.map(field).collect()
            })
            .collect();
        for row in table.fields {
            let names = also.iter().filter(|(_, column)| *column == row.source);
            for (name, _) in names {
                compiled.root.insert(name, field(row));
            }
        }
    }
    for (target, value) in table.otherwise {
        if let Some(row) = table.fields.iter().find(|row| row.target == *target) {
            compiled.otherwise.push((field(row), value));
        }
    }
    compiled
}

fn key(target: &str) -> Box<[u8]> {
    let mut key = vec![b','];
    string(&mut key, target);
    key.push(b':');
    key.into()
}

/// The length and the last seven bytes, which differ more than the first.
fn tag(key: &[u8]) -> u64 {
    let end = &key[key.len().saturating_sub(7)..];
    let bytes = end.iter().fold(0, |tag, byte| tag << 8 | u64::from(*byte));
    bytes << 8 | (key.len() as u64 & 0xff)
}

impl Node {
    fn insert(&mut self, path: &str, field: CompiledField) {
        let mut node = self;
        for part in path.split('.') {
            let (name, is_list) = match part.strip_suffix("[]") {
                Some(name) => (name, true),
                None => (part, false),
            };
            let place = node.place(name.as_bytes());
            node = &mut node.children[place].1;
            if is_list {
                node = node.elements.get_or_insert_default();
            }
        }
        node.fields.push(field);
    }

    /// The place of a child, which is made if it isn't there.
    fn place(&mut self, name: &[u8]) -> usize {
        let mut children = self.children.iter();
        let found = children.position(|(key, _)| **key == *name);
        found.unwrap_or_else(|| {
            self.tags.push(tag(name));
            self.children.push((name.into(), Self::default()));
            self.children.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_by_their_names_and_their_fields_have_room() {
        for (place, table) in TABLES.iter().enumerate() {
            assert_eq!(table.name as usize, place, "{}", table.title);
        }
        assert!(slots().len() <= crate::writer::MOST_SLOTS);
    }

    #[test]
    fn what_a_table_names_is_in_it() {
        for table in TABLES {
            for source in table.time {
                let mut rows = table.fields.iter().filter(|row| row.source == *source);
                assert!(
                    rows.any(|row| row.field_type() == FieldType::Date),
                    "{}: {source}",
                    table.title
                );
            }
            for (target, _) in table.otherwise {
                assert!(
                    table.fields.iter().any(|row| row.target == *target),
                    "{target}"
                );
            }
            if let Shape::Columns {
                columns,
                at_least,
                also,
            } = table.shape
            {
                assert!(at_least <= columns.len() && columns.len() <= crate::tokens::MOST);
                for (_, column) in also {
                    assert!(columns.contains(column), "{}: {column}", table.title);
                }
                for column in columns {
                    assert!(
                        table.fields.iter().any(|row| row.source == *column),
                        "{}: nothing is read of {column}",
                        table.title
                    );
                }
            }
        }
    }
}
