//! A real kustomize-controller reconciles what is rendered, against the real
//! API server. The test does source-controller's part, that of whoever puts
//! the credential there, and that of machines on which pods run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::kubernetes::artifact::Source;
use crate::kubernetes::build;
use crate::kubernetes::controller;
use crate::kubernetes::object::Object;
use crate::kubernetes::server::{ApiServer, wait_within};
use crate::rig;

const FLEET: &str = "schema_version: 1
destinations:
  main: { backend: opensearch, version: 3, url: \"https://logs.example.com\", authentication: { type: basic } }
kubernetes: { namespace: shipping, credentials: { type: reconciler } }
gitops:
  tool: flux
  repository: { url: \"ssh://git@git.example.com/platform/logs.git\", secret: \"kubernetes-secret:git\" }
  flux: { timeout_minutes: 1, retry_interval_minutes: 1 }
# Its Deployment would never become healthy: nobody runs its pods.
sources: { kubernetes: { events: { enabled: false } }, machines: { nodes: { enabled: false } }, aws: { enabled: false } }
";

const KUSTOMIZATIONS: &str =
    "apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations";
const REPOSITORY: &str =
    "apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/logfleet";
const DAEMON_SETS: &str = "apis/apps/v1/namespaces/shipping/daemonsets";
const CONFIG_MAPS: &str = "api/v1/namespaces/shipping/configmaps";

fn cluster(name: &str, more: &str) -> String {
    format!(
        "name: {name}\nenvironment: production\ndistribution: eks\nregion: eu-central-1\n\
         account: \"111122223333\"\nnode_groups: {{ nodes: {{ role: node }} }}\n{more}"
    )
}

/// A fleet on disk, whose `rendered/` is the repository.
struct Fleet(tempfile::TempDir);

impl Fleet {
    fn new() -> Self {
        let fleet = Self(tempfile::tempdir().expect("a folder"));
        fleet.write("clusters/fleet.yaml", FLEET);
        fleet.write("clusters/environments/production.yaml", "");
        fleet
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    fn render(&self) {
        let output = Command::new(env!("CARGO_BIN_EXE_gen"))
            .env("XDG_CACHE_HOME", "/dev/null")
            .args(["render", "--root"])
            .arg(self.0.path())
            .output()
            .expect("gen starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn publish(&self, source: &Source, server: &ApiServer) -> String {
        source.publish(server, REPOSITORY, self.0.path())
    }
}

fn wait_for<T>(what: &str, ready: impl FnMut() -> Option<T>) -> T {
    // A health check lasts a minute, and a retry comes after another.
    wait_within(Duration::from_secs(240), what, ready)
}

fn get(server: &ApiServer, path: &str) -> Option<Value> {
    let answer = server.admin.send("GET", path, None);
    (answer.status == 200).then_some(answer.body)
}

fn names(server: &ApiServer, path: &str) -> BTreeSet<String> {
    let list = get(server, path).expect("a list");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let names = items
        .iter()
        .filter_map(|item| item["metadata"]["name"].as_str());
    names.map(ToOwned::to_owned).collect()
}

/// The reason and the message of a Kustomization's condition `Ready`.
fn readiness(server: &ApiServer, name: &str) -> Option<(String, String)> {
    let object = get(server, &format!("{KUSTOMIZATIONS}/{name}"))?;
    let conditions = object["status"]["conditions"].as_array()?.clone();
    let ready = conditions
        .iter()
        .find(|condition| condition["type"] == "Ready")?;
    let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
    Some((text("reason"), text("message")))
}

/// Waits until a Kustomization has applied a revision and found it healthy.
fn wait_until_applied(server: &ApiServer, name: &str, revision: &str) {
    wait_for(&format!("{name} at {revision}"), || {
        controller::roll_out(server, "shipping");
        let object = get(server, &format!("{KUSTOMIZATIONS}/{name}"))?;
        (object["status"]["lastAppliedRevision"] == revision).then_some(())
    });
}

fn create(server: &ApiServer, text: &str) {
    for object in Object::all(text) {
        let answer = server.apply(&object);
        assert!(answer.status < 300, "{}: {}", object.name, answer.body);
    }
}

/// Which Kustomization owns each object that a build of the whole folder has:
/// the answers of the API server, not the files'.
fn owners(server: &ApiServer, kustomize: &Path, folder: &Path) -> Vec<(String, String, String)> {
    let mut owners = Vec::new();
    for object in build(kustomize, folder) {
        let path = server.path_of(&object);
        let live = get(server, &path).unwrap_or_else(|| panic!("{path} isn't there"));
        let owner = live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"]
            .as_str()
            .unwrap_or_else(|| panic!("{path} isn't Flux's"));
        owners.push((object.kind, object.name, owner.to_owned()));
    }
    owners
}

#[test]
fn a_real_kustomize_controller_reconciles_the_rendered_tree() {
    let Some(kustomize) = rig::installed("bin/kustomize", "kustomize") else {
        return;
    };
    let Some(program) = rig::installed("bin/kustomize-controller", "flux") else {
        return;
    };
    let Some(server) = ApiServer::shared() else {
        return;
    };
    let fleet = Fleet::new();
    let in_cluster = "gitops: { destination: { in_cluster: true } }\n";
    fleet.write("clusters/alpha/cluster.yaml", &cluster("alpha", in_cluster));
    let manual = "gitops: { sync: { automated: false } }\n";
    fleet.write("clusters/beta/cluster.yaml", &cluster("beta", manual));
    fleet.render();

    // What somebody does by hand, once.
    create(
        server,
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: flux-system\n",
    );
    for file in ["source.yaml", "root.yaml"] {
        let path = fleet.path("rendered/_fleet/gitops/flux").join(file);
        create(server, &fs::read_to_string(path).expect("rendered"));
    }
    let source = Source::start();
    let _controller = controller::start(&program, server);
    let first = fleet.publish(&source, server);

    // Without the credential, nothing but what it needs is there.
    wait_until_applied(server, "logfleet", &first);
    wait_for("a shipper that waits", || {
        let (reason, message) = readiness(server, "logfleet-alpha-shippers")?;
        (reason == "DependencyNotReady" && message.contains("logfleet-alpha-credentials"))
            .then_some(())
    });
    wait_for("the namespace", || {
        get(server, "api/v1/namespaces/shipping")
    });
    assert_eq!(names(server, DAEMON_SETS), BTreeSet::new());
    assert_eq!(names(server, CONFIG_MAPS), BTreeSet::new());

    create(
        server,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: logfleet-main\n  namespace: shipping\n\
         stringData: { username: somebody, password: only-for-tests }\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: foreign\n  namespace: shipping\n",
    );
    wait_until_applied(server, "logfleet-alpha-credentials", &first);
    wait_until_applied(server, "logfleet-alpha-shippers", &first);

    // All of the folder is there, each object owned by the half it belongs to.
    let folder = fleet.path("rendered/alpha/kubernetes");
    for (kind, name, owner) in owners(server, &kustomize, &folder) {
        let half = if kind == "Namespace" {
            "credentials"
        } else {
            "shippers"
        };
        assert_eq!(owner, format!("logfleet-alpha-{half}"), "{kind} {name}");
    }
    let shippers = ["fluentd-applications", "fluentd-nodes"].map(ToOwned::to_owned);
    assert_eq!(names(server, DAEMON_SETS), BTreeSet::from(shippers));
    let before = names(server, CONFIG_MAPS);

    // The cluster of whom nothing is applied by itself has its objects, suspended.
    let beta =
        get(server, &format!("{KUSTOMIZATIONS}/logfleet-beta-shippers")).expect("it is there");
    assert_eq!(beta["spec"]["suspend"], true);
    assert_eq!(
        beta["spec"]["kubeConfig"]["secretRef"]["name"],
        "beta-kubeconfig"
    );

    // A change arrives, and what is no longer rendered goes.
    let changed = format!(
        "{in_cluster}fluentd: {{ log_level: debug }}\nsources: {{ kubernetes: {{ nodes: {{ enabled: false }} }} }}\n"
    );
    fleet.write("clusters/alpha/cluster.yaml", &cluster("alpha", &changed));
    fleet.render();
    let second = fleet.publish(&source, server);
    assert_ne!(first, second);
    wait_until_applied(server, "logfleet-alpha-shippers", &second);
    owners(server, &kustomize, &folder);
    assert_eq!(
        names(server, DAEMON_SETS),
        BTreeSet::from(["fluentd-applications".to_owned()])
    );
    let after = names(server, CONFIG_MAPS);
    assert!(after.contains("foreign"), "{after:?}");
    let own = |names: &BTreeSet<String>| {
        let found = names
            .iter()
            .find(|name| name.starts_with("fluentd-applications-"));
        found.cloned().expect("the configuration")
    };
    assert_ne!(own(&before), own(&after));
    assert!(!after.contains(&own(&before)), "{after:?}");
    let configuration =
        get(server, &format!("{CONFIG_MAPS}/{}", own(&after))).expect("it is there");
    let text = configuration["data"]["fluent.conf"]
        .as_str()
        .unwrap_or_default();
    assert!(text.contains("log_level debug"), "{text}");
    let daemon_set =
        get(server, &format!("{DAEMON_SETS}/fluentd-applications")).expect("it is there");
    assert!(
        daemon_set.to_string().contains(&own(&after)),
        "{daemon_set}"
    );

    // A cluster leaves the fleet: Flux forgets it, and what runs there stays.
    fs::remove_dir_all(fleet.path("clusters/alpha")).expect("it is there");
    fleet.render();
    fleet.publish(&source, server);
    wait_for("the end of alpha's objects", || {
        let left = names(server, KUSTOMIZATIONS);
        left.iter()
            .all(|name| !name.starts_with("logfleet-alpha"))
            .then_some(())
    });
    assert_eq!(names(server, CONFIG_MAPS), after);
    let kept = get(server, &format!("{DAEMON_SETS}/fluentd-applications")).expect("it is there");
    assert_eq!(kept["metadata"]["deletionTimestamp"], json!(null));
    assert!(get(server, "api/v1/namespaces/shipping").is_some());
}
