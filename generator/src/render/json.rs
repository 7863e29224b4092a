//! What a `.json` template renders to: JSON with comments and trailing commas
//! in, canonical JSON out. Pure.
//!
//! Canonical means: two spaces a level, keys as the template has them, one
//! newline at the end. A key that stands twice is a fault, since every reader
//! of JSON chooses another one of them.

use std::collections::BTreeSet;

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};

use crate::fault::{Fault, Place};
use crate::tree::TreePath;

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    message: String,
    /// Byte offset of the fault in the text.
    offset: usize,
}

const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Brings a text into its canonical form.
pub fn canonical(text: &str) -> Result<String, JsonError> {
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &OPTIONS).map_err(
        |error| JsonError {
            message: error.kind().to_string(),
            offset: error.range().start,
        },
    )?;
    let Some(value) = parsed.value else {
        return Err(JsonError {
            message: "there is no value".to_owned(),
            offset: 0,
        });
    };
    let mut out = String::with_capacity(text.len());
    write_value(&mut out, &value, 0)?;
    out.push('\n');
    Ok(out)
}

fn write_value(out: &mut String, value: &Value<'_>, level: usize) -> Result<(), JsonError> {
    match value {
        Value::Object(object) if object.properties.is_empty() => out.push_str("{}"),
        Value::Object(object) => {
            let mut seen = BTreeSet::new();
            let mut open = '{';
            for property in &object.properties {
                let ObjectPropName::String(name) = &property.name else {
                    return Err(JsonError {
                        message: "a key has no quotes".to_owned(),
                        offset: property.start(),
                    });
                };
                if !seen.insert(name.value.as_ref()) {
                    return Err(JsonError {
                        message: format!("the key `{}` stands twice", name.value),
                        offset: property.start(),
                    });
                }
                new_item(out, open, level + 1);
                open = ',';
                write_string(out, &name.value);
                out.push_str(": ");
                write_value(out, &property.value, level + 1)?;
            }
            new_line(out, level);
            out.push('}');
        }
        Value::Array(array) if array.elements.is_empty() => out.push_str("[]"),
        Value::Array(array) => {
            let mut open = '[';
            for element in &array.elements {
                new_item(out, open, level + 1);
                open = ',';
                write_value(out, element, level + 1)?;
            }
            new_line(out, level);
            out.push(']');
        }
        Value::StringLit(string) => write_string(out, &string.value),
        Value::NumberLit(number) => out.push_str(number.value),
        Value::BooleanLit(boolean) => out.push_str(if boolean.value { "true" } else { "false" }),
        Value::NullKeyword(_) => out.push_str("null"),
    }
    Ok(())
}

fn new_item(out: &mut String, separator: char, level: usize) {
    out.push(separator);
    new_line(out, level);
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    for _ in 0..level {
        out.push_str("  ");
    }
}

fn write_string(out: &mut String, text: &str) {
    // A `String` is always written, so there is nothing to lose.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// The fault for a template's output that is not JSON.
pub fn place(
    error: &JsonError,
    cluster: &str,
    path: &TreePath,
    template: &str,
    text: &str,
) -> Fault {
    let before = &text[..error.offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Fault::input(format!("this is not JSON: {error}"))
        .hint(format!("it is rendered from the template `{template}`"))
        .at(Place {
            file: format!("rendered/{cluster}/{path}"),
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
            excerpt: text[line_start..]
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            width: 1,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_vanish() {
        let text = "{ // why\n \"b\": [1, 2.50, ], /* x */ \"a\": {}, \"c\": \"ü\\n\\u0001\",}";
        assert_eq!(
            canonical(text).as_deref(),
            Ok(
                "{\n  \"b\": [\n    1,\n    2.50\n  ],\n  \"a\": {},\n  \"c\": \"ü\\n\\u0001\"\n}\n"
            )
        );
    }

    #[test]
    fn canonical_json_stays_as_it_is() {
        let once = canonical("{\"a\":[{\"b\":null},true,\"x\"]}").unwrap();
        assert_eq!(canonical(&once).as_ref(), Ok(&once));
    }

    #[test]
    fn what_json_forbids_is_refused() {
        for text in [
            "{\"a\": 1 \"b\": 2}",
            "{a: 1}",
            "{'a': 1}",
            "[+1]",
            "[.5]",
            "[NaN]",
            "",
            "[1] [2]",
        ] {
            assert!(canonical(text).is_err(), "{text}");
        }
        let twice = canonical("{\"a\": 1,\n \"a\": 2}").unwrap_err();
        assert_eq!(twice.to_string(), "the key `a` stands twice");
        assert_eq!(twice.offset, 10);
    }
}
