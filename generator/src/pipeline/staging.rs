//! `gen render`: each cluster is resolved, rendered, planned, checked and
//! staged, and then let go of, on all threads. So memory doesn't grow with what
//! the fleet renders to: of a cluster, a summary is kept, and what changes.
//!
//! Reads and writes. What is in place changes in [`commit`] only, when every
//! cluster, and what they are together, was found right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use logfleet_contract::folder::RENDERED;
use rayon::prelude::*;

use super::gather;
use super::kinds_seen::KindsSeen;
use super::loading::{own_templates, read_inputs};
use super::rendering::Renderer;
use super::timings::{Timings, timed};
use crate::check;
use crate::fault::{Fault, Faults};
use crate::layers::fleet::FleetLayers;
use crate::load::root::Root;
use crate::render::{self, Watch};
use crate::resolve::{ClusterSummary, FleetResolver, ResolvedFleet, ResolvedMember};
use crate::tree::{RenderedTree, TreePath};
use crate::write::{self, Output, StagedChange, WriteOptions, WritePlan, WriteSummary};

/// What [`stage`] is to do.
#[derive(Clone, Copy)]
pub struct StageRequest<'a> {
    /// The folder with `rendered/`.
    pub root: &'a Path,
    /// What has `clusters/` and `templates/`: that folder, or a commit of it.
    pub inputs: &'a Root,
    /// The clusters, or all of them; only with all are the files of the whole
    /// fleet rendered, and outputs of clusters that no longer exist removed.
    pub selected: Option<&'a BTreeSet<String>>,
    /// How to write.
    pub options: WriteOptions,
    /// Told after each cluster, from any thread.
    pub progress: &'a (dyn Fn() + Sync),
    /// Told of each template, from any thread.
    pub watch: &'a dyn Watch,
}

/// Where a run writes; opened when its inputs were read and are right.
#[derive(Debug, Default)]
pub struct RenderOutput(OnceLock<Output>);

impl RenderOutput {
    fn open(&self, request: StageRequest<'_>) -> Result<&Output, Fault> {
        let check_only = request.options.check_only;
        let output = Output::open(request.root, Path::new(RENDERED), check_only)?;
        Ok(self.0.get_or_init(|| output))
    }

    /// Removes whatever was staged. From any thread: also while another one
    /// still stages, which then ends.
    pub fn abandon(&self) {
        if let Some(output) = self.0.get() {
            write::abandon(output);
        }
    }
}

/// Runs every step but the last: nothing in place has changed then, and nothing
/// will if any cluster has a fault. What was staged is removed again if so.
///
/// Checked is what would be written. A file that is on disk already, to the
/// byte, was checked when it was; [`super::check()`] looks at all files again.
pub fn stage(
    target: &RenderOutput,
    request: StageRequest<'_>,
    timings: &Timings,
) -> Result<Vec<StagedChange>, Faults> {
    let staged = stage_fleet(target, request, timings);
    if staged.is_err() {
        target.abandon();
    }
    staged
}

/// Puts in place what [`stage`] staged.
pub fn commit(
    target: &RenderOutput,
    staged: &[StagedChange],
    timings: &Timings,
) -> Result<Vec<WriteSummary>, Faults> {
    let Some(output) = target.0.get() else {
        return Ok(Vec::new());
    };
    let results: Vec<Result<WriteSummary, Faults>> = staged
        .par_iter()
        .map(|staged| timed(&timings.write, || write::commit(output, staged)))
        .collect();
    gather(results)
}

