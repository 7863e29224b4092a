//! Rendered fleets: the example's clusters, under as many names as a test needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use logfleet_contract::authentication;
use logfleet_contract::names;
use logfleet_contract::ownership::{Digest, Ownership};
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

type Files = BTreeMap<String, Vec<u8>>;

/// A fleet in a folder of its own.
pub struct Fleet {
    root: tempfile::TempDir,
    clusters: BTreeMap<String, Files>,
}

/// The example's cluster that writes to a server.
fn example(backend: Backend) -> (&'static str, &'static Files) {
    static EXAMPLES: [OnceLock<(&str, Files)>; 2] = [OnceLock::new(), OnceLock::new()];
    let (name, files) =
        EXAMPLES[usize::from(backend == Backend::Opensearch)].get_or_init(|| read_example(backend));
    (name, files)
}

fn read_example(backend: Backend) -> (&'static str, Files) {
    let name = match backend {
        Backend::Opensearch => "analytics-us",
        Backend::Elasticsearch => "dev-anna",
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../rendered")
        .join(name);
    let mut files = Files::new();
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let below = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if below.starts_with("elasticsearch/") || below == authentication::FILE {
                files.insert(below, fs::read(path).unwrap());
            }
        }
    }
    (name, files)
}

/// The user that `gen` renders for a cluster with `authentication: { type: basic }`.
fn user(backend: Backend, cluster: &str) -> (String, Value) {
    let writer = names::writer(&names::slug(cluster));
    match backend {
        Backend::Opensearch => (
            format!("_plugins/_security/api/internalusers/{writer}"),
            json!({ "description": format!("Managed by logfleet: shippers of cluster {cluster}"), "backend_roles": [writer] }),
        ),
        Backend::Elasticsearch => (
            format!("_security/user/{writer}"),
            json!({ "roles": [writer], "full_name": format!("Shippers of cluster {cluster}"),
                "metadata": { "managed_by": "logfleet", "cluster": cluster } }),
        ),
    }
}

