//! What is kept of a cluster when it has been resolved and rendered: what the
//! checks between clusters compare, and what the fleet's own files say. Pure.
//!
//! A resolved cluster takes about a quarter of a megabyte, this a few kilobytes.

use std::collections::BTreeSet;

use super::aws::AwsClaims;
use super::{AccountShare, AwsName, FleetCluster, ResolvedCluster};

/// A resolved cluster as other clusters see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSummary {
    /// What the fleet's own files say of it.
    pub of_fleet: FleetCluster,
    pub(super) aws_names: BTreeSet<AwsName>,
    pub(super) aws: AwsClaims,
}

impl ClusterSummary {
    /// Keeps what is compared.
    pub fn of(cluster: &ResolvedCluster) -> Self {
        Self {
            of_fleet: FleetCluster::of(cluster),
            aws_names: cluster.aws_names.clone(),
            aws: AwsClaims::of(cluster),
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
