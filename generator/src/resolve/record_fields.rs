//! The fields of every kind of record, and the mapping made of them. A
//! stream's own fields may neither repeat them nor be in their way. Pure.
//!
//! Fields of AWS's logs come from the tables of `logfleet_events`, which the
//! forwarder reads by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use logfleet_events::{TABLES, common_fields, envelope_fields};
use serde_json::Value;

use super::RecordKind;
use crate::settings::Backend;

/// In place of a type: any keys with any values, each of them searchable.
const MAP: &str = "map";

/// When the record was, without which a data stream takes none.
const TIME: &str = "@timestamp";

/// Fields of every record.
const RECORD: [(&str, &str); 2] = [(TIME, "date"), ("message", "text")];

/// Fields of what Fluentd reads of a container.
const CONTAINER: [(&str, &str); 2] = [("stream", "keyword"), ("logtag", "keyword")];

/// Fields of the cluster, of every record.
const CLUSTER: [(&str, &str); 4] = [
    ("cluster.name", "keyword"),
    ("cluster.environment", "keyword"),
    ("cluster.region", "keyword"),
    ("cluster.account", "keyword"),
];

/// Fields of records that the cluster's own shippers send.
const KUBERNETES: [(&str, &str); 13] = [
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

/// The fields of what the forwarder brings: those of its tables, of AWS's
/// logs or of machines' lines, and those that it writes beside them. They are
/// the same for every cluster.
fn brought(of_machines: bool) -> &'static [(&'static str, &'static str)] {
    static AWS: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    static MACHINES: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    let fields = if of_machines { &MACHINES } else { &AWS };
    fields.get_or_init(|| {
        let tables = TABLES.iter();
        let tables = tables.filter(|table| table.name.is_of_machines() == of_machines);
        let rows = tables.flat_map(|table| table.fields);
        let rows = rows.map(|field| (field.target, field.field_type()));
        let fields = envelope_fields().chain(common_fields()).chain(rows);
        // A path has one type in all tables, which their tests check; some are in several.
        let fields: BTreeSet<_> = fields.map(|(path, kind)| (path, kind.name())).collect();
        fields.into_iter().collect()
    })
}

/// The fields of kinds of records: their paths, and their types or [`MAP`].
fn fields(kinds: &BTreeSet<RecordKind>) -> Vec<(&'static str, &'static str)> {
    let mut fields = of_every_kind(kinds);
    fields.extend(of_kinds(kinds));
    fields
}

/// Fields of the record itself. Those of containers are in every stream but of
/// AWS's logs alone.
fn of_every_kind(kinds: &BTreeSet<RecordKind>) -> Vec<(&'static str, &'static str)> {
    let only_aws = kinds.len() == 1 && kinds.contains(&RecordKind::Aws);
    let (container, kubernetes) = if only_aws {
        (&[][..], &[][..])
    } else {
        (&CONTAINER[..], &KUBERNETES[..])
    };
    [&RECORD, container, &CLUSTER, kubernetes].concat()
}

/// Fields that kinds bring with them.
fn of_kinds(kinds: &BTreeSet<RecordKind>) -> Vec<(&'static str, &'static str)> {
    let has = |kind| kinds.contains(&kind);
    let journal = has(RecordKind::Kubernetes) || has(RecordKind::Machines);
    let parts = [
        (journal, &JOURNAL[..]),
        (has(RecordKind::Machines), &MACHINE),
        (has(RecordKind::Events), &EVENT),
        (has(RecordKind::Audit), &AUDIT_LOG),
        (has(RecordKind::Machines), brought(true)),
        (has(RecordKind::Aws), brought(false)),
    ];
    // Kinds share paths, and `message` is every record's.
    let mut seen = BTreeSet::from(RECORD);
    let fields = parts.into_iter().filter(|(has, _)| *has);
    let fields = fields.flat_map(|(_, fields)| fields);
    fields
        .copied()
        .filter(|field| seen.insert(*field))
        .collect()
}

/// The type of a field of these kinds of records, [`MAP`] for what lies in a map; none
/// where it isn't searchable.
pub(super) fn type_of(
    kinds: &BTreeSet<RecordKind>,
    maps: &[String],
    field: &str,
) -> Option<&'static str> {
    let lies_in = |outer: &str| {
        let rest = field.strip_prefix(outer);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    if maps.iter().any(|target| lies_in(target)) {
        return Some(MAP);
    }
    let mut fields = fields(kinds).into_iter();
    fields
        .find(|(known, kind)| {
            if *kind == MAP {
                lies_in(known)
            } else {
                *known == field
            }
        })
        .map(|(_, kind)| kind)
}

