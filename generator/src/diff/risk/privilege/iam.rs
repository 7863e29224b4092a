//! Policies of AWS in templates of CloudFormation. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::collections::BTreeSet;

use logfleet_contract::pattern::matches;
use serde_json::Value as Json;

use super::account;
use super::named::NewNames;
use super::permission::{Permission, by_statement, permissions};
use crate::diff::risk::row::Among;
use crate::diff::risk::values::{text, texts};
use crate::diff::risk::wording::names as shown_names;

/// What the policies of a resource permit that nobody was permitted before.
pub(in crate::diff::risk) fn widened(among: &Among<'_>) -> Vec<String> {
    let [old, new] = among.values();
    let after = permissions(among.new_value());
    match old.map(permissions) {
        Some(before) => compare(&before, &after, &NewNames::of(among)),
        None if new.is_some_and(|new| is_for_what_was_there(among, new)) => {
            compare(&[], &after, &NewNames::of(among))
        }
        None => by_statement(&after)
            .flat_map(|own| far(among, own))
            .collect(),
    }
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
fn far(among: &Among<'_>, statement: &[Permission]) -> Vec<String> {
    let mut far: [BTreeSet<String>; 3] = Default::default();
    for own in statement.iter().filter(|own| !own.denies) {
        let others = account::others(among.around.base, &own.principal);
        let is_far = own.action == "*" || own.action.ends_with(":*");
        if own.principal == "*" && own.condition().is_empty() {
            let may = match own.action.as_str() {
                _ if own.is_trust => "take a role",
                "" => "all but what it names",
                action => action,
            };
            far[0].insert(may.to_owned());
        } else if !others.is_empty() {
            far[1].extend(others);
        } else if is_far && own.resource == "*" {
            far[2].insert(own.action.clone());
        }
    }
    if far[2].contains("*") {
        far[2] = BTreeSet::from(["everything".to_owned()]);
    }
    let words: [fn(&str) -> String; 3] = [
        |actions| format!("a new policy lets everybody in: {actions}"),
        |others| format!("a new policy lets another account in: {others}"),
        |actions| format!("a new policy permits {actions} on everything"),
    ];
    said(&far, &words)
}

/// Sentences about what there is something of.
fn said(sets: &[BTreeSet<String>], words: &[fn(&str) -> String]) -> Vec<String> {
    let some = sets.iter().zip(words).filter(|(set, _)| !set.is_empty());
    some.map(|(set, words)| words(&shown_names(set))).collect()
}

fn compare(old: &[Permission], new: &[Permission], names: &NewNames) -> Vec<String> {
    let more = by_statement(new).flat_map(|own| more(old, own, names));
    let mut found: Vec<String> = more.collect();
    let is_still_denied = |own: &Permission| {
        let mut after = new
            .iter()
            .filter(|new| new.denies && new.is_trust == own.is_trust);
        // What keeps connections encrypted is reported as such.
        let condition = Json::from(own.condition()).to_string();
        condition.contains("aws:SecureTransport")
            || after.any(|new| new.has(own, &NewNames::none()))
    };
    if !old.iter().filter(|own| own.denies).all(is_still_denied) {
        found.push("a policy no longer denies what it denied".to_owned());
    }
    found
}

/// What a statement permits as well.
fn more(old: &[Permission], statement: &[Permission], names: &NewNames) -> Vec<String> {
    let mut more: [BTreeSet<String>; 5] = Default::default();
    for own in statement.iter().filter(|own| !own.denies) {
        let before = || {
            let same = old
                .iter()
                .filter(|old| !old.denies && old.is_trust == own.is_trust);
            same.filter(|old| old.is_negative() == own.is_negative())
        };
        let is_new = !own.is_negative() && names.has(&own.resource);
        if is_new || before().any(|old| old.has(own, names)) {
            continue;
        }
        let action = own.action.clone();
        if own.is_negative() {
            more[4].insert(action);
        } else if before().any(|old| old.takes(own)) {
            more[3].insert(action);
        } else if !before().any(|old| old.takes_action(own)) {
            more[0].insert(action);
        } else if !before().any(|old| matches(&old.principal, &own.principal)) {
            more[1].insert(own.principal.clone());
        } else {
            more[2].insert(action);
        }
    }
    let words: [fn(&str) -> String; 5] = [
        |actions| format!("a policy permits {actions} as well"),
        |who| format!("a policy lets {who} in as well"),
        |actions| format!("a policy permits {actions} on more resources"),
        |actions| format!("a policy permits {actions} under fewer conditions"),
        |_| {
            "a policy permits everything but what it names (`NotAction`, `NotResource` or `NotPrincipal`)"
                .to_owned()
        },
    ];
    said(&more, &words)
}
