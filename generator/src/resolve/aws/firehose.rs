//! Archives, the Firehoses that write log events into them, and what of the user's
//! gets log events. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::name::{self, NameKind};
use super::super::{CopyDestination, LogSubscription};
use super::Resolving;
use super::arn::Arns;
use super::resolved::{
    ArchiveBucket, AwsLogGroup, CalledFunction, Firehose, HttpBackup, HttpFirehose,
    SubscriptionRole,
};

/// The archives whose buckets are in a Region.
pub(super) fn archives(resolving: &Resolving<'_, '_>, region: &str) -> Vec<ArchiveBucket> {
    resolving
        .archives
        .iter()
        .filter(|archive| archive.region == region)
        .map(|archive| ArchiveBucket {
            logical_id: name::logical_id(&archive.name),
            archive: archive.clone(),
        })
        .collect()
}

/// One Firehose for each stream that log groups of a Region bring to an archive.
pub(super) fn firehoses(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    groups: &[AwsLogGroup],
) -> Vec<Firehose> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for group in groups {
        for subscription in &group.group.subscriptions {
            if let LogSubscription::Firehose { archive, .. } = subscription {
                wanted.insert(group.group.stream.clone(), archive.clone());
            }
        }
    }
    let arns = Arns::new(&resolving.cluster.account, region);
    let mut found = Vec::new();
    for (stream, archive) in wanted {
        let archives = resolving.archives;
        let Some(archive) = archives.iter().find(|own| own.name == archive) else {
            continue;
        };
        let name = resolving.give(NameKind::Firehose, region, &stream);
        found.push(Firehose {
            logical_id: name::logical_id(&stream),
            arn: arns.firehose(&name),
            name,
            stream: stream.clone(),
            role: resolving.give(
                NameKind::Role,
                region,
                &format!("firehose-{stream}-{region}"),
            ),
            bucket_arn: arns.bucket(&archive.bucket),
            archive: (archive.region == region).then(|| name::logical_id(&archive.name)),
            prefix: format!("{}{stream}/", archive.prefix),
            error_prefix: format!("errors/{}{stream}/", archive.prefix),
        });
    }
    found
}

/// The Firehoses of a Region that send to endpoints of HTTP.
pub(super) fn http_firehoses(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    groups: &[AwsLogGroup],
) -> Vec<HttpFirehose> {
    let account = resolving.cluster.account.clone();
    let arns = Arns::new(&account, region);
    let mut found: BTreeMap<String, HttpFirehose> = BTreeMap::new();
    for (group, subscription) in subscriptions(groups) {
        let LogSubscription::Own {
            key,
            logical_id,
            to:
                CopyDestination::HttpEndpoint {
                    url,
                    secret_arn,
                    retry_seconds,
                    buffer_seconds,
                    buffer_mebibytes,
                },
            ..
        } = subscription
        else {
            continue;
        };
        if found.contains_key(logical_id) {
            continue;
        }
        let purpose = format!("http-{}-{key}", group.group.stream);
        let name = resolving.give(NameKind::Firehose, region, &purpose);
        let role = format!("firehose-{purpose}-{region}");
        let firehose = HttpFirehose {
            logical_id: logical_id.clone(),
            arn: arns.firehose(&name),
            name,
            role: resolving.give(NameKind::Role, region, &role),
            prefix: format!("{}-{key}", group.group.stream),
            endpoint: key.clone(),
            url: url.clone(),
            secret_arn: secret_arn.clone(),
            retry_seconds: *retry_seconds,
            buffer_seconds: *buffer_seconds,
            buffer_mebibytes: *buffer_mebibytes,
        };
        found.insert(logical_id.clone(), firehose);
    }
    found.into_values().collect()
}

/// The bucket of a Region with what endpoints of HTTP didn't take.
pub(super) fn http_backup(resolving: &mut Resolving<'_, '_>, region: &str) -> HttpBackup {
    let bucket = resolving.give(NameKind::Bucket, region, "http");
    HttpBackup {
        arn: Arns::new(&resolving.cluster.account, region).bucket(&bucket),
        bucket,
        expiry_days: resolving.settings.sources.aws.dead_letters.expiry_days,
    }
}

/// The functions of the user's that log groups of a Region call.
pub(super) fn called_functions(groups: &[AwsLogGroup]) -> Vec<CalledFunction> {
    let called = subscriptions(groups).filter_map(|(group, subscription)| match subscription {
        LogSubscription::Own {
            logical_id,
            to: CopyDestination::Function { arn },
            ..
        } => Some(CalledFunction {
            logical_id: format!("{}{logical_id}", group.group.logical_id),
            arn: arn.clone(),
            source_arn: format!("{}:*", group.arn),
        }),
        _ => None,
    });
    called.collect()
}

fn subscriptions(groups: &[AwsLogGroup]) -> impl Iterator<Item = (&AwsLogGroup, &LogSubscription)> {
    let pairs = groups.iter().map(|group| {
        let own = group.group.subscriptions.iter();
        own.map(move |subscription| (group, subscription))
    });
    pairs.flatten()
}

/// The role that hands log events to the Firehoses of a Region, and to the
/// user's streams that have no role of their own; none without any.
pub(super) fn subscription_role(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    groups: &[AwsLogGroup],
    made: Vec<String>,
) -> Option<SubscriptionRole> {
    let mut firehose_arns: BTreeSet<String> = made.into_iter().collect();
    let mut kinesis_arns = BTreeSet::new();
    for (_, subscription) in subscriptions(groups) {
        let LogSubscription::Own {
            to:
                CopyDestination::Stream {
                    arn,
                    role_arn: None,
                },
            ..
        } = subscription
        else {
            continue;
        };
        if arn.split(':').nth(2) == Some("kinesis") {
            kinesis_arns.insert(arn.clone());
        } else {
            firehose_arns.insert(arn.clone());
        }
    }
    if firehose_arns.is_empty() && kinesis_arns.is_empty() {
        return None;
    }
    Some(SubscriptionRole {
        role: resolving.give(NameKind::Role, region, &format!("subscriptions-{region}")),
        source_arn: Arns::new(&resolving.cluster.account, region).logs(),
        firehose_arns: firehose_arns.into_iter().collect(),
        kinesis_arns: kinesis_arns.into_iter().collect(),
    })
}
