//! Patterns of names, in which `*` stands for any part. Pure.

/// Whether a name fits a pattern in which `*` stands for any part. The name may be a narrower pattern.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
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

/// The same of a path, of which a `*` stands for a part of one name: for anything but a slash.
pub fn matches_path(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if matches(pattern, name) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_part() {
        for (pattern, name, fits) in [
            ("*.alpha.example.com", "nodes.alpha.example.com", true),
            ("*.alpha.example.com", "alpha.example.com", false),
            ("*Prod*", "eksctl-Prod-NodeRole", true),
            ("*Prod*", "Prod", true),
            ("*Prod*", "prod", false),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
            ("ü*", "üü", true),
            ("", "a", false),
            // Patterns that are narrower, and such that aren't.
            ("logs:*", "logs:Put*", true),
            ("logs:Put*", "logs:*", false),
            ("/a/*_*_*.log", "/a/*_kube-system_*.log", true),
            ("/a/*_kube-system_*.log", "/a/*_*_*.log", false),
            ("a-*", "a-b-*", true),
            ("a-*", "a*", false),
            ("a-b", "a-*", false),
            ("*-a", "b-*-a", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn in_a_path_a_star_stays_in_its_folder() {
        for (pattern, path, fits) in [
            ("/var/log/*.log", "/var/log/auth.log", true),
            ("/var/log/*.log", "/var/log/auth.log.1", false),
            ("/var/log/*", "/var/log/apt/history.log", false),
            ("/var/*/*", "/var/log/syslog", true),
            ("/var/*/*", "/var/log", false),
            ("/var/log/sys*g", "/var/log/syslog", true),
            ("/var/log/a*b*c", "/var/log/axbxbc", true),
            ("/var/log/syslog", "/var/log/syslog2", false),
        ] {
            assert_eq!(matches_path(pattern, path), fits, "{pattern} {path}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_was_made_of(
            parts in prop::collection::vec("[a-z]{0,4}", 1..5),
            fill in prop::collection::vec("[a-z]{0,4}", 4),
        ) {
            let mut name = parts[0].clone();
            for (part, between) in parts[1..].iter().zip(&fill) {
                name.push_str(between);
                name.push_str(part);
            }
            prop_assert!(matches(&parts.join("*"), &name), "{parts:?} {name}");
        }
    }
}