/// The fields of these kinds of records whose values are compared as a whole, but those in maps.
pub(super) fn whole(kinds: &BTreeSet<RecordKind>) -> impl Iterator<Item = &'static str> {
    let fields = fields(kinds).into_iter();
    let fields = fields.filter(|(_, kind)| matches!(*kind, "keyword" | "ip" | "long"));
    fields.map(|(path, _)| path)
}

/// How many fields a mapping of these kinds has, as both servers count them: objects are some, too.
pub(super) fn count(kinds: &BTreeSet<RecordKind>) -> usize {
    let mut paths = BTreeSet::new();
    for (path, _) in fields(kinds) {
        let ends = path.match_indices('.').map(|(end, _)| end);
        paths.extend(ends.chain([path.len()]).map(|end| &path[..end]));
    }
    paths.len()
}

/// What [`properties`] are made of.
type PropertiesOf = (BTreeSet<RecordKind>, Vec<String>, u16, Backend);

/// The `properties` of a mapping as JSON: the fields of its kinds, and `maps`, fields of any keys. Most clusters of a fleet have the same, so
/// each is written once.
pub(super) fn properties(
    kinds: &BTreeSet<RecordKind>,
    maps: &[String],
    ignore_above: u16,
    backend: Backend,
) -> String {
    static WRITTEN: Mutex<BTreeMap<PropertiesOf, Arc<str>>> = Mutex::new(BTreeMap::new());
    let of = (kinds.clone(), maps.to_vec(), ignore_above, backend);
    // A thread that panicked left them as they were.
    let written = || WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = written().get(&of).cloned() {
        return known.as_ref().to_owned();
    }
    let text = write_properties(kinds, maps, ignore_above, backend);
    written().insert(of, Arc::from(text.as_str()));
    text
}

/// Writes them, without a tree between, since they are long.
fn write_properties(
    kinds: &BTreeSet<RecordKind>,
    maps: &[String],
    ignore_above: u16,
    backend: Backend,
) -> String {
    let targets = maps.iter().map(|target| (target.as_str(), MAP));
    let fields = of_every_kind(kinds).into_iter().chain(targets);
    let fields: Vec<Entry<'_>> = fields
        .chain(of_kinds(kinds))
        .map(|(path, kind)| Entry {
            path,
            rest: path,
            kind,
        })
        .collect();
    let mut out = String::with_capacity(64 * fields.len());
    let types = Types {
        ignore_above,
        backend,
    };
    types.write(&fields, &mut out);
    out
}

/// A field, with what is left of its path below some object.
#[derive(Clone, Copy)]
struct Entry<'f> {
    path: &'f str,
    rest: &'f str,
    kind: &'f str,
}

/// What mappings say of types.
struct Types {
    ignore_above: u16,
    backend: Backend,
}

