//! `gen render`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::watch::{TimeLimit, run_watched};
use super::{Failure, Format, Surroundings, Terminal, nothing_written, selection};
use crate::load::root::Root;
use crate::pipeline::{self, RenderOutput, StageRequest, Timings};
use crate::write::{ClusterChange, StagedChange, WriteOptions};
use logfleet_contract::folder::{ACCOUNTS, FLEET, RENDERED, is_shared};

/// Writes rendered/<cluster>/ for all clusters, or for those named.
///
/// Only files whose bytes differ are written; files of ours that are no longer
/// rendered are removed. Nothing is written if any cluster has a fault, or if
/// a file was edited by hand.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Render {
    /// Clusters to render [default: all]
    clusters: Vec<String>,
    /// Write nothing; list what differs, and exit with 1 if anything does
    #[arg(long)]
    check: bool,
    /// Overwrite files that were edited by hand, and other files in the way
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Render every cluster, even if its inputs and files are unchanged since the last run
    #[arg(long)]
    no_record: bool,
    /// Print how long each step took to standard error
    #[arg(long)]
    timings: bool,
}

impl Render {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        limit: TimeLimit,
        surroundings: &Surroundings,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let recorder = if self.no_record {
            None
        } else {
            surroundings.recorder(root)
        };
        let selected = selection(self.clusters);
        let leaves_shared = selected.is_some() && !self.check;
        let has_fleet_files = root.join(RENDERED).join(FLEET).is_dir();
        let bar = terminal.progress("rendering");
        let options = WriteOptions {
            force: self.force,
            check_only: self.check,
        };
        let target = Arc::new(RenderOutput::default());
        let (root, shown, at) = (root.to_owned(), bar.clone(), Arc::clone(&target));
        let recorded = recorder.clone();
        let staged = run_watched(limit, move |watch| {
            let timings = Timings::default();
            let inputs = Root::folder(&root)?;
            let request = StageRequest {
                root: &root,
                inputs: &inputs,
                selected: selected.as_ref(),
                options,
                progress: &|| shown.inc(1),
                watch,
                recorder: recorded.as_ref(),
            };
            let staged = pipeline::stage(&at, request, &timings)?;
            Ok((staged, timings))
        });
        bar.finish_and_clear();
        let (staged, timings) = staged.map_err(|faults| {
            // A run that was given up still stages.
            target.abandon();
            nothing_written(faults)
        })?;
        if !self.check {
            let committed = pipeline::commit(&target, &staged, recorder.as_ref(), &timings);
            committed.map_err(|faults| Failure::Faults {
                faults,
                outcome: "what was begun is finished by the next run",
            })?;
        }
        let changes = staged.changes.iter().map(StagedChange::change);
        let changes: Vec<&ClusterChange> = changes.collect();
        let is_clean = changes.iter().all(|change| change.is_clean());
        let changes: Vec<Changes<'_>> = changes.into_iter().map(Changes::of).collect();
        let text = match format {
            Format::Json => json(&changes)?,
            Format::Text => {
                let mut text = describe(&changes, self.check);
                if leaves_shared {
                    text.push_str(&stale_shared(&changes, has_fleet_files));
                }
                text
            }
        };
        terminal.print(&text)?;
        if self.timings {
            terminal.complain(&timings.to_text());
        }
        if self.check && !is_clean {
            return Err(Failure::Differences);
        }
        Ok(())
    }
}

/// Paths of a cluster that `--check` lists; one setting can change 50 files.
const MOST_LISTED: usize = 10;

/// Says which folders that clusters share may no longer be what they should: that of the fleet
/// lists what clusters are, those of accounts are there for clusters with logs of AWS.
fn stale_shared(changes: &[Changes<'_>], has_fleet_files: bool) -> String {
    let creates = |folder: &str| {
        let mut created = changes.iter().flat_map(|change| &change.created);
        created.any(|path| path.starts_with(folder))
    };
    let changed = changes.iter().any(|change| !change.clean);
    let fleet = has_fleet_files && changed || creates("gitops/");
    let stale = [(fleet, FLEET), (creates("aws/"), ACCOUNTS)];
    let stale = stale.into_iter().filter(|(stale, _)| *stale);
    stale
        .map(|(_, folder)| {
            format!(
                "{RENDERED}/{folder} may be out of date: `gen render` without names renders it\n"
            )
        })
        .collect()
}

/// What changes in a cluster's folder.
#[derive(Debug, Serialize)]
struct Changes<'a> {
    cluster: &'a str,
    removed: bool,
    created: Vec<&'a str>,
    updated: Vec<&'a str>,
    deleted: Vec<&'a str>,
    edited_by_hand: Vec<&'a str>,
    unchanged: usize,
    #[serde(skip)]
    clean: bool,
}

