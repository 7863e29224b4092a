//! A server, or the store of secrets, that fails at each request in turn: whatever the failure, the next run comes
//! to the same state, and nothing is doubled, orphaned or deleted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use logfleet_contract::server::Backend;
use serde_json::Value;

use crate::fleet::Fleet;
use crate::model::Model;
use crate::played::{Failure, Plan};
use crate::program::{PASSWORD, Program, pass};

/// What the server and the store hold at the end.
type Reached = (BTreeMap<String, Value>, Vec<String>);

struct Case {
    backend: Backend,
    api_keys: bool,
    clusters: &'static [&'static str],
    /// Takes the server to where the run that fails begins.
    before: fn(&mut Fleet, &Program),
    /// The run that fails, and is made again.
    command: &'static [&'static str],
}

const CASES: [Case; 6] = [
    Case {
        backend: Backend::Elasticsearch,
        api_keys: true,
        clusters: &["alpha", "beta"],
        before: |fleet, program| {
            program.expect(0, &["apply"]);
            fleet.remove("beta");
            program.expect(0, &["rotate", "--credential", "alpha/main"]);
        },
        command: &["apply", "--removed", "beta"],
    },
    Case {
        backend: Backend::Elasticsearch,
        api_keys: true,
        clusters: &["alpha"],
        before: |_, _| {},
        command: &["apply"],
    },
    Case {
        backend: Backend::Opensearch,
        api_keys: false,
        clusters: &["alpha"],
        before: |_, _| {},
        command: &["apply"],
    },
    Case {
        backend: Backend::Elasticsearch,
        api_keys: false,
        clusters: &["alpha"],
        before: |_, _| {},
        command: &["apply"],
    },
    Case {
        backend: Backend::Opensearch,
        api_keys: false,
        clusters: &["alpha", "beta"],
        before: |fleet, program| {
            program.expect(0, &["apply"]);
            fleet.remove("beta");
        },
        command: &["apply", "--removed", "beta"],
    },
    Case {
        backend: Backend::Opensearch,
        api_keys: false,
        clusters: &["alpha"],
        before: |_, program| {
            program.expect(0, &["apply"]);
        },
        command: &["rotate", "--credential", "alpha/main"],
    },
];

struct Run {
    model: Model,
    _fleet: Fleet,
    program: Program,
}

impl Case {
    fn start(&self, timeout: u16) -> Run {
        self.start_at(Model::start(self.backend), timeout)
    }

    fn start_at(&self, model: Model, timeout: u16) -> Run {
        let mut fleet = if self.api_keys {
            Fleet::small_with_api_keys(self.clusters)
        } else {
            Fleet::small(self.backend, self.clusters)
        };
        let program = Program::with(
            self.backend,
            &model.played.url(),
            &fleet.root(),
            "admin",
            PASSWORD,
            model.played.authority(),
            timeout,
        );
        (self.before)(&mut fleet, &program);
        model.played.fail(None);
        program.store.fail(None);
        Run {
            model,
            _fleet: fleet,
            program,
        }
    }
}

impl Run {
    /// Makes the run again once the cause is gone and a dead run is taken for dead, until there is nothing to do.
    fn recovers(&self, case: &Case, told: &str) -> Reached {
        self.model.played.fail(None);
        self.program.store.fail(None);
        pass(11 * 60);
        let again = if case.command[0] == "rotate" {
            &["apply"][..]
        } else {
            case.command
        };
        // A run whose last answer was lost leaves nothing to do.
        let ended = self.program.run(again);
        assert_eq!(ended.code, 0, "{told}\n{}\n{}", ended.out, ended.err);
        let plan = self.program.run(&["plan"]);
        assert_eq!(plan.code, 0, "{told}\n{}\n{}", plan.out, plan.err);
        let mut users = self.program.store.names();
        for name in &mut users {
            let current = self.program.store.current(name);
            let current = current.unwrap_or_else(|| panic!("{told}: {name} has no value"));
            assert!(
                self.model.lets_in(&current),
                "{told}: what is handed out works"
            );
        }
        (self.model.objects(), users)
    }
}

/// A rotation that fails before anything is kept isn't begun.
fn is_reached(case: &Case, reached: &Reached, wanted: &Reached, before: &Reached) -> bool {
    reached == wanted || (case.command[0] == "rotate" && reached == before)
}

