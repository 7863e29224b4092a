//! Many clusters with a stream and a credential each, at a real OpenSearch: `ci/bench/reconciler --real` runs it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::time::Instant;

use logfleet_contract::server::Backend;

use crate::fleet::Fleet;
use crate::program::Program;
use crate::relay::{ADMINISTRATOR, PASSWORD};
use crate::servers::alone;

fn clusters() -> usize {
    // Only this measurement is told something by its surroundings.
    let told = std::env::var_os("LOGFLEET_BENCH_CLUSTERS");
    told.map_or(200, |told| told.into_string().unwrap().parse().unwrap())
}

#[test]
#[ignore = "a measurement: ci/bench/reconciler --real"]
fn many_clusters_at_a_real_server() {
    let (_alone, Some(real)) = alone(Backend::Opensearch) else {
        return;
    };
    let names: Vec<String> = (0..clusters())
        .map(|own| format!("many-{own:04}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut fleet = Fleet::small(Backend::Opensearch, &names);
    let program = Program::with(
        Backend::Opensearch,
        &real.played.url(),
        &fleet.root(),
        ADMINISTRATOR,
        PASSWORD,
        None,
        60,
    );
    let mut table = String::from(
        "| Run | Seconds | Requests | Writes | Of users | Of roles and their mappings |\n|---|---|---|---|---|---|\n",
    );
    let mut measure = |what: &str, arguments: &[&str]| {
        real.played.requests();
        let start = Instant::now();
        program.expect(0, arguments);
        let seconds = start.elapsed().as_secs_f64();
        let requests = real.played.requests();
        let writes = requests.iter().filter(|request| request.writes()).count();
        let patches = requests.iter().filter(|request| request.method == "PATCH");
        let (users, others): (Vec<_>, Vec<_>) =
            patches.partition(|request| request.path.ends_with("/internalusers"));
        let _ = writeln!(
            table,
            "| {what} | {seconds:.1} | {} | {writes} | {} | {} |",
            requests.len(),
            users.len(),
            others.len()
        );
        (requests.len(), writes, others.len())
    };
    let first = measure("first apply", &["apply"]);
    let same = measure("apply without a change", &["apply"]);
    let (path, mut body) = fleet
        .objects(names[0])
        .into_iter()
        .find(|(path, _)| path.starts_with("_index_template/"))
        .unwrap();
    body["version"] = serde_json::json!(2);
    fleet.set(names[0], &path, Some(&body));
    let changed = measure("one cluster changed", &["apply"]);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    writeln!(
        std::io::stderr(),
        "{} clusters; memory at its most, the recorded requests included: {}\n\n{table}",
        names.len(),
        peak.unwrap_or("unknown").trim()
    )
    .unwrap();
    assert!(same.0 <= 30 && same.1 == 0, "{same:?}");
    assert!(changed.0 <= 40, "{changed:?}");
    // Roles and mappings in one request each up to a thousand; users as many at a time as the server has time for.
    assert!(first.2 <= 4, "{first:?}");
}

/// How long the server takes for users, by how many are in one request: it hashes each password.
#[test]
#[ignore = "a measurement: ci/bench/reconciler --users"]
fn users_in_one_request_at_a_real_server() {
    let (_alone, Some(real)) = alone(Backend::Opensearch) else {
        return;
    };
    let mut table = String::from(
        "| Users in one request | Bytes | Seconds | Seconds for each |\n|---|---|---|---|\n",
    );
    for count in [1, 10, 30] {
        let operations: Vec<serde_json::Value> = (0..count)
            .map(|number| {
                serde_json::json!({ "op": "add", "path": format!("/many-of-{count}-{number}"),
                    "value": { "password": format!("Canary-{:064}", number), "backend_roles": ["many"] } })
            })
            .collect();
        let body = serde_json::Value::from(operations);
        let start = Instant::now();
        let answer = real.admin.send_text(
            "PATCH",
            "_plugins/_security/api/internalusers",
            "application/json",
            &body.to_string(),
        );
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(answer.status, 200, "{answer:?}");
        let _ = writeln!(
            table,
            "| {count} | {} | {seconds:.1} | {:.2} |",
            body.to_string().len(),
            seconds / f64::from(count)
        );
    }
    writeln!(std::io::stderr(), "{table}").unwrap();
}
