//! Names with `*` for any part: whether two have a name in common. Pure.

use logfleet_contract::pattern::matches;

/// Whether there is a name that both match.
pub(crate) fn overlap_globs(one: &str, other: &str) -> bool {
    let (globs, one, other) = ((one, other), one.as_bytes(), other.as_bytes());
    // Most pairs differ before the first `*` or behind the last, and each rendered name is compared with many.
    let differs = |(first, second): (&u8, &u8)| match (first, second) {
        (b'*', _) | (_, b'*') => Some(false),
        (first, second) => (first != second).then_some(true),
    };
    let ends_differ = one.iter().rev().zip(other.iter().rev()).find_map(differs);
    if one.iter().zip(other).find_map(differs) == Some(true) || ends_differ == Some(true) {
        return false;
    }
    match (memchr::memchr(b'*', one), memchr::memchr(b'*', other)) {
        (None, None) => return one == other,
        (Some(_), None) => return matches(globs.0, globs.1),
        (None, Some(_)) => return matches(globs.1, globs.0),
        (Some(_), Some(_)) => {}
    }
    if one == b"*" || other == b"*" {
        return true;
    }
    let mut next = vec![false; other.len() + 1];
    let mut row = next.clone();
    for at in (0..=one.len()).rev() {
        for beside in (0..=other.len()).rev() {
            row[beside] = match (one.get(at), other.get(beside)) {
                (None, None) => true,
                (Some(b'*'), Some(_)) => next[beside] || row[beside + 1],
                (Some(b'*'), None) => next[beside],
                (Some(_), Some(b'*')) => row[beside + 1] || next[beside],
                (None, Some(b'*')) => row[beside + 1],
                (Some(first), Some(second)) => first == second && next[beside + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
        std::mem::swap(&mut next, &mut row);
    }
    next[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs_overlap_where_a_name_matches_both() {
        for (one, other, overlap) in [
            ("a-*", "*-b", true),
            ("a*", "b*", false),
            ("*", "x", true),
            ("a-*", "a", false),
            ("a*b", "a", false),
            ("a*b", "ab", true),
            ("etcd-*", "etcd-manager-main-*", true),
            ("kube-proxy-*", "etcd-*", false),
        ] {
            assert_eq!(overlap_globs(one, other), overlap, "{one} {other}");
            assert_eq!(overlap_globs(other, one), overlap, "{other} {one}");
        }
    }

    proptest! {
        /// A name is a glob without a star: both ask the same of it.
        #[test]
        fn what_covers_overlaps(wide in "[ab*]{0,6}", narrow in "[ab*]{1,6}") {
            if matches(&wide, &narrow) {
                prop_assert!(overlap_globs(&wide, &narrow));
            }
            let name = narrow.replace('*', "a");
            if matches(&wide, &narrow) {
                prop_assert!(matches(&wide, &name));
            }
            prop_assert_eq!(matches(&wide, &name), overlap_globs(&wide, &name));
        }
    }
}
