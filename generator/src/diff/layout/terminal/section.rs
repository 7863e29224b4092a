//! A section as text: columns of which the last wraps, or one row below the other.

use anstyle::Style as Ansi;
use unicode_width::UnicodeWidthStr as _;

use super::{BOLD, OLD, Page, QUIET};
use crate::diff::layout::document::{Names, Row, Section, Span, Table, Text, Tone};
use crate::diff::layout::words::{and_more, count, counts, listed};

impl Page {
    pub(super) fn section(&mut self, section: &Section<'_>) {
        if section.is_empty() {
            return;
        }
        self.blank();
        self.table(section.title, &section.table);
        if let Some(summary) = &section.summary {
            self.plain(0, &text(summary));
        }
        for warning in &section.warnings {
            self.words(0, 2, BOLD, &text(warning));
        }
    }

    /// Words of one row only don't make the column of all wider.
    fn table(&mut self, title: &str, table: &Table<'_>) {
        if table.rows.is_empty() {
            return;
        }
        let (shown, left_out) = table.rows.split_at(table.rows.len().min(table.max_rows));
        let title = title.to_lowercase();
        let heads = columns_below(&title, table);
        let rows: Vec<&Row<'_>> = shown.iter().chain(&table.rest).collect();
        let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
        let widths: Vec<usize> = (0..table.narrow)
            .map(|at| {
                let column = cells.iter().chain(&heads).map(|row| row[at].width());
                column.max().unwrap_or(0)
            })
            .collect();
        match &heads {
            Some(heads) => self.row(heads, &widths, table, QUIET),
            None => self.line(0, QUIET, &title),
        }
        for (row, cells) in rows.iter().zip(&cells) {
            self.row(cells, &widths, table, style(row.tone));
            let indent = indent_of(&widths);
            if let Some(note) = &row.note {
                self.plain(indent, &text(note));
            }
            self.kinds(indent, row.risks);
        }
        if !left_out.is_empty() {
            let of: usize = left_out.iter().map(|row| row.clusters).sum();
            let of = match of {
                0 => String::new(),
                clusters => format!(" ({})", count(clusters, "cluster")),
            };
            self.plain(0, &(and_more(left_out.len(), table.noun) + &of));
        }
    }

    fn row(&mut self, cells: &[String], widths: &[usize], table: &Table<'_>, style: Ansi) {
        let (narrow, wide) = cells.split_at(widths.len());
        let (wide, below) = wide.split_at(wide.len() - table.below);
        let filled = |cells: &[String]| -> Vec<String> {
            let filled = cells.iter().filter(|cell| !cell.is_empty());
            filled.cloned().collect()
        };
        let narrow = narrow.iter().zip(widths);
        let mut line: String = narrow
            .map(|(cell, width)| format!("{cell:<width$}  "))
            .collect();
        line += &filled(wide).join("  ");
        self.words(0, indent_of(widths) + 2, style, &line);
        let below = filled(below).join("; ");
        if !below.is_empty() {
            self.words(2, 4, style, &below);
        }
    }
}

/// What stands above the columns: the heading in the place of the first, and
/// nothing above the last, which it is of. None for a list.
fn columns_below(title: &str, table: &Table<'_>) -> Option<Vec<String>> {
    let middle = table.columns.get(1..table.columns.len().checked_sub(1)?)?;
    (table.below == 0).then(|| {
        let middle = middle.iter().map(|head| head.to_lowercase());
        let cells = std::iter::once(title.to_owned()).chain(middle);
        cells.chain([String::new()]).collect()
    })
}

fn indent_of(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + 2).sum()
}

fn style(tone: Tone) -> Ansi {
    match tone {
        Tone::Quiet => QUIET,
        Tone::Plain => Ansi::new(),
        Tone::Alert => OLD,
    }
}

fn cells(row: &Row<'_>) -> Vec<String> {
    row.cells.iter().map(text).collect()
}

pub(super) fn text(whole: &Text<'_>) -> String {
    let spans = whole.spans().iter().map(|span| match span {
        Span::Words(words) | Span::Note(words) | Span::Code(words) => words.clone(),
        Span::Totals(totals) => counts(*totals),
        Span::Names(names) => names_in_row(names),
        Span::Change(short, _) => text(short),
    });
    spans.collect()
}

/// A name, or how many there are and the first of them.
fn names_in_row(names: &Names<'_>) -> String {
    let all = names.all.iter().map(AsRef::as_ref);
    let listed = listed(all, names.max_shown, str::to_owned);
    match names.all.len() {
        1 => listed,
        _ if names.count.is_empty() => listed,
        _ => format!("{}: {listed}", names.count),
    }
}
