//! What is collected, with every choice of containers turned into paths and
//! patterns. Pure.

use std::collections::BTreeMap;

use super::day::is_day;
use super::problem::Problems;
use super::stream::Fed;
use super::{
    Condition, ContainerSource, ControlPlaneSource, EventSource, ExcludedPaths, KubernetesSource,
    NodeSource, OwnFiles, RecordRule, ResolvedAuditLog, ResolvedJournal, ResolvedKeep,
    ResolvedMultiline, ResolvedRecords, ResolvedRoute, ResolvedSources, container, image, machines,
    record_rules, workload,
};
use crate::nearest::did_you_mean;
use crate::sentence::list;
use crate::settings::{
    ContainerSelector, ControlPlaneRead, Day, Distribution, FieldName, Glob, KubernetesName, Name,
    Pattern, RecordSelector, Records, Settings, multiline_in_order,
};

/// The namespace of the control plane's static pods.
const CONTROL_PLANE_NAMESPACE: &str = "kube-system";

/// Pods of `kube-system` that run on every machine, not on the control plane's
/// alone: kops' kube-proxy, which is a static pod there, and what its
/// networking and storage bring
/// (<https://github.com/kubernetes/kops/blob/master/nodeup/pkg/model/kube_proxy.go>,
/// <https://github.com/kubernetes/kops/tree/master/upup/models/cloudup/resources/addons>).
const RUNS_EVERYWHERE: [&str; 14] = [
    "aws-node",
    "aws-node-termination-handler",
    "calico-node",
    "canal",
    "cilium",
    "ebs-csi-node",
    "efs-csi-node",
    "kindnet",
    "kube-flannel-ds",
    "kube-proxy",
    "kube-router",
    "node-local-dns",
    "node-problem-detector",
    "weave-net",
];

/// Resolves the sources that are on.
pub(super) fn resolve_sources(
    settings: &Settings,
    own_files: &OwnFiles,
    problems: &mut Problems,
) -> ResolvedSources {
    let kubernetes = &settings.sources.kubernetes;
    let kops = settings.distribution == Distribution::Kops;
    for (source, records) in records_of(settings) {
        record_rules::check(source, records, settings, own_files, problems);
    }
    if settings.kubernetes.namespace.as_str() == CONTROL_PLANE_NAMESPACE {
        problems.push(
            &["kubernetes", "namespace"],
            "`kube-system` belongs to the cluster itself",
            "choose a namespace of your own, such as `logging`",
        );
    }
    ResolvedSources {
        applications: kubernetes
            .applications
            .enabled
            .then(|| applications(settings)),
        nodes: kubernetes.nodes.enabled.then(|| nodes(settings, problems)),
        control_plane: (kubernetes.control_plane.enabled && kops)
            .then(|| control_plane(settings, problems)),
        events: kubernetes
            .events
            .enabled
            .then(|| events(settings, problems)),
    }
}

/// Which streams the sources feed.
pub(super) fn fed(sources: &ResolvedSources) -> Fed {
    let mut fed = Fed::new();
    for (name, source) in sources.containers() {
        let records = &source.records;
        for stream in &records.streams {
            let targets = fed.entry(stream.clone()).or_default();
            targets.sources.insert(name.name());
            targets.shippers = true;
            targets.containers = true;
            if records.json.parse {
                targets.json_targets.insert(records.json.target.to_string());
            }
        }
    }
    let audit_log = sources
        .control_plane
        .as_ref()
        .and_then(|source| source.audit_log.as_ref());
    if let Some(log) = audit_log {
        let feeding = fed.entry(log.stream.clone()).or_default();
        feeding
            .sources
            .insert("kubernetes.control_plane".to_owned());
        feeding.shippers = true;
        feeding.audit_log = true;
    }
    if let Some(events) = &sources.events {
        let feeding = fed.entry(events.stream.clone()).or_default();
        feeding.sources.insert("kubernetes.events".to_owned());
        feeding.shippers = true;
        feeding.events = true;
    }
    fed
}

