//! Roles and users that are taken out of the files. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, is_workload, items, legible, objects, pod_spec, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    check_server(change, found);
    check_kubernetes(change, found);
}

/// Folders of the APIs, and what is in them.
const SERVER: [(&str, &str); 6] = [
    ("/_security/role/", "a role"),
    ("/_security/role_mapping/", "a role mapping"),
    ("/_security/user/", "a user"),
    ("/_security/api/roles/", "a role"),
    ("/_security/api/rolesmapping/", "a role mapping"),
    ("/_security/api/internalusers/", "a user"),
];

fn check_server(change: &Change<'_>, found: &mut Found) {
    let Some(path) = change
        .removed_path()
        .filter(|path| path.starts_with("elasticsearch/"))
    else {
        return;
    };
    if let Some((_, what)) = SERVER.iter().find(|(folder, _)| path.contains(folder)) {
        let what = format!("{what} of Elasticsearch or OpenSearch is no longer rendered");
        let live = "nothing deletes it: it stays until someone does";
        found.push_removed_file(change, Flag::RoleRemoved, what, live);
    }
}

fn check_kubernetes(change: &Change<'_>, found: &mut Found) {
    let Some(removed) = change.removed_object() else {
        return;
    };
    let name = text(removed, "/metadata/name");
    let accounts: BTreeSet<String> = match text(removed, "/kind") {
        "ServiceAccount" => BTreeSet::from([name.to_owned()]),
        "ClusterRoleBinding" | "RoleBinding" => accounts_of(removed),
        "ClusterRole" | "Role" => objects(change.around.base, name)
            .filter(|binding| text(binding, "/roleRef/name") == name)
            .flat_map(accounts_of)
            .collect(),
        _ => return,
    };
    let is_used = |object: &Json| {
        let account = pod_spec(object).map(|spec| text(spec, "/serviceAccountName"));
        is_workload(text(object, "/kind")) && account.is_some_and(|name| accounts.contains(name))
    };
    if objects(change.around.head, "serviceAccountName").any(is_used) {
        let [kind, name] = [text(removed, "/kind"), name].map(legible);
        let what = format!("the {kind} `{name}` is gone, and pods still need it");
        let live = change.around.applier.of_removed();
        found.push_removed_file(change, Flag::RoleRemoved, what, &live);
    }
}

fn accounts_of(binding: &Json) -> BTreeSet<String> {
    let subjects = items(binding, "subjects").iter();
    subjects
        .filter(|subject| text(subject, "/kind") == "ServiceAccount")
        .map(|subject| text(subject, "/name").to_owned())
        .collect()
}
