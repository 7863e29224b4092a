//! `gen diff`: both sides loaded, resolved and rendered by this very program,
//! and compared cluster by cluster.
//!
//! ```text
//! revisions → base, head        what is compared
//! inputs                        which of them differ
//! release                       what another release wrote otherwise than this one renders
//! load, resolve                 the head as a whole; of the base what may differ
//! settings                      which of them differ, in which layer
//! render, compare               cluster by cluster, on all threads; only what differs is kept
//! ```
//!
//! Rendering is pure: equal inputs give equal outputs. So a cluster is only
//! rendered if one of the inputs that it depends on differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use logfleet_contract::folder::{ACCOUNTS, FLEET, SHARED};
use rayon::prelude::*;

use super::acknowledgements;
use super::checking::with_faults;
use super::kinds_seen::KindsSeen;
use super::loading::{Fleet, compile_schemas, own_templates, read_layers, resolve};
use super::release::OtherReleases;
use super::rendering::Rendering;
use super::timings::{Timings, timed};
use crate::diff::preview::{Preview, Side};
use crate::diff::{
    Compared, Comparison, Presence, Reach, Readers, RenderedCluster, altered_settings,
    compare_cluster, compare_renamed, compare_shared, find_cluster_renames, tell_renamed,
    uncompared_shared,
};
use crate::fault::{Fault, Faults};
use crate::layers::fleet::InputSchemas;
use crate::load::files::{CLUSTERS, LoadedFleet};
use crate::load::inputs::{InputOf, Inputs};
use crate::load::node::Node;
use crate::load::revisions::{self, Revision, Revisions};
use crate::load::root::Root;
use crate::render::{Templates, Watch};
use crate::resolve::{FleetCluster, GroupKind, ResolvedFleet, ResolvedMember};
use crate::tree::RenderedTree;

/// What [`preview`] is to do.
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
    let (mut inputs, head_fleet) = rayon::join(
        || timed(&timings.load, || BothInputs::find(&base.root, &head.root)),
        || LoadedSide::load(&head.root, None, &schemas, timings),
    );
    inputs.add_environments(&head_fleet.fleet.layers.loaded);
    inputs.add_named(&base.root, &head.root, &head_fleet.fleet.members);
    let affected = find_affected(&inputs, &head_fleet.fleet);
    let others = OtherReleases::find(&base.root, &inputs.base.clusters().collect());
    let of_base = affected.iter().chain(others.clusters()).cloned().collect();
    let base_fleet = LoadedSide::load_some(&base.root, &of_base, &schemas, timings);
    inputs.add_named(&base.root, &head.root, &base_fleet.fleet.members);

    let (entries, faults_of_entries) = timed(&timings.load, || {
        acknowledgements::read(&head.root, &head_fleet.fleet.layers.loaded)
    });

    let (old, new) = (&base_fleet.fleet.layers, &head_fleet.fleet.layers);
    let settings = timed(&timings.compare, || altered_settings(old, new));
    let templates = SharedTemplates::compile(&base_fleet.fleet, &head_fleet.fleet);
    let base_side = SideRendering::prepare(base_fleet, templates.base)?;
    let head_side = SideRendering::prepare(head_fleet, templates.head)?;
    // What is missing in a clone is no fault of a fleet, and differs from nothing.
    base.root.all_found()?;
    head.root.all_found()?;
    let sides = Sides {
        base: base_side,
        head: head_side,
        watch: request.watch,
        timings,
    };
    let mut result = sides.compare_all(&affected, request.progress);
    let words = acknowledgements::gather(&base.root, (entries, &sides.names()), trailers);
    let by_release = others.compare(&base.root, &sides.base, request.watch, timings);
    base.root.all_found()?;
    head.root.all_found()?;
    result.head_faults.append(faults_of_entries);
    let compared = Compared {
        unchanged: result.unchanged,
        comparisons: result.comparisons,
        words,
        settings,
        reach: inputs.reach(),
        recorded_releases: others.count(),
        by_release,
        base: side(&base),
        head: side(&head),
        head_faults: result.head_faults,
        base_faults: result.base_faults,
    };
    // A program that previews ends then. To free a thousand clusters one by
    // one, which the system does at once, takes longer than to compare one.
    // What many compare with makes room for the preview.
    std::mem::forget(sides.head);
    drop(sides.base);
    Ok(compared.into_preview())
}

