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
        (Some(_), None) => return matches_glob(one, other),
        (None, Some(_)) => return matches_glob(other, one),
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

/// Whether a name without a `*` is one that a glob matches.
fn matches_glob(glob: &[u8], name: &[u8]) -> bool {
    let (mut of_glob, mut of_name) = (0, 0);
    // The last `*`, and what it has taken so far.
    let mut last: Option<(usize, usize)> = None;
    while of_name < name.len() {
        match glob.get(of_glob) {
            Some(b'*') => {
                last = Some((of_glob, of_name));
                of_glob += 1;
            }
            Some(byte) if *byte == name[of_name] => {
                of_glob += 1;
                of_name += 1;
            }
            _ => {
                let Some((star, taken)) = last else {
                    return false;
                };
                last = Some((star, taken + 1));
                of_glob = star + 1;
                of_name = taken + 1;
            }
        }
    }
    glob[of_glob..].iter().all(|byte| *byte == b'*')
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
