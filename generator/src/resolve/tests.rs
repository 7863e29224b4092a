//! What settings mean, tried on small changes of one cluster.

mod bench;
mod copies;
mod effects;
mod emptied;
mod environments;
mod journal;
mod proxies;
mod tags;

use super::*;
use crate::layers::inherit::expand;
use crate::layers::merge::merge;
use crate::load::node::Node;
use crate::load::source_file::{FileId, SourceFile};
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
# Tests of these are beside them.
sources: { aws: { enabled: false, forwarder: { code: { bucket: "code-{region}", key: forwarder.zip } } } }
"#;

fn parse(text: &str) -> Node {
    yaml::parse(FileId(0), &SourceFile::new("test.yaml", text)).expect("valid YAML")
}

/// Resolves the cluster with one more layer over it.
pub(super) fn resolve(change: &str) -> Result<ResolvedCluster, Vec<String>> {
    let layers = merge(parse(DEFAULTS), &parse(CLUSTER));
    let merged = if change.is_empty() {
        layers
    } else {
        merge(layers, &parse(change))
    };
    let settings = serde_json::from_value(expand(merged).to_json()).expect("valid settings");
    resolve_cluster(&settings, &OwnFiles::default()).map_err(|problems| {
        problems
            .0
            .into_iter()
            .map(|problem| format!("{}: {}", problem.setting.join("."), problem.message))
            .collect()
    })
}

pub(super) fn resolved(change: &str) -> ResolvedCluster {
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
            "logs-machines.system-prod_eu_example_com",
            "logs-kubernetes.nodes-prod_eu_example_com",
        ]
    );
    let mut sorted = streams;
    sorted.sort_unstable();
    assert_eq!(cluster.destinations[0].data_streams, sorted);
}

#[test]
fn nobody_who_asks_for_all_records_is_given_less() {
    let settings: Settings =
        serde_json::from_value(expand(merge(parse(DEFAULTS), &parse(CLUSTER))).to_json())
            .expect("valid settings");
    let settings = serde_json::to_value(&settings).expect("settings are JSON");
    let layers = settings["sources"].as_object().expect("layers");
    let mut with_records = Vec::new();
    for (layer, sources) in layers {
        for (source, settings) in sources.as_object().expect("sources") {
            if settings.get("records").is_some() {
                with_records.push(format!("{layer}.{source}"));
            }
        }
    }
    with_records.sort();
    let cluster = resolved("");
    let walked: Vec<String> = cluster.records().map(|records| records.name()).collect();
    assert_eq!(walked, with_records);
    assert_eq!(walked.len(), 5);
    for records in cluster.records() {
        let [sources, layer, source, key] = records.setting();
        assert!(settings[sources][layer][source].get(key).is_some());
    }
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
        "fluentd: {{ image: {{ repository: a.example/b, tag: c, digest: 'sha256:{digest}', plugins: [fluent-plugin-opensearch, fluent-plugin-concat, fluent-plugin-kubernetes_metadata_filter, fluent-plugin-parser-cri, fluent-plugin-prometheus, fluent-plugin-record-modifier, fluent-plugin-rewrite-tag-filter, fluent-plugin-systemd] }} }}"
    );
    assert_eq!(image(&own), format!("a.example/b:c@sha256:{digest}"));
}

#[test]
fn a_stream_goes_everywhere_unless_reported_where() {
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
    let names = |secret: &ResolvedSecret| {
        let outside = secret.secrets_manager_name.clone();
        (secret.secret_name.clone(), outside)
    };
    let usual = secret("");
    assert_eq!(
        names(&usual),
        (
            "logfleet-main".to_owned(),
            Some("logfleet/prod-eu.example.com/main".to_owned())
        )
    );
    assert_eq!(usual.outside("username"), "username");
    let own = "secret: 'kubernetes-secret:mine', keys: { username_in: user }";
    let own = secret(&format!(
        "destinations: {{ main: {{ authentication: {{ {own} }} }} }}"
    ));
    assert_eq!(names(&own), ("mine".to_owned(), None));
    let inside = own
        .keys
        .iter()
        .map(|(key, own)| (*key, own.inside.as_str()));
    assert_eq!(
        inside.collect::<Vec<_>>(),
        [("password", "password"), ("username", "user")]
    );
}

