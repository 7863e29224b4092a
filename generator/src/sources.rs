//! The list of a cluster's log sources: which is shipped by what, where to,
//! for how long, and from which files. Pure.
//!
//! It is derived from the very values that are rendered, so it can't say
//! anything else than the files do. A source that isn't shipped stands in it
//! too, with the reason.

mod aws;

use serde::Serialize;

use crate::resolve::{
    DaemonSet, LogGroup, LogSubscription, LogWriter, MachineInputKind, ResolvedArchive,
    ResolvedCluster, ResolvedMachineRole, ResolvedStream,
};
use crate::settings::{ControlPlaneRead, Distribution, LogstashPlace, NodeRole, NodeType};

/// The rows of node groups that are shipped in part or not at all begin so.
pub const NODE_GROUPS: &str = "node_groups";

/// The rows of streams that nothing feeds any more begin so.
pub const STREAMS: &str = "streams";

/// One source of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    /// The cluster.
    pub cluster: String,
    /// The source, such as `kubernetes.applications`.
    pub source: String,
    /// What ships it, and from where; none if nothing does.
    pub shipped_by: Option<String>,
    /// What is read: paths on the machine, units of the journal, the API.
    pub reads: Vec<String>,
    /// Where it ends, stream by stream.
    pub ends: Vec<End>,
    /// The rendered files that do it, below the cluster's folder.
    pub files: Vec<String>,
    /// Why it isn't shipped.
    pub missing: Option<Missing>,
    /// What of it isn't shipped though the rest is, each with the reason, in a sentence without its end.
    pub gaps: Vec<String>,
}

impl SourceRow {
    /// Why it isn't shipped, or something of it isn't, though somebody could want it.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        let whole = self.missing.iter();
        let whole = whole.filter(|missing| missing.kind == MissingKind::Gap);
        whole
            .map(|missing| missing.why.as_str())
            .chain(self.gaps.iter().map(String::as_str))
    }
}

/// Why a source isn't shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Whether somebody could want it.
    pub kind: MissingKind,
    /// The reason, in a sentence without its end.
    pub why: String,
}

/// Whether logs are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// It is there and isn't shipped: a gap.
    Gap,
    /// The cluster has nothing of the kind.
    NotThere,
}

/// A place where a stream is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// The stream.
    pub stream: String,
    /// The destination's name; none for the log group that logs of AWS come through.
    pub destination: Option<String>,
    /// What it is there.
    pub kind: EndKind,
    /// The data stream, the log group, or the start of the objects' addresses.
    pub name: String,
    /// The Region, of what is in AWS.
    pub region: Option<String>,
    /// Days that a record is kept; none where it is kept for good, or others decide it.
    pub kept_days: Option<u16>,
    /// The log group whose subscription brings it there; none if the shippers write it themselves.
    pub through: Option<String>,
}

/// What a stream is where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// A data stream at an Elasticsearch or OpenSearch.
    DataStream,
    /// A log group of CloudWatch.
    LogGroup,
    /// Objects in S3.
    Archive,
    /// A destination of CloudWatch Logs, usually another account's: what it does is not ours to say.
    Elsewhere,
}

/// Lists the sources of a cluster, in a fixed order.
pub fn list(cluster: &ResolvedCluster) -> Vec<SourceRow> {
    let mut rows = vec![
        applications(cluster),
        nodes(cluster),
        control_plane(cluster),
        events(cluster),
        machines(cluster, "masters"),
        machines(cluster, "nodes"),
    ];
    rows.extend(aws::rows(cluster));
    rows.extend(node_groups(cluster));
    rows.extend(retired(cluster));
    rows
}

