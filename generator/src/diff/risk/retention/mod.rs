//! Records that are deleted earlier than before. Pure.

mod age;
pub(super) mod aws;
pub(super) mod policy;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use super::data_streams::Kind;
use super::mapping::server_of;
use super::row::Among;
use super::values::text;
use super::wording::legible;
use crate::diff::documents::{Document, Documents};
use age::{Kept, shorter};

/// An index names its policy from its beginning, and a new policy is no new version of it.
const LIVE_OF_ANOTHER: &str = "existing indices keep their policy; new ones get the new policy";
/// What becomes of what is stored already.
const LIVE: &str = "older records are deleted for good once this is applied";
const LIVE_OF_STATES: &str = "existing indices keep their policy until it is changed for them; then older records are deleted for good";

/// A file that isn't only for data streams, of which each is compared.
pub(super) fn of_file(among: &Among<'_>) -> Vec<String> {
    let [Some(old), Some(new)] = among.values() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(records_are(policy::kept(old), policy::kept(new)));
    found.extend(begin_earlier(old, new));
    found.extend(another_policy(among, old, new));
    found
}

pub(super) fn live_of_file(among: &Among<'_>) -> String {
    let is_of_states = among.path().contains("/_plugins/_ism/policies/");
    if is_of_states { LIVE_OF_STATES } else { LIVE }.to_owned()
}

/// A data stream that is on both sides: the name of its policy, and what that says.
pub(super) fn of_stream(old: &Json, new: &Json) -> Vec<String> {
    let [before, after] = [old, new].map(|stream| stream.get("policy"));
    let [old, new] = [old, new].map(|stream| stream.get("says"));
    let mut found = Vec::new();
    if let (Some(policy), None) = (after, new) {
        let policy = policy.as_str().unwrap_or_default();
        found.extend((before != after).then(|| is_unknown(policy)));
    } else {
        let kept = |says: Option<&Json>| says.map_or(Kept::Unknown, policy::kept);
        found.extend(records_are(kept(old), kept(new)));
    }
    if let (Some(old), Some(new)) = (old, new) {
        found.extend(begin_earlier(old, new));
    }
    found
}

pub(super) fn live_of_stream(among: &Among<'_>) -> String {
    let [old, new] = among.values().map(|value| value.unwrap_or(&Json::Null));
    let live = match text(new, "/kind") {
        "" => LIVE,
        "states" => LIVE_OF_STATES,
        _ if old.get("policy") != new.get("policy") => LIVE_OF_ANOTHER,
        _ => LIVE,
    };
    live.to_owned()
}

fn records_are(old: Kept, new: Kept) -> Option<String> {
    shorter(old, new).map(|it| format!("records are {it}"))
}

fn begin_earlier(old: &Json, new: &Json) -> Option<String> {
    let is_as_long = match (policy::kept(old), policy::kept(new)) {
        (Kept::For(old), Kept::For(new)) => new == old,
        _ => false,
    };
    (is_as_long && policy::counts_earlier(old, new)).then(|| {
        "the age of records is counted from the creation of their index instead of its rollover"
            .to_owned()
    })
}

/// Settings that name another policy.
fn another_policy(among: &Among<'_>, old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (policy::named(old), policy::named(new)?);
    let server = server_of(among.path()).filter(|_| before != Some(after))?;
    let kept = |files: &Documents<'_>, name: &str| {
        let policy = files.get(&Kind::LifecyclePolicy.path(server, name));
        let policy = policy.and_then(Document::value);
        policy.map_or(Kept::Unknown, policy::kept)
    };
    let old = before.map_or(Kept::Forever, |name| kept(among.around.base, name));
    match kept(among.around.head, after) {
        Kept::Unknown => Some(is_unknown(after)),
        new => records_are(old, new),
    }
}

fn is_unknown(policy: &str) -> String {
    format!(
        "the policy `{}` determines when records are deleted, and isn't rendered",
        legible(policy)
    )
}