impl Types {
    /// Writes an object of the fields, each where its first is.
    fn write(&self, entries: &[Entry<'_>], out: &mut String) {
        let first = |entry: &Entry<'_>| entry.rest.split('.').next().map_or(0, str::len);
        out.push('{');
        let mut written: Vec<&str> = Vec::new();
        for entry in entries {
            let name = &entry.rest[..first(entry)];
            if written.contains(&name) {
                continue;
            }
            if !written.is_empty() {
                out.push(',');
            }
            written.push(name);
            out.push_str(&Value::from(name).to_string());
            out.push(':');
            let below = entries.iter().filter_map(|other| {
                let rest = other.rest.strip_prefix(name)?.strip_prefix('.')?;
                Some(Entry { rest, ..*other })
            });
            let below: Vec<Entry<'_>> = below.collect();
            if below.is_empty() {
                out.push_str(&self.mapping(entry));
            } else {
                out.push_str("{\"properties\":");
                self.write(&below, out);
                out.push('}');
            }
        }
        out.push('}');
    }

    fn mapping(&self, entry: &Entry<'_>) -> String {
        let kind = entry.kind;
        match (kind, self.backend) {
            ("keyword", _) => format!(
                r#"{{"type":"keyword","ignore_above":{}}}"#,
                self.ignore_above
            ),
            ("text", _) => r#"{"type":"text","norms":false}"#.to_owned(),
            // A term may have 32,766 bytes, key and value together, and a character up to four.
            (MAP, Backend::Elasticsearch) => {
                r#"{"type":"flattened","ignore_above":4096}"#.to_owned()
            }
            (MAP, Backend::Opensearch) => r#"{"type":"flat_object"}"#.to_owned(),
            // A data stream has no use for a record without its time.
            _ if entry.path == TIME => format!(r#"{{"type":"{kind}","ignore_malformed":false}}"#),
            _ => format!(r#"{{"type":"{kind}"}}"#),
        }
    }
}

/// The fields of records that no rule is for, by what they are of: each path with
/// its type.
pub fn fields_without_rules() -> [(&'static str, &'static [(&'static str, &'static str)]); 2] {
    [
        ("Events of the API server", &EVENT),
        ("The audit log of the API server", &AUDIT_LOG),
    ]
}

/// The paths of the fields of what the cluster's own shippers read, but events
/// and the audit log, which no rule is for.
#[cfg(test)]
pub(super) fn of_shipped() -> impl Iterator<Item = &'static str> {
    let parts: [&[(&str, &str)]; 6] = [
        &RECORD,
        &CONTAINER,
        &CLUSTER,
        &KUBERNETES,
        &JOURNAL,
        &MACHINE,
    ];
    parts.into_iter().flatten().map(|(path, _)| *path)
}

/// Why a field can't be a stream's own, beside its built-in ones.
pub(super) fn collision(field: &str, kinds: &BTreeSet<RecordKind>) -> Option<String> {
    let lies_in = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    fields(kinds).into_iter().find_map(|(known, kind)| {
        if lies_in(field, known) || field == known {
            return Some(match kind {
                MAP => format!("everything in `{known}` is searchable already, as keywords"),
                kind if field == known => format!("`{known}` is searchable already, as `{kind}`"),
                kind => format!("`{known}` is a `{kind}`, which can't contain fields"),
            });
        }
        lies_in(known, field).then(|| {
            format!(
                "`{field}` contains the built-in field `{known}`, so it can't be a field itself"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Map;

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
        for target in &mapping.maps {
            assert_eq!(rendered.remove(target).as_deref(), Some(MAP), "{target}");
        }
        rendered
    }

    fn known_fields(mapping: &RecordMapping) -> BTreeMap<String, String> {
        fields(&mapping.kinds)
            .into_iter()
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

    /// Streams may be shared by any sources, so all kinds may meet in one mapping.
    #[test]
    fn a_path_has_one_type_whatever_meets_in_a_stream() {
        let fields = fields(&all());
        for (place, (path, kind)) in fields.iter().enumerate() {
            let inner = format!("{path}.");
            for (other, other_kind) in &fields[place + 1..] {
                assert!(
                    path != other || kind == other_kind,
                    "{path} is {kind} and {other_kind}"
                );
                let outer = format!("{other}.");
                assert!(
                    !other.starts_with(&inner) && !path.starts_with(&outer),
                    "{path} and {other}"
                );
            }
        }
    }

    /// Lines that come by CloudWatch have the names that Filebeat gives them.
    #[test]
    fn lines_of_machines_have_the_fields_of_machines() {
        for (path, kind) in brought(true) {
            let field = (*path, *kind);
            let is_beside = envelope_fields()
                .chain(common_fields())
                .any(|(path, _)| path == field.0);
            let is_filebeats = JOURNAL.contains(&field) || MACHINE.contains(&field);
            assert!(
                is_beside || is_filebeats || field.0 == "event.start",
                "{field:?}"
            );
        }
    }

    #[test]
    fn logs_of_aws_alone_have_no_fields_of_containers() {
        let kinds = BTreeSet::from([RecordKind::Aws]);
        let paths: Vec<&str> = fields(&kinds).iter().map(|(path, _)| *path).collect();
        assert!(paths.contains(&"source.ip") && paths.contains(&"cluster.name"));
        assert!(
            !paths
                .iter()
                .any(|path| path.starts_with("kubernetes.") || path.starts_with("fluentd."))
        );
    }

    #[test]
    fn collisions_are_reported_and_neighbours_are_none() {
        let reported = |field: &str| collision(field, &all()).unwrap_or_default();
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
                "`stream` is a `keyword`, which can't contain fields",
            ),
            (
                "cluster",
                "`cluster` contains the built-in field `cluster.name`, so it can't be a field itself",
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
                "`systemd` contains the built-in field `systemd.unit`, so it can't be a field itself",
            ),
            ("kubernetes.labels_of_ours", ""),
            ("kubernetes.labelled", ""),
            ("messages", ""),
            ("event.dataset", ""),
            ("cluster.size", ""),
        ] {
            assert_eq!(reported(field), message, "{field}");
        }
    }

    #[test]
    fn fields_of_what_a_stream_does_not_get_are_free() {
        for field in ["audit.verb", "aws.event", "event", "metric", "systemd.unit"] {
            assert_eq!(collision(field, &BTreeSet::new()), None, "{field}");
        }
    }
}
