//! Makes, replaces and revokes credentials. IO.
//!
//! All credentials go through a stage together, and the inventory is written after each: see
//! [`crate::credential`] for what happens to a run that is killed. The order is that
//! no password is ever known to a server alone, and none is handed out that hasn't worked.

use backon::BlockingRetryable;
use logfleet_contract::index::{Kind, ObjectPath};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::credential::{Credential, CredentialName, Form, Move, Slot};
use crate::fault::Fault;
use crate::kubernetes::Delivery;
use crate::plan::{Change, Subject, TargetPlan};
use crate::random;
use crate::server::api_key::{self, ApiKeys};
use crate::server::apply::{Report, Target};
use crate::server::client::Client;
use crate::server::identity::Identity;
use crate::server::ledger::Held;
use crate::server::write::{self, Bodies};
use crate::store::{Secret, SecretStore};
use crate::wanted::WantedCredential;
use crate::wiped::Wiped;

/// Credentials that go through a stage together.
const TOGETHER: usize = 100;

/// The credentials' part of applying a plan.
pub struct Issuing<'a, 'b> {
    /// The server.
    pub target: Target<'a>,
    /// The plan.
    pub plan: &'a TargetPlan,
    /// Its inventory.
    pub held: &'b mut Held<'a>,
}

type Passwords = BTreeMap<CredentialName, Secret>;

/// How a step went that didn't fail.
enum Outcome {
    /// It is done.
    Done,
    /// The credential isn't known any more, so there is nothing to do.
    Unknown,
}

impl Issuing<'_, '_> {
    /// Does every step that is about a credential.
    pub fn run(mut self, report: &mut Report) -> Result<(), Fault> {
        let steps = self.plan.steps.iter();
        let mut moving = BTreeMap::new();
        let (mut mended, mut delivered, mut finished, mut revoked, mut adopted) = (
            BTreeSet::new(),
            BTreeSet::new(),
            BTreeSet::new(),
            BTreeSet::new(),
            BTreeSet::new(),
        );
        for step in steps {
            let Subject::Credential(name) = &step.subject else {
                continue;
            };
            match &step.change {
                Change::Issue | Change::Continue | Change::Rotate => {
                    moving.insert(name.clone(), step.change.verb());
                }
                Change::Restore { .. } if self.is_coming(name) => {
                    moving.insert(name.clone(), step.change.verb());
                }
                Change::Restore { .. } | Change::Correct { .. } => {
                    mended.insert(name.clone());
                }
                Change::Deliver => {
                    delivered.insert(name.clone());
                }
                Change::Finish => {
                    finished.insert(name.clone());
                }
                Change::Revoke => {
                    revoked.insert(name.clone());
                }
                Change::Adopt { .. } => {
                    adopted.insert(name.clone());
                }
                _ => {}
            }
        }
        self.each(&adopted, "adopt", report, Self::adopt)?;
        self.mend(&mended, report)?;
        self.advance(&moving, report)?;
        delivered.extend(moving.into_keys());
        self.each(&delivered, "deliver", report, Self::deliver)?;
        self.each(&finished, "finish", report, Self::finish)?;
        self.each(&revoked, "revoke", report, Self::revoke)
    }

    fn save(&mut self) -> Result<(), Fault> {
        self.held.save((self.target.now)())
    }

    fn record(&mut self, name: &CredentialName) -> Option<Credential> {
        self.held.inventory().credentials.get(name).cloned()
    }

    /// Whether a credential is on its way.
    fn is_coming(&mut self, name: &CredentialName) -> bool {
        self.record(name)
            .is_some_and(|record| record.coming.is_some())
    }

    fn place(&self, name: &CredentialName) -> String {
        format!("{}/credential/{name}", self.target.server)
    }

    fn store(&self, record: &Credential) -> Result<&dyn SecretStore, Fault> {
        let store = self.target.stores.get(&record.store);
        store.map(AsRef::as_ref).ok_or_else(|| {
            Fault::new(
                self.target.server,
                format!("the secret store `{}` isn't in the settings", record.store),
            )
            .hint("add it to `secret_stores`")
        })
    }

