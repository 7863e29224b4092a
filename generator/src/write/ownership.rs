//! The ownership file, as this release writes it; its format is
//! [`logfleet_contract::ownership`]. Pure.

use std::collections::BTreeMap;

use crate::tree::RenderedTree;

pub(crate) use logfleet_contract::ownership::{Digest, Ownership, OwnershipError};
pub(super) use logfleet_contract::ownership::{FORMAT, is_torn_or_whole};

const GENERATOR: &str = env!("CARGO_PKG_VERSION");

/// Records files that are in place.
pub(crate) fn record(cluster: &str, files: BTreeMap<String, Digest>) -> Ownership {
    Ownership::new(GENERATOR, cluster, files)
}

/// Whether an ownership file begins as this release writes it. A `false` only
/// costs time.
pub(crate) fn is_of_this_release(text: &[u8]) -> bool {
    logfleet_contract::ownership::is_of_release(text, GENERATOR)
}

/// Whether `text` is what this release writes for the paths of `tree`.
pub(super) fn lists_exactly(text: &[u8], cluster: &str, tree: &RenderedTree) -> bool {
    logfleet_contract::ownership::lists_exactly(text, GENERATOR, cluster, tree)
}
