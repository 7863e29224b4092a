//! From the layers of a whole fleet to its resolved clusters, and what these
//! can't have among each other. Pure.
//!
//! Faults of all layers and clusters are reported together.
//!
//! Clusters are resolved one by one ([`FleetResolver`]), so that a caller can
//! let go of each before the next. What is compared between them is kept in a
//! [`ClusterSummary`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::shared_idle;
use super::{
    AccountShare, AccountStack, AwsName, ClusterSummary, FleetAccounts, FleetCluster,
    FleetReconciler, OwnFiles, Place, PlacedPatch, Problem, Problems, ResolvedCluster, account,
    aws, gitops, name, resolve_cluster,
};
use crate::fault::{Fault, Faults};
use crate::layers::fleet::{FleetLayers, InputSchemas, MergedCluster, SharedLayers, removal_of};
use crate::layers::merge::ValuePath;
use crate::load::certificates::Certificates;
use crate::load::files::{LoadedCluster, LoadedFleet};
use crate::load::node::{Node, Value};
use crate::load::source_file::{Sources, Span};
use crate::settings::{DEFAULTS_NAME, Settings};

/// The folder below `kubernetes/` that a cluster's own patches are copied to.
pub const PATCHES: &str = "patches";

/// A resolved cluster, and the certificates that are copied into its output.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedMember {
    /// The cluster.
    pub cluster: ResolvedCluster,
    /// The CA certificates of its destinations.
    pub certificates: Vec<CertificateFile>,
    /// What is changed in what its templates render, in the order of the names.
    pub patches: Vec<PlacedPatch>,
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

/// Resolves the clusters of a fleet, one at a time.
#[derive(Debug)]
pub struct FleetResolver<'a> {
    fleet: &'a FleetLayers,
    shared: SharedLayers<'a>,
    faults_of_shared: Faults,
    accounts: Result<FleetAccounts, Fault>,
    reconciler: Option<FleetReconciler>,
}

impl<'a> FleetResolver<'a> {
    /// Checks and merges what clusters share.
    pub fn new(fleet: &'a FleetLayers, schemas: &'a InputSchemas) -> Self {
        let (shared, faults_of_shared) = SharedLayers::merge(fleet, schemas);
        Self {
            fleet,
            shared,
            faults_of_shared,
            accounts: FleetAccounts::of(fleet),
            reconciler: FleetReconciler::of(fleet),
        }
    }

    /// Whether both say the same of accounts and of the reconciler.
    pub fn says_the_same_of_all(&self, other: &FleetResolver<'_>) -> bool {
        self.accounts == other.accounts && self.reconciler == other.reconciler
    }

    /// What the fleet says of its reconciler.
    pub fn reconciler(&self) -> Option<&FleetReconciler> {
        self.reconciler.as_ref()
    }

    /// What is wrong before any cluster is resolved: in layers that clusters
    /// share, and with the names of clusters, chosen or not.
    pub fn faults_of_layers(&self) -> Faults {
        let mut faults = self.faults_of_shared.clone();
        faults.append(find_clashes(self.fleet));
        faults
    }

    /// Resolves one of the clusters that were read.
    pub fn resolve(&self, name: &str) -> Result<ResolvedMember, Faults> {
        self.resolve_with(name, |_| ())
    }

    /// The same cluster with the same settings, as it would be in another place.
    pub fn resolve_at(&self, name: &str, place: &Place) -> Result<ResolvedMember, Faults> {
        self.resolve_with(name, |settings| place.put(settings))
    }

    fn resolve_with(
        &self,
        name: &str,
        alter: impl FnOnce(&mut Settings),
    ) -> Result<ResolvedMember, Faults> {
        let Some(cluster) = self.fleet.loaded.clusters.get(name) else {
            return Err(Fault::input(format!("the cluster `{name}` was not read")).into());
        };
        self.shared
            .merge_cluster(name, cluster)
            .and_then(|mut merged| {
                alter(&mut merged.settings);
                resolve_one(&merged, cluster, &self.fleet.loaded)
            })
            // Each cluster's merged value has the shared layers' faults again.
            .map_err(|faults| faults.without_places_of(&self.faults_of_shared))
    }

