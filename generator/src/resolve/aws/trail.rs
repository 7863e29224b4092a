//! Trails of CloudTrail that are the cluster's own: of calls, and of requests at
//! its members' data. Those of the account are [`super::super::account`]'s. Pure.

use super::super::name::NameKind;
use super::Resolving;
use super::arn::Arns;
use super::resolved::{AwsLogGroup, DataTrail, OwnTrail, Trail};
use super::source::read_only;
use crate::settings::{DataEvents, S3Method};

/// The trails of a cluster, all in its own Region.
#[derive(Debug, Default)]
pub(super) struct Trails {
    /// For the cluster's stack.
    pub shared: Option<Trail>,
    /// For the members' stack: requests at tables.
    pub tables: Option<DataTrail>,
    /// For the members' stack: requests at buckets.
    pub buckets: Option<DataTrail>,
}

/// Resolves them; none where the account's are shared.
pub(super) fn resolve(resolving: &mut Resolving<'_, '_>, groups: &[AwsLogGroup]) -> Trails {
    let aws = &resolving.settings.sources.aws;
    if aws.account_stack {
        return Trails::default();
    }
    let region = resolving.cluster.region.clone();
    let arns = Arns::new(&resolving.cluster.account, &region);
    let find = |source: &str| {
        groups.iter().find(|group| {
            group.source.as_deref() == Some(source)
                && group.group.declared
                && group.group.region == region
        })
    };
    let own_group = find("aws.cloudtrail");
    let tables = find("aws.dynamodb");
    let buckets = find("aws.s3").filter(|_| aws.s3.method == S3Method::DataEvents);
    if own_group.is_none() && tables.is_none() && buckets.is_none() {
        return Trails::default();
    }
    let bucket = resolving.give(NameKind::Bucket, &region, "trails");
    let role = resolving.give(NameKind::Role, &region, "trails");
    let own = own_group.map(|group| OwnTrail {
        name: resolving.give(NameKind::Trail, &region, "calls"),
        log_group: group.group.logical_id.clone(),
        read_only: read_only(&DataEvents {
            read: aws.cloudtrail.read,
            write: aws.cloudtrail.write,
        }),
        exclude: aws
            .cloudtrail
            .exclude
            .iter()
            .filter(|(_, on)| **on)
            .map(|(service, _)| service.to_string())
            .collect(),
    });
    let role_arn = arns.role(&role);
    let mut data = |group: Option<&AwsLogGroup>, purpose, events: &DataEvents| {
        group.map(|group| DataTrail {
            name: resolving.give(NameKind::Trail, &region, purpose),
            bucket: bucket.clone(),
            role_arn: role_arn.clone(),
            log_group_arn: group.arn.clone(),
            read_only: read_only(events),
        })
    };
    let table_trail = data(tables, "tables", &aws.dynamodb.data_events);
    let bucket_trail = data(buckets, "buckets", &aws.s3.data_events);
    let names = own
        .iter()
        .map(|trail| &trail.name)
        .chain(table_trail.iter().map(|trail| &trail.name))
        .chain(bucket_trail.iter().map(|trail| &trail.name));
    let shared = Trail {
        trail_arns: names.map(|name| arns.trail(name)).collect(),
        log_group_arns: [own_group, tables, buckets]
            .into_iter()
            .flatten()
            .map(|group| group.arn.clone())
            .collect(),
        expiry_days: aws.cloudtrail.expiry_days,
        own,
        bucket,
        role,
    };
    Trails {
        shared: Some(shared),
        tables: table_trail,
        buckets: bucket_trail,
    }
}
