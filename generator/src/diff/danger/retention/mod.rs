//! Records that are deleted earlier than before. Pure.

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, Resource, items, text};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let path = change.path();
    if let Some((old, new)) = change.values() {
        if path.starts_with("elasticsearch/") {
            tell(kept(old), kept(new), found);
        }
    } else if let (None, Some(new)) = (change.old, change.new_value())
        && is_of_existing_stream(change)
    {
        tell(Kept::Forever, kept(new), found);
    }
    for resource in change.resources() {
        check_resource(&resource, found);
    }
}

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Forever,
    /// Nanoseconds.
    For(u64),
    /// Not to be told.
    Unknown,
}

/// Whether a policy is new for a data stream that was there before.
fn is_of_existing_stream(change: &Change<'_>) -> bool {
    let path = change.path();
    let places = ["_ilm/policy/", "_plugins/_ism/policies/"].into_iter();
    let stream = places
        .filter(|place| path.contains(place))
        .map(|place| path.replace(place, "_data_stream/"))
        .next();
    let mut base = change.around.base.files();
    stream.is_some_and(|stream| base.any(|(path, _)| path.as_str() == stream))
}

fn tell(old: Kept, new: Kept, found: &mut Found) {
    tell_of("records are", old, new, found);
}

fn tell_of(what: &str, old: Kept, new: Kept, found: &mut Found) {
    let told = match (old, new) {
        (Kept::Forever, Kept::For(new)) => {
            format!("{what} deleted after {}, and were never before", words(new))
        }
        (Kept::For(old), Kept::For(new)) if new < old => {
            format!(
                "{what} deleted after {} instead of {}",
                words(new),
                words(old)
            )
        }
        _ => return,
    };
    found.push(
        Flag::RetentionShrinks,
        told,
        Some("what is older is deleted for good once this is applied".to_owned()),
    );
}

/// A duration in its largest unit that has no fraction.
fn words(nanoseconds: u64) -> String {
    let units = [
        (DAY, "day"),
        (3600 * SECOND, "hour"),
        (60 * SECOND, "minute"),
        (SECOND, "second"),
        (1, "nanosecond"),
    ];
    let fits = |(size, _): &(u64, &str)| nanoseconds > 0 && nanoseconds.is_multiple_of(*size);
    match units.into_iter().find(fits) {
        Some((size, unit)) if nanoseconds / size == 1 => format!("1 {unit}"),
        Some((size, unit)) => format!("{} {unit}s", nanoseconds / size),
        None => "0 days".to_owned(),
    }
}

/// A duration as Elasticsearch and OpenSearch write it
/// (<https://www.elastic.co/docs/reference/elasticsearch/rest-apis/api-conventions#time-units>).
fn duration(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let size = match unit {
        "d" => DAY,
        "h" => 3600 * SECOND,
        "m" => 60 * SECOND,
        "s" => SECOND,
        "ms" => 1_000_000,
        "micros" => 1_000,
        "nanos" => 1,
        "" if number == "0" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(size)
}

fn kept_for(text: &str) -> Kept {
    duration(text).map_or(Kept::Unknown, Kept::For)
}

/// What a policy, a template or a data stream's lifecycle says.
fn kept(value: &Json) -> Kept {
    if let Some(phases) = value.pointer("/policy/phases") {
        return kept_by_ilm(phases);
    }
    if value.pointer("/policy/states").is_some() {
        return kept_by_ism(&value["policy"]);
    }
    let places = ["/template/lifecycle", "/lifecycle", ""];
    let retention = places.into_iter().find_map(|place| {
        let lifecycle = value.pointer(place)?;
        let off = lifecycle.get("enabled") == Some(&Json::Bool(false));
        lifecycle.get("data_retention").filter(|_| !off)?.as_str()
    });
    retention.map_or(Kept::Forever, kept_for)
}

/// The delete phase
/// (<https://www.elastic.co/docs/reference/elasticsearch/index-lifecycle-actions/ilm-delete>).
fn kept_by_ilm(phases: &Json) -> Kept {
    let Some(phase) = phases
        .get("delete")
        .filter(|phase| phase.pointer("/actions/delete").is_some())
    else {
        return Kept::Forever;
    };
    match phase.get("min_age") {
        None => Kept::For(0),
        Some(age) => age.as_str().map_or(Kept::Unknown, kept_for),
    }
}

/// The earliest way into a state that deletes
/// (<https://docs.opensearch.org/latest/im-plugin/ism/policies/#transitions>).
fn kept_by_ism(policy: &Json) -> Kept {
    let states = items(policy, "states");
    let deletes = |name: &str| {
        let state = states.iter().find(|state| text(state, "/name") == name);
        state.is_some_and(|state| {
            items(state, "actions")
                .iter()
                .any(|action| action.get("delete").is_some())
        })
    };
    if deletes(text(policy, "/default_state")) {
        return Kept::For(0);
    }
    let transitions = states.iter().flat_map(|state| items(state, "transitions"));
    let into = transitions.filter(|way| deletes(text(way, "/state_name")));
    let ages = into.map(|way| {
        let conditions = way.get("conditions").and_then(Json::as_object);
        let Some(conditions) = conditions.filter(|conditions| !conditions.is_empty()) else {
            return Kept::For(0);
        };
        let ages = ["min_index_age", "min_rollover_age"];
        let age = ages
            .into_iter()
            .find_map(|key| conditions.get(key)?.as_str());
        age.map_or(Kept::Unknown, kept_for)
    });
    ages.reduce(shortest).unwrap_or(Kept::Forever)
}

fn shortest(one: Kept, other: Kept) -> Kept {
    match (one, other) {
        (Kept::For(one), Kept::For(other)) => Kept::For(one.min(other)),
        (Kept::For(age), _) | (_, Kept::For(age)) => Kept::For(age),
        (Kept::Unknown, _) | (_, Kept::Unknown) => Kept::Unknown,
        (Kept::Forever, Kept::Forever) => Kept::Forever,
    }
}

fn check_resource(resource: &Resource<'_>, found: &mut Found) {
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

/// Each rule of the head against those of the base that hold for the same
/// objects, or for all
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html>).
fn check_bucket(old: &Json, new: &Json, found: &mut Found) {
    let rules = |value| -> Vec<(String, Kept)> {
        let list: Option<&Json> = Json::pointer(value, "/Properties/LifecycleConfiguration");
        let rules = list.map_or(&[][..], |list| items(list, "Rules"));
        let enabled = rules
            .iter()
            .filter(|rule| text(rule, "/Status") == "Enabled");
        let expiring = enabled.filter(|rule| rule.get("ExpirationInDays").is_some());
        expiring
            .map(|rule| {
                (
                    scope(rule),
                    number(rule, "/ExpirationInDays", DAY, Kept::Unknown),
                )
            })
            .collect()
    };
    let old = rules(old);
    for (scope, kept) in rules(new) {
        let same = old
            .iter()
            .filter(|(other, _)| other.is_empty() || *other == scope);
        let before = same.map(|(_, kept)| *kept).reduce(shortest);
        tell_of("objects are", before.unwrap_or(Kept::Forever), kept, found);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("7d"), duration("168h"));
        assert_eq!(duration("60s"), duration("1m"));
        for text in [
            "",
            "d",
            "7 days",
            "-1",
            "99999999999999999999d",
            "9999999999d",
            "ü",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(words(DAY), "1 day");
        assert_eq!(words(36 * 3600 * SECOND), "36 hours");
        assert_eq!(words(0), "0 days");
    }
}
