//! The `members` stack: what hangs on single members of a cluster's resource
//! group, such as the flow log of each network. Pure.
//!
//! `gen render` writes a [`Fragment`] for each type of member. Whoever lists
//! the members puts fragments and members together with [`compose`], and gets
//! templates of CloudFormation, and the calls of AWS's API for what
//! CloudFormation can't own.
//!
//! In a fragment's texts `${member.id}`, `${member.arn}` and `${member.hash}`
//! stand for the member, and a text in a list that has `${members.arn}` in it
//! for one text for each member. Nothing here holds data, so everything goes
//! with its member; a delivery goes before its source, on which it depends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Resources of a stack, and bytes of its template:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.
const MOST_RESOURCES: usize = 500;
const MOST_BYTES: usize = 1_000_000;

/// Values of all selectors of a trail:
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>.
const MOST_SELECTOR_VALUES: usize = 500;

/// What every member of a type gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// The members' type, such as `AWS::EC2::VPC`.
    pub member_type: String,
    /// Text of their ARNs, where members of one type differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn_contains: Option<String>,
    /// The Region of the stack.
    pub region: String,
    /// Members that are known without looking for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<KnownMember>,
    /// ARNs of members that get nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub never: BTreeSet<String>,
    /// Resources that each member gets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub resources: Map<String, Value>,
    /// Resources that all members get together.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub once: Map<String, Value>,
    /// Calls for what CloudFormation can't own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<FragmentCall>,
    /// The fragment of the account and the same Region that gets these members
    /// as well, by its name: what clusters share is made there once for all of
    /// their members ([`join`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joins: Option<String>,
}

/// A member that is known without looking for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownMember {
    /// Its id, or its name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

/// A call for what CloudFormation can't own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FragmentCall {
    /// Before or after the stacks are made.
    pub when: When,
    /// The service, such as `route53`.
    pub service: String,
    /// The action, such as `CreateQueryLoggingConfig`.
    pub action: String,
    /// Its parameters.
    pub parameters: Value,
    /// Where in its answer the text lies that undoing it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// How it is undone; `${result}` stands for the answer's text.
    pub undo: Undo,
}

/// When a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before the stacks are made, which need what it makes.
    Before,
    /// After.
    After,
}

/// How a call is undone, by the same service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The action.
    pub action: String,
    /// Its parameters.
    pub parameters: Value,
}

/// A member of the resource group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its type, such as `AWS::EC2::VPC`.
    pub member_type: String,
    /// Its ARN.
    pub arn: String,
    /// Its id or name, as its API wants it.
    pub id: String,
}

impl Member {
    /// The start of the SHA-256 of its ARN: 16 hexadecimal digits.
    pub fn hash(&self) -> String {
        base16ct::lower::encode_string(&Sha256::digest(&self.arn)[..8])
    }
}

/// What members come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Composition {
    /// The templates, by the number of their stack. Resources of all members
    /// together stand in the first.
    pub stacks: Vec<Value>,
    /// The number of each member's stack, by [`Member::hash`]: to be handed to
    /// the next [`compose`], so that nothing moves to another stack.
    pub placed: BTreeMap<String, usize>,
    /// The calls, in their order.
    pub calls: Vec<Call>,
}

/// A call for one member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// The member's ARN.
    pub member: String,
    /// The call.
    #[serde(flatten)]
    pub call: FragmentCall,
}

