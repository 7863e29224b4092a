//! The settings: which servers and stores of secrets there are, and whose they
//! are. Pure, but for [`Settings::read`].
//!
//! `gen` renders what a server is to hold, but neither the administrator's
//! credential nor anything secret. That is said here, by reference: the file itself
//! holds no secret, and is meant for a `ConfigMap`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use logfleet_contract::server::Backend;
use serde::Deserialize;

use crate::fault::Fault;
use crate::stacks::settings::Aws;

/// The most bytes of the file.
const LARGEST: u64 = 1024 * 1024;

/// What the file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The servers, by names that plans and messages use.
    #[serde(default)]
    pub servers: BTreeMap<String, Server>,
    /// Where credentials of clusters are stored, by names.
    #[serde(default)]
    pub secret_stores: BTreeMap<String, Store>,
    /// The API servers of clusters whose Secrets are written here, by the clusters' names.
    #[serde(default)]
    pub kubernetes: BTreeMap<String, ApiServer>,
    /// How stacks of CloudFormation are made; without it, nothing is done in AWS but for secrets.
    #[serde(default)]
    pub aws: Option<Aws>,
}

/// A server: Elasticsearch or OpenSearch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its address; `https:`, unless it is this machine.
    pub url: String,
    /// What runs there.
    pub backend: Backend,
    /// Which rendered destinations it is.
    pub serves: Vec<Serves>,
    /// A PEM file with the authorities that may sign its certificate, relative to the settings' folder. Without it
    /// the system's authorities count.
    #[serde(default)]
    pub certificate_authority: Option<PathBuf>,
    /// Who signs in there.
    pub administrator: Administrator,
    /// Sends everything in plain text, readable by anybody on the way.
    #[serde(default)]
    pub send_everything_unencrypted: bool,
    /// Seconds that a request may take.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u16,
}

fn default_timeout() -> u16 {
    60
}

/// Rendered destinations: the folder below `elasticsearch/`, of some clusters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serves {
    /// The destination's name.
    pub destination: String,
    /// The clusters; by default all.
    #[serde(default)]
    pub clusters: Option<BTreeSet<String>>,
}

impl Serves {
    fn matches(&self, cluster: &str, destination: &str) -> bool {
        let is_cluster = self
            .clusters
            .as_ref()
            .is_none_or(|all| all.contains(cluster));
        self.destination == destination && is_cluster
    }
}

/// Who signs in at a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "AdministratorSettings")]
pub enum Administrator {
    /// A user of the server's own.
    User {
        /// Its name.
        username: String,
        /// Where its password is.
        password: SecretSource,
    },
    /// A role of AWS, at a domain of Amazon OpenSearch Service: there is no secret.
    Role(DomainRole),
}

/// As whom requests to a domain of Amazon OpenSearch Service are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainRole {
    /// The domain's Region.
    pub region: String,
    /// The role to assume; by default what the reconciler works as.
    #[serde(default)]
    pub role_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdministratorSettings {
    username: Option<String>,
    password: Option<SecretSource>,
    aws_sigv4: Option<DomainRole>,
}

impl TryFrom<AdministratorSettings> for Administrator {
    type Error = &'static str;

    fn try_from(settings: AdministratorSettings) -> Result<Self, Self::Error> {
        match (settings.username, settings.password, settings.aws_sigv4) {
            (Some(username), Some(password), None) => Ok(Self::User { username, password }),
            (None, None, Some(role)) => Ok(Self::Role(role)),
            _ => Err("an administrator has either `username` and `password`, or `aws_sigv4`"),
        }
    }
}

/// A cluster's API server.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ApiServerSettings")]
pub struct ApiServer {
    /// Its address, `https:`; EKS knows that of its clusters.
    pub url: Option<String>,
    /// A PEM file with the authorities that may sign its certificate, relative to the settings' folder. Without it
    /// the cluster's own authority counts, as EKS knows it, or the system's authorities.
    pub certificate_authority: Option<PathBuf>,
    /// As whom the reconciler signs in.
    pub sign_in: SignIn,
}

/// As whom the reconciler signs in at a cluster's API server.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// Whose token it is.
    Token(SecretSource),
    /// A role of AWS, at a cluster of EKS: there is no secret.
    Eks(EksCluster),
}

/// A cluster of EKS, and the role that it lets in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EksCluster {
    /// Its name in EKS.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// The role to assume; by default what the reconciler works as.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    pub external_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiServerSettings {
    url: Option<String>,
    certificate_authority: Option<PathBuf>,
    token: Option<SecretSource>,
    eks: Option<EksCluster>,
}

impl TryFrom<ApiServerSettings> for ApiServer {
    type Error = &'static str;

    fn try_from(settings: ApiServerSettings) -> Result<Self, Self::Error> {
        let sign_in = match (settings.token, settings.eks) {
            (Some(token), None) if settings.url.is_some() => SignIn::Token(token),
            (None, Some(cluster)) => SignIn::Eks(cluster),
            _ => return Err("an API server has either `url` and `token`, or `eks`"),
        };
        Ok(Self {
            url: settings.url,
            certificate_authority: settings.certificate_authority,
            sign_in,
        })
    }
}

