//! `gen schema`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use logfleet_contract::schema::Document;
use serde_json::Value;

use super::{Failure, Terminal, nothing_written};
use crate::fault::Fault;
use crate::layers::input_schema::{InputKind, input_schema};

/// Prints a JSON Schema, or writes them all.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The schema
    #[arg(value_enum, required_unless_present = "out")]
    kind: Option<Kind>,
    /// Write all schemas into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// clusters/<cluster>/cluster.yaml
    Cluster,
    /// clusters/environments/<environment>.yaml
    Environment,
    /// clusters/fleet.yaml
    Fleet,
    /// All layers of a cluster, merged
    Settings,
    /// clusters/<cluster>/acknowledge.yaml
    Acknowledge,
    /// The forwarder's configuration, in aws/<region>/stack.json
    ForwarderConfiguration,
    /// The input that schedules pass to the forwarder, in aws/<region>/stack.json
    ForwarderSchedule,
    /// The configuration of an account's distributor, in _accounts/<account>/<region>/stack.json
    AccountConfiguration,
    /// A cluster's registration with its account, in aws/<region>/stack.json
    ClusterRegistration,
    /// The identities of a cluster's shippers, in authentication.json
    Authentication,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug)]
enum Of {
    Input(InputKind),
    Document(Document),
}

impl From<Kind> for Of {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Cluster => Self::Input(InputKind::Cluster),
            Kind::Environment => Self::Input(InputKind::Environment),
            Kind::Fleet => Self::Input(InputKind::Fleet),
            Kind::Settings => Self::Input(InputKind::Settings),
            Kind::Acknowledge => Self::Input(InputKind::Acknowledge),
            Kind::ForwarderConfiguration => Self::Document(Document::ForwarderConfiguration),
            Kind::ForwarderSchedule => Self::Document(Document::ForwarderSchedule),
            Kind::AccountConfiguration => Self::Document(Document::AccountConfiguration),
            Kind::ClusterRegistration => Self::Document(Document::Registration),
            Kind::Authentication => Self::Document(Document::Authentication),
        }
    }
}

impl Of {
    fn file_name(self) -> String {
        match self {
            Self::Input(kind) => kind.file_name(),
            Self::Document(document) => document.file_name(),
        }
    }

    /// The schema as its file has it.
    fn text(self) -> String {
        match self {
            Self::Input(kind) => text(kind),
            Self::Document(document) => pretty(&document.schema()),
        }
    }
}

impl Schema {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<(), Failure> {
        if let Some(kind) = self.kind {
            return Ok(terminal.print(&Of::from(kind).text())?);
        }
        let Some(folder) = self.out else {
            return Ok(());
        };
        std::fs::create_dir_all(&folder).map_err(|error| {
            nothing_written(Fault::environment(format!(
                "can't make the folder `{}`: {error}",
                folder.display()
            )))
        })?;
        let kinds = Kind::value_variants().iter().map(|kind| Of::from(*kind));
        for kind in kinds {
            let path = folder.join(kind.file_name());
            std::fs::write(&path, kind.text()).map_err(|error| {
                nothing_written(Fault::environment(format!(
                    "can't write `{}`: {error}",
                    path.display()
                )))
            })?;
        }
        Ok(terminal.print(&format!(
            "{} schemas in {}\n",
            Kind::value_variants().len(),
            folder.display()
        ))?)
    }
}

/// The schema of an input as its file has it.
pub(super) fn text(kind: InputKind) -> String {
    pretty(&input_schema(kind))
}

fn pretty(schema: &Value) -> String {
    // A JSON value always has a text.
    serde_json::to_string_pretty(schema)
        .map(|text| text + "\n")
        .unwrap_or_default()
}
