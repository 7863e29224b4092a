//! Places of records that are taken out of the files. Pure.

use serde_json::Value as Json;

use super::change::{Change, Found, Resource, Stack, legible, text};
use super::{Flag, Removed};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    check_server(change, found);
    for resource in change.resources() {
        check_resource(change, &resource, found);
    }
}

/// Data streams, and index templates that aren't only for these.
fn check_server(change: &Change<'_>, found: &mut Found) {
    let Some(path) = change
        .removed_path()
        .filter(|path| path.starts_with("elasticsearch/"))
    else {
        return;
    };
    if path.contains("/_data_stream/") {
        let what = "a data stream is no longer rendered";
        let live =
            "nothing deletes it: its records stay until its current policy or someone deletes them";
        found.push_removed_file(change, Flag::StreamRemoved, what, live);
    } else if path.contains("/_index_template/") && !change.streams.know(Some(path), None) {
        let what = "an index template is no longer rendered";
        let live = "nothing deletes it: it stays until someone does";
        found.push_removed_file(change, Flag::StreamRemoved, what, live);
    }
}

/// What of AWS holds records, or is where they are written.
const PLACES: [(&str, &str); 5] = [
    ("AWS::Logs::LogGroup", "log group"),
    ("AWS::S3::Bucket", "bucket"),
    ("AWS::KinesisFirehose::DeliveryStream", "delivery stream"),
    ("AWS::Kinesis::Stream", "stream of Kinesis"),
    ("AWS::SQS::Queue", "queue"),
];

fn check_resource(change: &Change<'_>, resource: &Resource<'_>, found: &mut Found) {
    let place = PLACES.iter().find(|(kind, _)| *kind == resource.kind());
    let Some((kind, place)) = place else {
        return;
    };
    if let Some(old) = resource.removed() {
        let removed = Removed {
            noun: place,
            name: name_of(resource, old).to_owned(),
            how: "no longer rendered",
        };
        let live = match change.stack() {
            Stack::Stays => Stack::Stays.of_removed(),
            _ if keeps(old, "DeletionPolicy") => {
                "CloudFormation leaves it, with what is in it, and out of the stack"
            }
            _ if *kind == "AWS::S3::Bucket" => {
                "CloudFormation deletes it if it is empty, and fails otherwise"
            }
            _ => "CloudFormation deletes it, with what is in it, when the stack is updated",
        };
        found.push_removed(change, Flag::StreamRemoved, removed, live);
    } else if let Some((old, new)) = resource.both() {
        for (policy, when) in [
            (
                "DeletionPolicy",
                "its stack is deleted or it leaves the stack",
            ),
            ("UpdateReplacePolicy", "it is replaced"),
        ] {
            if keeps(old, policy) && !keeps(new, policy) {
                let name = legible(name_of(resource, new));
                let what = format!("the {place} `{name}` is no longer kept when {when}");
                found.push(Flag::StreamRemoved, what, Some("nothing yet".to_owned()));
            }
        }
    }
}

/// The name under which people know a resource, and else its logical id.
fn name_of<'t>(resource: &Resource<'t>, value: &'t Json) -> &'t str {
    let properties = value.get("Properties").and_then(Json::as_object);
    let names = [
        "LogGroupName",
        "BucketName",
        "DeliveryStreamName",
        "Name",
        "QueueName",
    ];
    let given = properties.and_then(|own| names.iter().find_map(|name| own.get(*name)?.as_str()));
    given.unwrap_or(resource.id)
}

/// Whether a resource outlives its place in the stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>).
fn keeps(resource: &Json, policy: &str) -> bool {
    matches!(
        text(resource, &format!("/{policy}")),
        "Retain" | "RetainExceptOnCreate"
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::super::{Applier, Surroundings};
    use crate::diff::compare::files::risks as risks_in;

    #[test]
    fn what_is_removed_is_reported_by_the_file_that_had_it() {
        let (old, new) = (
            "elasticsearch/main/_data_stream/a.json",
            "elasticsearch/main/_data_stream/b.json",
        );
        let (base, head) = (
            tree(&[(old, "{}".to_owned())]),
            tree(&[(new, "{}".to_owned())]),
        );
        let around = Surroundings {
            base: &base,
            head: &head,
            applier: Applier::Nobody,
        };
        let risks = risks_in(around);
        let files: Vec<Option<&str>> = risks.iter().map(|risk| risk.file.as_deref()).collect();
        assert_eq!(files, [Some(old)]);
    }
}
