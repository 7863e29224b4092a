//! Who reads records at a server: roles, and who has them. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::json;

use super::problem::Problems;
use super::source::{check_stream, on};
use super::{RecordKind, ResolvedDestination, ResolvedStream, name, record_fields};
use crate::nearest::did_you_mean;
use crate::sentence::list;
use crate::settings::{
    Backend, FieldName, FieldType, FilterValue, Name, Reader, ReaderFilter, Settings,
};

/// A role that may read. Templates see it as `reader`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedReader {
    /// The role's name.
    pub role: String,
    /// Its name in the settings; none for the one that reads everything, which nobody has unless somebody gives it to them.
    pub key: Option<String>,
    /// The streams that it reads, sorted.
    pub streams: Vec<String>,
    /// Their data streams, sorted.
    pub data_streams: Vec<String>,
    /// The query that a record must match, as JSON; every record without it.
    pub query: Option<String>,
    /// Users who have it, sorted.
    pub users: Vec<String>,
    /// Groups whose members have it, sorted; at an OpenSearch, which calls both back-end roles, with the IAM roles that have it.
    pub groups: Vec<String>,
}

impl ResolvedReader {
    /// Everybody who has it, in words.
    fn holders(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let users = self.users.iter().map(|user| ("the user", user.as_str()));
        let groups = self
            .groups
            .iter()
            .map(|group| ("the group", group.as_str()));
        users.chain(groups)
    }
}

/// The readers of a destination: first the one of everything.
pub(super) fn of_destination(
    settings: &Settings,
    slug: &str,
    destination: &ResolvedDestination,
    streams: &[&ResolvedStream],
) -> Vec<ResolvedReader> {
    let everything = ResolvedReader {
        role: destination.reader.clone(),
        key: None,
        streams: streams.iter().map(|stream| stream.name.clone()).collect(),
        data_streams: destination.data_streams.clone(),
        query: None,
        users: Vec::new(),
        groups: Vec::new(),
    };
    let own = settings.readers.iter().filter_map(|(key, reader)| {
        let mut read: Vec<&ResolvedStream> = streams.to_vec();
        read.retain(|stream| reads(reader, &stream.name));
        if read.is_empty() {
            return None;
        }
        let mut data_streams: Vec<String> = read
            .iter()
            .map(|stream| stream.data_stream.clone())
            .collect();
        data_streams.sort();
        Some(ResolvedReader {
            role: name::own_reader(slug, key.as_str()),
            key: Some(key.to_string()),
            streams: read.iter().map(|stream| stream.name.clone()).collect(),
            data_streams,
            query: reader.filter.as_ref().map(query),
            users: on(&reader.users).map(ToString::to_string).collect(),
            groups: groups(reader, destination.backend),
        })
    });
    std::iter::once(everything).chain(own).collect()
}

/// Whether a reader reads a stream, if it is there.
fn reads(reader: &Reader, stream: &str) -> bool {
    let mut chosen = on(&reader.streams).peekable();
    chosen.peek().is_none() || chosen.any(|own| own.as_str() == stream)
}

fn groups(reader: &Reader, backend: Backend) -> Vec<String> {
    let iam_roles = on(&reader.iam_roles).map(ToString::to_string);
    // Elasticsearch knows nothing of them.
    let iam_roles = iam_roles.filter(|_| backend == Backend::Opensearch);
    let groups = on(&reader.groups).map(ToString::to_string);
    let mut all: Vec<String> = groups.chain(iam_roles).collect();
    all.sort();
    all
}

fn query(filter: &ReaderFilter) -> String {
    let values: Vec<&str> = on(&filter.values).map(FilterValue::as_str).collect();
    json!({ "terms": { filter.field.as_str(): values } }).to_string()
}

