//! What the reconciler does in AWS: where, by which roles, and what these may do. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::partition;
use serde::Serialize;

use super::super::FleetCluster;
use super::super::problem::Problems;
use super::clusters::{EksCluster, ResolvedReconcilerCluster};
use super::policy::{self, Names, Policy};
use super::servers::{AdministratorRole, ResolvedReconcilerServer};
use crate::sentence::list;
use crate::settings::{Reconciler, ReconcilerAws};

/// What is set for AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedReconcilerAws {
    /// The role of the pods.
    pub role_arn: String,
    /// Its name.
    pub role_name: String,
    /// Its path.
    pub role_path: String,
    /// The Region whose services the pods ask first.
    pub region: String,
    /// The OIDC provider by which the pods take the role on.
    pub oidc_provider: Option<String>,
    /// The name of the role in each account.
    pub assumed_role: Option<String>,
    /// What trust policies ask for.
    pub external_id: Option<String>,
    /// How stacks are made; none if they are left alone.
    pub stacks: Option<ResolvedStacks>,
    /// Where passwords are kept.
    pub secret_stores: Vec<SecretStore>,
    /// The accounts in which something is done.
    pub accounts: BTreeSet<String>,
    /// The policies of the reconciler's own role: the first is part of the role, the others are managed ones.
    pub own_policies: Vec<Policy>,
    /// The same of the role in each account; empty without one.
    pub account_policies: Vec<Policy>,
}

/// How stacks are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedStacks {
    /// The fleet's name in tags.
    pub owner: String,
    /// The role that CloudFormation works as.
    pub cloudformation_role: String,
    /// The bucket for templates: its name and how keys begin.
    pub templates: Option<ResolvedBucket>,
    /// The bucket for records.
    pub records: Option<ResolvedBucket>,
    /// The clusters, each with where it is.
    pub clusters: BTreeMap<String, ReconciledPlace>,
    /// Everywhere that is looked at.
    pub also: BTreeSet<ReconciledPlace>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedBucket {
    /// Its name.
    pub bucket: String,
    /// Its Region, where that is set.
    pub region: Option<String>,
    /// How keys begin.
    pub prefix: String,
}

/// An account in a Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReconciledPlace {
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
}

/// AWS Secrets Manager in an account and a Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretStore {
    /// Its name.
    pub name: String,
    /// The Region.
    pub region: String,
    /// The role to assume; none for the reconciler's own account.
    pub role_arn: Option<String>,
    /// The clusters whose passwords it has.
    pub clusters: BTreeSet<String>,
}

