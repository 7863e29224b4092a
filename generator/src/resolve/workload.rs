//! The workloads on Kubernetes: which run where, with which image, and what
//! they tolerate. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problems;
use super::{
    DaemonSet, KubernetesSource, ResolvedNodeGroup, ResolvedSources, ResolvedStream, image,
};
use crate::settings::{
    Authentication, Destination, Distribution, FluentdSettings, Image, Name, NodeGroup, NodeRole,
    NodeType, Settings, Tolerate, Toleration,
};

/// The name of the Deployment that prints events, and of its container.
/// Templates take it from [`super::EventSource`].
pub(super) const EVENT_EXPORTER: &str = "event-exporter";

/// Builds the `DaemonSet`s of the sources that are on.
pub(super) fn resolve_daemon_sets(
    settings: &Settings,
    sources: &ResolvedSources,
    streams: &[ResolvedStream],
    problems: &mut Problems,
) -> Vec<DaemonSet> {
    check_roles(settings, sources, problems);
    check_types(settings, problems);
    let kubernetes = &settings.sources.kubernetes;
    sources
        .containers()
        .map(|(source, containers)| {
            let mut fed = containers.records.streams.clone();
            let fluentd = match source {
                KubernetesSource::Applications => &kubernetes.applications.fluentd,
                KubernetesSource::Nodes => {
                    fed.extend(sources.events.iter().map(|events| events.stream.clone()));
                    &kubernetes.nodes.fluentd
                }
                KubernetesSource::ControlPlane => {
                    let audit_log = sources.control_plane.as_ref();
                    let audit_log = audit_log.and_then(|source| source.audit_log.as_ref());
                    fed.extend(audit_log.map(|log| log.stream.clone()));
                    &kubernetes.control_plane.fluentd
                }
            };
            let control_plane_only = source == KubernetesSource::ControlPlane;
            let needed = image::Needed::new(source, sources, settings);
            let source = source.key();
            fed.sort();
            fed.dedup();
            let used: Vec<(&Name, &Destination)> = settings
                .destinations
                .iter()
                .filter(|(name, _)| is_shipped_to(name.as_str(), &fed, streams))
                .collect();
            image::check(source, &fluentd.image, &needed, &used, problems);
            if !control_plane_only && groups(settings, false).next().is_none() {
                problems.push(
                    &["sources", "kubernetes", source, "enabled"],
                    "no node group runs DaemonSets, so nothing would read this source",
                    "set it to `false`, or add a node group whose `type` is `linux`",
                );
            }
            check_coverage(source, fluentd, settings, control_plane_only, problems);
            DaemonSet {
                source: source.to_owned(),
                folder: source.replace('_', "-"),
                name: daemon_set_name(source),
                image: image::named(&fluentd.image, image::stock_tag(&used)),
                fluentd: fluentd.clone(),
                tolerations: tolerations(fluentd, settings, control_plane_only),
                control_plane_only,
                destinations: used
                    .iter()
                    .filter(|(_, destination)| destination.server().is_some())
                    .map(|(name, _)| name.to_string())
                    .collect(),
                needs_role: used.iter().any(|(_, destination)| in_aws(destination)),
                streams: fed,
            }
        })
        .collect()
}

/// The names of the `DaemonSet`s, whether they are rendered or not: the same
/// exclusions everywhere, so that clusters differ only where they have to.
pub(super) fn daemon_set_names() -> impl Iterator<Item = String> {
    KubernetesSource::ALL
        .into_iter()
        .map(|source| daemon_set_name(source.key()))
}

/// The name of the `DaemonSet` that reads a source.
fn daemon_set_name(source: &str) -> String {
    format!("fluentd-{}", source.replace('_', "-"))
}

fn is_shipped_to(destination: &str, fed: &[String], streams: &[ResolvedStream]) -> bool {
    streams.iter().any(|stream| {
        fed.contains(&stream.name) && stream.shipped_to.iter().any(|name| name == destination)
    })
}

/// Whether a destination asks for the pods' role.
fn in_aws(destination: &Destination) -> bool {
    match destination {
        Destination::Elasticsearch(server) | Destination::Opensearch(server) => {
            matches!(server.authentication, Authentication::AwsSigv4 { .. })
        }
        Destination::Cloudwatch(_) | Destination::S3(_) => true,
    }
}

fn check_roles(settings: &Settings, sources: &ResolvedSources, problems: &mut Problems) {
    let mut control_plane = settings
        .node_groups
        .iter()
        .filter(|(_, group)| group.role == NodeRole::ControlPlane);
    match settings.distribution {
        Distribution::Eks => {
            for (name, _) in control_plane {
                problems.push(
                    &["node_groups", name.as_str(), "role"],
                    "on EKS, AWS runs the control-plane machines",
                    "set `role: node`, or `distribution: kops`",
                );
            }
        }
        Distribution::Kops => {
            if sources.control_plane.is_some() && control_plane.next().is_none() {
                problems.push(
                    &["node_groups"],
                    "no node group has the role `control_plane`, so its logs would be lost",
                    "add the group of the masters, or set `sources.kubernetes.control_plane.enabled: false`",
                );
            }
        }
    }
}

