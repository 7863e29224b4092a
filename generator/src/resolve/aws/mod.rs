//! What a cluster has in AWS: which stacks, in which Regions, with what in
//! them. Pure.
//!
//! Templates hold the objects of CloudFormation; what is here is what they
//! have to be reported: names, ARNs, which log groups there are and who is
//! subscribed to them.

mod alarms;
pub(super) mod arn;
mod cluster_name;
mod firehose;
mod fleet;
mod forwarded;
mod forwarder;
mod members;
pub(super) mod own_tags;
mod pods;
pub(super) mod quotas;
pub(super) mod resolved;
mod share;
mod source;
mod source_rows;
mod tags;
#[cfg(test)]
mod tests;
mod trail;

use std::collections::BTreeSet;

use logfleet_contract::names::REGION_STACK;

use super::account::AccountShare;
use super::log_group;
use super::name::{self, AwsNames, NameKind};
use super::problem::Problems;
use super::{
    DaemonSet, Identity, LogGroup, LogSubscription, ResolvedArchive, ResolvedDestination,
    ResolvedLogstash, ResolvedStream,
};
use crate::settings::Settings;
use arn::Arns;

pub(super) use alarms::metric_filter;
pub(super) use cluster_name::cluster_name;
pub(super) use fleet::{AwsClaims, Clash, find_clashes};
pub(super) use forwarded::Forwarded;
use resolved::{
    AwsLogGroup, AwsRegion, DeliveryDestination, EventRule, ResolvedAws, ResourceGroupOfRegion,
    Trail, WriterKind,
};
pub(crate) use source::KEYS as SOURCES;
use source::eks;
pub(super) use source::{all as sources, feed, is_built_in_stream, read_only, wanted_streams};
pub use tags::TagFilter;
pub(super) use tags::{CLUSTER_TAG, are_right as are_right_tags};

/// What is resolved already.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub settings: &'a Settings,
    pub cluster: &'a Identity,
    pub streams: &'a [ResolvedStream],
    pub destinations: &'a [ResolvedDestination],
    pub archives: &'a [ResolvedArchive],
    /// The role of the pods, if they need one.
    pub pods_role: Option<&'a str>,
    pub daemon_sets: &'a [DaemonSet],
    pub logstash: Option<&'a ResolvedLogstash>,
}

/// A cluster on its way.
struct Resolving<'a, 'n> {
    settings: &'a Settings,
    cluster: &'a Identity,
    streams: &'a [ResolvedStream],
    destinations: &'a [ResolvedDestination],
    archives: &'a [ResolvedArchive],
    names: &'n mut AwsNames<'a>,
    /// The last part of every data stream's name.
    namespace: String,
    /// Regions with log groups that call a forwarder.
    calling_regions: BTreeSet<String>,
    /// Whether a fault of the forwarder's code has been reported.
    reported_code: bool,
}

impl Resolving<'_, '_> {
    fn give(&mut self, kind: NameKind, region: &str, purpose: &str) -> String {
        self.names.give(kind, region, purpose)
    }

    /// In how many Regions the cluster has a forwarder.
    fn needs_regions(&self) -> usize {
        self.calling_regions.len()
    }
}

/// Resolves the cluster's stacks. Log groups that AWS writes are added to
/// those that shippers write.
pub(super) fn resolve<'a>(
    known: Known<'a>,
    log_groups: &mut Vec<LogGroup>,
    names: &mut AwsNames<'a>,
    problems: &mut Problems,
) -> ResolvedAws {
    let (settings, cluster) = (known.settings, known.cluster);
    source::check(settings, problems);
    check_subscription_patterns(settings, known.streams, problems);
    let mut groups: Vec<AwsLogGroup> = log_groups
        .iter()
        .map(|group| AwsLogGroup {
            arn: Arns::new(&cluster.account, &group.region).log_group(&group.name),
            source: None,
            written_by: None,
            group: group.clone(),
        })
        .collect();
    groups.extend(source::log_groups(settings, cluster, known.streams));
    groups.sort_by(|one, other| {
        (&one.group.region, &one.group.name).cmp(&(&other.group.region, &other.group.name))
    });
    for group in &mut groups {
        log_group::keep_own_region(&mut group.group);
    }
    let every: Vec<&LogGroup> = groups.iter().map(|group| &group.group).collect();
    log_group::check_own(settings, cluster, known.streams, &every, problems);
    alarms::check_stream_filters(settings, known.streams, &groups, problems);
    let mut resolving = Resolving {
        settings,
        cluster,
        streams: known.streams,
        destinations: known.destinations,
        archives: known.archives,
        names,
        namespace: name::namespace(&cluster.name, &settings.index),
        calling_regions: calling_regions(known, &groups),
        reported_code: false,
    };
    let tags = tags::resolve(&settings.sources.aws.resource_group.tags, cluster, problems);
    let own_tags = own_tags::resolve(settings, &tags, problems);
    let trails = trail::resolve(&mut resolving, &groups);
    let share = share::of_cluster(settings, cluster, &groups);
    let mut regions = Vec::new();
    for region in regions_of(known, &groups, share.as_ref(), &resolving) {
        let trail = trails
            .shared
            .as_ref()
            .filter(|_| region == cluster.region)
            .cloned();
        regions.push(region_of(
            &mut resolving,
            &region,
            &groups,
            &tags,
            trail,
            problems,
        ));
    }
    if let Some(home) = regions
        .iter_mut()
        .find(|region| region.name == cluster.region)
    {
        home.pods = known
            .pods_role
            .and_then(|role| pods::role(known, role, &groups));
    }
    if let Some(share) = &share {
        share::register(settings, share, cluster, &mut regions, problems);
    }
    let dashboard = alarms::dashboard(&mut resolving, &regions);
    if let Some(first) = regions.first_mut() {
        first.dashboard = dashboard;
    }
    let (members, fragments) = members::resolve(
        &mut resolving,
        &regions,
        &trails,
        share.as_ref(),
        &groups,
        problems,
    )
    .unzip();
    *log_groups = groups.iter().map(|group| group.group.clone()).collect();
    let sources = source_rows::rows(
        settings,
        &regions,
        &fragments.unwrap_or_default(),
        &groups,
        share.as_ref(),
    );
    let partition = name::partition(&cluster.region);
    ResolvedAws {
        partition: partition.id,
        dns_suffix: partition.dns_suffix,
        tags: own_tags,
        regions,
        members,
        sources,
        share,
    }
}

