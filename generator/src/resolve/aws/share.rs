//! What a cluster shares with others of its account, and how it is registered
//! there. Pure.

use std::collections::BTreeMap;

use logfleet_contract::account::{LARGEST_REGISTRATION, Registration, Source, VERSION, Wanted};
use logfleet_contract::names;

use super::super::Identity;
use super::super::account::AccountShare;
use super::super::problem::Problems;
use super::arn::global_region;
use super::resolved::{AwsLogGroup, AwsRegion, RegionRegistration};
use super::source::role_patterns;
use super::trail;
use crate::settings::{Distribution, Settings};

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
    let wants: BTreeMap<Source, Wanted> = trail::wanted(settings, cluster, groups)
        .into_iter()
        .map(|(source, (trail, group))| {
            let wanted = Wanted {
                region: cluster.region.clone(),
                log_group: group.group.name.clone(),
                read: trail.events.read,
                write: trail.events.write,
                exclude: trail.exclude,
            };
            (source, wanted)
        })
        .collect();
    (!wants.is_empty()).then(|| AccountShare {
        cluster: cluster.name.clone(),
        account: cluster.account.clone(),
        region: cluster.region.clone(),
        wants,
        expiry_days: aws.cloudtrail.expiry_days,
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
        roles: role_patterns(&settings.sources.aws.iam, cluster)
            .into_iter()
            .collect(),
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
