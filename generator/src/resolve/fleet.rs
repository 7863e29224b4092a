//! From the layers of a whole fleet to its resolved clusters. Pure.
//!
//! Each layer is checked by itself, so that a mistyped key is found even where
//! a higher layer overrides it; then each cluster's merged value. Faults of
//! all layers and clusters are told together.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::input_schema::{InputKind, input_schema};
use super::literals::find_secret_literals;
use super::merge::{ValuePath, merge};
use super::schema::{SchemaCheck, SchemaError};
use super::{Problem, ResolvedCluster, inherit, name, resolve_cluster};
use crate::fault::{Fault, Faults};
use crate::load::files::{LoadedCluster, LoadedFleet};
use crate::load::node::{Node, Value};
use crate::load::source::Sources;
use crate::settings::{IndexNaming, Settings};

/// The schemas of the inputs, compiled once.
#[derive(Debug)]
pub struct InputSchemas {
    cluster: SchemaCheck,
    shared: SchemaCheck,
    settings: SchemaCheck,
}

impl InputSchemas {
    /// Compiles them.
    pub fn new() -> Result<Self, SchemaError> {
        Ok(Self {
            cluster: SchemaCheck::new(input_schema(InputKind::Cluster))?,
            shared: SchemaCheck::new(input_schema(InputKind::Fleet))?,
            settings: SchemaCheck::new(input_schema(InputKind::Settings))?,
        })
    }
}

/// Resolves the clusters of a fleet that `selected` names, or all of them.
pub fn resolve_fleet(
    fleet: &LoadedFleet,
    selected: Option<&BTreeSet<String>>,
    schemas: &InputSchemas,
) -> Result<Vec<ResolvedCluster>, Faults> {
    let sources = &fleet.sources;
    let shared = SharedLayers::merge(fleet, schemas)?;
    let mut faults = find_clashes(fleet);
    let chosen: Vec<&LoadedCluster> = fleet
        .clusters
        .values()
        .filter(|cluster| selected.is_none_or(|selected| selected.contains(&cluster.name)))
        .collect();
    let resolved: Vec<Result<ResolvedCluster, Faults>> = chosen
        .into_par_iter()
        .map(|cluster| resolve_one(cluster, &shared, schemas, sources))
        .collect();
    let mut clusters = Vec::with_capacity(resolved.len());
    for result in resolved {
        match result {
            Ok(cluster) => clusters.push(cluster),
            Err(more) => faults.append(more),
        }
    }
    faults.into_result(clusters)
}

/// A cluster's settings, merged and with its blocks put where they hold.
pub fn merged_settings(cluster: &LoadedCluster, fleet: &LoadedFleet) -> Node {
    let environment = environment_of(cluster).and_then(|name| fleet.environments.get(name));
    let base = [fleet.fleet.as_ref(), environment]
        .into_iter()
        .flatten()
        .fold(fleet.defaults.clone(), merge);
    inherit::expand(merge(base, &cluster.settings))
}

/// The environment that a cluster says it is in.
pub fn environment_of(cluster: &LoadedCluster) -> Option<&str> {
    cluster.settings.get("environment").and_then(Node::as_str)
}

/// What lies below the clusters' own layers, merged once for each environment.
struct SharedLayers<'a> {
    by_environment: BTreeMap<&'a str, Node>,
    known: Vec<&'a str>,
}

impl<'a> SharedLayers<'a> {
    fn merge(fleet: &'a LoadedFleet, schemas: &InputSchemas) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let layers = fleet.fleet.iter().chain(fleet.environments.values());
        for layer in layers {
            faults.append(check_layer(layer, &schemas.shared, &fleet.sources));
        }
        faults.into_result(())?;
        let base = fleet.fleet.iter().fold(fleet.defaults.clone(), merge);
        let by_environment = fleet
            .environments
            .iter()
            .map(|(name, layer)| (name.as_str(), merge(base.clone(), layer)))
            .collect();
        Ok(Self { by_environment, known: fleet.environments.keys().map(String::as_str).collect() })
    }
}

fn check_layer(layer: &Node, schema: &SchemaCheck, sources: &Sources) -> Faults {
    let mut faults = schema.check(layer, sources);
    faults.append(find_secret_literals(layer, sources));
    faults
}

fn resolve_one(
    cluster: &LoadedCluster,
    shared: &SharedLayers<'_>,
    schemas: &InputSchemas,
    sources: &Sources,
) -> Result<ResolvedCluster, Faults> {
    let layer = &cluster.settings;
    let mut faults = check_layer(layer, &schemas.cluster, sources);
    faults.append(check_identity(cluster, shared, sources));
    faults.into_result(())?;
    let base = environment_of(cluster).and_then(|name| shared.by_environment.get(name));
    let Some(base) = base else {
        // Told by `check_identity`.
        return Err(Faults::new());
    };
    let merged = inherit::expand(merge(base.clone(), layer));
    let json = merged.to_json();
    let faults = schemas.settings.check_json(&json, &merged, sources);
    faults.into_result(())?;
    let settings: Settings = serde_json::from_value(json).map_err(|error| {
        Fault::input(format!("the settings of `{}` can't be read: {error}", cluster.name))
    })?;
    let patches: Vec<String> = cluster.patches.iter().map(|patch| patch.path.to_string()).collect();
    resolve_cluster(&settings, &patches).map_err(|problems| {
        problems.0.into_iter().map(|problem| place(problem, &merged, cluster, sources)).collect()
    })
}