fn stage_fleet(
    target: &RenderOutput,
    request: StageRequest<'_>,
    timings: &Timings,
) -> Result<Vec<StagedChange>, Faults> {
    let ((layers, mut faults), schemas) = read_inputs(request.inputs, request.selected, timings)?;
    let resolver = timed(&timings.resolve, || FleetResolver::new(&layers, &schemas));
    faults.append(resolver.faults_of_layers());
    let layers_are_right = faults.is_empty();
    let templates = timed(&timings.render, || own_templates(&layers.loaded));
    let templates = match templates {
        Ok(templates) if layers_are_right => templates,
        templates => {
            // Nothing is rendered from what has faults, but all of them are told.
            faults.append(templates.err().unwrap_or_default());
            let clusters = layers.loaded.clusters.keys();
            let resolved = resolve_all(&resolver, clusters.collect(), timings);
            let clashes = |clusters: Vec<_>| match layers_are_right {
                true => resolver.find_clashes(&clusters),
                false => Faults::new(),
            };
            faults.append(resolved.map_or_else(|faults| faults, clashes));
            return Err(faults);
        }
    };
    let staging = Staging {
        renderer: Renderer::new(Arc::new(templates))?,
        output: target.open(request)?,
        layers: &layers,
        resolver,
        request,
        timings,
        kinds: KindsSeen::default(),
        has_fault: AtomicBool::new(false),
    };
    staging.run()
}

/// Resolves clusters only to find what is wrong with them.
fn resolve_all(
    resolver: &FleetResolver<'_>,
    clusters: Vec<&String>,
    timings: &Timings,
) -> Result<Vec<ClusterSummary>, Faults> {
    let resolve = |name: &String| {
        let resolved = timed(&timings.resolve, || resolver.resolve(name));
        resolved.map(|member| ClusterSummary::of(&member.cluster))
    };
    gather(clusters.into_par_iter().map(resolve).collect())
}

/// A fleet on its way through all steps.
struct Staging<'a> {
    layers: &'a FleetLayers,
    resolver: FleetResolver<'a>,
    renderer: Renderer,
    output: &'a Output,
    request: StageRequest<'a>,
    timings: &'a Timings,
    kinds: KindsSeen,
    /// Whether an input is wrong. Nothing more is staged then: it would only be
    /// removed again.
    has_fault: AtomicBool,
}

/// What is kept of a cluster.
struct Outcome {
    /// None if it couldn't be resolved.
    summary: Option<ClusterSummary>,
    staged: Result<Attempt, Faults>,
}

/// What came of staging what is right. Faults of the surroundings are told only
/// where nothing else is wrong: how far staging gets before that is found
/// depends on the threads.
type Attempt = Result<StagedChange, Faults>;