    /// Takes credentials through their stages, a hundred together, so that a run says often enough that it lives, and
    /// OpenSearch loads its security seldom enough.
    fn advance(
        &mut self,
        moving: &BTreeMap<CredentialName, &'static str>,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let names: Vec<&CredentialName> = moving.keys().collect();
        for chunk in names.chunks(TOGETHER) {
            if self.target.work.is_to_end() {
                break;
            }
            let going = chunk.iter().map(|name| (*name).clone()).collect();
            self.advance_together(going, moving, report)?;
        }
        Ok(())
    }

    /// Takes all of them through each stage before the next.
    fn advance_together(
        &mut self,
        mut going: BTreeSet<CredentialName>,
        moving: &BTreeMap<CredentialName, &'static str>,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let mut passwords = Passwords::new();
        for stage in [Move::Store, Move::Make, Move::Prove, Move::Promote] {
            let mut due = BTreeMap::new();
            for name in &going {
                if let Some(record) = self.record(name)
                    && record.due() == Some(stage)
                    && let Some(wanted) = self.target.wanted.credentials.get(name)
                {
                    due.insert(name.clone(), (record, wanted));
                }
            }
            if due.is_empty() {
                continue;
            }
            let outcomes = match stage {
                Move::Make => self.make(&due, &mut passwords),
                Move::Store | Move::Prove | Move::Promote => {
                    let each = due.iter().map(|(name, (record, wanted))| {
                        let outcome = match stage {
                            Move::Store => self.put(name, record, wanted, &mut passwords),
                            Move::Prove => self.prove(name, record, wanted, &mut passwords),
                            _ => self.promote(record),
                        };
                        (name.clone(), outcome)
                    });
                    each.collect()
                }
            };
            for (name, outcome) in outcomes {
                if let Err(fault) = outcome {
                    report.failed.push(fault);
                    going.remove(&name);
                    continue;
                }
                let secret = passwords.get(&name);
                let now = (self.target.now)();
                let overlap = self.target.overlap;
                if let Some(record) = self.held.inventory().credentials.get_mut(&name) {
                    if let (Move::Store, Some(secret), Some(coming)) =
                        (stage, secret, record.coming)
                    {
                        let fingerprint = record.fingerprint(&secret.value);
                        record.fingerprints.insert(coming.slot, fingerprint);
                        match secret.form {
                            Form::User => record.api_keys.remove(&coming.slot),
                            Form::ApiKey => record
                                .api_keys
                                .insert(coming.slot, secret.identifier.clone()),
                        };
                    }
                    record.advance(stage, now, overlap);
                }
                if stage == Move::Promote {
                    report
                        .done
                        .push((Subject::Credential(name.clone()), moving[&name]));
                }
            }
            self.save()?;
        }
        Ok(())
    }

