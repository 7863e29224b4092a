//! The plan step: what would be done with each stack. Pure.
//!
//! It names stacks and resources, and holds neither templates nor secrets. Each step has the ground that it was planned
//! on: [`moved`] tells whether that is still so. A change of an existing stack is a change set of
//! CloudFormation, which AWS doesn't execute any more once the stack was changed otherwise.

mod stops;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::calls::CallStep;
use super::observed::{Observed, ObservedStack, State};
use super::place::{Kind, StackKey};
use super::settings::Mark;
use super::wanted::{Wanted, WantedStack};
use crate::fault::Fault;
use crate::plan::ResourceChange;
use crate::shard::Shard;
use stops::{busy, foreign, protected, unknown};

/// What would be done in AWS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is done with stacks, in the order in which it is done.
    pub steps: Vec<Step>,
    /// What is set by API, or undone.
    pub calls: Vec<CallStep>,
    /// Stacks that wait: their cluster isn't rendered any more, and nobody confirmed that it goes.
    pub waiting: Vec<Waiting>,
    /// What isn't done until somebody decides.
    pub stops: Vec<Fault>,
    /// How many stacks and settings are as they should be.
    pub unchanged: usize,
}

/// A stack that waits for a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// The stack.
    pub stack: StackKey,
    /// Its cluster, or `_account`.
    pub cluster: String,
    /// What it waits for.
    pub until: String,
    /// What was observed of it.
    pub ground: Option<Ground>,
}

/// What is done with a stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The stack.
    pub stack: StackKey,
    /// What it is of.
    pub kind: Kind,
    /// The cluster; none for an account's.
    pub cluster: Option<String>,
    /// What is done.
    pub action: Action,
    /// What was observed.
    pub ground: Ground,
    /// The digest of the template that is wanted.
    pub wanted: Option<String>,
    /// The change set that does it.
    pub change_set: Option<String>,
    /// What becomes of resources.
    pub changes: Vec<ResourceChange>,
}

/// What is done with a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It doesn't exist, and is made.
    Create,
    /// It was never made whole: what is left of it is deleted, and it is made.
    Recreate,
    /// Its template changed.
    Update,
    /// Its resources were changed by somebody else, and are put back.
    RevertDrift,
    /// The undoing of a failed change goes on. What is wanted is planned by the next run.
    ContinueRollback,
    /// It isn't wanted any more.
    Delete,
}

/// What a step was planned on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ground {
    /// The stack's id; none where there was no stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The digest of its template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When something was begun with it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<String>,
}

/// What a plan is made with, besides what is wanted and observed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whose stacks are ours.
    pub owner: String,
    /// Clusters that are rendered.
    pub rendered: BTreeSet<String>,
    /// The only clusters that are looked at; none for all.
    pub only: Option<BTreeSet<String>>,
    /// Clusters whose removal is confirmed; `_account` for accounts'.
    pub confirmed: BTreeSet<String>,
    /// Whether stacks that are up to date are compared with their resources.
    pub drift: bool,
    /// The share of our stacks, in percent, that may be deleted at once of clusters that are still rendered.
    pub most_deleted: u8,
    /// Which of several runs this is; none if it does everything.
    pub shard: Option<Shard>,
}

/// So few deletions are always allowed.
const FEW: usize = 3;

/// How a confirmation names the stacks of accounts.
pub const ACCOUNT: &str = "_account";

impl Options {
    /// Whether a cluster, or an account's stack, is looked at.
    pub fn looks_at(&self, cluster: Option<&str>) -> bool {
        match (&self.only, cluster) {
            (Some(only), Some(cluster)) => only.contains(cluster),
            // What clusters share is there for each of them.
            _ => true,
        }
    }
}

impl Plan {
    /// Decides what to do with each stack. Which resources change is asked afterwards.
    pub fn of(wanted: &Wanted, observed: &Observed, options: &Options) -> Self {
        let mut plan = Self::default();
        plan.stops.extend(observed.unread.values().cloned());
        let is_read = |key: &StackKey| !observed.unread.contains_key(&key.place.account);
        for (key, stack) in wanted.stacks.iter().filter(|(key, _)| is_read(key)) {
            if options.looks_at(stack.cluster.as_deref()) {
                plan.wanted(key, stack, observed, options);
            }
        }
        for (key, stack) in observed.stacks.iter().filter(|(key, _)| is_read(key)) {
            let Some(mark) = &stack.mark else { continue };
            let is_ours = mark.owner == options.owner
                && !stack.nested
                && key.name.starts_with(super::observed::PREFIX);
            if is_ours
                && !wanted.stacks.contains_key(key)
                && options.looks_at(mark.cluster.as_deref())
            {
                plan.unwanted(key, stack, mark, options);
            }
        }
        plan.accounts_follow(options);
        plan.stop_many(observed, options);
        plan.sort(wanted, observed);
        plan
    }

