//! Credentials that are API keys of Elasticsearch, against the model.

use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::{Program, pass};

const SECRET: &str = "logfleet/alpha/main";

fn rig(clusters: &[&str]) -> (Model, Fleet, Program) {
    let model = Model::start(Backend::Elasticsearch);
    let fleet = Fleet::with_api_keys(clusters);
    let program = Program::new(Backend::Elasticsearch, &model.played.url(), &fleet.root());
    (model, fleet, program)
}

/// The ids of all keys of a name that work.
fn working(model: &Model, name: &str) -> Vec<String> {
    let state = model.state.lock().unwrap();
    let keys = state.api_keys.iter();
    keys.filter(|(_, key)| key["name"] == name && key["invalidated"] == false)
        .map(|(id, _)| id.clone())
        .collect()
}

fn change(model: &Model, id: &str, field: &str, value: Value) {
    let mut state = model.state.lock().unwrap();
    state.api_keys.get_mut(id).unwrap()[field] = value;
}

fn current(program: &Program) -> String {
    program.store.current(SECRET).unwrap().0
}

fn unchanged(model: &Model, program: &Program) {
    model.played.requests();
    program.expect(0, &["plan"]);
    program.expect(0, &["apply"]);
    let requests = model.played.requests();
    assert!(requests.iter().all(|request| !request.writes()));
}

#[test]
fn a_key_is_made_with_the_writers_role_and_nothing_the_second_time() {
    let (model, fleet, program) = rig(&["alpha", "beta"]);
    program.expect(0, &["apply"]);
    for cluster in ["alpha", "beta"] {
        let name = format!("logfleet-{cluster}-writer");
        let secret = program.store.current(&format!("logfleet/{cluster}/main"));
        let secret = secret.unwrap();
        assert_eq!(working(&model, &name), std::slice::from_ref(&secret.0));
        assert!(model.lets_in(&secret));
        let role = &fleet.objects(cluster)[&format!("_security/role/{name}")];
        let state = model.state.lock().unwrap();
        let key = &state.api_keys[&secret.0];
        assert_eq!(
            key["role_descriptors"]["writer"]["indices"],
            role["indices"]
        );
        assert!(
            state.records.iter().any(|(_, by)| *by == secret.0),
            "it is proven"
        );
    }
    unchanged(&model, &program);
    let verified = program.expect(0, &["verify", "alpha"]);
    assert!(verified.out.contains("taken"), "{}", verified.out);
}

#[test]
fn a_changed_role_reaches_the_key_that_is_in_use() {
    let (model, mut fleet, program) = rig(&["alpha"]);
    program.expect(0, &["apply"]);
    let before = current(&program);
    let path = "_security/role/logfleet-alpha-writer";
    let mut role = fleet.objects("alpha")[path].clone();
    role["indices"][0]["names"].as_array_mut().unwrap().pop();
    fleet.set("alpha", path, Some(&role));
    let plan = program.expect(2, &["plan"]);
    assert!(plan.out.contains("correct"), "{}", plan.out);
    program.expect(0, &["apply"]);
    assert_eq!(current(&program), before);
    let state = model.state.lock().unwrap();
    let descriptor = &state.api_keys[&before]["role_descriptors"]["writer"];
    assert_eq!(descriptor["indices"], role["indices"]);
    drop(state);
    unchanged(&model, &program);
}

#[test]
fn a_key_that_somebody_invalidated_or_that_expired_is_replaced() {
    for (field, value) in [("invalidated", json!(true)), ("expiration", json!(1))] {
        let (model, _fleet, program) = rig(&["alpha"]);
        program.expect(0, &["apply"]);
        let before = current(&program);
        change(&model, &before, field, value);
        let plan = program.expect(2, &["plan"]);
        assert!(
            plan.out.contains("restore") && plan.out.contains("credential/"),
            "{}",
            plan.out
        );
        program.expect(0, &["apply"]);
        assert_ne!(current(&program), before);
        assert!(model.lets_in(&program.store.current(SECRET).unwrap()));
        unchanged(&model, &program);
        // Also while the last rotation isn't over.
        program.expect(0, &["rotate", "--credential", "alpha/main"]);
        let rotated = current(&program);
        change(&model, &rotated, "invalidated", json!(true));
        program.expect(0, &["apply"]);
        assert_ne!(current(&program), rotated);
        unchanged(&model, &program);
    }
}

#[test]
fn a_rotation_leaves_the_old_key_until_it_is_finished() {
    let (model, _fleet, program) = rig(&["alpha"]);
    program.expect(0, &["apply"]);
    for round in ["logfleet-alpha-writer-2", "logfleet-alpha-writer"] {
        let before = current(&program);
        program.expect(0, &["rotate", "--credential", "alpha/main"]);
        let after = current(&program);
        assert_eq!(working(&model, round), [after]);
        let state = model.state.lock().unwrap();
        assert_eq!(state.api_keys[&before]["invalidated"], false);
        drop(state);
        unchanged(&model, &program);
        pass(25 * 60 * 60);
        program.expect(0, &["rotate", "--credential", "alpha/main", "--finish"]);
        let state = model.state.lock().unwrap();
        assert_eq!(state.api_keys[&before]["invalidated"], true);
        drop(state);
        unchanged(&model, &program);
    }
}

