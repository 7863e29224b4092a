//! The comparison of two rendered fleets: what a change does to every cluster.
//! Pure.
//!
//! ```text
//! comparison       what is compared, and what becomes of it
//! clusters         one cluster on both sides …
//! documents        … its files, each parsed once
//! compare/         … compared by bytes, and where these differ, by what they mean
//! cluster_renames  … a renamed one beside what it was
//! risk/            what of it can lose, leak or break something …
//! clusters_at_risk … in a cluster as it is applied, wherever it moves
//! settings/        which settings changed, and what they reach
//! shipping         what new clusters ship
//! group            equal changes of many clusters, reported once
//! assemble         all of it, with the blast radius → a Preview
//! layout/          a Preview → text, a comment, or a page
//! ```
//!
//! What differs is masked where it is found, so no later step, and no format,
//! ever sees what looks like a secret.

mod assemble;
mod blast;
mod cluster_renames;
mod clusters;
mod clusters_at_risk;
mod compare;
mod comparison;
mod documents;
mod group;
pub mod layout;
mod placeholders;
pub mod preview;
mod redact;
mod risk;
mod settings;
mod shipping;

pub use assemble::Compared;
pub use blast::{Reach, Readers};
pub use cluster_renames::{compare_renamed, find_cluster_renames, tell_renamed};
pub use clusters::{compare_cluster, compare_shared, uncompared_shared};
pub use comparison::{ClusterRename, Comparison, Presence, Renamed, RenderedCluster};
pub use risk::{EarlierWord, Word, Words, one_line, unacknowledged, words_of_trailers};
pub use settings::{AlteredSetting, altered_settings};
