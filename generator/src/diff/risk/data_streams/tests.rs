//! What is reported for data streams whose objects have other names than before.

use serde_json::{Value as Json, json};

use super::super::tests::{of_trees, tree};
use super::super::{Applier, find};
use crate::diff::documents::Documents;

type Files = Vec<(String, Json)>;

fn streams(names: &[&str]) -> Files {
    let names = names.iter();
    names
        .map(|name| {
            (
                format!("elasticsearch/main/_data_stream/{name}.json"),
                json!({}),
            )
        })
        .collect()
}

fn index_template(name: &str, patterns: &[&str], components: &[&str], template: &Json) -> Files {
    let path = format!("elasticsearch/main/_index_template/{name}.json");
    let body = json!({
        "index_patterns": patterns, "composed_of": components, "template": template,
    });
    vec![(path, body)]
}

fn mapping(name: &str, field: &str, kind: &str) -> Files {
    let path = format!("elasticsearch/main/_component_template/{name}.json");
    let fields = json!({field: {"type": kind}});
    vec![(
        path,
        json!({"template": {"mappings": {"properties": fields}}}),
    )]
}

fn ilm(name: &str, age: &str) -> Files {
    let path = format!("elasticsearch/main/_ilm/policy/{name}.json");
    let delete = json!({"min_age": age, "actions": {"delete": {}}});
    vec![(path, json!({"policy": {"phases": {"delete": delete}}}))]
}

fn named(policy: &str) -> Json {
    json!({"settings": {"index": {"lifecycle": {"name": policy}}}})
}

/// A policy for data streams, of a priority.
fn ism(name: &str, age: &str, patterns: &[&str], priority: u64) -> Files {
    let path = format!("elasticsearch/main/_plugins/_ism/policies/{name}.json");
    let of_indices = patterns.iter().map(|name| format!(".ds-{name}-*"));
    let patterns: Vec<String> = patterns
        .iter()
        .map(ToString::to_string)
        .chain(of_indices)
        .collect();
    let body = json!({"policy": {
        "default_state": "hot",
        "states": [
            {"name": "hot", "transitions": [
                {"state_name": "gone", "conditions": {"min_rollover_age": age}},
            ]},
            {"name": "gone", "actions": [{"delete": {}}]},
        ],
        "ism_template": [{"index_patterns": patterns, "priority": priority}],
    }});
    vec![(path, body)]
}

/// Each risk, and the name of its file.
fn reported(base: &[Files], head: &[Files]) -> Vec<String> {
    let side = |files: &[Files]| {
        let files = files.iter().flatten();
        let files: Vec<(&str, String)> = files
            .map(|(path, body)| (path.as_str(), body.to_string()))
            .collect();
        tree(&files)
    };
    let (base, head) = (side(base), side(head));
    let [base, head] = [&base, &head].map(Documents::of);
    let risks = find(&base, &head, Applier::Nobody).into_iter();
    risks
        .map(|risk| {
            let file = risk.file.unwrap_or_default();
            let file = file.trim_start_matches("elasticsearch/main/");
            format!("{file}: {}", risk.what)
        })
        .collect()
}

/// The layout of the release before, where each object had its stream's name.
#[test]
fn shared_objects_that_say_the_same_are_no_risk() {
    let both = streams(&["x", "y"]);
    let base = ["x", "y"].map(|name| {
        let parts = [format!("{name}@mappings")];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        [
            index_template(name, &[name], &parts, &named(name)),
            mapping(parts[0], "a", "keyword"),
            ilm(name, "30d"),
        ]
        .concat()
    });
    let head = |age: &str, kind: &str| {
        [
            both.clone(),
            index_template(
                "x",
                &["x", "y"],
                &["kubernetes@mappings-1"],
                &named("content-1"),
            ),
            mapping("kubernetes@mappings-1", "a", kind),
            ilm("content-1", age),
        ]
    };
    let base = [both.clone(), base.concat()];
    assert_eq!(reported(&base, &head("30d", "keyword")), [""; 0]);
    assert_eq!(reported(&base, &head("60d", "keyword")), [""; 0]);
    assert_eq!(
        reported(&base, &head("7d", "long")),
        [
            "_index_template/x.json: records are deleted after 7 days instead of 30 days",
            "_index_template/x.json: the field `a` is long instead of keyword",
        ]
    );
}

