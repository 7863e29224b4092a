//! From a resolved cluster, or fleet, to files, and the check of them. Pure.

use std::sync::Arc;

use logfleet_contract::folder::RENDERED;

use super::loading::Fleet;
use crate::check::Checker;
use crate::fault::{Fault, Faults};
use crate::load::files::LoadedFleet;
use crate::render::{self, Templates, Watch};
use crate::resolve::{PATCHES, ResolvedFleet, ResolvedMember};
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

    /// Renders a cluster, and copies in what it brings itself.
    pub(super) fn render(
        &self,
        member: &ResolvedMember,
        loaded: &LoadedFleet,
        watch: &dyn Watch,
    ) -> Result<RenderedTree, Faults> {
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
        Ok(tree)
    }

    /// Checks files of a cluster. Faults name the template they come from.
    pub(super) fn check<'f>(
        &self,
        member: &ResolvedMember,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let checked = self.checker.check(&member.cluster.cluster.name, files);
        checked.map_err(|faults| self.with_origin(member, faults))
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

    /// Renders the files of the whole fleet.
    pub(super) fn render_fleet(
        &self,
        fleet: &ResolvedFleet,
        watch: &dyn Watch,
    ) -> Result<RenderedTree, Faults> {
        render::render_fleet(fleet, &self.templates, watch)
    }

    /// Checks files of the whole fleet. Faults name the template they come from.
    pub(super) fn check_fleet<'f>(
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

    /// Renders one of its clusters.
    pub(super) fn render(
        &self,
        member: &ResolvedMember,
        watch: &dyn Watch,
    ) -> Result<RenderedTree, Faults> {
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
