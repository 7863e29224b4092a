//! The fields of what AWS logs. Pure: no IO, no clock, no threads.
//!
//! Each format has one [`Table`] of fields. The parsers read by it, the index
//! mappings of `gen` are made of it, and `docs/fields.md` prints it, so the
//! three can't differ.
//!
//! [`write_fields`] turns the text of one event into members of a JSON object.
//! Three rules hold for every format:
//!
//! - `message` is the event's text as it came. What was read from it stands
//!   beside it.
//! - A value that doesn't fit the type of its field is left out. No server
//!   refuses a document for it, and nothing is lost: it is in `message`.
//! - A text that isn't of its format has no fields but `message`,
//!   `error.type` and `error.message`.

mod compiled;
mod fault;
pub mod field;
mod formats;
mod json;
mod resource;
mod tables;
mod text;
mod time;
mod tokens;
mod value;
mod writer;

pub use fault::UNPARSED;
pub use field::{Field, FieldType, Reading, Shape, Table, TableName};
pub use formats::Format;
pub use formats::vpc_flow_log::{FlowLogFields, UnknownField};
pub use resource::resource_ids;
pub use tables::{
    COMMON, ENVELOPE, TABLES, common_fields, envelope_fields, flow_log_columns, table,
};
pub use text::string as write_string;
pub use time::time_text;

use fault::Fault;
use writer::Writer;

const NOTHING: Fault = Fault("none of the format's fields");

/// What is known of an event after its fields were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The event's own time, in milliseconds since 1970; none if its text has
    /// none. It may lie outside of what a server accepts.
    pub time: Option<i64>,
    /// Whether the text isn't of its format.
    pub unparsed: bool,
}

/// Appends the fields of an event to `out`: at least one member of a JSON
/// object, separated by commas, without braces. A name has the path of its
/// field with dots, which both servers take for objects: `"source.ip":"…"`. So
/// members of the caller stand beside them, whatever objects they share; no
/// name is one of [`ENVELOPE`], which are the caller's.
///
/// It never fails: see the rules of this crate.
pub fn write_fields(format: &Format, text: &str, out: &mut Vec<u8>) -> Parsed {
    let mut writer = Writer::new(out);
    let mut read = formats::write(format, text, &mut writer);
    if format.is_made_here() && writer.is_empty() {
        read = Err(NOTHING);
    }
    if let Err(fault) = read {
        writer.restart();
        writer.unparsed(fault.0);
    }
    if !format.is_made_here() || read.is_err() {
        writer.message(text);
    }
    Parsed {
        time: writer.time(),
        unparsed: read.is_err(),
    }
}
