//! Of Elasticsearch and OpenSearch.

use serde_json::{Value as Json, json};

use super::{flagged, of_new};
use crate::diff::risk::tests::of_values;

const SECURITY: &str = "elasticsearch/main/_security";

const OPENSEARCH: &str = "elasticsearch/main/_plugins/_security/api";

#[test]
fn what_is_new_at_a_server_may_be_for_everybody() {
    for (path, value, what) in [
        (
            format!("{SECURITY}/role/x.json"),
            json!({"cluster": ["all"]}),
            "a new role may do all on the whole server",
        ),
        (
            format!("{SECURITY}/role/x.json"),
            json!({"cluster": [], "indices": [{"names": ["*"], "privileges": ["all"]}]}),
            "a new role may do all on every index",
        ),
        (
            format!("{OPENSEARCH}/roles/x.json"),
            json!({"index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["read"]}]}),
            "a new role may do read on every index",
        ),
        (
            format!("{SECURITY}/user/x.json"),
            json!({"roles": ["superuser"]}),
            "a new user has the role `superuser`",
        ),
        (
            format!("{SECURITY}/role_mapping/x.json"),
            json!({"roles": ["reader"], "enabled": true, "rules": {"field": {"username": "*"}}}),
            "everybody gets the role `reader`",
        ),
        (
            format!("{SECURITY}/role_mapping/x.json"),
            json!({"roles": ["superuser"], "rules": {"field": {"username": "anna"}}}),
            "someone new gets the role `superuser`",
        ),
        (
            format!("{OPENSEARCH}/rolesmapping/all_access.json"),
            json!({"users": ["*"]}),
            "everybody gets the role `all_access`",
        ),
        (
            format!("{OPENSEARCH}/rolesmapping/reader.json"),
            json!({"backend_roles": ["*"]}),
            "everybody gets the role `reader`",
        ),
    ] {
        assert_eq!(of_new(&path, &value), flagged(what));
    }
    for (path, value) in [
        (
            format!("{SECURITY}/role/x.json"),
            json!({"cluster": ["monitor"], "indices": [{"names": ["logs-a", "logs-b-*"], "privileges": ["all"]}]}),
        ),
        (
            format!("{SECURITY}/role_mapping/x.json"),
            json!({"roles": ["reader"], "rules": {"all": [{"field": {"username": "*"}}, {"field": {"groups": "admins"}}]}}),
        ),
        (
            format!("{SECURITY}/user/x.json"),
            json!({"roles": ["superuser"], "enabled": false}),
        ),
        (
            format!("{OPENSEARCH}/rolesmapping/reader.json"),
            json!({"users": ["CN=reader"]}),
        ),
    ] {
        assert_eq!(of_new(&path, &value), [""; 0], "{path}");
    }
}

#[test]
fn roles_of_servers_widen_in_every_part() {
    let path = format!("{SECURITY}/role/x.json");
    let indices = |more: Json| {
        let mut entry = json!({"names": ["a"], "privileges": ["read"]});
        for (key, value) in more.as_object().expect("members") {
            entry[key] = value.clone();
        }
        json!({"indices": [entry]})
    };
    let limited = indices(json!({"query": "{\"term\":{\"a\":1}}"}));
    let fields = |grant: &[&str]| indices(json!({"field_security": {"grant": grant}}));
    let application = |resources: &[&str]| json!({"applications": [{"application": "kibana", "privileges": ["read"], "resources": resources}]});
    let remote =
        json!({"remote_indices": [{"clusters": ["b"], "names": ["a"], "privileges": ["read"]}]});
    for (old, new, what) in [
        (
            application(&["space:a"]),
            application(&["*"]),
            "a role may do read in an application",
        ),
        (
            json!({}),
            remote.clone(),
            "a role may do read on indices of other clusters",
        ),
        (
            indices(json!({})),
            indices(json!({"allow_restricted_indices": true})),
            "a role may also use the server's restricted indices",
        ),
        (
            json!({}),
            json!({"global": {"application": {"manage": {"applications": ["*"]}}}}),
            "a role may do application manage applications * by `global`",
        ),
        (
            limited.clone(),
            indices(json!({"query": {"match_all": {}}})),
            "a role is no longer limited to some records or fields",
        ),
        (
            limited.clone(),
            indices(json!({"query": "{\"match_all\":{}}"})),
            "a role is no longer limited to some records or fields",
        ),
        (
            limited.clone(),
            indices(json!({"query": "{\"term\":{\"a\":2}}"})),
            "a role is limited to other records or fields",
        ),
        (
            fields(&["message"]),
            fields(&["*"]),
            "a role is no longer limited to some records or fields",
        ),
        (
            fields(&["message"]),
            fields(&["message", "user"]),
            "a role is limited to other records or fields",
        ),
    ] {
        assert_eq!(of_values(&path, &old, &new), flagged(what), "{new}");
    }
    for (old, new) in [
        (application(&["*"]), application(&["space:a"])),
        (remote, json!({})),
        (indices(json!({})), limited.clone()),
        (limited, indices(json!({"query": {"term": {"a": 1}}}))),
        (fields(&["message", "user"]), fields(&["user"])),
    ] {
        assert_eq!(of_values(&path, &old, &new), [""; 0], "{new}");
    }
}
