//! Settings rendered in memory and checked, as `gen render` does it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::parse;
use crate::check::Checker;
use crate::fault::Faults;
use crate::layers::inherit::expand;
use crate::layers::input_schema::{InputKind, input_schema};
use crate::layers::merge::merge;
use crate::layers::schema::SchemaCheck;
use crate::load::node::Node;
use crate::load::source_file::{SourceFile, Sources};
use crate::render::{ACCOUNTS, FLEET, Templates, Unwatched, render, render_accounts, render_fleet};
use crate::resolve::{
    AccountShare, ClusterSummary, FleetAccounts, FleetCluster, OwnFiles, ResolvedCluster,
    ResolvedFleet, account, account_stacks, resolve_cluster,
};
use crate::settings::{DEFAULTS, Settings};
use crate::tree::{RenderedTree, TreePath};

/// Everything that is needed to try settings.
pub(super) struct Bench {
    pub(super) base: Node,
    schema: SchemaCheck,
    templates: Templates,
    checker: Checker,
    sources: Sources,
}

impl Bench {
    pub(super) fn new(cluster: &str) -> Self {
        let mut sources = Sources::default();
        sources.push(SourceFile::new("settings", ""));
        Self {
            base: merge(parse(DEFAULTS), &parse(cluster)),
            schema: SchemaCheck::new(input_schema(InputKind::Settings)).expect("a schema"),
            templates: Templates::compile(&[]).expect("templates"),
            checker: Checker::new().expect("schemas"),
            sources,
        }
    }

    /// What is rendered, or what is reported for the settings.
    pub(super) fn render(&self, change: &Value) -> Result<RenderedTree, Vec<String>> {
        let tree = self.render_unchecked(change)?;
        let name = change["name"]
            .as_str()
            .or_else(|| self.base.get("name")?.as_str());
        let name = name.unwrap_or_default();
        let checked = self.checker.check(name, tree.files());
        let mut faults = checked.err().unwrap_or_default();
        faults.append(self.checker.check_references(name, &tree, &BTreeMap::new()));
        if faults.is_empty() {
            return Ok(tree);
        }
        Err(reported(faults, RENDERED))
    }

    /// The same without a look at what is rendered. The change is what the cluster's
    /// own file says.
    pub(super) fn render_unchecked(&self, change: &Value) -> Result<RenderedTree, Vec<String>> {
        let cluster = self.resolve(change)?;
        render(&cluster, &self.templates).map_err(|faults| reported(faults, RENDERED))
    }

    /// The same with the files of a fleet of this cluster alone, and of its account.
    pub(super) fn render_with_fleet(&self, change: &Value) -> Result<RenderedTree, Vec<String>> {
        let cluster = self.resolve(change)?;
        let mut tree =
            render(&cluster, &self.templates).map_err(|faults| reported(faults, RENDERED))?;
        let fleet = ResolvedFleet::new(vec![FleetCluster::of(&cluster)], BTreeSet::new(), None);
        let of_fleet = render_fleet(&fleet, &self.templates, &Unwatched)
            .map_err(|faults| reported(faults, RENDERED))?;
        for (path, bytes) in of_fleet.0 {
            let path = TreePath::new(format!("{FLEET}/{path}")).expect("a path");
            tree.0.insert(path, bytes);
        }
        for (path, bytes) in self.render_accounts(change, &cluster)?.0 {
            let path = TreePath::new(format!("{ACCOUNTS}/{path}")).expect("a path");
            tree.0.insert(path, bytes);
        }
        Ok(tree)
    }

    /// What the account of a cluster has, if the fleet's file says all that the change does;
    /// and what can't be if only the cluster's does.
    fn render_accounts(
        &self,
        change: &Value,
        cluster: &ResolvedCluster,
    ) -> Result<RenderedTree, Vec<String>> {
        let summary = ClusterSummary::of(cluster);
        let shares: Vec<&AccountShare> = summary.share().into_iter().collect();
        let before = FleetAccounts::by_default(&self.base);
        let clashes = account::find_clashes(shares.iter().copied(), &before);
        if !clashes.is_empty() {
            return Err(clashes.into_iter().map(|clash| clash.message).collect());
        }
        let said = merge(self.base.clone(), &parse(&change.to_string()));
        let accounts = FleetAccounts::by_default(&said);
        let stacks = account_stacks(&shares, Ok(&accounts))
            .map_err(|fault| reported(fault.into(), RENDERED))?;
        render_accounts(&stacks, &self.templates, &Unwatched)
            .map_err(|faults| reported(faults, RENDERED))
    }

    pub(super) fn resolve(&self, change: &Value) -> Result<ResolvedCluster, Vec<String>> {
        let own = parse(&change.to_string());
        let merged = expand(merge(self.base.clone(), &own));
        let json = merged.to_json();
        let faults = self.schema.check_json(&json, &merged, &self.sources);
        if !faults.is_empty() {
            return Err(reported(faults, SCHEMA));
        }
        let own_files = OwnFiles {
            layer: Some(own),
            ..OwnFiles::default()
        };
        let settings: Settings = serde_json::from_value(json).expect("settings");
        resolve_cluster(&settings, &own_files).map_err(|problems| {
            let problems = problems.0.into_iter();
            problems
                .map(|problem| format!("`{}`: {}", problem.setting.join("."), problem.message))
                .collect::<Vec<_>>()
        })
    }
}

fn reported(faults: Faults, start: &str) -> Vec<String> {
    let faults = faults.sorted().into_iter();
    faults
        .map(|fault| format!("{start}{}", fault.message))
        .collect()
}

/// How a fault begins that a user can do nothing about.
pub(super) const RENDERED: &str = "rendered: ";

/// How a fault begins that the schema finds.
pub(super) const SCHEMA: &str = "schema: ";
