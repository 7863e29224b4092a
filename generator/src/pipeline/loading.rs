//! From a root to layers, and to a whole fleet that is resolved at once. Reads.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::acknowledgements;
use super::timings::{Timings, timed};
use crate::fault::{Fault, Faults};
use crate::layers::fleet::{FleetLayers, InputSchemas};
use crate::layers::merge::ValuePath;
use crate::load::files::{self, LoadedFleet, Selection};
use crate::load::node::Node;
use crate::load::root::Root;
use crate::load::source_file::SourceFile;
use crate::load::yaml;
use crate::render::{TemplateText, Templates};
use crate::resolve::{
    AccountStack, ClusterSummary, FleetAccounts, FleetReconciler, FleetResolver, ResolvedMember,
    account_stacks, resolve_fleet,
};
use crate::settings::{DEFAULTS, DEFAULTS_NAME};

/// A fleet that was read and resolved.
#[derive(Debug)]
pub struct Fleet {
    /// Its layers.
    pub layers: FleetLayers,
    /// Its clusters, by name: those selected.
    pub members: Vec<ResolvedMember>,
    /// What it says of accounts.
    pub accounts: Result<FleetAccounts, Fault>,
    /// What it says of its reconciler.
    pub reconciler: Option<FleetReconciler>,
}

impl Fleet {
    /// The stacks of the accounts that these clusters share something of.
    pub(super) fn account_stacks<'m>(
        &self,
        members: impl IntoIterator<Item = &'m ResolvedMember>,
    ) -> Result<Vec<AccountStack>, Fault> {
        let shares = members.into_iter();
        let shares: Vec<_> = shares
            .filter_map(|member| member.cluster.aws.share.as_ref())
            .collect();
        account_stacks(&shares, self.accounts.as_ref())
    }
}

/// Reads a fleet without resolving it. What could not be read is reported in the
/// faults.
pub fn load_layers(root: &Path, selected: Option<&BTreeSet<String>>) -> (FleetLayers, Faults) {
    match Root::folder(root) {
        Ok(root) => read_layers(&root, selected),
        Err(fault) => above_defaults(LoadedFleet::default(), fault.into()),
    }
}

pub(super) fn read_layers(
    root: &Root,
    selected: Option<&BTreeSet<String>>,
) -> (FleetLayers, Faults) {
    let selection = selected.map_or(Selection::All, Selection::Only);
    let (loaded, faults) = files::load(root, selection);
    above_defaults(loaded, faults)
}

/// What was read, with the built-in defaults below it.
fn above_defaults(mut loaded: LoadedFleet, mut faults: Faults) -> (FleetLayers, Faults) {
    let source = SourceFile::new(DEFAULTS_NAME, DEFAULTS);
    let file = loaded
        .sources
        .push(SourceFile::new(DEFAULTS_NAME, DEFAULTS));
    let defaults = yaml::parse(file, &source).unwrap_or_else(|more| {
        faults.append(more);
        Node::from_json(
            &serde_json::Value::Null,
            crate::load::source_file::Span {
                file,
                start: 0,
                end: 0,
            },
        )
    });
    (FleetLayers { defaults, loaded }, faults)
}

/// Reads and resolves a fleet, or the clusters of it that are named.
pub fn load_fleet(
    root: &Path,
    selected: Option<&BTreeSet<String>>,
    timings: &Timings,
) -> Result<Fleet, Faults> {
    load_fleet_from(&Root::folder(root)?, selected, timings)
}

pub(super) fn load_fleet_from(
    root: &Root,
    selected: Option<&BTreeSet<String>>,
    timings: &Timings,
) -> Result<Fleet, Faults> {
    let (layers, schemas) = read_inputs(root, selected, timings)?;
    let (fleet, faults) = resolve(layers, &schemas, &[], timings);
    faults.into_result(fleet)
}

/// The same, seen beside the clusters that they share accounts with.
pub(super) fn load_beside_neighbours(
    root: &Root,
    selected: Option<&BTreeSet<String>>,
    timings: &Timings,
) -> Result<Fleet, Faults> {
    let ((layers, faults), schemas) = read_inputs(root, selected, timings)?;
    let neighbours =
        selected.map(|selected| neighbours(root, selected, &layers, &schemas, timings));
    let neighbours = neighbours.unwrap_or_default();
    let (fleet, faults) = resolve((layers, faults), &schemas, &neighbours, timings);
    faults.into_result(fleet)
}

