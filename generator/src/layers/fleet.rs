//! From the layers of a whole fleet to the merged settings of each cluster. Pure.
//!
//! Each layer is checked by itself, so that a mistyped key is found even where
//! a higher layer overrides it; then each cluster's merged value.

use std::collections::BTreeMap;

use super::inherit;
use super::input_schema::{InputKind, OF_FLEET, input_schema};
use super::literals::refuse_secret_literals;
use super::merge::{LayerName, Removal, ValuePath, merge, removal};
use super::schema::{SchemaCheck, SchemaError};
use crate::fault::{Fault, Faults};
use crate::load::files::{Layer, LoadedCluster, LoadedFleet};
use crate::load::node::Node;
use crate::load::source_file::Sources;
use crate::sentence::list;
use crate::settings::Settings;

/// The schemas of the inputs, compiled once.
#[derive(Debug)]
pub struct InputSchemas {
    cluster: SchemaCheck,
    shared: SchemaCheck,
    settings: SchemaCheck,
}

impl InputSchemas {
    /// Compiles them, side by side: of a run for one cluster it is the longest part.
    pub fn new() -> Result<Self, SchemaError> {
        let compile = |kind| SchemaCheck::new(input_schema(kind));
        let (settings, (cluster, shared)) = rayon::join(
            || compile(InputKind::Settings),
            || rayon::join(|| compile(InputKind::Cluster), || compile(InputKind::Fleet)),
        );
        Ok(Self {
            cluster: cluster?,
            shared: shared?,
            settings: settings?,
        })
    }
}

/// Everything that is known of a fleet before it is resolved.
#[derive(Debug)]
pub struct FleetLayers {
    /// The built-in defaults; their text is among the fleet's sources.
    pub defaults: Node,
    /// What was read.
    pub loaded: LoadedFleet,
}

impl FleetLayers {
    /// What the highest layer says that speaks of a setting of a cluster,
    /// without merging anything. The built-in defaults, which are nobody's to
    /// change, are left out.
    pub fn highest(&self, cluster: &str, setting: &ValuePath) -> Option<&Node> {
        let layers = layers_of(cluster, self.loaded.clusters.get(cluster)?, self);
        let mut own = layers.into_iter().skip(1).rev();
        own.find_map(|(_, layer)| setting.find(layer))
    }
}

/// What holds for the whole fleet: `clusters/fleet.yaml` over the defaults.
pub fn merge_fleet(fleet: &FleetLayers) -> Node {
    let layers = fleet.loaded.fleet.iter();
    inherit::expand(layers.fold(fleet.defaults.clone(), merge_layer))
}

/// What the layers of a cluster merge to.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedCluster {
    /// The settings.
    pub settings: Settings,
    /// The same as a value that knows where each part was set.
    pub node: Node,
}

/// The layers of a cluster with their names, the lowest first, for
/// [`super::merge::explain`].
pub fn layers_of<'a>(
    name: &str,
    cluster: &'a LoadedCluster,
    fleet: &'a FleetLayers,
) -> Vec<(LayerName, &'a Node)> {
    let mut layers = vec![(LayerName::Defaults, &fleet.defaults)];
    let says_something = |layer: &&Layer| !layer.node.is_null();
    if let Some(layer) = fleet.loaded.fleet.as_ref().filter(says_something) {
        layers.push((LayerName::Fleet, &layer.node));
    }
    if let Some(environment) = environment_of(cluster)
        && let Some(layer) = fleet
            .loaded
            .environments
            .get(environment)
            .filter(says_something)
    {
        layers.push((LayerName::Environment(environment.to_owned()), &layer.node));
    }
    layers.push((LayerName::Cluster(name.to_owned()), &cluster.layer.node));
    layers
}

/// The `null` in a file that removes a setting of a cluster, or the block's
/// that holds for it.
pub fn removal_of(
    loaded: &LoadedFleet,
    cluster: &LoadedCluster,
    setting: &ValuePath,
) -> Option<Removal> {
    let environment = environment_of(cluster).and_then(|name| loaded.environments.get(name));
    let shared = loaded.fleet.iter().chain(environment);
    let layers: Vec<&Node> = shared
        .chain([&cluster.layer])
        .map(|layer| &layer.node)
        // An empty file says nothing.
        .filter(|node| !node.is_null())
        .collect();
    let find = |setting: &ValuePath| removal(layers.iter().copied(), setting);
    find(setting).or_else(|| find(&inherit::block_setting(setting)?))
}

/// The environment that a cluster says it is in.
fn environment_of(cluster: &LoadedCluster) -> Option<&str> {
    cluster.layer.node.get("environment").and_then(Node::as_str)
}

/// What lies below the clusters' own layers, merged once for each environment.
#[derive(Debug)]
pub struct SharedLayers<'a> {
    by_environment: BTreeMap<&'a str, Node>,
    schemas: &'a InputSchemas,
    fleet: &'a FleetLayers,
}

impl<'a> SharedLayers<'a> {
    /// Checks and merges them. Each cluster's merged value has their faults again.
    pub fn merge(fleet: &'a FleetLayers, schemas: &'a InputSchemas) -> (Self, Faults) {
        let environments = &fleet.loaded.environments;
        let base = fleet
            .loaded
            .fleet
            .iter()
            .fold(fleet.defaults.clone(), merge_layer);
        let shared = Self {
            by_environment: environments
                .iter()
                .map(|(name, layer)| (name.as_str(), merge_layer(base.clone(), layer)))
                .collect(),
            schemas,
            fleet,
        };
        (shared, check_shared_layers(&fleet.loaded, schemas))
    }

