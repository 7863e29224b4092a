//! What this release of gen renders otherwise than the one that wrote
//! `rendered/` at the base: the part of a change that no input makes.
//!
//! ```text
//! ownership files of the base   which clusters another release wrote, and each file's digest
//! the base, rendered by us      what we make of the same inputs
//! → their difference            read from git only where a digest differs
//! ```

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::folder::RENDERED;
use rayon::prelude::*;

use super::preview::Side;
use super::timings::{Timings, timed};
use crate::diff::{Comparison, Presence, RenderedCluster, compare_cluster};
use crate::load::root::Root;
use crate::tree::{RenderedTree, TreePath};
use crate::write::OWNERSHIP_FILE;
use crate::write::ownership::{self, Digest, Ownership};

/// The release of this program.
pub(super) const RUNNING: &str = env!("CARGO_PKG_VERSION");

/// The clusters whose files another release wrote.
#[derive(Debug, Default)]
pub(super) struct OtherReleases(BTreeMap<String, Ownership>);

impl OtherReleases {
    /// Finds them among these clusters. One whose ownership file can't be
    /// understood is none: `gen render` tells what is wrong with it.
    pub(super) fn find(base: &Root, clusters: &BTreeSet<String>) -> Self {
        let ownership = |name: &String| -> Option<(String, Ownership)> {
            let path = format!("{RENDERED}/{name}/{OWNERSHIP_FILE}");
            let text = base.read(&path).ok()?;
            // The usual case, reported without reading a hundred digests.
            if ownership::is_of_this_release(&text) {
                return None;
            }
            let read = Ownership::parse(&text).ok()?;
            (read.generator() != RUNNING).then(|| (name.clone(), read))
        };
        Self(clusters.par_iter().filter_map(ownership).collect())
    }

    /// Their names.
    pub(super) fn clusters(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// The releases, each with its number of clusters.
    pub(super) fn count(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for ownership in self.0.values() {
            *counts.entry(ownership.generator().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Compares what they wrote with what this release renders of the base, by
    /// name of the cluster. Clusters that the base can't render aren't compared.
    pub(super) fn compare(
        &self,
        base: &Root,
        side: &Side<'_>,
        timings: &Timings,
    ) -> Vec<Comparison> {
        let compare = |(name, ownership): (&String, &Ownership)| {
            let member = side.resolve(name)?;
            let new = side.render(&member)?.ok()?;
            let old = written_by(ownership, base, name, &new);
            let rendered = |tree| {
                Presence::Rendered(RenderedCluster {
                    cluster: &member.cluster,
                    tree,
                    relocated: None,
                })
            };
            timed(&timings.compare, || {
                compare_cluster(name, rendered(&old), rendered(&new))
            })
        };
        self.0.par_iter().filter_map(compare).collect()
    }
}

/// What the other release wrote, as its ownership file lists it. A file whose
/// digest is that of ours is not read again. One that is listed and not there
/// is left out.
fn written_by(
    ownership: &Ownership,
    base: &Root,
    cluster: &str,
    new: &RenderedTree,
) -> RenderedTree {
    let paths: BTreeSet<&str> = ownership.paths().collect();
    let read = |path: &str| -> Option<(TreePath, Vec<u8>)> {
        let same = new.0.get(path);
        let same = same.filter(|bytes| ownership.wrote(path, Digest::of(bytes)));
        let bytes = match same {
            Some(bytes) => bytes.clone(),
            None => base.read(&format!("{RENDERED}/{cluster}/{path}")).ok()?,
        };
        Some((TreePath::new(path).ok()?, bytes))
    };
    RenderedTree(paths.into_iter().filter_map(read).collect())
}
