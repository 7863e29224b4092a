//! Policies of AWS in templates of CloudFormation. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::grant::{Grant, product};
use super::named::NewNames;
use super::statement::{Statement, Statements, statements};
use super::{account, covered};
use crate::diff::risk::change::{names as shown_names, text, texts};
use crate::diff::risk::row::Among;

/// What the policies of a resource permit that nobody was permitted before.
pub(in crate::diff::risk) fn widened(among: &Among<'_>) -> Vec<String> {
    let [old, new] = among.values();
    let mut found = Vec::new();
    let after = statements(among.new_value());
    match old.map(statements) {
        Some(before) => compare(&before, &after, &NewNames::of(among), &mut found),
        None if new.is_some_and(|new| is_for_what_was_there(among, new)) => {
            compare(
                &Statements::default(),
                &after,
                &NewNames::of(among),
                &mut found,
            );
        }
        None => check_new(among, &after, &mut found),
    }
    found
}

/// Whether a policy of its own is given to a role, user or group that was
/// there before, or that stands elsewhere.
fn is_for_what_was_there(among: &Among<'_>, policy: &Json) -> bool {
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
    let [old, new] = among
        .files()
        .map(|value| value.and_then(|value| value.get("Resources")));
    let was_there = |holder: String| {
        let id = serde_json::from_str(&holder)
            .ok()
            .and_then(|value: Json| value.get("Ref")?.as_str().map(str::to_owned));
        match id {
            Some(id) => old.is_some_and(|old| old.get(&id).is_some()),
            // One of this template that is called so may be new.
            None => !has_name(new, &holder) || has_name(old, &holder),
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
fn check_new(among: &Among<'_>, new: &Statements<'_>, found: &mut Vec<String>) {
    let trust = new.trust.iter().map(|statement| (statement, true));
    let policies = new.policies.iter().map(|statement| (statement, false));
    let allowing = trust
        .chain(policies)
        .filter(|(statement, _)| !statement.denies);
    for (statement, is_trust) in allowing {
        let principals = statement.principals().into_iter();
        let others = principals.flat_map(|who| account::others(among.around.base, &who));
        let others: BTreeSet<String> = others.collect();
        found.extend(if statement.is_free() && is_for_everybody(statement) {
            let actions = shown_names(&statement.list("Action"));
            let may = if is_trust { "take a role" } else { &actions };
            Some(format!("a new policy lets everybody in: {may}"))
        } else if !others.is_empty() {
            let others = shown_names(&others);
            Some(format!("a new policy lets another account in: {others}"))
        } else {
            let actions = far_actions(statement);
            actions.map(|actions| format!("a new policy permits {actions} on everything"))
        });
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

fn compare(old: &Statements<'_>, new: &Statements<'_>, names: &NewNames, found: &mut Vec<String>) {
    for (old, new) in [(&old.trust, &new.trust), (&old.policies, &new.policies)] {
        for statement in new.iter().filter(|statement| !statement.denies) {
            compare_allowed(old, statement, names, found);
        }
        for statement in old.iter().filter(|statement| statement.denies) {
            // What keeps connections encrypted is reported as such.
            let is_of_transport = statement.condition().contains("aws:SecureTransport");
            if !is_of_transport && !is_still_denied(statement, new) {
                found.push("a policy no longer denies what it denied".to_owned());
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
    all.iter().all(|[action, resource, principal, _]| {
        denying().any(|new| {
            !new.is_negative()
                && new.takes(action, resource, principal)
                && new.asks_no_more_than(old, &NewNames::none())
        })
    })
}

/// Each action, resource and principal of a statement.
fn atoms(statement: &Statement<'_>) -> Vec<Grant> {
    let (resources, principals) = (statement.resources(), statement.principals());
    product(&[
        statement.list("Action"),
        resources,
        principals,
        vec![String::new()],
    ])
}

fn compare_allowed(
    old: &[Statement<'_>],
    new: &Statement<'_>,
    names: &NewNames,
    found: &mut Vec<String>,
) {
    if new.is_negative() {
        if !old.iter().any(|old| old.is_same(new)) {
            let what = "a policy permits all but what it names (`NotAction`, `NotResource` or `NotPrincipal`)";
            found.push(what.to_owned());
        }
        return;
    }
    let allowing = || old.iter().filter(|old| !old.denies && !old.is_negative());
    let mut more: [BTreeSet<String>; 4] = Default::default();
    for [action, resource, principal, _] in atoms(new) {
        let taking = || allowing().filter(|old| old.takes(&action, &resource, &principal));
        if names.has(&resource) || taking().any(|old| old.asks_no_more_than(new, names)) {
            continue;
        }
        let lower = action.to_ascii_lowercase();
        let known_action = allowing().any(|old| covered(&old.actions(), &lower));
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
            found.push(words(&shown_names(more)));
        }
    }
}
