//! Quoting for Fluentd's configuration and for the Ruby within it. Pure.
//!
//! Fluentd's rules, of
//! <https://github.com/fluent/fluentd/blob/v1.19.3/lib/fluent/config/literal_parser.rb>:
//!
//! - `"…"` knows `\n \r \t \f \b \0`, `\` before anything that is no letter or
//!   digit stands for that character, any other escape is a fault, and **`#{…}`
//!   is run as Ruby**;
//! - `'…'` knows only `\'` and `\\`, but can't hold a line break safely;
//! - without quotes a value ends at its line's end or at a `#` after a blank;
//! - `[…]` and `{…}` without quotes are JSON, in whose strings `#{…}` is run too.
//!
//! So every value is written in double quotes with `#` escaped, and lists are
//! JSON with `#` as `\u0023`.

use std::fmt::Write as _;

/// A text as a double-quoted value, which reads back as that very text.
pub fn fluentd(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0' => out.push_str("\\0"),
            '#' => out.push_str("\\#"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A regular expression as a value: between slashes, then quoted. Slashes
/// within need nothing, because Fluentd looks for the last one
/// (<https://github.com/fluent/fluentd/blob/v1.19.3/lib/fluent/config/types.rb>).
pub fn fluentd_regex(pattern: &str) -> String {
    fluentd(&format!("/{pattern}/"))
}

/// Texts as a list, an item a line where there are several.
pub fn fluentd_list(texts: &[impl AsRef<str>]) -> String {
    match texts {
        [] => "[]".to_owned(),
        [one] => format!("[{}]", fluentd_item(one.as_ref())),
        several => {
            let items: Vec<String> = several
                .iter()
                .map(|text| fluentd_item(text.as_ref()))
                .collect();
            format!("[\n    {}\n  ]", items.join(",\n    "))
        }
    }
}

/// A text as an item of a list or a value of a hash: JSON without `#`.
pub fn fluentd_item(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '#' => out.push_str("\\u0023"),
            c if c.is_control() => push_unicode_escape(&mut out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as Ruby's double-quoted string within a value **without** Fluentd's
/// quotes. Nothing in it can end the value, the string or a `${…}`, or start
/// Ruby of its own.
pub fn ruby(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '#' => out.push_str("\\u0023"),
            // `${` would begin Ruby of the plugin's.
            '{' if out.ends_with('$') => push_unicode_escape(&mut out, c),
            c if c.is_control() => push_unicode_escape(&mut out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Text of a comment: on one line, whatever it was on.
pub fn comment(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `\u` and four digits, which Ruby and JSON both read; only for characters
/// of the basic plane, and all that need it are.
fn push_unicode_escape(out: &mut String, c: char) {
    // Writing to a `String` can't fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}
