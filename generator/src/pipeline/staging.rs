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

use logfleet_contract::folder::{ACCOUNTS, FLEET, RENDERED, SHARED};
use rayon::prelude::*;

use super::gather;
use super::kinds_seen::{self, KindsSeen};
use super::loading::{neighbours, own_templates, read_inputs};
use super::rendering::Renderer;
use super::timings::{Timings, timed};
use crate::check;
use crate::fault::{Fault, Faults};
use crate::layers::fleet::FleetLayers;
use crate::load::root::Root;
use crate::patch::PatchesSeen;
use crate::record::{Recalled, Record, RecordedCluster, Recorder};
use crate::render::Watch;
use crate::resolve::{ClusterSummary, FleetResolver, ResolvedFleet, ResolvedMember};
use crate::tree::{RenderedTree, TreePath};
use crate::write::ownership::Digest;
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
    /// Reported after each cluster, from any thread.
    pub progress: &'a (dyn Fn() + Sync),
    /// Reported of each template, from any thread.
    pub watch: &'a dyn Watch,
    /// The record of the last run; used where all clusters are written.
    pub recorder: Option<&'a Recorder>,
}

impl<'a> StageRequest<'a> {
    /// A check looks for itself. Of some clusters only, a record would have to
    /// say which others it knows nothing of.
    fn recorder(&self) -> Option<&'a Recorder> {
        let is_for_all = self.selected.is_none() && !self.options.check_only;
        self.recorder.filter(|_| is_for_all)
    }
}

/// What is ready to be committed.
#[derive(Debug)]
pub struct Staged {
    /// What changes: each cluster by name, then what only the fleet has.
    pub changes: Vec<StagedChange>,
    /// What the next run may know of this one.
    record: Option<Record>,
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
) -> Result<Staged, Faults> {
    let staged = stage_fleet(target, request, timings);
    if staged.is_err() {
        target.abandon();
    }
    staged
}

/// Puts in place what [`stage`] staged.
pub fn commit(
    target: &RenderOutput,
    staged: &Staged,
    recorder: Option<&Recorder>,
    timings: &Timings,
) -> Result<Vec<WriteSummary>, Faults> {
    let Some(output) = target.0.get() else {
        return Ok(Vec::new());
    };
    let results: Vec<Result<WriteSummary, Faults>> = staged
        .changes
        .par_iter()
        .map(|staged| timed(&timings.write, || write::commit(output, staged)))
        .collect();
    let summaries = gather(results)?;
    if let (Some(recorder), Some(record)) = (recorder, &staged.record) {
        recorder.leave(record);
    }
    Ok(summaries)
}

