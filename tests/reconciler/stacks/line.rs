//! The command line: what it prints, and how it ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use logfleet_contract::ownership::{Digest, Ownership};
use serde_json::{Value, json};

use super::emulator::Aws;
use super::failures::{REGION, groups, template};
use super::run::stacks;

const ACCOUNT: &str = "230000000001";

/// Renders a cluster of one stack into a folder.
pub fn render(root: &Path, names: &[&str]) {
    let folder = root.join("rendered/alpha");
    let _ = fs::remove_dir_all(&folder);
    let path = format!("aws/{REGION}/stack.json");
    fs::create_dir_all(folder.join("aws").join(REGION)).expect("writable");
    let text = template(names).to_string();
    fs::write(folder.join(&path), &text).expect("writable");
    let files = BTreeMap::from([(path, Digest::of(text.as_bytes()))]);
    let ownership = Ownership::new("0.1.0", "alpha", files)
        .text()
        .expect("JSON");
    fs::write(folder.join(".logfleet.json"), ownership).expect("writable");
}

/// The program, with a credential.
pub fn command(root: &Path, endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
    command
        .env_clear()
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "AKIAAAAAAAAAAAAAAAAA")
        .env("AWS_SECRET_ACCESS_KEY", "canary-of-a-secret")
        .env("AWS_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(root)
        .args(arguments);
    command
}

fn reconciler(root: &Path, endpoint: &str, arguments: &[&str]) -> Output {
    command(root, endpoint, arguments)
        .output()
        .expect("it starts")
}

/// How it ended, and what it printed, which holds no secret.
pub fn told(output: &Output) -> (i32, String, String) {
    let out = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let err = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert!(
        !out.contains("canary") && !err.contains("canary"),
        "{out}{err}"
    );
    (output.status.code().expect("it ended by itself"), out, err)
}

#[test]
fn a_plan_is_shown_saved_applied_and_empty_then() {
    let Some(aws) = Aws::shared() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    render(root, &["one"]);
    let settings = format!(
        "aws:\n  owner: line\n  role: reconciler\n  clusters: {{ alpha: {{ account: \"{ACCOUNT}\", region: {REGION} }} }}\n  also: [{{ account: \"{ACCOUNT}\", region: {REGION} }}]\n"
    );
    fs::write(root.join("reconciler.yaml"), &settings).expect("writable");
    let run = |arguments: &[&str]| told(&reconciler(root, &aws.endpoint, arguments));

    let (code, out, err) = run(&["plan", "--only", "aws", "--out", "plan.json"]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(
        out,
        format!(
            "aws/{ACCOUNT}/{REGION}\n  create   stack/logfleet-{{cluster}}-aws  [alpha]\n             add 1 × AWS::Logs::LogGroup\n1 to do, 0 unchanged\n"
        )
    );
    let (code, _, err) = run(&["apply", "--only", "aws", "--plan", "plan.json"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("CREATE_COMPLETE"), "{err}");
    assert_eq!(groups(&aws.account(ACCOUNT)), ["one"]);
    let (code, out, _) = run(&["plan", "--only", "aws"]);
    assert_eq!((code, out.as_str()), (0, "0 to do, 1 unchanged\n"));

    // What is rendered changes between plan and apply.
    render(root, &["one", "two"]);
    let (code, out, _) = run(&[
        "plan",
        "--only",
        "aws",
        "--out",
        "plan.json",
        "--format",
        "json",
    ]);
    assert_eq!(code, 2);
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let step = &document["plan"]["targets"][format!("aws/{ACCOUNT}/{REGION}")]["steps"][0];
    assert_eq!(step["subject"], "stack/logfleet-alpha-aws");
    assert_eq!(step["action"], "update");
    assert_eq!(
        step["resources"],
        json!([{ "logical_id": "G1", "kind": "AWS::Logs::LogGroup", "action": "Add" }])
    );
    render(root, &["one", "three"]);
    let (code, _, err) = run(&["apply", "--only", "aws", "--plan", "plan.json"]);
    assert_eq!(code, 1);
    assert!(err.contains("the saved plan is out of date"), "{err}");
    assert_eq!(groups(&aws.account(ACCOUNT)), ["one"]);

    // The cluster goes.
    fs::remove_dir_all(root.join("rendered/alpha")).expect("writable");
    let (code, out, _) = run(&["plan", "--only", "aws"]);
    assert_eq!(code, 2);
    assert!(
        out.contains("waiting  1 deletions, until it is confirmed by --removed alpha"),
        "{out}"
    );
    let (code, out, err) = run(&["apply", "--only", "aws", "--removed", "alpha"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(stacks(&aws.account(ACCOUNT), REGION).is_empty());
}

#[test]
fn another_account_than_ones_own_needs_a_role() {
    let Some(aws) = Aws::shared() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    render(folder.path(), &["one"]);
    let settings = format!(
        "aws: {{ owner: line, clusters: {{ alpha: {{ account: \"{ACCOUNT}\", region: {REGION} }} }} }}\n"
    );
    fs::write(folder.path().join("reconciler.yaml"), settings).expect("writable");
    let (code, out, _) = told(&reconciler(
        folder.path(),
        &aws.endpoint,
        &["plan", "--only", "aws"],
    ));
    assert_eq!(code, 1);
    assert!(
        out.contains(
            "the reconciler's credential belongs to the account 123456789012, and 230000000001"
        ),
        "{out}"
    );
    fs::write(folder.path().join("reconciler.yaml"), "{}\n").expect("writable");
    let (code, _, err) = told(&reconciler(
        folder.path(),
        &aws.endpoint,
        &["plan", "--only", "aws"],
    ));
    assert_eq!(code, 1);
    assert!(err.contains("the settings have no `aws`"), "{err}");
}
