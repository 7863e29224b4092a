//! What is reported for privileges, and what isn't.

mod aws;
mod kubernetes;
mod server;

use serde_json::Value as Json;

use crate::diff::risk::tests::of_trees;

/// What a new file says.
pub(super) fn of_new(path: &str, value: &Json) -> Vec<String> {
    of_trees(&[], &[(path, value.to_string())])
}

pub(super) fn flagged(what: &str) -> Vec<String> {
    vec![format!("privilege-widens: {what}")]
}
