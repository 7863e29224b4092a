//! The same risk of several parts of a file, reported once with their names. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Flag;
use super::change::{Found, legible, names};

/// What is reported for parts of a file.
pub(super) struct Reported {
    flag: Flag,
    by_words: BTreeMap<String, BTreeSet<String>>,
}

impl Reported {
    /// Nothing yet.
    pub(super) fn new(flag: Flag) -> Self {
        Self {
            flag,
            by_words: BTreeMap::new(),
        }
    }

    /// Adds what is reported for a part; its name may not be known.
    pub(super) fn push(&mut self, what: impl Into<String>, part: &str) {
        let parts = self.by_words.entry(what.into()).or_default();
        if !part.is_empty() {
            parts.insert(format!("`{}`", legible(part)));
        }
    }

    /// All of it, in the order of its words.
    pub(super) fn finish(self, found: &mut Found) {
        for (what, parts) in self.by_words {
            let what = if parts.is_empty() {
                what
            } else {
                format!("{what} ({})", names(&parts))
            };
            found.push(self.flag, what, None);
        }
    }
}
