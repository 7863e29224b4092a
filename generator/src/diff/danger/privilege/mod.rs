//! Privileges that widen: at Elasticsearch and OpenSearch, in AWS, at the API
//! of Kubernetes, and of pods on their machine. Pure.

mod iam;
mod pod;
mod rbac;
mod server;

use super::change::{Change, Found};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    server::check(change, found);
    iam::check(change, found);
    rbac::check(change, found);
    pod::check(change, found);
}

/// Whether a pattern with `*` takes a text, which may be a narrower pattern.
fn covers(pattern: &str, text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