impl Staging<'_> {
    fn run(&self) -> Result<Vec<StagedChange>, Faults> {
        let clusters: Vec<&String> = self.layers.loaded.clusters.keys().collect();
        let outcomes: Vec<Outcome> = clusters
            .into_par_iter()
            .map(|name| {
                let outcome = self.cluster(name);
                if outcome.staged.is_err() {
                    self.has_fault.store(true, Ordering::Relaxed);
                }
                (self.request.progress)();
                outcome
            })
            .collect();
        let (summaries, staged): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .map(|outcome| (outcome.summary, outcome.staged))
            .unzip();
        let mut staged = gather(staged);
        // What one of them claims is unknown if there is one without.
        let summaries: Option<Vec<ClusterSummary>> = summaries.into_iter().collect();
        if let Some(summaries) = &summaries {
            let clashes = timed(&self.timings.resolve, || {
                self.resolver.find_clashes(summaries)
            });
            staged = with_faults(staged, clashes);
        }
        if self.request.selected.is_some() {
            return gather(staged?);
        }
        match (staged, summaries) {
            (Ok(mut staged), Some(summaries)) => {
                staged.extend(self.whole_fleet(summaries)?);
                gather(staged)
            }
            // What the fleet's files are made of is known only of clusters without
            // faults; what else is wrong is told with theirs.
            (staged, _) => {
                let removed = self.plan_removed(&[render::FLEET]);
                Err(with_faults(staged, removed.err().unwrap_or_default())
                    .err()
                    .unwrap_or_default())
            }
        }
    }

    /// One cluster's way through the steps.
    fn cluster(&self, name: &str) -> Outcome {
        let resolved = timed(&self.timings.resolve, || self.resolver.resolve(name));
        match resolved {
            Ok(member) => Outcome {
                summary: Some(ClusterSummary::of(&member.cluster)),
                staged: self.stage(&member),
            },
            Err(faults) => Outcome {
                summary: None,
                staged: Err(faults),
            },
        }
    }

    fn stage(&self, member: &ResolvedMember) -> Result<Attempt, Faults> {
        let tree = timed(&self.timings.render, || {
            let loaded = &self.layers.loaded;
            self.renderer.render(member, loaded, self.request.watch)
        })?;
        self.kinds.look_at(&tree);
        let name = member.cluster.cluster.name.as_str();
        let together = JudgedTogether::of(&tree);
        let plan = self.plan(name, tree)?;
        timed(&self.timings.check, || {
            self.renderer.check(member, together.with(&plan))
        })?;
        Ok(self.write(plan))
    }

    fn plan(&self, name: &str, tree: RenderedTree) -> Result<WritePlan, Faults> {
        timed(&self.timings.write, || {
            write::plan(self.output, name, tree, self.request.options)
        })
    }

    fn write(&self, plan: WritePlan) -> Attempt {
        if self.has_fault.load(Ordering::Relaxed) {
            return Ok(write::leave_unstaged(plan));
        }
        timed(&self.timings.write, || write::stage(self.output, plan))
    }

    /// Stages what only a run over all clusters can tell: the files of the whole
    /// fleet, and the removal of folders that nobody has any more.
    fn whole_fleet(&self, summaries: Vec<ClusterSummary>) -> Result<Vec<Attempt>, Faults> {
        let clusters = summaries.into_iter().map(|summary| summary.of_fleet);
        let fleet = ResolvedFleet::new(clusters.collect(), self.kinds.take());
        let tree = timed(&self.timings.render, || {
            self.renderer.render_fleet(&fleet, self.request.watch)
        })?;
        let mut staged = Vec::new();
        let mut kept: &[&str] = &[];
        if !tree.0.is_empty() {
            kept = &[render::FLEET];
            let plan = self.plan(render::FLEET, tree)?;
            timed(&self.timings.check, || {
                self.renderer.check_fleet(plan.written())
            })?;
            staged.push(self.write(plan));
        }
        let removed = self.plan_removed(kept)?;
        staged.extend(removed.into_iter().map(|plan| self.write(plan)));
        Ok(staged)
    }

    /// Plans to remove folders that are no cluster's, and none of those `kept`.
    fn plan_removed(&self, kept: &[&'static str]) -> Result<Vec<WritePlan>, Faults> {
        let names = &self.layers.loaded.cluster_names;
        let existing = names.iter().map(String::as_str).chain(kept.iter().copied());
        write::plan_removed(self.output, &existing.collect(), self.request.options)
    }
}

/// A result with more faults.
fn with_faults<T>(result: Result<T, Faults>, more: Faults) -> Result<T, Faults> {
    match result {
        Ok(value) => more.into_result(value),
        Err(mut faults) => {
            faults.append(more);
            Err(faults)
        }
    }
}

/// A cluster's files that are right or wrong together: a template alone doesn't
/// tell which log group is the forwarder's own.
#[derive(Debug)]
struct JudgedTogether(RenderedTree);

impl JudgedTogether {
    fn of(tree: &RenderedTree) -> Self {
        let files = tree
            .0
            .iter()
            .filter(|(path, _)| check::is_judged_with_others(path.as_str()));
        Self(RenderedTree(
            files
                .map(|(path, bytes)| (path.clone(), bytes.clone()))
                .collect(),
        ))
    }

    /// What a plan writes, and the others where one of them is among it.
    fn with<'p>(&'p self, plan: &'p WritePlan) -> BTreeMap<&'p TreePath, &'p [u8]> {
        let mut files: BTreeMap<&TreePath, &[u8]> = plan.written().collect();
        if files.keys().any(|path| self.0.0.contains_key(*path)) {
            files.extend(self.0.files());
        }
        files
    }
}
