//! Credentials that are written to Secrets of Kubernetes, against a played API server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::model::Model;
use crate::played::{Failure, Plan, Played, Request};
use crate::program::{Program, pass};

const TOKEN: &str = "canary-token-of-the-cluster";
const PATH: &str = "api/v1/namespaces/logging/secrets/logfleet-main";

/// What an API server holds.
pub type Secrets = Arc<Mutex<BTreeMap<String, Value>>>;

/// An API server that has one namespace.
fn api_server() -> (Played, Secrets) {
    let secrets = Secrets::default();
    let own = Arc::clone(&secrets);
    let played = Played::start(move |request| {
        secrets_api(request, &own, |authorization| {
            authorization == format!("Bearer {TOKEN}")
        })
    });
    (played, secrets)
}

/// What the API server answers, to whom it lets in.
pub fn secrets_api(
    request: &Request,
    secrets: &Secrets,
    lets_in: impl FnOnce(&str) -> bool,
) -> (u16, Value) {
    let status = |code: u16, message: &str| {
        (
            code,
            json!({ "kind": "Status", "status": "Failure", "message": message, "code": code }),
        )
    };
    if !lets_in(&request.headers["authorization"]) {
        return status(401, "Unauthorized");
    }
    if !request
        .path
        .starts_with("api/v1/namespaces/logging/secrets/")
    {
        return status(404, "namespaces \"other\" not found");
    }
    let mut secrets = secrets.lock().unwrap();
    match request.method.as_str() {
        "GET" => match secrets.get(&request.path) {
            Some(found) => (200, found.clone()),
            None => status(404, "secrets not found"),
        },
        "PATCH" => {
            assert_eq!(request.kind, "application/apply-patch+yaml");
            assert_eq!(request.query, "fieldManager=logfleet-reconciler&force=true");
            secrets.insert(request.path.clone(), request.json());
            (200, request.json())
        }
        "DELETE" => {
            secrets.remove(&request.path);
            (200, json!({ "kind": "Status", "status": "Success" }))
        }
        other => panic!("{other}"),
    }
}

/// User and password that a cluster was handed.
pub fn handed(secrets: &Secrets) -> (String, String) {
    let secrets = secrets.lock().unwrap();
    let data = &secrets[PATH]["data"];
    let text = |key: &str| {
        let bytes = STANDARD.decode(data[key].as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    (text("username"), text("password"))
}

/// How the shippers of a cluster authenticate.
pub fn authenticated(secret: &str, namespace: &str) -> Value {
    json!({ "type": "basic", "writer": "logfleet-alpha-writer",
        "secret": format!("aws-secretsmanager:{secret}"),
        "keys": { "password_in": "pass" },
        "kubernetes": { "namespace": namespace, "name": "logfleet-main" } })
}

struct Rig {
    model: Model,
    fleet: Fleet,
    program: Program,
    api: Played,
    secrets: Secrets,
}

fn rig() -> Rig {
    let model = Model::start(Backend::Opensearch);
    let mut fleet = Fleet::small(Backend::Opensearch, &["alpha"]);
    fleet.authenticate("alpha", &authenticated("logfleet/alpha/main", "logging"));
    let program = Program::new(Backend::Opensearch, &model.played.url(), &fleet.root());
    let (api, secrets) = api_server();
    Rig {
        model,
        fleet,
        program,
        api,
        secrets,
    }
}

impl Rig {
    fn names_the_api_server(&self) {
        std::fs::write(self.program.folder().join("token"), format!("{TOKEN}\n")).unwrap();
        let url = self.api.url();
        self.program.add_settings(&format!(
            "kubernetes: {{ alpha: {{ url: \"{url}\", token: {{ file: token }} }} }}\n"
        ));
    }

    fn current(&self) -> (String, String) {
        self.program.store.current("logfleet/alpha/main").unwrap()
    }

    fn unchanged(&self) {
        self.api.requests();
        self.program.expect(0, &["plan"]);
        self.program.expect(0, &["apply"]);
        assert!(self.api.requests().iter().all(|request| !request.writes()));
    }
}

#[test]
fn a_credential_is_written_to_the_cluster_and_put_back() {
    let rig = rig();
    let plan = rig.program.expect(2, &["plan"]);
    assert!(!plan.out.contains("deliver"), "{}", plan.out);
    rig.program.expect(0, &["apply"]);
    assert!(rig.secrets.lock().unwrap().is_empty());

    rig.names_the_api_server();
    let plan = rig.program.expect(2, &["plan"]);
    assert!(plan.out.contains("deliver"), "{}", plan.out);
    let mut shown = rig.program.expect(0, &["apply"]).out;
    assert_eq!(handed(&rig.secrets), rig.current());
    rig.unchanged();

    // Somebody changes it, or deletes it.
    let wrong = json!(STANDARD.encode("wrong"));
    rig.secrets.lock().unwrap().get_mut(PATH).unwrap()["data"]["password"] = wrong;
    rig.program.expect(2, &["plan"]);
    rig.program.expect(0, &["apply"]);
    assert_eq!(handed(&rig.secrets), rig.current());
    rig.secrets.lock().unwrap().clear();
    shown += &rig.program.expect(0, &["apply"]).out;
    assert_eq!(handed(&rig.secrets), rig.current());
    rig.unchanged();

    // A rotation is delivered in the same run.
    let before = rig.current();
    rig.program
        .expect(0, &["rotate", "--credential", "alpha/main"]);
    assert_ne!(rig.current(), before);
    assert_eq!(handed(&rig.secrets), rig.current());
    pass(25 * 60 * 60);
    rig.program
        .expect(0, &["rotate", "--credential", "alpha/main", "--finish"]);
    rig.unchanged();
    assert!(!shown.contains(TOKEN) && !rig.model.inventory().to_string().contains(TOKEN));
}

#[test]
fn a_cluster_that_leaves_loses_its_secret() {
    let mut rig = rig();
    rig.names_the_api_server();
    rig.program.expect(0, &["apply"]);
    let foreign = PATH.replace("logfleet-main", "somebodys");
    let somebodys = json!({ "data": {} });
    rig.secrets
        .lock()
        .unwrap()
        .insert(foreign.clone(), somebodys);
    rig.fleet.remove("alpha");
    rig.program.expect(0, &["remove", "alpha"]);
    let left: Vec<String> = rig.secrets.lock().unwrap().keys().cloned().collect();
    assert_eq!(left, [foreign]);
}

#[test]
fn a_secret_of_somebody_else_stops() {
    let rig = rig();
    rig.names_the_api_server();
    let theirs = json!({ "metadata": {}, "data": { "username": "YQ==", "password": "YQ==" } });
    rig.secrets
        .lock()
        .unwrap()
        .insert(PATH.to_owned(), theirs.clone());
    rig.program.run(&["apply"]);
    let plan = rig.program.expect(1, &["plan"]);
    assert!(
        plan.out.contains("somebody else created this Secret"),
        "{}",
        plan.out
    );
    rig.program.expect(1, &["apply"]);
    assert_eq!(rig.secrets.lock().unwrap()[PATH], theirs);
}

#[test]
fn what_the_api_server_refuses_is_told_and_all_else_is_done() {
    let mut rig = rig();
    rig.names_the_api_server();
    rig.fleet
        .authenticate("alpha", &authenticated("logfleet/alpha/main", "other"));
    let ended = rig.program.expect(1, &["apply"]);
    assert!(
        ended.err.contains("namespace `other` must exist"),
        "{}",
        ended.err
    );
    assert!(rig.model.lets_in(&rig.current()));
    rig.fleet
        .authenticate("alpha", &authenticated("logfleet/alpha/main", "logging"));
    std::fs::write(rig.program.folder().join("token"), "wrong").unwrap();
    let plan = rig.program.expect(1, &["plan"]);
    assert!(plan.out.contains("rejects the token"), "{}", plan.out);
    std::fs::write(rig.program.folder().join("token"), TOKEN).unwrap();
    rig.program.expect(0, &["apply"]);
    assert_eq!(handed(&rig.secrets), rig.current());
}

/// What is delivered or taken away: how it begins, by which run, and by which one after a failure.
struct Case {
    before: fn(&mut Rig),
    command: &'static [&'static str],
    again: &'static [&'static str],
}

