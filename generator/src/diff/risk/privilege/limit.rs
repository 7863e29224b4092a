//! Limits of a role to some records, fields or indices. Pure.
//!
//! <https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/controlling-access-at-document-field-level>

use serde_json::Value as Json;

use super::covered;
use crate::diff::risk::values::texts;

/// How an entry is limited less than those that held before for the same indices.
pub(super) fn fewer(before: &[&Json], new: &Json) -> Vec<&'static str> {
    let Some(first) = before.first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for limits in [["query", "dls"], ["field_security", "fls"]] {
        let limit = |entry: &Json| limits.iter().find_map(|key| limit_of(entry, key));
        if !before.iter().all(|entry| limit(entry).is_some()) {
            continue;
        }
        match limit(new) {
            None => found.push("a role is no longer limited to some records or fields"),
            Some(after) if !is_as_narrow(limit(first).as_ref(), &after) => {
                found.push("a role is limited to other records or fields");
            }
            Some(_) => {}
        }
    }
    let is_wide = |entry: &Json| entry.get("allow_restricted_indices") == Some(&Json::Bool(true));
    if is_wide(new) && !before.iter().any(|entry| is_wide(entry)) {
        found.push("a role may also use the server's restricted indices");
    }
    found
}

/// A limit that leaves something out; queries in a text are read.
fn limit_of(entry: &Json, key: &str) -> Option<Json> {
    let value = entry.get(key)?;
    let read = value
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let value = read.unwrap_or_else(|| value.clone());
    let grants_all = |list: Option<&Json>| texts(list).iter().any(|name| name == "*");
    let excepts = |list: Option<&Json>| !texts(list).is_empty();
    let is_open = match &value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        // Fields of OpenSearch; those that begin with `~` are left out.
        Json::Array(fields) => {
            let all = fields.iter().all(|field| field == "*");
            all || fields.is_empty()
        }
        Json::Object(members) => {
            let all_fields = grants_all(members.get("grant")) && !excepts(members.get("except"));
            members.is_empty() || all_fields || members.contains_key("match_all")
        }
        _ => false,
    };
    (!is_open).then_some(value)
}

/// Whether a limit is the same, or one to fewer fields. Queries can't be compared.
fn is_as_narrow(before: Option<&Json>, after: &Json) -> bool {
    let Some(before) = before else {
        return false;
    };
    let list = |value: &Json, key: &str| texts(value.get(key));
    let has_fields = |value: &Json| value.get("grant").is_some();
    let (granted, left_out) = (list(before, "grant"), list(before, "except"));
    let is_narrower = has_fields(before)
        && has_fields(after)
        && list(after, "grant")
            .iter()
            .all(|field| covered(&granted, field))
        && left_out
            .iter()
            .all(|field| covered(&list(after, "except"), field));
    before == after || is_narrower
}
