//! Everything that is rendered for a cluster, for the whole fleet, or for
//! accounts, read back into types. Pure.
//!
//! # What is typed, and what is bytes
//! Typed is what a reconciler has to decide something by: the ownership file,
//! the API objects, the templates of CloudFormation with the forwarder in
//! them, and the fragments of members. Bytes are what somebody else takes as
//! it is: Kubernetes' files are Argo CD's, Flux's or `kubectl`'s, a machine's files are
//! delivered by `machines/stack.json` or by hand, and to read them would take a
//! parser of YAML.
//!
//! # Files of a fleet's own
//! A fleet's own templates may add any file. Below `elasticsearch/` it must be
//! an API object, since it would be sent; elsewhere it is carried as bytes,
//! with the folder that it is in, and a folder that no built-in template has is
//! [`Place::Other`]. A file that the ownership file doesn't list was not
//! rendered: it is named as foreign, and not read.

mod account;
mod place;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account::{self as shared, Registration};
use crate::authentication::{Authentication, AuthenticationError};
use crate::folder;
use crate::index::{Object, ObjectError};
use crate::members::Fragment;
use crate::ownership::{Digest, Ownership, OwnershipError};
use crate::server::Backend;
use crate::stack::{self, Forwarder, ResourceFault};
use crate::tree::{RenderedTree, TreePath};

pub use account::{AccountPlace, AccountRegion, RenderedAccounts};
pub use place::{KubernetesFile, Place};

/// Files by their paths below the cluster's folder.
pub type Files = BTreeMap<TreePath, Vec<u8>>;

/// Everything that is rendered for one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedCluster {
    /// What `gen` wrote, and when it was which release.
    pub ownership: Ownership,
    /// As whom its shippers write; none where they write to no server.
    pub authentication: Option<Authentication>,
    /// The index side, by destination.
    pub destinations: BTreeMap<String, Destination>,
    /// Stacks of CloudFormation, by Region.
    pub stacks: BTreeMap<String, RegionStack>,
    /// The stack that keeps the machines' shippers up to date.
    pub machines_stack: Option<Value>,
    /// What members of the resource group get, by the fragments' names.
    pub fragments: BTreeMap<String, Fragment>,
    /// What is applied in the cluster.
    pub kubernetes: Files,
    /// What machines get, by role.
    pub machines: BTreeMap<String, Files>,
    /// Objects of Argo CD or Flux.
    pub gitops: Files,
    /// Files that only a fleet's own templates make.
    pub other: Files,
    /// Files that `gen` didn't write.
    pub foreign: Vec<TreePath>,
}

/// The index side of one destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Destination {
    /// The server; none if there are only objects that both servers have.
    pub backend: Option<Backend>,
    /// The objects, in the order in which they are applied where none is
    /// there: by kind, then by name.
    pub objects: Vec<Object>,
}

/// The stack of one Region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionStack {
    /// The template, as it is deployed.
    pub template: Value,
    /// Its forwarder.
    pub forwarder: Option<Forwarder>,
    /// What registers the cluster with its account; in one Region's stack only.
    pub registration: Option<Registration>,
}

/// Everything that is rendered once for the whole fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedFleet {
    /// What `gen` wrote.
    pub ownership: Ownership,
    /// Objects of Argo CD or Flux.
    pub gitops: Files,
    /// What runs the reconciler in a cluster, its settings, and the stacks of its roles.
    pub reconciler: Files,
    /// Files that only a fleet's own templates make.
    pub other: Files,
    /// Files that `gen` didn't write.
    pub foreign: Vec<TreePath>,
}

/// What is wrong with a rendered file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ReadFault {
    /// Its path below the folder that was read.
    pub path: String,
    /// What is wrong.
    pub problem: ReadProblem,
}

