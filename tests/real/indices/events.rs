//! Every event of `tests/cases/events` under the rendered templates: both
//! servers take it, and find it by each of its fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use logfleet_events::{
    COMMON, ENVELOPE, FieldType, FlowLogFields, Format, TABLES, flow_log_columns, write_fields,
};
use serde_json::{Map, Value, json};

use super::{Target, create, elasticsearch, item_status, opensearch};
use crate::fleet;

mod on_opensearch {
    #[test]
    fn every_event_of_aws_is_taken_and_found() {
        super::opensearch()
            .into_iter()
            .for_each(super::every_event_is_taken_and_found);
    }
    #[test]
    fn fields_are_searched_by_their_types() {
        super::opensearch()
            .into_iter()
            .for_each(super::fields_are_searched_by_their_types);
    }
}

mod on_elasticsearch {
    #[test]
    fn every_event_of_aws_is_taken_and_found() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::every_event_is_taken_and_found);
    }
    #[test]
    fn fields_are_searched_by_their_types() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::fields_are_searched_by_their_types);
    }
}

/// A cluster of EKS, whose control plane's logs come by CloudWatch.
const EKS: &str = "prod-eks";

/// The formats by the names of the cases' folders, and the data streams that they go to.
fn cases() -> Vec<(&'static str, Format, &'static str)> {
    let all = FlowLogFields::parse(&flow_log_columns().join(" ")).expect("they are known");
    let default = FlowLogFields::default();
    vec![
        (
            "cloudtrail",
            Format::CloudTrail,
            "logs-aws.cloudtrail-prod_eu",
        ),
        (
            "eks_control_plane",
            Format::EksControlPlane,
            "logs-kubernetes.control_plane-prod_eks",
        ),
        ("event_bridge", Format::EventBridge, "logs-aws.ec2-prod_eu"),
        (
            "instance_status",
            Format::InstanceStatus,
            "logs-aws.ec2-prod_eu",
        ),
        ("kernel", Format::Kernel, "logs-machines.system-prod_eu"),
        (
            "load_balancer",
            Format::LoadBalancer,
            "logs-aws.elb-prod_eu",
        ),
        ("metric", Format::Metric, "logs-aws.metrics-prod_eu"),
        ("route53", Format::Route53, "logs-aws.route53-prod_eu"),
        ("s3_access", Format::S3Access, "logs-aws.s3-prod_eu"),
        ("syslog", Format::Syslog, "logs-machines.system-prod_eu"),
        ("text", Format::Text, "logs-aws.ec2-prod_eu"),
        (
            "vpc_flow_log",
            Format::VpcFlowLog(default),
            "logs-aws.vpc-prod_eu",
        ),
        (
            "vpc_flow_log_all_fields",
            Format::VpcFlowLog(all),
            "logs-aws.vpc-prod_eu",
        ),
    ]
}

/// The document of an event, with what the forwarder puts beside its fields.
fn document(format: &Format, event: &str) -> Value {
    let mut out = br#"{"@timestamp":"2026-01-02T03:04:05.678Z","cluster":{"name":"prod-eu"},"aws.source":"aws.test","aws.log_group":"/logfleet/a","event.ingested":"2026-01-02T03:04:06Z","#.to_vec();
    write_fields(format, event, &mut out);
    out.push(b'}');
    serde_json::from_slice(&out).expect("it is JSON")
}

/// The events of a case.
pub fn events(case: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/cases/events")
        .join(case)
        .join("events.txt");
    let text = fs::read_to_string(path).expect("the case has events");
    text.lines().map(ToOwned::to_owned).collect()
}

/// Makes the streams of a cluster of EKS, once for each server.
fn with_eks(target: &Target) {
    static DONE: [OnceLock<()>; 2] = [OnceLock::new(), OnceLock::new()];
    let settings = "name: prod-eks
environment: production
distribution: eks
account: \"200000000009\"
node_groups: { masters: null }
destinations: { open: { authentication: { type: basic } }, elastic: { authentication: { type: basic } } }
sources: { kubernetes: { control_plane: { audit_log: { enabled: false } } } }
";
    DONE[usize::from(target.destination == "open")].get_or_init(|| {
        for object in fleet::objects_of_another(EKS, settings, target.destination) {
            target.put(object);
        }
    });
}

