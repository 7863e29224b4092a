//! Who reads, and what is at the server.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, Client, Identity};
use crate::fleet::READER;
use crate::opensearch::OpenSearch;

const PASSWORD: &str = "Wq7-reader-of-the-demo-2kL";

/// How long a document is waited for.
const WITHIN: Duration = Duration::from_secs(45);

const USERS: &str = "_plugins/_security/api/internalusers";

/// Somebody of the company signs in with a role that the fleet's settings map to them.
pub fn sign_in(server: &OpenSearch) -> Client {
    let path = format!("{USERS}/{READER}");
    let made = server
        .admin
        .send("PUT", &path, Some(&json!({ "password": PASSWORD })));
    assert!(matches!(made.status, 200 | 201), "{made:?}");
    server.client(&Identity::Password(READER.to_owned(), PASSWORD.to_owned()))
}

/// They leave the company.
pub fn leave(server: &OpenSearch) {
    let answer = server
        .admin
        .send("DELETE", &format!("{USERS}/{READER}"), None);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The newest document that a query finds.
pub fn search(client: &Client, stream: &str, query: &Value) -> Answer {
    let body = json!({ "query": query, "size": 1, "sort": [{ "@timestamp": "desc" }] });
    client.send("POST", &format!("{stream}/_search"), Some(&body))
}

/// Waits until a query finds a document; none if it never does.
pub fn find(client: &Client, stream: &str, query: &Value) -> Option<Value> {
    let start = Instant::now();
    loop {
        let answer = search(client, stream, query);
        let hit = answer.body["hits"]["hits"][0]["_source"].clone();
        if !hit.is_null() {
            return Some(hit);
        }
        if start.elapsed() > WITHIN {
            return None;
        }
        sleep(Duration::from_millis(300));
    }
}

/// The names of what the server has, by kind.
pub fn list(server: &OpenSearch) -> BTreeMap<String, Vec<String>> {
    let get = |path: &str| {
        let answer = server.admin.send("GET", path, None);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    };
    let mut all = BTreeMap::new();
    for (path, list) in [
        ("_index_template", "index_templates"),
        ("_component_template", "component_templates"),
        ("_data_stream", "data_streams"),
    ] {
        let body = get(path);
        let names = body[list].as_array().into_iter().flatten();
        let names = names
            .filter_map(|own| own["name"].as_str())
            .map(ToOwned::to_owned);
        all.insert(path.to_owned(), sorted(names));
    }
    for kind in ["internalusers", "roles", "rolesmapping", "tenants"] {
        let body = get(&format!("_plugins/_security/api/{kind}"));
        let names = body.as_object().expect("objects").keys().cloned();
        all.insert(kind.to_owned(), sorted(names));
    }
    let body = get("_cat/indices?format=json&expand_wildcards=all");
    let names = body.as_array().into_iter().flatten();
    let names = names
        .filter_map(|own| own["index"].as_str())
        .map(ToOwned::to_owned);
    all.insert("indices".to_owned(), sorted(names));
    all
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
