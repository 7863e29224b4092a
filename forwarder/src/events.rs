//! What is read out of a line. Pure.
//!
//! This module is a placeholder for the crate `logfleet-events` behind the same
//! interface: it keeps the text and reads nothing. [`crate::route::format`] is
//! the one place that chooses a format.

use crate::json;

/// How a line or an event is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text is kept as it is.
    Text,
}

/// What the caller needs of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The event's own time, in milliseconds since 1970.
    pub time: Option<i64>,
    /// Whether the line isn't what its format says.
    pub unparsed: bool,
}

/// Appends the members of one JSON object to `out`, without braces.
pub fn write_fields(format: &Format, text: &str, out: &mut Vec<u8>) -> Parsed {
    match format {
        Format::Text => {
            out.extend_from_slice(b"\"message\":");
            json::write_text(text, out);
            Parsed::default()
        }
    }
}
