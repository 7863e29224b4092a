//! `authentication.json`, by which the reconciler makes a cluster's credentials, against everybody who uses
//! them: what is made must be what is read. Pure.

use std::collections::BTreeMap;

use logfleet_contract::authentication::{Authentication, FILE, Method, Writer};
use logfleet_contract::index::Kind;
use logfleet_contract::rendered::Place;
use logfleet_contract::secrets::SecretReference;
use logfleet_contract::{forwarder, stack};
use serde_json::Value as Json;

use super::Files;
use crate::load::node::{Node, Value};

const HINT: &str = "the reconciler makes the credential as `authentication.json` says: change both, by templates of your own";

pub(super) fn check(files: &mut Files<'_>) {
    // What can't be read is reported by the file's own check.
    let read = files
        .text(FILE)
        .map(|text| Authentication::parse(text.as_bytes()));
    let destinations = match read {
        Some(Ok(read)) => read.destinations,
        Some(Err(_)) => return,
        None => BTreeMap::new(),
    };
    for (name, writer) in &destinations {
        objects(files, name, writer);
        external_secret(files, name, writer);
    }
    forwarders(files, &destinations);
    users(files, &destinations);
}

/// The role, and the user, that the credential is made for.
fn objects(files: &mut Files<'_>, destination: &str, writer: &Writer) {
    let mut wanted = vec![("role", [Kind::Role, Kind::OpensearchRole])];
    if writer.r#type == Method::Basic {
        wanted.push(("user", [Kind::User, Kind::OpensearchUser]));
    }
    for (word, kinds) in wanted {
        let is_there = files.tree.files().any(|(path, _)| {
            matches!(
                Place::of(path.as_str()),
                Ok(Place::Object { destination: own, path }) if own == destination
                    && kinds.contains(&path.kind)
                    && path.name == writer.writer
            )
        });
        if !is_there {
            files.tell_text(
                FILE,
                &writer.writer,
                format!(
                    "no file below `elasticsearch/{destination}/` is of the {word} `{}`",
                    writer.writer
                ),
                HINT.to_owned(),
            );
        }
    }
}

/// Users that nobody is told about.
fn users(files: &mut Files<'_>, destinations: &BTreeMap<String, Writer>) {
    let found = files.tree.files().filter_map(|(path, _)| {
        let Ok(Place::Object {
            destination,
            path: object,
        }) = Place::of(path.as_str())
        else {
            return None;
        };
        object.kind.secret_field()?;
        let known = destinations.get(&destination);
        let is_known =
            known.is_some_and(|own| own.r#type == Method::Basic && own.writer == object.name);
        (!is_known).then(|| (path.as_str().to_owned(), object.name, destination))
    });
    let found: Vec<_> = found.collect();
    for (path, name, destination) in found {
        files.tell(
            &path,
            (0, 0),
            format!(
                "`{FILE}` doesn't name the user `{name}` at the destination `{destination}`, so its password is never created"
            ),
            HINT.to_owned(),
        );
    }
}

/// What the cluster's operator fetches.
fn external_secret(files: &mut Files<'_>, destination: &str, writer: &Writer) {
    let path = format!("kubernetes/credentials/{destination}.yaml");
    let Some(external) = files.yaml(&path) else {
        return;
    };
    let keys: Vec<&str> = match writer.r#type {
        Method::Basic => vec![
            writer.key("username", "username_in"),
            writer.key("password", "password_in"),
        ],
        Method::ApiKey => vec![
            writer.key("id", "id_in"),
            writer.key("api_key", "api_key_in"),
        ],
        Method::ClientCertificate => vec![
            writer.key("tls.crt", "certificate_in"),
            writer.key("tls.key", "private_key_in"),
        ],
        Method::AwsSigv4 => Vec::new(),
    };
    let secret = match &writer.secret {
        Some(SecretReference::SecretsManager(name)) => Some(name.as_str()),
        _ => None,
    };
    let spec = external.get("spec");
    let data = spec.and_then(|spec| spec.get("data"));
    let items = match data.map(|data| &data.value) {
        Some(Value::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    for item in items {
        let Some(fetched) = item.get("remoteRef") else {
            continue;
        };
        let text = |key| fetched.get(key).and_then(Node::as_str);
        let is_right = text("key") == secret
            && text("property").is_none_or(|property| keys.contains(&property));
        if !is_right {
            files.tell_node(
                &path,
                fetched,
                format!(
                    "this isn't where `{FILE}` says that the credential for `{destination}` is"
                ),
                HINT.to_owned(),
            );
        }
    }
}

/// What the forwarders are reported, in the stacks of Regions.
fn forwarders(files: &mut Files<'_>, destinations: &BTreeMap<String, Writer>) {
    let mut wrong = Vec::new();
    for (path, bytes) in files.tree.files() {
        if !matches!(Place::of(path.as_str()), Ok(Place::Stack { .. })) {
            continue;
        }
        // What can't be read is reported by the stack's own check.
        let template: Json = serde_json::from_slice(bytes).unwrap_or_default();
        let Ok(Some(forwarder)) = stack::forwarder(&template) else {
            continue;
        };
        for (name, reported) in &forwarder.configuration.destinations {
            let (method, secret) = match &reported.authentication {
                forwarder::Authentication::Basic { secret } => (Method::Basic, Some(secret)),
                forwarder::Authentication::ApiKey { secret } => (Method::ApiKey, Some(secret)),
                forwarder::Authentication::ClientCertificate { secret } => {
                    (Method::ClientCertificate, Some(secret))
                }
                forwarder::Authentication::AwsSigv4 { .. } => (Method::AwsSigv4, None),
            };
            let secret = secret.map(|name| SecretReference::SecretsManager(name.clone()));
            let is_right = destinations.get(name).is_some_and(|own| {
                (own.r#type, &own.secret, &own.keys) == (method, &secret, &reported.keys)
            });
            if !is_right {
                wrong.push((
                    path.as_str().to_owned(),
                    forwarder.logical_id.clone(),
                    name.clone(),
                ));
            }
        }
    }
    for (path, logical_id, name) in wrong {
        files.tell_text(
            &path,
            &logical_id,
            format!("`{logical_id}` authenticates at the destination `{name}` in another way than `{FILE}` says"),
            HINT.to_owned(),
        );
    }
}
