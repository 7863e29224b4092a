//! `rendered/_fleet/`: the files of the fleet as a whole.

use crate::fleet::TestFleet;

const PROJECT: &str = "rendered/_fleet/gitops/argo-cd/project.yaml";

fn with_argo_cd() -> TestFleet {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/fleet.yaml",
        "gitops: { tool: argo_cd, repository: { url: \"https://git.example.com/logs.git\" } }\n",
    );
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains("rendered/_fleet: 3 written\n"), "{run}");
    assert!(run.out.contains("\n2 clusters: "), "{run}");
    fleet
}

fn project(fleet: &TestFleet) -> String {
    String::from_utf8(fleet.read(PROJECT)).expect("UTF-8")
}

/// What it is made of is known only of all clusters.
#[test]
fn a_run_for_one_cluster_leaves_it_and_a_check_of_all_finds_it_stale() {
    let fleet = with_argo_cd();
    let before = project(&fleet);
    assert!(
        before.contains("namespace: \"logging\"\n      name: \"alpha\"\n"),
        "{before}"
    );
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "kubernetes: { namespace: shipping }\n",
    );
    let one = fleet.call(&["render", "alpha"]);
    assert_eq!(one.code, 0, "{one}");
    assert_eq!(project(&fleet), before);
    let check = fleet.call(&["render", "--check"]);
    assert_eq!(check.code, 1, "{check}");
    assert!(check.out.contains("rendered/_fleet: 1 differ"), "{check}");
    assert_eq!(fleet.call(&["render"]).code, 0);
    let after = project(&fleet);
    assert!(
        after.contains("namespace: \"shipping\"\n      name: \"alpha\"\n"),
        "{after}"
    );
}

#[test]
fn it_goes_when_no_tool_is_wanted_any_more() {
    let fleet = with_argo_cd();
    fleet.append("clusters/alpha/cluster.yaml", "gitops: { tool: none }\n");
    fleet.append(
        "clusters/beta.example.com/cluster.yaml",
        "gitops: { tool: none }\n",
    );
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(!fleet.root().join("rendered/_fleet").exists(), "{run}");
    assert!(
        !fleet.root().join("rendered/alpha/gitops").exists(),
        "{run}"
    );
}

#[test]
fn what_was_edited_by_hand_is_protected() {
    let fleet = with_argo_cd();
    fleet.append(PROJECT, "# mine\n");
    let run = fleet.gen_changing_nothing(&["render"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.err.contains(PROJECT), "{run}");
}

/// A policy of AWS has a size, and what a fleet names in it has none.
#[test]
fn what_a_role_has_no_room_for_is_in_managed_policies() {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/fleet.yaml",
        r#"gitops: { repository: { url: "https://git.example.com/logs.git" } }
reconciler:
  enabled: true
  image: { repository: registry.example.com/reconciler, tag: "1" }
  aws:
    role_arn: "arn:aws:iam::111122223333:role/reconciler"
    assumed_role: accounts
"#,
    );
    let cluster = fleet.text("clusters/alpha/cluster.yaml");
    let secrets: Vec<String> = (0..14)
        .map(|number| format!("team/{}-{number}", "a-long-name/".repeat(40)))
        .collect();
    for (number, secret) in secrets.iter().enumerate() {
        let name = format!("c{number}");
        let text = cluster.replace("name: alpha", &format!("name: {name}"));
        fleet.write(
            &format!("clusters/{name}/cluster.yaml"),
            format!("{text}destinations: {{ main: {{ authentication: {{ secret: \"aws-secretsmanager:{secret}\" }} }} }}\n"),
        );
    }
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    let text = fleet.text("rendered/_fleet/reconciler/aws/account.json");
    let template: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let resources = template["Resources"].as_object().expect("resources");
    let ids: Vec<&str> = resources.keys().map(String::as_str).collect();
    assert_eq!(ids, ["Role", "Policy2"]);
    let more = &template["Resources"]["Policy2"]["Properties"];
    assert_eq!(more["ManagedPolicyName"], "accounts-2");
    assert_eq!(more["Roles"], serde_json::json!([{ "Ref": "Role" }]));
    for secret in &secrets {
        assert_eq!(text.matches(&format!(":secret:{secret}-??????")).count(), 1);
    }
}

const RECONCILER: &str = r#"
reconciler:
  enabled: true
  image: { repository: registry.example.com/reconciler, tag: "1" }
  source: { secret: kubernetes-secret:git }
  aws: { role_arn: "arn:aws:iam::111122223333:role/reconciler", assumed_role: accounts }
"#;

/// One tool applies everything, the reconciler in its own cluster included.
#[test]
fn the_reconciler_is_applied_by_the_fleets_tool() {
    for (tool, file) in [
        ("argo_cd", "rendered/_fleet/gitops/argo-cd/reconciler.yaml"),
        ("flux", "rendered/_fleet/gitops/flux/reconciler.yaml"),
    ] {
        let fleet = TestFleet::base();
        fleet.append(
            "clusters/fleet.yaml",
            &format!("gitops: {{ tool: {tool}, repository: {{ url: \"https://git.example.com/logs.git\" }} }}\n{RECONCILER}"),
        );
        let run = fleet.call(&["render"]);
        assert_eq!(run.code, 0, "{run}");
        let text = fleet.text(file);
        assert!(
            text.contains("/_fleet/reconciler/kubernetes\"")
                && text.contains("\"logfleet.reconciler\""),
            "{text}"
        );
        let is_listed = |fleet: &TestFleet| {
            let path = "rendered/_fleet/gitops/flux/kustomization.yaml";
            tool == "flux" && fleet.text(path).contains("- reconciler.yaml")
        };
        assert_eq!(is_listed(&fleet), tool == "flux");
        let settings = fleet.text("clusters/fleet.yaml");
        let without = settings.replace("  enabled: true\n", "  enabled: true\n  gitops: false\n");
        fleet.write("clusters/fleet.yaml", without);
        let run = fleet.call(&["render"]);
        assert_eq!(run.code, 0, "{run}");
        assert!(!fleet.has(file) && !is_listed(&fleet));
    }
}

/// What applies the last cluster is told in docs/gitops.md: no file is left for the tool's root.
#[test]
fn it_goes_with_the_last_cluster() {
    let fleet = with_argo_cd();
    fleet.remove("clusters/alpha");
    fleet.remove("clusters/beta.example.com");
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.out.contains("rendered/_fleet: no longer in the fleet"),
        "{run}"
    );
    assert!(!fleet.has("rendered/_fleet"));
}
