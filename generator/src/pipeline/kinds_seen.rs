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
        let found = kinds::kinds_in(tree);
        // A thread that panicked left the set as it was.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (group, kind) in found {
            let one = GroupKind {
                group: group.to_owned(),
                kind: kind.to_owned(),
            };
            seen.insert(one);
        }
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
