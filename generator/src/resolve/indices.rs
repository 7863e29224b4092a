//! What a destination needs before it takes records: mappings, settings,
//! index templates and life cycles. Pure.
//!
//! Servers keep all of it in memory, and what one more object costs grows with
//! those that are there already. So streams that need the same share it:
//!
//! - A [`RecordMapping`], an [`IndexSettings`] and, on Elasticsearch, a
//!   [`LifeCycle`] say nothing of the cluster. Their files are named by their
//!   bytes, so clusters share them, too.
//! - An [`IndexTemplate`] is for all streams of the cluster whose indices
//!   begin alike, under their exact names.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::stream::{Feeding, LABELS};
use super::{ResolvedPhase, ResolvedRollover, ResolvedStream, life_cycle, record_fields};
use crate::settings::{Backend, Codec, Retry};

/// A kind of records, which brings fields of its own. A mapping has all fields
/// of its kinds, whether or not each source is on: the fewer mappings differ,
/// the more is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Containers, and the journal of their nodes.
    Kubernetes,
    /// Events of the API server.
    Events,
    /// The API server's audit log.
    Audit,
    /// Machines' own logs.
    Machines,
    /// Logs and measurements of AWS.
    Aws,
}

impl RecordKind {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::Kubernetes,
        Self::Events,
        Self::Audit,
        Self::Machines,
        Self::Aws,
    ];

    /// As part of a name.
    const fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Events => "events",
            Self::Audit => "audit",
            Self::Machines => "machines",
            Self::Aws => "aws",
        }
    }
}

/// The kinds of records that a stream gets.
pub(super) fn kinds(fed: &Feeding) -> BTreeSet<RecordKind> {
    let kinds = [
        (fed.containers, RecordKind::Kubernetes),
        (fed.events, RecordKind::Events),
        (fed.audit_log, RecordKind::Audit),
        (fed.machines, RecordKind::Machines),
        (fed.aws, RecordKind::Aws),
    ];
    let got = kinds.into_iter().filter(|(gets, _)| *gets);
    got.map(|(_, kind)| kind).collect()
}

/// What is at a destination beside the data streams themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Indices {
    /// The mappings of its streams' records.
    pub mappings: Vec<RecordMapping>,
    /// The settings of its streams' indices.
    pub settings: Vec<IndexSettings>,
    /// The index templates, by the first stream of each.
    pub templates: Vec<IndexTemplate>,
    /// The life cycles, by the first stream of each.
    pub life_cycles: Vec<LifeCycle>,
}

/// Which fields of a record are searchable. Templates see it as `mapping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordMapping {
    /// Its kinds, and `labels` if streams have some, such as `kubernetes-audit`.
    pub name: String,
    /// The kinds of records.
    pub kinds: BTreeSet<RecordKind>,
    /// Fields of any keys, beside those of its kinds, sorted.
    pub maps: Vec<String>,
    /// Longest text that is still searchable as a whole.
    pub ignore_above: u16,
    /// All fields, as the JSON that the back end's mappings have.
    pub properties: String,
}

/// How an index is kept. Templates see it as `index_settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexSettings {
    /// What stands out in it, such as `3-shards`.
    pub name: String,
    /// Primary shards.
    pub shards: u8,
    /// Copies of each shard.
    pub replicas: u8,
    /// Seconds until a new record is found.
    pub refresh_interval_seconds: u16,
    /// How it is compressed.
    pub codec: Codec,
    /// Most fields of the mapping.
    pub total_fields_limit: u32,
}

/// What the next index of some streams is made by. Rendering adds the names of
/// its parts: `composed_of`, and `policy` where the back end has a template name it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IndexTemplate {
    /// Its name: the data stream of its first stream.
    pub name: String,
    /// Which template counts while a stream is in two.
    pub priority: u32,
    /// The streams, with what each holds.
    pub streams: BTreeMap<String, String>,
    /// Their data streams, sorted.
    pub data_streams: Vec<String>,
    /// The user's own fields.
    pub own_fields: serde_json::Value,
    /// Its mapping's place in [`Indices::mappings`].
    #[serde(skip)]
    pub mapping: usize,
    /// Its settings' place in [`Indices::settings`].
    #[serde(skip)]
    pub settings: usize,
    /// Its life cycle's place in [`Indices::life_cycles`]; none where the life
    /// cycle names the streams instead.
    #[serde(skip)]
    pub life_cycle: Option<usize>,
}