/// What can't be: groups that their distribution or their role doesn't have.
fn check_types(settings: &Settings, problems: &mut Problems) {
    for (name, group) in &settings.node_groups {
        let kops = settings.distribution == Distribution::Kops;
        let setting = ["node_groups", name.as_str(), "type"];
        if kops && matches!(group.r#type, NodeType::EksAutoMode | NodeType::Fargate) {
            problems.push(
                &setting,
                "only EKS has such machines",
                "set `type: linux`, or `distribution: eks`",
            );
        } else if group.role == NodeRole::ControlPlane && group.r#type != NodeType::Linux {
            problems.push(
                &setting,
                "the control plane runs on a Linux that can install packages, as kops sets it up",
                "remove this, or set `role: node`",
            );
        }
    }
}

/// The groups of the cluster.
pub(super) fn node_groups(settings: &Settings) -> Vec<ResolvedNodeGroup> {
    let groups = settings.node_groups.iter();
    groups
        .map(|(name, group)| ResolvedNodeGroup {
            name: name.to_string(),
            role: group.role,
            r#type: group.r#type,
        })
        .collect()
}

/// The groups that a `DaemonSet` runs on.
fn groups(
    settings: &Settings,
    control_plane_only: bool,
) -> impl Iterator<Item = (&str, &NodeGroup)> {
    settings
        .node_groups
        .iter()
        .filter(|(_, group)| group.r#type.runs_daemon_sets())
        .filter(move |(_, group)| !control_plane_only || group.role == NodeRole::ControlPlane)
        .map(|(name, group)| (name.as_str(), group))
}

fn tolerations(
    fluentd: &FluentdSettings,
    settings: &Settings,
    control_plane_only: bool,
) -> Vec<Toleration> {
    let mut found: BTreeSet<Toleration> = fluentd.tolerations.values().cloned().collect();
    match fluentd.tolerate {
        Tolerate::Listed => {}
        Tolerate::Everything => return vec![everything()],
        Tolerate::NodeGroups => {
            found.extend(groups(settings, control_plane_only).flat_map(|(_, group)| taints(group)));
        }
    }
    found.into_iter().collect()
}

/// What a pod that may run on any worker tolerates.
pub(super) fn tolerations_of_nodes(settings: &Settings) -> Vec<Toleration> {
    let found: BTreeSet<Toleration> = settings
        .node_groups
        .values()
        .filter(|group| group.role == NodeRole::Node && group.r#type.runs_daemon_sets())
        .flat_map(taints)
        .collect();
    found.into_iter().collect()
}

/// What may run on any worker must exist for the processors of each.
pub(super) fn check_architectures(
    program: &str,
    setting: &str,
    image: &Image,
    settings: &Settings,
    problems: &mut Problems,
) {
    let workers = groups(settings, false).filter(|(_, group)| group.role == NodeRole::Node);
    for (name, group) in workers {
        if !image.architectures.contains(&group.architecture) {
            problems.push(
                &["node_groups", name, "architecture"],
                format!("the image of {program} doesn't exist for the processors of `{name}`"),
                format!("choose an image that does, and say so in `{setting}.architectures`"),
            );
        }
    }
}

fn everything() -> Toleration {
    Toleration {
        key: None,
        value: None,
        effect: None,
        toleration_seconds: None,
    }
}

fn taints(group: &NodeGroup) -> impl Iterator<Item = Toleration> {
    group.taints.iter().flat_map(|(key, taint)| {
        taint.effects.iter().map(move |effect| Toleration {
            key: Some(key.clone()),
            value: taint.value.clone(),
            effect: Some(*effect),
            toleration_seconds: None,
        })
    })
}

/// Finds node groups that a `DaemonSet` would leave out: their logs would be
/// lost without a word.
fn check_coverage(
    source: &str,
    fluentd: &FluentdSettings,
    settings: &Settings,
    control_plane_only: bool,
    problems: &mut Problems,
) {
    let tolerated = tolerations(fluentd, settings, control_plane_only);
    let mut missing: BTreeMap<&str, String> = BTreeMap::new();
    for (name, group) in groups(settings, control_plane_only) {
        if !fluentd.image.architectures.contains(&group.architecture) {
            problems.push(
                &["node_groups", name, "architecture"],
                format!("the image of the source `{source}` doesn't exist for the processors of `{name}`"),
                format!(
                    "choose an image that does, and say so in `sources.kubernetes.{source}.fluentd.image.architectures`"
                ),
            );
        }
        for taint in taints(group) {
            if !tolerated
                .iter()
                .any(|toleration| covers(toleration, &taint))
            {
                missing
                    .entry(name)
                    .or_insert_with(|| taint.key.map_or_else(String::new, |key| key.0));
            }
        }
    }
    for (name, key) in missing {
        problems.push(
            &["node_groups", name, "taints", &key],
            format!("the source `{source}` doesn't tolerate this taint for good, so logs of `{name}` would be lost"),
            format!(
                "set `sources.kubernetes.{source}.fluentd.tolerate: node_groups`, or add the taint to its `tolerations`"
            ),
        );
    }
}

/// Whether a toleration covers a taint for good, by the rules of
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>.
fn covers(toleration: &Toleration, taint: &Toleration) -> bool {
    (toleration.key.is_none() || toleration.key == taint.key)
        && (toleration.value.is_none() || toleration.value == taint.value)
        && (toleration.effect.is_none() || toleration.effect == taint.effect)
        && toleration.toleration_seconds.is_none()
}
