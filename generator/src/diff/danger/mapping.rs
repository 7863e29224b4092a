//! Mappings that existing indices don't take. Pure.
//!
//! A field's type and most of its parameters are fixed once an index has it
//! (<https://www.elastic.co/docs/manage-data/data-store/mapping/update-mappings-examples>).

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, shown, text};

/// Deepest nesting of fields.
const MAX_DEPTH: usize = 32;

/// Parameters that can't be changed in an index, with what they are by default.
const FIXED: [(&str, Option<bool>); 6] = [
    ("index", Some(true)),
    ("doc_values", Some(true)),
    ("store", Some(false)),
    ("analyzer", None),
    ("normalizer", None),
    ("similarity", None),
];

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some((old, new)) = change.values() else {
        return;
    };
    for pointer in ["/template/mappings", "/mappings"] {
        if let (Some(old), Some(new)) = (old.pointer(pointer), new.pointer(pointer)) {
            compare(old, new, "properties", 0, found);
        }
    }
}

/// The fields that both have, and the fields in these.
fn compare(old: &Json, new: &Json, list: &str, depth: usize, found: &mut Found) {
    let fields = |value: &Json| value.get(list).and_then(Json::as_object).cloned();
    let (Some(old), Some(new)) = (fields(old), fields(new)) else {
        return;
    };
    for (name, old) in &old {
        let Some(new) = new.get(name).filter(|new| *new != old) else {
            continue;
        };
        compare_field(old, new, found);
        if depth < MAX_DEPTH {
            compare(old, new, "properties", depth + 1, found);
            compare(old, new, "fields", depth + 1, found);
        }
    }
}

fn compare_field(old: &Json, new: &Json, found: &mut Found) {
    let (old_type, new_type) = (kind(old), kind(new));
    if old_type != new_type {
        tell(
            format!(
                "a field is {} instead of {}",
                shown(new_type),
                shown(old_type)
            ),
            found,
        );
        return;
    }
    for (parameter, default) in FIXED {
        let value = |field: &Json| match field.get(parameter) {
            None => default.map(Json::Bool),
            Some(Json::String(text)) if text == "true" => Some(true.into()),
            Some(Json::String(text)) if text == "false" => Some(false.into()),
            Some(value) => Some(value.clone()),
        };
        if value(old) != value(new) {
            tell(
                format!("the parameter `{parameter}` of a field changes"),
                found,
            );
        }
    }
}

/// A field with fields in it is an object unless it says what it is.
fn kind(field: &Json) -> &str {
    match text(field, "/type") {
        "" => "object",
        kind => kind,
    }
}

fn tell(what: String, found: &mut Found) {
    let live = "existing indices refuse it; it holds from the next rollover on, and searches over old and new ones may fail";
    found.push(Flag::MappingRejected, what, Some(live.to_owned()));
}
