//! What resources of AWS let other accounts do besides policies: who calls
//! functions, and where logs go. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::account;
use crate::diff::risk::row::Among;
use crate::diff::risk::values::text;
use crate::diff::risk::wording::{legible, names, some_names};

fn property<'t>(resource: Option<&'t Json>, name: &str) -> Option<&'t Json> {
    resource?.get("Properties")?.get(name)
}

/// Properties that say where logs go.
const TARGETS: [&str; 4] = [
    "DestinationArn",
    "DestinationResourceArn",
    "LogDestination",
    "TargetArn",
];

/// The other accounts that logs go to.
pub(in crate::diff::risk) fn other_targets(among: &Among<'_>) -> Vec<String> {
    let [old, new] = among.values();
    let targets = TARGETS.iter().filter_map(|name| {
        let target = property(new, name);
        target.filter(|target| property(old, name) != Some(target))
    });
    let others: BTreeSet<String> = targets
        .flat_map(|target| account::others(among.around.base, &target.to_string()))
        .collect();
    Vec::from_iter(some_names(others))
}

/// Who else may call a function
/// (<https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>).
pub(in crate::diff::risk) fn other_callers(among: &Among<'_>) -> Vec<String> {
    let [old, new] = among.values();
    let who = |resource: Option<&'_ Json>| {
        resource.map(|resource| text(resource, "/Properties/Principal").to_owned())
    };
    let principal = who(new).unwrap_or_default();
    let limits = ["SourceArn", "SourceAccount", "PrincipalOrgID"];
    let is_limited = |resource| limits.iter().any(|name| property(resource, name).is_some());
    let lost = |name: &&str| property(old, name).is_some() && property(new, name).is_none();
    let is_new = who(old).is_none_or(|before| before != principal);
    let others = account::others(among.around.base, &principal);
    let what = if is_new && principal == "*" && !is_limited(new) {
        "everybody may call a function".to_owned()
    } else if is_new && !others.is_empty() {
        format!("another account may call a function: {}", names(&others))
    } else if is_new && old.is_some() {
        format!(
            "another principal may call a function: {}",
            legible(&principal)
        )
    } else if limits.iter().any(lost) {
        "a function may be called on behalf of others".to_owned()
    } else {
        return Vec::new();
    };
    vec![what]
}
