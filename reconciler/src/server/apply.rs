//! The apply step: carries a plan out at one server, in the order of the contract. IO.
//!
//! 1. Everything that is going to be made is listed in the inventory, and the server is held, so that
//!    nobody else works there.
//! 2. Kinds are written in their order.
//! 3. Credentials are made, one stage after the other for all of them.
//! 4. What isn't rendered any more is deleted, kinds in the opposite order. What the server refuses to delete stays listed.
//! 5. The server is released.
//!
//! What fails is told, and the rest is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use logfleet_contract::index::{Kind, ObjectPath};
use serde::Serialize;
use serde_json::json;

use crate::client::{Client, Connection, RequestError};
use crate::credential::{Credential, Form};
use crate::fault::Fault;
use crate::kubernetes::ApiServer;
use crate::plan::{Change, Subject, TargetPlan};
use crate::random;
use crate::server::issue::Issuing;
use crate::server::keep::policy_patterns;
use crate::server::ledger::Held;
use crate::server::observe::Observed;
use crate::server::write::{self, Bodies, Outcomes};
use crate::store::Stores;
use crate::wanted::WantedServer;
use crate::wiped::Wiped;
use crate::work::{Work, ended_early};

/// How often a run that works says that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);

/// A server to which a plan is applied.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Its name.
    pub server: &'a str,
    /// How it is spoken to as the administrator.
    pub client: &'a Client,
    /// How it is reached, for clients of other users.
    pub connection: &'a Connection,
    /// What it is to hold.
    pub wanted: &'a WantedServer,
    /// What it holds.
    pub observed: &'a Observed,
    /// Where credentials are stored.
    pub stores: &'a Stores,
    /// The API servers of clusters whose Secrets are written.
    pub api_servers: &'a BTreeMap<String, ApiServer>,
    /// How long an old credential works beside the new one.
    pub overlap: SignedDuration,
    /// A dead run whose place is taken.
    pub take_over: Option<&'a str>,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Hears how far it is, and says whether it is to end.
    pub work: Work<'a>,
}

/// What was done at a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// What was done: the subject, and the word for it.
    pub done: Vec<(Subject, &'static str)>,
    /// What failed.
    pub failed: Vec<Fault>,
}

/// Carries a plan out.
pub fn apply(target: Target<'_>, plan: &TargetPlan) -> Report {
    let mut report = Report::default();
    if plan.steps.is_empty() {
        return report;
    }
    if let Err(fault) = Applying::begin(target, plan).and_then(|applying| applying.run(&mut report))
    {
        report.failed.push(fault);
    }
    report.failed.sort();
    report.failed.dedup();
    report
}

struct Applying<'a> {
    target: Target<'a>,
    plan: &'a TargetPlan,
    held: Held<'a>,
    saved: Instant,
    failed: BTreeSet<ObjectPath>,
}

impl<'a> Applying<'a> {
    /// Lists what is going to be made, and holds the server.
    fn begin(target: Target<'a>, plan: &'a TargetPlan) -> Result<Self, Fault> {
        let mut ledger = target.observed.ledger.clone();
        let inventory = &mut ledger.inventory;
        for step in &plan.steps {
            match (&step.subject, &step.change) {
                (
                    Subject::Object(path),
                    Change::Create | Change::Update { .. } | Change::Adopt { .. } | Change::Share,
                ) => {
                    inventory.claim(path, &step.clusters);
                    let is_changed = !step.change.differences().is_empty();
                    if is_changed
                        && path.kind == Kind::StatePolicy
                        && let Some(entry) = inventory.objects.get_mut(&path.to_string())
                    {
                        entry.reattach = true;
                    }
                }
                (Subject::Credential(name), Change::Issue) => {
                    if let Some(wanted) = target.wanted.credentials.get(name) {
                        let record = Credential::new(
                            &wanted.user,
                            &wanted.layout,
                            &wanted.secret,
                            &wanted.store,
                            random::hex(16)?,
                        );
                        inventory.credentials.insert(name.clone(), record);
                    }
                }
                (Subject::Credential(name), Change::Rotate) => {
                    if let (Some(wanted), Some(record)) = (
                        target.wanted.credentials.get(name),
                        inventory.credentials.get_mut(name),
                    ) && record.rotate().is_ok()
                    {
                        record.move_to(&wanted.store, &wanted.secret, &wanted.layout);
                    }
                }
                (Subject::Credential(name), Change::Continue) => {
                    // It could not be stored, and the settings say now where it can.
                    if let (Some(wanted), Some(record)) = (
                        target.wanted.credentials.get(name),
                        inventory.credentials.get_mut(name),
                    ) && record.is_unstored()
                    {
                        record.move_to(&wanted.store, &wanted.secret, &wanted.layout);
                    }
                }
                (Subject::Credential(name), Change::Restore { .. }) => {
                    // An API key can't be made again as it was: another takes its place.
                    if let Some(record) = inventory.credentials.get_mut(name)
                        && record.layout.form == Form::ApiKey
                    {
                        record.remake();
                    }
                }
                _ => {}
            }
        }
        let held = ledger.hold(
            target.server,
            target.client,
            target.take_over,
            (target.now)(),
        )?;
        Ok(Self {
            target,
            plan,
            held,
            saved: Instant::now(),
            failed: BTreeSet::new(),
        })
    }

