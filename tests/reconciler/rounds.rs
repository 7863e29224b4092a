//! Runs one after the other and beside each other: rounds, an early end, shards, and the metrics that a run leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use logfleet_contract::index::Kind;
use logfleet_contract::server::Backend;
use rustix::process::{Pid, Signal, kill_process};

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::{PASSWORD, Program};

fn rig(clusters: &[&str]) -> (Model, Fleet, Program) {
    let model = Model::start(Backend::Opensearch);
    let fleet = Fleet::of(Backend::Opensearch, clusters);
    let program = Program::new(Backend::Opensearch, &model.played.url(), &fleet.root());
    (model, fleet, program)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_error_ends_no_other_round_and_sigterm_ends_the_loop() {
    let (model, fleet, program) = rig(&["alpha"]);
    let rendered = fleet.root().join("rendered");
    let away = fleet.root().join("away");
    fs::rename(&rendered, &away).unwrap();
    let metrics = program.folder().join("run.prom");
    let mut child = Command::new(env!("CARGO_BIN_EXE_reconciler"))
        .args(["run", "--interval", "1", "--only", "index", "--source"])
        .arg(fleet.root())
        .arg("--settings")
        .arg(program.folder().join("reconciler.yaml"))
        .arg("--metrics-file")
        .arg(&metrics)
        .env("ADMIN_PASSWORD", PASSWORD)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = errors.next().unwrap().unwrap();
    assert!(first.contains("rendered: can't be read"), "{first}");
    let number = |name: &str| -> Option<f64> {
        let text = fs::read_to_string(&metrics).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    wait_until("a metric of the error", || {
        number("logfleet_reconciler_errors{target=\"run\"}") == Some(1.0)
    });
    assert_eq!(
        number("logfleet_reconciler_success_timestamp_seconds"),
        None
    );

    fs::rename(&away, &rendered).unwrap();
    wait_until("a round without an error", || {
        number("logfleet_reconciler_success_timestamp_seconds").is_some()
    });
    let wanted: BTreeSet<String> = fleet.objects("alpha").into_keys().collect();
    let users = |path: &String| !path.contains("internalusers");
    let wanted: BTreeSet<String> = wanted.into_iter().filter(users).collect();
    assert_eq!(model.objects().into_keys().collect::<BTreeSet<_>>(), wanted);

    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "the last round left nothing to do");
}

#[test]
fn a_run_that_is_told_to_end_finishes_what_it_began_and_lets_others_work() {
    let names: Vec<String> = (0..60).map(|number| format!("cluster-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (model, fleet, program) = rig(&names);
    let made = |kind: Kind| {
        let state = model.state.lock().unwrap();
        state.objects.get(&kind).map_or(0, BTreeMap::len)
    };
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| program.run(&["apply"]));
        wait_until("a data stream", || made(Kind::DataStream) > 3);
        program.ended.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(
        ended.err.contains("was stopped before it had finished"),
        "{}",
        ended.err
    );
    let wanted = names
        .iter()
        .flat_map(|name| fleet.objects(name).into_keys());
    let wanted = wanted.collect::<BTreeSet<String>>().len();
    let there = model.objects().len();
    assert!(there < wanted, "{there} of {wanted}");
    assert!(model.inventory()["run"].is_null(), "it holds the inventory");
    // Whoever is told before it begins does nothing.
    program.expect(1, &["apply"]);
    assert_eq!(model.objects().len(), there);

    program.ended.store(false, Ordering::Relaxed);
    program.expect(0, &["apply"]);
    assert_eq!(model.objects().len(), wanted);
    program.expect(0, &["plan"]);
}

#[test]
fn each_server_belongs_to_one_shard() {
    for of in [1, 2, 5] {
        let (model, _fleet, program) = rig(&["alpha", "beta"]);
        let mut owners = 0;
        for index in 0..of {
            let before = model.objects().len();
            program.expect(0, &["apply", &format!("--shard={index}/{of}")]);
            owners += usize::from(model.objects().len() > before);
        }
        assert_eq!(owners, 1, "of {of}");
        program.expect(0, &["plan"]);
    }
    let (_model, _fleet, program) = rig(&["alpha"]);
    let wrong = program.expect(3, &["apply", "--shard=2/2"]);
    assert!(
        wrong.err.contains("with 2 shards the last is 1"),
        "{}",
        wrong.err
    );
    program.expect(3, &["apply", "--shard=0/2", "--removed", "alpha"]);
}

#[test]
fn a_run_leaves_metrics_of_each_target() {
    let (_model, _fleet, program) = rig(&["alpha"]);
    let file = program.folder().join("run.prom");
    let path = file.to_str().unwrap();
    program.expect(0, &["apply", "--metrics-file", path]);
    let first = fs::read_to_string(&file).unwrap();
    let has = |text: &str, line: &str| {
        assert!(
            text.lines().any(|own| own.starts_with(line)),
            "{line}:\n{text}"
        );
    };
    has(
        &first,
        "logfleet_reconciler_changes{target=\"server/one\",change=\"create\"} ",
    );
    has(
        &first,
        "logfleet_reconciler_changes{target=\"server/one\",change=\"issue\"} 1.0",
    );
    has(
        &first,
        "logfleet_reconciler_pending{target=\"server/one\"} 0.0",
    );
    has(
        &first,
        "logfleet_reconciler_errors{target=\"server/one\"} 0.0",
    );
    has(&first, "logfleet_reconciler_success_timestamp_seconds ");
    program.expect(0, &["apply", "--metrics-file", path]);
    let second = fs::read_to_string(&file).unwrap();
    assert!(!second.contains("logfleet_reconciler_changes{"), "{second}");
    let beside = fs::read_dir(program.folder()).unwrap();
    let left: Vec<_> = beside
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0], "nothing is left beside it");
    let missing = program.folder().join("none/run.prom");
    let told = program.expect(1, &["apply", "--metrics-file", missing.to_str().unwrap()]);
    assert!(
        told.err.contains("the metrics can't be written"),
        "{}",
        told.err
    );
}