/// The streams that nothing feeds any more, with where they are kept.
fn retired(cluster: &ResolvedCluster) -> impl Iterator<Item = SourceRow> {
    let streams = cluster.streams.iter().filter(|stream| stream.retired);
    streams.map(|stream| {
        let source = format!("{STREAMS}.{}", stream.name);
        let why = "retired: nothing feeds this stream any more, and what it holds is kept until its retention ends";
        SourceRow {
            ends: shipped_ends(cluster, stream),
            ..missing(cluster, &source, MissingKind::NotThere, why)
        }
    })
}

/// What of a group's machines nothing ships, whatever the settings of the sources.
fn node_groups(cluster: &ResolvedCluster) -> impl Iterator<Item = SourceRow> {
    cluster.node_groups.iter().filter_map(|group| {
        let why = unshipped(group.r#type)?;
        let source = format!("{NODE_GROUPS}.{}", group.name);
        Some(missing(cluster, &source, MissingKind::Gap, why))
    })
}

fn unshipped(machines: NodeType) -> Option<&'static str> {
    match machines {
        NodeType::Linux => None,
        NodeType::Bottlerocket => Some(
            "Bottlerocket takes no packages, so `machines.nodes` isn't shipped from there; Fluentd reads the units of `sources.kubernetes.nodes.journal.units`",
        ),
        NodeType::EksAutoMode => Some(
            "machines of EKS Auto Mode take no packages, so `machines.nodes` isn't shipped from there; Fluentd reads the units of `sources.kubernetes.nodes.journal.units`",
        ),
        NodeType::Windows => Some(
            "the shippers run on Linux, so neither the containers nor the machines of this group are shipped",
        ),
        NodeType::Fargate => Some(
            "Fargate runs no DaemonSets, so the containers of this group aren't shipped; its own log router can do that",
        ),
    }
}

fn missing(cluster: &ResolvedCluster, source: &str, kind: MissingKind, why: &str) -> SourceRow {
    SourceRow {
        cluster: cluster.cluster.name.clone(),
        source: source.to_owned(),
        shipped_by: None,
        reads: Vec::new(),
        ends: Vec::new(),
        files: Vec::new(),
        missing: Some(Missing {
            kind,
            why: why.to_owned(),
        }),
        gaps: Vec::new(),
    }
}

fn shipped(
    cluster: &ResolvedCluster,
    source: &str,
    daemon_set: &DaemonSet,
    streams: &[String],
    reads: Vec<String>,
) -> SourceRow {
    SourceRow {
        cluster: cluster.cluster.name.clone(),
        source: source.to_owned(),
        shipped_by: Some(format!(
            "DaemonSet {}/{}",
            cluster.kubernetes.namespace, daemon_set.name
        )),
        reads,
        ends: ends_of(cluster, streams),
        files: ["daemonset.yaml", "fluent.conf"]
            .map(|file| format!("kubernetes/{}/{file}", daemon_set.folder))
            .to_vec(),
        missing: None,
        gaps: Vec::new(),
    }
}

/// Where streams that the shippers write are kept.
fn ends_of(cluster: &ResolvedCluster, streams: &[String]) -> Vec<End> {
    cluster
        .streams
        .iter()
        .filter(|stream| streams.contains(&stream.name))
        .flat_map(|stream| shipped_ends(cluster, stream))
        .collect()
}

fn shipped_ends(cluster: &ResolvedCluster, stream: &ResolvedStream) -> Vec<End> {
    let group = cluster
        .log_groups
        .iter()
        .find(|group| group.writer == LogWriter::Shippers && group.stream == stream.name);
    let subscribed = |wanted: fn(&LogSubscription) -> bool| {
        let group = group?;
        let on = group.subscriptions.iter().any(wanted);
        on.then(|| group.name.clone())
    };
    let through = |destination: &str, wanted| {
        let direct = stream.shipped_to.iter().any(|name| name == destination);
        if direct { None } else { subscribed(wanted) }
    };
    let mut ends = Vec::new();
    for server in &stream.destinations {
        let by = through(server, |subscription| {
            matches!(subscription, LogSubscription::Function { .. })
        });
        ends.push(End::data_stream(stream, server, by));
    }
    for own in &cluster.cloudwatch {
        let groups = cluster.log_groups.iter().filter(|group| {
            group.writer == LogWriter::Shippers
                && group.stream == stream.name
                && group.region == own.region
        });
        for group in groups {
            ends.push(End::log_group(group, Some(&own.name)));
            ends.extend(End::elsewhere(group));
        }
    }
    let archives = cluster
        .archives
        .iter()
        .filter(|archive| stream.archives.contains(&archive.name));
    for archive in archives {
        let by = through(&archive.name, |subscription| {
            matches!(subscription, LogSubscription::Firehose { .. })
        });
        ends.push(End::archive(stream, archive, by));
    }
    ends
}

