//! The command line: flags in, steps, text out.
//!
//! | Exit code | Meaning |
//! |---|---|
//! | 0 | nothing left to do |
//! | 1 | an error, or something that you have to decide |
//! | 2 | `plan`: there are changes |
//! | 3 | usage error |

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

/// Makes Elasticsearch, OpenSearch and AWS stacks match what `gen render`
/// rendered, and manages the clusters' credentials.
#[derive(Debug, Parser)]
#[command(
    name = "reconciler",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    /// Folder that contains rendered/, or the URL of a Git repository
    #[arg(long, global = true, value_name = "SOURCE", default_value = ".")]
    source: String,
    /// Branch, tag or commit of the repository [default: its default branch]
    #[arg(long, global = true, value_name = "REVISION")]
    revision: Option<String>,
    /// Refuse a commit unless `git verify-commit` accepts its signature
    #[arg(long, global = true)]
    verify_commit: bool,
    /// File that names the servers, the secret stores and the access to AWS
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "reconciler.yaml"
    )]
    settings: PathBuf,
    /// Format of results
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

/// Format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what `apply` would do; exits with 2 if there are changes
    Plan {
        #[command(flatten)]
        choices: Choices,
        /// Save the plan to this file, for `apply --plan`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Makes the servers and AWS match what is rendered
    Apply {
        #[command(flatten)]
        choices: Choices,
        /// Saved plan; refused if the plan is different now
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
        /// Preview of the commit, from `gen diff --format json`; refused if it has an unacknowledged danger
        #[arg(long, value_name = "FILE")]
        preview: Option<PathBuf>,
        #[command(flatten)]
        applying: Applying,
        /// Write metrics of the run to this file, in the Prometheus text format
        #[arg(long, value_name = "FILE")]
        metrics_file: Option<PathBuf>,
    },
    /// Applies repeatedly, until SIGTERM or SIGINT
    Run {
        #[command(flatten)]
        choices: Choices,
        #[command(flatten)]
        applying: Applying,
        /// Seconds between the end of a run and the start of the next
        #[arg(long, value_name = "SECONDS", default_value = "300")]
        interval: u64,
        /// Write metrics of each run to this file, in the Prometheus text format
        #[arg(long, value_name = "FILE")]
        metrics_file: Option<PathBuf>,
    },
    /// Shows what the inventories contain: objects, credentials, runs
    Status,
    /// Replaces credentials: creates, tests and promotes new ones; or deletes the old ones (--finish)
    Rotate {
        /// Credentials, as <cluster>/<destination>
        #[arg(long = "credential", value_name = "NAME", required = true)]
        credentials: Vec<CredentialName>,
        /// Delete the old credentials, after everything that uses them was restarted
        #[arg(long)]
        finish: bool,
        #[command(flatten)]
        applying: Applying,
    },
    /// Deletes everything that belongs to a cluster that is no longer rendered, except for its data streams
    Remove {
        /// The cluster
        cluster: String,
        /// Also delete this data stream with all its records; may be repeated
        #[arg(long = "delete-data-stream", value_name = "NAME")]
        streams: Vec<String>,
        #[command(flatten)]
        applying: Applying,
    },
    /// Shows which logs arrive: writes markers to data streams, with the clusters' own stored credentials, and to AWS log groups
    Verify {
        /// Clusters [default: all]
        #[arg(value_name = "CLUSTER")]
        clusters: Vec<String>,
        /// How long to wait for markers that go through AWS
        #[arg(long, value_name = "SECONDS", default_value = "60")]
        wait: u64,
    },
    /// Takes over objects that something else created
    Adopt {
        /// The server's name in the settings
        server: String,
        /// Objects, by their API paths; or credential/<cluster>/<destination>
        #[arg(value_name = "PATH", required_unless_present = "all_equal")]
        paths: Vec<String>,
        /// Every object that is equal to what is rendered
        #[arg(long)]
        all_equal: bool,
        #[command(flatten)]
        applying: Applying,
    },
}

/// What is compared, and what may be deleted.
#[derive(Clone, Debug, Default, Args)]
struct Choices {
    /// Clusters [default: all]
    #[arg(long = "cluster", value_name = "NAME")]
    clusters: Vec<String>,
    /// Only objects, only credentials, or only AWS
    #[arg(long, value_enum, default_value_t = Scope::Everything, hide_default_value = true)]
    only: Scope,
    /// Cluster that is no longer rendered, whose objects and stacks may be deleted; may be repeated
    #[arg(long = "removed", value_name = "CLUSTER")]
    removed: Vec<String>,
    /// Data stream that is no longer rendered, to delete with all its records; may be repeated
    #[arg(long = "delete-data-stream", value_name = "NAME")]
    streams: Vec<String>,
    /// Credential, as <cluster>/<destination>, that is no longer rendered, to delete while its cluster still is; may be repeated
    #[arg(long = "revoke", value_name = "NAME")]
    revoked: Vec<CredentialName>,
    /// Also compare up-to-date AWS stacks with their resources, and revert what somebody else changed
    #[arg(long)]
    drift: bool,
    /// Percentage of the inventory that may be deleted at once
    #[arg(long, value_name = "PERCENT", default_value = "20", value_parser = clap::value_parser!(u8).range(0..=100))]
    most_deleted: u8,
    /// Handle only shard I of N; each server and each AWS account belongs to one
    #[arg(long, value_name = "I/N", conflicts_with_all = ["clusters", "removed", "streams", "revoked"])]
    shard: Option<Shard>,
}

/// How changes are made.
#[derive(Clone, Debug, Args)]
struct Applying {
    /// Minimum hours for which a replaced credential keeps working
    #[arg(long, value_name = "HOURS", default_value = "24")]
    overlap: u32,
    /// Name of a dead run, whose lock is taken over
    #[arg(long, value_name = "RUN")]
    take_over: Option<String>,
}

/// Where output goes.
pub struct Terminal<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Errors.
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
