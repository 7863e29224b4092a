//! `gen diff`: both sides loaded, resolved and rendered by this very program,
//! and compared cluster by cluster.
//!
//! ```text
//! revisions → base, head        what is compared
//! inputs                        which of them differ, and which clusters that reaches
//! side                          the head as a whole; of the base what may differ
//! release                       what another release wrote otherwise than this one renders
//! settings                      which of them differ, in which layer
//! clusters                      both sides of each, on all threads, and those that move where they are now;
//!                               only what differs is kept
//! whole_fleet                   the files that are made of all clusters
//! ```
//!
//! Rendering is pure: equal inputs give equal outputs. So a cluster is only
//! rendered if one of the inputs that it depends on differs, and the files of
//! the whole fleet only if what they are made of differs.

mod clusters;
mod inputs;
mod side;
mod whole_fleet;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use logfleet_contract::folder::SHARED;

use self::clusters::{ComparedClusters, compare_clusters};
use self::inputs::BothInputs;
pub(super) use self::side::Side;
use self::whole_fleet::WholeFleet;
use super::acknowledgements;
use super::loading::{compile_schemas, own_templates, read_layers};
use super::release::OtherReleases;
use super::timings::{Timings, timed};
use crate::diff::preview::{self, Preview};
use crate::diff::{Compared, Comparison, altered_settings};
use crate::fault::{Fault, Faults};
use crate::layers::fleet::FleetLayers;
use crate::load::names::CLUSTERS;
use crate::load::revisions::{self, Revision, Revisions};
use crate::load::root::Root;
use crate::render::Watch;

/// What [`preview()`] is to do.
#[derive(Clone, Copy)]
pub struct PreviewRequest<'a> {
    /// The folder with `clusters/`, in a git repository.
    pub root: &'a Path,
    /// What to compare with; the default branch without one.
    pub base: Option<&'a str>,
    /// What to look at: a revision, or [`revisions::WORKTREE`].
    pub head: &'a str,
    /// Reported after each cluster that is rendered, from any thread.
    pub progress: &'a (dyn Fn() + Sync),
    /// Reported of each template, from any thread.
    pub watch: &'a dyn Watch,
}

/// Compares two revisions of a fleet. Faults of its files are in the preview;
/// an error is what keeps it from being made.
pub fn preview(request: PreviewRequest<'_>, timings: &Timings) -> Result<Preview, Faults> {
    let Revisions {
        base,
        head,
        trailers,
    } = revisions::find(request.root, request.base, request.head)?;
    let schemas = compile_schemas()?;
    let (mut inputs, head_layers) = rayon::join(
        || timed(&timings.load, || BothInputs::find(&base.root, &head.root)),
        || timed(&timings.load, || read_layers(&head.root, None)),
    );
    let (head_layers, head_faults) = head_layers;
    let on = (request.watch, timings);
    let head_templates = own_templates(&head_layers.loaded).map(Arc::new);
    let read = (&head_layers, head_faults);
    let head_side = Side::new(read, &schemas, head_templates.clone(), on)?;

    let affected = find_affected(&mut inputs, (&base.root, &head.root), &head_side);
    let others = OtherReleases::find(&base.root, &inputs.base.clusters().collect());
    let of_base = affected.iter().chain(others.clusters()).cloned().collect();
    let (base_layers, base_faults) = timed(&timings.load, || read_some(&base.root, &of_base));
    let is_equal = base_layers.loaded.template_overrides == head_layers.loaded.template_overrides;
    let base_templates = if is_equal {
        head_templates
    } else {
        own_templates(&base_layers.loaded).map(Arc::new)
    };
    let read = (&base_layers, base_faults);
    let base_side = Side::new(read, &schemas, base_templates, on)?;

    let (entries, faults_of_entries) = timed(&timings.load, || {
        acknowledgements::read(&head.root, &head_layers.loaded)
    });
    let settings = timed(&timings.compare, || {
        altered_settings(&base_layers, &head_layers)
    });
    // What is missing in a clone is no fault of a fleet, and differs from nothing.
    base.root.all_found()?;
    head.root.all_found()?;

    let by_release = others.compare(&base.root, &base_side, timings);
    let sides = (&base_side, &head_side);
    let mut compared = compare(sides, &affected, request.progress);
    compared.head_faults.append(faults_of_entries);
    inputs.add_named(&base.root, &head.root, head_side.named());
    inputs.add_named(&base.root, &head.root, base_side.named());

    let names = cluster_names(&base_side, &head_side).into_iter();
    let names = names.chain(SHARED.map(ToOwned::to_owned)).collect();
    let words = acknowledgements::gather(&base.root, (entries, &names), trailers);
    base.root.all_found()?;
    head.root.all_found()?;
    let compared = Compared {
        unchanged: compared.unchanged,
        comparisons: compared.comparisons,
        words,
        settings,
        reach: inputs.reach(),
        recorded_releases: others.count(),
        by_release,
        base: side(&base),
        head: side(&head),
        head_faults: compared.head_faults,
        base_faults: compared.base_faults,
    };
    Ok(compared.into_preview())
}

