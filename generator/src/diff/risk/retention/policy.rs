//! Policies of Elasticsearch and OpenSearch that delete. Pure.

use serde_json::Value as Json;

use super::age::Kept;
use crate::diff::risk::values::{items, text};

/// What a policy, a template or a data stream's lifecycle says.
pub(super) fn kept(value: &Json) -> Kept {
    if let Some(phases) = value.pointer("/policy/phases") {
        return kept_by_ilm(phases);
    }
    if value.pointer("/policy/states").is_some() {
        return kept_by_ism(&value["policy"]);
    }
    let places = ["/template/lifecycle", "/lifecycle", ""];
    let retention = places.into_iter().find_map(|place| {
        let lifecycle = value.pointer(place)?;
        let off = lifecycle.get("enabled") == Some(&Json::Bool(false));
        lifecycle.get("data_retention").filter(|_| !off)?.as_str()
    });
    retention.map_or(Kept::Forever, Kept::of)
}

/// The delete phase
/// (<https://www.elastic.co/docs/reference/elasticsearch/index-lifecycle-actions/ilm-delete>).
fn kept_by_ilm(phases: &Json) -> Kept {
    let Some(phase) = phases
        .get("delete")
        .filter(|phase| phase.pointer("/actions/delete").is_some())
    else {
        return Kept::Forever;
    };
    match phase.get("min_age") {
        None => Kept::For(0),
        Some(age) => age.as_str().map_or(Kept::Unknown, Kept::of),
    }
}

/// The earliest way into a state that deletes.
fn kept_by_ism(policy: &Json) -> Kept {
    if deletes(policy, text(policy, "/default_state")) {
        return Kept::For(0);
    }
    let ages = ways_to_deletion(policy).into_iter().map(|way| {
        let conditions = way.get("conditions").and_then(Json::as_object);
        let Some(conditions) = conditions.filter(|conditions| !conditions.is_empty()) else {
            return Kept::For(0);
        };
        let age = [FROM_BEGIN, FROM_ROLLOVER]
            .into_iter()
            .find_map(|key| conditions.get(key)?.as_str());
        let is_amount = ["min_doc_count", "min_size"]
            .iter()
            .any(|key| conditions.contains_key(*key));
        match age {
            Some(age) => Kept::of(age),
            None if is_amount => Kept::ByAmount,
            None => Kept::Unknown,
        }
    });
    ages.reduce(Kept::shortest).unwrap_or(Kept::Forever)
}

const FROM_BEGIN: &str = "min_index_age";
const FROM_ROLLOVER: &str = "min_rollover_age";

/// The transitions into a state that deletes
/// (<https://docs.opensearch.org/latest/im-plugin/ism/policies/#transitions>).
fn ways_to_deletion(policy: &Json) -> Vec<&Json> {
    let states = items(policy, "states").iter();
    let ways = states.flat_map(|state| items(state, "transitions"));
    ways.filter(|way| deletes(policy, text(way, "/state_name")))
        .collect()
}

fn deletes(policy: &Json, name: &str) -> bool {
    let mut states = items(policy, "states").iter();
    let state = states.find(|state| text(state, "/name") == name);
    state.is_some_and(|state| {
        let mut actions = items(state, "actions").iter();
        actions.any(|action| action.get("delete").is_some())
    })
}

/// Whether an index's age is counted from its first record, and no longer from
/// its last: its last records are kept shorter by the time that it was written to.
pub(super) fn counts_earlier(old: &Json, new: &Json) -> bool {
    let has = |value: &Json, key: &str| {
        let ways = ways_to_deletion(&value["policy"]);
        ways.iter()
            .any(|way| way.pointer(&format!("/conditions/{key}")).is_some())
    };
    has(old, FROM_ROLLOVER) && !has(old, FROM_BEGIN) && has(new, FROM_BEGIN)
}

/// The data streams that a policy of OpenSearch is for: lists of patterns, each
/// with its priority.
pub(in crate::diff::risk) fn templates(value: &Json) -> &[Json] {
    match value.pointer("/policy/ism_template") {
        Some(Json::Array(templates)) => templates,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// The policy that a template's settings name.
pub(in crate::diff::risk) fn named(template: &Json) -> Option<&str> {
    let settings = template
        .pointer("/template/settings")
        .or_else(|| template.get("settings"))?;
    let at = ["/index/lifecycle/name", "/lifecycle/name"];
    let nested = at.iter().find_map(|at| settings.pointer(at)?.as_str());
    let flat = ["index.lifecycle.name", "lifecycle.name"];
    let flat = || flat.iter().find_map(|key| settings.get(key)?.as_str());
    nested.or_else(flat)
}