/// Fails at each request in turn, as often as `counts` say.
fn fails_at_each_request(failure: Failure, counts: &[usize]) {
    // What never comes isn't waited for long.
    let timeout = if failure == Failure::Silence { 1 } else { 20 };
    for case in &CASES {
        let start = |timeout: u16| match failure {
            Failure::WrongCertificate => case.start_at(Model::start_tls(case.backend), timeout),
            _ => case.start(timeout),
        };
        let reference = start(20);
        let before = (reference.model.objects(), reference.program.store.names());
        reference.model.played.requests();
        reference.program.expect(0, case.command);
        let requests = reference.model.played.requests().len();
        let wanted = (reference.model.objects(), reference.program.store.names());
        let fails_at = |from: usize, count: usize| {
            let told = format!(
                "{:?} {:?}: {count} times {failure:?} from request {from}",
                case.backend, case.command
            );
            let run = start(timeout);
            run.model.played.fail(Some(Plan {
                from,
                count,
                failure,
            }));
            let ended = run.program.run(case.command);
            assert!(
                ended.code == 0 || !ended.err.is_empty() || ended.out.contains("STOP"),
                "{told}: says nothing"
            );
            let reached = run.recovers(case, &told);
            assert!(
                is_reached(case, &reached, &wanted, &before),
                "{told}:\n{reached:#?}\ninstead of\n{wanted:#?}"
            );
        };
        let tries: Vec<(usize, usize)> = (0..requests)
            .flat_map(|from| counts.iter().map(move |count| (from, *count)))
            .collect();
        // Some of them only wait.
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some((from, count)) = tries.get(next.fetch_add(1, Ordering::SeqCst)) {
                        fails_at(*from, *count);
                    }
                });
            }
        });
    }
}

#[test]
fn connections_that_are_refused() {
    // For ever from there on is what a run that is killed leaves behind.
    fails_at_each_request(Failure::Refused, &[1, usize::MAX]);
}

#[test]
fn answers_that_break_off() {
    fails_at_each_request(Failure::BrokenOff, &[1, usize::MAX]);
}

#[test]
fn servers_that_throttle() {
    fails_at_each_request(Failure::Throttled(None), &[1]);
    fails_at_each_request(Failure::Throttled(Some(0)), &[1]);
}

#[test]
fn servers_that_fail() {
    fails_at_each_request(Failure::Status(500), &[1]);
    fails_at_each_request(Failure::Status(503), &[1]);
}

#[test]
fn pages_of_a_proxy() {
    fails_at_each_request(Failure::Html, &[1]);
}

#[test]
fn servers_that_say_nothing() {
    fails_at_each_request(Failure::Silence, &[1]);
}

#[test]
fn credentials_that_expire_on_the_way() {
    fails_at_each_request(Failure::Status(401), &[1, usize::MAX]);
}

#[test]
fn clocks_that_are_set_on_the_way() {
    fails_at_each_request(Failure::WrongClock, &[1, usize::MAX]);
}

#[test]
fn certificates_of_somebody_else() {
    fails_at_each_request(Failure::WrongCertificate, &[1, usize::MAX]);
}

#[test]
fn stores_that_fail() {
    for case in &CASES {
        let reference = case.start(20);
        let before = (reference.model.objects(), reference.program.store.names());
        reference.program.store.fail(None);
        reference.program.expect(0, case.command);
        let calls = reference.program.store.calls();
        let wanted = (reference.model.objects(), reference.program.store.names());
        for from in 0..calls {
            for is_done in [false, true] {
                let told = format!(
                    "{:?} {:?}: the store fails from call {from}, done: {is_done}",
                    case.backend, case.command
                );
                let run = case.start(20);
                run.program.store.fail(Some((from, is_done)));
                let ended = run.program.run(case.command);
                assert_eq!(ended.code, 1, "{told}");
                let reached = run.recovers(case, &told);
                assert!(
                    is_reached(case, &reached, &wanted, &before),
                    "{told}:\n{reached:#?}"
                );
            }
        }
    }
}

#[test]
fn a_failure_that_passes_is_sent_again_within_the_run() {
    for failure in [
        Failure::Refused,
        Failure::BrokenOff,
        Failure::Throttled(Some(0)),
        Failure::Status(503),
        Failure::Html,
    ] {
        let case = &CASES[0];
        let mut run = case.start(20);
        run.program.retry.times = 2;
        run.model.played.fail(Some(Plan {
            from: 20,
            count: 2,
            failure,
        }));
        let ended = run.program.run(case.command);
        assert_eq!(ended.code, 0, "{failure:?}\n{}", ended.err);
        assert_eq!(run.program.run(&["plan"]).code, 0);
    }
}
