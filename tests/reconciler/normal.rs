//! What real servers give back of what they were sent, in `tests/cases/reconciler/normal`: it is the same to the
//! comparison, and stays different in every place where it is changed. `LOGFLEET_WRITE_GOLDEN=1 cargo test -p
//! logfleet-reconciler --test real lives_at` records it anew.

use std::fs;
use std::path::Path;

use logfleet_contract::index::Kind;
use logfleet_reconciler::server::plan::drift;
use serde_json::{Value, json};

struct Case {
    name: String,
    kind: Kind,
    wanted: Value,
    server: Value,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/reconciler/normal");
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|entry| {
            let path = entry.unwrap().path();
            let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| case["kind"] == kind.api());
            Case {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                kind: kind.unwrap(),
                wanted: case["wanted"].clone(),
                server: case["server"].clone(),
            }
        })
        .collect()
}

/// Every place that holds no map and no list.
fn leaves(at: &str, value: &Value, found: &mut Vec<String>) {
    let below = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| leaves(&below(key), value, found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, value)| leaves(&below(&index.to_string()), value, found)),
        _ => found.push(at.to_owned()),
    }
}

#[test]
fn what_servers_give_back_is_the_same() {
    let cases = cases();
    assert!(cases.len() >= 10, "{}", cases.len());
    for case in cases {
        let found = drift(case.kind, &case.wanted, &case.server);
        assert!(found.is_empty(), "{}: {found:#?}", case.name);
    }
}

#[test]
fn each_change_of_what_is_wanted_is_seen() {
    for case in cases() {
        let mut places = Vec::new();
        leaves("", &case.wanted, &mut places);
        for place in places {
            let mut wanted = case.wanted.clone();
            *wanted.pointer_mut(&place).unwrap() = json!("changed");
            let found = drift(case.kind, &wanted, &case.server);
            assert!(!found.is_empty(), "{}: {place} isn't compared", case.name);
        }
    }
}

#[test]
fn what_somebody_adds_below_a_known_field_is_seen() {
    for case in cases() {
        for (key, value) in case.wanted.as_object().unwrap() {
            let mut server = case.server.clone();
            match &mut server[key] {
                Value::Object(map) => drop(map.insert("added".to_owned(), json!("by hand"))),
                Value::Array(list) => list.push(json!("by hand")),
                other => *other = json!("by hand"),
            }
            let found = drift(case.kind, &case.wanted, &server);
            // `data_stream` and `template` may have more than we know of.
            assert!(!found.is_empty(), "{}: {key} {value}", case.name);
        }
    }
}
