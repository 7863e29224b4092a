//! The program as it is installed, killed (`kill -9`) at each request in turn: the next run comes to the same state.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use logfleet_contract::server::Backend;

use crate::fleet::Fleet;
use crate::model::Model;
use crate::played::{Failure, Plan};
use crate::program::{PASSWORD, Program};

/// What is done to a server: before, and by the run that is killed.
struct Case {
    backend: Backend,
    clusters: &'static [&'static str],
    before: fn(&mut Fleet, &Program),
    command: &'static [&'static str],
}

const APPLY: &[&str] = &["apply", "--only", "index"];
const REMOVE: &[&str] = &["apply", "--only", "index", "--removed", "beta"];

fn has_two(fleet: &mut Fleet, program: &Program) {
    program.expect(0, APPLY);
    fleet.remove("beta");
}

const CASES: [Case; 4] = [
    Case {
        backend: Backend::Opensearch,
        clusters: &["alpha"],
        before: |_, _| {},
        command: APPLY,
    },
    Case {
        backend: Backend::Elasticsearch,
        clusters: &["alpha"],
        before: |_, _| {},
        command: APPLY,
    },
    Case {
        backend: Backend::Opensearch,
        clusters: &["alpha", "beta"],
        before: has_two,
        command: REMOVE,
    },
    Case {
        backend: Backend::Elasticsearch,
        clusters: &["alpha", "beta"],
        before: has_two,
        command: REMOVE,
    },
];

impl Case {
    fn start(&self) -> (Model, Fleet, Program) {
        let model = Model::start(self.backend);
        let mut fleet = Fleet::small(self.backend, self.clusters);
        let program = Program::new(self.backend, &model.played.url(), &fleet.root());
        (self.before)(&mut fleet, &program);
        model.played.fail(None);
        (model, fleet, program)
    }
}

/// Runs the program until a request arrives, and kills it then.
fn is_killed(program: &Program, model: &Model, fleet: &Fleet, at: usize, case: &Case) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_reconciler"))
        .args(case.command)
        .arg("--source")
        .arg(fleet.root())
        .arg("--settings")
        .arg(program.folder().join("reconciler.yaml"))
        .env_clear()
        .env("ADMIN_PASSWORD", PASSWORD)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while model.played.count() <= at {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before request {at}: {ended:?}");
        assert!(Instant::now() < end, "request {at} never came");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert!(child.wait().unwrap().code().is_none(), "it was killed");
}

#[test]
fn a_run_that_is_killed_at_any_request_is_finished_by_the_next() {
    for case in &CASES {
        let (model, _fleet, program) = case.start();
        program.expect(0, case.command);
        let requests = model.played.requests().len();
        let wanted = model.objects();
        assert!(requests > 10, "only {requests} requests");
        for at in 0..requests {
            for is_done in [false, true] {
                let told = format!(
                    "{:?} {:?}: killed at request {at}, done: {is_done}",
                    case.backend, case.command
                );
                let (model, fleet, program) = case.start();
                model.played.fail(Some(Plan {
                    from: at,
                    count: 1,
                    failure: Failure::Held(is_done),
                }));
                is_killed(&program, &model, &fleet, at, case);
                model.played.fail(None);
                // The clock of the program in this process is months ahead, so the dead run is taken for dead.
                let ended = program.run(case.command);
                assert_eq!(ended.code, 0, "{told}\n{}\n{}", ended.out, ended.err);
                let plan = program.run(&["plan", "--only", "index"]);
                assert_eq!(plan.code, 0, "{told}\n{}\n{}", plan.out, plan.err);
                assert_eq!(model.objects(), wanted, "{told}");
            }
        }
    }
}