/// The streams that some source would feed if every source were on: one that
/// isn't among them is a mistake, not a choice.
pub(super) fn find_streams_nobody_feeds(settings: &Settings, problems: &mut Problems) {
    let kubernetes = &settings.sources.kubernetes;
    let mut wanted: Vec<&Name> = vec![
        &kubernetes.events.stream,
        &kubernetes.control_plane.audit_log.stream,
    ];
    wanted.extend(machines::named_streams(settings));
    for (_, records) in records_of(settings) {
        wanted.push(&records.stream);
        wanted.extend(records.routes.values().map(|route| &route.stream));
    }
    // A stream of the defaults may have been replaced by one of the user's.
    wanted.extend(super::aws::wanted_streams(settings));
    let built_in = [
        "applications",
        "nodes",
        "control_plane",
        "events",
        "machines",
    ];
    let fed = settings.streams.iter().filter(|(_, own)| !own.retired);
    for stream in fed.map(|(name, _)| name) {
        if !wanted.contains(&stream)
            && !built_in.contains(&stream.as_str())
            && !super::aws::is_built_in_stream(stream.as_str())
        {
            let fed = wanted.iter().map(|name| name.as_str()).chain(built_in);
            let near = did_you_mean(stream.as_str(), fed.filter(|name| *name != stream.as_str()));
            problems.push(
                &["streams", stream.as_str()],
                format!("nothing is ever sent to the stream `{stream}`"),
                near.unwrap_or_else(|| "route a source to it with `sources.kubernetes.<source>.records.routes`, or remove it".to_owned()),
            );
        }
    }
}

/// How records of every source are to be treated, whether it is on or not.
fn records_of(settings: &Settings) -> [(KubernetesSource, &Records); 3] {
    let kubernetes = &settings.sources.kubernetes;
    [
        (
            KubernetesSource::Applications,
            &kubernetes.applications.records,
        ),
        (KubernetesSource::Nodes, &kubernetes.nodes.records),
        (
            KubernetesSource::ControlPlane,
            &kubernetes.control_plane.records,
        ),
    ]
}

fn applications(settings: &Settings) -> ContainerSource {
    let records = &settings.sources.kubernetes.applications.records;
    let mut exclude = vec![own_logs(settings)];
    exclude.push(ExcludedPaths {
        paths: paths_of_system(settings),
        reason: "Containers of system namespaces are the node's: the source `nodes` reads them."
            .to_owned(),
        is_own: false,
    });
    exclude.extend(exclusions(records));
    exclude.retain(|excluded| !excluded.paths.is_empty());
    ContainerSource {
        paths: vec![container::path("*", "*", "*")],
        exclude,
        records: resolve_records(records, ReadRecords::PODS),
    }
}

fn nodes(settings: &Settings, problems: &mut Problems) -> NodeSource {
    let nodes = &settings.sources.kubernetes.nodes;
    let paths = paths_of_system(settings);
    let units: Vec<_> = on(&nodes.journal.units).cloned().collect();
    if nodes.journal.enabled && units.is_empty() {
        problems.push(
            &["sources", "kubernetes", "nodes", "journal", "units"],
            "no unit of the journal is read",
            "set a unit to `true`, or `sources.kubernetes.nodes.journal.enabled: false`",
        );
    }
    let others = nodes.journal.enabled || settings.sources.kubernetes.events.enabled;
    if paths.is_empty() && !others {
        problems.push(
            &["sources", "kubernetes", "nodes", "namespaces"],
            "nothing is read on the nodes: neither a namespace's containers nor the journal nor events",
            "set a namespace to `true`, or `sources.kubernetes.nodes.enabled: false`",
        );
    }
    let mut exclude = vec![own_logs(settings)];
    if settings.distribution == Distribution::Kops {
        exclude.push(ExcludedPaths {
            paths: settings
                .sources
                .kubernetes
                .control_plane
                .components
                .keys()
                .map(component_path)
                .collect(),
            reason: "Static pods of the control plane: the source `control_plane` reads them."
                .to_owned(),
            is_own: false,
        });
    }
    exclude.extend(exclusions(&nodes.records));
    exclude.retain(|excluded| !excluded.paths.is_empty());
    NodeSource {
        containers: ContainerSource {
            records: resolve_records(
                &nodes.records,
                ReadRecords {
                    pods: !paths.is_empty(),
                    journal: nodes.journal.enabled,
                },
            ),
            paths,
            exclude,
        },
        journal: nodes.journal.enabled.then(|| ResolvedJournal {
            directory: nodes.journal.directory.clone(),
            units,
        }),
    }
}