    fn wanted(
        &mut self,
        key: &StackKey,
        wanted: &WantedStack,
        observed: &Observed,
        options: &Options,
    ) {
        let there = observed.stacks.get(key);
        let step = |action| Step {
            stack: key.clone(),
            kind: wanted.kind,
            cluster: wanted.cluster.clone(),
            action,
            ground: there.map(Ground::of).unwrap_or_default(),
            wanted: Some(wanted.template.digest.clone()),
            change_set: None,
            changes: Vec::new(),
        };
        let Some(stack) = there else {
            return self
                .steps
                .push(with_resources(step(Action::Create), wanted));
        };
        let mark = observed.reviewed.get(key).unwrap_or(&stack.mark);
        let ours = Mark {
            owner: options.owner.clone(),
            cluster: wanted.cluster.clone(),
        };
        if mark.as_ref() != Some(&ours) && stack.state() != State::Gone {
            return self.stops.push(foreign(key, stack, mark.as_ref()));
        }
        match stack.state() {
            State::Gone | State::Reviewed => self
                .steps
                .push(with_resources(step(Action::Create), wanted)),
            State::Unmade | State::HalfDeleted if stack.protected => {
                self.stops.push(protected(key));
            }
            State::Unmade | State::HalfDeleted => self
                .steps
                .push(with_resources(step(Action::Recreate), wanted)),
            State::HalfUndone => self.steps.push(step(Action::ContinueRollback)),
            State::Busy => self.stops.push(busy(key, stack)),
            State::Unknown => self.stops.push(unknown(key, stack)),
            State::Settled if stack.digest.as_ref() != Some(&wanted.template.digest) => {
                self.steps.push(step(Action::Update));
            }
            State::Settled if options.drift => self.steps.push(step(Action::RevertDrift)),
            State::Settled => self.unchanged += 1,
        }
    }

    fn unwanted(&mut self, key: &StackKey, stack: &ObservedStack, mark: &Mark, options: &Options) {
        let cluster = mark.cluster.clone();
        let name = cluster.clone().unwrap_or_else(|| ACCOUNT.to_owned());
        match stack.state() {
            State::Gone => return,
            State::Busy => return self.stops.push(busy(key, stack)),
            State::Unknown => return self.stops.push(unknown(key, stack)),
            _ if stack.protected => return self.stops.push(protected(key)),
            _ => {}
        }
        // A cluster that is still there has less in AWS than before. One that is gone waits for somebody who says so:
        // an empty checkout isn't a purge.
        let is_rendered = cluster
            .as_ref()
            .is_some_and(|cluster| options.rendered.contains(cluster));
        if !is_rendered && !options.confirmed.contains(&name) {
            return self.waiting.push(Waiting {
                stack: key.clone(),
                until: format!("until it is confirmed by --removed {name}"),
                cluster: name,
                ground: Some(Ground::of(stack)),
            });
        }
        self.steps.push(Step {
            stack: key.clone(),
            kind: kind_of(&key.name, cluster.as_deref()),
            cluster,
            action: Action::Delete,
            ground: Ground::of(stack),
            wanted: None,
            change_set: None,
            changes: Vec::new(),
        });
    }

    /// What an account has goes with the last of its clusters that is confirmed to go.
    fn accounts_follow(&mut self, options: &Options) {
        let (own, others): (Vec<Waiting>, Vec<Waiting>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.cluster == ACCOUNT);
        self.waiting = others;
        for waiting in own {
            let account = &waiting.stack.place.account;
            let is_going = self.steps.iter().any(|step| {
                let confirmed = step
                    .cluster
                    .as_ref()
                    .is_some_and(|cluster| options.confirmed.contains(cluster));
                step.action == Action::Delete && confirmed && step.stack.place.account == *account
            });
            let is_waiting = self
                .waiting
                .iter()
                .any(|other| other.stack.place.account == *account);
            match waiting.ground {
                Some(ground) if is_going && !is_waiting => self.steps.push(Step {
                    kind: kind_of(&waiting.stack.name, None),
                    stack: waiting.stack,
                    cluster: None,
                    action: Action::Delete,
                    ground,
                    wanted: None,
                    change_set: None,
                    changes: Vec::new(),
                }),
                ground => self.waiting.push(Waiting { ground, ..waiting }),
            }
        }
    }

