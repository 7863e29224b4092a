//! Records that are deleted earlier than before. Pure.

mod age;
pub(super) mod aws;
pub(super) mod policy;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use super::change::{Change, Found, legible};
use super::data_streams::{Held, Kind};
use crate::diff::documents::{Document, Documents};
use age::{Kept, tell};

/// What becomes of what is stored already.
const LIVE: &str = "what is older is deleted for good once this is applied";
const LIVE_OF_STATES: &str = "indices that exist keep their policy until it is changed for them; what is older then is deleted for good";
/// An index names its policy from its beginning, and a new policy is no new version of it.
const LIVE_OF_ANOTHER: &str = "indices that exist keep the policy that they name; those that begin from now on have the new one";

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let path = change.path();
    if path.starts_with("elasticsearch/") {
        let live = if path.contains("/_plugins/_ism/policies/") {
            LIVE_OF_STATES
        } else {
            LIVE
        };
        with_live(live, found, |found| check_server(change, found));
    }
}

/// Adds what a check finds, with what becomes of what is stored already.
fn with_live(live: &str, found: &mut Found, check: impl FnOnce(&mut Found)) {
    let mut own = Found::default();
    check(&mut own);
    for finding in own.findings {
        found.push(finding.flag, finding.what, Some(live.to_owned()));
    }
}

/// A file that isn't only for data streams of which each is compared.
fn check_server(change: &Change<'_>, found: &mut Found) {
    let Some((old, new)) = change.values().filter(|_| !change.is_of_streams()) else {
        return;
    };
    tell(policy::kept(old), policy::kept(new), found);
    check_begin(old, new, found);
    check_named(change, old, new, found);
}

/// A data stream that is on both sides.
pub(super) fn check_stream(old: &Held<'_>, new: &Held<'_>, found: &mut Found) {
    let is_another = old.policy.map(|policy| policy.name) != new.policy.map(|policy| policy.name);
    let live = match new.policy.map(|policy| policy.kind) {
        Some(Kind::StatePolicy) => LIVE_OF_STATES,
        Some(_) if is_another => LIVE_OF_ANOTHER,
        _ => LIVE,
    };
    with_live(live, found, |found| {
        match new.policy {
            Some(policy) if policy.value.is_none() => {
                if is_another {
                    tell_unknown(policy.name, found);
                }
            }
            _ => tell(kept(old), kept(new), found),
        }
        let value = |held: &Held<'_>| held.policy.and_then(|policy| policy.value.cloned());
        if let (Some(old), Some(new)) = (value(old), value(new)) {
            check_begin(&old, &new, found);
        }
    });
}

fn kept(held: &Held<'_>) -> Kept {
    match held.policy {
        Some(policy) => policy.value.map_or(Kept::Unknown, policy::kept),
        None => policy::kept(held.composed),
    }
}

fn check_begin(old: &Json, new: &Json, found: &mut Found) {
    let is_shorter = match (policy::kept(old), policy::kept(new)) {
        (Kept::For(old), Kept::For(new)) => new == old,
        _ => false,
    };
    if is_shorter && policy::counts_earlier(old, new) {
        let what = "the age of records is counted from when their index began, and no longer from when it was full";
        age::push(what, found);
    }
}

/// Settings that name another policy.
fn check_named(change: &Change<'_>, old: &Json, new: &Json, found: &mut Found) {
    let (before, Some(after)) = (policy::named(old), policy::named(new)) else {
        return;
    };
    let Some(server) = change
        .path()
        .split('/')
        .nth(1)
        .filter(|_| before != Some(after))
    else {
        return;
    };
    let kept = |files: &Documents<'_>, name: &str| {
        let policy = files.get(&Kind::LifecyclePolicy.path(server, name));
        let policy = policy.and_then(Document::value);
        policy.map_or(Kept::Unknown, policy::kept)
    };
    let old = before.map_or(Kept::Forever, |name| kept(change.around.base, name));
    match kept(change.around.head, after) {
        Kept::Unknown => tell_unknown(after, found),
        new => tell(old, new, found),
    }
}

fn tell_unknown(policy: &str, found: &mut Found) {
    let what = format!(
        "the policy `{}` says when records are deleted, which isn't rendered",
        legible(policy)
    );
    age::push(what, found);
}
