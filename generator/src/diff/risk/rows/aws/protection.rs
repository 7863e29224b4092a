//! What keeps records and programs from loss and from others: as the rows read it, and find it. Pure.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::diff::risk::applier::Stack;
use crate::diff::risk::image::{is_lower, version_of_code};
use crate::diff::risk::values::{items, text, texts};
use crate::diff::risk::wording::{legible, quoted};

pub(super) fn what_is_in_it(resource: &Json, stack: Stack) -> Option<&'static str> {
    match stack {
        Stack::Stays => None,
        _ if keeps(resource, "DeletionPolicy") => {
            Some("CloudFormation leaves it, with what is in it, and out of the stack")
        }
        _ if text(resource, "/Type") == "AWS::S3::Bucket" => {
            Some("CloudFormation deletes it if it is empty, and fails otherwise")
        }
        _ => Some("CloudFormation deletes it, with what is in it, when the stack is updated"),
    }
}

pub(super) fn who_is_refused(_: &Json, stack: Stack) -> Option<&'static str> {
    match stack {
        Stack::Stays => None,
        Stack::Updated => {
            Some("CloudFormation deletes it when the stack is updated: what uses it is refused")
        }
        Stack::OfMembers => Some(
            "CloudFormation deletes it for every member when the members' stack is recreated: what uses it is refused",
        ),
    }
}

/// Whether a resource outlives its place in the stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>).
pub(super) fn keeps(resource: &Json, policy: &str) -> bool {
    matches!(
        text(resource, &format!("/{policy}")),
        "Retain" | "RetainExceptOnCreate"
    )
}

pub(super) fn deletion_keeps(resource: &Json) -> Json {
    keeps(resource, "DeletionPolicy").into()
}

pub(super) fn replacement_keeps(resource: &Json) -> Json {
    keeps(resource, "UpdateReplacePolicy").into()
}

/// Whoever may write there says what runs.
pub(super) fn another_source(old: &Json, new: &Json) -> Option<String> {
    let source = |value: &Json| {
        texts(Some(value))
            .first()
            .map(|own| repository(own).to_owned())
    };
    let (before, after) = (source(old)?, source(new)?);
    (before != after).then(|| format!("{} instead of {}", legible(&after), legible(&before)))
}

/// An image without its tag and digest; anything else as it is.
pub(super) fn repository(source: &str) -> &str {
    let name = source.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && !name.starts_with('{') => repository,
        _ => name,
    }
}

pub(super) fn older_code(old: &Json, new: &Json) -> Option<String> {
    let (old, new) = (
        old.as_str().unwrap_or_default(),
        new.as_str().unwrap_or_default(),
    );
    let (before, after) = (version_of_code(old)?, version_of_code(new)?);
    is_lower(&after, &before).then(|| format!("{} back to {}", legible(&before), legible(&after)))
}

pub(super) fn is_public(bucket: &Json) -> Json {
    let acl = text(bucket, "/Properties/AccessControl");
    (acl.starts_with("Public") || acl == "AuthenticatedRead").into()
}

pub(super) fn is_yes(value: &Json) -> bool {
    value == true || value == "true"
}

pub(super) fn blocks_less(old: &Json, new: &Json) -> Option<String> {
    let mut blocks = old.as_object().into_iter().flatten();
    let is_lost =
        |(name, value): (&String, &Json)| is_yes(value) && !new.get(name).is_some_and(is_yes);
    blocks.any(is_lost).then(String::new)
}

/// Policies of AWS that permit everything, or everything with a service, by
/// their names' ends
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html>).
const FAR_POLICIES: [&str; 3] = ["AdministratorAccess", "PowerUserAccess", "FullAccess"];

pub(super) fn more_policies(old: Option<&Json>, new: &Json) -> Vec<String> {
    let before = old.map(|old| texts(Some(old)));
    let is_far = |arn: &String| FAR_POLICIES.iter().any(|name| arn.ends_with(name));
    let more = texts(Some(new)).into_iter().filter(|arn| match &before {
        Some(before) => !before.contains(arn),
        None => is_far(arn),
    });
    let more: Vec<String> = more.collect();
    let short = more.iter().filter_map(|arn| arn.rsplit('/').next());
    let said = (!more.is_empty()).then(|| quoted(short));
    said.into_iter().collect()
}

pub(super) fn bounds_less(old: &Json, new: &Json) -> Option<String> {
    let words = if new.is_null() {
        "a role has no permissions boundary any more"
    } else {
        "a role has another permissions boundary"
    };
    (!old.is_null()).then(|| words.to_owned())
}

/// Properties by which a store is encrypted
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>).
const ENCRYPTION: [&str; 8] = [
    "BucketEncryption",
    "KmsKeyId",
    "KMSKeyId",
    "KmsMasterKeyId",
    "DeliveryStreamEncryptionConfigurationInput",
    "SSESpecification",
    "StreamEncryption",
    "EncryptionAtRestOptions",
];

/// By which properties a store is encrypted, and whether by a key of KMS.
pub(super) fn encryption(resource: &Json) -> Json {
    let property = |name: &str| resource.pointer(&format!("/Properties/{name}"));
    let mut by: Vec<&str> = ENCRYPTION
        .into_iter()
        .filter(|name| property(name).is_some_and(says))
        .collect();
    by.extend(
        property("SqsManagedSseEnabled")
            .filter(|value| is_yes(value))
            .map(|_| "SqsManagedSseEnabled"),
    );
    let rules = "/Properties/BucketEncryption/ServerSideEncryptionConfiguration";
    let rules = items(resource, rules);
    let is_of_kms = |rule: &Json| {
        text(rule, "/ServerSideEncryptionByDefault/SSEAlgorithm").starts_with("aws:kms")
    };
    let of_stream = "/Properties/DeliveryStreamEncryptionConfigurationInput/KeyType";
    let has_own_key =
        rules.iter().any(is_of_kms) || text(resource, of_stream) == "CUSTOMER_MANAGED_CMK";
    if by.is_empty() && !has_own_key {
        return Json::Null;
    }
    json!({"by": by, "key of KMS": has_own_key})
}

/// Whether a property says something: not if it is there with nothing in it.
pub(super) fn says(value: &Json) -> bool {
    let is_off = |key: &str| value.get(key) == Some(&Json::Bool(false));
    let is_empty = match value {
        Json::Null => true,
        Json::Object(members) => members
            .values()
            .all(|member| *member == Json::Array(vec![])),
        _ => false,
    };
    !is_empty && !is_off("Enabled") && !is_off("SSEEnabled")
}

pub(super) fn encrypted_less(old: &Json, new: &Json) -> Option<String> {
    let by = |value: &Json| -> BTreeSet<String> { texts(value.get("by")).into_iter().collect() };
    let has_own_key = |value: &Json| value.get("key of KMS") == Some(&Json::Bool(true));
    let what = if !by(old).is_subset(&by(new)) {
        "no longer encrypted as configured"
    } else if has_own_key(old) && !has_own_key(new) {
        "encrypted with a service-managed key instead of a KMS key"
    } else {
        return None;
    };
    Some(what.to_owned())
}
