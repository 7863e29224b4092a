//! The files that a fleet's outputs depend on, and which of them differ
//! between two roots. Does IO: it reads.
//!
//! A content goes by the id of git's blob, so that a commit's files needn't be
//! read to be compared.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::files::{CLUSTERS, OTHER_FOLDERS, TEMPLATES};
use super::root::{EntryKind, Root};
use crate::fault::Faults;

/// What a file is an input of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputOf {
    /// Every cluster: `clusters/fleet.yaml`.
    Fleet,
    /// The clusters of that environment.
    Environment(String),
    /// That cluster.
    Cluster(String),
    /// Every cluster: a template of the fleet's own.
    Template,
    /// The clusters whose settings name it, such as a certificate.
    Named,
}

impl InputOf {
    /// What the file of that path is an input of.
    pub fn path(path: &str) -> Self {
        let mut parts = path.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(TEMPLATES), ..) => Self::Template,
            (_, Some("fleet.yaml"), None) => Self::Fleet,
            (_, Some("environments"), Some(file)) => {
                Self::Environment(file.trim_end_matches(".yaml").to_owned())
            }
            (_, Some(cluster), Some("cluster.yaml" | "kubernetes")) => {
                Self::Cluster(cluster.to_owned())
            }
            _ => Self::Named,
        }
    }
}

/// The inputs of a fleet: path to the id of the content; none for what can't
/// be read, which is like nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(BTreeMap<String, Option<Oid>>);

impl Inputs {
    /// Finds all but the files that settings name. What can't be read is told
    /// when the fleet is loaded.
    pub fn find(root: &Root) -> Self {
        let entries = list(root, CLUSTERS);
        let clusters = entries.par_iter().filter_map(|(name, kind)| {
            let is_cluster = *kind == EntryKind::Folder && !OTHER_FOLDERS.contains(&name.as_str());
            is_cluster.then(|| cluster_paths(root, name))
        });
        let mut paths: Vec<String> = clusters.flatten_iter().collect();
        paths.push(format!("{CLUSTERS}/fleet.yaml"));
        paths.extend(files_in(root, &format!("{CLUSTERS}/environments")));
        paths.extend(template_paths(root));
        Self::of(root, paths)
    }

    /// The files of these paths, where they are.
    pub fn of(root: &Root, paths: Vec<String>) -> Self {
        let exists = |path: &String| root.exists(path);
        let found = paths.into_par_iter().filter(exists).map(|path| {
            let id = content_id(root, &path);
            (path, id)
        });
        Self(found.collect())
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The clusters that have one of their own, some of them more than once.
    pub fn clusters(&self) -> impl Iterator<Item = String> {
        self.0.keys().filter_map(|path| match InputOf::path(path) {
            InputOf::Cluster(name) => Some(name),
            _ => None,
        })
    }

    /// The paths whose contents are not the same in both, or that only one has.
    pub fn differences<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let same = |path: &str| match (self.0.get(path), other.0.get(path)) {
            (Some(Some(one)), Some(Some(two))) => one == two,
            _ => false,
        };
        let paths = self.0.keys().chain(other.0.keys()).map(String::as_str);
        paths.filter(|path| !same(path)).collect()
    }

    /// Whether there is a file of that path.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

fn content_id(root: &Root, path: &str) -> Option<Oid> {
    match root {
        Root::Commit(tree) => tree.content_id(path),
        Root::Folder(folder) => {
            let bytes = folder.read(path).ok()?;
            Oid::hash_object(ObjectType::Blob, &bytes).ok()
        }
    }
}

fn list(root: &Root, folder: &str) -> Vec<(String, EntryKind)> {
    let entries = root.list(folder, &mut Faults::new()).unwrap_or_default();
    let pairs = entries.into_iter().map(|entry| (entry.name, entry.kind));
    pairs.collect()
}

fn files_in(root: &Root, folder: &str) -> Vec<String> {
    let files = list(root, folder).into_iter();
    let files = files.filter(|(name, kind)| *kind == EntryKind::File && name.ends_with(".yaml"));
    files.map(|(name, _)| format!("{folder}/{name}")).collect()
}

fn cluster_paths(root: &Root, name: &str) -> Vec<String> {
    let mut paths = files_in(root, &format!("{CLUSTERS}/{name}/kubernetes"));
    paths.push(format!("{CLUSTERS}/{name}/cluster.yaml"));
    paths
}

/// Found as [`super::files`] reads them.
fn template_paths(root: &Root) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![TEMPLATES.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in root.list(&folder, &mut Faults::new()).unwrap_or_default() {
            let path = format!("{folder}/{}", entry.name);
            if entry.kind == EntryKind::Folder && !entry.is_link {
                folders.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths
}
