//! Lines of one side beside those of the other, so that what differs in them
//! is seen: where it stands far within a long line, and where it is but a
//! blank. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use super::words::cut_around;
use crate::diff::preview::{Line, Sign};

/// Pairs of lines that are compared with each other; of more, those at the same place are.
const MAX_PAIRS: usize = 400;

/// A line, and what tells it from the other side's.
#[derive(Debug)]
pub(in crate::diff) struct Intraline<'l> {
    /// The line.
    pub(in crate::diff) line: &'l Line,
    /// Where it differs from the line of the other side that it is most like, in bytes.
    pub(in crate::diff) differs: Option<Range<usize>>,
    /// Whether it differs from one in nothing but blanks.
    pub(in crate::diff) only_in_blanks: bool,
}

impl Intraline<'_> {
    /// As a text shows it: blanks that matter are signs, and what is too long
    /// is cut where the difference stays.
    pub(in crate::diff) fn to_text(&self) -> String {
        let text = &self.line.text;
        let first = self.differs.as_ref().map_or(0, |range| range.start);
        let first = text[..first].chars().count();
        let seen = if self.only_in_blanks {
            text.chars().map(sign_of_blank).collect()
        } else if self.line.sign.is_of_one_side() {
            let rest = without_end(text);
            let end = text[rest.len()..].chars().map(sign_of_blank);
            rest.chars().chain(end).collect()
        } else {
            text.clone()
        };
        cut_around(&seen, first)
    }
}

/// A text without the blanks at its end.
pub(in crate::diff) fn without_end(text: &str) -> &str {
    text.trim_end_matches(is_blank)
}

/// Whether it is a blank that looks like another one.
pub(in crate::diff) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn sign_of_blank(character: char) -> char {
    match character {
        ' ' => '·',
        '\t' => '→',
        other => other,
    }
}

impl Sign {
    fn is_of_one_side(self) -> bool {
        matches!(self, Self::Added | Self::Removed)
    }
}

/// Puts lines beside those that replace them, or that they replace.
pub(in crate::diff) fn intraline(lines: &[Line]) -> Vec<Intraline<'_>> {
    let in_one_block =
        |one: &Line, next: &Line| one.sign.is_of_one_side() == next.sign.is_of_one_side();
    lines.chunk_by(in_one_block).flat_map(block).collect()
}

/// Lines that follow each other without one that both sides have.
fn block(lines: &[Line]) -> Vec<Intraline<'_>> {
    let of = |sign| -> Vec<&Line> { lines.iter().filter(|line| line.sign == sign).collect() };
    let (removed, added) = (
        Replaced::new(of(Sign::Removed)),
        Replaced::new(of(Sign::Added)),
    );
    let (mut old, mut new) = (0, 0);
    let lines = lines.iter().map(|line| {
        let (other, number, count) = match line.sign {
            Sign::Removed => (&added, &mut old, removed.lines.len()),
            Sign::Added => (&removed, &mut new, added.lines.len()),
            Sign::Context | Sign::Gap => return Intraline::alone(line),
        };
        *number += 1;
        other.beside(line, *number - 1, count)
    });
    lines.collect()
}

impl<'l> Intraline<'l> {
    fn alone(line: &'l Line) -> Self {
        Self {
            line,
            differs: None,
            only_in_blanks: false,
        }
    }
}

/// The other side's lines of a block.
struct Replaced<'l> {
    lines: Vec<&'l Line>,
    by_words: BTreeMap<String, &'l str>,
}

impl<'l> Replaced<'l> {
    fn new(lines: Vec<&'l Line>) -> Self {
        let by_words = lines.iter().map(|line| (words(&line.text), &*line.text));
        Self {
            by_words: by_words.collect(),
            lines,
        }
    }

