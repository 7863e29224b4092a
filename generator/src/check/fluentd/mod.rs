//! Judges a rendered Fluentd configuration. Pure.
//!
//! Fluentd's own `--dry-run` takes unknown options with a shrug, so a typing
//! error would only show as missing logs. Here each option is held against
//! `schema`, which lists those of exactly the plugins in the images, and the
//! whole against the rules of `structure`: labels that exist, no dead
//! `match`, no two plugins with one position file or buffer.

mod options;
mod schema;
mod structure;
pub(super) mod syntax;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::{Fault, Faults};
use crate::load::source_file::SourceFile;
use crate::sentence::list;
pub use schema::SchemaError;
pub(crate) use syntax::parse;
pub use syntax::{Parameter, Section, Value};

use schema::Schema;

/// A position in the text and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    offset: usize,
    message: String,
    hint: Option<String>,
}

impl Finding {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The check with its schema, read once.
#[derive(Debug)]
pub struct FluentdCheck {
    schema: Schema,
}

impl FluentdCheck {
    /// Reads the schema that is built in.
    pub fn new() -> Result<Self, SchemaError> {
        Ok(Self {
            schema: Schema::built_in()?,
        })
    }

    /// The plugins that a configuration needs, by gem name, each with the first
    /// place in the text that does.
    pub fn gems(&self, text: &str) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        if let Ok(root) = parse(text) {
            gather_gems(&root, &self.schema, &mut found);
        }
        found
    }

    /// What a configuration needs that an image lacks, of which all plugins are known.
    pub fn check_plugins(&self, file: &str, text: &str, plugins: &BTreeSet<String>) -> Faults {
        let gems = self.gems(text);
        let lacking: Vec<(&str, usize)> = gems
            .iter()
            .filter(|(gem, _)| !plugins.contains(*gem))
            .map(|(gem, at)| (gem.as_str(), *at))
            .collect();
        let Some((_, at)) = lacking.first().copied() else {
            return Faults::new();
        };
        let names: Vec<&str> = lacking.iter().map(|(gem, _)| *gem).collect();
        let fault = Fault::input(format!(
            "the image lacks {}, which this needs",
            list(&names)
        ));
        fault
            .at(SourceFile::new(file, text).place(at, at))
            .hint("build an image that holds them, and name them in its `plugins`")
            .into()
    }

    /// Everything that is wrong with a configuration. `file` is reported in faults.
    pub fn check(&self, file: &str, text: &str) -> Faults {
        let findings = match parse(text) {
            Err(finding) => vec![finding],
            Ok(root) => {
                let mut findings = options::check(&root, &self.schema);
                findings.extend(structure::check(&root, &self.schema));
                findings.extend(tags::check(&root, &self.schema));
                findings
            }
        };
        if findings.is_empty() {
            return Faults::new();
        }
        let source = SourceFile::new(file, text);
        findings
            .into_iter()
            .map(|finding| place(&source, finding))
            .collect()
    }
}

fn gather_gems(section: &Section<'_>, schema: &Schema, found: &mut BTreeMap<String, usize>) {
    for inner in &section.sections {
        let kind = if inner.name == "store" {
            "match"
        } else {
            inner.name
        };
        let plugin = inner
            .get("@type")
            .and_then(|name| schema.plugins.get(kind)?.get(&*name.text));
        if let Some(gem) = plugin.and_then(|plugin| plugin.gem.clone()) {
            found.entry(gem).or_insert(inner.offset);
        }
        gather_gems(inner, schema, found);
    }
}

fn place(source: &SourceFile, finding: Finding) -> Fault {
    let fault = Fault::input(finding.message).at(source.place(finding.offset, finding.offset));
    match finding.hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

#[cfg(test)]
mod tests;
