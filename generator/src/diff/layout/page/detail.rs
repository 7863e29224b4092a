//! What changes at a place: words, or blocks of old and new lines. Pure.
//!
//! Old lines that new ones replace are a block followed by theirs, so that a
//! style alone puts them below each other or side by side.

use std::ops::Range;

use serde_json::Value as Json;

use super::markup::Markup;
use crate::diff::layout::intraline::{Intraline, intraline, is_blank, without_end};
use crate::diff::layout::words::{added_otherwise_words, count};
use crate::diff::preview::{Detail, Line, Sign};

/// Bytes of a line in which what differs is marked.
const MAX_MARKED: usize = 2_000;
/// Characters of a word that are marked before, or after, what differs in it.
const MAX_WORD: usize = 12;

impl Markup {
    pub(super) fn detail(&mut self, detail: &Detail) {
        match detail {
            Detail::Added { new } => self.lines(&value(Sign::Added, new), 0),
            Detail::Removed { old } => self.lines(&value(Sign::Removed, old), 0),
            Detail::Changed { old, new } if old == new => {
                self.raw("<p>differs; what it is, is not shown</p>\n");
            }
            Detail::Changed { old, new } => {
                let mut lines = value(Sign::Removed, old);
                lines.extend(value(Sign::Added, new));
                self.lines(&lines, 0);
            }
            Detail::Renamed { to } => self.within("<p>is called <code>", to, "</code> now</p>\n"),
            Detail::Reordered { old, new } => {
                self.raw("<p>the order differs:</p>\n");
                let signed = |sign, items: &[String]| -> Vec<Line> {
                    let items = items.iter().map(|text| line(sign, text.clone()));
                    items.collect()
                };
                let mut lines = signed(Sign::Removed, old);
                lines.extend(signed(Sign::Added, new));
                self.lines(&lines, 0);
            }
            Detail::Lines { lines, omitted } | Detail::Comments { lines, omitted } => {
                self.lines(lines, *omitted);
            }
            Detail::LineEnds => self.raw("<p>only the ends of its lines differ</p>\n"),
            Detail::Opaque {
                old_bytes,
                new_bytes,
            } => {
                let words = format!("differs; {old_bytes} bytes became {new_bytes}");
                self.within("<p>", &words, "</p>\n");
            }
            Detail::FileAdded { lines, omitted } => {
                self.raw("<p>a new file</p>\n");
                self.lines(lines, *omitted);
            }
            Detail::FileAddedOtherwise { lines, omitted } => {
                self.within("<p>", added_otherwise_words(lines), "</p>\n");
                self.lines(lines, *omitted);
            }
            Detail::FileRemoved => self.raw("<p>is no longer there</p>\n"),
            Detail::FileRenamed { from } => {
                self.within("<p>was called <code>", from, "</code></p>\n");
            }
        }
    }

    /// A block for all lines of one sign that follow each other.
    fn lines(&mut self, lines: &[Line], omitted: usize) {
        if !lines.is_empty() {
            self.raw("<div class=\"diff\">");
            for block in intraline(lines).chunk_by(|one, next| one.line.sign == next.line.sign) {
                self.block(block);
            }
            self.raw("</div>\n");
        }
        if omitted > 0 {
            let words = count(omitted, "line");
            self.within(
                "<p class=\"soft\">and ",
                &words,
                " more, which the preview leaves out</p>\n",
            );
        }
    }

    fn block(&mut self, lines: &[Intraline<'_>]) {
        let (open, mark) = match lines.first().map(|line| line.line.sign) {
            Some(Sign::Added) => ("<pre class=\"new\">", "+ "),
            Some(Sign::Removed) => ("<pre class=\"old\">", "- "),
            Some(Sign::Gap) => ("<pre class=\"gap\">", "… "),
            Some(Sign::Context) | None => ("<pre>", "  "),
        };
        self.raw(open);
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                self.raw("\n");
            }
            self.raw(mark);
            self.line(line);
        }
        self.raw("</pre>");
    }

    /// Blanks are marked where they are all that differs, and at the end.
    fn line(&mut self, line: &Intraline<'_>) {
        let text = &line.line.text;
        if line.only_in_blanks {
            return self.blanks(text);
        }
        let rest = match line.line.sign {
            Sign::Added | Sign::Removed => without_end(text),
            Sign::Context | Sign::Gap => text,
        };
        match line.differs.clone().and_then(|range| to_mark(rest, range)) {
            Some(range) => {
                self.text(&rest[..range.start]);
                self.within("<mark>", &rest[range.clone()], "</mark>");
                self.text(&rest[range.end..]);
            }
            None => self.text(rest),
        }
        self.blanks(&text[rest.len()..]);
    }

    /// A text whose blanks the style shows; what is copied stays as it is.
    fn blanks(&mut self, text: &str) {
        let of_one_kind =
            |one: &char, next: &char| one == next || !(is_blank(*one) || is_blank(*next));
        let characters: Vec<char> = text.chars().collect();
        for run in characters.chunk_by(of_one_kind) {
            let text: String = run.iter().collect();
            match run.first() {
                Some(' ') => self.within("<span class=\"blank\">", &text, "</span>"),
                Some('\t') => self.within("<span class=\"tab\">", &text, "</span>"),
                _ => self.text(&text),
            }
        }
    }
}

/// What of a line is marked as different: whole words, if it is short, and
/// has at least a third in common with the other side's.
fn to_mark(text: &str, differs: Range<usize>) -> Option<Range<usize>> {
    let is_word = |c: &char| c.is_alphanumeric();
    let end = differs.end.min(text.len());
    let start = differs.start.min(end);
    let common = text.len() - (end - start);
    if start == end || text.len() > MAX_MARKED || common * 3 < text.len() {
        return None;
    }
    let bytes = |characters: &mut dyn Iterator<Item = char>| -> usize {
        let word = characters.take_while(is_word).take(MAX_WORD);
        word.map(char::len_utf8).sum()
    };
    let before = bytes(&mut text[..start].chars().rev());
    let after = bytes(&mut text[end..].chars());
    Some(start - before..end + after)
}

fn line(sign: Sign, text: String) -> Line {
    Line { sign, text }
}

/// The lines of a value: itself, or of a mapping or list each leaf after its
/// path. A text of several lines stands as these.
fn value(sign: Sign, value: &Json) -> Vec<Line> {
    let mut lines = Vec::new();
    collect(sign, "", value, &mut lines);
    lines
}

fn collect(sign: Sign, path: &str, value: &Json, lines: &mut Vec<Line>) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let below = match path {
                    "" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                collect(sign, &below, value, lines);
            }
        }
        Json::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, item) in items.iter().enumerate() {
                collect(sign, &format!("{path}[{number}]"), item, lines);
            }
        }
        Json::String(text) if text.trim_end_matches('\n').contains('\n') => {
            // As in YAML: `|-` is a text whose last line has no end.
            let (text, mark) = match text.strip_suffix('\n') {
                Some(text) => (text, "|"),
                None => (text.as_str(), "|-"),
            };
            let head = match path {
                "" => mark.to_owned(),
                _ => format!("{path}: {mark}"),
            };
            lines.push(line(sign, head));
            let below = text.split('\n').map(|text| line(sign, format!("  {text}")));
            lines.extend(below);
        }
        _ if path.is_empty() => lines.push(line(sign, value.to_string())),
        _ => lines.push(line(sign, format!("{path}: {value}"))),
    }
}
