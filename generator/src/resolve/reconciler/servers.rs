//! The servers of a fleet: each once, whichever clusters have it as a destination. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::FleetCluster;
use super::super::address::{Address, ServerKey};
use super::super::problem::Problems;
use super::cluster::ReconciledDomain;
use super::{MountedKey, SECRETS};
use crate::sentence::list;
use crate::settings::{Backend, Reconciler};

/// Who signs in at a server, unless the settings say otherwise.
const ADMINISTRATOR: &str = "logfleet-reconciler";

/// A server that the reconciler signs in at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedReconcilerServer {
    /// Its name in plans.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// What runs there.
    pub backend: Backend,
    /// Whether everything is sent in plain text.
    pub unencrypted: bool,
    /// The PEM file of its authorities, beside the settings.
    pub certificate_authority: Option<String>,
    /// The administrator's name, if it is a user.
    pub username: String,
    /// The Secret with the administrator's password.
    pub password: MountedKey,
    /// The role that is the administrator instead, at a domain of Amazon OpenSearch Service.
    pub administrator_role: Option<AdministratorRole>,
    /// Seconds that a request may take.
    pub timeout_seconds: u16,
    /// Which clusters have it as which destination.
    pub serves: Vec<Serves>,
}

/// A role of AWS that administers a domain of Amazon OpenSearch Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdministratorRole {
    /// The domain's Region.
    pub region: String,
    /// The role to assume; none for the pods' own.
    pub role_arn: Option<String>,
    /// The domain's API.
    pub domain_arn: String,
}

/// A destination of clusters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Serves {
    /// Its name.
    pub destination: String,
    /// The clusters, sorted.
    pub clusters: BTreeSet<String>,
}

/// A file of authorities that is copied beside the reconciler's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedAuthority {
    /// The paths below `clusters/`; a server may have several while its authority is replaced.
    pub from: BTreeSet<String>,
    /// The name of the copy.
    pub to: String,
}

/// A server as it is put together.
struct Found {
    address: Address,
    backend: Backend,
    authorities: BTreeSet<String>,
    serves: BTreeMap<String, BTreeSet<String>>,
    domain: Option<ReconciledDomain>,
}

/// Finds the servers, sorted by name, and the authorities that are copied.
pub(super) fn resolve(
    own: &Reconciler,
    clusters: &[&FleetCluster],
    problems: &mut Problems,
) -> (Vec<ResolvedReconcilerServer>, Vec<CopiedAuthority>) {
    let mut found = find(clusters, problems);
    for (name, settings) in &own.servers {
        let setting = ["reconciler", "servers", name.as_str()];
        let is_live = found.contains_key(name.as_str());
        match &settings.former {
            Some(_) if is_live => problems.push(
                &[&setting[..], &["former"]].concat(),
                "destinations of clusters say where this server is",
                "remove `former`",
            ),
            Some(former) => {
                let address = Address::parse(former.url.as_str());
                if address.scheme != "https" {
                    problems.push(
                        &[&setting[..], &["former", "url"]].concat(),
                        "this address is not encrypted",
                        "write `https:`",
                    );
                }
                found.insert(
                    name.to_string(),
                    Found {
                        address,
                        backend: former.backend,
                        authorities: former
                            .ca_certificate
                            .iter()
                            .map(ToString::to_string)
                            .collect(),
                        serves: BTreeMap::new(),
                        domain: None,
                    },
                );
            }
            None if !is_live => {
                let names: Vec<&str> = found.keys().map(String::as_str).collect();
                problems.push(
                    &setting,
                    format!("no destination is the server `{name}`"),
                    if names.is_empty() {
                        "remove it, or say in `former` where it is".to_owned()
                    } else {
                        format!("servers: {}; or say in `former` where it is", list(&names))
                    },
                );
            }
            None => {}
        }
    }
    let authorities = found
        .iter()
        .filter(|(_, server)| !server.authorities.is_empty())
        .map(|(name, server)| CopiedAuthority {
            from: server.authorities.clone(),
            to: authority_file(name),
        })
        .collect();
    let servers = found.into_iter().enumerate();
    let servers = servers.map(|(number, (name, server))| server.into_resolved(number, name, own));
    (servers.collect(), authorities)
}