/// Resolves it; none if nothing is to be done in AWS.
pub(super) fn resolve(
    own: &Reconciler,
    clusters: &[&FleetCluster],
    servers: &[ResolvedReconcilerServer],
    takers: &[ResolvedReconcilerCluster],
    problems: &mut Problems,
) -> Option<ResolvedReconcilerAws> {
    let settings = &own.aws;
    let in_eks: Vec<&EksCluster> = takers.iter().filter_map(|own| own.eks.as_ref()).collect();
    let stored = find_stored(clusters);
    let roles: Vec<&AdministratorRole> = servers
        .iter()
        .filter_map(|server| server.administrator_role.as_ref())
        .collect();
    let Some(role_arn) = &settings.role_arn else {
        refuse_without_role(own, &stored, servers, !in_eks.is_empty(), problems);
        return None;
    };
    let role_arn = role_arn.as_str();
    let mut parts = role_arn.splitn(6, ':');
    let of_partition = parts.nth(1).unwrap_or_default();
    let own_account = parts.nth(2).unwrap_or_default();
    let path = parts.next().unwrap_or_default();
    let path = path.strip_prefix("role").unwrap_or(path);
    let (role_path, role_name) = path.rsplit_once('/').unwrap_or(("", path));
    let stacks = stacks(settings, clusters, problems);
    let mut places: BTreeSet<ReconciledPlace> = stored.keys().cloned().collect();
    places.extend(stacks.iter().flat_map(|stacks| stacks.also.iter().cloned()));
    places.extend(in_eks.iter().map(|cluster| ReconciledPlace {
        account: cluster.account.clone(),
        region: cluster.region.clone(),
    }));
    let accounts: BTreeSet<String> = places.iter().map(|place| place.account.clone()).collect();
    let others: Vec<&str> = accounts
        .iter()
        .map(String::as_str)
        .filter(|account| *account != own_account)
        .collect();
    if settings.assumed_role.is_none() && !others.is_empty() {
        problems.push(
            &["reconciler", "aws", "assumed_role"],
            format!(
                "the reconciler's role is in the account {own_account}, and clusters are in {}",
                list(&others)
            ),
            "name the role that it assumes in each account",
        );
    }
    let strange = places.iter().find(|place| {
        partition::of_region(&place.region).is_some_and(|own| own.id != of_partition)
    });
    if let Some(place) = strange {
        problems.push(
            &["reconciler", "aws", "role_arn"],
            format!(
                "a role of the partition `{of_partition}` can do nothing in {}, where the account {} has something",
                place.region, place.account
            ),
            "run a separate reconciler for each partition, with a separate fleet",
        );
    }
    let secret_stores: Vec<SecretStore> = stored
        .iter()
        .map(|(place, stored)| SecretStore {
            name: format!("{}-{}", place.account, place.region),
            region: place.region.clone(),
            role_arn: role_in(settings, &place.account),
            clusters: stored.clusters.clone(),
        })
        .collect();
    let secrets = stored.values().flat_map(|stored| stored.secrets.iter());
    let names = Names {
        assumed_role: settings.assumed_role.as_ref().map(ToString::to_string),
        cloudformation_role: stacks.as_ref().map(|own| own.cloudformation_role.clone()),
        templates: bucket_of(stacks.as_ref().and_then(|own| own.templates.as_ref())),
        records: bucket_of(stacks.as_ref().and_then(|own| own.records.as_ref())),
        has_stacks: stacks.is_some(),
        has_stores: !stored.is_empty(),
        domain_roles: roles
            .iter()
            .filter_map(|own| own.role_arn.clone())
            .collect(),
        domains: roles
            .iter()
            .filter(|own| own.role_arn.is_none())
            .map(|own| own.domain_arn.clone())
            .collect(),
        secrets: secrets.cloned().collect(),
        eks_clusters: in_eks.iter().map(|own| own.arn()).collect(),
    };
    let region = places
        .iter()
        .find(|place| place.account == own_account)
        .or(places.first())
        .map(|place| place.region.clone())
        .or_else(|| roles.first().map(|own| own.region.clone()))?;
    Some(ResolvedReconcilerAws {
        role_arn: role_arn.to_owned(),
        role_name: role_name.to_owned(),
        role_path: format!("{role_path}/"),
        region,
        oidc_provider: settings.oidc_provider.as_ref().map(ToString::to_string),
        assumed_role: names.assumed_role.clone(),
        external_id: settings.external_id.as_ref().map(ToString::to_string),
        own_policies: policy::of_own(&names),
        account_policies: policy::of_account(&names),
        stacks,
        secret_stores,
        accounts,
    })
}

