//! Which lists have items that go by a key. Pure.
//!
//! Order is meaning unless a schema says otherwise. Items of Kubernetes' lists are
//! known by the keys that its API gives them, those of the lists named here by others.

use serde_json::Value as Json;

use crate::patch::list_keys;

/// A list, and by which of its items' fields they are known.
struct KeyedList {
    /// The key that the list stands under.
    list: &'static str,
    /// The fields; all that an item has of them together are its key.
    fields: &'static [&'static str],
}

const fn keyed(list: &'static str, fields: &'static [&'static str]) -> KeyedList {
    KeyedList { list, fields }
}

const KEYED: &[KeyedList] = &[
    // RBAC, whose API gives them no key
    keyed("subjects", &["kind", "namespace", "name"]),
    // External Secrets, Prometheus Operator
    keyed("data", &["secretKey"]),
    keyed("rules", &["alert", "record"]),
    keyed("podMetricsEndpoints", &["port"]),
    keyed("endpoints", &["port"]),
    // cloud-init
    keyed("write_files", &["path"]),
    // kustomize
    keyed("configMapGenerator", &["name"]),
    keyed("secretGenerator", &["name"]),
    keyed("patches", &["path"]),
    // IAM and CloudFormation
    keyed("Statement", &["Sid"]),
    keyed("Policies", &["PolicyName"]),
    keyed("Tags", &["Key"]),
    keyed("AdvancedEventSelectors", &["Name"]),
    // Index State Management. Lists whose items have nothing but index patterns
    // of their own go in order: the patterns are what changes.
    keyed("states", &["name"]),
];

/// Lists of texts that are sets: each item is its own key.
const SETS: &[&str] = &[
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "DependsOn",
    "cluster",
    "privileges",
    "cluster_permissions",
    "allowed_actions",
    "index_patterns",
    "names",
    "backend_roles",
    "verbs",
    "apiGroups",
];

/// The key of each item of the list that stands under `name`; nothing if its
/// items have none, or one twice.
pub(in crate::diff) fn of_items(name: &str, items: &[Json]) -> Option<Vec<String>> {
    let keys: Option<Vec<String>> = if SETS.contains(&name) {
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect()
    } else {
        let fields = fields_of(name)?;
        items.iter().map(|item| key_of(item, &fields)).collect()
    };
    let keys = keys?;
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == keys.len()).then_some(keys)
}

/// The fields by which items of a list are known.
fn fields_of(list: &str) -> Option<Vec<&'static str>> {
    if let Some(keyed) = KEYED.iter().find(|keyed| keyed.list == list) {
        return Some(keyed.fields.to_vec());
    }
    let of_kinds = list_keys::of_any_kind(list).into_iter().flatten();
    let mut fields: Vec<&str> = of_kinds.map(String::as_str).collect();
    fields.sort_unstable();
    fields.dedup();
    (!fields.is_empty()).then_some(fields)
}

fn key_of(item: &Json, fields: &[&str]) -> Option<String> {
    let parts: Vec<String> = fields
        .iter()
        .filter_map(|field| item.get(field))
        .map(text_of)
        .collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn knows_containers_by_name_and_statements_by_sid() {
        let named = [json!({"name": "a"}), json!({"name": "b"})];
        assert_eq!(
            of_items("containers", &named),
            Some(vec!["a".into(), "b".into()])
        );
        let statements = [json!({"Sid": "Read"})];
        assert_eq!(
            of_items("Statement", &statements),
            Some(vec!["Read".into()])
        );
    }

    #[test]
    fn a_key_that_is_missing_or_stands_twice_is_none() {
        let twice = [json!({"name": "a"}), json!({"name": "a"})];
        assert_eq!(of_items("env", &twice), None);
        assert_eq!(of_items("env", &[json!({"value": 1})]), None);
        assert_eq!(of_items("args", &[json!("a")]), None);
    }

    #[test]
    fn ports_of_one_number_and_two_protocols_are_two() {
        let ports = [
            json!({"containerPort": 53, "protocol": "TCP"}),
            json!({"containerPort": 53, "protocol": "UDP"}),
        ];
        let keys = of_items("ports", &ports).expect("keys");
        assert_eq!(keys, ["53/TCP", "53/UDP"]);
    }
}
