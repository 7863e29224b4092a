//! Versions, and which of two is lower. Pure.

/// A piece of a version.
#[derive(PartialEq, Eq)]
enum Piece<'t> {
    Number(u64),
    Word(&'t str),
}

/// Words of what comes before a release, in lower case
/// (<https://semver.org/#spec-item-9>).
const BEFORE: [&str; 10] = [
    "alpha",
    "beta",
    "rc",
    "cr",
    "pre",
    "preview",
    "dev",
    "snapshot",
    "milestone",
    "m",
];

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '-' | '_' | '+')
}

fn pieces(tag: &str) -> Option<Vec<Piece<'_>>> {
    let mut rest = tag;
    let mut pieces = Vec::new();
    while let Some(first) = rest.chars().next() {
        if is_separator(first) {
            rest = &rest[1..];
            continue;
        }
        let is_number = first.is_ascii_digit();
        let ends = |c: char| c.is_ascii_digit() != is_number || is_separator(c);
        let (piece, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        pieces.push(if is_number {
            Piece::Number(piece.parse().ok()?)
        } else {
            Piece::Word(piece)
        });
        rest = after;
    }
    Some(pieces)
}

/// Whether a text has a number in it that may be a release's: `1.18`, `v3`,
/// `release-1.9`, or the beginning of a commit's id.
pub(super) fn is_version(tag: &str) -> bool {
    let numbers = pieces(tag).unwrap_or_default();
    let numbers = numbers
        .iter()
        .filter(|piece| matches!(piece, Piece::Number(_)));
    is_commit(tag) || tag.contains('.') && numbers.count() > 1 || starts_with_number(tag)
}

/// Whether a tag is a commit's id: one is no lower than another.
fn is_commit(tag: &str) -> bool {
    let is_hex = tag.len() >= 7 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex && tag.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn starts_with_number(tag: &str) -> bool {
    let rest = tag.strip_prefix('v').unwrap_or(tag);
    rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a version is lower than another. Not of versions of different
/// makes, and not of those that say less, such as `1.18` for `1.18.2`.
pub(in crate::diff::risk) fn is_lower(new: &str, old: &str) -> bool {
    let [new, old] = [new, old].map(str::to_ascii_lowercase);
    if is_commit(&new) || is_commit(&old) {
        return false;
    }
    let [new, old] = [&new, &old].map(|tag| {
        let rest = tag.strip_prefix('v').unwrap_or(tag);
        if starts_with_number(rest) { rest } else { tag }
    });
    let (Some(new), Some(old)) = (pieces(new), pieces(old)) else {
        return false;
    };
    let mut has_number = false;
    for (new, old) in new.iter().zip(&old) {
        has_number |= matches!((new, old), (Piece::Number(_), Piece::Number(_)));
        match (new, old) {
            _ if new == old => {}
            (Piece::Number(new), Piece::Number(old)) => return new < old,
            // `1.0-alpha` comes before `1.0-rc1`.
            (Piece::Word(new), Piece::Word(old)) if has_number => {
                let order = |word: &str| BEFORE.iter().position(|own| *own == word);
                return matches!(
                    (order(new), order(old)),
                    (Some(0..=1), Some(2..=3)) | (Some(0), Some(1))
                );
            }
            _ => return false,
        }
    }
    // `2.0.0-rc1` comes before `2.0.0` (<https://semver.org/#spec-item-11>).
    has_number && matches!(new.get(old.len()), Some(Piece::Word(word)) if BEFORE.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_versions_are_reported_from_others() {
        for (new, old) in [
            ("1.18.0", "1.18.1"),
            ("v1.9", "v1.10"),
            ("1.18.0-debian-1.0", "1.18.0-debian-1.1"),
            (
                "v1.19.3-debian-opensearch-1.1",
                "v1.19.4-debian-opensearch-1.0",
            ),
            ("2.0.0-rc1", "2.0.0"),
            ("2.0.0-rc1", "2.0.0-rc2"),
            ("20240101", "20250101"),
            ("2.0.0-RC1", "2.0.0"),
            ("2.0.0-SNAPSHOT", "2.0.0"),
            ("2.0.0-M1", "2.0.0"),
            ("2.0.0-alpha2", "2.0.0-rc1"),
            ("release-1.9", "release-1.10"),
        ] {
            assert!(is_lower(new, old), "{new} {old}");
            assert!(!is_lower(old, new), "{old} {new}");
        }
        for (new, old) in [
            ("1.18", "1.18.2"),
            ("0f2a91c", "1.0"),
            ("0f2a91c", "3f2a91c"),
            ("1.18.0-alpine", "1.18.0-debian"),
            ("main", "1.0"),
            ("latest", "1.0"),
            ("99999999999999999999999", "1"),
            ("1.0", "1.0"),
            ("", "1"),
            ("ü1", "2"),
        ] {
            assert!(!is_lower(new, old), "{new} {old}");
        }
    }

    #[test]
    fn versions_are_reported_from_other_tags() {
        for tag in [
            "1",
            "v1.2",
            "1.18-debian",
            "release-1.9",
            "3f2a91c",
            "20240101",
        ] {
            assert!(is_version(tag), "{tag}");
        }
        for tag in ["main", "stable", "latest", "nightly", "debian12", "", "ü"] {
            assert!(!is_version(tag), "{tag}");
        }
    }
}
