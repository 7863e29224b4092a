//! Trails of CloudTrail that are the cluster's own: of calls, and of requests at
//! its members' data. Those of the account are [`super::super::account`]'s. Pure.

use std::collections::BTreeMap;

use logfleet_contract::account::Source as AccountSource;

use super::super::Identity;
use super::super::name::NameKind;
use super::Resolving;
use super::arn::Arns;
use super::resolved::{AwsLogGroup, DataTrail, OwnTrail, Trail};
use super::source::{self, TrailOfSource, read_only};
use crate::settings::Settings;

/// The trails of a cluster, all in its own Region.
#[derive(Debug, Default)]
pub(super) struct Trails {
    /// For the cluster's stack.
    pub shared: Option<Trail>,
    /// For the members' stack: requests at their data.
    pub data: BTreeMap<AccountSource, DataTrail>,
}

/// Resolves them; none where the account's are shared.
pub(super) fn resolve(resolving: &mut Resolving<'_, '_>, groups: &[AwsLogGroup]) -> Trails {
    let aws = &resolving.settings.sources.aws;
    let wanted = wanted(resolving.settings, resolving.cluster, groups);
    if aws.account_stack || wanted.is_empty() {
        return Trails::default();
    }
    let region = &resolving.cluster.region.clone();
    let arns = Arns::new(&resolving.cluster.account, region);
    let mut shared = Trail {
        own: None,
        bucket: resolving.give(NameKind::Bucket, region, "trails"),
        expiry_days: aws.cloudtrail.expiry_days,
        role: resolving.give(NameKind::Role, region, "trails"),
        trail_arns: Vec::new(),
        log_group_arns: Vec::new(),
    };
    let mut data = BTreeMap::new();
    for (source, (trail, group)) in wanted {
        let name = resolving.give(NameKind::Trail, region, trail.purpose);
        shared.trail_arns.push(arns.trail(&name));
        shared.log_group_arns.push(group.arn.clone());
        let read_only = read_only(&trail.events);
        if source == AccountSource::Cloudtrail {
            shared.own = Some(OwnTrail {
                name,
                log_group: group.group.logical_id.clone(),
                read_only,
                exclude: trail.exclude.into_iter().collect(),
            });
        } else {
            let trail = DataTrail {
                name,
                bucket: shared.bucket.clone(),
                role_arn: arns.role(&shared.role),
                log_group_arn: group.arn.clone(),
                read_only,
            };
            data.insert(source, trail);
        }
    }
    Trails {
        shared: Some(shared),
        data,
    }
}

/// What trails write down for the cluster, with the log group in its own Region that it
/// comes through. One that another trail writes is read as it is.
pub(super) fn wanted<'g>(
    settings: &Settings,
    cluster: &Identity,
    groups: &'g [AwsLogGroup],
) -> BTreeMap<AccountSource, (TrailOfSource, &'g AwsLogGroup)> {
    let sources = source::enabled(&settings.sources.aws);
    sources
        .filter_map(|source| {
            let trail = source.own.trail()?;
            let id = source.id();
            let group = groups.iter().find(|group| {
                group.source.as_ref() == Some(&id)
                    && group.group.declared
                    && group.group.region == cluster.region
            })?;
            Some((trail.source, (trail, group)))
        })
        .collect()
}
