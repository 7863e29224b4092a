//! A cluster's credential and how it is made, replaced and revoked. Pure.
//!
//! Two users of a server alternate, so that a new one works before the old one goes. Where a
//! credential is on its way is in the inventory, and each step can be made again, so a run that is killed
//! anywhere is continued by the next one:
//!
//! | Stage | Done | A run that is killed afterwards |
//! |---|---|---|
//! | [`Claimed`](Stage::Claimed) | the inventory says that the user is ours | takes the stored password if there is one, and makes one otherwise |
//! | [`Stored`](Stage::Stored) | the password is in the secret store, as one that nobody is handed yet | |
//! | [`Made`](Stage::Made) | the user is at the server, with that password | |
//! | [`Proven`](Stage::Proven) | it has written a document to a stream of the cluster | |
//! | – | the store hands it to whoever asks; the old one still works | |
//!
//! Where the destination wants an API key, the server makes it: then a run that makes one puts it into the store in the
//! same stage, and invalidates those of its name that it made before and whose value is lost. There is nothing left to do in
//! the stage [`Made`](Stage::Made).
//!
//! The old user is deleted only when somebody says so, after the overlap: pods read a password when they start, so only who
//! restarted them knows that nobody uses the old one (decision 46).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use logfleet_contract::authentication::KubernetesSecret;
use logfleet_contract::index::ObjectPath;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A credential's name: the cluster and the destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialName {
    /// The cluster.
    pub cluster: String,
    /// The destination, as the cluster calls it.
    pub destination: String,
}

impl CredentialName {
    /// Puts a name together.
    pub fn new(cluster: &str, destination: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            destination: destination.to_owned(),
        }
    }
}

/// `<cluster>/<destination>`.
impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.destination)
    }
}

impl FromStr for CredentialName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((cluster, destination)) if !cluster.is_empty() && !destination.is_empty() => {
                Ok(Self::new(cluster, destination))
            }
            _ => Err(format!("`{text}` isn't `<cluster>/<destination>`")),
        }
    }
}

impl Serialize for CredentialName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CredentialName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One of the two users that alternate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The user as it is rendered.
    First,
    /// The same with another name.
    Second,
}

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// The user's path, from that of the rendered one.
    pub fn user(self, rendered: &ObjectPath) -> ObjectPath {
        let name = match self {
            Self::First => rendered.name.clone(),
            Self::Second => format!("{}-2", rendered.name),
        };
        ObjectPath {
            kind: rendered.kind,
            name,
        }
    }
}

/// How far a credential is that isn't in use yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The inventory says that the user is ours.
    Claimed,
    /// The password is stored.
    Stored,
    /// The user is made.
    Made,
    /// It has written a document.
    Proven,
}

/// A credential that isn't in use yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming {
    /// Which user it is.
    pub slot: Slot,
    /// How far it is.
    pub stage: Stage,
}

/// A credential that isn't handed out any more, and still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Which user it is.
    pub slot: Slot,
    /// Before this moment it must not be deleted.
    pub until: Timestamp,
}

/// What a credential is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A user of the server and its password.
    #[default]
    User,
    /// An API key of Elasticsearch, which the server makes.
    ApiKey,
}

/// `user` or `API key`.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::ApiKey => "API key",
        })
    }
}

/// How a secret is written: as JSON, with these keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// What it holds.
    pub form: Form,
    /// The key with the user's name, or the API key's id.
    pub identifier: String,
    /// The key with the password, or the API key itself.
    pub value: String,
}

impl Layout {
    /// With the keys that shippers know, unless the settings name others.
    pub fn of(form: Form) -> Self {
        let (identifier, value) = match form {
            Form::User => ("username", "password"),
            Form::ApiKey => ("id", "api_key"),
        };
        Self {
            form,
            identifier: identifier.to_owned(),
            value: value.to_owned(),
        }
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::of(Form::User)
    }
}

/// `` `username` and `password` ``.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` and `{}`", self.identifier, self.value)
    }
}

/// What the inventory knows of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The path of the first of the two users; API keys have the names of users.
    pub user: String,
    /// How its secret is written.
    #[serde(default)]
    pub layout: Layout,
    /// The ids of API keys: which is in which slot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub api_keys: BTreeMap<Slot, String>,
    /// The secret's name in its store.
    pub secret: String,
    /// The store's name in the settings.
    pub store: String,
    /// The one in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Slot>,
    /// The one that is to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coming: Option<Coming>,
    /// The one that was in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Leaving>,
    /// The Secret of Kubernetes that it was written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<KubernetesSecret>,
    /// What fingerprints are salted with.
    pub salt: String,
    /// By which a password is known again without being known: no server gives one back.
    #[serde(default)]
    pub fingerprints: BTreeMap<Slot, String>,
    /// When the one in use came into use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// Make a password and store it.
    Store,
    /// Make the user.
    Make,
    /// Write a document.
    Prove,
    /// Have the store hand it out.
    Promote,
}

