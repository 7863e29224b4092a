//! What a cluster's settings mean: every default filled in, every name made,
//! every choice of containers turned into patterns. This is what templates
//! see, under the names of these fields.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::ResolvedMachines;
use super::aws::resolved::ResolvedAws;
use super::gitops::ResolvedGitops;
use super::idle::IdleSetting;
use super::indices::{Indices, RecordKind};
use super::name::AwsName;
use super::proxy::ResolvedProxy;
use super::reader::ResolvedReader;
use super::records::RecordRule;

use crate::settings::{
    Backend, Buffer, Codec, ControlPlaneRead, CredentialDelivery, Distribution, Enrichment,
    FieldName, FluentdSettings, HostPath, Json, LifeCycle as LifeCycleSettings, LogFormat, Mapping,
    Metadata, Monitoring, NodeRole, NodeType, Resources, TlsVersion, Toleration, Unit,
};

/// A cluster, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedCluster {
    /// Which cluster.
    pub cluster: Identity,
    /// What the Kubernetes objects have in common.
    pub kubernetes: ResolvedKubernetes,
    /// How the Kubernetes objects get applied; none if nobody applies them.
    pub gitops: Option<ResolvedGitops>,
    /// The Elasticsearch and OpenSearch that at least one stream goes to, by name.
    pub destinations: Vec<ResolvedDestination>,
    /// The CloudWatch Logs that at least one stream goes to, by name.
    pub cloudwatch: Vec<ResolvedCloudwatch>,
    /// The archives that at least one stream goes to, by name.
    pub archives: Vec<ResolvedArchive>,
    /// The log groups, by Region and name.
    pub log_groups: Vec<LogGroup>,
    /// The streams that at least one source feeds, by name.
    pub streams: Vec<ResolvedStream>,
    /// The proxy of pods and machines, if there is one.
    pub proxy: Option<ResolvedProxy>,
    /// The groups of machines, by name.
    pub node_groups: Vec<ResolvedNodeGroup>,
    /// The sources that are on.
    pub sources: ResolvedSources,
    /// The `DaemonSet`s, in the order of [`ResolvedSources::containers`].
    pub daemon_sets: Vec<DaemonSet>,
    /// The virtual machines' own logs.
    pub machines: ResolvedMachines,
    /// What it has in AWS.
    pub aws: ResolvedAws,
    /// The names of what it has in AWS, to compare with other clusters'.
    #[serde(skip)]
    pub aws_names: BTreeSet<AwsName>,
    /// Settings that have no effect on it, to see whether they have one on another cluster.
    #[serde(skip)]
    pub(super) idle: Vec<IdleSetting>,
}

/// A group of machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedNodeGroup {
    /// Its name.
    pub name: String,
    /// What they do.
    pub role: NodeRole,
    /// What they are.
    pub r#type: NodeType,
}

/// Which cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Its name, such as `prod-eu.example.com`.
    pub name: String,
    /// Its name as part of other names: `prod_eu_example_com`.
    pub slug: String,
    /// What EKS or kops calls it.
    pub aws_name: String,
    /// Its environment.
    pub environment: String,
    /// Who runs the control plane.
    pub distribution: Distribution,
    /// Its Region.
    pub region: String,
    /// Its account.
    pub account: String,
}

/// What the Kubernetes objects have in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedKubernetes {
    /// Their namespace.
    pub namespace: String,
    /// How the container runtime writes logs.
    pub log_format: LogFormat,
    /// How the credential gets there.
    pub credentials: CredentialDelivery,
    /// Metrics and alerts.
    pub monitoring: Monitoring,
    /// The cluster's own kustomize patches, as paths below `kubernetes/`.
    pub patches: Vec<String>,
    /// The role of the pods, if a destination wants one.
    pub role_arn: Option<String>,
    /// The OIDC provider of the cluster, if the stack is to make that role.
    pub oidc_provider: Option<String>,
}

/// CloudWatch Logs as a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedCloudwatch {
    /// Its name.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// Minutes that a Fluentd tries; for ever without.
    pub give_up_after_minutes: Option<u32>,
    /// The proxy on the way there, for programs that don't read the environment.
    pub proxy: Option<String>,
}

/// An archive in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedArchive {
    /// Its name.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// Its Region.
    pub region: String,
    /// How the keys of the cluster's objects begin; a stream's name comes next.
    pub prefix: String,
    /// Days until an object is deleted.
    pub expiry_days: u16,
    /// Days until an object moves to a colder class.
    pub glacier_after_days: Option<u16>,
    /// Minutes that a Fluentd tries; for ever without.
    pub give_up_after_minutes: Option<u32>,
    /// The proxy on the way there, for programs that don't read the environment.
    pub proxy: Option<String>,
}

