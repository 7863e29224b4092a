//! The comparison of two rendered fleets: what a change does to every cluster.
//! Pure.
//!
//! ```text
//! clusters   one cluster on both sides: files by bytes …
//! language   … and where these differ, by what they mean
//! danger     what of it can lose, leak or break something
//! shipping   what new clusters ship
//! group      equal changes of many clusters, told once
//! assemble   all of it, with the blast radius → a Preview
//! table      the clusters of a Preview, row by row
//! terminal   a Preview → text
//! page       a Preview → one HTML page
//! markdown   a Preview → a comment within a limit
//! ```
//!
//! What differs is masked where it is found, so no later step, and no format,
//! ever sees what looks like a secret.

mod assemble;
mod blast;
mod blocks;
mod clusters;
mod danger;
mod embedded;
mod files;
mod finding;
mod group;
mod keys;
mod known;
mod language;
mod logstash;
pub mod markdown;
mod matching;
pub mod page;
pub mod preview;
mod rename;
mod scalars;
mod shipping;
mod structure;
mod table;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod veil;
mod words;

pub use assemble::Compared;
pub use blast::Reach;
pub use clusters::{Comparison, Presence, RenderedCluster, compare_cluster, compare_fleet};
pub use danger::{EarlierWord, Word, Words, one_line, unacknowledged, words_of_trailers};
