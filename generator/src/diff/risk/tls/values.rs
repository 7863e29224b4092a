//! Connections in documents in YAML or JSON, nested or with dots in keys. Pure.

use serde_json::Value as Json;

use super::connection::{Connection, Connections};
use super::options;
use crate::diff::risk::values::text;

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

/// What asks pods over a machine's own network: probes and metrics of
/// Kubernetes speak HTTP, and no log goes there.
const PROBES: [&str; 3] = [".httpGet.", ".podMetricsEndpoints[", ".endpoints["];

/// Outputs of Filebeat, which speak plainly unless they are reported otherwise
/// (<https://www.elastic.co/docs/reference/beats/filebeat/configuration-ssl>).
const OUTPUTS: [&str; 2] = [".output.logstash", ".output.elasticsearch"];

/// Reads all mappings of a document.
pub(super) fn read(value: &Json, place: &str, found: &mut Connections) {
    let mut own = Connections::new();
    walk(value, "", 0, &mut own);
    for (path, mut connection) in own {
        if OUTPUTS.contains(&path.as_str()) && !connection.address.is_empty() {
            connection.assume_plain();
        }
        found.insert(format!("{place}{path}"), connection);
    }
}

fn walk(value: &Json, path: &str, depth: usize, found: &mut Connections) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Json::Object(members) => {
            for (key, inner) in members {
                walk(inner, &format!("{path}.{key}"), depth + 1, found);
            }
        }
        Json::Array(items) if items.iter().all(Json::is_object) => {
            for (number, item) in items.iter().enumerate() {
                let name = text(item, "/name");
                let label = if name.is_empty() {
                    number.to_string()
                } else {
                    name.to_owned()
                };
                walk(item, &format!("{path}[{label}]"), depth + 1, found);
            }
        }
        Json::Array(items) => {
            let hosts: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            read_leaf(path, &hosts.join(" "), found);
        }
        Json::String(text) => match document_in(text) {
            Some(inner) => walk(&inner, &format!("{path}›"), depth + 1, found),
            None => read_leaf(path, text, found),
        },
        Json::Bool(truth) => read_leaf(path, &truth.to_string(), found),
        Json::Number(_) | Json::Null => {}
    }
}

/// JSON within a text, as the forwarder's configuration is.
fn document_in(text: &str) -> Option<Json> {
    let begins = text.trim_start().starts_with('{');
    let read: Option<Json> = begins.then(|| serde_json::from_str(text).ok())?;
    read.filter(Json::is_object)
}

/// A value by its key: what stands before `ssl` or the last dot is the connection.
fn read_leaf(path: &str, value: &str, found: &mut Connections) {
    let (place, key) = match path.rsplit_once(".ssl.") {
        Some((place, key)) => (place, format!("ssl.{key}")),
        None => match path.rsplit_once('.') {
            Some((place, key)) => (place, key.to_owned()),
            None => return,
        },
    };
    if PROBES.iter().any(|probe| path.contains(probe)) {
        return;
    }
    let mut read = Connection::default();
    options::read(&key, value, &mut read);
    // Whoever says how it encrypts does so, unless it is switched off.
    read.encrypted |= key.starts_with("ssl.certificate") || key == "ssl.verification_mode";
    if read != Connection::default() {
        found.entry(place.to_owned()).or_default().join(read);
    }
}
