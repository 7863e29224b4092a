//! From a resolved cluster, or fleet, to files, and the check of them. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use logfleet_contract::folder::RENDERED;
use rayon::prelude::*;

use super::gather;
use super::loading::Fleet;
use crate::check::Checker;
use crate::fault::{Fault, Faults, Place};
use crate::load::files::LoadedFleet;
use crate::patch;
use crate::render::{self, Templates, Watch};
use crate::resolve::{AccountStack, PATCHES, ResolvedFleet, ResolvedMember};
use crate::tree::{RenderedTree, TreePath};

/// What renders and checks clusters, one after the other or side by side.
pub(super) struct Renderer {
    templates: Arc<Templates>,
    checker: Checker,
}

impl Renderer {
    pub(super) fn new(templates: Arc<Templates>) -> Result<Self, Fault> {
        let checker = Checker::new().map_err(|error| Fault::input(error.to_string()))?;
        Ok(Self { templates, checker })
    }

    /// Renders a cluster, copies in what it brings itself, and applies its patches.
    pub(super) fn render(
        &self,
        member: &ResolvedMember,
        loaded: &LoadedFleet,
        watch: &dyn Watch,
    ) -> Result<(RenderedTree, patch::Applied), Faults> {
        let mut tree = render::render_watched(&member.cluster, &self.templates, watch)?;
        let own = loaded.clusters.get(&member.cluster.cluster.name);
        let patches = own.into_iter().flat_map(|cluster| &cluster.patches);
        let patches =
            patches.map(|(name, bytes)| (format!("kubernetes/{PATCHES}/{name}"), bytes.as_slice()));
        let certificates = member
            .certificates
            .iter()
            .map(|certificate| (certificate.output.clone(), certificate.bytes.as_ref()));
        for (path, bytes) in patches.chain(certificates) {
            let path = TreePath::new(path).map_err(|error| Fault::input(error.to_string()))?;
            if tree.0.insert(path.clone(), bytes.to_vec()).is_some() {
                return Err(Fault::input(format!(
                    "`{path}` is rendered by a template, and copied too"
                ))
                .hint("rename the template")
                .into());
            }
        }
        let applied = patch::apply(&mut tree, &member.patches)?;
        Ok((tree, applied))
    }

    /// Checks files of a cluster. Faults name the template they come from.
    pub(super) fn check<'f>(
        &self,
        member: &ResolvedMember,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let files: Vec<_> = files.into_iter().collect();
        let checked = self
            .checker
            .check(&member.cluster.cluster.name, files.iter().copied());
        checked.map_err(|faults| {
            let folder = format!("{RENDERED}/{}/", member.cluster.cluster.name);
            let faults = self.with_origin(member, faults).map(|fault| {
                let file = fault.place.as_ref().map(|place| place.file.clone());
                let path = file.as_deref().and_then(|file| file.strip_prefix(&folder));
                let own = path.and_then(|path| files.iter().find(|(own, _)| own.as_str() == path));
                match own {
                    Some((path, bytes)) => of_patch(fault, path.as_str(), bytes, member),
                    None => fault,
                }
            });
            once_for_each_patch(faults)
        })
    }

    /// Checks what a cluster's files name among themselves, all of them at once.
    /// Built-in templates name what they render; only a fleet's own, and patches,
    /// are looked at.
    pub(super) fn check_references(
        &self,
        member: &ResolvedMember,
        loaded: &LoadedFleet,
        tree: &RenderedTree,
    ) -> Result<(), Faults> {
        let own = loaded.clusters.get(&member.cluster.cluster.name);
        let patched = own.is_some_and(|own| !own.patches.is_empty());
        if loaded.template_overrides.is_empty() && !patched {
            return Ok(());
        }
        let cluster = &member.cluster;
        let daemon_sets = cluster.daemon_sets.iter();
        let plugins = daemon_sets.filter_map(|daemon_set| {
            let plugins = daemon_set.fluentd.image.plugins.clone()?;
            Some((
                format!("kubernetes/{}/fluent.conf", daemon_set.folder),
                plugins,
            ))
        });
        let name = &cluster.cluster.name;
        let faults = self
            .checker
            .check_references(name, tree, &plugins.collect());
        self.with_origin(member, faults).into_result(())
    }

    /// The faults with the templates that they come from.
    fn with_origin(&self, member: &ResolvedMember, faults: Faults) -> Faults {
        let cluster = &member.cluster;
        let folder = format!("{RENDERED}/{}/", cluster.cluster.name);
        let origin = |fault: &Fault| {
            let path = fault.place.as_ref()?.file.strip_prefix(&folder)?;
            render::template_of(cluster, &self.templates, path).map(render::origin_hint)
        };
        faults.map(|fault| match origin(&fault) {
            Some(hint) => fault.hint(hint),
            None => fault,
        })
    }

    /// Renders the files of the whole fleet, and copies in the authorities that its reconciler trusts.
    /// Of a side that was read in part, those of clusters that are the same on both are the `others`.
    pub(super) fn render_fleet(
        &self,
        fleet: &ResolvedFleet,
        (loaded, others): (&LoadedFleet, &LoadedFleet),
        watch: &dyn Watch,
    ) -> Result<RenderedTree, Faults> {
        let mut tree = render::render_fleet(fleet, &self.templates, watch)?;
        let reconciler = fleet.reconciler.iter();
        for copied in reconciler.flat_map(|reconciler| &reconciler.authorities) {
            let path = TreePath::new(format!("reconciler/kubernetes/{}", copied.to))
                .map_err(|error| Fault::input(error.to_string()))?;
            let mut bytes = Vec::new();
            for file in &copied.from {
                let own = loaded.certificates.get_named(file);
                let read = own.unwrap_or_else(|| others.certificates.get(file));
                bytes.extend_from_slice(read?);
                if !bytes.ends_with(b"\n") {
                    bytes.push(b'\n');
                }
            }
            tree.0.insert(path, bytes);
        }
        Ok(tree)
    }

    /// Checks files of the whole fleet. Faults name the template they come from.
    pub(super) fn check_fleet<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let folder = format!("{RENDERED}/{}/", render::FLEET);
        let checked = self.checker.check(render::FLEET, files);
        checked.map_err(|faults| with_origin(faults, &folder, render::template_of_fleet))
    }

    /// Renders the files of accounts.
    pub(super) fn render_accounts(
        &self,
        stacks: &[AccountStack],
        watch: &dyn Watch,
    ) -> Result<RenderedTree, Faults> {
        render::render_accounts(stacks, &self.templates, watch)
    }

    /// Checks the files of accounts: those of an account and Region together.
    pub(super) fn check_accounts<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let mut regions: BTreeMap<&str, Vec<(&TreePath, &[u8])>> = BTreeMap::new();
        for (path, bytes) in files {
            let text = path.as_str();
            let end = text
                .match_indices('/')
                .nth(1)
                .map_or(text.len(), |(at, _)| at);
            regions.entry(&text[..end]).or_default().push((path, bytes));
        }
        let folder = format!("{RENDERED}/{}/", render::ACCOUNTS);
        let regions: Vec<_> = regions.into_values().collect();
        let checked = regions.into_par_iter().map(|files| {
            let checked = self.checker.check(render::ACCOUNTS, files);
            checked.map_err(|found| with_origin(found, &folder, render::template_of_account))
        });
        gather(checked.collect()).map(|_| ())
    }
}

