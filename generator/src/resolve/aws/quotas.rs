//! What AWS allows an account only so many of, and how many a cluster needs. Pure.
//!
//! The one table of it: `gen check` refuses a fleet that exceeds what nobody can
//! raise, and docs/aws.md lists the others with the numbers that a cluster needs.

use std::collections::BTreeMap;

use super::super::ResolvedCluster;
use super::super::name::NameKind;

/// A quota of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What is counted.
    pub kind: NameKind,
    /// The service, as Service Quotas names it.
    pub service: &'static str,
    /// The quota, as Service Quotas names it.
    pub name: &'static str,
    /// How many there may be where nobody raised it.
    pub most: usize,
    /// Whether AWS raises it on request.
    pub adjustable: bool,
    /// The page that says so.
    pub source: &'static str,
}

/// The quotas that many clusters of one account and Region come near.
pub const QUOTAS: [Quota; 5] = [
    Quota {
        kind: NameKind::Trail,
        service: "AWS CloudTrail",
        name: "Trails per Region",
        most: 5,
        adjustable: false,
        source: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html",
    },
    Quota {
        kind: NameKind::ResolverQueryLog,
        service: "Amazon Route 53 Resolver",
        name: "Query log configurations per AWS Region",
        most: 20,
        adjustable: true,
        source: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html",
    },
    Quota {
        kind: NameKind::ResourceGroup,
        service: "AWS Resource Groups",
        name: "Resource groups per account",
        most: 100,
        adjustable: true,
        source: "https://docs.aws.amazon.com/general/latest/gr/arg.html",
    },
    // 100 in af-south-1 and eu-south-1.
    Quota {
        kind: NameKind::EventRule,
        service: "Amazon EventBridge",
        name: "Number of rules",
        most: 300,
        adjustable: true,
        source: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
    },
    Quota {
        kind: NameKind::Role,
        service: "AWS Identity and Access Management",
        name: "Roles per account",
        most: 1000,
        adjustable: true,
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    },
];

/// How many of a kind a cluster needs in each space in which they are counted:
/// its account, or a Region of it.
pub fn needed(cluster: &ResolvedCluster, kind: NameKind) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in cluster.aws_names.iter().filter(|name| name.kind == kind) {
        *counts.entry(name.space.clone()).or_default() += 1;
    }
    counts
}
