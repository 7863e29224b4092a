//! Rules of the source `nodes` reach the journal, and only those that are for it.

use serde_json::{Value, json};

use super::CLUSTER;
use super::bench::Bench;

/// The configuration of the nodes' Fluentd.
fn rendered(nodes: &Value) -> String {
    let bench = Bench::new(CLUSTER);
    let change = json!({ "sources": { "kubernetes": { "nodes": nodes } } });
    let tree = bench.render(&change).expect("no fault");
    let mut files = tree.files();
    let (_, bytes) = files
        .find(|(path, _)| path.as_str() == "kubernetes/nodes/fluent.conf")
        .expect("rendered");
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The sections of a label, in one text.
fn label<'c>(configuration: &'c str, name: &str) -> &'c str {
    let start = format!("<label @{name}>\n");
    let at = configuration
        .find(&start)
        .unwrap_or_else(|| panic!("no label {name}"));
    let text = &configuration[at + start.len()..];
    &text[..text.find("</label>").expect("its end")]
}

#[test]
fn without_rules_the_journal_goes_straight_to_its_stream() {
    let configuration = rendered(&json!({}));
    assert!(!configuration.contains("RULES_"), "{configuration}");
    let journal = label(&configuration, "JOURNAL");
    assert!(journal.contains("label @STREAM_nodes"), "{journal}");
}

#[test]
fn rules_are_for_containers_and_for_the_journal() {
    let configuration = rendered(&json!({ "records": {
        "drop": { "noise": { "matches": "noise", "reason": "because" } },
        "enrich": { "team": { "from": "constant", "value": "platform" } },
        "routes": { "kubelet": { "order": 1, "when": { "fields": { "systemd.unit": "^kubelet" } }, "stream": "events" } },
    } }));
    for from in ["JOURNAL", "RECORDS_nodes"] {
        let from = label(&configuration, from);
        assert!(from.contains("@label @RULES_nodes"), "{from}");
        assert!(!from.contains("drop_noise"), "{from}");
    }
    let rules = label(&configuration, "RULES_nodes");
    assert!(rules.contains("@id drop_noise_nodes"), "{rules}");
    assert!(rules.contains("[\"team\"]"), "{rules}");
    assert!(rules.contains("@label @ROUTE_kubelet_1_nodes"), "{rules}");
}

#[test]
fn a_journal_alone_takes_the_rules_that_can_be_for_it() {
    let configuration = rendered(&json!({
        "namespaces": { "kube-system": false },
        "records": {
            "drop": { "noise": { "field": "systemd.identifier", "matches": "noise", "reason": "because" } },
            "routes": { "kubelet": { "order": 1, "when": { "fields": { "systemd.unit": "^kubelet" } }, "stream": "events" } },
        },
    }));
    assert!(!configuration.contains("RECORDS_nodes"), "{configuration}");
    let rules = label(&configuration, "RULES_nodes");
    assert!(rules.contains("@id drop_noise_nodes"), "{rules}");
    assert!(rules.contains("@label @ROUTE_kubelet_1_nodes"), "{rules}");
}

#[test]
fn a_field_that_only_containers_have_is_no_fault_beside_them_and_one_without() {
    let reported = |nodes: Value| {
        let change = json!({ "sources": { "kubernetes": { "nodes": nodes } } });
        Bench::new(CLUSTER)
            .resolve(&change)
            .err()
            .unwrap_or_default()
    };
    let by_pod = json!({ "drop": { "x": { "field": "kubernetes.pod_name", "matches": "a", "reason": "because" } } });
    assert_eq!(reported(json!({ "records": by_pod })), [""; 0]);
    assert_eq!(
        reported(json!({ "namespaces": { "kube-system": false }, "records": by_pod })),
        [
            "`sources.kubernetes.nodes.records.drop.x.field`: records have no field `kubernetes.pod_name` there, so this never matches"
        ]
    );
    let by_unit = json!({ "drop": { "x": { "containers": { "pods": ["a"] }, "field": "systemd.unit", "matches": "a", "reason": "because" } } });
    assert_eq!(
        reported(json!({ "records": by_unit })),
        [
            "`sources.kubernetes.nodes.records.drop.x.field`: records have no field `systemd.unit` there, so this never matches"
        ]
    );
}