    /// Finds what clusters can't all have, once each is resolved. They are
    /// sorted by name.
    pub fn find_clashes<'s>(
        &self,
        clusters: impl IntoIterator<Item = &'s ClusterSummary> + Clone,
    ) -> Faults {
        let stacks = self.account_stacks(clusters.clone());
        let (stacks, mut faults) = match stacks {
            Ok(stacks) => (stacks, Faults::new()),
            Err(fault) => (Vec::new(), fault.into()),
        };
        faults.append(find_name_clashes(
            clusters.clone(),
            &stacks,
            &self.fleet.loaded,
        ));
        let of_fleet = clusters
            .clone()
            .into_iter()
            .map(|cluster| &cluster.of_fleet);
        faults.append(find_gitops_clashes(of_fleet, self.fleet));
        faults.append(self.find_aws_clashes(clusters.clone(), &stacks));
        faults.append(find_unused_destinations(
            clusters.clone(),
            &self.fleet.loaded,
        ));
        faults.append(self.find_reconciler_faults(clusters.clone()));
        faults.append(shared_idle::find(clusters, &self.fleet.loaded));
        faults
    }

    /// Finds what the reconciler can't be told about the clusters. Where only some are looked at, others may need
    /// what these don't.
    fn find_reconciler_faults<'s>(
        &self,
        clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    ) -> Faults {
        let loaded = &self.fleet.loaded;
        let clusters = clusters.into_iter().map(|cluster| &cluster.of_fleet);
        let clusters: Vec<&FleetCluster> = clusters.collect();
        let Some(reconciler) = &self.reconciler else {
            return Faults::new();
        };
        if clusters.len() < loaded.cluster_names.len() {
            return Faults::new();
        }
        let mut problems = Problems::default();
        reconciler.resolve(clusters, &mut problems);
        let layer = loaded.fleet.as_ref().map(|layer| &layer.node);
        let faults = problems.0.into_iter().map(|problem| {
            let path = ValuePath::new(problem.setting.iter().map(String::as_str));
            let fault = Fault::input(format!("`{path}`: {}", problem.message)).hint(problem.hint);
            // The setting, or the innermost block around it that is written.
            let said = (1..=problem.setting.len()).rev().find_map(|length| {
                let around = problem.setting.iter().take(length).map(String::as_str);
                ValuePath::new(around).find(layer?)
            });
            match said.or(layer) {
                Some(node) => fault.at(loaded.sources.place(node.span)),
                None => fault,
            }
        });
        faults.collect()
    }

    /// Finds what clusters can't have beside their neighbours, other clusters of
    /// the fleet that weren't read with them. What is wrong among neighbours alone
    /// is theirs.
    pub fn find_clashes_beside<'s>(
        &self,
        clusters: impl IntoIterator<Item = &'s ClusterSummary>,
        neighbours: &'s [ClusterSummary],
    ) -> Faults {
        let mut all: Vec<&ClusterSummary> = clusters.into_iter().chain(neighbours).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        let mut faults = self.find_clashes(all);
        if !neighbours.is_empty() {
            let theirs = self.find_clashes(neighbours).sorted();
            faults.retain(|fault| !theirs.contains(fault));
        }
        let own = self.fleet.loaded.clusters.values().next();
        faults.map(|fault| match own {
            Some(own) if fault.place.is_none() => {
                fault.at(self.fleet.loaded.sources.place(name_span(own)))
            }
            _ => fault,
        })
    }

    /// The stacks of the accounts that clusters share something of.
    pub fn account_stacks<'s>(
        &self,
        clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    ) -> Result<Vec<AccountStack>, Fault> {
        let shares: Vec<&AccountShare> = clusters
            .into_iter()
            .filter_map(ClusterSummary::share)
            .collect();
        account_stacks(&shares, self.accounts.as_ref())
    }

    /// Finds what clusters of one account can't both have in AWS, and what their
    /// account doesn't give them.
    fn find_aws_clashes<'s>(
        &self,
        clusters: impl IntoIterator<Item = &'s ClusterSummary>,
        stacks: &[AccountStack],
    ) -> Faults {
        let claims: Vec<_> = clusters.into_iter().map(|cluster| &cluster.aws).collect();
        let mut clashes = aws::find_clashes(claims.iter().copied(), stacks);
        if let Ok(accounts) = &self.accounts {
            let shares = claims.iter().filter_map(|claims| claims.share());
            clashes.extend(account::find_clashes(shares, accounts));
        }
        let loaded = &self.fleet.loaded;
        let faults = clashes.into_iter().map(|clash| {
            let fault = Fault::input(clash.message).hint(clash.hint);
            match loaded.clusters.get(&clash.cluster) {
                Some(layer) => fault.at(loaded.sources.place(name_span(layer))),
                None => fault,
            }
        });
        faults.collect()
    }
}

