//! What is wrong, where, and what to do about it.
//!
//! A run gathers every [`Fault`] it finds and reports them together, sorted
//! by place; nothing is written when there is one. Pure: places are computed
//! from source text that is already in memory.

use std::fmt;

use serde::Serialize;

/// Where in an input a fault stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Path relative to the fleet's root, with forward slashes.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// The text of that line, shown below the message with a caret.
    #[serde(skip)]
    pub excerpt: String,
    /// How many characters the caret underlines; at least 1.
    #[serde(skip)]
    pub width: u32,
}

/// Whether the user's input is wrong, or the surroundings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// An input file, a template or a rendered file is wrong: exit code 1.
    Input,
    /// The surroundings refuse: a folder that can't be read or written, a
    /// full disk, a missing root. Exit code 2.
    Environment,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Where it stands, if it stands anywhere.
    pub place: Option<Place>,
    /// What is wrong, as one sentence without a full stop at its end.
    pub message: String,
    /// What to do about it, a sentence each.
    pub hints: Vec<String>,
    /// Input or environment.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault of an input, not yet placed.
    pub fn input(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            hints: Vec::new(),
            kind: FaultKind::Input,
        }
    }

    /// A fault of the surroundings.
    pub fn environment(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Environment,
            ..Self::input(message)
        }
    }

    /// The same fault at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same fault with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// All faults of a run, sorted and each reported once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Adds all of another run or step.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds those of another run that stand where none of these does.
    pub fn append_elsewhere(&mut self, other: Self) {
        let more = other.without_places_of(self);
        self.append(more);
    }

    /// Those that don't stand where one of `others` does.
    #[must_use]
    pub fn without_places_of(mut self, others: &Self) -> Self {
        self.0.retain(|fault| {
            fault.place.is_none() || others.0.iter().all(|other| other.place != fault.place)
        });
        self
    }

    /// Keeps those that `wanted` says.
    pub fn retain(&mut self, wanted: impl FnMut(&Fault) -> bool) {
        self.0.retain(wanted);
    }

    /// Each with what `add` adds to it.
    #[must_use]
    pub fn map(self, add: impl FnMut(Fault) -> Fault) -> Self {
        self.0.into_iter().map(add).collect()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults in the order they are reported: by place, then message.
    pub fn sorted(mut self) -> Vec<Fault> {
        self.0.sort();
        self.0.dedup();
        self.0
    }

    /// `value` if nothing is wrong, the faults otherwise.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
