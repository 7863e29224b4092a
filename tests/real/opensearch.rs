//! A real OpenSearch with its security plugin.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use crate::certificates::Authority;
use crate::client::{Client, Identity};
use crate::rig::{self, Server, User};

/// The server that all tests of this run share.
pub struct OpenSearch {
    _server: Server,
    authority: Authority,
    url: String,
    /// Somebody who may do everything.
    pub admin: Client,
}

impl OpenSearch {
    /// The server; none where it isn't installed.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<OpenSearch>> = OnceLock::new();
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
        let home = rig::installed("opensearch-3.4.0/complete", "opensearch")?.with_file_name("");
        let folder = rig::folder("opensearch");
        let config = folder.join("config");
        let authority = Authority::new();
        let (http, transport) = (rig::free_port(), rig::free_port());

        let write = |name: &str, text: &str| {
            fs::write(config.join(name), text).expect("the server's folder is writable");
        };
        fs::create_dir_all(config.join("opensearch-security")).expect("the folder is writable");
        for entry in fs::read_dir(home.join("security/config")).expect("the plugin is installed") {
            let entry = entry.expect("the plugin's folder can be listed");
            fs::copy(
                entry.path(),
                config.join("opensearch-security").join(entry.file_name()),
            )
            .expect("the plugin's configuration can be copied");
        }
        let node = authority.issue("node");
        write("ca.pem", &authority.pem());
        write("node.pem", &node.certificate);
        write("node.key", &node.key);
        write("log4j2.properties", LOGGING);
        write("opensearch.yml", &configuration(http, transport));
        // Client certificates are off in the configuration that the plugin brings.
        let security = config.join("opensearch-security/config.yml");
        let text = fs::read_to_string(&security).expect("the plugin's configuration is there");
        fs::write(&security, with_client_certificates(&text)).expect("the folder is writable");

        let jdk = fs::read_to_string(home.join("java_home")).expect("the rig names its JDK");
        let class_path =
            ["classes", "lib/*", "security/*"].map(|part| home.join(part).display().to_string());
        let mut command = Command::new(format!("{}/bin/java", jdk.trim()));
        command
            .args([
                "-Xms1g",
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
            ])
            .arg(format!(
                "-Dlog4j.configurationFile={}",
                config.join("log4j2.properties").display()
            ))
            .args(["-cp", &class_path.join(":"), "Main"])
            .arg(&folder);
        let mut server = Server::start("OpenSearch", &folder, User::Own, &command);
        let url = format!("https://localhost:{http}");
        let admin = Client::new(
            &url,
            &authority.pem(),
            &Identity::Certificate(authority.issue("admin")),
        );
        // The plugin fills its index after the node is up; tenants come last.
        server.wait_until(|| admin.is_answered("_plugins/_security/api/tenants"));
        Some(Self {
            _server: server,
            authority,
            url,
            admin,
        })
    }
}

fn configuration(http: u16, transport: u16) -> String {
    format!(
        r#"
cluster.name: rig
node.name: rig
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
plugins.security.ssl.transport.pemcert_filepath: node.pem
plugins.security.ssl.transport.pemkey_filepath: node.key
plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.clientauth_mode: OPTIONAL
plugins.security.ssl.http.pemcert_filepath: node.pem
plugins.security.ssl.http.pemkey_filepath: node.key
plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem
plugins.security.allow_default_init_securityindex: true
plugins.security.authcz.admin_dn: ["CN=admin"]
plugins.security.nodes_dn: ["CN=node"]
plugins.security.restapi.roles_enabled: ["all_access"]
plugins.security.audit.type: noop
"#
    )
}

const LOGGING: &str = "
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
";

/// Turns on the domain of client certificates, whose user is the certificate's whole subject.
fn with_client_certificates(configuration: &str) -> String {
    let start = configuration
        .find("clientcert_auth_domain:")
        .expect("the domain is in the configuration");
    let (before, domain) = configuration.split_at(start);
    let domain = domain.replacen("http_enabled: false", "http_enabled: true", 1);
    format!(
        "{before}{}",
        domain.replacen("username_attribute: cn", "#", 1)
    )
}

#[test]
fn it_answers() {
    let Some(server) = OpenSearch::shared() else {
        return;
    };
    let answer = server.admin.send("GET", "", None);
    assert_eq!(
        (answer.status, &answer.body["version"]["number"]),
        (200, &"3.4.0".into())
    );
}
