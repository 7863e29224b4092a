//! The walks over a cluster's sources whose records are treated, so that
//! nobody who asks something of all of them forgets one. Pure.

use serde::Serialize;

use super::{Condition, ContainerSource, ResolvedCluster, ResolvedSources};
use crate::settings::Day;

/// A choice of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordRule {
    /// The rule's name.
    pub name: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Why, on one line.
    pub reason: String,
    /// From this day on without effect.
    pub expires: Option<Day>,
}

/// A source of Kubernetes that reads containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubernetesSource {
    /// Everybody's own programs.
    Applications,
    /// The system namespaces, and the journal.
    Nodes,
    /// The control plane.
    ControlPlane,
}

impl KubernetesSource {
    /// All of them, in the order of their keys.
    pub(super) const ALL: [Self; 3] = [Self::Applications, Self::ControlPlane, Self::Nodes];

    /// The key of its settings.
    pub fn key(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Nodes => "nodes",
            Self::ControlPlane => "control_plane",
        }
    }

    /// How it is called among all sources, such as `kubernetes.nodes`.
    pub fn name(self) -> String {
        format!("kubernetes.{}", self.key())
    }
}

/// What a source does with records, of Kubernetes or of machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRecords<'c> {
    layer: &'static str,
    source: &'c str,
    /// Records that are thrown away, by name.
    pub drop: &'c [RecordRule],
}

impl<'c> SourceRecords<'c> {
    /// The source, such as `kubernetes.nodes`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.layer, self.source)
    }

    /// The setting that says it, as a path of keys.
    pub fn setting(&self) -> [&'c str; 4] {
        ["sources", self.layer, self.source, "records"]
    }
}

impl ResolvedSources {
    /// The sources that read containers and are on, by name.
    pub fn containers(&self) -> impl Iterator<Item = (KubernetesSource, &ContainerSource)> {
        let control_plane = self.control_plane.as_ref();
        let nodes = self.nodes.as_ref();
        [
            (KubernetesSource::Applications, self.applications.as_ref()),
            (
                KubernetesSource::ControlPlane,
                control_plane.map(|source| &source.containers),
            ),
            (
                KubernetesSource::Nodes,
                nodes.map(|source| &source.containers),
            ),
        ]
        .into_iter()
        .filter_map(|(name, source)| Some((name, source?)))
    }
}

impl ResolvedCluster {
    /// Every source whose records are treated: those of Kubernetes, then the
    /// machines; sorted by name.
    pub fn records(&self) -> impl Iterator<Item = SourceRecords<'_>> {
        let containers = self.sources.containers();
        let containers = containers.map(|(source, containers)| SourceRecords {
            layer: "kubernetes",
            source: source.key(),
            drop: &containers.records.drop,
        });
        let machines = self.machines.roles().map(|role| SourceRecords {
            layer: "machines",
            source: &role.name,
            drop: &role.rules.drop,
        });
        containers.chain(machines)
    }
}
