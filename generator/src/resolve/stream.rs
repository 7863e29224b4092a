//! The streams that sources feed, with the names of their data streams. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::problem::Problems;
use super::{Identity, RecordKind, ResolvedRollover, ResolvedStream, built_in, indices, name};
use crate::fault::list;
use crate::settings::{Destination, FieldType, Mapping, Name, Settings, Stream};

/// Which streams are fed, and with what.
pub(super) type Fed = BTreeMap<String, Feeding>;

/// What a stream is fed with, as far as its mapping and its way depend on it.
#[expect(clippy::struct_excessive_bools, reason = "each is a source of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Feeding {
    /// Whether the cluster's own shippers write to it.
    pub shippers: bool,
    /// Whether logs or measurements of AWS go there.
    pub aws: bool,
    /// The fields that get the values of JSON text.
    pub json_targets: BTreeSet<String>,
    /// Whether logs of containers go there, and with them the nodes' journal.
    pub containers: bool,
    /// Whether events of the API server go there.
    pub events: bool,
    /// Whether the audit log goes there.
    pub audit_log: bool,
    /// Whether logs of machines go there.
    pub machines: bool,
}

/// Resolves the streams that are fed.
pub(super) fn resolve_streams(
    settings: &Settings,
    cluster: &Identity,
    fed: &Fed,
    problems: &mut Problems,
) -> Vec<ResolvedStream> {
    let namespace = name::namespace(&cluster.name, &settings.index);
    let mut streams = Vec::new();
    let mut data_streams: BTreeMap<String, &Name> = BTreeMap::new();
    for (name, stream) in &settings.streams {
        let Some(fed) = fed.get(name.as_str()) else {
            continue;
        };
        let resolved = resolve(name.as_str(), stream, settings, &namespace, fed, problems);
        if let Some(other) = data_streams.insert(resolved.data_stream.clone(), name) {
            problems.push(
                &["streams", name.as_str()],
                format!(
                    "the streams `{other}` and `{name}` are both the data stream `{}`",
                    resolved.data_stream
                ),
                "give one of them another `dataset`",
            );
        }
        streams.push(resolved);
    }
    streams
}

fn resolve(
    name: &str,
    stream: &Stream,
    settings: &Settings,
    namespace: &str,
    fed: &Feeding,
    problems: &mut Problems,
) -> ResolvedStream {
    let dataset = stream
        .dataset
        .as_ref()
        .map_or_else(|| name::dataset(name), ToString::to_string);
    let ends = ends(name, stream, settings, problems);
    if fed.shippers {
        check_chunk(name, stream, &ends, settings, problems);
    }
    let kinds = indices::kinds(fed);
    ResolvedStream {
        name: name.to_owned(),
        description: stream.description.clone().unwrap_or_default(),
        data_stream: name::data_stream(&settings.index, &dataset, namespace),
        dataset,
        shipped_to: if fed.shippers {
            ends.shipped_to(stream)
        } else {
            Vec::new()
        },
        destinations: ends.servers,
        cloudwatch: ends.cloudwatch,
        archives: ends.archives,
        retention_days: stream.retention_days,
        rollover: rollover(stream),
        force_merge: stream.force_merge,
        shards: stream.shards,
        replicas: stream.replicas,
        refresh_interval_seconds: stream.refresh_interval_seconds,
        codec: stream.codec,
        mapping: stream.mapping.clone(),
        own_fields: field_tree(name, &stream.mapping, &kinds, fed, problems),
        json_targets: fed.json_targets.iter().cloned().collect(),
        machines: fed.machines,
        buffer: stream.buffer.clone(),
        kinds,
    }
}