/// The Regions that a cluster needs a stack in, its own first.
fn regions_of(
    known: Known<'_>,
    groups: &[AwsLogGroup],
    share: Option<&AccountShare>,
    resolving: &Resolving<'_, '_>,
) -> Vec<String> {
    let home = &known.cluster.region;
    let mut regions: BTreeSet<&str> = groups
        .iter()
        .map(|group| group.group.region.as_str())
        .chain(known.archives.iter().map(|archive| archive.region.as_str()))
        .chain(resolving.calling_regions.iter().map(String::as_str))
        // There it is registered.
        .chain(share.map(|_| arn::global_region(home)))
        .collect();
    let needs_home = known.settings.sources.aws.enabled
        || (known.pods_role.is_some() && known.settings.kubernetes.oidc_provider.is_some());
    let home_first = (regions.remove(home.as_str()) || needs_home).then(|| home.clone());
    home_first
        .into_iter()
        .chain(regions.into_iter().map(ToOwned::to_owned))
        .collect()
}

/// The Regions that have a forwarder.
fn calling_regions(known: Known<'_>, groups: &[AwsLogGroup]) -> BTreeSet<String> {
    let settings = known.settings;
    let mut regions: BTreeSet<String> = groups
        .iter()
        .filter(|group| {
            let mut subscriptions = group.group.subscriptions.iter();
            subscriptions.any(|own| matches!(own, LogSubscription::Function { .. }))
        })
        .map(|group| group.group.region.clone())
        .collect();
    let cluster = known.cluster;
    for region in [&*cluster.region, arn::global_region(&cluster.region)] {
        if !forwarder::metrics_of_region(settings, cluster, known.streams, region).is_empty() {
            regions.insert(region.to_owned());
        }
    }
    regions
}

