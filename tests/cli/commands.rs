//! Each command as people use it.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use crate::fleet::{Entry, TestFleet, cases, entries};

const NEW: [&str; 8] = [
    "--environment",
    "production",
    "--distribution",
    "eks",
    "--region",
    "eu-central-1",
    "--account",
    "111122223333",
];

/// `gen new` with everything that it asks for.
fn new<'a>(name: &'a str, distribution: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["new", name];
    arguments.extend(NEW);
    arguments[5] = distribution;
    arguments
}

/// `gen init` with all that it can be told.
const INIT: [&str; 6] = [
    "init",
    ".",
    "--url",
    "https://logs.example.com:9200",
    "--bucket",
    "example-logfleet",
];

// init and new

#[test]
fn init_and_new_give_a_fleet_that_renders() {
    let fleet = TestFleet::empty();
    assert_snapshot!(fleet.call(&["init", "."]));
    assert_snapshot!("new", fleet.call(&new("my-cluster", "eks")));
    assert_eq!(fleet.call(&new("other.example.com", "kops")).code, 0);
    // What only the user knows is left open, and told.
    assert_snapshot!("placeholders", fleet.call(&["check"]));
    let fleet = TestFleet::empty();
    assert_snapshot!("init_without_placeholders", fleet.call(&INIT));
    assert_eq!(fleet.call(&new("my-cluster", "eks")).code, 0);
    assert_eq!(fleet.call(&new("other.example.com", "kops")).code, 0);
    let check = fleet.call(&["check"]);
    assert_eq!(check.code, 0, "{check}");
    assert_snapshot!("first_render", fleet.call(&["render"]).without_counts());
    assert!(fleet.has("rendered/my-cluster/kubernetes/kustomization.yaml"));
    assert!(fleet.has("rendered/other.example.com/kubernetes/control-plane/daemonset.yaml"));
}

#[test]
fn init_makes_the_folder_and_names_it() {
    let fleet = TestFleet::empty();
    assert_snapshot!(fleet.call(&["init", "deep/fleet"]));
    assert!(fleet.has("deep/fleet/clusters/fleet.yaml"));
}

#[test]
fn suggested_commands_name_the_fleet() {
    let fleet = TestFleet::empty();
    assert_snapshot!(
        "init_in_a_folder_with_a_space",
        fleet.call(&["init", "my fleet"])
    );
    let mut arguments = new("my-cluster", "eks");
    arguments.extend(["--root", "my fleet"]);
    assert_snapshot!("new_in_a_folder_with_a_space", fleet.call(&arguments));
}

#[test]
fn init_writes_nothing_over_anything() {
    let fleet = TestFleet::empty();
    fleet.write("clusters/fleet.yaml", "mine\n");
    fleet.write(".gitattributes", "mine\n");
    assert_snapshot!(fleet.gen_changing_nothing(&["init", "."]));
}

#[test]
fn init_refuses_what_would_be_no_setting() {
    let fleet = TestFleet::empty();
    let wrong = ["init", ".", "--url", "logs.example.com", "--bucket", "Ours"];
    assert_snapshot!(fleet.gen_changing_nothing(&wrong));
}

#[test]
fn init_in_a_file() {
    let fleet = TestFleet::empty();
    fleet.write("file", "mine\n");
    let run = fleet.gen_changing_nothing(&["init", "file"]);
    assert_eq!(run.code, 2, "{run}");
    assert_snapshot!(run);
}

#[test]
fn new_like_another_keeps_all_but_the_name() {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/beta.example.com/cluster.yaml",
        "# a comment that stays\n",
    );
    let run = fleet.call(&["new", "gamma", "--like", "beta.example.com"]);
    assert_snapshot!(run);
    let like = fleet.text("clusters/beta.example.com/cluster.yaml");
    assert_eq!(
        fleet.text("clusters/gamma/cluster.yaml"),
        like.replace("name: beta.example.com", "name: gamma")
    );
    assert_eq!(fleet.call(&["render"]).code, 0);
}

/// A copy that refers to its own name in other settings would share them.
#[test]
fn new_like_another_with_an_index_namespace_of_its_own_is_told_by_check() {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "index: { namespace: special }\n",
    );
    assert_eq!(fleet.call(&["new", "gamma", "--like", "alpha"]).code, 0);
    assert_snapshot!(fleet.gen_changing_nothing(&["check"]));
}

