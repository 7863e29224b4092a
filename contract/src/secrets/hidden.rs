//! Which pieces of a text nobody may see. Pure.
//!
//! A text may be of any language, and broken. So this looks for keys of
//! secrets, one pass over the text, and hides what may be their values: behind
//! a `:` or `=`, in quotes and brackets, on the lines below, beside a name. It
//! rather hides too much than too little.

mod value;

pub use value::is_harmless;

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::key::{self, Secrecy};
use super::shape;

/// The character a secret is replaced by, one for one, so that columns stay.
const MASK: char = '*';
/// Lines around a name in which its value is looked for.
const LINES_AROUND: usize = 60;
/// Bytes around a name in its line in which its value is looked for.
const BYTES_AROUND: usize = 1_000;

/// The pieces of a text that nobody may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// In order, and apart from each other.
    ranges: Vec<Range<usize>>,
}

impl Hidden {
    /// Those of a text.
    pub fn of(text: &str) -> Self {
        let mut ranges = shape::find_likely(text);
        ranges.extend(Scanner::new(text).scan());
        Self::new(ranges)
    }

    /// Those pieces, in any order.
    pub(super) fn new(mut ranges: Vec<Range<usize>>) -> Self {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        Self { ranges: apart }
    }

    /// A piece of that text, fit to be shown, as many characters long.
    pub fn show(&self, text: &str, piece: Range<usize>) -> String {
        let first = self
            .ranges
            .partition_point(|range| range.end <= piece.start);
        let mut ranges = self.ranges[first..].iter().peekable();
        let mut lines_begin = true;
        let mut show = |(at, c): (usize, char)| {
            while ranges.next_if(|range| range.end <= at).is_some() {}
            let is_hidden = ranges.peek().is_some_and(|range| range.start <= at);
            // Lines stay lines, and are indented as they were.
            lines_begin = c == '\n' || c == '\r' || (lines_begin && c.is_whitespace());
            if is_hidden && !lines_begin { MASK } else { c }
        };
        let shown = text[piece.clone()].char_indices();
        shown.map(|(at, c)| show((piece.start + at, c))).collect()
    }
}

/// A Secret of Kubernetes somewhere in a text.
static SECRET_KIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[^A-Za-z])kind\\*["']?\s*:\s*\\*["']?Secret(?:[^A-Za-z]|$)"#).ok()
});

/// Whether a text has a Secret of Kubernetes in it, or speaks of one.
pub fn names_secret(text: &str) -> bool {
    text.contains("Secret") && SECRET_KIND.as_ref().is_some_and(|kind| kind.is_match(text))
}

/// What holds the value of what is named beside it.
static VALUE_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\b([A-Za-z]*[Vv]alues?|[Dd]efault)\\*["']?[ \t]*(?:=>|[:=])[ \t]*"#).ok()
});

/// A key that was found, and where.
#[derive(Clone, Debug)]
struct Key {
    word: Range<usize>,
    line: Range<usize>,
    secrecy: Secrecy,
}

