//! The rows of AWS's own logs, and of EKS's control plane. Pure.

use super::{End, MissingKind, SourceRow, missing};
use crate::resolve::{AWS_SOURCES, AwsSource, LogGroup, LogSubscription, ResolvedCluster};

/// A row for each source of AWS.
pub(super) fn rows(cluster: &ResolvedCluster) -> Vec<SourceRow> {
    let row = |key: &&str| {
        let source = format!("aws.{key}");
        row(cluster, &source).unwrap_or_else(|| {
            let why =
                format!("switched off by `sources.{source}.enabled` or `sources.aws.enabled`");
            missing(cluster, &source, MissingKind::Gap, &why)
        })
    };
    AWS_SOURCES.iter().map(row).collect()
}

/// The row of a source that comes from AWS, if it is on.
pub(super) fn row(cluster: &ResolvedCluster, source: &str) -> Option<SourceRow> {
    let own = cluster
        .aws
        .sources
        .iter()
        .find(|own| own.source == source)?;
    let mut reads = own.objects.clone();
    reads.extend(own.reads.iter().cloned());
    if own.metrics {
        reads.push("CloudWatch: metrics".to_owned());
    }
    Some(SourceRow {
        cluster: cluster.cluster.name.clone(),
        source: source.to_owned(),
        shipped_by: Some(shipped_by(cluster, own)),
        reads,
        ends: ends(cluster, own),
        files: own.files.clone(),
        missing: None,
        gaps: own.gaps.clone(),
    })
}

fn groups<'c>(
    cluster: &'c ResolvedCluster,
    own: &'c AwsSource,
) -> impl Iterator<Item = &'c LogGroup> {
    cluster.log_groups.iter().filter(|group| {
        own.log_groups
            .iter()
            .any(|(region, name)| *region == group.region && *name == group.name)
    })
}

/// The function of the cluster's own Region does it; others have their own beside it.
fn shipped_by(cluster: &ResolvedCluster, own: &AwsSource) -> String {
    let subscribed = |wanted: fn(&LogSubscription) -> bool| {
        groups(cluster, own).any(|group| group.subscriptions.iter().any(wanted))
    };
    let mut shippers = Vec::new();
    let regions = || cluster.aws.regions.iter();
    if subscribed(|by| matches!(by, LogSubscription::Function { .. })) || !own.reads.is_empty() {
        let functions = regions().filter_map(|region| region.forwarder.as_ref());
        shippers.extend(
            functions
                .take(1)
                .map(|forwarder| format!("function {}", forwarder.function)),
        );
    }
    if subscribed(|by| matches!(by, LogSubscription::Firehose { .. })) {
        let firehoses = regions().flat_map(|region| &region.firehoses);
        shippers.extend(
            firehoses
                .filter(|firehose| firehose.stream == own.stream)
                .take(1)
                .map(|firehose| format!("Firehose {}", firehose.name)),
        );
    }
    if shippers.is_empty() {
        "AWS, to CloudWatch Logs".to_owned()
    } else {
        shippers.join(", ")
    }
}

fn ends(cluster: &ResolvedCluster, own: &AwsSource) -> Vec<End> {
    let Some(stream) = cluster
        .streams
        .iter()
        .find(|stream| stream.name == own.stream)
    else {
        return Vec::new();
    };
    let subscribed: Vec<&LogGroup> = groups(cluster, own).collect();
    let through = |wanted: fn(&LogSubscription) -> bool| {
        let mut found = subscribed.iter();
        found
            .find(|group| group.subscriptions.iter().any(wanted))
            .map(|group| group.name.clone())
    };
    let by_function = through(|by| matches!(by, LogSubscription::Function { .. }));
    let mut ends: Vec<End> = stream
        .destinations
        .iter()
        .map(|server| End::data_stream(stream, server, by_function.clone()))
        .collect();
    for group in &subscribed {
        ends.push(End::log_group(group, None));
        ends.extend(End::elsewhere(group));
    }
    let by_firehose = through(|by| matches!(by, LogSubscription::Firehose { .. }));
    let archives = cluster
        .archives
        .iter()
        .filter(|archive| by_firehose.is_some() && stream.archives.contains(&archive.name));
    ends.extend(archives.map(|archive| End::archive(stream, archive, by_firehose.clone())));
    ends
}
