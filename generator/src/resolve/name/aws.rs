//! Names of what the cluster has in AWS: which were given, and those that only
//! templates need. How they are made is [`logfleet_contract::names`]. Pure.

use std::collections::BTreeSet;

use logfleet_contract::names::{PREFIX, aws_name, hash};
use serde::Serialize;

use super::super::Identity;
use crate::partition::{self, Partition};

pub use logfleet_contract::names::NameKind;

/// A name that a cluster's output gives to an object of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AwsName {
    /// What it names.
    pub kind: NameKind,
    /// Where no two may be the same: everywhere, in an account, or in an account's Region.
    pub space: String,
    /// The name.
    pub name: String,
}

/// Gives a cluster its names, and remembers them, so that the whole fleet's
/// can be compared.
#[derive(Debug)]
pub(in crate::resolve) struct AwsNames<'a> {
    cluster: &'a Identity,
    given: BTreeSet<AwsName>,
}

impl<'a> AwsNames<'a> {
    pub(in crate::resolve) fn new(cluster: &'a Identity) -> Self {
        Self {
            cluster,
            given: BTreeSet::new(),
        }
    }

    /// Names an object in a Region by its purpose in the cluster.
    pub(in crate::resolve) fn give(
        &mut self,
        kind: NameKind,
        region: &str,
        purpose: &str,
    ) -> String {
        let Identity { name, account, .. } = self.cluster;
        let name = aws_name(kind, name, account, region, purpose);
        self.given.insert(AwsName {
            kind,
            space: kind.space(&self.cluster.account, region),
            name: name.clone(),
        });
        name
    }

    /// Remembers a name that a user chose.
    pub(in crate::resolve) fn chosen(&mut self, kind: NameKind, region: &str, name: &str) {
        self.given.insert(AwsName {
            kind,
            space: kind.space(&self.cluster.account, region),
            name: name.to_owned(),
        });
    }

    /// All names that were given.
    pub(in crate::resolve) fn into_given(self) -> BTreeSet<AwsName> {
        self.given
    }
}

<<<<<<< HEAD
/// The partition that a Region is in:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
pub(in crate::resolve) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
=======
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

fn hash(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text)[..HASH_DIGITS / 2])
}

/// The partition that a Region is in. A Region that the table lacks is a fault
/// of its own ([`super::super::region`]), so what is taken for it is never rendered.
pub(in crate::resolve) fn partition(region: &str) -> &'static Partition {
    partition::of_region(region).unwrap_or(&partition::PARTITIONS[0])
>>>>>>> aws-facts
}

/// The ARN of a role.
pub(in crate::resolve) fn role_arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:{}:iam::{account}:role/{name}", partition(region).id)
}

/// A subscription filter. Its name is the log group's own, which clusters may share.
pub(in crate::resolve) fn subscription_filter(cluster: &str, kind: &str) -> String {
    format!("{PREFIX}-{cluster}-{kind}")
}

/// A name as part of a logical id of CloudFormation, which has letters and
/// digits only: `aws_vpc` is `AwsVpc`. A name that can't be told from it again,
/// such as `aws-vpc`, gets a hash.
pub(in crate::resolve) fn logical_id(name: &str) -> String {
    let mut id = String::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut chars = part.chars();
        id.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(chars.as_str());
    }
    let mut back = String::new();
    for c in id.chars() {
        if c.is_ascii_uppercase() && !back.is_empty() {
            back.push('_');
        }
        back.push(c.to_ascii_lowercase());
    }
    if back == name {
        id
    } else {
        format!("{id}{}", hash(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
<<<<<<< HEAD
=======
    use crate::settings::Distribution;

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
        let identity = Identity {
            name: cluster.to_owned(),
            slug: String::new(),
            aws_name: cluster.to_owned(),
            environment: "production".to_owned(),
            distribution: Distribution::Kops,
            region: "ap-southeast-1".to_owned(),
            account: "111122223333".to_owned(),
        };
        AwsNames::new(&identity).give(kind, "ap-southeast-1", purpose)
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
>>>>>>> aws-facts

    #[test]
    fn logical_ids_have_letters_and_digits_and_are_told_apart() {
        let ids = [
            "aws_vpc",
            "aws-vpc",
            "awsvpc",
            "aws.vpc",
            "a_1",
            "a1",
            "control_plane",
        ]
        .map(logical_id);
        insta::assert_snapshot!(ids.join("\n"), @r"
        AwsVpc
        AwsVpcc287ac67
        Awsvpc
        AwsVpcbd509d02
        A11426674c
        A1
        ControlPlane
        ");
    }
}
