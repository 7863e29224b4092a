//! Policies of AWS in templates of CloudFormation. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::super::Flag;
use super::super::change::{Change, Found, Resource, names, text, texts};
use super::covered;

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 24;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let resources = change.resources();
    let new_names = names_of_new(&resources);
    for resource in &resources {
        let Some(new) = resource.new else {
            continue;
        };
        match resource.both() {
            Some((old, new)) => {
                compare(old, new, &new_names, found);
                check_fields(resource, old, new, found);
            }
            None if permits_all(new) => found.push(
                Flag::PrivilegeWidens,
                "a new policy permits everything on everything",
                None,
            ),
            None => {}
        }
    }
}

/// By what a policy may name the resources that come with this very change.
fn names_of_new(resources: &[Resource<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for resource in resources.iter().filter(|resource| resource.old.is_none()) {
        found.push(format!("\"{}\"", resource.id));
        let properties = resource
            .new
            .and_then(|new| new.get("Properties")?.as_object());
        for (name, value) in properties.into_iter().flatten() {
            if let Some(value) = value
                .as_str()
                .filter(|value| name.ends_with("Name") && value.len() > 3)
            {
                found.push(value.to_owned());
            }
        }
    }
    found
}

/// Statements of a resource: those of who may take a role, and all others.
#[derive(Default)]
struct Statements<'t> {
    trust: Vec<Statement<'t>>,
    policies: Vec<Statement<'t>>,
}

/// A statement. Lists of one are texts.
struct Statement<'t> {
    denies: bool,
    members: std::borrow::Cow<'t, Map<String, Json>>,
}

