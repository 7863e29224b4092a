//! What in a change can lose, leak or break something. Pure.
//!
//! What is found in one cluster is a [`DangerFinding`]; the same in many files
//! and clusters is told once, as a [`Danger`](super::preview::Danger). A rule
//! looks at one file before and after, as it is rendered. Only data streams are
//! looked at one by one ([`data_streams`]), and which sources are shipped is
//! asked of what was resolved ([`source::of_rows`]).

mod acknowledge;
pub(super) mod applied;
mod change;
mod data_streams;
mod denied;
mod feed;
mod gather;
mod gitops;
pub(super) mod gone;
mod image;
mod mapping;
pub(super) mod moved;
mod narrow;
mod pattern;
mod privilege;
mod reads;
mod records;
pub(super) mod removal;
mod replacement;
mod retention;
mod role;
mod secret;
mod selection;
#[cfg(test)]
mod settings_tests;
pub(super) mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod told;
mod trailer;
pub(super) mod unknown;
mod workload;

pub use acknowledge::{EarlierWord, Word, Words, one_line};
pub(super) use acknowledge::{acknowledge, tell_earlier};
pub(super) use change::{Applier, Change, Side, Surroundings};
pub(super) use data_streams::DataStreams;
pub use denied::unacknowledged;
pub(super) use gather::{EndangeredCluster, gather};
use gone::Gone;
pub use trailer::words_of_trailers;

use crate::settings::Flag;

/// A danger in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DangerFinding {
    /// Its kind.
    pub(super) flag: Flag,
    /// What happens, in a sentence without its end. No secret. What is told
    /// by the file isn't named; a part of it is, where it has several.
    pub(super) what: String,
    /// What is deleted where it runs, in a sentence without its end.
    pub(super) live: Option<String>,
    /// Where it was found, below the cluster's folder; none for the cluster as a whole.
    pub(super) file: Option<String>,
    /// What is gone, if it is that.
    pub(super) gone: Option<Gone>,
}

type Rule = fn(&Change<'_>, &mut change::Found);

/// All rules that look at a file.
const RULES: [Rule; 14] = [
    source::check,
    narrow::check,
    narrow::check_calls,
    workload::check,
    gitops::check,
    stream::check,
    retention::check,
    role::check,
    privilege::check,
    tls::check,
    secret::check,
    replacement::check,
    mapping::check,
    image::check,
];

/// What is dangerous about a file's change.
pub(super) fn of_change(change: &Change<'_>) -> Vec<DangerFinding> {
    let mut found = change::Found::default();
    for rule in RULES {
        rule(change, &mut found);
    }
    let path = crate::diff::veil::shown_text(change.path());
    for finding in &mut found.findings {
        finding.file.get_or_insert_with(|| path.clone());
    }
    found.findings
}
