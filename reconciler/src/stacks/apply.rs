//! The apply step: change sets executed, stacks deleted, settings made and undone. IO.
//!
//! All of a phase is done before any of the next, since later stacks need what earlier ones made. Where one fails, what
//! depends on it isn't tried, and everything else is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use logfleet_contract::members::When;

use super::calls::records::{Kept, Store};
use super::calls::{CallAction, CallStep, Setting, Undone, key};
use super::context::{Context, each};
use super::formation::Formation;
use super::observe::record_of;
use super::observed::Observed;
use super::place::{Kind, Place};
use super::plan::{Action, Plan, Step, moved, phase, withdrawals};
use super::wanted::Wanted;
use crate::fault::Fault;
use crate::random;
use crate::work::ended_early;

/// How many reasons of a failure are told.
const MOST_REASONS: usize = 5;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What was done: the place, the stack or the setting, and the word for it.
    pub done: Vec<(Place, String, &'static str)>,
    /// What failed, by place.
    pub failed: Vec<(Place, Fault)>,
}

/// Carries a plan out, unless its ground has moved.
pub fn apply(
    context: &Context<'_>,
    plan: &Plan,
    wanted: &Wanted,
    observed: &Observed,
    now: &Observed,
) -> Report {
    let mut applying = Applying {
        context,
        wanted,
        report: Report::default(),
        broken: BTreeSet::new(),
        broken_accounts: BTreeSet::new(),
    };
    let ground = moved(plan, now);
    if !ground.is_empty() {
        let of_place = |fault: Fault| {
            let place = plan
                .steps
                .iter()
                .find(|step| step.stack.to_string() == fault.place);
            (
                place.map_or_else(|| Place::new("", ""), |step| step.stack.place.clone()),
                fault,
            )
        };
        applying.report.failed = ground.into_iter().map(of_place).collect();
        return applying.report;
    }
    let first = withdrawals(wanted, observed);
    let mut phases: BTreeMap<i8, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        phases.entry(phase(step, &first)).or_default().push(step);
    }
    let calls = |action, when| -> Vec<&CallStep> {
        let own = plan
            .calls
            .iter()
            .filter(|step| step.action == action && step.when == when);
        own.collect()
    };
    let members = Kind::AccountMembers as i8;
    applying.calls(&calls(CallAction::Undo, When::After));
    applying.phases(phases.range(..0));
    applying.calls(&calls(CallAction::Undo, When::Before));
    applying.phases(phases.range(0..members));
    applying.calls(&calls(CallAction::Set, When::Before));
    applying.phases(phases.range(members..));
    applying.calls(&calls(CallAction::Set, When::After));
    applying.report.failed.sort();
    applying.report
}

struct Applying<'a> {
    context: &'a Context<'a>,
    wanted: &'a Wanted,
    report: Report,
    /// Clusters of which something failed.
    broken: BTreeSet<String>,
    /// Accounts whose own stack failed.
    broken_accounts: BTreeSet<String>,
}