    fn beside<'o>(&self, line: &'o Line, number: usize, count: usize) -> Intraline<'o> {
        if self.lines.is_empty() {
            return Intraline::alone(line);
        }
        let same_words = self.by_words.get(&words(&line.text));
        if let Some(other) = same_words.filter(|other| **other != line.text) {
            return Intraline {
                line,
                differs: Some(difference(&line.text, other)),
                only_in_blanks: true,
            };
        }
        let like = |other: &&&Line| alike(&line.text, &other.text);
        let most_like = if self.lines.len() * count <= MAX_PAIRS {
            self.lines.iter().rev().max_by_key(like)
        } else {
            self.lines.get(number)
        };
        Intraline {
            line,
            differs: most_like.map(|other| difference(&line.text, &other.text)),
            only_in_blanks: false,
        }
    }
}

/// A text without its blanks.
fn words(text: &str) -> String {
    text.chars().filter(|c| !is_blank(*c)).collect()
}

/// Bytes that two texts share at their beginning, and at their end.
fn alike(one: &str, other: &str) -> usize {
    let start = shared(one.bytes(), other.bytes());
    let (one, other) = (&one.as_bytes()[start..], &other.as_bytes()[start..]);
    start + shared(one.iter().rev(), other.iter().rev())
}

/// Where a text differs from another one, between what they share.
fn difference(text: &str, other: &str) -> Range<usize> {
    let mut start = shared(text.bytes(), other.bytes());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let rest = &other.as_bytes()[start.min(other.len())..];
    let end = shared(text.as_bytes()[start..].iter().rev(), rest.iter().rev());
    let mut end = text.len() - end;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn shared<T: PartialEq>(one: impl Iterator<Item = T>, other: impl Iterator<Item = T>) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(old: &[&str], new: &[&str]) -> Vec<Line> {
        let line = |sign, text: &&str| Line {
            sign,
            text: (*text).to_owned(),
        };
        let old = old.iter().map(|text| line(Sign::Removed, text));
        let new = new.iter().map(|text| line(Sign::Added, text));
        old.chain(new).collect()
    }

    fn shown(old: &[&str], new: &[&str]) -> Vec<String> {
        let lines = lines(old, new);
        intraline(&lines).iter().map(Intraline::to_text).collect()
    }

    #[test]
    fn blanks_are_seen_where_nothing_else_differs() {
        assert_eq!(shown(&["a  b"], &["\ta b"]), ["a··b", "→a·b"]);
        assert_eq!(shown(&["a b", "c d"], &["e f"]), ["a b", "c d", "e f"]);
        assert_eq!(shown(&["x", "a b"], &["ab"]), ["x", "a·b", "ab"]);
        assert_eq!(shown(&["a "], &["b\t"]), ["a·", "b→"]);
        assert_eq!(shown(&[], &["  a  "]), ["  a··"]);
    }

    #[test]
    fn a_long_line_is_cut_where_it_differs() {
        let long = "x".repeat(5_000);
        let (old, new) = (format!("{long}old{long}"), format!("{long}new{long}"));
        let reported = shown(&["other", &old], &[&new]);
        assert!(reported[1].contains("xxoldxx") && reported[2].contains("xxnewxx"));
        let longest = reported.iter().map(|text| text.chars().count()).max();
        assert!(longest < Some(280), "{longest:?}");
        assert!(reported[1].starts_with('…') && reported[1].ends_with("… (10003 characters)"));
    }

    #[test]
    fn what_differs_lies_between_what_both_have() {
        let lines = lines(&["image: a:1.19.0\""], &["image: a:1.20.0\""]);
        let reported: Vec<&str> = intraline(&lines)
            .iter()
            .map(|one| &one.line.text[one.differs.clone().expect("a pair")])
            .collect();
        assert_eq!(reported, ["19", "20"]);
    }

    proptest! {
        #[test]
        fn what_differs_is_never_shown_the_same(
            start in "[aä \\t]{0,400}", old in "[a-cäü \\t]{0,6}", new in "[a-cäü \\t]{0,6}", end in "[aä ]{0,400}"
        ) {
            let (old, new) = (format!("{start}{old}{end}"), format!("{start}{new}{end}"));
            let reported = shown(&[&old], &[&new]);
            prop_assert_eq!(reported[0] == reported[1], old == new);
        }
    }
}
