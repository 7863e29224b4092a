//! What is done with one credential after the other: taken over, written to a cluster, ended. IO.

use std::collections::BTreeSet;

use logfleet_contract::index::{Kind, ObjectPath};

use crate::credential::{Credential, CredentialName, Form, Slot};
use crate::fault::Fault;
use crate::kubernetes::Delivery;
use crate::random;
use crate::server::api_key;
use crate::server::write;

use super::{Issuing, Outcome};

impl Issuing<'_, '_> {
    /// Lists a credential that somebody made by hand, if its password is in the store.
    pub(super) fn adopt(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
        let Some(wanted) = self.target.wanted.credentials.get(name) else {
            return Ok(Outcome::Unknown);
        };
        let mut record = Credential::new(
            &wanted.user,
            &wanted.layout,
            &wanted.secret,
            &wanted.store,
            random::hex(16)?,
        );
        let stored = self.store(&record)?.read(&wanted.secret, &wanted.layout)?;
        let found = Slot::ALL.into_iter().find_map(|slot| {
            let current = stored.current.as_ref()?;
            let own = slot.user(&wanted.user).name;
            let is_it = match wanted.layout.form {
                Form::User => current.identifier == own,
                Form::ApiKey => {
                    let key = self.target.observed.api_keys.get(&current.identifier);
                    key.is_some_and(|key| key.works && key.name == own)
                }
            };
            is_it.then_some((slot, current))
        });
        let (slot, secret) = found.ok_or_else(|| {
            let what = record.layout.form;
            Fault::new(self.place(name), format!("the secret `{}` doesn't hold the {what} `{}`", wanted.secret, wanted.user.name))
                .hint(format!("store it there, as JSON with the keys {}; or delete the {what}, and a new credential is created", wanted.layout))
        })?;
        if secret.form == Form::ApiKey {
            record.api_keys.insert(slot, secret.identifier.clone());
        }
        record.coming = None;
        record.active = Some(slot);
        record.since = Some((self.target.now)());
        let fingerprint = record.fingerprint(&secret.value);
        record.fingerprints.insert(slot, fingerprint);
        self.held
            .inventory()
            .credentials
            .insert(name.clone(), record);
        Ok(Outcome::Done)
    }

    /// Writes what is handed out to the cluster's Secret.
    pub(super) fn deliver(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
        let observed = self.target.observed.deliveries.get(name);
        let is_to_be_written = matches!(
            observed,
            Some(Delivery::Missing | Delivery::Outdated | Delivery::Current)
        );
        let wanted = self.target.wanted.credentials.get(name);
        let server = self.target.api_servers.get(&name.cluster);
        let (Some(record), Some(secret), Some(server), true) = (
            self.record(name),
            wanted.and_then(|wanted| wanted.kubernetes.clone()),
            server,
            is_to_be_written,
        ) else {
            return Ok(Outcome::Unknown);
        };
        // One that isn't handed out yet is not the cluster's business.
        let (Some(slot), None) = (record.active, record.coming) else {
            return Ok(Outcome::Unknown);
        };
        server.deliver(&secret, &self.secret(name, &record, slot)?)?;
        if let Some(record) = self.held.inventory().credentials.get_mut(name) {
            record.delivered = Some(secret);
        }
        Ok(Outcome::Done)
    }

    /// Deletes the user that was replaced.
    pub(super) fn finish(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
        let Some(record) = self.record(name) else {
            return Ok(Outcome::Unknown);
        };
        let slot = record
            .may_finish((self.target.now)())
            .map_err(|why| Fault::new(self.place(name), why))?;
        self.delete_slots(&record, &[slot])?;
        if let Some(record) = self.held.inventory().credentials.get_mut(name) {
            record.finished();
        }
        Ok(Outcome::Done)
    }

    /// Deletes the users and the secret of a credential that is rendered no more. What can't be deleted stays listed.
    pub(super) fn revoke(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
        let Some(record) = self.record(name) else {
            return Ok(Outcome::Unknown);
        };
        self.delete_slots(&record, &Slot::ALL)?;
        self.invalidate_lost(&record)?;
        if let (Some(secret), Some(server)) = (
            &record.delivered,
            self.target.api_servers.get(&name.cluster),
        ) {
            server.delete(secret)?;
        }
        self.store(&record)?.delete(&record.secret)?;
        self.held.inventory().credentials.remove(name);
        Ok(Outcome::Done)
    }

    /// Invalidates API keys whose values were lost in a run that was killed.
    pub(super) fn invalidate_lost(&self, record: &Credential) -> Result<(), Fault> {
        if record.layout.form == Form::User {
            return Ok(());
        }
        let (server, client) = (self.target.server, self.target.client);
        let now = (self.target.now)();
        let paths = Slot::ALL.iter().filter_map(|slot| record.user(*slot));
        for path in paths {
            api_key::invalidate_others(server, client, &path.name, &BTreeSet::new(), now)?;
        }
        Ok(())
    }

    /// Deletes users, and invalidates API keys.
    pub(super) fn delete_slots(&self, record: &Credential, slots: &[Slot]) -> Result<(), Fault> {
        let ids = slots.iter().filter_map(|slot| record.api_keys.get(slot));
        api_key::invalidate(self.target.client, &ids.cloned().collect())
            .map_err(|error| error.fault(self.target.server))?;
        let ours = |slot: &Slot| {
            if record.api_keys.contains_key(slot) || record.identifier(*slot).is_none() {
                return None;
            }
            let is_ours = record.slots().contains(slot)
                || record.coming.is_some_and(|coming| coming.slot == *slot);
            is_ours.then(|| record.user(*slot)).flatten()
        };
        let paths: BTreeSet<ObjectPath> = slots.iter().filter_map(ours).collect();
        let kinds: BTreeSet<Kind> = paths.iter().map(|path| path.kind).collect();
        for kind in kinds {
            let work = self.target.work.to_the_end();
            let outcomes = write::delete(
                self.target.client,
                kind,
                &paths,
                self.target.observed,
                &work,
            );
            for (_, outcome) in outcomes {
                outcome.map_err(|error| error.fault(self.target.server))?;
            }
        }
        Ok(())
    }
}
