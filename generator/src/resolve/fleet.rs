//! From the layers of a whole fleet to its resolved clusters. Pure.
//!
//! Each layer is checked by itself, so that a mistyped key is found even where
//! a higher layer overrides it; then each cluster's merged value. Faults of
//! all layers and clusters are told together.
//!
//! Clusters are resolved one by one ([`FleetResolver`]), so that a caller can
//! let go of each before the next. What is compared between them is kept in a
//! [`ClusterSummary`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::stream::list;
use super::{
    AwsName, ClusterSummary, FleetCluster, OwnFiles, Problem, ResolvedCluster, aws, gitops, name,
    resolve_cluster,
};
use crate::fault::{Fault, Faults};
use crate::layers::inherit;
use crate::layers::input_schema::{InputKind, input_schema};
use crate::layers::literals::refuse_secret_literals;
use crate::layers::merge::{LayerName, ValuePath, merge};
use crate::layers::schema::{SchemaCheck, SchemaError};
use crate::load::certificates::Certificates;
use crate::load::files::{Layer, LoadedCluster, LoadedFleet};
use crate::load::node::Node;
use crate::load::source::{Sources, Span};
use crate::settings::{DEFAULTS_NAME, Settings};

/// The folder below `kubernetes/` that a cluster's own patches are copied to.
pub const PATCHES: &str = "patches";

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

/// A resolved cluster, and the certificates that are copied into its output.
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
    /// What stands in it.
    pub bytes: Arc<[u8]>,
}

/// Everything that is known of a fleet before it is resolved.
#[derive(Debug)]
pub struct FleetLayers {
    /// The built-in defaults; their text is among the fleet's sources.
    pub defaults: Node,
    /// What was read.
    pub loaded: LoadedFleet,
}

/// Resolves the clusters of a fleet, one at a time.
#[derive(Debug)]
pub struct FleetResolver<'a> {
    fleet: &'a FleetLayers,
    schemas: &'a InputSchemas,
    shared: SharedLayers<'a>,
    faults_of_shared: Faults,
}

impl<'a> FleetResolver<'a> {
    /// Checks and merges what clusters share.
    pub fn new(fleet: &'a FleetLayers, schemas: &'a InputSchemas) -> Self {
        Self {
            fleet,
            schemas,
            shared: SharedLayers::merge(fleet),
            faults_of_shared: check_shared_layers(&fleet.loaded, schemas),
        }
    }

    /// What is wrong before any cluster is resolved: in layers that clusters
    /// share, and with the names of clusters, chosen or not.
    pub fn faults_of_layers(&self) -> Faults {
        let mut faults = self.faults_of_shared.clone();
        faults.append(find_clashes(&self.fleet.loaded));
        faults
    }

    /// Resolves one of the clusters that were read.
    pub fn resolve(&self, name: &str) -> Result<ResolvedMember, Faults> {
        let Some(cluster) = self.fleet.loaded.clusters.get(name) else {
            return Err(Fault::input(format!("the cluster `{name}` was not read")).into());
        };
        resolve_one(
            name,
            cluster,
            &self.shared,
            self.schemas,
            &self.fleet.loaded,
        )
        // Each cluster's merged value has the shared layers' faults again.
        .map_err(|faults| faults.without_places_of(&self.faults_of_shared))
    }

    /// Finds what clusters can't all have, once each is resolved. They are
    /// sorted by name.
    pub fn find_clashes<'s>(
        &self,
        clusters: impl IntoIterator<Item = &'s ClusterSummary> + Clone,
    ) -> Faults {
        let mut faults = find_name_clashes(clusters.clone(), &self.fleet.loaded);
        let of_fleet = clusters
            .clone()
            .into_iter()
            .map(|cluster| &cluster.of_fleet);
        faults.append(find_gitops_clashes(of_fleet, self.fleet));
        faults.append(find_aws_clashes(clusters, &self.fleet.loaded));
        faults
    }
}

/// Resolves the clusters of a fleet that were read, by name: those that have
/// no fault, and the faults of all.
pub fn resolve_fleet(fleet: &FleetLayers, schemas: &InputSchemas) -> (Vec<ResolvedMember>, Faults) {
    let resolver = FleetResolver::new(fleet, schemas);
    let mut faults = resolver.faults_of_layers();
    let resolved: Vec<Result<ResolvedMember, Faults>> = fleet
        .loaded
        .clusters
        .par_iter()
        .map(|(name, _)| resolver.resolve(name))
        .collect();
    let mut members = Vec::with_capacity(resolved.len());
    for result in resolved {
        match result {
            Ok(member) => members.push(member),
            Err(more) => faults.append(more),
        }
    }
    if faults.is_empty() {
        let summaries = members
            .iter()
            .map(|member| ClusterSummary::of(&member.cluster));
        let summaries: Vec<ClusterSummary> = summaries.collect();
        faults = resolver.find_clashes(&summaries);
    }
    (members, faults)
}

