//! Derives the strict JSON Schemas under `schemas/outputs/kubernetes/` from
//! what a Kubernetes API server publishes at `/openapi/v3`: its own kinds and
//! the custom resource definitions loaded into it.
//!
//! The server's documents describe; they don't refuse. Here every object that
//! lists its properties is closed, what the server alone may set is left out
//! (`status`, `metadata.uid` …), and prose, defaults and hints for clients are
//! dropped, which leaves about a tenth. Pure: JSON in, JSON out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A kind that has a schema of its own.
#[allow(
    clippy::struct_field_names,
    reason = "`kind` is what Kubernetes calls it"
)]
pub struct Kind {
    /// Part of the path below `/openapi/v3`.
    pub path: &'static str,
    /// `apiVersion` of its objects.
    pub api_version: &'static str,
    /// `kind` of its objects.
    pub kind: &'static str,
    /// The name of its schema's file, where another kind is called the same.
    file: Option<&'static str>,
    /// Properties that are left unjudged: what nobody here renders and would
    /// make the schema many times as long.
    unjudged: &'static [&'static str],
}

impl Kind {
    /// The name of its schema's file.
    pub fn file(&self) -> String {
        let own = self.file.map(ToOwned::to_owned);
        own.unwrap_or_else(|| format!("{}.json", self.kind.to_lowercase()))
    }

    /// Whether Kubernetes itself knows it.
    pub fn is_built_in(&self) -> bool {
        let group = self.api_version.split('/').next().unwrap_or_default();
        !group.contains('.') || group.ends_with(".k8s.io")
    }
}

/// Every kind that the templates emit, and the small ones that a fleet's own
/// templates are likely to add.
pub const KINDS: [Kind; 24] = [
    core("ConfigMap"),
    core("Namespace"),
    core("Secret"),
    core("Service"),
    core("ServiceAccount"),
    group("apis/apps/v1", "DaemonSet"),
    group("apis/apps/v1", "Deployment"),
    group("apis/apps/v1", "StatefulSet"),
    group("apis/argoproj.io/v1alpha1", "AppProject"),
    group("apis/argoproj.io/v1alpha1", "Application"),
    Kind {
        unjudged: &[
            "clusterDecisionResource",
            "matrix",
            "merge",
            "plugin",
            "pullRequest",
            "scmProvider",
        ],
        ..group("apis/argoproj.io/v1alpha1", "ApplicationSet")
    },
    group("apis/batch/v1", "CronJob"),
    group("apis/external-secrets.io/v1", "ExternalSecret"),
    Kind {
        file: Some("flux-kustomization.json"),
        ..group("apis/kustomize.toolkit.fluxcd.io/v1", "Kustomization")
    },
    group("apis/monitoring.coreos.com/v1", "PodMonitor"),
    group("apis/monitoring.coreos.com/v1", "PrometheusRule"),
    group("apis/networking.k8s.io/v1", "NetworkPolicy"),
    group("apis/policy/v1", "PodDisruptionBudget"),
    group("apis/rbac.authorization.k8s.io/v1", "ClusterRole"),
    group("apis/rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    group("apis/rbac.authorization.k8s.io/v1", "Role"),
    group("apis/rbac.authorization.k8s.io/v1", "RoleBinding"),
    group("apis/scheduling.k8s.io/v1", "PriorityClass"),
    group("apis/source.toolkit.fluxcd.io/v1", "GitRepository"),
];

const fn core(kind: &'static str) -> Kind {
    Kind {
        path: "api/v1",
        api_version: "v1",
        kind,
        file: None,
        unjudged: &[],
    }
}

const fn group(path: &'static str, kind: &'static str) -> Kind {
    let (_, api_version) = path.split_at("apis/".len());
    Kind {
        path,
        api_version,
        kind,
        file: None,
        unjudged: &[],
    }
}

/// What only the server sets, and what belongs to one live object: none of it
/// has a place in a file.
const SERVER_SIDE_METADATA: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Keywords that mean the same in `OpenAPI` 3.0 and JSON Schema, and judge.
const KEPT: [&str; 13] = [
    "enum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
    "required",
    "type",
    "uniqueItems",
];

/// The strict schema of a kind, from the document of its group and version.
pub fn derive(document: &Value, kind: &Kind) -> Result<Value, String> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .ok_or_else(|| format!("{}: no /components/schemas", kind.path))?;
    let root = find(schemas, kind)?;

    let mut definitions = BTreeMap::new();
    let mut full_names = BTreeMap::new();
    let mut waiting = Vec::new();
    let mut schema = strict(&schemas[root], &mut waiting);
    restrict_root(&mut schema, kind);
    leave_unjudged(&mut schema, kind.unjudged);
    // What only `status` led to is not wanted; so the root's references are
    // gathered anew after it is restricted.
    waiting.clear();
    references(&schema, &mut waiting);
    while let Some(name) = waiting.pop() {
        let short = short_name(&name).to_owned();
        match full_names.insert(short.clone(), name.clone()) {
            Some(known) if known == name => continue,
            Some(known) => return Err(format!("{}: {known} and {name} end alike", kind.path)),
            None => {}
        }
        let source = schemas
            .get(&name)
            .ok_or_else(|| format!("{}: no schema {name}", kind.path))?;
        let mut inner = Vec::new();
        let mut definition = strict(source, &mut inner);
        if short == "ObjectMeta" {
            restrict_metadata(&mut definition);
            inner.clear();
            references(&definition, &mut inner);
        }
        definitions.insert(short, definition);
        waiting.append(&mut inner);
    }
    shorten_references(&mut schema);
    definitions.values_mut().for_each(shorten_references);

    let mut whole = Map::new();
    whole.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    whole.insert(
        "title".into(),
        json!(format!("{} {}", kind.api_version, kind.kind)),
    );
    whole.extend(schema.as_object().cloned().unwrap_or_default());
    if !definitions.is_empty() {
        whole.insert("$defs".into(), json!(definitions));
    }
    Ok(Value::Object(whole))
}