/// Why fragments and members don't fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A trail's selectors have more values than AWS allows.
    #[error(
        "the trail `{resource}` would name {count} members of type {member_type}, and AWS allows {MOST_SELECTOR_VALUES}"
    )]
    TooManyValues {
        /// Its logical id.
        resource: String,
        /// The members' type.
        member_type: String,
        /// How many there are.
        count: usize,
    },
    /// One member has more than a stack can hold.
    #[error("the resources of {0} don't fit into one stack")]
    TooLarge(String),
    /// Two fragments have resources of one logical id.
    #[error("two fragments both have a resource `{0}`")]
    Twice(String),
    /// A placeholder that stands for nothing.
    #[error("unknown placeholder `{0}`")]
    UnknownPlaceholder(String),
    /// Members join a fragment that the account doesn't have.
    #[error("the fragment `{fragment}` joins `{joins}` of the account, which isn't there")]
    JoinsNothing {
        /// The cluster's fragment.
        fragment: String,
        /// The account's.
        joins: String,
    },
}

/// The fragments of a cluster in the account and Region, by their names, and
/// the members of its resource group.
pub type ClusterMembers<'c> = (&'c BTreeMap<String, Fragment>, &'c BTreeSet<Member>);

/// The fragments of an account and Region with the members that its clusters
/// hand them: to be put together by [`compose`], without further members. A
/// member of several clusters is there once; what one of them never logs is
/// never logged.
pub fn join<'c>(
    account: &BTreeMap<String, Fragment>,
    clusters: impl IntoIterator<Item = ClusterMembers<'c>>,
) -> Result<Vec<Fragment>, ComposeError> {
    let mut joined = account.clone();
    for (fragments, members) in clusters {
        for (name, fragment) in fragments {
            let Some(joins) = &fragment.joins else {
                continue;
            };
            let Some(shared) = joined.get_mut(joins) else {
                return Err(ComposeError::JoinsNothing {
                    fragment: name.clone(),
                    joins: joins.clone(),
                });
            };
            let own = members_of(fragment, members).into_iter();
            shared.members.extend(own.map(|member| KnownMember {
                id: member.id,
                arn: member.arn,
            }));
            shared.never.extend(fragment.never.iter().cloned());
        }
    }
    for fragment in joined.values_mut() {
        fragment
            .members
            .sort_by(|one, other| one.arn.cmp(&other.arn));
        fragment.members.dedup();
    }
    Ok(joined.into_values().collect())
}

/// Puts fragments and members together. `placed` is what the last composition
/// said; members that it doesn't know go where there is room.
pub fn compose(
    fragments: &[Fragment],
    members: &BTreeSet<Member>,
    placed: &BTreeMap<String, usize>,
) -> Result<Composition, ComposeError> {
    let mut stacks = Stacks::default();
    let mut calls = Vec::new();
    let mut by_member: BTreeMap<String, (String, Map<String, Value>)> = BTreeMap::new();
    for fragment in fragments {
        let own = members_of(fragment, members);
        for (id, resource) in once(fragment, &own)? {
            stacks.put_first(id, resource)?;
        }
        for member in &own {
            let entry = by_member
                .entry(member.hash())
                .or_insert_with(|| (member.arn.clone(), Map::new()));
            for (id, resource) in &fragment.resources {
                let id = format!("{id}{}", member.hash());
                let resource = of_member(resource, member, &fragment.resources)?;
                if entry.1.insert(id.clone(), resource).is_some() {
                    return Err(ComposeError::Twice(id));
                }
            }
            for call in &fragment.calls {
                calls.push(Call {
                    member: member.arn.clone(),
                    call: call_of(call, member)?,
                });
            }
        }
    }
    by_member.retain(|_, (_, resources)| !resources.is_empty());
    // Those that have a place keep it, whatever comes.
    let (old, new): (Vec<_>, Vec<_>) = by_member
        .into_iter()
        .partition(|(hash, _)| placed.contains_key(hash));
    let mut places = BTreeMap::new();
    for (hash, (arn, resources)) in old.into_iter().chain(new) {
        let place = stacks.put(placed.get(&hash).copied(), &arn, resources)?;
        places.insert(hash, place);
    }
    calls.sort_by(|one, other| {
        let key = |call: &Call| (call.call.when, call.member.clone());
        key(one).cmp(&key(other))
    });
    Ok(Composition {
        stacks: stacks.templates(),
        placed: places,
        calls,
    })
}