/// Finds objects of AWS that two clusters would give the same name where it
/// must be unique: the second one's stack could not be made, or would take the
/// first one's.
fn find_name_clashes<'s>(
    clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    loaded: &LoadedFleet,
) -> Faults {
    let mut faults = Faults::new();
    let mut owners: BTreeMap<&AwsName, &str> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for summary in clusters {
        let cluster = summary.name();
        for name in &summary.aws_names {
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
fn find_gitops_clashes<'s>(
    clusters: impl IntoIterator<Item = &'s FleetCluster>,
    fleet: &FleetLayers,
) -> Faults {
    let mut faults = Faults::new();
    for problem in gitops::find_fleet_problems(clusters) {
        let path = ValuePath::new(problem.setting);
        let fault = Fault::input(format!("`{path}`: {}", problem.message)).hint(problem.hint);
        let name = problem.cluster;
        faults.push(match fleet.loaded.clusters.get(name) {
            Some(cluster) => {
                let layers = layers_of(name, cluster, fleet);
                // The built-in defaults are nobody's to change.
                let mut own = layers.iter().skip(1).rev();
                let set = own.find_map(|(_, layer)| path.find(layer));
                let span = set.map_or_else(|| name_span(cluster), |node| node.span);
                fault.at(fleet.loaded.sources.place(span))
            }
            None => fault,
        });
    }
    faults
}

/// Finds what clusters of one account can't both have in AWS.
fn find_aws_clashes<'s>(
    clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    loaded: &LoadedFleet,
) -> Faults {
    let claims: Vec<_> = clusters.into_iter().map(|cluster| &cluster.aws).collect();
    let clashes = aws::find_clashes(claims.iter().copied());
    let faults = clashes.into_iter().map(|clash| {
        let fault = Fault::input(clash.message).hint(clash.hint);
        match loaded.clusters.get(&clash.cluster) {
            Some(layer) => fault.at(loaded.sources.place(name_span(layer))),
            None => fault,
        }
    });
    faults.collect()
}

/// The layers of a cluster with their names, the lowest first, for
/// [`crate::layers::merge::explain`].
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

/// The environment that a cluster says it is in.
fn environment_of(cluster: &LoadedCluster) -> Option<&str> {
    cluster.layer.node.get("environment").and_then(Node::as_str)
}

/// What lies below the clusters' own layers, merged once for each environment.
#[derive(Debug)]
struct SharedLayers<'a> {
    by_environment: BTreeMap<&'a str, Node>,
}

