//! `gen check`.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::watch::{TimeLimit, run_watched};
use super::{Failure, Format, Terminal, nothing_written, selection};
use crate::expiry;
use crate::pipeline::{self, Timings};

/// Checks all inputs and what they render to; writes nothing.
///
/// Everything is rendered in memory and checked; `rendered/` is not looked at
/// (for that there is `gen render --check`).
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Clusters to check [default: all]
    clusters: Vec<String>,
    /// Also find drop rules that have expired by this day, such as 2027-03-31
    #[arg(long, value_name = "DAY", value_parser = expiry::parse_day)]
    today: Option<String>,
}

impl Check {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        limit: TimeLimit,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let selected = selection(self.clusters);
        let root = root.to_owned();
        let checked = run_watched(limit, move |watch| {
            pipeline::check(&root, selected.as_ref(), watch, &Timings::default())
        })
        .map_err(|faults| Failure::Faults {
            faults,
            outcome: "nothing was rendered",
        })?;
        if let Some(today) = &self.today {
            let faults = expiry::find_expired(&checked.fleet, today);
            faults.into_result(()).map_err(nothing_written)?;
        }
        let clusters = checked.fleet.members.len();
        let text = match format {
            Format::Json => format!(
                "{}\n",
                json!({ "faults": [], "clusters": clusters, "files": checked.files })
            ),
            Format::Text => {
                let plural = if clusters == 1 { "" } else { "s" };
                format!(
                    "{clusters} cluster{plural}, {} files: no errors\n",
                    checked.files
                )
            }
        };
        Ok(terminal.print(&text)?)
    }
}