fn delivered(rig: &mut Rig) {
    rig.names_the_api_server();
    rig.program.expect(0, &["apply"]);
}

const CASES: [Case; 4] = [
    Case {
        before: |rig| rig.names_the_api_server(),
        command: &["apply"],
        again: &["apply"],
    },
    Case {
        before: delivered,
        command: &["rotate", "--credential", "alpha/main"],
        again: &["apply"],
    },
    Case {
        before: |rig| {
            delivered(rig);
            let wrong = json!(STANDARD.encode("wrong"));
            rig.secrets.lock().unwrap().get_mut(PATH).unwrap()["data"]["password"] = wrong;
        },
        command: &["apply"],
        again: &["apply"],
    },
    Case {
        before: |rig| {
            delivered(rig);
            rig.fleet.remove("alpha");
        },
        command: &["apply", "--removed", "alpha"],
        again: &["apply", "--removed", "alpha"],
    },
];

/// The API server fails at each request in turn: once, and for good. Afterwards the cluster has the credential that is
/// handed out, or none if it left.
#[test]
fn an_api_server_that_fails_at_any_request_gets_the_secret_from_the_next_run() {
    for failure in [
        Failure::Refused,
        Failure::BrokenOff,
        Failure::Throttled(None),
        Failure::Throttled(Some(0)),
        Failure::Status(500),
        Failure::Status(503),
        Failure::Status(401),
        Failure::Status(403),
        Failure::Html,
    ] {
        for (number, case) in CASES.iter().enumerate() {
            let mut reference = rig();
            (case.before)(&mut reference);
            reference.api.requests();
            reference.program.expect(0, case.command);
            let requests = reference.api.requests().len();
            assert!(requests > 0, "nothing is sent");
            for (from, count) in (0..requests).flat_map(|from| [(from, 1), (from, usize::MAX)]) {
                let told = format!("case {number}: {count} times {failure:?} from request {from}");
                let mut rig = rig();
                (case.before)(&mut rig);
                rig.api.fail(Some(Plan {
                    from,
                    count,
                    failure,
                }));
                let ended = rig.program.run(case.command);
                assert!(
                    ended.code == 0 || !ended.err.is_empty() || ended.out.contains("STOP"),
                    "{told}: says nothing"
                );
                assert!(!format!("{}{}", ended.out, ended.err).contains(TOKEN));
                rig.api.fail(None);
                pass(11 * 60);
                let ended = rig.program.run(case.again);
                assert_eq!(ended.code, 0, "{told}\n{}\n{}", ended.out, ended.err);
                let plan = rig.program.run(&["plan"]);
                assert_eq!(plan.code, 0, "{told}\n{}\n{}", plan.out, plan.err);
                if case.command.contains(&"--removed") {
                    assert!(rig.secrets.lock().unwrap().is_empty(), "{told}");
                } else {
                    assert_eq!(handed(&rig.secrets), rig.current(), "{told}");
                    assert!(rig.model.lets_in(&rig.current()), "{told}");
                }
            }
        }
    }
}
