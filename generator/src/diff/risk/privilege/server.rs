//! Roles, their mappings and users of Elasticsearch and OpenSearch. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::grant::{Grant, beyond, product};
use super::{covered, everything, limit};
use crate::diff::risk::mapping::server_of;
use crate::diff::risk::row::Among;
use crate::diff::risk::values::{items, texts};
use crate::diff::risk::wording::names;

/// What a role permits, as
/// <https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/role-structure> and
/// <https://docs.opensearch.org/latest/security/access-control/api/#roles> call it: a list, where that holds,
/// and of each entry what may be done, and with what.
const LISTS: [(&str, &str, [&str; 3]); 6] = [
    ("indices", INDICES, ["privileges", "names", ""]),
    (
        "index_permissions",
        INDICES,
        ["allowed_actions", "index_patterns", ""],
    ),
    (
        "tenant_permissions",
        TENANTS,
        ["allowed_actions", "tenant_patterns", ""],
    ),
    (
        "applications",
        "in an application",
        ["privileges", "application", "resources"],
    ),
    (
        "remote_indices",
        "on indices of other clusters",
        ["privileges", "names", "clusters"],
    ),
    (
        "remote_cluster",
        "with other clusters",
        ["privileges", "clusters", ""],
    ),
];
pub(super) const INDICES: &str = "on more indices";
const TENANTS: &str = "with more tenants";
pub(super) const SERVER: &str = "on the whole server";

/// Who has a role, or which roles a user has.
const HOLDERS: [&str; 7] = [
    "backend_roles",
    "users",
    "hosts",
    "and_backend_roles",
    "roles",
    "opendistro_security_roles",
    "run_as",
];

/// What a role, a mapping or a user permits that wasn't permitted before.
pub(in crate::diff::risk) fn widened(among: &Among<'_>) -> Vec<String> {
    let [old, new] = among.values();
    match (old, new) {
        (Some(old), Some(new)) if among.path().contains("/_security/") => compare(among, old, new),
        (None, Some(new)) => everything::of_new(among.path(), new).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn compare(among: &Among<'_>, old: &Json, new: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for key in HOLDERS {
        let (before, after) = (texts(old.get(key)), texts(new.get(key)));
        let is_new =
            |name: &&String| !covered(&before, name) && !before.iter().any(|own| own == "all");
        let more: Vec<String> = after.iter().filter(is_new).cloned().collect();
        if !more.is_empty() {
            found.push(format!("`{key}` gets {} as well", names(&more)));
        }
    }
    if old
        .get("rules")
        .is_some_and(|rules| new.get("rules") != Some(rules))
    {
        found.push("the rules that say who has a role change".to_owned());
    }
    let before: Vec<Grant> = grants(old).into_iter().map(with_stars).collect();
    let after = grants(new);
    let mut more: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for [scope, action, place, _] in beyond(&before, &after) {
        let has_place = |own: &Grant| own[0] == *scope && covered(&own[2..3], place);
        let scope = match scope.as_str() {
            INDICES | TENANTS if is_new_stream(among, place) => continue,
            INDICES | TENANTS if before.iter().any(has_place) => String::new(),
            scope => format!(" {scope}"),
        };
        more.entry(scope).or_default().push(action.clone());
    }
    let more = more
        .iter()
        .map(|(scope, actions)| format!("a role may do {}{scope}", names(actions)));
    found.extend(more);
    found.extend(fewer_limits(old, new));
    found
}

/// What a role permits: where, what may be done, and with what.
pub(super) fn grants(role: &Json) -> Vec<Grant> {
    let one = |text: &str| vec![text.to_owned()];
    let on_server = ["cluster", "cluster_permissions"]
        .iter()
        .flat_map(|key| product(&[one(SERVER), texts(role.get(*key)), one(""), one("")]));
    let in_lists = LISTS.iter().flat_map(|(list, scope, keys)| {
        items(role, list).iter().flat_map(move |entry| {
            let [actions, places, parts] = keys.map(|key| match key {
                "" => one(""),
                key => texts(entry.get(key)),
            });
            product(&[one(scope), actions, places, parts])
        })
    });
    // Privileges on the whole server that have limits of their own.
    let global = product(&[
        one("by `global`"),
        leaves(role.get("global")),
        one(""),
        one(""),
    ]);
    on_server.chain(in_lists).chain(global).collect()
}

/// `all` is a privilege that has all others in it.
fn with_stars(mut grant: Grant) -> Grant {
    if grant[1] == "all" {
        "*".clone_into(&mut grant[1]);
    }
    grant
}

/// Whether a data stream comes with this very change.
fn is_new_stream(among: &Among<'_>, name: &str) -> bool {
    let path = |server| format!("elasticsearch/{server}/_data_stream/{name}.json");
    let comes = |path: String| among.around.head.has(&path) && !among.around.base.has(&path);
    !name.contains('*') && server_of(among.path()).map(path).is_some_and(comes)
}

/// Entries that are limited less than those which took the same indices.
fn fewer_limits(old: &Json, new: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for (list, _, [_, patterns, _]) in &LISTS[..3] {
        for entry in items(new, list) {
            for pattern in texts(entry.get(*patterns)) {
                let takes = |old: &&Json| covered(&texts(old.get(*patterns)), &pattern);
                let before: Vec<&Json> = items(old, list).iter().filter(takes).collect();
                found.extend(limit::fewer(&before, entry).into_iter().map(str::to_owned));
            }
        }
    }
    found
}

/// The texts in a value, each with the keys above it. A key may have no dot in
/// it, so none is mistaken for two.
fn leaves(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::Object(members)) => members
            .iter()
            .flat_map(|(key, inner)| {
                let inner = leaves(Some(inner)).into_iter();
                inner.map(move |leaf| format!("{key} {leaf}"))
            })
            .collect(),
        other => texts(other),
    }
}
