//! The sources of AWS. Each is one file here, in which stands all that is known
//! of it beside its settings, its templates and the format of its lines; what is
//! the same for all of them is in this one. Pure.

mod cloudtrail;
mod dynamodb;
mod ebs;
mod ec2;
pub(super) mod eks;
mod elb;
mod flow_log;
mod iam;
mod route53;
mod s3;
mod vpc;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use logfleet_contract::account::Source as AccountSource;
use logfleet_contract::forwarder;

use super::super::name::NameKind;
use super::super::problem::Problems;
use super::super::source::check_stream;
use super::super::stream::Fed;
use super::super::{Identity, LogGroup, LogWriter, ResolvedStream, log_group, name};
use super::arn::{Arns, global_region};
use super::forwarded::{self, Forwarded};
use super::members::Composing;
use super::resolved::{AwsLogGroup, AwsRegion, WriterKind, WriterService};
use super::{Resolving, alarms};
use crate::settings::{Aws, DataEvents, MetricFilter, MetricName, MetricNamespace, Name, Settings};

pub(super) use elb::has_classic;
pub(super) use iam::role_patterns;

/// The measurements of a source: names by namespace, and whether each is on.
pub(in crate::resolve) type Measurements = BTreeMap<MetricNamespace, BTreeMap<MetricName, bool>>;

/// What a source of AWS means, by its settings. A source says what it has; what
/// it doesn't say, it hasn't.
pub(super) trait SourceOfAws: fmt::Debug {
    /// The log groups that it comes through, those of a part that is on.
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>>;

    /// Finds settings of it that can't be.
    fn check(&self, _settings: &Settings, _problems: &mut Problems) {}

    /// Its settings that have no effect.
    fn idle(&self, _settings: &Settings) -> Option<Idle> {
        None
    }

    /// What a trail writes down for it.
    fn trail(&self) -> Option<TrailOfSource> {
        None
    }

    /// Adds what the forwarder must know of a log group that it comes through.
    fn tell(&self, _log_group: &mut forwarder::LogGroup) {}

    /// Adds what it needs in the stack of a Region, beside log groups, rules of
    /// EventBridge and deliveries.
    fn in_region(&self, _: &mut Stacking<'_, '_, '_>) {}

    /// Adds what hangs on members of the resource group for it.
    fn in_members(&self, _: &mut Composing<'_, '_, '_>) {}

    /// What it reads and makes, for the list of sources.
    fn details(&self, _: &Settings, _: &[AwsRegion]) -> Details {
        Details::default()
    }
}

/// Settings of a source that have no effect.
#[derive(Debug)]
pub(in crate::resolve) struct Idle {
    /// Their keys below the source's.
    pub keys: &'static [&'static str],
    pub why: &'static str,
    pub hint: &'static str,
}

/// Makes the list of sources, each by its key and, if it has some, its measurements.
macro_rules! sources {
    ($($key:ident $(with $metrics:ident)?),*) => {
        /// Their keys below `sources.aws`, in the order in which they are listed.
        pub(crate) const KEYS: &[&str] = &[$(stringify!($key)),*];

        /// All sources, in the order in which they are listed.
        pub(in crate::resolve) fn all(aws: &Aws) -> impl Iterator<Item = Source<'_>> {
            [$(Source {
                key: stringify!($key),
                enabled: aws.enabled && aws.$key.enabled,
                stream: &aws.$key.stream,
                metrics: [$(&aws.$key.$metrics)?].first().copied(),
                metric_filters: &aws.$key.metric_filters,
                own: &aws.$key,
            }),*]
            .into_iter()
        }
    };
}

sources!(
    ec2 with metrics,
    ebs with metrics,
    iam,
    elb with metrics,
    s3 with metrics,
    dynamodb with metrics,
    route53 with metrics,
    vpc with metrics,
    cloudtrail
);

/// A source of AWS with the settings that every source has.
#[derive(Clone, Copy, Debug)]
pub(in crate::resolve) struct Source<'s> {
    /// Its key below `sources.aws`, such as `vpc`.
    pub key: &'static str,
    /// Whether it is on.
    pub enabled: bool,
    /// The stream it feeds.
    pub stream: &'s Name,
    /// Its measurements, if it can have some.
    pub metrics: Option<&'s Measurements>,
    /// Its counts of events.
    pub(super) metric_filters: &'s BTreeMap<Name, MetricFilter>,
    /// What it means.
    pub(super) own: &'s dyn SourceOfAws,
}

impl Source<'_> {
    /// Whether any of its measurements is chosen.
    pub(super) fn has_metrics(&self) -> bool {
        let mut namespaces = self.metrics.into_iter().flat_map(BTreeMap::values);
        namespaces.any(|names| names.values().any(|on| *on))
    }

    /// Its id, such as `aws.vpc`.
    pub(super) fn id(&self) -> String {
        format!("aws.{}", self.key)
    }

    /// Its settings that have no effect though it is on.
    pub(in crate::resolve) fn idle(&self, settings: &Settings) -> Option<Idle> {
        self.enabled.then(|| self.own.idle(settings)).flatten()
    }
}