fn side(revision: &Revision) -> Side {
    Side {
        revision: revision.called.clone(),
        commit: revision.commit.clone(),
        taken: revision.taken.clone(),
    }
}

/// The inputs of both sides.
struct BothInputs {
    base: Inputs,
    head: Inputs,
    /// The files that clusters name in their settings, on either side.
    named: BTreeMap<String, BTreeSet<String>>,
    /// Where those stand that differ and are read by way of a link.
    links: BTreeMap<String, String>,
    /// The head's clusters by the environment that they are in.
    environments: BTreeMap<String, BTreeSet<String>>,
}

impl BothInputs {
    fn find(base: &Root, head: &Root) -> Self {
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
    fn add_environments(&mut self, head: &LoadedFleet) {
        for (name, cluster) in &head.clusters {
            let own = cluster.layer.node.get("environment").and_then(Node::as_str);
            if let Some(environment) = own {
                let of_it = self.environments.entry(environment.to_owned());
                of_it.or_default().insert(name.clone());
            }
        }
    }

    /// Adds the files that clusters name, which only resolving them tells.
    fn add_named(&mut self, base: &Root, head: &Root, members: &[ResolvedMember]) {
        for member in members
            .iter()
            .filter(|member| !member.certificates.is_empty())
        {
            let name = &member.cluster.cluster.name;
            let paths = member.certificates.iter();
            let paths = paths.map(|named| format!("{CLUSTERS}/{}", named.file));
            self.named.entry(name.clone()).or_default().extend(paths);
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

    fn reach(&self) -> Reach<'_> {
        let differing = self.base.differences(&self.head).into_iter();
        Reach {
            base: &self.base,
            head: &self.head,
            readers: differing.map(|path| (path, self.readers(path))).collect(),
            links: &self.links,
        }
    }
}

/// The clusters one of whose inputs differs, on either side, or that have a
/// fault. All others have the same inputs, and so the same outputs.
fn find_affected(inputs: &BothInputs, head: &Fleet) -> BTreeSet<String> {
    let loaded = &head.layers.loaded;
    // What has a fault isn't what it was, whatever its inputs are.
    let mut affected = loaded.cluster_names.clone();
    for member in &head.members {
        affected.remove(&member.cluster.cluster.name);
    }
    let everybody = || {
        let both = [&inputs.base, &inputs.head].into_iter();
        both.flat_map(Inputs::clusters)
            .chain(loaded.cluster_names.iter().cloned())
    };
    for path in inputs.base.differences(&inputs.head) {
        match inputs.readers(path) {
            Readers::All => affected.extend(everybody()),
            Readers::Some(readers) => affected.extend(readers),
        }
    }
    affected
}

/// A side as far as it could be loaded and resolved.
struct LoadedSide {
    fleet: Fleet,
    faults: Faults,
}

impl LoadedSide {
    fn load(
        root: &Root,
        selected: Option<&BTreeSet<String>>,
        schemas: &InputSchemas,
        timings: &Timings,
    ) -> Self {
        let layers = timed(&timings.load, || read_layers(root, selected));
        let (mut fleet, faults) = resolve(layers, schemas, &[], timings);
        if !fleet.layers.loaded.shared_is_whole {
            // Without what all clusters share, none is what it would be.
            fleet.members.clear();
        }
        Self { fleet, faults }
    }

    /// Loads those of the clusters that there are. A commit without a fleet
    /// has none.
    fn load_some(
        root: &Root,
        clusters: &BTreeSet<String>,
        schemas: &InputSchemas,
        timings: &Timings,
    ) -> Self {
        let there = |name: &&String| root.exists(&format!("{CLUSTERS}/{name}"));
        let selected: BTreeSet<String> = clusters.iter().filter(there).cloned().collect();
        let mut side = Self::load(root, Some(&selected), schemas, timings);
        if !root.exists(CLUSTERS) {
            side.faults = Faults::new();
            side.fleet.layers.loaded.names_are_whole = true;
        }
        side
    }
}

/// The templates of both sides, compiled once if they are the same.
struct SharedTemplates {
    base: Result<Arc<Templates>, Faults>,
    head: Result<Arc<Templates>, Faults>,
}

impl SharedTemplates {
    fn compile(base: &Fleet, head: &Fleet) -> Self {
        let (base, head) = (&base.layers.loaded, &head.layers.loaded);
        let head_templates = own_templates(head).map(Arc::new);
        let base_templates = if base.template_overrides == head.template_overrides {
            head_templates.clone()
        } else {
            own_templates(base).map(Arc::new)
        };
        Self {
            base: base_templates,
            head: head_templates,
        }
    }
}

/// A side, ready to be rendered as far as it can be.
pub(super) struct SideRendering {
    /// None if the templates have a fault.
    rendering: Option<Rendering>,
    /// The names of all its clusters, faulty ones included.
    clusters: BTreeSet<String>,
    /// Whether it has no others.
    knows_all: bool,
    faults: Faults,
}

impl SideRendering {
    fn prepare(side: LoadedSide, templates: Result<Arc<Templates>, Faults>) -> Result<Self, Fault> {
        let LoadedSide {
            mut fleet,
            mut faults,
        } = side;
        let clusters = fleet.layers.loaded.cluster_names.clone();
        let knows_all = fleet.layers.loaded.names_are_whole;
        fleet.layers.loaded.forget_values();
        let rendering = match templates {
            Ok(templates) => Some(Rendering::new(fleet, templates)?),
            Err(more) => {
                faults.append(more);
                None
            }
        };
        Ok(Self {
            rendering,
            clusters,
            knows_all,
            faults,
        })
    }

    /// Renders a cluster, if it is one, and can be rendered.
    fn render(
        &self,
        name: &str,
        watch: &dyn Watch,
        timings: &Timings,
        faults: &mut Faults,
    ) -> Presence<(&ResolvedMember, RenderedTree)> {
        if !self.clusters.contains(name) && self.knows_all {
            return Presence::Absent;
        }
        let Some((rendering, member)) = self.find(name) else {
            return Presence::Faulty;
        };
        match timed(&timings.render, || rendering.render(member, watch)) {
            Ok(tree) => Presence::Rendered((member, tree)),
            Err(more) => {
                faults.append(more);
                Presence::Faulty
            }
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<(&Rendering, &ResolvedMember)> {
        let rendering = self.rendering.as_ref()?;
        let members = &rendering.fleet.members;
        let at = members
            .binary_search_by(|member| member.cluster.cluster.name.as_str().cmp(name))
            .ok()?;
        Some((rendering, members.get(at)?))
    }
}

/// Both sides, ready to be rendered.
struct Sides<'a> {
    base: SideRendering,
    head: SideRendering,
    watch: &'a dyn Watch,
    timings: &'a Timings,
}

/// What came of comparing clusters.
#[derive(Default)]
struct Outcomes {
    comparisons: Vec<Comparison>,
    unchanged: usize,
    base_faults: Faults,
    head_faults: Faults,
}

impl Outcomes {
    fn append(&mut self, other: Self) {
        self.comparisons.extend(other.comparisons);
        self.base_faults.append(other.base_faults);
        self.head_faults.append(other.head_faults);
    }
}

impl Sides<'_> {
    /// What there is on either side: the clusters, and the files of the whole fleet.
    fn names(&self) -> BTreeSet<String> {
        let both = self.base.clusters.union(&self.head.clusters).cloned();
        both.chain(SHARED.map(ToOwned::to_owned)).collect()
    }

    /// Compares these clusters on all threads, and then the files of the whole fleet.
    fn compare_all(&self, clusters: &BTreeSet<String>, progress: &(dyn Fn() + Sync)) -> Outcomes {
        let (base_kinds, head_kinds) = (KindsSeen::default(), KindsSeen::default());
        let each: Vec<Outcomes> = clusters
            .par_iter()
            .map(|name| {
                let outcome = self.compare(name, &base_kinds, &head_kinds);
                progress();
                outcome
            })
            .collect();
        let mut all = Outcomes {
            base_faults: self.base.faults.clone(),
            head_faults: self.head.faults.clone(),
            ..Outcomes::default()
        };
        for outcome in each {
            all.append(outcome);
        }
        self.compare_renamed(&mut all.comparisons);
        let known = self.head.clusters.union(&self.base.clusters).count();
        all.unchanged = known.saturating_sub(all.comparisons.len());
        let whole = WholeFleet::of(self, clusters);
        let compared = if all.base_faults.is_empty() && all.head_faults.is_empty() {
            whole.compare(base_kinds, head_kinds)
        } else {
            Ok(whole.leave_out(all.head_faults.is_empty()))
        };
        match compared {
            Ok(comparisons) => all.comparisons.extend(comparisons),
            Err(more) => all.head_faults.append(more),
        }
        // What is wrong on both sides is the head's matter.
        let of_head: BTreeSet<Fault> = all.head_faults.clone().sorted().into_iter().collect();
        all.base_faults.retain(|fault| !of_head.contains(fault));
        all
    }

    /// Renders a cluster on both sides and compares it.
    fn compare(&self, name: &str, base_kinds: &KindsSeen, head_kinds: &KindsSeen) -> Outcomes {
        let mut outcome = Outcomes::default();
        let (base, head) = (&self.base, &self.head);
        let old = base.render(name, self.watch, self.timings, &mut outcome.base_faults);
        let new = head.render(name, self.watch, self.timings, &mut outcome.head_faults);
        if let Presence::Rendered((_, tree)) = &old {
            base_kinds.look_at(tree);
        }
        if let Presence::Rendered((member, tree)) = &new {
            head_kinds.look_at(tree);
            let before = match &old {
                Presence::Rendered((_, tree)) => Some(tree),
                _ => None,
            };
            let checked = self.check(member, tree, before);
            outcome
                .head_faults
                .append(checked.err().unwrap_or_default());
        }
        let compared = timed(&self.timings.compare, || {
            compare_cluster(name, borrowed(&old), borrowed(&new))
        });
        outcome.comparisons.extend(compared);
        outcome
    }

    /// Compares clusters that have another name with what they were.
    fn compare_renamed(&self, comparisons: &mut [Comparison]) {
        let renames = find_cluster_renames(comparisons).into_par_iter();
        let compared = renames.filter_map(|rename| {
            // They were rendered before, so there are no faults to be reported.
            let mut reported = Faults::new();
            let old = self
                .base
                .render(&rename.from, self.watch, self.timings, &mut reported);
            let new = self
                .head
                .render(&rename.to, self.watch, self.timings, &mut reported);
            match (borrowed(&old), borrowed(&new)) {
                (Presence::Rendered(old), Presence::Rendered(new)) => {
                    Some(compare_renamed(rename, old, new))
                }
                _ => None,
            }
        });
        tell_renamed(comparisons, compared.collect());
    }

    /// Checks what differs at the head, as `gen render` checks what it would
    /// write: what stays as it is was checked before.
    fn check(
        &self,
        member: &ResolvedMember,
        tree: &RenderedTree,
        before: Option<&RenderedTree>,
    ) -> Result<(), Faults> {
        let Some(rendering) = &self.head.rendering else {
            return Ok(());
        };
        let differs = |(path, bytes): &(&_, &[u8])| {
            let old = before.and_then(|tree| tree.0.get(*path));
            old.map(Vec::as_slice) != Some(*bytes)
        };
        timed(&self.timings.check, || {
            let checked = rendering
                .renderer
                .check(member, tree.files().filter(differs));
            with_faults(checked, rendering.check_references(member, tree))
        })
    }
}

/// The files of the folders that are no cluster's.
#[derive(Default)]
struct SharedTrees {
    fleet: RenderedTree,
    accounts: RenderedTree,
}

impl SharedTrees {
    /// Each with the name of its folder.
    fn by_name(&self) -> [(&'static str, &RenderedTree); 2] {
        [(FLEET, &self.fleet), (ACCOUNTS, &self.accounts)]
    }
}

/// What the files of the whole fleet and of accounts are made of, on both sides.
struct WholeFleet<'a> {
    base: Vec<&'a ResolvedMember>,
    head: Vec<&'a ResolvedMember>,
    /// The clusters of both sides that are the same: only the head's were loaded.
    same: Vec<&'a ResolvedMember>,
    sides: &'a Sides<'a>,
}

impl<'a> WholeFleet<'a> {
    fn of(sides: &'a Sides<'a>, affected: &BTreeSet<String>) -> Self {
        let (base, head) = (&sides.base, &sides.head);
        let members = |side: &'a SideRendering| -> Vec<&'a ResolvedMember> {
            let renderings = side.rendering.iter();
            renderings
                .flat_map(|rendering| &rendering.fleet.members)
                .collect()
        };
        let head_members = members(head);
        // The base has more where another release wrote what it rendered.
        let is_affected =
            |member: &&ResolvedMember| affected.contains(&member.cluster.cluster.name);
        let is_same = |member: &&ResolvedMember| !is_affected(member);
        let same: Vec<_> = head_members.iter().copied().filter(is_same).collect();
        let mut base_members = members(base);
        base_members.retain(is_affected);
        base_members.extend(&same);
        base_members.sort_by(|a, b| a.cluster.cluster.name.cmp(&b.cluster.cluster.name));
        Self {
            base: base_members,
            head: head_members,
            same,
            sides,
        }
    }

    fn compare(
        &self,
        base_kinds: KindsSeen,
        head_kinds: KindsSeen,
    ) -> Result<Vec<Comparison>, Faults> {
        let (base, head) = (&self.sides.base.rendering, &self.sides.head.rendering);
        let (Some(base), Some(head)) = (base, head) else {
            return Ok(Vec::new());
        };
        let (mut base_kinds, mut head_kinds) = (base_kinds.into_kinds(), head_kinds.into_kinds());
        // Kinds of clusters that stay as they are matter only if those of others differ.
        if base_kinds != head_kinds {
            let more = self.kinds_of_same(head)?;
            base_kinds.extend(more.iter().cloned());
            head_kinds.extend(more);
        }
        let old = self.render(base, &self.base, base_kinds)?;
        let new = self.render(head, &self.head, head_kinds)?;
        timed(&self.sides.timings.check, || {
            head.renderer.check_fleet(new.fleet.files())?;
            head.renderer.check_accounts(new.accounts.files())
        })?;
        let compared = old.by_name().into_iter().zip(new.by_name());
        let compared = compared.map(|((name, old), (_, new))| compare_shared(name, old, new));
        Ok(compared.flatten().collect())
    }

    /// Tells that they aren't compared, where there are any: they are made of
    /// clusters one of which has a fault.
    fn leave_out(&self, only_base: bool) -> Vec<Comparison> {
        let known = |side: &Option<Rendering>, members: &[&ResolvedMember]| {
            let rendered = side.as_ref().map(|side| {
                let kinds = BTreeSet::new();
                self.render(side, members, kinds).unwrap_or_default()
            });
            rendered.unwrap_or_default()
        };
        let old = known(&self.sides.base.rendering, &self.base);
        let new = known(&self.sides.head.rendering, &self.head);
        let both = old.by_name().into_iter().zip(new.by_name());
        // Of accounts there is nothing to say that isn't said of their clusters.
        let of_fleet = both.filter(|((name, _), _)| *name == FLEET);
        let are_there =
            of_fleet.filter(|((_, old), (_, new))| !old.0.is_empty() || !new.0.is_empty());
        are_there
            .map(|((name, _), (_, new))| uncompared_shared(name, only_base.then_some(new)))
            .collect()
    }

    fn render(
        &self,
        side: &Rendering,
        members: &[&ResolvedMember],
        kinds: BTreeSet<GroupKind>,
    ) -> Result<SharedTrees, Faults> {
        if members.is_empty() {
            return Ok(SharedTrees::default());
        }
        timed(&self.sides.timings.render, || {
            let clusters = members.iter().map(|member| &member.cluster);
            let clusters = clusters.map(FleetCluster::of).collect();
            let fleet = ResolvedFleet::new(clusters, kinds, side.fleet.reconciler.as_ref());
            let stacks = side.fleet.account_stacks(members.iter().copied())?;
            let watch = self.sides.watch;
            // The base is read in part, the head as a whole.
            let own = &side.fleet.layers.loaded;
            let head = self.sides.head.rendering.as_ref();
            let head = head.map_or(own, |head| &head.fleet.layers.loaded);
            Ok(SharedTrees {
                fleet: side.renderer.render_fleet(&fleet, (own, head), watch)?,
                accounts: side.renderer.render_accounts(&stacks, watch)?,
            })
        })
    }

    fn kinds_of_same(&self, head: &Rendering) -> Result<BTreeSet<GroupKind>, Faults> {
        let kinds = KindsSeen::default();
        let look_at = |member: &&ResolvedMember| -> Result<(), Faults> {
            let timings = self.sides.timings;
            let tree = timed(&timings.render, || head.render(member, self.sides.watch))?;
            kinds.look_at(&tree);
            Ok(())
        };
        self.same.par_iter().try_for_each(look_at)?;
        Ok(kinds.into_kinds())
    }
}

fn borrowed<'a>(
    side: &'a Presence<(&'a ResolvedMember, RenderedTree)>,
) -> Presence<RenderedCluster<'a>> {
    match side {
        Presence::Absent => Presence::Absent,
        Presence::Faulty => Presence::Faulty,
        Presence::Rendered((member, tree)) => Presence::Rendered(RenderedCluster {
            cluster: &member.cluster,
            tree,
        }),
    }
}