fn control_plane(settings: &Settings, problems: &mut Problems) -> ControlPlaneSource {
    let control_plane = &settings.sources.kubernetes.control_plane;
    let is_read = on(&control_plane.components).next().is_some();
    if !is_read && !control_plane.audit_log.enabled {
        problems.push(
            &["sources", "kubernetes", "control_plane", "components"],
            "nothing is read of the control plane: neither a component nor the audit log",
            "set a component to `true`, or `sources.kubernetes.control_plane.enabled: false`",
        );
    }
    let mut source = ControlPlaneSource {
        read: control_plane.read,
        containers: ContainerSource {
            paths: Vec::new(),
            exclude: exclusions(&control_plane.records).collect(),
            records: resolve_records(
                &control_plane.records,
                ReadRecords {
                    pods: is_read,
                    journal: false,
                },
            ),
        },
        files: BTreeMap::new(),
        audit_log: control_plane.audit_log.enabled.then(|| ResolvedAuditLog {
            path: control_plane.audit_log.path.clone(),
            stream: control_plane.audit_log.stream.to_string(),
        }),
    };
    if control_plane.audit_log.enabled {
        check_stream(
            &[
                "sources",
                "kubernetes",
                "control_plane",
                "audit_log",
                "stream",
            ],
            &control_plane.audit_log.stream,
            settings,
            problems,
        );
    }
    for component in control_plane.components.keys() {
        if RUNS_EVERYWHERE.contains(&component.as_str()) {
            problems.push(
                &["sources", "kubernetes", "control_plane", "components", component.as_str()],
                format!("`{component}` runs on every machine, and this source reads on those of the control plane alone, so the lines of all others would be lost"),
                "remove it: the source `nodes` reads it on every machine",
            );
        }
    }
    for component in on(&control_plane.components) {
        match control_plane.read {
            ControlPlaneRead::Containers => source.containers.paths.push(component_path(component)),
            ControlPlaneRead::Files => match control_plane.files.get(component) {
                Some(path) => {
                    source.files.insert(component.to_string(), path.clone());
                }
                None => problems.push(
                    &["sources", "kubernetes", "control_plane", "components", component.as_str()],
                    format!("it is not said which file `{component}` writes"),
                    format!("set `sources.kubernetes.control_plane.files.{component}`, or `read: containers`"),
                ),
            },
        }
    }
    source
}

fn events(settings: &Settings, problems: &mut Problems) -> EventSource {
    let events = &settings.sources.kubernetes.events;
    check_stream(
        &["sources", "kubernetes", "events", "stream"],
        &events.stream,
        settings,
        problems,
    );
    workload::check_architectures(
        "the source `events`",
        "sources.kubernetes.events.image",
        &events.image,
        settings,
        problems,
    );
    if !settings.sources.kubernetes.nodes.enabled {
        problems.push(
            &["sources", "kubernetes", "nodes", "enabled"],
            "this source is off, but it reads the log that the source `events` writes",
            "set this to `true`, or `sources.kubernetes.events.enabled` to `false`",
        );
    }
    EventSource {
        name: workload::EVENT_EXPORTER.to_owned(),
        stream: events.stream.to_string(),
        image: image::named(&events.image, None),
        resources: events.resources.clone(),
        max_age_seconds: events.max_age_seconds,
        paths: vec![exporter_path(settings)],
        tolerations: workload::tolerations_of_nodes(settings),
    }
}

