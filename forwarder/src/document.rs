//! A document of an event: what is common to all of a log stream, its time, and
//! what is read out of it. Pure.
//!
//! Members outside of `cluster`, `data_stream` and `labels` are written with dots, which
//! both servers read as objects: so what a format adds below `aws` or `event` never
//! makes a second member of one name, which they refuse.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use logfleet_contract::forwarder::Configuration;
use logfleet_events::{Parsed, time_text, write_fields};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::json::write_text;
use crate::route::Route;
use crate::time;

/// Bytes that an id may have:
/// <https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/mapping-id-field>.
const LONGEST_ID: usize = 512;

/// What a time of the present has.
const TIME: &[u8] = b"0000-00-00T00:00:00.000Z";

/// Sixteen hexadecimal digits for texts.
pub fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    base16ct::lower::encode_string(&hasher.finalize()[..8])
}

/// An id that grows with time, which indexes faster. What tells events of one
/// place apart follows behind a hash of the place.
pub fn id(time: i64, place: &str, own: &str) -> String {
    let mut id = String::with_capacity(15 + place.len() + own.len());
    // Writing to memory can't fail.
    let _ = write!(id, "{time:013}-{place}-");
    id.push_str(own);
    if id.len() <= LONGEST_ID {
        return id;
    }
    format!("{time:013}-{place}-{}", hash(&[own]))
}

/// What tells an event from others of its place: the id that CloudTrail gave it,
/// since a copy of its record has another one of CloudWatch's; else CloudWatch's.
pub fn own_id<'e>(text: &'e str, given: &'e str) -> Cow<'e, str> {
    #[derive(Deserialize)]
    struct Record<'r> {
        #[serde(borrow, rename = "eventID")]
        id: Option<Cow<'r, str>>,
    }
    // Other texts needn't be read for it.
    let is_record = text.starts_with('{')
        && memchr::memmem::find(text.as_bytes(), b"\"eventVersion\"").is_some();
    let record: Option<Record<'_>> = is_record.then(|| serde_json::from_str(text).ok()).flatten();
    record
        .and_then(|record| record.id)
        .unwrap_or(Cow::Borrowed(given))
}

/// Where events come from, as documents say it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'o> {
    /// The log group.
    pub log_group: Option<&'o str>,
    /// The log stream.
    pub log_stream: Option<&'o str>,
    /// The log group's tags.
    pub tags: Option<&'o BTreeMap<String, String>>,
    /// The bucket, for lines of a file.
    pub bucket: Option<&'o str>,
    /// The object, for lines of a file.
    pub object: Option<&'o str>,
}

/// What all documents of one origin have in common, written once.
#[derive(Clone, Debug)]
pub struct Head(Vec<u8>);

impl Head {
    /// Writes it.
    pub fn new(
        configuration: &Configuration,
        route: &Route<'_>,
        origin: Origin<'_>,
        now: i64,
    ) -> Self {
        let mut out = Vec::with_capacity(512);
        let cluster = &configuration.cluster;
        let index = &configuration.index;
        out.extend_from_slice(b"\"event.ingested\":\"");
        time::write(now, &mut out);
        out.extend_from_slice(b"\",\"data_stream\":{");
        members(
            &mut out,
            &[
                ("type", Some(&index.r#type)),
                ("dataset", Some(route.dataset)),
                ("namespace", Some(&index.namespace)),
            ],
        );
        out.extend_from_slice(b"},\"cluster\":{");
        members(
            &mut out,
            &[
                ("name", Some(&cluster.name)),
                ("environment", Some(&cluster.environment)),
                ("region", Some(&cluster.region)),
                ("account", Some(&cluster.account)),
            ],
        );
        out.push(b'}');
        for (name, value) in [
            ("aws.source", route.source),
            ("aws.log_group", origin.log_group),
            ("aws.log_stream", origin.log_stream),
            ("aws.bucket", origin.bucket),
            ("aws.object", origin.object),
        ] {
            member(&mut out, name, value);
        }
        texts(&mut out, "aws.tags", origin.tags);
        // No table of `logfleet_events` has a field in it, so it is no document's second member of this name.
        let stream = configuration.streams.get(route.stream);
        texts(&mut out, "labels", stream.map(|stream| &stream.labels));
        Self(out)
    }
}

/// Appends a member that is an object of texts with any keys, behind a comma; nothing without any.
fn texts(out: &mut Vec<u8>, name: &str, texts: Option<&BTreeMap<String, String>>) {
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        return;
    };
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    for (place, (key, value)) in texts.iter().enumerate() {
        out.push(if place == 0 { b'{' } else { b',' });
        write_text(key, out);
        out.push(b':');
        write_text(value, out);
    }
    out.push(b'}');
}

fn members(out: &mut Vec<u8>, members: &[(&str, Option<&str>)]) {
    let start = out.len();
    for (name, value) in members {
        member(out, name, *value);
    }
    // Each is written behind a comma.
    if out.len() > start {
        out.remove(start);
    }
}

/// Appends a member behind a comma. Its name is one of ours, and needs no escapes.
pub fn member(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        write_text(value, out);
    }
}

