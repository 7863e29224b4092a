//! One side of a preview. Its clusters are resolved and rendered one by one, and
//! let go of: of each, what others are compared with is kept. So memory doesn't
//! grow with what a fleet resolves to. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::inputs::NamedFiles;
use crate::diff::Presence;
use crate::fault::{Fault, Faults};
use crate::layers::fleet::{FleetLayers, InputSchemas};
use crate::load::files::LoadedFleet;
use crate::pipeline::rendering::Renderer;
use crate::pipeline::timings::{Timings, timed};
use crate::render::{Templates, Watch};
use crate::resolve::{ClusterSummary, FleetResolver, Place, ResolvedMember};
use crate::tree::RenderedTree;

/// A side, as far as it could be read.
pub(in crate::pipeline) struct Side<'a> {
    pub(super) resolver: FleetResolver<'a>,
    loaded: &'a LoadedFleet,
    /// None if the templates have a fault.
    pub(super) renderer: Option<Renderer>,
    pub(super) watch: &'a dyn Watch,
    pub(super) timings: &'a Timings,
    seen: Mutex<Seen>,
}

/// What is kept of the clusters that were resolved, and what is wrong.
#[derive(Default)]
struct Seen {
    summaries: BTreeMap<String, ClusterSummary>,
    /// Of clusters that move, as they would be where the other side has them.
    relocated: BTreeMap<String, ClusterSummary>,
    named: NamedFiles,
    /// Whether layers, or a cluster, can't be resolved.
    unresolved: bool,
    faults: Faults,
}

/// A cluster, and what it renders to.
pub(super) struct Rendered {
    pub(super) member: ResolvedMember,
    pub(super) tree: RenderedTree,
}

impl<'a> Side<'a> {
    pub(super) fn new(
        (layers, faults): (&'a FleetLayers, Faults),
        schemas: &'a InputSchemas,
        templates: Result<Arc<Templates>, Faults>,
        (watch, timings): (&'a dyn Watch, &'a Timings),
    ) -> Result<Self, Fault> {
        let resolver = timed(&timings.resolve, || FleetResolver::new(layers, schemas));
        let mut seen = Seen {
            faults,
            ..Seen::default()
        };
        let of_layers = resolver.faults_of_layers();
        seen.unresolved = !of_layers.is_empty();
        seen.faults.append(of_layers);
        let renderer = match templates {
            Ok(templates) => Some(Renderer::new(templates)?),
            Err(more) => {
                seen.faults.append(more);
                None
            }
        };
        Ok(Self {
            resolver,
            loaded: &layers.loaded,
            renderer,
            watch,
            timings,
            seen: Mutex::new(seen),
        })
    }

    pub(super) fn loaded(&self) -> &'a LoadedFleet {
        self.loaded
    }

    /// Resolves the clusters that aren't among these, and gives those that can't be.
    pub(super) fn look_at_others(&self, among: &BTreeSet<String>) -> BTreeSet<String> {
        let names = self.loaded.cluster_names.par_iter();
        let others = names.filter(|name| !among.contains(*name));
        // Their faults are reported when they are compared.
        let is_faulty = |name: &&String| !matches!(self.try_to_resolve(name), Some(Ok(_)));
        others
            .filter(|name| !self.loaded.shared_is_whole || is_faulty(name))
            .cloned()
            .collect()
    }

    /// Resolves a cluster; none if it has a fault, which is reported.
    pub(in crate::pipeline) fn resolve(&self, name: &str) -> Option<ResolvedMember> {
        match self.try_to_resolve(name)? {
            // Without what all clusters share, none is what it would be.
            Ok(member) => self.loaded.shared_is_whole.then_some(member),
            Err(faults) => {
                let mut seen = self.seen();
                seen.unresolved = true;
                seen.faults.append(faults);
                None
            }
        }
    }

    /// None if it couldn't even be read, which was reported then.
    fn try_to_resolve(&self, name: &str) -> Option<Result<ResolvedMember, Faults>> {
        if !self.loaded.clusters.contains_key(name) {
            return None;
        }
        let member = timed(&self.timings.resolve, || self.resolver.resolve(name));
        if let Ok(member) = &member {
            let summary = ClusterSummary::of(&member.cluster);
            let files = member.certificates.iter().map(|named| named.file.clone());
            let mut seen = self.seen();
            seen.summaries.insert(name.to_owned(), summary);
            seen.named.insert(name.to_owned(), files.collect());
        }
        Some(member)
    }

    /// Renders a cluster that was resolved.
    pub(in crate::pipeline) fn render(
        &self,
        member: &ResolvedMember,
    ) -> Option<Result<RenderedTree, Faults>> {
        let renderer = self.renderer.as_ref()?;
        let rendered = timed(&self.timings.render, || {
            renderer.render(member, self.loaded, self.watch)
        });
        Some(rendered.map(|(tree, _)| tree))
    }

    /// Resolves and renders a cluster, if there is one. What is wrong is reported.
    pub(super) fn find(&self, name: &str) -> Presence<Rendered> {
        if !self.loaded.cluster_names.contains(name) && self.loaded.names_are_whole {
            return Presence::Absent;
        }
        let Some(member) = self.resolve(name) else {
            return Presence::Faulty;
        };
        match self.render(&member) {
            Some(Ok(tree)) => Presence::Rendered(Rendered { member, tree }),
            Some(Err(faults)) => {
                self.report(faults);
                Presence::Faulty
            }
            None => Presence::Faulty,
        }
    }

    /// Resolves and renders a cluster as it would be in another place; none if its settings don't fit there.
    pub(super) fn find_at(&self, name: &str, place: &Place) -> Option<RenderedTree> {
        let member = timed(&self.timings.resolve, || {
            self.resolver.resolve_at(name, place)
        });
        let member = member.ok()?;
        let tree = self.render(&member)?.ok()?;
        let summary = ClusterSummary::of(&member.cluster);
        self.seen().relocated.insert(name.to_owned(), summary);
        Some(tree)
    }

    pub(super) fn report(&self, faults: Faults) {
        self.seen().faults.append(faults);
    }

    /// Finds what its clusters can't all have, if each could be resolved.
    pub(super) fn find_clashes(&self) {
        let mut seen = self.seen();
        if !seen.unresolved {
            let summaries = seen.summaries.values();
            let clashes = timed(&self.timings.resolve, || {
                self.resolver.find_clashes_beside(summaries, &[])
            });
            seen.faults.append(clashes);
        }
    }

    /// What is wrong, as far as it was looked at.
    pub(super) fn faults(&self) -> Faults {
        self.seen().faults.clone()
    }

    /// The files that the clusters name which were resolved.
    pub(super) fn named(&self) -> NamedFiles {
        self.seen().named.clone()
    }

    /// Lets go of what is kept of the clusters. Without what all share, none is what it would be.
    pub(super) fn take_summaries(&self) -> BTreeMap<String, ClusterSummary> {
        let mut summaries = std::mem::take(&mut self.seen().summaries);
        summaries.retain(|_, _| self.loaded.shared_is_whole);
        summaries
    }

    /// The same of the clusters that move, as they would be where they are at the other side.
    pub(super) fn take_relocated(&self) -> BTreeMap<String, ClusterSummary> {
        std::mem::take(&mut self.seen().relocated)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A thread that panicked left it as it was.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
