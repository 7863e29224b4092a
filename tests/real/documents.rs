//! Records that a real Fluentd sent with a rendered configuration, and the
//! queries that must find them. See `tests/cases/documents/README.md`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Fields of the samples that nobody is to search for, by stream.
pub const UNMAPPED: [(&str, &str); 6] = [
    // A key without a name: OpenSearch has no query for it.
    ("applications", "log_processed."),
    // Kinds and versions of the audit log's own format, the same in every record.
    ("audit", "audit.kind"),
    ("audit", "audit.apiVersion"),
    // A counter of etcd.
    ("events", "event.metadata.resourceVersion"),
    ("events", "event.involvedObject.resourceVersion"),
    // Filebeat says that a record was joined of several lines.
    ("machines", "log.flags"),
];

/// Fields that a sample must be found by, by stream; those below a map with their key.
pub const WANTED: [(&str, &str); 36] = [
    ("applications", "@timestamp"),
    ("applications", "cluster.account"),
    ("applications", "cluster.environment"),
    ("applications", "cluster.name"),
    ("applications", "cluster.region"),
    ("applications", "kubernetes.annotations.example_com/team"),
    ("applications", "kubernetes.container_name"),
    ("applications", "kubernetes.host"),
    ("applications", "kubernetes.labels.app"),
    ("applications", "kubernetes.namespace_name"),
    ("applications", "kubernetes.pod_ip"),
    ("applications", "kubernetes.pod_name"),
    ("applications", "log_processed.level"),
    ("applications", "message"),
    ("applications", "stream"),
    ("applications", "team"),
    ("audit", "audit.annotations.authorization.k8s.io/decision"),
    ("audit", "audit.user.username"),
    ("audit", "audit.verb"),
    ("control_plane", "kubernetes.container_name"),
    ("events", "event.count"),
    ("events", "event.involvedObject.kind"),
    ("events", "event.reason"),
    ("ingress", "kubernetes.pod_name"),
    ("machines", "host.name"),
    ("machines", "labels.owner"),
    ("machines", "log.file.path"),
    ("machines", "log.offset"),
    ("machines", "machine.role"),
    ("machines", "message"),
    ("machines", "systemd.identifier"),
    ("machines", "systemd.priority"),
    ("machines", "systemd.unit"),
    ("nodes", "systemd.pid"),
    ("nodes", "systemd.priority"),
    ("nodes", "systemd.unit"),
];

/// The fields of a record that have a value.
#[derive(Debug, Default)]
pub struct Fields {
    /// Those that are mapped; each is the name of some of `queries`.
    pub mapped: Vec<String>,
    /// Those that aren't.
    pub unmapped: Vec<String>,
    /// A query for each value of a mapped field.
    pub queries: Vec<Value>,
}

/// The samples of a stream.
pub fn samples(stream: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/cases/documents")
        .join(format!("{stream}.ndjson"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let samples: Vec<Value> = text
        .lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect();
    assert!(!samples.is_empty(), "{} is empty", path.display());
    samples
}

/// The fields of a record, held against a mapping with `properties`.
pub fn fields(record: &Value, mapping: &Value) -> Fields {
    let mut fields = Fields::default();
    walk("", record, mapping, &mut fields);
    fields
}

fn walk(path: &str, value: &Value, mapping: &Value, fields: &mut Fields) {
    match (value, mapping["type"].as_str()) {
        (Value::Null, _) => {}
        (Value::Array(list), _) => list
            .iter()
            .for_each(|value| walk(path, value, mapping, fields)),
        (Value::Object(map), Some("flat_object" | "flattened")) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                if key.is_empty() {
                    fields.unmapped.push(path);
                } else {
                    walk(&path, value, mapping, fields);
                }
            }
        }
        (Value::Object(map), None) if mapping["properties"].is_object() => {
            for (key, value) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                walk(&path, value, &mapping["properties"][key], fields);
            }
        }
        (Value::Object(map), _) => {
            for (key, value) in map {
                walk(&format!("{path}.{key}"), value, &Value::Null, fields);
            }
        }
        (_, None) => fields.unmapped.push(path.to_owned()),
        (_, Some("text")) => {
            let text = value
                .as_str()
                .unwrap_or_else(|| panic!("`{path}` is text: {value}"));
            // Punctuation has no words that could be found.
            if text.chars().any(char::is_alphanumeric) {
                fields
                    .queries
                    .push(json!({ "match_phrase": { path: { "query": text, "_name": path } } }));
                fields.mapped.push(path.to_owned());
            }
        }
        (_, Some(_)) => {
            fields
                .queries
                .push(json!({ "term": { path: { "value": value, "_name": path } } }));
            fields.mapped.push(path.to_owned());
        }
    }
}