pub(super) fn on<K: Ord>(names: &BTreeMap<K, bool>) -> impl Iterator<Item = &K> {
    names.iter().filter(|(_, on)| **on).map(|(name, _)| name)
}

fn paths_of_system(settings: &Settings) -> Vec<String> {
    on(&settings.sources.kubernetes.nodes.namespaces)
        .map(|namespace| container::path("*", namespace.as_str(), "*"))
        .collect()
}

fn component_path(component: &KubernetesName) -> String {
    container::path(&format!("{component}-*"), CONTROL_PLANE_NAMESPACE, "*")
}

fn exporter_path(settings: &Settings) -> String {
    let pod = format!("{}-*", workload::EVENT_EXPORTER);
    container::path(&pod, settings.kubernetes.namespace.as_str(), "*")
}

/// The logs of what is rendered here. Fluentd reading its own log would write
/// a line for each that it reads.
fn own_logs(settings: &Settings) -> ExcludedPaths {
    let namespace = settings.kubernetes.namespace.as_str();
    let mut paths: Vec<String> = workload::daemon_set_names()
        .map(|name| container::path(&format!("{name}-*"), namespace, "*"))
        .collect();
    paths.push(exporter_path(settings));
    ExcludedPaths {
        paths,
        reason:
            "Fluentd's own logs would go round in circles; the events are a source of their own."
                .to_owned(),
        is_own: true,
    }
}

fn exclusions(records: &Records) -> impl Iterator<Item = ExcludedPaths> {
    records
        .exclude
        .iter()
        .map(|(name, exclusion)| ExcludedPaths {
            paths: container::paths(&exclusion.containers),
            reason: format!("{name}: {}", one_line(&exclusion.reason)),
            is_own: false,
        })
}

/// A reason as a comment: white space of any kind becomes a blank.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a source reads that its rules are for.
#[derive(Clone, Copy)]
struct ReadRecords {
    /// Containers, or files of components.
    pods: bool,
    /// The journal.
    journal: bool,
}

impl ReadRecords {
    const PODS: Self = Self {
        pods: true,
        journal: false,
    };

    /// Whether anything that is read can take a route.
    fn takes(self, when: &RecordSelector) -> bool {
        let of_pods = !when.labels.is_empty()
            || !when.namespaces.is_empty()
            || !when.pods.is_empty()
            || !when.containers.is_empty();
        self.pods || (self.journal && !of_pods)
    }
}

/// Resolves what is done with records. A route that nothing can take is left
/// out: the stream of the rest gets what the shipper says of itself.
fn resolve_records(records: &Records, read: ReadRecords) -> ResolvedRecords {
    let routes = records.routes.iter();
    let mut routes: Vec<_> = routes
        .filter(|(_, route)| read.takes(&route.when))
        .collect();
    routes.sort_by_key(|(name, route)| (route.order, *name));
    let mut streams: Vec<String> = Vec::new();
    for stream in routes
        .iter()
        .map(|(_, route)| &route.stream)
        .chain([&records.stream])
    {
        if !streams.contains(&stream.0) {
            streams.push(stream.to_string());
        }
    }
    ResolvedRecords {
        multiline: multiline_in_order(&records.multiline)
            .into_iter()
            .map(|(name, rule)| ResolvedMultiline {
                name: name.to_string(),
                file_name_pattern: container::file_name_pattern(&rule.containers),
                first_line: rule.first_line.to_string(),
                flush_seconds: rule.flush_seconds,
                max_lines: rule.max_lines,
            })
            .collect(),
        json: records.json.clone(),
        metadata: records.metadata.clone(),
        annotations: on(&records.metadata.annotations)
            .map(ToString::to_string)
            .collect(),
        keep: records
            .keep
            .iter()
            .map(|(name, rule)| ResolvedKeep {
                name: name.to_string(),
                of: rule
                    .containers
                    .iter()
                    .flat_map(container_conditions)
                    .collect(),
                conditions: field_conditions(&rule.when).collect(),
                reason: one_line(&rule.reason),
            })
            .collect(),
        drop: records
            .drop
            .iter()
            .map(|(name, rule)| RecordRule {
                name: name.to_string(),
                conditions: rule
                    .containers
                    .iter()
                    .flat_map(container_conditions)
                    .chain([Condition {
                        field: field_path(rule.field.as_str()),
                        pattern: rule.matches.to_string(),
                    }])
                    .collect(),
                reason: one_line(&rule.reason),
                expires: rule.expires.clone(),
            })
            .collect(),
        enrich: records.enrich.clone(),
        remove: on(&records.remove)
            .map(|field| field_path(field.as_str()))
            .collect(),
        routes: routes
            .into_iter()
            .map(|(name, route)| ResolvedRoute {
                name: name.to_string(),
                conditions: record_conditions(&route.when),
                stream: route.stream.to_string(),
            })
            .collect(),
        stream: records.stream.to_string(),
        streams,
    }
}

