//! What resources of AWS let other accounts do besides policies: who calls
//! functions, and where logs go. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, legible, names, text};
use super::super::parts::Reported;
use super::account;

/// Tells something of one resource.
type Tell<'t> = dyn FnMut(String) + 't;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let mut reported = Reported::new(Flag::PrivilegeWidens);
    for resource in change.resources() {
        let Some(new) = resource.new else {
            continue;
        };
        let old = resource.both().map(|(old, _)| old);
        let mut tell = |what: String| reported.push(what, resource.id);
        check_targets(change, old, new, &mut tell);
        if text(new, "/Type") == "AWS::Lambda::Permission" {
            check_callers(change, old, new, &mut tell);
        }
    }
    reported.finish(found);
}

fn property<'t>(resource: &'t Json, name: &str) -> Option<&'t Json> {
    resource.get("Properties")?.get(name)
}

/// Properties that say where logs go.
const TARGETS: [&str; 4] = [
    "DestinationArn",
    "DestinationResourceArn",
    "LogDestination",
    "TargetArn",
];

fn check_targets(change: &Change<'_>, old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let others: BTreeSet<String> = TARGETS
        .iter()
        .filter_map(|name| {
            let target = property(new, name)?;
            let before = old.and_then(|old| property(old, name));
            (before != Some(target)).then(|| account::others(change, &target.to_string()))
        })
        .flatten()
        .collect();
    if !others.is_empty() {
        let what = format!("logs go to another account: {}", names(&others));
        tell(what);
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>
fn check_callers(change: &Change<'_>, old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let principal = text(new, "/Properties/Principal");
    let limits = ["SourceArn", "SourceAccount", "PrincipalOrgID"];
    let is_limited = |resource: &Json| limits.iter().any(|name| property(resource, name).is_some());
    let is_new = old.is_none_or(|old| text(old, "/Properties/Principal") != principal);
    let lost = |name: &str| {
        old.is_some_and(|old| property(old, name).is_some()) && property(new, name).is_none()
    };
    let others = account::others(change, principal);
    let what = if is_new && principal == "*" && !is_limited(new) {
        "everybody may call a function".to_owned()
    } else if is_new && !others.is_empty() {
        format!("another account may call a function: {}", names(&others))
    } else if is_new && old.is_some() {
        format!(
            "another principal may call a function: {}",
            legible(principal)
        )
    } else if limits.iter().any(|name| lost(name)) {
        "a function may be called on behalf of others".to_owned()
    } else {
        return;
    };
    tell(what);
}