/// An event, or a line.
#[derive(Clone, Copy, Debug)]
pub struct Event<'e> {
    /// CloudWatch's id of it.
    pub id: Option<&'e str>,
    /// CloudWatch's time of it.
    pub received: Option<i64>,
    /// The account it came from.
    pub account: Option<&'e str>,
    /// The Region it came from.
    pub region: Option<&'e str>,
    /// The log group it came from before it was copied to a central one.
    pub source_log: Option<&'e str>,
    /// What it says.
    pub text: &'e str,
}

/// Appends the document of an event to `out`.
pub fn write(
    head: &Head,
    route: &Route<'_>,
    event: &Event<'_>,
    now: i64,
    out: &mut Vec<u8>,
) -> Parsed {
    begin(out);
    let time = out.len() - TIME.len() - 2;
    out.extend_from_slice(&head.0);
    member(out, "aws.account", event.account);
    member(out, "aws.region", event.region);
    member(out, "aws.source_log", event.source_log);
    member(out, "aws.event_id", event.id);
    out.push(b',');
    let parsed = write_fields(&route.format, event.text, out);
    let chosen = time::choose(parsed.time, event.received, now);
    if let Some(original) = chosen.original {
        member(out, "logfleet.original_time", Some(&time::text(original)));
    }
    out.push(b'}');
    set_time(out, time, chosen.time);
    parsed
}

/// Appends a document whose members are known, behind a comma each.
pub fn write_members(head: &Head, at: i64, members: &[u8], out: &mut Vec<u8>) {
    begin(out);
    let time = out.len() - TIME.len() - 2;
    out.extend_from_slice(&head.0);
    out.extend_from_slice(members);
    out.push(b'}');
    set_time(out, time, at);
}

/// The time is known only when the rest is written; its place is kept.
fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"@timestamp\":\"");
    out.extend_from_slice(TIME);
    out.extend_from_slice(b"\",");
}