impl Statement<'_> {
    fn list(&self, key: &str) -> Vec<String> {
        texts(self.members.get(key))
    }

    /// `*`, or who it is as `Service: …`; a policy of a role has none.
    fn principals(&self) -> Vec<String> {
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

    fn resources(&self) -> Vec<String> {
        match self.list("Resource") {
            none if none.is_empty() => vec![String::new()],
            some => some,
        }
    }

    /// Whether it says what it isn't for.
    fn is_negative(&self) -> bool {
        ["NotAction", "NotResource", "NotPrincipal"]
            .iter()
            .any(|key| self.members.contains_key(*key))
    }

    fn is_same(&self, other: &Self) -> bool {
        let plain = |statement: &Self| {
            let mut members = statement.members.clone().into_owned();
            members.remove("Sid");
            members
        };
        self.denies == other.denies && plain(self) == plain(other)
    }

    fn takes(&self, action: &str, resource: &str, principal: &str) -> bool {
        let lower: Vec<String> = self
            .list("Action")
            .iter()
            .map(|own| own.to_ascii_lowercase())
            .collect();
        covered(&lower, &action.to_ascii_lowercase())
            && covered(&self.resources(), resource)
            && covered(&self.principals(), principal)
    }

    /// Whether what it asks for is asked for by the other one too.
    fn asks_no_more_than(&self, other: &Self) -> bool {
        let conditions = |statement: &Self| {
            statement
                .members
                .get("Condition")
                .and_then(Json::as_object)
                .cloned()
        };
        let theirs = conditions(other).unwrap_or_default();
        conditions(self)
            .unwrap_or_default()
            .iter()
            .all(|(operator, keys)| {
                let keys = keys.as_object().cloned().unwrap_or_default();
                keys.iter().all(|(key, values)| {
                    let asked = theirs.get(operator).and_then(|keys| keys.get(key));
                    let (ours, theirs) = (texts(Some(values)), texts(asked));
                    let narrower = theirs.iter().all(|value| covered(&ours, value));
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
}

fn statements(resource: &Json) -> Statements<'_> {
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

fn permits_all(resource: &Json) -> bool {
    let all = |list: &[String]| list.iter().any(|name| name == "*");
    let Statements { trust, policies } = statements(resource);
    trust.iter().chain(&policies).any(|statement| {
        let free = !statement.denies && statement.members.get("Condition").is_none();
        let everybody = statement.members.contains_key("Principal") && all(&statement.principals());
        free && (everybody || all(&statement.list("Action")) && all(&statement.resources()))
    })
}

fn compare(old: &Json, new: &Json, new_names: &[String], found: &mut Found) {
    let (old, new) = (statements(old), statements(new));
    for (old, new) in [(old.trust, new.trust), (old.policies, new.policies)] {
        for statement in new.iter().filter(|statement| !statement.denies) {
            compare_allowed(&old, statement, new_names, found);
        }
        for statement in old.iter().filter(|statement| statement.denies) {
            let condition = statement
                .members
                .get("Condition")
                .map(Json::to_string)
                .unwrap_or_default();
            // What keeps connections encrypted is told as such.
            if !condition.contains("aws:SecureTransport") && !is_still_denied(statement, &new) {
                found.push(
                    Flag::PrivilegeWidens,
                    "a policy no longer denies what it denied",
                    None,
                );
            }
        }
    }
}

fn is_still_denied(old: &Statement<'_>, new: &[Statement<'_>]) -> bool {
    let denying = || new.iter().filter(|statement| statement.denies);
    if old.is_negative() {
        return denying().any(|new| new.is_same(old));
    }
    let all = atoms(old);
    all.iter().all(|(action, resource, principal)| {
        denying().any(|new| {
            !new.is_negative()
                && new.takes(action, resource, principal)
                && new.asks_no_more_than(old)
        })
    })
}

/// Each action, resource and principal of a statement.
fn atoms(statement: &Statement<'_>) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let (resources, principals) = (statement.resources(), statement.principals());
    for action in statement.list("Action") {
        for resource in &resources {
            for principal in &principals {
                found.push((action.clone(), resource.clone(), principal.clone()));
            }
        }
    }
    found
}

fn compare_allowed(
    old: &[Statement<'_>],
    new: &Statement<'_>,
    new_names: &[String],
    found: &mut Found,
) {
    if new.is_negative() {
        if !old.iter().any(|old| old.is_same(new)) {
            let what = "a policy permits all but what it names (`NotAction`, `NotResource` or `NotPrincipal`)";
            found.push(Flag::PrivilegeWidens, what, None);
        }
        return;
    }
    let allowing = || old.iter().filter(|old| !old.denies && !old.is_negative());
    let mut more: [BTreeSet<String>; 4] = Default::default();
    for (action, resource, principal) in atoms(new) {
        let taking = || allowing().filter(|old| old.takes(&action, &resource, &principal));
        if taking().any(|old| old.asks_no_more_than(new)) {
            continue;
        }
        let lower = action.to_ascii_lowercase();
        let known_action = allowing().any(|old| {
            covered(
                &old.list("Action")
                    .iter()
                    .map(|own| own.to_ascii_lowercase())
                    .collect::<Vec<_>>(),
                &lower,
            )
        });
        let known_principal = allowing().any(|old| covered(&old.principals(), &principal));
        let is_of_new = !resource.ends_with("/*\"")
            && new_names
                .iter()
                .any(|name| resource.contains(name.as_str()));
        if taking().next().is_some() {
            // Values of a condition that name what is new narrow nothing less.
            let condition = new
                .members
                .get("Condition")
                .map(Json::to_string)
                .unwrap_or_default();
            if !new_names
                .iter()
                .any(|name| condition.contains(name.as_str()))
            {
                more[3].insert(action);
            }
        } else if !known_action {
            more[0].insert(action);
        } else if !known_principal {
            more[1].insert(principal);
        } else if !is_of_new {
            more[2].insert(action);
        }
    }
    let words: [fn(&str) -> String; 4] = [
        |actions| format!("a policy permits {actions} as well"),
        |who| format!("a policy lets {who} in as well"),
        |actions| format!("a policy permits {actions} on more resources"),
        |actions| format!("a policy permits {actions} under fewer conditions"),
    ];
    for (more, words) in more.iter().zip(words) {
        if !more.is_empty() {
            found.push(Flag::PrivilegeWidens, words(&names(more)), None);
        }
    }
}

fn check_fields(resource: &Resource<'_>, old: &Json, new: &Json, found: &mut Found) {
    let list = |value: &Json| texts(value.pointer("/Properties/ManagedPolicyArns"));
    let before = list(old);
    let more: Vec<String> = list(new)
        .into_iter()
        .filter(|arn| !before.contains(arn))
        .collect();
    if !more.is_empty() {
        let what = "a role gets another managed policy";
        found.push(Flag::PrivilegeWidens, what, None);
    }
    if resource.kind() == "AWS::Lambda::Permission" {
        let principal = |value| text(value, "/Properties/Principal").to_owned();
        let lost = |field: &str| {
            let at = format!("/Properties/{field}");
            old.pointer(&at).is_some() && new.pointer(&at).is_none()
        };
        if principal(old) != principal(new) {
            let what = "another principal may call a function";
            found.push(Flag::PrivilegeWidens, what, None);
        } else if ["SourceArn", "SourceAccount", "PrincipalOrgID"]
            .into_iter()
            .any(lost)
        {
            let what = "a function may be called on behalf of others";
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
    let at = "/Properties/PublicAccessBlockConfiguration";
    let blocks = old.pointer(at).and_then(Json::as_object);
    let is_lost = |(name, value): (&String, &Json)| {
        *value == true && new.pointer(&format!("{at}/{name}")) != Some(&Json::Bool(true))
    };
    if blocks.into_iter().flatten().any(is_lost) {
        let what = "a bucket may be made public";
        found.push(Flag::PrivilegeWidens, what, None);
    }
}
