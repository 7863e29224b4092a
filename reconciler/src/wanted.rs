//! The wanted step: of each server, what it is to hold. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::authentication::{FILE, KubernetesSecret, Method};
use logfleet_contract::index::{Kind, ObjectPath};
use logfleet_contract::rendered::{Destination, RenderedCluster};
use logfleet_contract::secrets::SecretReference;
use serde_json::Value;

use crate::checkout::Checkout;
use crate::credential::{CredentialName, Form, Layout};
use crate::fault::Fault;
use crate::settings::Settings;

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
    /// Credentials, whose users or API keys are made here.
    pub credentials: BTreeMap<CredentialName, WantedCredential>,
    /// Credentials that others make, and why.
    pub others: BTreeMap<CredentialName, &'static str>,
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
    /// The rendered user. Two users alternate, or two API keys; this is the name of the first.
    pub user: ObjectPath,
    /// The body of both, without the password; of API keys the role that they have.
    pub body: Value,
    /// How the secret is written.
    pub layout: Layout,
    /// The secret's name in its store.
    pub secret: String,
    /// The store's name in the settings.
    pub store: String,
    /// The certificates that sign the server's, in PEM, where it has its own.
    pub ca_certificate: Option<String>,
    /// The Secret of Kubernetes that it is written to.
    pub kubernetes: Option<KubernetesSecret>,
    /// The data streams that it may write to, sorted; a marker in the first is the proof that it works.
    pub streams: Vec<String>,
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
                format!("is rendered for {rendered}, but the server `{name}` is {backend}"),
            )
            .hint("correct `backend` of the server in the settings, or `backend` of the destination in clusters/"));
        }
        let server = wanted.servers.entry(name.to_owned()).or_default();
        for object in &self.destination.objects {
            let path = object.path.clone();
            if path.kind.secret_field().is_some() {
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
                        "differs from the file of the same name of {}, which uses the same server",
                        others.join(", ")
                    ),
                )
                .hint("give the clusters names that differ in more than `-` and `.`; two destinations of one cluster can't be the same server"));
            }
            there.clusters.insert(self.cluster.to_owned());
        }
        if !self.scope.has_credentials() {
            return Ok(());
        }
        let key = CredentialName::new(self.cluster, self.name);
        match self.credential()? {
            Making::Here(credential) => {
                server.credentials.insert(key, *credential);
            }
            Making::Others(why) => {
                server.others.insert(key, why);
            }
            Making::None => {}
        }
        Ok(())
    }

    /// The credential, by what the cluster's shippers are told.
    fn credential(&self) -> Result<Making, Fault> {
        let told = self.rendered.authentication.as_ref();
        let Some(told) = told.and_then(|told| told.destinations.get(self.name)) else {
            let mut objects = self.destination.objects.iter();
            return match objects.find(|object| object.path.kind.secret_field().is_some()) {
                Some(object) => Err(self.untold(&object.path.name)),
                None => Ok(Making::None),
            };
        };
        let (form, kinds) = match told.r#type {
            Method::Basic => (Form::User, [Kind::User, Kind::OpensearchUser]),
            Method::ApiKey => (Form::ApiKey, [Kind::Role, Kind::OpensearchRole]),
            Method::ClientCertificate => {
                return Ok(Making::Others(
                    "client certificates are issued by your own CA",
                ));
            }
            Method::AwsSigv4 => return Ok(Making::None),
        };
        let secret = match &told.secret {
            Some(SecretReference::SecretsManager(name)) => name.clone(),
            _ => {
                return Ok(Making::Others(
                    "its secret is a Kubernetes Secret that you manage yourself",
                ));
            }
        };
        let mut objects = self.destination.objects.iter();
        let body = objects
            .find(|object| kinds.contains(&object.path.kind) && object.path.name == told.writer)
            .ok_or_else(|| self.untold(&told.writer))?;
        let own = Layout::of(form);
        let key = |name: &str| told.key(name, &format!("{name}_in")).to_owned();
        let layout = Layout {
            form,
            identifier: key(&own.identifier),
            value: key(&own.value),
        };
        let user = match form {
            Form::User => body.path.kind,
            Form::ApiKey => Kind::User,
        };
        Ok(Making::Here(Box::new(WantedCredential {
            user: ObjectPath {
                kind: user,
                name: told.writer.clone(),
            },
            body: body.content.clone(),
            layout,
            secret,
            ca_certificate: self
                .rendered
                .certificates(self.name)
                .map(|pem| String::from_utf8_lossy(pem).into_owned()),
            store: self.settings.store_of(self.cluster)?.to_owned(),
            kubernetes: told.kubernetes.clone(),
            streams: self.written(&told.writer),
        })))
    }

    /// The data streams that a role may write to: those that the cluster feeds no more aren't among them.
    fn written(&self, writer: &str) -> Vec<String> {
        let objects = || self.destination.objects.iter();
        let mut names = BTreeSet::new();
        for role in objects().filter(|object| object.path.name == writer) {
            let (list, field) = match role.path.kind {
                Kind::Role => ("indices", "names"),
                Kind::OpensearchRole => ("index_permissions", "index_patterns"),
                _ => continue,
            };
            let grants = role.content[list].as_array().into_iter().flatten();
            let granted = grants.filter_map(|grant| grant[field].as_array()).flatten();
            names.extend(granted.filter_map(Value::as_str));
        }
        let streams = objects().filter(|object| object.path.kind == Kind::DataStream);
        let streams = streams.map(|object| object.path.name.clone());
        streams
            .filter(|name| names.contains(name.as_str()))
            .collect()
    }

    /// What is rendered of a credential doesn't fit together.
    fn untold(&self, writer: &str) -> Fault {
        Fault::new(
            format!("rendered/{}/{FILE}", self.cluster),
            format!(
                "doesn't match the files in elasticsearch/{}/ for `{writer}`",
                self.name
            ),
        )
        .hint("render the cluster with this release; your own templates must render both")
    }
}

/// Who makes a credential.
enum Making {
    /// The reconciler.
    Here(Box<WantedCredential>),
    /// Somebody else, and why.
    Others(&'static str),
    /// There is none.
    None,
}
