//! The command line: flags in, steps, text out.
//!
//! | Exit code | Meaning |
//! |---|---|
//! | 0 | nothing is left to do |
//! | 1 | a fault, or something that somebody has to decide |
//! | 2 | `plan`: there are changes |
//! | 3 | wrong use |

mod commands;
mod display;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::credential::CredentialName;
use crate::fault::Fault;
use crate::session::Surroundings;
use crate::shard::Shard;
use crate::wanted::Scope;

/// Makes Elasticsearch, OpenSearch and stacks of AWS match what `gen render`
/// rendered, and keeps the clusters' credentials.
#[derive(Debug, Parser)]
#[command(
    name = "reconciler",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    /// Folder with rendered/ in it, or the address of a Git repository
    #[arg(long, global = true, value_name = "SOURCE", default_value = ".")]
    source: String,
    /// Branch, tag or commit of the repository [default: its default branch]
    #[arg(long, global = true, value_name = "REVISION")]
    revision: Option<String>,
    /// Refuse a commit without a signature that `git verify-commit` accepts
    #[arg(long, global = true)]
    verify_commit: bool,
    /// File that names the servers, the secret stores and the way to AWS
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "reconciler.yaml"
    )]
    settings: PathBuf,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what `apply` would do; exits with 2 if that is anything
    Plan {
        #[command(flatten)]
        choices: Choices,
        /// File to save the plan in, for `apply --plan`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Makes the servers and AWS match
    Apply {
        #[command(flatten)]
        choices: Choices,
        /// Saved plan; refused if anything else would be done now
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
        /// Preview of the commit, from `gen diff --format json`; refused if it has a danger that nobody acknowledged
        #[arg(long, value_name = "FILE")]
        preview: Option<PathBuf>,
        #[command(flatten)]
        applying: Applying,
        /// File to write metrics of the run to, in Prometheus' text format
        #[arg(long, value_name = "FILE")]
        metrics_file: Option<PathBuf>,
    },
    /// Applies again and again, until SIGTERM or SIGINT
    Run {
        #[command(flatten)]
        choices: Choices,
        #[command(flatten)]
        applying: Applying,
        /// Seconds between the end of a run and the beginning of the next
        #[arg(long, value_name = "SECONDS", default_value = "300")]
        interval: u64,
        /// File to write metrics of each run to, in Prometheus' text format
        #[arg(long, value_name = "FILE")]
        metrics_file: Option<PathBuf>,
    },
    /// Shows what the inventories say: objects, credentials, runs
    Status,
    /// Replaces credentials: makes new ones, proves them, and has the store hand them out; or deletes the old ones (--finish)
    Rotate {
        /// Credentials, as <cluster>/<destination>
        #[arg(long = "credential", value_name = "NAME", required = true)]
        credentials: Vec<CredentialName>,
        /// Delete the old credentials, once everything that read them was restarted
        #[arg(long)]
        finish: bool,
        #[command(flatten)]
        applying: Applying,
    },
    /// Deletes what belongs to a cluster that isn't rendered any more, but for its data streams
    Remove {
        /// The cluster
        cluster: String,
        /// Data stream to delete with all its records; may be repeated
        #[arg(long = "delete-data-stream", value_name = "NAME")]
        streams: Vec<String>,
        #[command(flatten)]
        applying: Applying,
    },
    /// Says what arrives: writes markers to data streams, with the clusters' own stored credentials, and to log groups of AWS
    Verify {
        /// Clusters [default: all]
        #[arg(value_name = "CLUSTER")]
        clusters: Vec<String>,
        /// How long to wait for markers that go through AWS
        #[arg(long, value_name = "SECONDS", default_value = "60")]
        wait: u64,
    },
    /// Takes over objects that somebody else made
    Adopt {
        /// The server's name in the settings
        server: String,
        /// Objects, by the paths of the API; or credential/<cluster>/<destination>
        #[arg(value_name = "PATH", required_unless_present = "all_equal")]
        paths: Vec<String>,
        /// Every object that is equal to what is rendered
        #[arg(long)]
        all_equal: bool,
        #[command(flatten)]
        applying: Applying,
    },
}

/// What is looked at, and what may be deleted.
#[derive(Clone, Debug, Default, Args)]
struct Choices {
    /// Clusters [default: all]
    #[arg(long = "cluster", value_name = "NAME")]
    clusters: Vec<String>,
    /// Only objects, only credentials, or only AWS
    #[arg(long, value_enum, default_value_t = Scope::Everything, hide_default_value = true)]
    only: Scope,
    /// Cluster that isn't rendered any more, whose objects and stacks may be deleted; may be repeated
    #[arg(long = "removed", value_name = "CLUSTER")]
    removed: Vec<String>,
    /// Data stream that isn't rendered any more, to delete with all its records; may be repeated
    #[arg(long = "delete-data-stream", value_name = "NAME")]
    streams: Vec<String>,
    /// Credential, as <cluster>/<destination>, that isn't rendered any more, to delete while its cluster still is; may be repeated
    #[arg(long = "revoke", value_name = "NAME")]
    revoked: Vec<CredentialName>,
    /// Compare stacks of AWS that are up to date with their resources, and put back what somebody else changed
    #[arg(long)]
    drift: bool,
    /// Share of the inventory that may be deleted at once
    #[arg(long, value_name = "PERCENT", default_value = "20", value_parser = clap::value_parser!(u8).range(0..=100))]
    most_deleted: u8,
    /// Do only what belongs to run I of N; each server and each account of AWS belongs to one
    #[arg(long, value_name = "I/N", conflicts_with_all = ["clusters", "removed", "streams", "revoked"])]
    shard: Option<Shard>,
}

/// How changes are made.
#[derive(Clone, Debug, Args)]
struct Applying {
    /// Hours for which a replaced credential keeps working at least
    #[arg(long, value_name = "HOURS", default_value = "24")]
    overlap: u32,
    /// Name of a run that is dead, whose place is taken
    #[arg(long, value_name = "RUN")]
    take_over: Option<String>,
}

/// Where text goes.
pub struct Terminal<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Faults.
    pub err: &'a mut dyn Write,
}

/// Runs the program, and returns its exit code.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    surroundings: &Surroundings<'_>,
    terminal: &mut Terminal<'_>,
) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_wrong = error.use_stderr();
            let stream = if is_wrong {
                &mut *terminal.err
            } else {
                &mut *terminal.out
            };
            let _ = write!(stream, "{error}");
            return if is_wrong { 3 } else { 0 };
        }
    };
    match commands::run(&arguments, surroundings, terminal) {
        Ok(code) => code,
        Err(faults) => {
            tell(&faults, terminal);
            1
        }
    }
}

fn tell<'f>(faults: impl IntoIterator<Item = &'f Fault>, terminal: &mut Terminal<'_>) {
    for fault in faults {
        // Where standard error is closed, nobody is there to be told.
        let _ = writeln!(terminal.err, "{fault}");
    }
}