/// The sources that are on.
pub(super) fn enabled(aws: &Aws) -> impl Iterator<Item = Source<'_>> {
    all(aws).filter(|source| source.enabled)
}

/// A log group that a source comes through.
#[derive(Debug)]
pub(super) struct Way<'s> {
    pub region: &'s str,
    pub group: WayGroup,
}

/// Whose a log group is that a source comes through.
#[derive(Debug)]
pub(super) enum WayGroup {
    /// One of the cluster's own.
    Own {
        /// The last part of its name.
        part: &'static str,
        /// Who writes it by its policy; none if a role does.
        written_by: Option<WriterKind>,
    },
    /// One that someone else makes.
    Foreign {
        /// Its name.
        name: String,
        /// What it is called in logical ids.
        logical_id: &'static str,
    },
}

impl<'s> Way<'s> {
    /// One of the cluster's own, by the last part of its name.
    fn own(part: &'static str, region: &'s str, written_by: Option<WriterKind>) -> Self {
        let group = WayGroup::Own { part, written_by };
        Self { region, group }
    }

    /// One that someone else makes.
    fn foreign(name: String, region: &'s str, logical_id: &'static str) -> Self {
        let group = WayGroup::Foreign { name, logical_id };
        Self { region, group }
    }
}

/// A stack of a Region, to which sources add what they need.
pub(super) struct Stacking<'s, 'a, 'n> {
    pub resolving: &'s mut Resolving<'a, 'n>,
    /// The log groups of the Region.
    pub groups: &'s [AwsLogGroup],
    pub stack: &'s mut AwsRegion,
}

impl Stacking<'_, '_, '_> {
    /// Of the Region.
    fn arns(&self) -> Arns<'_> {
        Arns::new(&self.resolving.cluster.account, &self.stack.name)
    }

    fn give(&mut self, kind: NameKind, purpose: &str) -> String {
        self.resolving.give(kind, &self.stack.name, purpose)
    }
}

/// What a trail writes down for a source.
#[derive(Debug)]
pub(super) struct TrailOfSource {
    /// The trail of the account that has it, too.
    pub source: AccountSource,
    /// What the cluster's own trail is for, as its name has it.
    pub purpose: &'static str,
    pub events: DataEvents,
    /// Services that are left out.
    pub exclude: BTreeSet<String>,
}

/// What a source reads and makes, for the list of sources.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// What is read beside log groups and measurements, in words.
    pub reads: Vec<String>,
    /// The objects of AWS that ship it, in words, beside log groups and rules of EventBridge.
    pub objects: Vec<String>,
}

/// Whether measurements are collected.
pub(super) fn metrics_on(settings: &Settings) -> bool {
    let aws = &settings.sources.aws;
    aws.enabled
        && Forwarded::Metrics.is_on(settings)
        && enabled(aws).any(|source| source.has_metrics())
}

/// Measurements of services that aren't of a Region: those of Route 53 are in the
/// partition's Region of global services,
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-hosted-zones-with-cloudwatch.html>.
const GLOBAL_NAMESPACES: [&str; 1] = ["AWS/Route53"];

/// The names of the measurements that lie in a Region, by namespace.
pub(super) fn metrics_in(
    settings: &Settings,
    cluster: &Identity,
    region: &str,
) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<&MetricNamespace, BTreeSet<&MetricName>> = BTreeMap::new();
    if metrics_on(settings) {
        let sources = enabled(&settings.sources.aws);
        for (namespace, names) in sources.filter_map(|source| source.metrics).flatten() {
            let is_global = GLOBAL_NAMESPACES.contains(&namespace.as_str());
            let place = if is_global {
                global_region(&cluster.region)
            } else {
                &cluster.region
            };
            let names = names.iter().filter(|(_, on)| **on && place == region);
            for (name, _) in names {
                found.entry(namespace).or_default().insert(name);
            }
        }
    }
    let texts = |names: BTreeSet<&MetricName>| names.iter().map(ToString::to_string).collect();
    let found = found.into_iter();
    found
        .map(|(namespace, names)| (namespace.to_string(), texts(names)))
        .collect()
}

/// Tells which streams sources of AWS feed.
pub(in crate::resolve) fn feed(settings: &Settings, fed: &mut Fed) {
    let aws = &settings.sources.aws;
    let mut feed = |stream: &Name, source: String| {
        let feeding = fed.entry(stream.to_string()).or_default();
        feeding.aws = true;
        feeding.sources.insert(source);
    };
    for source in enabled(aws) {
        feed(source.stream, source.id());
    }
    if metrics_on(settings) {
        feed(&aws.metrics.stream, "aws.metrics".to_owned());
    }
    if let Some(stream) = eks::stream(settings) {
        feed(stream, eks::ID.to_owned());
    }
}