/// The other clusters of the accounts that these are in, as far as they are
/// right: AWS counts some things by account. What is wrong with them is theirs.
/// `layers` are those of the selected clusters.
pub(super) fn neighbours(
    root: &Root,
    selected: &BTreeSet<String>,
    layers: &FleetLayers,
    schemas: &InputSchemas,
    timings: &Timings,
) -> Vec<ClusterSummary> {
    let accounts: BTreeSet<&str> = selected
        .iter()
        .filter_map(|name| account(layers, name))
        .collect();
    let names = timed(&timings.load, || {
        may_be_neighbours(root, selected, &layers.loaded, &accounts)
    });
    if names.is_empty() {
        return Vec::new();
    }
    let (layers, _) = timed(&timings.load, || read_layers(root, Some(&names)));
    let resolver = FleetResolver::new(&layers, schemas);
    let is_neighbour =
        |name: &&String| account(&layers, name).is_some_and(|own| accounts.contains(own));
    let others: Vec<&String> = layers.loaded.clusters.keys().filter(is_neighbour).collect();
    timed(&timings.resolve, || {
        let others = others.into_par_iter();
        others
            .filter_map(|name| {
                let member = resolver.resolve(name).ok()?;
                Some(ClusterSummary::of(&member.cluster))
            })
            .collect()
    })
}

/// The account that a cluster says it is in.
fn account<'l>(layers: &'l FleetLayers, name: &str) -> Option<&'l str> {
    let setting = layers.highest(name, &ValuePath::new(["account"]));
    setting.and_then(Node::as_str)
}

/// The names of all other clusters that could be in one of these accounts. Of a large
/// fleet that is few, and reading the values of the others would be most of the work.
fn may_be_neighbours(
    root: &Root,
    selected: &BTreeSet<String>,
    loaded: &LoadedFleet,
    accounts: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let others = loaded
        .cluster_names
        .iter()
        .filter(|name| !selected.contains(*name));
    let shared = loaded.fleet.iter().chain(loaded.environments.values());
    let is_shared = shared
        .filter_map(|layer| layer.node.get("account")?.as_str())
        .any(|account| accounts.contains(account));
    if accounts.is_empty() {
        BTreeSet::new()
    } else if is_shared {
        others.cloned().collect()
    } else {
        files::that_may_say(root, others, accounts)
    }
}

/// Reads a fleet, and tells what is wrong even in files that only `gen diff`
/// reads: it would acknowledge nothing there.
pub(super) fn read_inputs(
    root: &Root,
    selected: Option<&BTreeSet<String>>,
    timings: &Timings,
) -> Result<((FleetLayers, Faults), InputSchemas), Faults> {
    let (layers, schemas) = timed(&timings.load, || {
        rayon::join(|| read_layers(root, selected), compile_schemas)
    });
    let (layers, mut faults) = layers;
    faults.append(acknowledgements::read(root, &layers.loaded).1);
    Ok(((layers, faults), schemas?))
}

pub(super) fn compile_schemas() -> Result<InputSchemas, Faults> {
    InputSchemas::new().map_err(|error| Fault::input(format!("the input's schema: {error}")).into())
}

/// The clusters that could be resolved, and all that is wrong.
pub(super) fn resolve(
    (layers, mut faults): (FleetLayers, Faults),
    schemas: &InputSchemas,
    neighbours: &[ClusterSummary],
    timings: &Timings,
) -> (Fleet, Faults) {
    let (members, more) = timed(&timings.resolve, || {
        resolve_fleet(&layers, schemas, neighbours)
    });
    faults.append(more);
    let accounts = FleetAccounts::of(&layers);
    let reconciler = FleetReconciler::of(&layers);
    let fleet = Fleet {
        layers,
        members,
        accounts,
        reconciler,
    };
    (fleet, faults)
}

/// Compiles the templates with the fleet's own over them.
pub fn own_templates(loaded: &LoadedFleet) -> Result<Templates, Faults> {
    let own: Vec<TemplateText> = loaded
        .template_overrides
        .iter()
        .map(|(name, text)| TemplateText {
            name: name.clone(),
            text: text.clone(),
        })
        .collect();
    Templates::compile(&own)
}
