//! Regions and ARNs that settings name: those of one partition, and known. Pure.
//!
//! An account belongs to one partition, and nothing crosses its border: no
//! role, no ARN, no request
//! (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).

use super::name;
use super::problem::Problems;
use crate::nearest::did_you_mean;
use crate::partition::{self, Partition};
use crate::settings::{Authentication, Destination, Region, Settings};

/// Finds Regions that AWS hasn't, and what is in another partition than the cluster.
pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    let home = settings.region.as_str();
    if partition::of_region(home).is_none() {
        push_unknown(&["region"], home, problems);
        return;
    }
    let own = name::partition(home);
    for (name, destination) in &settings.destinations {
        let (keys, region): (&[&str], Option<&Region>) = match destination {
            Destination::Cloudwatch(cloudwatch) => (&["region"], cloudwatch.region.as_ref()),
            Destination::S3(archive) => (&["region"], archive.region.as_ref()),
            Destination::Elasticsearch(server) | Destination::Opensearch(server) => {
                match &server.authentication {
                    Authentication::AwsSigv4 { region, .. } => {
                        (&["authentication", "region"], region.as_ref())
                    }
                    _ => continue,
                }
            }
        };
        if let Some(region) = region {
            let setting = [&["destinations", name.as_str()], keys].concat();
            check_region(&setting, region.as_str(), home, problems);
        }
    }
    check_arns(settings, own, problems);
}

/// Tells of a Region that AWS hasn't, or that the cluster's account can't reach.
pub(super) fn check_region(setting: &[&str], region: &str, home: &str, problems: &mut Problems) {
    let own = name::partition(home);
    match partition::of_region(region) {
        None => push_unknown(setting, region, problems),
        Some(other) if other != own => problems.push(
            setting,
            format!(
                "`{region}` is in the partition `{}`, and the cluster's Region `{home}` in `{}`: an account reaches one partition only",
                other.id, own.id
            ),
            format!("choose a Region of `{}`", own.id),
        ),
        Some(_) => {}
    }
}

/// Tells of a Region that isn't in the table.
fn push_unknown(setting: &[&str], region: &str, problems: &mut Problems) {
    problems.push(
        setting,
        format!("AWS has no Region `{region}`"),
        did_you_mean(region, regions())
            .unwrap_or_else(|| "a Region newer than this gen needs a newer gen".to_owned()),
    );
}

/// ARNs that name another partition than the cluster's.
fn check_arns(settings: &Settings, own: &Partition, problems: &mut Problems) {
    let mut check = |setting: &[&str], arn: &str| {
        let partition = arn.split(':').nth(1).unwrap_or_default();
        if partition != own.id {
            problems.push(
                setting,
                format!(
                    "this ARN is in the partition `{partition}`, and the cluster in `{}`",
                    own.id
                ),
                format!("correct it: it must begin with `arn:{}:`", own.id),
            );
        }
    };
    if let Some(role) = &settings.kubernetes.role_arn {
        check(&["kubernetes", "role_arn"], role.as_str());
    }
    for topic in settings.sources.aws.alarms.actions.keys() {
        check(
            &["sources", "aws", "alarms", "actions", topic.as_str()],
            topic.as_str(),
        );
    }
    for (name, stream) in &settings.streams {
        let account = &stream.cloudwatch.subscriptions.account;
        if let Some(arn) = &account.destination_arn {
            check(
                &[
                    "streams",
                    name.as_str(),
                    "cloudwatch",
                    "subscriptions",
                    "account",
                    "destination_arn",
                ],
                arn.as_str(),
            );
        }
    }
}

/// The names of all Regions that this program knows.
fn regions() -> impl Iterator<Item = &'static str> {
    let partitions = partition::PARTITIONS.iter();
    partitions.flat_map(|partition| partition.regions).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::nearest;

    #[test]
    fn a_mistyped_region_is_recognized() {
        assert_eq!(nearest("eu-centrl-1", regions()), Some("eu-central-1"));
        assert_eq!(nearest("moon-base-alpha-1", regions()), None);
    }
}
