//! Which sources of AWS are on, which streams they feed, and which log groups
//! they come through. Pure.

use std::collections::BTreeMap;

use super::super::problem::Problems;
use super::super::source::check_stream;
use super::super::stream::Fed;
use super::super::{Identity, LogGroup, LogWriter, ResolvedStream, log_group, name};
use super::alarms;
use super::arn::{Arns, global_region, is_standard_partition};
use super::forwarded::{self, Forwarded};
use super::resolved::{AwsLogGroup, WriterService};
use crate::settings::{
    Aws, DataEvents, Distribution, MetricFilter, MetricName, MetricNamespace, Name, S3Method,
    Settings,
};

/// A source of AWS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'s> {
    /// Its key below `sources.aws`, such as `vpc`.
    pub key: &'static str,
    /// Whether it is on.
    pub enabled: bool,
    /// The stream it feeds.
    pub stream: &'s Name,
    /// Its measurements.
    pub metrics: Option<&'s BTreeMap<MetricNamespace, BTreeMap<MetricName, bool>>>,
    /// Its counts of events.
    pub metric_filters: &'s BTreeMap<Name, MetricFilter>,
}

impl Source<'_> {
    /// Whether any of its measurements is chosen.
    pub(super) fn has_metrics(&self) -> bool {
        self.metrics.is_some_and(any_on)
    }

    /// Its id, such as `aws.vpc`.
    pub(super) fn id(&self) -> String {
        format!("aws.{}", self.key)
    }
}

/// All sources, in the order in which they are listed.
pub(super) fn all(aws: &Aws) -> [Source<'_>; 9] {
    macro_rules! source {
        ($key:ident, $metrics:expr) => {
            Source {
                key: stringify!($key),
                enabled: aws.enabled && aws.$key.enabled,
                stream: &aws.$key.stream,
                metrics: $metrics,
                metric_filters: &aws.$key.metric_filters,
            }
        };
    }
    [
        source!(ec2, Some(&aws.ec2.metrics)),
        source!(ebs, Some(&aws.ebs.metrics)),
        source!(iam, None),
        source!(elb, Some(&aws.elb.metrics)),
        source!(s3, Some(&aws.s3.metrics)),
        source!(dynamodb, Some(&aws.dynamodb.metrics)),
        source!(route53, Some(&aws.route53.metrics)),
        source!(vpc, Some(&aws.vpc.metrics)),
        source!(cloudtrail, None),
    ]
}

/// Whether measurements are collected.
pub(super) fn metrics_on(settings: &Settings) -> bool {
    let aws = &settings.sources.aws;
    aws.enabled
        && Forwarded::Metrics.is_on(settings)
        && all(aws)
            .iter()
            .any(|source| source.enabled && source.has_metrics())
}

fn any_on(metrics: &BTreeMap<MetricNamespace, BTreeMap<MetricName, bool>>) -> bool {
    metrics.values().any(|names| names.values().any(|on| *on))
}

/// The stream of EKS's control plane, if its logs are collected.
pub(super) fn eks_stream(settings: &Settings) -> Option<&Name> {
    let control_plane = &settings.sources.kubernetes.control_plane;
    let on = settings.distribution == Distribution::Eks
        && settings.sources.aws.enabled
        && control_plane.enabled
        && settings
            .sources
            .aws
            .eks
            .types
            .all()
            .iter()
            .any(|(_, on)| *on);
    on.then_some(&control_plane.records.stream)
}

/// Tells which streams sources of AWS feed.
pub(in crate::resolve) fn feed(settings: &Settings, fed: &mut Fed) {
    let aws = &settings.sources.aws;
    let mut feed = |stream: &Name, source: String| {
        let feeding = fed.entry(stream.to_string()).or_default();
        feeding.aws = true;
        feeding.sources.insert(source);
    };
    for source in all(aws).iter().filter(|source| source.enabled) {
        feed(source.stream, source.id());
    }
    if metrics_on(settings) {
        feed(&aws.metrics.stream, "aws.metrics".to_owned());
    }
    if let Some(stream) = eks_stream(settings) {
        feed(stream, "kubernetes.control_plane".to_owned());
    }
}

/// The streams that sources of AWS would feed if all were on.
pub(in crate::resolve) fn wanted_streams(settings: &Settings) -> impl Iterator<Item = &Name> {
    let aws = &settings.sources.aws;
    all(aws)
        .map(|source| source.stream)
        .into_iter()
        .chain([&aws.metrics.stream])
}