pub(super) fn field_path(field: &str) -> Vec<String> {
    field.split('.').map(ToOwned::to_owned).collect()
}

fn name_condition(key: &str, globs: &[Glob]) -> Option<Condition> {
    (!globs.is_empty()).then(|| Condition {
        field: vec!["kubernetes".to_owned(), key.to_owned()],
        pattern: container::name_pattern(globs),
    })
}

fn container_conditions(selector: &ContainerSelector) -> Vec<Condition> {
    [
        name_condition("namespace_name", &selector.namespaces),
        name_condition("pod_name", &selector.pods),
        name_condition("container_name", &selector.containers),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn record_conditions(selector: &RecordSelector) -> Vec<Condition> {
    let mut conditions = container_conditions(&ContainerSelector {
        namespaces: selector.namespaces.clone(),
        pods: selector.pods.clone(),
        containers: selector.containers.clone(),
    });
    conditions.extend(selector.labels.iter().map(|(key, value)| Condition {
        field: vec![
            "kubernetes".to_owned(),
            "labels".to_owned(),
            key.to_string(),
        ],
        pattern: format!(r"\A{}\z", value.as_str().replace('.', r"\.")),
    }));
    conditions.extend(field_conditions(&selector.fields));
    conditions
}

fn field_conditions(fields: &BTreeMap<FieldName, Pattern>) -> impl Iterator<Item = Condition> {
    fields.iter().map(|(field, pattern)| Condition {
        field: field_path(field.as_str()),
        pattern: pattern.to_string(),
    })
}

pub(super) fn check_stream(
    setting: &[&str],
    stream: &Name,
    settings: &Settings,
    problems: &mut Problems,
) {
    if !settings.streams.contains_key(stream) {
        let known: Vec<&str> = settings.streams.keys().map(Name::as_str).collect();
        let hint = did_you_mean(stream.as_str(), known.iter().copied()).unwrap_or_else(|| {
            format!(
                "this cluster's streams are {}; or add `streams.{stream}`",
                list(&known)
            )
        });
        problems.push_naming(
            setting,
            &["streams", stream.as_str()],
            format!("there is no stream `{stream}`"),
            hint,
        );
    }
}

/// A reason of nothing but blanks is none.
pub(super) fn check_reason(setting: &[&str], reason: &str, problems: &mut Problems) {
    if reason.trim().is_empty() {
        problems.push(
            setting,
            "this says nothing",
            "say why, for those who look for a missing record later",
        );
    }
}

/// The schema knows the form of a day, but not the months' lengths.
pub(super) fn check_day(setting: &[&str], day: &Day, problems: &mut Problems) {
    if !is_day(day.as_str()) {
        problems.push(
            setting,
            format!("there is no date `{day}`"),
            "write a date that exists",
        );
    }
}
