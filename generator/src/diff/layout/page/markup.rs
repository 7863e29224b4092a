//! Markup in which every text of a preview is escaped. Pure.

use crate::diff::layout::words::{count, listed};
use crate::report::push_shown;

/// Names that are shown in a row; of more, some are, and all in a list to open.
const MAX_NAMED: usize = 5;

/// A piece of a page. Markup gets in as literals of this program only;
/// whatever comes from files goes through [`Markup::text`].
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Markup as it is.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// A text, inert within elements and within quoted attributes. Characters
    /// that would hide or reorder what stands beside them become visible.
    pub(super) fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(character),
                _ => push_shown(&mut self.0, character),
            }
        }
    }

    /// A text between two pieces of markup.
    pub(super) fn within(&mut self, open: &'static str, text: &str, close: &'static str) {
        self.raw(open);
        self.text(text);
        self.raw(close);
    }

    pub(super) fn code(&mut self, text: &str) {
        self.within("<code>", text, "</code>");
    }

    pub(super) fn soft(&mut self, text: &str) {
        self.within("<span class=\"soft\">", text, "</span>");
    }

    /// A sentence in which code stands between backticks. Backticks that are
    /// not pairs around a code, as a name in it can have them, stay as they are.
    pub(super) fn sentence(&mut self, text: &str) {
        let pieces: Vec<&str> = text.split('`').collect();
        let is_quoted = !pieces.len().is_multiple_of(2) && !text.contains("``");
        if !is_quoted {
            return self.text(text);
        }
        for (number, piece) in pieces.into_iter().enumerate() {
            match number % 2 {
                0 => self.text(piece),
                _ => self.code(piece),
            }
        }
    }

    /// What is to open, after words of how much that is.
    pub(super) fn folded(&mut self, words: &str, lay_out: impl FnOnce(&mut Self)) {
        self.within(
            "<details class=\"more\"><summary>",
            words,
            "</summary><div>\n",
        );
        lay_out(self);
        self.raw("</div></details>\n");
    }

    /// All names after their number: a few in a row, more in a list to open.
    pub(super) fn counted(&mut self, before: &'static str, names: &[impl AsRef<str>]) {
        let count = count(names.len(), "cluster");
        self.list(before, &format!("{count}: "), names);
    }

    /// All names: a few in a row, more in a list to open.
    pub(super) fn names(&mut self, names: &[impl AsRef<str>]) {
        self.list("", "", names);
    }

    pub(super) fn list(&mut self, before: &'static str, count: &str, names: &[impl AsRef<str>]) {
        let more = names.len().saturating_sub(MAX_NAMED);
        // One name is as short as "and 1 more".
        if more <= 1 {
            self.within(before, count, "");
            return self.row(names);
        }
        self.raw("<details class=\"more\"><summary>");
        self.within(before, count, "");
        let first = names.iter().map(AsRef::as_ref);
        self.text(&listed(first, MAX_NAMED, str::to_owned));
        self.raw("</summary><div>");
        self.row(names);
        self.raw("</div></details>");
    }

    /// All names, in a row.
    pub(super) fn row(&mut self, names: &[impl AsRef<str>]) {
        for (number, name) in names.iter().enumerate() {
            if number > 0 {
                self.raw(", ");
            }
            self.text(name.as_ref());
        }
    }
}
