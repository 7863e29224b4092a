//! References to secrets that change. Pure. Only names are told, never values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, containers, items, names, pod_spec, text};

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some((old, new)) = change.values() else {
        return;
    };
    let (old, new) = (references(old), references(new));
    for (place, before) in &old {
        // What is no longer read at all isn't read from elsewhere.
        let Some(after) = new.get(place).filter(|after| *after != before) else {
            continue;
        };
        let gone = names(before.difference(after));
        let came = names(after.difference(before));
        let what = match (gone.is_empty(), came.is_empty()) {
            (false, false) => format!("a secret is read from {came} instead of {gone}"),
            (true, _) => format!("a secret is also read from {came}"),
            (_, true) => format!("a secret is no longer read from {gone}"),
        };
        found.push(Flag::SecretReferenceChanges, what, None);
    }
}

/// What refers to a secret, and to which.
type References = BTreeMap<String, BTreeSet<String>>;

fn references(value: &Json) -> References {
    let mut found = References::new();
    match text(value, "/kind") {
        "ExternalSecret" | "ClusterExternalSecret" => of_external_secret(value, &mut found),
        _ => {
            if let Some(spec) = pod_spec(value) {
                of_pod(spec, &mut found);
            }
        }
    }
    if let Some(resources) = value.get("Resources").and_then(Json::as_object) {
        for (id, resource) in resources {
            in_template(id, resource, 0, &mut found);
        }
    }
    found
}

fn add(place: impl Into<String>, parts: &[&str], found: &mut References) {
    let parts: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    if !parts.is_empty() {
        let reference = format!("`{}`", parts.join("/"));
        found.entry(place.into()).or_default().insert(reference);
    }
}

/// <https://external-secrets.io/latest/api/externalsecret/>
fn of_external_secret(value: &Json, found: &mut References) {
    let Some(spec) = value.get("spec") else {
        return;
    };
    let spec = spec.get("externalSecretSpec").unwrap_or(spec);
    let store = |value: &Json, pointer: &str| {
        ["kind", "name"].map(|key| text(value, &format!("{pointer}/{key}")).to_owned())
    };
    let [kind, name] = store(spec, "/secretStoreRef");
    add("store", &[&kind, &name], found);
    add("target", &[text(spec, "/target/name")], found);
    for entry in items(spec, "data") {
        let place = format!("data {}", text(entry, "/secretKey"));
        let [key, property, version] =
            ["key", "property", "version"].map(|key| text(entry, &format!("/remoteRef/{key}")));
        add(place, &[key, property, version], found);
    }
    for entry in items(spec, "dataFrom") {
        add(
            "all",
            &[
                text(entry, "/extract/key"),
                text(entry, "/extract/property"),
            ],
            found,
        );
    }
}

/// <https://kubernetes.io/docs/concepts/configuration/secret/#using-a-secret>
fn of_pod(spec: &Json, found: &mut References) {
    for (name, container) in containers(spec) {
        for variable in items(container, "env") {
            let place = format!("{name} {}", text(variable, "/name"));
            let [secret, key] = ["name", "key"]
                .map(|key| text(variable, &format!("/valueFrom/secretKeyRef/{key}")));
            add(place, &[secret, key], found);
        }
        for source in items(container, "envFrom") {
            add(
                format!("{name} environment"),
                &[text(source, "/secretRef/name")],
                found,
            );
        }
    }
    for volume in items(spec, "volumes") {
        let place = format!("volume {}", text(volume, "/name"));
        add(place.clone(), &[text(volume, "/secret/secretName")], found);
        let sources = volume
            .get("projected")
            .map_or(&[][..], |projected| items(projected, "sources"));
        for source in sources {
            add(place.clone(), &[text(source, "/secret/name")], found);
        }
    }
    for secret in items(spec, "imagePullSecrets") {
        add("images", &[text(secret, "/name")], found);
    }
}

/// Dynamic references
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>)
/// and addresses of secrets, resource by resource.
fn in_template(id: &str, value: &Json, depth: usize, found: &mut References) {
    match value {
        _ if depth > MAX_DEPTH => {}
        Json::String(text) => {
            for (at, start) in text.match_indices("{{resolve:") {
                let rest = &text[at + start.len()..];
                let reference = &rest[..rest.find("}}").unwrap_or(rest.len())];
                if ["secretsmanager:", "ssm-secure:"]
                    .iter()
                    .any(|kind| reference.starts_with(kind))
                {
                    add(id, &[reference], found);
                }
            }
            for (at, start) in text.match_indices(":secret:") {
                let is_of_secrets =
                    text[..at].contains(":secretsmanager:") && text.starts_with("arn:");
                let rest = &text[at + start.len()..];
                let end = rest.find(['"', '}', ' ']).unwrap_or(rest.len());
                if is_of_secrets {
                    add(id, &[&rest[..end]], found);
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                in_template(id, item, depth + 1, found);
            }
        }
        Json::Object(members) => {
            for value in members.values() {
                in_template(id, value, depth + 1, found);
            }
        }
        _ => {}
    }
}
