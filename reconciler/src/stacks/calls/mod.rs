//! What CloudFormation can't own: set by API, recorded with what was before, and undone.
//!
//! | What | Set where | Never overwritten |
//! |---|---|---|
//! | what the control plane of EKS logs | nothing, or less, is logged | types that somebody switched on stay on |
//! | how long its log group keeps events | for ever | another retention |
//! | where a classic load balancer logs to | nowhere | another bucket |
//! | where a hosted zone's queries are logged | nowhere | another log group |

mod api;
pub mod records;
pub mod setting;

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::members::When;
use serde::{Deserialize, Serialize};

pub use api::Undone;
pub use records::{Record, Records};
pub use setting::{Current, Setting, Verdict};

use super::place::Place;
use super::plan::{Options, Plan};
use super::wanted::{Wanted, WantedCall};
use crate::fault::Fault;

/// What is set by API, or undone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallStep {
    /// Where.
    pub place: Place,
    /// When among others of the place: a log group is made by what logs to it.
    pub order: usize,
    /// The key of its record.
    pub key: String,
    /// The cluster that wants it, or wanted.
    pub cluster: String,
    /// The member's ARN.
    pub member: String,
    /// What is done.
    pub action: CallAction,
    /// Before or after stacks of members are made; undoing goes the other way round.
    pub when: When,
    /// What it is, in words.
    pub what: String,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallAction {
    /// It is set.
    Set,
    /// It becomes what it was before.
    Undo,
}

/// What was observed of what is set by API.
#[derive(Clone, Debug, Default)]
pub struct ObservedCalls {
    /// Whether the settings say where to record.
    pub is_recorded: bool,
    /// What is recorded, by place.
    pub records: BTreeMap<Place, Records>,
    /// What is set now, by place and key; only of what isn't recorded as done.
    pub current: BTreeMap<(Place, String), Current>,
}

/// The key of a call's record.
pub fn key(call: &WantedCall) -> String {
    format!(
        "{} {} {}",
        call.cluster, call.call.member, call.call.call.action
    )
}

/// What has to be looked at, since no record says that it is done.
pub fn unknown<'w>(
    wanted: &'w Wanted,
    records: &BTreeMap<Place, Records>,
    options: &Options,
) -> Vec<(&'w Place, &'w WantedCall)> {
    let calls = wanted
        .calls
        .iter()
        .flat_map(|(place, calls)| calls.iter().map(move |call| (place, call)));
    let calls = calls.filter(|(_, call)| options.looks_at(Some(&call.cluster)));
    calls
        .filter(|(place, call)| {
            let record = records
                .get(*place)
                .and_then(|records| records.calls.get(&key(call)));
            let done = record.is_some_and(|record| {
                record.made && record.parameters == call.call.call.parameters
            });
            !done || options.drift
        })
        .collect()
}

/// Adds what is to be set or undone to a plan. Pure.
pub fn plan(plan: &mut Plan, wanted: &Wanted, observed: &ObservedCalls, options: &Options) {
    let count: usize = wanted.calls.values().map(Vec::len).sum();
    if count > 0 && !observed.is_recorded {
        plan.stops.push(
            Fault::new("aws.records", format!("{count} settings are to be made by API, but nothing says where to record the previous values"))
                .hint("set `aws.records` to a bucket and its Region"),
        );
        return;
    }
    let mut wanted_keys: BTreeSet<(&Place, String)> = BTreeSet::new();
    for (place, calls) in &wanted.calls {
        for (order, call) in calls.iter().enumerate() {
            wanted_keys.insert((place, key(call)));
            if options.looks_at(Some(&call.cluster)) {
                plan_wanted(plan, place, order, call, observed);
            }
        }
    }
    for (place, records) in &observed.records {
        for (own_key, record) in &records.calls {
            let is_wanted = wanted_keys.contains(&(place, own_key.clone()));
            if is_wanted || !options.looks_at(Some(&record.cluster)) {
                continue;
            }
            let is_rendered = options.rendered.contains(&record.cluster);
            if is_rendered || options.confirmed.contains(&record.cluster) {
                plan.calls.push(CallStep {
                    place: place.clone(),
                    order: usize::MAX - record.order,
                    key: own_key.clone(),
                    cluster: record.cluster.clone(),
                    member: record.member.clone(),
                    action: CallAction::Undo,
                    when: record.when,
                    what: record.setting.to_string(),
                });
            }
        }
    }
    plan.calls.sort();
}

fn plan_wanted(
    plan: &mut Plan,
    place: &Place,
    order: usize,
    call: &WantedCall,
    observed: &ObservedCalls,
) {
    let own_key = key(call);
    let setting = match Setting::of(&call.call.call) {
        Ok(setting) => setting,
        Err(why) => {
            return plan
                .stops
                .push(Fault::new(format!("{place}/{}", call.call.member), why));
        }
    };
    let Some(current) = observed.current.get(&(place.clone(), own_key.clone())) else {
        plan.unchanged += 1;
        return;
    };
    let recorded = observed
        .records
        .get(place)
        .and_then(|records| records.calls.get(&own_key));
    let before = recorded.map(|record| &record.setting);
    match setting.verdict(current, before) {
        Verdict::Same if recorded.is_none_or(|record| record.made && record.setting == setting) => {
            plan.unchanged += 1;
        }
        // A run that ended between the call and its record left it so.
        Verdict::Same | Verdict::Free => plan.calls.push(CallStep {
            place: place.clone(),
            order,
            key: own_key,
            cluster: call.cluster.clone(),
            member: call.call.member.clone(),
            action: CallAction::Set,
            when: call.call.call.when,
            what: setting.to_string(),
        }),
        Verdict::Missing => plan.stops.push(
            Fault::new(
                format!("{place}/{}", call.call.member),
                format!("{setting}: it doesn't exist"),
            )
            .hint("create it, or remove it from the settings of the cluster"),
        ),
        Verdict::Foreign(what) => plan.stops.push(
            Fault::new(
                format!("{place}/{}", call.call.member),
                format!("{setting}: somebody else has set it: {what}"),
            )
            .hint("remove that setting to get the logs here; it was left unchanged"),
        ),
    }
}
