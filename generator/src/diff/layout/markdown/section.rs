//! A section as a table, or as a list where its columns need no heads.

use super::inline::{cell, code, prose};
use super::rows::Rows;
use crate::diff::layout::document::{Names, Row, Section, Span, Text};
use crate::diff::layout::words::{and_more, count, counts, listed};
use crate::diff::preview::ClusterRisk;

/// Rows of a table; more are counted.
const MAX_ROWS: usize = 30;
/// Bytes of a name or a value.
const MAX_CODE: usize = 120;
/// Bytes of a note.
const MAX_NOTE: usize = 300;

/// Lays it out in at most so many bytes; none if there is no room for its heading.
pub(super) fn section(section: &Section<'_>, max_bytes: usize) -> Option<String> {
    if section.is_empty() {
        return None;
    }
    let title = format!("**{}**\n\n", section.title);
    if section.table.columns.is_empty() {
        list(title, section, max_bytes)
    } else {
        table(section, &title, max_bytes)
    }
}

fn table(section: &Section<'_>, title: &str, max_bytes: usize) -> Option<String> {
    let table = &section.table;
    let rest = table.rest.as_ref().map(|row| cells(row, Length::Whole));
    let rest = rest.unwrap_or_default();
    let heads = table.columns.join(" | ");
    let rule = "|---".repeat(table.columns.len());
    let above = format!("{title}| {heads} |\n{rule}|\n");
    let mut rows = Rows::new(above, max_bytes.checked_sub(rest.len())?)?;
    let mut clusters = 0;
    for (number, row) in table.rows.iter().enumerate() {
        if number < table.max_rows.min(MAX_ROWS) {
            rows.push(&cells(row, Length::Whole), &cells(row, Length::Short));
        } else {
            rows.push("", "");
        }
        if rows.left_out() > 0 {
            clusters += row.clusters;
        }
    }
    if rows.left_out() == table.rows.len() && !table.rows.is_empty() {
        return Some(counted(section));
    }
    let note = |more| {
        let of = match clusters {
            0 => String::new(),
            clusters => format!("{} ", count(clusters, "cluster")),
        };
        let between = "| ".repeat(table.columns.len() - 1);
        format!("| {} {between}{of}|\n", and_more(more, table.noun))
    };
    Some(rows.end(note) + &rest)
}

/// Where there is room for no row.
fn counted(section: &Section<'_>) -> String {
    let rows = count(section.table.rows.len(), section.table.noun);
    format!("**{}**: {rows}\n", section.title)
}

/// Sentences first: they are of all that is listed.
fn list(title: String, section: &Section<'_>, max_bytes: usize) -> Option<String> {
    let mut rows = Rows::new(title, max_bytes)?;
    for warning in &section.warnings {
        rows.push(&format!("- {}\n", as_warning(warning)), "");
    }
    if let Some(summary) = &section.summary {
        rows.push(&format!("- {}\n", text(summary, Length::Whole)), "");
    }
    for (number, row) in section.table.rows.iter().enumerate() {
        if number < section.table.max_rows.min(MAX_ROWS) {
            let cells = row.cells.iter().filter(|cell| !cell.is_empty());
            let cells: Vec<String> = cells.map(|cell| text(cell, Length::Whole)).collect();
            let (narrow, wide) = cells.split_at(section.table.narrow.min(cells.len()));
            let mut words = narrow.join(" ");
            if !words.is_empty() && !wide.is_empty() {
                words.push(' ');
            }
            rows.push(&format!("- {words}{}\n", wide.join(", ")), "");
        } else {
            rows.push("", "");
        }
    }
    Some(rows.end_list("- "))
}

/// How much of a row there is room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Whole,
    /// Names are counted.
    Short,
}

fn cells(row: &Row<'_>, length: Length) -> String {
    let last = row.cells.len().saturating_sub(1);
    let cells = row.cells.iter().enumerate().map(|(at, cell_text)| {
        let mut shown = text(cell_text, length);
        if let Some(note) = row.note.as_ref().filter(|_| at == 0) {
            shown += &format!(": {}", text(note, length));
        }
        if at == last {
            shown.extend(row.risks.iter().map(|risk| risk_words(*risk)));
        }
        format!(" {} |", cell(&shown))
    });
    format!("|{}\n", cells.collect::<String>())
}

fn risk_words(risk: ClusterRisk) -> String {
    let flag = code(risk.flag.id(), MAX_CODE);
    if risk.acknowledged {
        format!(" · {flag} (meant)")
    } else {
        format!(" · **{flag}**")
    }
}

fn text(whole: &Text<'_>, length: Length) -> String {
    let spans = whole.spans().iter();
    spans.map(|span| piece(span, length)).collect()
}

fn piece(span: &Span<'_>, length: Length) -> String {
    match span {
        Span::Words(words) => words.clone(),
        Span::Note(note) => prose(note, MAX_NOTE),
        Span::Code(name) => code(name, MAX_CODE),
        Span::Totals(totals) => match counts(*totals).as_str() {
            "" => String::new(),
            counts => code(counts, MAX_CODE),
        },
        Span::Names(names) => names_in_row(names, length),
        Span::Change(short, _) => text(short, length),
    }
}

/// What is said of names in a warning has to be seen more than these.
fn as_warning(warning: &Text<'_>) -> String {
    let (names, said): (Vec<&Span<'_>>, Vec<&Span<'_>>) = warning
        .spans()
        .iter()
        .partition(|span| matches!(span, Span::Names(_)));
    let all = |spans: Vec<&Span<'_>>| -> String {
        let spans = spans.into_iter();
        spans.map(|span| piece(span, Length::Whole)).collect()
    };
    let said = all(said);
    let said = said.trim_end().trim_end_matches(':');
    format!("**{said}**: {}", all(names))
}

/// A name, or how many there are and, within brackets, the first of them.
fn names_in_row(names: &Names<'_>, length: Length) -> String {
    let all = names.all.iter().map(AsRef::as_ref);
    let listed = |max| listed(all.clone(), max, |name| code(name, MAX_CODE));
    match (names.all.len(), length) {
        (_, Length::Short) if names.count.is_empty() => listed(1),
        (_, Length::Short) => names.count.clone(),
        (1, _) => listed(1),
        _ if names.count.is_empty() => listed(names.max_shown),
        _ => format!("{} ({})", names.count, listed(names.max_shown)),
    }
}