    /// Many deletions at once are more likely a mistake than meant.
    fn stop_many(&mut self, observed: &Observed, options: &Options) {
        let is_unasked = |step: &Step| {
            let cluster = step.cluster.as_deref().unwrap_or(ACCOUNT);
            step.action == Action::Delete && options.rendered.contains(cluster)
        };
        let ours = |mark: &Option<Mark>| {
            mark.as_ref()
                .is_some_and(|mark| mark.owner == options.owner)
        };
        let all = observed
            .stacks
            .values()
            .filter(|stack| ours(&stack.mark))
            .count();
        let counted = self.steps.iter().filter(|step| is_unasked(step)).count();
        if counted <= FEW || counted * 100 <= all * usize::from(options.most_deleted) {
            return;
        }
        let share = (counted * 100).div_ceil(all);
        let (held, kept): (Vec<Step>, Vec<Step>) = std::mem::take(&mut self.steps)
            .into_iter()
            .partition(is_unasked);
        self.steps = kept;
        self.waiting.extend(held.into_iter().map(|step| Waiting {
            stack: step.stack,
            cluster: step.cluster.unwrap_or_else(|| ACCOUNT.to_owned()),
            until: format!("since {counted} of {all} stacks would be deleted at once: allow it with --most-deleted {share}"),
            ground: Some(step.ground),
        }));
    }

    /// Sorts steps by when they are done.
    fn sort(&mut self, wanted: &Wanted, observed: &Observed) {
        let first = withdrawals(wanted, observed);
        self.steps
            .sort_by_key(|step| (phase(step, &first), step.stack.clone()));
        self.waiting.sort();
        self.stops.sort();
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.calls.is_empty()
    }
}

impl Ground {
    /// What is observed of a stack.
    pub fn of(stack: &ObservedStack) -> Self {
        Self {
            id: Some(stack.id.clone()),
            status: Some(stack.status.clone()),
            digest: stack.digest.clone(),
            begun: stack.begun.clone(),
        }
    }
}

/// When a step is done: all of a phase before any of the next.
pub fn phase(step: &Step, withdrawals: &BTreeSet<String>) -> i8 {
    let rank = step.kind as i8;
    match step.action {
        // What others made their resources of goes last, so members go first.
        Action::Delete => -10 - rank,
        // A cluster's stack can't take back what its members' stacks still import.
        Action::Update if step.kind == Kind::Members => {
            let withdraws = step
                .cluster
                .as_ref()
                .is_some_and(|cluster| withdrawals.contains(cluster));
            if withdraws { -1 } else { rank }
        }
        _ => rank,
    }
}

/// Clusters whose stacks export less than before.
pub fn withdrawals(wanted: &Wanted, observed: &Observed) -> BTreeSet<String> {
    let all = wanted.stacks.iter().filter(|(key, stack)| {
        let there = observed.stacks.get(key);
        there.is_some_and(|there| !there.exports.is_subset(&stack.template.exports))
    });
    all.filter_map(|(_, stack)| stack.cluster.clone()).collect()
}

/// Steps whose ground isn't what it was, with what it is now.
pub fn moved(plan: &Plan, observed: &Observed) -> Vec<Fault> {
    let steps = plan.steps.iter().filter_map(|step| {
        let now = observed
            .stacks
            .get(&step.stack)
            .map(Ground::of)
            .unwrap_or_default();
        (now != step.ground).then(|| {
            let told = |ground: &Ground| {
                ground
                    .status
                    .clone()
                    .unwrap_or_else(|| "missing".to_owned())
            };
            let (before, now) = (told(&step.ground), told(&now));
            let what = if before == now {
                format!("it has changed since the plan was made ({now})")
            } else {
                format!("it was {before} when the plan was made, and is {now} now")
            };
            Fault::new(step.stack.to_string(), what).hint("make a new plan")
        })
    });
    steps.collect()
}

/// Says of a stack that is made what it will have.
fn with_resources(mut step: Step, wanted: &WantedStack) -> Step {
    step.changes = wanted
        .template
        .resources
        .iter()
        .map(|own| resource_change("Add", own))
        .collect();
    step
}

/// What becomes of a resource of a template.
pub fn resource_change(action: &str, resource: &super::template::Resource) -> ResourceChange {
    ResourceChange {
        logical_id: resource.logical_id.clone(),
        kind: resource.kind.clone(),
        action: action.to_owned(),
        physical_id: resource.name.clone(),
        replacement: None,
        properties: Vec::new(),
        drift: None,
        ignored_drift: Vec::new(),
    }
}

/// What a stack is of that isn't rendered any more, by its name.
fn kind_of(name: &str, cluster: Option<&str>) -> Kind {
    use logfleet_contract::names;
    let of_members = name.rsplit_once('-').is_some_and(|(start, number)| {
        start.ends_with("-members") && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    match cluster {
        None if of_members => Kind::AccountMembers,
        None => Kind::Account,
        Some(cluster) if name == names::region_stack(cluster) => Kind::Region,
        Some(cluster) if name == names::machines_stack(cluster) => Kind::Machines,
        Some(_) => Kind::Members,
    }
}

#[cfg(test)]
mod tests;
