//! The kinds of dangers, each with an id that stays.

use serde::{Serialize, Serializer};

/// A kind of danger. Its id is in commits and files of users, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// A cluster leaves the fleet.
    ClusterRemoved,
}

impl Flag {
    /// All of them, the worst first.
    pub const ALL: [Self; 1] = [Self::ClusterRemoved];

    /// The name by which it is acknowledged, and of its page in `docs/dangers/`.
    pub fn id(self) -> &'static str {
        match self {
            Self::ClusterRemoved => "cluster-removed",
        }
    }

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::ClusterRemoved => "a cluster leaves the fleet",
        }
    }

    /// That of an id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.id() == id)
    }
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
