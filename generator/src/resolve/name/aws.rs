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

/// The partition that a Region is in. A Region that the table lacks is a fault
/// of its own ([`super::super::region`]), so what is taken for it is never rendered.
pub(in crate::resolve) fn partition(region: &str) -> &'static Partition {
    partition::of_region(region).unwrap_or(&partition::PARTITIONS[0])
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

    #[test]
    fn logical_ids_have_letters_and_digits_and_are_reported_apart() {
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
