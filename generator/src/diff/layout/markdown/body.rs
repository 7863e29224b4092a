//! A group's changes, place by place.

use super::fence::{Fence, line};
use crate::diff::layout::changes::{Said, Shown, Values};
use crate::diff::layout::document::Span;
use crate::diff::layout::words::{and_more, count, cut, listed, only_in_words, ways_more};
use crate::diff::preview::{Group, Part, PartFile, Sign, Variant};

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
        let said = Said::of(&variant.detail, Values::InLines);
        if !said.words.is_empty() {
            let sign = match said.sign {
                Sign::Removed => Sign::Removed,
                _ => Sign::Context,
            };
            let words = said.words.spans().iter().map(|span| match span {
                Span::Code(name) => cut(name),
                Span::Words(words) | Span::Note(words) => words.clone(),
                Span::Names(_) | Span::Totals(_) | Span::Change(..) => String::new(),
            });
            self.signed(sign, &words.collect::<String>());
        }
        said.show(MAX_LINES, |shown| match shown {
            Shown::Line(sign, text) => self.signed(sign, &text),
            Shown::More { here, everywhere } => {
                self.whole &= here == 0;
                let words = format!("… {}", and_more(here + everywhere, "line"));
                self.signed(Sign::Context, &words);
            }
        });
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
