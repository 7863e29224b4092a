//! Derives `schemas/outputs/kubernetes/list-keys.json`: the lists of each kind whose
//! items have a key, from what a Kubernetes API server publishes at `/openapi/v3`.
//! Pure: JSON in, JSON out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The names of lists, each with the fields by which its items are told apart.
pub type ListKeys = BTreeMap<String, Vec<String>>;

/// Finds the key of a list, if its items are merged one by one.
type KeyOf = fn(&Value) -> Option<Vec<String>>;

/// The lists of a kind, from the document of its group and version and the name of its schema
/// there. Lists of one name are given only if all of them have the same key.
pub fn of_kind(document: &Value, schema: &str, is_built_in: bool) -> ListKeys {
    let key_of: KeyOf = if is_built_in { of_strategy } else { of_type };
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![schema.to_owned()];
    while let Some(name) = waiting.pop() {
        if seen.insert(name.clone()) {
            let schema = &document["components"]["schemas"][&name];
            look_at(schema, key_of, &mut found, &mut waiting);
        }
    }
    let unique = found.into_iter().filter(|(_, keys)| keys.len() == 1);
    let keyed = unique.filter_map(|(name, mut keys)| Some((name, keys.pop_first()??)));
    keyed.collect()
}

/// Finds the lists in a schema, with their keys or none, and the schemas that it refers to.
fn look_at(
    schema: &Value,
    key_of: KeyOf,
    found: &mut BTreeMap<String, BTreeSet<Option<Vec<String>>>>,
    waiting: &mut Vec<String>,
) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let name = reference.rsplit('/').next().unwrap_or(reference);
                waiting.push(name.to_owned());
            }
            let properties = members.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                if is_list_of_objects(property) {
                    found
                        .entry(name.clone())
                        .or_default()
                        .insert(key_of(property));
                }
            }
            // What only the server sets is in no file.
            let inner = members.iter().filter(|(name, _)| *name != "status");
            inner.for_each(|(_, inner)| look_at(inner, key_of, found, waiting));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| look_at(item, key_of, found, waiting)),
        _ => {}
    }
}

fn is_list_of_objects(property: &Value) -> bool {
    let items = &property["items"];
    property["type"] == "array"
        && (items["type"] == "object"
            || items.get("$ref").is_some()
            || items.get("allOf").is_some())
}

/// Of kinds of Kubernetes itself, a strategy says whether patches merge a list.
fn of_strategy(property: &Value) -> Option<Vec<String>> {
    let strategy = property["x-kubernetes-patch-strategy"].as_str()?;
    let is_merged = strategy.split(',').any(|word| word == "merge");
    let several = fields(&property["x-kubernetes-list-map-keys"]);
    let one = || {
        Some(vec![
            property["x-kubernetes-patch-merge-key"]
                .as_str()?
                .to_owned(),
        ])
    };
    is_merged.then(|| several.or_else(one))?
}

/// Of others, a type.
fn of_type(property: &Value) -> Option<Vec<String>> {
    let is_map = property["x-kubernetes-list-type"] == "map";
    is_map.then(|| fields(&property["x-kubernetes-list-map-keys"]))?
}

fn fields(keys: &Value) -> Option<Vec<String>> {
    let keys = keys.as_array()?.iter().filter_map(Value::as_str);
    Some(keys.map(str::to_owned).collect())
}
