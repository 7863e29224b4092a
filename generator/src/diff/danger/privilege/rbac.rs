//! Roles of the API of Kubernetes, and who has them. Pure.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, has_object, items, names, text, texts};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some(new) = change.new_value() else {
        return;
    };
    match text(new, "/kind") {
        "ClusterRole" | "Role" => check_role(change.old_value(), new, found),
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
                    more.push(format!("{verb} {}", target.shown()));
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

    fn shown(&self) -> &str {
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

fn check_binding(change: &Change<'_>, new: &Json, found: &mut Found) {
    let Some(old) = change.old_value() else {
        if text(new, "/roleRef/name") == "cluster-admin" {
            let what = "somebody new may do everything in the whole cluster";
            found.push(Flag::PrivilegeWidens, what, None);
        }
        return;
    };
    if old.get("roleRef") != new.get("roleRef") {
        let what = "the subjects of a binding get another role";
        found.push(Flag::PrivilegeWidens, what, None);
    }
    let before = items(old, "subjects");
    let is_new_account = |subject: &Json| {
        let name = text(subject, "/name");
        let account = ("ServiceAccount", text(subject, "/namespace"), name);
        let plain = ("ServiceAccount", "", name);
        let has = |tree| has_object(tree, account) || has_object(tree, plain);
        text(subject, "/kind") == "ServiceAccount"
            && has(change.around.head)
            && !has(change.around.base)
    };
    let more = items(new, "subjects")
        .iter()
        .filter(|subject| !before.contains(subject));
    let kinds: Vec<String> = more
        .filter(|subject| !is_new_account(subject))
        .map(|subject| text(subject, "/kind").to_owned())
        .collect();
    if !kinds.is_empty() {
        let what = format!("a role is given to another {}", names(&kinds));
        found.push(Flag::PrivilegeWidens, what, None);
    }
}