/// Faults that name the template that their file comes from.
fn with_origin(faults: Faults, folder: &str, template: impl Fn(&str) -> String) -> Faults {
    faults.map(|fault| {
        let path = fault
            .place
            .as_ref()
            .and_then(|place| place.file.strip_prefix(folder));
        match path.map(&template) {
            Some(template) => fault.hint(render::origin_hint(&template)),
            None => fault,
        }
    })
}

/// A fault in a file that patches changed is placed where they are written: the
/// file's own place is reported beside it.
fn of_patch(mut fault: Fault, path: &str, bytes: &[u8], member: &ResolvedMember) -> Fault {
    let patches = member.patches.iter();
    let patches: Vec<_> = patches.filter(|patch| patch.is_for(path, bytes)).collect();
    let (Some(first), Some(place)) = (patches.first(), &fault.place) else {
        return fault;
    };
    let names: Vec<String> = patches
        .iter()
        .map(|patch| format!("`patches.{}`", patch.name))
        .collect();
    fault.message = format!(
        "`{}` line {}, {AS_CHANGED} {}: {}",
        place.file,
        place.line,
        names.join(", "),
        fault.message
    );
    fault.at(first.merge_place.clone())
}

/// What is said of a fault in a patched file.
const AS_CHANGED: &str = "as changed by";

/// One mistake in a patch is wrong in everything that it meets: it is reported once.
fn once_for_each_patch(faults: Faults) -> Faults {
    let mut seen: BTreeMap<(Option<Place>, String), (Fault, usize)> = BTreeMap::new();
    let mut others = Faults::new();
    for fault in faults.sorted() {
        let essence = fault.message.split_once(AS_CHANGED);
        let essence = essence.map(|(_, rest)| rest.rsplit("`: ").next().unwrap_or(rest).to_owned());
        let Some(essence) = essence else {
            others.push(fault);
            continue;
        };
        let key = (fault.place.clone(), essence);
        seen.entry(key)
            .and_modify(|(_, more)| *more += 1)
            .or_insert((fault, 0));
    }
    for (fault, more) in seen.into_values() {
        others.push(match more {
            0 => fault,
            1 => fault.hint("the same is wrong in one more place that this patch changes"),
            more => fault.hint(format!(
                "the same is wrong in {more} more places that this patch changes"
            )),
        });
    }
    others
}

/// A fleet that was resolved at once, with what renders it.
pub(super) struct Rendering {
    pub(super) fleet: Fleet,
    pub(super) renderer: Renderer,
}

impl Rendering {
    pub(super) fn new(fleet: Fleet, templates: Arc<Templates>) -> Result<Self, Fault> {
        let renderer = Renderer::new(templates)?;
        Ok(Self { fleet, renderer })
    }

    /// Renders one of its clusters, and tells what its patches did.
    pub(super) fn render(
        &self,
        member: &ResolvedMember,
        watch: &dyn Watch,
    ) -> Result<(RenderedTree, patch::Applied), Faults> {
        self.renderer
            .render(member, &self.fleet.layers.loaded, watch)
    }

    /// Checks what a cluster's files name among themselves.
    pub(super) fn check_references(
        &self,
        member: &ResolvedMember,
        tree: &RenderedTree,
    ) -> Result<(), Faults> {
        let loaded = &self.fleet.layers.loaded;
        self.renderer.check_references(member, loaded, tree)
    }
}