    fn run(mut self, report: &mut Report) -> Result<(), Fault> {
        for kind in Kind::ALL {
            self.write(kind, report)?;
        }
        self.reattach(report)?;
        Issuing {
            target: self.target,
            plan: self.plan,
            held: &mut self.held,
        }
        .run(report)?;
        for kind in Kind::ALL.into_iter().rev() {
            self.delete(kind, report)?;
        }
        for step in &self.plan.steps {
            match (&step.subject, &step.change) {
                (Subject::Object(path), Change::Forget) => {
                    self.held.inventory().objects.remove(&path.to_string());
                    report.done.push((step.subject.clone(), "forget"));
                }
                (_, Change::Share) => report.done.push((step.subject.clone(), "share")),
                _ => {}
            }
        }
        if self.target.work.is_to_end() && report.done.len() < self.plan.steps.len() {
            report.failed.push(ended_early(self.target.server));
        }
        self.held.release((self.target.now)()).map(drop)
    }

    fn live(&mut self) -> Result<(), Fault> {
        if self.saved.elapsed() > SIGN_OF_LIFE {
            self.held.save((self.target.now)())?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    fn write(&mut self, kind: Kind, report: &mut Report) -> Result<(), Fault> {
        let mut verbs = BTreeMap::new();
        let mut bodies = Bodies::new();
        for step in &self.plan.steps {
            let Subject::Object(path) = &step.subject else {
                continue;
            };
            if path.kind != kind {
                continue;
            }
            let is_written = match &step.change {
                Change::Adopt { differences } if differences.is_empty() => {
                    report.done.push((step.subject.clone(), "adopt"));
                    false
                }
                Change::Create | Change::Update { .. } | Change::Adopt { .. } => true,
                _ => false,
            };
            if let Some(object) = self.target.wanted.objects.get(path).filter(|_| is_written) {
                bodies.insert(path.clone(), Wiped(object.content.clone()));
                verbs.insert(path.clone(), step.change.verb());
            }
        }
        if bodies.is_empty() {
            return Ok(());
        }
        let outcomes = write::write(
            self.target.client,
            kind,
            &bodies,
            self.target.observed,
            &self.target.work,
        );
        self.note(outcomes, report, |path| verbs[path]);
        self.live()
    }

    fn note(
        &mut self,
        outcomes: Outcomes,
        report: &mut Report,
        verb: impl Fn(&ObjectPath) -> &'static str,
    ) {
        for (path, outcome) in outcomes {
            match outcome {
                Ok(()) => {
                    let verb = verb(&path);
                    report.done.push((Subject::Object(path), verb));
                }
                Err(error) => {
                    report.failed.push(error.fault(self.target.server));
                    self.failed.insert(path);
                }
            }
        }
    }

    /// Indices that exist keep the version of a policy with which they became managed
    /// (<https://docs.opensearch.org/latest/im-plugin/ism/managedindexes/>), until they are told.
    fn reattach(&mut self, report: &mut Report) -> Result<(), Fault> {
        for step in &self.plan.steps {
            let (Subject::Object(path), Change::Reattach) = (&step.subject, &step.change) else {
                continue;
            };
            if self.target.work.is_to_end() {
                break;
            }
            let Some(object) = self
                .target
                .wanted
                .objects
                .get(path)
                .filter(|_| !self.failed.contains(path))
            else {
                continue;
            };
            let patterns: Vec<String> = policy_patterns(&object.content).into_iter().collect();
            let request = format!("_plugins/_ism/change_policy/{}", patterns.join(","));
            let body = json!({ "policy_id": path.name });
            let outcome = match self.target.client.send("POST", &request, Some(&body)) {
                Ok(answer) => not_changed(&answer).map_or(Ok(()), |why| {
                    Err(Fault::new(
                        format!("{}/{path}", self.target.server),
                        format!("indices keep the previous version of the policy: {why}"),
                    ))
                }),
                // No index matches: there is none yet.
                Err(RequestError::Refused { status: 404, .. }) => Ok(()),
                Err(error) => Err(error.fault(self.target.server)),
            };
            match outcome {
                Ok(()) => {
                    if let Some(entry) = self.held.inventory().objects.get_mut(&path.to_string()) {
                        entry.reattach = false;
                    }
                    report.done.push((step.subject.clone(), "reattach"));
                }
                Err(fault) => report.failed.push(fault),
            }
        }
        self.live()
    }

    fn delete(&mut self, kind: Kind, report: &mut Report) -> Result<(), Fault> {
        let deleted =
            self.plan
                .steps
                .iter()
                .filter_map(|step| match (&step.subject, &step.change) {
                    (Subject::Object(path), Change::Delete) if path.kind == kind => {
                        Some(path.clone())
                    }
                    _ => None,
                });
        let paths: BTreeSet<ObjectPath> = deleted.collect();
        if paths.is_empty() {
            return Ok(());
        }
        let outcomes = write::delete(
            self.target.client,
            kind,
            &paths,
            self.target.observed,
            &self.target.work,
        );
        for (path, outcome) in &outcomes {
            if outcome.is_ok() {
                self.held.inventory().objects.remove(&path.to_string());
            }
        }
        self.note(outcomes, report, |_| "delete");
        self.live()
    }
}

/// Why indices weren't told of a policy, if one wasn't that should have been. One that isn't managed yet gets the newest version when it is.
fn not_changed(answer: &serde_json::Value) -> Option<String> {
    let failed = answer["failed_indices"].as_array()?.iter();
    let mut reasons = failed.filter_map(|index| index["reason"].as_str());
    reasons
        .find(|reason| !reason.contains("not being managed"))
        .map(Fault::quoting)
}