/// What can be wrong with a rendered file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum ReadProblem {
    /// The ownership file is missing: nothing tells what `gen` wrote.
    #[error("the ownership file is missing")]
    Unowned,
    /// The ownership file is of no use.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
    /// The ownership file is another folder's.
    #[error("the ownership file is that of `{0}`; was the folder copied?")]
    Copied(String),
    /// A run of `gen` was interrupted.
    #[error("`gen render` was interrupted here; run it again")]
    Unfinished,
    /// The file is missing.
    #[error("the file is missing")]
    Missing,
    /// The file's bytes aren't those that were written.
    #[error("the file was changed after it was rendered")]
    Changed,
    /// It is no API object.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// It doesn't say as whom shippers write.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// It belongs to another server than its destination's other objects.
    #[error("this is an object of {0}, and others of this destination are of {1}")]
    Mixed(Backend, Backend),
    /// It isn't JSON of the right form.
    #[error("{0}")]
    Json(String),
    /// A resource of the template is wrong.
    #[error(transparent)]
    Resource(#[from] ResourceFault),
}

impl RenderedCluster {
    /// Reads all files of `rendered/<cluster>/`, the ownership file among
    /// them. All faults are returned together, sorted by path.
    pub fn read(cluster: &str, tree: RenderedTree) -> Result<Self, Vec<ReadFault>> {
        let mut faults = Vec::new();
        let Some((ownership, files, foreign)) = owned(cluster, tree, &mut faults) else {
            return Err(faults);
        };
        let mut read = Self {
            ownership,
            authentication: None,
            destinations: BTreeMap::new(),
            stacks: BTreeMap::new(),
            machines_stack: None,
            fragments: BTreeMap::new(),
            kubernetes: Files::new(),
            machines: BTreeMap::new(),
            gitops: Files::new(),
            other: Files::new(),
            foreign,
        };
        for (path, bytes) in files {
            let text = path.to_string();
            let found = read.file(path, bytes);
            faults.extend(found.into_iter().map(|problem| fault(&text, problem)));
        }
        for (name, destination) in &mut read.destinations {
            destination.finish(name, &mut faults);
        }
        finish(read, faults)
    }

    /// Puts a file where it belongs.
    fn file(&mut self, path: TreePath, bytes: Vec<u8>) -> Vec<ReadProblem> {
        match Place::of(path.as_str()) {
            Err(error) => return vec![error.into()],
            Ok(Place::Object { destination, path }) => match Object::read(path, &bytes) {
                Ok(object) => {
                    let destination = self.destinations.entry(destination).or_default();
                    destination.objects.push(object);
                }
                Err(error) => return vec![error.into()],
            },
            Ok(Place::Stack { region }) => match region_stack(&bytes) {
                Ok(stack) => {
                    self.stacks.insert(region, stack);
                }
                Err(problems) => return problems,
            },
            Ok(Place::MachinesStack) => match serde_json::from_slice(&bytes) {
                Ok(template) => self.machines_stack = Some(template),
                Err(error) => return vec![json(&error)],
            },
            Ok(Place::Fragment { name }) => match serde_json::from_slice(&bytes) {
                Ok(fragment) => {
                    self.fragments.insert(name, fragment);
                }
                Err(error) => return vec![json(&error)],
            },
            Ok(Place::Authentication) => match Authentication::parse(&bytes) {
                Ok(authentication) => self.authentication = Some(authentication),
                Err(error) => return vec![error.into()],
            },
            Ok(Place::Kubernetes(_)) => {
                self.kubernetes.insert(path, bytes);
            }
            Ok(Place::Machine { role }) => {
                self.machines.entry(role).or_default().insert(path, bytes);
            }
            Ok(Place::Gitops) => {
                self.gitops.insert(path, bytes);
            }
            Ok(Place::Other | Place::Reconciler) => {
                self.other.insert(path, bytes);
            }
        }
        Vec::new()
    }

    /// The certificates that sign a destination's, if it has its own.
    pub fn certificates(&self, destination: &str) -> Option<&[u8]> {
        let path = format!("kubernetes/certificates/{destination}.pem");
        self.kubernetes.get(path.as_str()).map(Vec::as_slice)
    }
}

