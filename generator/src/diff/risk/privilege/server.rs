//! Roles, their mappings and users of Elasticsearch and OpenSearch. Pure.

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, items, names, texts};
use super::{covered, limit};

/// What a role permits on indices: names and privileges, as
/// <https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/role-structure> and
/// <https://docs.opensearch.org/latest/security/access-control/api/#roles> call them.
const INDICES: [(&str, &str, &str); 3] = [
    ("indices", "names", "privileges"),
    ("index_permissions", "index_patterns", "allowed_actions"),
    ("tenant_permissions", "tenant_patterns", "allowed_actions"),
];

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

/// What else a role permits: where it stands, and by which lists; the first
/// says what may be done.
const GRANTS: [(&str, [&str; 3], &str); 3] = [
    (
        "applications",
        ["privileges", "application", "resources"],
        "in an application",
    ),
    (
        "remote_indices",
        ["privileges", "names", "clusters"],
        "on indices of other clusters",
    ),
    (
        "remote_cluster",
        ["privileges", "clusters", "clusters"],
        "with other clusters",
    ),
];

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let path = change.path();
    let is_security = path.contains("/_security/");
    if !path.starts_with("elasticsearch/") || !is_security {
        return;
    }
    let Some((old, new)) = change.values() else {
        return;
    };
    for key in ["cluster", "cluster_permissions"] {
        let more = added(old, new, key);
        if !more.is_empty() {
            let what = format!("a role may do {} on the whole server", names(&more));
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
    for key in HOLDERS {
        let more = added(old, new, key);
        if !more.is_empty() {
            let what = format!("`{key}` gets {} as well", names(&more));
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
    if old.get("rules").is_some() && old.get("rules") != new.get("rules") {
        let what = "the rules that say who has a role change";
        found.push(Flag::PrivilegeWidens, what, None);
    }
    for (list, keys, what) in GRANTS {
        check_grants(old, new, (list, keys), what, found);
    }
    check_global(old, new, found);
    for (list, patterns, actions) in INDICES {
        let is_new = |name: &str| is_new_stream(change, name);
        check_indices(
            [old, new].map(|value| items(value, list)),
            [patterns, actions],
            &is_new,
            found,
        );
    }
}

fn added(old: &Json, new: &Json, key: &str) -> Vec<String> {
    let old = texts(old.get(key));
    let new = texts(new.get(key)).into_iter();
    new.filter(|name| !covered(&old, name) && !old.iter().any(|old| old == "all"))
        .collect()
}

/// Whether a data stream comes with this very change.
fn is_new_stream(change: &Change<'_>, name: &str) -> bool {
    let Some(server) = change.path().split('/').nth(1) else {
        return false;
    };
    let path = format!("elasticsearch/{server}/_data_stream/{name}.json");
    !name.contains('*') && change.around.head.has(&path) && !change.around.base.has(&path)
}

fn check_indices(
    [old, new]: [&[Json]; 2],
    [patterns, actions]: [&str; 2],
    is_new: &dyn Fn(&str) -> bool,
    found: &mut Found,
) {
    for entry in new {
        for pattern in texts(entry.get(patterns)) {
            let before = old
                .iter()
                .filter(|old| covered(&texts(old.get(patterns)), &pattern));
            let allowed: Vec<String> = before
                .clone()
                .flat_map(|old| texts(old.get(actions)))
                .collect();
            let all = allowed.iter().any(|action| action == "all");
            let more: Vec<String> = texts(entry.get(actions))
                .into_iter()
                .filter(|action| !all && !covered(&allowed, action))
                .collect();
            if !more.is_empty() && !is_new(&pattern) {
                let known = before.clone().count() > 0;
                let place = if known { "" } else { " on more indices" };
                let what = format!("a role may do {}{place}", names(&more));
                found.push(Flag::PrivilegeWidens, what, None);
            }
            limit::check(&before.collect::<Vec<_>>(), entry, found);
        }
    }
}

/// What a role may do, and what with, each with each.
fn check_grants(
    old: &Json,
    new: &Json,
    (list, keys): (&str, [&str; 3]),
    what: &str,
    found: &mut Found,
) {
    let lists = |entry: &Json| keys.map(|key| texts(entry.get(key)));
    let before: Vec<[Vec<String>; 3]> = items(old, list).iter().map(lists).collect();
    let mut more = Vec::new();
    for [actions, places, parts] in items(new, list).iter().map(lists) {
        let is_permitted = |action: &String| {
            places.iter().all(|place| {
                parts.iter().all(|part| {
                    before.iter().any(|[actions, places, parts]| {
                        let all = actions.iter().any(|action| action == "all");
                        (all || covered(actions, action))
                            && covered(places, place)
                            && covered(parts, part)
                    })
                })
            })
        };
        more.extend(actions.into_iter().filter(|action| !is_permitted(action)));
    }
    if !more.is_empty() {
        let what = format!("a role may do {} {what}", names(&more));
        found.push(Flag::PrivilegeWidens, what, None);
    }
}

/// Privileges on the whole server that have limits of their own
/// (<https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/role-structure>).
fn check_global(old: &Json, new: &Json, found: &mut Found) {
    let before = leaves(old.get("global"));
    let more: Vec<String> = leaves(new.get("global"))
        .into_iter()
        .filter(|leaf| !covered(&before, leaf))
        .collect();
    if !more.is_empty() {
        let what = format!("a role gets {} by `global`", names(&more));
        found.push(Flag::PrivilegeWidens, what, None);
    }
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
