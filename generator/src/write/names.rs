//! The names below `rendered/` that are reserved for the writer itself. Pure.

use sha2::{Digest as _, Sha256};

pub(crate) use logfleet_contract::folder::OWNERSHIP_FILE as OWNERSHIP;
pub(super) use logfleet_contract::folder::{TEMPORARY, is_reserved};

/// What a file system allows for one part of a path, in bytes.
const LONGEST_NAME: usize = 255;

/// Names the temporary file or folder that becomes `name` by renaming.
///
/// A name too long to be extended is replaced by its hash.
pub(super) fn temporary(name: &str) -> String {
    if name.len() + 1 + TEMPORARY.len() <= LONGEST_NAME {
        return format!(".{name}{TEMPORARY}");
    }
    format!(
        ".{}{TEMPORARY}",
        base16ct::lower::encode_string(&Sha256::digest(name))
    )
}

/// Names the temporary file beside `path`, as a path below the same folder.
pub(super) fn temporary_path(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{}", temporary(name)),
        None => temporary(path),
    }
}

/// The final name a temporary name stands for, if it is one.
pub(super) fn name_of_temporary(temporary: &str) -> Option<&str> {
    temporary.strip_prefix('.')?.strip_suffix(TEMPORARY)
}

/// The folder of a path, empty for the top, and its last part.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The folders above a path, the deepest first, without the top.
pub(crate) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(split(path).0), |folder| Some(split(folder).0))
        .take_while(|folder| !folder.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_fits_the_file_system_and_leads_back() {
        assert_eq!(temporary("a.yaml"), ".a.yaml.logfleet-tmp");
        assert_eq!(name_of_temporary(".a.yaml.logfleet-tmp"), Some("a.yaml"));
        assert_eq!(name_of_temporary("a.yaml.logfleet-tmp"), None);
        assert_eq!(temporary_path("x/y/a"), "x/y/.a.logfleet-tmp");
        for length in [240, 241, 242, 255] {
            assert!(
                temporary(&"n".repeat(length)).len() <= LONGEST_NAME,
                "{length}"
            );
        }
        assert_ne!(temporary(&"n".repeat(254)), temporary(&"n".repeat(255)));
    }

    #[test]
    fn folders_above_are_listed_from_the_deepest() {
        assert_eq!(folders_above("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(folders_above("a").count(), 0);
    }
}