#[test]
fn new_with_a_name_that_is_none() {
    let fleet = TestFleet::base();
    for name in [
        "../x",
        "/x",
        "a/b",
        "A",
        ".a",
        "a..b",
        "-a",
        "a-",
        "a_b",
        "",
        "environments",
        "certificates",
        "a\nb",
        "ä",
    ] {
        let run = fleet.gen_changing_nothing(&new(name, "eks"));
        assert!(matches!(run.code, 1 | 2), "{name:?}: {run}");
    }
    let long = "a".repeat(101);
    assert_eq!(fleet.gen_changing_nothing(&new(&long, "eks")).code, 1);
    assert_snapshot!(fleet.gen_changing_nothing(&new("../x", "eks")));
}

#[test]
fn new_with_a_name_that_is_taken() {
    let fleet = TestFleet::base();
    assert_snapshot!(fleet.gen_changing_nothing(&new("alpha", "eks")));
}

#[test]
fn new_like_a_cluster_that_is_not_there() {
    let fleet = TestFleet::base();
    assert_snapshot!(fleet.gen_changing_nothing(&["new", "gamma", "--like", "alhpa"]));
}

#[test]
fn new_with_values_that_are_no_such_thing() {
    let fleet = TestFleet::base();
    for (flag, value) in [
        ("--environment", "nowhere"),
        ("--region", "mars"),
        ("--account", "12"),
        ("--account", "1\"\nname: x"),
        ("--region", "eu-central-1\nzones: []"),
    ] {
        let mut arguments = new("gamma", "eks");
        let at = arguments
            .iter()
            .position(|argument| *argument == flag)
            .expect("the flag");
        arguments[at + 1] = value;
        let run = fleet.gen_changing_nothing(&arguments);
        assert_eq!(run.code, 1, "{flag} {value}: {run}");
        assert_snapshot!(
            format!("new_with_a_bad{}_{}", flag.replace('-', "_"), value.len()),
            run
        );
    }
}

// render

#[test]
fn render_a_second_time_writes_nothing() {
    let fleet = TestFleet::base();
    let first = fleet.call(&["render"]);
    assert_snapshot!(first.without_counts());
    let times = |fleet: &TestFleet| -> BTreeMap<String, std::time::SystemTime> {
        let modified = |path: &String| {
            fleet
                .root()
                .join(path)
                .metadata()
                .expect("metadata")
                .modified()
                .expect("a time")
        };
        fleet
            .entries()
            .keys()
            .map(|path| (path.clone(), modified(path)))
            .collect()
    };
    let before = times(&fleet);
    let second = fleet.gen_changing_nothing(&["render"]);
    assert_snapshot!("render_again", second.without_counts());
    assert_eq!(times(&fleet), before, "not even the times change");
}

#[test]
fn render_one_touches_no_other() {
    let fleet = TestFleet::base();
    let run = fleet.call(&["render", "alpha"]);
    assert_snapshot!(run.without_counts());
    assert!(fleet.has("rendered/alpha") && !fleet.has("rendered/beta.example.com"));
}

#[test]
fn render_one_that_is_not_there() {
    let fleet = TestFleet::rendered();
    assert_snapshot!(fleet.gen_changing_nothing(&["render", "alfa"]));
    assert_snapshot!(
        "render_one_like_nothing",
        fleet.gen_changing_nothing(&["render", "../alpha", ""])
    );
}

#[test]
fn render_one_although_another_has_a_fault() {
    let fleet = TestFleet::base();
    fleet.append("clusters/beta.example.com/cluster.yaml", "zones: []\n");
    assert_eq!(fleet.call(&["render", "alpha"]).code, 0);
    assert_eq!(fleet.gen_changing_nothing(&["render"]).code, 1);
}

#[test]
fn check_tells_what_differs_and_writes_nothing() {
    let fleet = TestFleet::rendered();
    assert_snapshot!(
        "render_check_clean",
        fleet
            .gen_changing_nothing(&["render", "--check"])
            .without_counts()
    );
    fleet.append("rendered/alpha/kubernetes/namespace.yaml", "# mine\n");
    fleet.remove("rendered/alpha/kubernetes/kustomization.yaml");
    fleet.write("rendered/alpha/notes.txt", "theirs\n");
    fleet.write("rendered/foreign/notes.txt", "theirs\n");
    let run = fleet.gen_changing_nothing(&["render", "--check"]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.without_counts());
    let json = fleet.gen_changing_nothing(&["render", "--check", "--format", "json"]);
    assert_eq!(json.code, 1);
    let report: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(report[0]["cluster"], "alpha");
    assert_eq!(
        report[0]["edited_by_hand"],
        serde_json::json!(["kubernetes/namespace.yaml"])
    );
    assert_eq!(
        report[0]["created"],
        serde_json::json!(["kubernetes/kustomization.yaml"])
    );
}