/// The members that a fragment is for, by ARN.
fn members_of(fragment: &Fragment, members: &BTreeSet<Member>) -> Vec<Member> {
    let known = fragment.members.iter().map(|member| Member {
        member_type: fragment.member_type.clone(),
        arn: member.arn.clone(),
        id: member.id.clone(),
    });
    let fits = |member: &&Member| {
        member.member_type == fragment.member_type
            && fragment
                .arn_contains
                .as_ref()
                .is_none_or(|text| member.arn.contains(text))
    };
    let found: BTreeMap<String, Member> = members
        .iter()
        .filter(fits)
        .cloned()
        .chain(known)
        .filter(|member| !fragment.never.contains(&member.arn))
        .map(|member| (member.arn.clone(), member))
        .collect();
    found.into_values().collect()
}

/// What all members get together; nothing without any.
fn once(fragment: &Fragment, members: &[Member]) -> Result<Vec<(String, Value)>, ComposeError> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (id, resource) in &fragment.once {
        let resource = expand(resource, members)?;
        let is_trail = resource["Type"] == "AWS::CloudTrail::Trail";
        let count = selector_values(&resource);
        if is_trail && count > MOST_SELECTOR_VALUES {
            return Err(ComposeError::TooManyValues {
                resource: id.clone(),
                member_type: fragment.member_type.clone(),
                count,
            });
        }
        found.push((id.clone(), resource));
    }
    Ok(found)
}

fn selector_values(trail: &Value) -> usize {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&trail["Properties"]["AdvancedEventSelectors"])
        .iter()
        .flat_map(|selector| list(&selector["FieldSelectors"]))
        .flat_map(|field| field.as_object().cloned().unwrap_or_default())
        .map(|(_, values)| values.as_array().map_or(0, Vec::len))
        .sum()
}

/// Puts the ARNs of all members in a resource's lists.
fn expand(value: &Value, members: &[Member]) -> Result<Value, ComposeError> {
    const ARN: &str = "${members.arn}";
    Ok(match value {
        Value::Array(items) => {
            let mut expanded = Vec::new();
            for item in items {
                match item.as_str().filter(|text| text.contains(ARN)) {
                    Some(text) => expanded.extend(
                        members
                            .iter()
                            .map(|member| Value::String(text.replace(ARN, &member.arn))),
                    ),
                    None => expanded.push(expand(item, members)?),
                }
            }
            Value::Array(expanded)
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| Ok((key.clone(), expand(value, members)?)))
                .collect::<Result<_, _>>()?,
        ),
        Value::String(text) => Value::String(complete(text.clone())?),
        other => other.clone(),
    })
}

/// A resource for one member. Siblings that it names get the member's hash.
fn of_member(
    value: &Value,
    member: &Member,
    siblings: &Map<String, Value>,
) -> Result<Value, ComposeError> {
    let sibling = |text: &str| {
        siblings
            .contains_key(text)
            .then(|| Value::String(format!("{text}{}", member.hash())))
    };
    Ok(match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, inner) in map {
                let inner = match (key.as_str(), inner) {
                    ("DependsOn" | "Ref", Value::String(text)) => {
                        sibling(text).unwrap_or_else(|| inner.clone())
                    }
                    ("DependsOn" | "Fn::GetAtt", Value::Array(items)) => Value::Array(
                        items
                            .iter()
                            .map(|item| {
                                let text = item.as_str().unwrap_or_default();
                                sibling(text).unwrap_or_else(|| item.clone())
                            })
                            .collect(),
                    ),
                    _ => of_member(inner, member, siblings)?,
                };
                out.insert(key.clone(), inner);
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| of_member(item, member, siblings))
                .collect::<Result<_, _>>()?,
        ),
        Value::String(text) => Value::String(replace(text, member)?),
        other => other.clone(),
    })
}

