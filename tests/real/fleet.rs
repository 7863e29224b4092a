//! The files under `elasticsearch/` of a fleet whose clusters all write to
//! the same two servers, and how they get there.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use logfleet_generator::load::source::{SourceFile, Sources};
use logfleet_generator::load::yaml;
use logfleet_generator::render::{self, Templates};
use logfleet_generator::resolve::resolve_cluster;
use logfleet_generator::settings::{DEFAULTS, Settings};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// The clusters of the fleet: their names, and what they're called where `-` isn't allowed.
/// The last one's writer has a client certificate, the others' have passwords.
pub const CLUSTERS: [(&str, &str); 3] = [
    ("prod-eu", "prod_eu"),
    ("prod-us", "prod_us"),
    (WITH_CERTIFICATE, "prod_ca"),
];

/// The cluster whose writer has a client certificate.
pub const WITH_CERTIFICATE: &str = "prod-ca";

/// Every stream of each cluster, by its dataset.
pub const STREAMS: [&str; 6] = [
    "applications",
    "audit",
    "control_plane",
    "events",
    "ingress",
    "nodes",
];

/// A file to be PUT: the path of the API and the body.
#[derive(Clone, Debug)]
pub struct Object {
    /// The path of the API.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// The name of a cluster's data stream.
pub fn data_stream(slug: &str, stream: &str) -> String {
    format!("logs-kubernetes.{stream}-{slug}")
}

/// What a cluster's files say to a destination, in the order in which they must be sent.
pub fn objects(cluster: &str, destination: &str) -> Vec<Object> {
    static RENDERED: OnceLock<BTreeMap<String, BTreeMap<String, Vec<u8>>>> = OnceLock::new();
    let rendered = RENDERED.get_or_init(|| {
        CLUSTERS
            .iter()
            .map(|(name, _)| ((*name).to_owned(), render_cluster(name)))
            .collect()
    });
    let folder = format!("elasticsearch/{destination}/");
    let mut objects: Vec<Object> = rendered[cluster]
        .iter()
        .filter_map(|(path, bytes)| {
            let path = path.strip_prefix(&folder)?.strip_suffix(".json")?;
            let body = serde_json::from_slice(bytes).expect("a rendered .json is JSON");
            Some(Object {
                path: path.to_owned(),
                body,
            })
        })
        .collect();
    objects.sort_by_key(|object| (rank(&object.path), object.path.clone()));
    assert!(
        !objects.is_empty(),
        "nothing was rendered for {destination}"
    );
    objects
}

/// The place of a path in the order: each only needs what comes before it.
fn rank(path: &str) -> usize {
    const ORDER: [&str; 13] = [
        "_component_template/",
        "_ilm/policy/",
        "_plugins/_ism/policies/",
        "_index_template/",
        "_data_stream/",
        "_security/role/",
        "_security/user/",
        "_security/role_mapping/",
        "_plugins/_security/api/tenants/",
        "_plugins/_security/api/roles/",
        "_plugins/_security/api/internalusers/",
        "_plugins/_security/api/rolesmapping/",
        "_plugins/_security/api/",
    ];
    ORDER
        .iter()
        .position(|prefix| path.starts_with(prefix))
        .unwrap_or_else(|| panic!("nobody said when {path} is to be sent"))
}

/// Sends an object. An empty one goes without a body.
pub fn put(client: &Client, object: &Object) -> Answer {
    let body = Some(&object.body).filter(|body| **body != json!({}));
    client.send("PUT", &object.path, body)
}

fn render_cluster(name: &str) -> BTreeMap<String, Vec<u8>> {
    let settings = settings(name);
    let cluster = resolve_cluster(&settings, &[])
        .unwrap_or_else(|problems| panic!("{name} has problems: {problems:?}"));
    let templates = Templates::compile(&[]).expect("the built-in templates compile");
    let tree = render::render(&cluster, &templates).expect("the cluster can be rendered");
    tree.0
        .into_iter()
        .map(|(path, bytes)| (path.as_str().to_owned(), bytes))
        .collect()
}

fn settings(name: &str) -> Settings {
    let file = SourceFile::new("defaults.yaml", DEFAULTS);
    let mut sources = Sources::default();
    let id = sources.push(SourceFile::new("defaults.yaml", DEFAULTS));
    let mut merged = yaml::parse(id, &file)
        .expect("the defaults are YAML")
        .to_json();
    merge(&mut merged, &layer(name));
    for (block, places) in [
        ("stream_defaults", "/streams"),
        ("fluentd", "/sources/kubernetes"),
    ] {
        let block = merged[block].clone();
        for place in merged
            .pointer_mut(places)
            .and_then(Value::as_object_mut)
            .expect("a map")
            .values_mut()
        {
            if places == "/streams" {
                inherit(place, &block);
            } else if let Some(own) = place.get_mut("fluentd") {
                inherit(own, &block);
            }
        }
    }
    serde_json::from_value(merged).expect("the settings are valid")
}

fn inherit(own: &mut Value, block: &Value) {
    let mut whole = block.clone();
    merge(&mut whole, own);
    *own = whole;
}

/// JSON Merge Patch (RFC 7396).
fn merge(base: &mut Value, patch: &Value) {
    let (Value::Object(base), Value::Object(patch)) = (&mut *base, patch) else {
        *base = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            base.remove(key);
        } else {
            merge(base.entry(key).or_insert_with(|| json!({})), value);
        }
    }
}

fn layer(name: &str) -> Value {
    let authentication = if name == WITH_CERTIFICATE {
        "client_certificate"
    } else {
        "basic"
    };
    json!({
        "name": name,
        "environment": "production",
        "distribution": "kops",
        "region": "eu-central-1",
        "account": "111122223333",
        "node_groups": { "masters": { "role": "control_plane" }, "nodes": { "role": "node" } },
        "destinations": {
            "open": {
                "backend": "opensearch", "version": 3, "url": "https://open.example.com",
                "authentication": { "type": authentication },
            },
            "elastic": {
                "backend": "elasticsearch", "version": 8, "url": "https://elastic.example.com",
                "authentication": { "type": authentication },
            },
        },
        "fluentd": {
            "image": {
                "repository": "registry.example.com/fluentd", "tag": "both",
                "plugins": ["fluent-plugin-elasticsearch", "fluent-plugin-opensearch"],
            },
        },
        "sources": { "kubernetes": {
            "applications": { "records": { "routes": {
                "audit": { "order": 1, "when": { "namespaces": ["audit"] }, "stream": "audit" },
                "ingress": { "order": 2, "when": { "namespaces": ["ingress"] }, "stream": "ingress" },
            } } },
            "control_plane": { "audit_log": { "enabled": true, "stream": "audit" } },
        } },
        "stream_defaults": { "replicas": 0, "refresh_interval_seconds": 1 },
        "streams": {
            "audit": { "retention_days": 365, "rollover": { "max_age_days": 30 }, "force_merge": true },
            "ingress": { "mapping": { "fields": { "client_ip": "ip", "request.seconds": "double" } } },
        },
    })
}
