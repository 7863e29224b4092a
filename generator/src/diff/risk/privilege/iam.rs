//! Policies of AWS in templates of CloudFormation. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, names as shown_names, text, texts};
use super::super::parts::Reported;
use super::named::NewNames;
use super::statement::{Statement, Statements, statements};
use super::{account, covered};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let resources = change.resources();
    let names = NewNames::of(&resources);
    let mut reported = Reported::new(Flag::PrivilegeWidens);
    for resource in &resources {
        let Some(new) = resource.new else {
            continue;
        };
        let mut tell = |what: String| reported.push(what, resource.id);
        if let Some((old, new)) = resource.both() {
            compare(statements(old), statements(new), &names, &mut tell);
        } else if is_for_what_was_there(change, new) {
            compare(Statements::default(), statements(new), &names, &mut tell);
        } else {
            check_new(change, &statements(new), &mut tell);
        }
    }
    reported.finish(found);
}

/// Whether a policy of its own is given to a role, user or group that was
/// there before, or that stands elsewhere.
fn is_for_what_was_there(change: &Change<'_>, policy: &Json) -> bool {
    let keys = [
        "RoleName",
        "UserName",
        "GroupName",
        "Roles",
        "Users",
        "Groups",
    ];
    let holders = keys.iter().flat_map(|key| {
        let all = policy.pointer(&format!("/Properties/{key}"));
        texts(all)
    });
    let is_policy = matches!(
        text(policy, "/Type"),
        "AWS::IAM::Policy"
            | "AWS::IAM::ManagedPolicy"
            | "AWS::IAM::RolePolicy"
            | "AWS::IAM::UserPolicy"
            | "AWS::IAM::GroupPolicy"
    );
    let resources = |value: Option<&Json>| value.and_then(|value| value.get("Resources").cloned());
    let (old, new) = (resources(change.old_value()), resources(change.new_value()));
    let was_there = |holder: String| {
        let id = serde_json::from_str(&holder)
            .ok()
            .and_then(|value: Json| value.get("Ref")?.as_str().map(str::to_owned));
        match id {
            Some(id) => old.as_ref().is_some_and(|old| old.get(&id).is_some()),
            // One of this template that is called so may be new.
            None => !has_name(new.as_ref(), &holder) || has_name(old.as_ref(), &holder),
        }
    };
    is_policy && holders.into_iter().any(was_there)
}

fn has_name(resources: Option<&Json>, name: &str) -> bool {
    let all = resources.and_then(Json::as_object).into_iter().flatten();
    let named = |resource: &Json| {
        let keys = ["RoleName", "UserName", "GroupName"];
        let is_policy = text(resource, "/Type").ends_with("Policy");
        !is_policy
            && keys
                .iter()
                .any(|key| text(resource, &format!("/Properties/{key}")) == name)
    };
    all.map(|(_, resource)| resource).any(named)
}

/// What is new permits what its own template needs; only what goes far beyond is reported.
fn check_new(change: &Change<'_>, new: &Statements<'_>, tell: &mut dyn FnMut(String)) {
    for (statement, is_trust) in new
        .trust
        .iter()
        .map(|statement| (statement, true))
        .chain(new.policies.iter().map(|statement| (statement, false)))
        .filter(|(statement, _)| !statement.denies)
    {
        let others = || {
            let principals = statement.principals().into_iter();
            principals.flat_map(|who| account::others(change, &who))
        };
        let others: BTreeSet<String> = others().collect();
        let what = if statement.is_free() && is_for_everybody(statement) {
            let may = if is_trust {
                "take a role"
            } else {
                &shown_names(&statement.list("Action"))
            };
            format!("a new policy lets everybody in: {may}")
        } else if !others.is_empty() {
            format!(
                "a new policy lets another account in: {}",
                shown_names(&others)
            )
        } else if let Some(actions) = far_actions(statement) {
            format!("a new policy permits {actions} on everything")
        } else {
            continue;
        };
        tell(what);
    }
}

fn is_for_everybody(statement: &Statement<'_>) -> bool {
    statement.names_principals() && statement.principals().iter().any(|who| who == "*")
}

