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
type Decided<'a> = (Option<&'a LayerName>, String);

/// A cluster's layers on both sides; none at the base for a new one.
struct Cluster<'a> {
    name: Arc<str>,
    base: Option<Layers<'a>>,
    head: Layers<'a>,
}

impl Cluster<'_> {
    /// What decides its value of a setting: its environments, and what its own
    /// file says, on both sides.
    fn decided_by(&self, setting: &ValuePath) -> (Option<Decided<'_>>, Decided<'_>) {
        fn of_side<'l>(layers: &'l Layers<'_>, setting: &ValuePath) -> Decided<'l> {
            let mut names = layers.iter().map(|(name, _)| name);
            let environment = names.find(|name| matches!(name, LayerName::Environment(_)));
            let own = layers.last();
            let said = own.map(|(_, own)| inherit::statement(own, setting));
            (environment, said.unwrap_or_default())
        }
        let base = self.base.as_ref();
        let base = base.map(|layers| of_side(layers, setting));
        (base, of_side(&self.head, setting))
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
        // Where the same decides it, it is the same: most clusters say nothing of it.
        let mut known = BTreeMap::new();
        let mut reached = Vec::new();
        for cluster in self.clusters_of(layer) {
            let decided = known.entry(cluster.decided_by(setting));
            if *decided.or_insert_with(|| self.reaches(layer, cluster, setting)) {
                reached.push(cluster.name.clone());
            }
        }
        reached
    }

    /// The clusters that a layer is of, without a look at their environments.
    fn clusters_of(&self, layer: &ChangedLayer<'_>) -> &[Cluster<'a>] {
        let ChangedLayer::Cluster(name) = layer else {
            return &self.clusters;
        };
        let found = self.clusters.binary_search_by(|one| (*one.name).cmp(name));
        found.map_or(&[], |at| &self.clusters[at..=at])
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
}
