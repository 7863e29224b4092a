//! Drop rules that have expired. Pure: the day is the caller's.
//!
//! What is rendered stops dropping by itself on the day
//! (`templates/kubernetes/_records.conf`), so that nothing depends on when
//! somebody renders. This finds the rules that are left over.

use crate::fault::{Fault, Faults};
use crate::layers::fleet::layers_of;
use crate::layers::merge::ValuePath;
use crate::pipeline::Fleet;
use crate::resolve::day::is_day;
use crate::resolve::{ResolvedRecords, ResolvedSources};

/// Reads a day such as `2027-03-31` from the command line.
pub fn parse_day(text: &str) -> Result<String, String> {
    if is_day(text) {
        Ok(text.to_owned())
    } else {
        Err("a day is written like 2027-03-31".to_owned())
    }
}

/// Finds the drop rules without effect from `today` on or before.
pub fn find_expired(fleet: &Fleet, today: &str) -> Faults {
    let mut faults = Faults::new();
    for member in &fleet.members {
        let cluster = &member.cluster;
        for (source, records) in records_of(&cluster.sources) {
            for rule in &records.drop {
                // Days of this form sort as texts.
                let Some(expires) = rule.expires.as_ref().filter(|day| day.as_str() <= today)
                else {
                    continue;
                };
                let setting = [
                    "sources",
                    "kubernetes",
                    source,
                    "records",
                    "drop",
                    &rule.name,
                    "expires",
                ];
                let path = ValuePath::new(setting);
                let fault = Fault::input(format!(
                    "`{path}` of the cluster `{}` expired on {expires}: nothing is dropped by it any more",
                    cluster.cluster.name
                ))
                .hint("remove the rule, or give it a later day");
                faults.push(match span_of(fleet, &cluster.cluster.name, &path) {
                    Some(place) => fault.at(place),
                    None => fault,
                });
            }
        }
    }
    faults
}

fn records_of(sources: &ResolvedSources) -> impl Iterator<Item = (&'static str, &ResolvedRecords)> {
    [
        (
            "applications",
            sources.applications.as_ref().map(|source| &source.records),
        ),
        (
            "nodes",
            sources
                .nodes
                .as_ref()
                .map(|source| &source.containers.records),
        ),
        (
            "control_plane",
            sources
                .control_plane
                .as_ref()
                .map(|source| &source.containers.records),
        ),
    ]
    .into_iter()
    .filter_map(|(name, records)| Some((name, records?)))
}

fn span_of(fleet: &Fleet, cluster: &str, path: &ValuePath) -> Option<crate::fault::Place> {
    let loaded = &fleet.layers.loaded;
    let layers = layers_of(cluster, loaded.clusters.get(cluster)?, &fleet.layers);
    let node = layers
        .iter()
        .rev()
        .find_map(|(_, layer)| path.find(layer))?;
    Some(loaded.sources.place(node.span))
}
