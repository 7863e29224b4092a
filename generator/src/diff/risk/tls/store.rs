//! Stores of AWS: how they are reached. Pure.

use serde_json::Value as Json;

use crate::diff::risk::row::Among;
use crate::diff::risk::values::{items, text};

/// Whether a bucket of the template stays, whose policy is gone that refused plain connections.
pub(in crate::diff::risk) fn bucket_stays(among: &Among<'_>) -> bool {
    let ([Some(policy), _], [_, Some(head)]) = (among.values(), among.files()) else {
        return false;
    };
    let bucket = policy
        .pointer("/Properties/Bucket/Ref")
        .and_then(Json::as_str);
    let has = |bucket: &str| {
        let resources = head.get("Resources");
        resources.is_some_and(|resources| resources.get(bucket).is_some())
    };
    denies_plain(policy) == true && bucket.is_none_or(has)
}

/// Whether a policy refuses connections that aren't encrypted
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit>).
pub(in crate::diff::risk) fn denies_plain(resource: &Json) -> Json {
    let statements = items(resource, "/Properties/PolicyDocument/Statement");
    let denies = statements.iter().any(|statement| {
        let condition = statement.get("Condition").map(Json::to_string);
        text(statement, "/Effect") == "Deny"
            && condition.is_some_and(|condition| condition.contains("aws:SecureTransport"))
    });
    denies.into()
}
