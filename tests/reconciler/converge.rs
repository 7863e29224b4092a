//! From nothing to everything and back, against the model.

use std::collections::BTreeSet;

use logfleet_contract::index::Kind;
use logfleet_contract::server::Backend;
use serde_json::json;

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::{Program, pass};

const BOTH: [Backend; 2] = [Backend::Opensearch, Backend::Elasticsearch];

/// A server, a fleet and the program between them.
fn rig(backend: Backend, clusters: &[&str]) -> (Model, Fleet, Program) {
    let model = Model::start(backend);
    let fleet = Fleet::of(backend, clusters);
    let program = Program::new(backend, &model.played.url(), &fleet.root());
    (model, fleet, program)
}

fn paths(model: &Model) -> BTreeSet<String> {
    model.objects().into_keys().collect()
}

#[test]
fn the_first_apply_makes_everything_and_the_second_nothing() {
    for backend in BOTH {
        let (model, fleet, program) = rig(backend, &["alpha", "beta"]);
        let plan = program.expect(2, &["plan"]);
        assert!(
            plan.out.contains("{cluster}") && plan.out.contains("[alpha, beta]"),
            "{}",
            plan.out
        );
        assert!(
            model
                .played
                .requests()
                .iter()
                .all(|request| !request.writes())
        );
        program.expect(0, &["apply"]);

        let wanted: BTreeSet<String> = ["alpha", "beta"]
            .iter()
            .flat_map(|cluster| fleet.objects(cluster).into_keys())
            .collect();
        assert_eq!(paths(&model), wanted);
        for cluster in ["alpha", "beta"] {
            let (user, password) = program
                .store
                .current(&format!("logfleet/{cluster}/main"))
                .unwrap();
            assert_eq!(user, format!("logfleet-{cluster}-writer"));
            assert_eq!(model.password(&user), Some(password));
        }
        assert!(
            !model.inventory().to_string().contains("Lf0-"),
            "the inventory holds no password"
        );

        program.expect(0, &["plan"]);
        model.played.requests();
        program.expect(0, &["apply"]);
        let requests = model.played.requests();
        assert!(
            requests.iter().all(|request| !request.writes()),
            "{requests:#?}"
        );
        assert!(requests.len() <= 30, "{}", requests.len());
        program.expect(0, &["status"]);
        program.expect(0, &["verify"]);
    }
}

/// The forwarder has no other way to the authority of a server that has its own.
#[test]
fn a_secret_holds_the_certificates_that_are_rendered_for_the_server() {
    let (_model, mut fleet, program) = rig(Backend::Opensearch, &["alpha", "beta"]);
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fleet.set_certificates("alpha", pem);
    program.expect(0, &["apply"]);
    let store = &program.store;
    assert_eq!(
        store.certificates("logfleet/alpha/main").as_deref(),
        Some(pem)
    );
    assert_eq!(store.certificates("logfleet/beta/main"), None);
    // Another one is handed out with the next credential.
    let other = pem.replace("AAAA", "BBBB");
    fleet.set_certificates("alpha", &other);
    program.expect(0, &["rotate", "--credential", "alpha/main"]);
    assert_eq!(store.certificates("logfleet/alpha/main"), Some(other));
}

