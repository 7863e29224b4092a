//! `patches` in the layers: what they change, where, and what is told of them.

use serde_json::{Value, json};

use crate::fleet::TestFleet;

const FLEET: &str = "patches:
  kms:
    type: AWS::Logs::LogGroup
    merge: { Properties: { KmsKeyId: \"arn:aws:kms:eu-central-1:111122223333:key/a\", RetentionInDays: null } }
  boundary: { type: AWS::IAM::Role, merge: { Properties: { PermissionsBoundary: \"arn:aws:iam::111122223333:policy/b\" } } }
  proxy:
    kind: DaemonSet
    name: fluentd-*
    merge:
      spec: { template: { spec: { imagePullSecrets: [{ name: registry }], containers: [{ name: fluentd, env: [{ name: HTTPS_PROXY, value: \"http://proxy:3128\" }] }] } } }
  slow: { path: \"elasticsearch/*/_component_template/*@settings-*.json\", merge: { template: { settings: { index.refresh_interval: 30s } } } }
";

fn json_of(fleet: &TestFleet, path: &str) -> Value {
    serde_json::from_str(&fleet.text(path)).expect("JSON")
}

fn of_type<'s>(stack: &'s Value, kind: &str) -> Vec<&'s Value> {
    let resources = stack["Resources"].as_object().expect("resources");
    let found = resources
        .values()
        .filter(|resource| resource["Type"] == kind);
    found.map(|resource| &resource["Properties"]).collect()
}

fn patched() -> TestFleet {
    let fleet = TestFleet::rendered();
    fleet.append("clusters/fleet.yaml", FLEET);
    let own = "patches: { kms: null, proxy: { merge: { metadata: { labels: { team: \"platform\" } } } } }\n";
    fleet.append("clusters/alpha/cluster.yaml", own);
    let run = fleet.call(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
    fleet
}

#[test]
fn a_layer_changes_what_it_says_and_a_higher_one_takes_it_back() {
    let fleet = patched();
    let before = TestFleet::rendered();
    let stack = "aws/us-east-1/stack.json";
    let beta = json_of(&fleet, &format!("rendered/beta.example.com/{stack}"));
    let groups = of_type(&beta, "AWS::Logs::LogGroup");
    assert!(groups.len() > 2);
    for group in groups {
        assert_eq!(
            group["KmsKeyId"],
            "arn:aws:kms:eu-central-1:111122223333:key/a"
        );
        assert_eq!(group.get("RetentionInDays"), None);
    }
    let alpha = json_of(&fleet, "rendered/alpha/aws/eu-central-1/stack.json");
    let unpatched = json_of(&before, "rendered/alpha/aws/eu-central-1/stack.json");
    assert_eq!(
        of_type(&alpha, "AWS::Logs::LogGroup"),
        of_type(&unpatched, "AWS::Logs::LogGroup")
    );
    for role in of_type(&alpha, "AWS::IAM::Role") {
        assert_eq!(
            role["PermissionsBoundary"],
            "arn:aws:iam::111122223333:policy/b"
        );
    }
    let daemon_set = "kubernetes/nodes/daemonset.yaml";
    let beta = fleet.text(&format!("rendered/beta.example.com/{daemon_set}"));
    assert!(beta.contains("name: \"HTTPS_PROXY\""), "{beta}");
    assert!(beta.contains("# Changed by `patches.proxy`.\n"), "{beta}");
    // What a higher layer merges stands for all of it.
    let alpha = fleet.text(&format!("rendered/alpha/{daemon_set}"));
    assert!(
        alpha.contains("team: \"platform\"") && !alpha.contains("HTTPS_PROXY"),
        "{alpha}"
    );
}

/// Every name that tells a digest fits, and is the one that others know it by.
#[test]
fn names_with_a_digest_follow() {
    let fleet = patched();
    let folder = "rendered/alpha/elasticsearch/main/";
    let paths: Vec<String> = fleet
        .entries()
        .into_keys()
        .filter(|path| path.starts_with(folder))
        .collect();
    let parts: Vec<&str> = paths
        .iter()
        .filter_map(|path| {
            path.strip_prefix(folder)?
                .strip_prefix("_component_template/")?
                .strip_suffix(".json")
        })
        .collect();
    let mut named = 0;
    for path in paths
        .iter()
        .filter(|path| path.contains("/_index_template/"))
    {
        for part in json_of(&fleet, path)["composed_of"]
            .as_array()
            .expect("parts")
        {
            let part = part.as_str().expect("a name");
            assert!(
                parts.contains(&part),
                "{path} names {part}, and there are {parts:?}"
            );
            named += 1;
        }
    }
    assert!(named > 4);
    let settings = parts.iter().filter(|part| part.contains("@settings-"));
    for part in settings {
        let body = json_of(&fleet, &format!("{folder}_component_template/{part}.json"));
        assert_eq!(
            body["template"]["settings"]["index.refresh_interval"],
            json!("30s")
        );
    }
    let run = fleet.call(&["check"]);
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn explain_tells_where_a_patch_is_written() {
    let fleet = patched();
    let run = fleet.call(&["explain", "alpha", "patches.proxy"]);
    assert_eq!(run.code, 0, "{run}");
    for told in [
        "clusters/fleet.yaml",
        "clusters/alpha/cluster.yaml",
        "patches.proxy.merge",
    ] {
        assert!(run.out.contains(told), "{told}: {run}");
    }
}

/// A render that recalls the last one knows which clusters a shared patch met.
#[test]
fn a_shared_patch_is_judged_by_all_clusters() {
    let fleet = TestFleet::rendered();
    fleet.append("clusters/fleet.yaml", "patches: { kops: { path: \"machines/stack.json\", type: AWS::IAM::Role, name: Nobody, merge: { a: 1 } } }\n");
    let told = "`patches.kops` matches nothing: no resource `Nobody` of the type `AWS::IAM::Role` in `machines/stack.json` is rendered";
    for command in ["render", "check"] {
        let run = fleet.gen_changing_nothing(&[command]);
        assert!(run.code == 1 && run.err.contains(told), "{run}");
    }
    // One cluster knows nothing of the others.
    assert_eq!(fleet.call(&["check", "alpha"]).code, 0);
}
