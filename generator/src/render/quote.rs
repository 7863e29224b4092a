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

/// A text as YAML for Filebeat. Filebeat looks for `${…}` in what YAML has
/// read, and reads `$$` as `$`
/// (<https://github.com/elastic/go-ucfg/blob/v0.8.8/variables.go>). Systems
/// Manager looks for `{{…}}` in the whole script that holds the file.
pub fn filebeat(text: &str) -> Result<String, serde_json::Error> {
    let doubled = text.replace('$', "$$");
    Ok(super::filter::to_json(&doubled)?
        .replace('{', "\\u007b")
        .replace('}', "\\u007d"))
}

/// A text as one word of a shell.
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@+,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A regular expression between slashes, as a condition of Logstash has it. An
/// escape is the expression's own, so only slashes need one.
///
/// <https://github.com/elastic/logstash/blob/v9.1.0/logstash-core/lib/logstash/compiler/lscl/lscl_grammar.treetop>
pub fn logstash_regex(pattern: &str) -> String {
    format!("/{}/", delimited(pattern, '/'))
}

/// A regular expression in double quotes, as an option of Logstash has it
/// (with `config.support_escapes: false`, its default).
pub fn logstash_pattern(pattern: &str) -> String {
    format!("\"{}\"", delimited(pattern, '"'))
}

/// Escapes a delimiter within a regular expression, and what Logstash would
/// take for a variable of its own, `${NAME}`: a brace that follows `$` is a
/// letter there, unless a number follows.
fn delimited(pattern: &str, delimiter: char) -> String {
    let mut out = String::with_capacity(pattern.len() + 2);
    let mut escaped = false;
    let mut characters = pattern.chars().peekable();
    while let Some(c) = characters.next() {
        if c == delimiter && !escaped {
            out.push('\\');
        }
        out.push(c);
        escaped = c == '\\' && !escaped;
        if c == '$' && characters.peek() == Some(&'{') {
            characters.next();
            let digit = characters
                .peek()
                .is_some_and(|c| c.is_ascii_digit() || *c == ',');
            out.push_str(if digit { "{" } else { "\\{" });
            escaped = false;
        }
    }
    // Logstash reads a delimiter behind any backslash as escaped, behind an
    // escaped one too.
    if out.ends_with('\\') {
        out.push_str("(?:)");
    }
    out
}