/// Finds readers that would see nothing, or more than is meant.
pub(super) fn check(
    settings: &Settings,
    streams: &[ResolvedStream],
    destinations: &[ResolvedDestination],
    problems: &mut Problems,
) {
    for (key, reader) in &settings.readers {
        let key = key.as_str();
        for stream in reader.streams.keys() {
            let setting = ["readers", key, "streams", stream.as_str()];
            check_stream(&setting, stream, settings, problems);
        }
        let Some(filter) = &reader.filter else {
            continue;
        };
        if on(&filter.values).next().is_none() {
            problems.push(
                &["readers", key, "filter", "values"],
                "every value is `false`, so this reader sees no record",
                "set one to `true`, or remove the reader",
            );
        }
        let at_servers = streams.iter().filter(|own| !own.destinations.is_empty());
        let read: Vec<&ResolvedStream> =
            at_servers.filter(|own| reads(reader, &own.name)).collect();
        check_field(key, filter, &read, problems);
    }
    for destination in destinations {
        if destination.backend == Backend::Elasticsearch {
            check_lifted(destination, problems);
        }
    }
}

/// The type of a field in a stream's records, if it is searchable.
fn type_of(stream: &ResolvedStream, field: &str) -> Option<&'static str> {
    let own = stream
        .mapping
        .fields
        .iter()
        .find(|(own, _)| own.as_str() == field);
    let own = own.map(|(_, kind)| match kind {
        FieldType::Keyword => "keyword",
        FieldType::Text => "text",
        FieldType::Long => "long",
        FieldType::Double => "double",
        FieldType::Date => "date",
        FieldType::Ip => "ip",
    });
    // What a stream held that is no longer fed isn't known.
    let kinds = if stream.retired {
        RecordKind::ALL.into()
    } else {
        stream.kinds.clone()
    };
    own.or_else(|| record_fields::type_of(&kinds, &stream.maps, field))
}

fn check_field(
    key: &str,
    filter: &ReaderFilter,
    streams: &[&ResolvedStream],
    problems: &mut Problems,
) {
    let field = filter.field.as_str();
    let setting = ["readers", key, "filter", "field"];
    let (with, without): (Vec<&ResolvedStream>, Vec<&ResolvedStream>) = streams
        .iter()
        .partition(|own| type_of(own, field).is_some());
    if !without.is_empty() {
        let names = |streams: &[&ResolvedStream]| -> String {
            let names: Vec<&str> = streams.iter().map(|own| own.name.as_str()).collect();
            list(&names)
        };
        let hint = if with.is_empty() {
            let known: BTreeSet<&str> = without
                .iter()
                .flat_map(|own| {
                    let own_fields = own.mapping.fields.keys().map(FieldName::as_str);
                    let built_in: Vec<&str> = record_fields::whole(&own.kinds).collect();
                    built_in.into_iter().chain(own_fields)
                })
                .collect();
            did_you_mean(field, known).unwrap_or_else(|| {
                format!("add it to `streams.<stream>.mapping.fields`, or name another field than `{field}`")
            })
        } else {
            format!(
                "name the streams that have it in `readers.{key}.streams`: {}; or add it to `streams.<stream>.mapping.fields`",
                names(&with)
            )
        };
        problems.push(
            &setting,
            format!(
                "records of {} have no searchable field `{field}`, so this reader would see none of them",
                names(&without)
            ),
            hint,
        );
        return;
    }
    for stream in with {
        let kind = type_of(stream, field).unwrap_or_default();
        let fits = |value: &str| match kind {
            "keyword" | "map" => true,
            "long" | "integer" | "short" | "byte" => value.parse::<i64>().is_ok(),
            "ip" => value.parse::<IpAddr>().is_ok(),
            _ => false,
        };
        if !matches!(
            kind,
            "keyword" | "map" | "long" | "integer" | "short" | "byte" | "ip"
        ) {
            problems.push(
                &setting,
                format!("`{field}` is a `{kind}` in the stream `{}`, of which no value is compared as a whole", stream.name),
                "name a field that is a keyword, a whole number or an IP address",
            );
            return;
        }
        if let Some(value) = on(&filter.values).find(|value| !fits(value.as_str())) {
            problems.push(
                &["readers", key, "filter", "values", value.as_str()],
                format!(
                    "`{value}` isn't valid in `{field}`, which is a `{kind}` in the stream `{}`",
                    stream.name
                ),
                "correct the value, or name another field",
            );
            return;
        }
    }
}

