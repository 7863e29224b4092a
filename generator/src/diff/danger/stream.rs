//! Places of records that are taken out of the files. Pure.

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, Resource, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    check_server(change, found);
    for resource in change.resources() {
        check_resource(change, &resource, found);
    }
}

/// Data streams and index templates go by their file's name.
fn check_server(change: &Change<'_>, found: &mut Found) {
    let Some(path) = change
        .gone_path()
        .filter(|path| path.starts_with("elasticsearch/"))
    else {
        return;
    };
    if path.contains("/_data_stream/") {
        found.push(
            Flag::StreamRemoved,
            "a data stream is no longer rendered",
            Some("nothing deletes it: its records stay until its policy, as it is there, or somebody deletes them".to_owned()),
        );
    } else if path.contains("/_index_template/") {
        let stream = path.replace("/_index_template/", "/_data_stream/");
        // With its data stream it is told already.
        let mut base = change.around.base.files();
        let goes = base.any(|(path, _)| path.as_str() == stream)
            && !change
                .around
                .head
                .files()
                .any(|(path, _)| path.as_str() == stream);
        if !goes {
            found.push(
                Flag::StreamRemoved,
                "an index template is no longer rendered",
                Some("nothing deletes it: it stays as it is until somebody does".to_owned()),
            );
        }
    }
}

/// What of AWS holds records, or is where they are written.
const PLACES: [(&str, &str); 5] = [
    ("AWS::Logs::LogGroup", "a log group"),
    ("AWS::S3::Bucket", "a bucket"),
    ("AWS::KinesisFirehose::DeliveryStream", "a delivery stream"),
    ("AWS::Kinesis::Stream", "a stream of Kinesis"),
    ("AWS::SQS::Queue", "a queue"),
];

fn check_resource(change: &Change<'_>, resource: &Resource<'_>, found: &mut Found) {
    let place = PLACES.iter().find(|(kind, _)| *kind == resource.kind());
    let Some((kind, place)) = place else {
        return;
    };
    if let Some(old) = resource.gone() {
        let what = format!("{place} is no longer rendered");
        let live = if change.new.is_none() {
            "it stays as long as its stack, which nothing deletes by itself"
        } else if keeps(old, "DeletionPolicy") {
            "CloudFormation leaves it, with what is in it, and out of the stack"
        } else if *kind == "AWS::S3::Bucket" {
            "CloudFormation deletes it if it is empty, and fails otherwise"
        } else {
            "CloudFormation deletes it, with what is in it, when the stack is updated"
        };
        found.push(Flag::StreamRemoved, what, Some(live.to_owned()));
    } else if let Some((old, new)) = resource.both() {
        for (policy, when) in [
            (
                "DeletionPolicy",
                "its stack is deleted or it leaves the stack",
            ),
            ("UpdateReplacePolicy", "it is replaced"),
        ] {
            if keeps(old, policy) && !keeps(new, policy) {
                let what = format!("{place} is no longer kept when {when}");
                found.push(Flag::StreamRemoved, what, Some("nothing yet".to_owned()));
            }
        }
    }
}

/// Whether a resource outlives its place in the stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>).
fn keeps(resource: &Json, policy: &str) -> bool {
    matches!(
        text(resource, &format!("/{policy}")),
        "Retain" | "RetainExceptOnCreate"
    )
}
