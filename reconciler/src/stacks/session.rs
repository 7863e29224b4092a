//! Puts the steps together: observe, plan, propose, apply. IO.

use std::collections::BTreeMap;

use super::apply::{apply, verb};
use super::calls::{self, CallAction};
use super::context::Context;
use super::observe::{observe, observe_stacks};
use super::observed::Observed;
use super::place::Place;
use super::plan::{Options, Plan, Step};
use super::propose::propose;
use super::wanted::{Rendered, Wanted};
use crate::fault::Fault;
use crate::plan::{self, Change, Subject, TargetPlan};

/// What was done at one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What was done: the subject, and the word for it.
    pub done: Vec<(Subject, &'static str)>,
    /// What failed.
    pub failed: Vec<Fault>,
}

/// What would be done in AWS, with all that doing it needs.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What is to be.
    pub wanted: Wanted,
    /// What is.
    pub observed: Observed,
    /// What is done.
    pub plan: Plan,
    /// Clusters that something is set for by API.
    recorded: Vec<String>,
    owner: String,
}

/// Reads what is in AWS, and says what would be done.
pub fn prepare(
    context: &Context<'_>,
    rendered: Rendered<'_>,
    options: &Options,
) -> Result<Prepared, Vec<Fault>> {
    let mut wanted = Wanted::of(rendered, context.settings)?;
    if let Some(shard) = options.shard {
        wanted.retain(|account| shard.has_account(account));
    }
    let (observed, calls) = observe(context, &mut wanted, options)?;
    let mut plan = Plan::of(&wanted, &observed, options);
    calls::plan(&mut plan, &wanted, &calls, options);
    propose(context, &mut plan, &wanted, &observed);
    let records = calls
        .records
        .values()
        .flat_map(|records| records.calls.values());
    Ok(Prepared {
        recorded: records.map(|record| record.cluster.clone()).collect(),
        owner: options.owner.clone(),
        wanted,
        observed,
        plan,
    })
}

impl Prepared {
    /// Whether a cluster has something in AWS.
    pub fn knows(&self, cluster: &str) -> bool {
        let mut marks = self
            .observed
            .stacks
            .values()
            .filter_map(|stack| stack.mark.as_ref());
        let has_stack =
            marks.any(|mark| mark.owner == self.owner && mark.cluster.as_deref() == Some(cluster));
        has_stack
            || self.recorded.iter().any(|own| own == cluster)
            || cluster == super::plan::ACCOUNT
    }

    /// The plan, by account and Region, as plans are told.
    pub fn targets(&self) -> BTreeMap<String, TargetPlan> {
        let mut targets: BTreeMap<String, TargetPlan> = BTreeMap::new();
        for place in &self.observed.places {
            targets.insert(target(place), TargetPlan::default());
        }
        let mut at = |place: &Place, change: &mut dyn FnMut(&mut TargetPlan)| {
            change(targets.entry(target(place)).or_default());
        };
        for step in &self.plan.steps {
            at(&step.stack.place, &mut |target| {
                target.steps.push(told(step));
            });
        }
        for call in &self.plan.calls {
            let change = match call.action {
                CallAction::Set => Change::Set,
                CallAction::Undo => Change::Undo,
            };
            at(&call.place, &mut |target| {
                target.steps.push(plan::Step {
                    subject: Subject::Setting(call.what.clone()),
                    change: change.clone(),
                    clusters: [call.cluster.clone()].into(),
                    ground: None,
                    wanted: None,
                });
            });
        }
        for waiting in &self.plan.waiting {
            at(&waiting.stack.place, &mut |target| {
                target.waiting.push(plan::Waiting {
                    subject: Subject::Stack(waiting.stack.name.clone()),
                    clusters: [waiting.cluster.clone()].into(),
                    until: waiting.until.clone(),
                });
            });
        }
        // A stop is of a place where its message begins so; what is of none is told by itself.
        for stop in &self.plan.stops {
            let mut places = self.observed.places.iter();
            let place = places.find(|place| stop.place.starts_with(&place.to_string()));
            let name = place.map_or_else(|| "aws".to_owned(), target);
            targets.entry(name).or_default().stops.push(stop.clone());
        }
        if let Some(first) = targets.values_mut().next() {
            first.unchanged += self.plan.unchanged;
        }
        targets
    }

    /// Carries the plan out.
    pub fn apply(&self, context: &Context<'_>) -> BTreeMap<String, Outcome> {
        let mut reports: BTreeMap<String, Outcome> = BTreeMap::new();
        if self.plan.is_empty() {
            return reports;
        }
        let mut now = Observed {
            places: self.observed.places.clone(),
            ..Observed::default()
        };
        observe_stacks(context, &self.wanted, &mut now);
        let report = apply(context, &self.plan, &self.wanted, &self.observed, &now);
        for (place, name, verb) in report.done {
            let subject = if matches!(verb, "set" | "undone" | "left") {
                Subject::Setting(name)
            } else {
                Subject::Stack(name)
            };
            reports
                .entry(target(&place))
                .or_default()
                .done
                .push((subject, verb));
        }
        for (place, fault) in report.failed {
            reports
                .entry(target(&place))
                .or_default()
                .failed
                .push(fault);
        }
        reports
    }
}

fn target(place: &Place) -> String {
    format!("aws/{place}")
}

fn told(step: &Step) -> plan::Step {
    let ground = serde_json::to_value(&step.ground)
        .map_or_else(|_| String::new(), |value| plan::digest(&value));
    plan::Step {
        subject: Subject::Stack(step.stack.name.clone()),
        change: Change::Stack {
            action: verb(step.action),
            resources: step.changes.clone(),
        },
        clusters: step.cluster.clone().into_iter().collect(),
        ground: Some(ground),
        wanted: step.wanted.clone(),
    }
}
