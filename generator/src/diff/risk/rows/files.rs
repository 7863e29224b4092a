//! What files of any kind have in them: connections, certificates, references to secrets. Pure.

use super::rows;
use crate::diff::risk::objects::{CERTIFICATES, CONNECTION, REFERENCES};
use crate::diff::risk::row::{Live, Read, Row, When};
use crate::diff::risk::{secret, tls};
use crate::settings::Flag;
use Live::{Is, OfApplier, Unsaid};
use Read::{By, Value};
use When::{EachAmong, GoneIf, If};

pub(super) const ROWS: &[Row] = rows! {
    CONNECTION => {
        "": Value, EachAmong(tls::weakened) => TlsWeakens, "{it} ({parts})", Unsaid;
    }
    CERTIFICATES => {
        "": Value, If(tls::another_authority) => TlsWeakens, "{it}",
            Is("whoever holds its key can impersonate the servers that shippers send to");
    }
    REFERENCES => {
        "": Value, EachAmong(secret::changed) => SecretReferenceChanges, "{it}", Unsaid;
    }
    "ExternalSecret|ClusterExternalSecret" => {
        "target": By(secret::target), GoneIf(secret::is_needed) => SecretReferenceChanges,
            "the Secret `{before}` is no longer synced from a secret store, but pods still need it",
            OfApplier;
    }
};