/// One of a group is kept longer: its group has another first stream, and what
/// has its name is for others.
#[test]
fn a_stream_that_moves_to_another_policy_is_compared_with_its_own() {
    let all = streams(&["a", "b", "c"]);
    let base = [
        all.clone(),
        ism("a", "30d", &["a", "b"], 501),
        ism("c", "60d", &["c"], 502),
    ];
    let head = [
        all.clone(),
        ism("a", "60d", &["a", "c"], 501),
        ism("b", "30d", &["b"], 503),
    ];
    assert_eq!(reported(&base, &head), [""; 0]);
    assert_eq!(
        reported(&head, &base),
        [
            "_plugins/_ism/policies/a.json: records are deleted after 30 days instead of 60 days (`a`)"
        ]
    );
}

#[test]
fn of_several_policies_that_of_the_highest_priority_holds() {
    let all = streams(&["a"]);
    let own = ism("a", "60d", &["a"], 501);
    let other = |age: &str, priority| ism("everything", age, &["*"], priority);
    let base = [all.clone(), own.clone()];
    assert_eq!(
        reported(&base, &[all.clone(), own.clone(), other("1d", 1)]),
        [""; 0]
    );
    assert_eq!(
        reported(&base, &[all.clone(), own.clone(), other("1d", 900)]),
        [
            "_plugins/_ism/policies/everything.json: records are deleted after 1 day instead of 60 days"
        ]
    );
    // For what else it holds nobody knows.
    assert_eq!(
        reported(
            &[all.clone(), own.clone(), other("9d", 1)],
            &[all, own, other("1d", 1)]
        ),
        [
            "_plugins/_ism/policies/everything.json: records are deleted after 1 day instead of 9 days"
        ]
    );
}

#[test]
fn a_policy_that_is_not_rendered_is_reported() {
    let base = [
        streams(&["x"]),
        index_template("x", &["x"], &[], &named("old")),
        ilm("old", "30d"),
    ];
    let head = [
        streams(&["x"]),
        index_template("x", &["x"], &[], &named("theirs")),
    ];
    assert_eq!(
        reported(&base, &head),
        [
            "_index_template/x.json: the policy `theirs` determines when records are deleted, and isn't rendered"
        ]
    );
}

#[test]
fn a_stream_that_no_template_matches_is_reported() {
    let all = streams(&["x", "y"]);
    let template = |patterns: &[&str]| index_template("x", patterns, &[], &json!({}));
    let base = [all.clone(), template(&["x", "y"])];
    assert_eq!(
        reported(&base, &[all.clone(), template(&["x"])]),
        [
            "_index_template/x.json: an index template no longer matches all of its data streams (`y`)"
        ]
    );
    assert_eq!(
        reported(&base, std::slice::from_ref(&all)),
        ["_index_template/x.json: an index template is no longer rendered"]
    );
    let covered = index_template("theirs", &["*"], &[], &json!({}));
    assert_eq!(reported(&base, &[all, covered]), [""; 0]);
    // A stream that goes is reported, and its template isn't as well.
    assert_eq!(
        reported(&base, &[streams(&["x"]), template(&["x"])]),
        ["_data_stream/y.json: a data stream is no longer rendered"]
    );
}

#[test]
fn a_mapping_is_reported_at_the_file_that_differs() {
    let base = |kind: &str| {
        [
            streams(&["x"]),
            index_template("x", &["x"], &["theirs"], &json!({})),
            mapping("theirs", "a", kind),
        ]
    };
    assert_eq!(
        reported(&base("ip"), &base("long")),
        ["_component_template/theirs.json: the field `a` is long instead of ip"]
    );
    // What a later template says holds.
    let overridden = |kind: &str| {
        let own = json!({"mappings": {"properties": {"a": {"type": "ip"}}}});
        [
            streams(&["x"]),
            index_template("x", &["x"], &["theirs"], &own),
            mapping("theirs", "a", kind),
        ]
    };
    assert_eq!(reported(&overridden("ip"), &overridden("long")), [""; 0]);
}

/// Then nobody knows what holds for which stream, and files are compared.
#[test]
fn objects_that_cannot_be_read_are_left_alone() {
    let path = "elasticsearch/main/_index_template/x.json";
    let stream = ("elasticsearch/main/_data_stream/x.json", "{}".to_owned());
    let base = [
        stream.clone(),
        (path, json!({"index_patterns": ["x"]}).to_string()),
    ];
    assert_eq!(
        of_trees(&base, &[stream, (path, "{ \"index".to_owned())]),
        [""; 0]
    );
}
