//! How long stores of AWS keep what is in them. Pure.

use serde_json::Value as Json;

use super::age::{self, DAY, HOUR, Kept, SECOND, tell, tell_of};
use crate::diff::risk::change::{Found, Resource, items, legible, text};

/// What becomes of what a store of a kind holds already, once it is updated.
pub(super) fn live(kind: &str) -> &'static str {
    match kind {
        // <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html>
        "AWS::Logs::LogGroup" => {
            "what is older is deleted for good, usually within 72 hours after this is applied"
        }
        // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
        "AWS::SQS::Queue" => {
            "what is older is deleted for good, within 15 minutes after this is applied"
        }
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html>
        "AWS::S3::Bucket" => "rules hold for objects that exist, too; they are run once a day",
        _ => "what is older is deleted for good once this is applied",
    }
}

pub(super) fn check(resource: &Resource<'_>, found: &mut Found) {
    let Some((old, new)) = resource.both() else {
        return;
    };
    match resource.kind() {
        "AWS::Logs::LogGroup" => {
            let kept =
                |value: &Json| number(value, "/Properties/RetentionInDays", DAY, Kept::Forever);
            tell(kept(old), kept(new), found);
        }
        "AWS::SQS::Queue" => {
            // <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html>
            let days = Kept::For(4 * DAY);
            let kept =
                |value: &Json| number(value, "/Properties/MessageRetentionPeriod", SECOND, days);
            tell_of("messages of a queue are", kept(old), kept(new), found);
        }
        "AWS::Kinesis::Stream" => {
            // <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-stream.html>
            let day = Kept::For(DAY);
            let kept = |value: &Json| number(value, "/Properties/RetentionPeriodHours", HOUR, day);
            tell(kept(old), kept(new), found);
        }
        "AWS::S3::Bucket" => check_bucket(old, new, found),
        _ => {}
    }
}

/// A number that stands in a template as such or as text; `absent` without one.
fn number(value: &Json, pointer: &str, unit: u64, absent: Kept) -> Kept {
    let number = match value.pointer(pointer) {
        None => return absent,
        Some(Json::Number(number)) => number.as_u64(),
        Some(Json::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let time = number.and_then(|number| number.checked_mul(unit));
    time.map_or(Kept::Unknown, Kept::For)
}

fn check_bucket(old: &Json, new: &Json, found: &mut Found) {
    check_rules("objects are", age_of_objects, old, new, found);
    check_rules(
        "older versions of objects are",
        age_of_versions,
        old,
        new,
        found,
    );
    check_dates(old, new, found);
    let versions =
        |value: &Json| text(value, "/Properties/VersioningConfiguration/Status") == "Enabled";
    if versions(old) && !versions(new) {
        let what = "a bucket keeps no older versions of what is deleted or written over";
        age::push(what, found);
    }
    check_lock(old, new, found);
}

/// Each rule of the head against those of the base that hold for the same
/// objects, or for all
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html>).
fn check_rules(
    what: &str,
    age: fn(&Json) -> Option<Kept>,
    old: &Json,
    new: &Json,
    found: &mut Found,
) {
    let rules = |value| -> Vec<(String, Kept)> {
        let rules = enabled_rules(value);
        let aged = rules
            .iter()
            .filter_map(|rule| Some((scope(rule), age(rule)?)));
        aged.collect()
    };
    let old = rules(old);
    for (scope, kept) in rules(new) {
        let same = old
            .iter()
            .filter(|(other, _)| other.is_empty() || *other == scope);
        let before = same.map(|(_, kept)| *kept).reduce(Kept::shortest);
        tell_of(what, before.unwrap_or(Kept::Forever), kept, found);
    }
}

fn enabled_rules(bucket: &Json) -> Vec<&Json> {
    let list = bucket.pointer("/Properties/LifecycleConfiguration");
    let rules = list.map_or(&[][..], |list| items(list, "Rules"));
    let enabled = rules
        .iter()
        .filter(|rule| text(rule, "/Status") == "Enabled");
    enabled.collect()
}

fn age_of_objects(rule: &Json) -> Option<Kept> {
    rule.get("ExpirationInDays")?;
    Some(number(rule, "/ExpirationInDays", DAY, Kept::Unknown))
}

fn age_of_versions(rule: &Json) -> Option<Kept> {
    let places = [
        "/NoncurrentVersionExpiration/NoncurrentDays",
        "/NoncurrentVersionExpirationInDays",
    ];
    let place = places
        .into_iter()
        .find(|place| rule.pointer(place).is_some())?;
    Some(number(rule, place, DAY, Kept::Unknown))
}

/// Days on which all objects of a rule are deleted.
fn check_dates(old: &Json, new: &Json, found: &mut Found) {
    let dates = |bucket: &Json| -> Vec<(String, String)> {
        let rules = enabled_rules(bucket);
        let dated = rules.iter().filter_map(|rule| {
            let date = rule.get("ExpirationDate")?.as_str()?;
            Some((scope(rule), date.to_owned()))
        });
        dated.collect()
    };
    let before = dates(old);
    for (scope, date) in dates(new) {
        let is_later = |(other, earlier): &(String, String)| {
            (other.is_empty() || *other == scope) && *earlier <= date
        };
        if !before.iter().any(is_later) {
            age::push(format!("objects are deleted on {}", legible(&date)), found);
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>
fn check_lock(old: &Json, new: &Json, found: &mut Found) {
    let locks = |bucket: &Json| {
        let enabled = bucket.pointer("/Properties/ObjectLockEnabled");
        enabled.is_some_and(|value| value == true || value == "true")
    };
    let locked = |bucket: &Json| {
        let rule = "/Properties/ObjectLockConfiguration/Rule/DefaultRetention";
        let days = number(bucket, &format!("{rule}/Days"), DAY, Kept::For(0));
        number(bucket, &format!("{rule}/Years"), 365 * DAY, days)
    };
    let is_shorter =
        matches!((locked(old), locked(new)), (Kept::For(old), Kept::For(new)) if new < old);
    if locks(old) && !locks(new) || is_shorter {
        let what = "objects are locked against deletion for a shorter time, or no longer";
        age::push(what, found);
    }
}

/// Which objects a rule is for; empty for all.
fn scope(rule: &Json) -> String {
    let keys = [
        "Prefix",
        "TagFilters",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
    ];
    let parts = keys.iter().filter_map(|key| rule.get(key));
    let parts = parts.filter(|part| part.as_str() != Some(""));
    parts.map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
