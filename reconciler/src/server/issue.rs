//! Makes, replaces and revokes credentials. IO.
//!
//! All credentials go through a stage together, and the inventory is written after each: see
//! [`crate::credential`] for what happens to a run that is killed. The order is that
//! no password is ever known to a server alone, and none is handed out that hasn't worked.

mod secret;
mod single;

use backon::BlockingRetryable;
use logfleet_contract::index::{Kind, ObjectPath};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::client::Client;
use crate::credential::{Credential, CredentialName, Form, Move, Slot};
use crate::fault::Fault;
use crate::identity::Identity;
use crate::plan::{Change, Subject, TargetPlan};
use crate::random;
use crate::server::api_key;
use crate::server::apply::{Report, Target};
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
        let told = |error: crate::client::RequestError| error.fault(self.target.server);
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
            format!(
                "the new {} can't write to {stream}: {last}",
                record.layout.form
            ),
        )
        .hint("the previous credential stays in use; run it again when the cause is fixed"))
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
                "only the administrator who created an API key may change it; for a new key: reconciler rotate --credential {name}"
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
}

fn coming_user(record: &Credential, wanted: &WantedCredential) -> ObjectPath {
    record
        .coming
        .map_or(Slot::First, |coming| coming.slot)
        .user(&wanted.user)
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
