//! The fields that the templates map by themselves. A stream's own fields
//! may neither repeat them nor be in their way. Pure.

use std::collections::BTreeSet;

use super::RecordKind;

/// In place of a type: any keys with any values, each of them searchable.
const MAP: &str = "map";

/// Fields of every record.
const RECORD: [(&str, &str); 21] = [
    ("@timestamp", "date"),
    ("message", "text"),
    ("stream", "keyword"),
    ("logtag", "keyword"),
    ("cluster.name", "keyword"),
    ("cluster.environment", "keyword"),
    ("cluster.region", "keyword"),
    ("cluster.account", "keyword"),
    ("kubernetes.host", "keyword"),
    ("kubernetes.namespace_name", "keyword"),
    ("kubernetes.namespace_labels", MAP),
    ("kubernetes.pod_name", "keyword"),
    ("kubernetes.pod_id", "keyword"),
    ("kubernetes.pod_ip", "ip"),
    ("kubernetes.container_name", "keyword"),
    ("kubernetes.container_image", "keyword"),
    ("kubernetes.labels", MAP),
    ("kubernetes.annotations", MAP),
    ("fluentd.level", "keyword"),
    ("fluentd.plugin", "keyword"),
    ("fluentd.error", "text"),
];

/// Fields of the journal.
const JOURNAL: [(&str, &str); 5] = [
    ("systemd.unit", "keyword"),
    ("systemd.identifier", "keyword"),
    ("systemd.transport", "keyword"),
    ("systemd.priority", "byte"),
    ("systemd.pid", "long"),
];

/// Fields of machines beside those of the journal.
const MACHINE: [(&str, &str); 4] = [
    ("host.name", "keyword"),
    ("log.file.path", "keyword"),
    ("log.offset", "long"),
    ("machine.role", "keyword"),
];

/// Fields of the API server's events.
const EVENT: [(&str, &str); 24] = [
    ("event.type", "keyword"),
    ("event.reason", "keyword"),
    ("event.action", "keyword"),
    ("event.message", "text"),
    ("event.count", "long"),
    ("event.firstTimestamp", "date"),
    ("event.lastTimestamp", "date"),
    ("event.eventTime", "date"),
    ("event.reportingComponent", "keyword"),
    ("event.reportingInstance", "keyword"),
    ("event.metadata.name", "keyword"),
    ("event.metadata.namespace", "keyword"),
    ("event.metadata.uid", "keyword"),
    ("event.metadata.creationTimestamp", "date"),
    ("event.source.component", "keyword"),
    ("event.source.host", "keyword"),
    ("event.involvedObject.apiVersion", "keyword"),
    ("event.involvedObject.kind", "keyword"),
    ("event.involvedObject.namespace", "keyword"),
    ("event.involvedObject.name", "keyword"),
    ("event.involvedObject.uid", "keyword"),
    ("event.involvedObject.fieldPath", "keyword"),
    ("event.involvedObject.labels", MAP),
    ("event.involvedObject.annotations", MAP),
];

/// Fields of the audit log.
const AUDIT_LOG: [(&str, &str); 21] = [
    ("audit.auditID", "keyword"),
    ("audit.level", "keyword"),
    ("audit.stage", "keyword"),
    ("audit.verb", "keyword"),
    ("audit.requestURI", "keyword"),
    ("audit.userAgent", "keyword"),
    ("audit.sourceIPs", "ip"),
    ("audit.requestReceivedTimestamp", "date"),
    ("audit.stageTimestamp", "date"),
    ("audit.annotations", MAP),
    ("audit.user.username", "keyword"),
    ("audit.user.groups", "keyword"),
    ("audit.impersonatedUser.username", "keyword"),
    ("audit.impersonatedUser.groups", "keyword"),
    ("audit.objectRef.apiGroup", "keyword"),
    ("audit.objectRef.resource", "keyword"),
    ("audit.objectRef.subresource", "keyword"),
    ("audit.objectRef.namespace", "keyword"),
    ("audit.objectRef.name", "keyword"),
    ("audit.responseStatus.code", "long"),
    ("audit.responseStatus.reason", "keyword"),
];

