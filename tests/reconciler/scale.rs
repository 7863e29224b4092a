//! How the program grows with the fleet, against the model: requests, time and memory. `ci/bench/reconciler` runs it.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use logfleet_contract::server::Backend;

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::{PASSWORD, Program};

/// The clusters of the measured fleet.
fn clusters() -> usize {
    // Only this measurement is told something by its surroundings.
    let told = std::env::var_os("LOGFLEET_BENCH_CLUSTERS");
    told.map_or(200, |told| told.into_string().unwrap().parse().unwrap())
}

struct Measured {
    code: i32,
    seconds: f64,
    mebibytes: u64,
    requests: usize,
    writes: usize,
    security: usize,
}

/// Runs the program and looks at how much memory it takes.
fn measure(model: &Model, fleet: &Fleet, folder: &std::path::Path, arguments: &[&str]) -> Measured {
    model.played.requests();
    let start = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_reconciler"))
        .args(arguments)
        .arg("--source")
        .arg(fleet.root())
        .arg("--settings")
        .arg(folder.join("reconciler.yaml"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let code = loop {
        let status =
            fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kibibytes.unwrap_or_default());
        if let Some(status) = process.try_wait().unwrap() {
            break status.code().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let requests = model.played.requests();
    let writes = requests.iter().filter(|request| request.writes());
    let security = requests.iter().filter(|request| request.method == "PATCH");
    Measured {
        code,
        seconds: start.elapsed().as_secs_f64(),
        mebibytes: peak / 1024,
        requests: requests.len(),
        writes: writes.count(),
        security: security.count(),
    }
}

/// A server that takes longer for all users at once than a request may take is given fewer.
#[test]
fn users_are_written_as_many_at_a_time_as_a_server_has_time_for() {
    let names: Vec<String> = (0..90).map(|number| format!("c{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let model = Model::start_slow(Backend::Opensearch, Duration::from_millis(100));
    let fleet = Fleet::small(Backend::Opensearch, &names);
    let program = Program::with(
        Backend::Opensearch,
        &model.played.url(),
        &fleet.root(),
        "admin",
        PASSWORD,
        None,
        6,
    );
    program.expect(0, &["apply"]);
    let requests = model.played.requests();
    let users: Vec<usize> = requests
        .iter()
        .filter(|own| own.method == "PATCH" && own.path.ends_with("/internalusers"))
        .map(|own| own.json().as_array().unwrap().len())
        .collect();
    assert_eq!(users.iter().sum::<usize>(), names.len(), "{users:?}");
    assert!(users.len() < 20, "{users:?}");
    program.expect(0, &["plan"]);
}

#[test]
#[ignore = "a measurement: ci/bench/reconciler"]
fn it_grows_with_kinds_and_not_with_clusters() {
    let count = clusters();
    let names: Vec<String> = (0..count)
        .map(|number| format!("cluster-{number:04}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let model = Model::start(Backend::Opensearch);
    let mut fleet = Fleet::of(Backend::Opensearch, &names);
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "servers:
  one:
    url: {}
    backend: opensearch
    serves: [{{ destination: main }}]
    administrator: {{ username: admin, password: {{ file: password }} }}
secret_stores: {{ none: {{ aws_secrets_manager: {{ region: eu-central-1 }} }} }}
",
        model.played.url()
    );
    fs::write(folder.path().join("reconciler.yaml"), settings).unwrap();
    fs::write(folder.path().join("password"), PASSWORD).unwrap();

    let mut table = String::from(
        "| Run | Seconds | MiB | Requests | Writes | Writes of security |\n|---|---|---|---|---|---|\n",
    );
    let mut note = |what: &str, measured: &Measured| {
        table += &format!(
            "| {what} | {:.1} | {} | {} | {} | {} |\n",
            measured.seconds,
            measured.mebibytes,
            measured.requests,
            measured.writes,
            measured.security
        );
    };
    let first = measure(&model, &fleet, folder.path(), &["apply", "--only", "index"]);
    note("first apply", &first);
    let same = measure(&model, &fleet, folder.path(), &["apply", "--only", "index"]);
    note("apply without a change", &same);
    let (path, mut body) = fleet
        .objects(names[0])
        .into_iter()
        .find(|(path, _)| path.starts_with("_index_template/"))
        .unwrap();
    body["version"] = serde_json::json!(2);
    fleet.set(names[0], &path, Some(&body));
    let changed = measure(&model, &fleet, folder.path(), &["apply", "--only", "index"]);
    note("one cluster changed", &changed);
    writeln!(
        std::io::stderr(),
        "{count} clusters, {} objects\n\n{table}",
        model.objects().len()
    )
    .unwrap();

    assert_eq!([first.code, same.code, changed.code], [0, 0, 0]);
    assert!(
        first.security <= 30,
        "at most ten writes of each of three kinds"
    );
    assert!(same.requests <= 30 && same.writes == 0);
    assert!(changed.requests <= 40);
}