/// Of two roles of one person, Elasticsearch takes the one that limits less
/// (<https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/controlling-access-at-document-field-level>):
/// "if at least one role has no document level security query, it isn't applied".
fn check_lifted(destination: &ResolvedDestination, problems: &mut Problems) {
    let readers = || {
        destination
            .readers
            .iter()
            .filter_map(|own| Some((own.key.as_deref()?, own)))
    };
    for (key, filtered) in readers().filter(|(_, own)| own.query.is_some()) {
        for (other, whole) in readers().filter(|(_, own)| own.query.is_none()) {
            let both = filtered
                .holders()
                .find(|own| whole.holders().any(|other| other == *own));
            let stream = filtered
                .streams
                .iter()
                .find(|own| whole.streams.contains(own));
            if let Some(((kind, who), stream)) = both.zip(stream) {
                problems.push(
                    &["readers", key, "filter"],
                    format!("{kind} `{who}` also has the reader `{other}`, which sees all records of the stream `{stream}`; Elasticsearch (`{}`) then applies no filter there", destination.name),
                    format!("take `{who}` out of one of the two readers, or the stream out of `readers.{other}.streams`"),
                );
            }
        }
    }
}

/// The readers of which a cluster's servers know nothing: their streams go to none.
pub(super) fn without_effect<'s>(
    settings: &'s Settings,
    destinations: &'s [ResolvedDestination],
) -> impl Iterator<Item = &'s Name> {
    let is_known = |key: &Name| {
        let mut readers = destinations.iter().flat_map(|own| &own.readers);
        readers.any(|own| own.key.as_deref() == Some(key.as_str()))
    };
    // A stream that isn't there has been reported.
    let has_streams = |reader: &Reader| {
        let mut streams = reader.streams.keys();
        streams.all(|stream| settings.streams.contains_key(stream))
    };
    let readers = settings.readers.iter();
    let readers = readers.filter(move |(key, reader)| has_streams(reader) && !is_known(key));
    readers.map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use crate::resolve::tests::{resolve, resolved};

    const ELASTICSEARCH: &str = "destinations: { main: { backend: elasticsearch, version: 8 } }";

    fn reported(change: &str) -> Vec<String> {
        resolve(change).expect_err("a problem")
    }

    #[test]
    fn each_reader_has_its_streams_and_its_records() {
        let change = r#"
readers:
  everything: { groups: { ops: true, former: false } }
  shop:
    streams: { applications: true, nodes: false }
    filter: { field: kubernetes.namespace_name, values: { shop: true, cart: true, other: false } }
    users: { anna: true }
    iam_roles: { "arn:aws:iam::111122223333:role/shop": true }
  traces: { streams: { aws_vpc: true }, users: { anna: true } }
"#;
        let readers = resolved(change).destinations.remove(0).readers;
        let roles: Vec<&str> = readers.iter().map(|own| own.role.as_str()).collect();
        // Nothing feeds `aws_vpc` here, so nothing is there to read.
        assert_eq!(
            roles,
            [
                "logfleet-prod_eu_example_com-reader",
                "logfleet-prod_eu_example_com-reader-everything",
                "logfleet-prod_eu_example_com-reader-shop",
            ]
        );
        assert_eq!(readers[1].data_streams, readers[0].data_streams);
        assert_eq!(readers[1].groups, ["ops"]);
        assert_eq!(readers[1].query, None);
        assert_eq!(readers[2].streams, ["applications"]);
        assert_eq!(
            readers[2].query.as_deref(),
            Some(r#"{"terms":{"kubernetes.namespace_name":["cart","shop"]}}"#)
        );
        assert_eq!(readers[2].users, ["anna"]);
        assert_eq!(readers[2].groups, ["arn:aws:iam::111122223333:role/shop"]);
        let elastic = resolved(&format!("{ELASTICSEARCH}{change}"));
        assert_eq!(elastic.destinations[0].readers[2].groups, [""; 0]);
    }

    #[test]
    fn a_filter_is_of_a_field_that_is_compared_as_a_whole() {
        let of = |field: &str, value: &str| {
            format!(
                "streams: {{ applications: {{ mapping: {{ fields: {{ team: keyword, took: double }} }} }} }}\nreaders: {{ a: {{ streams: {{ applications: true }}, filter: {{ field: {field}, values: {{ '{value}': true }} }} }} }}"
            )
        };
        for (field, value) in [
            ("team", "shop"),
            ("kubernetes.labels.team", "shop"),
            ("log_processed.tenant.id", "7"),
            ("kubernetes.pod_ip", "10.0.0.1"),
            ("systemd.pid", "7"),
        ] {
            resolved(&of(field, value));
        }
        for (field, value, message) in [
            (
                "kubernetes.namespace",
                "shop",
                "filter.field: records of `applications` have no searchable field `kubernetes.namespace`, so this reader would see none of them",
            ),
            (
                "kubernetes.labels",
                "shop",
                "filter.field: records of `applications` have no searchable field `kubernetes.labels`, so this reader would see none of them",
            ),
            (
                "message",
                "shop",
                "filter.field: `message` is a `text` in the stream `applications`, of which no value is compared as a whole",
            ),
            (
                "took",
                "1",
                "filter.field: `took` is a `double` in the stream `applications`, of which no value is compared as a whole",
            ),
            (
                "kubernetes.pod_ip",
                "shop",
                "filter.values.shop: `shop` isn't valid in `kubernetes.pod_ip`, which is a `ip` in the stream `applications`",
            ),
        ] {
            assert_eq!(
                reported(&of(field, value)),
                [format!("readers.a.{message}")]
            );
        }
    }

    #[test]
    fn a_filter_is_of_a_field_of_every_stream() {
        let change = "streams: { applications: { mapping: { fields: { team: keyword } } } }\nreaders: { a: { filter: { field: team, values: { shop: true } } } }";
        assert_eq!(
            reported(change),
            [
                "readers.a.filter.field: records of `control_plane`, `events`, `machines`, `nodes` have no searchable field `team`, so this reader would see none of them"
            ]
        );
        let off = "readers: { a: { filter: { field: stream, values: { stdout: false } } } }";
        assert!(
            reported(off).contains(
                &"readers.a.filter.values: every value is `false`, so this reader sees no record"
                    .to_owned()
            )
        );
    }

    /// On OpenSearch a filter holds whatever else somebody may read.
    #[test]
    fn a_filter_that_another_reader_lifts_is_reported_on_elasticsearch() {
        let readers = |whole: &str| {
            format!(
                "readers: {{ shop: {{ streams: {{ applications: true }}, filter: {{ field: stream, values: {{ stdout: true }} }}, users: {{ anna: true }}, groups: {{ shop: true }} }}, whole: {{ {whole} }} }}"
            )
        };
        let elastic = |whole: &str| format!("{ELASTICSEARCH}\n{}", readers(whole));
        assert_eq!(
            reported(&elastic("groups: { shop: true }")),
            [
                "readers.shop.filter: the group `shop` also has the reader `whole`, which sees all records of the stream `applications`; Elasticsearch (`main`) then applies no filter there"
            ]
        );
        assert_eq!(reported(&elastic("users: { anna: true }")).len(), 1);
        // Another name, another stream, or another server.
        resolved(&elastic("groups: { anna: true }, users: { shop: true }"));
        resolved(&elastic("users: { anna: true }, streams: { nodes: true }"));
        resolved(&readers("users: { anna: true }"));
    }
}
