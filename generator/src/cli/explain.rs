//! `gen explain`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Failure, Format, Terminal, nothing_written};
use crate::fault::Fault;
use crate::layers::fleet::layers_of;
use crate::layers::inherit;
use crate::layers::merge::{Effect, Explanation, LayerName, Step, ValuePath, explain};
use crate::load::node::Node;
use crate::load::source_file::Sources;
use crate::pipeline;
use crate::secrets;

/// Shows which layer, file and line set a value, and which it overrode.
///
/// Layers, the lowest first: built-in defaults, clusters/fleet.yaml,
/// clusters/environments/<environment>.yaml, clusters/<cluster>/cluster.yaml.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The cluster
    cluster: String,
    #[expect(clippy::doc_markdown, reason = "the terminal shows it as it is")]
    /// A setting such as streams.applications.retention_days [default: all settings]
    setting: Option<String>,
}

impl Explain {
    pub(super) fn run(
        self,
        root: &Path,
        format: Format,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let path = match &self.setting {
            Some(setting) => ValuePath::parse(setting)
                .map_err(|error| nothing_written(Fault::input(format!("`{setting}`: {error}"))))?,
            None => ValuePath::default(),
        };
        let selected = BTreeSet::from([self.cluster.clone()]);
        let (fleet, faults) = pipeline::load_layers(root, Some(&selected));
        let Some(cluster) = fleet.loaded.clusters.get(&self.cluster) else {
            return Err(nothing_written(faults));
        };
        let layers = layers_of(&self.cluster, cluster, &fleet);
        // What a block such as `stream_defaults` says lies below all layers.
        let projected: Vec<(LayerName, Node)> = layers
            .iter()
            .filter_map(|(name, layer)| Some((name.clone(), inherit::project(layer, &path)?)))
            .collect();
        let of_place = match inherit::place_of(&path) {
            Some(place) => {
                let nodes: Vec<&Node> = layers.iter().map(|(_, layer)| *layer).collect();
                inherit::of_place(&nodes, &place).len()
            }
            None => layers.len(),
        };
        let below = layers.len() - of_place;
        let all: Vec<(LayerName, &Node)> = projected
            .iter()
            .map(|(name, node)| (name.clone(), node))
            .chain(layers.iter().skip(below).cloned())
            .collect();
        let explanation = explain(&all, &path);
        let of_cluster = layers_of(&self.cluster, cluster, &fleet);
        let of_cluster = of_cluster.into_iter().map(|(_, layer)| layer);
        if explanation.leaves.is_empty() || !inherit::place_exists(of_cluster, &path) {
            let fault = Fault::input(format!(
                "`{path}` isn't set in any layer of `{}`",
                self.cluster
            ));
            let merged = inherit::expand(
                crate::layers::merge::merge_all(all.into_iter().map(|(_, node)| node))
                    .unwrap_or_else(|| fleet.defaults.clone()),
            );
            return Err(nothing_written(match known_keys(&merged, &path) {
                Some(hint) => fault.hint(hint),
                None => fault,
            }));
        }
        let explanation = without_secrets(explanation);
        let text = match format {
            Format::Text => describe(&explanation, &fleet.loaded.sources),
            Format::Json => {
                let leaves: Vec<Json> =
                    explanation.leaves.iter().map(|leaf| {
                        json!({
                            "setting": leaf.path.to_string(),
                            "value": leaf.value,
                            "steps": leaf.steps.iter().map(|step| step_json(step, &fleet.loaded.sources)).collect::<Vec<_>>(),
                        })
                    }).collect();
                format!("{:#}\n", json!(leaves))
            }
        };
        Ok(terminal.print(&text)?)
    }
}

/// The same with every secret masked: what stands in a file by mistake need
/// not get into a log as well.
fn without_secrets(mut explanation: Explanation) -> Explanation {
    for leaf in &mut explanation.leaves {
        // Below it are settings of their own, such as `credentials.type`.
        let own_key = leaf.path.parts().last();
        let below_secret_key = own_key.is_some_and(|key| secrets::is_secret_key(key));
        leaf.value = leaf
            .value
            .take()
            .map(|value| masked(value, below_secret_key));
        for step in &mut leaf.steps {
            if let Effect::Sets(value) = &mut step.effect {
                *value = masked(value.take(), below_secret_key);
            }
        }
    }
    explanation
}

fn masked(value: Json, below_secret_key: bool) -> Json {
    match value {
        Json::String(text) if below_secret_key && !secrets::is_reference(&text) => json!("*****"),
        Json::Number(_) if below_secret_key => json!("*****"),
        Json::String(text) => Json::String(secrets::mask(&text)),
        Json::Array(items) => items
            .into_iter()
            .map(|item| masked(item, below_secret_key))
            .collect(),
        Json::Object(members) => {
            let members = members.into_iter().map(|(key, value)| {
                let secret = below_secret_key || secrets::is_secret_key(&key);
                (key, masked(value, secret))
            });
            Json::Object(members.collect())
        }
        other => other,
    }
}

/// The keys there are where a path leads nowhere.
fn known_keys(merged: &Node, path: &ValuePath) -> Option<String> {
    let mut node = merged;
    let mut shown = String::new();
    for part in path.parts() {
        match node.part(part) {
            Some(next) => node = next,
            None => break,
        }
        if !shown.is_empty() {
            shown.push('.');
        }
        shown.push_str(part);
    }
    let keys: Vec<&str> = node
        .entries()?
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    let below = if shown.is_empty() {
        "at the top".to_owned()
    } else {
        format!("below `{shown}`")
    };
    Some(format!("keys {below}: {}", keys.join(", ")))
}

fn describe(explanation: &Explanation, sources: &Sources) -> String {
    let mut text = String::new();
    for leaf in &explanation.leaves {
        let value = leaf
            .value
            .as_ref()
            .map_or_else(|| "not set".to_owned(), Json::to_string);
        // Writing to a text can't fail.
        let _ = writeln!(text, "{} = {value}", leaf.path);
        for step in leaf.steps.iter().rev() {
            let place = sources.place(step.span);
            let _ = writeln!(
                text,
                "  {} {place}  {}{}",
                if step.holds { "*" } else { " " },
                effect_words(&step.effect),
                if step.holds { "" } else { ", overridden" },
            );
        }
    }
    text
}

fn effect_words(effect: &Effect) -> String {
    match effect {
        Effect::Sets(value) => format!("sets {value}"),
        Effect::Removes => "removes it".to_owned(),
        Effect::Replaces => "replaces what is above it".to_owned(),
    }
}

fn step_json(step: &Step, sources: &Sources) -> Json {
    let place = sources.place(step.span);
    let (effect, value) = match &step.effect {
        Effect::Sets(value) => ("sets", Some(value)),
        Effect::Removes => ("removes", None),
        Effect::Replaces => ("replaces", None),
    };
    json!({
        "layer": step.layer.to_string(),
        "file": place.file, "line": place.line, "column": place.column,
        "effect": effect, "value": value, "holds": step.holds,
    })
}