#[test]
fn check_before_the_first_render() {
    let fleet = TestFleet::base();
    let run = fleet.gen_changing_nothing(&["render", "--check"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains(".json: missing\n"), "{run}");
    let run = fleet.gen_changing_nothing(&["render", "--check", "--format", "json"]);
    assert!(run.out.contains("\"kubernetes/namespace.yaml\""), "{run}");
    assert!(!fleet.has("rendered"));
}

#[test]
fn a_deleted_file_comes_back_and_foreign_ones_stay() {
    let fleet = TestFleet::rendered();
    let right = fleet.outputs();
    fleet.remove("rendered/alpha/kubernetes/kustomization.yaml");
    fleet.write("rendered/alpha/notes.txt", "theirs\n");
    assert_snapshot!(fleet.call(&["render"]).without_counts());
    let mut outputs = fleet.outputs();
    assert_eq!(
        outputs.remove("alpha/notes.txt").as_deref(),
        Some(&b"theirs\n"[..])
    );
    assert_eq!(outputs, right);
}

#[test]
fn a_cluster_that_left_the_fleet_takes_its_files_along() {
    let fleet = TestFleet::rendered();
    fleet.write("rendered/beta.example.com/notes.txt", "theirs\n");
    fleet.remove("clusters/beta.example.com");
    let check = fleet.gen_changing_nothing(&["render", "--check"]);
    assert_eq!(check.code, 1);
    assert!(
        check
            .out
            .contains("rendered/beta.example.com: no longer in the fleet, "),
        "{check}"
    );
    let one = fleet.gen_changing_nothing(&["render", "alpha"]);
    assert_eq!(
        one.code, 0,
        "one cluster alone says nothing of others: {one}"
    );
    assert_snapshot!(fleet.call(&["render"]).without_counts());
    let left: Vec<String> = entries(&fleet.root().join("rendered/beta.example.com"))
        .into_keys()
        .collect();
    assert_eq!(left, ["notes.txt"]);
    fleet.gen_changing_nothing(&["render"]);
}

#[test]
fn a_cluster_that_left_with_an_edited_file_stays_until_forced() {
    let fleet = TestFleet::rendered();
    fleet.append(
        "rendered/beta.example.com/kubernetes/namespace.yaml",
        "# mine\n",
    );
    fleet.remove("clusters/beta.example.com");
    let run = fleet.gen_changing_nothing(&["render"]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run);
    assert_eq!(fleet.call(&["render", "--force"]).code, 0);
    assert!(!fleet.has("rendered/beta.example.com"));
}

#[test]
fn render_tells_how_long_each_step_took() {
    let fleet = TestFleet::base();
    let run = fleet.call(&["render", "--timings"]);
    let words: Vec<&str> = run
        .err
        .split_whitespace()
        .filter(|word| word.chars().all(char::is_alphabetic))
        .collect();
    assert_eq!(
        words,
        [
            "load", "ms", "resolve", "ms", "render", "ms", "check", "ms", "write", "ms"
        ],
        "{run}"
    );
}

// check

#[test]
fn check_finds_no_fault_and_writes_nothing() {
    let fleet = TestFleet::base();
    assert_snapshot!(fleet.gen_changing_nothing(&["check"]).without_counts());
    assert_snapshot!(
        "check_one",
        fleet
            .gen_changing_nothing(&["check", "alpha"])
            .without_counts()
    );
    let json = fleet.gen_changing_nothing(&["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (&report["faults"], &report["clusters"]),
        (&serde_json::json!([]), &serde_json::json!(2))
    );
}

#[test]
fn check_tells_faults_as_json() {
    let fleet = TestFleet::base();
    fleet.append("clusters/alpha/cluster.yaml", "zones: []\n");
    assert_snapshot!(fleet.gen_changing_nothing(&["check", "--format", "json"]));
}

const EXPIRING: &str = "sources:
  kubernetes:
    applications:
      records:
        drop:
          noise: { matches: noise, reason: Too loud, expires: 2027-03-31 }
    nodes:
      records:
        drop:
          system: { matches: noise, reason: Too loud, expires: 2027-03-31 }
  machines:
    nodes:
      records:
        drop:
          kernel: { when: { message: noise }, reason: Too loud, expires: 2027-03-31 }
";

#[test]
fn check_finds_rules_of_every_source_that_expired_by_a_day() {
    let fleet = TestFleet::base();
    fleet.append("clusters/alpha/cluster.yaml", EXPIRING);
    assert_eq!(
        fleet.call(&["check"]).code,
        0,
        "without a day nothing expires"
    );
    assert_eq!(fleet.call(&["check", "--today", "2027-03-30"]).code, 0);
    let run = fleet.gen_changing_nothing(&["check", "--today", "2027-03-31"]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run);
    for day in ["today", "2027-02-30", "31.03.2027"] {
        assert_eq!(fleet.call(&["check", "--today", day]).code, 2, "{day}");
    }
}

// explain

fn layered() -> TestFleet {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/fleet.yaml",
        "streams:\n  applications: { retention_days: 20, description: Ours }\n",
    );
    fleet.append(
        "clusters/environments/production.yaml",
        "streams:\n  applications: { shards: 3, description: null }\n",
    );
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "streams:\n  applications: { retention_days: 5 }\n",
    );
    fleet
}