impl Fleet {
    /// No cluster at all.
    pub fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("rendered")).unwrap();
        Self {
            root,
            clusters: BTreeMap::new(),
        }
    }

    /// Clusters as the example's that has the server, each with a user.
    pub fn of(backend: Backend, clusters: &[&str]) -> Self {
        let mut fleet = Self::empty();
        for cluster in clusters {
            fleet.add(backend, cluster);
        }
        fleet
    }

    /// Clusters of Amazon OpenSearch Service, whose pods have roles of AWS.
    pub fn with_roles(clusters: &[&str]) -> Self {
        let mut fleet = Self::empty();
        for cluster in clusters {
            fleet.prepare_original(Backend::Opensearch, cluster);
            fleet.write(cluster);
        }
        fleet
    }

    /// Clusters of Elasticsearch, each with an API key.
    pub fn with_api_keys(clusters: &[&str]) -> Self {
        let mut fleet = Self::empty();
        for cluster in clusters {
            fleet.prepare_original(Backend::Elasticsearch, cluster);
            fleet.write(cluster);
        }
        fleet
    }

    /// The same with one stream each, for tests that make very many runs.
    pub fn small(backend: Backend, clusters: &[&str]) -> Self {
        let mut fleet = Self::empty();
        for cluster in clusters {
            fleet.prepare(backend, cluster);
            fleet.reduce(cluster);
        }
        fleet
    }

    /// Both: one stream each, and API keys.
    pub fn small_with_api_keys(clusters: &[&str]) -> Self {
        let mut fleet = Self::empty();
        for cluster in clusters {
            fleet.prepare_original(Backend::Elasticsearch, cluster);
            fleet.reduce(cluster);
        }
        fleet
    }

    /// Leaves one stream of a cluster.
    fn reduce(&mut self, cluster: &str) {
        let objects = self.objects(cluster);
        let stream = format!("logs-kubernetes.nodes-{}", names::slug(cluster));
        let template = &objects[&format!("_index_template/{stream}")];
        let lifecycle = template.pointer("/template/settings/index/lifecycle/name");
        let is_needed = |path: &str| {
            let name = path.rsplit_once('/').unwrap().1;
            match path {
                _ if path.starts_with("_component_template/") => template["composed_of"]
                    .as_array()
                    .unwrap()
                    .contains(&json!(name)),
                _ if path.starts_with("_ilm/") => lifecycle == Some(&json!(name)),
                _ if path.starts_with("_index_template/") || path.starts_with("_data_stream/") => {
                    name == stream
                }
                _ => true,
            }
        };
        let files = self.clusters.get_mut(cluster).unwrap();
        for path in objects.keys().filter(|path| !is_needed(path)) {
            files.remove(&format!("elasticsearch/main/{path}.json"));
        }
        self.write(cluster);
    }

    /// Changes how a cluster authenticates itself at its destination.
    pub fn authenticate(&mut self, cluster: &str, told: &Value) {
        let told = json!({ "logfleet_authentication": 1, "destinations": { "main": told } });
        let files = self.clusters.get_mut(cluster).unwrap();
        files.insert(
            authentication::FILE.to_owned(),
            told.to_string().into_bytes(),
        );
        self.write(cluster);
    }

    /// Adds a cluster as the example's that has the server, with a user.
    pub fn add(&mut self, backend: Backend, cluster: &str) {
        self.prepare(backend, cluster);
        self.write(cluster);
    }

    /// The example's cluster, as it authenticates itself.
    fn prepare_original(&mut self, backend: Backend, cluster: &str) {
        let (original, files) = example(backend);
        let renamed = |text: &str| {
            text.replace(&names::slug(original), &names::slug(cluster))
                .replace(original, cluster)
        };
        let own: Files = files
            .iter()
            .map(|(path, bytes)| {
                let text = std::str::from_utf8(bytes).unwrap();
                (renamed(path), renamed(text).into_bytes())
            })
            .collect();
        self.clusters.insert(cluster.to_owned(), own);
    }

    /// The example's cluster with a user in place of a role of AWS, or of an API key.
    fn prepare(&mut self, backend: Backend, cluster: &str) {
        self.prepare_original(backend, cluster);
        let own = self.clusters.get_mut(cluster).unwrap();
        let told = json!({ "logfleet_authentication": 1, "destinations": { "main": {
            "type": "basic",
            "writer": names::writer(&names::slug(cluster)),
            "secret": format!("aws-secretsmanager:{}", names::secrets_manager(cluster, "main")),
        } } });
        own.insert(
            authentication::FILE.to_owned(),
            told.to_string().into_bytes(),
        );
        let (path, body) = user(backend, cluster);
        own.insert(
            format!("elasticsearch/main/{path}.json"),
            format!("{body:#}\n").into_bytes(),
        );
        if backend == Backend::Opensearch {
            let writer = names::writer(&names::slug(cluster));
            let mapping =
                json!({ "description": "Managed by logfleet", "backend_roles": [writer] });
            let path =
                format!("elasticsearch/main/_plugins/_security/api/rolesmapping/{writer}.json");
            own.insert(path, format!("{mapping:#}\n").into_bytes());
        }
    }

    /// The folder with `rendered/` in it.
    pub fn root(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    /// Every API object of a cluster: its path and body.
    pub fn objects(&self, cluster: &str) -> BTreeMap<String, Value> {
        let files = self.clusters[cluster].iter();
        files
            .filter_map(|(path, bytes)| {
                let path = path.strip_prefix("elasticsearch/main/")?;
                let path = path.strip_suffix(".json").unwrap().to_owned();
                Some((path, serde_json::from_slice(bytes).unwrap()))
            })
            .collect()
    }

    /// Gives the server of a cluster certificates of its own.
    pub fn set_certificates(&mut self, cluster: &str, pem: &str) {
        let files = self.clusters.get_mut(cluster).unwrap();
        files.insert(
            "kubernetes/certificates/main.pem".to_owned(),
            pem.as_bytes().to_vec(),
        );
        self.write(cluster);
    }

    /// Changes a body, as `gen render` would; none removes the file.
    pub fn set(&mut self, cluster: &str, path: &str, body: Option<&Value>) {
        let file = format!("elasticsearch/main/{path}.json");
        let files = self.clusters.get_mut(cluster).unwrap();
        match body {
            Some(body) => files.insert(file, format!("{body:#}\n").into_bytes()),
            None => files.remove(&file),
        };
        self.write(cluster);
    }

    /// Removes a cluster.
    pub fn remove(&mut self, cluster: &str) {
        self.clusters.remove(cluster).unwrap();
        fs::remove_dir_all(self.root.path().join("rendered").join(cluster)).unwrap();
    }

    fn write(&self, cluster: &str) {
        let folder = self.root.path().join("rendered").join(cluster);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let files = &self.clusters[cluster];
        for (path, bytes) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let digests = files
            .iter()
            .map(|(path, bytes)| (path.clone(), Digest::of(bytes)))
            .collect();
        let ownership = Ownership::new("0.1.0", cluster, digests);
        let text = serde_json::to_string_pretty(&ownership).unwrap();
        fs::write(folder.join(".logfleet.json"), text + "\n").unwrap();
    }
}
