//! Privileges that widen: at Elasticsearch and OpenSearch, in AWS, at the API
//! of Kubernetes, and of pods on their machine. Pure.

mod account;
mod everything;
mod exposure;
mod iam;
mod limit;
mod named;
mod network;
mod pod;
mod rbac;
mod server;
mod statement;
#[cfg(test)]
mod tests;

use super::change::{Change, Found};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    server::check(change, found);
    everything::check(change, found);
    iam::check(change, found);
    exposure::check(change, found);
    rbac::check(change, found);
    network::check(change, found);
    pod::check(change, found);
}

/// Whether a pattern with `*` takes a text, which may be a narrower pattern.
pub(super) fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether one of the patterns does.
fn covered(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| covers(pattern, text))
}