#[test]
fn pods_have_a_role_where_a_destination_asks_for_it() {
    let role = |change: &str| resolved(change).kubernetes.role_arn;
    assert_eq!(role(""), None);
    let by_role = "destinations: { main: { authentication: { type: aws_sigv4 } } }";
    let provider = "kubernetes: { oidc_provider: oidc.example.com/id/A }";
    assert_eq!(
        role(&format!("{by_role}\n{provider}")).as_deref(),
        Some("arn:aws:iam::111122223333:role/logfleet-prod-eu-example-com-pods")
    );
    let own = "arn:aws:iam::111122223333:role/x";
    assert_eq!(
        role(&format!("{by_role}\nkubernetes: {{ role_arn: '{own}' }}")).as_deref(),
        Some(own)
    );
    assert_eq!(role(&format!("kubernetes: {{ role_arn: '{own}' }}")), None);
    assert_eq!(
        resolve(by_role).expect_err("nothing makes it"),
        [
            "kubernetes.role_arn: Fluentd writes to AWS as the IAM role `logfleet-prod-eu-example-com-pods`, and nothing makes it"
        ]
    );
}

const CLOUDWATCH: &str = "destinations: {
    cloudwatch: { backend: cloudwatch },
    archive: { backend: s3, expiry_days: 400 } }
sources: { kubernetes: { applications: { fluentd: { image: { repository: a.example/fluentd, tag: '1', plugins:
    [fluent-plugin-opensearch, fluent-plugin-cloudwatch-logs, fluent-plugin-s3,
    fluent-plugin-concat, fluent-plugin-kubernetes_metadata_filter, fluent-plugin-parser-cri,
    fluent-plugin-prometheus, fluent-plugin-record-modifier, fluent-plugin-rewrite-tag-filter] } } } } }
kubernetes: { role_arn: 'arn:aws:iam::111122223333:role/logs' }";

/// What becomes of the stream `applications` with these settings.
fn applications(settings: &str) -> Result<ResolvedStream, Vec<String>> {
    let change = format!("{CLOUDWATCH}\nstreams: {{ applications: {settings} }}");
    let cluster = resolve(&change)?;
    Ok(cluster
        .streams
        .iter()
        .find(|stream| stream.name == "applications")
        .expect("it is fed")
        .clone())
}

#[test]
fn nothing_is_shipped_to_one_place_by_two_ways() {
    let all = "destinations: { main: true, cloudwatch: true, archive: true }";
    let subscribed = |what: &str| {
        let stream = applications(&format!(
            "{{ {all}, cloudwatch: {{ subscriptions: {what} }} }}"
        ));
        stream.expect("it is valid").shipped_to
    };
    assert_eq!(subscribed("{}"), ["archive", "cloudwatch", "main"]);
    assert_eq!(
        subscribed("{ function: { enabled: true } }"),
        ["archive", "cloudwatch"]
    );
    assert_eq!(
        subscribed("{ function: { enabled: true }, firehose: { enabled: true } }"),
        ["cloudwatch"]
    );
}

#[test]
fn log_groups_have_the_subscriptions_that_are_asked_for() {
    let change = format!(
        "{CLOUDWATCH}\nstreams: {{ applications: {{ destinations: {{ main: true, cloudwatch: true }},
            cloudwatch: {{ retention_days: 3, subscriptions: {{
                function: {{ enabled: true, pattern: ' \"*\" ' }},
                account: {{ enabled: true, destination_arn: 'arn:aws:logs:eu-central-1:444455556666:destination:central' }} }} }} }} }}"
    );
    let cluster = resolved(&change);
    insta::assert_json_snapshot!(cluster.log_groups, @r#"
    [
      {
        "name": "/logfleet/prod-eu.example.com/applications",
        "region": "eu-central-1",
        "logical_id": "Applications",
        "stream": "applications",
        "writer": "shippers",
        "retention_days": 3,
        "declared": true,
        "subscriptions": [
          {
            "kind": "function",
            "name": "logfleet-prod-eu.example.com-function",
            "pattern": " \"*\" "
          },
          {
            "kind": "account",
            "name": "logfleet-prod-eu.example.com-account",
            "pattern": "",
            "destination_arn": "arn:aws:logs:eu-central-1:444455556666:destination:central"
          }
        ]
      }
    ]
    "#);
}

