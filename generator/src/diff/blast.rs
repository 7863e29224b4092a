//! The blast radius: which inputs changed, and which clusters change by them.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::preview::{
    Across, BlastRadius, ChangedInput, GeneratorVersions, InputChange, InputScope,
};
use super::redact;
use crate::load::inputs::{InputOf, Inputs};
use crate::load::names::{CLUSTERS, OTHER_FOLDERS};

/// The clusters that a file is read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Each that there is.
    All,
    /// These.
    Some(BTreeSet<String>),
}

/// What is known of the inputs.
#[derive(Debug)]
pub struct Reach<'a> {
    /// Those of the base.
    pub base: &'a Inputs,
    /// Those of the head.
    pub head: &'a Inputs,
    /// Whom each that differs is read for.
    pub readers: BTreeMap<&'a str, Readers>,
    /// Where an input really stands that is read by way of a link.
    pub links: &'a BTreeMap<String, String>,
}

impl Reach<'_> {
    /// The blast radius of a change that alters these clusters.
    pub(super) fn of(&self, changed: &[String], generator: GeneratorVersions) -> BlastRadius {
        let differing = self.base.differences(self.head);
        let mut across: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut by_own = Vec::new();
        let mut by_shared = Vec::new();
        for cluster in changed {
            let mut has_own = false;
            for path in differing.iter().filter(|path| self.reads(cluster, path)) {
                let real = self.links.get(*path).map_or(*path, String::as_str);
                match folder_of(real) {
                    Some(other) if other != cluster => {
                        across.entry(real).or_default().insert(cluster);
                    }
                    Some(_) => has_own = true,
                    None => {}
                }
            }
            let list = if has_own { &mut by_own } else { &mut by_shared };
            list.push(cluster.clone());
        }
        let across = across.into_iter().map(|(path, clusters)| Across {
            path: redact::text(path),
            clusters: clusters.into_iter().map(str::to_owned).collect(),
        });
        BlastRadius {
            inputs: differing.iter().map(|path| self.describe(path)).collect(),
            by_own_files: by_own,
            by_shared_files: by_shared,
            across: across.collect(),
            generator,
        }
    }

    /// Whether a file is read for that cluster.
    fn reads(&self, cluster: &str, path: &str) -> bool {
        match self.readers.get(path) {
            Some(Readers::All) => true,
            Some(Readers::Some(clusters)) => clusters.contains(cluster),
            None => false,
        }
    }

    fn describe(&self, path: &str) -> ChangedInput {
        ChangedInput {
            path: redact::text(path),
            change: match (self.base.has(path), self.head.has(path)) {
                (false, _) => InputChange::Added,
                (_, false) => InputChange::Removed,
                _ => InputChange::Changed,
            },
            scope: match InputOf::path(path) {
                InputOf::Fleet => InputScope::Fleet,
                InputOf::Environment(_) => InputScope::Environment,
                InputOf::Cluster(_) => InputScope::Cluster,
                InputOf::Template => InputScope::Template,
                InputOf::Named => InputScope::Named,
            },
        }
    }
}

/// The cluster whose folder a path is in.
fn folder_of(path: &str) -> Option<&str> {
    let mut parts = path.split('/');
    let (top, folder) = (parts.next()?, parts.next()?);
    let is_cluster = top == CLUSTERS && !OTHER_FOLDERS.contains(&folder);
    parts.next().filter(|_| is_cluster).map(|_| folder)
}
