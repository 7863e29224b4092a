//! Each event of the cases has its document, and each field is in some document.

use std::collections::BTreeSet;
use std::env;
use std::fs;

use logfleet_events::TABLES;
use serde_json::{Map, Value, json};

use crate::promises::{cases, document, events, formats};

fn documents(case: &str) -> Vec<(Option<i64>, Map<String, Value>)> {
    let formats = formats();
    let (_, format) = formats
        .iter()
        .find(|(name, _)| *name == case)
        .expect("a known format");
    events(case)
        .iter()
        .map(|event| document(format, event))
        .collect()
}

#[test]
fn each_event_has_the_document_beside_it() {
    let mut folders: Vec<String> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let names: Vec<&str> = formats().iter().map(|(name, _)| *name).collect();
    assert_eq!(folders, names, "the folders are those of the formats");
    let mut different = Vec::new();
    for case in names {
        let documents: Vec<Value> = documents(case)
            .into_iter()
            // Sorted, and the text stands beside it in full.
            .map(|(time, mut fields)| {
                fields.remove("message");
                json!({ "time": time, "fields": fields })
            })
            .collect();
        let documents = Value::from(documents);
        let path = cases().join(case).join("documents.json");
        if env::var_os("LOGFLEET_WRITE_GOLDEN").is_some() {
            fs::write(&path, format!("{documents:#}\n")).unwrap();
        }
        // The order of members depends on what else is built with serde_json.
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if serde_json::from_str::<Value>(&committed).ok() != Some(documents) {
            different.push(case);
        }
    }
    assert!(
        different.is_empty(),
        "{different:?} have other documents; LOGFLEET_WRITE_GOLDEN=1 cargo test --package logfleet-events --test events writes them anew"
    );
}

#[test]
fn each_field_of_each_table_is_in_a_document() {
    let all: Vec<(&str, BTreeSet<String>)> = formats()
        .iter()
        .map(|(case, _)| {
            let documents = documents(case).into_iter();
            (
                *case,
                documents
                    .flat_map(|(_, fields)| fields.into_iter().map(|(path, _)| path))
                    .collect(),
            )
        })
        .collect();
    for table in TABLES {
        let missing: Vec<&str> = table
            .fields
            .iter()
            .map(|row| row.target)
            .filter(|path| !all.iter().any(|(_, paths)| paths.contains(*path)))
            .collect();
        assert!(
            missing.is_empty(),
            "{}: no document has {missing:?}",
            table.title
        );
    }
}
