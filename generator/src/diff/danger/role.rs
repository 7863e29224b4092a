//! Roles and users that are taken out of the files. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, is_workload, items, objects, pod_spec, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    check_server(change, found);
    check_kubernetes(change, found);
    for resource in change.resources() {
        if resource.gone().is_some() && resource.kind() == "AWS::IAM::Role" {
            let live = if change.new.is_none() {
                "it stays as long as its stack, which nothing deletes by itself"
            } else {
                "CloudFormation deletes it when the stack is updated: what uses it is refused"
            };
            found.push(
                Flag::RoleRemoved,
                "a role of IAM is no longer rendered",
                Some(live.to_owned()),
            );
        }
    }
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
        .gone_path()
        .filter(|path| path.starts_with("elasticsearch/"))
    else {
        return;
    };
    if let Some((_, what)) = SERVER.iter().find(|(folder, _)| path.contains(folder)) {
        found.push(
            Flag::RoleRemoved,
            format!("{what} of Elasticsearch or OpenSearch is no longer rendered"),
            Some("nothing deletes it: it stays as it is until somebody does".to_owned()),
        );
    }
}

fn check_kubernetes(change: &Change<'_>, found: &mut Found) {
    let Some(gone) = change.gone_object() else {
        return;
    };
    let name = text(gone, "/metadata/name");
    let accounts: BTreeSet<String> = match text(gone, "/kind") {
        "ServiceAccount" => BTreeSet::from([name.to_owned()]),
        "ClusterRoleBinding" | "RoleBinding" => accounts_of(gone),
        "ClusterRole" | "Role" => objects(change.around.base, name)
            .filter(|binding| text(binding, "/roleRef/name") == name)
            .flat_map(|binding| accounts_of(&binding))
            .collect(),
        _ => return,
    };
    let is_used = |object: &Json| {
        let account = pod_spec(object).map(|spec| text(spec, "/serviceAccountName"));
        is_workload(text(object, "/kind")) && account.is_some_and(|name| accounts.contains(name))
    };
    if objects(change.around.head, "serviceAccountName").any(|object| is_used(&object)) {
        let kind = text(gone, "/kind");
        found.push(
            Flag::RoleRemoved,
            format!(
                "a {} is gone, and pods still need it",
                super::change::shown(kind)
            ),
            Some(change.around.applier.of_removed()),
        );
    }
}

fn accounts_of(binding: &Json) -> BTreeSet<String> {
    let subjects = items(binding, "subjects").iter();
    subjects
        .filter(|subject| text(subject, "/kind") == "ServiceAccount")
        .map(|subject| text(subject, "/name").to_owned())
        .collect()
}
