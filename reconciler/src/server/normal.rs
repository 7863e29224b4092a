//! When two bodies of an API object mean the same. Pure.
//!
//! Servers give back something else than what they were sent: numbers become
//! texts, nested settings become dotted ones, defaults appear. Bodies are compared as raw JSON, each side
//! in the form that this module gives it, so that a field which this release doesn't know counts like any other:
//!
//! - Within a known field everything is compared, so what somebody added by hand is seen.
//! - A field at the top of a body that only the server has and that isn't in `fields` is the server's own
//!   affair, such as `created_date` or `hash`, and is ignored.
//!
//! `tests/cases/reconciler/normal/` has what real servers were seen to give back.

use logfleet_contract::index::Kind;
use serde_json::{Map, Value, json};

/// The fields at the top of a body that mean something, by kind.
fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ComponentTemplate => &["template", "version", "_meta", "deprecated"],
        Kind::LifecyclePolicy | Kind::StatePolicy => &["policy"],
        Kind::IndexTemplate => &[
            "index_patterns",
            "composed_of",
            "ignore_missing_component_templates",
            "priority",
            "template",
            "version",
            "_meta",
            "data_stream",
            "allow_auto_create",
            "deprecated",
        ],
        Kind::DataStream => &[],
        Kind::Role => &[
            "cluster",
            "indices",
            "applications",
            "run_as",
            "global",
            "metadata",
            "description",
            "remote_indices",
            "remote_cluster",
        ],
        Kind::User => &["roles", "full_name", "email", "metadata", "enabled"],
        Kind::RoleMapping => &["enabled", "roles", "role_templates", "rules", "metadata"],
        Kind::OpensearchTenant => &["description"],
        Kind::OpensearchRole => &[
            "description",
            "cluster_permissions",
            "index_permissions",
            "tenant_permissions",
        ],
        Kind::OpensearchUser => &[
            "description",
            "backend_roles",
            "attributes",
            "opendistro_security_roles",
        ],
        Kind::OpensearchRoleMapping => &[
            "description",
            "backend_roles",
            "and_backend_roles",
            "hosts",
            "users",
        ],
    }
}

/// The form in which a wanted body and the server's are compared. `wanted` says which fields the wanted one
/// has beyond those that are known.
pub fn normal(kind: Kind, body: &Value, wanted: &Value) -> Value {
    let mut fields_of_body = Map::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        let is_known = fields(kind).contains(&key.as_str()) || wanted.get(key).is_some();
        if is_known && kind.has_body() {
            fields_of_body.insert(key.clone(), value.clone());
        }
    }
    let mut body = Value::Object(fields_of_body);
    match kind {
        Kind::ComponentTemplate | Kind::IndexTemplate => template(&mut body),
        Kind::LifecyclePolicy => lifecycle_policy(&mut body),
        Kind::StatePolicy => state_policy(&mut body),
        Kind::Role => role(&mut body),
        Kind::User | Kind::RoleMapping => enabled(&mut body),
        Kind::OpensearchRole => opensearch_role(&mut body),
        Kind::DataStream
        | Kind::OpensearchTenant
        | Kind::OpensearchUser
        | Kind::OpensearchRoleMapping => {}
    }
    drop_empty(&mut body);
    for key in SETS {
        sort(&mut body, key);
    }
    body
}

/// What a list holds; nothing if there is no list.
fn each<'a>(map: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = map.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// Lists at the top of bodies whose order means nothing.
const SETS: &[&str] = &[
    "cluster",
    "run_as",
    "roles",
    "index_patterns",
    "cluster_permissions",
    "backend_roles",
    "and_backend_roles",
    "hosts",
    "users",
    "opendistro_security_roles",
];

