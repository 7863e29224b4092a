//! What settings mean, tried on small changes of one cluster.

use super::*;
use crate::layers::inherit::expand;
use crate::layers::merge::merge;
use crate::load::node::Node;
use crate::load::source::{FileId, SourceFile};
use crate::load::yaml;
use crate::settings::{DEFAULTS, TaintEffect, Toleration};

const CLUSTER: &str = r#"
name: prod-eu.example.com
environment: production
distribution: kops
region: eu-central-1
account: "111122223333"
node_groups:
  masters:
    role: control_plane
    taints: { node-role.kubernetes.io/control-plane: { effects: [NoSchedule] } }
  gpu:
    role: node
    taints: { dedicated: { value: gpu, effects: [NoExecute, NoSchedule] } }
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com", authentication: { type: basic } }
"#;

fn parse(text: &str) -> Node {
    yaml::parse(FileId(0), &SourceFile::new("test.yaml", text)).expect("valid YAML")
}

/// Resolves the cluster with one more layer over it.
fn resolve(change: &str) -> Result<ResolvedCluster, Vec<String>> {
    let layers = merge(parse(DEFAULTS), &parse(CLUSTER));
    let merged = if change.is_empty() {
        layers
    } else {
        merge(layers, &parse(change))
    };
    let settings = serde_json::from_value(expand(merged).to_json()).expect("valid settings");
    resolve_cluster(&settings, &[]).map_err(|problems| {
        problems
            .0
            .into_iter()
            .map(|problem| format!("{}: {}", problem.setting.join("."), problem.message))
            .collect()
    })
}

fn resolved(change: &str) -> ResolvedCluster {
    resolve(change).expect("no problems")
}

fn tolerations<'c>(cluster: &'c ResolvedCluster, name: &str) -> &'c [Toleration] {
    let found = cluster
        .daemon_sets
        .iter()
        .find(|daemon_set| daemon_set.name == name);
    &found.expect("the DaemonSet").tolerations
}

fn excluded(source: &ContainerSource) -> Vec<&str> {
    source
        .exclude
        .iter()
        .flat_map(|excluded| &excluded.paths)
        .map(String::as_str)
        .collect()
}

#[test]
fn each_source_has_its_daemon_set_and_each_fed_stream_its_data_stream() {
    let cluster = resolved("");
    let names: Vec<&str> = cluster
        .daemon_sets
        .iter()
        .map(|daemon_set| daemon_set.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "fluentd-applications",
            "fluentd-control-plane",
            "fluentd-nodes"
        ]
    );
    let streams: Vec<&str> = cluster
        .streams
        .iter()
        .map(|stream| stream.data_stream.as_str())
        .collect();
    assert_eq!(
        streams,
        [
            "logs-kubernetes.applications-prod_eu_example_com",
            "logs-kubernetes.control_plane-prod_eu_example_com",
            "logs-kubernetes.events-prod_eu_example_com",
            "logs-kubernetes.nodes-prod_eu_example_com",
        ]
    );
    assert_eq!(cluster.destinations[0].data_streams, streams);
}

#[test]
fn eks_has_no_control_plane_and_nothing_of_it() {
    let cluster = resolved("{ distribution: eks, node_groups: { masters: null } }");
    assert!(cluster.sources.control_plane.is_none());
    assert!(
        cluster
            .streams
            .iter()
            .all(|stream| stream.name != "control_plane")
    );
    assert!(
        !excluded(&cluster.sources.nodes.expect("nodes").containers)
            .iter()
            .any(|path| path.contains("kube-apiserver"))
    );
}

#[test]
fn a_source_that_is_off_takes_its_stream_with_it() {
    let cluster = resolved("sources: { kubernetes: { events: { enabled: false } } }");
    assert!(cluster.sources.events.is_none());
    assert!(cluster.streams.iter().all(|stream| stream.name != "events"));
}

