//! Calls of APIs that fragments ask for, and that no longer bring as much. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::change::{Change, Found, items, legible, names, text, texts};
use super::{Flag, Removed};

/// A call of an API that a fragment asks for, for what CloudFormation can't own.
pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    if change.is_unreadable() {
        return;
    }
    let Some(old) = change
        .old_value()
        .filter(|value| value.get("member_type").is_some())
    else {
        return;
    };
    let of_new = change
        .new_value()
        .map_or(&[][..], |new| items(new, "calls"));
    for before in items(old, "calls") {
        let same = |after: &&Json| {
            ["service", "action"]
                .iter()
                .all(|key| before.get(key) == after.get(key))
        };
        let name = ["service", "action"]
            .map(|key| text(before, &format!("/{key}")))
            .join(":");
        let name = legible(&name);
        match of_new.iter().find(same) {
            Some(after) => compare_calls(&name, before, after, found),
            // A log group that nothing limits is kept for ever.
            None if text(before, "/action") == "PutRetentionPolicy" => {}
            None => {
                let removed = Removed {
                    noun: "call",
                    name,
                    how: "no longer made for each member",
                };
                let live = "it is undone for every member when the members' stack is recreated";
                found.push_removed(change, Flag::SourceStops, removed, live);
            }
        }
    }
}

fn compare_calls(name: &str, old: &Json, new: &Json, found: &mut Found) {
    let days = |call: &Json| {
        call.pointer("/parameters/retentionInDays")
            .and_then(Json::as_u64)
    };
    if let (Some(before), Some(after)) = (days(old), days(new))
        && after < before
    {
        let what = format!("records are deleted after {after} days instead of {before} days");
        let live = "what is older is deleted within 72 hours after the call";
        found.push(Flag::RetentionShrinks, what, Some(live.to_owned()));
    }
    let lost: BTreeSet<String> = switched_on(old)
        .difference(&switched_on(new))
        .cloned()
        .collect();
    if !lost.is_empty() {
        let what = format!("`{name}` no longer switches on {}", names(&lost));
        found.push(
            Flag::SourceStops,
            what,
            Some(
                "it holds as soon as the call is made; what isn't recorded can't be fetched later"
                    .to_owned(),
            ),
        );
    }
}

/// What a call switches on: types of logs of EKS
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html>), or the access log of
/// a load balancer (<https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_AccessLog.html>).
fn switched_on(call: &Json) -> BTreeSet<String> {
    let mut on = BTreeSet::new();
    let setups = call
        .pointer("/parameters/logging/clusterLogging")
        .and_then(Json::as_array);
    for setup in setups.into_iter().flatten() {
        if setup.get("enabled") == Some(&Json::Bool(true)) {
            on.extend(texts(setup.get("types")));
        }
    }
    let attributes = call
        .pointer("/parameters/LoadBalancerAttributes")
        .and_then(Json::as_object);
    for (name, attribute) in attributes.into_iter().flatten() {
        if attribute.get("Enabled") == Some(&Json::Bool(true)) {
            on.insert(name.clone());
        }
    }
    on
}