/// When an index is full, and when it is deleted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LifeCycle {
    /// The data stream of its first stream.
    pub name: String,
    /// How long a record is kept at least, such as `30d`, or `for-good`.
    pub kept: String,
    /// Which policy counts while a stream is in two.
    pub priority: u32,
    /// The streams, sorted.
    pub streams: Vec<String>,
    /// Their data streams, sorted.
    pub data_streams: Vec<String>,
    /// Days that a record is kept at least; none where it is kept for good.
    pub retention_days: Option<u16>,
    /// When a new backing index begins.
    pub rollover: ResolvedRollover,
    /// Whether an index is merged after its rollover.
    pub force_merge: bool,
    /// Which indices are recovered first, of those that take records.
    pub priority_of_indices: Option<u16>,
    /// What comes between rollover and end, in its order.
    pub phases: Vec<ResolvedPhase>,
    /// How OpenSearch repeats a step that failed; Elasticsearch has no such setting.
    pub retry: Option<Retry>,
}

/// Says what the streams of a destination need there. They come sorted by name.
pub(super) fn resolve(backend: Backend, streams: &[&ResolvedStream]) -> Indices {
    let life_cycles = group(streams, |stream| Course::of(stream, backend));
    let mappings = group(streams, mapping);
    let settings = group(streams, index_settings);
    let templates = group(streams, |stream| {
        let parts = (place(&mappings, stream), place(&settings, stream));
        let life_cycle = place(&life_cycles, stream);
        // OpenSearch's policies name the streams, and templates no policy.
        let life_cycle = (backend == Backend::Elasticsearch).then_some(life_cycle);
        (parts, life_cycle, stream.own_fields.clone())
    });
    Indices {
        templates: templates.into_iter().map(index_template).collect(),
        life_cycles: life_cycles
            .iter()
            .map(|(course, streams)| life_cycle(course, streams))
            .collect(),
        mappings: mappings
            .into_iter()
            .map(|(mapping, _)| with_properties(mapping, backend))
            .collect(),
        settings: settings.into_iter().map(|(settings, _)| settings).collect(),
    }
}

/// Streams that have something in common, with what it is.
type Group<'s, Common> = (Common, Vec<&'s ResolvedStream>);

/// Puts streams with equal values together, in the order of the first of each.
fn group<'s, Common: PartialEq>(
    streams: &[&'s ResolvedStream],
    common: impl Fn(&ResolvedStream) -> Common,
) -> Vec<Group<'s, Common>> {
    let mut groups: Vec<Group<'s, Common>> = Vec::new();
    for stream in streams {
        let common = common(stream);
        match groups.iter_mut().find(|(other, _)| *other == common) {
            Some((_, streams)) => streams.push(stream),
            None => groups.push((common, vec![stream])),
        }
    }
    groups
}