/// The streams that sources of AWS would feed if all were on.
pub(in crate::resolve) fn wanted_streams(settings: &Settings) -> impl Iterator<Item = &Name> {
    let aws = &settings.sources.aws;
    all(aws)
        .map(|source| source.stream)
        .chain([&aws.metrics.stream])
}

/// Whether the built-in defaults have a stream for one of them.
pub(in crate::resolve) fn is_built_in_stream(stream: &str) -> bool {
    stream
        .strip_prefix("aws_")
        .is_some_and(|key| key == "metrics" || KEYS.contains(&key))
}

/// Finds settings of sources that can't be.
pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    let aws = &settings.sources.aws;
    if !aws.enabled {
        return;
    }
    forwarded::check(settings, problems);
    let metrics = metrics_on(settings).then_some(("metrics", &aws.metrics.stream));
    let sources = enabled(aws).map(|source| (source.key, source.stream));
    for (key, stream) in sources.chain(metrics) {
        check_stream(
            &["sources", "aws", key, "stream"],
            stream,
            settings,
            problems,
        );
    }
    for source in enabled(aws) {
        source.own.check(settings, problems);
    }
    for source in all(aws) {
        for (name, filter) in source.metric_filters {
            let setting = [
                "sources",
                "aws",
                source.key,
                "metric_filters",
                name.as_str(),
            ];
            alarms::check_filter(&setting, filter, problems);
        }
    }
}

fn nothing(key: &str, choices: &str, problems: &mut Problems) {
    problems.push(
        &["sources", "aws", key],
        "everything of this source is off, so nothing is collected",
        format!("set {choices} to `true`, or `enabled` to `false`"),
    );
}

/// Finds requests at data of which none is written down.
fn check_data_events(key: &str, events: &DataEvents, problems: &mut Problems) {
    if !events.read && !events.write {
        problems.push(
            &["sources", "aws", key, "data_events"],
            "neither requests that read nor those that write are collected, so nothing is",
            format!("set `read` or `write` to `true`, or `sources.aws.{key}.enabled` to `false`"),
        );
    }
}

/// Which requests a trail writes down: only those that read, only those that
/// write, or both.
pub(in crate::resolve) fn read_only(events: &DataEvents) -> Option<&'static str> {
    match (events.read, events.write) {
        (true, false) => Some("true"),
        (false, true) => Some("false"),
        _ => None,
    }
}

/// The log groups that AWS writes, with who is subscribed to them.
pub(super) fn log_groups(
    settings: &Settings,
    cluster: &Identity,
    streams: &[ResolvedStream],
) -> Vec<AwsLogGroup> {
    let of_sources = enabled(&settings.sources.aws).flat_map(|source| {
        let ways = source.own.log_groups(cluster).into_iter().flatten();
        ways.map(move |way| (source.id(), source.stream, way))
    });
    let of_eks = eks::stream(settings).into_iter();
    let of_eks = of_eks.map(|stream| (eks::ID.to_owned(), stream, eks::log_group(cluster)));
    of_sources
        .chain(of_eks)
        .filter_map(|(source, stream, way)| {
            // A stream that isn't there has been reported.
            let resolved = streams.iter().find(|own| own.name == stream.as_str())?;
            let setting = settings.streams.get(stream)?;
            let arns = Arns::new(&cluster.account, way.region);
            let (declared, name, logical_id, written_by) = match way.group {
                WayGroup::Own { part, written_by } => (
                    true,
                    name::log_group_of_source(&cluster.name, part),
                    format!("Aws{}", name::logical_id(&part.replace('-', "_"))),
                    written_by.map(|kind| writer_service(kind, &arns)),
                ),
                WayGroup::Foreign { name, logical_id } => {
                    (false, name, logical_id.to_owned(), None)
                }
            };
            Some(AwsLogGroup {
                arn: arns.log_group(&name),
                written_by,
                source: Some(source),
                group: LogGroup {
                    name,
                    region: way.region.to_owned(),
                    logical_id,
                    stream: stream.to_string(),
                    writer: LogWriter::Aws,
                    retention_days: setting.cloudwatch.retention_days,
                    declared,
                    subscriptions: log_group::subscriptions(
                        cluster,
                        resolved,
                        &setting.cloudwatch.subscriptions,
                        LogWriter::Aws,
                    ),
                },
            })
        })
        .collect()
}

fn writer_service(kind: WriterKind, arns: &Arns<'_>) -> WriterService {
    let (principal, source_arn) = match kind {
        WriterKind::Events => ("events.amazonaws.com", arns.rule("logfleet-*")),
        WriterKind::Route53 => ("route53.amazonaws.com", arns.hosted_zones()),
        WriterKind::Delivery | WriterKind::Resolver => ("delivery.logs.amazonaws.com", arns.logs()),
    };
    WriterService {
        kind,
        principal,
        source_arn,
    }
}