/// Fields of AWS's own logs.
const AWS: [(&str, &str); 8] = [
    ("aws.source", "keyword"),
    ("aws.account", "keyword"),
    ("aws.region", "keyword"),
    ("aws.log_group", "keyword"),
    ("aws.log_stream", "keyword"),
    ("aws.event_id", "keyword"),
    ("aws.resource", "keyword"),
    ("aws.event", MAP),
];

/// Fields of AWS's measurements.
const METRIC: [(&str, &str); 10] = [
    ("metric.namespace", "keyword"),
    ("metric.name", "keyword"),
    ("metric.unit", "keyword"),
    ("metric.period_seconds", "long"),
    ("metric.sum", "double"),
    ("metric.average", "double"),
    ("metric.minimum", "double"),
    ("metric.maximum", "double"),
    ("metric.sample_count", "double"),
    ("metric.dimensions", MAP),
];

/// The built-in fields of kinds of records: their paths, and their types or [`MAP`].
fn fields(
    kinds: &BTreeSet<RecordKind>,
) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let has = |kind| kinds.contains(&kind);
    let parts = [
        (true, RECORD.as_slice()),
        (
            has(RecordKind::Kubernetes) || has(RecordKind::Machines),
            &JOURNAL,
        ),
        (has(RecordKind::Machines), &MACHINE),
        (has(RecordKind::Events), &EVENT),
        (has(RecordKind::Audit), &AUDIT_LOG),
        (has(RecordKind::Aws), &AWS),
        (has(RecordKind::Aws), &METRIC),
    ];
    parts
        .into_iter()
        .filter(|(has, _)| *has)
        .flat_map(|(_, fields)| fields.iter().copied())
}

/// The fields of records that no rule is for, by what they are of: each path with
/// its type.
pub fn fields_without_rules() -> [(&'static str, &'static [(&'static str, &'static str)]); 4] {
    [
        ("Events of the API server", &EVENT),
        ("The audit log of the API server", &AUDIT_LOG),
        ("Logs of AWS", &AWS),
        ("Measurements of AWS", &METRIC),
    ]
}

/// The paths of the fields of what the cluster's own shippers read, but events
/// and the audit log, which no rule is for.
#[cfg(test)]
pub(super) fn of_shipped() -> impl Iterator<Item = &'static str> {
    let parts: [&[(&str, &str)]; 3] = [&RECORD, &JOURNAL, &MACHINE];
    parts.into_iter().flatten().map(|(path, _)| *path)
}