/// All actions of a service, or of all, on everything.
fn far_actions(statement: &Statement<'_>) -> Option<String> {
    let is_far = |action: &&String| action.as_str() == "*" || action.ends_with(":*");
    let actions = statement.list("Action");
    let far: Vec<&String> = actions.iter().filter(is_far).collect();
    let everywhere = statement.resources().iter().any(|resource| resource == "*");
    if far.is_empty() || !everywhere {
        return None;
    }
    let all = far.iter().any(|action| action.as_str() == "*");
    Some(if all {
        "everything".to_owned()
    } else {
        shown_names(far)
    })
}

fn compare(
    old: Statements<'_>,
    new: Statements<'_>,
    names: &NewNames,
    tell: &mut dyn FnMut(String),
) {
    for (old, new) in [(old.trust, new.trust), (old.policies, new.policies)] {
        for statement in new.iter().filter(|statement| !statement.denies) {
            compare_allowed(&old, statement, names, tell);
        }
        for statement in old.iter().filter(|statement| statement.denies) {
            // What keeps connections encrypted is reported as such.
            let is_of_transport = statement.condition().contains("aws:SecureTransport");
            if !is_of_transport && !is_still_denied(statement, &new) {
                tell("a policy no longer denies what it denied".to_owned());
            }
        }
    }
}

fn is_still_denied(old: &Statement<'_>, new: &[Statement<'_>]) -> bool {
    let denying = || new.iter().filter(|statement| statement.denies);
    if old.is_negative() {
        return denying().any(|new| new.is_same(old));
    }
    let all = atoms(old);
    all.iter().all(|(action, resource, principal)| {
        denying().any(|new| {
            !new.is_negative()
                && new.takes(action, resource, principal)
                && new.asks_no_more_than(old, &NewNames::none())
        })
    })
}

/// Each action, resource and principal of a statement.
fn atoms(statement: &Statement<'_>) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let (resources, principals) = (statement.resources(), statement.principals());
    for action in statement.list("Action") {
        for resource in &resources {
            for principal in &principals {
                found.push((action.clone(), resource.clone(), principal.clone()));
            }
        }
    }
    found
}

fn compare_allowed(
    old: &[Statement<'_>],
    new: &Statement<'_>,
    names: &NewNames,
    tell: &mut dyn FnMut(String),
) {
    if new.is_negative() {
        if !old.iter().any(|old| old.is_same(new)) {
            let what = "a policy permits all but what it names (`NotAction`, `NotResource` or `NotPrincipal`)";
            tell(what.into());
        }
        return;
    }
    let allowing = || old.iter().filter(|old| !old.denies && !old.is_negative());
    let mut more: [BTreeSet<String>; 4] = Default::default();
    for (action, resource, principal) in atoms(new) {
        let taking = || allowing().filter(|old| old.takes(&action, &resource, &principal));
        if names.has(&resource) || taking().any(|old| old.asks_no_more_than(new, names)) {
            continue;
        }
        let lower = action.to_ascii_lowercase();
        let known_action = allowing().any(|old| {
            covered(
                &old.list("Action")
                    .iter()
                    .map(|own| own.to_ascii_lowercase())
                    .collect::<Vec<_>>(),
                &lower,
            )
        });
        let known_principal = allowing().any(|old| covered(&old.principals(), &principal));
        if taking().next().is_some() {
            more[3].insert(action);
        } else if !known_action {
            more[0].insert(action);
        } else if !known_principal {
            more[1].insert(principal);
        } else {
            more[2].insert(action);
        }
    }
    let words: [fn(&str) -> String; 4] = [
        |actions| format!("a policy permits {actions} as well"),
        |who| format!("a policy lets {who} in as well"),
        |actions| format!("a policy permits {actions} on more resources"),
        |actions| format!("a policy permits {actions} under fewer conditions"),
    ];
    for (more, words) in more.iter().zip(words) {
        if !more.is_empty() {
            tell(words(&shown_names(more)));
        }
    }
}
