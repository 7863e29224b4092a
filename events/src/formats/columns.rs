//! Lines of columns, and the same as JSON. Pure.

use super::{is_object, object};
use crate::compiled::compiled;
use crate::fault::Fault;
use crate::field::TableName;
use crate::tokens::Tokens;
use crate::value;
use crate::writer::Writer;

const TOO_FEW: Fault = Fault("fewer columns than the format has");

/// Reads a line, or an object if it is one.
pub(super) fn write(table: TableName, text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    if is_object(text) {
        return object::write(table, text, writer);
    }
    write_tokens(table, Tokens::of(text).as_slice(), writer)
}

/// Reads the columns of a line.
pub(super) fn write_tokens(
    table: TableName,
    tokens: &[&str],
    writer: &mut Writer<'_>,
) -> Result<(), Fault> {
    let compiled = compiled(table);
    if tokens.len() < compiled.at_least {
        return Err(TOO_FEW);
    }
    for (fields, token) in compiled.columns.iter().zip(tokens) {
        for field in fields {
            value::write(field, token, writer);
        }
    }
    super::otherwise(compiled, writer);
    Ok(())
}