impl Credential {
    /// One of which nothing is there yet.
    pub fn new(
        user: &ObjectPath,
        layout: &Layout,
        secret: &str,
        store: &str,
        salt: String,
    ) -> Self {
        Self {
            user: user.to_string(),
            layout: layout.clone(),
            api_keys: BTreeMap::new(),
            secret: secret.to_owned(),
            store: store.to_owned(),
            active: None,
            coming: Some(Coming {
                slot: Slot::First,
                stage: Stage::Claimed,
            }),
            leaving: None,
            delivered: None,
            salt,
            fingerprints: BTreeMap::new(),
            since: None,
        }
    }

    /// Whether nothing is stored yet: then it may as well be stored elsewhere.
    pub fn is_unstored(&self) -> bool {
        let is_claimed = self
            .coming
            .is_some_and(|coming| coming.stage == Stage::Claimed);
        self.active.is_none() && is_claimed && self.fingerprints.is_empty()
    }

    /// Notes where and how it is stored from now on.
    pub fn move_to(&mut self, store: &str, secret: &str, layout: &Layout) {
        store.clone_into(&mut self.store);
        secret.clone_into(&mut self.secret);
        self.layout.clone_from(layout);
    }

    /// The path of a user.
    pub fn user(&self, slot: Slot) -> Option<ObjectPath> {
        let rendered = ObjectPath::parse(&format!("{}.json", self.user)).ok()?;
        Some(slot.user(&rendered))
    }

    /// As whom a slot signs in: the user's name, or the API key's id once there is one.
    pub fn identifier(&self, slot: Slot) -> Option<String> {
        if let Some(id) = self.api_keys.get(&slot) {
            return Some(id.clone());
        }
        let is_coming = self.coming.is_some_and(|coming| coming.slot == slot);
        if is_coming && self.layout.form == Form::ApiKey {
            return None;
        }
        self.user(slot).map(|path| path.name)
    }

    /// The users that should be at the server, or the API keys.
    pub fn slots(&self) -> Vec<Slot> {
        let coming = self.coming.filter(|coming| coming.stage >= Stage::Made);
        let mut slots: Vec<Slot> = self.active.into_iter().collect();
        slots.extend(coming.map(|coming| coming.slot));
        slots.extend(self.leaving.map(|leaving| leaving.slot));
        slots
    }

    /// What is to be done next, if the credential is on its way.
    pub fn due(&self) -> Option<Move> {
        Some(match self.coming?.stage {
            Stage::Claimed => Move::Store,
            Stage::Stored => Move::Make,
            Stage::Made => Move::Prove,
            Stage::Proven => Move::Promote,
        })
    }

