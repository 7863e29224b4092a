//! `gen new`.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Failure, Terminal, nothing_written, output, root_argument};
use crate::fault::{Fault, Faults};
use crate::layers::input_schema::{InputKind, input_schema};
use crate::layers::schema::SchemaCheck;
use crate::load::names::CLUSTERS;
use crate::load::node::Node;
use crate::load::source_file::{SourceFile, Sources};
use crate::load::yaml;
use crate::pipeline;

/// Adds a cluster's folder: a new one, or one like another cluster's.
///
/// Then `gen check` tells what is still missing, and `gen render` renders it.
#[derive(Debug, Args)]
pub(super) struct New {
    /// Name of the cluster and of its folder
    cluster: String,
    /// Start from this cluster's settings
    #[arg(long, value_name = "CLUSTER", conflicts_with_all = ["environment", "distribution", "region", "account"])]
    like: Option<String>,
    /// Environment (a file in clusters/environments)
    #[arg(long, required_unless_present = "like")]
    environment: Option<String>,
    /// Who runs the control plane
    #[arg(long, value_enum, required_unless_present = "like")]
    distribution: Option<DistributionWord>,
    /// AWS Region
    #[arg(long, required_unless_present = "like")]
    region: Option<String>,
    /// AWS account
    #[arg(long, required_unless_present = "like")]
    account: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DistributionWord {
    /// The cluster's own machines do, as kops sets them up
    Kops,
    /// AWS does
    Eks,
}

impl New {
    pub(super) fn run(self, root: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
        let name = self.cluster.as_str();
        check_name(name).map_err(nothing_written)?;
        let text = match &self.like {
            Some(other) => like(root, other, name)?,
            None => self.starter(),
        };
        let file = format!("{CLUSTERS}/{name}/cluster.yaml");
        let mut faults = check_text(InputKind::Cluster, &file, &text);
        faults.append(self.check_environment(root));
        faults.into_result(()).map_err(nothing_written)?;
        output::write_new(root, &[(file.clone(), text)]).map_err(nothing_written)?;
        let root = root_argument(root);
        Ok(terminal.print(&format!(
            "{file}\n\nNext: gen check {name}{root}, then gen render{root}\n"
        ))?)
    }

    /// An environment without a file would be told by the next `gen check`.
    fn check_environment(&self, root: &Path) -> Faults {
        let Some(environment) = &self.environment else {
            return Faults::new();
        };
        let nobody = BTreeSet::new();
        let known = pipeline::load_layers(root, Some(&nobody))
            .0
            .loaded
            .environments;
        if known.contains_key(environment) {
            return Faults::new();
        }
        let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        Fault::input(format!(
            "there is no environment `{}`",
            environment.escape_debug()
        ))
        .hint(format!(
            "known are {names}; an environment is a file of `{CLUSTERS}/environments/`"
        ))
        .into()
    }

    fn starter(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (distribution, groups) = match self.distribution {
            Some(DistributionWord::Kops) => (
                "kops",
                "  masters:\n    role: control_plane\n    taints:\n      \
                 node-role.kubernetes.io/control-plane: { effects: [NoSchedule] }\n  nodes:\n    role: node",
            ),
            _ => ("eks", "  nodes:\n    role: node"),
        };
        include_str!("starter/cluster.yaml")
            .replace("{name}", &self.cluster)
            .replace("{environment}", &text(&self.environment))
            .replace("{distribution}", distribution)
            .replace("{region}", &text(&self.region))
            .replace("{account}", &text(&self.account))
            .replace("{node_groups}", groups)
    }
}

/// Finds what is wrong with the words of the command line where they would
/// stand in the file.
pub(super) fn check_text(kind: InputKind, file: &str, text: &str) -> Faults {
    let mut sources = Sources::default();
    let id = sources.push(SourceFile::new(file, text));
    let checked =
        yaml::parse(id, &SourceFile::new(file, text)).map(|node| {
            match SchemaCheck::new(input_schema(kind)) {
                Ok(schema) => schema.check(&node, &sources),
                Err(error) => Fault::input(format!("the input's schema: {error}")).into(),
            }
        });
    checked.unwrap_or_else(|faults| faults)
}

/// A name becomes a path here, before any schema has seen it.
fn check_name(name: &str) -> Result<(), Fault> {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.len() <= 100
        && name.split('.').all(word)
        && !["environments", "certificates"].contains(&name)
    {
        Ok(())
    } else {
        Err(Fault::input(format!(
            "`{}` can't be a cluster's name",
            name.escape_debug()
        ))
        .hint(
            "use lower-case letters, digits, `-` and `.` as in a host name, at most 100 characters",
        ))
    }
}

/// Another cluster's file with this one's name in it; all else, comments
/// too, stays.
fn like(root: &Path, other: &str, name: &str) -> Result<String, Failure> {
    let selected = BTreeSet::from([other.to_owned()]);
    let (fleet, faults) = pipeline::load_layers(root, Some(&selected));
    let Some(cluster) = fleet.loaded.clusters.get(other) else {
        return Err(nothing_written(faults));
    };
    let layer = &cluster.layer;
    let source = fleet.loaded.sources.get(layer.file);
    let (Some(source), Some(named)) = (
        source,
        layer
            .node
            .get("name")
            .filter(|node| node.as_str().is_some()),
    ) else {
        return Err(nothing_written(Fault::input(format!(
            "`{other}` has no name that could be replaced"
        ))));
    };
    Ok(replace(source.text(), named, name))
}

fn replace(text: &str, node: &Node, with: &str) -> String {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    format!("{}{with}{}", &text[..start], &text[end..])
}
