//! Settings that a cluster says and that have no effect on it. Pure.
//!
//! What a layer of several clusters says may have its effect on another one, and
//! what stands beside its own `enabled: false` waits to be switched on: both are
//! right. What the cluster's own file says of itself, without any effect, is a
//! mistake. `resolve/tests/effects.rs` changes every setting and finds those that
//! are missing here.

use super::aws::{Forwarded, sources};
use super::{
    DaemonSet, LogGroup, LogSubscription, OwnFiles, Problems, ResolvedAws, ResolvedDestination,
    ResolvedMachines, ResolvedStream, life_cycle, reader,
};
use crate::settings::{
    Backend, ControlPlaneRead, Destination, Distribution, GitopsTool, LogstashPlace,
    LogstashService, MachineRead, MachineRole, Settings,
};

/// What is resolved already.
pub(super) struct Resolved<'a> {
    pub(super) settings: &'a Settings,
    pub(super) own_files: &'a OwnFiles,
    pub(super) streams: &'a [ResolvedStream],
    pub(super) destinations: &'a [ResolvedDestination],
    pub(super) daemon_sets: &'a [DaemonSet],
    pub(super) machines: &'a ResolvedMachines,
    pub(super) log_groups: &'a [LogGroup],
    pub(super) aws: &'a ResolvedAws,
    /// Whether pods write to AWS.
    pub(super) needs_role: bool,
}

/// Settings of a stream that only an Elasticsearch or OpenSearch knows.
const OF_SERVERS: [&str; 10] = [
    "codec",
    "dataset",
    "force_merge",
    "life_cycle",
    "mapping",
    "refresh_interval_seconds",
    "replicas",
    "retention_days",
    "rollover",
    "shards",
];

const REMOVE: &str = "remove it";

