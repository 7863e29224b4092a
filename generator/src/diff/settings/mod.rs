//! Which settings a change alters: what each layer says on both sides, and
//! which clusters have another value by it. Pure.
//!
//! ```text
//! layer   one layer on both sides → the settings that differ
//! reach   … the clusters whose value differs by one of them
//! effect  … and those of them whose files differ
//! ```
//!
//! Files of clusters and environments that are new or removed as a whole are
//! not compared: new clusters have a section of their own, and the inputs list
//! the files.

mod effect;
mod layer;
mod reach;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::preview::{InputScope, SettingPlace};
use super::redact;
use crate::layers::fleet::FleetLayers;
use crate::layers::merge::ValuePath;
use crate::load::node::Node;
use crate::load::source_file::Sources;
use layer::{Difference, Shown, differences};
use reach::{ChangedLayer, Reaching};

pub(super) use effect::with_effects;

/// A setting that a layer sets otherwise than at the base, or that several
/// layers of one kind set otherwise in the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct AlteredSetting {
    path: ValuePath,
    scope: InputScope,
    before: Option<Json>,
    after: Option<Json>,
    places: Vec<SettingPlace>,
    /// Clusters that have another value by it, whether or not that is rendered.
    clusters: Vec<Arc<str>>,
}

/// Finds them: those of `fleet.yaml` first, then those of environments and of
/// clusters, each in the order of the file.
pub fn altered_settings(base: &FleetLayers, head: &FleetLayers) -> Vec<AlteredSetting> {
    let mut altered = Altered {
        reaching: Reaching::new(base, head),
        sources: (&base.loaded.sources, &head.loaded.sources),
        settings: Vec::new(),
        numbers: BTreeMap::new(),
    };
    let (old, new) = (&base.loaded, &head.loaded);
    if let (Some(old), Some(new)) = (&old.fleet, &new.fleet) {
        altered.compare(&ChangedLayer::Fleet, &old.node, &new.node);
    }
    for (name, new) in &new.environments {
        if let Some(old) = old.environments.get(name) {
            altered.compare(&ChangedLayer::Environment(name), &old.node, &new.node);
        }
    }
    for (name, new) in &new.clusters {
        if let Some(old) = old.clusters.get(name) {
            let layer = ChangedLayer::Cluster(name);
            altered.compare(&layer, &old.layer.node, &new.layer.node);
        }
    }
    altered.settings
}

/// What is found so far.
struct Altered<'a> {
    reaching: Reaching<'a>,
    sources: (&'a Sources, &'a Sources),
    settings: Vec<AlteredSetting>,
    /// The number of each by what it says.
    numbers: BTreeMap<(InputScope, ValuePath, String), usize>,
}

impl Altered<'_> {
    fn compare(&mut self, layer: &ChangedLayer<'_>, old: &Node, new: &Node) {
        let found = differences(old, new);
        if found.is_empty() {
            return;
        }
        let shown = (Shown::of(old), Shown::of(new));
        for difference in found {
            self.add(layer, &difference, (&shown.0, &shown.1));
        }
    }

    fn add(&mut self, layer: &ChangedLayer<'_>, found: &Difference, shown: (&Shown, &Shown)) {
        let before = found.old.and_then(|_| shown.0.at(&found.path));
        let after = found.new.and_then(|_| shown.1.at(&found.path));
        let place = match (found.new, found.old) {
            (Some(span), _) => self.sources.1.place(span),
            (None, Some(span)) => self.sources.0.place(span),
            (None, None) => return,
        };
        let place = SettingPlace {
            file: redact::text(&place.file),
            line: place.line,
            column: place.column,
        };
        let clusters = self.reaching.clusters(layer, &found.path);
        let scope = layer.scope();
        let says = serde_json::json!([before, before.is_some(), after, after.is_some()]);
        let key = (scope, found.path.clone(), says.to_string());
        if let Some(number) = self.numbers.get(&key) {
            let same = &mut self.settings[*number];
            same.places.push(place);
            same.clusters.extend(clusters);
            return;
        }
        self.numbers.insert(key, self.settings.len());
        self.settings.push(AlteredSetting {
            path: found.path.clone(),
            scope,
            before,
            after,
            places: vec![place],
            clusters,
        });
    }
}