impl End {
    fn data_stream(stream: &ResolvedStream, destination: &str, through: Option<String>) -> Self {
        Self {
            stream: stream.name.clone(),
            destination: Some(destination.to_owned()),
            kind: EndKind::DataStream,
            name: stream.data_stream.clone(),
            region: None,
            kept_days: stream.retention_days,
            through,
        }
    }

    fn log_group(group: &LogGroup, destination: Option<&str>) -> Self {
        Self {
            stream: group.stream.clone(),
            destination: destination.map(ToOwned::to_owned),
            kind: EndKind::LogGroup,
            name: group.name.clone(),
            region: Some(group.region.clone()),
            kept_days: Some(group.retention_days),
            through: None,
        }
    }

    /// What else gets a copy of a log group.
    fn elsewhere(group: &LogGroup) -> impl Iterator<Item = Self> {
        let copies = group.subscriptions.iter().filter_map(|by| match by {
            LogSubscription::Account {
                destination_arn, ..
            } => Some(destination_arn.as_str()),
            LogSubscription::Own { to, .. } => Some(to.address()),
            LogSubscription::Function { .. } | LogSubscription::Firehose { .. } => None,
        });
        copies.map(|address| Self {
            stream: group.stream.clone(),
            destination: None,
            kind: EndKind::Elsewhere,
            name: address.to_owned(),
            region: Some(group.region.clone()),
            kept_days: None,
            through: Some(group.name.clone()),
        })
    }

    fn archive(
        stream: &ResolvedStream,
        archive: &ResolvedArchive,
        through: Option<String>,
    ) -> Self {
        Self {
            stream: stream.name.clone(),
            destination: Some(archive.name.clone()),
            kind: EndKind::Archive,
            name: format!("s3://{}/{}{}", archive.bucket, archive.prefix, stream.name),
            region: Some(archive.region.clone()),
            kept_days: Some(archive.expiry_days),
            through,
        }
    }

    /// Where it is, in words: the destination, and the Region of a log group.
    pub fn at(&self) -> String {
        let at = self.destination.as_deref();
        match (&self.region, self.kind) {
            (Some(region), EndKind::LogGroup) => {
                format!("{}, {region}", at.unwrap_or("CloudWatch"))
            }
            _ => at.unwrap_or("elsewhere").to_owned(),
        }
    }

    /// Whether nothing there is ever deleted.
    pub fn is_kept_for_good(&self) -> bool {
        self.kept_days.is_none() && self.kind != EndKind::Elsewhere
    }

    /// How long it is kept, in words.
    pub fn kept(&self) -> String {
        match self.kept_days {
            Some(days) => format!("{days} d"),
            None if self.is_kept_for_good() => "for good".to_owned(),
            None => "-".to_owned(),
        }
    }
}

fn daemon_set<'a>(cluster: &'a ResolvedCluster, source: &str) -> Option<&'a DaemonSet> {
    cluster
        .daemon_sets
        .iter()
        .find(|daemon_set| daemon_set.source == source)
}

