//! Names of what the cluster has in AWS. Pure.
//!
//! A name is `logfleet-<cluster>-<purpose>`. The cluster's dots become `-`,
//! which most kinds of names allow only; two clusters that are alike then are
//! refused anyway. Where the whole is too long for its kind, the cluster's
//! part is shortened and a hash of it added; a purpose that has to change for
//! its kind gets a hash, too. So a name depends on nothing but what it names,
//! and two names are different where what they name is.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// How every name begins.
pub const PREFIX: &str = "logfleet";

/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 8;

/// A kind of object, with the limits of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html>
    Stack,
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>; names are global.
    Bucket,
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>; names are the account's.
    Role,
    /// As [`NameKind::Role`], but 128 characters.
    ManagedPolicy,
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
    Function,
    /// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>
    EventRule,
    /// <https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html>
    Firehose,
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDeliverySource.html>
    Delivery,
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html>
    LogsResourcePolicy,
    /// <https://docs.aws.amazon.com/ARG/latest/APIReference/API_CreateGroup.html>
    ResourceGroup,
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html>
    Trail,
    /// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_route53resolver_CreateResolverQueryLogConfig.html>
    ResolverQueryLog,
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
    Queue,
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
    Alarm,
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html>; names are the account's.
    Dashboard,
    /// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>
    Schedule,
    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html>
    SystemsManager,
}

impl NameKind {
    /// The most characters that its names have.
    pub fn longest(self) -> usize {
        match self {
            Self::Delivery => 60,
            Self::Bucket => 63,
            Self::Role
            | Self::Function
            | Self::EventRule
            | Self::Firehose
            | Self::ResolverQueryLog
            | Self::Schedule => 64,
            Self::Queue => 80,
            Self::Stack
            | Self::ManagedPolicy
            | Self::ResourceGroup
            | Self::Trail
            | Self::SystemsManager => 128,
            Self::Alarm | Self::Dashboard | Self::LogsResourcePolicy => 255,
        }
    }

    /// What it is, in a sentence.
    pub fn article(self) -> &'static str {
        match self {
            Self::Stack => "a stack",
            Self::Bucket => "a bucket",
            Self::Role => "a role",
            Self::ManagedPolicy => "a policy",
            Self::Function => "a function",
            Self::EventRule => "an event rule",
            Self::Firehose => "a Firehose",
            Self::Delivery => "a log delivery",
            Self::LogsResourcePolicy => "a resource policy",
            Self::ResourceGroup => "a resource group",
            Self::Trail => "a trail",
            Self::ResolverQueryLog => "a resolver query log",
            Self::Queue => "a queue",
            Self::Alarm => "an alarm",
            Self::Dashboard => "a dashboard",
            Self::Schedule => "a schedule",
            Self::SystemsManager => "a document",
        }
    }

    /// Whether its names may hold `_`; all may hold lower-case letters, digits and `-`.
    fn allows_underscore(self) -> bool {
        !matches!(self, Self::Stack | Self::Bucket)
    }

    /// In which space no two may be the same: everywhere, in an account, or in
    /// an account's Region.
    pub fn space(self, account: &str, region: &str) -> String {
        match self {
            Self::Bucket => String::new(),
            Self::Role | Self::ManagedPolicy | Self::Dashboard => account.to_owned(),
            _ => format!("{account} {region}"),
        }
    }
}

/// The name of an object in a Region by its purpose in the cluster.
pub fn aws_name(
    kind: NameKind,
    cluster: &str,
    account: &str,
    region: &str,
    purpose: &str,
) -> String {
    match kind {
        // Buckets of all accounts and Regions of the world share one space.
        NameKind::Bucket => fit(kind, cluster, purpose, &format!("-{account}-{region}")),
        _ => fit(kind, cluster, purpose, ""),
    }
}

/// What stands in place of the cluster's name where an object is an account's.
/// A cluster of this name would have some names twice, which `gen` refuses.
pub const ACCOUNT: &str = "account";

/// The name of an object that an account has once in a Region, by its purpose.
pub fn account_name(kind: NameKind, account: &str, region: &str, purpose: &str) -> String {
    aws_name(kind, ACCOUNT, account, region, purpose)
}

/// The stack of `_accounts/<account>/<region>/stack.json`.
pub fn account_stack() -> String {
    fit(NameKind::Stack, ACCOUNT, REGION_STACK, "")
}

/// A stack of members of all of an account's clusters, by the number that it
/// has in [`Composition::stacks`](crate::members::Composition::stacks).
pub fn account_members_stack(number: usize) -> String {
    members_stack(ACCOUNT, number)
}

/// The purpose in the name of the stack of `aws/<region>/stack.json`.
pub const REGION_STACK: &str = "aws";

/// The stack of `aws/<region>/stack.json`. Stacks of different Regions may have one name.
pub fn region_stack(cluster: &str) -> String {
    fit(NameKind::Stack, cluster, REGION_STACK, "")
}

/// The stack of `machines/stack.json`.
pub fn machines_stack(cluster: &str) -> String {
    fit(NameKind::Stack, cluster, "machines", "")
}

