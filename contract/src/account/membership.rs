//! Which events of an account belong to a cluster. Pure.
//!
//! An event belongs to a cluster if it names a member of its resource groups,
//! was made by or speaks of one of its roles, or is of its EKS cluster; and what
//! the account's root user does concerns every cluster. An event may belong to
//! several clusters, or to none: then it stays in the account's log group only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Registration, Source, Wanted};
use crate::members::Member;
use crate::pattern::matches;

/// The members of a cluster's resource groups, as events name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownMembers {
    arns: BTreeSet<String>,
    /// Ids, each with the services whose events call their objects so.
    ids: BTreeMap<String, BTreeSet<String>>,
}

impl KnownMembers {
    /// Makes members known by their ARNs and ids.
    pub fn of<'m>(members: impl IntoIterator<Item = &'m Member>) -> Self {
        let mut known = Self::default();
        for member in members {
            let service = member.arn.split(':').nth(2).unwrap_or_default();
            let services = known.ids.entry(member.id.clone()).or_default();
            services.insert(service.to_owned());
            known.arns.insert(member.arn.clone());
        }
        known
    }

    /// Whether a text of an event of a service names a member: by its ARN, or
    /// that of something in it, or by its id.
    fn are_named(&self, text: &str, service: &str) -> bool {
        if text.starts_with("arn:") {
            // The greatest ARN that isn't greater is the only one that can be its start,
            // but for members in one another, so each start is looked up.
            let ends = text.match_indices(['/', ':']).map(|(at, _)| at);
            return self.arns.contains(text)
                || ends.into_iter().any(|at| self.arns.contains(&text[..at]));
        }
        self.ids
            .get(text)
            .is_some_and(|services| is_id_of_ec2(text) || services.iter().any(|own| own == service))
    }
}

/// Whether a text is an id as EC2 gives them, such as `vpc-0a1b2c3d`: no other
/// service calls something else so.
fn is_id_of_ec2(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(kind, digits)| {
        !kind.is_empty()
            && kind
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && digits.len() >= 8
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

impl Registration {
    /// Where a record of CloudTrail that came by a source goes, if it is this
    /// cluster's and wanted.
    pub fn claims(
        &self,
        source: Source,
        record: &Value,
        members: &KnownMembers,
    ) -> Option<&Wanted> {
        let wanted = self.sources.get(&source)?;
        (wanted.takes(record) && self.owns(record, members)).then_some(wanted)
    }

    /// Whether a record is of this cluster.
    fn owns(&self, record: &Value, members: &KnownMembers) -> bool {
        let event_source = record["eventSource"].as_str().unwrap_or_default();
        let service = event_source.split('.').next().unwrap_or_default();
        let parts = ["resources", "requestParameters", "responseElements"];
        let names_member = parts.iter().any(|part| {
            any_text(&record[*part], &mut |_, text| {
                members.are_named(text, service)
            })
        });
        names_member
            || self.is_caller(record)
            || self.names_role(record)
            || self.is_eks(record)
            || is_by_root(record)
    }

    /// Whether one of the cluster's roles made the call.
    fn is_caller(&self, record: &Value) -> bool {
        let identity = &record["userIdentity"];
        let issuer = &identity["sessionContext"]["sessionIssuer"];
        let is_role = issuer["type"] == "Role" || identity["type"] == "AssumedRole";
        is_role
            && issuer["userName"]
                .as_str()
                .is_some_and(|name| self.has_role(name))
    }

    /// Whether the call speaks of one of the cluster's roles.
    fn names_role(&self, record: &Value) -> bool {
        const FIELDS: [&str; 3] = ["roleArn", "roleName", "instanceProfileName"];
        any_text(&record["requestParameters"], &mut |key, text| {
            let name = text.rsplit('/').next().unwrap_or_default();
            FIELDS.contains(&key) && self.has_role(name)
        })
    }

    fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether the call is about the cluster as EKS knows it.
    fn is_eks(&self, record: &Value) -> bool {
        let Some(own) = &self.eks else {
            return false;
        };
        let request = &record["requestParameters"];
        record["eventSource"] == "eks.amazonaws.com"
            && ["name", "clusterName"]
                .iter()
                .any(|key| request[*key] == **own)
    }
}

/// Whether the root user of the account did it, who may do everything; not a
/// service in its name.
fn is_by_root(record: &Value) -> bool {
    let identity = &record["userIdentity"];
    identity["type"] == "Root"
        && identity["invokedBy"].is_null()
        && record["eventType"] != "AwsServiceEvent"
}

impl Wanted {
    /// Whether records of this kind are wanted.
    fn takes(&self, record: &Value) -> bool {
        // CloudTrail leaves it out where it doesn't know; such a call may have written.
        let reads = record["readOnly"] == true || record["readOnly"] == "true";
        let service = record["eventSource"].as_str().unwrap_or_default();
        (if reads { self.read } else { self.write }) && !self.exclude.contains(service)
    }
}

/// Whether one of the texts in a value is looked for, by the key that it is at.
fn any_text(value: &Value, is_wanted: &mut impl FnMut(&str, &str) -> bool) -> bool {
    fn walk(key: &str, value: &Value, is_wanted: &mut impl FnMut(&str, &str) -> bool) -> bool {
        match value {
            Value::String(text) => is_wanted(key, text),
            Value::Array(items) => items.iter().any(|item| walk(key, item, is_wanted)),
            Value::Object(map) => map.iter().any(|(key, inner)| walk(key, inner, is_wanted)),
            _ => false,
        }
    }
    walk("", value, is_wanted)
}
