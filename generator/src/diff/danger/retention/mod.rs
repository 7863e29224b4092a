//! Records that are deleted earlier than before. Pure.

mod age;
mod aws;
mod policy;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use super::change::{Change, Found, names, shown};
use crate::diff::compare::language::{self, Language};
use crate::tree::RenderedTree;
use age::{Kept, tell};

/// Where policies are: of Elasticsearch, and of OpenSearch.
const POLICIES: [&str; 2] = ["_ilm/policy/", "_plugins/_ism/policies/"];

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let path = change.path();
    if path.starts_with("elasticsearch/") {
        let live = if path.contains(POLICIES[1]) {
            "indices that exist keep their policy until it is changed for them; what is older then is deleted for good"
        } else {
            "what is older is deleted for good once this is applied"
        };
        with_live(live, found, |found| check_server(change, found));
    }
    for resource in change.resources() {
        let live = aws::live(resource.kind());
        with_live(live, found, |found| aws::check(&resource, found));
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

fn check_server(change: &Change<'_>, found: &mut Found) {
    let Some(new) = change.new_value() else {
        return;
    };
    let before = match change.old {
        Some(old) => old.value.cloned(),
        None => policy_of_other_product(change),
    };
    match &before {
        Some(old) => {
            tell(policy::kept(old), policy::kept(new), found);
            check_begin(old, new, found);
            check_named(change, old, new, found);
        }
        None if is_of_existing_stream(change) => tell(Kept::Forever, policy::kept(new), found),
        None => {}
    }
    check_patterns(change, before.as_ref(), new, found);
}

/// The path of a policy with another folder for what is in the first one.
fn beside(path: &str, folder: &str) -> Option<String> {
    let own = POLICIES.into_iter().find(|own| path.contains(own))?;
    Some(path.replace(own, folder))
}

fn value_at(tree: &RenderedTree, path: &str) -> Option<Json> {
    let mut files = tree.files();
    let (_, bytes) = files.find(|(other, _)| other.as_str() == path)?;
    language::value(Language::Json, std::str::from_utf8(bytes).ok()?)
}

/// The policy that the stream had while its server was of the other product.
fn policy_of_other_product(change: &Change<'_>) -> Option<Json> {
    let mut others = POLICIES
        .into_iter()
        .filter_map(|folder| beside(change.path(), folder));
    others.find_map(|path| value_at(change.around.base, &path))
}

/// Whether a policy is new for a data stream that was there before.
fn is_of_existing_stream(change: &Change<'_>) -> bool {
    let stream = beside(change.path(), "_data_stream/");
    let mut base = change.around.base.files();
    stream.is_some_and(|stream| base.any(|(path, _)| path.as_str() == stream))
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
    let kept = |tree: &RenderedTree, name: &str| {
        let policy = value_at(
            tree,
            &format!("elasticsearch/{server}/{}{name}.json", POLICIES[0]),
        );
        policy.map_or(Kept::Unknown, |policy| policy::kept(&policy))
    };
    let old = before.map_or(Kept::Forever, |name| kept(change.around.base, name));
    match kept(change.around.head, after) {
        Kept::Unknown => {
            let what = format!(
                "the policy `{}` says when records are deleted, which isn't rendered",
                shown(after)
            );
            age::push(what, found);
        }
        new => tell(old, new, found),
    }
}

/// Data streams that a policy which deletes wasn't for.
fn check_patterns(change: &Change<'_>, old: Option<&Json>, new: &Json, found: &mut Found) {
    if policy::kept(new) == Kept::Forever {
        return;
    }
    let before = old.map(policy::patterns).unwrap_or_default();
    let Some(own) = beside(change.path(), "_data_stream/") else {
        return;
    };
    let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
    let streams = change
        .around
        .base
        .files()
        .filter(|(path, _)| path.as_str() != own);
    let streams = streams.filter_map(|(path, _)| {
        let name = path.as_str().strip_prefix(folder)?.strip_prefix('/')?;
        name.strip_suffix(".json")
    });
    let streams: Vec<String> = streams.map(|name| format!(".ds-{name}-000001")).collect();
    let takes = |pattern: &str, stream: &str| {
        let is_of_index = super::pattern::covers(pattern, stream);
        is_of_index || super::pattern::covers(pattern, plain(stream))
    };
    let is_wider = |pattern: &&String| {
        streams
            .iter()
            .any(|stream| takes(pattern, stream) && !before.iter().any(|old| takes(old, stream)))
    };
    let after = policy::patterns(new);
    let wider: Vec<&String> = after.iter().filter(is_wider).collect();
    if !wider.is_empty() {
        let what = format!(
            "a policy that deletes takes other data streams as well: {}",
            names(wider)
        );
        age::push(what, found);
    }
}

/// A data stream by the name of its first index.
fn plain(index: &str) -> &str {
    index.trim_start_matches(".ds-").trim_end_matches("-000001")
}