impl Resolved<'_> {
    /// Finds all of them. Those that the cluster itself says are problems; all are
    /// handed back, since what a layer of several clusters says may have no effect on any.
    pub(super) fn find(&self, problems: &mut Problems) -> Vec<IdleSetting> {
        let mut reported = Reported {
            own_files: self.own_files,
            problems,
            idle: Vec::new(),
        };
        self.destinations(&mut reported);
        for stream in self.streams {
            self.stream(&["streams", &stream.name], &[stream], &mut reported);
        }
        let every: Vec<&ResolvedStream> = self.streams.iter().collect();
        self.stream(&["stream_defaults"], &every, &mut reported);
        self.readers(&mut reported);
        self.role(&mut reported);
        self.gitops(&mut reported);
        reported.tell(
            &["sources", "kubernetes", "events", "image", "plugins"],
            "the exporter of events has no plugins",
            REMOVE,
        );
        self.control_plane(&mut reported);
        self.machines(&mut reported);
        self.logstash(&mut reported);
        self.aws(&mut reported);
        reported.idle
    }

    fn destinations(&self, reported: &mut Reported<'_>) {
        if self.streams.is_empty() {
            return;
        }
        for (name, destination) in &self.settings.destinations {
            let used = self.streams.iter().any(|stream| {
                [&stream.destinations, &stream.cloudwatch, &stream.archives]
                    .into_iter()
                    .any(|ends| ends.iter().any(|end| end == name.as_str()))
            });
            let hint = match destination {
                Destination::Elasticsearch(_) | Destination::Opensearch(_) => {
                    "set it to `true` in the `destinations` of a stream or of `stream_defaults`, or remove it"
                }
                Destination::Cloudwatch(_) | Destination::S3(_) => {
                    "set it to `true` in the `destinations` of a stream or of `stream_defaults`, in addition to those that it goes to now; or remove it"
                }
            };
            let by_fluentd = self.streams.iter().any(|stream| {
                let mut daemons = self.daemon_sets.iter();
                stream.shipped_to.iter().any(|end| end == name.as_str())
                    && daemons.any(|daemon| daemon.streams.contains(&stream.name))
            });
            if used && !by_fluentd {
                reported.tell(
                    &["destinations", name.as_str(), "give_up_after_minutes"],
                    "no Fluentd sends to it, and what else does has no such limit",
                    REMOVE,
                );
            }
            if !used {
                let why = format!("no stream goes to the destination `{name}`");
                reported.tell(&["destinations", name.as_str()], why, hint);
            }
        }
    }

    /// What is said of streams: of one, or of all by `stream_defaults`.
    fn stream(&self, base: &[&str], streams: &[&ResolvedStream], reported: &mut Reported<'_>) {
        if streams.is_empty() {
            return;
        }
        let subject = match streams {
            [stream] if base.len() == 2 => format!("the stream `{}`", stream.name),
            _ => "every stream".to_owned(),
        };
        let all = |holds: &dyn Fn(&ResolvedStream) -> bool| streams.iter().all(|own| holds(own));
        let groups = |stream: &ResolvedStream| {
            let name = stream.name.clone();
            let groups = self.log_groups.iter();
            groups.filter(move |group| group.stream == name)
        };
        if all(&|stream| stream.destinations.is_empty()) {
            let archive = streams.iter().find_map(|stream| stream.archives.first());
            for key in OF_SERVERS {
                let why = format!(
                    "{subject} goes to no Elasticsearch or OpenSearch, where alone this has an effect"
                );
                let hint = match (key, archive) {
                    ("retention_days", _) if !all(&|stream| groups(stream).next().is_none()) => {
                        format!(
                            "set `{}.cloudwatch.retention_days`, by which log groups keep their events",
                            base.join(".")
                        )
                    }
                    ("retention_days", Some(archive)) => format!(
                        "set `destinations.{archive}.expiry_days`, by which the archive keeps its objects"
                    ),
                    _ => {
                        "remove it, or send the stream to an Elasticsearch or OpenSearch".to_owned()
                    }
                };
                reported.tell(&[base, &[key]].concat(), why, hint);
            }
        }
        self.life_cycle(base, streams, reported);
        if all(&|stream| groups(stream).next().is_none()) {
            reported.tell(
                &[base, &["cloudwatch"]].concat(),
                format!("{subject} has no log group, so this has no effect"),
                "remove it, or send the stream to a destination with `backend: cloudwatch`",
            );
        } else {
            self.subscriptions(base, streams, reported);
        }
        let by_fluentd = |stream: &ResolvedStream| {
            let mut daemons = self.daemon_sets.iter();
            daemons.any(|daemon| daemon.streams.contains(&stream.name))
                && !stream.shipped_to.is_empty()
        };
        if all(&|stream| stream.retired || (stream.destinations.is_empty() && !by_fluentd(stream)))
        {
            reported.tell(
                &[base, &["labels"]].concat(),
                format!("{subject} has no records that get labels: what AWS and the CloudWatch agent write to log groups and archives is left unchanged"),
                "remove it, or send the stream to an Elasticsearch or OpenSearch",
            );
        }
        if all(&|stream| !by_fluentd(stream)) {
            reported.tell(
                &[base, &["buffer"]].concat(),
                format!("Fluentd doesn't ship {subject}, so this has no effect"),
                "remove it; machines have `sources.machines.filebeat.queue_mebibytes`",
            );
        } else if all(&|stream| {
            let mut ends = stream.shipped_to.iter();
            !by_fluentd(stream) || ends.all(|end| stream.archives.contains(end))
        }) {
            for key in ["chunk_mebibytes", "flush_interval_seconds"] {
                reported.tell(
                    &[base, &["buffer", key]].concat(),
                    format!("{subject} only goes to an archive, whose objects hold ten minutes or 64 MiB"),
                    REMOVE,
                );
            }
        }
    }

    /// What of a life cycle a server doesn't know.
    fn life_cycle(&self, base: &[&str], streams: &[&ResolvedStream], reported: &mut Reported<'_>) {
        let backends: Vec<Backend> = streams
            .iter()
            .flat_map(|stream| &stream.destinations)
            .filter_map(|name| {
                let mut all = self.settings.destinations.iter();
                let (_, destination) = all.find(|(own, _)| own.as_str() == name)?;
                Some(destination.server()?.0)
            })
            .collect();
        // What goes to no server is reported separately.
        if backends.is_empty() {
            return;
        }
        if !backends.contains(&Backend::Opensearch) {
            reported.tell(
                &[base, &["life_cycle", "retry"]].concat(),
                "Elasticsearch retries a failed step by itself; only OpenSearch has this setting",
                REMOVE,
            );
        }
        if backends.contains(&Backend::Elasticsearch) {
            return;
        }
        for phase in ["warm", "cold"] {
            let does_nothing = |stream: &&ResolvedStream| {
                let mut phases = life_cycle::phases(&stream.life_cycle).into_iter();
                let phase = phases.find(|own| own.name == phase);
                phase.is_none_or(|phase| phase.does_nothing())
            };
            if streams.iter().all(does_nothing) {
                reported.tell(
                    &[base, &["life_cycle", phase]].concat(),
                    "nothing is done with an index when this phase begins: OpenSearch has no tiers of data",
                    "say what is done, such as `nodes` that it moves to, `replicas` or `force_merge: true`; or remove it",
                );
            }
        }
    }

    /// Patterns of subscriptions that no log group has.
    fn subscriptions(
        &self,
        base: &[&str],
        streams: &[&ResolvedStream],
        reported: &mut Reported<'_>,
    ) {
        for kind in ["function", "firehose", "account"] {
            let has = |stream: &&ResolvedStream| {
                let mut groups = self.log_groups.iter();
                groups.any(|group| {
                    let mut subscriptions = group.subscriptions.iter();
                    group.stream == stream.name && subscriptions.any(|own| kind_of(own) == kind)
                })
            };
            if !streams.iter().any(has) {
                if kind == "function" {
                    for key in ["include", "exclude"] {
                        reported.tell(
                            &[base, &["cloudwatch", "log_streams", key]].concat(),
                            "the forwarder reads no log group of it, so nothing is chosen by this",
                            "set `cloudwatch.subscriptions.function.enabled: true`, or remove it",
                        );
                    }
                }
                reported.tell(
                    &[base, &["cloudwatch", "subscriptions", kind, "pattern"]].concat(),
                    "there is no such subscription, so nothing is chosen by this",
                    "set `enabled: true` as well, or remove it",
                );
            }
        }
    }

    fn readers(&self, reported: &mut Reported<'_>) {
        for name in reader::without_effect(self.settings, self.destinations) {
            reported.tell(
                &["readers", name.as_str()],
                "none of its streams goes to an Elasticsearch or OpenSearch, so there is nothing to read",
                "correct its `streams`, or remove it",
            );
        }
        let has_opensearch = |name: &str| {
            let mut own = self.destinations.iter();
            own.any(|own| {
                own.backend == Backend::Opensearch
                    && own
                        .readers
                        .iter()
                        .any(|reader| reader.key.as_deref() == Some(name))
            })
        };
        for name in self.settings.readers.keys() {
            if !has_opensearch(name.as_str()) {
                reported.tell(
                    &["readers", name.as_str(), "iam_roles"],
                    "only Amazon OpenSearch Service knows callers by their IAM roles, and this reader is at none",
                    "name `users` or `groups`, or remove it",
                );
            }
        }
    }

    fn role(&self, reported: &mut Reported<'_>) {
        let kubernetes = &self.settings.kubernetes;
        if !self.needs_role {
            for key in ["role_arn", "oidc_provider"] {
                reported.tell(
                    &["kubernetes", key],
                    "no pod writes to AWS, so none needs a role",
                    REMOVE,
                );
            }
        } else if kubernetes.role_arn.is_some() {
            reported.tell(
                &["kubernetes", "oidc_provider"],
                "`kubernetes.role_arn` names a role, so the stack makes none",
                "remove one of the two",
            );
        }
    }

    fn gitops(&self, reported: &mut Reported<'_>) {
        let (key, other) = match self.settings.gitops.tool {
            GitopsTool::None => return,
            GitopsTool::ArgoCd => ("flux", "Argo CD"),
            GitopsTool::Flux => ("argo_cd", "Flux"),
        };
        reported.tell(
            &["gitops", key],
            format!("{other} applies this cluster's objects"),
            REMOVE,
        );
        if self.settings.gitops.tool == GitopsTool::ArgoCd {
            reported.tell(
                &["gitops", "repository", "interval_minutes"],
                "Argo CD polls at its own interval",
                REMOVE,
            );
        }
    }

    fn control_plane(&self, reported: &mut Reported<'_>) {
        let base = ["sources", "kubernetes", "control_plane"];
        let control_plane = &self.settings.sources.kubernetes.control_plane;
        if self.settings.distribution == Distribution::Eks {
            let why = "AWS runs the control plane of EKS, so Fluentd reads nothing of it";
            let hint = "remove it; `sources.aws.eks.types` sets what EKS logs";
            // The audit log may be on for the whole fleet, so a cluster may say that it is off here.
            let allowed: &[&str] = if control_plane.audit_log.enabled {
                &["enabled", "records"]
            } else {
                &["enabled", "records", "audit_log"]
            };
            reported.tell_all(&base, allowed, why, hint);
            reported.tell_all(&[&base[..], &["records"]].concat(), &["stream"], why, hint);
            return;
        }
        reported.tell(
            &["sources", "aws", "eks"],
            "the cluster isn't one of EKS, so AWS logs no control plane",
            REMOVE,
        );
        if !control_plane.enabled {
            return;
        }
        match control_plane.read {
            ControlPlaneRead::Containers => reported.tell(
                &[&base[..], &["files"]].concat(),
                "what the containers print is read, not files",
                "set `read: files`, or remove it",
            ),
            ControlPlaneRead::Files => {
                for key in ["exclude", "multiline", "metadata"] {
                    reported.tell(
                        &[&base[..], &["records", key]].concat(),
                        "with `read: files` there are no pods and no multi-line records",
                        "set `read: containers`, or remove it",
                    );
                }
            }
        }
    }

    fn machines(&self, reported: &mut Reported<'_>) {
        let machines = &self.settings.sources.machines;
        let base = ["sources", "machines"];
        if self.settings.distribution == Distribution::Eks {
            let why = "on EKS, AWS runs the control plane";
            let masters = ["sources", "machines", "masters"];
            reported.tell_all(&masters, &["enabled"], why, REMOVE);
            reported.tell(
                &["sources", "machines", "delivery", "kops"],
                "the cluster isn't one of kops",
                REMOVE,
            );
        }
        for (name, role) in [("masters", &machines.masters), ("nodes", &machines.nodes)] {
            if self.machines.roles().any(|own| own.name == name) {
                Self::machine_role(
                    &[&base[..], &[name]].concat(),
                    role,
                    machines.delivery.ssm,
                    reported,
                );
            }
        }
        let roles = || self.machines.roles();
        if roles().next().is_none() {
            return;
        }
        if roles().all(|role| role.filebeat.is_none()) {
            reported.tell(
                &["sources", "machines", "filebeat"],
                "no stream of the machines goes to a server, so there is no Filebeat",
                REMOVE,
            );
        }
        if roles().all(|role| role.cloudwatch_agent.is_none()) {
            reported.tell(
                &["sources", "machines", "cloudwatch_agent"],
                "no stream of the machines goes to CloudWatch, so there is no agent",
                REMOVE,
            );
        }
        let by_kops = machines.delivery.kops && self.settings.distribution == Distribution::Kops;
        let on_machine = self
            .machines
            .logstash
            .as_ref()
            .is_some_and(|logstash| logstash.runs_on == LogstashPlace::Machine);
        if by_kops && !on_machine {
            reported.tell(
                &["sources", "machines", "delivery", "cloud_init"],
                "the snippet for kops replaces the user data",
                "set `kops: false`, or remove it",
            );
        }
        if !machines.delivery.ssm {
            reported.tell(
                &["sources", "machines", "delivery", "repeat_minutes"],
                "Systems Manager delivers nothing (`ssm: false`), so nothing is repeated",
                REMOVE,
            );
        }
    }

    fn machine_role(base: &[&str], role: &MachineRole, ssm: bool, reported: &mut Reported<'_>) {
        if role.read == MachineRead::Files {
            for key in ["kernel", "units", "exclude"] {
                reported.tell(
                    &[base, &["journal", key]].concat(),
                    "with `read: files` the journal isn't read",
                    "set `read: journal`, or remove it",
                );
            }
        }
        if !ssm {
            reported.tell(
                &[base, &["tags"]].concat(),
                "Systems Manager looks for no machine (`delivery.ssm: false`)",
                REMOVE,
            );
        }
    }

    fn logstash(&self, reported: &mut Reported<'_>) {
        let base = ["sources", "machines", "logstash"];
        let Some(logstash) = &self.machines.logstash else {
            reported.tell_all(
                &base,
                &["enabled"],
                "nothing needs a Logstash here, so there is none",
                "remove it, or set `sources.machines.logstash.enabled: always`",
            );
            return;
        };
        // Elasticsearch's own image is of the package's version.
        let by_version = logstash.image.ends_with(&format!(":{}", logstash.version));
        let (others, place): (&[&str], _) = match logstash.runs_on {
            LogstashPlace::Kubernetes if by_version => (&["tags"], "on Kubernetes"),
            LogstashPlace::Kubernetes => (&["tags", "version"], "on Kubernetes"),
            LogstashPlace::Machine => (
                &[
                    "image",
                    "node_port",
                    "replicas",
                    "resources",
                    "service",
                    "storage_class",
                ],
                "on a machine",
            ),
        };
        for key in others {
            reported.tell(
                &[&base[..], &[key]].concat(),
                format!("Logstash runs {place}, where this has no effect"),
                REMOVE,
            );
        }
        if logstash.runs_on == LogstashPlace::Kubernetes
            && logstash.service == LogstashService::LoadBalancer
        {
            reported.tell(
                &["sources", "machines", "logstash", "node_port"],
                "Logstash is reached by a load balancer",
                "set `service: node_port`, or remove it",
            );
        }
    }

    fn aws(&self, reported: &mut Reported<'_>) {
        let aws = &self.settings.sources.aws;
        if !aws.enabled {
            return;
        }
        let are_measured = Forwarded::Metrics.is_on(self.settings);
        for source in sources(aws) {
            if let Some(idle) = source.idle(self.settings) {
                for key in idle.keys {
                    reported.tell(&["sources", "aws", source.key, key], idle.why, idle.hint);
                }
            }
            if source.metrics.is_some() && !are_measured {
                reported.tell(
                    &["sources", "aws", source.key, "metrics"],
                    "metrics are off (`sources.aws.metrics.enabled`)",
                    REMOVE,
                );
            }
        }
        if self
            .aws
            .regions
            .iter()
            .all(|region| region.forwarder.is_none())
        {
            reported.tell(
                &["sources", "aws", "forwarder"],
                "nothing of AWS goes to an Elasticsearch or OpenSearch, so there is no forwarder",
                REMOVE,
            );
        }
    }
}