/// Finds destinations of layers that several clusters share and that none of them
/// has a stream for. Where only some clusters are looked at, others may have one.
fn find_unused_destinations<'s>(
    clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    loaded: &LoadedFleet,
) -> Faults {
    let clusters: Vec<&ClusterSummary> = clusters.into_iter().collect();
    let mut faults = Faults::new();
    if clusters.len() < loaded.cluster_names.len() {
        return faults;
    }
    let environments = loaded.environments.iter();
    let layers = environments.map(|(name, layer)| (Some(name.as_str()), layer));
    for (environment, layer) in layers.chain(loaded.fleet.iter().map(|layer| (None, layer))) {
        let of_layer = clusters.iter().filter(|cluster| {
            environment.is_none_or(|name| cluster.of_fleet.cluster.environment == name)
        });
        let used: Vec<&BTreeSet<String>> = of_layer
            .filter_map(|cluster| cluster.destinations.as_ref())
            .collect();
        let named = layer.node.get("destinations").and_then(Node::entries);
        for entry in named.into_iter().flatten() {
            let is_used = used.iter().any(|names| names.contains(&entry.key));
            if is_used || used.is_empty() || entry.node.is_null() {
                continue;
            }
            let fault = Fault::input(format!(
                "`destinations.{}`: no stream of any cluster goes to this destination",
                entry.key
            ));
            faults.push(
                fault
                    .at(loaded.sources.place(entry.key_span))
                    .hint("set it to `true` in the `destinations` of a stream or of `stream_defaults`, in addition to those that it goes to now; or remove it"),
            );
        }
    }
    faults
}

/// Resolves the clusters of a fleet that were read, by name: those that have
/// no fault, and the faults of all. `neighbours` are clusters that weren't read.
pub fn resolve_fleet(
    fleet: &FleetLayers,
    schemas: &InputSchemas,
    neighbours: &[ClusterSummary],
) -> (Vec<ResolvedMember>, Faults) {
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
        faults = resolver.find_clashes_beside(&summaries, neighbours);
    }
    (members, faults)
}

/// Finds objects of AWS that two clusters would give the same name where it
/// must be unique: the second one's stack could not be made, or would take the
/// first one's.
fn find_name_clashes<'s>(
    clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    stacks: &[AccountStack],
    loaded: &LoadedFleet,
) -> Faults {
    let mut faults = Faults::new();
    let mut owners: BTreeMap<&AwsName, &str> = BTreeMap::new();
    let mut reported = BTreeSet::new();
    for summary in clusters {
        let cluster = summary.name();
        for name in &summary.aws_names {
            let Some(other) = owners.insert(name, cluster) else {
                continue;
            };
            // Clusters that share one name mostly share many.
            if !reported.insert((other, cluster)) {
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
    for stack in stacks {
        let clash = stack.names.iter().find_map(|name| {
            let cluster = owners.get(name)?;
            Some((name, *cluster))
        });
        let Some((name, cluster)) = clash else {
            continue;
        };
        let fault = Fault::input(format!(
            "the cluster `{cluster}` and the stack of account {} in {} would both have {} `{}`",
            stack.account.id,
            stack.region.name,
            name.kind.article(),
            name.name
        ))
        .hint("rename the cluster, or give its object another name");
        faults.push(match loaded.clusters.get(cluster) {
            Some(layer) => fault.at(loaded.sources.place(name_span(layer))),
            None => fault,
        });
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
                let set = fleet.highest(name, &path);
                let span = set.map_or_else(|| name_span(cluster), |node| node.span);
                fault.at(fleet.loaded.sources.place(span))
            }
            None => fault,
        });
    }
    faults
}

