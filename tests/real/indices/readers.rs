//! Readers of the settings: what they are mapped to, and what a filter shows them.

use serde_json::{Value, json};

use super::{
    PASSWORD, Target, create, data_streams, elasticsearch, item_status, opensearch, refused,
    succeeds,
};
use crate::client::{Client, Identity};
use crate::fleet;

mod on_opensearch {
    #[test]
    fn a_reader_with_a_filter_sees_only_its_records() {
        super::opensearch()
            .into_iter()
            .for_each(super::a_reader_sees_only_its_records);
    }
    #[test]
    fn another_role_lifts_no_filter() {
        super::opensearch()
            .into_iter()
            .for_each(super::of_two_roles_one_has_no_filter);
    }
}

mod on_elasticsearch {
    #[test]
    fn a_reader_with_a_filter_sees_only_its_records() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::a_reader_sees_only_its_records);
    }
    #[test]
    fn another_role_lifts_a_filter() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::of_two_roles_one_has_no_filter);
    }
}

/// OpenSearch knows the owner of a certificate by the whole subject, Elasticsearch
/// by what is in it. Certificates, since users of a server's own have their roles there.
fn settings(name: &str) -> String {
    format!(
        r"
name: {name}
environment: production
destinations:
  open: {{ authentication: {{ type: basic }} }}
  elastic: {{ authentication: {{ type: basic }} }}
sources: {{ aws: {{ enabled: false }} }}
readers:
  shop:
    streams: {{ applications: true, nodes: true }}
    filter: {{ field: kubernetes.namespace_name, values: {{ shop: true, cart: true }} }}
    users: {{ reader-of-{name}: true, CN=reader-of-{name}: true }}
  labelled:
    streams: {{ applications: true }}
    filter: {{ field: kubernetes.labels.team, values: {{ shop: true }} }}
    users: {{ labelled-of-{name}: true, CN=labelled-of-{name}: true }}
  everything:
    streams: {{ applications: true }}
    groups: {{ nobody: true }}
"
    )
}

/// Sends a cluster's objects, and some records of several namespaces.
fn install(target: &Target, name: &str, slug: &str) -> [String; 3] {
    let objects = fleet::objects_of_another(name, &settings(name), target.destination);
    let streams = data_streams(&objects);
    for object in objects {
        target.put(object);
    }
    let of = |part: &str| {
        let found = streams.iter().find(|own| own.contains(part));
        found
            .unwrap_or_else(|| panic!("{part} in {streams:?}"))
            .clone()
    };
    assert!(streams.iter().all(|own| own.ends_with(slug)), "{streams:?}");
    let streams = ["applications", "nodes", "events"].map(of);
    for stream in &streams {
        for (id, namespace, team) in [
            ("a", "shop", "shop"),
            ("b", "cart", "cart"),
            ("c", "bank", "bank"),
            ("d", "shopping", "shop"),
        ] {
            let record = json!({
                "@timestamp": "2026-01-02T03:04:05.678Z",
                "message": format!("of {namespace}"),
                "kubernetes": { "namespace_name": namespace, "labels": { "team": team } },
            });
            assert_eq!(item_status(&create(target.admin, stream, id, &record)), 201);
        }
        // None of any namespace.
        let record = json!({ "@timestamp": "2026-01-02T03:04:05.678Z", "message": "of nothing" });
        assert_eq!(
            item_status(&create(target.admin, stream, "e", &record)),
            201
        );
        target
            .admin
            .send("POST", &format!("{stream}/_refresh"), None);
    }
    streams
}