/// The name of the schema that says it is this group, version and kind.
pub fn find<'a>(schemas: &'a Map<String, Value>, kind: &Kind) -> Result<&'a String, String> {
    let (group, version) = kind
        .api_version
        .rsplit_once('/')
        .unwrap_or(("", kind.api_version));
    let wanted = json!([{ "group": group, "kind": kind.kind, "version": version }]);
    schemas
        .iter()
        .find(|(_, schema)| schema.get("x-kubernetes-group-version-kind") == Some(&wanted))
        .map(|(name, _)| name)
        .ok_or_else(|| format!("{}: no kind {}", kind.path, kind.kind))
}

/// A schema without prose and with closed objects. Names that it refers to
/// are added to `references`.
fn strict(schema: &Value, references: &mut Vec<String>) -> Value {
    let Some(schema) = schema.as_object() else {
        return schema.clone();
    };
    if let Some(name) = reference(schema) {
        references.push(name.to_owned());
        return json!({ "$ref": name });
    }
    if is_integer_or_string(schema) {
        return json!({ "type": ["integer", "string"] });
    }
    if let Some(types) = simple_choice(schema) {
        return json!({ "type": types });
    }
    let mut out = Map::new();
    for key in KEPT {
        if let Some(value) = schema.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    if schema.get("nullable") == Some(&json!(true))
        && let Some(kind) = out.get("type").cloned()
    {
        out.insert("type".into(), json!([kind, "null"]));
    }
    if schema.get("format") == Some(&json!("int32")) {
        out.entry("minimum").or_insert(json!(i32::MIN));
        out.entry("maximum").or_insert(json!(i32::MAX));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(branches)) = schema.get(key) {
            let branches: Vec<_> = branches
                .iter()
                .map(|branch| strict(branch, references))
                .collect();
            out.insert(key.into(), json!(branches));
        }
    }
    for key in ["items", "not"] {
        if let Some(inner) = schema.get(key) {
            out.insert(key.into(), strict(inner, references));
        }
    }
    strict_properties(schema, &mut out, references);
    Value::Object(out)
}