    /// Stores what the coming one signs in with, or finds what a run before stored.
    fn put(
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
            {
                let is_strange =
                    stored.strange.is_some() || current.is_some_and(|secret| !is_own(&secret));
                if record.active.is_none() && is_strange {
                    return Err(Fault::new(
                        self.place(name),
                        format!("the secret `{}` exists, with another {}", record.secret, what(record)),
                    )
                    .hint("delete the secret, or name another one in the destination's `authentication.secret`"));
                }
                let mut secret = self.make_secret(name, record, wanted, &path)?;
                secret.ca_certificate.clone_from(&wanted.ca_certificate);
                store.put_pending(&record.secret, &record.layout, &secret)?;
                secret
            }
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
    fn keys(&self, record: &Credential, wanted: &WantedCredential) -> Result<ApiKeys, Fault> {
        if record.layout.form == Form::User {
            return Ok(ApiKeys::new());
        }
        let pattern = format!("{}*", wanted.user.name);
        let now = (self.target.now)();
        api_key::list(self.target.server, self.target.client, &pattern, now)
    }

    /// A new password, or a new API key, which the server makes.
    fn make_secret(
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
    fn secret(
        &self,
        name: &CredentialName,
        record: &Credential,
        slot: Slot,
    ) -> Result<Secret, Fault> {
        let stored = self.store(record)?.read(&record.secret, &record.layout)?;
        let missing = |why: String| {
            Fault::new(self.place(name), why).hint(format!(
                "make a new credential: reconciler rotate --credential {name}"
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

    /// Makes users of all credentials together.
    fn make(
        &self,
        due: &BTreeMap<CredentialName, (Credential, &WantedCredential)>,
        passwords: &mut Passwords,
    ) -> BTreeMap<CredentialName, Result<(), Fault>> {
        let mut outcomes = BTreeMap::new();
        let mut users = BTreeMap::new();
        for (name, (record, wanted)) in due {
            if record.layout.form == Form::ApiKey {
                // The server made it before it was stored.
                outcomes.insert(name.clone(), Ok(()));
                continue;
            }
            let path = coming_user(record, wanted);
            match self.coming_secret(name, record, passwords) {
                Ok(secret) => {
                    users.insert(
                        path.clone(),
                        (
                            name.clone(),
                            user_body(&wanted.body, path.kind, &secret.value),
                        ),
                    );
                }
                Err(fault) => {
                    outcomes.insert(name.clone(), Err(fault));
                }
            }
        }
        for (path, outcome) in self.write_users(users.iter().map(|(path, (_, body))| (path, body)))
        {
            let (name, _) = &users[&path];
            outcomes.insert(name.clone(), outcome);
        }
        outcomes
    }

    /// What the coming one signs in with.
    fn coming_secret(
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

    fn write_users<'c>(
        &self,
        users: impl Iterator<Item = (&'c ObjectPath, &'c Wiped)>,
    ) -> BTreeMap<ObjectPath, Result<(), Fault>> {
        let mut kinds: BTreeMap<Kind, Bodies> = BTreeMap::new();
        for (path, body) in users {
            kinds
                .entry(path.kind)
                .or_default()
                .insert(path.clone(), body.clone());
        }
        let written = kinds.iter().flat_map(|(kind, bodies)| {
            let work = self.target.work.to_the_end();
            write::write(
                self.target.client,
                *kind,
                bodies,
                self.target.observed,
                &work,
            )
        });
        let told = |error: crate::server::client::RequestError| error.fault(self.target.server);
        written
            .map(|(path, outcome)| (path, outcome.map_err(told)))
            .collect()
    }

    /// Has the coming user write a document to a stream of its cluster.
    fn prove(
        &self,
        name: &CredentialName,
        record: &Credential,
        wanted: &WantedCredential,
        passwords: &mut Passwords,
    ) -> Result<(), Fault> {
        let Some(stream) = wanted.streams.first() else {
            return Ok(());
        };
        let secret = self.coming_secret(name, record, passwords)?;
        let client = Client::new(self.target.connection, Identity::of(&secret))?;
        // Nodes learn of a new user one after the other.
        let tried = (|| write_marker(&client, stream, &(self.target.now)().to_string()))
            .retry(client.retry().pauses())
            .call();
        let Err(last) = tried else {
            return Ok(());
        };
        Err(Fault::new(
            self.place(name),
            format!("the new {} can't write to {stream}: {last}", what(record)),
        )
        .hint("what was in use stays in use; run it again when the cause is mended"))
    }

    fn promote(&self, record: &Credential) -> Result<(), Fault> {
        let slot = record.coming.map_or(Slot::First, |coming| coming.slot);
        let identifier = record.identifier(slot).unwrap_or_default();
        self.store(record)?
            .promote(&record.secret, &record.layout, &identifier)
    }

    /// Makes users again that somebody else deleted or changed, with the stored password: a new one would stop every shipper.
    fn mend(&mut self, names: &BTreeSet<CredentialName>, report: &mut Report) -> Result<(), Fault> {
        let mut users = BTreeMap::new();
        for name in names {
            let (Some(record), Some(wanted)) =
                (self.record(name), self.target.wanted.credentials.get(name))
            else {
                continue;
            };
            for slot in record.slots() {
                let path = slot.user(&wanted.user);
                if let Some(id) = record.api_keys.get(&slot) {
                    self.correct(name, id, wanted, report);
                    continue;
                }
                if record.layout.form == Form::ApiKey {
                    continue;
                }
                match self.secret(name, &record, slot) {
                    Ok(secret) => {
                        let body = user_body(&wanted.body, path.kind, &secret.value);
                        users.insert(path, (name.clone(), body));
                    }
                    Err(fault) => report.failed.push(fault),
                }
            }
        }
        if users.is_empty() {
            return Ok(());
        }
        for (path, outcome) in self.write_users(users.iter().map(|(path, (_, body))| (path, body)))
        {
            match outcome {
                Ok(()) => report
                    .done
                    .push((Subject::Credential(users[&path].0.clone()), "restore")),
                Err(fault) => report.failed.push(fault),
            }
        }
        report.done.dedup();
        self.save()
    }

    /// Gives an API key that works the privileges that it should have.
    fn correct(
        &self,
        name: &CredentialName,
        id: &str,
        wanted: &WantedCredential,
        report: &mut Report,
    ) {
        let key = self.target.observed.api_keys.get(id);
        if wanted.layout.form != Form::ApiKey || !key.is_some_and(|key| key.works) {
            return;
        }
        match api_key::update(self.target.client, id, &wanted.body, name) {
            Ok(()) => report
                .done
                .push((Subject::Credential(name.clone()), "correct")),
            Err(error) => report.failed.push(error.fault(self.target.server).hint(format!(
                "only the administrator who made an API key may change it; another key: reconciler rotate --credential {name}"
            ))),
        }
    }

    /// Does the same with each credential, and tells how it went: what fails leaves the others to be done.
    fn each(
        &mut self,
        names: &BTreeSet<CredentialName>,
        verb: &'static str,
        report: &mut Report,
        act: impl Fn(&mut Self, &CredentialName) -> Result<Outcome, Fault>,
    ) -> Result<(), Fault> {
        for name in names {
            if self.target.work.is_to_end() {
                break;
            }
            match act(self, name) {
                Ok(Outcome::Done) => report.done.push((Subject::Credential(name.clone()), verb)),
                Ok(Outcome::Unknown) => {}
                Err(fault) => report.failed.push(fault),
            }
        }
        if names.is_empty() {
            Ok(())
        } else {
            self.save()
        }
    }

    /// Lists a credential that somebody made by hand, if its password is in the store.
    fn adopt(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
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
            let what = what(&record);
            Fault::new(self.place(name), format!("the secret `{}` doesn't hold the {what} `{}`", wanted.secret, wanted.user.name))
                .hint(format!("store it there, as JSON with the keys {}; or delete the {what}, and a new credential is made", wanted.layout))
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
    fn deliver(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
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
    fn finish(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
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
    fn revoke(&mut self, name: &CredentialName) -> Result<Outcome, Fault> {
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
    fn invalidate_lost(&self, record: &Credential) -> Result<(), Fault> {
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
    fn delete_slots(&self, record: &Credential, slots: &[Slot]) -> Result<(), Fault> {
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

fn coming_user(record: &Credential, wanted: &WantedCredential) -> ObjectPath {
    record
        .coming
        .map_or(Slot::First, |coming| coming.slot)
        .user(&wanted.user)
}

/// What a credential is, in a message.
fn what(record: &Credential) -> &'static str {
    match record.layout.form {
        Form::User => "user",
        Form::ApiKey => "API key",
    }
}

fn user_body(body: &Value, kind: Kind, password: &SecretString) -> Wiped {
    let mut body = body.clone();
    if let (Value::Object(map), Some(field)) = (&mut body, kind.secret_field()) {
        map.insert(field.to_owned(), Value::from(password.expose_secret()));
    }
    Wiped(body)
}

/// Writes a document that says what it is. It goes by the stream's retention: a credential can delete nothing.
pub fn write_marker(client: &Client, stream: &str, now: &str) -> Result<(), String> {
    let id = random::hex(10).map_err(|fault| fault.to_string())?;
    let action = json!({ "create": { "_index": stream, "_id": format!("logfleet-marker-{id}") } });
    let document =
        json!({ "@timestamp": now, "message": "logfleet: this credential can write here" });
    let answer = client
        .send_lines("_bulk", &format!("{action}\n{document}\n"))
        .map_err(|error| error.to_string())?;
    let item = &answer["items"][0]["create"];
    match item["status"].as_u64() {
        Some(201 | 409) => Ok(()),
        _ => Err(Fault::quoting(
            item["error"]["reason"]
                .as_str()
                .unwrap_or("no answer for the document"),
        )),
    }
}
