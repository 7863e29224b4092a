//! `gen sources`.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use comfy_table::presets;
use comfy_table::{ContentArrangement, Table};

use super::{Failure, Format, Terminal, nothing_written, selection};
use crate::pipeline::{self, Timings};
use crate::sources::{self, End, EndKind, SourceRow};

/// Tells which source is shipped by what, where to, and for how long.
///
/// A source that isn't shipped stands in the list too, with the reason.
/// `--format json` also has what is read, and the rendered files.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// Clusters; all without any
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
                .map(|rows| table(rows))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        Ok(terminal.print(&text)?)
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
        if let Some(missing) = &row.missing {
            table.add_row([
                row.source.as_str(),
                "-",
                "-",
                "-",
                "-",
                &format!("not shipped: {}", missing.why),
            ]);
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
    }
    let cluster = rows.first().map_or("", |row| row.cluster.as_str());
    let mut text = format!("{cluster}\n");
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