impl<'a> SharedLayers<'a> {
    fn merge(fleet: &'a FleetLayers) -> Self {
        let environments = &fleet.loaded.environments;
        let base = fleet
            .loaded
            .fleet
            .iter()
            .fold(fleet.defaults.clone(), merge_layer);
        Self {
            by_environment: environments
                .iter()
                .map(|(name, layer)| (name.as_str(), merge_layer(base.clone(), layer)))
                .collect(),
        }
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
    faults
}

fn check_layer(layer: &Node, schema: &SchemaCheck, sources: &Sources) -> Faults {
    let mut faults = schema.check(layer, sources);
    refuse_secret_literals(&mut faults, layer, sources);
    faults
}

fn resolve_one(
    name: &str,
    cluster: &LoadedCluster,
    shared: &SharedLayers<'_>,
    schemas: &InputSchemas,
    loaded: &LoadedFleet,
) -> Result<ResolvedMember, Faults> {
    let sources = &loaded.sources;
    let layer = &cluster.layer.node;
    if !layer.is_null() && layer.entries().is_none() {
        return Err(
            Fault::input("the file holds no settings: it must be a mapping, `key: value`")
                .at(sources.place(layer.span))
                .hint(format!("begin with `name: {name}`"))
                .into(),
        );
    }
    if layer.is_null() {
        return Err(Fault::input("the file is empty")
            .at(sources.place(layer.span))
            .hint(format!(
                "`gen new {name}` writes one to start from; move this folder away first"
            ))
            .into());
    }
    let mut faults = check_layer(layer, &schemas.cluster, sources);
    // A name that is malformed needn't be told to be another folder's as well.
    faults.append_elsewhere(check_identity(name, cluster, shared, sources));
    faults.into_result(())?;
    let base =
        environment_of(cluster).and_then(|environment| shared.by_environment.get(environment));
    let Some(base) = base else {
        // `check_identity` has told it.
        return Err(Faults::new());
    };
    let merged = inherit::expand(merge(base.clone(), layer));
    let json = merged.to_json();
    schemas
        .settings
        .check_json(&json, &merged, sources)
        .into_result(())?;
    let settings: Settings = serde_json::from_value(json).map_err(|error| {
        Fault::input(format!("the settings of `{name}` can't be read: {error}"))
    })?;
    let patches = cluster.patches.keys();
    let named = NamedCertificate::of(&settings);
    let own_files = OwnFiles {
        patches: patches.map(|name| format!("{PATCHES}/{name}")).collect(),
        certificates: texts_of(&named, &loaded.certificates),
    };
    let resolved = resolve_cluster(&settings, &own_files).map_err(|problems| {
        let place = |problem| place(problem, &merged, cluster, sources);
        problems.0.into_iter().map(place).collect::<Faults>()
    })?;
    let mut faults = Faults::new();
    let used = named.into_iter().filter_map(|named| {
        let output = named.output(&resolved)?;
        match loaded.certificates.get(named.file) {
            Ok(bytes) => Some(CertificateFile {
                file: named.file.to_owned(),
                output,
                bytes: Arc::clone(bytes),
            }),
            Err(fault) => {
                faults.push(fault.at(sources.place(named.span(&merged))));
                None
            }
        }
    });
    let certificates = used.collect();
    faults.into_result(ResolvedMember {
        cluster: resolved,
        certificates,
    })
}

/// A certificate, as a destination's settings name it.
struct NamedCertificate<'a> {
    destination: &'a str,
    /// Its path below `clusters/`.
    file: &'a str,
}

impl<'a> NamedCertificate<'a> {
    fn of(settings: &'a Settings) -> Vec<Self> {
        let named = settings.destinations.iter().filter_map(|(name, own)| {
            let (_, server) = own.server()?;
            Some(Self {
                destination: name.as_str(),
                file: server.tls.ca_certificate.as_ref()?.as_str(),
            })
        });
        named.collect()
    }

    /// The path of its copy; none where nothing goes to the destination.
    fn output(&self, cluster: &ResolvedCluster) -> Option<String> {
        let mut destinations = cluster.destinations.iter();
        let resolved = destinations.find(|resolved| resolved.name == self.destination)?;
        Some(format!("kubernetes/{}", resolved.ca_certificate.as_ref()?))
    }

    fn span(&self, merged: &Node) -> Span {
        let setting = ["destinations", self.destination, "tls", "ca_certificate"];
        let node = ValuePath::new(setting).find(merged);
        node.map_or(merged.span, |node| node.span)
    }
}

/// The texts of the certificates that can be used, by destination.
fn texts_of(named: &[NamedCertificate<'_>], read: &Certificates) -> BTreeMap<String, String> {
    let texts = named.iter().filter_map(|named| {
        let bytes = read.get(named.file).ok()?;
        let text = String::from_utf8_lossy(bytes).into_owned();
        Some((named.destination.to_owned(), text))
    });
    texts.collect()
}

/// Checks what must be right before the layers can be merged at all.
fn check_identity(
    folder: &str,
    cluster: &LoadedCluster,
    shared: &SharedLayers<'_>,
    sources: &Sources,
) -> Faults {
    let mut faults = Faults::new();
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
fn find_clashes(loaded: &LoadedFleet) -> Faults {
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
        let setting = |key| cluster.and_then(|cluster| index_setting(cluster, loaded, key));
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

/// A setting of [`crate::settings::IndexNaming`] as the highest layer that
/// speaks of it has it, without merging everything.
fn index_setting<'a>(
    cluster: &'a LoadedCluster,
    loaded: &'a LoadedFleet,
    key: &str,
) -> Option<&'a Node> {
    let environment = environment_of(cluster).and_then(|name| loaded.environments.get(name));
    [Some(&cluster.layer), environment, loaded.fleet.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|layer| layer.node.get("index").and_then(|index| index.get(key)))
        .filter(|node| !node.is_null())
}
