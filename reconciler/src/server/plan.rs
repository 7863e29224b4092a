//! The plan step for a server: what differs, and what may be done about it. Pure.
//!
//! Only what the inventory lists is changed or deleted. An object that is wanted, exists and isn't listed was
//! made by somebody else: it stops, until somebody says that it is to be adopted.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::index::{Kind, ObjectPath};
use serde_json::Value;

use crate::credential::{Credential, CredentialName, Form, Slot};
use crate::fault::Fault;
use crate::kubernetes::Delivery;
use crate::plan::{Change, Difference, Step, Subject, TargetPlan, Waiting, differences, digest};
use crate::server::keep::kept;
use crate::server::normal::normal;
use crate::server::observe::Observed;
use crate::shard::Shard;
use crate::wanted::{Scope, WantedCredential, WantedObject, WantedServer};

/// Fewer deletions than these never wait because of their share of the inventory.
const FEW: usize = 10;

/// What somebody decided.
#[derive(Clone, Debug)]
pub struct Decisions {
    /// What is looked at.
    pub scope: Scope,
    /// The clusters that are looked at; all if none are named.
    pub clusters: Option<BTreeSet<String>>,
    /// Every cluster that is rendered.
    pub rendered: BTreeSet<String>,
    /// Clusters that are rendered no more and may be removed.
    pub removed: BTreeSet<String>,
    /// Data streams that may be deleted, with their records.
    pub streams: BTreeSet<String>,
    /// The share of the inventory, in percent, that may be deleted at once.
    pub most_deleted: u8,
    /// Objects that are to be adopted: paths of the API.
    pub adopted: BTreeSet<String>,
    /// Whether objects that are as wanted are adopted.
    pub adopt_equal: bool,
    /// Credentials that are to be replaced.
    pub rotated: BTreeSet<CredentialName>,
    /// Credentials that aren't rendered any more and may be deleted, though their clusters still are.
    pub revoked: BTreeSet<CredentialName>,
    /// Credentials whose predecessor is to be deleted.
    pub finished: BTreeSet<CredentialName>,
    /// Whether stacks of AWS that are up to date are compared with their resources.
    pub drift: bool,
    /// Which of several runs this is; none if it does everything.
    pub shard: Option<Shard>,
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            scope: Scope::Everything,
            clusters: None,
            rendered: BTreeSet::new(),
            removed: BTreeSet::new(),
            streams: BTreeSet::new(),
            most_deleted: 20,
            adopted: BTreeSet::new(),
            adopt_equal: false,
            rotated: BTreeSet::new(),
            revoked: BTreeSet::new(),
            finished: BTreeSet::new(),
            shard: None,
            drift: false,
        }
    }
}

/// Says what would be done at a server.
pub fn plan(
    server: &str,
    wanted: &WantedServer,
    observed: &Observed,
    decisions: &Decisions,
) -> TargetPlan {
    let mut planning = Planning {
        server,
        wanted,
        observed,
        decisions,
        plan: TargetPlan::default(),
    };
    if decisions.scope.has_objects() {
        for (path, object) in &wanted.objects {
            planning.object(path, object);
        }
        planning.deletions();
    }
    if decisions.scope.has_credentials() {
        for (name, credential) in &wanted.credentials {
            planning.credential(name, credential);
        }
        for (name, why) in &wanted.others {
            if planning.is_looked_at(&BTreeSet::from([name.cluster.clone()])) {
                let subject = Subject::Credential(name.clone());
                planning.plan.others.insert(subject, (*why).to_owned());
            }
        }
        planning.revocations();
    }
    let mut plan = planning.plan;
    plan.steps.sort_by(|one, other| {
        (&one.subject, one.change.verb()).cmp(&(&other.subject, other.change.verb()))
    });
    plan.stops.sort();
    plan
}

/// What differs between an object and the server's, as they are compared.
pub fn drift(kind: Kind, wanted: &Value, there: &Value) -> Vec<Difference> {
    differences(&normal(kind, there, wanted), &normal(kind, wanted, wanted))
}