/// The clusters that may differ: one of their inputs does, or they have a fault. What
/// a cluster names in its settings is known when it was resolved.
fn find_affected(
    inputs: &mut BothInputs,
    (base, head): (&Root, &Root),
    side: &Side<'_>,
) -> BTreeSet<String> {
    inputs.add_environments(side.loaded());
    let by_place = inputs.affected(side.loaded());
    let faulty = side.look_at_others(&by_place);
    inputs.add_named(base, head, side.named());
    let mut affected = inputs.affected(side.loaded());
    affected.extend(faulty);
    affected
}

/// What came of comparing both sides.
struct Outcome {
    /// The clusters that differ, and behind them the files that are no cluster's.
    comparisons: Vec<Comparison>,
    /// How many clusters don't.
    unchanged: usize,
    base_faults: Faults,
    head_faults: Faults,
}

/// Compares the clusters, and then what is made of all of them.
fn compare(
    (base, head): (&Side<'_>, &Side<'_>),
    affected: &BTreeSet<String>,
    progress: &(dyn Fn() + Sync),
) -> Outcome {
    let ComparedClusters {
        mut comparisons,
        kinds,
    } = compare_clusters(base, head, affected, progress);
    base.find_clashes();
    head.find_clashes();
    let unchanged = cluster_names(base, head)
        .len()
        .saturating_sub(comparisons.len());
    let whole = WholeFleet::of((base, head), affected);
    let (mut base_faults, mut head_faults) = (base.faults(), head.faults());
    let of_shared = if base_faults.is_empty() && head_faults.is_empty() {
        whole.compare(kinds).unwrap_or_else(|faults| {
            head_faults.append(faults);
            Vec::new()
        })
    } else {
        whole.leave_out(head_faults.is_empty())
    };
    // What is wrong on both sides is the head's matter.
    let of_head: BTreeSet<Fault> = head_faults.clone().sorted().into_iter().collect();
    base_faults.retain(|fault| !of_head.contains(fault));
    comparisons.extend(of_shared);
    Outcome {
        comparisons,
        unchanged,
        base_faults,
        head_faults,
    }
}

/// The clusters of both sides, those with a fault included.
fn cluster_names(base: &Side<'_>, head: &Side<'_>) -> BTreeSet<String> {
    let (base, head) = (&base.loaded().cluster_names, &head.loaded().cluster_names);
    base.union(head).cloned().collect()
}

/// Reads those of the clusters that exist. A commit without a fleet has none.
fn read_some(root: &Root, clusters: &BTreeSet<String>) -> (FleetLayers, Faults) {
    let exists = |name: &&String| root.exists(&format!("{CLUSTERS}/{name}"));
    let selected: BTreeSet<String> = clusters.iter().filter(exists).cloned().collect();
    let (mut layers, faults) = read_layers(root, Some(&selected));
    if root.exists(CLUSTERS) {
        return (layers, faults);
    }
    layers.loaded.names_are_whole = true;
    (layers, Faults::new())
}

fn side(revision: &Revision) -> preview::Side {
    preview::Side {
        revision: revision.called.clone(),
        commit: revision.commit.clone(),
        taken: revision.taken.clone(),
    }
}