/// The ids of what somebody finds, by whatever query.
fn found(client: &Client, place: &str, query: &Value) -> Vec<String> {
    let answer = client.send("POST", &format!("{place}/_search"), Some(query));
    assert_eq!(answer.status, 200, "{place}: {answer:?}");
    let hits = answer.body["hits"]["hits"].as_array();
    let ids = hits.into_iter().flatten().map(|hit| {
        let id = hit["_id"].as_str().expect("an id");
        id.to_owned()
    });
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

fn a_reader_sees_only_its_records(target: &Target) {
    let (name, slug) = ("prod-readers", "prod_readers");
    let [applications, nodes, events] = install(target, name, slug);
    let everything = json!({ "query": { "match_all": {} } });
    let reader = (target.connect_with_certificate)(&format!("reader-of-{name}"));
    let index = target.backing_index(&applications, "c");
    // The stream, the index behind it, and patterns of both.
    let pattern = format!("*applications-{slug}*");
    for place in [&applications, &nodes, &index, &pattern] {
        let ids = found(&reader, place, &everything);
        assert_eq!(ids, ["a", "b"], "{} {place}", target.name);
    }
    // What it may not read is left out by Elasticsearch, and refused as a whole by OpenSearch.
    let all = reader.send("POST", &format!("*{slug}*/_search"), Some(&everything));
    if target.destination == "open" {
        refused("search", &all);
    } else {
        assert_eq!(all.body["hits"]["total"]["value"], 4, "{all:?}");
    }
    // Neither by asking for what it is, nor by counting, nor by its id.
    let bank = json!({ "query": { "term": { "kubernetes.namespace_name": "bank" } } });
    assert_eq!(found(&reader, &applications, &bank), [""; 0]);
    let count = reader.send("GET", &format!("{applications}/_count"), None);
    assert_eq!(count.body["count"], 2, "{count:?}");
    let by_id = reader.send("GET", &format!("{index}/_doc/c"), None);
    assert_eq!(by_id.status, 404, "{by_id:?}");
    let names = json!({ "size": 0, "aggs": { "names": { "terms": { "field": "kubernetes.namespace_name" } } } });
    let names = reader.send("POST", &format!("{applications}/_search"), Some(&names));
    let text = names.body.to_string();
    assert!(
        text.contains("\"shop\"") && !text.contains("bank"),
        "{text}"
    );
    // What isn't among its streams, and another cluster's.
    refused(
        "search",
        &reader.send("POST", &format!("{events}/_search"), Some(&everything)),
    );
    let theirs = fleet::data_stream("prod_eu", "applications");
    refused(
        "search",
        &reader.send("POST", &format!("{theirs}/_search"), Some(&everything)),
    );
    assert_eq!(
        item_status(&create(&reader, &applications, "x", &super::record())),
        403
    );
    // A key of a map, which is another type on each server.
    let labelled = (target.connect_with_certificate)(&format!("labelled-of-{name}"));
    assert_eq!(found(&labelled, &applications, &everything), ["a", "d"]);
}

/// Why `gen` refuses two such readers of one person on Elasticsearch, and not on OpenSearch.
fn of_two_roles_one_has_no_filter(target: &Target) {
    let (name, slug) = ("prod-two-roles", "prod_two_roles");
    let [applications, ..] = install(target, name, slug);
    let roles = ["shop", "everything"].map(|own| format!("logfleet-{slug}-reader-{own}"));
    let is_opensearch = target.destination == "open";
    let body = if is_opensearch {
        json!({ "password": PASSWORD, "opendistro_security_roles": roles })
    } else {
        json!({ "password": PASSWORD, "roles": roles })
    };
    let path = format!("{}of-two-roles", target.users);
    succeeds(&path, &target.admin.send("PUT", &path, Some(&body)));
    let both = (target.connect)(&Identity::Password(
        "of-two-roles".to_owned(),
        PASSWORD.to_owned(),
    ));
    let ids = found(
        &both,
        &applications,
        &json!({ "query": { "match_all": {} } }),
    );
    let expected: &[&str] = if is_opensearch {
        &["a", "b"]
    } else {
        &["a", "b", "c", "d", "e"]
    };
    assert_eq!(ids, expected, "{}", target.name);
}