fn stage_fleet(
    target: &RenderOutput,
    request: StageRequest<'_>,
    timings: &Timings,
) -> Result<Staged, Faults> {
    let (inputs, program) = rayon::join(
        || read_inputs(request.inputs, request.selected, timings),
        || request.recorder()?.program(),
    );
    let ((layers, mut faults), schemas) = inputs?;
    let resolver = timed(&timings.resolve, || FleetResolver::new(&layers, &schemas));
    faults.append(resolver.faults_of_layers());
    let layers_are_right = faults.is_empty();
    let templates = timed(&timings.render, || own_templates(&layers.loaded));
    let templates = match templates {
        Ok(templates) if layers_are_right => templates,
        templates => {
            // Nothing is rendered from what has faults, but all of them are reported.
            faults.append(templates.err().unwrap_or_default());
            let clusters = layers.loaded.clusters.keys();
            let resolved = resolve_all(&resolver, clusters.collect(), timings);
            faults.append(match resolved {
                Ok(clusters) if layers_are_right => resolver.find_clashes(&clusters),
                Ok(_) => Faults::new(),
                Err(more) => more,
            });
            return Err(faults);
        }
    };
    let neighbours = request
        .selected
        .map(|selected| neighbours(request.inputs, selected, &layers, &schemas, timings));
    let staging = Staging {
        neighbours: neighbours.unwrap_or_default(),
        renderer: Renderer::new(Arc::new(templates))?,
        output: target.open(request)?,
        layers: &layers,
        resolver,
        request,
        timings,
        recalled: request
            .recorder()
            .zip(program)
            .and_then(|(recorder, program)| recorder.recall(program, &layers)),
        kinds: KindsSeen::default(),
        patches: PatchesSeen::default(),
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
    /// Clusters of the same accounts that aren't rendered.
    neighbours: Vec<ClusterSummary>,
    renderer: Renderer,
    output: &'a Output,
    request: StageRequest<'a>,
    timings: &'a Timings,
    /// What the last run left, and what this one is to leave; none without a record.
    recalled: Option<Recalled>,
    kinds: KindsSeen,
    patches: PatchesSeen,
    /// Whether an input is wrong. Nothing more is staged then: it would only be
    /// removed again.
    has_fault: AtomicBool,
}

/// What is kept of a cluster.
struct Outcome {
    /// None if it couldn't be resolved, or needn't be.
    summary: Option<ClusterSummary>,
    staged: Result<Attempt, Faults>,
    /// None without a record.
    recorded: Option<RecordedCluster>,
}

/// The same of the folders that are no cluster's, and of folders that go.
#[derive(Default)]
struct WholeOutcome {
    attempts: Vec<Attempt>,
    /// What is to be recorded of the folders that have files, by name.
    outputs: BTreeMap<String, Option<Digest>>,
}

/// What is recorded of folders that are no cluster's: all of them, or nothing.
fn recorded_of(outputs: BTreeMap<String, Option<Digest>>) -> Option<BTreeMap<String, Digest>> {
    let outputs = outputs.into_iter();
    outputs
        .map(|(name, output)| Some((name, output?)))
        .collect()
}

/// What came of staging what is right. Faults of the surroundings are reported only
/// where nothing else is wrong: how far staging gets before that is found
/// depends on the threads.
type Attempt = Result<StagedChange, Faults>;

impl Staging<'_> {
    fn run(&self) -> Result<Staged, Faults> {
        let clusters: Vec<&String> = self.layers.loaded.clusters.keys().collect();
        let outcomes: Vec<Outcome> = clusters
            .par_iter()
            .map(|name| {
                let outcome = self.cluster(name);
                if outcome.staged.is_err() {
                    self.has_fault.store(true, Ordering::Relaxed);
                }
                (self.request.progress)();
                outcome
            })
            .collect();
        let mut recorded = BTreeMap::new();
        let (mut summaries, mut staged) = (Vec::new(), Vec::new());
        for (name, outcome) in clusters.into_iter().zip(outcomes) {
            summaries.push(outcome.summary);
            staged.push(outcome.staged);
            recorded.extend(outcome.recorded.map(|cluster| (name.clone(), cluster)));
        }
        let mut staged = gather(staged);
        // What one of them claims is unknown if there is one without.
        let summaries: Option<Vec<ClusterSummary>> = summaries.into_iter().collect();
        if let Some(summaries) = &summaries {
            let clashes = timed(&self.timings.resolve, || {
                self.resolver
                    .find_clashes_beside(summaries, &self.neighbours)
            });
            staged = with_faults(staged, clashes);
        }
        if self.request.selected.is_some() {
            let changes = gather(staged?)?;
            return Ok(Staged {
                changes,
                record: None,
            });
        }
        let staged = with_faults(staged, self.patches.faults());
        let mut attempts = match staged {
            Ok(attempts) => attempts,
            // What the fleet's files are made of is known only of clusters without
            // faults; what else is wrong is reported with theirs.
            Err(faults) => {
                let removed = self.plan_removed(&SHARED).err();
                return Err(with_faults::<()>(Err(faults), removed.unwrap_or_default())
                    .err()
                    .unwrap_or_default());
            }
        };
        let whole = self.fleet_summary(summaries)?;
        let WholeOutcome {
            attempts: more,
            outputs,
        } = whole;
        attempts.extend(more);
        let recalled = self.recalled.as_ref();
        Ok(Staged {
            changes: gather(attempts)?,
            record: recalled.and_then(|recalled| recalled.next(recorded, recorded_of(outputs)?)),
        })
    }

    /// One cluster's way through the steps; a short one if it is recorded with
    /// the same inputs, and its files are those recorded.
    fn cluster(&self, name: &str) -> Outcome {
        let known = self.recalled.as_ref().and_then(|all| all.cluster(name));
        let unchanged = known.and_then(|known| {
            let found = timed(&self.timings.write, || {
                write::is_in_place(self.output, name, known.output)
            });
            Some((known, found?))
        });
        if let Some((known, change)) = unchanged {
            self.kinds.add(known.kinds.iter().cloned());
            self.patches.add_met(known.patches.iter().cloned());
            // What the whole fleet is made of was compared when it was recorded.
            let summary = match self.known_fleet() {
                Some(_) => Ok(None),
                None => self.resolve(name).map(|(_, summary)| Some(summary)),
            };
            return Outcome {
                staged: summary.as_ref().map_err(Clone::clone).map(|_| Ok(change)),
                summary: summary.unwrap_or_default(),
                recorded: Some(known.clone()),
            };
        }
        match self.resolve(name) {
            Ok((member, summary)) => {
                let staged = self.stage(&member);
                let (staged, recorded) = match staged {
                    Ok((attempt, recorded)) => (Ok(attempt), recorded),
                    Err(faults) => (Err(faults), None),
                };
                Outcome {
                    summary: Some(summary),
                    staged,
                    recorded,
                }
            }
            Err(faults) => Outcome {
                summary: None,
                staged: Err(faults),
                recorded: None,
            },
        }
    }

    fn resolve(&self, name: &str) -> Result<(ResolvedMember, ClusterSummary), Faults> {
        timed(&self.timings.resolve, || {
            let member = self.resolver.resolve(name)?;
            let summary = ClusterSummary::of(&member.cluster);
            Ok((member, summary))
        })
    }

    /// The record, if it is of this very fleet.
    fn known_fleet(&self) -> Option<&Record> {
        self.recalled.as_ref()?.fleet_summary()
    }

    fn stage(&self, member: &ResolvedMember) -> Result<(Attempt, Option<RecordedCluster>), Faults> {
        let (tree, applied) = timed(&self.timings.render, || {
            let loaded = &self.layers.loaded;
            self.renderer.render(member, loaded, self.request.watch)
        })?;
        self.patches.add(&applied);
        let kinds = kinds_seen::of(&tree);
        self.kinds.add(kinds.iter().cloned());
        let name = member.cluster.cluster.name.as_str();
        let together = JudgedTogether::of(&tree);
        let references = timed(&self.timings.check, || {
            let loaded = &self.layers.loaded;
            self.renderer.check_references(member, loaded, &tree)
        });
        let plan = self.plan(name, tree)?;
        timed(&self.timings.check, || {
            let checked = self.renderer.check(member, together.with(&plan));
            super::checking::with_faults(checked, references)
        })?;
        let recorded = self.recalled.as_ref().and_then(|recalled| {
            let output = plan.digest()?;
            recalled.rendered(name, output, kinds, applied.met)
        });
        Ok((self.write(plan), recorded))
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
    /// fleet and of accounts, and the removal of folders that nobody has any more.
    fn fleet_summary(
        &self,
        summaries: Option<Vec<ClusterSummary>>,
    ) -> Result<WholeOutcome, Faults> {
        let mut outcome = match self.known_fleet().and_then(|known| self.as_known(known)) {
            Some(outcome) => outcome,
            None => self.render_shared(summaries)?,
        };
        let kept: Vec<&str> = outcome.outputs.keys().map(String::as_str).collect();
        let removed = self.plan_removed(&kept)?;
        let removed = removed.into_iter().map(|plan| self.write(plan));
        outcome.attempts.extend(removed);
        Ok(outcome)
    }

    /// The files of folders that are no cluster's, if they are those recorded.
    fn as_known(&self, known: &Record) -> Option<WholeOutcome> {
        let mut outcome = WholeOutcome::default();
        for (name, output) in &known.shared_folders {
            let change = timed(&self.timings.write, || {
                write::is_in_place(self.output, name, *output)
            })?;
            outcome.attempts.push(Ok(change));
            outcome.outputs.insert(name.clone(), Some(*output));
        }
        Some(outcome)
    }

    fn render_shared(
        &self,
        summaries: Option<Vec<ClusterSummary>>,
    ) -> Result<WholeOutcome, Faults> {
        let summaries = if let Some(summaries) = summaries {
            summaries
        } else {
            let clusters = self.layers.loaded.clusters.keys();
            resolve_all(&self.resolver, clusters.collect(), self.timings)?
        };
        let stacks = self.resolver.account_stacks(&summaries)?;
        let clusters = summaries.into_iter().map(|summary| summary.of_fleet);
        let reconciler = self.resolver.reconciler();
        let fleet = ResolvedFleet::new(clusters.collect(), self.kinds.take(), reconciler);
        let (of_fleet, of_accounts) = timed(&self.timings.render, || {
            let watch = self.request.watch;
            let loaded = &self.layers.loaded;
            let of_fleet = self
                .renderer
                .render_fleet(&fleet, (loaded, loaded), watch)?;
            let of_accounts = self.renderer.render_accounts(&stacks, watch)?;
            Ok::<_, Faults>((of_fleet, of_accounts))
        })?;
        let mut outcome = WholeOutcome::default();
        if !of_fleet.0.is_empty() {
            let plan = self.plan(FLEET, of_fleet)?;
            timed(&self.timings.check, || {
                self.renderer.check_fleet(plan.written())
            })?;
            self.add_shared(FLEET, plan, &mut outcome);
        }
        if !of_accounts.0.is_empty() {
            let plan = self.plan(ACCOUNTS, of_accounts)?;
            // Files of one account are judged together. To render them again where some of
            // them are in place takes time then; a copy of all would take memory always.
            if plan.is_whole() {
                timed(&self.timings.check, || {
                    self.renderer.check_accounts(plan.written())
                })?;
            } else if plan.written().next().is_some() {
                let again = timed(&self.timings.render, || {
                    let watch = self.request.watch;
                    self.renderer.render_accounts(&stacks, watch)
                })?;
                timed(&self.timings.check, || {
                    self.renderer.check_accounts(again.files())
                })?;
            }
            self.add_shared(ACCOUNTS, plan, &mut outcome);
        }
        Ok(outcome)
    }

    fn add_shared(&self, name: &str, plan: WritePlan, outcome: &mut WholeOutcome) {
        outcome.outputs.insert(name.to_owned(), plan.digest());
        outcome.attempts.push(self.write(plan));
    }

    /// Plans to remove folders that are no cluster's, and none of those `kept`.
    fn plan_removed(&self, kept: &[&str]) -> Result<Vec<WritePlan>, Faults> {
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
