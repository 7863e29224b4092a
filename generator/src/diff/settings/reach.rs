//! Which clusters have another value by what one layer says. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diff::preview::InputScope;
use crate::layers::fleet::{FleetLayers, layers_of};
use crate::layers::inherit;
use crate::layers::merge::{LayerName, ValuePath};
use crate::load::files::LoadedCluster;
use crate::load::node::Node;

/// A layer that both sides have.
#[derive(Debug)]
pub(super) enum ChangedLayer<'a> {
    Fleet,
    Environment(&'a str),
    Cluster(&'a str),
}

impl ChangedLayer<'_> {
    pub(super) fn scope(&self) -> InputScope {
        match self {
            Self::Fleet => InputScope::Fleet,
            Self::Environment(_) => InputScope::Environment,
            Self::Cluster(_) => InputScope::Cluster,
        }
    }

    fn is(&self, name: &LayerName) -> bool {
        match (self, name) {
            (Self::Fleet, LayerName::Fleet) => true,
            (Self::Environment(one), LayerName::Environment(other))
            | (Self::Cluster(one), LayerName::Cluster(other)) => one == other,
            _ => false,
        }
    }

    /// The same layer of a side; nothing where it is empty.
    fn of<'n>(&self, fleet: &'n FleetLayers) -> Option<&'n Node> {
        let layer = match self {
            Self::Fleet => fleet.loaded.fleet.as_ref(),
            Self::Environment(name) => fleet.loaded.environments.get(*name),
            Self::Cluster(name) => fleet.loaded.clusters.get(*name).map(|one| &one.layer),
        };
        layer
            .map(|layer| &layer.node)
            .filter(|node| !node.is_null())
    }
}

type Layers<'a> = Vec<(LayerName, &'a Node)>;

/// A cluster's layers on both sides; none at the base for a new one.
struct Cluster<'a> {
    name: Arc<str>,
    base: Option<Layers<'a>>,
    head: Layers<'a>,
}

impl Cluster<'_> {
    /// What its values come from besides its own file.
    fn shared(&self) -> (Option<Option<&LayerName>>, Option<&LayerName>) {
        fn environment<'l>(layers: &'l Layers<'_>) -> Option<&'l LayerName> {
            let names = layers.iter().map(|(name, _)| name);
            let mut names = names.filter(|name| matches!(name, LayerName::Environment(_)));
            names.next()
        }
        (self.base.as_ref().map(environment), environment(&self.head))
    }
}

/// All that says which clusters a setting reaches.
pub(super) struct Reaching<'a> {
    base: &'a FleetLayers,
    head: &'a FleetLayers,
    clusters: Vec<Cluster<'a>>,
}

impl<'a> Reaching<'a> {
    /// Clusters that a side couldn't read are left out.
    pub(super) fn new(base: &'a FleetLayers, head: &'a FleetLayers) -> Self {
        let clusters = head.loaded.clusters.iter().filter_map(|(name, cluster)| {
            let before = base.loaded.clusters.get(name);
            if before.is_none() && base.loaded.cluster_names.contains(name) {
                return None;
            }
            let layers = |cluster: &'a LoadedCluster, fleet| layers_of(name, cluster, fleet);
            Some(Cluster {
                name: name.as_str().into(),
                base: before.map(|cluster| layers(cluster, base)),
                head: layers(cluster, head),
            })
        });
        Self {
            base,
            head,
            clusters: clusters.collect(),
        }
    }

    /// The clusters whose value of a setting differs by what that layer says
    /// of it: with the layer of the other side, on either side, they would
    /// have another value.
    pub(super) fn clusters(&self, layer: &ChangedLayer<'_>, setting: &ValuePath) -> Vec<Arc<str>> {
        // Clusters that say nothing of it themselves have what others of their environment have.
        let mut known = BTreeMap::new();
        let mut reached = Vec::new();
        for cluster in &self.clusters {
            let is_of_layer = match layer {
                ChangedLayer::Cluster(name) => **name == *cluster.name,
                _ => true,
            };
            if !is_of_layer {
                continue;
            }
            let is_reached = if self.says_something(cluster, setting) {
                self.reaches(layer, cluster, setting)
            } else {
                let of_shared = known.entry(cluster.shared());
                *of_shared.or_insert_with(|| self.reaches(layer, cluster, setting))
            };
            if is_reached {
                reached.push(cluster.name.clone());
            }
        }
        reached
    }

    fn reaches(
        &self,
        layer: &ChangedLayer<'_>,
        cluster: &Cluster<'_>,
        setting: &ValuePath,
    ) -> bool {
        let base = cluster.base.iter();
        let base = base.map(|layers| (layers, layer.of(self.head)));
        let sides = base.chain([(&cluster.head, layer.of(self.base))]);
        let mut sides = sides.filter(|(layers, _)| layers.iter().any(|(name, _)| layer.is(name)));
        sides.any(|(layers, other)| {
            let own: Vec<&Node> = layers.iter().map(|(_, node)| *node).collect();
            let exchanged =
                layers.iter().filter_map(
                    |(name, node)| {
                        if layer.is(name) { other } else { Some(*node) }
                    },
                );
            let exchanged: Vec<&Node> = exchanged.collect();
            let values = inherit::settings_of(&own, setting).into_iter();
            let mut values = values.chain(inherit::settings_of(&exchanged, setting));
            values.any(|place| {
                inherit::value_of(&own, &place) != inherit::value_of(&exchanged, &place)
            })
        })
    }

    /// Whether a cluster's own file says anything of a setting.
    fn says_something(&self, cluster: &Cluster<'_>, setting: &ValuePath) -> bool {
        let sides = cluster.base.iter().chain([&cluster.head]);
        let mut own = sides.filter_map(|layers| layers.split_last());
        own.any(|((_, own), shared)| {
            let shared: Vec<&Node> = shared.iter().map(|(_, node)| *node).collect();
            inherit::says_something(own, &shared, setting)
        })
    }
}