struct Planning<'a> {
    server: &'a str,
    wanted: &'a WantedServer,
    observed: &'a Observed,
    decisions: &'a Decisions,
    plan: TargetPlan,
}

impl Planning<'_> {
    fn is_looked_at(&self, clusters: &BTreeSet<String>) -> bool {
        let chosen = self.decisions.clusters.as_ref();
        chosen.is_none_or(|chosen| !chosen.is_disjoint(clusters))
    }

    fn step(
        &mut self,
        subject: Subject,
        change: Change,
        clusters: &BTreeSet<String>,
        ground: Option<&Value>,
        wanted: Option<&Value>,
    ) {
        self.plan.steps.push(Step {
            subject,
            change,
            clusters: clusters.clone(),
            ground: ground.map(digest),
            wanted: wanted.map(digest),
        });
    }

    fn object(&mut self, path: &ObjectPath, object: &WantedObject) {
        let there = self.observed.objects.get(path);
        let entry = self.observed.ledger.inventory.entry(path);
        // Also what a cluster doesn't need any more, and others do.
        let before = entry.is_some_and(|entry| self.is_looked_at(&entry.clusters));
        if !before && !self.is_looked_at(&object.clusters) {
            return;
        }
        let subject = || Subject::Object(path.clone());
        let Some(body) = there else {
            self.step(
                subject(),
                Change::Create,
                &object.clusters,
                None,
                Some(&object.content),
            );
            return;
        };
        let differences = drift(path.kind, &object.content, body);
        let is_different = !differences.is_empty();
        let Some(entry) = entry else {
            let is_adopted = self.decisions.adopted.contains(&path.to_string())
                || (self.decisions.adopt_equal && !is_different);
            if is_adopted {
                self.step(
                    subject(),
                    Change::Adopt { differences },
                    &object.clusters,
                    there,
                    Some(&object.content),
                );
            } else {
                let stop = self.foreign(path, is_different);
                self.plan.stops.push(stop);
            }
            return;
        };
        if is_different {
            self.step(
                subject(),
                Change::Update { differences },
                &object.clusters,
                there,
                Some(&object.content),
            );
        } else if entry.clusters != object.clusters {
            self.step(subject(), Change::Share, &object.clusters, there, None);
        } else if !entry.reattach {
            self.plan.unchanged += 1;
        }
        if entry.reattach || (is_different && path.kind == Kind::StatePolicy) {
            self.step(subject(), Change::Reattach, &object.clusters, there, None);
        }
    }

    fn foreign(&self, path: &ObjectPath, is_different: bool) -> Fault {
        let how = if is_different {
            "differs from"
        } else {
            "is equal to"
        };
        let fault = Fault::new(
            format!("{}/{path}", self.server),
            format!("somebody else created it; it {how} what is rendered"),
        );
        let hint = format!("reconciler adopt {} {path}", self.server);
        if is_different {
            fault.hint(format!("if it may be overwritten: {hint}"))
        } else {
            fault.hint(format!("{hint}, or --all-equal for all that are equal"))
        }
    }

    /// What is listed and not rendered any more.
    fn deletions(&mut self) {
        let mut deleted: BTreeMap<ObjectPath, BTreeSet<String>> = BTreeMap::new();
        let inventory = &self.observed.ledger.inventory;
        let listed: Vec<(ObjectPath, BTreeSet<String>)> = inventory
            .paths()
            .filter(|(path, _)| !self.wanted.objects.contains_key(path))
            .map(|(path, entry)| (path, entry.clusters.clone()))
            .collect();
        for (path, clusters) in listed {
            let chosen = self.decisions.clusters.as_ref();
            if chosen.is_some_and(|chosen| !clusters.is_subset(chosen)) {
                continue;
            }
            if !self.observed.objects.contains_key(&path) {
                self.step(Subject::Object(path), Change::Forget, &clusters, None, None);
            } else if path.kind == Kind::DataStream && !self.decisions.streams.contains(&path.name)
            {
                let why =
                    "data streams hold records and are only deleted by name: --delete-data-stream";
                self.plan.kept.insert(Subject::Object(path), why.to_owned());
            } else {
                deleted.insert(path, clusters);
            }
        }
        let paths = deleted.keys().cloned().collect();
        for (path, why) in kept(self.observed, &self.wanted.objects, &paths) {
            deleted.remove(&path);
            self.plan.kept.insert(Subject::Object(path), why);
        }
        let mut waiting = BTreeMap::new();
        deleted.retain(|path, clusters| {
            let until = self.waits(clusters);
            if let Some(until) = &until {
                waiting.insert(path.clone(), (clusters.clone(), until.clone()));
            }
            until.is_none()
        });
        let confirmed = |clusters: &BTreeSet<String>| clusters.is_subset(&self.decisions.removed);
        let counted = deleted
            .values()
            .filter(|clusters| !confirmed(clusters))
            .count();
        let all = inventory.objects.len();
        let is_many =
            counted > FEW && counted * 100 > all * usize::from(self.decisions.most_deleted);
        for (path, clusters) in deleted {
            if is_many && !confirmed(&clusters) {
                let until = format!(
                    "since {counted} of {all} objects would be deleted at once: allow it with --most-deleted {}",
                    (counted * 100).div_ceil(all)
                );
                waiting.insert(path, (clusters, until));
            } else {
                let ground = self.observed.objects.get(&path).cloned();
                self.step(
                    Subject::Object(path),
                    Change::Delete,
                    &clusters,
                    ground.as_ref(),
                    None,
                );
            }
        }
        for (path, (clusters, until)) in waiting {
            self.plan.waiting.push(Waiting {
                subject: Subject::Object(path),
                clusters,
                until,
            });
        }
    }

    /// What the deletion waits for, if all of an object's clusters are rendered no more.
    fn waits(&self, clusters: &BTreeSet<String>) -> Option<String> {
        let mut gone = clusters.difference(&self.decisions.rendered).peekable();
        gone.peek()?;
        let unconfirmed: Vec<String> = gone
            .filter(|cluster| !self.decisions.removed.contains(*cluster))
            .map(|cluster| format!("--removed {cluster}"))
            .collect();
        if unconfirmed.is_empty() {
            return None;
        }
        Some(format!(
            "until it is confirmed that the cluster is removed: {}",
            unconfirmed.join(" ")
        ))
    }

    fn credential(&mut self, name: &CredentialName, wanted: &WantedCredential) {
        let clusters = BTreeSet::from([name.cluster.clone()]);
        if !self.is_looked_at(&clusters) {
            return;
        }
        let Some(record) = self.observed.ledger.inventory.credentials.get(name) else {
            self.unknown_credential(name, wanted, &clusters);
            return;
        };
        let (old, new) = (record.layout.to_string(), wanted.layout.to_string());
        let moved = [
            ("secret was", &record.secret, &wanted.secret),
            ("store was", &record.store, &wanted.store),
            ("secret's keys were", &old, &new),
        ];
        let moved = moved.into_iter().find(|(_, from, to)| from != to);
        if let Some((what, from, to)) = moved
            && !record.is_unstored()
        {
            let hint = if record.active.is_some() {
                format!(
                    "replace it with a new one, which is stored there: reconciler rotate --credential {name}"
                )
            } else {
                format!(
                    "it isn't in use yet: change the setting back until it has been finished there, and then run reconciler rotate --credential {name}"
                )
            };
            self.plan.stops.push(
                Fault::new(
                    format!("{}/credential/{name}", self.server),
                    format!("its {what} {from} and would be {to}"),
                )
                .hint(hint),
            );
            if !self.decisions.rotated.contains(name) {
                return;
            }
            self.plan.stops.pop();
        }
        self.known_credential(name, wanted, record, &clusters);
    }

    /// A credential that the inventory doesn't list.
    fn unknown_credential(
        &mut self,
        name: &CredentialName,
        wanted: &WantedCredential,
        clusters: &BTreeSet<String>,
    ) {
        let subject = Subject::Credential(name.clone());
        let Some(path) = self.foreign_user(wanted, &Slot::ALL) else {
            self.step(subject, Change::Issue, clusters, None, Some(&wanted.body));
            return;
        };
        let adopted = &self.decisions.adopted;
        if !adopted.contains(&format!("credential/{name}")) {
            let what = wanted.layout.form;
            let stop = Fault::new(
                format!("{}/{path}", self.server),
                format!("somebody else created this {what}"),
            )
            .hint(format!(
                "if it is in the secret `{}`: reconciler adopt {} credential/{name}",
                wanted.secret, self.server
            ))
            .hint(format!(
                "otherwise delete the {what}, and a new credential is created"
            ));
            self.plan.stops.push(stop);
            return;
        }
        let there = self.observed.objects.get(&path).cloned();
        let differences = match &there {
            Some(body) => drift(path.kind, &wanted.body, body),
            None => Vec::new(),
        };
        self.step(
            subject,
            Change::Adopt { differences },
            clusters,
            there.as_ref(),
            Some(&wanted.body),
        );
    }

    /// A user of one of the names, or an API key, which the inventory doesn't list.
    fn foreign_user(&self, wanted: &WantedCredential, slots: &[Slot]) -> Option<ObjectPath> {
        let mut paths = slots.iter().map(|slot| slot.user(&wanted.user));
        paths.find(|path| match wanted.layout.form {
            Form::User => self.observed.objects.contains_key(path),
            // A key whose value was lost in a run that was killed is ours, and goes when the next one is made.
            Form::ApiKey => {
                let mut keys = self.observed.api_keys.values();
                keys.any(|key| key.works && key.name == path.name && !key.is_ours)
            }
        })
    }

    fn known_credential(
        &mut self,
        name: &CredentialName,
        wanted: &WantedCredential,
        record: &Credential,
        clusters: &BTreeSet<String>,
    ) {
        let subject = || Subject::Credential(name.clone());
        let place = || format!("{}/credential/{name}", self.server);
        let ground = serde_json::to_value(record).ok();
        let before = self.plan.steps.len();
        if record.coming.is_some() {
            self.step(
                subject(),
                Change::Continue,
                clusters,
                ground.as_ref(),
                Some(&wanted.body),
            );
        } else if self.decisions.rotated.contains(name) {
            let refused = record.clone().rotate().err();
            let next = record.active.map(|slot| [slot.other()]);
            let foreign = next.and_then(|slots| self.foreign_user(wanted, &slots));
            match (refused, foreign) {
                (Some(why), _) => self.plan.stops.push(Fault::new(place(), why)),
                (None, Some(path)) => self.plan.stops.push(
                    Fault::new(
                        format!("{}/{path}", self.server),
                        format!("somebody else created this {}", wanted.layout.form),
                    )
                    .hint("delete it to free its name for the next credential"),
                ),
                (None, None) => self.step(
                    subject(),
                    Change::Rotate,
                    clusters,
                    ground.as_ref(),
                    Some(&wanted.body),
                ),
            }
        }
        if self.decisions.finished.contains(name) {
            self.step(subject(), Change::Finish, clusters, ground.as_ref(), None);
        }
        let (missing, mut found) = self.deviations(wanted, record);
        found.sort();
        found.dedup();
        if !missing.is_empty() {
            self.step(
                subject(),
                Change::Restore { users: missing },
                clusters,
                ground.as_ref(),
                Some(&wanted.body),
            );
        }
        if !found.is_empty() {
            self.step(
                subject(),
                Change::Correct { differences: found },
                clusters,
                ground.as_ref(),
                Some(&wanted.body),
            );
        }
        self.delivery(name, wanted, record, clusters);
        if self.plan.steps.len() == before {
            self.plan.unchanged += 1;
        }
    }

    /// The Secret in the cluster. One that is on its way is written when it is handed out.
    fn delivery(
        &mut self,
        name: &CredentialName,
        wanted: &WantedCredential,
        record: &Credential,
        clusters: &BTreeSet<String>,
    ) {
        let (Some(secret), Some(delivery)) =
            (&wanted.kubernetes, self.observed.deliveries.get(name))
        else {
            return;
        };
        let subject = Subject::Credential(name.clone());
        match delivery {
            Delivery::Others => {
                let why = "create its Secret in the cluster yourself: the settings have no `kubernetes` for the cluster";
                self.plan.others.insert(subject, why.to_owned());
            }
            Delivery::Unknown(fault) => self.plan.stops.push(fault.clone()),
            Delivery::Foreign => self.plan.stops.push(
                Fault::new(
                    format!("{name}: Secret {}/{}", secret.namespace, secret.name),
                    "somebody else created this Secret",
                )
                .hint("delete it in the cluster, and the next run writes it again; running pods keep what they have read"),
            ),
            Delivery::Missing | Delivery::Outdated => {
                let is_coming = record.coming.is_some() || self.decisions.rotated.contains(name);
                if record.active.is_some() && !is_coming {
                    let ground = serde_json::to_value(record).ok();
                    self.step(subject, Change::Deliver, clusters, ground.as_ref(), None);
                }
            }
            Delivery::Current => {}
        }
    }

    /// Users and API keys that somebody deleted, and what somebody changed about others.
    fn deviations(
        &self,
        wanted: &WantedCredential,
        record: &Credential,
    ) -> (Vec<String>, Vec<Difference>) {
        let (mut missing, mut found) = (Vec::new(), Vec::new());
        for slot in record.slots() {
            let path = slot.user(&wanted.user);
            let there = match (record.api_keys.get(&slot), wanted.layout.form) {
                (Some(id), Form::ApiKey) => {
                    let key = self.observed.api_keys.get(id).filter(|key| key.works);
                    // The one that leaves can't be made again, and need not be.
                    let is_used = record.leaving.is_none_or(|leaving| leaving.slot != slot);
                    if key.is_none() && is_used {
                        missing.push(format!("API key {}", path.name));
                    }
                    key.map(|key| (Kind::Role, &key.role))
                }
                (None, Form::User) => {
                    let user = self.observed.objects.get(&path);
                    if user.is_none() {
                        missing.push(path.to_string());
                    }
                    user.map(|body| (path.kind, body))
                }
                // What leaves after a change from the one to the other.
                _ => None,
            };
            if let Some((kind, body)) = there {
                found.extend(drift(kind, &wanted.body, body));
            }
        }
        (missing, found)
    }

    /// Credentials that are listed and not rendered any more.
    fn revocations(&mut self) {
        let inventory = &self.observed.ledger.inventory;
        let listed: Vec<(CredentialName, Option<Value>)> = inventory
            .credentials
            .iter()
            .filter(|(name, _)| !self.wanted.credentials.contains_key(name))
            .map(|(name, record)| (name.clone(), serde_json::to_value(record).ok()))
            .collect();
        for (name, ground) in listed {
            let clusters = BTreeSet::from([name.cluster.clone()]);
            if !self.is_looked_at(&clusters) {
                continue;
            }
            // Shippers of a cluster that goes on may still use it, whatever is rendered now.
            let is_in_use = self.decisions.rendered.contains(&name.cluster)
                && !self.decisions.revoked.contains(&name);
            let unconfirmed = is_in_use
                .then(|| format!("until it is confirmed that nobody uses them: --revoke {name}"));
            let subject = Subject::Credential(name);
            match self.waits(&clusters).or(unconfirmed) {
                Some(until) => self.plan.waiting.push(Waiting {
                    subject,
                    clusters,
                    until,
                }),
                None => self.step(subject, Change::Revoke, &clusters, ground.as_ref(), None),
            }
        }
    }
}
