//! Finds plain words that Kubernetes reads as something else than we do. Pure.
//!
//! Our reader follows YAML 1.2. Kubernetes and kustomize read by go-yaml, which
//! keeps the words of YAML 1.1 (<https://github.com/yaml/go-yaml#compatibility>):
//! an image named `y` is `true` to them.

use crate::fault::{Fault, Faults};
use crate::load::node::{Node, Value};
use crate::load::source_file::{Sources, Span};

/// Words that are true or false in YAML 1.1 alone, in all spellings that go-yaml knows.
const BOOLEANS: [&str; 16] = [
    "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
    "OFF",
];

/// Tells every such word of a document, keys included.
pub(super) fn refuse_misread(node: &Node, sources: &Sources, faults: &mut Faults) {
    match &node.value {
        Value::String(text) => refuse_word(text, node.span, sources, faults),
        Value::Sequence(items) => items
            .iter()
            .for_each(|item| refuse_misread(item, sources, faults)),
        Value::Mapping(entries) => {
            for entry in entries {
                refuse_word(&entry.key, entry.key_span, sources, faults);
                refuse_misread(&entry.node, sources, faults);
            }
        }
        _ => {}
    }
}

fn refuse_word(text: &str, span: Span, sources: &Sources, faults: &mut Faults) {
    let Some(meaning) = other_meaning(text) else {
        return;
    };
    let written = sources
        .get(span.file)
        .map_or("", |file| &file.text()[span.start as usize..]);
    // Only a plain scalar stands in the file as it is; a quoted or block one begins otherwise.
    if written.starts_with(text) {
        faults.push(
            Fault::input(format!(
                "Kubernetes reads the plain word `{text}` as {meaning}"
            ))
            .at(sources.place(span))
            .hint("put it in quotes"),
        );
    }
}

/// What go-yaml makes of a plain word that YAML 1.2 reads as text.
fn other_meaning(text: &str) -> Option<&'static str> {
    if text.len() <= 3 && BOOLEANS.contains(&text) {
        return Some("true or false");
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    is_number(&unsigned.replace('_', "")).then_some("a number")
}

fn is_number(unsigned: &str) -> bool {
    let radix = |prefix: &str, radix| {
        let digits = unsigned.strip_prefix(prefix);
        digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)))
    };
    radix("0b", 2)
        || radix("0o", 8)
        || radix("0x", 16)
        || (unsigned.ends_with(|last: char| last.is_ascii_digit() || last == '.')
            && unsigned.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_words_of_yaml_1_1() {
        for text in [
            "y", "NO", "On", "012", "-012", "1_000", "0b11", "+0b1", "1_0.5", "0x_1F",
        ] {
            assert!(other_meaning(text).is_some(), "{text}");
        }
        for text in [
            "yes!",
            "yEs",
            "nO",
            "1.2.3",
            "10%",
            "512Mi",
            "1:30",
            "2001-12-14",
            "v1",
            "=",
            "",
            "-",
            ".",
            "_1",
        ] {
            assert!(other_meaning(text).is_none(), "{text}");
        }
    }
}
