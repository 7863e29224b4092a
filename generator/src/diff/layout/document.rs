//! What a section of a preview says, before it is known in which format. Pure.
//!
//! A format writes all sections by the same rules: how many rows it has room
//! for, how many names, and what of a row comes below the others.

use std::borrow::Cow;

use crate::diff::preview::{ClusterRisk, Detail, Totals};

/// Clusters that are named in a row; more are counted.
const MAX_CLUSTERS: usize = 5;

/// A section: a table, and what there is to say of it.
pub(in crate::diff) struct Section<'p> {
    /// Its heading.
    pub(in crate::diff) title: &'static str,
    /// What it lists.
    pub(in crate::diff) table: Table<'p>,
    /// Sentences that matter more than any row.
    pub(in crate::diff) warnings: Vec<Text<'p>>,
    /// In a sentence, what [`Section::facts`] tell where names can be opened.
    pub(in crate::diff) summary: Option<Text<'p>>,
    /// What is called so.
    pub(in crate::diff) facts: Vec<(&'static str, Text<'p>)>,
}

impl<'p> Section<'p> {
    /// One that says nothing but its table.
    pub(in crate::diff) fn of(title: &'static str, table: Table<'p>) -> Self {
        Self {
            title,
            table,
            warnings: Vec::new(),
            summary: None,
            facts: Vec::new(),
        }
    }

    /// Whether it says nothing.
    pub(in crate::diff) fn is_empty(&self) -> bool {
        self.table.rows.is_empty() && self.warnings.is_empty() && self.facts.is_empty()
    }
}

/// Rows of as many cells.
pub(in crate::diff) struct Table<'p> {
    /// What style and script know it by.
    pub(in crate::diff) class: &'static str,
    /// What stands above each column; nothing for a list.
    pub(in crate::diff) columns: &'static [&'static str],
    /// How many columns, from the first on, hold only a few characters.
    pub(in crate::diff) narrow: usize,
    /// How many columns, to the last, stand below the others where it is narrow.
    pub(in crate::diff) below: usize,
    /// What a row is called where it is counted.
    pub(in crate::diff) noun: &'static str,
    /// How many rows a text shows; more are counted.
    pub(in crate::diff) max_rows: usize,
    /// What comes first matters most.
    pub(in crate::diff) rows: Vec<Row<'p>>,
    /// A row that is shown whatever is left out.
    pub(in crate::diff) rest: Option<Row<'p>>,
}

/// A row of a table.
pub(in crate::diff) struct Row<'p> {
    /// How much it matters.
    pub(in crate::diff) tone: Tone,
    /// A cell for each column.
    pub(in crate::diff) cells: Vec<Text<'p>>,
    /// What belongs to its first cell, if there is room for more than a word.
    pub(in crate::diff) note: Option<Text<'p>>,
    /// The kinds of risk in it.
    pub(in crate::diff) risks: &'p [ClusterRisk],
    /// How many clusters it is of, where rows that are left out are counted by these.
    pub(in crate::diff) clusters: usize,
}

impl<'p> Row<'p> {
    /// One of cells alone.
    pub(in crate::diff) fn of(cells: impl Into<Vec<Text<'p>>>) -> Self {
        Self {
            tone: Tone::Plain,
            cells: cells.into(),
            note: None,
            risks: &[],
            clusters: 0,
        }
    }
}

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diff) enum Tone {
    /// It may be passed over.
    Quiet,
    /// As all else.
    Plain,
    /// It has to be seen.
    Alert,
}

/// A text, piece by piece.
#[derive(Clone, Default)]
pub(in crate::diff) struct Text<'p>(Vec<Span<'p>>);

/// A piece of a text.
#[derive(Clone)]
pub(in crate::diff) enum Span<'p> {
    /// Our own words, which hold no markup.
    Words(String),
    /// A sentence with a name in it.
    Note(String),
    /// Anything.
    Code(String),
    /// Names, of which a format shows as many as it has room for.
    Names(Names<'p>),
    /// How many files or objects.
    Totals(Totals),
    /// A change in short, and all of it where it can be opened.
    Change(Text<'p>, Box<Detail>),
}

/// Names in a row.
#[derive(Clone)]
pub(in crate::diff) struct Names<'p> {
    pub(in crate::diff) all: Vec<Cow<'p, str>>,
    /// How many there are in words, to stand before several of them, or for
    /// all of them; empty where that says nothing.
    pub(in crate::diff) count: String,
    /// How many are shown where the others can't be opened.
    pub(in crate::diff) max_shown: usize,
}

impl<'p> Text<'p> {
    pub(in crate::diff) fn words(mut self, words: impl Into<String>) -> Self {
        self.0.push(Span::Words(words.into()));
        self
    }

    pub(in crate::diff) fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Code(text.into()));
        self
    }

    pub(in crate::diff) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.push(Span::Note(note.into()));
        self
    }

    pub(in crate::diff) fn totals(mut self, totals: Totals) -> Self {
        self.0.push(Span::Totals(totals));
        self
    }

    pub(in crate::diff) fn change(mut self, short: Self, whole: Detail) -> Self {
        self.0.push(Span::Change(short, Box::new(whole)));
        self
    }

    /// Clusters, of which there are so many in words.
    pub(in crate::diff) fn clusters(
        self,
        names: impl IntoIterator<Item = &'p str>,
        count: String,
    ) -> Self {
        let names = names.into_iter().map(Cow::Borrowed);
        self.names(Names {
            all: names.collect(),
            count,
            max_shown: MAX_CLUSTERS,
        })
    }

    pub(in crate::diff) fn names(mut self, names: Names<'p>) -> Self {
        self.0.push(Span::Names(names));
        self
    }

    pub(in crate::diff) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(in crate::diff) fn spans(&self) -> &[Span<'p>] {
        &self.0
    }

    /// Whether it says nothing.
    pub(in crate::diff) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