/// Where a secret of the reconciler's own is: never in the file itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// In a file, relative to the settings' folder; an end of line at its end doesn't count.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

/// A store of clusters' credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// AWS Secrets Manager.
    pub aws_secrets_manager: SecretsManager,
    /// The clusters whose credentials it has; by default all.
    #[serde(default)]
    pub clusters: Option<BTreeSet<String>>,
}

/// AWS Secrets Manager in one account and Region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsManager {
    /// The Region.
    pub region: String,
    /// The role to assume, where the account isn't the reconciler's own.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Another address, such as a VPC endpoint's.
    #[serde(default)]
    pub endpoint_url: Option<String>,
}

/// What only `main` knows: the environment.
pub trait Environment: Sync {
    /// The value of a variable.
    fn variable(&self, name: &str) -> Option<String>;
}

impl Settings {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, Vec<Fault>> {
        let place = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            vec![
                Fault::new(&place, format!("the settings can't be read: {error}"))
                    .hint("name the file by --settings"),
            ]
        };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > LARGEST {
            return Err(vec![Fault::new(
                &place,
                format!("the settings have {size} bytes; the limit is {LARGEST}"),
            )]);
        }
        Self::parse(&place, &std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads the text of the file.
    pub fn parse(place: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let settings: Self = serde_saphyr::from_str(text).map_err(|error| {
            let at = error.location().map_or_else(String::new, |location| {
                format!(":{}:{}", location.line(), location.column())
            });
            vec![Fault::new(
                format!("{place}{at}"),
                Fault::quoting(&error.without_snippet().to_string()),
            )]
        })?;
        let mut faults = Vec::new();
        for (name, server) in &settings.servers {
            if let Err(message) = check_address(&server.url, server.send_everything_unencrypted) {
                faults.push(Fault::new(place, format!("`servers.{name}.url` {message}")));
            }
            if server.backend == Backend::Elasticsearch
                && matches!(server.administrator, Administrator::Role(_))
            {
                faults.push(
                    Fault::new(
                        place,
                        format!("`servers.{name}.administrator` is an AWS role, which Elasticsearch doesn't support"),
                    )
                    .hint("set `username` and `password`; or `backend: opensearch`, if it is a domain of Amazon OpenSearch Service"),
                );
            }
        }
        for (name, server) in &settings.kubernetes {
            let url = server.url.as_ref();
            if let Some(Err(message)) = url.map(|url| check_address(url, false)) {
                faults.push(Fault::new(
                    place,
                    format!("`kubernetes.{name}.url` {message}"),
                ));
            }
        }
        faults.extend(settings.aws.iter().flat_map(|aws| aws.check(place)));
        if faults.is_empty() {
            Ok(settings)
        } else {
            Err(faults)
        }
    }

    /// The server that a cluster's destination is.
    pub fn server_of(&self, cluster: &str, destination: &str) -> Result<&str, Fault> {
        let serving = self.servers.iter().filter(|(_, server)| {
            let mut all = server.serves.iter();
            all.any(|serves| serves.matches(cluster, destination))
        });
        let names: Vec<&str> = serving.map(|(name, _)| name.as_str()).collect();
        match names[..] {
            [name] => Ok(name),
            [] => Err(Fault::new(
                format!("rendered/{cluster}/elasticsearch/{destination}"),
                format!("no server is configured for the destination `{destination}` of `{cluster}`"),
            )
            .hint("add it to `serves` of a server in the settings")),
            [first, second, ..] => Err(Fault::new(
                format!("rendered/{cluster}/elasticsearch/{destination}"),
                format!(
                    "the destination `{destination}` of `{cluster}` is served by `{first}` and by `{second}`"
                ),
            )
            .hint("list the clusters of each in `serves.clusters`")),
        }
    }

    /// The store of a cluster's credentials.
    pub fn store_of(&self, cluster: &str) -> Result<&str, Fault> {
        let matching = self.secret_stores.iter().filter(|(_, store)| {
            store
                .clusters
                .as_ref()
                .is_none_or(|all| all.contains(cluster))
        });
        let names: Vec<&str> = matching.map(|(name, _)| name.as_str()).collect();
        match names[..] {
            [name] => Ok(name),
            [] => Err(Fault::new(
                cluster,
                "no secret store is configured for this cluster's credentials",
            )
            .hint("add one to `secret_stores` in the settings, or leave credentials out with --only index")),
            [first, second, ..] => Err(Fault::new(
                cluster,
                format!("its credentials would be in the stores `{first}` and `{second}`"),
            )
            .hint("list the clusters of each in `secret_stores.….clusters`")),
        }
    }
}

/// Sees that nothing secret is sent in plain text by accident, nor part of the address.
pub(crate) fn check_address(url: &str, may_be_unencrypted: bool) -> Result<(), String> {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else {
        return Err("isn't an address".to_owned());
    };
    let Some(host) = uri.host() else {
        return Err("has no host".to_owned());
    };
    if uri
        .authority()
        .is_some_and(|all| all.as_str().contains('@'))
    {
        return Err("holds a credential; set `administrator` instead".to_owned());
    }
    if uri.query().is_some() {
        return Err("has a query".to_owned());
    }
    match uri.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if is_loopback(host) || may_be_unencrypted => Ok(()),
            Some("http") => Err(
                "is `http:`, so that passwords would be sent in plain text; use `https:`, or set `send_everything_unencrypted: true`".to_owned(),
            ),
            _ => Err("must begin with `https://`".to_owned()),
        }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "
servers:
  production:
    url: https://search.example.com
    backend: opensearch
    serves:
      - { destination: main, clusters: [alpha] }
      - destination: audit
    administrator: { username: reconciler, password: { file: password } }
  other:
    url: http://127.0.0.1:9200
    backend: elasticsearch
    serves: [{ destination: audit }]
    administrator:
      username: reconciler
      password:
        variable: PASSWORD
secret_stores:
  account:
    aws_secrets_manager: { region: eu-central-1 }
";

