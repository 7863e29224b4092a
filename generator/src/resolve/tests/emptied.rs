//! Every map and list that a user can empty, emptied: what is rendered then
//! must not mean everything, nor break; or the setting is refused by its name.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::bench::{Bench, RENDERED};
use super::parse;
use crate::layers::inherit::expand;
use crate::layers::input_schema::{InputKind, input_schema};
use crate::tree::RenderedTree;

/// Clusters that between them have something in nearly every map and list.
const CLUSTERS: [&str; 3] = [
    r#"
name: kops.example.com
environment: production
distribution: kops
region: eu-central-1
account: "111122223333"
node_groups:
  masters: { role: control_plane, taints: { masters: { effects: [NoSchedule] } } }
  nodes: { role: node }
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com", authentication: { type: basic } }
  audit: { backend: opensearch, version: 3, url: "https://audit.example.com", authentication: { type: basic } }
kubernetes: { monitoring: { labels: { release: prometheus } } }
fluentd: { tolerations: { all: { key: x } } }
sources:
  kubernetes:
    applications:
      records:
        exclude: { a: { containers: { namespaces: [z], pods: [y], containers: [x] }, reason: because } }
        multiline: { a: { containers: { namespaces: [a] }, first_line: '^\d' } }
        metadata: { annotations: { example.com/team: true } }
        drop: { a: { containers: { namespaces: [a] }, matches: a, reason: because } }
        enrich: { team: { from: pod_annotation, key: example.com/team } }
        routes: { a: { order: 1, when: { namespaces: [a], pods: [b], containers: [c], labels: { a: b }, fields: { message: a } }, stream: nodes } }
    control_plane: { read: files, audit_log: { enabled: true } }
  machines:
    nodes:
      journal: { units: { a.service: true, b.service: true } }
      files: { own: { paths: [/var/log/own.log] } }
      records:
        keep: { a: { when: { message: a }, reason: because } }
        drop: { a: { when: { message: a }, reason: because } }
        mask: { a: { matches: a, reason: because } }
        parse: { a: { pattern: '(?<a>b)', reason: because } }
      tags: { a: b }
    masters:
      journal: { exclude: { c.service: { reason: because } } }
  aws:
    forwarder: { code: { bucket: "code-{region}", key: forwarder.zip } }
    resource_group: { tags: { a: { b: true } } }
    alarms: { actions: { "arn:aws:sns:eu-central-1:111122223333:on-call": true } }
    iam: { roles: { "team-*": true } }
    vpc: { fields: { version: true, account-id: true, srcaddr: true, dstaddr: true, action: true } }
streams:
  applications: { destinations: { main: true }, mapping: { fields: { team: keyword } } }
"#,
    r#"
name: eks
environment: production
distribution: eks
region: eu-central-1
account: "111122223333"
node_groups: { nodes: { role: node } }
kubernetes: { role_arn: "arn:aws:iam::111122223333:role/logs" }
destinations: { cloudwatch: { backend: cloudwatch } }
stream_defaults: { destinations: { cloudwatch: true } }
"#,
    r#"
name: machines
environment: production
kubernetes: { role_arn: "arn:aws:iam::111122223333:role/logs" }
distribution: eks
region: eu-central-1
account: "111122223333"
node_groups: { nodes: { role: node } }
destinations:
  main: { backend: opensearch, version: 3, url: "https://search-a.eu-central-1.es.amazonaws.com", authentication: { type: aws_sigv4 } }
sources:
  aws: { enabled: false, forwarder: { code: { bucket: "code-{region}", key: forwarder.zip } } }
  kubernetes:
    applications: { enabled: false }
    nodes: { enabled: false }
    control_plane: { enabled: false }
    events: { enabled: false }
"#,
];

/// A way to empty a collection.
#[derive(Debug)]
struct Emptied {
    path: Vec<String>,
    change: Value,
}

/// Every way to empty a collection of these settings.
fn ways(schema: &Value, settings: &Value) -> Vec<Emptied> {
    let mut found = Vec::new();
    walk(schema, schema, Some(settings), &mut Vec::new(), &mut found);
    found
}

fn walk(
    root: &Value,
    schema: &Value,
    value: Option<&Value>,
    path: &mut Vec<String>,
    found: &mut Vec<Emptied>,
) {
    let mut push = |path: &[String], change: Value| {
        let nested = path
            .iter()
            .rev()
            .fold(change, |inner, key| json!({ key: inner }));
        found.push(Emptied {
            path: path.to_vec(),
            change: nested,
        });
    };
    let Some(schema) = form(root, schema, value) else {
        return;
    };
    if schema["type"] == "array" || schema["type"][0] == "array" {
        if value != Some(&json!([])) {
            push(path, json!([]));
        }
    } else if let Some(values) = map_values(schema) {
        let entries = value
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        if !entries.is_empty() {
            let each = |to: &Value| -> Map<String, Value> {
                entries
                    .keys()
                    .map(|key| (key.clone(), to.clone()))
                    .collect()
            };
            push(path, Value::Object(each(&Value::Null)));
            if entries.values().all(Value::is_boolean) {
                push(path, Value::Object(each(&json!(false))));
            }
        }
        for (key, value) in &entries {
            path.push(key.clone());
            walk(root, values, Some(value), path, found);
            path.pop();
        }
    } else if let Some(properties) = schema["properties"].as_object() {
        for (key, inner) in properties {
            path.push(key.clone());
            walk(
                root,
                inner,
                value.and_then(|value| value.get(key)),
                path,
                found,
            );
            path.pop();
        }
    }
}

/// The schema of a map's values.
fn map_values(schema: &Value) -> Option<&Value> {
    let values = schema.get("additionalProperties");
    values.filter(|values| values.is_object())
}

