//! What `patches` makes of an object is what kustomize makes of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use logfleet_generator::load::source_file::{FileId, SourceFile};
use logfleet_generator::load::yaml;
use logfleet_generator::patch::strategic;
use serde_json::{Value, json};

use super::rendered;
use crate::rig;

fn read(text: &str) -> Value {
    let source = SourceFile::new("object.yaml", text);
    yaml::parse(FileId(0), &source).expect("YAML").to_json()
}

/// What kustomize makes of an object by a patch.
fn by_kustomize(kustomize: &Path, object: &Value, patch: &Value) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, value: &Value| {
        fs::write(folder.path().join(name), value.to_string()).expect("written");
    };
    let mut whole = patch.clone();
    for part in ["apiVersion", "kind"] {
        whole[part] = object[part].clone();
    }
    whole["metadata"]["name"] = object["metadata"]["name"].clone();
    if let Some(namespace) = object["metadata"].get("namespace") {
        whole["metadata"]["namespace"] = namespace.clone();
    }
    write("object.yaml", object);
    write("patch.yaml", &whole);
    write(
        "kustomization.yaml",
        &json!({ "resources": ["object.yaml"], "patches": [{ "path": "patch.yaml" }] }),
    );
    let output = Command::new(kustomize)
        .arg("build")
        .arg(folder.path())
        .output()
        .expect("kustomize starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{patch}: {errors}");
    read(&String::from_utf8(output.stdout).expect("UTF-8"))
}

/// A patch of a pod's specification.
fn of_pods(spec: &Value) -> Value {
    json!({ "spec": { "template": { "spec": spec } } })
}

/// Patches of a workload, most of them of its first container.
fn patches_of_pods(object: &Value) -> Vec<Value> {
    let name = &object["spec"]["template"]["spec"]["containers"][0]["name"];
    let container = |what: Value| {
        let mut container = what;
        container["name"] = name.clone();
        of_pods(&json!({ "containers": [container] }))
    };
    let first = &object["spec"]["template"]["spec"]["containers"][0];
    // Of a list that isn't there, kustomize keeps the directive as if it were an item.
    let replaced = first["env"].is_array().then(|| {
        container(json!({ "env": [{ "$patch": "replace" }, { "name": "ONLY", "value": "1" }] }))
    });
    let mut patches = vec![
        container(
            json!({ "env": [{ "name": "HTTPS_PROXY", "value": "http://proxy:3128" }, { "name": "NODE_NAME", "value": "x" }] }),
        ),
        container(json!({ "env": [{ "name": "NODE_NAME", "$patch": "delete" }] })),
        container(
            json!({ "image": "other:1", "args": ["--verbose"], "resources": { "limits": { "memory": null, "cpu": "1" } } }),
        ),
        container(
            json!({ "ports": [{ "containerPort": 24231, "protocol": "TCP", "name": "other" }, { "containerPort": 24231, "protocol": "UDP" }, { "containerPort": 9 }] }),
        ),
        container(
            json!({ "volumeMounts": [{ "mountPath": "/extra", "name": "extra" }, { "mountPath": "/var/log", "name": "other" }] }),
        ),
        container(
            json!({ "securityContext": { "capabilities": { "drop": ["NET_RAW"] } }, "livenessProbe": null }),
        ),
        of_pods(
            &json!({ "containers": [{ "name": "sidecar", "image": "s:1", "env": [{ "name": "A", "value": "1" }] }] }),
        ),
        of_pods(&json!({ "initContainers": [{ "name": "wait", "image": "w:1" }] })),
        of_pods(&json!({ "imagePullSecrets": [{ "name": "registry" }] })),
        of_pods(
            &json!({ "tolerations": [{ "key": "only", "operator": "Exists" }], "nodeSelector": { "a": "b" } }),
        ),
        of_pods(&json!({ "volumes": [{ "name": "extra", "emptyDir": { "sizeLimit": "1Gi" } }] })),
        of_pods(&json!({ "hostAliases": [{ "ip": "10.0.0.1", "hostnames": ["a"] }] })),
        of_pods(
            &json!({ "topologySpreadConstraints": [{ "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1 }] }),
        ),
        of_pods(&json!({ "affinity": { "nodeAffinity": null }, "priorityClassName": "high" })),
        json!({ "metadata": { "labels": { "team": "platform" }, "annotations": { "a": "b" } }, "spec": { "minReadySeconds": 5 } }),
    ];
    patches.extend(replaced);
    patches
}

fn patches_of(kind: &str, object: &Value) -> Vec<Value> {
    match kind {
        "DaemonSet" | "Deployment" | "StatefulSet" => patches_of_pods(object),
        "Service" => vec![
            json!({ "spec": { "ports": [{ "port": 5044, "protocol": "TCP", "name": "other" }, { "port": 1, "name": "more" }] } }),
            json!({ "metadata": { "annotations": { "a": "b" } }, "spec": { "selector": { "a": "b" } } }),
        ],
        "ServiceAccount" => vec![
            json!({ "imagePullSecrets": [{ "name": "registry" }] }),
            json!({ "secrets": [{ "name": "a" }, { "name": "b" }], "automountServiceAccountToken": null }),
        ],
        "ConfigMap" => vec![json!({ "data": { "a": "1" } })],
        "ExternalSecret" => vec![
            json!({ "spec": { "refreshInterval": "5m", "data": [{ "secretKey": "only", "remoteRef": { "key": "k" } }] } }),
        ],
        "ClusterRole" => vec![
            json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] }),
        ],
        "NetworkPolicy" => vec![json!({ "spec": { "policyTypes": ["Ingress"], "egress": null } })],
        "PodDisruptionBudget" => {
            vec![json!({ "spec": { "minAvailable": 2, "maxUnavailable": null } })]
        }
        _ => Vec::new(),
    }
}

#[test]
fn merges_as_kustomize_does() {
    let Some(kustomize) = rig::installed("bin/kustomize", "kustomize") else {
        return;
    };
    let mut compared = 0;
    let mut kinds = std::collections::BTreeSet::new();
    for folder in rendered() {
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
            let entry = entry.expect("readable");
            let is_object = entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "yaml");
            if !is_object || entry.file_name() == "kustomization.yaml" {
                continue;
            }
            let object = read(&fs::read_to_string(entry.path()).expect("text"));
            let kind = object["kind"].as_str().unwrap_or_default().to_owned();
            // One of each name is enough: clusters have the same ones.
            if !kinds.insert(format!("{kind} {}", object["metadata"]["name"])) {
                continue;
            }
            for patch in patches_of(&kind, &object) {
                let ours = strategic::patched(&object, &patch).expect("it stays");
                let theirs = by_kustomize(&kustomize, &object, &patch);
                assert_eq!(ours, theirs, "{}: {patch}", entry.path().display());
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared} compared of {kinds:?}");
}
