//! The comparison of two rendered fleets: what a change does to every cluster.
//! Pure.
//!
//! ```text
//! clusters   one cluster on both sides: files by bytes …
//! cluster_renames   … a renamed one beside what it was
//! language   … and where these differ, by what they mean
//! danger     what of it can lose, leak or break something …
//! endangered … in a cluster as it is applied, wherever it moves
//! shipping   what new clusters ship
//! group      equal changes of many clusters, told once
//! assemble   all of it, with the blast radius → a Preview
//! table      the clusters of a Preview, row by row
//! links      which groups a danger is in
//! summary    a group in one line
//! beside     old and new lines, so that what differs in them is seen
//! terminal   a Preview → text
//! page       a Preview → one HTML page
//! markdown   a Preview → a comment within a limit
//! ```
//!
//! What differs is masked where it is found, so no later step, and no format,
//! ever sees what looks like a secret.

mod assemble;
mod beside;
mod blast;
mod blocks;
mod cluster_renames;
mod clusters;
mod danger;
mod embedded;
mod endangered;
mod file_renames;
mod files;
mod finding;
mod group;
mod keys;
mod known;
mod language;
mod links;
mod logstash;
pub mod markdown;
mod matching;
pub mod page;
pub mod preview;
mod scalars;
mod shipping;
mod structure;
mod summary;
mod table;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod veil;
mod words;

pub use assemble::Compared;
pub use blast::{Reach, Readers};
pub use cluster_renames::{
    ClusterRename, Renamed, compare_renamed, find_cluster_renames, tell_renamed,
};
pub use clusters::{
    Comparison, Presence, RenderedCluster, compare_cluster, compare_fleet, uncompared_fleet,
};
pub use danger::{EarlierWord, Word, Words, one_line, unacknowledged, words_of_trailers};
pub(crate) use words::{outcome_of_base, outcome_of_head};