/// The schema that a value has: references followed, and of several forms the
/// one whose words the value says. None where the value isn't there and has
/// several.
fn form<'s>(root: &'s Value, schema: &'s Value, value: Option<&Value>) -> Option<&'s Value> {
    if let Some(name) = schema["$ref"].as_str() {
        let definition = &root["$defs"][name.rsplit('/').next()?];
        return form(root, definition, value);
    }
    let Some(forms) = schema["anyOf"]
        .as_array()
        .or_else(|| schema["oneOf"].as_array())
    else {
        return Some(schema);
    };
    let forms = forms.iter().filter_map(|one| form(root, one, value));
    let mut forms = forms.filter(|one| {
        let properties = one["properties"].as_object();
        properties.is_none_or(|properties| {
            properties.iter().all(|(key, property)| {
                property["const"].is_null()
                    || value.is_some_and(|value| value[key] == property["const"])
            })
        }) && one["type"] != "null"
            && one["const"].is_null()
    });
    forms.next()
}

#[test]
fn an_emptied_map_or_list_means_nothing_or_is_refused_by_its_name() {
    let schema = input_schema(InputKind::Settings);
    let (mut wrong, mut tried) = (Vec::new(), BTreeSet::new());
    for cluster in CLUSTERS {
        let bench = Bench::new(cluster);
        let whole = bench
            .render(&json!({}))
            .expect("the cluster itself has no fault");
        let meant = empties(&whole);
        assert_eq!(dangling(&whole), [""; 0]);
        let settings = expand(bench.base.clone()).to_json();
        let mut ways = ways(&schema, &settings);
        assert!(ways.len() > 40, "only {} ways were found", ways.len());
        // What an earlier cluster was tried with to the letter is not news.
        ways.retain(|way| tried.insert(way.change.to_string()));
        wrong.par_extend(ways.par_iter().flat_map_iter(|way| {
            let reported = match bench.render(&way.change) {
                Ok(tree) => {
                    let mut reported = dangling(&tree);
                    reported.extend(empties(&tree).difference(&meant).cloned());
                    reported
                }
                Err(faults) if faults.iter().any(|fault| names(fault, &way.path)) => Vec::new(),
                Err(faults) => faults,
            };
            reported
                .into_iter()
                .map(move |fault| format!("{}: {fault}", way.change))
        }));
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a fault tells where to look: the setting, or what is in it or around it.
fn names(fault: &str, path: &[String]) -> bool {
    if fault.starts_with(RENDERED) {
        return false;
    }
    let whole = path.join(".");
    let around = path[..path.len() - 1].join(".");
    let last = path.last().map_or("", String::as_str);
    let one = last.strip_suffix('s').unwrap_or(last);
    fault.contains(&whole)
        || (!around.is_empty() && fault.contains(&format!("`{around}")))
        || fault.contains(&format!("`{last}`"))
        || fault.contains(&format!(".{last}`"))
        || fault.contains(&format!("{one} `"))
}

/// What has nothing in it: the paths of keys. In a cluster as it should be
/// that is what is meant, such as the `delete: {}` of a policy.
fn empties(tree: &RenderedTree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, value) in documents(tree) {
        find_empty(&value, &mut Vec::new(), &mut found);
    }
    found
}

fn documents(tree: &RenderedTree) -> Vec<(&str, Value)> {
    let is_document = |path: &str| {
        [".yaml", ".yml", ".json"]
            .iter()
            .any(|end| path.ends_with(end))
    };
    tree.files()
        .filter(|(path, _)| is_document(path.as_str()))
        .map(|(path, bytes)| {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            (path.as_str(), parse(text).to_json())
        })
        .collect()
}

fn find_empty(value: &Value, path: &mut Vec<String>, found: &mut BTreeSet<String>) {
    let is_empty = match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    if is_empty {
        found.insert(format!("`{}` is empty", path.join(".")));
    }
    match value {
        Value::Array(items) => {
            for item in items {
                find_empty(item, path, found);
            }
        }
        Value::Object(entries) => {
            for (key, inner) in entries {
                path.push(key.clone());
                find_empty(inner, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Files and accounts that are named and not rendered, and files that nobody names.
fn dangling(tree: &RenderedTree) -> Vec<String> {
    let files = documents(tree);
    let mut found = Vec::new();
    let of_kubernetes: Vec<&(&str, Value)> = files
        .iter()
        .filter(|(path, value)| path.starts_with("kubernetes/") && value.get("kind").is_some())
        .collect();
    let Some((_, kustomization)) = files
        .iter()
        .find(|(path, _)| *path == "kubernetes/kustomization.yaml")
    else {
        return found;
    };
    let resources: Vec<&str> = kustomization["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for resource in &resources {
        if !of_kubernetes
            .iter()
            .any(|(path, _)| path.strip_prefix("kubernetes/") == Some(resource))
        {
            found.push(format!(
                "kustomization.yaml names `{resource}`, which isn't rendered"
            ));
        }
    }
    let accounts: Vec<&Value> = of_kubernetes
        .iter()
        .filter(|(_, value)| value["kind"] == "ServiceAccount")
        .map(|(_, value)| &value["metadata"]["name"])
        .collect();
    for (path, value) in of_kubernetes {
        let path = path.strip_prefix("kubernetes/").unwrap_or(path);
        if path != "kustomization.yaml" && !resources.contains(&path) {
            found.push(format!("kustomization.yaml doesn't name `{path}`"));
        }
        let account = &value["spec"]["template"]["spec"]["serviceAccountName"];
        if !account.is_null() && !accounts.contains(&account) {
            found.push(format!("`{path}` runs as {account}, which isn't rendered"));
        }
    }
    found
}