/// The stacks of accounts; what a fleet says of them matters only where a
/// cluster shares something.
pub fn account_stacks(
    shares: &[&AccountShare],
    accounts: Result<&FleetAccounts, &Fault>,
) -> Result<Vec<AccountStack>, Fault> {
    if shares.is_empty() {
        return Ok(Vec::new());
    }
    let accounts = accounts.map_err(Clone::clone)?;
    Ok(account::resolve(shares.iter().copied(), accounts))
}

fn resolve_one(
    merged: &MergedCluster,
    cluster: &LoadedCluster,
    loaded: &LoadedFleet,
) -> Result<ResolvedMember, Faults> {
    let MergedCluster { settings, node } = merged;
    let sources = &loaded.sources;
    let patches = cluster.patches.keys();
    let named = NamedCertificate::of(settings);
    let own_files = OwnFiles {
        patches: patches.map(|name| format!("{PATCHES}/{name}")).collect(),
        certificates: texts_of(&named, &loaded.certificates),
        layer: Some(cluster.layer.node.clone()),
    };
    let resolved = resolve_cluster(settings, &own_files).map_err(|problems| {
        let place = |problem| place(problem, node, cluster, loaded);
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
                faults.push(fault.at(sources.place(named.span(node))));
                None
            }
        }
    });
    let certificates = used.collect();
    faults.into_result(ResolvedMember {
        cluster: resolved,
        certificates,
        patches: place_patches(merged, cluster, sources),
    })
}

/// The patches of a cluster, each with where it is written.
fn place_patches(
    merged: &MergedCluster,
    cluster: &LoadedCluster,
    sources: &Sources,
) -> Vec<PlacedPatch> {
    let MergedCluster { settings, node } = merged;
    let own = cluster.layer.node.get("patches");
    let written = node.get("patches");
    let patches = settings.patches.iter().filter_map(|(name, patch)| {
        let entry = written?.entry(name.as_str())?;
        let merge = entry.node.entry("merge").unwrap_or(entry);
        Some(PlacedPatch {
            name: name.to_string(),
            patch: patch.clone(),
            place: sources.place(entry.key_span),
            merge_place: sources.place(merge.key_span),
            is_own: own.is_some_and(|own| own.get(name.as_str()).is_some()),
        })
    });
    patches.collect()
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

/// Places a problem at the setting it names, or at the nearest one above that
/// stands in a file; at the cluster's name where only the built-in defaults
/// speak of it, since nobody can change those. A block of settings is shown by its key.
fn place(problem: Problem, merged: &Node, cluster: &LoadedCluster, loaded: &LoadedFleet) -> Fault {
    let sources = &loaded.sources;
    let setting = ValuePath::new(problem.setting);
    let named = ValuePath::new(problem.named);
    if !named.parts().is_empty()
        && let Some(removal) = removal_of(loaded, cluster, &named)
    {
        return Fault::input(format!(
            "`{}` can't be removed: `{setting}` names `{named}`",
            removal.setting
        ))
        .at(sources.place(removal.span))
        .hint(format!("delete the `null`, or change `{setting}`"));
    }
    let mut span = merged.span;
    let mut node = merged;
    for key in setting.parts() {
        let Some(part) = node.part(key) else { break };
        span = match (&part.value, node.entry(key)) {
            (Value::Mapping(_) | Value::Sequence(_), Some(entry)) => entry.key_span,
            _ => part.span,
        };
        node = part;
    }
    let fault = Fault::input(format!("`{setting}`: {}", problem.message));
    let fault = if problem.hint.is_empty() {
        fault
    } else {
        fault.hint(problem.hint)
    };
    let built_in = sources.path(span.file) == DEFAULTS_NAME;
    fault.at(sources.place(if built_in { name_span(cluster) } else { span }))
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