fn every_event_is_taken_and_found(target: &Target) {
    with_eks(target);
    let mut faults = Vec::new();
    for (case, format, stream) in cases() {
        for (number, event) in events(case).iter().enumerate() {
            let id = format!("{case}-{number}");
            let document = document(&format, event);
            // The writer's own rights are tried elsewhere; there is none for the cluster of EKS.
            let answer = create(target.admin, stream, &id, &document);
            if item_status(&answer) != 201 {
                faults.push(format!("{id} is refused: {}", answer.body));
                continue;
            }
            let fields = document.as_object().expect("an object");
            let filter = json!({ "ids": { "values": [id] } });
            faults.extend(missing(target, stream, &id, &filter, fields));
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", target.name, faults.join("\n"));
}

/// The fields of one document, which a filter finds, by whose values it isn't found.
pub fn missing(
    target: &Target,
    stream: &str,
    name: &str,
    filter: &Value,
    fields: &Map<String, Value>,
) -> Vec<String> {
    let (queries, wanted) = queries(fields, &types());
    target
        .admin
        .send("POST", &format!("{stream}/_refresh"), None);
    let query = json!({ "query": { "bool": { "filter": filter, "should": queries } } });
    let answer = target
        .admin
        .send("POST", &format!("{stream}/_search"), Some(&query));
    let hits = answer.body["hits"]["hits"].as_array();
    let [hit] = hits.map_or(&[][..], |hits| hits) else {
        return vec![format!("{name} isn't in {stream} once: {answer:?}")];
    };
    let matched: BTreeSet<&str> = hit["matched_queries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let missing = wanted.iter().filter(|own| !matched.contains(own.as_str()));
    missing
        .map(|field| format!("{name}: `{field}` isn't found by its value"))
        .collect()
}

fn types() -> BTreeMap<&'static str, FieldType> {
    let rows = TABLES.iter().flat_map(|table| table.fields);
    let rows = rows.chain(COMMON).chain(ENVELOPE);
    rows.map(|row| (row.target, row.field_type())).collect()
}

/// A query for each value, by the name of its field, and these names.
fn queries(
    fields: &Map<String, Value>,
    types: &BTreeMap<&str, FieldType>,
) -> (Vec<Value>, BTreeSet<String>) {
    let mut queries = Vec::new();
    let mut wanted = BTreeSet::new();
    let mut want = |path: &str, query: Value| {
        queries.push(query);
        wanted.insert(path.to_owned());
    };
    for (path, value) in fields {
        let Some(kind) = types.get(path.as_str()) else {
            assert!(matches!(path.as_str(), "@timestamp" | "cluster"), "{path}");
            continue;
        };
        let values: Vec<&Value> = value
            .as_array()
            .map_or_else(|| vec![value], |list| list.iter().collect());
        for value in values {
            match kind {
                FieldType::Map => {
                    for (path, value) in leaves(path, value) {
                        want(
                            &path,
                            json!({ "term": { &path: { "value": value, "_name": &path } } }),
                        );
                    }
                }
                FieldType::Text => {
                    let text = value.as_str().expect("it is text");
                    if text.chars().any(char::is_alphanumeric) {
                        want(
                            path,
                            json!({ "match_phrase": { path: { "query": text, "_name": path } } }),
                        );
                    }
                }
                _ => want(
                    path,
                    json!({ "term": { path: { "value": value, "_name": path } } }),
                ),
            }
        }
    }
    (queries, wanted)
}

/// The paths and values in a map, but those that aren't there.
fn leaves(path: &str, value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| leaves(&format!("{path}.{key}"), value))
            .collect(),
        Value::Array(list) => list.iter().flat_map(|value| leaves(path, value)).collect(),
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        // Everything is a keyword there, numbers as they were written.
        Value::Number(number) => vec![(path.to_owned(), number.to_string().into())],
        value => vec![(path.to_owned(), value.clone())],
    }
}

/// Queries that only a field of the type answers.
fn fields_are_searched_by_their_types(target: &Target) {
    let stream = "logs-aws.vpc-prod_eu";
    let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 2001:db8::21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let document = document(&Format::VpcFlowLog(FlowLogFields::default()), line);
    let answer = create(target.admin, stream, "types", &document);
    assert_eq!(item_status(&answer), 201, "{answer:?}");
    target
        .admin
        .send("POST", &format!("{stream}/_refresh"), None);
    for (query, found) in [
        (json!({ "term": { "source.ip": "172.31.0.0/16" } }), true),
        (json!({ "term": { "source.ip": "172.30.0.0/16" } }), false),
        (
            json!({ "term": { "destination.ip": "2001:db8::/32" } }),
            true,
        ),
        (json!({ "range": { "network.bytes": { "gt": 999 } } }), true),
        (
            json!({ "range": { "network.bytes": { "gt": 5000 } } }),
            false,
        ),
        (
            json!({ "range": { "event.end": { "gte": "2014-12-14T04:07:50Z", "lt": "2014-12-14T04:07:51Z" } } }),
            true,
        ),
        (
            json!({ "prefix": { "aws.vpcflow.interface_id": "eni-1235" } }),
            true,
        ),
        (json!({ "match": { "message": "1235b8ca123456789" } }), true),
        (json!({ "match": { "message": "accept" } }), true),
        (json!({ "match": { "message": "reject" } }), false),
    ] {
        let query = json!({
            "query": { "bool": { "filter": [{ "ids": { "values": ["types"] } }, query] } },
        });
        let answer = target
            .admin
            .send("POST", &format!("{stream}/_search"), Some(&query));
        let total = &answer.body["hits"]["total"]["value"];
        assert_eq!(
            *total,
            u8::from(found),
            "{} {query}: {answer:?}",
            target.name
        );
    }
}
