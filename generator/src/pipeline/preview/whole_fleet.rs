//! The files that are no cluster's: of the whole fleet, and of accounts. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::folder::{ACCOUNTS, FLEET};
use rayon::prelude::*;

use super::side::Side;
use crate::diff::{Comparison, compare_shared, uncompared_shared};
use crate::fault::Faults;
use crate::pipeline::kinds_seen::KindsSeen;
use crate::pipeline::rendering::Renderer;
use crate::pipeline::timings::timed;
use crate::resolve::{ClusterSummary, GroupKind, ResolvedFleet};
use crate::tree::RenderedTree;

/// What the files of the whole fleet and of accounts are made of, on both sides.
pub(super) struct WholeFleet<'a> {
    base: &'a Side<'a>,
    head: &'a Side<'a>,
    of_base: BTreeMap<String, ClusterSummary>,
    of_head: BTreeMap<String, ClusterSummary>,
    /// Those of the base that move, as they would be where the head has them.
    relocated: BTreeMap<String, ClusterSummary>,
    /// The clusters that may differ. Of the others only the head's were resolved.
    affected: &'a BTreeSet<String>,
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

impl<'a> WholeFleet<'a> {
    /// Takes what both sides keep of their clusters, when all were looked at.
    pub(super) fn of(
        (base, head): (&'a Side<'a>, &'a Side<'a>),
        affected: &'a BTreeSet<String>,
    ) -> Self {
        let (mut of_base, of_head) = (base.take_summaries(), head.take_summaries());
        // The base has more where another release wrote what it rendered.
        of_base.retain(|name, _| affected.contains(name));
        Self {
            base,
            head,
            of_base,
            of_head,
            relocated: base.take_relocated(),
            affected,
        }
    }

    /// Compares them. `kinds` are those of the affected clusters on both sides.
    pub(super) fn compare(
        &self,
        (mut base_kinds, mut head_kinds): (BTreeSet<GroupKind>, BTreeSet<GroupKind>),
    ) -> Result<Vec<Comparison>, Faults> {
        if base_kinds == head_kinds && self.are_made_of_the_same() {
            return Ok(Vec::new());
        }
        let (Some(base), Some(head)) = (&self.base.renderer, &self.head.renderer) else {
            return Ok(Vec::new());
        };
        // Kinds of clusters that stay as they are matter only if those of others differ.
        if base_kinds != head_kinds {
            let more = self.kinds_of_others()?;
            base_kinds.extend(more.iter().cloned());
            head_kinds.extend(more);
        }
        let at_base = self.base_clusters();
        // Where the base's settings don't fit together there, the move is compared with the rest.
        let relocated = (!self.relocated.is_empty()).then(|| {
            let place = |own: &&'_ ClusterSummary| self.relocated.get(own.name());
            let moved = at_base.iter().map(|own| place(own).unwrap_or(own));
            self.render(self.base, base, moved.collect(), base_kinds.clone())
                .ok()
        });
        let old = self.render(self.base, base, at_base, base_kinds)?;
        let relocated = relocated.flatten();
        let relocated = relocated.as_ref().unwrap_or(&old).by_name();
        let new = self.render(self.head, head, self.of_head.values().collect(), head_kinds)?;
        timed(&self.head.timings.check, || {
            head.check_fleet(new.fleet.files())?;
            head.check_accounts(new.accounts.files())
        })?;
        let compared = old.by_name().into_iter().zip(relocated).zip(new.by_name());
        let compared = compared.map(|(((name, old), (_, relocated)), (_, new))| {
            compare_shared(name, old, relocated, new)
        });
        Ok(compared.flatten().collect())
    }

    /// Rendering is pure: equal inputs give equal outputs.
    fn are_made_of_the_same(&self) -> bool {
        let (base, head) = (self.base, self.head);
        let changed = self.of_head.iter();
        let changed = changed.filter(|(name, _)| self.affected.contains(*name));
        self.of_base.iter().eq(changed)
            && base.resolver.says_the_same_of_all(&head.resolver)
            && base.loaded().template_overrides == head.loaded().template_overrides
            && base
                .loaded()
                .certificates
                .agree_with(&head.loaded().certificates)
    }

    /// The clusters of the base, by name.
    fn base_clusters(&self) -> Vec<&ClusterSummary> {
        let others = self.others().map(|(_, cluster)| cluster);
        let mut all: Vec<&ClusterSummary> = self.of_base.values().chain(others).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// Those that are the same on both sides.
    fn others(&self) -> impl Iterator<Item = (&String, &ClusterSummary)> {
        let all = self.of_head.iter();
        all.filter(|(name, _)| !self.affected.contains(*name))
    }

    /// Tells that they aren't compared, where there are any: they are made of
    /// clusters one of which has a fault.
    pub(super) fn leave_out(&self, only_base: bool) -> Vec<Comparison> {
        let known = |side: &Side<'_>, clusters: Vec<&ClusterSummary>| {
            let rendered = side.renderer.as_ref().map(|renderer| {
                let kinds = BTreeSet::new();
                self.render(side, renderer, clusters, kinds)
                    .unwrap_or_default()
            });
            rendered.unwrap_or_default()
        };
        let old = known(self.base, self.base_clusters());
        let new = known(self.head, self.of_head.values().collect());
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
        side: &Side<'_>,
        renderer: &Renderer,
        clusters: Vec<&ClusterSummary>,
        kinds: BTreeSet<GroupKind>,
    ) -> Result<SharedTrees, Faults> {
        if clusters.is_empty() {
            return Ok(SharedTrees::default());
        }
        timed(&side.timings.render, || {
            let stacks = side.resolver.account_stacks(clusters.iter().copied())?;
            let of_fleet = clusters.into_iter().map(|cluster| cluster.of_fleet.clone());
            let fleet = ResolvedFleet::new(of_fleet.collect(), kinds, side.resolver.reconciler());
            // The base is read in part, the head as a whole.
            let certificates = (side.loaded(), self.head.loaded());
            Ok(SharedTrees {
                fleet: renderer.render_fleet(&fleet, certificates, side.watch)?,
                accounts: renderer.render_accounts(&stacks, side.watch)?,
            })
        })
    }

    fn kinds_of_others(&self) -> Result<BTreeSet<GroupKind>, Faults> {
        let kinds = KindsSeen::default();
        let names: Vec<&String> = self.others().map(|(name, _)| name).collect();
        let look_at = |name: &String| -> Result<(), Faults> {
            let member = self.head.resolve(name);
            if let Some(tree) = member.and_then(|member| self.head.render(&member)) {
                kinds.look_at(&tree?);
            }
            Ok(())
        };
        names.into_par_iter().try_for_each(look_at)?;
        Ok(kinds.into_kinds())
    }
}
