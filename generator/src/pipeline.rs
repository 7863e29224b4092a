//! The steps in their order: load, resolve, render, the plan of what to
//! write, and the check of that. Each command runs as many of them as it needs.
//!
//! Does IO at both ends (it reads the inputs, and the outputs as they are);
//! what lies between is pure.

mod acknowledgements;
mod preview;
mod release;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use logfleet_contract::folder::RENDERED;
use rayon::prelude::*;

use crate::check::{self, Checker};
use crate::fault::{Fault, Faults};
use crate::kinds;
use crate::layers::fleet::{FleetLayers, InputSchemas};
use crate::load::files::{self, CLUSTERS, LoadedFleet, Selection};
use crate::load::root::Root;
use crate::load::source::SourceFile;
use crate::load::yaml;
use crate::render::{self, TemplateText, Templates, Watch};
use crate::resolve::{GroupKind, PATCHES, ResolvedFleet, ResolvedMember, resolve_fleet};
use crate::settings::{DEFAULTS, DEFAULTS_NAME};
use crate::tree::{RenderedTree, TreePath};
use crate::write::{self, Output, WriteOptions, WritePlan, WriteSummary};

pub use preview::{PreviewRequest, preview};

/// A fleet that was read and resolved.
#[derive(Debug)]
pub struct Fleet {
    /// Its layers.
    pub layers: FleetLayers,
    /// Its clusters, by name: those selected.
    pub members: Vec<ResolvedMember>,
}

/// How long each step took, in nanoseconds: load and resolve by the clock, the
/// others summed over all threads.
#[derive(Debug, Default)]
pub struct Timings {
    load: AtomicU64,
    resolve: AtomicU64,
    render: AtomicU64,
    check: AtomicU64,
    compare: AtomicU64,
    write: AtomicU64,
}

impl Timings {
    /// The name and time of each step that there was.
    pub fn steps(&self) -> Vec<(&'static str, Duration)> {
        let time = |step: &AtomicU64| Duration::from_nanos(step.load(Ordering::Relaxed));
        let mut steps = vec![
            ("load", time(&self.load)),
            ("resolve", time(&self.resolve)),
            ("render", time(&self.render)),
            ("check", time(&self.check)),
            ("compare", time(&self.compare)),
            ("write", time(&self.write)),
        ];
        steps.retain(|(_, time)| !time.is_zero());
        steps
    }

    /// All of them on one line.
    pub fn to_text(&self) -> String {
        let steps = self.steps().into_iter();
        let steps = steps.map(|(step, time)| format!("{step} {:.1} ms", time.as_secs_f64() * 1e3));
        steps.collect::<Vec<_>>().join("  ") + "\n"
    }
}

fn timed<T>(step: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    step.fetch_add(nanoseconds, Ordering::Relaxed);
    result
}

/// Reads a fleet without resolving it. What could not be read is told in the
/// faults.
pub fn load_layers(root: &Path, selected: Option<&BTreeSet<String>>) -> (FleetLayers, Faults) {
    match Root::folder(root) {
        Ok(root) => read_layers(&root, selected),
        Err(fault) => above_defaults(LoadedFleet::default(), fault.into()),
    }
}

fn read_layers(root: &Root, selected: Option<&BTreeSet<String>>) -> (FleetLayers, Faults) {
    let selection = selected.map_or(Selection::All, Selection::Only);
    let (loaded, faults) = files::load(root, selection);
    above_defaults(loaded, faults)
}

/// What was read, with the built-in defaults below it.
fn above_defaults(mut loaded: LoadedFleet, mut faults: Faults) -> (FleetLayers, Faults) {
    let source = SourceFile::new(DEFAULTS_NAME, DEFAULTS);
    let file = loaded
        .sources
        .push(SourceFile::new(DEFAULTS_NAME, DEFAULTS));
    let defaults = yaml::parse(file, &source).unwrap_or_else(|more| {
        faults.append(more);
        crate::load::node::Node::from_json(
            &serde_json::Value::Null,
            crate::load::source::Span {
                file,
                start: 0,
                end: 0,
            },
        )
    });
    (FleetLayers { defaults, loaded }, faults)
}

