//! Objects of JSON, by the paths of their keys. Pure.

use std::borrow::Cow;

use super::safe::is_safe;
use crate::compiled::{CompiledField, Node, compiled};
use crate::fault::Fault;
use crate::field::Reading;
use crate::field::TableName;
use crate::json::Cursor;
use crate::value::{self, LARGEST_MAP};
use crate::writer::Writer;

/// Values of a list that are read.
const MOST_ELEMENTS: usize = 128;

/// Reads an object. What its table doesn't name goes to `aws.event`, if there is room.
pub(super) fn write(table: TableName, text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    let mut reader = Reader::new(writer);
    let mut cursor = Cursor::new(text);
    reader.object(&mut cursor, &compiled(table).root, true)?;
    cursor.ends()?;
    reader.finish(&[table]);
    Ok(())
}

/// Reads objects into members.
pub(super) struct Reader<'w, 'o, 't> {
    writer: &'w mut Writer<'o>,
    /// Members that go to `aws.event`: keys without quotes, and their values.
    rest: Vec<(&'t str, &'t str)>,
}

impl<'w, 'o, 't> Reader<'w, 'o, 't> {
    pub(super) fn new(writer: &'w mut Writer<'o>) -> Self {
        Self {
            writer,
            rest: Vec::new(),
        }
    }

    /// Reads what a node says of an object.
    pub(super) fn object(
        &mut self,
        cursor: &mut Cursor<'t>,
        node: &Node,
        keeps_rest: bool,
    ) -> Result<(), Fault> {
        let mut next = 0;
        cursor.object(|cursor, key| {
            if let Some(child) = node.child(key.as_bytes(), &mut next) {
                return self.value(cursor, key, child);
            }
            let value = cursor.skip()?;
            if keeps_rest {
                self.rest.push((key, value));
            }
            Ok(())
        })
    }

    /// The same without one member, and with whatever a node doesn't say.
    pub(super) fn object_but(
        &mut self,
        cursor: &mut Cursor<'t>,
        node: &Node,
        without: &str,
    ) -> Result<(), Fault> {
        let mut next = 0;
        cursor.object(|cursor, key| match node.child(key.as_bytes(), &mut next) {
            Some(child) if key != without => self.value(cursor, key, child),
            Some(_) => cursor.skip().map(|_| ()),
            None => {
                let value = cursor.skip()?;
                self.rest.push((key, value));
                Ok(())
            }
        })
    }

    fn value(&mut self, cursor: &mut Cursor<'t>, key: &'t str, node: &Node) -> Result<(), Fault> {
        match cursor.peek() {
            Some(b'{') if node.takes_objects() => {
                let whole = cursor.skip()?;
                for field in &node.fields {
                    self.whole(field, key, whole);
                }
                self.object(&mut Cursor::new(whole), node, false)
            }
            Some(b'{') => self.object(cursor, node, false),
            Some(b'[') => {
                let whole = cursor.skip()?;
                self.list(key, whole, node)
            }
            _ => {
                let scalar = cursor.scalar()?;
                if node.fields.is_empty() {
                    return Ok(());
                }
                if let Some(text) = scalar.text()? {
                    for field in &node.fields {
                        value::write(field, &text, self.writer);
                    }
                }
                Ok(())
            }
        }
    }

    /// An object or a list that a field takes as a whole.
    fn whole(&mut self, field: &CompiledField, key: &'t str, whole: &'t str) {
        match field.reading {
            Reading::Text => value::write(field, whole, self.writer),
            Reading::Rest => self.rest.push((key, whole)),
            Reading::Map
                if whole.len() <= LARGEST_MAP && whole.starts_with('{') && is_safe(whole) =>
            {
                if let Some(out) = self.writer.begin(field.slot, &field.key) {
                    out.extend_from_slice(whole.as_bytes());
                }
            }
            _ => {}
        }
    }

    /// Fields of a list get a list of values.
    fn list(&mut self, key: &'t str, whole: &'t str, node: &Node) -> Result<(), Fault> {
        for field in &node.fields {
            if field.reading.takes_objects() {
                self.whole(field, key, whole);
                continue;
            }
            let mut texts = Vec::new();
            Cursor::new(whole).list(|cursor| {
                if matches!(cursor.peek(), Some(b'{' | b'[')) {
                    cursor.skip()?;
                } else if let Some(text) = cursor.scalar()?.text()?
                    && texts.len() < MOST_ELEMENTS
                {
                    texts.push(text);
                }
                Ok(())
            })?;
            value::write_list(field, texts.iter().map(|text| &**text), self.writer);
        }
        let Some(elements) = &node.elements else {
            return Ok(());
        };
        for (name, child) in &elements.children {
            let texts = texts_of(whole, name)?;
            for field in &child.fields {
                value::write_list(field, texts.iter().map(|text| &**text), self.writer);
            }
        }
        Ok(())
    }

    /// Writes what is left, and the values that fields have if no source gave one.
    pub(super) fn finish(self, tables: &[TableName]) {
        for table in tables {
            super::otherwise(compiled(*table), self.writer);
        }
        let bytes = self
            .rest
            .iter()
            .map(|(key, value)| key.len() + value.len() + 4);
        let mut names: Vec<&str> = self.rest.iter().map(|(key, _)| *key).collect();
        names.sort_unstable();
        let unique = names.windows(2).all(|pair| pair[0] != pair[1]);
        if self.rest.is_empty() || bytes.sum::<usize>() > LARGEST_MAP || !unique {
            return;
        }
        let safe = self
            .rest
            .iter()
            .all(|(key, value)| super::safe::is_safe_member(key, value));
        if safe {
            self.writer.rest(&self.rest);
        }
    }
}

/// The values of a key in each object of a list.
fn texts_of<'t>(list: &'t str, name: &[u8]) -> Result<Vec<Cow<'t, str>>, Fault> {
    let mut texts = Vec::new();
    Cursor::new(list).list(|cursor| {
        if cursor.peek() != Some(b'{') {
            cursor.skip()?;
            return Ok(());
        }
        cursor.object(|cursor, key| {
            let nested = matches!(cursor.peek(), Some(b'{' | b'['));
            if key.as_bytes() != name || nested {
                cursor.skip()?;
            } else if let Some(text) = cursor.scalar()?.text()?
                && texts.len() < MOST_ELEMENTS
            {
                texts.push(text);
            }
            Ok(())
        })
    })?;
    Ok(texts)
}