#[test]
fn security_is_written_in_few_requests_a_kind() {
    let names: Vec<String> = (0..50).map(|number| format!("cluster-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (model, _fleet, program) = rig(Backend::Opensearch, &names);
    program.expect(0, &["apply"]);
    let writes: Vec<String> = model
        .played
        .requests()
        .iter()
        .filter(|request| request.writes() && request.path.starts_with("_plugins/_security"))
        .map(|request| request.path.clone())
        .collect();
    // Passwords are hashed one by one, so users are fewer at first.
    let (users, others): (Vec<String>, Vec<String>) = writes
        .into_iter()
        .partition(|path| path.ends_with("/internalusers"));
    let once: BTreeSet<&String> = others.iter().collect();
    assert_eq!(others.len(), once.len(), "{others:?}");
    assert!((1..=4).contains(&users.len()), "{users:?}");
}

#[test]
fn each_kind_of_drift_is_shown_and_mended() {
    for backend in BOTH {
        let (model, fleet, program) = rig(backend, &["alpha", "beta"]);
        program.expect(0, &["apply"]);
        let before = model.objects();
        for (path, body) in fleet.objects("alpha") {
            let (api, name) = path.rsplit_once('/').unwrap();
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.api() == api)
                .unwrap();
            let password = model.password(name);
            let mut drifted = vec![None];
            if kind != Kind::DataStream {
                let mut changed = body.clone();
                let (key, value) = match kind {
                    Kind::ComponentTemplate => ("_meta", json!({ "by": "hand" })),
                    Kind::LifecyclePolicy => ("policy", json!({ "phases": {} })),
                    Kind::StatePolicy => {
                        ("policy", json!({ "description": "by hand", "states": [] }))
                    }
                    Kind::IndexTemplate => ("version", json!(7)),
                    Kind::Role => ("cluster", json!(["all"])),
                    Kind::User => ("enabled", json!(false)),
                    Kind::OpensearchRole => ("cluster_permissions", json!(["*"])),
                    Kind::OpensearchUser | Kind::OpensearchRoleMapping => {
                        ("backend_roles", json!(["admin"]))
                    }
                    _ => ("description", json!("by hand")),
                };
                changed[key] = value;
                if let Some(password) = &password {
                    changed["password"] = json!(password);
                }
                drifted.push(Some(changed));
            }
            for body in drifted {
                // What is in use can't be deleted by anybody.
                if body.is_none()
                    && matches!(
                        kind,
                        Kind::ComponentTemplate | Kind::IndexTemplate | Kind::LifecyclePolicy
                    )
                {
                    continue;
                }
                model.set(kind, name, body.clone());
                let plan = program.expect(2, &["plan"]);
                assert!(
                    plan.out.contains("1 to do") || kind == Kind::StatePolicy,
                    "{path} {body:?}\n{}",
                    plan.out
                );
                program.expect(0, &["apply"]);
                assert_eq!(model.objects(), before, "{path}");
                assert_eq!(
                    model.password(name),
                    password,
                    "the stored password comes back"
                );
                program.expect(0, &["plan"]);
            }
        }
    }
}

#[test]
fn what_somebody_else_made_stops_until_it_is_adopted() {
    for backend in BOTH {
        let (model, fleet, program) = rig(backend, &["alpha"]);
        let objects = fleet.objects("alpha");
        let of = |api: &str| {
            objects
                .iter()
                .find(|(path, _)| path.starts_with(api))
                .unwrap()
        };
        let (equal, body) = of("_component_template/");
        model.set(
            Kind::ComponentTemplate,
            equal.rsplit_once('/').unwrap().1,
            Some(body.clone()),
        );
        let (kind, role) = match backend {
            Backend::Opensearch => (Kind::OpensearchRole, of("_plugins/_security/api/roles/").0),
            Backend::Elasticsearch => (Kind::Role, of("_security/role/").0),
        };
        let theirs = json!({ "cluster": ["all"], "description": "somebody's" });
        model.set(kind, role.rsplit_once('/').unwrap().1, Some(theirs.clone()));
        model.set(
            Kind::IndexTemplate,
            "somebody",
            Some(json!({ "index_patterns": ["x"], "priority": 1 })),
        );

        let plan = program.expect(1, &["plan"]);
        assert!(
            plan.out.contains(&format!("reconciler adopt one {role}")),
            "{}",
            plan.out
        );
        program.expect(1, &["apply"]);
        assert_eq!(model.objects()[role], theirs, "it isn't overwritten");

        program.expect(1, &["adopt", "one", "_index_template/somebody"]);
        program.expect(0, &["adopt", "one", "--all-equal"]);
        assert_eq!(model.objects()[role], theirs);
        program.expect(1, &["plan"]);
        program.expect(0, &["adopt", "one", role]);
        assert_eq!(model.objects()[role], objects[role]);
        program.expect(0, &["apply"]);
        program.expect(0, &["plan"]);
        assert!(paths(&model).contains("_index_template/somebody"));
    }
}

/// What fails for one credential is told, the others are tried, and the server is free for the next run.
#[test]
fn a_store_that_is_down_while_credentials_are_adopted_stops_nothing_else() {
    for backend in BOTH {
        let (model, _fleet, program) = rig(backend, &["alpha", "beta"]);
        program.expect(0, &["apply"]);
        model.lose_inventory();
        let adopt = [
            "adopt",
            "one",
            "--all-equal",
            "credential/alpha/main",
            "credential/beta/main",
        ];
        program.store.fail(Some((0, false)));
        let failed = program.expect(1, &adopt);
        for cluster in ["alpha", "beta"] {
            let told = format!("logfleet/{cluster}/main: the store is down");
            assert!(failed.err.contains(&told), "{}", failed.err);
        }
        program.store.fail(None);
        program.expect(0, &adopt);
        program.expect(0, &["plan"]);
    }
}

#[test]
fn a_removed_cluster_goes_when_it_is_confirmed_and_its_streams_by_name() {
    for backend in BOTH {
        let (model, mut fleet, program) = rig(backend, &["alpha", "beta"]);
        model.set(
            Kind::IndexTemplate,
            "somebody",
            Some(json!({ "index_patterns": ["x"], "priority": 1 })),
        );
        program.expect(0, &["apply"]);
        let alone = {
            let (model, _fleet, program) = rig(backend, &["alpha"]);
            program.expect(0, &["apply"]);
            paths(&model)
        };
        program.expect(1, &["remove", "beta"]);
        let beta = fleet.objects("beta");
        fleet.remove("beta");

        let before = model.objects();
        let plan = program.expect(2, &["plan"]);
        assert!(plan.out.contains("--removed beta"), "{}", plan.out);
        program.expect(0, &["apply"]);
        assert_eq!(
            model.objects(),
            before,
            "nothing goes without a confirmation"
        );

        program.expect(0, &["remove", "beta"]);
        let is_beta = |path: &&String| path.contains("beta");
        let left: BTreeSet<String> = paths(&model).iter().filter(is_beta).cloned().collect();
        let streams = || beta.keys().filter(|path| path.starts_with("_data_stream/"));
        assert!(streams().all(|path| left.contains(path)), "{left:?}");
        assert!(
            left.iter().all(|path| !path.contains("_security")),
            "{left:?}"
        );
        assert_eq!(program.store.names(), ["logfleet/alpha/main"]);
        program.expect(0, &["plan"]);

        let mut arguments = vec!["remove", "beta"];
        for path in streams() {
            arguments.extend(["--delete-data-stream", path.rsplit_once('/').unwrap().1]);
        }
        program.expect(0, &arguments);
        let mut wanted = alone;
        wanted.insert("_index_template/somebody".to_owned());
        assert_eq!(paths(&model), wanted);
        assert!(!model.inventory().to_string().contains("beta"));
        program.expect(0, &["plan"]);
    }
}

#[test]
fn an_empty_fleet_deletes_nothing() {
    for backend in BOTH {
        let (model, mut fleet, program) = rig(backend, &["alpha", "beta"]);
        program.expect(0, &["apply"]);
        let before = model.objects();
        fleet.remove("alpha");
        fleet.remove("beta");
        program.expect(0, &["apply", "--most-deleted", "100"]);
        assert_eq!(model.objects(), before);
    }
}

#[test]
fn many_deletions_at_once_wait() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let (model, mut fleet, program) = rig(Backend::Opensearch, &names);
    program.expect(0, &["apply"]);
    // As a mistake in a template does: the clusters are rendered, and their tenants and roles aren't.
    for name in names {
        for path in fleet.objects(name).into_keys() {
            if path.contains("/roles/") || path.contains("/tenants/") {
                fleet.set(name, &path, None);
            }
        }
    }
    let before = model.objects();
    let plan = program.expect(2, &["plan", "--most-deleted", "5"]);
    assert!(
        plan.out.contains("18 deletions, since 18 of"),
        "{}",
        plan.out
    );
    assert!(
        plan.out.contains("allow it with --most-deleted"),
        "{}",
        plan.out
    );
    program.expect(0, &["apply", "--most-deleted", "5"]);
    assert_eq!(model.objects(), before);
    program.expect(0, &["apply", "--most-deleted", "90"]);
    assert_eq!(model.objects().len(), before.len() - 18);
    program.expect(0, &["plan"]);
}

