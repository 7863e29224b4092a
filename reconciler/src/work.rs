//! A run while it works: what it says of itself, and whether it is to end. Pure.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fault::Fault;

/// What a run says while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What it is at.
    Says(String),
    /// How many steps it has done more.
    Did(usize),
}

/// A run while it works.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    ended: &'a AtomicBool,
    tell: &'a (dyn Fn(Event) + Sync),
}

impl<'a> Work<'a> {
    /// Work that ends early once `ended` is set.
    pub fn new(ended: &'a AtomicBool, tell: &'a (dyn Fn(Event) + Sync)) -> Self {
        Self { ended, tell }
    }

    /// Says what it is at.
    pub fn says(&self, line: impl Into<String>) {
        (self.tell)(Event::Says(line.into()));
    }

    /// Counts steps that are done.
    pub fn did(&self, steps: usize) {
        (self.tell)(Event::Did(steps));
    }

    /// The same, of which all is done that is begun: of what is half done nobody could tell how far it is.
    #[must_use]
    pub fn to_the_end(self) -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self {
            ended: &NEVER,
            tell: self.tell,
        }
    }

    /// Whether it is to end: what was begun is finished, and nothing more is begun.
    pub fn is_to_end(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// What is told of a run that was told to end.
pub fn ended_early(place: &str) -> Fault {
    Fault::new(place, "the run was stopped before it had finished")
        .hint("the next run does the rest")
}
