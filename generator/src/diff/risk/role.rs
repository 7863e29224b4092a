//! Accounts and roles of Kubernetes that are taken out of the files, and that pods need. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, is_workload, items, legible, objects, pod_spec, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
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
