//! `gen publish`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::watch::{TimeLimit, run_watched};
use super::{Failure, Format, Terminal};
use crate::fault::{Fault, Faults};
use crate::pipeline::{self, RenderOutput, StageRequest, Timings};
use crate::publish::{self, Checkout, ClusterChanges, Options, Published, Target};
use crate::sentence::first_of;
use crate::write::{ClusterChange, StagedChange, WriteOptions};
use logfleet_contract::folder::RENDERED;

/// How many clusters a fault, or the summary, names.
const SHOWN: usize = 5;

/// Commits rendered/ to another branch, of this repository or another clone.
///
/// One commit makes PATH of the branch equal to what is committed here; it
/// names the source commit and lists the clusters. Only files that gen wrote
/// are replaced or removed. Nothing to do: no commit. No working tree is touched,
/// and nothing is ever forced.
#[derive(Debug, Args)]
pub(super) struct Publish {
    /// Folder of a clone, preferably bare; `.` is this repository
    #[arg(long, value_name = "REPO")]
    to: PathBuf,
    /// The branch; it is created if missing, and must not be checked out anywhere
    #[arg(long)]
    branch: String,
    /// Folder on the branch; `.` is its root
    #[arg(long, default_value = RENDERED)]
    path: String,
    /// Push with your git, on top of what others pushed to the remote branch
    #[arg(long)]
    push: bool,
    /// The remote to push to [default: the branch's own, otherwise origin]
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Overwrite files that were edited on the branch, and other files in the way
    #[arg(long)]
    overwrite: bool,
    /// Publish even if a later commit may have been published already
    #[arg(long)]
    allow_older: bool,
}

impl Publish {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        limit: TimeLimit,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        publish::check_path(&self.path).map_err(nothing_published)?;
        let source = Checkout::open(root).map_err(nothing_published)?;
        let target = Target::open(&self.to, &source, &self.branch).map_err(nothing_published)?;
        check_rendered(root, &source, limit, terminal).map_err(nothing_published)?;
        let options = Options {
            path: self.path.strip_suffix('/').unwrap_or(&self.path),
            push: self.push,
            remote: self.remote.as_deref(),
            overwrite: self.overwrite,
            allow_older: self.allow_older,
        };
        let published = publish::publish(&source, &target, options).map_err(nothing_published)?;
        let text = match format {
            Format::Json => self.json(&source, &published)?,
            Format::Text => self.describe(&source, &published),
        };
        Ok(terminal.print(&text)?)
    }

    fn describe(&self, source: &Checkout, published: &Published) -> String {
        let branch = &self.branch;
        let commit = source.commit();
        let commit = publish::short(&commit);
        if let Some(newer) = &published.newer {
            let newer = publish::short(newer);
            return format!(
                "`{branch}` has {newer} already, which is later than {commit}; nothing was published\n"
            );
        }
        let note = published.note.as_ref();
        let note = note.map_or_else(String::new, |note| format!("note: {note}\n"));
        let Some(made) = &published.commit else {
            let pushed = if published.pushed {
                "; what was committed before is pushed now"
            } else {
                ""
            };
            return format!(
                "`{branch}` has what {commit} renders to; nothing to do{pushed}\n{note}"
            );
        };
        let mut text = format!(
            "`{branch}`: {commit} is published as {}",
            publish::short(made)
        );
        text.push_str(if published.pushed {
            ", and pushed\n"
        } else {
            "\n"
        });
        let clusters = &published.clusters;
        for (names, what) in [
            (&clusters.added, "added"),
            (&clusters.changed, "changed"),
            (&clusters.removed, "removed"),
        ] {
            if !names.is_empty() {
                // Writing to a text can't fail.
                let _ = writeln!(text, "  {} {what}: {}", names.len(), first_of(names, SHOWN));
            }
        }
        text + &note
    }

    fn json(&self, source: &Checkout, published: &Published) -> Result<String, Failure> {
        let outcome = Outcome {
            branch: &self.branch,
            source: source.commit(),
            commit: published.commit.as_deref(),
            pushed: published.pushed,
            later_source: published.newer.as_deref(),
            note: published.note.as_deref(),
            clusters: &published.clusters,
        };
        let text = serde_json::to_string_pretty(&outcome).map_err(std::io::Error::from)?;
        Ok(text + "\n")
    }
}

#[derive(Serialize)]
struct Outcome<'a> {
    branch: &'a str,
    source: String,
    commit: Option<&'a str>,
    pushed: bool,
    later_source: Option<&'a str>,
    note: Option<&'a str>,
    clusters: &'a ClusterChanges,
}

fn nothing_published(faults: impl Into<Faults>) -> Failure {
    Failure::Faults {
        faults: faults.into(),
        outcome: "nothing was published",
    }
}

/// Refuses a `rendered/` that isn't what the commit's inputs render to.
fn check_rendered(
    root: &Path,
    source: &Checkout,
    limit: TimeLimit,
    terminal: &Terminal,
) -> Result<(), Faults> {
    let inputs = source.inputs()?;
    source.check_inputs(root, &inputs)?;
    let bar = terminal.progress("rendering");
    let (owned_root, shown) = (root.to_owned(), bar.clone());
    let planned = run_watched(limit, move |watch| {
        let request = StageRequest {
            root: &owned_root,
            inputs: &inputs,
            selected: None,
            options: WriteOptions {
                force: false,
                check_only: true,
            },
            progress: &|| shown.inc(1),
            watch,
            recorder: None,
        };
        pipeline::stage(&RenderOutput::default(), request, &Timings::default())
    });
    bar.finish_and_clear();
    let staged = planned.map_err(|faults| {
        let commit = source.commit();
        let commit = publish::short(&commit);
        let hint =
            format!("this was read from the commit {commit}: does it have all that is here?");
        faults.map(|fault| fault.hint(hint.clone()))
    })?;
    let changes = || staged.changes.iter().map(StagedChange::change);
    source.check_has(changes().map(ClusterChange::cluster))?;
    let differ: Vec<String> = changes()
        .filter(|change| !change.is_clean())
        .map(|change| change.cluster().to_owned())
        .collect();
    if differ.is_empty() {
        return Ok(());
    }
    Err(Fault::input(format!(
        "{RENDERED}/ is not what the inputs render to: {}",
        first_of(&differ, SHOWN)
    ))
    .hint("`gen render --check` lists the files; run `gen render`, and commit what it writes")
    .into())
}
