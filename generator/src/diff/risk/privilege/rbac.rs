//! Roles of the API of Kubernetes, and who has them. Pure.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::grant::{Grant, beyond, grant, product};
use crate::diff::documents::Documents;
use crate::diff::risk::row::Among;
use crate::diff::risk::values::{has_object, text, texts};
use crate::diff::risk::wording::{names, quoted, some_names};

/// What the rules of a role permit as well.
pub(in crate::diff::risk) fn more_rights(old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (rights(old), rights(new));
    let more = beyond(&before, &after).into_iter();
    some_names(more.map(|[verb, _, what, _]| format!("{verb} {what}")))
}

/// Whether a role permits everything.
pub(in crate::diff::risk) fn has_all_rights(role: &Json) -> Json {
    let all = |[verb, _, what, _]: &Grant| verb == "*" && what == "*";
    let rules = role.get("rules").unwrap_or(&Json::Null);
    rights(rules).iter().any(all).into()
}

/// Verbs with an API group, a kind, and a name in it; or with an address.
fn rights(rules: &Json) -> Vec<Grant> {
    let rules = rules.as_array().into_iter().flatten();
    let rights = rules.flat_map(|rule| {
        let list = |key: &str| texts(rule.get(key));
        let names = match list("resourceNames") {
            none if none.is_empty() => vec!["*".to_owned()],
            names => names,
        };
        let groups = list("apiGroups")
            .iter()
            .map(|group| format!("group {group}"))
            .collect();
        let of_kinds = product(&[list("verbs"), groups, list("resources"), names]);
        let verbs = list("verbs").into_iter();
        let of_addresses = verbs.flat_map(move |verb| {
            let addresses = texts(rule.get("nonResourceURLs")).into_iter();
            addresses.map(move |address| grant([&verb, "address", &address, ""]))
        });
        of_kinds.into_iter().chain(of_addresses)
    });
    rights.collect()
}

/// Users and groups that everybody is or is in
/// (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings>).
const EVERYBODY: [&str; 4] = [
    "system:anonymous",
    "system:authenticated",
    "system:serviceaccounts",
    "system:unauthenticated",
];

/// Who else has a role.
pub(in crate::diff::risk) fn more_subjects(among: &Among<'_>) -> Vec<String> {
    let [old, new] = among.values();
    let after = subjects(new, among.around.head);
    let Some(old) = old else {
        let everybody = after.iter().map(|[_, _, name]| name);
        let everybody = everybody.filter(|name| EVERYBODY.contains(&name.as_str()));
        let everybody: Vec<&String> = everybody.collect();
        let what = || format!("everybody gets a role: {}", quoted(&everybody));
        return (!everybody.is_empty()).then(what).into_iter().collect();
    };
    let before = subjects(Some(old), among.around.base);
    let is_new_account = |[kind, namespace, name]: &[String; 3]| {
        let has = |files| {
            let mut places = [namespace.as_str(), ""].into_iter();
            places.any(|place| has_object(files, ("ServiceAccount", place, name)))
        };
        kind == "ServiceAccount" && has(among.around.head) && !has(among.around.base)
    };
    let more = after
        .difference(&before)
        .filter(|subject| !is_new_account(subject));
    let more: Vec<String> = more
        .map(|[kind, _, name]| format!("{kind} `{name}`"))
        .collect();
    let what = || format!("a role is given to another {}", names(&more));
    (!more.is_empty()).then(what).into_iter().collect()
}

/// Kind, namespace and name of who has a role. The namespace is empty for the one that all objects
/// of the cluster are put into, so that who moves with them stays who it is.
fn subjects(list: Option<&Json>, files: &Documents<'_>) -> BTreeSet<[String; 3]> {
    let kustomization = files.get("kubernetes/kustomization.yaml");
    let own = kustomization.and_then(|file| file.value()?.get("namespace")?.as_str());
    let all = list.and_then(Json::as_array).into_iter().flatten();
    all.map(|subject| {
        let [kind, namespace, name] =
            ["/kind", "/namespace", "/name"].map(|at| text(subject, at).to_owned());
        let namespace = Some(namespace).filter(|name| Some(name.as_str()) != own);
        [kind, namespace.unwrap_or_default(), name]
    })
    .collect()
}

/// The roles to which what a role permits is added, by its labels.
pub(in crate::diff::risk) fn added_to(role: &Json) -> Json {
    let labels = role.pointer("/metadata/labels").and_then(Json::as_object);
    let labels = labels
        .into_iter()
        .flatten()
        .filter(|(_, value)| *value == "true");
    let names =
        labels.filter_map(|(name, _)| name.strip_prefix("rbac.authorization.k8s.io/aggregate-to-"));
    names.map(|name| format!("`{name}`")).collect()
}

/// The role of AWS that pods get by their account
/// (<https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>).
pub(in crate::diff::risk) fn role_of_aws(account: &Json) -> Json {
    let annotations = account.pointer("/metadata/annotations");
    let role = annotations.and_then(|all| all.get("eks.amazonaws.com/role-arn"));
    role.cloned().unwrap_or_default()
}

pub(in crate::diff::risk) fn another_role(old: &Json, new: &Json) -> Option<String> {
    let what = if old.is_null() {
        "an IAM role"
    } else {
        "another IAM role"
    };
    (!new.is_null()).then(|| what.to_owned())
}
