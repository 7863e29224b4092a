//! Clusters that are neither IPv4 nor Linux alone: what is rendered of them.

use serde_json::{Value, json};

use super::bench::Bench;
use super::{CLUSTER, parse};
use crate::tree::RenderedTree;

fn text<'t>(tree: &'t RenderedTree, wanted: &str) -> &'t str {
    let mut files = tree.files();
    let (_, bytes) = files
        .find(|(path, _)| path.as_str() == wanted)
        .expect(wanted);
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// A cluster of each distribution with every workload.
fn trees() -> Vec<RenderedTree> {
    let bench = Bench::new(CLUSTER);
    let eks = json!({ "distribution": "eks", "node_groups": { "masters": null } });
    let changes = [json!({}), eks].into_iter();
    changes
        .map(|change| bench.render(&change).expect("no fault"))
        .collect()
}

/// The objects that make pods, each with its pods' `spec`.
fn pods(tree: &RenderedTree) -> Vec<(String, Value)> {
    let files = tree.files().filter(|(path, _)| {
        path.as_str().starts_with("kubernetes/") && path.as_str().ends_with(".yaml")
    });
    files
        .filter_map(|(path, bytes)| {
            let value = parse(std::str::from_utf8(bytes).expect("UTF-8")).to_json();
            let spec = value.pointer("/spec/template/spec")?.clone();
            Some((path.to_string(), spec))
        })
        .collect()
}

#[test]
fn every_pod_is_placed_on_linux_and_on_eks_never_on_fargate() {
    for (tree, on_eks) in trees().iter().zip([false, true]) {
        let pods = pods(tree);
        assert!(pods.len() >= 4, "{pods:?}");
        for (path, spec) in pods {
            assert_eq!(spec["nodeSelector"]["kubernetes.io/os"], "linux", "{path}");
            let terms = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
                ["nodeSelectorTerms"];
            let not_fargate = json!([{ "matchExpressions": [{ "key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"] }] }]);
            assert_eq!(*terms == not_fargate, on_eks, "{path}: {terms}");
        }
    }
}

/// Addresses of one family that may stand in a file, by what is beside them.
const BOTH_FAMILIES: [&str; 5] = [
    // By the pod's own address.
    "bind \"#{ENV['K8S_POD_IP'].to_s.include?(':') ? '[::]' : '0.0.0.0'}\"",
    // Java listens on IPv6 as well.
    "api.http.host: 0.0.0.0",
    // The machine's own; a machine without IPv4 has this one still.
    "api.http.host: 127.0.0.1",
    // Where only the other address of the metadata answers, it is asked.
    "local imds=http://169.254.169.254/latest",
    "# Java listens",
];

/// Finds the next address of IPv4 that somebody writes into a template.
#[test]
fn no_rendered_file_knows_one_family_of_addresses_alone() {
    let address = regex::Regex::new(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b").expect("a pattern");
    let machine = json!({ "sources": { "machines": { "logstash": { "runs_on": "machine", "address": "logstash.example.com", "tags": { "a": "b" } } } } });
    let mut trees = trees();
    trees.push(Bench::new(CLUSTER).render(&machine).expect("no fault"));
    let mut seen = 0;
    for (path, bytes) in trees.iter().flat_map(RenderedTree::files) {
        for line in String::from_utf8_lossy(bytes).lines() {
            // A policy's version, or a script within a line.
            if !address.is_match(line) {
                continue;
            }
            seen += 1;
            assert!(
                BOTH_FAMILIES.iter().any(|known| line.contains(known)),
                "{path}: {line}"
            );
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_pods_own_address_decides_where_fluentd_listens() {
    for tree in trees() {
        let daemon_set = text(&tree, "kubernetes/nodes/daemonset.yaml");
        assert!(daemon_set.contains("- name: K8S_POD_IP\n              valueFrom:\n                fieldRef:\n                  fieldPath: status.podIP\n"));
        let settings = text(&tree, "kubernetes/nodes/fluent.conf");
        assert!(settings.contains("\n  bind \"#{ENV['K8S_POD_IP'].to_s.include?(':') ? '[::]' : '0.0.0.0'}\"\n  port 24231\n"));
    }
}

#[test]
fn a_server_with_an_address_of_ipv6_is_reached_by_every_shipper() {
    let bench = Bench::new(CLUSTER);
    let server = |backend: &str, version: u8| json!({ "destinations": { "main": { "backend": backend, "version": version, "url": "https://[2001:db8::1]:9200/es" } } });
    for (backend, version) in [("opensearch", 3), ("elasticsearch", 9)] {
        let tree = bench.render(&server(backend, version)).expect("no fault");
        let fluentd = text(&tree, "kubernetes/applications/fluent.conf");
        assert!(
            fluentd.contains("\n    hosts \"https://[2001:db8::1]:9200/es\"\n"),
            "{fluentd}"
        );
        assert!(!fluentd.contains("\n    host "), "{fluentd}");
        assert!(!fluentd.contains("\n    path \"/es\""), "{fluentd}");
        if backend == "opensearch" {
            let logstash = text(&tree, "kubernetes/logstash/output-main.conf");
            assert!(
                logstash.contains("hosts => [\"https://[2001:db8::1]:9200/es\"]"),
                "{logstash}"
            );
        } else {
            let filebeat = text(&tree, "machines/nodes/filebeat.yml");
            assert!(
                filebeat.contains("hosts: [\"https://[2001:db8::1]:9200/es\"]"),
                "{filebeat}"
            );
        }
    }
    let signed = json!({ "kubernetes": { "role_arn": "arn:aws:iam::111122223333:role/logs" }, "distribution": "eks", "node_groups": { "masters": null }, "destinations": { "main": { "url": "https://[2001:db8::1]", "authentication": { "type": "aws_sigv4" } } } });
    let tree = bench.render(&signed).expect("no fault");
    let fluentd = text(&tree, "kubernetes/applications/fluent.conf");
    assert!(
        fluentd.contains("\n      url \"https://[2001:db8::1]"),
        "{fluentd}"
    );
}