fn applications(cluster: &ResolvedCluster) -> SourceRow {
    const SOURCE: &str = "kubernetes.applications";
    match (
        &cluster.sources.applications,
        daemon_set(cluster, "applications"),
    ) {
        (Some(source), Some(daemon_set)) => shipped(
            cluster,
            SOURCE,
            daemon_set,
            &source.records.streams,
            source.paths.clone(),
        ),
        _ => missing(
            cluster,
            SOURCE,
            MissingKind::Gap,
            "switched off by `sources.kubernetes.applications.enabled`",
        ),
    }
}

fn nodes(cluster: &ResolvedCluster) -> SourceRow {
    const SOURCE: &str = "kubernetes.nodes";
    match (&cluster.sources.nodes, daemon_set(cluster, "nodes")) {
        (Some(source), Some(daemon_set)) => {
            let units = source.journal.iter().flat_map(|journal| &journal.units);
            let mut reads = source.containers.paths.clone();
            reads.extend(units.map(|unit| format!("journal: {unit}")));
            shipped(
                cluster,
                SOURCE,
                daemon_set,
                &source.containers.records.streams,
                reads,
            )
        }
        _ => missing(
            cluster,
            SOURCE,
            MissingKind::Gap,
            "switched off by `sources.kubernetes.nodes.enabled`",
        ),
    }
}

fn control_plane(cluster: &ResolvedCluster) -> SourceRow {
    const SOURCE: &str = "kubernetes.control_plane";
    match (
        &cluster.sources.control_plane,
        daemon_set(cluster, "control_plane"),
    ) {
        (Some(source), Some(daemon_set)) => {
            let mut streams = source.containers.records.streams.clone();
            let mut reads = match source.read {
                ControlPlaneRead::Containers => source.containers.paths.clone(),
                ControlPlaneRead::Files => source.files.values().map(ToString::to_string).collect(),
            };
            if let Some(audit_log) = &source.audit_log {
                reads.push(audit_log.path.to_string());
                streams.push(audit_log.stream.clone());
            }
            shipped(cluster, SOURCE, daemon_set, &streams, reads)
        }
        _ if cluster.cluster.distribution == Distribution::Eks => aws::row(cluster, SOURCE)
            .unwrap_or_else(|| {
                missing(
                    cluster,
                    SOURCE,
                    MissingKind::Gap,
                    "EKS runs the control plane, and its logs are switched off by `sources.kubernetes.control_plane.enabled`, `sources.aws.eks.types` or `sources.aws.enabled`",
                )
            }),
        _ => missing(
            cluster,
            SOURCE,
            MissingKind::Gap,
            "switched off by `sources.kubernetes.control_plane.enabled`",
        ),
    }
}

fn events(cluster: &ResolvedCluster) -> SourceRow {
    const SOURCE: &str = "kubernetes.events";
    match (&cluster.sources.events, daemon_set(cluster, "nodes")) {
        (Some(source), Some(daemon_set)) => {
            let reads = vec!["API server: events".to_owned()];
            let mut row = shipped(
                cluster,
                SOURCE,
                daemon_set,
                std::slice::from_ref(&source.stream),
                reads,
            );
            row.files
                .insert(0, "kubernetes/events/deployment.yaml".to_owned());
            row.shipped_by = Some(format!(
                "Deployment {0}/{1}, DaemonSet {0}/{2}",
                cluster.kubernetes.namespace, source.name, daemon_set.name
            ));
            row
        }
        _ => missing(
            cluster,
            SOURCE,
            MissingKind::Gap,
            "switched off by `sources.kubernetes.events.enabled`",
        ),
    }
}

