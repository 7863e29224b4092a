//! Secrets that pods read. Pure.
//!
//! <https://kubernetes.io/docs/concepts/configuration/secret/#using-a-secret>

use serde_json::Value as Json;

use super::super::row::Among;
use super::super::values::{containers, items, pod_spec, text};
use super::References;
use crate::diff::documents::Documents;

/// What the owners of a pod begin with.
pub(super) const OWNER: &str = "the container ";

pub(super) fn read(spec: &Json, found: &mut References) {
    for (name, container) in containers(spec) {
        let owner = format!("{OWNER}`{name}`");
        found.add_owner(&owner);
        for variable in items(container, "env") {
            let place = text(variable, "/name");
            let [secret, key] = ["name", "key"]
                .map(|key| text(variable, &format!("/valueFrom/secretKeyRef/{key}")));
            if is_literal(text(variable, "/value")) {
                found.add_literal(&owner, place);
            }
            found.add(&owner, place, &[secret, key]);
        }
        for source in items(container, "envFrom") {
            found.add(
                &owner,
                "its environment",
                &[text(source, "/secretRef/name")],
            );
        }
    }
    for volume in items(spec, "volumes") {
        let (owner, place) = ("the volumes", text(volume, "/name"));
        found.add(owner, place, &[text(volume, "/secret/secretName")]);
        for source in items(volume, "/projected/sources") {
            found.add(owner, place, &[text(source, "/secret/name")]);
        }
    }
    for secret in items(spec, "imagePullSecrets") {
        found.add("the images", "images", &[text(secret, "/name")]);
    }
}

/// Whether a value is none that names another variable.
fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.contains("$(")
}

/// Whether pods of an object read a Secret.
pub(super) fn reads(object: &Json, secret: &str) -> bool {
    let Some(spec) = pod_spec(object) else {
        return false;
    };
    let mut found = References::default();
    read(spec, &mut found);
    let mut all = found.places().flat_map(|(_, references)| references);
    all.any(|reference| reference.split('/').next() == Some(secret))
}

/// Whether what is no longer read was for more than a destination that is removed
/// for these pods: they still read another part of that Secret, or no
/// configuration says what it was for.
pub(super) fn still_needs(among: &Among<'_>, reference: &str) -> bool {
    let secret = reference.split('/').next().unwrap_or_default();
    let [old, new] = among.files();
    if new.is_some_and(|new| reads(new, secret)) {
        return true;
    }
    let variables = old.and_then(pod_spec).map(|spec| {
        let mut found = References::default();
        read(spec, &mut found);
        let own = found
            .places()
            .filter(|(_, references)| references.contains(reference));
        own.map(|(place, _)| place.clone()).collect::<Vec<String>>()
    });
    let names = |files: &Documents<'_>, variable: &str| {
        let mut configurations = files.iter().filter(|file| file.path().ends_with(".conf"));
        configurations.any(|file| file.text().is_some_and(|text| text.contains(variable)))
    };
    // Where a configuration no longer names the variable, its connection tells.
    let (base, head) = (among.around.base, among.around.head);
    let is_reported = |variable: &String| names(base, variable) && !names(head, variable);
    !variables.iter().flatten().any(is_reported)
}