/// The streams that the built-in defaults have for them.
pub(in crate::resolve) const BUILT_IN_STREAMS: [&str; 10] = [
    "aws_ec2",
    "aws_ebs",
    "aws_iam",
    "aws_elb",
    "aws_s3",
    "aws_dynamodb",
    "aws_route53",
    "aws_vpc",
    "aws_cloudtrail",
    "aws_metrics",
];

/// Finds settings of sources that can't be.
pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    let aws = &settings.sources.aws;
    if !aws.enabled {
        return;
    }
    forwarded::check(settings, problems);
    for source in all(aws).iter().filter(|source| source.enabled) {
        check_stream(
            &["sources", "aws", source.key, "stream"],
            source.stream,
            settings,
            problems,
        );
    }
    if metrics_on(settings) {
        let setting = ["sources", "aws", "metrics", "stream"];
        check_stream(&setting, &aws.metrics.stream, settings, problems);
    }
    let data_events = [
        ("dynamodb", aws.dynamodb.enabled, &aws.dynamodb.data_events),
        (
            "s3",
            aws.s3.enabled && aws.s3.method == S3Method::DataEvents,
            &aws.s3.data_events,
        ),
    ];
    for (key, on, events) in data_events {
        if on && !events.read && !events.write {
            problems.push(
                &["sources", "aws", key, "data_events"],
                "neither requests that read nor those that write are collected, so nothing is",
                format!(
                    "set `read` or `write` to `true`, or `sources.aws.{key}.enabled` to `false`"
                ),
            );
        }
    }
    let roles = &aws.iam.roles;
    if aws.iam.enabled && !roles.is_empty() && roles.values().all(|on| !on) {
        problems.push(
            &["sources", "aws", "iam", "roles"],
            "no role is watched",
            "set a role to `true`, or `sources.aws.iam.enabled` to `false`; without any entry the cluster's own roles are watched",
        );
    }
    let trail = &aws.cloudtrail;
    if trail.enabled && trail.existing_log_group.is_none() && !trail.read && !trail.write {
        problems.push(
            &["sources", "aws", "cloudtrail"],
            "neither calls that read nor those that write are collected, so nothing is",
            "set `read` or `write` to `true`, or `enabled` to `false`",
        );
    }
    let elb = &aws.elb;
    let kinds = [
        elb.application,
        elb.connections,
        elb.health_checks,
        elb.network,
        Forwarded::ClassicLoadBalancers.is_on(settings),
    ];
    if elb.enabled && kinds.iter().all(|on| !on) {
        nothing("elb", "`application`, `network` or `classic`", problems);
    }
    let machines = [Forwarded::MachineStatus, Forwarded::ConsoleOutput];
    let asks = machines.iter().any(|own| own.is_on(settings));
    if aws.ec2.enabled && !aws.ec2.state_changes && !asks {
        nothing(
            "ec2",
            "`state_changes`, `status` or `console_output`",
            problems,
        );
    }
    if aws.route53.enabled && !aws.route53.public && !aws.route53.resolver {
        nothing("route53", "`public` or `resolver`", problems);
    }
    if aws.route53.enabled && aws.route53.public && !is_standard_partition(settings.region.as_str())
    {
        problems.push(
            &["sources", "aws", "route53", "public"],
            "Route 53 writes queries for public zones to `us-east-1` only, which this Region's accounts don't have",
            "set this to `false`",
        );
    }
    for (name, filter, key) in all(aws).iter().flat_map(|source| {
        source
            .metric_filters
            .iter()
            .map(|(name, filter)| (name, filter, source.key))
    }) {
        let setting = ["sources", "aws", key, "metric_filters", name.as_str()];
        alarms::check_filter(&setting, filter, problems);
    }
}

