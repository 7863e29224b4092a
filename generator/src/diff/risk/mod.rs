//! What in a change can lose, leak or break something. Pure.
//!
//! What is found in one cluster is a [`RiskFinding`]; the same in many files
//! and clusters is reported once, as a [`Risk`](super::preview::Risk). A rule
//! looks at one file before and after, as it is rendered. Only data streams are
//! looked at one by one ([`data_streams`]), and which sources are shipped is
//! asked of what was resolved ([`source::of_rows`]).

mod acknowledge;
mod change;
mod collected_paths;
mod data_streams;
mod denied;
pub(super) mod effective_objects;
mod gather;
mod gitops;
mod image;
mod mapping;
mod parts;
mod pattern;
mod privilege;
mod records;
pub(super) mod relocation;
pub(super) mod removal;
pub(super) mod removed;
mod replacement;
mod retention;
mod role;
mod routing;
mod secret;
mod selection;
#[cfg(test)]
mod settings_tests;
pub(super) mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod trailer;
pub(super) mod unknown;
mod weakened;
mod workload;

pub use acknowledge::{EarlierWord, Word, Words, one_line};
pub(super) use acknowledge::{acknowledge, tell_earlier};
pub(super) use change::{Applier, Change, Side, Surroundings};
pub(super) use data_streams::DataStreams;
pub use denied::unacknowledged;
pub(super) use gather::{ClusterFindings, gather};
use removed::Removed;
pub use trailer::words_of_trailers;

use crate::settings::Flag;

/// A risk in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RiskFinding {
    /// Its kind.
    pub(super) flag: Flag,
    /// What happens, in a sentence without its end. No secret. What is reported
    /// by the file isn't named; a part of it is, where it has several.
    pub(super) what: String,
    /// What is deleted where it runs, in a sentence without its end.
    pub(super) live: Option<String>,
    /// Where it was found, below the cluster's folder; none for the cluster as a whole.
    pub(super) file: Option<String>,
    /// What is removed, if it is that.
    pub(super) removed: Option<Removed>,
}

type Rule = fn(&Change<'_>, &mut change::Found);

/// All rules that look at a file.
const RULES: [Rule; 14] = [
    source::check,
    weakened::check,
    weakened::check_calls,
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

/// What is risky about a file's change.
pub(super) fn of_change(change: &Change<'_>) -> Vec<RiskFinding> {
    let mut found = change::Found::default();
    for rule in RULES {
        rule(change, &mut found);
    }
    let path = crate::diff::redact::text(change.path());
    for finding in &mut found.findings {
        finding.file.get_or_insert_with(|| path.clone());
    }
    found.findings
}
