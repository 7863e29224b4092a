//! The objects that run the reconciler: of the example fleet, and of one that sets everything.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::kubernetes::object::Object;
use crate::kubernetes::server::ApiServer;
use crate::kubernetes::{build, root};
use crate::rig;

const FLEET: &str = r#"schema_version: 1
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com/search", authentication: { type: basic } }
sources: { aws: { enabled: false }, machines: { nodes: { enabled: false } } }
reconciler:
  enabled: true
  namespace: logs-reconciler
  image: { repository: registry.example.com/reconciler, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
  schedule: "7,37 * * * *"
  shards: 2
  source:
    url: "git@git.example.com:platform/logs.git"
    secret: "kubernetes-secret:repository"
    signers: "kubernetes-secret:signers"
  servers:
    logs.example.com-search: { secret: "kubernetes-secret:root", password_in: root.password, timeout_seconds: 30 }
  aws: { role_arn: "arn:aws:iam::111122223333:role/reconciler", assumed_role: accounts, external_id: fleet-1 }
"#;

const CLUSTER: &str = "name: alpha\nenvironment: production\ndistribution: eks\nregion: eu-central-1\n\
    account: \"111122223333\"\nnode_groups: { nodes: { role: node } }\n";

fn accepted(server: &ApiServer, kustomize: &Path, folder: &Path) {
    let objects = build(kustomize, folder);
    let kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
    for kind in [
        "ConfigMap",
        "CronJob",
        "Namespace",
        "NetworkPolicy",
        "ServiceAccount",
    ] {
        assert!(kinds.contains(&kind), "{kind} is missing: {kinds:?}");
    }
    let (namespaces, others): (Vec<&Object>, Vec<&Object>) = objects
        .iter()
        .partition(|object| object.kind == "Namespace");
    for object in namespaces {
        let answer = server.apply(object);
        assert!(answer.status < 300, "{}", answer.body);
    }
    for object in others {
        let answer = server.apply_dry(object);
        assert!(
            answer.status < 300,
            "{} `{}`: {}",
            object.kind,
            object.name,
            answer.body["message"]
        );
    }
}

#[test]
fn accepts_what_runs_the_reconciler() {
    let Some(kustomize) = rig::installed("bin/kustomize", "kustomize") else {
        return;
    };
    let Some(server) = ApiServer::shared() else {
        return;
    };
    let below = "rendered/_fleet/reconciler/kubernetes";
    accepted(server, &kustomize, &root().join(below));

    let fleet = tempfile::tempdir().expect("a folder");
    for (path, text) in [
        ("clusters/fleet.yaml", FLEET),
        ("clusters/environments/production.yaml", ""),
        ("clusters/alpha/cluster.yaml", CLUSTER),
    ] {
        let path = fleet.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_gen"))
        .env("XDG_CACHE_HOME", "/dev/null")
        .args(["render", "--root"])
        .arg(fleet.path())
        .output()
        .expect("gen starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    accepted(server, &kustomize, &fleet.path().join(below));
    let job = fs::read_to_string(fleet.path().join(below).join("cron-job.yaml")).expect("rendered");
    for line in [
        "completionMode: Indexed",
        "- \"--shard=$(LOGFLEET_SHARD)/2\"",
        "- --verify-commit",
        "mountPath: \"/run/secrets/logfleet/servers/logs.example.com-search\"",
    ] {
        assert!(job.contains(line), "{line}: {job}");
    }
}
