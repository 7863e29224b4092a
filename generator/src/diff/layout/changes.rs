//! What a change says, before it is known in which format: words, and lines of
//! both sides. Pure.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::document::Text;
use super::intraline::{Intraline, intraline};
use crate::diff::preview::{Detail, Line, Sign};

/// A change in words and lines.
pub(in crate::diff) struct Said<'d> {
    /// The side that the words are of.
    pub(in crate::diff) sign: Sign,
    /// What the lines alone don't say.
    pub(in crate::diff) words: Text<'static>,
    /// Lines of both sides.
    pub(in crate::diff) lines: Cow<'d, [Line]>,
    /// How many more there are, which no format has.
    pub(in crate::diff) omitted: usize,
    /// Whether each side is a value of its own.
    are_values: bool,
}

/// How a format writes values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::diff) enum Values {
    /// Each in one line.
    InLines,
    /// A text of several lines stands as these, and each item of an order in its own.
    Opened,
}

/// What stands in a line of a text.
pub(in crate::diff) enum Shown {
    /// A line of a side, or of both.
    Line(Sign, String),
    /// How many lines more there are.
    More {
        /// That the text has no room for.
        here: usize,
        /// That no format has.
        everywhere: usize,
    },
}

impl<'d> Said<'d> {
    pub(in crate::diff) fn of(detail: &'d Detail, values: Values) -> Self {
        let words = Text::default();
        match detail {
            Detail::Added { new } => Self::values(None, Some(new), values),
            Detail::Removed { old } => Self::values(Some(old), None, values),
            Detail::Changed { old, new } if old == new => {
                Self::words(words.words("differs; what it is, is not shown"))
            }
            Detail::Changed { old, new } => Self::values(Some(old), Some(new), values),
            Detail::Renamed { to } => Self::words(words.words("is called ").code(to).words(" now")),
            Detail::Reordered { old, new } => Self {
                lines: Cow::Owned(orders(old, new, values)),
                ..Self::words(words.words("the order differs:"))
            },
            Detail::Lines { lines, omitted } | Detail::Comments { lines, omitted } => {
                Self::words(words).with(lines, *omitted)
            }
            Detail::LineEnds => Self::words(words.words("only the ends of its lines differ")),
            Detail::Opaque {
                old_bytes,
                new_bytes,
            } => Self::words(words.words(format!("differs; {old_bytes} bytes became {new_bytes}"))),
            Detail::FileAdded { lines, omitted } => Self {
                sign: Sign::Added,
                ..Self::words(words.words("a new file")).with(lines, *omitted)
            },
            Detail::FileAddedOtherwise { lines, omitted } => {
                // What stands above what a new file has otherwise than in most clusters.
                let otherwise = if lines.is_empty() {
                    "a new file, otherwise in lines that are left out"
                } else {
                    "a new file, with otherwise"
                };
                Self {
                    sign: Sign::Added,
                    ..Self::words(words.words(otherwise)).with(lines, *omitted)
                }
            }
            Detail::FileRemoved => Self {
                sign: Sign::Removed,
                ..Self::words(words.words("is no longer there"))
            },
            Detail::FileRenamed { from } => Self::words(words.words("was called ").code(from)),
        }
    }

    fn words(words: Text<'static>) -> Self {
        Self {
            sign: Sign::Context,
            words,
            lines: Cow::Borrowed(&[]),
            omitted: 0,
            are_values: false,
        }
    }

    fn with(self, lines: &'d [Line], omitted: usize) -> Self {
        let lines = Cow::Borrowed(lines);
        Self {
            lines,
            omitted,
            ..self
        }
    }

    /// Values of both sides, of a mapping or list each leaf after its path.
    fn values(old: Option<&Json>, new: Option<&Json>, values: Values) -> Self {
        let mut lines = Vec::new();
        for (sign, value) in [(Sign::Removed, old), (Sign::Added, new)] {
            let mut leaves = Vec::new();
            if let Some(value) = value {
                collect("", value, values, &mut leaves);
            }
            lines.extend(leaves.into_iter().map(|text| Line { sign, text }));
        }
        Self {
            lines: Cow::Owned(lines),
            are_values: true,
            ..Self::words(Text::default())
        }
    }

    /// Shows the first lines, of values those of each side, and how many more there are.
    pub(in crate::diff) fn show(&self, max_lines: usize, mut show: impl FnMut(Shown)) {
        let lines = intraline(&self.lines);
        let are_together = |one: &Intraline<'_>, next: &Intraline<'_>| {
            !self.are_values || one.line.sign == next.line.sign
        };
        let mut blocks: Vec<_> = lines.chunk_by(are_together).collect();
        if blocks.is_empty() {
            blocks.push(&[]);
        }
        for block in blocks {
            for line in block.iter().take(max_lines) {
                show(Shown::Line(line.line.sign, line.to_text()));
            }
            let here = block.len().saturating_sub(max_lines);
            if here + self.omitted > 0 {
                show(Shown::More {
                    here,
                    everywhere: self.omitted,
                });
            }
        }
    }
}

/// Items in the order of each side.
fn orders(old: &[String], new: &[String], values: Values) -> Vec<Line> {
    let of = |sign, items: &[String]| -> Vec<Line> {
        let items = match values {
            Values::InLines => vec![items.join(", ")],
            Values::Opened => items.to_vec(),
        };
        items.into_iter().map(|text| Line { sign, text }).collect()
    };
    [of(Sign::Removed, old), of(Sign::Added, new)].concat()
}

/// A value: itself, or of a mapping or list each leaf as `path: value`.
fn collect(path: &str, value: &Json, values: Values, lines: &mut Vec<String>) {
    let at = |value: &str| match path {
        "" => value.to_owned(),
        _ => format!("{path}: {value}"),
    };
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let below = match path {
                    "" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                collect(&below, value, values, lines);
            }
        }
        Json::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, item) in items.iter().enumerate() {
                collect(&format!("{path}[{number}]"), item, values, lines);
            }
        }
        Json::String(text)
            if values == Values::Opened && text.trim_end_matches('\n').contains('\n') =>
        {
            // As in YAML: `|-` is a text whose last line has no end.
            let (text, mark) = match text.strip_suffix('\n') {
                Some(text) => (text, "|"),
                None => (text.as_str(), "|-"),
            };
            lines.push(at(mark));
            lines.extend(text.split('\n').map(|text| format!("  {text}")));
        }
        _ => lines.push(at(&value.to_string())),
    }
}
