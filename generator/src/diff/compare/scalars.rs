//! What two texts of one value may be read as by other programs. Pure.
//!
//! JSON and YAML are read here into numbers of 64 bits, and YAML as version
//! 1.2 has it. Others keep all digits, and many read YAML as version 1.1 has
//! it (<https://yaml.org/type/bool.html>): `yes` is true there, and `"yes"` isn't.

use granit_parser::{Event, Parser, ScalarStyle};

/// A scalar, and the one before it: mostly its key.
type Scalar = (String, String);

/// Whether two texts of JSON of the same value have the same scalars.
pub(in crate::diff) fn are_same_in_json(old: &str, new: &str) -> bool {
    of_json(old) == of_json(new)
}

/// Whether two texts of YAML of the same value have the same scalars that
/// another program might read otherwise.
pub(in crate::diff) fn are_same_in_yaml(old: &str, new: &str) -> bool {
    let (old, new) = (of_yaml(old), of_yaml(new));
    old.is_some() && old == new
}

/// Numbers behind what stands before them, and texts, each as it is written.
fn of_json(text: &str) -> (Vec<Scalar>, Vec<String>) {
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    let mut before = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = &rest[start..];
        let is_text = rest.starts_with('"');
        let length = if is_text {
            text_length(rest)
        } else {
            let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
            rest.find(ends).unwrap_or(rest.len())
        };
        let scalar = rest[..length].to_owned();
        rest = &rest[length..];
        if is_text {
            texts.push(scalar.clone());
        } else {
            numbers.push((before, scalar.clone()));
        }
        before = scalar;
    }
    numbers.sort_unstable();
    texts.sort_unstable();
    (numbers, texts)
}

/// The bytes of a text in quotes, these included.
fn text_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Nothing for a text that can't be read.
fn of_yaml(text: &str) -> Option<Vec<Scalar>> {
    let mut scalars = Vec::new();
    let mut before = String::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.ok()?;
        if let Event::Scalar(text, style, ..) = event {
            if style == ScalarStyle::Plain && may_be_no_text(&text) {
                scalars.push((before, text.to_string()));
            }
            before = text.to_string();
        }
    }
    scalars.sort_unstable();
    Some(scalars)
}

/// Whether some program might not read a plain scalar as a text.
fn may_be_no_text(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "y", "yes", "n", "no", "on", "off", "true", "false", "null", "~", "", "<<",
    ];
    let is_word = |word: &&str| word.eq_ignore_ascii_case(text);
    let unsigned = text.trim_start_matches(['+', '-', '.']);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit());
    is_number || unsigned.len() < text.len() || WORDS.iter().any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_to_the_last_digit() {
        let number = |digits: &str| format!("{{\"a\": {digits}, \"b\": \"-1\"}}");
        let (one, other) = ("18446744073709551617", "18446744073709551618");
        assert!(!are_same_in_json(&number(one), &number(other)));
        assert!(!are_same_in_yaml(&number(one), &number(other)));
        assert!(are_same_in_json(
            &number(one),
            &number(one).replace(' ', "\n")
        ));
        assert!(are_same_in_json(
            "{\"a\": 1, \"b\": 2}",
            "{\"b\": 2, \"a\": 1}"
        ));
        assert!(!are_same_in_json(
            "{\"a\": 1, \"a\": 3}",
            "{\"a\": 2, \"a\": 3}"
        ));
        assert!(!are_same_in_json(
            "{\"a\": \"1\", \"a\": 3}",
            "{\"a\": \"2\", \"a\": 3}"
        ));
    }

    #[test]
    fn texts_of_yaml_are_texts_to_everybody() {
        for plain in ["yes", "Off", "n", "0777", "1_000", "12:30:45", "2026-01-02"] {
            let (quoted, bare) = (format!("a: \"{plain}\"\n"), format!("a: {plain}\n"));
            assert!(!are_same_in_yaml(&quoted, &bare), "{plain}");
            assert!(are_same_in_yaml(&bare, &format!("# b\n{bare}")), "{plain}");
        }
        assert!(are_same_in_yaml("a: \"word\"\n", "a: word # b\n"));
        assert!(!are_same_in_yaml(
            "a: yes\nb: \"yes\"\n",
            "a: \"yes\"\nb: yes\n"
        ));
    }
}
