//! Where clusters' credentials are stored, behind a small interface.
//!
//! A new password is stored before the server knows it, as a version that nobody is handed
//! ([`SecretStore::put_pending`]); when it is proven, it becomes the one that everybody
//! is handed ([`SecretStore::promote`]). So a password is never lost between the two.

pub mod aws;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::fault::Fault;

/// A user and its password.
#[derive(Clone)]
pub struct Secret {
    /// The user.
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// The certificates that sign the server's, in PEM, where it has its own: the forwarder finds them only here.
    pub ca_certificate: Option<String>,
}

/// Shows the user alone.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.username)
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
}

impl Stored {
    /// Every version with a user: a secret that was restored may have two passwords of one.
    pub fn of(&self, username: &str) -> impl Iterator<Item = &Secret> {
        let all = [&self.pending, &self.current, &self.previous];
        let all = all.into_iter().flatten();
        all.filter(move |secret| secret.username == username)
    }
}

/// A store of secrets. Every call may be made again.
pub trait SecretStore: Send + Sync {
    /// Reads a secret; nothing in it if there is none.
    fn read(&self, name: &str) -> Result<Stored, Fault>;
    /// Stores a version that nobody is handed yet.
    fn put_pending(&self, name: &str, secret: &Secret) -> Result<(), Fault>;
    /// Hands out the version of a user from now on.
    fn promote(&self, name: &str, username: &str) -> Result<(), Fault>;
    /// Deletes a secret; no fault if there is none.
    fn delete(&self, name: &str) -> Result<(), Fault>;
}

/// Every store of the settings.
pub type Stores = BTreeMap<String, Box<dyn SecretStore>>;

/// How a secret is written: the keys that are rendered for the shippers.
#[derive(Deserialize)]
struct Keys {
    username: String,
    password: String,
    #[serde(default)]
    ca_certificate: Option<String>,
}

impl Secret {
    /// Reads the text of a secret. Says nothing of what it holds.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut keys: Keys = serde_json::from_str(text)
            .map_err(|_| "the secret isn't JSON with the keys `username` and `password`")?;
        let secret = Self {
            username: std::mem::take(&mut keys.username),
            password: SecretString::from(keys.password.clone()),
            ca_certificate: keys.ca_certificate.take(),
        };
        keys.password.zeroize();
        Ok(secret)
    }

    /// The text of a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        let quoted = |text: &str| Zeroizing::new(serde_json::Value::from(text).to_string());
        let authority = self
            .ca_certificate
            .as_ref()
            .map_or_else(String::new, |own| {
                format!(",\"ca_certificate\":{}", *quoted(own))
            });
        Zeroizing::new(format!(
            "{{\"username\":{},\"password\":{}{authority}}}",
            *quoted(&self.username),
            *quoted(self.password.expose_secret())
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_leads_back_and_shows_nothing() {
        let secret = Secret {
            username: "a".into(),
            password: SecretString::from("p\"w"),
            ca_certificate: None,
        };
        assert_eq!(*secret.to_text(), r#"{"username":"a","password":"p\"w"}"#);
        let with = Secret {
            ca_certificate: Some("-----BEGIN\n".into()),
            ..secret.clone()
        };
        let with = Secret::parse(&with.to_text()).expect("its own text");
        assert_eq!(with.ca_certificate.as_deref(), Some("-----BEGIN\n"));
        let back = Secret::parse(&secret.to_text()).expect("its own text");
        assert_eq!(back.password.expose_secret(), "p\"w");
        assert_eq!(format!("{back:?}"), "Secret(a)");
        let wrong = Secret::parse("{\"password\": \"hunter2\"}").expect_err("no user");
        assert!(!wrong.contains("hunter2"));
    }
}