fn find(clusters: &[&FleetCluster], problems: &mut Problems) -> BTreeMap<String, Found> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut names: BTreeMap<ServerKey, String> = BTreeMap::new();
    for cluster in clusters {
        let of_cluster = &cluster.cluster.name;
        for destination in &cluster.reconciled.destinations {
            let address = Address {
                scheme: destination.scheme.clone(),
                host: destination.host.clone(),
                port: destination.port,
                path: destination.path.clone(),
            };
            let name = name_of(&address);
            let key = address.server();
            if !destination.verify {
                problems.push(
                    &["reconciler", "enabled"],
                    format!("the destination `{}` of `{of_cluster}` accepts any certificate, and an administrator's password isn't sent to an unverified server", destination.name),
                    "name the authority in its `tls.ca_certificate`, and remove `accept_any_certificate`",
                );
            }
            let is_taken = names.iter().any(|(other, of)| *of == name && *other != key);
            if is_taken {
                problems.push(
                    &["reconciler", "enabled"],
                    format!("two servers would both be called `{name}` in plans; one of them is the destination `{}` of `{of_cluster}`", destination.name),
                    "give one of them an address that differs in letters and digits",
                );
                continue;
            }
            names.insert(key, name.clone());
            let server = found.entry(name.clone()).or_insert_with(|| Found {
                address,
                backend: destination.backend,
                authorities: BTreeSet::new(),
                serves: BTreeMap::new(),
                domain: None,
            });
            if server.domain.is_none() {
                server.domain.clone_from(&destination.domain);
            }
            if server.backend != destination.backend {
                problems.push(
                    &["reconciler", "enabled"],
                    format!(
                        "the server `{name}` is {} for some clusters and {} for `{of_cluster}`",
                        server.backend, destination.backend
                    ),
                    "correct `backend` of the destination",
                );
            }
            server.authorities.extend(destination.authority.clone());
            let clusters = server.serves.entry(destination.name.clone()).or_default();
            clusters.insert(of_cluster.clone());
        }
    }
    found
}

impl Found {
    fn into_resolved(
        self,
        number: usize,
        name: String,
        own: &Reconciler,
    ) -> ResolvedReconcilerServer {
        let settings = own
            .servers
            .iter()
            .find_map(|(of, settings)| (of.as_str() == name).then_some(settings));
        let address = &self.address;
        let secret = settings.and_then(|own| own.secret.as_ref());
        let username = settings.and_then(|own| own.username.as_ref());
        let key = settings.and_then(|own| own.password_in.as_ref());
        let is_user = secret.is_some() || username.is_some();
        let domain = self.domain.as_ref().filter(|_| !is_user);
        let role_arn = settings.and_then(|own| own.role_arn.as_ref());
        ResolvedReconcilerServer {
            url: url_of(address),
            port: address.port,
            backend: self.backend,
            unencrypted: address.scheme == "http",
            certificate_authority: (!self.authorities.is_empty()).then(|| authority_file(&name)),
            username: username.map_or_else(|| ADMINISTRATOR.to_owned(), ToString::to_string),
            password: MountedKey {
                // A volume's name has no dot and at most 63 characters.
                volume: format!("administrator-{number}"),
                secret: secret.map_or_else(
                    || format!("logfleet-administrator-{name}"),
                    |secret| secret.name().to_owned(),
                ),
                key: key.map_or_else(|| "password".to_owned(), ToString::to_string),
                folder: format!("{SECRETS}/servers/{name}"),
            },
            administrator_role: domain.map(|domain| AdministratorRole {
                region: domain.region.clone(),
                role_arn: role_arn.map(ToString::to_string),
                domain_arn: domain.arn(),
            }),
            timeout_seconds: settings.and_then(|own| own.timeout_seconds).unwrap_or(60),
            serves: self
                .serves
                .into_iter()
                .map(|(destination, clusters)| Serves {
                    destination,
                    clusters,
                })
                .collect(),
            name,
        }
    }
}

fn authority_file(name: &str) -> String {
    format!("authorities-{name}.pem")
}

fn url_of(address: &Address) -> String {
    let Address {
        scheme,
        host,
        port,
        path,
    } = address;
    let port = if *port == default_port(scheme) {
        String::new()
    } else {
        format!(":{port}")
    };
    format!("{scheme}://{host}{port}{path}")
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// A server's name: its host, its port where that isn't the scheme's own, and its path; as a name of Kubernetes.
fn name_of(address: &Address) -> String {
    let url = url_of(address);
    let written = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = written.chars().map(fits).collect();
    let parts = name.split('.').map(|part| part.trim_matches('-'));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(".")
}