/// A log group of CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// Part of the logical ids of CloudFormation.
    pub logical_id: String,
    /// The name of the stream that its events belong to.
    pub stream: String,
    /// Who writes it.
    pub writer: LogWriter,
    /// Days that it keeps an event.
    pub retention_days: u16,
    /// Whether the cluster's stack makes it; EKS makes its own.
    pub declared: bool,
    /// Who gets a copy of its events: at most two.
    pub subscriptions: Vec<LogSubscription>,
}

/// Who writes a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogWriter {
    /// The cluster's own shippers: Fluentd, or the machines' agent.
    Shippers,
    /// AWS.
    Aws,
}

/// A subscription filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogSubscription {
    /// The cluster's forwarder.
    Function {
        /// The filter's name.
        name: String,
        /// Which events, to the byte.
        pattern: String,
    },
    /// A Firehose into an archive.
    Firehose {
        /// The filter's name.
        name: String,
        /// Which events, to the byte.
        pattern: String,
        /// The name of the archive.
        archive: String,
    },
    /// A destination of CloudWatch Logs.
    Account {
        /// The filter's name.
        name: String,
        /// Which events, to the byte.
        pattern: String,
        /// The destination.
        destination_arn: String,
    },
    /// Something of the user's.
    Own {
        /// Its key in the settings.
        key: String,
        /// Part of its logical id.
        logical_id: String,
        /// The filter's name.
        name: String,
        /// Which events, to the byte.
        pattern: String,
        /// The Region and the account that it is in.
        place: (String, String),
        /// What gets them.
        to: CopyDestination,
    },
}

/// What of the user's gets a copy of a log group's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CopyDestination {
    /// A function of Lambda.
    Function {
        /// The function.
        arn: String,
    },
    /// A Kinesis data stream or a Firehose, to which a role writes.
    Stream {
        /// The stream.
        arn: String,
        /// The user's role; by default the stack's.
        role_arn: Option<String>,
    },
    /// An endpoint of HTTP, to which a Firehose of the stack sends.
    HttpEndpoint {
        /// Its address.
        url: String,
        /// The secret with its key.
        secret_arn: String,
        /// Seconds that a Firehose tries again.
        retry_seconds: u16,
        /// Most seconds that events are gathered.
        buffer_seconds: u16,
        /// Most mebibytes that are gathered.
        buffer_mebibytes: u8,
    },
}

impl CopyDestination {
    /// Where events end, for people.
    pub fn address(&self) -> &str {
        match self {
            Self::Function { arn } | Self::Stream { arn, .. } => arn,
            Self::HttpEndpoint { url, .. } => url,
        }
    }
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedDestination {
    /// Its name.
    pub name: String,
    /// What runs there.
    pub backend: Backend,
    /// Its major version.
    pub version: u8,
    /// `http` or `https`.
    pub scheme: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path before the API's, without a slash at its end; may be empty.
    pub path: String,
    /// The CA's file below `kubernetes/`, such as `certificates/main.pem`.
    pub ca_certificate: Option<String>,
    /// The file below `clusters/` that it is a copy of.
    #[serde(skip)]
    pub ca_certificate_from: Option<String>,
    /// Whether the certificate is checked.
    pub verify: bool,
    /// The oldest version of TLS.
    pub minimum_tls_version: TlsVersion,
    /// How the cluster proves who it is.
    pub authentication: ResolvedAuthentication,
    /// Seconds that a bulk request may take.
    pub request_timeout_seconds: u16,
    /// Largest bulk request, in bytes.
    pub bulk_size_bytes: u64,
    /// Minutes that a Fluentd tries; for ever without.
    pub give_up_after_minutes: Option<u32>,
    /// The proxy on the way there, for programs that don't read the environment.
    pub proxy: Option<String>,
    /// Name of the role and user that may only write.
    pub writer: String,
    /// Name of the role that may only read, and everything; `readers` has it, too.
    pub reader: String,
    /// Start of the environment variables that hold its credential, such as `LOGFLEET_MAIN`.
    pub environment_prefix: String,
    /// The data streams that go there, sorted.
    pub data_streams: Vec<String>,
    /// Those of them that are still fed, so that the writer writes to them.
    pub written: Vec<String>,
    /// The roles that may read; templates see them one at a time.
    #[serde(skip)]
    pub readers: Vec<ResolvedReader>,
    /// What they need there; templates see its parts one at a time.
    #[serde(skip)]
    pub indices: Indices,
}

/// How the cluster proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResolvedAuthentication {
    /// User and password, keys `username` and `password`.
    Basic(ResolvedSecret),
    /// API key, keys `id` and `api_key`.
    ApiKey(ResolvedSecret),
    /// Client certificate, keys `tls.crt` and `tls.key`.
    ClientCertificate {
        /// Where it is.
        #[serde(flatten)]
        secret: ResolvedSecret,
        /// Its subject.
        subject: String,
    },
    /// AWS Signature Version 4.
    AwsSigv4 {
        /// The role of the pods.
        role_arn: String,
        /// The domain's Region.
        region: String,
        /// The domain's account.
        account: String,
        /// The domain's name, if the host says it.
        domain: Option<String>,
    },
}