/// Reads and resolves a fleet, or the clusters of it that are named.
pub fn load_fleet(
    root: &Path,
    selected: Option<&BTreeSet<String>>,
    timings: &Timings,
) -> Result<Fleet, Faults> {
    load_fleet_from(&Root::folder(root)?, selected, timings)
}

fn load_fleet_from(
    root: &Root,
    selected: Option<&BTreeSet<String>>,
    timings: &Timings,
) -> Result<Fleet, Faults> {
    let (layers, schemas) = timed(&timings.load, || {
        rayon::join(|| read_layers(root, selected), compile_schemas)
    });
    let (fleet, mut faults) = resolve(layers, &schemas?, timings);
    // What is wrong in files that only `gen diff` reads: it would acknowledge nothing there.
    faults.append(acknowledgements::read(root, &fleet.layers.loaded).1);
    faults.into_result(fleet)
}

fn compile_schemas() -> Result<InputSchemas, Faults> {
    InputSchemas::new().map_err(|error| Fault::input(format!("the input's schema: {error}")).into())
}

/// The clusters that could be resolved, and all that is wrong.
fn resolve(
    (layers, mut faults): (FleetLayers, Faults),
    schemas: &InputSchemas,
    timings: &Timings,
) -> (Fleet, Faults) {
    let (members, more) = timed(&timings.resolve, || resolve_fleet(&layers, schemas));
    faults.append(more);
    (Fleet { layers, members }, faults)
}

/// What [`plan`] is to do.
#[derive(Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The folder with `rendered/`.
    pub root: &'a Path,
    /// What has `clusters/` and `templates/`: that folder, or a commit of it.
    pub inputs: &'a Root,
    /// The clusters, or all of them; only with all are the files of the whole
    /// fleet planned, and outputs of clusters that no longer exist removed.
    pub selected: Option<&'a BTreeSet<String>>,
    /// How to write.
    pub options: WriteOptions,
    /// Told after each cluster, from any thread.
    pub progress: &'a (dyn Fn() + Sync),
    /// Told of each template, from any thread.
    pub watch: &'a dyn Watch,
}

/// A fleet that has no fault, and how many files it renders to.
#[derive(Debug)]
pub struct CheckedFleet {
    /// The fleet.
    pub fleet: Fleet,
    /// The number of files.
    pub files: usize,
}

/// Runs every step but the last in memory.
pub fn check(
    root: &Path,
    selected: Option<&BTreeSet<String>>,
    watch: &dyn Watch,
    timings: &Timings,
) -> Result<CheckedFleet, Faults> {
    let rendering = Rendering::prepare(&Root::folder(root)?, selected, timings)?;
    let kinds = KindsSeen::default();
    let files = rendering.for_each(watch, timings, |member, tree| {
        kinds.look_at(&tree);
        timed(&timings.check, || rendering.check(member, tree.files()))?;
        Ok(tree.0.len())
    })?;
    let mut files: usize = files.into_iter().sum();
    if selected.is_none() {
        let tree = rendering.render_fleet(kinds, watch, timings)?;
        timed(&timings.check, || rendering.check_fleet(tree.files()))?;
        files += tree.0.len();
    }
    Ok(CheckedFleet {
        fleet: rendering.fleet,
        files,
    })
}