#[test]
fn subscriptions_that_cannot_be_are_reported() {
    let reported = |settings: &str| applications(settings).expect_err(settings);
    let subscriptions = |destinations: &str, what: &str| {
        reported(&format!(
            "{{ destinations: {destinations}, cloudwatch: {{ subscriptions: {what} }} }}"
        ))
        .join("\n")
    };
    let arn = "destination_arn: 'arn:aws:logs:eu-central-1:444455556666:destination:central'";
    let cases = [
        subscriptions("{ main: true }", "{ function: { enabled: true } }"),
        subscriptions("{ cloudwatch: true }", "{ function: { enabled: true } }"),
        subscriptions(
            "{ main: true, cloudwatch: true }",
            "{ firehose: { enabled: true } }",
        ),
        subscriptions("{ cloudwatch: true }", "{ account: { enabled: true } }"),
        subscriptions(
            "{ main: true }",
            &format!("{{ account: {{ enabled: true, {arn} }} }}"),
        ),
        subscriptions(
            "{ main: true, cloudwatch: true, archive: true }",
            &format!(
                "{{ function: {{ enabled: true }}, firehose: {{ enabled: true }}, account: {{ enabled: true, {arn} }} }}"
            ),
        ),
        reported("{ destinations: { cloudwatch: false } }").join("\n"),
    ];
    insta::assert_snapshot!(cases.join("\n"), @r"
    streams.applications.cloudwatch.subscriptions.function.enabled: the stream `applications` goes to no CloudWatch Logs, so there is nothing to subscribe to
    streams.applications.cloudwatch.subscriptions.function.enabled: the stream `applications` goes to no Elasticsearch or OpenSearch, so there is nowhere to bring its events
    streams.applications.cloudwatch.subscriptions.firehose.enabled: the stream `applications` goes to no archive, so there is nowhere to bring its events
    streams.applications.cloudwatch.subscriptions.account.destination_arn: the destination of the events isn't set
    streams.applications.cloudwatch.subscriptions.account.enabled: the stream `applications` goes to no CloudWatch Logs, so there is nothing to subscribe to
    streams.applications.cloudwatch.subscriptions.account.enabled: the log groups of the stream `applications` would have three subscriptions, and AWS allows two
    streams.applications.destinations: the stream `applications` goes nowhere, and what feeds it would be lost
    ");
}

#[test]
fn archives_that_cannot_be_are_reported() {
    let archive = |settings: &str| {
        resolve(&format!(
            "destinations: {{ archive: {{ backend: s3, expiry_days: 30, {settings} }} }}"
        ))
        .expect_err(settings)
        .join("\n")
    };
    let cases = [
        archive("bucket: ab"),
        archive("bucket: 10.0.0.1"),
        archive("bucket: xn--logs"),
        archive("bucket: logs--ol-s3"),
        archive("glacier_after_days: 30"),
        resolve("destinations: { one: { backend: s3, expiry_days: 3, bucket: logs }, two: { backend: s3, expiry_days: 3, bucket: logs } }")
            .expect_err("one bucket")
            .join("\n"),
        resolve("destinations: { one: { backend: cloudwatch }, two: { backend: cloudwatch, region: eu-central-1 } }")
            .expect_err("one Region")
            .join("\n"),
    ];
    insta::assert_snapshot!(cases.join("\n"), @r"
    destinations.archive.bucket: S3 allows no bucket called `ab`
    destinations.archive.bucket: S3 allows no bucket called `10.0.0.1`
    destinations.archive.bucket: S3 allows no bucket called `xn--logs`
    destinations.archive.bucket: S3 allows no bucket called `logs--ol-s3`
    destinations.archive.glacier_after_days: objects would move after 30 days, but they are deleted after 30
    destinations.two.bucket: the destinations `one` and `two` are the same bucket
    destinations.two: the destinations `one` and `two` are the same log groups in `eu-central-1`
    ");
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

#[test]
fn groups_that_run_no_daemon_set_are_neither_tolerated_nor_shipped() {
    let eks = "distribution: eks, node_groups: { masters: null, gpu: null, linux: { role: node }";
    let change = format!(
        "{{ {eks}, win: {{ role: node, type: windows, taints: {{ os: {{ value: windows, effects: [NoSchedule] }} }} }},
        serverless: {{ role: node, type: fargate, architecture: arm64, taints: {{ eks.amazonaws.com/compute-type: {{ effects: [NoSchedule] }} }} }},
        rocket: {{ role: node, type: bottlerocket }}, auto: {{ role: node, type: eks_auto_mode, taints: {{ auto: {{ effects: [NoSchedule] }} }} }} }} }}"
    );
    let cluster = resolved(&change);
    for daemon_set in &cluster.daemon_sets {
        let keys: Vec<&str> = daemon_set
            .tolerations
            .iter()
            .filter_map(|toleration| Some(toleration.key.as_ref()?.as_str()))
            .collect();
        assert_eq!(keys, ["auto"], "{}", daemon_set.name);
    }
    assert_eq!(
        cluster
            .sources
            .events
            .as_ref()
            .map(|events| events.tolerations.len()),
        Some(1)
    );
    let rows = crate::sources::list(&cluster);
    let gap = |source: &str| {
        let row = rows.iter().find(|row| row.source == source)?;
        row.missing.as_ref().map(|missing| missing.why.as_str())
    };
    assert_eq!(gap("node_groups.linux"), None);
    assert_eq!(
        gap("node_groups.win"),
        Some(
            "the shippers run on Linux, so neither the containers nor the machines of this group are shipped"
        )
    );
    assert_eq!(
        gap("node_groups.serverless"),
        Some(
            "Fargate runs no DaemonSets, so the containers of this group aren't shipped; its own log router can do that"
        )
    );
    assert_eq!(
        gap("node_groups.rocket"),
        Some(
            "Bottlerocket takes no packages, so `machines.nodes` isn't shipped from there; Fluentd reads the units of `sources.kubernetes.nodes.journal.units`"
        )
    );
    assert_eq!(
        gap("node_groups.auto"),
        Some(
            "machines of EKS Auto Mode take no packages, so `machines.nodes` isn't shipped from there; Fluentd reads the units of `sources.kubernetes.nodes.journal.units`"
        )
    );
    assert!(cluster.machines.nodes.is_some(), "one group takes packages");
}

