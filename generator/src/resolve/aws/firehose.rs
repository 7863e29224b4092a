//! Archives, and the Firehoses that write log events into them. Pure.

use std::collections::BTreeMap;

use super::super::LogSubscription;
use super::super::name::{self, NameKind};
use super::Resolving;
use super::arn::Arns;
use super::resolved::{ArchiveBucket, AwsLogGroup, Firehose, SubscriptionRole};

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

/// The role that hands log events to the Firehoses of a Region.
pub(super) fn subscription_role(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
) -> SubscriptionRole {
    SubscriptionRole {
        role: resolving.give(NameKind::Role, region, &format!("subscriptions-{region}")),
        source_arn: Arns::new(&resolving.cluster.account, region).logs(),
    }
}