    /// Checks a cluster's own layer, merges it over these, and checks the result.
    pub fn merge_cluster(
        &self,
        name: &str,
        cluster: &LoadedCluster,
    ) -> Result<MergedCluster, Faults> {
        let layer = &cluster.layer.node;
        let sources = &self.fleet.loaded.sources;
        check_mapping(name, layer, sources)?;
        let mut faults = Faults::new();
        refuse_what_is_the_fleets(&mut faults, layer, sources);
        faults.append_elsewhere(check_layer(layer, &self.schemas.cluster, sources));
        // A name that is malformed needn't be said to be another folder's as well.
        faults.append_elsewhere(check_identity(name, cluster, self));
        faults.into_result(())?;
        let base =
            environment_of(cluster).and_then(|environment| self.by_environment.get(environment));
        let Some(base) = base else {
            // `check_identity` has reported it.
            return Err(Faults::new());
        };
        let layers: Vec<&Node> = layers_of(name, cluster, self.fleet)
            .into_iter()
            .map(|(_, layer)| layer)
            .collect();
        let node = inherit::expand_layers(merge(base.clone(), layer), &layers);
        let json = node.to_json();
        self.schemas
            .settings
            .check_merged(&json, &node, sources, &|setting| {
                removal_of(&self.fleet.loaded, cluster, setting)
            })
            .into_result(())?;
        let settings = serde_json::from_value(json).map_err(|error| {
            Fault::input(format!("the settings of `{name}` can't be read: {error}"))
        })?;
        Ok(MergedCluster { settings, node })
    }

    fn known(&self) -> Vec<&'a str> {
        self.by_environment.keys().copied().collect()
    }
}

/// Merges a layer over those below it. An empty file says nothing.
fn merge_layer(base: Node, layer: &Layer) -> Node {
    if layer.node.is_null() {
        base
    } else {
        merge(base, &layer.node)
    }
}

/// Checks the layers that several clusters share, each once.
fn check_shared_layers(loaded: &LoadedFleet, schemas: &InputSchemas) -> Faults {
    let mut faults = Faults::new();
    for layer in loaded.fleet.iter().chain(loaded.environments.values()) {
        if !layer.node.is_null() {
            faults.append(check_layer(&layer.node, &schemas.shared, &loaded.sources));
        }
    }
    for layer in loaded.environments.values() {
        refuse_what_is_the_fleets(&mut faults, &layer.node, &loaded.sources);
    }
    faults
}

/// Refuses settings that only `clusters/fleet.yaml` can have.
fn refuse_what_is_the_fleets(faults: &mut Faults, layer: &Node, sources: &Sources) {
    for key in OF_FLEET {
        let entries = layer.entries().into_iter().flatten();
        for entry in entries.filter(|entry| entry.key == key) {
            let whole = match key {
                "reconciler" => "the whole fleet",
                _ => "whole accounts",
            };
            let message = format!("`{key}` holds for {whole}, so only the fleet can say it");
            let hint = format!("move `{key}` to `clusters/fleet.yaml`");
            faults.push(
                Fault::input(message)
                    .at(sources.place(entry.key_span))
                    .hint(hint),
            );
        }
    }
}

fn check_layer(layer: &Node, schema: &SchemaCheck, sources: &Sources) -> Faults {
    let mut faults = schema.check(layer, sources);
    refuse_secret_literals(&mut faults, layer, sources);
    faults
}

/// Refuses a file that holds no settings at all.
fn check_mapping(name: &str, layer: &Node, sources: &Sources) -> Result<(), Fault> {
    if layer.is_null() {
        let hint =
            format!("`gen new {name}` writes one to start from; move this folder away first");
        let fault = Fault::input("the file is empty");
        return Err(fault.at(sources.place(layer.span)).hint(hint));
    }
    if layer.entries().is_none() {
        let fault = Fault::input("the file holds no settings: it must be a mapping, `key: value`");
        let hint = format!("begin with `name: {name}`");
        return Err(fault.at(sources.place(layer.span)).hint(hint));
    }
    Ok(())
}

/// Checks what must be right before the layers can be merged at all.
fn check_identity(folder: &str, cluster: &LoadedCluster, shared: &SharedLayers<'_>) -> Faults {
    let mut faults = Faults::new();
    let sources = &shared.fleet.loaded.sources;
    let layer = &cluster.layer.node;
    let place_of = |key: &str| sources.place(layer.get(key).map_or(layer.span, |node| node.span));
    match layer.get("name").map(Node::as_str) {
        Some(Some(name)) if name != folder => faults.push(
            Fault::input(format!(
                "the cluster is called `{name}`, but its folder `{folder}`"
            ))
            .at(place_of("name"))
            .hint("rename one of them: folders under `rendered/` go by this name"),
        ),
        None => faults.push(
            Fault::input("`name` is required")
                .at(sources.place(layer.span))
                .hint(format!("add `name: {folder}`")),
        ),
        Some(_) => {}
    }
    match layer.get("environment").map(Node::as_str) {
        Some(Some(environment)) if !shared.by_environment.contains_key(environment) => {
            faults.push(
                Fault::input(format!("there is no environment `{environment}`"))
                    .at(place_of("environment"))
                    .hint(format!(
                        "known are {}; or add `clusters/environments/{environment}.yaml`",
                        list(&shared.known())
                    )),
            );
        }
        None => faults.push(
            Fault::input("`environment` is required")
                .at(sources.place(layer.span))
                .hint(format!("known are {}", list(&shared.known()))),
        ),
        Some(_) => {}
    }
    faults
}
