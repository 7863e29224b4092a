//! `gen diff`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, value_parser};

use super::watch::{TimeLimit, run_watched};
use super::{Failure, Format, Layout, Terminal, output};
use crate::diff::layout::markdown::{Limit, Link, to_markdown};
use crate::diff::layout::page::to_html;
use crate::diff::layout::terminal::{Surface, to_file, to_text};
use crate::diff::layout::{outcome_of_base, outcome_of_head};
use crate::diff::preview::Preview;
use crate::diff::unacknowledged;
use crate::fault::{Fault, Faults};
use crate::load::revisions::WORKTREE;
use crate::pipeline::{self, PreviewRequest, Timings};
use crate::report::printable;

/// Shows what a change does to every cluster, before anything is written.
///
/// Both sides are rendered in memory from git, by this program, and compared:
/// the same change in many clusters is told once, with those that differ from
/// it beside it. Nothing is checked out. Of rendered/ only that is looked at
/// which another release of gen wrote.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Compare with the merge base of the head and this branch, tag or commit [default: the remote's default branch, or main]
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// The branch, tag or commit to compare, or the working tree
    #[arg(long, value_name = "REVISION|worktree", default_value = WORKTREE)]
    head: String,
    /// Exit with 1 if the change has any of these
    #[arg(long, value_name = "WHAT", value_enum)]
    deny: Vec<Deny>,
    /// Format of the preview [default: text, or by the ending of the file's name]
    #[arg(long, value_enum)]
    format: Option<Layout>,
    /// Write the preview to this file, as Markdown, HTML, JSON or text by the ending of its name, and print its first line; may be repeated
    #[arg(long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Maximum length of the Markdown [default: GitHub's limit for a comment]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(i64::from(Limit::MIN_BYTES)..))]
    max_bytes: Option<u32>,
    /// URL of the complete page, for the end of the Markdown
    #[arg(long, value_name = "URL", value_parser = Link::parse)]
    link: Option<Link>,
    /// Print how long each step took to standard error
    #[arg(long)]
    timings: bool,
}

/// What a change must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// An unacknowledged danger
    #[value(name = "danger")]
    Risk,
}

impl Diff {
    pub(super) fn run(
        self,
        root: &Path,
        limit: TimeLimit,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let deny = self.deny.clone();
        let format = Format::of(self.format);
        let pages = self.pages().map_err(nothing_compared)?;
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
        let (preview, timings) = made.map_err(nothing_compared)?;
        if self.timings {
            terminal.complain(&timings.to_text());
        }
        pages.give(&preview, terminal)?;
        if format == Format::Text && !preview.base_faults.is_empty() {
            let faults = preview.base_faults.iter().cloned().collect();
            terminal.complain_of(faults, outcome_of_base(preview.clusters));
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
    if deny.contains(&Deny::Risk) {
        denied.append(unacknowledged(preview));
    }
    let faults: Faults = preview.head_faults.iter().cloned().collect();
    if format == Format::Text {
        terminal.complain_of(faults.clone(), outcome_of_head(preview.clusters));
        terminal.complain_of(denied.clone(), "denied by --deny danger");
    }
    denied.append(faults);
    match denied.sorted() {
        none if none.is_empty() => Ok(()),
        some => Err(Failure::Shown(some)),
    }
}

fn nothing_compared(faults: impl Into<Faults>) -> Failure {
    Failure::Faults {
        faults: faults.into(),
        outcome: "nothing was compared",
    }
}

/// Where the preview goes, and how it is laid out there.
struct Pages {
    printed: Option<Layout>,
    files: Vec<(PathBuf, Layout)>,
    limit: Limit,
}

impl Diff {
    /// What is asked for; what makes no sense is refused.
    fn pages(&self) -> Result<Pages, Fault> {
        let files = match (self.out.as_slice(), self.format) {
            ([], _) => Vec::new(),
            ([path], Some(layout)) => vec![(path.clone(), layout)],
            (_, Some(_)) => {
                let fault = Fault::environment("`--format` is for one file, and there are several");
                return Err(fault.hint("leave it out: the endings of their names tell it"));
            }
            (paths, None) => {
                let file = |path: &PathBuf| Ok((path.clone(), layout_of(path)?));
                paths.iter().map(file).collect::<Result<_, Fault>>()?
            }
        };
        let is_printed = files.is_empty();
        let pages = Pages {
            printed: is_printed.then(|| self.format.unwrap_or(Layout::Text)),
            files,
            limit: self.limit(),
        };
        let given = [
            ("--max-bytes", self.max_bytes.is_some()),
            ("--link", self.link.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) if !pages.has(Layout::Markdown) => {
                let fault = Fault::environment(format!("`{name}` is for Markdown only"));
                Err(fault.hint("add `--format markdown`, or a file that ends with .md"))
            }
            _ => Ok(pages),
        }
    }

    fn limit(&self) -> Limit {
        Limit {
            max_bytes: self.max_bytes.unwrap_or(Limit::DEFAULT_BYTES),
            link: self.link.clone(),
        }
    }
}

fn layout_of(path: &Path) -> Result<Layout, Fault> {
    Layout::of_file(path).ok_or_else(|| {
        let message = format!(
            "`--out {}`: the ending of its name tells no format",
            path.display()
        );
        Fault::environment(message)
            .hint("let it end with .md, .html, .json or .txt, or say it by `--format`")
    })
}

impl Pages {
    fn has(&self, layout: Layout) -> bool {
        let mut layouts = self.files.iter().map(|(_, layout)| *layout);
        self.printed == Some(layout) || layouts.any(|other| other == layout)
    }

    fn lay_out(&self, preview: &Preview, layout: Layout) -> Result<String, Failure> {
        Ok(match layout {
            Layout::Text => to_file(preview),
            Layout::Json => json(preview)?,
            Layout::Markdown => to_markdown(preview, &self.limit),
            Layout::Html => to_html(preview),
        })
    }

    /// Prints the preview; or writes it, and prints its verdict.
    fn give(&self, preview: &Preview, terminal: &mut Terminal) -> Result<(), Failure> {
        if let Some(layout) = self.printed {
            let text = match layout {
                Layout::Text => to_text(preview, surface_of(terminal)),
                _ => self.lay_out(preview, layout)?,
            };
            return Ok(terminal.print(&text)?);
        }
        // All are laid out before the first is written.
        let lay_out = |(path, layout): &(PathBuf, Layout)| {
            Ok((path.clone(), self.lay_out(preview, *layout)?))
        };
        let files = self.files.iter().map(lay_out);
        for (path, text) in files.collect::<Result<Vec<_>, Failure>>()? {
            output::write_whole(&path, &text).map_err(|fault| Failure::Faults {
                faults: fault.into(),
                outcome: "not every file was written",
            })?;
        }
        Ok(terminal.print(&(printable(&preview.verdict) + "\n"))?)
    }
}

fn surface_of(terminal: &Terminal) -> Surface {
    Surface {
        style: terminal.style(),
        columns: terminal.columns(),
    }
}

fn json(preview: &Preview) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(preview).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}
