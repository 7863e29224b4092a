//! Texts that nothing more is known of, line by line. Pure.

use std::borrow::Cow;

use similar::{ChangeTag, group_diff_ops};

use super::matching::match_items;
use crate::diff::preview::{Detail, Line, Sign};
use crate::secrets::Hidden;

/// Lines of a text that are compared.
const MAX_LINES: usize = 5_000;
/// Lines of one difference that are kept.
const MAX_SHOWN: usize = 600;
/// Equal lines that are shown around those that differ.
const CONTEXT: usize = 2;

/// How two texts differ.
#[derive(Debug)]
pub(in crate::diff) struct TextChange<'t> {
    /// What is shown of it.
    pub(in crate::diff) detail: Detail,
    /// All that differs, piece by piece, if not all of it is shown. No format
    /// ever has it: it only tells changes from each other.
    pub(in crate::diff) unshown: Vec<Cow<'t, [u8]>>,
}

impl TextChange<'_> {
    /// One of which everything is shown.
    pub(in crate::diff) fn shown(detail: Detail) -> Self {
        Self {
            detail,
            unshown: Vec::new(),
        }
    }
}

/// How two different texts differ.
pub(in crate::diff) fn compare<'t>(old: &'t str, new: &'t str) -> TextChange<'t> {
    if unix(old) == unix(new) {
        return TextChange::shown(Detail::LineEnds);
    }
    differing_lines(old, new).unwrap_or_else(|| opaque(old.as_bytes(), new.as_bytes()))
}

/// How two texts differ that mean the same.
pub(in crate::diff) fn compare_layout<'t>(old: &'t str, new: &'t str) -> TextChange<'t> {
    let mut change = compare(old, new);
    if let Detail::Lines { lines, omitted } = change.detail {
        change.detail = Detail::Comments { lines, omitted };
    }
    change
}

/// What can't be shown, by its size.
pub(in crate::diff) fn opaque<'t>(old: &'t [u8], new: &'t [u8]) -> TextChange<'t> {
    TextChange {
        detail: Detail::Opaque {
            old_bytes: old.len(),
            new_bytes: new.len(),
        },
        unshown: vec![Cow::Borrowed(old), Cow::Borrowed(new)],
    }
}

