//! What is rendered for AWS, as people review it: the roles with all they may.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::repository;

/// The clusters of the example fleet.
fn clusters() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(repository().join("rendered"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(['_', '.']))
        .collect();
    names.sort();
    names
}

fn json_files(folder: &Path) -> Vec<(String, Value)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<(String, Value)> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

/// The folders of a folder, sorted.
fn folders(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every role of every account and cluster of the example fleet, with exactly what it may.
#[test]
fn roles_may_what_is_reviewed_here() {
    let mut table = String::new();
    let accounts = repository().join("rendered/_accounts");
    for account in folders(&accounts) {
        for region in folders(&accounts.join(&account)) {
            for (_, stack) in json_files(&accounts.join(&account).join(&region)) {
                roles(&mut table, &format!("account {account} {region}"), &stack);
            }
        }
    }
    for cluster in clusters() {
        let folder = repository().join("rendered").join(&cluster).join("aws");
        let mut regions: Vec<_> = fs::read_dir(&folder)
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        regions.sort();
        for (region, (_, stack)) in regions
            .iter()
            .filter(|path| !path.ends_with("members"))
            .flat_map(|path| {
                let region = path.file_name().unwrap().to_str().unwrap().to_owned();
                json_files(path)
                    .into_iter()
                    .map(move |file| (region.clone(), file))
            })
        {
            roles(&mut table, &format!("{cluster} {region}"), &stack);
        }
    }
    assert!(
        table.contains("ForwarderRole") && table.contains("DistributorRole"),
        "{table}"
    );
    insta::assert_snapshot!(table);
}

fn roles(table: &mut String, whose: &str, stack: &Value) {
    for (id, resource) in stack["Resources"].as_object().unwrap() {
        if resource["Type"] == "AWS::IAM::Role" {
            writeln!(table, "{whose} {id}").unwrap();
            role(table, &resource["Properties"]);
        }
    }
}

fn role(table: &mut String, properties: &Value) {
    writeln!(table, "  role {}", properties["RoleName"].as_str().unwrap()).unwrap();
    for statement in properties["AssumeRolePolicyDocument"]["Statement"]
        .as_array()
        .unwrap()
    {
        writeln!(
            table,
            "  taken on by {} if {}",
            statement["Principal"], statement["Condition"]
        )
        .unwrap();
    }
    for policy in properties["Policies"].as_array().into_iter().flatten() {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            writeln!(
                table,
                "    {} {}",
                statement["Effect"].as_str().unwrap(),
                statement["Sid"].as_str().unwrap()
            )
            .unwrap();
            for action in texts(&statement["Action"]) {
                writeln!(table, "      {action}").unwrap();
            }
            for resource in texts(&statement["Resource"]) {
                writeln!(table, "      on {resource}").unwrap();
            }
            if let Some(condition) = statement.get("Condition") {
                writeln!(table, "      if {condition}").unwrap();
            }
        }
    }
}
