//! What a cluster shares with others of its account, and how it is registered
//! there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::{LARGEST_REGISTRATION, Registration, Source, VERSION, Wanted};
use logfleet_contract::names;

use super::super::Identity;
use super::super::account::AccountShare;
use super::super::problem::Problems;
use super::arn::global_region;
use super::resolved::{AwsLogGroup, AwsRegion, RegionRegistration};
use super::role_patterns;
use crate::settings::{DataEvents, Distribution, S3Method, Settings};

/// What a cluster wants of its account's stacks; none if it has all by itself.
pub(super) fn of_cluster(
    settings: &Settings,
    cluster: &Identity,
    groups: &[AwsLogGroup],
) -> Option<AccountShare> {
    let aws = &settings.sources.aws;
    if !aws.enabled || !aws.account_stack {
        return None;
    }
    let trail = &aws.cloudtrail;
    let calls = DataEvents {
        read: trail.read,
        write: trail.write,
    };
    let excluded = trail.exclude.iter().filter(|(_, on)| **on);
    let excluded = excluded.map(|(service, _)| service.to_string()).collect();
    let mut wants = BTreeMap::new();
    let mut want = |source: Source, on: bool, events: &DataEvents, exclude: BTreeSet<String>| {
        let id = format!("aws.{}", source.word());
        // One that another trail writes is read as it is.
        let group = groups.iter().find(|group| {
            group.source.as_ref() == Some(&id)
                && group.group.declared
                && group.group.region == cluster.region
        });
        if let Some(group) = group.filter(|_| on) {
            let wanted = Wanted {
                region: cluster.region.clone(),
                log_group: group.group.name.clone(),
                read: events.read,
                write: events.write,
                exclude,
            };
            wants.insert(source, wanted);
        }
    };
    want(Source::Cloudtrail, true, &calls, excluded);
    want(
        Source::Dynamodb,
        true,
        &aws.dynamodb.data_events,
        BTreeSet::new(),
    );
    want(
        Source::S3,
        aws.s3.method == S3Method::DataEvents,
        &aws.s3.data_events,
        BTreeSet::new(),
    );
    (!wants.is_empty()).then(|| AccountShare {
        cluster: cluster.name.clone(),
        account: cluster.account.clone(),
        region: cluster.region.clone(),
        wants,
        expiry_days: trail.expiry_days,
    })
}

/// Registers the cluster in its stack of the Region of global services, where
/// the account's distributors of all Regions look.
pub(super) fn register(
    settings: &Settings,
    share: &AccountShare,
    cluster: &Identity,
    regions: &mut [AwsRegion],
    problems: &mut Problems,
) {
    let groups = regions.iter().filter_map(|region| {
        let group = region.resource_group.as_ref()?;
        Some((region.name.clone(), group.name.clone()))
    });
    let value = Registration {
        version: VERSION,
        cluster: cluster.name.clone(),
        resource_groups: groups.collect(),
        roles: role_patterns(settings, cluster).into_iter().collect(),
        eks: (cluster.distribution == Distribution::Eks).then(|| cluster.aws_name.clone()),
        sources: share.wants.clone(),
    };
    // These types hold nothing that JSON hasn't.
    let bytes = serde_json::to_string(&value).unwrap_or_default().len();
    if bytes > LARGEST_REGISTRATION {
        problems.push(
            &["sources", "aws", "iam", "roles"],
            format!("what the account's distributor must know of the cluster has {bytes} bytes, and a parameter {LARGEST_REGISTRATION}"),
            "name fewer roles, by patterns with `*`",
        );
    }
    let home = global_region(&cluster.region);
    if let Some(region) = regions.iter_mut().find(|region| region.name == home) {
        region.registration = Some(RegionRegistration {
            name: names::registration(&cluster.name),
            value,
        });
    }
}