/// A whole text, as new; without its lines if they aren't to be shown.
pub(in crate::diff) fn file_added<'t>(bytes: &'t [u8], text: Option<&str>) -> TextChange<'t> {
    let masked = Masked::new(text.unwrap_or_default());
    let shown = (0..masked.count()).take(MAX_SHOWN);
    let lines: Vec<Line> = shown
        .map(|number| masked.line(number, Sign::Added))
        .collect();
    let omitted = masked.count() - lines.len();
    let is_whole = text.is_some() && omitted == 0;
    TextChange {
        detail: Detail::FileAdded { lines, omitted },
        unshown: if is_whole {
            Vec::new()
        } else {
            vec![Cow::Borrowed(bytes)]
        },
    }
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn differing_lines<'t>(old: &'t str, new: &'t str) -> Option<TextChange<'t>> {
    let (old_lines, new_lines) = (Masked::new(old), Masked::new(new));
    if old_lines.count().max(new_lines.count()) > MAX_LINES {
        return None;
    }
    let (old_slices, new_slices) = (split(old), split(new));
    let ops = match_items(&old_slices, &new_slices);
    let mut lines = Vec::new();
    let mut changed = Vec::new();
    for (number, hunk) in group_diff_ops(ops, CONTEXT).iter().enumerate() {
        if number > 0 {
            lines.push(gap());
        }
        let changes = hunk.iter();
        for change in changes.flat_map(|op| op.iter_changes(&old_slices, &new_slices)) {
            lines.push(
                match (change.tag(), change.old_index(), change.new_index()) {
                    (ChangeTag::Delete, Some(at), _) => old_lines.line(at, Sign::Removed),
                    (ChangeTag::Insert, _, Some(at)) => new_lines.line(at, Sign::Added),
                    (_, _, at) => new_lines.line(at.unwrap_or_default(), Sign::Context),
                },
            );
            if change.tag() != ChangeTag::Equal {
                let line = format!("{}{}", change.tag(), change.value());
                changed.push(Cow::Owned(line.into_bytes()));
            }
        }
    }
    let (lines, omitted) = shorten(lines);
    Some(TextChange {
        unshown: if omitted > 0 { changed } else { Vec::new() },
        detail: Detail::Lines { lines, omitted },
    })
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// As many lines as are shown, and how many are left out. Each run of lines of
/// one sign loses its end, so that what is new is seen beside what was.
fn shorten(lines: Vec<Line>) -> (Vec<Line>, usize) {
    if lines.len() <= MAX_SHOWN {
        return (lines, 0);
    }
    let runs = || lines.chunk_by(|one, next| one.sign == next.sign);
    // A run that is cut has a gap at its end.
    let length = |most: usize| -> usize { runs().map(|run| run.len().min(most + 1)).sum() };
    let most = (1..MAX_SHOWN).rev().find(|most| length(*most) <= MAX_SHOWN);
    let mut kept = Vec::new();
    for run in runs() {
        match most {
            Some(most) if run.len() > most + 1 => {
                kept.extend_from_slice(&run[..most]);
                kept.push(gap());
            }
            _ => kept.extend_from_slice(run),
        }
    }
    kept.truncate(MAX_SHOWN);
    let is_line = |line: &&Line| line.sign != Sign::Gap;
    let count = |lines: &[Line]| lines.iter().filter(is_line).count();
    let omitted = count(&lines) - count(&kept);
    (kept, omitted)
}

/// What tells the lines of one new file from those of another: both without
/// secrets already.
pub(in crate::diff) fn compare_shown(old: &[Line], new: &[Line]) -> Vec<Line> {
    let texts = |lines: &[Line]| -> Vec<String> {
        let texts = lines.iter().map(|line| line.text.clone() + "\n");
        texts.collect()
    };
    let (old, new) = (texts(old).concat(), texts(new).concat());
    if old == new {
        return Vec::new();
    }
    match compare(&old, &new).detail {
        Detail::Lines { lines, .. } => lines,
        _ => Vec::new(),
    }
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
    hidden: Hidden,
}

impl<'t> Masked<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends);
        let starts = starts.filter(|start| *start < text.len()).collect();
        Self {
            text,
            starts,
            hidden: Hidden::of(text),
        }
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
            text: self.hidden.show(self.text, start..start + line.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        match compare(old, new).detail {
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

    fn numbers(count: usize, word: &str) -> String {
        (0..count).map(|n| format!("{word}{n}\n")).collect()
    }

    #[test]
    fn shows_what_differs_with_some_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        let new = "a\nb\nc\nd\nE\nf\ng\nh\ni\n";
        assert_eq!(shown(old, new), [" c", " d", "-e", "+E", " f", " g"]);
    }

    #[test]
    fn leaves_out_what_lies_between() {
        let old = numbers(30, "");
        let new = old.replace("2\n", "two\n");
        assert!(shown(&old, &new).contains(&"…".to_owned()));
    }

    #[test]
    fn ends_of_lines_alone_are_reported_as_such() {
        let change = compare("a\r\nb\r\n", "a\nb\n");
        assert_eq!(change.detail, Detail::LineEnds);
    }

    #[test]
    fn counts_what_is_too_much_to_show() {
        let new = numbers(MAX_SHOWN + 300, "");
        let Detail::FileAdded { lines, omitted } = file_added(b"", Some(&new)).detail else {
            panic!("a file");
        };
        assert_eq!((lines.len(), omitted), (MAX_SHOWN, 300));
        let huge = "x\n".repeat(MAX_LINES + 1);
        assert!(matches!(compare("", &huge).detail, Detail::Opaque { .. }));
    }

    #[test]
    fn of_too_much_both_sides_are_shown() {
        let (old, new) = (numbers(MAX_SHOWN, "old"), numbers(MAX_SHOWN, "new"));
        let change = compare(&old, &new);
        let Detail::Lines { lines, omitted } = &change.detail else {
            panic!("lines");
        };
        let count = |sign| lines.iter().filter(|line| line.sign == sign).count();
        let (removed, added) = (count(Sign::Removed), count(Sign::Added));
        assert_eq!(removed, added);
        assert!(lines.len() <= MAX_SHOWN);
        assert_eq!(removed + added + omitted, 2 * MAX_SHOWN);
        assert_eq!(change.unshown.len(), 2 * MAX_SHOWN);
    }

    #[test]
    fn what_is_shown_needs_no_telling_from_others() {
        assert!(compare("a\n", "b\n").unshown.is_empty());
        assert!(file_added(b"a\n", Some("a\n")).unshown.is_empty());
        assert!(!file_added(b"a\n", None).unshown.is_empty());
        assert!(!opaque(b"a", b"b").unshown.is_empty());
    }

    #[test]
    fn hides_secrets() {
        let reported = shown("password: hunter2\n", "password: hunter3\n");
        assert_eq!(reported, ["-password: *******", "+password: *******"]);
    }
}
