//! How long stores of AWS keep what is in them. Pure.

use serde_json::Value as Json;

use super::age::{DAY, HOUR, Kept, SECOND, shorter};
use crate::diff::risk::values::{items, text};
use crate::diff::risk::wording::legible;

pub(in crate::diff::risk) fn of_log_group(old: &Json, new: &Json) -> Option<String> {
    let kept = |value: &Json| number(value, "", DAY, Kept::Forever);
    shorter(kept(old), kept(new))
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html>
pub(in crate::diff::risk) fn of_queue(old: &Json, new: &Json) -> Option<String> {
    let kept = |value: &Json| number(value, "", SECOND, Kept::For(4 * DAY));
    shorter(kept(old), kept(new))
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-stream.html>
pub(in crate::diff::risk) fn of_stream(old: &Json, new: &Json) -> Option<String> {
    let kept = |value: &Json| number(value, "", HOUR, Kept::For(DAY));
    shorter(kept(old), kept(new))
}

/// A number that stands in a template as such or as text; `absent` without one.
fn number(value: &Json, pointer: &str, unit: u64, absent: Kept) -> Kept {
    let number = match value.pointer(pointer) {
        None | Some(Json::Null) => return absent,
        Some(Json::Number(number)) => number.as_u64(),
        Some(Json::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let time = number.and_then(|number| number.checked_mul(unit));
    time.map_or(Kept::Unknown, Kept::For)
}

/// What the lifecycle of a bucket deletes earlier, in sentences without an end.
pub(in crate::diff::risk) fn of_bucket(old: &Json, new: &Json) -> Vec<String> {
    let objects = shorter_by_rules("objects are", age_of_objects, old, new);
    let versions = shorter_by_rules("older versions of objects are", age_of_versions, old, new);
    let dates = dates(old, new);
    objects.into_iter().chain(versions).chain(dates).collect()
}

/// Each rule of the head against those of the base that hold for the same
/// objects, or for all
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html>).
fn shorter_by_rules(
    what: &str,
    age: fn(&Json) -> Option<Kept>,
    old: &Json,
    new: &Json,
) -> Vec<String> {
    let rules = |value| -> Vec<(String, Kept)> {
        let rules = enabled_rules(value);
        let aged = rules
            .iter()
            .filter_map(|rule| Some((scope(rule), age(rule)?)));
        aged.collect()
    };
    let old = rules(old);
    let shorter = rules(new).into_iter().filter_map(|(scope, kept)| {
        let same = old
            .iter()
            .filter(|(other, _)| other.is_empty() || *other == scope);
        let before = same.map(|(_, kept)| *kept).reduce(Kept::shortest);
        shorter(before.unwrap_or(Kept::Forever), kept)
    });
    shorter.map(|it| format!("{what} {it}")).collect()
}

fn enabled_rules(lifecycle: &Json) -> Vec<&Json> {
    let enabled = items(lifecycle, "Rules")
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
fn dates(old: &Json, new: &Json) -> Vec<String> {
    let dates = |lifecycle: &Json| -> Vec<(String, String)> {
        let rules = enabled_rules(lifecycle);
        let dated = rules.iter().filter_map(|rule| {
            let date = rule.get("ExpirationDate")?.as_str()?;
            Some((scope(rule), date.to_owned()))
        });
        dated.collect()
    };
    let before = dates(old);
    let is_new = |(scope, date): &(String, String)| {
        let mut before = before.iter();
        !before.any(|(other, earlier)| (other.is_empty() || other == scope) && earlier <= date)
    };
    let new = dates(new).into_iter().filter(is_new);
    new.map(|(_, date)| format!("objects are deleted on {}", legible(&date)))
        .collect()
}

/// Whether properties of a bucket lock its objects for a shorter time, or no longer
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>).
pub(in crate::diff::risk) fn lock_of_bucket(old: &Json, new: &Json) -> Option<String> {
    let locks = |bucket: &Json| {
        let enabled = bucket.get("ObjectLockEnabled");
        enabled.is_some_and(|value| value == true || value == "true")
    };
    let locked = |bucket: &Json| {
        let rule = "/ObjectLockConfiguration/Rule/DefaultRetention";
        let days = number(bucket, &format!("{rule}/Days"), DAY, Kept::For(0));
        number(bucket, &format!("{rule}/Years"), 365 * DAY, days)
    };
    let is_shorter =
        matches!((locked(old), locked(new)), (Kept::For(old), Kept::For(new)) if new < old);
    (locks(old) && !locks(new) || is_shorter).then(String::new)
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