impl Applying<'_> {
    fn phases<'p>(&mut self, phases: impl Iterator<Item = (&'p i8, &'p Vec<&'p Step>)>) {
        for (_, steps) in phases {
            let (tried, left): (Vec<&Step>, Vec<&Step>) = steps
                .iter()
                .partition(|step| !self.is_broken(&step.stack.place, step.cluster.as_deref()));
            for step in left {
                let fault = Fault::new(
                    step.stack.to_string(),
                    "not attempted, since something it depends on failed",
                );
                self.report.failed.push((step.stack.place.clone(), fault));
            }
            let results = each(&tried, self.context.settings.at_a_time, |step| {
                self.step(step)
            });
            for (step, result) in tried.into_iter().zip(results) {
                let place = step.stack.place.clone();
                match result {
                    Ok(()) => {
                        let done = (place, step.stack.name.clone(), verb(step.action));
                        self.report.done.push(done);
                    }
                    Err(fault) => {
                        match &step.cluster {
                            Some(cluster) => self.broken.insert(cluster.clone()),
                            None => self.broken_accounts.insert(place.account.clone()),
                        };
                        self.report.failed.push((place, fault));
                    }
                }
            }
        }
    }

    fn is_broken(&self, place: &Place, cluster: Option<&str>) -> bool {
        self.broken_accounts.contains(&place.account)
            || cluster.is_some_and(|own| self.broken.contains(own))
    }

    fn step(&self, step: &Step) -> Result<(), Fault> {
        if self.context.work.is_to_end() {
            return Err(ended_early(&step.stack.to_string()));
        }
        let result = self.carry_out(step);
        self.context.work.did(1);
        result
    }

    fn carry_out(&self, step: &Step) -> Result<(), Fault> {
        let told = |error: crate::aws::AwsError| error.fault(step.stack.to_string());
        let formation = self.context.formation(&step.stack.place).map_err(told)?;
        let id = step.ground.id.as_deref();
        match (step.action, id) {
            (Action::Create, _) => self.create(step, &formation),
            (Action::Recreate, Some(id)) => {
                self.delete(step, &formation, id)?;
                self.create(step, &formation)
            }
            (Action::Update | Action::RevertDrift, Some(id)) => {
                let change_set = step.change_set.as_deref().unwrap_or_default();
                let token = random::hex(16)?;
                formation.execute(change_set, &token).map_err(|error| {
                    let fault = told(error.clone());
                    if error.is_missing() || error.code() == "InvalidChangeSetStatus" {
                        fault.hint("the stack has changed since the plan was made; plan again")
                    } else {
                        fault
                    }
                })?;
                self.ended(step, &formation, id, &token, "UPDATE_COMPLETE")
            }
            (Action::ContinueRollback, Some(id)) => {
                let token = random::hex(16)?;
                formation.continue_rollback(id, &token).map_err(told)?;
                self.ended(step, &formation, id, &token, "UPDATE_ROLLBACK_COMPLETE").map_err(|fault| {
                    fault.hint(format!(
                        "find out what blocks it; to skip resources: aws cloudformation continue-update-rollback --resources-to-skip NAME --region {} --stack-name {}",
                        step.stack.place.region, step.stack.name
                    ))
                })
            }
            (Action::Delete, Some(id)) => self.delete(step, &formation, id),
            (_, None) => Err(Fault::new(
                step.stack.to_string(),
                "the plan doesn't say which stack it is",
            )),
        }
    }

    fn create(&self, step: &Step, formation: &Formation) -> Result<(), Fault> {
        let place = step.stack.to_string();
        let stack = self.wanted.stacks.get(&step.stack);
        let Some(stack) =
            stack.filter(|stack| Some(&stack.template.digest) == step.wanted.as_ref())
        else {
            return Err(Fault::new(
                place,
                "the rendered files have changed since the plan was made",
            )
            .hint("make a new plan"));
        };
        let (change_set, id, found) = self.context.propose(
            &step.stack,
            &stack.template,
            step.cluster.as_deref(),
            true,
            false,
        )?;
        if found.execution != "AVAILABLE" {
            let reason = found
                .reason
                .as_deref()
                .map(Fault::quoting)
                .unwrap_or_default();
            return Err(Fault::new(
                place,
                format!("CloudFormation can't create it: {} {reason}", found.status),
            ));
        }
        if let Some(change) = found.changes.iter().find(|change| change.action != "Add") {
            let message = format!(
                "creating it would {} {}, which exists",
                change.action, change.logical_id
            );
            return Err(Fault::new(place, message));
        }
        let token = random::hex(16)?;
        formation
            .execute(&change_set, &token)
            .map_err(|error| error.fault(step.stack.to_string()))?;
        self.ended(step, formation, &id, &token, "CREATE_COMPLETE")
    }

    fn delete(&self, step: &Step, formation: &Formation, id: &str) -> Result<(), Fault> {
        let token = random::hex(16)?;
        formation
            .delete(id, &token)
            .map_err(|error| error.fault(step.stack.to_string()))?;
        self.ended(step, formation, id, &token, "DELETE_COMPLETE")
    }

    /// Waits for the end, and says why it isn't the wanted one.
    fn ended(
        &self,
        step: &Step,
        formation: &Formation,
        id: &str,
        token: &str,
        wanted: &str,
    ) -> Result<(), Fault> {
        let stack = self
            .context
            .settled(&step.stack, formation, id, &step.ground)?;
        if stack.status == wanted {
            return Ok(());
        }
        let place = step.stack.to_string();
        let reasons = reasons(formation, id, token);
        let why = match &stack.reason {
            Some(reason) if reasons.is_empty() => Fault::quoting(reason),
            _ => reasons.join("; "),
        };
        let fault = Fault::new(place, format!("ended as {}: {why}", stack.status));
        Err(if why.contains("already exists") {
            fault.hint(
                "somebody else created that object: delete or rename it, since nothing is taken over",
            )
        } else if stack.status == "DELETE_FAILED" {
            fault.hint("remove what blocks it, and run again")
        } else {
            fault.hint("the changes were rolled back; fix the cause, and run again")
        })
    }

    // --- Settings ------------------------------------------------------------------------------

    fn calls(&mut self, steps: &[&CallStep]) {
        let mut by_place: BTreeMap<&Place, Vec<&CallStep>> = BTreeMap::new();
        for step in steps {
            by_place.entry(&step.place).or_default().push(step);
        }
        let by_place: Vec<(&Place, Vec<&CallStep>)> = by_place.into_iter().collect();
        let results = each(
            &by_place,
            self.context.settings.at_a_time,
            |(place, steps)| self.calls_of(place, steps),
        );
        for ((place, steps), results) in by_place.into_iter().zip(results) {
            for (step, result) in steps.into_iter().zip(results) {
                match result {
                    Ok(word) => self
                        .report
                        .done
                        .push((place.clone(), step.what.clone(), word)),
                    Err(fault) => {
                        // What can't be undone stands in nobody's way, and is tried again.
                        if step.action == CallAction::Set {
                            self.broken.insert(step.cluster.clone());
                        }
                        self.report.failed.push((place.clone(), fault));
                    }
                }
            }
        }
    }

    /// Settings of one place, one after the other: their records are one object.
    fn calls_of(&self, place: &Place, steps: &[&CallStep]) -> Vec<Result<&'static str, Fault>> {
        let refused = |fault: &Fault| steps.iter().map(|_| Err(fault.clone())).collect();
        let Some(bucket) = &self.context.settings.records else {
            let fault = Fault::new(
                place.to_string(),
                "nothing says where to record what is set by API",
            )
            .hint("set `aws.records` to a bucket and its Region");
            return refused(&fault);
        };
        let store = Store::new(self.context.accounts, bucket, &self.context.settings.owner);
        let kept = match store.read(place) {
            Ok(kept) => Mutex::new(kept),
            Err(error) => return refused(&error.fault(place.to_string())),
        };
        steps
            .iter()
            .map(|step| {
                if self.context.work.is_to_end() {
                    return Err(ended_early(&format!("{place}/{}", step.member)));
                }
                if step.action == CallAction::Set && self.is_broken(place, Some(&step.cluster)) {
                    let message = format!(
                        "{}: not attempted, since something it depends on failed",
                        step.what
                    );
                    return Err(Fault::new(format!("{place}/{}", step.member), message));
                }
                let mut kept = kept
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                match step.action {
                    CallAction::Set => self.set(place, step, &store, &mut kept),
                    CallAction::Undo => self.undo(place, step, &store, &mut kept),
                }
            })
            .collect()
    }

    fn set(
        &self,
        place: &Place,
        step: &CallStep,
        store: &Store<'_>,
        kept: &mut Kept,
    ) -> Result<&'static str, Fault> {
        let at = || format!("{place}/{}", step.member);
        let told = |error: crate::aws::AwsError| error.fault(at());
        let calls = self.wanted.calls.get(place).into_iter().flatten();
        let call = calls.into_iter().find(|call| key(call) == step.key);
        let call =
            call.ok_or_else(|| Fault::new(at(), "it is no longer wanted").hint("make a new plan"))?;
        let setting = Setting::of(&call.call.call).map_err(|why| Fault::new(at(), why))?;
        let aws = self.context.aws(place).map_err(told)?;
        let now = setting.read(&aws).map_err(told)?;
        let before = match kept.records.calls.get(&step.key) {
            // What was before we first set it is what is put back.
            Some(record) => record.before.clone(),
            None => now.clone(),
        };
        let ours = kept
            .records
            .calls
            .get(&step.key)
            .map(|record| record.setting.clone());
        match setting.verdict(&now, ours.as_ref()) {
            super::calls::Verdict::Foreign(what) => {
                return Err(Fault::new(
                    at(),
                    format!("{setting}: somebody else has set it since: {what}"),
                ));
            }
            super::calls::Verdict::Missing => {
                return Err(Fault::new(at(), format!("{setting}: it doesn't exist")));
            }
            super::calls::Verdict::Same | super::calls::Verdict::Free => {}
        }
        // Of a setting that is changed, what we had set must still be known as ours if the run ends here.
        let mut record = record_of(call, step.order, setting.clone(), before);
        let earlier = ours.filter(|ours| *ours != setting);
        if let Some(earlier) = &earlier {
            record.setting = earlier.clone();
        }
        let before = record.before.clone();
        kept.records.calls.insert(step.key.clone(), record);
        store.write(place, kept).map_err(told)?;
        if let Some(earlier) = &earlier {
            setting
                .retire(earlier, &aws, &before, self.is_hurried())
                .map_err(told)?;
        }
        if !setting.is_in_effect(&now) {
            self.context.work.says(format!("{place}: {}", step.what));
            setting.make(&aws, self.is_hurried()).map_err(told)?;
        }
        if let Some(record) = kept.records.calls.get_mut(&step.key) {
            record.setting = setting;
            record.made = true;
        }
        store.write(place, kept).map_err(told)?;
        Ok("set")
    }

    fn undo(
        &self,
        place: &Place,
        step: &CallStep,
        store: &Store<'_>,
        kept: &mut Kept,
    ) -> Result<&'static str, Fault> {
        let told = |error: crate::aws::AwsError| error.fault(format!("{place}/{}", step.member));
        let Some(record) = kept.records.calls.get(&step.key).cloned() else {
            return Ok("undone");
        };
        let aws = self.context.aws(place).map_err(told)?;
        let undone = record
            .setting
            .undo(&aws, &record.before, self.is_hurried())
            .map_err(told)?;
        kept.records.calls.remove(&step.key);
        store.write(place, kept).map_err(told)?;
        Ok(match undone {
            Undone::Restored => "undone",
            Undone::Left(_) => "left",
        })
    }

    fn is_hurried(&self) -> bool {
        self.context.pace.longest < std::time::Duration::from_secs(1)
    }
}

/// The word for what is done.
pub fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Recreate => "recreate",
        Action::Update => "update",
        Action::RevertDrift => "revert_drift",
        Action::ContinueRollback => "continue_rollback",
        Action::Delete => "delete",
    }
}

/// What CloudFormation says of the resources that failed first.
fn reasons(formation: &Formation, id: &str, token: &str) -> Vec<String> {
    let Ok(events) = formation.events(id) else {
        return Vec::new();
    };
    let ours: Vec<_> = events
        .iter()
        .filter(|event| event.token.as_deref() == Some(token))
        .collect();
    let all: Vec<_> = if ours.is_empty() {
        events.iter().collect()
    } else {
        ours
    };
    let failed = all
        .into_iter()
        .rev()
        .filter(|event| event.status.ends_with("_FAILED"));
    let told = failed.filter_map(|event| {
        let reason = event.reason.as_deref()?;
        // Those that were stopped because of another one.
        (!reason.contains("cancelled")).then(|| {
            format!(
                "{} ({}): {}",
                event.logical_id,
                event.kind,
                Fault::quoting(reason)
            )
        })
    });
    told.take(MOST_REASONS).collect()
}
