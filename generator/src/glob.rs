//! Names with `*` for any part: whether one covers another, and whether two have
//! a name in common. Pure.

/// Whether every name that `narrow` matches is one that `wide` matches.
pub(crate) fn covers_glob(wide: &str, narrow: &str) -> bool {
    // A `*` of the narrow one is a character that nothing but a `*` matches.
    let (wide, narrow) = (wide.as_bytes(), narrow.as_bytes());
    let mut next = vec![false; narrow.len() + 1];
    next[narrow.len()] = true;
    for of_wide in wide.iter().rev() {
        let mut row = vec![false; narrow.len() + 1];
        for at in (0..=narrow.len()).rev() {
            row[at] = match (of_wide, narrow.get(at)) {
                (b'*', Some(_)) => next[at] || row[at + 1],
                (b'*', None) => next[at],
                (_, Some(of_narrow)) => of_wide == of_narrow && next[at + 1],
                (_, None) => false,
            };
        }
        next = row;
    }
    next[0]
}

/// Whether there is a name that both match.
pub(crate) fn overlap_globs(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // Most pairs differ before the first `*`, and each rendered name is compared with many.
    for (first, second) in one.iter().zip(other) {
        match (first, second) {
            (b'*', _) | (_, b'*') => break,
            (first, second) if first != second => return false,
            _ => {}
        }
    }
    let mut next: Vec<bool> = Vec::new();
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
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
        next = row;
    }
    next[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_glob_covers_what_it_is_wider_than() {
        for (wide, narrow, covers) in [
            ("*", "a", true),
            ("*", "a-*", true),
            ("a-*", "a-b-*", true),
            ("a-*", "a-", true),
            ("a-*", "a*", false),
            ("a-b", "a-*", false),
            ("*-a", "b-*-a", true),
            ("a", "a", true),
            ("a", "b", false),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
        ] {
            assert_eq!(covers_glob(wide, narrow), covers, "{wide} {narrow}");
        }
    }

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
            if covers_glob(&wide, &narrow) {
                prop_assert!(overlap_globs(&wide, &narrow));
            }
            let name = narrow.replace('*', "a");
            if covers_glob(&wide, &narrow) {
                prop_assert!(covers_glob(&wide, &name));
            }
            prop_assert_eq!(covers_glob(&wide, &name), overlap_globs(&wide, &name));
        }
    }
}
