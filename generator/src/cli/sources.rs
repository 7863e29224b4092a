//! `gen sources`.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use comfy_table::presets;
use comfy_table::{ContentArrangement, Table};

use super::{Failure, Format, Terminal, nothing_written, selection};
use crate::pipeline::{self, Timings};
use crate::sources::{self, End, EndKind, SourceRow};

/// Lists the sources: what ships them, where to, and for how long.
///
/// A source that isn't shipped stands in the list too, with the reason.
/// `--format json` also has what is read, and the rendered files.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// Clusters to include [default: all]
    clusters: Vec<String>,
}

impl Sources {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let selected = selection(self.clusters);
        let fleet = pipeline::load_fleet(root, selected.as_ref(), &Timings::default())
            .map_err(nothing_written)?;
        let rows: Vec<Vec<SourceRow>> = fleet
            .members
            .iter()
            .map(|member| sources::list(&member.cluster))
            .collect();
        let text = match format {
            Format::Json => {
                let rows: Vec<&SourceRow> = rows.iter().flatten().collect();
                serde_json::to_string_pretty(&rows).map_err(std::io::Error::from)? + "\n"
            }
            Format::Text => rows
                .iter()
                .map(|rows| fit(rows, terminal.columns()))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        Ok(terminal.print(&text)?)
    }
}

/// The table, or where the terminal is too narrow for it a block for each source.
fn fit(rows: &[SourceRow], columns: Option<usize>) -> String {
    let table = table(rows);
    let width = table.lines().map(|line| line.chars().count()).max();
    match columns {
        Some(columns) if width.unwrap_or_default() > columns => blocks(rows, columns),
        _ => table,
    }
}

/// A line for each source with what ships it, below it one for each place that
/// it ends in, and one with its files.
fn blocks(rows: &[SourceRow], columns: usize) -> String {
    let mut text = format!("{}\n", rows.first().map_or("", |row| row.cluster.as_str()));
    for row in rows {
        text.push('\n');
        text.push_str(&row.source);
        text.push('\n');
        if let Some(missing) = &row.missing {
            wrap(&format!("not shipped: {}", missing.why), columns, &mut text);
        }
        for gap in &row.gaps {
            wrap(&format!("not shipped: {gap}"), columns, &mut text);
        }
        for end in &row.ends {
            let kept = end.kept();
            let line = format!("{kept:>6}  {}  at {}", short_name(end), end.at());
            wrap(&line, columns, &mut text);
        }
        if let Some(by) = &row.shipped_by {
            wrap(&format!("by {by}"), columns, &mut text);
        }
        let folders = folders(&row.files);
        if !folders.is_empty() {
            wrap(&format!("in {folders}"), columns, &mut text);
        }
    }
    text
}

/// Adds a text indented by two columns, broken between words where it is too long.
fn wrap(line: &str, columns: usize, text: &mut String) {
    let options = textwrap::Options::new(columns)
        .initial_indent("  ")
        .subsequent_indent("    ")
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for part in textwrap::wrap(line, options) {
        text.push_str(&part);
        text.push('\n');
    }
}

/// The folders of files, each once.
fn folders(files: &[String]) -> String {
    let folders: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| Some(file.rsplit_once('/')?.0))
        .collect();
    folders.into_iter().collect::<Vec<_>>().join(", ")
}

/// A name that fits a line: of an archive the bucket, below which each cluster
/// and stream has its folder.
fn short_name(end: &End) -> String {
    match end.kind {
        EndKind::Archive => end.name.split('/').take(3).collect::<Vec<_>>().join("/"),
        _ => end.name.clone(),
    }
}

fn table(rows: &[SourceRow]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["SOURCE", "ENDS IN", "KEPT", "AT", "FILES IN", "SHIPPED BY"]);
    for row in rows {
        let not_shipped = |why: &str| {
            let why = format!("not shipped: {why}");
            [
                row.source.clone(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                why,
            ]
        };
        if let Some(missing) = &row.missing {
            table.add_row(not_shipped(&missing.why));
        }
        for (index, end) in row.ends.iter().enumerate() {
            let first = |text: &str| {
                if index == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            table.add_row([
                first(&row.source),
                short_name(end),
                end.kept(),
                end.at(),
                first(&folders(&row.files)),
                first(row.shipped_by.as_deref().unwrap_or_default()),
            ]);
        }
        for gap in &row.gaps {
            table.add_row(not_shipped(gap));
        }
    }
    let cluster = rows.first().map_or("", |row| row.cluster.as_str());
    let mut text = format!("{cluster}\n");
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
