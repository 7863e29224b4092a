//! A real Elasticsearch with native security.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::certificates::Authority;
use crate::client::{Client, Identity};
use crate::rig::{self, Server, User};

/// The password of the built-in user `elastic`, on a server that only this machine reaches.
const PASSWORD: &str = "only-for-tests";

/// The server that all tests of this run share.
pub struct Elasticsearch {
    _server: Server,
    authority: Authority,
    url: String,
    /// Somebody who may do everything.
    pub admin: Client,
}

impl Elasticsearch {
    /// The server; none where it isn't installed.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Elasticsearch>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref()
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate of the authority that signed its own, in PEM.
    pub fn authority(&self) -> String {
        self.authority.pem()
    }

    /// A client with an identity of its own.
    pub fn client(&self, identity: &Identity) -> Client {
        Client::new(&self.url, &self.authority.pem(), identity)
    }

    /// A client with a certificate that the server's authority signed.
    pub fn certificate_client(&self, common_name: &str) -> Client {
        self.client(&Identity::Certificate(self.authority.issue(common_name)))
    }

    fn start() -> Option<Self> {
        let installed = rig::installed("elasticsearch-8.19.21/complete", "elasticsearch")?;
        let installed = installed.with_file_name("");
        let jdk = fs::read_to_string(installed.join("java_home")).expect("the rig names its JDK");
        let folder = rig::folder("elasticsearch");
        // A copy of its own, since it may not run as root, who alone may read the cache.
        let home = folder.join("home");
        copy(&installed.join("home"), &home);
        let config = home.join("config");
        let authority = Authority::new();
        let (http, transport) = (rig::free_port(), rig::free_port());

        let write = |name: &str, text: &str| {
            fs::write(config.join(name), text).expect("the server's folder is writable");
        };
        let node = authority.issue("node");
        write("ca.pem", &authority.pem());
        write("node.pem", &node.certificate);
        write("node.key", &node.key);
        write("elasticsearch.yml", &configuration(http, transport));
        write(
            "jvm.options.d/rig.options",
            "-Xms1g\n-Xmx1g\n-XX:TieredStopAtLevel=1\n",
        );
        store_password(&home, jdk.trim());

        let mut command = Command::new(home.join("bin/elasticsearch"));
        command
            .env("ES_JAVA_HOME", jdk.trim())
            .env_remove("JAVA_HOME");
        let mut server = Server::start("Elasticsearch", &folder, User::NotRoot, &command);
        let url = format!("https://localhost:{http}");
        let elastic = Identity::Password("elastic".to_owned(), PASSWORD.to_owned());
        let admin = Client::new(&url, &authority.pem(), &elastic);
        server.wait_until(|| admin.is_answered("_cluster/health?wait_for_status=yellow"));
        Some(Self {
            _server: server,
            authority,
            url,
            admin,
        })
    }
}

/// Client certificates are a paid feature of Elasticsearch, so the tests use its trial licence.
fn configuration(http: u16, transport: u16) -> String {
    format!(
        "
cluster.name: rig
node.name: rig
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
xpack.license.self_generated.type: trial
xpack.security.enabled: true
xpack.security.http.ssl:
  enabled: true
  key: node.key
  certificate: node.pem
  certificate_authorities: [ca.pem]
  client_authentication: optional
xpack.security.authc.realms:
  native.native1.order: 0
  pki.pki1.order: 1
"
    )
}

/// Puts the password into the server's keystore, which holds what may not stand in its settings.
fn store_password(home: &Path, jdk: &str) {
    let keystore = |arguments: &[&str], input: &str| {
        let mut child = Command::new(home.join("bin/elasticsearch-keystore"))
            .args(arguments)
            .env("ES_JAVA_HOME", jdk)
            .env_remove("JAVA_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the keystore's command can be started");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        stdin
            .write_all(input.as_bytes())
            .expect("it reads its input");
        drop(stdin);
        assert!(
            child.wait().expect("it can be waited for").success(),
            "{arguments:?} failed"
        );
    };
    keystore(&["create"], "");
    keystore(&["add", "--stdin", "bootstrap.password"], PASSWORD);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the server's folder is writable");
    for entry in fs::read_dir(from).expect("the server is installed") {
        let entry = entry.expect("its folder can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a file can be copied");
        }
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("it is our own");
}

#[test]
fn it_answers() {
    let Some(server) = Elasticsearch::shared() else {
        return;
    };
    let answer = server.admin.send("GET", "_security/_authenticate", None);
    assert_eq!(
        (answer.status, &answer.body["username"]),
        (200, &"elastic".into())
    );
}