/// The role that the reconciler assumes in an account, if it assumes one.
pub(super) fn role_in(settings: &ReconcilerAws, account: &str) -> Option<String> {
    let own = settings.role_arn.as_ref()?;
    let role = settings.assumed_role.as_ref()?;
    let partition = own.as_str().split(':').nth(1).unwrap_or_default();
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

fn bucket_of(bucket: Option<&ResolvedBucket>) -> Option<String> {
    bucket.map(|own| own.bucket.clone())
}

/// The passwords of one place.
#[derive(Default)]
struct Stored {
    clusters: BTreeSet<String>,
    /// Names or ARNs of secrets.
    secrets: BTreeSet<String>,
}

fn find_stored(clusters: &[&FleetCluster]) -> BTreeMap<ReconciledPlace, Stored> {
    let mut found: BTreeMap<ReconciledPlace, Stored> = BTreeMap::new();
    for cluster in clusters {
        let destinations = cluster.reconciled.destinations.iter();
        for secret in destinations.filter_map(|own| own.secret.clone()) {
            let stored = found.entry(place_of(cluster)).or_default();
            stored.clusters.insert(cluster.cluster.name.clone());
            stored.secrets.insert(secret);
        }
    }
    found
}

fn place_of(cluster: &FleetCluster) -> ReconciledPlace {
    ReconciledPlace {
        account: cluster.cluster.account.clone(),
        region: cluster.cluster.region.clone(),
    }
}

/// Without a role nothing can be done in AWS, so nothing may need it.
fn refuse_without_role(
    own: &Reconciler,
    stored: &BTreeMap<ReconciledPlace, Stored>,
    servers: &[ResolvedReconcilerServer],
    has_eks_tokens: bool,
    problems: &mut Problems,
) {
    let domain = servers
        .iter()
        .find(|server| server.administrator_role.is_some());
    let clusters: Vec<&str> = stored
        .values()
        .flat_map(|stored| stored.clusters.iter().map(String::as_str))
        .collect();
    if !clusters.is_empty() {
        problems.push(
            &["reconciler", "aws", "role_arn"],
            format!(
                "the reconciler keeps the credentials of {} in AWS Secrets Manager, and has no role for it",
                list(&clusters)
            ),
            "name the role of its pods",
        );
    } else if let Some(server) = domain {
        problems.push(
            &["reconciler", "aws", "role_arn"],
            format!(
                "the reconciler signs in at `{}` by a role, and has none",
                server.name
            ),
            format!(
                "name the role of its pods; or set `reconciler.servers.{}.secret` to the Secret with a password",
                server.name
            ),
        );
    } else if has_eks_tokens {
        problems.push(
            &["reconciler", "aws", "role_arn"],
            "the reconciler signs in at clusters of EKS by a role, and has none",
            "name the role of its pods; or remove `reconciler.eks_tokens`",
        );
    } else if own.aws.owner.is_some() {
        problems.push(
            &["reconciler", "aws", "role_arn"],
            "the reconciler has no role to create stacks with",
            "name the role of its pods, or remove `owner`",
        );
    }
}

fn stacks(
    settings: &ReconcilerAws,
    clusters: &[&FleetCluster],
    problems: &mut Problems,
) -> Option<ResolvedStacks> {
    let Some(owner) = &settings.owner else {
        for (key, is_set) in [
            (
                "cloudformation_role",
                settings.cloudformation_role.is_some(),
            ),
            ("templates", settings.templates.is_some()),
            ("records", settings.records.is_some()),
            ("also", settings.also.values().flatten().any(|(_, on)| *on)),
        ] {
            if is_set {
                problems.push(
                    &["reconciler", "aws", key],
                    "stacks aren't managed without `owner`",
                    "set `owner`, or remove this",
                );
            }
        }
        return None;
    };
    if settings.cloudformation_role.is_none() {
        problems.push(
            &["reconciler", "aws", "cloudformation_role"],
            "without it the reconciler itself would need every permission that templates need",
            "name a role that `cloudformation.amazonaws.com` may take on",
        );
    }
    let mut also: BTreeSet<ReconciledPlace> = BTreeSet::new();
    for cluster in clusters {
        also.extend(
            cluster
                .reconciled
                .regions
                .iter()
                .map(|region| ReconciledPlace {
                    account: cluster.cluster.account.clone(),
                    region: region.clone(),
                }),
        );
    }
    for (account, regions) in &settings.also {
        for (region, _) in regions.iter().filter(|(_, on)| **on) {
            let place = ReconciledPlace {
                account: account.to_string(),
                region: region.to_string(),
            };
            let (account, region) = (place.account.as_str(), place.region.as_str());
            let setting = ["reconciler", "aws", "also", account, region];
            if partition::of_region(region).is_none() {
                problems.push(
                    &setting,
                    format!("AWS has no Region `{region}` that this release knows"),
                    "correct it",
                );
            } else if also.contains(&place) {
                problems.push(
                    &setting,
                    "the reconciler looks there anyway, since clusters are in it",
                    "remove it",
                );
            }
            also.insert(place);
        }
    }
    Some(ResolvedStacks {
        owner: owner.to_string(),
        cloudformation_role: settings
            .cloudformation_role
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        templates: settings.templates.as_ref().map(|own| ResolvedBucket {
            bucket: own.bucket.to_string(),
            region: None,
            prefix: own
                .prefix
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        }),
        records: settings.records.as_ref().map(|own| ResolvedBucket {
            bucket: own.bucket.to_string(),
            region: Some(own.region.to_string()),
            prefix: own
                .prefix
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        }),
        clusters: clusters
            .iter()
            .map(|cluster| (cluster.cluster.name.clone(), place_of(cluster)))
            .collect(),
        also,
    })
}
