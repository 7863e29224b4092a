//! Patterns with `*`. Pure.

/// Whether a pattern takes a text, which may be a narrower pattern.
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
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_what_is_narrower() {
        for (pattern, text) in [
            ("*", "a"),
            ("/a/*_*_*.log", "/a/*_kube-system_*.log"),
            ("/a/x-*.log", "/a/x-1.log"),
            ("a", "a"),
        ] {
            assert!(covers(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("/a/*_kube-system_*.log", "/a/*_*_*.log"),
            ("a", "ab"),
            ("a*b", "ab*"),
        ] {
            assert!(!covers(pattern, text), "{pattern} {text}");
        }
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
}
