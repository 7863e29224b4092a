//! What programs read: plans and reports are as `schemas/reconciler-report.schema.json` says, and it leaves nothing out.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use logfleet_contract::index::Kind;
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::Program;

/// The schema of reports, or of plans, in which nothing is allowed that isn't described.
fn closed(of_plan: bool) -> Validator {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/reconciler-report.schema.json");
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    close(&mut schema);
    if of_plan {
        let definitions = schema["$defs"].take();
        schema = json!({ "$ref": "#/$defs/plan", "$defs": definitions });
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            let is_object = map.get("type") == Some(&json!("object"));
            if is_object && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_as_described(validator: &Validator, text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(faults, [""; 0], "{document:#}");
    document
}

#[test]
fn plans_and_reports_are_as_the_schema_says() {
    let (plans, reports) = (closed(true), closed(false));
    for backend in [Backend::Opensearch, Backend::Elasticsearch] {
        let model = Model::start(backend);
        let mut fleet = Fleet::of(backend, &["alpha", "beta"]);
        let program = Program::new(backend, &model.played.url(), &fleet.root());
        let json = ["--format", "json"];
        let run =
            |code: u8, arguments: &[&str]| program.expect(code, &[arguments, &json].concat()).out;

        is_as_described(&plans, &run(2, &["plan"]));
        let report = is_as_described(&reports, &run(0, &["apply"]));
        let done = report["targets"]["server/one"]["done"].as_array().unwrap();
        assert!(done.iter().any(|done| done[1] == "issue"), "{report:#}");

        // Drift, something of somebody else's, and a cluster that goes.
        let state = model.objects();
        let role = state
            .keys()
            .find(|path| path.contains("role/") || path.contains("roles/"));
        let (api, name) = role.unwrap().rsplit_once('/').unwrap();
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.api() == api)
            .unwrap();
        model.set(kind, name, None);
        let template = state
            .keys()
            .find(|path| path.starts_with("_index_template/"));
        let name = template.unwrap().rsplit_once('/').unwrap().1;
        model.set(
            Kind::IndexTemplate,
            name,
            Some(json!({ "index_patterns": ["a-b-c"], "priority": 1 })),
        );
        fleet.remove("beta");
        let plan = is_as_described(&plans, &run(2, &["plan"]));
        let target = &plan["plan"]["targets"]["server/one"];
        assert!(
            !target["waiting"].as_array().unwrap().is_empty(),
            "{plan:#}"
        );
        let steps = target["steps"].as_array().unwrap();
        assert!(
            steps.iter().any(|step| step["differences"].is_array()),
            "{plan:#}"
        );
        is_as_described(&reports, &run(0, &["apply", "--removed", "beta"]));

        model.lose_inventory();
        let plan = is_as_described(&plans, &run(1, &["plan"]));
        let stops = plan["plan"]["targets"]["server/one"]["stops"].as_array();
        assert!(!stops.unwrap().is_empty(), "{plan:#}");
    }
    let wrong = json!({ "logfleet_report": 1, "plan": {}, "targets": {}, "more": 1 });
    assert!(!reports.is_valid(&wrong), "the schema judges nothing");
}

#[test]
fn a_preview_of_something_else_lets_nothing_be_done() {
    let model = Model::start(Backend::Opensearch);
    let fleet = Fleet::small(Backend::Opensearch, &["alpha"]);
    let program = Program::new(Backend::Opensearch, &model.played.url(), &fleet.root());
    let path = program.folder().join("preview.json");
    fs::write(&path, "{}").unwrap();
    let preview = path.to_str().unwrap();
    let ended = program.expect(1, &["apply", "--preview", preview]);
    assert!(ended.err.contains("isn't a preview"), "{}", ended.err);
    assert!(
        model
            .played
            .requests()
            .iter()
            .all(|request| !request.writes())
    );
}