#[test]
fn explain_names_every_layer() {
    let fleet = layered();
    let explain = |setting: &str| fleet.gen_changing_nothing(&["explain", "alpha", setting]);
    assert_snapshot!(
        "explain_a_value",
        explain("streams.applications.retention_days")
    );
    assert_snapshot!(
        "explain_a_value_from_a_block",
        explain("streams.nodes.retention_days")
    );
    assert_snapshot!(
        "explain_a_value_that_was_removed",
        explain("streams.applications.description")
    );
    assert_snapshot!(
        "explain_several_values",
        explain("streams.applications.rollover")
    );
    assert_snapshot!("explain_nothing", explain("streams.applications.retention"));
    assert_snapshot!("explain_nothing_at_all", explain("strems"));
    assert_snapshot!("explain_what_is_no_path", explain("streams..x"));
    assert_snapshot!(
        "explain_no_cluster",
        fleet.gen_changing_nothing(&["explain", "alhpa"])
    );
    let json = fleet.gen_changing_nothing(&[
        "explain",
        "alpha",
        "streams.applications.retention_days",
        "--format",
        "json",
    ]);
    assert_snapshot!("explain_as_json", json);
}

#[test]
fn explain_everything_has_every_value() {
    let run = layered().call(&["explain", "alpha"]);
    assert_eq!(run.code, 0);
    for setting in [
        "name",
        "streams.applications.shards",
        "destinations.main.url",
        "fluentd.log_level",
    ] {
        assert!(
            run.out
                .lines()
                .any(|line| line.starts_with(&format!("{setting} = "))),
            "{setting}"
        );
    }
}

/// The name of a cluster's folder is also the key of what stands there.
#[test]
fn explain_reads_keys_with_dots() {
    let fleet = TestFleet::base();
    let setting = "node_groups.masters.taints.\"node-role.kubernetes.io/control-plane\".effects";
    assert_snapshot!(fleet.call(&["explain", "beta.example.com", setting]));
}

// schema

#[test]
fn committed_schemas_are_those_of_this_program() {
    let fleet = TestFleet::empty();
    fleet.write("schemas/keep.txt", "");
    let run = fleet.call(&["schema", "--out", "schemas"]);
    assert_eq!(run.code, 0, "{run}");
    assert_snapshot!(run);
    for (name, kind) in [
        ("cluster", "cluster"),
        ("environment", "environment"),
        ("fleet", "fleet"),
        ("settings", "settings"),
        ("acknowledge", "acknowledge"),
        ("forwarder-configuration", "forwarder-configuration"),
        ("forwarder-schedule", "forwarder-schedule"),
        ("account-configuration", "account-configuration"),
        ("cluster-registration", "cluster-registration"),
    ] {
        let file = format!("{name}.schema.json");
        let written = fleet.text(&format!("schemas/{file}"));
        let committed = std::fs::read_to_string(cases().join("../../schemas").join(&file))
            .expect("a committed schema");
        assert!(
            written == committed,
            "schemas/{file} is old: run `cargo run -- schema --out schemas`"
        );
        let printed = fleet.call(&["schema", kind]);
        assert_eq!((printed.code, printed.out), (0, written), "{kind}");
    }
}

