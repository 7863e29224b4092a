//! A group's changes, place by place.

use serde_json::Value as Json;

use super::fence::{Fence, line};
use crate::diff::layout::intraline::{Intraline, intraline};
use crate::diff::layout::words::{
    added_otherwise_words, and_more, count, cut, leaves, listed, only_in_words, orders, ways_more,
};
use crate::diff::preview::{Detail, Group, Line, Part, PartFile, Sign, Variant};

/// Clusters that are named in a row; more are counted.
const MAX_NAMED: usize = 5;
/// Files of one place; more are counted.
const MAX_FILES: usize = 30;
/// Variants of a change that are shown beside that of most clusters.
const MAX_OUTLIERS: usize = 6;
/// Lines of one change; more are counted.
const MAX_LINES: usize = 60;
/// Changed places of one group; more are counted.
const MAX_PLACES: usize = 200;
/// What the note on what is left out takes.
const NOTE_BYTES: usize = 48;

/// What is shown of a group's changes.
pub(super) struct Body {
    /// A block of code.
    pub(super) text: String,
    /// Whether that is all of them.
    pub(super) whole: bool,
}

impl Body {
    /// As much of a group as fits; none if that is nothing.
    pub(super) fn new(group: &Group, max_bytes: usize) -> Option<Self> {
        let room = max_bytes.saturating_sub(NOTE_BYTES);
        let mut fence = Fence::new("diff");
        let (mut shown, mut whole) = (0, true);
        let mut files_before: &[PartFile] = &[];
        for part in group.parts.iter().take(MAX_PLACES) {
            let mut place = Place::default();
            if files_before != part.files {
                place.files(&part.files);
                files_before = &part.files;
            }
            place.part(part);
            if !fence.push(&place.lines, room) {
                if fence.is_empty() && place.push_start(&mut fence, room) {
                    shown += 1;
                }
                whole = false;
                break;
            }
            whole &= place.whole;
            shown += 1;
        }
        if fence.is_empty() {
            return None;
        }
        let more = group.parts.len() - shown;
        if more > 0 {
            whole = false;
            fence.push(&[format!("# {}", and_more(more, "place"))], max_bytes);
        }
        let text = fence.into_text();
        Some(Self { text, whole })
    }
}

/// The lines of a place, each with a sign in front.
struct Place {
    lines: Vec<String>,
    indent: &'static str,
    whole: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            indent: "",
            whole: true,
        }
    }
}

impl Place {
    fn files(&mut self, files: &[PartFile]) {
        for file in files.iter().take(MAX_FILES) {
            let object = file.object.iter().map(|object| format!(" · {object}"));
            let object: String = object.collect();
            let some = only_in_words(file).map(|words| format!(" · {words}"));
            let some = some.unwrap_or_default();
            let words = cut(&format!("{}{object}{some}", file.path));
            self.line(&format!("@@ {words} @@"));
        }
        let more = files.len().saturating_sub(MAX_FILES);
        if more > 0 {
            self.whole = false;
            self.line(&format!("@@ {} @@", and_more(more, "file")));
        }
    }

    fn part(&mut self, part: &Part) {
        if !part.path.is_empty() {
            self.line(&format!("  {}", cut(&part.path)));
            self.indent = "  ";
        }
        for (number, variant) in part.variants.iter().take(MAX_OUTLIERS + 1).enumerate() {
            if number > 0 {
                let clusters = count(variant.clusters.len(), "cluster");
                self.line(&format!("! but in {clusters}: {}", list(&variant.clusters)));
            }
            self.variant(variant);
        }
        let rest = part.variants.get(MAX_OUTLIERS + 1..).unwrap_or_default();
        if !rest.is_empty() {
            self.whole = false;
            self.line(&format!("! {}", ways_more(rest)));
        }
    }

    fn variant(&mut self, variant: &Variant) {
        match &variant.detail {
            Detail::Added { new } => self.values(None, Some(new)),
            Detail::Removed { old } => self.values(Some(old), None),
            Detail::Changed { old, new } if old == new => {
                self.signed(Sign::Context, "differs; what it is, is not shown");
            }
            Detail::Changed { old, new } => self.values(Some(old), Some(new)),
            Detail::Renamed { to } => {
                self.signed(Sign::Context, &format!("is called {} now", cut(to)));
            }
            Detail::Reordered { old, new } => {
                self.signed(Sign::Context, "the order differs:");
                self.text(&orders(old, new), 0);
            }
            Detail::Lines { lines, omitted } | Detail::Comments { lines, omitted } => {
                self.text(lines, *omitted);
            }
            Detail::LineEnds => self.signed(Sign::Context, "only the ends of its lines differ"),
            Detail::Opaque {
                old_bytes,
                new_bytes,
            } => {
                let words = format!("differs; {old_bytes} bytes became {new_bytes}");
                self.signed(Sign::Context, &words);
            }
            Detail::FileAdded { lines, omitted } => {
                self.signed(Sign::Context, "a new file");
                self.text(lines, *omitted);
            }
            Detail::FileAddedOtherwise { lines, omitted } => {
                self.signed(Sign::Context, added_otherwise_words(lines));
                self.text(lines, *omitted);
            }
            Detail::FileRemoved => self.signed(Sign::Removed, "is no longer there"),
            Detail::FileRenamed { from } => {
                self.signed(Sign::Context, &format!("was called {}", cut(from)));
            }
        }
    }

    /// Values of both sides, of a mapping or list each leaf.
    fn values(&mut self, old: Option<&Json>, new: Option<&Json>) {
        let mut lines = old.map_or_else(Vec::new, |old| leaves(Sign::Removed, old));
        lines.extend(new.map_or_else(Vec::new, |new| leaves(Sign::Added, new)));
        let shown = intraline(&lines);
        for side in shown.chunk_by(|one, next| one.line.sign == next.line.sign) {
            self.compared_lines(side, 0);
        }
    }

    fn text(&mut self, lines: &[Line], omitted: usize) {
        self.compared_lines(&intraline(lines), omitted);
    }

    fn compared_lines(&mut self, lines: &[Intraline<'_>], omitted: usize) {
        for line in lines.iter().take(MAX_LINES) {
            self.signed(line.line.sign, &line.to_text());
        }
        self.omitted(lines.len().saturating_sub(MAX_LINES), omitted);
    }

    /// What is left out here, and what no format has.
    fn omitted(&mut self, here: usize, everywhere: usize) {
        self.whole &= here == 0;
        if here + everywhere > 0 {
            let words = format!("… {}", and_more(here + everywhere, "line"));
            self.signed(Sign::Context, &words);
        }
    }

    fn signed(&mut self, sign: Sign, text: &str) {
        let mark = match sign {
            Sign::Context => ' ',
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Gap => return self.line("  …"),
        };
        self.line(&format!("{mark} {}{text}", self.indent));
    }

    fn line(&mut self, text: &str) {
        self.lines.push(line(text));
    }

    /// Its first lines, if there is room for any.
    fn push_start(&self, fence: &mut Fence, max_bytes: usize) -> bool {
        let room = max_bytes.saturating_sub(NOTE_BYTES);
        let fits = |line: &&String| fence.push(std::slice::from_ref(*line), room);
        let shown = self.lines.iter().take_while(fits).count();
        let more = self.lines.len() - shown;
        shown > 0 && fence.push(&[format!("# {}", and_more(more, "line"))], max_bytes)
    }
}

fn list(names: &[String]) -> String {
    listed(names.iter().map(String::as_str), MAX_NAMED, cut)
}
