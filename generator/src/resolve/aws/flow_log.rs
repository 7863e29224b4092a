//! Flow logs of networks: which fields and tags a record has. Pure.

use super::super::problem::Problems;
use super::resolved::TagFields;
use crate::settings::Vpc;

/// The fields that a record may have, in the order of
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
const FIELDS: [&str; 40] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id",
    "reject-reason",
];

/// Keys of tags of one kind of object that a record may have:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html>.
const MOST_TAG_KEYS: usize = 2;

/// The record's format as AWS writes it, if it isn't AWS's own choice.
pub(super) fn format(vpc: &Vpc, problems: &mut Problems) -> Option<String> {
    for (field, _) in vpc
        .fields
        .iter()
        .filter(|(field, _)| !FIELDS.contains(&field.as_str()))
    {
        let near = FIELDS
            .iter()
            .min_by_key(|known| strsim::levenshtein(known, field))
            .filter(|known| strsim::levenshtein(known, field) <= 3);
        problems.push(
            &["sources", "aws", "vpc", "fields", field],
            format!("flow logs have no field `{field}`"),
            near.map_or_else(
                || {
                    "see https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            ),
        );
    }
    let chosen: Vec<String> = FIELDS
        .iter()
        .filter(|field| vpc.fields.get(**field) == Some(&true))
        .map(|field| format!("${{{field}}}"))
        .collect();
    if chosen.is_empty() {
        let known = vpc
            .fields
            .keys()
            .all(|field| FIELDS.contains(&field.as_str()));
        if !vpc.fields.is_empty() && known {
            problems.push(
                &["sources", "aws", "vpc", "fields"],
                "no field is chosen, so records would be empty",
                "set one to `true`; or remove all, and AWS chooses",
            );
        }
        return None;
    }
    Some(chosen.join(" "))
}

/// The tags that are put into records.
pub(super) fn tag_fields(vpc: &Vpc, problems: &mut Problems) -> Vec<TagFields> {
    let mut found = Vec::new();
    let tags = &vpc.tag_fields;
    for (resource, keys) in [
        ("auto-scaling-group", &tags.auto_scaling_group),
        ("instance", &tags.instance),
        ("network-interface", &tags.network_interface),
    ] {
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
