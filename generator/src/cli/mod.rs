//! The command line: flags in, calls of the [`crate::pipeline`], text out.
//!
//! One file per command. Only here are the terminal and the exit code known:
//!
//! | Exit code | Meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | faults, or differences under `--check` |
//! | 2 | wrong use, or surroundings that refuse |

mod check;
mod ci;
mod completions;
mod diff;
mod explain;
mod init;
mod layout;
mod new;
mod output;
mod publish;
mod render;
mod report;
mod schema;
mod sources;
mod terminal;
mod watch;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::fault::{Fault, Faults};
use crate::record::Recorder;
use crate::report::{exit_code, to_json, to_text};

use layout::Layout;

pub use terminal::Terminal;

/// Renders every file that ships a Kubernetes cluster's logs to
/// Elasticsearch or OpenSearch, from one small cluster.yaml per cluster.
#[derive(Debug, Parser)]
#[command(
    name = "gen",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    /// Folder with clusters/ and rendered/
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Number of threads [default: one per processor]
    #[arg(long, global = true, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Format of results and errors [default: text]
    // `diff` has more of them, by an argument of the same name and type.
    #[arg(long, global = true, value_parser = Layout::of_every_command())]
    format: Option<Layout>,
    /// How long one template may take; for tests, which haven't the time
    #[arg(
        long,
        global = true,
        hide = true,
        value_name = "N",
        default_value = "10"
    )]
    template_seconds: std::num::NonZeroU32,
    #[command(subcommand)]
    command: Command,
}

/// How results and faults are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Format {
    /// That which goes with a layout: of what only people read, text.
    fn of(layout: Option<Layout>) -> Self {
        match layout {
            Some(Layout::Json) => Self::Json,
            _ => Self::Text,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a fleet in a new folder
    Init(init::Init),
    /// Adds a cluster's folder
    New(new::New),
    /// Writes rendered/<cluster>/ for all clusters, or for those named
    Render(render::Render),
    /// Checks all inputs and what they render to; writes nothing
    Check(check::Check),
    /// Shows what a change does to every cluster, before anything is written
    Diff(diff::Diff),
    /// Shows which layer, file and line set a value
    Explain(explain::Explain),
    /// Prints the JSON Schema of an input, or writes them all
    Schema(schema::Schema),
    /// Lists the sources: what ships them, where to, and for how long
    Sources(sources::Sources),
    /// Writes an HTML page about the fleet: sources, their destinations, and gaps
    Report(report::Report),
    /// Commits rendered/ to another branch, of this repository or another clone
    Publish(publish::Publish),
    /// Writes complete CI for GitHub or GitLab into a fleet's repository
    Ci(ci::Ci),
    /// Prints a script that completes gen's commands in a shell
    Completions(completions::Completions),
}

/// Why a command did not end well.
#[derive(Debug)]
enum Failure {
    /// What is wrong, and what did or didn't happen.
    Faults {
        faults: Faults,
        outcome: &'static str,
    },
    /// `--check` found differences, which are printed already.
    Differences,
    /// The result holds them, and is printed already.
    Shown(Vec<Fault>),
    /// The output could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The clusters that are named; all if none is.
fn selection(clusters: Vec<String>) -> Option<BTreeSet<String>> {
    (!clusters.is_empty()).then(|| clusters.into_iter().collect())
}

/// The argument by which a command that is suggested finds the same fleet,
/// with a space in front; nothing for the current folder.
fn root_argument(root: &Path) -> String {
    if root == Path::new(".") {
        return String::new();
    }
    let root = root.display().to_string();
    // Only a name with a zero byte has no quoted form, and no file has one.
    let quoted = shlex::try_quote(&root).unwrap_or(Cow::Borrowed(&root));
    format!(" --root {quoted}")
}

/// Faults of a command that writes nothing in any case.
fn nothing_written(faults: impl Into<Faults>) -> Failure {
    Failure::Faults {
        faults: faults.into(),
        outcome: "nothing was written",
    }
}

/// What a run knows of the machine, beside its arguments.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The user's cache folder.
    pub cache: Option<PathBuf>,
    /// The running program.
    pub executable: Option<PathBuf>,
}

impl Surroundings {
    /// Where the record of a fleet is; none without a cache folder.
    fn recorder(&self, root: &Path) -> Option<Recorder> {
        Recorder::new(self.cache.as_ref()?, root, self.executable.as_ref()?).ok()
    }
}

/// Runs a command line and returns the exit code.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    surroundings: &Surroundings,
    terminal: &mut Terminal,
) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return terminal.clap(&error),
    };
    if let Some(jobs) = arguments.jobs
        && let Err(error) = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs.get())
            .build_global()
    {
        let fault = Fault::environment(format!("can't start {jobs} threads: {error}"));
        return fail(
            nothing_written(fault),
            Format::of(arguments.format),
            terminal,
        );
    }
    let (root, format) = (arguments.root.as_path(), Format::of(arguments.format));
    let limit = watch::TimeLimit(arguments.template_seconds);
    let result = match arguments.command {
        Command::Init(command) => command.run(terminal),
        Command::New(command) => command.run(root, terminal),
        Command::Render(command) => command.run(root, format, limit, surroundings, terminal),
        Command::Check(command) => command.run(root, format, limit, terminal),
        Command::Diff(command) => command.run(root, limit, terminal),
        Command::Explain(command) => command.run(root, format, terminal),
        Command::Schema(command) => command.run(terminal),
        Command::Sources(command) => command.run(root, format, terminal),
        Command::Report(command) => command.run(root, terminal),
        Command::Publish(command) => command.run(root, format, limit, terminal),
        Command::Ci(command) => command.run(root, terminal),
        Command::Completions(command) => command.run(terminal),
    };
    match result {
        Ok(()) => 0,
        Err(failure) => fail(failure, format, terminal),
    }
}

fn fail(failure: Failure, format: Format, terminal: &mut Terminal) -> u8 {
    match failure {
        Failure::Differences => 1,
        Failure::Shown(faults) => exit_code(&faults),
        // Whoever reads has read enough, as `head` does.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Failure::Output(error) => {
            terminal.complain(&format!("can't write the output: {error}\n"));
            2
        }
        Failure::Faults { faults, outcome } => {
            let code = exit_code(&faults.clone().sorted());
            match format {
                Format::Text => {
                    let text = to_text(faults, outcome, terminal.error_style());
                    terminal.complain(&text);
                    code
                }
                Format::Json => match terminal.print(&to_json(faults, outcome)) {
                    Ok(()) => code,
                    Err(_) => 2,
                },
            }
        }
    }
}
