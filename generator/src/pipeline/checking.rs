//! `gen check`: every step but those that look at outputs. Reads inputs only.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::gather;
use super::kinds_seen::KindsSeen;
use super::loading::{Fleet, load_beside_neighbours, own_templates};
use super::rendering::Rendering;
use super::timings::{Timings, timed};
use crate::fault::Faults;
use crate::load::root::Root;
use crate::patch::PatchesSeen;
use crate::render::Watch;
use crate::resolve::{FleetCluster, ResolvedFleet, ResolvedMember};

/// A fleet that has no fault, and how many files it renders to.
#[derive(Debug)]
pub struct CheckedFleet {
    /// The fleet.
    pub fleet: Fleet,
    /// The number of files.
    pub files: usize,
}

/// The faults of both, if there is any.
pub(super) fn with_faults(
    one: Result<(), Faults>,
    other: Result<(), Faults>,
) -> Result<(), Faults> {
    let mut faults = one.err().unwrap_or_default();
    faults.append(other.err().unwrap_or_default());
    faults.into_result(())
}

/// Renders everything in memory and checks all of it.
pub fn check(
    root: &Path,
    selected: Option<&BTreeSet<String>>,
    watch: &dyn Watch,
    timings: &Timings,
) -> Result<CheckedFleet, Faults> {
    let fleet = load_beside_neighbours(&Root::folder(root)?, selected, timings)?;
    let templates = timed(&timings.render, || own_templates(&fleet.layers.loaded))?;
    let rendering = Rendering::new(fleet, Arc::new(templates))?;
    let kinds = KindsSeen::default();
    let patches = PatchesSeen::default();
    let check_one = |member: &ResolvedMember| {
        let (tree, applied) = timed(&timings.render, || rendering.render(member, watch))?;
        patches.add(&applied);
        kinds.look_at(&tree);
        let checked = timed(&timings.check, || {
            let checked = rendering.renderer.check(member, tree.files());
            with_faults(checked, rendering.check_references(member, &tree))
        });
        checked?;
        Ok(tree.0.len())
    };
    let files: Vec<Result<usize, Faults>> =
        rendering.fleet.members.par_iter().map(check_one).collect();
    let mut files: usize = gather(files)?.into_iter().sum();
    if selected.is_none() {
        patches.faults().into_result(())?;
        let members = rendering.fleet.members.iter();
        let clusters = members.map(|member| FleetCluster::of(&member.cluster));
        let fleet = &rendering.fleet;
        let reconciler = fleet.reconciler.as_ref();
        let whole = ResolvedFleet::new(clusters.collect(), kinds.into_kinds(), reconciler);
        let tree = timed(&timings.render, || {
            let loaded = &fleet.layers.loaded;
            rendering
                .renderer
                .render_fleet(&whole, (loaded, loaded), watch)
        })?;
        timed(&timings.check, || {
            rendering.renderer.check_fleet(tree.files())
        })?;
        files += tree.0.len();
        let stacks = rendering.fleet.account_stacks(&rendering.fleet.members)?;
        let tree = timed(&timings.render, || {
            rendering.renderer.render_accounts(&stacks, watch)
        })?;
        timed(&timings.check, || {
            rendering.renderer.check_accounts(tree.files())
        })?;
        files += tree.0.len();
    }
    Ok(CheckedFleet {
        fleet: rendering.fleet,
        files,
    })
}
