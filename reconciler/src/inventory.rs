//! What the reconciler made, and so may change and delete. Pure;
//! [`crate::server::ledger`] reads and writes it.
//!
//! It is one document in an index of the destination itself, so that nothing
//! else must be kept. An object is listed *before* it is made: a run that is killed
//! between the two leaves an entry without an object, which the next run
//! makes, and never an object that nobody owns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use logfleet_contract::index::ObjectPath;
use serde::{Deserialize, Serialize};

use crate::credential::{Credential, CredentialName};

/// The format that this release writes, and the newest it reads.
pub const FORMAT: u64 = 1;

/// What the reconciler made at a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// The format.
    #[serde(rename = "logfleet_inventory")]
    pub format: u64,
    /// Who works at the server now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Objects, by the paths of the API.
    #[serde(default)]
    pub objects: BTreeMap<String, Entry>,
    /// Credentials.
    #[serde(default)]
    pub credentials: BTreeMap<CredentialName, Credential>,
    /// When something was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
    /// Tells one writing from another, where the answer to it is lost.
    #[serde(default)]
    pub nonce: String,
}

/// An object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The clusters that need it.
    pub clusters: BTreeSet<String>,
    /// Whether the indices that a policy manages haven't been told of its last change yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reattach: bool,
}

/// A run that works at the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// A random name.
    pub id: String,
    /// When it began.
    pub since: Timestamp,
    /// When others may take it for dead, unless it says otherwise before.
    pub until: Timestamp,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            format: FORMAT,
            run: None,
            objects: BTreeMap::new(),
            credentials: BTreeMap::new(),
            changed: None,
            nonce: String::new(),
        }
    }
}

impl Inventory {
    /// The entry of an object.
    pub fn entry(&self, path: &ObjectPath) -> Option<&Entry> {
        self.objects.get(&path.to_string())
    }

    /// Every object that is listed.
    pub fn paths(&self) -> impl Iterator<Item = (ObjectPath, &Entry)> {
        self.objects.iter().filter_map(|(path, entry)| {
            // What another release listed under an API that this one doesn't know, it leaves alone.
            Some((ObjectPath::parse(&format!("{path}.json")).ok()?, entry))
        })
    }

    /// Lists an object.
    pub fn claim(&mut self, path: &ObjectPath, clusters: &BTreeSet<String>) {
        let entry = self.objects.entry(path.to_string()).or_default();
        entry.clusters.clone_from(clusters);
    }

    /// Every cluster that has something here.
    pub fn clusters(&self) -> BTreeSet<&str> {
        let objects = self.objects.values().flat_map(|entry| &entry.clusters);
        let credentials = self.credentials.keys().map(|name| &name.cluster);
        objects.chain(credentials).map(String::as_str).collect()
    }
}