#[test]
fn tolerations_follow_from_the_taints_of_the_groups_that_it_runs_on() {
    let cluster = resolved("");
    let keys = |name| -> Vec<(String, Option<TaintEffect>)> {
        tolerations(&cluster, name)
            .iter()
            .map(|toleration| {
                (
                    toleration.key.as_ref().expect("a key").to_string(),
                    toleration.effect,
                )
            })
            .collect()
    };
    let control_plane = (
        "node-role.kubernetes.io/control-plane".to_owned(),
        Some(TaintEffect::NoSchedule),
    );
    assert_eq!(
        keys("fluentd-control-plane"),
        std::slice::from_ref(&control_plane)
    );
    assert_eq!(
        keys("fluentd-nodes"),
        [
            ("dedicated".to_owned(), Some(TaintEffect::NoSchedule)),
            ("dedicated".to_owned(), Some(TaintEffect::NoExecute)),
            control_plane,
        ]
    );
}

#[test]
fn a_toleration_that_ends_covers_no_taint() {
    let change = "fluentd: { tolerate: listed, tolerations: {
        masters: { key: node-role.kubernetes.io/control-plane },
        gpu: { key: dedicated, toleration_seconds: 300 } } }";
    let problems = resolve(change).expect_err("the group is left out");
    assert_eq!(
        problems,
        [
            "node_groups.gpu.taints.dedicated: the source `applications` doesn't tolerate this taint for good, so logs of `gpu` would be lost",
            "node_groups.gpu.taints.dedicated: the source `nodes` doesn't tolerate this taint for good, so logs of `gpu` would be lost",
        ]
    );
    let cluster = resolved("fluentd: { tolerate: everything }");
    assert_eq!(tolerations(&cluster, "fluentd-nodes").len(), 1);
}

#[test]
fn no_container_is_read_by_two_sources() {
    let cluster = resolved("sources: { kubernetes: { nodes: { namespaces: { ingress: true } } } }");
    let applications = cluster.sources.applications.expect("applications");
    let nodes = cluster.sources.nodes.expect("nodes").containers;
    let control_plane = cluster
        .sources
        .control_plane
        .expect("control plane")
        .containers;
    for path in &nodes.paths {
        assert!(excluded(&applications).contains(&path.as_str()), "{path}");
    }
    for path in &control_plane.paths {
        assert!(excluded(&nodes).contains(&path.as_str()), "{path}");
    }
    for path in cluster.sources.events.expect("events").paths {
        assert!(excluded(&applications).contains(&path.as_str()), "{path}");
        assert!(excluded(&nodes).contains(&path.as_str()), "{path}");
    }
}

#[test]
fn fluentd_never_reads_its_own_logs() {
    let cluster = resolved("kubernetes: { namespace: shipping }");
    let applications = cluster.sources.applications.expect("applications");
    for daemon_set in &cluster.daemon_sets {
        let own = format!("/var/log/containers/{}-*_shipping_*.log", daemon_set.name);
        assert!(excluded(&applications).contains(&own.as_str()), "{own}");
    }
}

#[test]
fn a_component_that_is_off_is_read_by_nobody() {
    let cluster = resolved(
        "sources: { kubernetes: { control_plane: { components: { kube-scheduler: false } } } }",
    );
    let path = "/var/log/containers/kube-scheduler-*_kube-system_*.log";
    assert!(excluded(&cluster.sources.nodes.expect("nodes").containers).contains(&path));
    let control_plane = cluster
        .sources
        .control_plane
        .expect("control plane")
        .containers;
    assert!(!control_plane.paths.contains(&path.to_owned()));
}

#[test]
fn routes_are_tried_by_their_order() {
    let change = "
streams: { late: {}, early: {} }
sources: { kubernetes: { applications: { records: { routes: {
  a: { order: 20, when: { namespaces: [x] }, stream: late },
  b: { order: 10, when: { containers: ['y-*'], labels: { app: web.v1 } }, stream: early } } } } } }";
    let records = resolved(change)
        .sources
        .applications
        .expect("applications")
        .records;
    assert_eq!(
        records
            .routes
            .iter()
            .map(|route| route.name.as_str())
            .collect::<Vec<_>>(),
        ["b", "a"]
    );
    assert_eq!(records.streams, ["early", "late", "applications"]);
    let patterns: Vec<&str> = records.routes[0]
        .conditions
        .iter()
        .map(|condition| condition.pattern.as_str())
        .collect();
    assert_eq!(patterns, [r"\Ay-[^_]*\z", r"\Aweb\.v1\z"]);
}

