//! Flow logs of networks: which fields and tags a record has. Pure.

use std::collections::BTreeMap;

use logfleet_events::{FlowLogFields, flow_log_columns};

use crate::nearest::did_you_mean;
use crate::resolve::Problems;
use crate::resolve::aws::resolved::TagFields;
use crate::settings::Vpc;

/// Keys of tags of one kind of object that a record may have:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html>.
const MOST_TAG_KEYS: usize = 2;

/// The columns with the values of tags, by the setting of the object's kind and its type in AWS:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
const TAG_COLUMNS: [(&str, &str, [&str; MOST_TAG_KEYS]); 3] = [
    (
        "auto_scaling_group",
        "auto-scaling-group",
        ["asg-tag", "asg-tag-2"],
    ),
    ("instance", "instance", ["instance-tag", "instance-tag-2"]),
    (
        "network_interface",
        "network-interface",
        ["interface-tag", "interface-tag-2"],
    ),
];

/// The columns of which a setting of its own decides.
fn is_of_tags(column: &str) -> bool {
    TAG_COLUMNS
        .iter()
        .any(|(_, _, columns)| columns.contains(&column))
}

/// Whether a field is chosen, beside those of tags.
fn is_chosen(vpc: &Vpc, field: &str) -> bool {
    vpc.fields.get(field) == Some(&true) && !is_of_tags(field)
}

fn is_any_chosen(vpc: &Vpc) -> bool {
    flow_log_columns().iter().any(|field| is_chosen(vpc, field))
}

/// Finds choices of fields that can't be.
pub(super) fn check(vpc: &Vpc, problems: &mut Problems) {
    check_fields(vpc, problems);
    check_sample(vpc, problems);
    let are_known = vpc
        .fields
        .keys()
        .all(|field| flow_log_columns().contains(&field.as_str()));
    if !is_any_chosen(vpc) && !vpc.fields.is_empty() && are_known {
        problems.push(
            &["sources", "aws", "vpc", "fields"],
            "no field is chosen, so records would be empty",
            "set one to `true`; or remove all, and AWS chooses",
        );
    }
}

/// The record's format as AWS writes it, if it isn't AWS's own choice. What
/// tags are chosen have columns of their own, without which they would be in no record.
pub(super) fn format(vpc: &Vpc) -> Option<String> {
    let fields = flow_log_columns();
    let is_any_chosen = is_any_chosen(vpc);
    let tags: Vec<&str> = tag_columns(vpc).collect();
    if !is_any_chosen && (tags.is_empty() || !vpc.fields.is_empty()) {
        return None;
    }
    let by_default: Vec<&str> = FlowLogFields::default().names().collect();
    let chosen: Vec<String> = fields
        .iter()
        .filter(|field| {
            let by_default = !is_any_chosen && by_default.contains(field);
            by_default || is_chosen(vpc, field) || tags.contains(field)
        })
        .map(|field| format!("${{{field}}}"))
        .collect();
    Some(chosen.join(" "))
}

/// The columns by which the forwarder knows a flow, and what became of it.
const FLOW: [&str; 6] = [
    "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "action",
];

/// Tells of flows that can't be told apart, so that none would be left out.
fn check_sample(vpc: &Vpc, problems: &mut Problems) {
    let Some(format) = format(vpc).filter(|_| vpc.accepted_percent < 100) else {
        return;
    };
    let missing: Vec<&str> = FLOW
        .into_iter()
        .filter(|field| !format.contains(&format!("${{{field}}}")))
        .collect();
    if !missing.is_empty() {
        problems.push(
            &["sources", "aws", "vpc", "accepted_percent"],
            format!(
                "records don't say which flow they are of: they have no {}",
                missing.join(", ")
            ),
            "set these to `true` in `sources.aws.vpc.fields`, or remove this",
        );
    }
}

/// Tells of fields that flow logs don't have, or that another setting adds.
fn check_fields(vpc: &Vpc, problems: &mut Problems) {
    for field in vpc.fields.keys() {
        let setting = ["sources", "aws", "vpc", "fields", field];
        if is_of_tags(field) {
            problems.push(
                &setting,
                format!("`{field}` follows from the tags that are chosen"),
                "remove it, and choose the tag's key in `sources.aws.vpc.tag_fields`",
            );
        } else if !flow_log_columns().contains(&field.as_str()) {
            let near = did_you_mean(field, flow_log_columns().iter().copied());
            problems.push(
                &setting,
                format!("flow logs have no field `{field}`"),
                near.unwrap_or_else(|| {
                    "see https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
                        .to_owned()
                }),
            );
        }
    }
}

/// The columns of the tags that are chosen.
fn tag_columns(vpc: &Vpc) -> impl Iterator<Item = &'static str> {
    TAG_COLUMNS.iter().flat_map(|(setting, _, columns)| {
        let count = keys(vpc, setting).values().filter(|on| **on).count();
        columns.iter().copied().take(count)
    })
}

fn keys<'v>(vpc: &'v Vpc, setting: &str) -> &'v BTreeMap<String, bool> {
    match setting {
        "auto_scaling_group" => &vpc.tag_fields.auto_scaling_group,
        "instance" => &vpc.tag_fields.instance,
        _ => &vpc.tag_fields.network_interface,
    }
}

/// The tags that are put into records.
pub(super) fn tag_fields(vpc: &Vpc, problems: &mut Problems) -> Vec<TagFields> {
    let mut found = Vec::new();
    for (setting, resource, _) in TAG_COLUMNS {
        let keys = keys(vpc, setting);
        let keys: Vec<String> = keys
            .iter()
            .filter(|(_, on)| **on)
            .map(|(key, _)| key.clone())
            .collect();
        if keys.len() > MOST_TAG_KEYS {
            problems.push(
                &["sources", "aws", "vpc", "tag_fields"],
                format!(
                    "{} keys of one kind of object are chosen, and a flow log has room for {MOST_TAG_KEYS}",
                    keys.len()
                ),
                "keep two of them",
            );
        }
        if keys
            .iter()
            .any(|key| key.is_empty() || key.chars().count() > 128)
        {
            problems.push(
                &["sources", "aws", "vpc", "tag_fields"],
                "a tag's key has 1 to 128 characters",
                "correct the key",
            );
        }
        if !keys.is_empty() {
            found.push(TagFields { resource, keys });
        }
    }
    found
}