/// A stack of members, by the number that it has in
/// [`Composition::stacks`](crate::members::Composition::stacks).
pub fn members_stack(cluster: &str, number: usize) -> String {
    fit(NameKind::Stack, cluster, &format!("members-{number}"), "")
}

/// `logfleet-<cluster>-<purpose><end>`, as long as its kind allows.
fn fit(kind: NameKind, cluster: &str, purpose: &str, end: &str) -> String {
    let own_purpose = if kind.allows_underscore() || !purpose.contains('_') {
        purpose.to_owned()
    } else {
        format!("{}-{}", purpose.replace('_', "-"), hash(purpose))
    };
    let mut slug = cluster.replace('.', "-");
    let whole = format!("{PREFIX}-{slug}-{own_purpose}{end}");
    // Trails allow no two such characters side by side.
    let adjacent = kind == NameKind::Trail && slug.contains("--");
    while adjacent && slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    if whole.len() <= kind.longest() && !adjacent {
        return whole;
    }
    let short = |text: &str, room: usize| {
        let cut = &text[..text.len().min(room)];
        cut.trim_end_matches(['-', '_']).to_owned()
    };
    let room = kind.longest() - (PREFIX.len() + HASH_DIGITS + "---".len() + end.len());
    // The purpose tells more than the cluster's name, which all have; but half is the cluster's.
    let short_purpose = short(&own_purpose, room - slug.len().min(room / 2));
    let short_slug = short(&slug, room - short_purpose.len());
    // A name that is cut for its cluster only is recognized by one hash in all purposes.
    let hash = if short_purpose == own_purpose {
        hash(cluster)
    } else {
        hash(&format!("{cluster}\n{purpose}"))
    };
    format!("{PREFIX}-{short_slug}-{hash}-{short_purpose}{end}")
}

/// Eight hexadecimal digits that tell texts apart where a name has no room for them.
pub fn hash(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text)[..HASH_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [NameKind; 17] = [
        NameKind::Stack,
        NameKind::Bucket,
        NameKind::Role,
        NameKind::ManagedPolicy,
        NameKind::Function,
        NameKind::EventRule,
        NameKind::Firehose,
        NameKind::Delivery,
        NameKind::LogsResourcePolicy,
        NameKind::ResourceGroup,
        NameKind::Trail,
        NameKind::ResolverQueryLog,
        NameKind::Queue,
        NameKind::Alarm,
        NameKind::Dashboard,
        NameKind::Schedule,
        NameKind::SystemsManager,
    ];

    fn named(kind: NameKind, cluster: &str, purpose: &str) -> String {
        aws_name(kind, cluster, "111122223333", "ap-southeast-1", purpose)
    }

    #[test]
    fn a_short_name_is_whole_and_a_long_one_keeps_its_ends() {
        let long = "manager-live-2.eu-central-1.k8s.example-company.com";
        let names: Vec<String> = [
            (NameKind::Role, "prod-eu.k8s.example.com", "forwarder"),
            (NameKind::Role, long, "forwarder"),
            (NameKind::Bucket, "prod-eu.k8s.example.com", "archive"),
            (NameKind::Bucket, "a", "dead_letters"),
            (
                NameKind::Delivery,
                long,
                "0123456789abcdef0123456789abcdef0123456789abcdef",
            ),
        ]
        .map(|(kind, cluster, purpose)| named(kind, cluster, purpose))
        .to_vec();
        insta::assert_snapshot!(names.join("\n"), @r"
        logfleet-prod-eu-k8s-example-com-forwarder
        logfleet-manager-live-2-eu-central-1-k8s-exam-14753c79-forwarder
        logfleet-prod-eu-k-bf97c4ae-archive-111122223333-ap-southeast-1
        logfleet-a-dead-letters-81e0a6c1-111122223333-ap-southeast-1
        logfleet-manager-live-2-eu-ce-343c6128-0123456789abcdef01234
        ");
    }

    proptest! {
        #[test]
        fn names_keep_their_kinds_rules(
            cluster in "[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?",
            purpose in "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?",
        ) {
            for kind in KINDS {
                let name = named(kind, &cluster, &purpose);
                prop_assert!(name.len() <= kind.longest(), "{kind:?} {name}");
                let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
                    || (c == '_' && kind.allows_underscore());
                prop_assert!(name.chars().all(allowed), "{kind:?} {name}");
                prop_assert!(name.ends_with(|c: char| c.is_ascii_alphanumeric()), "{kind:?} {name}");
                // Trails allow no two such characters side by side.
                if (kind == NameKind::Trail || !cluster.contains("--")) && !purpose.contains(['-', '_']) {
                    prop_assert!(!name.contains("--"), "{kind:?} {name}");
                }
            }
        }

        #[test]
        fn different_things_have_different_names(
            one in "[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?",
            other in "[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?",
            purpose in "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?",
            other_purpose in "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?",
        ) {
            for kind in KINDS {
                if one != other {
                    prop_assert_ne!(named(kind, &one, &purpose), named(kind, &other, &purpose));
                }
                if purpose != other_purpose {
                    prop_assert_ne!(named(kind, &one, &purpose), named(kind, &one, &other_purpose));
                }
            }
        }
    }
}
