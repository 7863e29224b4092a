use serde_json::json;

use super::*;
use crate::fault::Place;

fn place(line: u32) -> Place {
    Place {
        file: "clusters/fleet.yaml".to_owned(),
        line,
        column: 3,
        excerpt: String::new(),
        width: 1,
    }
}

fn patch(name: &str, text: Json) -> PlacedPatch {
    PlacedPatch {
        name: name.to_owned(),
        patch: serde_json::from_value(text).expect("a patch"),
        place: place(1),
        merge_place: place(2),
        is_own: true,
    }
}

fn tree(files: &[(&str, &str)]) -> RenderedTree {
    let files = files.iter();
    let files = files.map(|(path, text)| {
        let path = TreePath::new((*path).to_owned()).expect("a path");
        (path, text.as_bytes().to_vec())
    });
    RenderedTree(files.collect())
}

fn text(tree: &RenderedTree, path: &str) -> String {
    let path = TreePath::new(path.to_owned()).expect("a path");
    String::from_utf8(tree.0[&path].clone()).expect("UTF-8")
}

/// What is reported for a patch.
fn reported(files: &[(&str, &str)], patches: &[PlacedPatch]) -> Vec<String> {
    let faults = apply(&mut tree(files), patches).err().unwrap_or_default();
    let faults = faults.sorted().into_iter();
    faults
        .map(|fault| [vec![fault.message], fault.hints].concat().join(" | "))
        .collect()
}

const STACK: &str = "{\n  \"Resources\": {\n    \"Pods\": {\n      \"Type\": \"AWS::Logs::LogGroup\",\n      \"Properties\": {\n        \
                     \"LogGroupName\": \"/a\",\n        \"RetentionInDays\": 14\n      }\n    },\n    \"Role\": {\n      \"Type\": \
                     \"AWS::IAM::Role\"\n    }\n  }\n}\n";
const DAEMON_SET: &str = "# Ours\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: fluentd-nodes }\nspec:\n  template:\n    \
                          spec:\n      # The shipper\n      containers:\n        - name: fluentd\n          image: a\n          env: [{ name: A, value: \"1\" }]\n";

#[test]
fn resources_are_merged_by_json_merge_patch() {
    let mut tree = tree(&[("aws/eu-central-1/stack.json", STACK)]);
    let patches = [
        patch(
            "kms",
            json!({ "type": "AWS::Logs::LogGroup", "merge": { "Properties": { "KmsKeyId": "arn:aws:kms:x", "RetentionInDays": null } } }),
        ),
        patch(
            "tags",
            json!({ "type": "AWS::IAM::Role", "name": "R*", "merge": { "Properties": { "PermissionsBoundary": "b" } } }),
        ),
    ];
    apply(&mut tree, &patches).expect("both meet something");
    let stack: Json =
        serde_json::from_str(&text(&tree, "aws/eu-central-1/stack.json")).expect("JSON");
    assert_eq!(
        stack["Resources"],
        json!({
            "Pods": { "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": "/a", "KmsKeyId": "arn:aws:kms:x" } },
            "Role": { "Type": "AWS::IAM::Role", "Properties": { "PermissionsBoundary": "b" } },
        })
    );
    let again = json::canonical(&text(&tree, "aws/eu-central-1/stack.json")).expect("JSON");
    assert_eq!(again, text(&tree, "aws/eu-central-1/stack.json"));
}

#[test]
fn objects_are_merged_strategically() {
    let mut tree = tree(&[("kubernetes/nodes/daemonset.yaml", DAEMON_SET)]);
    let proxy = patch(
        "proxy",
        json!({ "kind": "DaemonSet", "merge": { "spec": { "template": { "spec": {
        "containers": [{ "name": "fluentd", "env": [{ "name": "HTTPS_PROXY", "value": "http://proxy:3128" }] }],
        "imagePullSecrets": [{ "name": "registry" }],
    } } } } }),
    );
    apply(&mut tree, &[proxy]).expect("it meets the DaemonSet");
    let expected = r#"# Ours
# Changed by `patches.proxy`.
apiVersion: "apps/v1"
kind: "DaemonSet"
metadata:
  name: "fluentd-nodes"
spec:
  template:
    spec:
      containers:
        - name: "fluentd"
          image: "a"
          env:
            - name: "HTTPS_PROXY"
              value: "http://proxy:3128"
            - name: "A"
              value: "1"
      imagePullSecrets:
        - name: "registry"
"#;
    assert_eq!(text(&tree, "kubernetes/nodes/daemonset.yaml"), expected);
}