#[test]
fn keys_of_others_survive_and_stop() {
    let (model, mut fleet, program) = rig(&["alpha"]);
    let key = |name: &str, id: &str| {
        json!({ "id": id, "name": name, "value": "canary", "invalidated": false,
            "metadata": {}, "role_descriptors": {} })
    };
    for (name, id) in [
        ("logfleet-alpha-writer", "foreign"),
        ("logfleet-other", "other"),
    ] {
        let mut state = model.state.lock().unwrap();
        state.api_keys.insert(id.to_owned(), key(name, id));
    }
    let plan = program.expect(1, &["plan"]);
    assert!(
        plan.out.contains("somebody else created this API key"),
        "{}",
        plan.out
    );
    program.expect(1, &["apply"]);
    assert_eq!(working(&model, "logfleet-alpha-writer"), ["foreign"]);
    assert_eq!(program.store.current(SECRET), None);
    change(&model, "foreign", "invalidated", json!(true));
    program.expect(0, &["apply"]);
    fleet.remove("alpha");
    let streams: Vec<String> = model
        .objects()
        .into_keys()
        .filter_map(|path| Some(path.strip_prefix("_data_stream/")?.to_owned()))
        .collect();
    let mut arguments = vec!["remove", "alpha"];
    for stream in &streams {
        arguments.extend(["--delete-data-stream", stream]);
    }
    program.expect(0, &arguments);
    assert!(working(&model, "logfleet-alpha-writer").is_empty());
    assert_eq!(working(&model, "logfleet-other"), ["other"]);
    assert!(program.store.names().is_empty());
}

#[test]
fn a_key_that_somebody_made_is_adopted_if_the_secret_holds_it() {
    let (model, _fleet, program) = rig(&["alpha"]);
    program.expect(0, &["apply"]);
    let before = current(&program);
    model.lose_inventory();
    change(&model, &before, "metadata", json!({}));
    program.expect(1, &["plan"]);
    program.expect(0, &["adopt", "one", "--all-equal", "credential/alpha/main"]);
    assert_eq!(current(&program), before);
    unchanged(&model, &program);
}

#[test]
fn a_lost_inventory_costs_a_new_key_and_leaves_none_behind() {
    let (model, _fleet, program) = rig(&["alpha"]);
    program.expect(0, &["apply"]);
    model.lose_inventory();
    program.expect(0, &["adopt", "one", "--all-equal"]);
    program.expect(0, &["apply"]);
    let name = "logfleet-alpha-writer";
    assert_eq!(working(&model, name), [current(&program)]);
    unchanged(&model, &program);
}

#[test]
fn a_secret_of_another_form_is_replaced_by_a_rotation() {
    let (model, mut fleet, program) = rig(&["alpha"]);
    program.expect(0, &["apply"]);
    let before = current(&program);
    let secret = format!("aws-secretsmanager:{SECRET}");
    // The keys of the secret are called otherwise from now on.
    let told = json!({ "type": "api_key", "writer": "logfleet-alpha-writer", "secret": secret,
        "keys": { "id_in": "key_id" } });
    fleet.authenticate("alpha", &told);
    let plan = program.expect(1, &["plan"]);
    assert!(
        plan.out.contains(
            "its secret's keys were `id` and `api_key` and would be `key_id` and `api_key`"
        ),
        "{}",
        plan.out
    );
    program.expect(0, &["rotate", "--credential", "alpha/main"]);
    assert_ne!(current(&program), before);
    unchanged(&model, &program);
}

#[test]
fn a_user_becomes_a_key_by_a_rotation() {
    let model = Model::start(Backend::Elasticsearch);
    let mut fleet = Fleet::of(Backend::Elasticsearch, &["alpha"]);
    let program = Program::new(Backend::Elasticsearch, &model.played.url(), &fleet.root());
    program.expect(0, &["apply"]);
    let writer = "logfleet-alpha-writer";
    assert_eq!(current(&program), writer);
    fleet.set("alpha", &format!("_security/user/{writer}"), None);
    let told = json!({ "type": "api_key", "writer": writer,
        "secret": format!("aws-secretsmanager:{SECRET}") });
    fleet.authenticate("alpha", &told);
    program.expect(1, &["plan"]);
    program.expect(0, &["rotate", "--credential", "alpha/main"]);
    assert!(model.lets_in(&program.store.current(SECRET).unwrap()));
    assert!(model.password(writer).is_some(), "the old one still works");
    unchanged(&model, &program);
    pass(25 * 60 * 60);
    program.expect(0, &["rotate", "--credential", "alpha/main", "--finish"]);
    assert_eq!(model.password(writer), None);
    assert!(model.lets_in(&program.store.current(SECRET).unwrap()));
    unchanged(&model, &program);
}
