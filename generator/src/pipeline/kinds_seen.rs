//! The kinds of objects that a fleet's clusters render. Pure.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::kinds;
use crate::resolve::GroupKind;
use crate::tree::RenderedTree;

/// The kinds of Kubernetes objects in the trees that were looked at, from any thread.
#[derive(Debug, Default)]
pub(super) struct KindsSeen(Mutex<BTreeSet<GroupKind>>);

impl KindsSeen {
    pub(super) fn look_at(&self, tree: &RenderedTree) {
        self.add(of(tree));
    }

    /// Adds kinds of a tree.
    pub(super) fn add(&self, kinds: impl IntoIterator<Item = GroupKind>) {
        // A thread that panicked left the set as it was.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(kinds);
    }

    /// The kinds that were seen.
    pub(super) fn into_kinds(self) -> BTreeSet<GroupKind> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same; none are left.
    pub(super) fn take(&self) -> BTreeSet<GroupKind> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The kinds in a tree.
pub(super) fn of(tree: &RenderedTree) -> Vec<GroupKind> {
    let found = kinds::kinds_in(tree).into_iter();
    let kinds = found.map(|(group, kind)| GroupKind {
        group: group.to_owned(),
        kind: kind.to_owned(),
    });
    kinds.collect()
}