fn region_of(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    groups: &[AwsLogGroup],
    tags: &[TagFilter],
    trail: Option<Trail>,
    problems: &mut Problems,
) -> AwsRegion {
    let aws = &resolving.settings.sources.aws;
    let cluster = resolving.cluster;
    let home = region == cluster.region;
    let arns = Arns::new(&cluster.account, region);
    let groups: Vec<AwsLogGroup> = groups
        .iter()
        .filter(|group| group.group.region == region)
        .cloned()
        .collect();
    let resource_group = (aws.enabled && (home || region == arn::global_region(&cluster.region)))
        .then(|| {
            let name = resolving.give(NameKind::ResourceGroup, region, "members");
            ResourceGroupOfRegion {
                arn: arns.resource_group(&name),
                name,
                tags: tags.to_vec(),
            }
        });
    let forwarder = forwarder::resolve(
        resolving,
        region,
        &groups,
        resource_group.as_ref().map(|group| group.name.as_str()),
        problems,
    );
    let firehoses = firehose::firehoses(resolving, region, &groups);
    let http_firehoses = firehose::http_firehoses(resolving, region, &groups);
    let http_backup =
        (!http_firehoses.is_empty()).then(|| firehose::http_backup(resolving, region));
    let archives = firehoses.iter().map(|firehose| &firehose.arn);
    let endpoints = http_firehoses.iter().map(|firehose| &firehose.arn);
    let made = archives.chain(endpoints).cloned().collect();
    let subscription_role = firehose::subscription_role(resolving, region, &groups, made);
    let has_firehoses = !firehoses.is_empty() || !http_firehoses.is_empty();
    let stack = resolving.give(NameKind::Stack, region, REGION_STACK);
    let (metric_filters, filter_alarms) = alarms::metric_filters(resolving, &groups);
    let mut resolved = AwsRegion {
        firehose_log_group: has_firehoses.then(|| format!("/aws/kinesisfirehose/{stack}")),
        called_functions: firehose::called_functions(&groups),
        http_firehoses,
        http_backup,
        trail,
        archives: firehose::archives(resolving, region),
        firehoses,
        subscription_role,
        forwarder,
        metric_filters,
        alarm_actions: aws
            .alarms
            .actions
            .iter()
            .filter(|(topic, on)| **on && topic.as_str().split(':').nth(3) == Some(region))
            .map(|(topic, _)| topic.to_string())
            .collect(),
        resource_group,
        stack,
        name: region.to_owned(),
        ..AwsRegion::default()
    };
    for source in source::enabled(aws) {
        let id = source.id();
        let written = |kind| find(&groups, &id, kind);
        if let Some(group) = written(WriterKind::Events) {
            resolved
                .event_rules
                .push(event_rule(resolving, source.key, group));
        }
        if let Some(group) = written(WriterKind::Delivery) {
            resolved
                .deliveries
                .push(delivery(resolving, source.key, group));
        }
        source.own.in_region(&mut source::Stacking {
            resolving,
            groups: &groups,
            stack: &mut resolved,
        });
    }
    // EKS makes its own log group, so what hangs on it is the members' stack's.
    let own = groups.into_iter().filter(|group| !eks::makes(group));
    resolved.log_groups = own
        .map(|group| written_by_its_rule(group, &resolved.event_rules, &arns))
        .collect();
    if aws.alarms.enabled {
        resolved.alarms = alarms::of_region(resolving, &resolved);
        resolved.alarms.extend(filter_alarms);
    }
    resolved
}

/// Of all rules, only its own may write a log group.
fn written_by_its_rule(
    mut group: AwsLogGroup,
    rules: &[EventRule],
    arns: &Arns<'_>,
) -> AwsLogGroup {
    let own = rules
        .iter()
        .find(|rule| rule.log_group == group.group.logical_id);
    if let Some((by, rule)) = group.written_by.as_mut().zip(own) {
        by.source_arn = arns.rule(&rule.name);
    }
    group
}

/// The log group of a source that is written in a way.
fn find<'g>(groups: &'g [AwsLogGroup], source: &str, kind: WriterKind) -> Option<&'g AwsLogGroup> {
    groups.iter().find(|group| {
        group.source.as_deref() == Some(source)
            && group.written_by.as_ref().is_some_and(|by| by.kind == kind)
    })
}

/// The rule of EventBridge that a source comes by.
fn event_rule(
    resolving: &mut Resolving<'_, '_>,
    key: &'static str,
    group: &AwsLogGroup,
) -> EventRule {
    EventRule {
        logical_id: name::logical_id(key),
        kind: key,
        name: resolving.give(NameKind::EventRule, &group.group.region, key),
        log_group: group.group.logical_id.clone(),
        log_group_arn: group.arn.clone(),
        roles: Vec::new(),
        role_arns: Vec::new(),
        read_only_events: false,
    }
}

/// Where logs of a source's members are delivered.
fn delivery(
    resolving: &mut Resolving<'_, '_>,
    key: &str,
    group: &AwsLogGroup,
) -> DeliveryDestination {
    let region = &group.group.region;
    let name = resolving.give(NameKind::Delivery, region, key);
    DeliveryDestination {
        logical_id: name::logical_id(key),
        arn: Arns::new(&resolving.cluster.account, region).delivery_destination(&name),
        name,
        log_group: group.group.logical_id.clone(),
        log_group_arn: group.arn.clone(),
    }
}

/// Finds evident mistakes in the patterns of subscriptions.
fn check_subscription_patterns(
    settings: &Settings,
    streams: &[ResolvedStream],
    problems: &mut Problems,
) {
    for stream in streams {
        let Some(setting) = settings
            .streams
            .get(&crate::settings::Name(stream.name.clone()))
        else {
            continue;
        };
        let subscriptions = &setting.cloudwatch.subscriptions;
        for (kind, pattern) in [
            ("function", &subscriptions.function.pattern),
            ("firehose", &subscriptions.firehose.pattern),
            ("account", &subscriptions.account.pattern),
        ] {
            if let Some(fault) = crate::filter_pattern::fault(pattern.as_str()) {
                problems.push(
                    &["streams", &stream.name, "cloudwatch", "subscriptions", kind, "pattern"],
                    format!("this is not a filter pattern: {fault}"),
                    "see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",
                );
            }
        }
    }
}
