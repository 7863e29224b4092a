//! One layer on both sides: the settings that differ. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::diff::redact::{self, Under};
use crate::layers::merge::ValuePath;
use crate::load::node::{Entry, Node, Value};
use crate::load::source_file::Span;

/// A setting that differs, and where each side says it.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) path: ValuePath,
    pub(super) old: Option<Span>,
    pub(super) new: Option<Span>,
}

/// The settings of a layer that differ, in the order of the new file; removed
/// ones come after what is beside them. Comments, styles of writing and the
/// order of keys and items make no difference.
pub(super) fn differences(old: &Node, new: &Node) -> Vec<Difference> {
    let mut found = Vec::new();
    let entries = |node: &Node| match node.value {
        // An empty file says nothing.
        Value::Null => Some(Vec::new()),
        _ => node.entries().map(<[Entry]>::to_vec),
    };
    if let (Some(old), Some(new)) = (entries(old), entries(new)) {
        compare_entries(&ValuePath::default(), &old, &new, &mut found);
    }
    found
}

fn compare_entries(path: &ValuePath, old: &[Entry], new: &[Entry], found: &mut Vec<Difference>) {
    let by_key = |entries: &[Entry]| -> BTreeMap<String, usize> {
        let numbered = entries.iter().enumerate();
        numbered
            .map(|(at, entry)| (entry.key.clone(), at))
            .collect()
    };
    let (old_keys, new_keys) = (by_key(old), by_key(new));
    for entry in new {
        let before = old_keys.get(&entry.key).and_then(|at| old.get(*at));
        compare(&path.join(&entry.key), before, Some(entry), found);
    }
    for entry in old
        .iter()
        .filter(|entry| !new_keys.contains_key(&entry.key))
    {
        compare(&path.join(&entry.key), Some(entry), None, found);
    }
}

fn compare(
    path: &ValuePath,
    old: Option<&Entry>,
    new: Option<&Entry>,
    found: &mut Vec<Difference>,
) {
    let below = |entry: Option<&'_ Entry>| match entry.map(|entry| &entry.node.value) {
        None => Some(Vec::new()),
        Some(Value::Mapping(entries)) if !entries.is_empty() => Some(entries.clone()),
        Some(_) => None,
    };
    if !is_one_setting(path)
        && let (Some(old), Some(new)) = (below(old), below(new))
    {
        return compare_entries(path, &old, &new, found);
    }
    let value = |entry: Option<&Entry>| entry.map(|entry| in_order(&entry.node.to_json()));
    if value(old) != value(new) {
        let span = |entry: &Entry| entry.key_span;
        found.push(Difference {
            path: path.clone(),
            old: old.map(span),
            new: new.map(span),
        });
    }
}

/// Whether people name what is at a path as one thing: a patch, or a rule for
/// records.
fn is_one_setting(path: &ValuePath) -> bool {
    match path.parts() {
        [patches, _] => patches == "patches",
        [.., records, _, _] => records == "records",
        _ => false,
    }
}

/// A value with the items of its lists in one order.
fn in_order(value: &Json) -> Json {
    match value {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(in_order).collect();
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        Json::Object(members) => {
            let members: BTreeMap<&String, Json> = members
                .iter()
                .map(|(key, value)| (key, in_order(value)))
                .collect();
            let members = members.into_iter();
            Json::Object(members.map(|(key, value)| (key.clone(), value)).collect())
        }
        other => other.clone(),
    }
}

/// Groups of settings that are called like a secret, and hold none.
const GROUPS: [&str; 1] = ["credentials"];

/// The values of a layer, as they may be shown.
pub(super) struct Shown(Json);

impl Shown {
    pub(super) fn of(layer: &Node) -> Self {
        Self(layer.to_json())
    }

    /// The value at a path. What stands above it says, too, whether it is a secret.
    pub(super) fn at(&self, path: &ValuePath) -> Option<Json> {
        let (mut under, mut node) = (Under::default(), &self.0);
        for part in path.parts() {
            let members = node.as_object()?;
            node = members.get(part)?;
            let is_group = GROUPS.contains(&part.as_str()) && node.is_object();
            if !is_group {
                under = under.member(part, members);
            }
        }
        Some(redact::value(under, node))
    }
}
