//! Roles of the API of Kubernetes, and who has them. Pure.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, has_object, items, names, text, texts};
use crate::diff::documents::Documents;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some(new) = change.new_value() else {
        return;
    };
    match text(new, "/kind") {
        "ClusterRole" | "Role" => {
            check_role(change.old_value(), new, found);
            check_aggregation(change.old_value(), new, found);
        }
        "ServiceAccount" => check_account(change.old_value(), new, found),
        "ClusterRoleBinding" | "RoleBinding" => check_binding(change, new, found),
        _ => {}
    }
}

fn check_role(old: Option<&Json>, new: &Json, found: &mut Found) {
    let Some(old) = old else {
        let all = |rule: &Json, key| texts(rule.get(key)).iter().any(|name| name == "*");
        if items(new, "rules")
            .iter()
            .any(|rule| all(rule, "verbs") && all(rule, "resources"))
        {
            let what = "a new role may do everything with every kind of object";
            found.push(Flag::PrivilegeWidens, what, None);
        }
        return;
    };
    let old_rules = items(old, "rules");
    for rule in items(new, "rules") {
        let mut more = Vec::new();
        for verb in texts(rule.get("verbs")) {
            for target in targets(rule) {
                let permits = |old: &Json| has(old, "verbs", &verb) && target.is_in(old);
                if !old_rules.iter().any(permits) {
                    more.push(format!("{verb} {}", target.legible()));
                }
            }
        }
        if !more.is_empty() {
            let what = format!("a role may {} as well", names(&more));
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
}

/// What a rule permits something with.
enum Target {
    Resource {
        group: String,
        kind: String,
        name: Option<String>,
    },
    Url(String),
}

impl Target {
    fn is_in(&self, rule: &Json) -> bool {
        match self {
            Self::Url(url) => {
                let urls = texts(rule.get("nonResourceURLs"));
                super::covered(&urls, url)
            }
            Self::Resource { group, kind, name } => {
                let limits = texts(rule.get("resourceNames"));
                let named = name.as_ref().is_some_and(|name| limits.contains(name));
                has(rule, "apiGroups", group)
                    && has(rule, "resources", kind)
                    && (limits.is_empty() || named)
            }
        }
    }

    fn legible(&self) -> &str {
        match self {
            Self::Resource { kind, .. } => kind,
            Self::Url(url) => url,
        }
    }
}

fn targets(rule: &Json) -> Vec<Target> {
    let names = texts(rule.get("resourceNames"));
    let mut found: Vec<Target> = texts(rule.get("nonResourceURLs"))
        .into_iter()
        .map(Target::Url)
        .collect();
    for group in texts(rule.get("apiGroups")) {
        for kind in texts(rule.get("resources")) {
            let target = |name| Target::Resource {
                group: group.clone(),
                kind: kind.clone(),
                name,
            };
            if names.is_empty() {
                found.push(target(None));
            }
            found.extend(names.iter().cloned().map(|name| target(Some(name))));
        }
    }
    found
}

fn has(rule: &Json, key: &str, wanted: &str) -> bool {
    texts(rule.get(key))
        .iter()
        .any(|own| own == "*" || own == wanted)
}

/// Users and groups that everybody is or is in
/// (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings>).
const EVERYBODY: [&str; 4] = [
    "system:anonymous",
    "system:authenticated",
    "system:serviceaccounts",
    "system:unauthenticated",
];

fn check_binding(change: &Change<'_>, new: &Json, found: &mut Found) {
    let Some(old) = change.old_value() else {
        if text(new, "/roleRef/name") == "cluster-admin" {
            let what = "a new subject may do everything in the whole cluster";
            found.push(Flag::PrivilegeWidens, what, None);
        }
        let names = items(new, "subjects")
            .iter()
            .map(|subject| text(subject, "/name"));
        let everybody: Vec<String> = names
            .filter(|name| EVERYBODY.contains(name))
            .map(|name| format!("`{name}`"))
            .collect();
        if !everybody.is_empty() {
            let what = format!("everybody gets a role: {}", self::names(&everybody));
            found.push(Flag::PrivilegeWidens, what, None);
        }
        return;
    };
    if old.get("roleRef") != new.get("roleRef") {
        let what = "the subjects of a binding get another role";
        found.push(Flag::PrivilegeWidens, what, None);
    }
    let before = subjects(old, change.around.base);
    let is_new_account = |subject: &Subject| {
        let account = (
            "ServiceAccount",
            subject.namespace.as_str(),
            subject.name.as_str(),
        );
        let plain = ("ServiceAccount", "", subject.name.as_str());
        let has = |files| has_object(files, account) || has_object(files, plain);
        subject.kind == "ServiceAccount" && has(change.around.head) && !has(change.around.base)
    };
    let after = subjects(new, change.around.head);
    let more = after.iter().filter(|subject| !before.contains(subject));
    let more: Vec<String> = more
        .filter(|subject| !is_new_account(subject))
        .map(|subject| format!("{} `{}`", subject.kind, subject.name))
        .collect();
    if !more.is_empty() {
        let what = format!("a role is given to another {}", names(&more));
        found.push(Flag::PrivilegeWidens, what, None);
    }
}

/// Who has a role.
#[derive(PartialEq, Eq)]
struct Subject {
    kind: String,
    name: String,
    /// Empty for the namespace that all objects of the cluster are put into,
    /// so that one that moves with them stays who it is.
    namespace: String,
}

fn subjects(binding: &Json, files: &Documents<'_>) -> Vec<Subject> {
    let own = common_namespace(files);
    let all = items(binding, "subjects").iter();
    all.map(|subject| {
        let part = |key: &str| text(subject, &format!("/{key}")).to_owned();
        let namespace = part("namespace");
        Subject {
            kind: part("kind"),
            name: part("name"),
            namespace: Some(namespace)
                .filter(|name| Some(name.as_str()) != own)
                .unwrap_or_default(),
        }
    })
    .collect()
}

/// The namespace of the cluster's kustomization.
fn common_namespace<'d>(files: &'d Documents<'_>) -> Option<&'d str> {
    let value = files.get("kubernetes/kustomization.yaml")?.value()?;
    value.get("namespace")?.as_str()
}

/// Roles that take what others permit, and roles that others take
/// (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles>).
fn check_aggregation(old: Option<&Json>, new: &Json, found: &mut Found) {
    let selectors = |role: &Json| -> Vec<Json> {
        let rule = role.get("aggregationRule");
        let list = rule.map_or(&[][..], |rule| items(rule, "clusterRoleSelectors"));
        list.to_vec()
    };
    let before = old.map(selectors).unwrap_or_default();
    if selectors(new)
        .iter()
        .any(|selector| !before.contains(selector))
    {
        let what = "a role may do whatever other roles permit (`aggregationRule`)";
        found.push(Flag::PrivilegeWidens, what, None);
    }
    let taken = |role: &Json| -> Vec<String> {
        let labels = role.pointer("/metadata/labels").and_then(Json::as_object);
        let labels = labels.into_iter().flatten();
        labels
            .filter(|(_, value)| *value == "true")
            .filter_map(|(name, _)| name.strip_prefix("rbac.authorization.k8s.io/aggregate-to-"))
            .map(|role| format!("`{role}`"))
            .collect()
    };
    let before = old.map(taken).unwrap_or_default();
    let more: Vec<String> = taken(new);
    let more: Vec<&String> = more.iter().filter(|role| !before.contains(role)).collect();
    if !more.is_empty() {
        let what = format!("what a role permits is added to {}", names(more));
        found.push(Flag::PrivilegeWidens, what, None);
    }
}

/// The role of AWS that pods get by their account
/// (<https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>).
fn check_account(old: Option<&Json>, new: &Json, found: &mut Found) {
    let Some(old) = old else {
        return;
    };
    let role = |account: &Json| {
        let annotations = account.pointer("/metadata/annotations");
        texts(annotations.and_then(|all| all.get("eks.amazonaws.com/role-arn")))
    };
    if role(new).iter().any(|arn| !role(old).contains(arn)) {
        let what = if role(old).is_empty() {
            "a ServiceAccount gets a role of AWS"
        } else {
            "a ServiceAccount gets another role of AWS"
        };
        found.push(Flag::PrivilegeWidens, what, None);
    }
    let refuses =
        |account: &Json| account.get("automountServiceAccountToken") == Some(&Json::Bool(false));
    if refuses(old) && !refuses(new) {
        let what = "pods of a ServiceAccount get its token unasked";
        found.push(Flag::PrivilegeWidens, what, None);
    }
}
