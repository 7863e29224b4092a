//! Privileges that widen: at Elasticsearch and OpenSearch, in AWS, and at the
//! API of Kubernetes. Pure.

mod account;
mod everything;
mod exposure;
mod iam;
mod limit;
mod named;
mod network;
mod rbac;
mod server;
mod statement;
#[cfg(test)]
mod tests;

use super::change::{Change, Found};
use super::pattern::covers;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    server::check(change, found);
    everything::check(change, found);
    iam::check(change, found);
    exposure::check(change, found);
    rbac::check(change, found);
    network::check(change, found);
}

/// Whether one of the patterns does.
fn covered(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| covers(pattern, text))
}
