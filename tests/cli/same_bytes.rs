//! Nothing but the input changes the output.

use crate::fleet::{Entry, TestFleet, cases, entries};

/// The repository's example fleet, not yet rendered.
fn example() -> TestFleet {
    let fleet = TestFleet::empty();
    for (path, entry) in entries(&cases().join("../../clusters")) {
        if let Entry::File { bytes, .. } = entry {
            fleet.write(&format!("clusters/{path}"), bytes);
        }
    }
    fleet
}

/// A run of `gen`, and all that it wrote.
type Outcome = (i32, String, String, Vec<(String, Vec<u8>)>);

fn outcome(prepare: impl FnOnce(&TestFleet, &mut assert_cmd::Command)) -> Outcome {
    let fleet = example();
    let mut command = fleet.command();
    prepare(&fleet, &mut command);
    let run = fleet.run(&mut command);
    assert_eq!(run.code, 0, "{run}");
    (
        run.code,
        run.out,
        run.err,
        fleet.outputs().into_iter().collect(),
    )
}

#[test]
fn any_number_of_threads() {
    let one = outcome(|_, command| _ = command.args(["render", "--jobs", "1"]));
    assert!(one.3.len() > 40);
    for jobs in ["2", "8", "64"] {
        assert_eq!(
            outcome(|_, command| _ = command.args(["render", "--jobs", jobs])),
            one,
            "{jobs} threads"
        );
    }
}

#[test]
fn any_language_time_zone_and_folder() {
    let plain = outcome(|_, command| _ = command.arg("render"));
    let set = |name: &'static str, value: &'static str| {
        outcome(move |_, command| _ = command.arg("render").env(name, value))
    };
    assert_eq!(set("LANG", "tr_TR.UTF-8"), plain);
    assert_eq!(set("LC_ALL", "ar_EG.UTF-8"), plain);
    assert_eq!(set("TZ", "Pacific/Kiritimati"), plain);
    assert_eq!(set("HOME", "/nowhere"), plain);
    assert_eq!(set("SOURCE_DATE_EPOCH", "1"), plain);
    assert_eq!(set("RUST_LOG", "trace"), plain);
    assert_eq!(set("COLUMNS", "20"), plain);
    // From elsewhere, by an absolute path and by one that goes up.
    let absolute = outcome(|fleet, command| {
        command
            .current_dir("/")
            .args(["render", "--root"])
            .arg(fleet.root());
    });
    assert_eq!(absolute, plain);
    let upwards = outcome(|fleet, command| {
        command
            .current_dir(fleet.root().join("clusters/environments"))
            .args(["render", "--root", "../.."]);
    });
    assert_eq!(upwards, plain);
}

/// The temporary folders differ from test to test already; here by much.
#[test]
fn any_checkout_path() {
    let fleet = example();
    let deep = format!(
        "{}/a folder with blanks/ünicode/{{{{ braces }}}}",
        "x".repeat(120)
    );
    for (path, entry) in fleet.entries() {
        if let Entry::File { bytes, .. } = entry {
            fleet.write(&format!("{deep}/{path}"), bytes);
        }
    }
    assert_eq!(fleet.call(&["render"]).code, 0);
    assert_eq!(fleet.call(&["render", "--root", &deep]).code, 0);
    let there = entries(&fleet.root().join(&deep).join("rendered"));
    assert_eq!(entries(&fleet.root().join("rendered")), there);
}

#[test]
fn faults_come_in_the_same_order() {
    let told = |jobs: &str| {
        let fleet = example();
        fleet.append("clusters/dev-anna/cluster.yaml", "zones: []\n");
        fleet.append("clusters/analytics-us/cluster.yaml", "zones: []\n");
        fleet.append("clusters/environments/staging.yaml", "zones: []\n");
        let run = fleet.call(&["render", "--jobs", jobs]);
        assert_eq!(run.code, 1, "{run}");
        run
    };
    let one = told("1");
    assert_eq!(one.err.matches("is not a setting").count(), 3, "{one}");
    for jobs in ["2", "8"] {
        assert_eq!(told(jobs), one);
    }
}
