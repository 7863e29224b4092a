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

use crate::credential::{Credential, CredentialName, Move, Slot};
use crate::fault::Fault;
use crate::plan::{Change, Subject, TargetPlan};
use crate::random;
use crate::server::apply::{Report, Target};
use crate::server::client::Client;
use crate::server::ledger::Held;
use crate::server::write::{self, Bodies, Body};
use crate::store::{Secret, SecretStore};
use crate::wanted::WantedCredential;

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
        let (mut mended, mut finished, mut revoked, mut adopted) = (
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
                Change::Restore { .. } | Change::Correct { .. } => {
                    mended.insert(name.clone());
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
        self.each(&finished, "finish", report, Self::finish)?;
        self.each(&revoked, "revoke", report, Self::revoke)
    }

    fn save(&mut self) -> Result<(), Fault> {
        self.held.save((self.target.now)())
    }

    fn record(&mut self, name: &CredentialName) -> Option<Credential> {
        self.held.inventory().credentials.get(name).cloned()
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
                            _ => self.promote(record, wanted),
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
                let password = passwords.get(&name).map(|secret| secret.password.clone());
                let now = (self.target.now)();
                let overlap = self.target.overlap;
                if let Some(record) = self.held.inventory().credentials.get_mut(&name) {
                    if let (Move::Store, Some(password), Some(coming)) =
                        (stage, password, record.coming)
                    {
                        let fingerprint = record.fingerprint(&password);
                        record.fingerprints.insert(coming.slot, fingerprint);
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

    /// Stores a password for the coming user, or finds the one that a run before stored.
    fn put(
        &self,
        name: &CredentialName,
        record: &Credential,
        wanted: &WantedCredential,
        passwords: &mut Passwords,
    ) -> Result<(), Fault> {
        let username = coming_user(record, wanted).name;
        let store = self.store(record)?;
        let stored = store.read(&record.secret)?;
        if let Some(secret) = stored.pending.filter(|secret| secret.username == username) {
            passwords.insert(name.clone(), secret);
            return Ok(());
        }
        if let Some(current) = stored.current {
            if current.username == username && record.active.is_none() {
                passwords.insert(name.clone(), current);
                return Ok(());
            }
            let own = wanted.user.name.as_str();
            if record.active.is_none()
                && ![own, &Slot::Second.user(&wanted.user).name]
                    .contains(&current.username.as_str())
            {
                return Err(Fault::new(
                    self.place(name),
                    format!("the secret `{}` exists, with another user", record.secret),
                )
                .hint("delete the secret, or name another one in the destination's `authentication.secret`"));
            }
        }
        let secret = Secret {
            username,
            password: random::password()?,
        };
        store.put_pending(&record.secret, &secret)?;
        passwords.insert(name.clone(), secret);
        Ok(())
    }

    /// The password of one of our users, from the store, if it is the one that we made.
    fn password(
        &self,
        name: &CredentialName,
        record: &Credential,
        slot: Slot,
        username: &str,
    ) -> Result<SecretString, Fault> {
        let stored = self.store(record)?.read(&record.secret)?;
        let missing = |why: String| {
            Fault::new(self.place(name), why).hint(format!(
                "make a new credential: reconciler rotate --credential {name}"
            ))
        };
        if stored.of(username).next().is_none() {
            return Err(missing(format!(
                "the secret `{}` holds no password of `{username}`",
                record.secret
            )));
        }
        let known = record.fingerprints.get(&slot);
        let is_ours = |secret: &&Secret| {
            known.is_none_or(|known| *known == record.fingerprint(&secret.password))
        };
        let secret = stored.of(username).find(is_ours).ok_or_else(|| {
            missing(format!(
                "somebody changed the password of `{username}` in the secret `{}`",
                record.secret
            ))
        })?;
        Ok(secret.password.clone())
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
            let path = coming_user(record, wanted);
            match self.coming_password(name, record, wanted, passwords) {
                Ok(password) => {
                    users.insert(
                        path.clone(),
                        (name.clone(), user_body(&wanted.body, path.kind, &password)),
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

    fn coming_password(
        &self,
        name: &CredentialName,
        record: &Credential,
        wanted: &WantedCredential,
        passwords: &mut Passwords,
    ) -> Result<SecretString, Fault> {
        if let Some(secret) = passwords.get(name) {
            return Ok(secret.password.clone());
        }
        let slot = record.coming.map_or(Slot::First, |coming| coming.slot);
        let username = coming_user(record, wanted).name;
        let password = self.password(name, record, slot, &username)?;
        passwords.insert(
            name.clone(),
            Secret {
                username,
                password: password.clone(),
            },
        );
        Ok(password)
    }

    fn write_users<'c>(
        &self,
        users: impl Iterator<Item = (&'c ObjectPath, &'c Body)>,
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
        let Some(stream) = &wanted.proof else {
            return Ok(());
        };
        let username = coming_user(record, wanted).name;
        let password = self.coming_password(name, record, wanted, passwords)?;
        let client = Client::new(self.target.connection, &username, &password)?;
        // Nodes learn of a new user one after the other.
        let tried = (|| write_marker(&client, stream, &(self.target.now)().to_string()))
            .retry(client.retry().pauses())
            .call();
        let Err(last) = tried else {
            return Ok(());
        };
        Err(Fault::new(
            self.place(name),
            format!("the new user can't write to {stream}: {last}"),
        )
        .hint("what was in use stays in use; run it again when the cause is mended"))
    }

    fn promote(&self, record: &Credential, wanted: &WantedCredential) -> Result<(), Fault> {
        let username = coming_user(record, wanted).name;
        self.store(record)?.promote(&record.secret, &username)
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
                match self.password(name, &record, slot, &path.name) {
                    Ok(password) => {
                        let body = user_body(&wanted.body, path.kind, &password);
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
            &wanted.secret,
            &wanted.store,
            random::hex(16)?,
        );
        let stored = self.store(&record)?.read(&wanted.secret)?;
        let found = Slot::ALL.into_iter().find_map(|slot| {
            let current = stored.current.as_ref()?;
            (current.username == slot.user(&wanted.user).name).then_some((slot, current))
        });
        let (slot, secret) = found.ok_or_else(|| {
            Fault::new(self.place(name), format!("the secret `{}` doesn't hold the password of `{}`", wanted.secret, wanted.user.name))
                .hint("store it there, as JSON with the keys `username` and `password`; or delete the user, and a new credential is made")
        })?;
        record.coming = None;
        record.active = Some(slot);
        record.since = Some((self.target.now)());
        let fingerprint = record.fingerprint(&secret.password);
        record.fingerprints.insert(slot, fingerprint);
        self.held
            .inventory()
            .credentials
            .insert(name.clone(), record);
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
        self.delete_users(&record, &[slot])?;
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
        self.delete_users(&record, &Slot::ALL)?;
        self.store(&record)?.delete(&record.secret)?;
        self.held.inventory().credentials.remove(name);
        Ok(Outcome::Done)
    }

    fn delete_users(&self, record: &Credential, slots: &[Slot]) -> Result<(), Fault> {
        let ours = |slot: &Slot| {
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

fn user_body(body: &Value, kind: Kind, password: &SecretString) -> Body {
    let mut body = body.clone();
    if let (Value::Object(map), Some(field)) = (&mut body, kind.secret_field()) {
        map.insert(field.to_owned(), Value::from(password.expose_secret()));
    }
    Body(body)
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
