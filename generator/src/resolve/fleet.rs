//! From the layers of a whole fleet to its resolved clusters, and what these
//! can't have among each other. Pure.
//!
//! Faults of all layers and clusters are told together.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{AwsName, Problem, ResolvedCluster, aws, gitops, name, resolve_cluster};
use crate::fault::{Fault, Faults, Place};
use crate::layers::fleet::{FleetLayers, InputSchemas, MergedCluster, SharedLayers};
use crate::layers::merge::ValuePath;
use crate::load::files::{LoadedCluster, LoadedFleet};
use crate::load::node::Node;
use crate::load::source::{Sources, Span};
use crate::settings::{DEFAULTS_NAME, Settings};

/// The folder below `kubernetes/` that a cluster's own patches are copied to.
pub const PATCHES: &str = "patches";

/// A resolved cluster, and what is still to be read for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedMember {
    /// The cluster.
    pub cluster: ResolvedCluster,
    /// The CA certificates of its destinations.
    pub certificates: Vec<CertificateFile>,
}

/// A file that a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// Its path below `clusters/`.
    pub file: String,
    /// The path of its copy below the cluster's output.
    pub output: String,
    /// Where the setting stands.
    pub place: Place,
}

/// Resolves the clusters of a fleet that were read, by name: those that have
/// no fault of their own. A fault of what they share is one of each.
pub fn resolve_fleet(fleet: &FleetLayers, schemas: &InputSchemas) -> (Vec<ResolvedMember>, Faults) {
    let (shared, shared_faults) = SharedLayers::merge(fleet, schemas);
    let mut faults = shared_faults.clone();
    faults.append(find_clashes(fleet));
    let resolved: Vec<Result<ResolvedMember, Faults>> = fleet
        .loaded
        .clusters
        .par_iter()
        .map(|(name, cluster)| {
            let merged = shared.merge_cluster(name, cluster)?;
            resolve_one(&merged, cluster, &fleet.loaded.sources)
        })
        .collect();
    let mut members = Vec::with_capacity(resolved.len());
    for result in resolved {
        match result {
            Ok(member) => members.push(member),
            // Each cluster's merged value has the shared layers' faults again.
            Err(more) => faults.append(more.without_places_of(&shared_faults)),
        }
    }
    if faults.is_empty() {
        faults = find_name_clashes(&members, &fleet.loaded);
        faults.append(find_gitops_clashes(&members, fleet));
        faults.append(find_aws_clashes(&members, &fleet.loaded));
    }
    (members, faults)
}

/// Finds objects of AWS that two clusters would give the same name where it
/// must be unique: the second one's stack could not be made, or would take the
/// first one's.
fn find_name_clashes(members: &[ResolvedMember], loaded: &LoadedFleet) -> Faults {
    let mut faults = Faults::new();
    let mut owners: BTreeMap<&AwsName, &str> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for member in members {
        let cluster = member.cluster.cluster.name.as_str();
        for name in &member.cluster.aws_names {
            let Some(other) = owners.insert(name, cluster) else {
                continue;
            };
            // Clusters that share one name mostly share many.
            if !told.insert((other, cluster)) {
                continue;
            }
            let fault = Fault::input(format!(
                "the clusters `{other}` and `{cluster}` would both have {} `{}`",
                name.kind.article(),
                name.name
            ))
            .hint("rename one of the clusters, or give one of the objects another name");
            faults.push(match loaded.clusters.get(cluster) {
                Some(layer) => fault.at(loaded.sources.place(name_span(layer))),
                None => fault,
            });
        }
    }
    faults
}

/// Finds clusters that one tool can't apply side by side.
fn find_gitops_clashes(members: &[ResolvedMember], fleet: &FleetLayers) -> Faults {
    let clusters = members.iter().map(|member| &member.cluster);
    let mut faults = Faults::new();
    for problem in gitops::find_fleet_problems(clusters) {
        let path = ValuePath::new(problem.setting);
        let fault = Fault::input(format!("`{path}`: {}", problem.message)).hint(problem.hint);
        let name = problem.cluster.cluster.name.as_str();
        faults.push(match fleet.loaded.clusters.get(name) {
            Some(cluster) => {
                let set = fleet.highest(name, &path);
                let span = set.map_or_else(|| name_span(cluster), |node| node.span);
                fault.at(fleet.loaded.sources.place(span))
            }
            None => fault,
        });
    }
    faults
}

/// Finds what clusters of one account can't both have in AWS.
fn find_aws_clashes(members: &[ResolvedMember], loaded: &LoadedFleet) -> Faults {
    let clashes = aws::find_clashes(members.iter().map(|member| &member.cluster));
    let faults = clashes.into_iter().map(|clash| {
        let fault = Fault::input(clash.message).hint(clash.hint);
        match loaded.clusters.get(&clash.cluster) {
            Some(layer) => fault.at(loaded.sources.place(name_span(layer))),
            None => fault,
        }
    });
    faults.collect()
}

