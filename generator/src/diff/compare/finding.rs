//! Where in a file something differs, and what. Pure.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::text::TextChange;
use crate::diff::placeholders::Placeholders;
use crate::diff::preview::Detail;
use crate::diff::redact;

/// A place in a value: keys and items from the outermost to the innermost, as
/// text, such as `spec.containers[fluentd].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::diff) struct Path(String);

impl Path {
    /// A key below it.
    pub(in crate::diff) fn key(&self, key: &str) -> Self {
        let key = redact::line(key);
        let plain = |c: char| !matches!(c, '.' | '"' | '[' | ']' | ' ') && !c.is_control();
        let key = if !key.is_empty() && key.chars().all(plain) {
            key
        } else {
            format!("{key:?}")
        };
        match self.0.as_str() {
            "" => Self(key),
            // What is embedded begins anew.
            above if above.ends_with("› ") => Self(format!("{above}{key}")),
            above => Self(format!("{above}.{key}")),
        }
    }

    /// The item of that key.
    pub(in crate::diff) fn item(&self, key: &str) -> Self {
        Self(format!("{}[{}]", self.0, redact::line(key)))
    }

    /// The item of that number.
    pub(in crate::diff) fn index(&self, number: usize) -> Self {
        Self(format!("{}[{number}]", self.0))
    }

    /// The item that had that number at the base.
    pub(in crate::diff) fn removed(&self, number: usize) -> Self {
        Self(format!("{}[was {number}]", self.0))
    }

    /// What is embedded in the text there.
    pub(in crate::diff) fn embedded(&self) -> Self {
        Self(format!("{} › ", self.0))
    }

    /// A block of a configuration, by what stands in its first line.
    pub(in crate::diff) fn block(&self, label: &str) -> Self {
        let label = redact::line(label);
        match self.0.as_str() {
            "" => Self(label),
            above => Self(format!("{above} {label}")),
        }
    }

    /// An option of a block.
    pub(in crate::diff) fn option(&self, name: &str) -> Self {
        self.block(name)
    }

    fn into_text(self) -> String {
        self.0.trim_end_matches([' ', '›']).to_owned()
    }
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diff) struct Finding {
    /// Where in the file; empty for the whole.
    pub(in crate::diff) path: String,
    /// What, as far as it is shown.
    pub(in crate::diff) detail: Detail,
    /// What tells it from others that are shown alike, if more differs than is shown.
    pub(in crate::diff) fingerprint: Option<Fingerprint>,
}

/// Digest of all that differs, in which a cluster's own values are placeholders.
pub(in crate::diff) type Fingerprint = [u8; 32];

/// What differs in a file.
#[derive(Debug)]
pub(in crate::diff) struct Findings<'k> {
    known: &'k Placeholders,
    list: Vec<Finding>,
}

impl<'k> Findings<'k> {
    /// None yet, in a cluster that has these values of its own.
    pub(in crate::diff) fn new(known: &'k Placeholders) -> Self {
        Self {
            known,
            list: Vec::new(),
        }
    }

    /// How many there are.
    pub(in crate::diff) fn len(&self) -> usize {
        self.list.len()
    }

    /// All of them.
    pub(in crate::diff) fn into_list(self) -> Vec<Finding> {
        self.list
    }

    /// Adds one that is shown as it is.
    pub(in crate::diff) fn push(&mut self, path: &Path, detail: Detail) {
        self.push_text(path, TextChange::shown(detail));
    }

    /// Adds one of which more may differ than is shown.
    pub(in crate::diff) fn push_text(&mut self, path: &Path, change: TextChange<'_>) {
        let fingerprint = fingerprint(&change.unshown, self.known);
        self.list.push(Finding {
            path: path.clone().into_text(),
            detail: change.detail,
            fingerprint,
        });
    }
}

/// Nothing if everything is shown.
fn fingerprint(unshown: &[Cow<'_, [u8]>], known: &Placeholders) -> Option<Fingerprint> {
    if unshown.is_empty() {
        return None;
    }
    let mut digest = Sha256::new();
    for piece in unshown {
        match std::str::from_utf8(piece) {
            Ok(text) => digest.update(known.replace_in(text)),
            Err(_) => digest.update(piece),
        }
        // So that pieces can't be confused with longer ones.
        digest.update([0]);
    }
    Some(digest.finalize().into())
}
