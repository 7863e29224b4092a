//! The propose step: which resources each step changes, asked of CloudFormation. IO.
//!
//! A change set changes nothing by itself. There is one of ours for a stack; the next plan replaces it, and applying it
//! removes it.

use super::context::{Context, each};
use super::observed::Observed;
use super::plan::{Action, Plan, Step, resource_change};
use super::template;
use super::wanted::Wanted;
use crate::fault::Fault;

/// What became of asking.
enum Asked {
    /// The step, with what it changes.
    Step(Step),
    /// There is nothing to change.
    Unchanged,
    /// It can't be done.
    Stop(Fault),
}

/// Completes a plan.
pub fn propose(context: &Context<'_>, plan: &mut Plan, wanted: &Wanted, observed: &Observed) {
    let steps = std::mem::take(&mut plan.steps);
    let asked = each(&steps, context.settings.at_a_time, |step| {
        ask(context, step, wanted, observed)
    });
    for one in asked {
        match one {
            Asked::Step(step) => plan.steps.push(step),
            Asked::Unchanged => plan.unchanged += 1,
            Asked::Stop(fault) => plan.stops.push(fault),
        }
    }
    plan.stops.sort();
}

fn ask(context: &Context<'_>, step: &Step, wanted: &Wanted, observed: &Observed) -> Asked {
    match step.action {
        Action::Create | Action::Recreate | Action::ContinueRollback => Asked::Step(step.clone()),
        Action::Update | Action::RevertDrift => {
            update(context, step, wanted).unwrap_or_else(Asked::Stop)
        }
        Action::Delete => delete(context, step, observed).unwrap_or_else(Asked::Stop),
    }
}

fn update(context: &Context<'_>, step: &Step, wanted: &Wanted) -> Result<Asked, Fault> {
    let Some(stack) = wanted.stacks.get(&step.stack) else {
        return Ok(Asked::Unchanged);
    };
    let is_drift = step.action == Action::RevertDrift;
    context
        .work
        .says(format!("{}: asking what changes", step.stack));
    let (id, _, change_set) = context.propose(
        &step.stack,
        &stack.template,
        step.cluster.as_deref(),
        false,
        is_drift,
    )?;
    if change_set.is_empty() {
        return Ok(Asked::Unchanged);
    }
    if change_set.execution != "AVAILABLE" {
        let reason = change_set
            .reason
            .as_deref()
            .map(Fault::quoting)
            .unwrap_or_default();
        let message = format!(
            "CloudFormation can't make this change: {} {reason}",
            change_set.status
        );
        return Ok(Asked::Stop(Fault::new(step.stack.to_string(), message)));
    }
    Ok(Asked::Step(Step {
        change_set: Some(id),
        changes: change_set.changes,
        ..step.clone()
    }))
}

/// What goes, and what stays by its deletion policy.
fn delete(context: &Context<'_>, step: &Step, observed: &Observed) -> Result<Asked, Fault> {
    let Some(there) = observed.stacks.get(&step.stack) else {
        return Ok(Asked::Unchanged);
    };
    let told = |error: crate::aws::AwsError| error.fault(step.stack.to_string());
    let formation = context.formation(&step.stack.place).map_err(told)?;
    let template = match formation.template(&there.id) {
        Ok(template) => template,
        // One that was never made has none.
        Err(_) if there.state() == super::observed::State::Reviewed => serde_json::Value::Null,
        Err(error) => return Err(told(error)),
    };
    let changes = template::resources(&template)
        .iter()
        .map(|own| resource_change(if own.kept { "Keep" } else { "Remove" }, own))
        .collect();
    Ok(Asked::Step(Step {
        changes,
        ..step.clone()
    }))
}