fn call_of(call: &FragmentCall, member: &Member) -> Result<FragmentCall, ComposeError> {
    let none = Map::new();
    Ok(FragmentCall {
        parameters: of_member(&call.parameters, member, &none)?,
        undo: Undo {
            action: call.undo.action.clone(),
            parameters: of_member(&call.undo.parameters, member, &none)?,
        },
        ..call.clone()
    })
}

fn replace(text: &str, member: &Member) -> Result<String, ComposeError> {
    if !text.contains("${member") {
        return Ok(text.to_owned());
    }
    complete(
        text.replace("${member.id}", &member.id)
            .replace("${member.arn}", &member.arn)
            .replace("${member.hash}", &member.hash()),
    )
}

/// `${…}` of others, such as a flow log's fields, may stay; one that means a
/// member may not.
fn complete(text: String) -> Result<String, ComposeError> {
    match text.find("${member") {
        Some(start) => {
            let end = text[start..]
                .find('}')
                .map_or(text.len(), |end| start + end + 1);
            Err(ComposeError::UnknownPlaceholder(
                text[start..end].to_owned(),
            ))
        }
        None => Ok(text),
    }
}

/// Stacks that are being filled.
#[derive(Debug, Default)]
struct Stacks(Vec<Stack>);

#[derive(Debug, Default)]
struct Stack {
    resources: Map<String, Value>,
    bytes: usize,
}

/// Bytes of a template beside its resources.
const FRAME: usize = 256;

impl Stacks {
    fn put_first(&mut self, id: String, resource: Value) -> Result<(), ComposeError> {
        if self.0.is_empty() {
            self.0.push(Stack::default());
        }
        let bytes = size(&id, &resource);
        let first = &mut self.0[0];
        first.bytes += bytes;
        if first.resources.insert(id.clone(), resource).is_some() {
            return Err(ComposeError::Twice(id));
        }
        Ok(())
    }

    /// Puts a member's resources where they were, or where there is room.
    fn put(
        &mut self,
        place: Option<usize>,
        member: &str,
        resources: Map<String, Value>,
    ) -> Result<usize, ComposeError> {
        let bytes: usize = resources.iter().map(|(id, value)| size(id, value)).sum();
        let fits = |stack: &Stack| {
            stack.resources.len() + resources.len() <= MOST_RESOURCES
                && stack.bytes + bytes + FRAME <= MOST_BYTES
        };
        if !fits(&Stack::default()) {
            return Err(ComposeError::TooLarge(member.to_owned()));
        }
        let place = place
            .filter(|place| self.0.get(*place).is_none_or(fits))
            .or_else(|| self.0.iter().position(fits))
            .unwrap_or(self.0.len());
        while self.0.len() <= place {
            self.0.push(Stack::default());
        }
        let stack = &mut self.0[place];
        stack.bytes += bytes;
        stack.resources.extend(resources);
        Ok(place)
    }

    /// The templates. One that became empty keeps its number.
    fn templates(self) -> Vec<Value> {
        self.0
            .into_iter()
            .map(|mut stack| {
                stack.resources.sort_keys();
                json!({
                    "AWSTemplateFormatVersion": "2010-09-09",
                    "Description": "What hangs on members of the cluster's resource group, by logfleet",
                    "Resources": stack.resources,
                })
            })
            .collect()
    }
}

