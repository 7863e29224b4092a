//! The example fleet as it is committed, at a real OpenSearch, a real Elasticsearch and a second OpenSearch that is the
//! model, at once: users, API keys, a client certificate and a role of AWS.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use logfleet_contract::server::Backend;

use crate::model::Model;
use crate::program::{self, Program};
use crate::relay::{ADMINISTRATOR, PASSWORD};
use crate::servers::alone;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// The paths of the API objects of a cluster's destination.
fn objects(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    let below = |path: &String| {
        let (_, path) = path.rsplit_once("/elasticsearch/").unwrap();
        let (_, path) = path.split_once('/').unwrap();
        path.strip_suffix(".json").unwrap().to_owned()
    };
    found.iter().map(below).collect()
}

#[test]
fn the_example_fleet_is_made_whole_and_goes_whole() {
    // Always in this order, so that no two tests wait for each other.
    let (_one, opensearch) = alone(Backend::Opensearch);
    let (_other, elasticsearch) = alone(Backend::Elasticsearch);
    let (Some(opensearch), Some(elasticsearch)) = (opensearch, elasticsearch) else {
        return;
    };
    // The example's second server. There is one real OpenSearch, so this one is the model.
    let audit = Model::start(Backend::Opensearch);
    let rendered = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rendered");
    let source = tempfile::tempdir().unwrap();
    let copied = source.path().join("rendered");
    copy(&rendered, &copied);
    let settings = format!(
        "servers:
  opensearch:
    url: {}
    backend: opensearch
    serves:
      - {{ destination: main, clusters: [analytics-us, prod-eu.k8s.example.com] }}
    administrator: {{ username: {ADMINISTRATOR}, password: {{ variable: ADMIN_PASSWORD }} }}
  elasticsearch:
    url: {}
    backend: elasticsearch
    serves: [{{ destination: main, clusters: [dev-anna, staging-eu.k8s.example.com] }}]
    administrator: {{ username: {ADMINISTRATOR}, password: {{ variable: ADMIN_PASSWORD }} }}
  audit:
    url: {}
    backend: opensearch
    serves: [{{ destination: audit }}]
    administrator: {{ username: admin, password: {{ file: password }} }}
",
        opensearch.played.url(),
        elasticsearch.played.url(),
        audit.played.url()
    );
    let mut program = Program::of(&settings, source.path(), PASSWORD);
    fs::write(program.folder().join("password"), program::PASSWORD).unwrap();
    program.retry.times = 6;
    let plan = program.expect(2, &["plan"]);
    assert!(
        plan.out.contains("yours    client certificates are"),
        "{}",
        plan.out
    );
    program.expect(0, &["apply"]);
    for played in [&opensearch.played, &elasticsearch.played, &audit.played] {
        played.requests();
    }
    program.expect(0, &["apply"]);
    for played in [&opensearch.played, &elasticsearch.played, &audit.played] {
        assert!(played.requests().iter().all(|request| !request.writes()));
    }

    // Every credential writes to each stream that it should.
    let verified = program.expect(0, &["verify"]);
    assert!(!verified.out.contains("REFUSED"), "{}", verified.out);
    let made: Vec<String> = program.store.names();
    assert_eq!(
        made,
        [
            "logfleet/dev-anna/main",
            "logfleet/prod-eu.k8s.example.com/main",
            "logfleet/staging-eu.k8s.example.com/main",
        ]
    );

    let clusters = [
        ("analytics-us", "main", opensearch),
        ("prod-eu.k8s.example.com", "main", opensearch),
        ("dev-anna", "main", elasticsearch),
        ("staging-eu.k8s.example.com", "main", elasticsearch),
    ];
    let is_played = |path: &str| {
        ["_plugins/_ism", "_ilm", "_data_stream"]
            .iter()
            .any(|api| path.starts_with(api))
    };
    let mut streams = Vec::new();
    for (cluster, destination, real) in clusters {
        let all = objects(&copied.join(cluster).join("elasticsearch").join(destination));
        assert!(all.len() > 10, "{cluster}");
        for path in &all {
            if !is_played(path) {
                assert_eq!(real.admin.send("GET", path, None).status, 200, "{path}");
            }
            // This build of Elasticsearch can't delete data streams.
            if real.backend == Backend::Opensearch
                && let Some(stream) = path.strip_prefix("_data_stream/")
            {
                streams.push(stream.to_owned());
            }
        }
    }
    let prod = copied.join("prod-eu.k8s.example.com/elasticsearch/audit");
    let held: BTreeSet<String> = audit.objects().into_keys().collect();
    assert_eq!(held, objects(&prod));
    let of_audit = held
        .iter()
        .filter_map(|path| path.strip_prefix("_data_stream/"));
    streams.extend(of_audit.map(ToOwned::to_owned));

    let roles: Vec<(String, &'static str)> = [
        ("analytics-us", "_plugins/_security/api/roles"),
        ("prod-eu.k8s.example.com", "_plugins/_security/api/roles"),
        ("dev-anna", "_security/role"),
        ("staging-eu.k8s.example.com", "_security/role"),
    ]
    .map(|(cluster, api)| (cluster.to_owned(), api))
    .into();
    for (cluster, _) in &roles {
        fs::remove_dir_all(copied.join(cluster)).unwrap();
        let mut arguments = vec!["remove", cluster.as_str()];
        for stream in &streams {
            arguments.extend(["--delete-data-stream", stream]);
        }
        program.expect(0, &arguments);
    }
    for (cluster, api) in &roles {
        let real = if api.starts_with("_security") {
            elasticsearch
        } else {
            opensearch
        };
        let role = logfleet_contract::names::writer(&logfleet_contract::names::slug(cluster));
        let answer = real.admin.send("GET", &format!("{api}/{role}"), None);
        assert_eq!(answer.status, 404, "{cluster}");
    }
    assert!(program.store.names().is_empty() && audit.objects().is_empty());
    let listed = elasticsearch
        .admin
        .send("GET", "_security/api_key?name=logfleet-*", None);
    let keys = listed.body["api_keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key["invalidated"] == true));
}