fn set_time(out: &mut [u8], at: usize, time: i64) {
    let place = &mut out[at..at + TIME.len()];
    if let Some(text) = time_text(time) {
        place.copy_from_slice(&text);
        return;
    }
    let text = time::text(time);
    if text.len() == place.len() {
        place.copy_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::decode::Header;
    use crate::{example, route};

    const NOW: i64 = 1_795_900_000_000;

    fn document(text: &str, received: Option<i64>) -> Value {
        let configuration = example::configuration("https://one.example.com");
        document_by(&configuration, text, received)
    }

    fn document_by(configuration: &Configuration, text: &str, received: Option<i64>) -> Value {
        let header = Header {
            log_group: "/logfleet/alpha/aws/vpc".into(),
            log_stream: "eni-1".into(),
            ..Header::default()
        };
        let route = route::of_log_group(configuration, &header).expect("a route");
        let origin = Origin {
            log_group: Some(&header.log_group),
            log_stream: Some(&header.log_stream),
            ..Origin::default()
        };
        let head = Head::new(configuration, &route, origin, NOW);
        let event = Event {
            id: Some("7"),
            received,
            account: Some("111122223333"),
            region: Some("eu-central-1"),
            source_log: None,
            text,
        };
        let mut out = Vec::new();
        write(&head, &route, &event, NOW, &mut out);
        serde_json::from_slice(&out).expect("JSON")
    }

    #[test]
    fn a_document_says_where_it_comes_from_and_when() {
        insta::assert_json_snapshot!(document("2 111122223333 eni-1 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1795899940 1795899998 ACCEPT OK", Some(NOW - 1500)), @r#"
        {
          "@timestamp": "2026-11-28T21:06:38.000Z",
          "event.ingested": "2026-11-28T21:06:40.000Z",
          "data_stream": {
            "type": "logs",
            "dataset": "aws.vpc",
            "namespace": "alpha"
          },
          "cluster": {
            "name": "alpha",
            "environment": "test",
            "region": "eu-central-1",
            "account": "111122223333"
          },
          "aws.source": "aws.vpc",
          "aws.log_group": "/logfleet/alpha/aws/vpc",
          "aws.log_stream": "eni-1",
          "aws.account": "111122223333",
          "aws.region": "eu-central-1",
          "aws.event_id": "7",
          "aws.vpcflow.version": "2",
          "cloud.account.id": "111122223333",
          "aws.vpcflow.interface_id": "eni-1",
          "source.ip": "10.0.0.1",
          "destination.ip": "10.0.0.2",
          "source.port": 20641,
          "destination.port": 22,
          "network.iana_number": "6",
          "network.transport": "tcp",
          "source.packets": 20,
          "network.packets": 20,
          "source.bytes": 4249,
          "network.bytes": 4249,
          "event.start": "2026-11-28T21:05:40Z",
          "event.end": "2026-11-28T21:06:38Z",
          "event.action": "accept",
          "event.outcome": "success",
          "aws.vpcflow.log_status": "OK",
          "message": "2 111122223333 eni-1 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1795899940 1795899998 ACCEPT OK"
        }
        "#);
        let late = document("x", Some(i64::MAX));
        assert_eq!(late["@timestamp"], "2026-11-28T21:06:40.000Z");
        assert!(
            late["logfleet.original_time"]
                .as_str()
                .expect("text")
                .starts_with("9999-")
        );
    }

    #[test]
    fn every_document_has_the_labels_of_its_stream() {
        let mut configuration = example::configuration("https://one.example.com");
        let labels = [("team", "network"), ("cost-center", "a \"b\"")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let stream = configuration.streams.get_mut("aws_vpc");
        stream.expect("a stream").labels = labels.into();
        let found = document_by(&configuration, "x", None);
        assert_eq!(
            found["labels"],
            serde_json::json!({ "team": "network", "cost-center": "a \"b\"" })
        );
        assert_eq!(found["message"], "x");
        assert_eq!(document("x", None).get("labels"), None);
    }

    /// Both servers refuse a document with two members of one name.
    #[test]
    fn no_log_has_labels_of_its_own() {
        let fields = logfleet_events::TABLES
            .iter()
            .flat_map(|table| table.fields);
        let mut targets = fields.map(|field| field.target);
        let own = targets.find(|own| own.split('.').next() == Some("labels"));
        assert_eq!(own, None);
    }

    #[test]
    fn a_record_of_cloudtrail_has_an_id_of_its_own() {
        for (text, own) in [
            (
                r#"{"eventVersion":"1.11","eventID":"a-b","requestParameters":{"eventID":"x"}}"#,
                "a-b",
            ),
            (r#"{"eventVersion":"1.11","eventID":"a\u002db"}"#, "a-b"),
            (r#"{"eventVersion":"1.11"}"#, "given"),
            (r#"{"eventID":"of something else"}"#, "given"),
            (r#"{"eventVersion":"cut off"#, "given"),
            ("a line", "given"),
        ] {
            assert_eq!(own_id(text, "given"), own, "{text}");
        }
    }

    #[test]
    fn ids_begin_with_the_time_and_never_get_too_long() {
        assert_eq!(id(NOW, "0011", "7"), "1795900000000-0011-7");
        assert_eq!(id(5, "0011", "7"), "0000000000005-0011-7");
        assert!(id(NOW, "0011", &"9".repeat(4000)).len() < LONGEST_ID);
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }

    proptest! {
        #[test]
        fn any_text_is_kept_whole(text in "\\PC*|.*", received: Option<i64>) {
            prop_assert_eq!(&document(&text, received)["message"], &Value::from(text));
        }
    }
}