#[test]
fn machines_without_packages_get_no_shipper_of_their_own() {
    let groups = |types: &str| {
        format!("{{ distribution: eks, node_groups: {{ masters: null, gpu: null, {types} }} }}")
    };
    for types in [
        "a: { role: node, type: bottlerocket }",
        "a: { role: node, type: eks_auto_mode }, b: { role: node, type: windows }",
        "a: { role: node, type: bottlerocket }, b: { role: node, type: fargate }",
    ] {
        let cluster = resolved(&groups(types));
        assert_eq!(cluster.machines.nodes, None, "{types}");
        assert_eq!(cluster.machines.logstash, None, "{types}");
        assert_eq!(cluster.daemon_sets.len(), 2, "{types}");
        let rows = crate::sources::list(&cluster);
        let row = rows.iter().find(|row| row.source == "machines.nodes");
        assert_eq!(
            row.and_then(|row| row.missing.as_ref())
                .map(|missing| missing.why.as_str()),
            Some("no node group can install packages; see the `type` of each in `node_groups`")
        );
    }
    assert_eq!(
        resolve(&groups(
            "a: { role: node, type: fargate }, b: { role: node, type: windows }"
        ))
        .expect_err("nothing runs"),
        [
            "sources.kubernetes.applications.enabled: no node group runs DaemonSets, so nothing would read this source",
            "sources.kubernetes.nodes.enabled: no node group runs DaemonSets, so nothing would read this source",
        ]
    );
}