/// A chunk is one request, and never split: what doesn't fit is never sent.
fn check_chunk(
    name: &str,
    stream: &Stream,
    ends: &Ends,
    settings: &Settings,
    problems: &mut Problems,
) {
    let Some(chunk) = stream.buffer.chunk_mebibytes else {
        return;
    };
    let of_all = settings.stream_defaults.buffer.chunk_mebibytes == Some(chunk);
    let setting: Vec<&str> = if of_all {
        vec!["stream_defaults", "buffer", "chunk_mebibytes"]
    } else {
        vec!["streams", name, "buffer", "chunk_mebibytes"]
    };
    let told = problems.0.iter().any(|problem| problem.setting == setting);
    let servers = settings.destinations.iter().filter_map(|(name, own)| {
        let (_, server) = own.server()?;
        Some((name.as_str(), u16::from(server.bulk_size_mebibytes)))
    });
    let mut servers = servers.filter(|(name, _)| ends.servers.iter().any(|end| end == name));
    if let Some((server, request)) = servers.find(|(_, request)| chunk * 2 > *request)
        && !told
    {
        let most = request / 2;
        let needed = chunk * 2;
        let hint = match (most, needed) {
            (0, _) => format!(
                "remove it; or set `destinations.{server}.bulk_size_mebibytes` to {needed} or more"
            ),
            (_, ..=MOST_BULK_MEBIBYTES) => format!(
                "set it to {most} or less, or `destinations.{server}.bulk_size_mebibytes` to {needed} or more"
            ),
            _ => format!("set it to {most} or less"),
        };
        problems.push(
            &setting,
            format!("a chunk of {chunk} MiB may become a request of {needed} MiB, and `{server}` takes {request}"),
            hint,
        );
    }
}

/// The most that `bulk_size_mebibytes` may be.
const MOST_BULK_MEBIBYTES: u16 = 90;

/// Without a number of days an index is as old as the retention allows, by the
/// rule of Elasticsearch's own data streams:
/// <https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/data-stream-lifecycle-settings>.
fn rollover(stream: &Stream) -> ResolvedRollover {
    let automatic = match stream.retention_days {
        ..=14 => 1,
        15..=90 => 7,
        _ => 30,
    };
    ResolvedRollover {
        max_age_days: stream.rollover.max_age_days.unwrap_or(automatic),
        max_primary_shard_gibibytes: stream.rollover.max_primary_shard_gibibytes,
    }
}

/// Where a stream ends, by kind of destination; names, sorted.
#[derive(Debug, Default)]
struct Ends {
    servers: Vec<String>,
    cloudwatch: Vec<String>,
    archives: Vec<String>,
}

impl Ends {
    fn push(&mut self, name: &Name, destination: &Destination) {
        match destination {
            Destination::Elasticsearch(_) | Destination::Opensearch(_) => &mut self.servers,
            Destination::Cloudwatch(_) => &mut self.cloudwatch,
            Destination::S3(_) => &mut self.archives,
        }
        .push(name.to_string());
    }

    /// Those that the shippers write to themselves: not to a server or an
    /// archive that a subscription brings the log group's events to, since
    /// every record would be there twice.
    fn shipped_to(&self, stream: &Stream) -> Vec<String> {
        let subscriptions = &stream.cloudwatch.subscriptions;
        let mut names = self.cloudwatch.clone();
        if subscriptions.function.enabled != Some(true) {
            names.extend(self.servers.iter().cloned());
        }
        if subscriptions.firehose.enabled != Some(true) {
            names.extend(self.archives.iter().cloned());
        }
        names.sort();
        names
    }
}

fn ends(name: &str, stream: &Stream, settings: &Settings, problems: &mut Problems) -> Ends {
    let mut ends = Ends::default();
    let defaults = &settings.stream_defaults.destinations;
    if stream.destinations.is_empty() && defaults.is_empty() {
        for (name, destination) in &settings.destinations {
            if destination.server().is_some() {
                ends.push(name, destination);
            }
        }
        // Without any destination it is told once, of all streams.
        if ends.servers.is_empty() && !settings.destinations.is_empty() {
            problems.push(
                &["streams", name, "destinations"],
                format!("the stream `{name}` goes to every Elasticsearch and OpenSearch, but there is none"),
                "set a destination of another kind to `true`, or add one to `destinations`",
            );
        }
        return ends;
    }
    for (destination, on) in &stream.destinations {
        match settings.destinations.get(destination) {
            Some(found) if *on => ends.push(destination, found),
            Some(_) => {}
            None => {
                let known: Vec<&str> = settings.destinations.keys().map(Name::as_str).collect();
                problems.push(
                    &["streams", name, "destinations", destination.as_str()],
                    format!("there is no destination `{destination}`"),
                    format!("this cluster's destinations are {}", list(&known)),
                );
            }
        }
    }
    if !stream.destinations.values().any(|on| *on) {
        problems.push(
            &["streams", name, "destinations"],
            format!("the stream `{name}` goes nowhere, and what feeds it would be lost"),
            "set a destination to `true`, or switch its sources off",
        );
    }
    ends
}

