//! Clusters that got another name: one goes, one comes, and nearly all of their
//! files are the same but for the name. What isn't is compared as if the
//! cluster had always had its new name, so that a rename hides nothing. Pure.

use std::cmp::Reverse;

use super::clusters::compare_both;
use super::comparison::{ClusterRename, Comparison, Outcome, Renamed, RenderedCluster, Whole};
use super::group::ChangedCluster;
use super::placeholders::{Placeholders, show_placeholders};
use crate::tree::{RenderedTree, TreePath};

/// Files that both must have in common, of the one that has more, in percent.
const SIMILAR_PERCENT: usize = 50;

/// Finds for each new cluster the removed one that it is most like, each once.
pub fn find_cluster_renames(comparisons: &[Comparison]) -> Vec<ClusterRename> {
    let removed = comparisons.iter().filter_map(|one| match &one.outcome {
        Outcome::Removed { whole, .. } => Some((one.name.as_str(), whole)),
        _ => None,
    });
    let mut removed: Vec<(&str, &Whole)> = removed.collect();
    let added = comparisons.iter().filter_map(|one| match &one.outcome {
        Outcome::Added { whole, .. } => Some((one.name.as_str(), whole)),
        _ => None,
    });
    let renames = added.filter_map(|(to, whole)| {
        let same = |(number, (_, other)): (usize, &(&str, &Whole))| {
            Some((whole.same_files(other, SIMILAR_PERCENT)?, Reverse(number)))
        };
        let (same_files, Reverse(number)) = removed.iter().enumerate().filter_map(same).max()?;
        let (from, _) = removed.remove(number);
        Some(ClusterRename {
            from: from.to_owned(),
            to: to.to_owned(),
            same_files,
        })
    });
    renames.collect()
}

/// Compares a renamed cluster with what it was.
pub fn compare_renamed(
    rename: ClusterRename,
    base: RenderedCluster<'_>,
    head: RenderedCluster<'_>,
) -> Renamed {
    let (old, new) = (without_name(base, base.tree), without_name(head, head.tree));
    let relocated = base.relocated.map(|tree| without_name(base, tree));
    let base = RenderedCluster {
        tree: &old,
        relocated: relocated.as_ref(),
        ..base
    };
    let head = RenderedCluster { tree: &new, ..head };
    let outcome = compare_both(&rename.to, base, head);
    let changed = match outcome {
        Some(Outcome::Changed { cluster, .. }) => Some(with_words(cluster)),
        _ => None,
    };
    Renamed { rename, changed }
}

/// Says of the new clusters which of them are renamed ones.
pub fn tell_renamed(comparisons: &mut [Comparison], all: Vec<Renamed>) {
    for reported in all {
        let is_it = |one: &&mut Comparison| one.name == reported.rename.to;
        if let Some(one) = comparisons.iter_mut().find(is_it)
            && let Outcome::Added { renamed, .. } = &mut one.outcome
        {
            *renamed = Some(reported);
        }
    }
}

/// The files with a placeholder for the cluster's name, however it is spelt.
fn without_name(rendered: RenderedCluster<'_>, tree: &RenderedTree) -> RenderedTree {
    let names = Placeholders::of(rendered.cluster).only_names();
    let files = tree.files().map(|(path, bytes)| {
        let renamed = TreePath::new(names.replace_in(path.as_str()));
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) => names.replace_in(text).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        (renamed.unwrap_or_else(|_| path.clone()), bytes)
    });
    RenderedTree(files.collect())
}

/// The risks with words for placeholders; a group puts those of changes.
fn with_words(mut cluster: ChangedCluster) -> ChangedCluster {
    for risk in &mut cluster.risks {
        risk.replace_in_words(show_placeholders);
    }
    cluster
}