/// Why a field can't be a stream's own, beside its built-in ones.
pub(super) fn collision(field: &str, kinds: &BTreeSet<RecordKind>) -> Option<String> {
    let lies_in = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    fields(kinds).find_map(|(known, kind)| {
        if lies_in(field, known) || field == known {
            return Some(match kind {
                MAP => format!("everything in `{known}` is searchable already, as keywords"),
                kind if field == known => format!("`{known}` is searchable already, as `{kind}`"),
                kind => format!("`{known}` is a `{kind}`, in which no field can lie"),
            });
        }
        lies_in(known, field).then(|| {
            format!("`{field}` holds the built-in field `{known}`, so it can't be a field itself")
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde_json::{Map, Value};

    use super::*;
    use crate::pipeline::{Timings, load_fleet};
    use crate::render::{Templates, render};
    use crate::resolve::RecordMapping;

    fn walk(path: &str, properties: &Map<String, Value>, found: &mut BTreeMap<String, String>) {
        for (name, mapping) in properties {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            if let Some(inner) = mapping["properties"].as_object() {
                walk(&path, inner, found);
                continue;
            }
            let kind = match mapping["type"].as_str().expect("a field has a type") {
                "flattened" | "flat_object" => MAP,
                kind => kind,
            };
            found.insert(path, kind.to_owned());
        }
    }

    /// A field that a template gains or loses must be here, too.
    #[test]
    fn they_are_what_the_templates_render() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let fleet =
            load_fleet(&root, None, &Timings::default()).expect("the example fleet is valid");
        let templates = Templates::compile(&[]).expect("the templates compile");
        let mut seen = BTreeSet::new();
        for member in &fleet.members {
            let tree = render(&member.cluster, &templates).expect("the cluster can be rendered");
            for destination in &member.cluster.destinations {
                for mapping in &destination.indices.mappings {
                    let start = format!(
                        "elasticsearch/{}/_component_template/logfleet-{}@mappings-",
                        destination.name, mapping.name
                    );
                    let files = tree.0.iter();
                    let mut files = files.filter(|(path, _)| path.as_str().starts_with(&start));
                    let (_, bytes) = files.next().expect("rendered");
                    assert_eq!(files.next(), None, "{start}");
                    assert_eq!(rendered_fields(bytes, mapping), known_fields(mapping));
                    seen.extend(mapping.kinds.iter().copied());
                }
            }
        }
        assert_eq!(seen, all());
    }

    /// The fields of a component template but those of JSON text.
    fn rendered_fields(bytes: &[u8], mapping: &RecordMapping) -> BTreeMap<String, String> {
        let template: Value = serde_json::from_slice(bytes).expect("it is JSON");
        let properties = template["template"]["mappings"]["properties"]
            .as_object()
            .expect("a map");
        let mut rendered = BTreeMap::new();
        walk("", properties, &mut rendered);
        for target in &mapping.json_targets {
            assert_eq!(rendered.remove(target).as_deref(), Some(MAP), "{target}");
        }
        rendered
    }

    fn known_fields(mapping: &RecordMapping) -> BTreeMap<String, String> {
        fields(&mapping.kinds)
            .map(|(path, kind)| (path.to_owned(), kind.to_owned()))
            .collect()
    }

    fn all() -> BTreeSet<RecordKind> {
        BTreeSet::from([
            RecordKind::Kubernetes,
            RecordKind::Events,
            RecordKind::Audit,
            RecordKind::Machines,
            RecordKind::Aws,
        ])
    }

    #[test]
    fn collisions_are_told_and_neighbours_are_none() {
        let told = |field: &str| collision(field, &all()).unwrap_or_default();
        for (field, message) in [
            (
                "kubernetes.labels",
                "everything in `kubernetes.labels` is searchable already, as keywords",
            ),
            (
                "kubernetes.labels.app",
                "everything in `kubernetes.labels` is searchable already, as keywords",
            ),
            ("message", "`message` is searchable already, as `text`"),
            (
                "stream.name",
                "`stream` is a `keyword`, in which no field can lie",
            ),
            (
                "cluster",
                "`cluster` holds the built-in field `cluster.name`, so it can't be a field itself",
            ),
            (
                "audit.verb",
                "`audit.verb` is searchable already, as `keyword`",
            ),
            (
                "aws.event.detail",
                "everything in `aws.event` is searchable already, as keywords",
            ),
            (
                "metric.sum",
                "`metric.sum` is searchable already, as `double`",
            ),
            (
                "systemd",
                "`systemd` holds the built-in field `systemd.unit`, so it can't be a field itself",
            ),
            ("kubernetes.labels_of_ours", ""),
            ("kubernetes.labelled", ""),
            ("messages", ""),
            ("event.dataset", ""),
            ("cluster.size", ""),
        ] {
            assert_eq!(told(field), message, "{field}");
        }
    }

    #[test]
    fn fields_of_what_a_stream_does_not_get_are_free() {
        for field in ["audit.verb", "aws.event", "event", "metric", "systemd.unit"] {
            assert_eq!(collision(field, &BTreeSet::new()), None, "{field}");
        }
    }
}