fn sort(map: &mut Value, key: &str) {
    if let Some(Value::Array(list)) = map.get_mut(key) {
        list.sort_by_key(Value::to_string);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Drops what is empty at the top, but for `data_stream`, where `{}` says something.
fn drop_empty(body: &mut Value) {
    if let Value::Object(map) = body {
        map.retain(|key, value| key == "data_stream" || !is_empty(value));
    }
}

fn drop_default(map: &mut Value, key: &str, default: &Value) {
    if let Value::Object(map) = map
        && map.get(key) == Some(default)
    {
        map.shift_remove(key);
    }
}

fn template(body: &mut Value) {
    // What isn't set is shown as zero by some releases: opensearch-project/terraform-provider-opensearch#300.
    drop_default(body, "version", &json!(0));
    drop_default(body, "priority", &json!(0));
    drop_default(body, "deprecated", &json!(false));
    if let Some(stream) = body.get_mut("data_stream") {
        drop_default(stream, "hidden", &json!(false));
        drop_default(stream, "allow_custom_routing", &json!(false));
        drop_default(stream, "timestamp_field", &json!({"name": "@timestamp"}));
    }
    if let Some(template) = body.get_mut("template") {
        if let Some(settings) = template.get_mut("settings") {
            *settings = flat_settings(settings);
        }
        if let Some(Value::Object(aliases)) = template.get_mut("aliases") {
            aliases.values_mut().for_each(alias);
        }
        drop_empty(template);
    }
}

/// Settings by their full names, every value a text: servers take them nested or dotted, with or without
/// `index.`, and give numbers back as texts.
fn flat_settings(settings: &Value) -> Value {
    let mut flat = Map::new();
    flatten("", settings, &mut flat);
    flat.sort_keys();
    Value::Object(flat)
}

fn flatten(name: &str, value: &Value, flat: &mut Map<String, Value>) {
    if let Value::Object(map) = value {
        for (key, value) in map {
            let dot = if name.is_empty() { "" } else { "." };
            flatten(&format!("{name}{dot}{key}"), value, flat);
        }
        return;
    }
    let name = if name.starts_with("index.") {
        name.to_owned()
    } else {
        format!("index.{name}")
    };
    flat.insert(name, as_text(value));
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
        Value::Array(list) => list.iter().map(as_text).collect(),
        _ => value.clone(),
    }
}

/// `routing` is short for two fields.
fn alias(alias: &mut Value) {
    if let Value::Object(map) = alias
        && let Some(routing) = map.shift_remove("routing")
    {
        for key in ["index_routing", "search_routing"] {
            map.entry(key).or_insert_with(|| routing.clone());
        }
    }
    drop_default(alias, "is_write_index", &json!(false));
}

fn lifecycle_policy(body: &mut Value) {
    let Some(Value::Object(phases)) = body.pointer_mut("/policy/phases") else {
        return;
    };
    for phase in phases.values_mut() {
        // The server shows an age that isn't set as this.
        drop_default(phase, "min_age", &json!("0ms"));
        if let Some(delete) = phase.pointer_mut("/actions/delete") {
            drop_default(delete, "delete_searchable_snapshot", &json!(true));
        }
    }
}

fn state_policy(body: &mut Value) {
    let Some(policy) = body.get_mut("policy") else {
        return;
    };
    if let Value::Object(map) = policy {
        // The server's own, whoever sent the policy.
        for key in ["policy_id", "last_updated_time", "schema_version", "user"] {
            map.shift_remove(key);
        }
        if map.get("error_notification") == Some(&Value::Null) {
            map.shift_remove("error_notification");
        }
        if let Some(one @ Value::Object(_)) = map.get("ism_template").cloned() {
            map.insert("ism_template".to_owned(), Value::Array(vec![one]));
        }
    }
    for template in each(policy, "ism_template") {
        if let Value::Object(map) = template {
            map.shift_remove("last_updated_time");
        }
        drop_default(template, "priority", &json!(0));
        sort(template, "index_patterns");
    }
    for state in each(policy, "states") {
        for action in each(state, "actions") {
            // Added where none is set:
            // <https://docs.opensearch.org/latest/im-plugin/ism/policies/#actions>.
            let retry = json!({"count": 3, "backoff": "exponential", "delay": "1m"});
            drop_default(action, "retry", &retry);
        }
        drop_default(state, "transitions", &json!([]));
    }
}

fn role(body: &mut Value) {
    for index in each(body, "indices") {
        drop_default(index, "allow_restricted_indices", &json!(false));
        drop_default(index, "query", &Value::Null);
        drop_default(index, "field_security", &json!({"grant": ["*"]}));
        sort(index, "names");
        sort(index, "privileges");
    }
}

fn enabled(body: &mut Value) {
    // What isn't set is on.
    drop_default(body, "enabled", &json!(true));
}

fn opensearch_role(body: &mut Value) {
    for index in each(body, "index_permissions") {
        drop_empty(index);
        sort(index, "index_patterns");
        sort(index, "allowed_actions");
    }
    for tenant in each(body, "tenant_permissions") {
        drop_empty(tenant);
        sort(tenant, "tenant_patterns");
        sort(tenant, "allowed_actions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(kind: Kind, wanted: &Value, server: &Value) -> bool {
        normal(kind, wanted, wanted) == normal(kind, server, wanted)
    }

    #[test]
    fn settings_are_the_same_nested_or_dotted_and_as_texts() {
        let wanted = json!({"template": {"settings": {"index": {"number_of_shards": 3, "mapping": {"ignore_malformed": true}, "query": {"default_field": ["a"]}}}}});
        for settings in [
            json!({"index": {"number_of_shards": "3", "mapping.ignore_malformed": "true", "query": {"default_field": ["a"]}}}),
            json!({"index.number_of_shards": "3", "index.mapping.ignore_malformed": true, "query.default_field": ["a"]}),
        ] {
            let server =
                json!({"template": {"settings": settings, "aliases": {}}, "created_date": 1});
            assert!(same(Kind::ComponentTemplate, &wanted, &server), "{server}");
        }
        let other = json!({"template": {"settings": {"index.number_of_shards": "4"}}});
        assert!(!same(Kind::ComponentTemplate, &wanted, &other));
    }

    #[test]
    fn a_policy_of_opensearch_comes_back_with_more() {
        let wanted = json!({"policy": {"description": "a", "default_state": "hot", "states": [
            {"name": "hot", "actions": [{"rollover": {"min_index_age": "1d"}}], "transitions": []}],
            "ism_template": {"index_patterns": ["a"], "priority": 1}}});
        let server = json!({"policy": {"policy_id": "x", "description": "a", "last_updated_time": 1, "schema_version": 21,
            "error_notification": null, "default_state": "hot", "states": [
            {"name": "hot", "actions": [{"retry": {"count": 3, "backoff": "exponential", "delay": "1m"}, "rollover": {"min_index_age": "1d"}}], "transitions": []}],
            "ism_template": [{"index_patterns": ["a"], "priority": 1, "last_updated_time": 2}]}, "_seq_no": 1});
        assert!(same(Kind::StatePolicy, &wanted, &server));
        let mut changed = server;
        changed["policy"]["states"][0]["actions"][0]["rollover"]["min_index_age"] = json!("2d");
        assert!(!same(Kind::StatePolicy, &wanted, &changed));
    }

    #[test]
    fn what_somebody_added_by_hand_is_seen() {
        let wanted = json!({"cluster_permissions": ["a"], "index_permissions": [{"index_patterns": ["x"], "allowed_actions": ["b"]}]});
        let server = json!({"reserved": false, "hidden": false, "static": false, "cluster_permissions": ["a"], "tenant_permissions": [],
            "index_permissions": [{"index_patterns": ["x"], "fls": [], "masked_fields": [], "dls": null, "allowed_actions": ["b"]}]});
        assert!(same(Kind::OpensearchRole, &wanted, &server));
        for (pointer, value) in [
            ("/cluster_permissions", json!(["a", "cluster_all"])),
            (
                "/tenant_permissions",
                json!([{"tenant_patterns": ["*"], "allowed_actions": ["kibana_all_read"]}]),
            ),
            ("/index_permissions/0/dls", json!("{}")),
            ("/index_permissions/0/allowed_actions", json!(["b", "read"])),
        ] {
            let mut changed = server.clone();
            *changed.pointer_mut(pointer).expect("it is there") = value;
            assert!(!same(Kind::OpensearchRole, &wanted, &changed), "{pointer}");
        }
    }

    #[test]
    fn a_user_that_was_disabled_differs() {
        let wanted = json!({"roles": ["a"]});
        assert!(same(
            Kind::User,
            &wanted,
            &json!({"username": "x", "roles": ["a"], "full_name": null, "enabled": true, "metadata": {}})
        ));
        assert!(!same(
            Kind::User,
            &wanted,
            &json!({"roles": ["a"], "enabled": false})
        ));
    }
}