#[test]
fn schema_makes_its_folder_or_says_why_not() {
    let fleet = TestFleet::empty();
    assert_eq!(fleet.call(&["schema", "--out", "some/where"]).code, 0);
    assert!(fleet.has("some/where/cluster.schema.json"));
    fleet.write("file", "");
    let run = fleet.gen_changing_nothing(&["schema", "--out", "file"]);
    assert_eq!(run.code, 2);
    assert_snapshot!(run);
}

// sources

#[test]
fn sources_lists_what_is_shipped_and_what_is_not() {
    let fleet = TestFleet::base();
    assert_snapshot!(fleet.gen_changing_nothing(&["sources"]));
    let json = fleet.gen_changing_nothing(&["sources", "alpha", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let rows = rows.as_array().expect("a list");
    let ids: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["source"].as_str())
        .collect();
    assert_eq!(
        ids[..4],
        [
            "kubernetes.applications",
            "kubernetes.nodes",
            "kubernetes.control_plane",
            "kubernetes.events"
        ]
    );
    assert_snapshot!("sources_as_json_first_row", format!("{:#}", rows[0]));
}

#[test]
fn files_that_sources_names_are_rendered() {
    let fleet = TestFleet::rendered();
    let json = fleet.gen_changing_nothing(&["sources", "--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json.out).expect("JSON");
    let mut count = 0;
    for row in rows {
        for file in row["files"].as_array().into_iter().flatten() {
            let path = format!(
                "rendered/{}/{}",
                row["cluster"].as_str().expect("text"),
                file.as_str().expect("text")
            );
            assert!(fleet.has(&path), "{path}");
            count += 1;
        }
    }
    assert!(count > 5);
}

// completions, help, wrong use

#[test]
fn completions_are_scripts_that_know_the_commands() {
    let fleet = TestFleet::empty();
    for (shell, mark) in [
        ("bash", "complete -F _gen"),
        ("zsh", "#compdef gen"),
        ("fish", "complete -c gen"),
    ] {
        let run = fleet.call(&["completions", shell]);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        assert!(
            run.out.contains(mark) && run.out.contains("explain"),
            "{shell}"
        );
    }
    let checked = std::process::Command::new("bash")
        .args(["-n", "-c", &fleet.call(&["completions", "bash"]).out])
        .status()
        .expect("bash");
    assert!(checked.success());
}

#[test]
fn help_of_each_command() {
    let fleet = TestFleet::empty();
    assert_snapshot!("help", fleet.call(&["--help"]));
    for command in [
        "init",
        "new",
        "render",
        "check",
        "diff",
        "explain",
        "schema",
        "sources",
        "publish",
        "ci",
        "completions",
    ] {
        assert_snapshot!(format!("help_{command}"), fleet.call(&[command, "--help"]));
    }
    assert_eq!(fleet.call(&["--version"]).code, 0);
}

#[test]
fn wrong_use_ends_with_2() {
    let fleet = TestFleet::base();
    for arguments in [
        &[][..],
        &["rendr"],
        &["render", "--chek"],
        &["render", "--check", "--force"],
        &["render", "--jobs", "0"],
        &["render", "--jobs", "many"],
        &["render", "--format", "xml"],
        &["explain"],
        &["schema"],
        &["schema", "clutser"],
        &["schema", "cluster", "--out", "x"],
        &["new", "x"],
        &["new", "x", "--like", "alpha", "--region", "eu-west-1"],
        &["init"],
        &["completions", "cmd.exe"],
    ] {
        let run = fleet.gen_changing_nothing(arguments);
        assert_eq!(
            (run.code, run.out.as_str()),
            (2, ""),
            "{arguments:?}: {run}"
        );
        assert!(!run.err.is_empty());
    }
    assert_snapshot!(fleet.call(&["rendr"]));
}

/// No command prints anything that only looks right in one folder.
#[test]
fn nothing_that_is_printed_names_this_machine() {
    let fleet = TestFleet::base();
    for arguments in [
        &["render"][..],
        &["check"],
        &["sources"],
        &["explain", "alpha"],
    ] {
        assert!(
            !fleet.call(arguments).to_string().contains("[ROOT]"),
            "{arguments:?}"
        );
    }
    let files = fleet
        .entries()
        .into_iter()
        .filter(|(path, _)| path.starts_with("rendered/"));
    let root = fleet.root().display().to_string();
    for (path, entry) in files {
        if let Entry::File { bytes, .. } = entry {
            assert!(!String::from_utf8_lossy(&bytes).contains(&root), "{path}");
        }
    }
}
