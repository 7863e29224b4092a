//! Statements of policies, wherever a resource has them. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use serde_json::{Map, Value as Json};

use super::super::change::texts;
use super::covered;
use super::named::NewNames;

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 24;

/// Statements of a resource: those of who may take a role, and all others.
#[derive(Default)]
pub(super) struct Statements<'t> {
    pub(super) trust: Vec<Statement<'t>>,
    pub(super) policies: Vec<Statement<'t>>,
}

/// A statement. Lists of one are texts.
pub(super) struct Statement<'t> {
    pub(super) denies: bool,
    members: std::borrow::Cow<'t, Map<String, Json>>,
}

impl Statement<'_> {
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        texts(self.members.get(key))
    }

    /// `*`, or who it is as `Service: …`; a policy of a role has none.
    pub(super) fn principals(&self) -> Vec<String> {
        match self.members.get("Principal") {
            Some(Json::Object(kinds)) => {
                let all = kinds.iter().flat_map(|(kind, who)| {
                    texts(Some(who))
                        .into_iter()
                        .map(move |who| match who.as_str() {
                            "*" => who,
                            _ => format!("{kind} {who}"),
                        })
                });
                all.collect()
            }
            None => vec![String::new()],
            other => texts(other),
        }
    }

    pub(super) fn resources(&self) -> Vec<String> {
        match self.list("Resource") {
            none if none.is_empty() => vec![String::new()],
            some => some,
        }
    }

    /// Whether it says what it isn't for.
    pub(super) fn is_negative(&self) -> bool {
        ["NotAction", "NotResource", "NotPrincipal"]
            .iter()
            .any(|key| self.members.contains_key(*key))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let plain = |statement: &Self| {
            let mut members = statement.members.clone().into_owned();
            members.remove("Sid");
            members
        };
        self.denies == other.denies && plain(self) == plain(other)
    }

    pub(super) fn takes(&self, action: &str, resource: &str, principal: &str) -> bool {
        let lower: Vec<String> = self
            .list("Action")
            .iter()
            .map(|own| own.to_ascii_lowercase())
            .collect();
        covered(&lower, &action.to_ascii_lowercase())
            && covered(&self.resources(), resource)
            && covered(&self.principals(), principal)
    }

    /// What it asks for, as text.
    pub(super) fn condition(&self) -> String {
        let condition = self.members.get("Condition");
        condition.map(Json::to_string).unwrap_or_default()
    }

    /// Whether it asks for nothing.
    pub(super) fn is_free(&self) -> bool {
        let condition = self.members.get("Condition").and_then(Json::as_object);
        condition.is_none_or(Map::is_empty)
    }

    /// Whether it says who it is for.
    pub(super) fn names_principals(&self) -> bool {
        self.members.contains_key("Principal")
    }

    /// Whether what it asks for is asked for by the other one too. Values that
    /// name what is new ask for no less.
    pub(super) fn asks_no_more_than(&self, other: &Self, names: &NewNames) -> bool {
        let (ours, theirs) = (self.conditions(), other.conditions());
        ours.iter().all(|(operator, keys)| {
            let keys = keys.as_object().cloned().unwrap_or_default();
            keys.iter().all(|(key, values)| {
                let asked = theirs.get(operator).and_then(|keys| keys.get(key));
                let (ours, theirs) = (texts(Some(values)), texts(asked));
                let narrower = theirs
                    .iter()
                    .all(|value| covered(&ours, value) || names.has(value));
                // More values of a negative operator ask for more.
                let is_negative = operator.contains("Not");
                !theirs.is_empty()
                    && (if is_negative {
                        ours == theirs
                    } else {
                        narrower
                    })
            })
        })
    }

    fn conditions(&self) -> Map<String, Json> {
        let condition = self.members.get("Condition").and_then(Json::as_object);
        condition.cloned().unwrap_or_default()
    }
}

pub(super) fn statements(resource: &Json) -> Statements<'_> {
    let mut found = Statements::default();
    let properties = resource.get("Properties").and_then(Json::as_object);
    for (name, value) in properties.into_iter().flatten() {
        let list = if name == "AssumeRolePolicyDocument" {
            &mut found.trust
        } else {
            &mut found.policies
        };
        collect(value, 0, list);
    }
    found
}

fn collect<'t>(value: &'t Json, depth: usize, found: &mut Vec<Statement<'t>>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Json::Object(members) => {
            if let Some(list) = members.get("Statement") {
                let one = std::slice::from_ref(list);
                let list = list.as_array().map_or(one, Vec::as_slice);
                let maps = list.iter().filter_map(Json::as_object);
                found.extend(maps.map(|members| Statement {
                    denies: is_deny(members),
                    members: std::borrow::Cow::Borrowed(members),
                }));
                return;
            }
            for value in members.values() {
                collect(value, depth + 1, found);
            }
        }
        Json::Array(items) => {
            for item in items {
                collect(item, depth + 1, found);
            }
        }
        Json::String(text)
            if text.trim_start().starts_with('{') && text.contains("\"Statement\"") =>
        {
            let read: Option<Json> = serde_json::from_str(text).ok();
            let Some(Json::Object(mut document)) = read else {
                return;
            };
            let list = match document.remove("Statement") {
                Some(Json::Array(items)) => items,
                Some(one) => vec![one],
                None => return,
            };
            for item in list {
                if let Json::Object(members) = item {
                    let denies = is_deny(&members);
                    let members = std::borrow::Cow::Owned(members);
                    found.push(Statement { denies, members });
                }
            }
        }
        _ => {}
    }
}

fn is_deny(statement: &Map<String, Json>) -> bool {
    statement.get("Effect").and_then(Json::as_str) == Some("Deny")
}
