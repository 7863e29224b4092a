//! Settings rendered in memory and checked, as `gen render` does it.

use serde_json::Value;

use super::parse;
use crate::check::Checker;
use crate::layers::inherit::expand;
use crate::layers::input_schema::{InputKind, input_schema};
use crate::layers::merge::merge;
use crate::layers::schema::SchemaCheck;
use crate::load::node::Node;
use crate::load::source::{SourceFile, Sources};
use crate::render::{Templates, render};
use crate::resolve::{OwnFiles, resolve_cluster};
use crate::settings::{DEFAULTS, Settings};
use crate::tree::RenderedTree;

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

    /// What is rendered, or what is told of the settings.
    pub(super) fn render(&self, change: &Value) -> Result<RenderedTree, Vec<String>> {
        let merged = expand(merge(self.base.clone(), &parse(&change.to_string())));
        let json = merged.to_json();
        let told = |faults: crate::fault::Faults, start: &str| -> Vec<String> {
            let faults = faults.sorted().into_iter();
            faults
                .map(|fault| format!("{start}{}", fault.message))
                .collect()
        };
        let faults = self.schema.check_json(&json, &merged, &self.sources);
        if !faults.is_empty() {
            return Err(told(faults, ""));
        }
        let settings: Settings = serde_json::from_value(json).expect("settings");
        let cluster = resolve_cluster(&settings, &OwnFiles::default()).map_err(|problems| {
            let problems = problems.0.into_iter();
            problems
                .map(|problem| format!("`{}`: {}", problem.setting.join("."), problem.message))
                .collect::<Vec<_>>()
        })?;
        let tree = render(&cluster, &self.templates).map_err(|faults| told(faults, RENDERED))?;
        let checked = self.checker.check(&cluster.cluster.name, tree.files());
        checked.map_err(|faults| told(faults, RENDERED))?;
        Ok(tree)
    }
}

/// How a fault begins that a user can do nothing about.
pub(super) const RENDERED: &str = "rendered: ";
