//! A real Kubernetes API server judges what is rendered below `kubernetes/`,
//! and says what the committed schemas must say.

mod argo_cd;
mod artifact;
mod controller;
mod flux;
mod list_keys;
mod object;
mod patches;
mod reconciler;
mod schemas;
mod server;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::Object;
use schemas::KINDS;
use serde_json::Value;
use server::ApiServer;

use crate::rig;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The `kubernetes` folder of every cluster of the example fleet.
fn rendered() -> Vec<PathBuf> {
    let rendered = root().join("rendered");
    let mut folders: Vec<PathBuf> = fs::read_dir(&rendered)
        .unwrap_or_else(|error| panic!("{}: {error}", rendered.display()))
        .map(|entry| entry.expect("readable").path().join("kubernetes"))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no cluster in {}", rendered.display());
    folders
}

fn build(kustomize: &Path, folder: &Path) -> Vec<Object> {
    let output = Command::new(kustomize)
        .arg("build")
        .arg(folder)
        .output()
        .expect("kustomize starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", folder.display());
    // It warns of what is deprecated there.
    assert!(errors.is_empty(), "{}: {errors}", folder.display());
    Object::all(&String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn accepts_every_rendered_object() {
    let Some(kustomize) = rig::installed("bin/kustomize", "kustomize") else {
        return;
    };
    let Some(server) = ApiServer::shared() else {
        return;
    };
    let mut refused = Vec::new();
    for folder in rendered() {
        let objects = build(&kustomize, &folder);
        assert!(
            objects.iter().any(|object| object.kind == "DaemonSet"),
            "{}",
            folder.display()
        );
        // A namespace must be there, even for a dry run of what is in it.
        for object in objects.iter().filter(|object| object.kind == "Namespace") {
            let answer = server.apply(object);
            assert!(answer.status < 300, "{}", answer.body);
        }
        for object in &objects {
            let answer = server.apply_dry(object);
            if answer.status >= 300 {
                let message = &answer.body["message"];
                refused.push(format!(
                    "{}: {} `{}`: {message}",
                    folder.display(),
                    object.kind,
                    object.name
                ));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

const DAEMON_SET: &str = "apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: control
  namespace: default
spec:
  selector: { matchLabels: { app: control } }
  template:
    metadata: { labels: { app: control } }
    spec:
      containers:
        - name: control
          image: control:1
          imagePullPolicy: IfNotPresent
";

/// Shows that the judge refuses at all.
#[test]
fn refuses_what_is_wrong() {
    let Some(server) = ApiServer::shared() else {
        return;
    };
    let judge = |from: &str, to: &str| {
        assert!(DAEMON_SET.contains(from), "{from}");
        let answer = server.apply_dry(&Object::all(&DAEMON_SET.replace(from, to))[0]);
        (
            answer.status,
            answer.body["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(judge("control:1", "control:1").0, 201);
    for (from, to, said) in [
        (
            "imagePullPolicy",
            "imagePullPolcy",
            "field not declared in schema",
        ),
        (
            "image: control:1",
            "image: y",
            "expected string, got &value.valueUnstructured{Value:true}",
        ),
        ("IfNotPresent", "Sometimes", "supported values"),
        (
            "matchLabels: { app: control }",
            "matchLabels: { app: other }",
            "`selector` does not match template `labels`",
        ),
    ] {
        let (status, message) = judge(from, to);
        assert!(
            status >= 400 && message.contains(said),
            "{to}: {status} {message}"
        );
    }
}

/// The committed schemas are what this server's are derived to. With
/// `LOGFLEET_WRITE_SCHEMAS` set they are written.
#[test]
fn committed_schemas_are_derived_from_the_server() {
    let Some(server) = ApiServer::shared() else {
        return;
    };
    let mut keys = BTreeMap::new();
    for kind in &KINDS {
        let schema = server.openapi(kind.path, |document| schemas::derive(document, kind).ok());
        is_committed(&kind.file(), &schema);
        let of_kind = server.openapi(kind.path, |document| {
            let schemas = document.pointer("/components/schemas")?.as_object()?;
            let schema = schemas::find(schemas, kind).ok()?;
            Some(list_keys::of_kind(document, schema, kind.is_built_in()))
        });
        if !of_kind.is_empty() {
            keys.insert(format!("{} {}", kind.api_version, kind.kind), of_kind);
        }
    }
    is_committed("list-keys.json", &serde_json::json!(keys));
}

/// Compares a derived file with the committed one, or writes it.
fn is_committed(file: &str, derived: &Value) {
    let text = serde_json::to_string_pretty(derived).expect("JSON") + "\n";
    let file = format!("schemas/outputs/kubernetes/{file}");
    let path = root().join(&file);
    if env::var_os("LOGFLEET_WRITE_SCHEMAS").is_some() {
        fs::write(&path, text).expect("writable");
    } else {
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{file} differs; see schemas/outputs/README.md"
        );
    }
}
