//! What EKS or kops calls the cluster: one name, from which its tags, its roles
//! and its log group follow. Pure.

use super::super::problem::Problems;
use super::tags::CLUSTER_TAG;
use crate::settings::{Distribution, Settings};

const SETTING: [&str; 3] = ["sources", "aws", "cluster_name"];

/// The cluster's name in AWS: what is set; else what the tags of its objects
/// say; else the cluster's own.
pub(in crate::resolve) fn cluster_name(settings: &Settings, problems: &mut Problems) -> String {
    let aws = &settings.sources.aws;
    let tagged = tagged_name(settings);
    let name = match (&aws.cluster_name, tagged) {
        (Some(name), tagged) => {
            if let Some(other) = tagged.filter(|other| *other != name.as_str()) {
                problems.push(
                    &SETTING,
                    format!(
                        "the cluster is called `{name}` here, and `{other}` by the tag `{CLUSTER_TAG}{other}`"
                    ),
                    "correct one of them; without `sources.aws.resource_group.tags` the tag follows the name",
                );
            }
            name.as_str()
        }
        (None, Some(tagged)) => tagged,
        (None, None) => settings.name.as_str(),
    };
    // https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
    if settings.distribution == Distribution::Eks && aws.enabled && name.contains('.') {
        // Where nothing else is said, it is the cluster's own name that EKS can't have.
        let said: &[&str] = if aws.cluster_name.is_some() {
            &SETTING
        } else if tagged.is_some() {
            &["sources", "aws", "resource_group", "tags"]
        } else {
            &["name"]
        };
        problems.push(
            said,
            format!("no EKS cluster can be called `{name}`: EKS allows no `.` in a name"),
            "set `sources.aws.cluster_name` to the name that `aws eks list-clusters` prints",
        );
    }
    name.to_owned()
}

/// The name in the one tag of Kubernetes by which the cluster's objects are chosen.
fn tagged_name(settings: &Settings) -> Option<&str> {
    let tags = &settings.sources.aws.resource_group.tags;
    let mut names = tags.keys().filter_map(|key| key.strip_prefix(CLUSTER_TAG));
    let name = names.next().filter(|name| !name.is_empty())?;
    names.next().is_none().then_some(name)
}
