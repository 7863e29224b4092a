//! Stores of AWS: how they are reached. Pure.

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, Resource, items, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        check_resource(change, &resource, found);
    }
}

fn check_resource(change: &Change<'_>, resource: &Resource<'_>, found: &mut Found) {
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
