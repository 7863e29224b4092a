//! Choices of AWS that become narrower: patterns of events, selectors of
//! trails, queries of resource groups. Pure. Each answers what is no longer chosen.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::values::{items, text, texts};
use super::wording::{legible, names, some_names};

/// Deepest nesting looked into; what is deeper is another pattern if it differs.
const MAX_DEPTH: usize = 8;

/// Patterns of `EventBridge`: all keys must match, of each list one value
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html>).
pub(super) fn of_events(old: &Json, new: &Json) -> Option<String> {
    let mut lost = BTreeSet::new();
    events(old, new, 0, &mut lost);
    some_names(&lost)
}

fn events(old: &Json, new: &Json, depth: usize, lost: &mut BTreeSet<String>) {
    match (old, new) {
        _ if old == new => {}
        (Json::Object(old), Json::Object(new)) if depth < MAX_DEPTH => {
            for (key, after) in new {
                match old.get(key) {
                    Some(before) => events(before, after, depth + 1, lost),
                    None => {
                        lost.insert(format!("`{}` is asked for as well", legible(key)));
                    }
                }
            }
        }
        (Json::Array(old), Json::Array(new)) if depth < MAX_DEPTH => {
            let removed = old
                .iter()
                .filter(|item| !new.iter().any(|wider| takes(wider, item, depth + 1)));
            lost.extend(removed.map(|item| legible(&texts(Some(item)).join(", "))));
        }
        _ => {
            lost.insert("another pattern".to_owned());
        }
    }
}

/// Whether a value of a list matches all that another one does.
fn takes(wider: &Json, value: &Json, depth: usize) -> bool {
    if let (Some(prefix), Some(text)) = (wider.get("prefix").and_then(Json::as_str), value.as_str())
    {
        return text.starts_with(prefix);
    }
    let mut lost = BTreeSet::new();
    if wider.is_object() && value.is_object() {
        events(value, wider, depth, &mut lost);
        return lost.is_empty();
    }
    wider == value
}

/// The selectors in properties of a trail, old and new make
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html>,
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>).
pub(super) fn of_trail(old: &Json, new: &Json) -> Option<String> {
    let advanced = "AdvancedEventSelectors";
    let (before, after) = (items(old, advanced), items(new, advanced));
    let removed = before
        .iter()
        .find(|old| !after.iter().any(|new| selects(new, old)));
    if let Some(removed) = removed {
        let nearest = after
            .iter()
            .find(|new| new.get("Name") == removed.get("Name"));
        return Some(nearest.map_or_else(
            || format!("`{}` is gone", legible(text(removed, "/Name"))),
            |new| limits(removed, new),
        ));
    }
    let (before, after) = (items(old, "EventSelectors"), items(new, "EventSelectors"));
    let narrower = before.iter().any(|old| !after.contains(old));
    narrower.then(|| "its `EventSelectors` are others".to_owned())
}

/// Whether a selector takes all that another one does: whatever it asks for,
/// the other one asks for too.
fn selects(wider: &Json, narrower: &Json) -> bool {
    items(wider, "FieldSelectors")
        .iter()
        .all(|field| is_asked(field, narrower))
}

fn is_asked(field: &Json, selector: &Json) -> bool {
    let same = items(selector, "FieldSelectors").iter();
    let mut same = same.filter(|other| other.get("Field") == field.get("Field"));
    same.any(|other| {
        let conditions = field.as_object().into_iter().flatten();
        let mut conditions = conditions.filter(|(operator, _)| *operator != "Field");
        conditions.all(|(operator, values)| {
            let (ours, theirs) = (texts(Some(values)), texts(other.get(operator)));
            match operator.as_str() {
                // One of several suffices; of none, all must fail.
                "Equals" | "StartsWith" | "EndsWith" => {
                    !theirs.is_empty() && theirs.iter().all(|value| ours.contains(value))
                }
                _ => ours.iter().all(|value| theirs.contains(value)),
            }
        })
    })
}

/// What a selector asks for that it didn't before, such as `readOnly Equals true`.
fn limits(old: &Json, new: &Json) -> String {
    let fields = items(new, "FieldSelectors").iter();
    let more = fields.filter(|field| !is_asked(field, old)).map(|field| {
        let conditions = field.as_object().into_iter().flatten();
        let conditions = conditions.filter(|(operator, _)| *operator != "Field");
        let conditions: Vec<String> = conditions
            .map(|(operator, values)| format!("{operator} {}", texts(Some(values)).join(", ")))
            .collect();
        format!("only {} {}", text(field, "/Field"), conditions.join(" "))
    });
    names(more)
}

/// Queries of resource groups: all tags must match, of each one value, and one type
/// (<https://docs.aws.amazon.com/ARG/latest/APIReference/API_ResourceQuery.html>).
pub(super) fn of_group(old: &Json, new: &Json) -> Option<String> {
    if old.is_null() || new.is_null() {
        return None;
    }
    let values = |tag: &Json| texts(tag.get("Values"));
    let mut lost = BTreeSet::new();
    for tag in items(new, "TagFilters") {
        let key = text(tag, "/Key");
        match items(old, "TagFilters")
            .iter()
            .find(|old| text(old, "/Key") == key)
        {
            None => {
                lost.insert(format!("the tag `{}` is asked for as well", legible(key)));
            }
            Some(before) => {
                let (before, after) = (values(before), values(tag));
                let removed: Vec<String> = before
                    .iter()
                    .filter(|value| !after.contains(value))
                    .cloned()
                    .collect();
                // Without values any will do.
                if !after.is_empty() && (before.is_empty() || !removed.is_empty()) {
                    lost.insert(format!(
                        "the tag `{}` must be {}",
                        legible(key),
                        names(&after)
                    ));
                }
            }
        }
    }
    let types = |query: &Json| texts(query.get("ResourceTypeFilters"));
    let (before, after) = (types(old), types(new));
    let all = "AWS::AllSupported".to_owned();
    if !after.contains(&all) && before.iter().any(|kind| !after.contains(kind)) {
        lost.insert(format!("only {}", names(&after)));
    }
    some_names(&lost)
}