impl Destination {
    /// Sorts the objects, and sees that one server takes them all.
    fn finish(&mut self, name: &str, faults: &mut Vec<ReadFault>) {
        self.objects.sort_by(|one, other| one.path.cmp(&other.path));
        for object in &self.objects {
            let own = object.path.kind.backend();
            match (self.backend, own) {
                (Some(backend), Some(own)) if backend != own => {
                    let path = format!("elasticsearch/{name}/{}", object.path.file());
                    faults.push(fault(&path, ReadProblem::Mixed(own, backend)));
                }
                _ => self.backend = self.backend.or(own),
            }
        }
    }
}

impl RenderedFleet {
    /// Reads all files of `rendered/_fleet/`, the ownership file among them.
    pub fn read(tree: RenderedTree) -> Result<Self, Vec<ReadFault>> {
        let mut faults = Vec::new();
        let Some((ownership, files, foreign)) = owned(folder::FLEET, tree, &mut faults) else {
            return Err(faults);
        };
        let (mut gitops, mut reconciler, mut other) = (Files::new(), Files::new(), Files::new());
        for (path, bytes) in files {
            let place = match Place::of(path.as_str()) {
                Ok(Place::Gitops) => &mut gitops,
                Ok(Place::Reconciler) => &mut reconciler,
                _ => &mut other,
            };
            place.insert(path, bytes);
        }
        let read = Self {
            ownership,
            gitops,
            reconciler,
            other,
            foreign,
        };
        finish(read, faults)
    }
}

/// The ownership file, the files that it lists, and the paths of others.
fn owned(
    cluster: &str,
    tree: RenderedTree,
    faults: &mut Vec<ReadFault>,
) -> Option<(Ownership, Files, Vec<TreePath>)> {
    let mut told = |problem| faults.push(fault(folder::OWNERSHIP_FILE, problem));
    let mut files = tree.0;
    let Some(text) = files.remove(folder::OWNERSHIP_FILE) else {
        told(ReadProblem::Unowned);
        return None;
    };
    let ownership = match Ownership::parse(&text) {
        Ok(ownership) => ownership,
        Err(error) => {
            told(error.into());
            return None;
        }
    };
    if ownership.cluster != cluster {
        told(ReadProblem::Copied(ownership.cluster.clone()));
    }
    if !ownership.writing.is_empty() {
        told(ReadProblem::Unfinished);
    }
    for (path, digest) in &ownership.files {
        match files.get(path.as_str()) {
            None => faults.push(fault(path, ReadProblem::Missing)),
            Some(bytes) if Digest::of(bytes) != *digest => {
                faults.push(fault(path, ReadProblem::Changed));
            }
            Some(_) => {}
        }
    }
    let (own, foreign): (Files, Files) = files
        .into_iter()
        .partition(|(path, _)| ownership.files.contains_key(path.as_str()));
    Some((ownership, own, foreign.into_keys().collect()))
}

fn region_stack(bytes: &[u8]) -> Result<RegionStack, Vec<ReadProblem>> {
    let template = serde_json::from_slice(bytes).map_err(|error| vec![json(&error)])?;
    match (stack::forwarder(&template), shared::registration(&template)) {
        (Ok(forwarder), Ok(registration)) => Ok(RegionStack {
            template,
            forwarder,
            registration,
        }),
        (forwarder, registration) => {
            let faults = forwarder
                .err()
                .into_iter()
                .chain(registration.err())
                .flatten();
            Err(faults.map(ReadProblem::from).collect())
        }
    }
}

fn json(error: &serde_json::Error) -> ReadProblem {
    ReadProblem::Json(error.to_string())
}

fn fault(path: &str, problem: ReadProblem) -> ReadFault {
    ReadFault {
        path: path.to_owned(),
        problem,
    }
}

fn finish<T>(read: T, mut faults: Vec<ReadFault>) -> Result<T, Vec<ReadFault>> {
    if faults.is_empty() {
        return Ok(read);
    }
    faults.sort();
    Err(faults)
}

#[cfg(test)]
mod tests;
