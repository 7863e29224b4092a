//! The wanted step: of each server, what it is to hold. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::forwarder::Authentication;
use logfleet_contract::index::{Kind, ObjectPath};
use logfleet_contract::names;
use logfleet_contract::rendered::{Destination, RenderedCluster};
use serde_json::Value;

use crate::credential::CredentialName;
use crate::fault::Fault;
use crate::settings::Settings;
use crate::source::Checkout;

/// What all servers are to hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// By the servers' names in the settings.
    pub servers: BTreeMap<String, WantedServer>,
    /// Every cluster that is rendered, whether or not it is looked at.
    pub clusters: BTreeSet<String>,
}

/// What one server is to hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WantedServer {
    /// Objects, without the users of clusters.
    pub objects: BTreeMap<ObjectPath, WantedObject>,
    /// Credentials, whose users are made here.
    pub credentials: BTreeMap<CredentialName, WantedCredential>,
}

/// An object and who needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedObject {
    /// The body.
    pub content: Value,
    /// The clusters that render it.
    pub clusters: BTreeSet<String>,
}

/// A credential of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedCredential {
    /// The rendered user. Two users alternate; this is the name of the first.
    pub user: ObjectPath,
    /// The body of both, without the password.
    pub body: Value,
    /// The secret's name in its store.
    pub secret: String,
    /// The store's name in the settings.
    pub store: String,
    /// The certificates that sign the server's, in PEM, where it has its own.
    pub ca_certificate: Option<String>,
    /// The data stream that a marker is written to, as a proof.
    pub proof: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Objects and credentials.
    #[default]
    Everything,
    /// Objects alone.
    Index,
    /// Credentials alone.
    Credentials,
    /// AWS alone.
    Aws,
}

impl Scope {
    /// Whether objects are looked at.
    pub fn has_objects(self) -> bool {
        matches!(self, Self::Everything | Self::Index)
    }

    /// Whether credentials are.
    pub fn has_credentials(self) -> bool {
        matches!(self, Self::Everything | Self::Credentials)
    }

    /// Whether servers are looked at.
    pub fn has_servers(self) -> bool {
        self != Self::Aws
    }

    /// Whether AWS is looked at, where the settings say how.
    pub fn has_aws(self) -> bool {
        matches!(self, Self::Everything | Self::Aws)
    }
}

impl Wanted {
    /// Sorts what is rendered by servers, or tells everything that doesn't fit.
    pub fn of(checkout: &Checkout, settings: &Settings, scope: Scope) -> Result<Self, Vec<Fault>> {
        let mut wanted = Self {
            clusters: checkout.clusters.keys().cloned().collect(),
            ..Self::default()
        };
        for server in settings.servers.keys() {
            wanted
                .servers
                .insert(server.clone(), WantedServer::default());
        }
        let mut faults = Vec::new();
        if !scope.has_servers() {
            return Ok(wanted);
        }
        for (cluster, rendered) in &checkout.clusters {
            for (name, destination) in &rendered.destinations {
                let added = Adding {
                    cluster,
                    rendered,
                    name,
                    destination,
                    settings,
                    scope,
                }
                .add_to(&mut wanted);
                faults.extend(added.err());
            }
        }
        faults.sort();
        if faults.is_empty() {
            Ok(wanted)
        } else {
            Err(faults)
        }
    }
}

/// A cluster's destination on its way into [`Wanted`].
struct Adding<'a> {
    cluster: &'a str,
    rendered: &'a RenderedCluster,
    name: &'a str,
    destination: &'a Destination,
    settings: &'a Settings,
    scope: Scope,
}

impl Adding<'_> {
    fn add_to(&self, wanted: &mut Wanted) -> Result<(), Fault> {
        let name = self.settings.server_of(self.cluster, self.name)?;
        let place = || format!("rendered/{}/elasticsearch/{}", self.cluster, self.name);
        let backend = self.settings.servers[name].backend;
        if let Some(rendered) = self.destination.backend
            && rendered != backend
        {
            return Err(Fault::new(
                place(),
                format!("is rendered for {rendered}, and the server `{name}` is {backend}"),
            )
            .hint("correct `backend` of the server in the settings, or `backend` of the destination in clusters/"));
        }
        let server = wanted.servers.entry(name.to_owned()).or_default();
        for object in &self.destination.objects {
            let path = object.path.clone();
            if path.kind.secret_field().is_some() {
                if self.scope.has_credentials() {
                    let credential = self.credential(path, &object.content)?;
                    let key = CredentialName::new(self.cluster, self.name);
                    if server.credentials.insert(key, credential).is_some() {
                        return Err(Fault::new(place(), "holds more than one user")
                            .hint("a cluster has one user for each destination"));
                    }
                }
                continue;
            }
            if !self.scope.has_objects() {
                continue;
            }
            let there = server
                .objects
                .entry(path.clone())
                .or_insert_with(|| WantedObject {
                    content: object.content.clone(),
                    clusters: BTreeSet::new(),
                });
            if there.content != object.content {
                let others: Vec<&str> = there.clusters.iter().map(String::as_str).collect();
                return Err(Fault::new(
                    format!("{}/{}", place(), path.file()),
                    format!(
                        "differs from the file of the same name of {}, which has the same server",
                        others.join(", ")
                    ),
                )
                .hint("give the clusters names that differ in more than `-` and `.`"));
            }
            there.clusters.insert(self.cluster.to_owned());
        }
        Ok(())
    }

    fn credential(&self, user: ObjectPath, body: &Value) -> Result<WantedCredential, Fault> {
        let streams = self.destination.objects.iter();
        let mut streams = streams.filter(|object| object.path.kind == Kind::DataStream);
        Ok(WantedCredential {
            user,
            body: body.clone(),
            secret: self.secret()?,
            ca_certificate: self
                .rendered
                .certificates(self.name)
                .map(|pem| String::from_utf8_lossy(pem).into_owned()),
            store: self.settings.store_of(self.cluster)?.to_owned(),
            proof: streams.next().map(|object| object.path.name.clone()),
        })
    }

    /// The secret's name: what the forwarder is told, and otherwise the default. An `ExternalSecret` that
    /// names another one is a fault, since the shippers would wait for it for ever.
    fn secret(&self) -> Result<String, Fault> {
        let stacks = self.rendered.stacks.values();
        let mut told = stacks.filter_map(|stack| {
            let forwarder = stack.forwarder.as_ref()?;
            match &forwarder
                .configuration
                .destinations
                .get(self.name)?
                .authentication
            {
                Authentication::Basic { secret } => Some(secret.clone()),
                _ => None,
            }
        });
        let secret = told
            .next()
            .unwrap_or_else(|| names::secrets_manager(self.cluster, self.name));
        let path = format!("kubernetes/credentials/{}.yaml", self.name);
        let external = self.rendered.kubernetes.get(path.as_str());
        let quoted = format!("key: {}", Value::from(secret.as_str()));
        if external.is_some_and(|bytes| !String::from_utf8_lossy(bytes).contains(&quoted)) {
            return Err(Fault::new(
                format!("rendered/{}/{path}", self.cluster),
                format!("doesn't fetch the secret `{secret}`, which is where the credential would be stored"),
            )
            .hint("leave `authentication.secret` of the destination at its default, or set it to a name in AWS Secrets Manager and enable a source of AWS"));
        }
        Ok(secret)
    }
}
