//! What clusters of one account can't both have. Pure.
//!
//! Names are compared elsewhere; here it is what is chosen by settings: the
//! same tags, the same trail, and numbers that AWS allows an account.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::Source;

use super::super::account::{AccountShare, AccountStack};
use super::super::{LogSubscription, ResolvedCluster};
use super::TagFilter;
use super::quotas::QUOTAS;

/// Trails that an account may have in a Region; one of all Regions counts in each.
const MOST_TRAILS: usize = QUOTAS[0].most;

/// Subscription filters that AWS allows on a log group.
const MOST_SUBSCRIPTIONS: usize = 2;

/// What two or more clusters can't both have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resolve) struct Clash {
    /// The cluster that it is reported for: the last one.
    pub cluster: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What a cluster has in AWS that others of its account can't have, or that
/// an account has only so many of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resolve) struct AwsClaims {
    cluster: String,
    account: String,
    /// The tags of its members, and the Region where they are gathered.
    members: Option<(String, Vec<TagFilter>)>,
    trails: Vec<TrailClaim>,
    subscriptions: Vec<SubscriptionClaim>,
    /// What it shares with others of its account.
    share: Option<AccountShare>,
}

/// The trails that are seen in a Region.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TrailClaim {
    region: String,
    /// Those of all Regions that are made here.
    everywhere: usize,
    /// Those of this Region alone.
    here: usize,
}

/// The subscriptions to a log group that others may be subscribed to as well.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SubscriptionClaim {
    region: String,
    group: String,
    count: usize,
}

impl AwsClaims {
    /// What a cluster claims.
    pub(in crate::resolve) fn of(cluster: &ResolvedCluster) -> Self {
        let regions = &cluster.aws.regions;
        let members = regions.first().and_then(|home| {
            let group = home.resource_group.as_ref()?;
            Some((home.name.clone(), group.tags.clone()))
        });
        let trails = regions.iter().filter_map(|region| {
            let trail = region.trail.as_ref()?;
            let everywhere = usize::from(trail.own.is_some());
            Some(TrailClaim {
                region: region.name.clone(),
                everywhere,
                here: trail.trail_arns.len() - everywhere,
            })
        });
        let shared = cluster.log_groups.iter().filter(|group| !group.declared);
        let subscriptions = shared.map(|group| {
            for subscription in &group.subscriptions {
                let (LogSubscription::Function { .. }
                | LogSubscription::Firehose { .. }
                | LogSubscription::Account { .. }
                | LogSubscription::Own { .. }) = subscription;
            }
            SubscriptionClaim {
                region: group.region.clone(),
                group: group.name.clone(),
                count: group.subscriptions.len(),
            }
        });
        Self {
            cluster: cluster.cluster.name.clone(),
            account: cluster.cluster.account.clone(),
            members,
            trails: trails.collect(),
            subscriptions: subscriptions.collect(),
            share: cluster.aws.share.clone(),
        }
    }

    /// What the cluster shares with others of its account.
    pub(in crate::resolve) fn share(&self) -> Option<&AccountShare> {
        self.share.as_ref()
    }
}

/// Finds what clusters of one account can't both have. They are sorted by name;
/// `stacks` are those of their accounts.
pub(in crate::resolve) fn find_clashes<'c>(
    clusters: impl IntoIterator<Item = &'c AwsClaims> + Clone,
    stacks: &'c [AccountStack],
) -> Vec<Clash> {
    let mut found = same_members(clusters.clone());
    found.extend(too_many_trails(clusters.clone(), stacks));
    found.extend(too_many_subscriptions(clusters));
    found
}

/// Clusters with equal tags would collect each other's logs.
fn same_members<'c>(clusters: impl IntoIterator<Item = &'c AwsClaims>) -> Vec<Clash> {
    let mut owners: BTreeMap<(&str, &str, &[TagFilter]), &str> = BTreeMap::new();
    let mut found = Vec::new();
    for cluster in clusters {
        let name = cluster.cluster.as_str();
        let Some((region, tags)) = &cluster.members else {
            continue;
        };
        let account = cluster.account.as_str();
        if let Some(other) = owners.insert((account, region, tags), name) {
            let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
            found.push(Clash {
                cluster: name.to_owned(),
                message: format!(
                    "the clusters `{other}` and `{name}` claim the same objects of AWS: those with the tag `{}` in account {account}, {region}",
                    keys.join("`, `"),
                ),
                hint: "choose each cluster's own by `sources.aws.resource_group.tags`".to_owned(),
            });
        }
    }
    found
}