/// Where a secret is, outside and inside the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedSecret {
    /// Name of the Kubernetes Secret.
    pub secret_name: String,
    /// Name or ARN in AWS Secrets Manager; none for a Secret that somebody else keeps.
    pub secrets_manager_name: Option<String>,
    /// What its keys are called, by their own names, such as `username`.
    pub keys: BTreeMap<&'static str, ResolvedSecretKey>,
}

impl ResolvedSecret {
    /// What a key is called in AWS Secrets Manager.
    pub fn outside<'a>(&'a self, key: &'a str) -> &'a str {
        self.keys.get(key).map_or(key, |own| &own.outside)
    }
}

/// What a key of a secret is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedSecretKey {
    /// The setting's name, such as `username_in`, which says no secret.
    pub setting: &'static str,
    /// In AWS Secrets Manager.
    pub outside: String,
    /// In the Kubernetes Secret: what is fetched gets the key's own name.
    pub inside: String,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedStream {
    /// Its name in the settings.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// Middle part of the data stream's name.
    pub dataset: String,
    /// The data stream.
    pub data_stream: String,
    /// Names of the Elasticsearch and OpenSearch it ends in, sorted.
    pub destinations: Vec<String>,
    /// Names of the CloudWatch Logs it goes to, sorted.
    pub cloudwatch: Vec<String>,
    /// Names of the archives it ends in, sorted.
    pub archives: Vec<String>,
    /// Names of all of these that the cluster's own shippers write to, sorted;
    /// what a log group's subscription brings there is not among them.
    pub shipped_to: Vec<String>,
    /// Days that a record is kept; none where it is kept for good.
    pub retention_days: Option<u16>,
    /// When a new backing index begins.
    pub rollover: ResolvedRollover,
    /// Whether an index is merged after its rollover.
    pub force_merge: bool,
    /// What becomes of an index between its beginning and its end.
    pub life_cycle: LifeCycleSettings,
    /// Primary shards.
    pub shards: u8,
    /// Copies of each shard.
    pub replicas: u8,
    /// Seconds until a new record is found.
    pub refresh_interval_seconds: u16,
    /// How indices are compressed.
    pub codec: Codec,
    /// Limits of the mapping, and fields of the user's own.
    pub mapping: Mapping,
    /// The user's own fields as a tree: `trace.id` is `{"trace": {"id": …}}`.
    pub own_fields: serde_json::Value,
    /// Fields of any keys: those that get the values of JSON text, of all sources that feed it, and `labels` if it has
    /// some. Sorted.
    pub maps: Vec<String>,
    /// What every record gets as `labels`.
    pub labels: BTreeMap<String, String>,
    /// Whether logs of machines go there.
    pub machines: bool,
    /// What waits on the node.
    pub buffer: Buffer,
    /// Whether nothing feeds it any more.
    pub retired: bool,
    /// The kinds of records that end in it.
    pub kinds: BTreeSet<RecordKind>,
}

/// When a new backing index begins: at whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedRollover {
    /// Days since it began.
    pub max_age_days: u16,
    /// Size of its primary shards, in gibibytes.
    pub max_primary_shard_gibibytes: u16,
}

/// The sources that are on; templates ask `{% if sources.nodes %}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResolvedSources {
    /// Containers of everybody's own programs.
    pub applications: Option<ContainerSource>,
    /// Containers of the system namespaces, and the journal.
    pub nodes: Option<NodeSource>,
    /// The control plane.
    pub control_plane: Option<ControlPlaneSource>,
    /// Events of the API server.
    pub events: Option<EventSource>,
}

/// Container logs of a source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerSource {
    /// Files that are read: globs of paths.
    pub paths: Vec<String>,
    /// Files that are not, though they match: globs of paths, each with the reason.
    pub exclude: Vec<ExcludedPaths>,
    /// How records are treated.
    pub records: ResolvedRecords,
}

