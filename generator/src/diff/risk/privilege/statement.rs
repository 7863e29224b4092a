//! Statements of policies, wherever a resource has them. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::covered;
use super::named::NewNames;
use crate::diff::risk::change::texts;

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
    members: Cow<'t, Map<String, Json>>,
}

impl<'t> Statement<'t> {
    fn of(members: Cow<'t, Map<String, Json>>) -> Self {
        let effect = members.get("Effect").and_then(Json::as_str);
        Self {
            denies: effect == Some("Deny"),
            members,
        }
    }

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
        covered(&self.actions(), &action.to_ascii_lowercase())
            && covered(&self.resources(), resource)
            && covered(&self.principals(), principal)
    }

    /// Its actions, of which the case doesn't matter.
    pub(super) fn actions(&self) -> Vec<String> {
        let actions = self.list("Action").into_iter();
        actions.map(|own| own.to_ascii_lowercase()).collect()
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
    match value {
        _ if depth > MAX_DEPTH => {}
        Json::Object(members) => match members.get("Statement") {
            Some(list) => found.extend(listed(list).map(|own| Statement::of(Cow::Borrowed(own)))),
            None => {
                for value in members.values() {
                    collect(value, depth + 1, found);
                }
            }
        },
        Json::Array(items) => {
            for item in items {
                collect(item, depth + 1, found);
            }
        }
        // A document in a text.
        Json::String(text)
            if text.trim_start().starts_with('{') && text.contains("\"Statement\"") =>
        {
            let read: Option<Json> = serde_json::from_str(text).ok();
            let list = read.as_ref().and_then(|read| read.get("Statement"));
            let own = list.into_iter().flat_map(listed);
            found.extend(own.map(|own| Statement::of(Cow::Owned(own.clone()))));
        }
        _ => {}
    }
}

/// The statements of a list, or the only one.
fn listed(list: &Json) -> impl Iterator<Item = &Map<String, Json>> {
    let list = list
        .as_array()
        .map_or(std::slice::from_ref(list), Vec::as_slice);
    list.iter().filter_map(Json::as_object)
}