#[test]
fn the_stock_image_follows_the_back_end() {
    let image = |change: &str| resolved(change).daemon_sets[0].image.clone();
    assert_eq!(
        image(""),
        "fluent/fluentd-kubernetes-daemonset:v1.19.3-debian-opensearch-1.1"
    );
    assert_eq!(
        image("destinations: { main: { backend: elasticsearch, version: 8 } }"),
        "fluent/fluentd-kubernetes-daemonset:v1.19.3-debian-elasticsearch8-1.1"
    );
    let digest = "0".repeat(64);
    let own = format!(
        "fluentd: {{ image: {{ repository: a.example/b, tag: c, digest: 'sha256:{digest}', plugins: [fluent-plugin-opensearch] }} }}"
    );
    assert_eq!(image(&own), format!("a.example/b:c@sha256:{digest}"));
}

#[test]
fn a_stream_goes_everywhere_unless_told_where() {
    let second = "audit: { backend: opensearch, version: 3, url: 'https://audit.example.net', authentication: { type: basic } }";
    let cluster = resolved(&format!("destinations: {{ {second} }}"));
    assert!(
        cluster
            .streams
            .iter()
            .all(|stream| stream.destinations == ["audit", "main"])
    );
    let cluster = resolved(&format!(
        "destinations: {{ {second} }}\nstream_defaults: {{ destinations: {{ main: true }} }}"
    ));
    let names: Vec<&str> = cluster
        .destinations
        .iter()
        .map(|destination| destination.name.as_str())
        .collect();
    assert_eq!(names, ["main"], "what no stream goes to is left out");
}

#[test]
fn secrets_are_named_by_cluster_and_destination() {
    let secret = |change: &str| match &resolved(change).destinations[0].authentication {
        ResolvedAuthentication::Basic(secret) => secret.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        secret(""),
        ResolvedSecret {
            secret_name: "logfleet-main".to_owned(),
            secrets_manager_name: Some("logfleet/prod-eu.example.com/main".to_owned()),
        }
    );
    assert_eq!(
        secret("destinations: { main: { authentication: { secret: 'kubernetes-secret:mine' } } }"),
        ResolvedSecret {
            secret_name: "mine".to_owned(),
            secrets_manager_name: None
        }
    );
}

#[test]
fn one_pod_has_one_role() {
    let change = "destinations:
  main: { authentication: { type: aws_sigv4 } }
  other: { backend: opensearch, version: 2, url: 'https://x.example.com', authentication: { type: aws_sigv4, role_arn: 'arn:aws:iam::111122223333:role/x' } }";
    assert_eq!(
        resolve(change).expect_err("two roles"),
        [
            "destinations.other.authentication.role_arn: the destinations `main` and `other` want different roles, and a pod has one"
        ]
    );
    let cluster = resolved("destinations: { main: { authentication: { type: aws_sigv4 } } }");
    assert_eq!(
        cluster.kubernetes.role_arn.as_deref(),
        Some("arn:aws:iam::111122223333:role/logfleet-prod_eu_example_com-writer")
    );
}

#[test]
fn nothing_is_put_into_what_was_read_from_json() {
    let change = "sources: { kubernetes: { nodes: { records: { enrich: {
        log_processed.team: { from: constant, value: x }, team: { from: constant, value: x } } } } } }";
    assert_eq!(
        resolve(change).expect_err("a field below the JSON"),
        [
            "sources.kubernetes.nodes.records.enrich.log_processed.team: `log_processed` holds what was read from JSON, within limits that this would pass by"
        ]
    );
}
