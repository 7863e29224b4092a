//! `gen schema`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, Terminal, nothing_written};
use crate::fault::Fault;
use crate::layers::input_schema::{InputKind, input_schema};

/// Prints the JSON Schema of an input, or writes them all.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which input
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
}

impl From<Kind> for InputKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Cluster => Self::Cluster,
            Kind::Environment => Self::Environment,
            Kind::Fleet => Self::Fleet,
            Kind::Settings => Self::Settings,
            Kind::Acknowledge => Self::Acknowledge,
        }
    }
}

impl Schema {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<(), Failure> {
        if let Some(kind) = self.kind {
            return Ok(terminal.print(&text(kind.into()))?);
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
        for kind in InputKind::ALL {
            let path = folder.join(kind.file_name());
            std::fs::write(&path, text(kind)).map_err(|error| {
                nothing_written(Fault::environment(format!(
                    "can't write `{}`: {error}",
                    path.display()
                )))
            })?;
        }
        Ok(terminal.print(&format!(
            "{} schemas in {}\n",
            InputKind::ALL.len(),
            folder.display()
        ))?)
    }
}

/// A schema as its file has it.
pub(super) fn text(kind: InputKind) -> String {
    // A JSON value always has a text.
    serde_json::to_string_pretty(&input_schema(kind))
        .map(|text| text + "\n")
        .unwrap_or_default()
}