impl<'a> Changes<'a> {
    fn of(change: &'a ClusterChange) -> Self {
        Self {
            cluster: change.cluster(),
            removed: change.removes_cluster(),
            created: change.created().collect(),
            updated: change.updated().collect(),
            deleted: change.deleted().collect(),
            edited_by_hand: change.edited().collect(),
            unchanged: change.unchanged_count(),
            clean: change.is_clean(),
        }
    }
}

fn json(changes: &[Changes<'_>]) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(changes).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}

fn describe(changes: &[Changes<'_>], check: bool) -> String {
    let mut text = String::new();
    let mut totals = [0; 4];
    for change in changes {
        let counts = [
            change.created.len(),
            change.updated.len(),
            change.deleted.len(),
            change.unchanged,
        ];
        for (total, count) in totals.iter_mut().zip(counts) {
            *total += count;
        }
        if change.clean {
            continue;
        }
        // Writing to a text can't fail.
        let _ = write!(text, "{RENDERED}/{}:", change.cluster);
        if change.removed {
            text.push_str(" no longer in the fleet,");
        }
        let _ = writeln!(text, " {}", count_words(counts, check));
        if check {
            list_paths(&mut text, change);
        }
    }
    // The files of the whole fleet and of accounts have folders of their own.
    let clusters = changes
        .iter()
        .filter(|change| !is_shared(change.cluster))
        .count();
    let _ = writeln!(
        text,
        "{clusters} cluster{}: {}",
        if clusters == 1 { "" } else { "s" },
        count_words(totals, check)
    );
    if check && changes.iter().any(|change| !change.clean) {
        let by_hand = changes
            .iter()
            .any(|change| !change.edited_by_hand.is_empty());
        let _ = writeln!(text, "{}", remedy(by_hand));
    }
    text
}

/// What to do where `rendered/` isn't what is rendered.
fn remedy(edited_by_hand: bool) -> &'static str {
    if edited_by_hand {
        "hint: move what was edited by hand to clusters/ or templates/, then run `gen render --force` and commit rendered/"
    } else {
        "hint: run `gen render` and commit rendered/"
    }
}

fn list_paths(text: &mut String, change: &Changes<'_>) {
    let mut paths: Vec<(&str, &str)> = Vec::new();
    paths.extend(change.created.iter().map(|path| (*path, "missing")));
    paths.extend(change.updated.iter().map(|path| (*path, "differs")));
    paths.extend(
        change
            .deleted
            .iter()
            .map(|path| (*path, "no longer rendered")),
    );
    // What was edited by hand is the reader's to look at; the rest is rendered anew.
    paths.sort_unstable_by_key(|(path, state)| {
        (!change.edited_by_hand.contains(path), *path, *state)
    });
    let by_hand = change.edited_by_hand.len();
    let shown = if paths.len() > MOST_LISTED {
        MOST_LISTED.max(by_hand)
    } else {
        paths.len()
    };
    let more = paths.len() - shown;
    for (path, state) in paths.into_iter().take(shown) {
        let by_hand = if change.edited_by_hand.contains(&path) {
            ", edited by hand"
        } else {
            ""
        };
        let _ = writeln!(text, "  {path}: {state}{by_hand}");
    }
    if more > 0 {
        let _ = writeln!(text, "  and {more} more; `--format json` lists all");
    }
}

fn count_words([created, updated, deleted, unchanged]: [usize; 4], check: bool) -> String {
    let words = if check {
        ["missing", "differ", "no longer rendered", "as rendered"]
    } else {
        ["written", "changed", "removed", "unchanged"]
    };
    let counts = [created, updated, deleted, unchanged];
    let parts: Vec<String> = counts
        .iter()
        .zip(words)
        .filter(|(count, _)| **count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        "no files".to_owned()
    } else {
        parts.join(", ")
    }
}