/// Runs every step up to the plan of what to write: nothing has been written
/// then, and nothing will be if any cluster has a fault.
///
/// Checked is what would be written. A file that is on disk already, to the
/// byte, was checked when it was; [`check()`] looks at all files again.
pub fn plan(
    request: PlanRequest<'_>,
    timings: &Timings,
) -> Result<(Output, Vec<WritePlan>), Faults> {
    let rendering = Rendering::prepare(request.inputs, request.selected, timings)?;
    let output = Output::open(
        request.root,
        Path::new(RENDERED),
        request.options.check_only,
    )
    .map_err(Faults::from)?;
    let kinds = KindsSeen::default();
    let plans = rendering.for_each(request.watch, timings, |member, tree| {
        kinds.look_at(&tree);
        let name = member.cluster.cluster.name.as_str();
        let together = JudgedTogether::of(&tree);
        let plan = timed(&timings.write, || {
            write::plan(&output, name, tree, request.options)
        })?;
        timed(&timings.check, || {
            rendering.check(member, together.with(&plan))
        })?;
        (request.progress)();
        Ok(plan)
    });
    let whole = match (&plans, request.selected) {
        (_, Some(_)) => Ok(Vec::new()),
        (Ok(_), None) => rendering.plan_whole(kinds, &output, request, timings),
        // What the fleet's files are made of is known only of clusters without
        // faults; what else is wrong is told with theirs.
        (Err(_), None) => rendering.plan_removed(&output, &[render::FLEET], request.options),
    };
    match (plans, whole) {
        (Ok(mut plans), Ok(whole)) => {
            plans.extend(whole);
            Ok((output, plans))
        }
        (plans, whole) => {
            let mut faults = plans.err().unwrap_or_default();
            faults.append(whole.err().unwrap_or_default());
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

/// The kinds of Kubernetes objects in the trees that were looked at, from any thread.
#[derive(Debug, Default)]
struct KindsSeen(Mutex<BTreeSet<GroupKind>>);

impl KindsSeen {
    fn look_at(&self, tree: &RenderedTree) {
        let found = kinds::kinds_in(tree);
        // A thread that panicked left the set as it was.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (group, kind) in found {
            let one = GroupKind {
                group: group.to_owned(),
                kind: kind.to_owned(),
            };
            seen.insert(one);
        }
    }

    fn into_kinds(self) -> BTreeSet<GroupKind> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that rendering a fleet's clusters needs.
struct Rendering {
    fleet: Fleet,
    templates: Arc<Templates>,
    certificates: BTreeMap<String, Vec<u8>>,
    checker: Checker,
}

impl Rendering {
    /// Faults of inputs and of templates are told together.
    fn prepare(
        root: &Root,
        selected: Option<&BTreeSet<String>>,
        timings: &Timings,
    ) -> Result<Self, Faults> {
        let fleet = load_fleet_from(root, selected, timings)?;
        let templates = timed(&timings.render, || own_templates(&fleet.layers.loaded));
        let certificates = read_certificates(root, &fleet.members);
        match (templates, certificates) {
            (Ok(templates), (certificates, faults)) if faults.is_empty() => {
                Ok(Self::new(fleet, Arc::new(templates), certificates)?)
            }
            (templates, (_, more)) => {
                let mut faults = templates.err().unwrap_or_default();
                faults.append(more);
                Err(faults)
            }
        }
    }

    fn new(
        mut fleet: Fleet,
        templates: Arc<Templates>,
        certificates: BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, Fault> {
        for member in &mut fleet.members {
            hand_certificates_to_machines(member, &certificates);
        }
        let checker = Checker::new().map_err(|error| Fault::input(error.to_string()))?;
        Ok(Self {
            fleet,
            templates,
            certificates,
            checker,
        })
    }

    /// Renders every cluster, on all threads, and hands its tree on. The results are in the order of the clusters' names.
    fn for_each<T: Send>(
        &self,
        watch: &dyn Watch,
        timings: &Timings,
        next: impl Fn(&ResolvedMember, RenderedTree) -> Result<T, Faults> + Sync,
    ) -> Result<Vec<T>, Faults> {
        let results: Vec<Result<T, Faults>> = self
            .fleet
            .members
            .par_iter()
            .map(|member| {
                let tree = timed(&timings.render, || self.render(member, watch))?;
                next(member, tree)
            })
            .collect();
        gather(results)
    }

    /// Checks files of a cluster. Faults name the template they come from.
    fn check<'f>(
        &self,
        member: &ResolvedMember,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let cluster = &member.cluster;
        let folder = format!("{RENDERED}/{}/", cluster.cluster.name);
        let origin = |fault: &Fault| {
            let path = fault.place.as_ref()?.file.strip_prefix(&folder)?;
            render::template_of(cluster, &self.templates, path).map(render::origin_hint)
        };
        let checked = self.checker.check(&cluster.cluster.name, files);
        checked.map_err(|faults| {
            faults.map(|fault| match origin(&fault) {
                Some(hint) => fault.hint(hint),
                None => fault,
            })
        })
    }

    /// Plans what only a run over all clusters can tell: the files of the whole
    /// fleet, and folders that nobody has any more.
    fn plan_whole(
        &self,
        kinds: KindsSeen,
        output: &Output,
        request: PlanRequest<'_>,
        timings: &Timings,
    ) -> Result<Vec<WritePlan>, Faults> {
        let tree = self.render_fleet(kinds, request.watch, timings)?;
        let mut plans = Vec::new();
        let mut kept: &[&str] = &[];
        if !tree.0.is_empty() {
            kept = &[render::FLEET];
            let plan = timed(&timings.write, || {
                write::plan(output, render::FLEET, tree, request.options)
            })?;
            timed(&timings.check, || self.check_fleet(plan.written()))?;
            plans.push(plan);
        }
        plans.extend(self.plan_removed(output, kept, request.options)?);
        Ok(plans)
    }

    /// Plans to remove folders that are no cluster's, and none of those `kept`.
    fn plan_removed(
        &self,
        output: &Output,
        kept: &[&'static str],
        options: WriteOptions,
    ) -> Result<Vec<WritePlan>, Faults> {
        let names = &self.fleet.layers.loaded.cluster_names;
        let existing = names.iter().map(String::as_str).chain(kept.iter().copied());
        write::plan_removed(output, &existing.collect(), options)
    }

    /// Renders the files of the whole fleet.
    fn render_fleet(
        &self,
        kinds: KindsSeen,
        watch: &dyn Watch,
        timings: &Timings,
    ) -> Result<RenderedTree, Faults> {
        let clusters = self.fleet.members.iter().map(|member| &member.cluster);
        timed(&timings.render, || {
            let fleet = ResolvedFleet::new(clusters, kinds.into_kinds());
            render::render_fleet(&fleet, &self.templates, watch)
        })
    }

    /// Checks files of the whole fleet. Faults name the template they come from.
    fn check_fleet<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let folder = format!("{RENDERED}/{}/", render::FLEET);
        let checked = self.checker.check(render::FLEET, files);
        checked.map_err(|faults| {
            faults.map(|fault| {
                let path = fault
                    .place
                    .as_ref()
                    .and_then(|place| place.file.strip_prefix(&folder));
                match path.map(render::template_of_fleet) {
                    Some(template) => fault.hint(render::origin_hint(&template)),
                    None => fault,
                }
            })
        })
    }

    /// Renders a cluster, and copies in what it brings itself.
    fn render(&self, member: &ResolvedMember, watch: &dyn Watch) -> Result<RenderedTree, Faults> {
        let mut tree = render::render_watched(&member.cluster, &self.templates, watch)?;
        let loaded = self
            .fleet
            .layers
            .loaded
            .clusters
            .get(&member.cluster.cluster.name);
        let patches = loaded.into_iter().flat_map(|cluster| &cluster.patches);
        let copies = patches
            .map(|(name, bytes)| (format!("kubernetes/{PATCHES}/{name}"), bytes))
            .chain(member.certificates.iter().filter_map(|certificate| {
                Some((
                    certificate.output.clone(),
                    self.certificates.get(&certificate.file)?,
                ))
            }));
        for (path, bytes) in copies {
            let path = TreePath::new(path).map_err(|error| Fault::input(error.to_string()))?;
            if tree.0.insert(path.clone(), bytes.clone()).is_some() {
                return Err(Fault::input(format!(
                    "`{path}` is rendered by a template, and copied too"
                ))
                .hint("rename the template")
                .into());
            }
        }
        Ok(tree)
    }
}

/// All results, or all faults.
fn gather<T>(results: Vec<Result<T, Faults>>) -> Result<Vec<T>, Faults> {
    let mut faults = Faults::new();
    let mut values = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(more) => faults.append(more),
        }
    }
    faults.into_result(values)
}

/// Carries plans out.
pub fn apply(
    output: &Output,
    plans: &[WritePlan],
    timings: &Timings,
) -> Result<Vec<WriteSummary>, Faults> {
    let results: Vec<Result<WriteSummary, Faults>> = plans
        .par_iter()
        .map(|plan| timed(&timings.write, || write::apply(output, plan)))
        .collect();
    gather(results)
}

/// Compiles the templates with the fleet's own over them.
pub fn own_templates(loaded: &LoadedFleet) -> Result<Templates, Faults> {
    let own: Vec<TemplateText> = loaded
        .template_overrides
        .iter()
        .map(|(name, text)| TemplateText {
            name: name.clone(),
            text: text.clone(),
        })
        .collect();
    Templates::compile(&own)
}

/// What a machine installs holds the certificates themselves: it can't read
/// the cluster's objects.
fn hand_certificates_to_machines(
    member: &mut ResolvedMember,
    certificates: &BTreeMap<String, Vec<u8>>,
) {
    let wanted = member.cluster.destinations_of_machines();
    for certificate in &member.certificates {
        let destination = member.cluster.destinations.iter().find(|destination| {
            let output = destination.ca_certificate.as_ref();
            output.is_some_and(|output| certificate.output == format!("kubernetes/{output}"))
        });
        if let Some(destination) = destination
            && wanted.contains(&destination.name)
            && let Some(bytes) = certificates.get(&certificate.file)
        {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let held = &mut member.cluster.machines.certificates;
            held.insert(destination.name.clone(), text);
        }
    }
}

/// The certificates of all clusters, each file read once: path below
/// `clusters/` to bytes. What can't be had is told in the faults.
fn read_certificates(
    root: &Root,
    members: &[ResolvedMember],
) -> (BTreeMap<String, Vec<u8>>, Faults) {
    let mut found = BTreeMap::new();
    let mut faults = Faults::new();
    for certificate in members.iter().flat_map(|member| &member.certificates) {
        if found.contains_key(&certificate.file) {
            continue;
        }
        let read = files::read_below(root, CLUSTERS, &certificate.file).and_then(check_certificate);
        match read {
            Ok(bytes) => {
                found.insert(certificate.file.clone(), bytes);
            }
            Err(fault) => faults.push(fault.at(certificate.place.clone())),
        }
    }
    (found, faults)
}

fn check_certificate(bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("PRIVATE KEY-----") {
        return Err(
            Fault::input("this file holds a private key, which must not be in git")
                .hint("take the key out, and replace it wherever it was used: it is known now"),
        );
    }
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(Fault::input("this file holds no PEM certificate")
            .hint("a CA certificate begins with `-----BEGIN CERTIFICATE-----`"));
    }
    match find_damage(&bytes) {
        None => Ok(bytes),
        Some(damage) => Err(Fault::input(format!(
            "a certificate in this file is damaged: {damage}"
        ))
        .hint("copy it again, from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`")),
    }
}