fn machines(cluster: &ResolvedCluster, name: &str) -> SourceRow {
    let source = format!("machines.{name}");
    let role = cluster.machines.roles().find(|role| role.name == name);
    match role {
        Some(role) => SourceRow {
            cluster: cluster.cluster.name.clone(),
            source,
            shipped_by: Some(shippers_of(cluster, role).join(", ")),
            reads: role
                .inputs
                .iter()
                .flat_map(|input| reads_of(&input.from))
                .collect(),
            ends: ends_of(cluster, &role.streams),
            files: files_of(cluster, role),
            missing: None,
            gaps: Vec::new(),
        },
        None if name == "masters" && cluster.cluster.distribution == Distribution::Eks => missing(
            cluster,
            &source,
            MissingKind::NotThere,
            "AWS runs the control plane: the cluster has no such machines",
        ),
        None if name == "nodes" && no_node_takes_packages(cluster) => missing(
            cluster,
            &source,
            MissingKind::Gap,
            "no node group can install packages; see the `type` of each in `node_groups`",
        ),
        None => missing(
            cluster,
            &source,
            MissingKind::Gap,
            &format!("switched off by `sources.machines.{name}.enabled`"),
        ),
    }
}

fn no_node_takes_packages(cluster: &ResolvedCluster) -> bool {
    let groups = cluster.node_groups.iter();
    let mut nodes = groups
        .filter(|group| group.role == NodeRole::Node)
        .peekable();
    nodes.peek().is_some() && nodes.all(|group| !group.r#type.takes_packages())
}

fn shippers_of(cluster: &ResolvedCluster, role: &ResolvedMachineRole) -> Vec<String> {
    let mut shippers = Vec::new();
    if let Some(filebeat) = &role.filebeat {
        shippers.push("Filebeat".to_owned());
        let logstash = cluster.machines.logstash.as_ref();
        if let (None, Some(logstash)) = (&filebeat.destination, logstash) {
            shippers.push(match logstash.runs_on {
                LogstashPlace::Kubernetes => {
                    format!("StatefulSet {}/logstash", cluster.kubernetes.namespace)
                }
                LogstashPlace::Machine => format!("Logstash at {}", logstash.host),
            });
        }
    }
    if role.cloudwatch_agent.is_some() {
        shippers.push("CloudWatch agent".to_owned());
    }
    shippers
}

fn reads_of(from: &MachineInputKind) -> Vec<String> {
    match from {
        MachineInputKind::Kernel => vec!["journal: kernel".to_owned()],
        MachineInputKind::Units { units, exclude, .. } if units.is_empty() => {
            let exclude: Vec<&str> = exclude.iter().map(|unit| unit.unit.as_str()).collect();
            vec![format!("journal: every unit but {}", exclude.join(", "))]
        }
        MachineInputKind::Units { units, .. } => units
            .iter()
            .map(|unit| format!("journal: {unit}"))
            .collect(),
        MachineInputKind::Files(files) => files.paths.clone(),
    }
}

fn files_of(cluster: &ResolvedCluster, role: &ResolvedMachineRole) -> Vec<String> {
    let own = |file: &str| format!("machines/{}/{file}", role.name);
    let mut files = Vec::new();
    if role.filebeat.is_some() {
        files.push(own("filebeat.yml"));
    }
    if role.cloudwatch_agent.is_some() {
        files.push(own("amazon-cloudwatch-agent.json"));
    }
    files.push(own("install.sh"));
    if role.delivery.kops {
        files.push(own("kops-instance-group.yaml"));
    } else if role.delivery.cloud_init {
        files.push(own("user-data.yaml"));
    }
    files.push("machines/stack.json".to_owned());
    let logstash = cluster.machines.logstash.as_ref();
    if let (Some(filebeat), Some(logstash)) = (&role.filebeat, logstash)
        && filebeat.destination.is_none()
    {
        let folder = match logstash.runs_on {
            LogstashPlace::Kubernetes => "kubernetes/logstash",
            LogstashPlace::Machine => "machines/logstash",
        };
        files.push(format!("{folder}/pipeline.conf"));
        let outputs = logstash.destinations.iter();
        files.extend(outputs.map(|name| format!("{folder}/output-{name}.conf")));
    }
    files
}
