//! What policies permit and deny, one action, resource and principal at a time, wherever a resource
//! of AWS has them. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::rc::Rc;

use logfleet_contract::pattern::matches;
use serde_json::{Map, Value as Json};

use super::covered;
use super::grant::product;
use super::named::NewNames;
use crate::diff::risk::values::texts;

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 24;

/// A permission, or what is denied.
#[derive(Debug)]
pub(super) struct Permission {
    /// Whether it says who may take a role.
    pub(super) is_trust: bool,
    pub(super) denies: bool,
    pub(super) action: String,
    /// The same as it is compared: its case doesn't matter.
    lower: String,
    /// Empty where a role is what it is about.
    pub(super) resource: String,
    /// `*`, or who it is as `Service …`; empty in a policy of a role.
    pub(super) principal: String,
    /// All of its statement without its name.
    statement: Rc<Map<String, Json>>,
}

impl Permission {
    /// Whether its statement says what it isn't for.
    pub(super) fn is_negative(&self) -> bool {
        ["NotAction", "NotResource", "NotPrincipal"]
            .iter()
            .any(|key| self.statement.contains_key(*key))
    }

    pub(super) fn takes_action(&self, other: &Self) -> bool {
        matches(&self.lower, &other.lower)
    }

    /// Whether it is for all that another one is for, whatever it asks for.
    pub(super) fn takes(&self, other: &Self) -> bool {
        self.takes_action(other)
            && matches(&self.resource, &other.resource)
            && matches(&self.principal, &other.principal)
    }

    /// Whether it holds wherever another one does. Values of conditions that name what is new ask
    /// for no less.
    pub(super) fn has(&self, other: &Self, names: &NewNames) -> bool {
        if self.is_negative() || other.is_negative() {
            return self.statement == other.statement;
        }
        self.takes(other) && asks_no_more(&self.condition(), &other.condition(), names)
    }

    pub(super) fn condition(&self) -> Map<String, Json> {
        let condition = self.statement.get("Condition").and_then(Json::as_object);
        condition.cloned().unwrap_or_default()
    }
}

/// Whether all that one condition asks for is asked for by the other one too.
fn asks_no_more(own: &Map<String, Json>, other: &Map<String, Json>, names: &NewNames) -> bool {
    own.iter().all(|(operator, keys)| {
        let mut keys = keys.as_object().into_iter().flatten();
        keys.all(|(key, values)| {
            let asked = other.get(operator).and_then(|keys| keys.get(key));
            let (own, other) = (texts(Some(values)), texts(asked));
            let is_narrower = |value| covered(&own, value) || names.has(value);
            // More values of a negative operator ask for more.
            let is_negative = operator.contains("Not");
            !other.is_empty()
                && if is_negative {
                    own == other
                } else {
                    other.iter().all(|value| is_narrower(value))
                }
        })
    })
}

/// Permissions by their statements.
pub(super) fn by_statement(all: &[Permission]) -> impl Iterator<Item = &[Permission]> {
    all.chunk_by(|one, next| Rc::ptr_eq(&one.statement, &next.statement))
}

/// All permissions of a resource.
pub(super) fn permissions(resource: &Json) -> Vec<Permission> {
    let mut found = Vec::new();
    let properties = resource.get("Properties").and_then(Json::as_object);
    for (name, value) in properties.into_iter().flatten() {
        collect(value, name == "AssumeRolePolicyDocument", 0, &mut found);
    }
    found
}

fn collect(value: &Json, is_trust: bool, depth: usize, found: &mut Vec<Permission>) {
    match value {
        _ if depth > MAX_DEPTH => {}
        Json::Object(members) => match members.get("Statement") {
            Some(list) => {
                let list = list
                    .as_array()
                    .map_or(std::slice::from_ref(list), Vec::as_slice);
                let statements = list.iter().filter_map(Json::as_object);
                found.extend(statements.flat_map(|statement| of_statement(statement, is_trust)));
            }
            None => {
                for value in members.values() {
                    collect(value, is_trust, depth + 1, found);
                }
            }
        },
        Json::Array(items) => {
            for item in items {
                collect(item, is_trust, depth + 1, found);
            }
        }
        // A document in a text.
        Json::String(text)
            if text.trim_start().starts_with('{') && text.contains("\"Statement\"") =>
        {
            if let Ok(document) = serde_json::from_str(text) {
                collect(&document, is_trust, depth + 1, found);
            }
        }
        _ => {}
    }
}

/// Each action, resource and principal of a statement; lists of one are texts.
fn of_statement(statement: &Map<String, Json>, is_trust: bool) -> Vec<Permission> {
    let or_empty = |list: Vec<String>| {
        let is_empty = list.is_empty();
        if is_empty { vec![String::new()] } else { list }
    };
    let actions = match statement.get("NotAction") {
        Some(_) => vec![String::new()],
        None => texts(statement.get("Action")),
    };
    let resources = or_empty(texts(statement.get("Resource")));
    let principals = match statement.get("Principal") {
        Some(Json::Object(kinds)) => {
            let all = kinds.iter().flat_map(|(kind, who)| {
                let who = texts(Some(who)).into_iter();
                who.map(move |who| match who.as_str() {
                    "*" => who,
                    _ => format!("{kind} {who}"),
                })
            });
            all.collect()
        }
        other => or_empty(texts(other)),
    };
    let mut plain = statement.clone();
    plain.remove("Sid");
    let plain = Rc::new(plain);
    let denies = statement.get("Effect").and_then(Json::as_str) == Some("Deny");
    let parts = product(&[actions, resources, principals, vec![String::new()]]);
    let permissions = parts
        .into_iter()
        .map(|[action, resource, principal, _]| Permission {
            is_trust,
            denies,
            lower: action.to_ascii_lowercase(),
            action,
            resource,
            principal,
            statement: Rc::clone(&plain),
        });
    permissions.collect()
}
