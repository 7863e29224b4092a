//! What in a change can lose, leak or break something. Pure.
//!
//! What is found in one cluster is a [`DangerFinding`]; the same in many files
//! and clusters is told once, as a [`Danger`](super::preview::Danger).

mod acknowledge;
mod denied;
mod flag;
mod gather;
pub(super) mod removal;
mod trailer;

pub use acknowledge::{EarlierWord, Word, Words, one_line};
pub(super) use acknowledge::{acknowledge, tell_earlier};
pub use denied::unacknowledged;
pub use flag::Flag;
pub(super) use gather::{EndangeredCluster, gather};
pub use trailer::words_of_trailers;

/// A danger in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DangerFinding {
    /// Its kind.
    pub(super) flag: Flag,
    /// What happens, in a sentence without its end. No secret, and no name of
    /// a single stream or object: these are told by the file.
    pub(super) what: String,
    /// What is deleted where it runs, in a sentence without its end.
    pub(super) live: Option<String>,
    /// Where it was found, below the cluster's folder; none for the cluster as a whole.
    pub(super) file: Option<String>,
}
