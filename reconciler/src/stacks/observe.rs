//! The observe step: pages of stacks and of tagged resources of each account and Region. IO.
//!
//! What it costs grows with the stacks and members of an account, by pages of 1 MB and of 100, and not with the requests that
//! a cluster would need. Only what is in a rare state is asked for by itself.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::names;

use super::calls::{self, ObservedCalls, Record, Records, Setting};
use super::context::{Context, each};
use super::formation::CHANGE_SET;
use super::members::{Tagged, placed};
use super::observed::{Observed, PREFIX, State};
use super::place::{Place, StackKey};
use super::plan::Options;
use super::settings::Mark;
use super::wanted::{ObservedMembers, Wanted};
use crate::aws::{AwsError, tagging};
use crate::fault::Fault;

/// What is in AWS; `wanted` gets the stacks of members, which are known then.
pub fn observe(
    context: &Context<'_>,
    wanted: &mut Wanted,
    options: &Options,
) -> Result<(Observed, ObservedCalls), Vec<Fault>> {
    let mut places = wanted.places();
    let also = context.settings.also.iter().filter(|place| {
        let mut shard = options.shard.iter();
        shard.all(|shard| shard.has_account(&place.account))
    });
    places.extend(also.cloned());
    let mut observed = Observed {
        places,
        ..Observed::default()
    };
    observe_stacks(context, wanted, &mut observed);
    let mut members = ObservedMembers {
        tagged: tagged(context, wanted, &mut observed),
        ..ObservedMembers::default()
    };
    // Where nothing is known of an account, nothing is wanted and nothing is unwanted there.
    wanted
        .clusters
        .retain(|_, cluster| !observed.unread.contains_key(&cluster.place.account));
    wanted
        .shared
        .retain(|place, _| !observed.unread.contains_key(&place.account));
    let mut first = wanted.clone();
    first.add_members(&members)?;
    members.placed = places_of_members(context, &first, &mut observed);
    wanted.add_members(&members)?;
    let calls = calls_of(context, wanted, &mut observed, options);
    Ok((observed, calls))
}

/// Lists the stacks of each place.
pub fn observe_stacks(context: &Context<'_>, wanted: &Wanted, observed: &mut Observed) {
    let places: Vec<Place> = observed.places.iter().cloned().collect();
    let lists = each(&places, context.settings.at_a_time, |place| {
        context.formation(place)?.stacks()
    });
    for (place, list) in places.iter().zip(lists) {
        match list {
            Ok(list) => {
                let own = list
                    .into_iter()
                    .filter(|(name, _)| name.starts_with(PREFIX));
                observed.stacks.extend(own.map(|(name, stack)| {
                    let key = StackKey {
                        place: place.clone(),
                        name,
                    };
                    (key, stack)
                }));
            }
            Err(error) => observed.miss(place, &error),
        }
    }
    // Of a stack that was never made, only its change set says whose it is.
    let reviewed: Vec<StackKey> = observed
        .stacks
        .iter()
        .filter(|(key, stack)| {
            stack.state() == State::Reviewed
                && stack.mark.is_none()
                && wanted.stacks.contains_key(key)
        })
        .map(|(key, _)| key.clone())
        .collect();
    let marks = each(&reviewed, context.settings.at_a_time, |key| {
        mark_of(context, key)
    });
    for (key, mark) in reviewed.into_iter().zip(marks) {
        match mark {
            Ok(mark) => {
                observed.reviewed.insert(key, mark);
            }
            Err(error) => observed.miss(&key.place, &error),
        }
    }
}

fn mark_of(context: &Context<'_>, key: &StackKey) -> Result<Option<Mark>, AwsError> {
    let found = context
        .formation(&key.place)?
        .change_set(CHANGE_SET, Some(&key.name))?;
    Ok(found.and_then(|found| found.mark))
}

/// Lists tagged resources of the types that fragments are for.
fn tagged(
    context: &Context<'_>,
    wanted: &Wanted,
    observed: &mut Observed,
) -> BTreeMap<Place, Vec<Tagged>> {
    let types: Vec<(Place, BTreeSet<&str>)> = wanted
        .listed_types()
        .into_iter()
        .filter(|(place, _)| !observed.unread.contains_key(&place.account))
        .collect();
    let lists = each(&types, context.settings.at_a_time, |(place, types)| {
        tagging::resources(&context.aws(place)?, types)
    });
    let mut found = BTreeMap::new();
    for ((place, _), list) in types.into_iter().zip(lists) {
        match list {
            Ok(list) => {
                let list = list.into_iter().map(|(arn, tags)| Tagged { arn, tags });
                found.insert(place, list.collect());
            }
            Err(error) => observed.miss(&place, &error),
        }
    }
    found
}

