//! The ownership file, as this release writes it; its format is
//! [`logfleet_contract::ownership`]. Pure.

use std::collections::BTreeMap;

pub(crate) use logfleet_contract::ownership::{Digest, Owner, Ownership, OwnershipError};
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
