//! The text of every input file, and where in it a byte stands.
//!
//! Nodes carry a [`Span`] of twelve bytes only; a line, a column and an
//! excerpt are worked out when a fault is reported. Pure.

use std::ops::Range;
use std::sync::OnceLock;

use crate::fault::{Fault, Place};
use crate::secrets::Hidden;

/// Lines longer than this many characters are cut in a fault's excerpt, so
/// that a file of one huge line can't flood a report.
const LONGEST_EXCERPT: usize = 500;

/// Which file of a [`Sources`] table is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A piece of a file: byte offsets, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The file it is a piece of.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

/// One input file: its path relative to the fleet's root, and its text.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    line_starts: OnceLock<Vec<usize>>,
    hidden: OnceLock<Hidden>,
}

impl SourceFile {
    /// Takes a file's text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            line_starts: OnceLock::new(),
            hidden: OnceLock::new(),
        }
    }

    /// Takes a file's bytes; bytes that are not UTF-8 are a fault at the first
    /// bad one.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Fault> {
        let path = path.into();
        String::from_utf8(bytes)
            .map(|text| Self::new(path.clone(), text))
            .map_err(|error| not_text(&path, error.as_bytes(), error.utf8_error().valid_up_to()))
    }

    /// The path relative to the fleet's root, with forward slashes.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of a piece of this file. Offsets beyond the end mean the end.
    /// Secret-shaped literals in the excerpt are masked.
    pub fn place(&self, start: usize, end: usize) -> Place {
        let start = character_boundary(&self.text, start);
        let line_starts = self
            .line_starts
            .get_or_init(|| find_line_starts(&self.text));
        let line = line_starts
            .partition_point(|&first| first <= start)
            .saturating_sub(1);
        let line_start = line_starts.get(line).copied().unwrap_or(0);
        let line_end = line_end(&self.text, line_start);
        let start = start.min(line_end).max(line_start);
        let end = character_boundary(&self.text, end).clamp(start, line_end);
        let column = self.text[line_start..start].chars().count();
        Place {
            file: self.path.clone(),
            line: count(line + 1),
            column: count(column + 1),
            excerpt: self.excerpt(line_start..line_end, column),
            width: count(self.text[start..end].chars().count().max(1)),
        }
    }

    /// The line as it may be shown: cut where it is too long, empty where the
    /// column lies beyond the cut, and without secrets.
    fn excerpt(&self, line: Range<usize>, column: usize) -> String {
        let mut characters = self.text[line.clone()].char_indices();
        let is_cut = characters.nth(LONGEST_EXCERPT).is_some();
        if is_cut && column >= LONGEST_EXCERPT {
            return String::new();
        }
        // Masking comes first: a secret that the cut halves has lost its shape.
        let hidden = self.hidden.get_or_init(|| Hidden::of(&self.text));
        let shown = hidden.show(&self.text, line);
        shown.chars().take(LONGEST_EXCERPT).collect()
    }
}

/// Every input file of a run.
#[derive(Debug, Default)]
pub struct Sources(Vec<SourceFile>);

impl Sources {
    /// Adds a file and tells its number.
    pub fn push(&mut self, file: SourceFile) -> FileId {
        let id = FileId(count(self.0.len()));
        self.0.push(file);
        id
    }

    /// The file of that number, if it is of this table.
    pub fn get(&self, file: FileId) -> Option<&SourceFile> {
        self.0.get(file.0 as usize)
    }

    /// The path of that file; empty for a number of another table.
    pub fn path(&self, file: FileId) -> &str {
        self.get(file).map_or("", SourceFile::path)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of a span, for a fault.
    pub fn place(&self, span: Span) -> Place {
        match self.get(span.file) {
            Some(file) => file.place(span.start as usize, span.end as usize),
            None => Place {
                file: String::new(),
                line: 1,
                column: 1,
                excerpt: String::new(),
                width: 1,
            },
        }
    }
}

/// The start of the character that byte is of; the end for one beyond it.
fn character_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A number that is shown; inputs are at most 1 MiB, so it always fits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where lines start. YAML breaks lines at LF, CRLF and a lone CR
/// (<https://yaml.org/spec/1.2.2/#54-line-break-characters>). A byte order
/// mark belongs to no line.
fn find_line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut starts = vec![if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    }];
    for (at, byte) in bytes.iter().enumerate() {
        let breaks = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if breaks {
            starts.push(at + 1);
        }
    }
    starts
}

/// Where the line that starts there ends, its break not included.
fn line_end(text: &str, line_start: usize) -> usize {
    text[line_start..]
        .find(['\n', '\r'])
        .map_or(text.len(), |length| line_start + length)
}

/// The fault of a file that is not UTF-8.
fn not_text(path: &str, bytes: &[u8], valid: usize) -> Fault {
    let before = SourceFile::new(path, String::from_utf8_lossy(&bytes[..valid]));
    let mut place = before.place(valid, valid);
    place.excerpt.clear();
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let fault = Fault::input(format!(
        "the file is not UTF-8 text: the byte 0x{byte:02X} is not part of a character"
    ));
    let wide = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    let hint = if wide {
        "it looks like UTF-16; save it as UTF-8"
    } else {
        "save it as UTF-8"
    };
    fault.at(place).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, start: usize, end: usize) -> (u32, u32, u32, String) {
        let place = SourceFile::new("f", text).place(start, end);
        (place.line, place.column, place.width, place.excerpt)
    }

    #[test]
    fn counts_columns_in_characters_and_lines_from_one() {
        let text = "a: 1\nü: \"日本\"\n";
        let start = text.find('"').expect("there");
        assert_eq!(at(text, start, start + 8), (2, 4, 4, "ü: \"日本\"".into()));
        assert_eq!(at(text, 0, 1), (1, 1, 1, "a: 1".into()));
    }

    #[test]
    fn breaks_lines_at_lf_crlf_and_cr() {
        assert_eq!(at("a\r\nb\r\nc", 6, 7), (3, 1, 1, "c".into()));
        assert_eq!(at("a\rb\rc", 4, 5), (3, 1, 1, "c".into()));
        assert_eq!(at("ab\r\nb", 2, 2), (1, 3, 1, "ab".into()));
    }

    #[test]
    fn ends_the_caret_with_the_line() {
        assert_eq!(at("key:\n  - a\n", 0, 11), (1, 1, 4, "key:".into()));
        assert_eq!(at("", 0, 0), (1, 1, 1, String::new()));
        assert_eq!(at("a\n", 99, 100), (2, 1, 1, String::new()));
    }

    #[test]
    fn does_not_count_a_byte_order_mark() {
        assert_eq!(at("\u{feff}key: 1", 3, 6), (1, 1, 3, "key: 1".into()));
    }

    #[test]
    fn cuts_the_excerpt_of_a_huge_line() {
        let text = format!("[{}]", "1, ".repeat(1000));
        assert_eq!(at(&text, 1, 2).3.chars().count(), LONGEST_EXCERPT);
        assert_eq!(at(&text, 1800, 1801).3, "");
    }

    #[test]
    fn places_the_first_byte_that_is_not_text() {
        let fault =
            SourceFile::from_bytes("f", b"a: 1\nb: \xff\n".to_vec()).expect_err("not UTF-8");
        let place = fault.place.expect("placed");
        assert_eq!((place.line, place.column), (2, 4));
        assert!(fault.message.contains("0xFF"), "{}", fault.message);
        let wide = SourceFile::from_bytes("f", vec![0xFF, 0xFE, b'a', 0]).expect_err("UTF-16");
        assert_eq!(wide.hints, ["it looks like UTF-16; save it as UTF-8"]);
    }
}
