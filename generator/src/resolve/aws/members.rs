//! What hangs on members of the resource group. Pure.

use std::collections::BTreeMap;

use logfleet_contract::account::Source;

use super::super::account::{self, AccountShare};
use super::super::name::NameKind;
use super::super::problem::Problems;
use super::Resolving;
use super::arn::{Arns, global_region};
use super::resolved::{AwsLogGroup, AwsRegion, DataTrail, DeliveredLog, DeliveredMembers, Members};
use super::source::{self, eks};
use super::trail::Trails;

/// Stands for a member's hash where a name is made: as long as that is.
const HASH: &str = "0123456789abcdef";

/// What is resolved when it is put together, source by source.
pub(super) struct Composing<'c, 'a, 'n> {
    pub resolving: &'c mut Resolving<'a, 'n>,
    /// The stack of the cluster's own Region.
    pub home: &'c AwsRegion,
    pub groups: &'c [AwsLogGroup],
    trails: &'c Trails,
    share: Option<&'c AccountShare>,
    pub members: Members,
    pub problems: &'c mut Problems,
    /// The fragments of the source.
    fragments: Vec<&'static str>,
}

impl Composing<'_, '_, '_> {
    /// Of the cluster's own Region.
    pub(super) fn arns(&self) -> Arns<'_> {
        Arns::new(&self.resolving.cluster.account, &self.home.name)
    }

    /// Members whose logs a delivery of the stack takes: of each kind whether it is on, its
    /// part of logical ids, its type, and its part of names.
    pub(super) fn delivered(
        &mut self,
        logical_id: &str,
        fragment: &'static str,
        logs: &[(bool, &'static str, &'static str, &str)],
    ) -> Option<DeliveredMembers> {
        let mut deliveries = self.home.deliveries.iter();
        let delivery = deliveries.find(|delivery| delivery.logical_id == logical_id)?;
        let names = &mut *self.resolving.names;
        let on = logs.iter().filter(|(on, ..)| *on);
        let logs: Vec<DeliveredLog> = on
            .map(|(_, logical_id, log_type, purpose)| DeliveredLog {
                logical_id,
                log_type,
                source_name: names
                    .give(
                        NameKind::Delivery,
                        &self.home.name,
                        &format!("{purpose}-{HASH}"),
                    )
                    .replace(HASH, "${member.hash}"),
            })
            .collect();
        (!logs.is_empty()).then(|| {
            self.fragment(fragment);
            DeliveredMembers {
                destination_arn: delivery.arn.clone(),
                logs,
            }
        })
    }

    /// Notes that the source has a fragment below `aws/members/`.
    pub(super) fn fragment(&mut self, name: &'static str) {
        if !self.fragments.contains(&name) {
            self.fragments.push(name);
        }
    }

    /// The cluster's own trail of requests at members' data.
    pub(super) fn data_trail(
        &mut self,
        source: Source,
        fragment: &'static str,
    ) -> Option<DataTrail> {
        let trail = self.trails.data.get(&source)?;
        self.fragment(fragment);
        Some(trail.clone())
    }

    /// Whether members join a trail of the account.
    pub(super) fn joins(&mut self, source: Source, fragment: &'static str) -> bool {
        let joins = self
            .share
            .is_some_and(|own| own.wants.contains_key(&source));
        if joins {
            self.fragment(fragment);
        }
        joins
    }
}

/// The fragments below `aws/members/` by the key of the source that has them.
pub(super) type Fragments = BTreeMap<&'static str, Vec<&'static str>>;

/// Puts it together.
pub(super) fn resolve(
    resolving: &mut Resolving<'_, '_>,
    regions: &[AwsRegion],
    trails: &Trails,
    share: Option<&AccountShare>,
    groups: &[AwsLogGroup],
    problems: &mut Problems,
) -> Option<(Members, Fragments)> {
    let aws = &resolving.settings.sources.aws;
    let cluster = resolving.cluster;
    if !aws.enabled {
        return None;
    }
    let home = regions.iter().find(|own| own.name == cluster.region)?;
    let mut composing = Composing {
        resolving,
        home,
        groups,
        trails,
        share,
        members: Members::default(),
        problems,
        fragments: Vec::new(),
    };
    composing.members.own_buckets = own_buckets(regions, share, &composing.arns());
    composing.members.eks = eks::member(&composing);
    composing.members.region.clone_from(&cluster.region);
    let mut fragments = Fragments::new();
    for source in source::enabled(aws) {
        source.own.in_members(&mut composing);
        fragments.insert(source.key, std::mem::take(&mut composing.fragments));
    }
    Some((composing.members, fragments))
}

/// The buckets that the cluster's stacks and those of its account make.
pub(super) fn own_buckets(
    regions: &[AwsRegion],
    share: Option<&AccountShare>,
    arns: &Arns<'_>,
) -> Vec<String> {
    let shared = share.into_iter().flat_map(|share| {
        let regions = [share.region.as_str(), global_region(&share.region)];
        regions.map(|region| account::buckets(&share.account, region))
    });
    let mut found: Vec<String> = regions
        .iter()
        .flat_map(|region| {
            let archives = region
                .archives
                .iter()
                .map(|archive| &archive.archive.bucket);
            let forwarder = region.forwarder.iter().map(|own| &own.dead_letter_bucket);
            let trail = region.trail.iter().map(|trail| &trail.bucket);
            let classic = region.classic.iter().map(|classic| &classic.bucket);
            let backup = region.http_backup.iter().map(|backup| &backup.bucket);
            archives
                .chain(forwarder)
                .chain(trail)
                .chain(classic)
                .chain(backup)
        })
        .map(|bucket| arns.bucket(bucket))
        .chain(shared.flatten().map(|bucket| arns.bucket(&bucket)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