#[test]
fn a_credential_that_is_rendered_no_more_goes_when_it_is_confirmed() {
    for backend in BOTH {
        let (model, mut fleet, program) = rig(backend, &["alpha", "beta"]);
        program.expect(0, &["apply"]);
        let user = "logfleet-alpha-writer";
        let path = fleet.objects("alpha").into_keys().find(|path| {
            path.ends_with(user) && (path.contains("/internalusers/") || path.contains("/user/"))
        });
        fleet.set("alpha", &path.unwrap(), None);
        let role = json!({ "type": "aws_sigv4", "writer": user });
        fleet.authenticate("alpha", &role);
        let plan = program.expect(2, &["plan"]);
        assert!(plan.out.contains("--revoke alpha/main"), "{}", plan.out);
        program.expect(0, &["apply"]);
        assert!(model.password(user).is_some(), "shippers may still use it");
        program.expect(0, &["apply", "--revoke", "alpha/main"]);
        assert_eq!(model.password(user), None);
        assert_eq!(program.store.names(), ["logfleet/beta/main"]);
        program.expect(0, &["plan"]);
    }
}

#[test]
fn a_changed_policy_reaches_indices_that_exist() {
    let (model, mut fleet, program) = rig(Backend::Opensearch, &["alpha"]);
    program.expect(0, &["apply"]);
    assert_eq!(model.state.lock().unwrap().reattached.len(), 0);
    let (path, mut body) = fleet
        .objects("alpha")
        .into_iter()
        .find(|(path, _)| path.contains("_ism/"))
        .unwrap();
    body["policy"]["states"][0]["transitions"][0]["conditions"]["min_rollover_age"] = json!("99d");
    fleet.set("alpha", &path, Some(&body));
    let plan = program.expect(2, &["plan"]);
    assert!(
        plan.out.contains("reattach") && plan.out.contains("\"99d\""),
        "{}",
        plan.out
    );
    program.expect(0, &["apply"]);
    assert_eq!(model.state.lock().unwrap().reattached.len(), 1);
    program.expect(0, &["plan"]);
}

