//! What a credential signs in with: made, stored and found again. IO.

use std::collections::BTreeSet;

use logfleet_contract::index::ObjectPath;

use crate::credential::{Credential, CredentialName, Form, Slot};
use crate::fault::Fault;
use crate::random;
use crate::server::api_key::{self, ApiKeys};
use crate::store::Secret;
use crate::wanted::WantedCredential;

use super::{Issuing, Passwords, coming_user};

impl Issuing<'_, '_> {
    /// Stores what the coming one signs in with, or finds what a run before stored.
    pub(super) fn put(
        &self,
        name: &CredentialName,
        record: &Credential,
        wanted: &WantedCredential,
        passwords: &mut Passwords,
    ) -> Result<(), Fault> {
        let path = coming_user(record, wanted);
        let store = self.store(record)?;
        let stored = store.read(&record.secret, &record.layout)?;
        let is_coming = |secret: &Secret| match secret.form {
            Form::User => secret.identifier == path.name,
            // The one in use isn't among them, if it is to be made again.
            Form::ApiKey => !record.api_keys.values().any(|id| *id == secret.identifier),
        };
        let keys = self.keys(record, wanted)?;
        let works = |secret: &Secret| {
            let key = keys.get(&secret.identifier);
            secret.form == Form::User || key.is_some_and(|key| key.works)
        };
        let is_own = |secret: &Secret| match secret.form {
            Form::User => {
                let users = Slot::ALL.map(|slot| slot.user(&wanted.user).name);
                users.contains(&secret.identifier)
            }
            Form::ApiKey => keys.get(&secret.identifier).is_some_and(|key| key.is_ours),
        };
        let (mut pending, mut current) = (stored.pending, stored.current);
        let found = match pending.take_if(|secret| is_coming(secret) && works(secret)) {
            Some(secret) => Some(secret),
            // Secrets Manager hands the first version out at once.
            None if record.active.is_none() => {
                current.take_if(|secret| is_coming(secret) && works(secret))
            }
            None => None,
        };
        let secret = if let Some(secret) = found {
            secret
        } else {
            let is_strange =
                stored.strange.is_some() || current.is_some_and(|secret| !is_own(&secret));
            if record.active.is_none() && is_strange {
                return Err(Fault::new(
                    self.place(name),
                    format!("the secret `{}` exists with a different {}", record.secret, record.layout.form),
                )
                .hint("delete the secret, or name another one in the destination's `authentication.secret`"));
            }
            let mut secret = self.make_secret(name, record, wanted, &path)?;
            secret.ca_certificate.clone_from(&wanted.ca_certificate);
            store.put_pending(&record.secret, &record.layout, &secret)?;
            secret
        };
        if secret.form == Form::ApiKey {
            let mut known: BTreeSet<String> = record.api_keys.values().cloned().collect();
            known.insert(secret.identifier.clone());
            let now = (self.target.now)();
            api_key::invalidate_others(
                self.target.server,
                self.target.client,
                &path.name,
                &known,
                now,
            )?;
        }
        passwords.insert(name.clone(), secret);
        Ok(())
    }

    /// The API keys of a credential's names.
    pub(super) fn keys(
        &self,
        record: &Credential,
        wanted: &WantedCredential,
    ) -> Result<ApiKeys, Fault> {
        if record.layout.form == Form::User {
            return Ok(ApiKeys::new());
        }
        let pattern = format!("{}*", wanted.user.name);
        let now = (self.target.now)();
        api_key::list(self.target.server, self.target.client, &pattern, now)
    }

    /// A new password, or a new API key, which the server makes.
    pub(super) fn make_secret(
        &self,
        name: &CredentialName,
        record: &Credential,
        wanted: &WantedCredential,
        path: &ObjectPath,
    ) -> Result<Secret, Fault> {
        match record.layout.form {
            Form::User => Ok(Secret {
                form: Form::User,
                identifier: path.name.clone(),
                value: random::password()?,
                ca_certificate: None,
            }),
            Form::ApiKey => api_key::create(self.target.client, &path.name, &wanted.body, name)
                .map_err(|error| error.fault(self.target.server)),
        }
    }

    /// The secret of a slot, from the store, if it is the one that we made.
    pub(super) fn secret(
        &self,
        name: &CredentialName,
        record: &Credential,
        slot: Slot,
    ) -> Result<Secret, Fault> {
        let stored = self.store(record)?.read(&record.secret, &record.layout)?;
        let missing = |why: String| {
            Fault::new(self.place(name), why).hint(format!(
                "create a new credential: reconciler rotate --credential {name}"
            ))
        };
        let identifier = record.identifier(slot).unwrap_or_default();
        let value = match record.layout.form {
            Form::User => "password",
            Form::ApiKey => "API key",
        };
        if stored.of(&identifier).next().is_none() {
            return Err(missing(format!(
                "the secret `{}` holds no {value} of `{identifier}`",
                record.secret
            )));
        }
        let known = record.fingerprints.get(&slot);
        let is_ours = |secret: &&Secret| {
            known.is_none_or(|known| *known == record.fingerprint(&secret.value))
        };
        let secret = stored.of(&identifier).find(is_ours).ok_or_else(|| {
            missing(format!(
                "somebody changed the {value} of `{identifier}` in the secret `{}`",
                record.secret
            ))
        })?;
        Ok(secret.clone())
    }

    /// What the coming one signs in with.
    pub(super) fn coming_secret(
        &self,
        name: &CredentialName,
        record: &Credential,
        passwords: &mut Passwords,
    ) -> Result<Secret, Fault> {
        if let Some(secret) = passwords.get(name) {
            return Ok(secret.clone());
        }
        let slot = record.coming.map_or(Slot::First, |coming| coming.slot);
        let secret = self.secret(name, record, slot)?;
        passwords.insert(name.clone(), secret.clone());
        Ok(secret)
    }
}