fn nothing(key: &str, choices: &str, problems: &mut Problems) {
    problems.push(
        &["sources", "aws", key],
        "everything of this source is off, so nothing is collected",
        format!("set {choices} to `true`, or `enabled` to `false`"),
    );
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

/// A log group that a source comes through.
struct Way {
    /// The source, such as `aws.vpc`.
    source: String,
    /// The last part of its name, or all of it.
    name: String,
    region: String,
    stream: String,
    declared: bool,
    /// `events`, `delivery` or `route53`, if the log group's policy lets it in.
    written_by: Option<&'static str>,
}

fn ways(settings: &Settings, cluster: &Identity) -> Vec<Way> {
    let aws = &settings.sources.aws;
    let home = cluster.region.as_str();
    let global = global_region(home);
    let mut ways = Vec::new();
    let sources = all(aws);
    let mut add = |key: &str, part: &str, region: &str, written_by| {
        if let Some(source) = sources
            .iter()
            .find(|source| source.key == key && source.enabled)
        {
            ways.push(Way {
                source: source.id(),
                name: name::log_group_of_source(&cluster.name, part),
                region: region.to_owned(),
                stream: source.stream.to_string(),
                declared: true,
                written_by,
            });
        }
    };
    if aws.ec2.state_changes {
        add("ec2", "ec2", home, Some("events"));
    }
    add("ebs", "ebs", home, Some("events"));
    add("iam", "iam", home, Some("events"));
    if global != home {
        add("iam", "iam", global, Some("events"));
    }
    if aws.elb.application || aws.elb.connections || aws.elb.health_checks || aws.elb.network {
        add("elb", "elb", home, Some("delivery"));
    }
    match aws.s3.method {
        S3Method::ServerAccessLogs => add("s3", "s3", home, Some("delivery")),
        S3Method::DataEvents => add("s3", "s3", home, None),
    }
    add("dynamodb", "dynamodb", home, None);
    if aws.route53.public {
        add("route53", "route53", global, Some("route53"));
    }
    if aws.route53.resolver {
        add("route53", "route53-resolver", home, Some("delivery"));
    }
    add("vpc", "vpc", home, None);
    if aws.cloudtrail.existing_log_group.is_none() {
        add("cloudtrail", "cloudtrail", home, None);
    }
    if let Some(group) = &aws.cloudtrail.existing_log_group
        && aws.enabled
        && aws.cloudtrail.enabled
    {
        ways.push(foreign(
            "aws.cloudtrail",
            group.to_string(),
            home,
            &aws.cloudtrail.stream,
        ));
    }
    if let Some(stream) = eks_stream(settings) {
        // https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
        let group = format!("/aws/eks/{}/cluster", cluster.aws_name);
        ways.push(foreign("kubernetes.control_plane", group, home, stream));
    }
    ways
}

fn foreign(source: &str, name: String, region: &str, stream: &Name) -> Way {
    Way {
        source: source.to_owned(),
        name,
        region: region.to_owned(),
        stream: stream.to_string(),
        declared: false,
        written_by: None,
    }
}

/// The log groups that AWS writes, with who is subscribed to them.
pub(super) fn log_groups(
    settings: &Settings,
    cluster: &Identity,
    streams: &[ResolvedStream],
) -> Vec<AwsLogGroup> {
    let mut groups = Vec::new();
    for way in ways(settings, cluster) {
        let Some(stream) = streams.iter().find(|stream| stream.name == way.stream) else {
            // Its stream isn't there, which has been reported.
            continue;
        };
        let Some(setting) = settings.streams.get(&Name(way.stream.clone())) else {
            continue;
        };
        let part = way.name.rsplit('/').next().unwrap_or_default();
        let logical_id = if way.declared {
            format!("Aws{}", name::logical_id(&part.replace('-', "_")))
        } else if way.source == "aws.cloudtrail" {
            "ExistingTrail".to_owned()
        } else {
            "ControlPlane".to_owned()
        };
        let arns = Arns::new(&cluster.account, &way.region);
        groups.push(AwsLogGroup {
            arn: arns.log_group(&way.name),
            written_by: way.written_by.map(|kind| writer_service(kind, &arns)),
            source: Some(way.source),
            group: LogGroup {
                name: way.name,
                region: way.region,
                logical_id,
                stream: way.stream,
                writer: LogWriter::Aws,
                retention_days: setting.cloudwatch.retention_days,
                declared: way.declared,
                subscriptions: log_group::subscriptions(
                    cluster,
                    stream,
                    &setting.cloudwatch.subscriptions,
                    LogWriter::Aws,
                ),
            },
        });
    }
    groups
}

fn writer_service(kind: &'static str, arns: &Arns<'_>) -> WriterService {
    match kind {
        "events" => WriterService {
            kind,
            principal: "events.amazonaws.com",
            source_arn: arns.rule("logfleet-*"),
        },
        "route53" => WriterService {
            kind,
            principal: "route53.amazonaws.com",
            source_arn: arns.hosted_zones(),
        },
        _ => WriterService {
            kind,
            principal: "delivery.logs.amazonaws.com",
            source_arn: arns.logs(),
        },
    }
}
