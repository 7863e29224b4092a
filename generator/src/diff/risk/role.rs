//! Accounts and roles of Kubernetes that are taken out of the files, and that pods need. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::row::Among;
use super::values::{items, objects, pod_spec, text};

/// Whether pods of the head need a role, a binding or an account that is gone.
pub(super) fn is_needed(among: &Among<'_>) -> bool {
    let removed = among.values()[0].unwrap_or(&Json::Null);
    let name = text(removed, "/metadata/name");
    let accounts: BTreeSet<String> = match text(removed, "/kind") {
        "ServiceAccount" => BTreeSet::from([name.to_owned()]),
        "ClusterRoleBinding" | "RoleBinding" => accounts_of(removed),
        _ => objects(among.around.base, name)
            .filter(|binding| text(binding, "/roleRef/name") == name)
            .flat_map(accounts_of)
            .collect(),
    };
    let is_used = |object: &Json| {
        let account = pod_spec(object).map(|spec| text(spec, "/serviceAccountName"));
        account.is_some_and(|name| accounts.contains(name))
    };
    objects(among.around.head, "serviceAccountName").any(is_used)
}

fn accounts_of(binding: &Json) -> BTreeSet<String> {
    let subjects = items(binding, "subjects").iter();
    subjects
        .filter(|subject| text(subject, "/kind") == "ServiceAccount")
        .map(|subject| text(subject, "/name").to_owned())
        .collect()
}
