//! `ExternalSecret`s: what writes a Secret, and from where. Pure.
//!
//! <https://external-secrets.io/latest/api/externalsecret/>

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, items, legible, objects, text};
use super::{Place, References};

const OWNER: &str = "the ExternalSecret";

pub(super) fn read(value: &Json, found: &mut References) {
    let Some(spec) = value.get("spec") else {
        return;
    };
    found.owners.insert(OWNER.to_owned());
    let spec = spec.get("externalSecretSpec").unwrap_or(spec);
    let [kind, name] = ["kind", "name"].map(|key| text(spec, &format!("/secretStoreRef/{key}")));
    found.add(Place::new(OWNER, "store"), &[kind, name]);
    found.add(Place::new(OWNER, "target"), &[text(spec, "/target/name")]);
    for entry in items(spec, "data") {
        let place = format!("data {}", text(entry, "/secretKey"));
        let parts =
            ["key", "property", "version"].map(|key| text(entry, &format!("/remoteRef/{key}")));
        found.add(Place::new(OWNER, place), &parts);
    }
    for entry in items(spec, "dataFrom") {
        let parts = ["key", "property"].map(|key| text(entry, &format!("/extract/{key}")));
        found.add(Place::new(OWNER, "all"), &parts);
    }
}

/// Tells of one that nothing renders any more, though pods still read its Secret.
pub(super) fn check_removed(change: &Change<'_>, found: &mut Found) {
    let Some(old) = change.removed_object() else {
        return;
    };
    if !matches!(
        text(old, "/kind"),
        "ExternalSecret" | "ClusterExternalSecret"
    ) {
        return;
    }
    let spec = old
        .get("spec")
        .map(|spec| spec.get("externalSecretSpec").unwrap_or(spec));
    let target = spec.map_or("", |spec| text(spec, "/target/name"));
    let target = if target.is_empty() {
        text(old, "/metadata/name")
    } else {
        target
    };
    let reads = |object: &Json| super::pod::reads(object, target);
    if objects(change.around.head, target).any(reads) {
        let what = format!(
            "the Secret `{}` is no longer read from a store of secrets, and pods still need it",
            legible(target)
        );
        let live = change.around.applier.of_removed();
        found.push(Flag::SecretReferenceChanges, what, Some(live));
    }
}
