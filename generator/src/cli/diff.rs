//! `gen diff`.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::watch::{TimeLimit, run_watched};
use super::{Failure, Format, Terminal};
use crate::diff::preview::Preview;
use crate::diff::terminal::to_text;
use crate::diff::unacknowledged;
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
    /// End with exit code 1 if there is some of this
    #[arg(long, value_name = "WHAT", value_enum)]
    deny: Vec<Deny>,
    /// Print how long each step took to standard error
    #[arg(long)]
    timings: bool,
}

/// What a change must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// A danger that nobody has acknowledged
    Danger,
}

impl Diff {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        limit: TimeLimit,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let deny = self.deny.clone();
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
            let faults = preview.base_faults.iter().cloned().collect();
            terminal.complain_of(faults, "the base is compared without them");
        }
        judge(&preview, &deny, format, terminal)
    }
}

/// Ends well if the head has no fault, and nothing that is denied. In a
/// document both stand already.
fn judge(
    preview: &Preview,
    deny: &[Deny],
    format: Format,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let mut denied = Faults::new();
    if deny.contains(&Deny::Danger) {
        denied.append(unacknowledged(preview));
    }
    let faults: Faults = preview.head_faults.iter().cloned().collect();
    if format == Format::Text {
        terminal.complain_of(faults.clone(), "what has none is shown");
        terminal.complain_of(denied.clone(), "denied by --deny danger");
    }
    denied.append(faults);
    match denied.sorted() {
        none if none.is_empty() => Ok(()),
        some => Err(Failure::Shown(some)),
    }
}

fn json(preview: &Preview) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(preview).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}