/// The key of a subscription's settings.
fn kind_of(subscription: &LogSubscription) -> &'static str {
    match subscription {
        LogSubscription::Function { .. } => "function",
        LogSubscription::Firehose { .. } => "firehose",
        LogSubscription::Account { .. } => "account",
        LogSubscription::Own { .. } => "own",
    }
}

/// A setting without effect on a cluster, whoever says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdleSetting {
    /// Its path; what is below has no effect, either.
    pub(super) setting: Vec<String>,
    /// The keys below it that have an effect.
    pub(super) except: &'static [&'static str],
    /// Why.
    pub(super) why: String,
    /// What to do.
    pub(super) hint: String,
}

/// What is reported, of what the cluster itself says.
struct Reported<'a> {
    own_files: &'a OwnFiles,
    problems: &'a mut Problems,
    idle: Vec<IdleSetting>,
}

impl Reported<'_> {
    fn tell(&mut self, setting: &[&str], why: impl Into<String>, hint: impl Into<String>) {
        let (why, hint) = (why.into(), hint.into());
        if self.own_files.says(setting) {
            self.problems.push(setting, why.as_str(), hint.as_str());
        }
        self.push(setting, &[], why, hint);
    }

    fn push(
        &mut self,
        setting: &[&str],
        except: &'static [&'static str],
        why: String,
        hint: String,
    ) {
        self.idle.push(IdleSetting {
            setting: setting.iter().map(|key| (*key).to_owned()).collect(),
            except,
            why,
            hint,
        });
    }

    /// Tells of each setting below one, but those.
    fn tell_all(&mut self, base: &[&str], except: &'static [&'static str], why: &str, hint: &str) {
        let said = self.own_files.said(base).and_then(|said| said.entries());
        let keys = said.into_iter().flatten().map(|entry| entry.key.as_str());
        for key in keys.filter(|key| !except.contains(key)) {
            let setting = [base, &[key]].concat();
            if self.own_files.says(&setting) {
                self.problems.push(&setting, why, hint);
            }
        }
        self.push(base, except, why.to_owned(), hint.to_owned());
    }
}
