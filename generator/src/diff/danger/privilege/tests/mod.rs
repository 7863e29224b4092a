//! What is told of privileges, and what isn't.

mod aws;
mod kubernetes;
mod server;

use serde_json::Value as Json;

use super::covers;
use crate::diff::danger::tests::of_trees;

/// What a new file says.
pub(super) fn of_new(path: &str, value: &Json) -> Vec<String> {
    of_trees(&[], &[(path, value.to_string())])
}

pub(super) fn flagged(what: &str) -> Vec<String> {
    vec![format!("privilege-widens: {what}")]
}

#[test]
fn a_star_covers() {
    for (pattern, text) in [
        ("*", ""),
        ("*", "a:*"),
        ("logs:*", "logs:Put*"),
        ("a*c*e", "abcde"),
        ("a", "a"),
        ("ü*", "üü"),
    ] {
        assert!(covers(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("logs:Put*", "logs:*"),
        ("a", "ab"),
        ("a*a", "a"),
        ("", "a"),
    ] {
        assert!(!covers(pattern, text), "{pattern} {text}");
    }
}