/// The group that a stream is in.
fn place<Common>(groups: &[Group<'_, Common>], stream: &ResolvedStream) -> usize {
    let is_in =
        |(_, streams): &Group<'_, Common>| streams.iter().any(|other| other.name == stream.name);
    groups.iter().position(is_in).unwrap_or_default()
}

/// What the mapping of streams is called that nothing feeds any more: what they
/// get are fields of every record, and those of the user's own.
const RETIRED: &str = "retired";

fn mapping(stream: &ResolvedStream) -> RecordMapping {
    let labels = (!stream.labels.is_empty()).then_some(LABELS);
    let kinds = stream.kinds.iter().map(|kind| kind.name());
    let names: Vec<&str> = kinds.chain(labels).collect();
    RecordMapping {
        name: if names.is_empty() {
            RETIRED.to_owned()
        } else {
            names.join("-")
        },
        kinds: stream.kinds.clone(),
        maps: stream.maps.clone(),
        ignore_above: stream.mapping.ignore_above,
        properties: String::new(),
    }
}

/// The fields follow from the rest, so they are made once streams are together.
fn with_properties(mapping: RecordMapping, backend: Backend) -> RecordMapping {
    RecordMapping {
        properties: record_fields::properties(
            &mapping.kinds,
            &mapping.maps,
            mapping.ignore_above,
            backend,
        ),
        ..mapping
    }
}

fn index_settings(stream: &ResolvedStream) -> IndexSettings {
    IndexSettings {
        name: match stream.shards {
            1 => "1-shard".to_owned(),
            shards => format!("{shards}-shards"),
        },
        shards: stream.shards,
        replicas: stream.replicas,
        refresh_interval_seconds: stream.refresh_interval_seconds,
        codec: stream.codec,
        total_fields_limit: stream.mapping.total_fields_limit,
    }
}

type Parts = ((usize, usize), Option<usize>, serde_json::Value);

fn index_template((parts, streams): Group<'_, Parts>) -> IndexTemplate {
    let ((mapping, settings), life_cycle, own_fields) = parts;
    let named = Named::of(&streams);
    IndexTemplate {
        name: named.name,
        priority: named.priority,
        streams: streams
            .iter()
            .map(|stream| (stream.name.clone(), stream.description.clone()))
            .collect(),
        data_streams: named.data_streams,
        own_fields,
        mapping,
        settings,
        life_cycle,
    }
}

/// What streams with one life cycle have in common.
#[derive(PartialEq)]
struct Course {
    retention_days: Option<u16>,
    rollover: ResolvedRollover,
    force_merge: bool,
    priority: Option<u16>,
    phases: Vec<ResolvedPhase>,
    retry: Option<Retry>,
}

impl Course {
    fn of(stream: &ResolvedStream, backend: Backend) -> Self {
        let retry = &stream.life_cycle.retry;
        Self {
            retention_days: stream.retention_days,
            rollover: stream.rollover.clone(),
            force_merge: stream.force_merge,
            priority: stream.life_cycle.priority,
            phases: life_cycle::phases(&stream.life_cycle),
            retry: (backend == Backend::Opensearch).then(|| retry.clone()),
        }
    }
}

fn life_cycle(course: &Course, streams: &[&ResolvedStream]) -> LifeCycle {
    let named = Named::of(streams);
    LifeCycle {
        name: named.name,
        kept: course
            .retention_days
            .map_or_else(|| "for-good".to_owned(), |days| format!("{days}d")),
        priority: named.priority,
        streams: streams.iter().map(|stream| stream.name.clone()).collect(),
        data_streams: named.data_streams,
        retention_days: course.retention_days,
        rollover: course.rollover.clone(),
        force_merge: course.force_merge,
        priority_of_indices: course.priority,
        phases: course.phases.clone(),
        retry: course.retry.clone(),
    }
}

/// What every group is known by.
struct Named {
    name: String,
    priority: u32,
    data_streams: Vec<String>,
}

impl Named {
    /// The name of the first stream stays while values of the whole group change.
    fn of(streams: &[&ResolvedStream]) -> Self {
        let first = streams.first();
        let name = first.map_or_else(String::new, |first| first.data_stream.clone());
        let mut data_streams: Vec<String> = streams
            .iter()
            .map(|stream| stream.data_stream.clone())
            .collect();
        data_streams.sort();
        Self {
            priority: priority(first.map_or("", |first| &first.dataset)),
            data_streams,
            name,
        }
    }
}

/// Above every template of Elastic's own, which have 100 to 500.
const LOWEST_PRIORITY: u32 = 501;

/// A priority that no other dataset is likely to have. Both servers refuse a
/// template whose patterns overlap with another's of equal priority, and one
/// that leaves a data stream without a template. So a stream can only move
/// from one template to another by being in both for a moment. Patterns of two
/// clusters never overlap, so it says nothing of the cluster: a change that
/// many have is the same change.
fn priority(dataset: &str) -> u32 {
    let digest = Sha256::digest(dataset);
    LOWEST_PRIORITY + u32::from_be_bytes([0, digest[0], digest[1], digest[2]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::ResolvedDestination;
    use crate::resolve::tests::resolved;

    /// Streams of the cluster of the tests, each with what it has of its own.
    fn destination(change: &str) -> ResolvedDestination {
        let mut cluster = resolved(change);
        cluster.destinations.remove(0)
    }

    /// The names of streams as they are in the name of a data stream.
    fn short(data_streams: &[String]) -> Vec<&str> {
        data_streams
            .iter()
            .map(|name| {
                let name = name.strip_suffix("-prod_eu_example_com");
                let name = name.and_then(|name| name.strip_prefix("logs-"));
                name.expect("a data stream of the cluster")
            })
            .collect()
    }

    fn templates(destination: &ResolvedDestination) -> Vec<Vec<&str>> {
        let templates = destination.indices.templates.iter();
        templates.map(|own| short(&own.data_streams)).collect()
    }

    fn life_cycles(destination: &ResolvedDestination) -> Vec<(Vec<&str>, u16)> {
        let life_cycles = destination.indices.life_cycles.iter();
        life_cycles
            .map(|own| (short(&own.data_streams), own.rollover.max_age_days))
            .collect()
    }

    const KUBERNETES: [&str; 3] = [
        "kubernetes.applications",
        "kubernetes.control_plane",
        "kubernetes.nodes",
    ];

    #[test]
    fn streams_that_need_the_same_share_it() {
        let destination = destination("");
        assert_eq!(
            templates(&destination),
            [
                KUBERNETES.to_vec(),
                vec!["kubernetes.events"],
                vec!["machines.system"]
            ]
        );
        assert_eq!(destination.indices.settings.len(), 1);
        assert_eq!(destination.indices.life_cycles.len(), 1);
        let mappings = destination.indices.mappings.iter();
        let mappings: Vec<&str> = mappings.map(|own| own.name.as_str()).collect();
        assert_eq!(mappings, ["kubernetes", "events", "machines"]);
    }

    #[test]
    fn a_stream_that_needs_something_else_has_its_own() {
        let change = "streams: { control_plane: { shards: 3 }, nodes: { mapping: { fields: { team: keyword } } } }";
        let destination = destination(change);
        assert_eq!(
            templates(&destination)[..4],
            [
                vec!["kubernetes.applications"],
                vec!["kubernetes.control_plane"],
                vec!["kubernetes.events"],
                vec!["machines.system"],
            ]
        );
        assert_eq!(templates(&destination)[4], ["kubernetes.nodes"]);
        let settings = destination.indices.settings.iter();
        let settings: Vec<&str> = settings.map(|own| own.name.as_str()).collect();
        assert_eq!(settings, ["1-shard", "3-shards"]);
    }

    #[test]
    fn only_elasticsearchs_index_templates_name_a_policy() {
        let change = "streams: { nodes: { retention_days: 7 } }";
        let open = destination(change);
        assert_eq!(templates(&open)[0], KUBERNETES);
        let change =
            format!("{change}\ndestinations: {{ main: {{ backend: elasticsearch, version: 8 }} }}");
        let elastic = destination(&change);
        assert_eq!(templates(&elastic)[0], KUBERNETES[..2]);
        assert_eq!(templates(&elastic)[3], KUBERNETES[2..]);
        assert!(
            open.indices
                .templates
                .iter()
                .all(|own| own.life_cycle.is_none())
        );
        assert_eq!(life_cycles(&open)[1], (vec!["kubernetes.nodes"], 1));
        assert_eq!(life_cycles(&elastic)[1], (vec!["kubernetes.nodes"], 1));
    }

    #[test]
    fn an_index_ages_as_long_as_the_retention_allows() {
        for (days, automatic) in [(1, 1), (14, 1), (15, 7), (90, 7), (91, 30), (3653, 30)] {
            let change = format!("stream_defaults: {{ retention_days: {days} }}");
            assert_eq!(life_cycles(&destination(&change))[0].1, automatic, "{days}");
        }
        let change = "stream_defaults: { retention_days: 365, rollover: { max_age_days: 2 } }";
        assert_eq!(life_cycles(&destination(change))[0].1, 2);
    }

    #[test]
    fn streams_that_several_sources_feed_have_all_of_their_fields() {
        let change = "
            sources:
              kubernetes:
                control_plane: { audit_log: { enabled: true } }
                events: { stream: nodes }
              machines: { masters: { stream: nodes }, nodes: { stream: nodes } }
        ";
        let destination = destination(change);
        let mappings = destination.indices.mappings.iter();
        let mappings: Vec<&str> = mappings.map(|own| own.name.as_str()).collect();
        assert_eq!(
            mappings,
            [
                "kubernetes",
                "kubernetes-audit",
                "kubernetes-events-machines"
            ]
        );
    }

    /// It is what lets a stream be in two templates, on its way from one to the other.
    #[test]
    fn names_that_differ_have_priorities_that_differ_above_all_of_elastics() {
        let names = (0..2000).map(|number| format!("kubernetes.s{number}"));
        let priorities: BTreeSet<u32> = names.map(|name| priority(&name)).collect();
        assert_eq!(priorities.len(), 2000);
        assert!(
            priorities
                .iter()
                .all(|own| *own > 500 && *own <= 500 + (1 << 24))
        );
        let template = destination("").indices.templates.remove(0);
        assert_eq!(template.name, template.data_streams[0]);
        assert_eq!(template.priority, priority("kubernetes.applications"));
        // Another cluster's is the same.
        let other = destination("name: staging").indices.templates.remove(0);
        assert_ne!(other.name, template.name);
        assert_eq!(other.priority, template.priority);
    }
}
