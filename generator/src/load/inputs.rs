//! The files that a fleet's outputs depend on, and which of them differ
//! between two roots. Does IO: it reads.
//!
//! A content goes by the id of git's blob, so that a commit's files needn't be
//! read to be compared.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;
use rayon::prelude::*;

use super::entry::{Entry, EntryKind};
use super::names::{CLUSTERS, FLEET_FILE, OTHER_FOLDERS, TEMPLATES};
use super::root::Root;
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
    /// What the file of that path is an input of where it stands, or a folder
    /// that can't be listed. Settings may name it as well, wherever it is.
    pub fn path(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            [TEMPLATES, ..] => Self::Template,
            [CLUSTERS] | [CLUSTERS, "fleet.yaml" | "environments"] => Self::Fleet,
            [CLUSTERS, "environments", file] => match file.strip_suffix(".yaml") {
                Some(environment) => Self::Environment(environment.to_owned()),
                None => Self::Named,
            },
            [CLUSTERS, folder, ..] if OTHER_FOLDERS.contains(folder) => Self::Named,
            [CLUSTERS, cluster, "cluster.yaml" | "kubernetes"] => {
                Self::Cluster((*cluster).to_owned())
            }
            [CLUSTERS, cluster, "kubernetes", file] if file.ends_with(".yaml") => {
                Self::Cluster((*cluster).to_owned())
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
    /// Finds all but the files that settings name. What can't be read is reported
    /// when the fleet is loaded.
    pub fn find(root: &Root) -> Self {
        let clusters = Listing::of(root, CLUSTERS);
        let folders = clusters
            .folders()
            .filter(|name| !OTHER_FOLDERS.contains(name));
        let folders: Vec<&str> = folders.collect();
        let mut found: Vec<Found> = folders
            .par_iter()
            .flat_map_iter(|name| find_of_cluster(root, name))
            .collect();
        found.extend(clusters.unlisted());
        found.push(Found::File(FLEET_FILE.to_owned()));
        found.extend(Listing::of(root, &format!("{CLUSTERS}/environments")).yaml_files());
        found.extend(find_templates(root));
        Self::read(root, found)
    }

    /// The files of these paths, where they are.
    pub fn of(root: &Root, paths: Vec<String>) -> Self {
        Self::read(root, paths.into_iter().map(Found::File).collect())
    }

    fn read(root: &Root, found: Vec<Found>) -> Self {
        let ids = found.into_par_iter().filter_map(|found| match found {
            Found::Unlisted(folder) => Some((folder, None)),
            Found::File(path) => root.exists(&path).then(|| {
                let id = content_id(root, &path);
                (path, id)
            }),
        });
        Self(ids.collect())
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Their paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
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
        Root::Folder(folder) => folder.content_id(path),
    }
}

/// What may be an input.
enum Found {
    File(String),
    /// A folder whose entries can't all be known, so that it is like no other.
    Unlisted(String),
}

/// The entries of a folder.
struct Listing {
    folder: String,
    entries: Vec<Entry>,
    is_whole: bool,
}

impl Listing {
    fn of(root: &Root, folder: &str) -> Self {
        let mut faults = Faults::new();
        let entries = root.list(folder, &mut faults).unwrap_or_default();
        Self {
            folder: folder.to_owned(),
            entries,
            is_whole: faults.is_empty(),
        }
    }

    fn folders(&self) -> impl Iterator<Item = &str> {
        let folders = self
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Folder);
        folders.map(|entry| entry.name.as_str())
    }

    fn unlisted(&self) -> Option<Found> {
        (!self.is_whole).then(|| Found::Unlisted(self.folder.clone()))
    }

    fn yaml_files(&self) -> Vec<Found> {
        let is_yaml =
            |entry: &&Entry| entry.kind == EntryKind::File && entry.name.ends_with(".yaml");
        let files = self.entries.iter().filter(is_yaml);
        let files = files.map(|entry| Found::File(format!("{}/{}", self.folder, entry.name)));
        files.chain(self.unlisted()).collect()
    }
}

fn find_of_cluster(root: &Root, name: &str) -> Vec<Found> {
    let mut found = Listing::of(root, &format!("{CLUSTERS}/{name}/kubernetes")).yaml_files();
    found.push(Found::File(format!("{CLUSTERS}/{name}/cluster.yaml")));
    found
}

/// Found as [`super::files`] reads them.
fn find_templates(root: &Root) -> Vec<Found> {
    let mut found = Vec::new();
    let mut folders = vec![TEMPLATES.to_owned()];
    while let Some(folder) = folders.pop() {
        let listing = Listing::of(root, &folder);
        found.extend(listing.unlisted());
        for entry in &listing.entries {
            let path = format!("{folder}/{}", entry.name);
            if entry.kind == EntryKind::Folder && !entry.is_link {
                folders.push(path);
            } else {
                found.push(Found::File(path));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_is_read_where_it_stands() {
        let cluster = |name: &str| InputOf::Cluster(name.to_owned());
        for (path, input) in [
            ("clusters/fleet.yaml", InputOf::Fleet),
            ("templates/kubernetes/a.yaml", InputOf::Template),
            (
                "clusters/environments/a.yaml.yaml",
                InputOf::Environment("a.yaml".to_owned()),
            ),
            ("clusters/environments/production.pem", InputOf::Named),
            ("clusters/environments/a/b.yaml", InputOf::Named),
            ("clusters/certificates/cluster.yaml", InputOf::Named),
            ("clusters/a/cluster.yaml", cluster("a")),
            ("clusters/a/cluster.yaml/b", InputOf::Named),
            ("clusters/a/kubernetes/patch.yaml", cluster("a")),
            ("clusters/a/kubernetes/ca.md", InputOf::Named),
            ("clusters/a/kubernetes/b/c.yaml", InputOf::Named),
            ("clusters/a/ca.pem", InputOf::Named),
            ("other/fleet.yaml", InputOf::Named),
            // What can't be listed may hide anything.
            ("clusters", InputOf::Fleet),
            ("clusters/environments", InputOf::Fleet),
            ("clusters/a/kubernetes", cluster("a")),
        ] {
            assert_eq!(InputOf::path(path), input, "{path}");
        }
    }
}