    /// Begins to replace the one in use; not while another replacement isn't over.
    pub fn rotate(&mut self) -> Result<(), &'static str> {
        let Some(active) = self.active else {
            return Err("its first credential isn't in use yet");
        };
        if self.coming.is_some() {
            return Err("a rotation is already in progress");
        }
        if self.leaving.is_some() {
            return Err(
                "the old credential is still valid; finish the last rotation with `rotate --finish` first",
            );
        }
        self.coming = Some(Coming {
            slot: active.other(),
            stage: Stage::Claimed,
        });
        Ok(())
    }

    /// Begins to make the one in use again, where nothing can bring it back: an API key that somebody invalidated.
    pub fn remake(&mut self) {
        let slot = self.active.or(self.coming.map(|coming| coming.slot));
        self.coming = Some(Coming {
            slot: slot.unwrap_or(Slot::First),
            stage: Stage::Claimed,
        });
    }

    /// Notes that a move is made.
    pub fn advance(&mut self, made: Move, now: Timestamp, overlap: SignedDuration) {
        let Some(coming) = self.coming.as_mut() else {
            return;
        };
        match made {
            Move::Store => coming.stage = Stage::Stored,
            Move::Make => coming.stage = Stage::Made,
            Move::Prove => coming.stage = Stage::Proven,
            Move::Promote => {
                let slot = coming.slot;
                let until = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
                // One that was made again leaves nobody behind.
                if let Some(old) = self.active.filter(|old| *old != slot) {
                    self.leaving = Some(Leaving { slot: old, until });
                }
                self.active = Some(slot);
                self.since = Some(now);
                self.coming = None;
            }
        }
    }

    /// Whether the old credential may go.
    pub fn may_finish(&self, now: Timestamp) -> Result<Slot, String> {
        match self.leaving {
            None => Err("no rotation is in progress".to_owned()),
            Some(leaving) if leaving.until > now => Err(format!(
                "the old credential is kept until {}",
                leaving
                    .until
                    .round(jiff::Unit::Second)
                    .unwrap_or(leaving.until)
            )),
            Some(leaving) => Ok(leaving.slot),
        }
    }

    /// Notes that the old credential is gone.
    pub fn finished(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            self.fingerprints.remove(&leaving.slot);
            self.api_keys.remove(&leaving.slot);
        }
    }

    /// A password's fingerprint.
    pub fn fingerprint(&self, password: &SecretString) -> String {
        let mut hash = Sha256::new();
        hash.update(b"logfleet credential\0");
        hash.update(self.salt.as_bytes());
        hash.update(b"\0");
        hash.update(password.expose_secret().as_bytes());
        base16ct::lower::encode_string(&hash.finalize())[..32].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use logfleet_contract::index::Kind;

    use super::*;

    fn credential() -> Credential {
        let user = ObjectPath {
            kind: Kind::User,
            name: "writer".to_owned(),
        };
        Credential::new(
            &user,
            &Layout::default(),
            "secret",
            "store",
            "salt".to_owned(),
        )
    }

    fn now(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn finish(credential: &mut Credential, at: i64) {
        while let Some(due) = credential.due() {
            credential.advance(due, now(at), SignedDuration::from_secs(100));
        }
    }

    #[test]
    fn the_first_credential_leaves_none_behind() {
        let mut credential = credential();
        assert_eq!(credential.slots(), []);
        finish(&mut credential, 0);
        assert_eq!(
            (credential.active, credential.leaving),
            (Some(Slot::First), None)
        );
        assert_eq!(
            credential.user(Slot::Second).expect("a path").to_string(),
            "_security/user/writer-2"
        );
    }

    #[test]
    fn a_rotation_keeps_the_old_one_until_its_overlap_is_over() {
        let mut credential = credential();
        assert!(credential.rotate().is_err());
        finish(&mut credential, 0);
        credential.rotate().expect("it is in use");
        assert!(credential.rotate().is_err());
        // Until it is promoted, the old one is the one in use.
        for _ in 0..3 {
            assert_eq!(credential.active, Some(Slot::First));
            let due = credential.due().expect("on its way");
            credential.advance(due, now(10), SignedDuration::from_secs(100));
        }
        finish(&mut credential, 10);
        assert_eq!(credential.active, Some(Slot::Second));
        assert_eq!(credential.slots(), [Slot::Second, Slot::First]);
        assert!(credential.rotate().is_err());
        assert!(credential.may_finish(now(109)).is_err());
        assert_eq!(credential.may_finish(now(110)), Ok(Slot::First));
        credential.finished();
        credential.rotate().expect("the other way round");
        finish(&mut credential, 200);
        assert_eq!(credential.active, Some(Slot::First));
    }

    #[test]
    fn an_api_key_is_known_by_its_id_and_made_again_in_its_slot() {
        let mut credential = credential();
        credential.layout.form = Form::ApiKey;
        assert_eq!(credential.identifier(Slot::First), None);
        credential.api_keys.insert(Slot::First, "id1".to_owned());
        finish(&mut credential, 0);
        assert_eq!(credential.identifier(Slot::First).as_deref(), Some("id1"));
        credential.rotate().expect("it is in use");
        credential.api_keys.insert(Slot::Second, "id2".to_owned());
        finish(&mut credential, 10);
        let leaving = credential.leaving;
        assert_eq!(leaving.map(|own| own.slot), Some(Slot::First));
        credential.remake();
        finish(&mut credential, 20);
        assert_eq!(
            (credential.active, credential.leaving),
            (Some(Slot::Second), leaving)
        );
        credential.finished();
        assert_eq!(credential.api_keys.len(), 1);
    }

    #[test]
    fn a_fingerprint_depends_on_its_salt() {
        let (one, mut other) = (credential(), credential());
        other.salt = "pepper".to_owned();
        let password = SecretString::from("a");
        assert_eq!(one.fingerprint(&password), one.fingerprint(&password));
        assert_ne!(one.fingerprint(&password), other.fingerprint(&password));
        assert_ne!(
            one.fingerprint(&password),
            one.fingerprint(&SecretString::from("b"))
        );
    }
}