#[test]
fn a_saved_plan_is_applied_only_where_nothing_changed_since() {
    let (model, _fleet, program) = rig(Backend::Elasticsearch, &["alpha"]);
    let file = program.folder().join("plan.json");
    let file = file.to_str().unwrap();
    program.expect(2, &["plan", "--out", file]);
    model.set(
        Kind::Role,
        "logfleet-alpha-reader",
        Some(json!({ "cluster": [] })),
    );
    let refused = program.expect(1, &["apply", "--plan", file]);
    assert!(refused.err.contains("is out of date"), "{}", refused.err);
    assert_eq!(paths(&model).len(), 1);
    model.set(Kind::Role, "logfleet-alpha-reader", None);
    program.expect(0, &["apply", "--plan", file]);
    program.expect(1, &["apply", "--plan", file]);
}

#[test]
fn of_two_runs_one_works_and_the_other_says_so() {
    let (model, _fleet, program) = rig(Backend::Opensearch, &["alpha"]);
    // The first run dies after it held the server.
    let plan = crate::played::Plan {
        from: 14,
        count: usize::MAX,
        failure: crate::played::Failure::Refused,
    };
    model.played.fail(Some(plan));
    program.expect(1, &["apply"]);
    model.played.fail(None);
    let run = model.inventory()["run"]["id"]
        .as_str()
        .expect("it holds the server")
        .to_owned();
    let refused = program.expect(1, &["apply"]);
    assert!(
        refused.err.contains("another run is in progress here") && refused.err.contains(&run),
        "{}",
        refused.err
    );
    program.expect(0, &["apply", "--take-over", &run]);
    program.expect(0, &["plan"]);
}

#[test]
fn a_rotation_replaces_the_credential_and_the_old_one_goes_when_told() {
    for backend in BOTH {
        let (model, _fleet, program) = rig(backend, &["alpha", "beta"]);
        program.expect(0, &["apply"]);
        let secret = "logfleet/alpha/main";
        let (first, password) = program.store.current(secret).unwrap();
        let untouched = program.store.current("logfleet/beta/main");
        program.expect(1, &["rotate", "--credential", "gamma/main"]);
        program.expect(
            0,
            &["rotate", "--credential", "alpha/main", "--overlap", "24"],
        );
        let (second, new) = program.store.current(secret).unwrap();
        assert_ne!((&first, &password), (&second, &new));
        assert_eq!(
            model.password(&first),
            Some(password),
            "the old one still works"
        );
        assert_eq!(model.password(&second), Some(new));
        program.expect(0, &["plan"]);
        program.expect(1, &["rotate", "--credential", "alpha/main"]);
        let early = program.expect(1, &["rotate", "--credential", "alpha/main", "--finish"]);
        assert!(early.err.contains("is kept until"), "{}", early.err);
        pass(25 * 3600);
        program.expect(0, &["rotate", "--credential", "alpha/main", "--finish"]);
        assert_eq!(model.password(&first), None);
        program.expect(0, &["plan"]);
        program.expect(0, &["rotate", "--credential", "alpha/main"]);
        assert_eq!(
            program.store.current(secret).unwrap().0,
            first,
            "the two alternate"
        );
        assert_eq!(program.store.current("logfleet/beta/main"), untouched);
    }
}

/// A secret that can't be made, such as one of another account, is named anew in the settings.
#[test]
fn a_credential_that_could_not_be_stored_is_stored_elsewhere() {
    let (model, mut fleet, program) = rig(Backend::Opensearch, &["alpha"]);
    let told = |secret: &str| json!({ "type": "basic", "writer": "logfleet-alpha-writer", "secret": format!("aws-secretsmanager:{secret}") });
    fleet.authenticate("alpha", &told("wrong"));
    program.store.fail(Some((0, false)));
    program.expect(1, &["apply"]);
    program.store.fail(None);
    fleet.authenticate("alpha", &told("right"));
    program.expect(0, &["apply"]);
    assert_eq!(program.store.names(), ["right"]);
    assert!(model.lets_in(&program.store.current("right").unwrap()));
    program.expect(0, &["plan"]);
}
