//! `gen diff`.

use std::path::Path;

use clap::Args;

use super::watch::{TimeLimit, run_watched};
use super::{Failure, Format, Terminal};
use crate::diff::preview::Preview;
use crate::diff::terminal::to_text;
use crate::fault::Faults;
use crate::load::revisions::WORKTREE;
use crate::pipeline::{self, PreviewRequest, Timings};

/// Tells what a change does to every cluster, before anything is written.
///
/// Both sides are rendered in memory from git, by this program, and compared:
/// the same change in many clusters is told once, with those that differ from
/// it beside it. Nothing is checked out, and rendered/ is not looked at.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Compare with where the head left this branch, tag or commit; by default the remote's default branch, or main
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// Look at this branch, tag or commit, or at what is on disk
    #[arg(long, value_name = "REVISION|worktree", default_value = WORKTREE)]
    head: String,
    /// Print how long each step took to standard error
    #[arg(long)]
    timings: bool,
}

impl Diff {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        limit: TimeLimit,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let bar = terminal.progress("rendering");
        let (root, shown) = (root.to_owned(), bar.clone());
        let made = run_watched(limit, move |watch| {
            let timings = Timings::default();
            let request = PreviewRequest {
                root: &root,
                base: self.base.as_deref(),
                head: &self.head,
                progress: &|| shown.inc(1),
                watch,
            };
            Ok((pipeline::preview(request, &timings)?, timings))
        });
        bar.finish_and_clear();
        let (preview, timings) = made.map_err(|faults| Failure::Faults {
            faults,
            outcome: "nothing was compared",
        })?;
        if self.timings {
            terminal.complain(&timings.to_text());
        }
        let text = match format {
            Format::Json => json(&preview)?,
            Format::Text => to_text(&preview, terminal.style()),
        };
        terminal.print(&text)?;
        if format == Format::Text && !preview.base_faults.is_empty() {
            let faults = preview.base_faults.into_iter().collect();
            terminal.complain_of(faults, "the base is compared without them");
        }
        match (preview.head_faults.is_empty(), format) {
            (true, _) => Ok(()),
            // They stand in the document.
            (false, Format::Json) => Err(Failure::Shown(preview.head_faults)),
            (false, Format::Text) => Err(Failure::Faults {
                faults: preview.head_faults.into_iter().collect::<Faults>(),
                outcome: "what has none is shown",
            }),
        }
    }
}

fn json(preview: &Preview) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(preview).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}
