//! `ExternalSecret`s: what writes a Secret, and from where. Pure.
//!
//! <https://external-secrets.io/latest/api/externalsecret/>

use serde_json::Value as Json;

use super::super::row::Among;
use super::super::values::{items, objects, text};
use super::References;

const OWNER: &str = "the ExternalSecret";

pub(super) fn read(value: &Json, found: &mut References) {
    let Some(spec) = value.get("spec") else {
        return;
    };
    found.add_owner(OWNER);
    let spec = spec.get("externalSecretSpec").unwrap_or(spec);
    let [kind, name] = ["kind", "name"].map(|key| text(spec, &format!("/secretStoreRef/{key}")));
    found.add(OWNER, "store", &[kind, name]);
    found.add(OWNER, "target", &[text(spec, "/target/name")]);
    for entry in items(spec, "data") {
        let place = format!("data {}", text(entry, "/secretKey"));
        let parts =
            ["key", "property", "version"].map(|key| text(entry, &format!("/remoteRef/{key}")));
        found.add(OWNER, &place, &parts);
    }
    for entry in items(spec, "dataFrom") {
        let parts = ["key", "property"].map(|key| text(entry, &format!("/extract/{key}")));
        found.add(OWNER, "all", &parts);
    }
}

/// The Secret that one writes.
pub(in crate::diff::risk) fn target(external: &Json) -> Json {
    let spec = external.get("spec");
    let spec = spec.map(|spec| spec.get("externalSecretSpec").unwrap_or(spec));
    let target = spec.map_or("", |spec| text(spec, "/target/name"));
    let name = text(external, "/metadata/name");
    if target.is_empty() { name } else { target }.into()
}

/// Whether pods still read the Secret of one that nothing renders any more.
pub(in crate::diff::risk) fn is_needed(among: &Among<'_>) -> bool {
    let target = among.values()[0].and_then(Json::as_str).unwrap_or_default();
    let reads = |object: &Json| super::pod::reads(object, target);
    objects(among.around.head, target).any(reads)
}
