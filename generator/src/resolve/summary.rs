//! What is kept of a cluster when it has been resolved and rendered: what the
//! checks between clusters compare, and what the fleet's own files say. Pure.
//!
//! A resolved cluster takes about a quarter of a megabyte, this a few kilobytes.

use std::collections::BTreeSet;

use super::aws::AwsClaims;
use super::idle::IdleSetting;
use super::{AccountShare, AwsName, FleetCluster, ResolvedCluster};

/// A resolved cluster as other clusters see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSummary {
    /// What the fleet's own files say of it.
    pub of_fleet: FleetCluster,
    pub(super) aws_names: BTreeSet<AwsName>,
    pub(super) aws: AwsClaims,
    /// The destinations that its streams go to; none where it has no stream.
    pub(super) destinations: Option<BTreeSet<String>>,
    /// Settings that have no effect on it.
    pub(super) idle: Vec<IdleSetting>,
}

impl ClusterSummary {
    /// Keeps what is compared.
    pub fn of(cluster: &ResolvedCluster) -> Self {
        Self {
            of_fleet: FleetCluster::of(cluster),
            aws_names: cluster.aws_names.clone(),
            aws: AwsClaims::of(cluster),
            destinations: destinations(cluster),
            idle: cluster.idle.clone(),
        }
    }

    /// What it shares with others of its account.
    pub fn share(&self) -> Option<&AccountShare> {
        self.aws.share()
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.of_fleet.cluster.name
    }
}

/// The names of the destinations that streams go to.
fn destinations(cluster: &ResolvedCluster) -> Option<BTreeSet<String>> {
    let servers = cluster.destinations.iter().map(|own| &own.name);
    let cloudwatch = cluster.cloudwatch.iter().map(|own| &own.name);
    let archives = cluster.archives.iter().map(|own| &own.name);
    let names = servers.chain(cloudwatch).chain(archives).cloned();
    (!cluster.streams.is_empty()).then(|| names.collect())
}
