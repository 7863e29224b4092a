//! Where clusters' credentials are stored, behind a small interface.
//!
//! A new password is stored before the server knows it, as a version that nobody is handed
//! ([`SecretStore::put_pending`]); when it is proven, it becomes the one that everybody
//! is handed ([`SecretStore::promote`]). So a password is never lost between the two.

pub mod aws;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::credential::{Form, Layout};
use crate::fault::Fault;
use crate::wiped::Wiped;

/// The key of a secret with the certificates that sign the server's; the forwarder looks there.
const CA_CERTIFICATE: &str = "ca_certificate";

/// A user and its password, or an API key's id and the key itself.
#[derive(Clone)]
pub struct Secret {
    /// What it is.
    pub form: Form,
    /// The user's name, or the API key's id.
    pub identifier: String,
    /// The password, or the API key itself.
    pub value: SecretString,
    /// The certificates that sign the server's, in PEM, where it has its own: the forwarder finds them only here.
    pub ca_certificate: Option<String>,
}

/// Shows the identifier alone.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.identifier)
    }
}

/// What a secret holds.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// What whoever asks is handed.
    pub current: Option<Secret>,
    /// What is to become that.
    pub pending: Option<Secret>,
    /// What was that.
    pub previous: Option<Secret>,
    /// Why what is handed out is no credential, where it is none.
    pub strange: Option<String>,
}

impl Stored {
    /// Every version with an identifier: a secret that was restored may have two passwords of one user.
    pub fn of(&self, identifier: &str) -> impl Iterator<Item = &Secret> {
        let all = [&self.pending, &self.current, &self.previous];
        let all = all.into_iter().flatten();
        all.filter(move |secret| secret.identifier == identifier)
    }
}

/// A store of secrets. Every call may be made again.
pub trait SecretStore: Send + Sync {
    /// Reads a secret; nothing in it if there is none. A version that is written otherwise is left out.
    fn read(&self, name: &str, layout: &Layout) -> Result<Stored, Fault>;
    /// Stores a version that nobody is handed yet.
    fn put_pending(&self, name: &str, layout: &Layout, secret: &Secret) -> Result<(), Fault>;
    /// Hands out the version with an identifier from now on.
    fn promote(&self, name: &str, layout: &Layout, identifier: &str) -> Result<(), Fault>;
    /// Deletes a secret; no fault if there is none.
    fn delete(&self, name: &str) -> Result<(), Fault>;
}

/// Every store of the settings.
pub type Stores = BTreeMap<String, Box<dyn SecretStore>>;

impl Secret {
    /// Reads the text of a secret. Says nothing of what it holds.
    pub fn parse(text: &str, layout: &Layout) -> Result<Self, String> {
        let wrong = || format!("the secret isn't JSON with the keys {layout}");
        let read = Wiped(serde_json::from_str(text).map_err(|_| wrong())?);
        let find = |key: &str| read.0.get(key).and_then(Value::as_str);
        let of = |key: &str| find(key).ok_or_else(wrong);
        Ok(Self {
            form: layout.form,
            identifier: of(&layout.identifier)?.to_owned(),
            value: SecretString::from(of(&layout.value)?),
            ca_certificate: find(CA_CERTIFICATE).map(ToOwned::to_owned),
        })
    }

    /// The text of a secret.
    pub fn to_text(&self, layout: &Layout) -> Zeroizing<String> {
        let quoted = |text: &str| Zeroizing::new(Value::from(text).to_string());
        let authority = self
            .ca_certificate
            .as_ref()
            .map_or_else(String::new, |own| {
                format!(",\"{CA_CERTIFICATE}\":{}", *quoted(own))
            });
        Zeroizing::new(format!(
            "{{{}:{},{}:{}{authority}}}",
            *quoted(&layout.identifier),
            *quoted(&self.identifier),
            *quoted(&layout.value),
            *quoted(self.value.expose_secret())
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_leads_back_and_shows_nothing() {
        let secret = Secret {
            form: Form::User,
            identifier: "a".into(),
            value: SecretString::from("p\"w"),
            ca_certificate: None,
        };
        let layout = Layout {
            value: "pass".to_owned(),
            ..Layout::default()
        };
        let text = secret.to_text(&layout);
        assert_eq!(text.as_str(), "{\"username\":\"a\",\"pass\":\"p\\\"w\"}");
        let back = Secret::parse(&text, &layout).expect("its own text");
        assert_eq!(back.value.expose_secret(), "p\"w");
        let with = Secret {
            ca_certificate: Some("-----BEGIN\n".into()),
            ..secret
        };
        let with = Secret::parse(&with.to_text(&layout), &layout).expect("its own text");
        assert_eq!(with.ca_certificate.as_deref(), Some("-----BEGIN\n"));
        assert_eq!(format!("{back:?}"), "Secret(a)");
        let wrong = Secret::parse(&text, &Layout::default()).expect_err("another key");
        assert_eq!(
            wrong,
            "the secret isn't JSON with the keys `username` and `password`"
        );
    }
}