/// What is wrong with the certificates in a PEM file, as far as can be seen
/// without reading them: a damaged one would stop Fluentd at its start.
fn find_damage(bytes: &[u8]) -> Option<String> {
    let sections = match pem::parse_many(bytes) {
        Ok(sections) => sections,
        Err(error) => return Some(error.to_string()),
    };
    let begun = String::from_utf8_lossy(bytes)
        .matches("-----BEGIN CERTIFICATE-----")
        .count();
    let certificates = sections
        .iter()
        .filter(|section| section.tag() == "CERTIFICATE");
    if certificates.clone().count() != begun {
        return Some("one has no end".to_owned());
    }
    let cut_off = |der: &[u8]| der_length(der) != Some(der.len());
    certificates
        .map(pem::Pem::contents)
        .any(cut_off)
        .then(|| "its bytes are cut off".to_owned())
}

/// The bytes that a DER sequence says it has, with its own head: X.690, 8.1.
fn der_length(der: &[u8]) -> Option<usize> {
    match der {
        [0x30, short, ..] if *short < 0x80 => Some(2 + usize::from(*short)),
        [0x30, form @ 0x81..=0x84, rest @ ..] => {
            let digits = rest.get(..usize::from(form - 0x80))?;
            let length = digits
                .iter()
                .fold(0, |length, byte| length * 256 + usize::from(*byte));
            Some(2 + digits.len() + length)
        }
        _ => None,
    }
}
