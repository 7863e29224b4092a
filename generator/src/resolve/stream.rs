//! The streams that sources feed, with the names of their data streams. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::problem::Problems;
use super::{
    Identity, RecordKind, ResolvedRollover, ResolvedStream, indices, life_cycle, name,
    record_fields,
};
use crate::sentence::list;
use crate::settings::{Destination, FieldType, Mapping, Name, Settings, Stream};

/// Which streams are fed, and with what.
pub(super) type Fed = BTreeMap<String, Feeding>;

/// What a stream is fed with, as far as its mapping and its way depend on it.
#[expect(clippy::struct_excessive_bools, reason = "each is a source of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Feeding {
    /// The sources that feed it, such as `kubernetes.nodes`.
    pub sources: BTreeSet<String>,
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
    let nothing = Feeding::default();
    for (name, stream) in &settings.streams {
        let fed = match fed.get(name.as_str()) {
            Some(fed) => fed,
            None if stream.retired => &nothing,
            None => continue,
        };
        check_retired(name.as_str(), stream, fed, problems);
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

/// What is retired gets nothing any more.
fn check_retired(name: &str, stream: &Stream, fed: &Feeding, problems: &mut Problems) {
    if stream.retired && !fed.sources.is_empty() {
        let sources: Vec<&str> = fed.sources.iter().map(String::as_str).collect();
        problems.push(
            &["streams", name, "retired"],
            format!(
                "the stream `{name}` is retired, but it is still fed by {}",
                list(&sources)
            ),
            "send these to another stream, or switch them off; or remove this",
        );
    }
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
    let ends = Ends::of(stream, settings);
    check_ends(name, stream, &ends, settings, problems);
    if fed.shippers {
        check_chunk(name, stream, &ends, settings, problems);
    }
    let kinds = indices::kinds(fed);
    let labels = labels(stream);
    // Fields of any keys, each of them searchable, beside those of the kinds.
    let mut maps = fed.json_targets.clone();
    if !labels.is_empty() {
        maps.insert(LABELS.to_owned());
    }
    let own_fields = field_tree(name, &stream.mapping, &kinds, &maps, problems);
    check_limit(name, stream, &kinds, &own_fields, problems);
    life_cycle::check(name, stream, problems);
    ResolvedStream {
        name: name.to_owned(),
        description: stream.description.clone().unwrap_or_default(),
        data_stream: name::data_stream(&settings.index, &dataset, namespace),
        dataset,
        shipped_to: if fed.shippers || stream.retired {
            ends.shipped_to(stream)
        } else {
            Vec::new()
        },
        destinations: ends.servers,
        cloudwatch: ends.cloudwatch,
        archives: ends.archives,
        retention_days: stream.retention_days.days(),
        rollover: rollover(stream),
        force_merge: stream.force_merge,
        life_cycle: stream.life_cycle.clone(),
        shards: stream.shards,
        replicas: stream.replicas,
        refresh_interval_seconds: stream.refresh_interval_seconds,
        codec: stream.codec,
        mapping: stream.mapping.clone(),
        own_fields,
        maps: maps.into_iter().collect(),
        labels,
        machines: fed.machines,
        buffer: stream.buffer.clone(),
        retired: stream.retired,
        kinds,
    }
}

/// The field with a stream's labels, by the Elastic Common Schema:
/// <https://www.elastic.co/docs/reference/ecs/ecs-base#field-labels>.
pub(super) const LABELS: &str = "labels";

/// What every record of a stream gets; what is retired gets none.
fn labels(stream: &Stream) -> BTreeMap<String, String> {
    let labels = stream.labels.iter().filter(|_| !stream.retired);
    labels
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

/// More fields than any mapping has, so that most streams need no count.
const PLENTY: u32 = 700;

/// A server makes no index whose mapping has more fields than its limit.
fn check_limit(
    name: &str,
    stream: &Stream,
    kinds: &BTreeSet<RecordKind>,
    own_fields: &Value,
    problems: &mut Problems,
) {
    let limit = stream.mapping.total_fields_limit;
    if limit >= PLENTY && stream.mapping.fields.len() < 100 {
        return;
    }
    let count = record_fields::count(kinds) + fields_in(own_fields);
    if u32::try_from(count).is_ok_and(|count| count > limit) {
        problems.push(
            &["streams", name, "mapping", "total_fields_limit"],
            format!("the stream `{name}` has {count} fields, more than the {limit} that its indices may have"),
            format!("set it to {} or more", count.next_multiple_of(100)),
        );
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
    let reported = problems.0.iter().any(|problem| problem.setting == setting);
    let servers = settings.destinations.iter().filter_map(|(name, own)| {
        let (_, server) = own.server()?;
        Some((name.as_str(), u16::from(server.bulk_size_mebibytes)))
    });
    let mut servers = servers.filter(|(name, _)| ends.servers.iter().any(|end| end == name));
    if let Some((server, request)) = servers.find(|(_, request)| chunk * 2 > *request)
        && !reported
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

/// How many fields the `properties` of a mapping have, objects counted in.
fn fields_in(properties: &Value) -> usize {
    let properties = properties.as_object().into_iter().flatten();
    properties
        .map(|(_, mapping)| 1 + fields_in(&mapping["properties"]))
        .sum()
}
/// The most that `bulk_size_mebibytes` may be.
const MOST_BULK_MEBIBYTES: u16 = 90;

/// Without a number of days an index is as old as the retention allows, by the
/// rule of Elasticsearch's own data streams:
/// <https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/data-stream-lifecycle-settings>.
fn rollover(stream: &Stream) -> ResolvedRollover {
    let automatic = match stream.retention_days.days() {
        Some(..=14) => 1,
        Some(15..=90) => 7,
        Some(_) | None => 30,
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
    /// Those of a stream, of the destinations that there are.
    fn of(stream: &Stream, settings: &Settings) -> Self {
        let every_server = Self::is_every_server(stream, settings);
        let mut ends = Self::default();
        for (name, destination) in &settings.destinations {
            let chosen = if every_server {
                destination.server().is_some()
            } else {
                stream.destinations.get(name) == Some(&true)
            };
            if chosen {
                ends.push(name, destination);
            }
        }
        ends
    }

    /// Whether nothing says where a stream goes.
    fn is_every_server(stream: &Stream, settings: &Settings) -> bool {
        stream.destinations.is_empty() && settings.stream_defaults.destinations.is_empty()
    }

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

/// Whether a stream goes somewhere, but to no Elasticsearch or OpenSearch.
pub(super) fn ends_elsewhere(settings: &Settings, name: &Name) -> bool {
    let stream = settings.streams.get(name);
    let ends = stream.map(|stream| Ends::of(stream, settings));
    ends.is_some_and(|ends| {
        ends.servers.is_empty() && !(ends.cloudwatch.is_empty() && ends.archives.is_empty())
    })
}

/// Finds mistakes in where a stream ends.
fn check_ends(
    name: &str,
    stream: &Stream,
    ends: &Ends,
    settings: &Settings,
    problems: &mut Problems,
) {
    if Ends::is_every_server(stream, settings) {
        // Without any destination it is reported once, of all streams.
        if ends.servers.is_empty() && !settings.destinations.is_empty() {
            problems.push(
                &["streams", name, "destinations"],
                format!("the stream `{name}` goes to every Elasticsearch and OpenSearch, but there is none"),
                "set a destination of another kind to `true`, or add one to `destinations`",
            );
        }
        return;
    }
    let missing = |destination: &&Name| !settings.destinations.contains_key(*destination);
    for destination in stream.destinations.keys().filter(missing) {
        let known: Vec<&str> = settings.destinations.keys().map(Name::as_str).collect();
        problems.push(
            &["streams", name, "destinations", destination.as_str()],
            format!("there is no destination `{destination}`"),
            format!("this cluster's destinations are {}", list(&known)),
        );
    }
    if !stream.destinations.values().any(|on| *on) {
        problems.push(
            &["streams", name, "destinations"],
            format!("the stream `{name}` goes nowhere, and what feeds it would be lost"),
            "set a destination to `true`, or switch its sources off",
        );
    }
}

/// The user's own fields as the nested `properties` of a mapping.
fn field_tree(
    stream: &str,
    mapping: &Mapping,
    kinds: &BTreeSet<RecordKind>,
    maps: &BTreeSet<String>,
    problems: &mut Problems,
) -> Value {
    let mut tree = Map::new();
    for (field, kind) in &mapping.fields {
        let parts: Vec<&str> = field.as_str().split('.').collect();
        let collision = if maps.contains(parts[0]) {
            Some(format!(
                "everything in `{}` is searchable already, as keywords",
                parts[0]
            ))
        } else {
            record_fields::collision(field.as_str(), kinds)
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
    use crate::resolve::tests::{resolve, resolved};
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
        let maps = BTreeSet::from(["log_processed".to_owned()]);
        let mut problems = Problems::default();
        let tree = field_tree("ingress", &mapping, &BTreeSet::new(), &maps, &mut problems);
        assert_eq!(
            tree,
            json!({
                "client_ip": { "type": "ip", "ignore_malformed": true },
                "cluster": { "properties": { "size": { "type": "long", "ignore_malformed": true } } },
            })
        );
        let reported: Vec<(String, &str)> = problems
            .0
            .iter()
            .map(|problem| (problem.setting.join("/"), problem.message.as_str()))
            .collect();
        assert_eq!(
            reported,
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

    #[test]
    fn labels_are_one_map_of_the_mappings_of_streams_that_have_some() {
        let cluster = resolved("streams: { nodes: { labels: { team: a, owner: b } } }");
        for stream in &cluster.streams {
            let is_labelled = stream.name == "nodes";
            assert_eq!(stream.labels.len(), if is_labelled { 2 } else { 0 });
            assert_eq!(stream.maps.contains(&LABELS.to_owned()), is_labelled);
        }
        let mappings = cluster.destinations[0].indices.mappings.iter();
        let names: Vec<&str> = mappings.map(|own| own.name.as_str()).collect();
        assert_eq!(
            names,
            ["kubernetes", "events", "machines", "kubernetes-labels"]
        );
        let collided = resolve(
            "streams: { nodes: { labels: { team: a }, mapping: { fields: { labels.team: keyword } } } }",
        );
        assert_eq!(
            collided.expect_err("a collision"),
            [
                "streams.nodes.mapping.fields.labels.team: everything in `labels` is searchable already, as keywords"
            ]
        );
        let reader = "readers: { a: { streams: { nodes: true }, users: { b: true }, filter: { field: labels.team, values: { a: true } } } }";
        resolved(&format!(
            "{{ streams: {{ nodes: {{ labels: {{ team: a }} }} }}, {reader} }}"
        ));
        assert!(resolve(reader).is_err());
    }

    #[test]
    fn labels_that_no_record_gets_have_no_effect() {
        let idle = |change: &str| -> Vec<String> {
            let idle = resolved(change).idle.into_iter();
            let idle = idle.map(|own| own.setting.join("."));
            idle.filter(|own| own.ends_with(".labels")).collect()
        };
        let retired =
            "{ stream_defaults: { labels: { team: a } }, streams: { old: { retired: true } } }";
        assert_eq!(idle(retired), ["streams.old.labels"]);
        let old = resolved(retired);
        let old = old
            .streams
            .iter()
            .find(|own| own.retired)
            .expect("a stream");
        assert!(old.labels.is_empty() && old.maps.is_empty());
        // The CloudWatch agent's lines stay what they are; Fluentd's records don't.
        let cloudwatch = "{ destinations: { main: null, cw: { backend: cloudwatch } }, kubernetes: { role_arn: \"arn:aws:iam::111122223333:role/logs\" }, stream_defaults: { destinations: { cw: true } } }";
        assert_eq!(idle(cloudwatch), ["streams.machines.labels"]);
    }

    #[test]
    fn a_retired_stream_keeps_what_it_has_and_gets_nothing() {
        let change = "streams: { old: { retired: true, retention_days: 400, mapping: { fields: { team: keyword } } } }";
        let cluster = resolved(change);
        let destination = &cluster.destinations[0];
        let old = "logs-kubernetes.old-prod_eu_example_com".to_owned();
        assert!(destination.data_streams.contains(&old));
        assert!(!destination.written.contains(&old));
        assert!(destination.readers[0].data_streams.contains(&old));
        let policies = &destination.indices.life_cycles;
        assert!(
            policies
                .iter()
                .any(|own| own.data_streams == [old.clone()] && own.retention_days == Some(400))
        );
        let templates = &destination.indices.templates;
        assert!(
            templates
                .iter()
                .any(|own| own.data_streams == [old.clone()])
        );
        for daemon_set in &cluster.daemon_sets {
            assert!(!daemon_set.streams.contains(&"old".to_owned()));
        }
        let rows = crate::sources::list(&cluster);
        let row = rows
            .iter()
            .find(|row| row.source == "streams.old")
            .expect("a row");
        assert_eq!((row.shipped_by.as_ref(), row.ends.len()), (None, 1));
        assert_eq!(row.ends[0].kept_days, Some(400));
    }

    /// Its log group, and with it the events, would go otherwise.
    #[test]
    fn a_retired_stream_keeps_its_log_group_and_its_bucket() {
        let change = r#"
destinations: { cw: { backend: cloudwatch }, archive: { backend: s3, expiry_days: 90 } }
kubernetes: { role_arn: "arn:aws:iam::111122223333:role/logs" }
streams: { old: { retired: true, destinations: { cw: true, archive: true } } }
"#;
        let cluster = resolved(change);
        let groups: Vec<&str> = cluster
            .log_groups
            .iter()
            .map(|own| own.name.as_str())
            .collect();
        assert_eq!(groups, ["/logfleet/prod-eu.example.com/old"]);
        assert_eq!(cluster.archives.len(), 1);
    }

    #[test]
    fn a_retired_stream_that_something_feeds_is_reported() {
        let problems = resolve("streams: { nodes: { retired: true } }");
        assert_eq!(
            problems.expect_err("a problem"),
            [
                "streams.nodes.retired: the stream `nodes` is retired, but it is still fed by `kubernetes.nodes`"
            ]
        );
    }
}