/// The user's own fields as the nested `properties` of a mapping.
fn field_tree(
    stream: &str,
    mapping: &Mapping,
    kinds: &BTreeSet<RecordKind>,
    fed: &Feeding,
    problems: &mut Problems,
) -> Value {
    let mut tree = Map::new();
    for (field, kind) in &mapping.fields {
        let parts: Vec<&str> = field.as_str().split('.').collect();
        let collision = if fed.json_targets.contains(parts[0]) {
            Some(format!(
                "everything in `{}` is searchable already, as keywords",
                parts[0]
            ))
        } else {
            built_in::collision(field.as_str(), kinds)
        };
        if let Some(message) = collision {
            problems.push(
                &["streams", stream, "mapping", "fields", field.as_str()],
                message,
                "remove it; or copy the value to a field of its own with `enrich`, and map that",
            );
            continue;
        }
        if !insert(
            &mut tree,
            &parts,
            field_mapping(*kind, mapping.ignore_above),
        ) {
            problems.push(
                &["streams", stream, "mapping", "fields", field.as_str()],
                format!(
                    "`{field}` can't be a field of its own and lie in another field, or hold one"
                ),
                "keep one of the two",
            );
        }
    }
    Value::Object(tree)
}

/// Puts a field where it belongs; false where another one is in its way.
fn insert(properties: &mut Map<String, Value>, parts: &[&str], mapping: Value) -> bool {
    match parts {
        [] => false,
        [last] => {
            let free = !properties.contains_key(*last);
            properties.entry(*last).or_insert(mapping);
            free
        }
        [parent, rest @ ..] => properties
            .entry(*parent)
            .or_insert_with(|| json!({ "properties": {} }))
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .is_some_and(|properties| insert(properties, rest, mapping)),
    }
}

fn field_mapping(kind: FieldType, ignore_above: u16) -> Value {
    match kind {
        FieldType::Keyword => json!({ "type": "keyword", "ignore_above": ignore_above }),
        FieldType::Text => json!({ "type": "text" }),
        FieldType::Long => json!({ "type": "long", "ignore_malformed": true }),
        FieldType::Double => json!({ "type": "double", "ignore_malformed": true }),
        FieldType::Date => json!({ "type": "date", "ignore_malformed": true }),
        FieldType::Ip => json!({ "type": "ip", "ignore_malformed": true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::FieldName;

    #[test]
    fn own_fields_beside_built_in_ones_are_nested_and_others_are_problems() {
        let fields = [
            ("client_ip", FieldType::Ip),
            ("cluster.size", FieldType::Long),
            ("kubernetes.labels.app", FieldType::Keyword),
            ("log_processed.level", FieldType::Keyword),
            ("message", FieldType::Keyword),
        ]
        .map(|(name, kind)| (FieldName(name.to_owned()), kind));
        let mapping = Mapping {
            total_fields_limit: 1000,
            ignore_above: 1024,
            fields: fields.into(),
        };
        let fed = Feeding {
            json_targets: BTreeSet::from(["log_processed".to_owned()]),
            ..Feeding::default()
        };
        let mut problems = Problems::default();
        let tree = field_tree("ingress", &mapping, &BTreeSet::new(), &fed, &mut problems);
        assert_eq!(
            tree,
            json!({
                "client_ip": { "type": "ip", "ignore_malformed": true },
                "cluster": { "properties": { "size": { "type": "long", "ignore_malformed": true } } },
            })
        );
        let told: Vec<(String, &str)> = problems
            .0
            .iter()
            .map(|problem| (problem.setting.join("/"), problem.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "streams/ingress/mapping/fields/kubernetes.labels.app".to_owned(),
                    "everything in `kubernetes.labels` is searchable already, as keywords"
                ),
                (
                    "streams/ingress/mapping/fields/log_processed.level".to_owned(),
                    "everything in `log_processed` is searchable already, as keywords"
                ),
                (
                    "streams/ingress/mapping/fields/message".to_owned(),
                    "`message` is searchable already, as `text`"
                ),
            ]
        );
    }
}
