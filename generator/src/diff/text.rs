//! Texts that nothing more is known of, line by line. Pure.

use similar::{ChangeTag, TextDiff};

use super::preview::{Detail, Line, Sign};
use crate::secrets;

/// Lines of a text that are compared; the time grows with their square.
const MAX_LINES: usize = 5_000;
/// Lines of one difference that are kept.
const MAX_SHOWN: usize = 200;
/// Equal lines that are shown around those that differ.
const CONTEXT: usize = 2;

/// How two different texts differ.
pub(super) fn compare(old: &str, new: &str) -> Detail {
    if unix(old) == unix(new) {
        return Detail::LineEnds;
    }
    match differing_lines(old, new) {
        Some((lines, omitted)) => Detail::Lines { lines, omitted },
        None => opaque(old.as_bytes(), new.as_bytes()),
    }
}

/// How two texts differ that mean the same.
pub(super) fn compare_layout(old: &str, new: &str) -> Detail {
    match compare(old, new) {
        Detail::Lines { lines, omitted } => Detail::Comments { lines, omitted },
        other => other,
    }
}

/// What can't be shown, by its size.
pub(super) fn opaque(old: &[u8], new: &[u8]) -> Detail {
    Detail::Opaque {
        old_bytes: old.len(),
        new_bytes: new.len(),
    }
}

/// A whole text, as new.
pub(super) fn all_lines(text: &str) -> (Vec<Line>, usize) {
    let masked = Masked::new(text);
    let lines = (0..masked.count()).map(|number| masked.line(number, Sign::Added));
    cut(lines.take(MAX_SHOWN).collect(), masked.count())
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn differing_lines(old: &str, new: &str) -> Option<(Vec<Line>, usize)> {
    let (old_lines, new_lines) = (Masked::new(old), Masked::new(new));
    if old_lines.count().max(new_lines.count()) > MAX_LINES {
        return None;
    }
    let (old_slices, new_slices) = (split(old), split(new));
    let diff = TextDiff::from_slices(&old_slices, &new_slices);
    let mut lines = Vec::new();
    for (number, hunk) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            lines.push(gap());
        }
        for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
            lines.push(
                match (change.tag(), change.old_index(), change.new_index()) {
                    (ChangeTag::Delete, Some(at), _) => old_lines.line(at, Sign::Removed),
                    (ChangeTag::Insert, _, Some(at)) => new_lines.line(at, Sign::Added),
                    (_, _, at) => new_lines.line(at.unwrap_or_default(), Sign::Context),
                },
            );
        }
    }
    let count = lines.len();
    lines.truncate(MAX_SHOWN);
    Some(cut(lines, count))
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn cut(lines: Vec<Line>, count: usize) -> (Vec<Line>, usize) {
    let omitted = count - lines.len();
    (lines, omitted)
}

fn gap() -> Line {
    Line {
        sign: Sign::Gap,
        text: String::new(),
    }
}

/// A text whose lines are shown without secrets.
struct Masked<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Masked<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends);
        let starts = starts.filter(|start| *start < text.len()).collect();
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len()
    }

    fn line(&self, number: usize, sign: Sign) -> Line {
        let start = self.starts.get(number).copied().unwrap_or(self.text.len());
        let end = self
            .starts
            .get(number + 1)
            .copied()
            .unwrap_or(self.text.len());
        let line = self.text[start..end].trim_end_matches(['\n', '\r']);
        Line {
            sign,
            text: secrets::mask_line(self.text, start, line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        match compare(old, new) {
            Detail::Lines { lines, .. } => lines.iter().map(sign_and_text).collect(),
            other => vec![format!("{other:?}")],
        }
    }

    fn sign_and_text(line: &Line) -> String {
        let sign = match line.sign {
            Sign::Context => ' ',
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Gap => '…',
        };
        format!("{sign}{}", line.text)
    }

    #[test]
    fn shows_what_differs_with_some_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        let new = "a\nb\nc\nd\nE\nf\ng\nh\ni\n";
        assert_eq!(shown(old, new), [" c", " d", "-e", "+E", " f", " g"]);
    }

    #[test]
    fn leaves_out_what_lies_between() {
        let old: String = (0..30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("2\n", "two\n");
        assert!(shown(&old, &new).contains(&"…".to_owned()));
    }

    #[test]
    fn ends_of_lines_alone_are_told_as_such() {
        assert_eq!(compare("a\r\nb\r\n", "a\nb\n"), Detail::LineEnds);
    }

    #[test]
    fn counts_what_is_too_much_to_show() {
        let new: String = (0..500).map(|n| format!("{n}\n")).collect();
        let Detail::Lines { lines, omitted } = compare("", &new) else {
            panic!("lines");
        };
        assert_eq!((lines.len(), omitted), (MAX_SHOWN, 300));
        let huge = "x\n".repeat(MAX_LINES + 1);
        assert!(matches!(compare("", &huge), Detail::Opaque { .. }));
    }

    #[test]
    fn hides_secrets() {
        let told = shown("password: hunter2\n", "password: hunter3\n");
        assert_eq!(told, ["-password: *******", "+password: *******"]);
    }
}
