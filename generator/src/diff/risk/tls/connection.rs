//! How something talks to something else. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What is weak in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::diff::risk) enum Weakness {
    /// It isn't encrypted.
    Plain,
    /// Any certificate is taken.
    Unverified,
    /// A certificate for any name is taken.
    NameUnverified,
    /// Anybody may connect.
    ClientsUnverified,
}

impl Weakness {
    /// Of a connection that wasn't there before.
    pub(super) fn of_new(self) -> &'static str {
        match self {
            Self::Plain => "a connection is not encrypted",
            Self::Unverified => "a server's certificate is not verified",
            Self::NameUnverified => "a server's name is not verified",
            Self::ClientsUnverified => "clients need no certificate",
        }
    }

    /// Of a connection that was better.
    pub(super) fn of_changed(self) -> &'static str {
        match self {
            Self::Plain => "a connection is no longer encrypted",
            Self::Unverified => "the server's certificate is no longer verified",
            Self::NameUnverified => "the server's name is no longer verified",
            Self::ClientsUnverified => "clients need no certificate any more",
        }
    }
}

/// A connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::diff::risk) struct Connection {
    /// Where it goes, as it is written; empty if that isn't said.
    pub(in crate::diff::risk) address: String,
    /// What is weak in it.
    pub(super) weak: BTreeSet<Weakness>,
    /// Whether something says that it is encrypted.
    pub(super) encrypted: bool,
    /// Whether clients have to show a certificate.
    pub(super) verifies_clients: bool,
    /// The lowest version of TLS, such as 12 for 1.2.
    pub(super) lowest: Option<u32>,
    /// Whether authorities of its own are trusted alone.
    pub(super) own_authority: bool,
}

impl Connection {
    /// As a fact has it.
    pub(in crate::diff::risk) fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    pub(super) fn of_json(value: &Json) -> Option<Self> {
        Self::deserialize(value).ok()
    }

    /// Whether anything was said of how it is protected.
    pub(super) fn is_known(&self) -> bool {
        self.encrypted || self.lowest.is_some() || self.own_authority || self.verifies_clients
    }

    /// Takes what another piece of the same connection says.
    pub(super) fn join(&mut self, other: Self) {
        if self.address.is_empty() {
            self.address = other.address;
        }
        self.weak.extend(other.weak);
        self.encrypted |= other.encrypted;
        self.verifies_clients |= other.verifies_clients;
        self.lowest = self.lowest.or(other.lowest);
        self.own_authority |= other.own_authority;
    }

    /// What a server or client of that kind does where nothing is said.
    pub(super) fn assume_plain(&mut self) {
        if !self.encrypted && !is_local(&self.address) {
            self.weak.insert(Weakness::Plain);
        }
    }
}

/// Connections by the way to them in their file.
pub(in crate::diff::risk) type Connections = BTreeMap<String, Connection>;

/// Whether an address isn't encrypted, and leaves the machine.
pub(super) fn is_plain(value: &str) -> bool {
    value
        .match_indices("http://")
        .any(|(at, scheme)| !is_local(&value[at + scheme.len()..]))
}

/// Whether a host is the machine itself, or its link to the hypervisor.
fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches(['[', ' ', '"', '\'']);
    ["localhost", "127.0.0.1", "::1", "169.254."]
        .iter()
        .any(|own| host.starts_with(own))
}