#[test]
fn groups_that_a_distribution_does_not_have_are_reported() {
    for (change, reported) in [
        (
            "node_groups: { gpu: { type: fargate } }",
            "node_groups.gpu.type: only EKS has such machines",
        ),
        (
            "node_groups: { gpu: { type: eks_auto_mode } }",
            "node_groups.gpu.type: only EKS has such machines",
        ),
        (
            "node_groups: { masters: { type: windows } }",
            "node_groups.masters.type: the control plane runs on a Linux that can install packages, as kops sets it up",
        ),
        (
            "node_groups: { masters: { type: bottlerocket } }",
            "node_groups.masters.type: the control plane runs on a Linux that can install packages, as kops sets it up",
        ),
    ] {
        let problems = resolve(change).expect_err(change);
        assert_eq!(
            problems.first().map(String::as_str),
            Some(reported),
            "{problems:?}"
        );
    }
    assert!(resolve("node_groups: { gpu: { type: bottlerocket } }").is_ok());
}

#[test]
fn two_destinations_at_one_server_are_reported() {
    let server = |name: &str, url: &str| {
        format!(
            "destinations: {{ {name}: {{ backend: opensearch, version: 3, url: \"{url}\", authentication: {{ type: basic }} }} }}"
        )
    };
    for url in [
        "https://logs.example.com",
        "https://LOGS.example.com:443/",
        "https://logs.example.com/",
    ] {
        assert_eq!(
            resolve(&server("second", url)).expect_err(url),
            [
                "destinations.second.url: the destinations `main` and `second` are the same server, and each would overwrite the other's role there"
            ],
        );
    }
    for url in [
        "https://logs.example.com:9200",
        "https://logs.example.com/other",
        "https://logs2.example.com",
    ] {
        assert!(resolve(&server("second", url)).is_ok(), "{url}");
    }
}

#[test]
fn what_only_looks_like_a_back_end_is_refused_with_what_to_do() {
    let reported = |backend: &str, version: u8, url: &str| {
        resolve(&format!(
            "destinations: {{ main: {{ backend: {backend}, version: {version}, url: \"{url}\" }} }}"
        ))
        .expect_err(url)
    };
    assert_eq!(
        reported(
            "opensearch",
            3,
            "https://abc.eu-central-1.aoss.amazonaws.com"
        ),
        [
            "destinations.main.url: this is OpenSearch Serverless, which has no security API, no ISM and a service name of its own for signatures (`aoss`), so neither roles nor retention can be set"
        ]
    );
    assert_eq!(
        reported(
            "elasticsearch",
            9,
            "https://logs-1a2b3c.es.eu-west-1.aws.elastic.cloud"
        ),
        [
            "destinations.main.url: this is Elastic Cloud Serverless, which has no ILM and no settings of shards and replicas, so neither index templates nor retention can be set"
        ]
    );
    assert_eq!(
        reported(
            "elasticsearch",
            8,
            "https://search-logs-abc.eu-central-1.es.amazonaws.com"
        ),
        [
            "destinations.main.url: Amazon OpenSearch Service runs OpenSearch, or an Elasticsearch that is too old"
        ]
    );
    assert_eq!(
        reported("opensearch", 3, "https://[fd00::1::2]:9200"),
        ["destinations.main.url: `[fd00::1::2]` is not an IPv6 address"]
    );
}

#[test]
fn an_address_of_ipv6_keeps_its_brackets() {
    let cluster = resolved("destinations: { main: { url: \"https://[2001:db8::1]:9200/es/\" } }");
    let destination = &cluster.destinations[0];
    assert_eq!(
        (
            destination.host.as_str(),
            destination.port,
            destination.path.as_str()
        ),
        ("[2001:db8::1]", 9200, "/es")
    );
}

