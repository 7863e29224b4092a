//! What brings logs along, and brings fewer: as the rows read it, and find it. Pure.

use std::collections::BTreeSet;

use logfleet_contract::account::Registration;
use logfleet_contract::forwarder::{CONFIGURATION_VARIABLE, Configuration, LogGroup};
use serde_json::Value as Json;

use crate::diff::risk::applier::Stack;
use crate::diff::risk::row::{less, word};
use crate::diff::risk::selection;
use crate::diff::risk::values::{items, text, texts};
use crate::diff::risk::wording::some_names;

/// What a call switches on: types of logs of EKS
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html>), or the access log of
/// a load balancer (<https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_AccessLog.html>).
pub(super) fn switched_on(call: &Json) -> Json {
    let setups = items(call, "/parameters/logging/clusterLogging").iter();
    let on = setups.filter(|setup| setup.get("enabled") == Some(&Json::Bool(true)));
    let types = on.flat_map(|setup| texts(setup.get("types")));
    let attributes = call.pointer("/parameters/LoadBalancerAttributes");
    let attributes = attributes.and_then(Json::as_object).into_iter().flatten();
    let on = attributes.filter(|(_, own)| own.get("Enabled") == Some(&Json::Bool(true)));
    types.chain(on.map(|(name, _)| name.clone())).collect()
}

/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-about.html>
pub(super) fn what_stops(resource: &Json, stack: Stack) -> Option<&'static str> {
    let is_of_machines = text(resource, "/Type").starts_with("AWS::SSM::");
    (stack == Stack::Updated && is_of_machines)
        .then_some("CloudFormation deletes it; what it installed on machines keeps running")
}

/// The fields of a record if none are named
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>).
const FLOW_FIELDS: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

pub(super) fn fields_of_flows(flow_log: &Json) -> Json {
    let format = flow_log
        .pointer("/Properties/LogFormat")
        .and_then(Json::as_str);
    let fields = format.unwrap_or(FLOW_FIELDS).split_whitespace();
    fields
        .map(|field| field.trim_matches(['$', '{', '}']))
        .collect()
}

pub(super) fn fewer_events(old: &Json, new: &Json) -> Option<String> {
    let is_there = !old.is_null() && !new.is_null();
    is_there.then(|| selection::of_events(old, new))?
}

/// How often a rate is. One by `cron` can't be compared
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>).
pub(super) fn minutes(expression: &Json) -> Option<u64> {
    let expression = expression.as_str()?;
    let rate = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (number, unit) = rate.split_once(' ')?;
    let minutes = match unit.trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(minutes)
}

/// Numbers, or shares in percent
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-associations-creating.html>).
pub(super) fn lower(old: &Json, new: &Json) -> Option<String> {
    let read = |limit: &Json| {
        let limit = word(limit);
        let number: Option<u64> = limit.trim_end_matches('%').parse().ok();
        Some((number?, limit.ends_with('%')))
    };
    let ((old, of_percent), (new, is_percent)) = (read(old)?, read(new)?);
    (of_percent == is_percent && new < old).then(String::new)
}

/// By what the account's functions know a cluster's events; what it wants of sources its settings say.
pub(super) fn registers_less(old: &Json, new: &Json) -> Vec<String> {
    let read = |value: &Json| Registration::parse(value.as_str()?).ok();
    let (Some(old), Some(new)) = (read(old), read(new)) else {
        return Vec::new();
    };
    let groups = |own: &Registration| own.resource_groups.values().cloned().collect();
    let [old, new] = [old, new].map(|own| -> [(&str, BTreeSet<String>); 3] {
        let groups = groups(&own);
        [
            ("the resource group", groups),
            ("roles called", own.roles),
            ("the EKS cluster", own.eks.into_iter().collect()),
        ]
    });
    let lost = old
        .into_iter()
        .zip(new)
        .filter_map(|((what, old), (_, new))| {
            some_names(old.difference(&new)).map(|lost| format!("{what} {lost}"))
        });
    lost.collect()
}

pub(super) fn places_of_targets(rule: &Json) -> Json {
    let places = items(rule, "/Properties/Targets").iter().map(|target| {
        let place = target.get("Arn").unwrap_or(&Json::Null);
        (text(target, "/Id").to_owned(), place.clone())
    });
    places.collect::<serde_json::Map<_, _>>().into()
}

/// The targets that stay, and have another address.
pub(super) fn another_place(old: &Json, new: &Json) -> Option<String> {
    let before = old.as_object()?.iter();
    let moved = before.filter(|(id, place)| new.get(id).is_some_and(|after| after != *place));
    some_names(moved.map(|(id, _)| id))
}

/// Each kind of notification is a list of events with the place that hears of them.
pub(super) fn notifies_less(old: &Json, new: &Json) -> Option<String> {
    let mut kinds = old.as_object()?.iter();
    let after = new.as_object()?;
    let is_less = |(kind, before): (&String, &Json)| match before.as_array() {
        Some(before) => {
            let after = items(new, kind);
            before.iter().any(|own| !after.contains(own))
        }
        None => !after.contains_key(kind),
    };
    kinds.any(is_less).then(String::new)
}

pub(super) fn narrower_filter(old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (word(old), word(new));
    // What is asked for beside what was asked for is more.
    let is_wider =
        after.is_empty() || after.starts_with('?') && after.contains(&before) && !before.is_empty();
    (before != after && !is_wider).then_some(after)
}

/// Without a list all fields are there.
pub(super) fn fewer_fields(old: &Json, new: &Json) -> Option<String> {
    let is_list = new.as_array().is_some_and(|fields| !fields.is_empty());
    is_list.then(|| less(old, new))?
}

/// What a forwarder is told to leave out that it brought before.
pub(super) fn brings_less(old: &Json, new: &Json) -> Vec<String> {
    let read = |environment: &Json| {
        let variables = environment.get("Variables")?;
        Configuration::parse(variables.get(CONFIGURATION_VARIABLE)?.as_str()?).ok()
    };
    let (Some(old), Some(new)) = (read(old), read(new)) else {
        return Vec::new();
    };
    let percent = |group: &LogGroup| group.accepted_percent.unwrap_or(100);
    let groups = new.log_groups.iter().filter_map(|(name, group)| {
        let before = old.log_groups.get(name).map_or(0, percent);
        let after = percent(group);
        (after < before)
            .then(|| format!("brings {after} of a hundred accepted flows, not {before}"))
    });
    let streams = new.streams.iter().filter_map(|(name, stream)| {
        let before = &old.streams.get(name)?.log_streams;
        (*before != stream.log_streams && !stream.log_streams.is_all())
            .then(|| format!("chooses other log streams for `{name}`"))
    });
    groups.chain(streams).collect()
}
