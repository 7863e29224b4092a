//! What in a change can lose, leak or break something. Pure.
//!
//! ```text
//! documents   the files of a side, each parsed once: of a cluster that moves, as they would be
//!             where it is now; and as kustomize hands objects on ([`effective_objects`])
//! objects     what is in them: resources, workloads, connections, references to secrets …
//! fact        what is known of these: `kind, object, aspect → value`
//! row         what of that differs, and in which rows of the table that is a risk
//! rows/       the table: kind, aspect, when, flag, and how it is said
//! removed     … sentences last: several things of a kind are said once
//! gather      the same of many files and clusters → a [`Risk`](super::preview::Risk)
//! ```
//!
//! What one cluster has is a [`RiskFinding`]. Data streams are compared one by one
//! ([`data_streams`]), and which sources are shipped is asked of what was
//! resolved ([`source::of_rows`], [`image::program`]).

mod acknowledge;
mod amounts;
mod applier;
mod collected_paths;
mod config_map;
mod data_streams;
mod denied;
pub(super) mod effective_objects;
mod fact;
mod found;
mod gather;
pub(super) mod image;
mod machines;
mod mapping;
mod objects;
mod privilege;
mod records;
pub(super) mod relocation;
pub(super) mod removal;
pub(super) mod removed;
mod replacement;
mod retention;
mod role;
mod routing;
mod row;
mod rows;
mod secret;
mod selection;
#[cfg(test)]
mod settings_tests;
pub(super) mod source;
#[cfg(test)]
mod tests;
mod tls;
mod trailer;
pub(super) mod unknown;
mod values;
mod wording;

pub use acknowledge::{EarlierWord, Word, Words, one_line};
pub(super) use acknowledge::{acknowledge, tell_earlier};
pub(super) use applier::Applier;
use data_streams::DataStreams;
pub use denied::unacknowledged;
pub(super) use gather::{ClusterFindings, gather};
use removed::Removed;
pub use trailer::words_of_trailers;

use super::compare::files::differing;
use super::documents::Documents;
use super::preview::FactKey;
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
    /// What differs; none where the risk isn't found by a row.
    pub(super) difference: Option<Box<Difference>>,
}

impl RiskFinding {
    /// One of the cluster as a whole, or of a file that is yet to be named.
    fn new(flag: Flag, what: impl Into<String>, live: Option<String>) -> Self {
        Self {
            flag,
            what: what.into(),
            live,
            file: None,
            removed: None,
            difference: None,
        }
    }

    /// Replaces something in all that is shown of it.
    pub(super) fn replace_in_words(&mut self, replace: impl Fn(&str) -> String) {
        let mut texts = vec![&mut self.what];
        texts.extend(self.live.iter_mut().chain(&mut self.file));
        if let Some(own) = &mut self.difference {
            let shown = [&mut own.key.object, &mut own.before, &mut own.after];
            texts.extend(shown.into_iter().flatten());
        }
        for text in texts {
            *text = replace(text);
        }
    }
}

/// What differs where a risk was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What it is about.
    pub(super) key: FactKey,
    /// What it was; none if there was nothing, or it is too much to be said.
    pub(super) before: Option<String>,
    /// What it is.
    pub(super) after: Option<String>,
}

impl Difference {
    /// Forgets what isn't the same in another one.
    fn keep_common(&mut self, other: &Self) {
        self.key.object = self
            .key
            .object
            .take()
            .filter(|own| Some(own) == other.key.object.as_ref());
        self.before = self
            .before
            .take()
            .filter(|own| Some(own) == other.before.as_ref());
        self.after = self
            .after
            .take()
            .filter(|own| Some(own) == other.after.as_ref());
    }
}

/// What facts and rows may ask beside one object.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'t> {
    /// All files at the base.
    base: &'t Documents<'t>,
    /// All files at the head.
    head: &'t Documents<'t>,
    /// Who applies them.
    applier: Applier,
}

/// What is risky about what two trees of a cluster hold.
pub(super) fn find(
    base: &Documents<'_>,
    head: &Documents<'_>,
    applier: Applier,
) -> Vec<RiskFinding> {
    let around = Surroundings {
        base,
        head,
        applier,
    };
    let pairs = differing(base, head);
    let streams = DataStreams::of(around, &pairs);
    let facts = fact::of_pairs(&pairs, around, &streams);
    let mut risks = row::judge(&facts, around);
    risks.sort_by_key(|risk| risk.flag);
    risks
}