fn too_many_trails<'c>(
    clusters: impl IntoIterator<Item = &'c AwsClaims>,
    stacks: &'c [AccountStack],
) -> Vec<Clash> {
    // Trails of all Regions by account, those of one Region by account and Region.
    let mut everywhere: BTreeMap<&str, usize> = BTreeMap::new();
    let mut here: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // Of requests at data there is a trail as soon as a cluster may have members.
    let mut shared: BTreeMap<(&str, &str), BTreeSet<Source>> = BTreeMap::new();
    for cluster in clusters {
        let account = cluster.account.as_str();
        for trails in &cluster.trails {
            *everywhere.entry(account).or_default() += trails.everywhere;
            *here.entry((account, trails.region.as_str())).or_default() += trails.here;
            owners.entry(account).or_default().push(&cluster.cluster);
        }
        if let Some(share) = &cluster.share {
            let sources = share.wants.keys().copied();
            let data = sources.filter(|source| *source != Source::Cloudtrail);
            let of_region = shared.entry((account, share.region.as_str()));
            of_region.or_default().extend(data);
        }
    }
    for (place, sources) in shared {
        *here.entry(place).or_default() += sources.len();
    }
    for stack in stacks {
        let account = stack.account.id.as_str();
        let place = (account, stack.region.name.as_str());
        here.entry(place).or_default();
        if stack.region.trail.iter().any(|trail| trail.own.is_some()) {
            *everywhere.entry(account).or_default() += 1;
        }
    }
    // One account's Regions have the same remedy, so the fullest is reported.
    let mut fullest: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for ((account, region), count) in here {
        let all = count + everywhere.get(account).copied().unwrap_or_default();
        let entry = fullest.entry(account).or_default();
        if all > entry.0 {
            *entry = (all, region);
        }
    }
    fullest
        .into_iter()
        .filter(|(_, (all, _))| *all > MOST_TRAILS)
        .filter_map(|(account, (all, region))| {
            // Without any cluster's own there are three at most.
            let owners = owners.get(account)?;
            Some(Clash {
                cluster: (*owners.last()?).to_owned(),
                message: format!(
                    "the clusters of account {account} would have {all} trails in {region}, and AWS allows {MOST_TRAILS}: `{}` {} own",
                    owners.join("`, `"),
                    if owners.len() == 1 { "has its" } else { "have their" },
                ),
                hint: "let them share the account's trails: remove `sources.aws.account_stack: false`, wherever it is set".to_owned(),
            })
        })
        .collect()
}

/// Clusters that share a trail are all subscribed to its log group.
fn too_many_subscriptions<'c>(clusters: impl IntoIterator<Item = &'c AwsClaims>) -> Vec<Clash> {
    let mut filters: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for cluster in clusters {
        let account = cluster.account.as_str();
        for claim in &cluster.subscriptions {
            let clusters = filters
                .entry((account, claim.region.as_str(), claim.group.as_str()))
                .or_default();
            let subscriptions = std::iter::repeat_n(cluster.cluster.as_str(), claim.count);
            clusters.extend(subscriptions);
        }
    }
    filters
        .into_iter()
        .filter(|(_, clusters)| clusters.len() > MOST_SUBSCRIPTIONS)
        .filter_map(|((account, region, group), clusters)| {
            let last = *clusters.last()?;
            Some(Clash {
                cluster: last.to_owned(),
                message: format!(
                    "the log group `{group}` of account {account}, {region} would have {} subscriptions, by the clusters `{}`, and AWS allows {MOST_SUBSCRIPTIONS}",
                    clusters.len(),
                    clusters.join("`, `")
                ),
                hint: format!(
                    "name it once for the account, which hands each cluster its own events: `accounts.\"{account}\".calls.existing_log_group: {{ name: {group}, region: {region} }}` in `clusters/fleet.yaml`; and remove `sources.aws.cloudtrail.existing_log_group` and `sources.aws.account_stack: false`, wherever they are set"
                ),
            })
        })
        .collect()
}