/// Files that are not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExcludedPaths {
    /// Globs of paths.
    pub paths: Vec<String>,
    /// Why, on one line.
    pub reason: String,
    /// Whether they are the shippers' own, which are left out wherever these run; templates need not know.
    #[serde(skip)]
    pub is_own: bool,
}

/// Containers of the system namespaces, and the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSource {
    /// The containers.
    pub containers: ContainerSource,
    /// The journal, if it is read.
    pub journal: Option<ResolvedJournal>,
}

/// The journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedJournal {
    /// Where it is kept.
    pub directory: HostPath,
    /// The units that are read.
    pub units: Vec<Unit>,
}

/// The control plane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlPlaneSource {
    /// Where its logs are read.
    pub read: ControlPlaneRead,
    /// The containers, for [`ControlPlaneRead::Containers`]; without paths otherwise.
    pub containers: ContainerSource,
    /// The files, for [`ControlPlaneRead::Files`]: component to path.
    pub files: BTreeMap<String, HostPath>,
    /// The audit log, if it is read.
    pub audit_log: Option<ResolvedAuditLog>,
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedAuditLog {
    /// Where it is.
    pub path: HostPath,
    /// The name of its stream.
    pub stream: String,
}

/// Events of the API server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventSource {
    /// The name of the Deployment that prints them, and of its container.
    pub name: String,
    /// The name of their stream.
    pub stream: String,
    /// The exporter's image, ready for a pod.
    pub image: String,
    /// Its CPU and memory.
    pub resources: Resources,
    /// Age in seconds at which an event is too old.
    pub max_age_seconds: u16,
    /// The files its output is in.
    pub paths: Vec<String>,
    /// Taints that it tolerates.
    pub tolerations: Vec<Toleration>,
}

/// How records are treated, in this order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedRecords {
    /// Lines that belong together.
    pub multiline: Vec<ResolvedMultiline>,
    /// Text that is JSON.
    pub json: Json,
    /// What is known of the pod.
    pub metadata: Metadata,
    /// Annotations that are kept, sorted.
    pub annotations: Vec<String>,
    /// Of the records that any of these is for, those that none keeps are thrown away; by name.
    pub keep: Vec<ResolvedKeep>,
    /// Records that are thrown away, by name.
    pub drop: Vec<RecordRule>,
    /// Fields that are added or renamed.
    pub enrich: BTreeMap<FieldName, Enrichment>,
    /// Fields that are taken off, each as a path of keys, sorted.
    pub remove: Vec<Vec<String>>,
    /// Records that go to a stream of their own; the first match wins.
    pub routes: Vec<ResolvedRoute>,
    /// The name of the stream of the rest.
    pub stream: String,
    /// Names of all the streams that are fed, each once: those of the routes, then the rest's.
    pub streams: Vec<String>,
}

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedMultiline {
    /// The rule's name.
    pub name: String,
    /// Matches `<pod>_<namespace>_<container>-<64 hexadecimal digits>`, as in a container's log file's name.
    pub file_name_pattern: String,
    /// What the first line looks like.
    pub first_line: String,
    /// Seconds after which a record is sent.
    pub flush_seconds: u16,
    /// Most lines.
    pub max_lines: u32,
}

/// A field of a record and what it must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The field as a path of keys, such as `["kubernetes", "namespace_name"]`.
    pub field: Vec<String>,
    /// The regular expression.
    pub pattern: String,
}

/// Records that are kept, and of which others aren't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedKeep {
    /// The rule's name.
    pub name: String,
    /// Which records it is for: all must hold. Of every record without any.
    pub of: Vec<Condition>,
    /// Which of them it keeps: all must hold.
    pub conditions: Vec<Condition>,
    /// Why, on one line.
    pub reason: String,
}

/// Records that go to a stream of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedRoute {
    /// The route's name.
    pub name: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// The name of the stream.
    pub stream: String,
}

/// A `DaemonSet` of Fluentd.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DaemonSet {
    /// The source it reads: `applications`, `nodes` or `control_plane`.
    pub source: String,
    /// The folder of its files: the source with `-` for `_`.
    pub folder: String,
    /// Its name, such as `fluentd-control-plane`.
    pub name: String,
    /// The image, ready for a pod.
    pub image: String,
    /// How it runs.
    pub fluentd: FluentdSettings,
    /// Taints that it tolerates.
    pub tolerations: Vec<Toleration>,
    /// Whether it runs on control-plane machines only.
    pub control_plane_only: bool,
    /// Names of the Elasticsearch and OpenSearch that it sends to.
    pub destinations: Vec<String>,
    /// Whether it sends to something of AWS as the role of the pods.
    pub needs_role: bool,
    /// Names of the streams that it feeds.
    pub streams: Vec<String>,
}
