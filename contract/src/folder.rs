//! Names of folders and files that no template chooses. Pure.

pub use crate::tree::RENDERED;

/// The folder of what is rendered once for the whole fleet, beside those of
/// the clusters; no cluster's name starts with `_`.
pub const FLEET: &str = "_fleet";

/// The folder of what accounts have once for all of their clusters, beside
/// [`FLEET`]: `<account>/<region>/…` below it.
pub const ACCOUNTS: &str = "_accounts";

/// The folders below [`RENDERED`] that are no cluster's.
pub const SHARED: [&str; 2] = [FLEET, ACCOUNTS];

/// Whether a folder below [`RENDERED`] is no cluster's.
pub fn is_shared(name: &str) -> bool {
    SHARED.contains(&name)
}

/// The ownership file, directly in a cluster's folder or in one of [`SHARED`].
pub const OWNERSHIP_FILE: &str = ".logfleet.json";

/// How every temporary file or folder ends that `gen` writes.
pub const TEMPORARY: &str = ".logfleet-tmp";

/// Whether a path below a cluster's folder is `gen`'s own, and so never a
/// rendered file's.
pub fn is_reserved(path: &str) -> bool {
    path == OWNERSHIP_FILE
        || (path.contains(TEMPORARY) && path.split('/').any(|part| part.ends_with(TEMPORARY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_are_the_ownership_file_and_temporary_parts() {
        for path in [".logfleet.json", ".x.logfleet-tmp", "a/b.logfleet-tmp/c"] {
            assert!(is_reserved(path), "{path}");
        }
        for path in [
            "a/.logfleet.json",
            "logfleet.json",
            "a.logfleet-tmp.txt",
            "a",
        ] {
            assert!(!is_reserved(path), "{path}");
        }
    }
}