#[test]
fn a_digest_in_a_name_follows_what_was_changed() {
    let part = |digest: &str| {
        format!("elasticsearch/main/_component_template/logfleet-a@settings-{digest}.json")
    };
    let body = "{\n  \"template\": {}\n}\n";
    let old = logfleet_contract::index::content_digest(body.as_bytes());
    let template =
        format!("{{\n  \"composed_of\": [\n    \"logfleet-a@settings-{old}\"\n  ]\n}}\n");
    let mut tree = tree(&[
        (&part(&old), body),
        ("elasticsearch/main/_index_template/logs-a.json", &template),
    ]);
    let slow = patch(
        "slow",
        json!({ "path": "elasticsearch/*/_component_template/*@settings-*.json", "merge": { "_meta": { "a": 1 } } }),
    );
    apply(&mut tree, &[slow]).expect("it meets one");
    let paths: Vec<&str> = tree.0.keys().map(TreePath::as_str).collect();
    let new = logfleet_contract::index::content_digest(
        &tree.0.values().next().expect("the part").clone(),
    );
    assert_ne!(new, old);
    assert_eq!(
        paths,
        [
            part(&new).as_str(),
            "elasticsearch/main/_index_template/logs-a.json"
        ]
    );
    assert!(
        text(&tree, "elasticsearch/main/_index_template/logs-a.json")
            .contains(&format!("settings-{new}\""))
    );
}

#[test]
fn a_patch_that_changes_nothing_says_so() {
    const HINT: &str = "remove it, or correct what it is for; `gen explain` shows where it is set";
    let files = [
        ("aws/eu-central-1/stack.json", STACK),
        ("kubernetes/nodes/daemonset.yaml", DAEMON_SET),
    ];
    for (what, expected) in [
        (
            json!({ "type": "AWS::Logs::LogGrup", "merge": { "a": 1 } }),
            format!(
                "`patches.p` matches nothing: no resource of the type `AWS::Logs::LogGrup` is rendered | did you mean `AWS::Logs::LogGroup`? | {HINT}"
            ),
        ),
        (
            json!({ "kind": "DaemonSet", "name": "fluentd-node", "merge": { "a": 1 } }),
            format!(
                "`patches.p` matches nothing: no DaemonSet `fluentd-node` is rendered | did you mean `fluentd-nodes`? | {HINT}"
            ),
        ),
        (
            json!({ "path": "elasticsearch/*/a.json", "merge": { "a": 1 } }),
            format!(
                "`patches.p` matches nothing: no file in `elasticsearch/*/a.json` that a patch may change is rendered | {HINT}"
            ),
        ),
        (
            json!({ "path": "machines/nodes/filebeat.yaml", "merge": { "a": 1 } }),
            format!(
                "`patches.p` matches nothing: no file in `machines/nodes/filebeat.yaml` that a patch may change is rendered | {HINT}"
            ),
        ),
        (
            json!({ "type": "AWS::Logs::LogGroup", "merge": { "Properties": { "RetentionInDays": 14 } } }),
            format!(
                "`patches.p` changes nothing: what it is for has these values already | {HINT}"
            ),
        ),
    ] {
        assert_eq!(reported(&files, &[patch("p", what)]), [expected]);
    }
}

#[test]
fn a_shared_patch_must_meet_something_in_one_cluster() {
    let shared = |of_type: &str| PlacedPatch {
        is_own: false,
        ..patch(
            "p",
            json!({ "type": of_type, "merge": { "Properties": { "A": 1 } } }),
        )
    };
    let stack = tree(&[("aws/eu-central-1/stack.json", STACK)]);
    let other = tree(&[("aws/eu-central-1/stack.json", "{\n  \"Resources\": {}\n}\n")]);
    let seen = PatchesSeen::default();
    for files in [&other, &stack] {
        seen.add(&apply(&mut files.clone(), &[shared("AWS::IAM::Role")]).expect("no fault yet"));
    }
    assert!(seen.faults().is_empty());
    let seen = PatchesSeen::default();
    for files in [&other, &stack] {
        seen.add(&apply(&mut files.clone(), &[shared("AWS::SQS::Queue")]).expect("no fault yet"));
    }
    let faults = seen.faults().sorted();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        faults[0].message,
        "`patches.p` matches nothing: no resource of the type `AWS::SQS::Queue` is rendered"
    );
    assert_eq!(faults[0].place, Some(place(1)));
    // A cluster that wasn't rendered again may be the one that it is for.
    seen.add_met([shared("AWS::SQS::Queue").shared()]);
    assert!(seen.faults().is_empty());
}
