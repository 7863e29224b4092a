//! What holds of every document, whatever the event was.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use logfleet_events::{
    COMMON, Field, FieldType, FlowLogFields, Format, TABLES, flow_log_columns, write_fields,
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Where the cases are.
pub fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/events")
}

/// The formats by the names of the cases' folders.
pub fn formats() -> Vec<(&'static str, Format)> {
    let all = flow_log_columns().join(" ");
    vec![
        ("cloudtrail", Format::CloudTrail),
        ("eks_control_plane", Format::EksControlPlane),
        ("event_bridge", Format::EventBridge),
        ("instance_status", Format::InstanceStatus),
        ("kernel", Format::Kernel),
        ("load_balancer", Format::LoadBalancer),
        ("metric", Format::Metric),
        ("route53", Format::Route53),
        ("s3_access", Format::S3Access),
        ("syslog", Format::Syslog),
        ("text", Format::Text),
        ("vpc_flow_log", Format::VpcFlowLog(FlowLogFields::default())),
        (
            "vpc_flow_log_all_fields",
            Format::VpcFlowLog(FlowLogFields::parse(&all).expect("they are known")),
        ),
    ]
}

/// The events of a case.
pub fn events(case: &str) -> Vec<String> {
    let path = cases().join(case).join("events.txt");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(ToOwned::to_owned).collect()
}

/// The fields of an event, after all that was promised of them was checked.
pub fn document(format: &Format, text: &str) -> (Option<i64>, Map<String, Value>) {
    let mut out = b"{\"own\":0,".to_vec();
    let start = out.len();
    let parsed = write_fields(format, text, &mut out);
    assert!(out.len() > start, "nothing was written of {}", short(text));
    out.push(b'}');
    let told = || {
        format!(
            "{format:?} {}\n{}",
            short(text),
            short(&String::from_utf8_lossy(&out))
        )
    };
    let Unique(value) =
        serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}: {}", told()));
    let Value::Object(mut members) = value else {
        panic!("no object: {}", told());
    };
    assert_eq!(members.remove("own"), Some(0.into()), "{}", told());
    let types = types();
    for (path, value) in &members {
        let kind = types
            .get(path.as_str())
            .unwrap_or_else(|| panic!("no table has {path}: {}", told()));
        assert!(fits(value, *kind), "{path} is no {kind:?}: {}", told());
    }
    let made_here = matches!(format, Format::Metric | Format::InstanceStatus);
    if !made_here || parsed.unparsed {
        assert_eq!(
            members.get("message").and_then(Value::as_str),
            Some(text),
            "{}",
            told()
        );
    }
    let marked = members
        .get("error.type")
        .is_some_and(|kind| kind == logfleet_events::UNPARSED);
    assert_eq!(parsed.unparsed, marked, "{}", told());
    if marked {
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        let only: BTreeSet<&str> = names.into_iter().collect();
        assert_eq!(
            only,
            BTreeSet::from(["error.message", "error.type", "message"]),
            "{}",
            told()
        );
    }
    (parsed.time, members)
}

/// As much of a text as somebody reads.
fn short(text: &str) -> String {
    text.chars().take(3000).collect()
}

/// The type of every path.
fn types() -> BTreeMap<&'static str, FieldType> {
    let rows = TABLES.iter().flat_map(|table| table.fields).chain(COMMON);
    rows.map(|row: &Field| (row.target, row.field_type()))
        .collect()
}

/// Whether both servers take a value for a type.
fn fits(value: &Value, kind: FieldType) -> bool {
    match (value, kind) {
        (Value::Array(list), kind) => {
            kind != FieldType::Map
                && !list.is_empty()
                && list
                    .iter()
                    .all(|value| !value.is_array() && fits(value, kind))
        }
        (Value::String(text), FieldType::Ip) => text.parse::<IpAddr>().is_ok(),
        (Value::String(text), FieldType::Date) => is_date(text),
        (Value::String(text), FieldType::Keyword) => text.len() <= 8191,
        (Value::String(_), FieldType::Text) | (Value::Bool(_), FieldType::Boolean) => true,
        (Value::Number(number), FieldType::Long) => number.is_i64(),
        (Value::Number(number), FieldType::Byte) => number
            .as_i64()
            .is_some_and(|number| i8::try_from(number).is_ok()),
        (Value::Number(number), FieldType::Double) => number.as_f64().is_some_and(f64::is_finite),
        (Value::Object(_), FieldType::Map) => depth(value) <= 18,
        _ => false,
    }
}

/// `2026-01-02T03:04:05.678901Z`, from 1970 on.
fn is_date(text: &str) -> bool {
    let Some(text) = text.strip_suffix('Z') else {
        return false;
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let shape: String = seconds
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00"
        && &seconds[..4] >= "1970"
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// JSON in which no object has a key twice.
pub struct Unique(pub Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
        let mut values = Vec::new();
        while let Some(Unique(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Unique(values.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut values = Map::new();
        while let Some((key, Unique(value))) = map.next_entry::<String, Unique>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format!("`{key}` stands twice")));
            }
            values.insert(key, value);
        }
        Ok(Unique(values.into()))
    }
}