/// Checks what must be right before the layers can be merged at all.
fn check_identity(cluster: &LoadedCluster, shared: &SharedLayers<'_>, sources: &Sources) -> Faults {
    let mut faults = Faults::new();
    let layer = &cluster.settings;
    let place_of = |key: &str| sources.place(layer.get(key).map_or(layer.span, |node| node.span));
    match layer.get("name").map(Node::as_str) {
        Some(Some(name)) if name != cluster.name => faults.push(
            Fault::input(format!("the cluster is called `{name}`, but its folder `{}`", cluster.name))
                .at(place_of("name"))
                .hint("rename one of them: folders under `rendered/` go by this name"),
        ),
        None => faults.push(
            Fault::input("`name` is required")
                .at(sources.place(layer.span))
                .hint(format!("add `name: {}`", cluster.name)),
        ),
        Some(_) => {}
    }
    match layer.get("environment").map(Node::as_str) {
        Some(Some(environment)) if !shared.known.contains(&environment) => {
            let mut fault = Fault::input(format!("there is no environment `{environment}`"))
                .at(place_of("environment"))
                .hint(format!("add `clusters/environments/{environment}.yaml`"));
            if let Some(near) = super::schema::nearest(environment, shared.known.iter().copied()) {
                fault = fault.hint(format!("did you mean `{near}`?"));
            }
            faults.push(fault);
        }
        None => faults.push(
            Fault::input("`environment` is required")
                .at(sources.place(layer.span))
                .hint(format!("known are {}", super::stream::list(&shared.known))),
        ),
        Some(_) => {}
    }
    faults
}

/// Places a problem at the setting it names, or at the nearest one above that
/// stands in a file.
fn place(problem: Problem, merged: &Node, cluster: &LoadedCluster, sources: &Sources) -> Fault {
    let mut span = None;
    let mut node = Some(merged);
    for key in &problem.setting {
        node = node.and_then(|node| node.part(key));
        if let Some(found) = node.filter(|found| sources.is_written(found.span)) {
            span = Some(found.span);
        }
    }
    let fault = Fault::input(format!(
        "`{}`: {}",
        ValuePath::new(problem.setting.iter().cloned()),
        problem.message
    ));
    let fault = if problem.hint.is_empty() { fault } else { fault.hint(problem.hint) };
    fault.at(sources.place(span.unwrap_or(cluster.settings.span)))
}

/// Finds clusters that would write into each other's data streams, or whose
/// roles would have one name. It looks at every cluster, chosen or not.
fn find_clashes(fleet: &LoadedFleet) -> Faults {
    let mut faults = Faults::new();
    let mut slugs: BTreeMap<String, &LoadedCluster> = BTreeMap::new();
    let mut namespaces: BTreeMap<String, &LoadedCluster> = BTreeMap::new();
    for cluster in fleet.clusters.values() {
        let slug = name::slug(&cluster.name);
        if let Some(other) = slugs.insert(slug.clone(), cluster) {
            faults.push(
                Fault::input(format!(
                    "the clusters `{}` and `{}` are both `{slug}` where `-` and `.` aren't allowed",
                    other.name, cluster.name
                ))
                .at(fleet.sources.place(name_span(cluster)))
                .hint("rename one of them: data streams and roles are named by it"),
            );
            continue;
        }
        let own = index_setting(cluster, fleet, "namespace");
        let kind = index_setting(cluster, fleet, "type").and_then(Node::as_str).unwrap_or("logs");
        let namespace = own.and_then(Node::as_str).map_or(slug, ToOwned::to_owned);
        if let Some(other) = namespaces.insert(format!("{kind}-{namespace}"), cluster) {
            faults.push(
                Fault::input(format!(
                    "the clusters `{}` and `{}` would write into the same data streams `{kind}-*-{namespace}`",
                    other.name, cluster.name
                ))
                .at(fleet.sources.place(own.map_or(name_span(cluster), |node| node.span)))
                .hint("give each an `index.namespace` of its own, or none"),
            );
        }
    }
    faults
}

fn name_span(cluster: &LoadedCluster) -> crate::load::source::Span {
    cluster.settings.get("name").map_or(cluster.settings.span, |node| node.span)
}

/// A setting of [`IndexNaming`] as the highest layer that speaks of it has it,
/// without merging everything.
fn index_setting<'a>(cluster: &'a LoadedCluster, fleet: &'a LoadedFleet, key: &str) -> Option<&'a Node> {
    let environment = environment_of(cluster).and_then(|name| fleet.environments.get(name));
    [Some(&cluster.settings), environment, fleet.fleet.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|layer| layer.get("index").and_then(|index| index.get(key)))
        .filter(|node| !matches!(node.value, Value::Null))
}
