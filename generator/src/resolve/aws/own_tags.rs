//! The tags of what the rendered stacks make. Pure.

use std::collections::BTreeMap;

use super::super::problem::Problems;
use super::tags::TagFilter;
use crate::settings::{AwsTagKey, AwsTagValue, Settings};

/// AWS keeps these to itself, in any case of letters:
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.
const RESERVED: &str = "aws:";

/// The cluster's tags, of which nothing may be wrong. `group` are those that
/// members of its resource group have.
pub(super) fn resolve(
    settings: &Settings,
    group: &[TagFilter],
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let tags = plain(&settings.aws.tags);
    for key in reserved(&settings.aws.tags) {
        problems.push(
            &["aws", "tags", key],
            format!("AWS keeps tags that begin with `{RESERVED}` to itself"),
            "choose another key",
        );
    }
    for (account, own) in &settings.accounts {
        for key in reserved(&own.tags) {
            problems.push(
                &["accounts", account.as_str(), "tags", key],
                format!("AWS keeps tags that begin with `{RESERVED}` to itself"),
                "choose another key",
            );
        }
    }
    if !group.is_empty() && group.iter().all(|filter| has(&tags, filter)) {
        let keys: Vec<String> = group
            .iter()
            .map(|filter| format!("`{}`", filter.key))
            .collect();
        problems.push(
            &["aws", "tags"],
            format!(
                "with {} what logfleet makes would be in the cluster's resource group, so buckets of logs would be logged and measured themselves",
                keys.join(" and ")
            ),
            "leave one of them out here, or choose the group's members by another tag (`sources.aws.resource_group.tags`)",
        );
    }
    tags
}

/// Tags on top of others.
pub(in crate::resolve) fn merged(
    below: &BTreeMap<AwsTagKey, AwsTagValue>,
    own: &BTreeMap<AwsTagKey, AwsTagValue>,
) -> BTreeMap<String, String> {
    let mut tags = plain(below);
    tags.extend(plain(own));
    tags
}

fn plain(tags: &BTreeMap<AwsTagKey, AwsTagValue>) -> BTreeMap<String, String> {
    let tags = tags.iter();
    tags.map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

fn reserved(tags: &BTreeMap<AwsTagKey, AwsTagValue>) -> impl Iterator<Item = &str> {
    let keys = tags.keys().map(AwsTagKey::as_str);
    keys.filter(|key| key.to_ascii_lowercase().starts_with(RESERVED))
}

fn has(tags: &BTreeMap<String, String>, filter: &TagFilter) -> bool {
    tags.get(&filter.key)
        .is_some_and(|value| filter.values.is_empty() || filter.values.contains(value))
}
