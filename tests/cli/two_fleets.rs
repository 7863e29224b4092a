//! Whatever was rendered before, a fleet's output is as if it were alone.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::fleet::TestFleet;

const FLEET: &str = "schema_version: 1
destinations:
  main: { backend: opensearch, version: 3, url: \"https://logs.example.com\", authentication: { type: basic } }
sources: { aws: { dynamodb: { enabled: false }, forwarder: { code: { bucket: \"code-{region}\", key: forwarder.zip } } } }
";

/// The role by which pods sign, of fleets in which some do: in others it would have no effect.
const ROLE: &str = "kubernetes: { role_arn: \"arn:aws:iam::111122223333:role/logs\" }\n";

/// Settings that may stand in a cluster, each a block of its own.
const SETTINGS: [&str; 10] = [
    "stream_defaults: { retention_days: 7, shards: 2 }\n",
    "fluentd: { log_level: debug, max_unavailable_percent: 50 }\n",
    "kubernetes: { namespace: shipping, log_format: docker, monitoring: { enabled: false } }\n",
    "index: { type: metrics }\n",
    "streams: { applications: { dataset: own, mapping: { fields: { user.id: keyword } } } }\n",
    "destinations: { main: { version: 2, bulk_size_mebibytes: 1 }, second_one: { backend: opensearch, version: 2, url: \
     \"https://second.example.com/path/\", authentication: { type: client_certificate } } }\n",
    "destinations: { main: { backend: elasticsearch, version: 8, authentication: { type: api_key } } }\n",
    "kubernetes: { credentials: { type: reconciler } }\n",
    "destinations: { main: { authentication: { type: aws_sigv4 } } }\n",
    "gitops: { tool: argo_cd, repository: { url: \"https://git.example.com/logs.git\" } }\n",
];

/// Sources of which some are on, with rules or without.
const SOURCES: [&str; 6] = [
    "",
    "sources: { kubernetes: { events: { enabled: false } } }\n",
    "sources: { kubernetes: { applications: { enabled: false } } }\n",
    "sources: { kubernetes: { nodes: { enabled: false }, events: { enabled: false } } }\n",
    "sources: { kubernetes: { control_plane: { enabled: false } } }\n",
    "sources: { kubernetes: { applications: { records: { routes: { a: { order: 1, when: { namespaces: [a] }, stream: \
     nodes } }, drop: { b: { matches: b, reason: because } } } } } }\n",
];

const NAMES: [&str; 6] = ["a", "b-c", "d.example.com", "0", "null", "e-1.f-2"];

/// A cluster's file.
fn cluster(name: &'static str) -> impl Strategy<Value = String> {
    let settings = proptest::sample::subsequence((0..SETTINGS.len()).collect::<Vec<_>>(), 0..4);
    let groups = proptest::sample::subsequence(vec!["gpu", "spot-1", "arm_2"], 0..=3);
    (any::<bool>(), settings, 0..SOURCES.len(), groups).prop_map(move |(kops, settings, sources, groups)| {
        // EKS allows no dot in a name.
        let kops = kops || name.contains('.');
        let distribution = if kops { "kops" } else { "eks" };
        let mut text = format!(
            "name: \"{name}\"\nenvironment: production\ndistribution: {distribution}\nregion: eu-central-1\n\
             account: \"111122223333\"\nnode_groups:\n  nodes: {{ role: node }}\n"
        );
        if kops {
            text.push_str("  masters: { role: control_plane, taints: { a/b: { effects: [NoSchedule] } } }\n");
        }
        for group in groups {
            text.push_str(&format!("  {group}: {{ role: node, taints: {{ {group}: {{ effects: [NoExecute] }} }} }}\n"));
        }
        // Blocks with one key would stand twice; the first wins.
        let mut seen = Vec::new();
        for number in settings {
            let key = SETTINGS[number].split(':').next().unwrap_or_default();
            if !seen.contains(&key) {
                seen.push(key);
                text.push_str(SETTINGS[number]);
            }
        }
        text + SOURCES[sources]
    })
}

/// Files of a fleet of some clusters, its own templates among them or not.
fn fleet() -> impl Strategy<Value = BTreeMap<String, String>> {
    let names = proptest::sample::subsequence(NAMES.to_vec(), 1..=3);
    let clusters = names.prop_flat_map(|names| {
        let texts: Vec<_> = names.iter().map(|name| cluster(name)).collect();
        (Just(names), texts)
    });
    let templates = proptest::sample::subsequence(
        vec!["extra.txt", "kubernetes", "{destination}/a.txt"],
        0..=2,
    );
    (clusters, templates).prop_map(|((names, texts), templates)| {
        let signs = texts.iter().any(|text| text.contains("aws_sigv4"));
        let role = if signs { ROLE } else { "" };
        let mut files = BTreeMap::from([
            ("clusters/fleet.yaml".to_owned(), format!("{FLEET}{role}")),
            (
                "clusters/environments/production.yaml".to_owned(),
                "fluentd: { log_level: warn }\n".to_owned(),
            ),
        ]);
        for (name, text) in names.into_iter().zip(texts) {
            files.insert(format!("clusters/{name}/cluster.yaml"), text);
        }
        for template in templates {
            // A file where the other fleet has a folder, and the other way round.
            let path = if template == "kubernetes" {
                "extra.txt/below.txt"
            } else {
                template
            };
            files.insert(
                format!("templates/{path}"),
                "{{ cluster.name }}\n".to_owned(),
            );
        }
        // One path can't be both.
        if files.contains_key("templates/extra.txt") {
            files.remove("templates/extra.txt/below.txt");
        }
        files
    })
}

fn put(fleet: &TestFleet, files: &BTreeMap<String, String>) {
    for (path, text) in files {
        fleet.write(path, text);
    }
}

fn render(fleet: &TestFleet) {
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_second_fleet_is_rendered_as_if_alone(first in fleet(), second in fleet()) {
        let both = TestFleet::empty();
        put(&both, &first);
        render(&both);
        both.remove("clusters");
        if both.has("templates") {
            both.remove("templates");
        }
        put(&both, &second);
        render(&both);
        let alone = TestFleet::empty();
        put(&alone, &second);
        render(&alone);
        prop_assert_eq!(both.entries(), alone.entries());
    }
}
