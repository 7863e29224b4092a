//! The Kubernetes cluster: a real API server and Flux's real kustomize-controller. What other controllers do is done
//! here: Flux's source-controller (`kubernetes::artifact`), and the External Secrets Operator.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cloud::{account, items};
use crate::emulator::Aws;
use crate::fleet::{CLUSTER, REGION};
use crate::kubernetes::artifact::Source;
use crate::kubernetes::controller;
use crate::kubernetes::object::Object;
use crate::kubernetes::server::{ApiServer, wait_within};
use crate::rig::{self, Server};

const KUSTOMIZATIONS: &str =
    "apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations";
const REPOSITORY: &str =
    "apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/logfleet";
const SECRETS: &str = "apis/external-secrets.io/v1/namespaces/logging/externalsecrets";

/// A cluster with Flux in it.
pub struct Cluster {
    server: &'static ApiServer,
    source: Source,
    _controller: Server,
}

impl Cluster {
    /// Starts Flux, and creates by hand what is created so once.
    pub fn start(server: &'static ApiServer, fleet: &Path) -> Self {
        let program = rig::cache().join("bin/kustomize-controller");
        let controller = controller::start(&program, server);
        let cluster = Self {
            server,
            source: Source::start(),
            _controller: controller,
        };
        cluster.create("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: flux-system\n");
        for file in ["source.yaml", "root.yaml"] {
            let path = fleet.join("rendered/_fleet/gitops/flux").join(file);
            cluster.create(&fs::read_to_string(path).expect("rendered"));
        }
        cluster
    }

    /// A new commit, as Flux's source-controller hands it on.
    pub fn publish(&self, fleet: &Path) -> String {
        self.source.publish(self.server, REPOSITORY, fleet)
    }

    /// Waits until a half of the cluster's folder has applied a commit.
    pub fn wait_until_applied(&self, half: &str, revision: &str) {
        let name = format!("logfleet-{CLUSTER}-{half}");
        self.wait(&format!("{name} at {revision}"), || {
            // Nobody runs pods here.
            controller::roll_out(self.server, "logging");
            let object = self.get(&format!("{KUSTOMIZATIONS}/{name}"))?;
            (object["status"]["lastAppliedRevision"] == revision).then_some(())
        });
    }

    /// What the External Secrets Operator does: fetches what an `ExternalSecret` names from AWS Secrets Manager, and makes
    /// a Secret of it. Returns the names of what it made.
    pub fn fetch_secrets(&self, aws: &Aws) -> Vec<String> {
        let list = self.wait("an ExternalSecret", || {
            let list = self.get(SECRETS)?;
            (items(&list["items"]).count() > 0).then_some(list)
        });
        let mut made = Vec::new();
        for external in items(&list["items"]) {
            let mut data = json!({});
            for one in items(&external["spec"]["data"]) {
                let reference = &one["remoteRef"];
                let request = json!({ "SecretId": reference["key"] });
                let stored =
                    account(aws).call(REGION, "secretsmanager", "get_secret_value", &request);
                let stored: Value =
                    serde_json::from_str(stored["SecretString"].as_str().expect("a text"))
                        .expect("JSON");
                let property = reference["property"].as_str().expect("a property");
                let value = stored[property].as_str().expect("a text");
                data[one["secretKey"].as_str().expect("a key")] = STANDARD.encode(value).into();
            }
            let name = external["spec"]["target"]["name"].as_str().expect("a name");
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": "logging" }, "data": data,
            });
            self.create(&secret.to_string());
            made.push(name.to_owned());
        }
        made
    }

    /// The names of a list.
    pub fn names(&self, path: &str) -> Vec<String> {
        let list = self.get(path).expect("a list");
        items(&list["items"])
            .filter_map(|item| item["metadata"]["name"].as_str())
            .map(ToOwned::to_owned)
            .collect()
    }

    fn create(&self, text: &str) {
        for object in Object::all(text) {
            let answer = self.server.apply(&object);
            assert!(answer.status < 300, "{}: {}", object.name, answer.body);
        }
    }

    fn get(&self, path: &str) -> Option<Value> {
        let answer = self.server.admin.send("GET", path, None);
        (answer.status == 200).then_some(answer.body)
    }

    fn wait<T>(&self, what: &str, ready: impl FnMut() -> Option<T>) -> T {
        wait_within(Duration::from_secs(120), what, ready)
    }
}
