//! The inputs of both sides: which differ, and whom that reaches. Reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::{Reach, Readers};
use crate::load::files::LoadedFleet;
use crate::load::inputs::{InputOf, Inputs};
use crate::load::names::CLUSTERS;
use crate::load::node::Node;
use crate::load::root::Root;

/// The files that clusters name in their settings, below `clusters/`, by cluster.
pub(super) type NamedFiles = BTreeMap<String, BTreeSet<String>>;

/// The inputs of both sides.
pub(super) struct BothInputs {
    pub(super) base: Inputs,
    head: Inputs,
    /// The files that clusters name in their settings, on either side.
    named: BTreeMap<String, BTreeSet<String>>,
    /// Where those stand that differ and are read by way of a link.
    links: BTreeMap<String, String>,
    /// The head's clusters by the environment that they are in.
    environments: BTreeMap<String, BTreeSet<String>>,
}

impl BothInputs {
    pub(super) fn find(base: &Root, head: &Root) -> Self {
        let (base_inputs, head_inputs) = rayon::join(|| Inputs::find(base), || Inputs::find(head));
        let links = base_inputs.differences(&head_inputs).into_iter();
        let links = links.filter_map(|path| {
            let side = if head.exists(path) { head } else { base };
            Some((path.to_owned(), side.link_target(path)?))
        });
        Self {
            links: links.collect(),
            named: BTreeMap::new(),
            environments: BTreeMap::new(),
            base: base_inputs,
            head: head_inputs,
        }
    }

    /// Adds what only the head's files tell: who is in which environment.
    pub(super) fn add_environments(&mut self, head: &LoadedFleet) {
        for (name, cluster) in &head.clusters {
            let own = cluster.layer.node.get("environment").and_then(Node::as_str);
            if let Some(environment) = own {
                let of_it = self.environments.entry(environment.to_owned());
                of_it.or_default().insert(name.clone());
            }
        }
    }

    /// Adds the files that a side's clusters name, which only resolving them tells.
    pub(super) fn add_named(&mut self, base: &Root, head: &Root, named: NamedFiles) {
        for (cluster, files) in named {
            let paths = files.iter().map(|file| format!("{CLUSTERS}/{file}"));
            self.named.entry(cluster).or_default().extend(paths);
        }
        let paths: BTreeSet<&String> = self.named.values().flatten().collect();
        let new = paths
            .into_iter()
            .filter(|path| !self.base.has(path) && !self.head.has(path));
        let new: Vec<String> = new.cloned().collect();
        self.base.extend(Inputs::of(base, new.clone()));
        self.head.extend(Inputs::of(head, new));
    }

    /// The clusters whose settings name that file.
    fn naming(&self, path: &str) -> impl Iterator<Item = &String> {
        let naming = self.named.iter();
        let naming = naming.filter(move |(_, paths)| paths.contains(path));
        naming.map(|(name, _)| name)
    }

    /// The clusters that a file is read for. One that reads others at the base,
    /// as it was in another environment or named other files, differs by its own.
    fn readers(&self, path: &str) -> Readers {
        let mut readers: BTreeSet<String> = self.naming(path).cloned().collect();
        match InputOf::path(path) {
            InputOf::Fleet | InputOf::Template => return Readers::All,
            InputOf::Cluster(name) => {
                readers.insert(name);
            }
            InputOf::Environment(environment) => {
                let of_it = self.environments.get(&environment);
                readers.extend(of_it.into_iter().flatten().cloned());
            }
            InputOf::Named => {}
        }
        Readers::Some(readers)
    }

    pub(super) fn reach(&self) -> Reach<'_> {
        let differing = self.base.differences(&self.head).into_iter();
        Reach {
            base: &self.base,
            head: &self.head,
            readers: differing.map(|path| (path, self.readers(path))).collect(),
            links: &self.links,
        }
    }

    /// The clusters one of whose inputs differs, on either side, as far as these are
    /// known. All others have the same inputs, and so the same outputs.
    pub(super) fn affected(&self, head: &LoadedFleet) -> BTreeSet<String> {
        let mut affected = BTreeSet::new();
        for path in self.base.differences(&self.head) {
            match self.readers(path) {
                Readers::All => {
                    let both = [&self.base, &self.head].into_iter();
                    affected.extend(both.flat_map(Inputs::clusters));
                    affected.extend(head.cluster_names.iter().cloned());
                }
                Readers::Some(readers) => affected.extend(readers),
            }
        }
        affected
    }
}