/// What stands between a key and its value.
struct Separator {
    is_colon: bool,
    /// Where the value begins.
    end: usize,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The line that `at` is in, without its end.
    line: Range<usize>,
    /// Up to where quotes of that line were counted.
    counted: usize,
    /// Which is open there.
    open_quote: Option<u8>,
    /// Whether the fields of a Secret are hidden.
    is_secret_object: bool,
    hidden: Vec<Range<usize>>,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 0..line_end(text, 0),
            counted: 0,
            open_quote: None,
            is_secret_object: names_secret(text),
            hidden: Vec::new(),
        }
    }

    fn scan(mut self) -> Vec<Range<usize>> {
        while let Some(word) = self.next_word() {
            self.at = word.end;
            self.enter_line(word.start);
            let name = &self.text[word.clone()];
            let key = Key {
                secrecy: self.secrecy(name),
                line: self.line.clone(),
                word,
            };
            if key::is_name_key(name) {
                self.find_named(&key);
            } else if key.secrecy != Secrecy::None {
                self.hide_value_of(&key);
            }
        }
        self.hidden
    }

    fn secrecy(&self, name: &str) -> Secrecy {
        match name {
            "stringData" => Secrecy::OfAll,
            "data" if self.is_secret_object => Secrecy::OfAll,
            // The scheme of a reference.
            "kubernetes-secret" => Secrecy::None,
            _ => key::secrecy(name),
        }
    }

    fn next_word(&self) -> Option<Range<usize>> {
        let is_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let bytes = self.text.as_bytes();
        let start = self.at + bytes[self.at..].iter().position(is_word)?;
        let length = bytes[start..].iter().position(|byte| !is_word(byte));
        Some(start..length.map_or(bytes.len(), |length| start + length))
    }

    fn enter_line(&mut self, at: usize) {
        if at > self.line.end {
            let start = line_start(self.text, at, self.line.end);
            self.line = start..line_end(self.text, at);
            (self.counted, self.open_quote) = (start, None);
        }
        self.count_quotes(at);
    }

    /// A quote opens and closes; what stands in another kind of quotes is text.
    fn count_quotes(&mut self, to: usize) {
        for byte in self.text[self.counted..to.max(self.counted)].bytes() {
            self.open_quote = match (self.open_quote, byte) {
                (None, b'"' | b'\'') => Some(byte),
                (Some(open), byte) if open == byte => None,
                (open, _) => open,
            };
        }
        self.counted = self.counted.max(to);
    }

    /// Whether what stands there is in such quotes.
    fn is_in_quotes(&mut self, at: usize, quote: Option<char>) -> bool {
        if at < self.counted || at > self.line.end {
            return false;
        }
        self.count_quotes(at);
        self.open_quote
            .is_some_and(|open| quote == Some(char::from(open)))
    }

    fn hide_value_of(&mut self, key: &Key) {
        let before = &self.text[key.line.start..key.word.start];
        if let Some(separator) = self.separator(key) {
            self.value(key, &separator);
        } else if self.text[key.word.clone()].starts_with('-') {
            self.value_of_option(key);
        } else if before.ends_with('<') {
            self.value_of_element(key);
        } else {
            self.value_behind_blank(key);
        }
    }

    /// What makes the word before it a key: `:`, `=`, `=>` and the like.
    fn separator(&self, key: &Key) -> Option<Separator> {
        let rest = &self.text[key.word.end..key.line.end];
        let open = rest.trim_start_matches('\\');
        let open = open.strip_prefix(['"', '\'', '`']).unwrap_or(open);
        let open = open.strip_prefix(']').unwrap_or(open);
        let is_quoted = open.len() < rest.len();
        let spaced = open.trim_start_matches([' ', '\t']);
        let value = spaced.trim_start_matches([':', '=', '>', '+', '?', '~']);
        let operator = &spaced[..spaced.len() - value.len()];
        if !operator.contains([':', '=']) || operator.starts_with("::") {
            // `!=` tells what the value is, too.
            spaced.strip_prefix("!=")?;
        }
        let is_joined =
            operator == ":" && !is_quoted && !value.starts_with([' ', '\t', '"', '\'', '\\']);
        let before = self.text[..key.word.start].bytes().next_back();
        // A part of an address or of an image: `arn:…:secret:name`, `/secret:1.0`.
        if is_joined
            && !value.is_empty()
            && (matches!(before, Some(b':' | b'/')) || value.starts_with("//"))
        {
            return None;
        }
        // A value may begin as an operator does; behind a blank it is the value's.
        let operator = operator.trim_end_matches(['~', '?', '+']);
        let value = if operator.is_empty() {
            value
        } else {
            &spaced[operator.len()..]
        };
        Some(Separator {
            is_colon: operator == ":",
            end: key.line.end - value.trim_start_matches([' ', '\t']).len(),
        })
    }

    /// Hides the value beside a name that says that it is a secret:
    /// `name: DB_PASSWORD` and `value: …`.
    fn find_named(&mut self, key: &Key) {
        let Some(separator) = self.separator(key) else {
            return;
        };
        let value = self.text[separator.end..key.line.end].trim_start_matches(['\\', '"', '\'']);
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let name = &value[..value.find(|c| !is_word(c)).unwrap_or(value.len())];
        if key::secrecy(name) == Secrecy::None {
            return;
        }
        let at = self.at;
        self.hide_beside(key, separator.end);
        self.hide_around(key);
        self.at = at;
    }

    /// In the same line, in the same braces.
    fn hide_beside(&mut self, key: &Key, name: usize) {
        let last = end_within(self.text, name, BYTES_AROUND).min(key.line.end);
        let ahead = self.text[name..last].char_indices();
        let ahead = name..brace_beyond(ahead, ['{', '}']).map_or(last, |at| name + at);
        let first = start_within(self.text, key.word.start, BYTES_AROUND).max(key.line.start);
        let behind = self.text[first..key.word.start].char_indices().rev();
        let behind = brace_beyond(behind, ['}', '{']).map_or(first, |at| first + at);
        for part in [ahead, behind..key.word.start] {
            self.hide_values_in(part, &key.line);
        }
    }

    /// In the lines above and below that are indented alike.
    fn hide_around(&mut self, key: &Key) {
        let Some(column) = column_of(self.text, key) else {
            return;
        };
        let mut line = key.line.clone();
        for _ in 0..LINES_AROUND {
            let Some(next) = line_after(self.text, &line) else {
                break;
            };
            line = next;
            let own = Indent::of(&self.text[line.clone()]);
            if own.is_blank {
                continue;
            }
            if own.column < column {
                break;
            }
            if own.column == column {
                self.hide_values_in(line.clone(), &line);
            }
        }
        let mut line = key.line.clone();
        for _ in 0..LINES_AROUND {
            let own = Indent::of(&self.text[line.clone()]);
            let begins_item = own.item_column > own.column;
            let Some(previous) = line_before(self.text, &line).filter(|_| !begins_item) else {
                break;
            };
            line = previous;
            let own = Indent::of(&self.text[line.clone()]);
            if own.is_blank || own.column > column {
                continue;
            }
            if own.item_column == column {
                self.hide_values_in(line.clone(), &line);
            }
            if own.item_column < column {
                break;
            }
        }
    }

    fn hide_values_in(&mut self, part: Range<usize>, line: &Range<usize>) {
        let Some(pattern) = VALUE_KEY.as_ref() else {
            return;
        };
        let text = self.text;
        for found in pattern.captures_iter(&text[part.clone()]) {
            let (Some(name), Some(whole)) = (found.get(1), found.get(0)) else {
                continue;
            };
            if !key::is_value_key(name.as_str()) {
                continue;
            }
            let key = Key {
                word: part.start + name.start()..part.start + name.end(),
                line: line.clone(),
                secrecy: Secrecy::OfAll,
            };
            let is_done = |range: &Range<usize>| range.contains(&key.word.start);
            if self.hidden.last().is_some_and(is_done) {
                continue;
            }
            let separator = Separator {
                is_colon: whole.as_str().trim_end().ends_with(':'),
                end: part.start + whole.end(),
            };
            self.value(&key, &separator);
        }
    }
}