#[test]
fn nothing_left_to_read_is_reported() {
    let kubernetes = |inner: &str| format!("sources: {{ kubernetes: {{ {inner} }} }}");
    for (change, reported) in [
        (
            kubernetes(
                "nodes: { journal: { units: { kubelet.service: false, containerd.service: false } } }",
            ),
            "sources.kubernetes.nodes.journal.units: no unit of the journal is read",
        ),
        (
            kubernetes(
                "nodes: { journal: { units: { kubelet.service: null, containerd.service: null } } }",
            ),
            "sources.kubernetes.nodes.journal.units: no unit of the journal is read",
        ),
        (
            kubernetes(
                "nodes: { namespaces: { kube-system: false }, journal: { enabled: false } }, events: { enabled: false }",
            ),
            "sources.kubernetes.nodes.namespaces: nothing is read on the nodes: neither a namespace's containers nor the journal nor events",
        ),
        (
            kubernetes(
                "control_plane: { components: { kube-apiserver: false, kube-controller-manager: false, kube-scheduler: false, etcd-manager-main: false, etcd-manager-events: false } }",
            ),
            "sources.kubernetes.control_plane.components: nothing is read of the control plane: neither a component nor the audit log",
        ),
        (
            kubernetes(
                "applications: { records: { routes: { all: { order: 1, when: { labels: {} }, stream: nodes } } } }",
            ),
            "sources.kubernetes.applications.records.routes.all.when: this chooses every record",
        ),
    ] {
        assert_eq!(resolve(&change).expect_err(&change), [reported]);
    }
    assert_eq!(
        resolve("destinations: { main: null }").expect_err("no destination"),
        [
            "destinations: there is no destination, but sources feed `applications`, `control_plane`, `events`, `machines`, `nodes`"
        ]
    );
}

#[test]
fn a_source_that_reads_no_container_takes_no_route() {
    let change = "
streams: { own: {} }
sources: { kubernetes: { nodes: { namespaces: { kube-system: false }, records: { routes: { a: { order: 1, when: { namespaces: [x] }, stream: own } } } },
  applications: { records: { routes: { a: { order: 1, when: { namespaces: [x] }, stream: own } } } } } }";
    let cluster = resolved(change);
    let nodes = cluster.sources.nodes.expect("nodes").containers;
    assert!(nodes.paths.is_empty());
    assert_eq!(nodes.records.streams, ["nodes"]);
    let applications = cluster.sources.applications.expect("applications");
    assert!(
        applications
            .exclude
            .iter()
            .all(|excluded| !excluded.paths.is_empty())
    );
}

#[test]
fn a_destination_shares_no_secret_with_logstash() {
    let named = |name: &str, more: &str| {
        format!(
            "destinations: {{ main: null, {name}: {{ backend: opensearch, version: 3, url: \"https://logs.example.com\", authentication: {{ type: basic{more} }} }} }}"
        )
    };
    for (change, reported) in [
        (
            named("logstash", ""),
            "destinations.logstash: the credential of `logstash` and a certificate of Logstash would be one secret, `logfleet-logstash`",
        ),
        (
            named("machines", ""),
            "destinations.machines: the credential of `machines` and a certificate of Logstash would be one secret, `logfleet/prod-eu.example.com/machines`",
        ),
        (
            named("other", ", secret: \"kubernetes-secret:logfleet-logstash\""),
            "destinations.other: the credential of `other` and a certificate of Logstash would be one secret, `logfleet-logstash`",
        ),
    ] {
        assert_eq!(resolve(&change).expect_err(reported), [reported]);
    }
    assert!(
        resolve(&named("logstash", ", secret: \"aws-secretsmanager:own\"")).is_err(),
        "the Secret in the cluster is still one"
    );
    assert!(resolve(&named("elsewhere", "")).is_ok());
}
