//! The files under `elasticsearch/` of a fleet whose clusters all write to
//! the same two servers, and how they get there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use logfleet_contract::index::{Kind, ObjectPath};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// The clusters of the fleet whose writers can sign in by themselves: their names, and what they're called where `-` isn't allowed.
/// The last one's writer has a client certificate, the others' have passwords.
pub const CLUSTERS: [(&str, &str); 3] = [
    ("prod-eu", "prod_eu"),
    ("prod-us", "prod_us"),
    (WITH_CERTIFICATE, "prod_ca"),
];

/// The cluster whose writer has a client certificate.
pub const WITH_CERTIFICATE: &str = "prod-ca";

/// The cluster whose writer has an API key on Elasticsearch, and a role of AWS on OpenSearch.
pub const WITH_KEY: (&str, &str) = ("prod-key", "prod_key");

/// Every stream of each cluster, by its dataset.
pub const STREAMS: [&str; 7] = [
    "applications",
    "audit",
    "control_plane",
    "events",
    "ingress",
    "machines",
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
    if stream == "machines" {
        format!("logs-machines.system-{slug}")
    } else {
        format!("logs-kubernetes.{stream}-{slug}")
    }
}

/// What a cluster's files say to a destination, in the order in which they must be sent.
pub fn objects(cluster: &str, destination: &str) -> Vec<Object> {
    objects_in(files(cluster), destination)
}

/// The same of one more cluster of the fleet.
pub fn objects_of_another(cluster: &str, settings: &str, destination: &str) -> Vec<Object> {
    let path = format!("clusters/{cluster}/cluster.yaml");
    let rendered = render(&[(path, settings.as_bytes().to_vec())]);
    objects_in(&rendered[cluster], destination)
}

fn objects_in(files: &BTreeMap<String, Vec<u8>>, destination: &str) -> Vec<Object> {
    let folder = format!("elasticsearch/{destination}/");
    let mut objects: Vec<Object> = files
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

/// The kind of a path, which tells its place in the order.
fn rank(path: &str) -> Kind {
    let read = ObjectPath::parse(&format!("{path}.json"));
    read.unwrap_or_else(|error| panic!("{error}")).kind
}

/// Sends an object. An empty one goes without a body, since Elasticsearch
/// refuses one wherever it reads none
/// (<https://github.com/elastic/elasticsearch/blob/v8.19.0/server/src/main/java/org/elasticsearch/rest/BaseRestHandler.java>).
pub fn put(client: &Client, object: &Object) -> Answer {
    let body = Some(&object.body).filter(|body| **body != json!({}));
    client.send("PUT", &object.path, body)
}

/// Every file of a cluster, as the program wrote it.
fn files(cluster: &str) -> &'static BTreeMap<String, Vec<u8>> {
    static RENDERED: OnceLock<BTreeMap<String, BTreeMap<String, Vec<u8>>>> = OnceLock::new();
    let rendered = RENDERED.get_or_init(|| render(&[]));
    rendered
        .get(cluster)
        .unwrap_or_else(|| panic!("{cluster} wasn't rendered"))
}

/// The text of a rendered file.
pub fn text(cluster: &str, path: &str) -> String {
    let bytes = files(cluster)
        .get(path)
        .unwrap_or_else(|| panic!("{cluster} has no {path}"));
    String::from_utf8(bytes.clone()).expect("a rendered file is UTF-8")
}

/// Has the program render the fleet of `tests/cases/real/fleet` and `more` files, and reads what it wrote.
fn render(more: &[(String, Vec<u8>)]) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/real/fleet");
    let root = tempfile::tempdir().expect("the temporary folder is writable");
    for (path, bytes) in read(&fleet).into_iter().chain(more.iter().cloned()) {
        let target = root.path().join(path);
        fs::create_dir_all(target.parent().expect("a file has a folder"))
            .and_then(|()| fs::write(&target, bytes))
            .unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    }
    let output = Command::new(env!("CARGO_BIN_EXE_gen"))
        .env("XDG_CACHE_HOME", "/dev/null")
        .args(["render", "--root"])
        .arg(root.path())
        .output()
        .expect("gen can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rendered = root.path().join("rendered");
    fs::read_dir(&rendered)
        .expect("gen wrote it")
        .map(|entry| entry.expect("readable"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| {
            let name = entry.file_name().into_string().expect("UTF-8");
            (name, read(&entry.path()))
        })
        .collect()
}

/// All files below a folder, by their paths there.
fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        let entries =
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for entry in entries {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let bytes =
                fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.strip_prefix(folder).expect("it is below");
            files.insert(name.to_str().expect("UTF-8").to_owned(), bytes);
        }
    }
    files
}
