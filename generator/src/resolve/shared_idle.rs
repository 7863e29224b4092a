//! Settings of layers that several clusters share, and that have no effect on
//! any of these clusters. Pure.
//!
//! What has none on some clusters has its effect on others, which is right. What
//! each cluster's own file says is reported when it is resolved (`idle.rs`).

use super::ClusterSummary;
use super::idle::IdleSetting;
use crate::fault::{Fault, Faults};
use crate::layers::merge::ValuePath;
use crate::load::files::{Layer, LoadedFleet};
use crate::load::node::{Entry, Node};
use crate::load::source_file::Sources;

/// Settings that have an effect beside the clusters, on accounts, whose defaults they
/// are; and destinations, for which it is reported separately that no stream goes there.
const LEFT_OUT: [&[&str]; 3] = [
    &["destinations"],
    &["sources", "aws", "forwarder", "code"],
    &["sources", "aws", "cloudtrail"],
];

/// Finds them. Where only some clusters are looked at, others may need them.
pub(super) fn find<'s>(
    clusters: impl IntoIterator<Item = &'s ClusterSummary>,
    loaded: &LoadedFleet,
) -> Faults {
    let clusters: Vec<&ClusterSummary> = clusters.into_iter().collect();
    let mut faults = Faults::new();
    if clusters.len() < loaded.cluster_names.len() {
        return faults;
    }
    for (environment, layer) in &loaded.environments {
        let mut own = clusters.clone();
        own.retain(|cluster| cluster.of_fleet.cluster.environment == *environment);
        faults.append(of_layer(layer, &own, &loaded.sources));
    }
    if let Some(layer) = &loaded.fleet {
        faults.append(of_layer(layer, &clusters, &loaded.sources));
    }
    faults
}

fn of_layer(layer: &Layer, clusters: &[&ClusterSummary], sources: &Sources) -> Faults {
    // An environment without clusters waits for some.
    let Some((first, others)) = clusters.split_first() else {
        return Faults::new();
    };
    let mut found = Found {
        first: &first.idle,
        others,
        entries: Vec::new(),
    };
    found.visit(&layer.node, &mut Vec::new());
    let faults = found.entries.into_iter().map(|(path, entry, idle)| {
        let path = ValuePath::new(path);
        Fault::input(format!(
            "`{path}` has no effect on any cluster: {}",
            idle.why
        ))
        .at(sources.place(entry.key_span))
        .hint(idle.hint.as_str())
    });
    faults.collect()
}

/// What a layer says without effect.
struct Found<'a> {
    /// What has none on the first cluster.
    first: &'a [IdleSetting],
    others: &'a [&'a ClusterSummary],
    entries: Vec<(Vec<String>, &'a Entry, &'a IdleSetting)>,
}

impl<'a> Found<'a> {
    /// Tells of the highest keys below which nothing has an effect.
    fn visit(&mut self, node: &'a Node, path: &mut Vec<String>) {
        for entry in node.entries().into_iter().flatten() {
            path.push(entry.key.clone());
            let is_left_out = LEFT_OUT.iter().any(|own| path == own);
            match idle_at(self.first, path) {
                Some(idle) if says(&entry.node) && self.is_idle_everywhere(path) => {
                    if !is_left_out {
                        self.entries.push((path.clone(), entry, idle));
                    }
                }
                _ if is_left_out => {}
                _ => self.visit(&entry.node, path),
            }
            path.pop();
        }
    }

    fn is_idle_everywhere(&self, path: &[String]) -> bool {
        let mut others = self.others.iter();
        others.all(|cluster| idle_at(&cluster.idle, path).is_some())
    }
}

/// Why a setting has no effect on a cluster, nor anything below it.
fn idle_at<'a>(idle: &'a [IdleSetting], path: &[String]) -> Option<&'a IdleSetting> {
    idle.iter().find(|own| {
        let Some(below) = path.strip_prefix(own.setting.as_slice()) else {
            return false;
        };
        match below.first() {
            Some(key) => !own.except.contains(&key.as_str()),
            None => own.except.is_empty(),
        }
    })
}

/// Whether a value says something: what only removes doesn't.
fn says(node: &Node) -> bool {
    match node.entries() {
        Some(entries) => entries.iter().any(|entry| says(&entry.node)),
        None => !node.is_null(),
    }
}