fn size(id: &str, resource: &Value) -> usize {
    id.len() + resource.to_string().len() + 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(value: Value) -> Fragment {
        serde_json::from_value(value).expect("a fragment")
    }

    fn network(id: &str) -> Member {
        Member {
            member_type: "AWS::EC2::VPC".to_owned(),
            arn: format!("arn:aws:ec2:eu-central-1:111122223333:vpc/{id}"),
            id: id.to_owned(),
        }
    }

    fn flow_logs() -> Fragment {
        fragment(json!({
            "member_type": "AWS::EC2::VPC",
            "region": "eu-central-1",
            "never": ["arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-own"],
            "resources": {
                "Source": { "Type": "A", "Properties": { "Name": "x-${member.hash}", "Format": "${version} ${action}" } },
                "Delivery": { "Type": "B", "DependsOn": ["Source", "Elsewhere"], "Properties": { "Of": { "Ref": "Source" }, "At": { "Fn::GetAtt": ["Source", "Arn"] }, "Id": "${member.id}", "Arn": "${member.arn}" } },
            },
        }))
    }

    fn composed(fragments: &[Fragment], members: &[Member]) -> Composition {
        let members = members.iter().cloned().collect();
        compose(fragments, &members, &BTreeMap::new()).expect("they fit together")
    }

    #[test]
    fn each_member_has_resources_of_its_own() {
        let member = network("vpc-1");
        let hash = member.hash();
        let composition = composed(&[flow_logs()], &[member, network("vpc-own")]);
        assert_eq!(
            composition.stacks[0]["Resources"],
            json!({
                format!("Delivery{hash}"): {
                    "Type": "B",
                    "DependsOn": [format!("Source{hash}"), "Elsewhere"],
                    "Properties": {
                        "Of": { "Ref": format!("Source{hash}") },
                        "At": { "Fn::GetAtt": [format!("Source{hash}"), "Arn"] },
                        "Id": "vpc-1",
                        "Arn": "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-1",
                    },
                },
                format!("Source{hash}"): {
                    "Type": "A",
                    "Properties": { "Name": format!("x-{hash}"), "Format": "${version} ${action}" },
                },
            })
        );
    }

    #[test]
    fn no_members_make_no_stack() {
        assert!(composed(&[flow_logs()], &[]).stacks.is_empty());
    }

    #[test]
    fn members_beyond_a_stacks_room_go_to_the_next_and_stay_there() {
        let members: BTreeSet<Member> = (0..600).map(|n| network(&format!("vpc-{n}"))).collect();
        let first = compose(&[flow_logs()], &members, &BTreeMap::new()).expect("they fit");
        let sizes: Vec<usize> = first
            .stacks
            .iter()
            .map(|stack| stack["Resources"].as_object().map_or(0, Map::len))
            .collect();
        assert_eq!(sizes, [500, 500, 200]);
        // A third goes, a few come: nobody else moves.
        let mut later: BTreeSet<Member> = members.iter().skip(200).cloned().collect();
        later.extend((0..5).map(|n| network(&format!("vpc-new-{n}"))));
        let second = compose(&[flow_logs()], &later, &first.placed).expect("they fit");
        for member in &members {
            if let Some(place) = second.placed.get(&member.hash()) {
                assert_eq!(place, &first.placed[&member.hash()], "{}", member.id);
            }
        }
        assert_eq!(second.placed.len(), 405);
        let again = compose(&[flow_logs()], &later, &first.placed).expect("they fit");
        assert_eq!(second, again);
    }

    fn trail() -> Fragment {
        fragment(json!({
            "member_type": "AWS::DynamoDB::Table",
            "region": "eu-central-1",
            "once": { "Trail": { "Type": "AWS::CloudTrail::Trail", "Properties": { "AdvancedEventSelectors": [
                { "FieldSelectors": [{ "Field": "eventCategory", "Equals": ["Data"] }, { "Field": "resources.ARN", "StartsWith": ["${members.arn}/"] }] },
            ] } } },
        }))
    }

    fn table(n: usize) -> Member {
        Member {
            member_type: "AWS::DynamoDB::Table".to_owned(),
            arn: format!("arn:table/{n:04}"),
            id: n.to_string(),
        }
    }

    #[test]
    fn a_trail_names_all_members_within_its_limit() {
        let composition = composed(&[trail()], &[table(2), table(1)]);
        assert_eq!(
            composition.stacks[0]["Resources"]["Trail"]["Properties"]["AdvancedEventSelectors"][0]
                ["FieldSelectors"][1]["StartsWith"],
            json!(["arn:table/0001/", "arn:table/0002/"])
        );
        let many = (0..500).map(table).collect();
        assert_eq!(
            compose(&[trail()], &many, &BTreeMap::new()).map_err(|error| error.to_string()),
            Err("the trail `Trail` would name 501 members of type AWS::DynamoDB::Table, and AWS allows 500".to_owned())
        );
        let enough = (0..499).map(table).collect();
        assert!(compose(&[trail()], &enough, &BTreeMap::new()).is_ok());
    }

    #[test]
    fn what_clusters_share_is_made_once_for_all_of_their_members() {
        let account = BTreeMap::from([("table".to_owned(), trail())]);
        let of_cluster = |never: &[&str]| {
            BTreeMap::from([(
                "table".to_owned(),
                fragment(json!({
                    "member_type": "AWS::DynamoDB::Table",
                    "region": "eu-central-1",
                    "never": never,
                    "joins": "table",
                })),
            )])
        };
        let (one, other) = (of_cluster(&[]), of_cluster(&["arn:table/0003"]));
        let of_one = BTreeSet::from([table(1), table(2), table(3), network("vpc-1")]);
        let of_other = BTreeSet::from([table(2), table(4)]);
        let joined = join(&account, [(&one, &of_one), (&other, &of_other)]).expect("they fit");
        let composition = compose(&joined, &BTreeSet::new(), &BTreeMap::new()).expect("they fit");
        assert_eq!(
            composition.stacks[0]["Resources"]["Trail"]["Properties"]["AdvancedEventSelectors"][0]
                ["FieldSelectors"][1]["StartsWith"],
            json!(["arn:table/0001/", "arn:table/0002/", "arn:table/0004/"])
        );
        // Nobody has a table: no trail, which would cost and write nothing.
        let none = BTreeSet::new();
        let joined = join(&account, [(&one, &none)]).expect("they fit");
        assert_eq!(
            compose(&joined, &none, &BTreeMap::new()).map(|made| made.stacks),
            Ok(Vec::new())
        );
        assert_eq!(
            join(&BTreeMap::new(), [(&one, &none)]).map_err(|error| error.to_string()),
            Err("the fragment `table` joins `table` of the account, which isn't there".to_owned())
        );
    }

    #[test]
    fn calls_are_made_for_each_member_in_order() {
        let zones = fragment(json!({
            "member_type": "AWS::EKS::Cluster",
            "region": "eu-central-1",
            "members": [{ "id": "a", "arn": "arn:a" }],
            "calls": [
                { "when": "after", "service": "x", "action": "After", "parameters": {}, "undo": { "action": "U", "parameters": { "Id": "${result}" } } },
                { "when": "before", "service": "x", "action": "Before", "parameters": { "Name": "${member.id}" }, "undo": { "action": "U", "parameters": {} } },
            ],
        }));
        let calls = composed(&[zones], &[]).calls;
        let told: Vec<(&str, &Value)> = calls
            .iter()
            .map(|call| (call.call.action.as_str(), &call.call.parameters))
            .collect();
        assert_eq!(
            told,
            [("Before", &json!({ "Name": "a" })), ("After", &json!({}))]
        );
        assert_eq!(calls[1].call.undo.parameters, json!({ "Id": "${result}" }));
    }

    #[test]
    fn a_placeholder_that_stands_for_nothing_is_told() {
        let wrong = fragment(json!({
            "member_type": "AWS::EC2::VPC",
            "region": "eu-central-1",
            "resources": { "A": { "Type": "${member.name}" } },
        }));
        let members = BTreeSet::from([network("vpc-1")]);
        assert_eq!(
            compose(&[wrong], &members, &BTreeMap::new()),
            Err(ComposeError::UnknownPlaceholder(
                "${member.name}".to_owned()
            ))
        );
    }
}
