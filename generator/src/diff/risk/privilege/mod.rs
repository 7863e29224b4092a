//! Privileges that widen: at Elasticsearch and OpenSearch, in AWS, and at the
//! API of Kubernetes. Pure.

mod account;
mod everything;
pub(super) mod exposure;
mod grant;
pub(super) mod iam;
mod limit;
mod named;
pub(super) mod network;
mod permission;
pub(super) mod rbac;
pub(super) mod server;
#[cfg(test)]
mod tests;

use logfleet_contract::pattern::matches;

/// Whether one of the patterns does.
fn covered(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, text))
}
