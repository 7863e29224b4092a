//! Stores of AWS: how what is in them is encrypted, and how they are reached. Pure.

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, Resource, items, text};

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

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        check_resource(change, &resource, found);
    }
}

fn check_resource(change: &Change<'_>, resource: &Resource<'_>, found: &mut Found) {
    if let Some((old, new)) = resource.both() {
        check_encryption(old, new, found);
        if loses(old, new, "EnableLogFileValidation") {
            let what = "files of a trail are no longer signed";
            found.push(Flag::TlsWeakens, what, None);
        }
    }
    let Some(old) = resource.old else {
        return;
    };
    let stays = || {
        let head = change.new_value().and_then(|value| value.get("Resources"));
        let bucket = old
            .pointer("/Properties/Bucket")
            .and_then(|bucket| bucket.get("Ref")?.as_str());
        bucket.is_none_or(|bucket| head.is_some_and(|head| head.get(bucket).is_some()))
    };
    let kept = resource.new.is_some_and(denies_plain);
    if denies_plain(old) && !kept && (resource.new.is_some() || change.new.is_some() && stays()) {
        let what = "a policy no longer refuses connections that aren't encrypted";
        found.push(Flag::TlsWeakens, what, None);
    }
}

fn check_encryption(old: &Json, new: &Json, found: &mut Found) {
    let is_lost = |name: &str| says(old, name) && !says(new, name);
    if ENCRYPTION.iter().any(|name| is_lost(name)) || loses(old, new, "SqsManagedSseEnabled") {
        let what = "a store is no longer encrypted as it is told to be";
        found.push(Flag::TlsWeakens, what, None);
    } else if has_own_key(old) && !has_own_key(new) {
        let what = "a store is encrypted by a key of the service, and no longer by one of KMS";
        found.push(Flag::TlsWeakens, what, None);
    }
}

/// Whether a property says something: not if it is there with nothing in it.
fn says(resource: &Json, name: &str) -> bool {
    let value = resource.pointer(&format!("/Properties/{name}"));
    let Some(value) = value else {
        return false;
    };
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

/// Whether a store is encrypted by a key of KMS, by what its properties name.
fn has_own_key(resource: &Json) -> bool {
    let rules = resource.pointer("/Properties/BucketEncryption");
    let rules = rules.map_or(&[][..], |all| {
        items(all, "ServerSideEncryptionConfiguration")
    });
    let algorithm =
        |rule: &Json| text(rule, "/ServerSideEncryptionByDefault/SSEAlgorithm").to_owned();
    let stream = "/Properties/DeliveryStreamEncryptionConfigurationInput/KeyType";
    rules
        .iter()
        .any(|rule| algorithm(rule).starts_with("aws:kms"))
        || text(resource, stream) == "CUSTOMER_MANAGED_CMK"
}

/// Whether a property was true.
fn loses(old: &Json, new: &Json, property: &str) -> bool {
    let is_true = |value: &Json| {
        let value = value.pointer(&format!("/Properties/{property}"));
        value.is_some_and(|value| value == true || value == "true")
    };
    is_true(old) && !is_true(new)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit>
fn denies_plain(resource: &Json) -> bool {
    let document = resource.pointer("/Properties/PolicyDocument");
    let statements = document.map_or(&[][..], |document| items(document, "Statement"));
    statements.iter().any(|statement| {
        let condition = statement
            .get("Condition")
            .map(Json::to_string)
            .unwrap_or_default();
        text(statement, "/Effect") == "Deny" && condition.contains("aws:SecureTransport")
    })
}