    fn parse(text: &str) -> Result<Settings, Vec<Fault>> {
        Settings::parse("settings.yaml", text)
    }

    #[test]
    fn a_destination_has_exactly_one_server() {
        let settings = parse(EXAMPLE).expect("it is right");
        assert_eq!(settings.server_of("alpha", "main"), Ok("production"));
        assert_eq!(settings.store_of("alpha"), Ok("account"));
        let none = settings.server_of("beta", "main").expect_err("none");
        assert!(none.message.contains("no server is configured"), "{none}");
        let two = settings.server_of("beta", "audit").expect_err("two");
        assert!(two.message.contains("`other` and by `production`"), "{two}");
    }

    #[test]
    fn plain_text_and_credentials_in_addresses_are_refused() {
        for (address, told) in [
            ("http://search.example.com", "plain text"),
            ("http://localhost.example.com", "plain text"),
            ("https://a:b@search.example.com", "holds a credential"),
            ("ftp://search.example.com", "must begin with"),
            ("https://search.example.com/?a=b", "has a query"),
        ] {
            let text = EXAMPLE.replace("https://search.example.com", address);
            let faults = parse(&text).expect_err(address);
            assert!(faults[0].message.contains(told), "{faults:?}");
            assert!(!faults[0].message.contains("a:b"), "{faults:?}");
        }
    }

    #[test]
    fn an_administrator_is_a_user_or_a_role() {
        let user = "administrator: { username: reconciler, password: { file: password } }";
        let with = |administrator: &str| parse(&EXAMPLE.replace(user, administrator));
        let role = "administrator: { aws_sigv4: { region: eu-central-1 } }";
        let settings = with(role).expect("it is right");
        let administrator = &settings.servers["production"].administrator;
        assert!(matches!(administrator, Administrator::Role(role) if role.role_arn.is_none()));
        for wrong in [
            "administrator: { username: reconciler }",
            "administrator: { username: a, password: { file: b }, aws_sigv4: { region: c } }",
        ] {
            let faults = with(wrong).expect_err(wrong);
            assert!(
                faults[0].message.contains("either `username`"),
                "{faults:?}"
            );
        }
        let text = EXAMPLE.replace(user, role);
        let faults = parse(&text.replace("backend: opensearch", "backend: elasticsearch"))
            .expect_err("Elasticsearch");
        assert!(faults[0].message.contains("doesn't support"), "{faults:?}");
    }

    #[test]
    fn an_api_server_has_a_token_or_is_of_eks() {
        let with = |server: &str| parse(&format!("{EXAMPLE}kubernetes: {{ alpha: {server} }}"));
        let settings = with("{ eks: { name: a, region: eu-central-1 } }").expect("it is right");
        let alpha = &settings.kubernetes["alpha"];
        assert!(alpha.url.is_none() && matches!(alpha.sign_in, SignIn::Eks(_)));
        for wrong in [
            "{ url: \"https://a.example.com\" }",
            "{ token: { variable: A } }",
            "{ url: \"https://a.example.com\", token: { variable: A }, eks: { name: a, region: b } }",
        ] {
            let faults = with(wrong).expect_err(wrong);
            assert!(
                faults[0].message.contains("either `url` and `token`"),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let faults =
            parse(&EXAMPLE.replace("backend: opensearch", "backend: solr")).expect_err("x");
        assert!(
            faults[0].place.starts_with("settings.yaml:5:"),
            "{faults:?}"
        );
        let faults = parse(&EXAMPLE.replace("backend:", "back_end:")).expect_err("unknown");
        assert!(faults[0].message.contains("back_end"), "{faults:?}");
    }
}