/// Where the brace is that closes what was opened before.
fn brace_beyond(
    characters: impl Iterator<Item = (usize, char)>,
    [open, close]: [char; 2],
) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in characters {
        if c == open {
            depth += 1;
        } else if c == close {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some(at),
            }
        }
    }
    None
}

/// How a line begins.
struct Indent {
    /// Bytes of white space.
    column: usize,
    /// The same with the signs of items, `- `.
    item_column: usize,
    is_blank: bool,
}

impl Indent {
    fn of(line: &str) -> Self {
        let rest = line.trim_start();
        let mut item = rest;
        while let Some(inner) = item.strip_prefix("- ") {
            item = inner.trim_start();
        }
        Self {
            column: line.len() - rest.len(),
            item_column: line.len() - item.len(),
            is_blank: rest.is_empty(),
        }
    }
}

/// The column of a key that its line begins with, but for signs of items,
/// comments and quotes.
fn column_of(text: &str, key: &Key) -> Option<usize> {
    let before = &text[key.line.start..key.word.start];
    let plain = |c: char| {
        matches!(
            c,
            ' ' | '\t' | '-' | '#' | '"' | '\'' | '\\' | '/' | '*' | ';'
        )
    };
    let is_first = before.chars().all(plain);
    is_first.then(|| before.trim_end_matches(['"', '\'', '\\']).len())
}

/// At most so many bytes after a place.
fn end_within(text: &str, at: usize, most: usize) -> usize {
    let end = (at + most).min(text.len());
    (at..=end)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(at)
}

/// At most so many bytes before a place.
fn start_within(text: &str, at: usize, most: usize) -> usize {
    let start = at.saturating_sub(most);
    (start..=at)
        .find(|start| text.is_char_boundary(*start))
        .unwrap_or(at)
}

fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length);
    if text[at..end].ends_with('\r') {
        end - 1
    } else {
        end
    }
}

/// The start of the line that has the byte `at`, which is not before `after`.
fn line_start(text: &str, at: usize, after: usize) -> usize {
    text[after..at]
        .rfind('\n')
        .map_or(after, |length| after + length + 1)
}

fn line_after(text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let start = line.end + text[line.end..].find('\n')? + 1;
    (start < text.len()).then(|| start..line_end(text, start))
}

fn line_before(text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let end = line.start.checked_sub(1)?;
    let start = line_start(text, end, 0);
    Some(start..line_end(text, start))
}
