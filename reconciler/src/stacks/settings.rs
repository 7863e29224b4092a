//! The part `aws` of the settings. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::fault::Fault;

/// How stacks are made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// What stacks are marked with as this fleet's: two fleets in one account never touch each other's stacks.
    pub owner: String,
    /// The name of the role to assume in each account. Without it, only the reconciler's own account is reached.
    #[serde(default)]
    pub role: Option<String>,
    /// What the trust policies of these roles ask for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The name of the role that CloudFormation works as, in each account. Without it, CloudFormation may do what
    /// `role` may.
    #[serde(default)]
    pub cloudformation_role: Option<String>,
    /// Where templates are put that are too large for a request.
    #[serde(default)]
    pub templates: Option<TemplateBucket>,
    /// Where it is recorded what was set by API.
    #[serde(default)]
    pub records: Option<RecordBucket>,
    /// The account and Region of clusters that render no forwarder, which would say so.
    #[serde(default)]
    pub clusters: BTreeMap<String, Place>,
    /// Accounts and Regions that are looked at though no cluster is in them any more.
    #[serde(default)]
    pub also: Vec<Place>,
    /// How many stacks are changed at a time.
    #[serde(default = "at_a_time")]
    pub at_a_time: usize,
    /// How many minutes a stack may take.
    #[serde(default = "minutes")]
    pub minutes: u64,
}

fn at_a_time() -> usize {
    8
}

fn minutes() -> u64 {
    60
}

/// A bucket for templates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateBucket {
    /// Its name; `{account}` and `{region}` stand for those of the stack.
    pub bucket: String,
    /// What keys begin with.
    #[serde(default)]
    pub prefix: String,
}

/// A bucket for records, in the reconciler's own account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordBucket {
    /// Its name.
    pub bucket: String,
    /// Its Region.
    pub region: String,
    /// What keys begin with.
    #[serde(default)]
    pub prefix: String,
}

impl TemplateBucket {
    /// The bucket of a place.
    pub fn of(&self, place: &Place) -> String {
        self.bucket
            .replace("{account}", &place.account)
            .replace("{region}", &place.region)
    }
}

impl Aws {
    /// Tells what is wrong with it.
    pub fn check(&self, file: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        // <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html>
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.owner.is_empty() || self.owner.len() > 64 || !self.owner.chars().all(fits) {
            faults.push(
                Fault::new(file, format!("`aws.owner` can't be `{}`", self.owner))
                    .hint("name the fleet by up to 64 letters, digits, `-`, `_` and `.`"),
            );
        }
        if self.at_a_time == 0 || self.minutes == 0 {
            faults.push(Fault::new(
                file,
                "`aws.at_a_time` and `aws.minutes` must be at least 1",
            ));
        }
        for (cluster, place) in &self.clusters {
            if !place.is_valid() {
                faults.push(Fault::new(
                    file,
                    format!("`aws.clusters.{cluster}` must have an `account` of twelve digits and a `region`"),
                ));
            }
        }
        faults
    }
}

/// What stacks are marked with. CloudFormation passes these on to their resources, so that none of them changes
/// with a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mark {
    /// Whose fleet it is of.
    pub owner: String,
    /// The cluster; none for an account's stack.
    pub cluster: Option<String>,
}

impl Mark {
    const OWNER: &'static str = "logfleet:owner";
    const CLUSTER: &'static str = "logfleet:cluster";
    /// No cluster's name begins with `_`.
    const ACCOUNT: &'static str = "_account";

    /// The tags.
    pub fn tags(&self) -> [(&'static str, &str); 2] {
        let cluster = self.cluster.as_deref().unwrap_or(Self::ACCOUNT);
        [(Self::OWNER, &self.owner), (Self::CLUSTER, cluster)]
    }

    /// Reads it from tags.
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        let cluster = tags.get(Self::CLUSTER)?;
        Some(Self {
            owner: tags.get(Self::OWNER)?.clone(),
            cluster: (cluster != Self::ACCOUNT).then(|| cluster.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Aws {
        serde_saphyr::from_str(text).expect("settings")
    }

    #[test]
    fn a_bucket_may_be_each_regions_own() {
        let aws = parsed("{ owner: example, templates: { bucket: 'a-{account}-{region}' } }");
        let place = Place::new("111122223333", "eu-central-1");
        let bucket = aws.templates.as_ref().map(|own| own.of(&place));
        assert_eq!(bucket.as_deref(), Some("a-111122223333-eu-central-1"));
        assert!(aws.check("settings.yaml").is_empty());
    }

    #[test]
    fn what_can_not_be_is_told() {
        let aws = parsed(
            "{ owner: 'a b', at_a_time: 0, clusters: { alpha: { account: '1', region: x } } }",
        );
        assert_eq!(aws.check("settings.yaml").len(), 3);
    }

    #[test]
    fn a_mark_is_read_from_tags() {
        for cluster in [None, Some("alpha".to_owned())] {
            let mark = Mark {
                owner: "example".to_owned(),
                cluster,
            };
            let tags = mark
                .tags()
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(Mark::of(&BTreeMap::from(tags)), Some(mark));
        }
        assert_eq!(Mark::of(&BTreeMap::new()), None);
    }
}
