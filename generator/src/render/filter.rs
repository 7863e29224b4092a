//! The filters by which values enter templates. Pure.
//!
//! A value that a user wrote never stands in an output as it is: each filter
//! quotes for one language, and the quoted form always reads back as the very
//! value.

use std::cell::Cell;
use std::io;

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::ser::{CharEscape, Formatter};
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

/// Numbers that all `range` of one rendering may give together. Tera's own
/// limit is per call, so that two nested loops would run for hours.
const RANGE_NUMBERS: u32 = 10_000;

thread_local! {
    /// What is left of [`RANGE_NUMBERS`]. A template is rendered on one thread
    /// from its start to its end, and each starts with the full number, so
    /// what is rendered doesn't depend on the thread.
    static RANGE_LEFT: Cell<u32> = const { Cell::new(RANGE_NUMBERS) };
}

/// Gives the templates what they may call beside Tera's own.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("json", json);
    tera.register_filter("compact_json", compact_json);
    tera.register_function("range", range);
    super::fluentd::register(tera);
    super::machines::register(tera);
}

/// Lets the next template begin with the full number.
pub(super) fn refill_range() {
    RANGE_LEFT.set(RANGE_NUMBERS);
}

/// `range(end=…)`: the whole numbers from `start` (0 without it) up to before `end`.
#[expect(clippy::needless_pass_by_value, reason = "Tera calls it so")]
fn range(kwargs: Kwargs, _: &State) -> TeraResult<Vec<i64>> {
    let start = kwargs.get::<i64>("start")?.unwrap_or_default();
    let end = kwargs.must_get::<i64>("end")?;
    let count = u32::try_from(end.saturating_sub(start).max(0)).unwrap_or(u32::MAX);
    let left = RANGE_LEFT.get().checked_sub(count).ok_or_else(|| {
        Error::message(format!(
            "`range` gives no more than {RANGE_NUMBERS} numbers to one template"
        ))
    })?;
    RANGE_LEFT.set(left);
    Ok((start..end).collect())
}

/// `{{ value | json }}`: any value as JSON on one line, which is also a valid
/// YAML flow value. What YAML forbids in a file or reads as a line break
/// (<https://yaml.org/spec/1.2.2/#51-character-set>) is escaped.
pub fn json(value: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    if value.is_undefined() {
        return Err(Error::message(
            "`json` was given a variable that doesn't exist",
        ));
    }
    to_json(value)
        .map_err(|error| Error::message(format!("`json` can't write this value: {error}")))
}

/// `{{ value | compact_json | json }}`: a value as the text of a JSON document
/// inside another one. Without blanks, since such texts have limits.
pub fn compact_json(value: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    if value.is_undefined() {
        return Err(Error::message(
            "`compact_json` was given a variable that doesn't exist",
        ));
    }
    serde_json::to_string(value)
        .map_err(|error| Error::message(format!("`compact_json` can't write this value: {error}")))
}

/// Writes a value as JSON that YAML reads alike.
pub fn to_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut out = Vec::with_capacity(64);
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut out, YamlSafe,
    ))?;
    String::from_utf8(out).map_err(serde_json::Error::custom)
}

/// Compact JSON with a blank after `:` and `,`, whose strings hold only
/// characters that YAML prints.
struct YamlSafe;

impl Formatter for YamlSafe {
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(needs_escape) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let escaped = rest[at..].chars().next().map_or(0, u32::from);
            write!(writer, "\\u{escaped:04x}")?;
            rest = &rest[at + char::from_u32(escaped).map_or(1, char::len_utf8)..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

/// Characters that JSON may hold and YAML may not, or not in one line.
fn needs_escape(c: char) -> bool {
    matches!(
        c,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_yaml_forbids_is_escaped() {
        assert_eq!(
            to_json(&"a\u{85}\u{2028}\u{feff}ü\u{7f}\u{10ffff}").unwrap(),
            "\"a\\u0085\\u2028\\ufeffü\\u007f\u{10ffff}\""
        );
    }

    proptest! {
        #[test]
        fn every_text_reads_back(text in any::<String>()) {
            let written = to_json(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
