//! Where in a file something differs, and what. Pure.

use super::preview::Detail;
use super::veil;

/// A place in a value: keys and items from the outermost to the innermost, as
/// text, such as `spec.containers[fluentd].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// A key below it.
    pub(super) fn key(&self, key: &str) -> Self {
        let key = veil::shown_text(key);
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
    pub(super) fn item(&self, key: &str) -> Self {
        Self(format!("{}[{}]", self.0, veil::shown_text(key)))
    }

    /// The item of that number.
    pub(super) fn index(&self, number: usize) -> Self {
        Self(format!("{}[{number}]", self.0))
    }

    /// The item that had that number at the base.
    pub(super) fn gone(&self, number: usize) -> Self {
        Self(format!("{}[was {number}]", self.0))
    }

    /// What is embedded in the text there.
    pub(super) fn embedded(&self) -> Self {
        Self(format!("{} › ", self.0))
    }

    /// A block of a configuration, by what stands in its first line.
    pub(super) fn block(&self, label: &str) -> Self {
        let label = veil::shown_text(label);
        match self.0.as_str() {
            "" => Self(label),
            above => Self(format!("{above} {label}")),
        }
    }

    /// An option of a block.
    pub(super) fn option(&self, name: &str) -> Self {
        self.block(name)
    }

    fn into_text(self) -> String {
        self.0.trim_end_matches([' ', '›']).to_owned()
    }
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    /// Where in the file; empty for the whole.
    pub(super) path: String,
    /// What.
    pub(super) detail: Detail,
}

/// What differs in a file.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// Adds one.
    pub(super) fn push(&mut self, path: &Path, detail: Detail) {
        self.0.push(Finding {
            path: path.clone().into_text(),
            detail,
        });
    }
}
