//! Secrets that a template of `CloudFormation` names: dynamic references
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>),
//! addresses, and the forwarder's own configuration. Pure.

use serde_json::Value as Json;

use super::References;
use crate::diff::risk::values::{text, texts_in};
use crate::diff::risk::wording::legible;

/// Reads one resource.
pub(super) fn read(id: &str, resource: &Json, found: &mut References) {
    let owner = format!("the resource `{}`", legible(id));
    let permissions = format!("the permissions of `{}`", legible(id));
    found.add_owner(&owner);
    found.entry(&permissions).is_permitted = true;
    for text in texts_in(resource) {
        of_text(text, [&owner, &permissions], found);
    }
}

fn of_text(text: &str, [owner, permissions]: [&str; 2], found: &mut References) {
    for (at, start) in text.match_indices("{{resolve:") {
        let rest = &text[at + start.len()..];
        let reference = &rest[..rest.find("}}").unwrap_or(rest.len())];
        let kinds = ["secretsmanager:", "ssm-secure:"];
        if kinds.iter().any(|kind| reference.starts_with(kind)) {
            found.add(owner, "value", &[reference]);
        }
    }
    for (at, start) in text.match_indices(":secret:") {
        let is_of_secrets = text[..at].contains(":secretsmanager:") && text.starts_with("arn:");
        let rest = &text[at + start.len()..];
        let end = rest.find(['"', '}', ' ']).unwrap_or(rest.len());
        if is_of_secrets {
            found.add(permissions, "addresses", &[&rest[..end]]);
        }
    }
    of_configuration(text, found);
}

/// The destinations of the forwarder, which its configuration has as JSON.
fn of_configuration(text: &str, found: &mut References) {
    if !text.starts_with('{') || !text.contains("\"destinations\"") {
        return;
    }
    let read: Option<Json> = serde_json::from_str(text).ok();
    let destinations = read.as_ref().and_then(|read| read.get("destinations"));
    for (name, destination) in destinations.and_then(Json::as_object).into_iter().flatten() {
        let owner = format!("the destination `{}`", legible(name));
        found.add_owner(&owner);
        // Releases before version 1 of the configuration had it one level up.
        let secret = ["/authentication/secret", "/secret"]
            .map(|pointer| self::text(destination, pointer))
            .into_iter()
            .find(|secret| !secret.is_empty());
        found.add(&owner, "secret", &[secret.unwrap_or_default()]);
    }
}