/// Properties, and whether there may be others.
fn strict_properties(
    schema: &Map<String, Value>,
    out: &mut Map<String, Value>,
    references: &mut Vec<String>,
) {
    if let Some(Value::Object(properties)) = schema.get("properties") {
        let properties: Map<_, _> = properties
            .iter()
            .map(|(name, inner)| (name.clone(), strict(inner, references)))
            .collect();
        out.insert("properties".into(), Value::Object(properties));
    }
    let open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    match schema.get("additionalProperties") {
        Some(inner) if inner.is_object() => {
            out.insert("additionalProperties".into(), strict(inner, references));
        }
        None if !open
            && schema.contains_key("properties")
            && schema.get("type") == Some(&json!("object")) =>
        {
            out.insert("additionalProperties".into(), json!(false));
        }
        _ => {}
    }
}

/// The name a schema stands for: `$ref`, or `allOf` of a single one, which is
/// how the server puts a default beside it.
fn reference(schema: &Map<String, Value>) -> Option<&str> {
    let own = schema.get("$ref");
    let single = schema
        .get("allOf")
        .and_then(Value::as_array)
        .filter(|all| all.len() == 1);
    own.or_else(|| single.and_then(|all| all[0].get("$ref")))?
        .as_str()?
        .strip_prefix("#/components/schemas/")
}

fn is_integer_or_string(schema: &Map<String, Value>) -> bool {
    schema.get("x-kubernetes-int-or-string") == Some(&json!(true))
        || schema.get("format") == Some(&json!("int-or-string"))
}

/// The types of a `oneOf` or `anyOf` that chooses between bare types only.
fn simple_choice(schema: &Map<String, Value>) -> Option<Vec<Value>> {
    let branches = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))?
        .as_array()?;
    if schema.contains_key("type") {
        return None;
    }
    branches
        .iter()
        .map(|branch| match branch.as_object() {
            Some(inner) if inner.len() == 1 => inner.get("type").cloned(),
            _ => None,
        })
        .collect()
}

/// Fixes `apiVersion` and `kind`, demands a name, drops `status`.
fn restrict_root(schema: &mut Value, kind: &Kind) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    properties.shift_remove("status");
    properties.insert("apiVersion".into(), json!({ "const": kind.api_version }));
    properties.insert("kind".into(), json!({ "const": kind.kind }));
    if let Some(metadata) = properties.get_mut("metadata") {
        let named = json!({ "required": ["name"] });
        *metadata = json!({ "allOf": [metadata.clone(), named] });
    }
    let mut required: Vec<Value> = vec![json!("apiVersion"), json!("kind"), json!("metadata")];
    if let Some(Value::Array(own)) = schema.get("required") {
        required.extend(
            own.iter()
                .filter(|name| !required.contains(name))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    schema["required"] = Value::Array(required);
}

/// Replaces properties by a schema that accepts everything.
fn leave_unjudged(schema: &mut Value, names: &[&str]) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for name in names {
                    if let Some(property) = properties.get_mut(*name) {
                        *property = json!({});
                    }
                }
            }
            map.values_mut()
                .for_each(|inner| leave_unjudged(inner, names));
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|inner| leave_unjudged(inner, names)),
        _ => {}
    }
}

fn restrict_metadata(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !SERVER_SIDE_METADATA.contains(&name.as_str()));
    }
}

/// Every name that a schema refers to.
fn references(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(name)) = map.get("$ref") {
                out.push(name.clone());
            }
            map.values().for_each(|inner| references(inner, out));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, out)),
        _ => {}
    }
}

/// Turns the names that `strict` left in `$ref` into pointers.
fn shorten_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(name)) = map.get_mut("$ref") {
                *name = format!("#/$defs/{}", short_name(name));
            }
            map.values_mut().for_each(shorten_references);
        }
        Value::Array(list) => list.iter_mut().for_each(shorten_references),
        _ => {}
    }
}

/// `io.k8s.api.core.v1.PodSpec` is `PodSpec`.
fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
