//! A real Kubernetes API server with its etcd, and the custom resource
//! definitions of the objects that aren't Kubernetes' own. No controller runs,
//! so nothing comes of what is accepted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::certificates::Authority;
use crate::client::{Answer, Client, Identity};
use crate::rig::{self, Server, User};

/// The administrator's token, on a server that only this machine reaches.
const TOKEN: &str = "only-for-tests";

/// The server that all tests of this run share.
pub struct ApiServer {
    _server: Server,
    _etcd: Server,
    /// Somebody who may do everything.
    pub admin: Client,
    /// The file by which programs find the server, and are that somebody.
    pub kubeconfig: PathBuf,
}

impl ApiServer {
    /// The server; none where it isn't installed.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<ApiServer>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        let program = rig::installed("bin/kube-apiserver", "kube-apiserver")?;
        let etcd_program = rig::installed("bin/etcd", "kube-apiserver")?;
        let definitions = rig::installed("crds", "kube-apiserver")?;
        let (mut etcd, etcd_url) = start_etcd(&etcd_program);

        let folder = rig::folder("kube-apiserver");
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("the server's folder is writable");
        };
        let authority = Authority::new();
        let own = authority.issue("kube-apiserver");
        write("server.pem", &own.certificate);
        write("server.key", &own.key);
        let accounts = authority.issue("service-accounts");
        write("accounts.pem", &accounts.certificate);
        write("accounts.key", &accounts.key);
        write(
            "tokens.csv",
            &format!("{TOKEN},admin,admin,system:masters\n"),
        );

        let port = rig::free_port();
        let mut command = Command::new(program);
        command.args([
            &format!("--etcd-servers={etcd_url}"),
            "--bind-address=127.0.0.1",
            &format!("--secure-port={port}"),
            "--tls-cert-file=server.pem",
            "--tls-private-key-file=server.key",
            "--cert-dir=certificates",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=accounts.pem",
            "--service-account-signing-key-file=accounts.key",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            // No controller makes the accounts that it waits for.
            "--disable-admission-plugins=ServiceAccount",
            "--service-cluster-ip-range=10.0.0.0/24",
        ]);
        let mut server = etcd.start_above("kube-apiserver", &folder, User::Own, &command);
        let url = format!("https://localhost:{port}");
        let admin = Client::new(&url, &authority.pem(), &Identity::Token(TOKEN.to_owned()));
        server.wait_until(|| admin.is_answered("readyz"));
        write("ca.pem", &authority.pem());
        write("kubeconfig", &kubeconfig(&url));
        let this = Self {
            _server: server,
            _etcd: etcd,
            admin,
            kubeconfig: folder.join("kubeconfig"),
        };
        this.load_definitions(&definitions);
        Some(this)
    }

    fn load_definitions(&self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("the rig made it") {
            let text = fs::read_to_string(entry.expect("readable").path()).expect("readable");
            let name = text
                .lines()
                .find_map(|line| line.strip_prefix("  name: "))
                .expect("a definition has a name");
            let path = format!("apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
            let answer = self.apply_to(&path, &text, "");
            assert!(answer.status < 300, "{name}: {}", answer.body);
            wait_for(name, || {
                let body = self.admin.send("GET", &path, None).body;
                let conditions = body["status"]["conditions"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                conditions
                    .iter()
                    .any(|condition| {
                        condition["type"] == "Established" && condition["status"] == "True"
                    })
                    .then_some(())
            });
        }
    }

    pub(super) fn apply_to(&self, path: &str, text: &str, more: &str) -> Answer {
        let path = format!("{path}?fieldManager=tests&force=true&fieldValidation=Strict{more}");
        self.admin
            .send_text("PATCH", &path, "application/apply-patch+yaml", text)
    }

    /// What the server publishes of one group and version, once `ready` finds
    /// in it what it waits for: definitions appear there a little later.
    pub fn openapi<T>(&self, path: &str, ready: impl Fn(&Value) -> Option<T>) -> T {
        let path = format!("openapi/v3/{path}");
        wait_for(&path, || ready(&self.admin.send("GET", &path, None).body))
    }
}

/// The administrator's kubeconfig; `ca.pem` is beside it.
fn kubeconfig(url: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters: [{{ name: rig, cluster: {{ server: \"{url}\", certificate-authority: ca.pem }} }}]
users: [{{ name: admin, user: {{ token: {TOKEN} }} }}]
contexts: [{{ name: rig, context: {{ cluster: rig, user: admin }} }}]
current-context: rig
"
    )
}

/// Waits until something is there, for a minute.
pub fn wait_for<T>(what: &str, ready: impl FnMut() -> Option<T>) -> T {
    wait_within(Duration::from_secs(60), what, ready)
}

/// Waits until something is there.
pub fn wait_within<T>(limit: Duration, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(start.elapsed() < limit, "{what} never came");
        sleep(Duration::from_millis(200));
    }
}

fn start_etcd(program: &Path) -> (Server, String) {
    let folder = rig::folder("etcd");
    let url = format!("http://127.0.0.1:{}", rig::free_port());
    let mut command = Command::new(program);
    command.args([
        "--data-dir=data",
        // Nothing of it outlives the test.
        "--unsafe-no-fsync",
        &format!("--listen-client-urls={url}"),
        &format!("--advertise-client-urls={url}"),
        &format!("--listen-peer-urls=http://127.0.0.1:{}", rig::free_port()),
    ]);
    let server = Server::start("etcd", &folder, User::Own, &command);
    (server, url)
}