/// In which stack each member is, of clusters that have, or would have, more than one.
fn places_of_members(
    context: &Context<'_>,
    first: &Wanted,
    observed: &mut Observed,
) -> BTreeMap<(Place, Option<String>), BTreeMap<String, usize>> {
    let mut owners: BTreeSet<(Place, Option<String>)> = BTreeSet::new();
    for (name, cluster) in &first.clusters {
        let regions = cluster.fragments.values().map(|own| own.region.as_str());
        let places = regions.map(|region| Place::new(&cluster.place.account, region));
        owners.extend(places.map(|place| (place, Some(name.clone()))));
    }
    owners.extend(first.shared.keys().map(|place| (place.clone(), None)));
    let name = |owner: Option<&String>, number: usize| match owner {
        Some(cluster) => names::members_stack(cluster, number),
        None => names::account_members_stack(number),
    };
    let mut found = BTreeMap::new();
    for (place, owner) in owners {
        let key = |number| StackKey {
            place: place.clone(),
            name: name(owner.as_ref(), number),
        };
        let is_later = |own: &StackKey| {
            let number = own.name.rsplit('-').next();
            let number = number.and_then(|text| text.parse::<usize>().ok());
            own.place == place && number.is_some_and(|n| n > 0 && own.name == key(n).name)
        };
        let is_large = first.stacks.contains_key(&key(1)) || observed.stacks.keys().any(is_later);
        if !is_large {
            continue;
        }
        // An earlier one may have become empty, and so be gone.
        let there: Vec<(usize, String)> = observed
            .stacks
            .iter()
            .filter(|(own, stack)| own.place == place && stack.state() == State::Settled)
            .filter_map(|(own, stack)| {
                let number = own.name.rsplit('-').next()?.parse().ok()?;
                (own.name == key(number).name).then(|| (number, stack.id.clone()))
            })
            .collect();
        let mut templates = Vec::new();
        for (number, id) in there {
            match context.formation(&place).and_then(|own| own.template(&id)) {
                Ok(template) => templates.push((number, template)),
                Err(error) => observed.miss(&place, &error),
            }
        }
        let placed = placed(
            templates
                .iter()
                .map(|(number, template)| (*number, template)),
        );
        found.insert((place.clone(), owner), placed);
    }
    found
}

/// Reads records, and what is set of what they don't say.
fn calls_of(
    context: &Context<'_>,
    wanted: &Wanted,
    observed: &mut Observed,
    options: &Options,
) -> ObservedCalls {
    let mut found = ObservedCalls::default();
    let Some(bucket) = &context.settings.records else {
        return found;
    };
    found.is_recorded = true;
    let store = calls::records::Store::new(context.accounts, bucket, &context.settings.owner);
    let places: Vec<Place> = observed
        .places
        .iter()
        .filter(|place| !observed.unread.contains_key(&place.account))
        .cloned()
        .collect();
    let read = each(&places, context.settings.at_a_time, |place| {
        store.read(place)
    });
    for (place, kept) in places.iter().zip(read) {
        match kept {
            Ok(kept) if kept.records == Records::default() => {}
            Ok(kept) => {
                found.records.insert(place.clone(), kept.records);
            }
            Err(error) => observed.miss(place, &error),
        }
    }
    let unknown: Vec<(Place, String, Setting)> = calls::unknown(wanted, &found.records, options)
        .into_iter()
        .filter(|(place, _)| !observed.unread.contains_key(&place.account))
        .filter_map(|(place, call)| {
            Some((
                place.clone(),
                calls::key(call),
                Setting::of(&call.call.call).ok()?,
            ))
        })
        .collect();
    let current = each(
        &unknown,
        context.settings.at_a_time,
        |(place, _, setting)| setting.read(&context.aws(place)?),
    );
    for ((place, key, _), current) in unknown.into_iter().zip(current) {
        match current {
            Ok(current) => {
                found.current.insert((place, key), current);
            }
            Err(error) => observed.miss(&place, &error),
        }
    }
    found
}

/// The record of a setting that is about to be made.
pub fn record_of(
    call: &super::wanted::WantedCall,
    order: usize,
    setting: Setting,
    before: calls::Current,
) -> Record {
    Record {
        cluster: call.cluster.clone(),
        member: call.call.member.clone(),
        when: call.call.call.when,
        order,
        setting,
        parameters: call.call.call.parameters.clone(),
        before,
        made: false,
    }
}