fn resolve_one(
    merged: &MergedCluster,
    cluster: &LoadedCluster,
    sources: &Sources,
) -> Result<ResolvedMember, Faults> {
    let MergedCluster { settings, node } = merged;
    let patches: Vec<String> = cluster
        .patches
        .keys()
        .map(|name| format!("{PATCHES}/{name}"))
        .collect();
    let resolved = resolve_cluster(settings, &patches).map_err(|problems| {
        let place = |problem| place(problem, node, cluster, sources);
        problems.0.into_iter().map(place).collect::<Faults>()
    })?;
    Ok(ResolvedMember {
        certificates: certificates(&resolved, settings, node, sources),
        cluster: resolved,
    })
}

fn certificates(
    cluster: &ResolvedCluster,
    settings: &Settings,
    merged: &Node,
    sources: &Sources,
) -> Vec<CertificateFile> {
    let files = settings
        .destinations
        .iter()
        .filter_map(|(name, destination)| {
            let (_, server) = destination.server()?;
            let file = server.tls.ca_certificate.as_ref()?;
            let output = cluster
                .destinations
                .iter()
                .find(|resolved| resolved.name == name.as_str())?;
            let setting = ["destinations", name.as_str(), "tls", "ca_certificate"];
            let span = ValuePath::new(setting)
                .find(merged)
                .map_or(merged.span, |node| node.span);
            Some(CertificateFile {
                file: file.to_string(),
                output: format!("kubernetes/{}", output.ca_certificate.as_ref()?),
                place: sources.place(span),
            })
        });
    files.collect()
}

/// Places a problem at the setting it names, or at the nearest one above that
/// stands in a file; at the cluster's name where only the built-in defaults
/// speak of it, since nobody can change those.
fn place(problem: Problem, merged: &Node, cluster: &LoadedCluster, sources: &Sources) -> Fault {
    let mut node = merged;
    for key in &problem.setting {
        let Some(part) = node.part(key) else { break };
        node = part;
    }
    let fault = Fault::input(format!(
        "`{}`: {}",
        ValuePath::new(problem.setting.iter().cloned()),
        problem.message
    ));
    let fault = if problem.hint.is_empty() {
        fault
    } else {
        fault.hint(problem.hint)
    };
    let built_in = sources.path(node.span.file) == DEFAULTS_NAME;
    fault.at(sources.place(if built_in {
        name_span(cluster)
    } else {
        node.span
    }))
}

/// Finds clusters that would write into each other's data streams, or whose
/// roles would have one name. It looks at every cluster, chosen or not.
fn find_clashes(fleet: &FleetLayers) -> Faults {
    let loaded = &fleet.loaded;
    let mut faults = Faults::new();
    let mut slugs: BTreeMap<String, &str> = BTreeMap::new();
    let mut namespaces: BTreeMap<String, &str> = BTreeMap::new();
    for name in &loaded.cluster_names {
        let cluster = loaded.clusters.get(name);
        let place_at = |fault: Fault, span: Option<Span>| match span {
            Some(span) => fault.at(loaded.sources.place(span)),
            None => fault,
        };
        let slug = name::slug(name);
        if let Some(other) = slugs.insert(slug.clone(), name) {
            let fault = Fault::input(format!(
                "the clusters `{other}` and `{name}` are both `{slug}` where `-` and `.` aren't allowed"
            ))
            .hint("rename one of them: data streams and roles are named by it");
            faults.push(place_at(fault, cluster.map(name_span)));
            continue;
        }
        let setting = |key| {
            let node = fleet.highest(name, &ValuePath::new(["index", key]));
            node.filter(|node| !node.is_null())
        };
        let kind = setting("type").and_then(Node::as_str).unwrap_or("logs");
        let own = setting("namespace");
        let namespace = own.and_then(Node::as_str).unwrap_or(&slug);
        if let Some(other) = namespaces.insert(format!("{kind}-{namespace}"), name) {
            let fault = Fault::input(format!(
                "the clusters `{other}` and `{name}` would write into the same data streams `{kind}-*-{namespace}`"
            ))
            .hint("give each an `index.namespace` of its own, or none");
            faults.push(place_at(
                fault,
                own.map(|node| node.span).or(cluster.map(name_span)),
            ));
        }
    }
    faults
}

fn name_span(cluster: &LoadedCluster) -> Span {
    let layer = &cluster.layer.node;
    layer.get("name").map_or(layer.span, |node| node.span)
}
