//! Judges a rendered pipeline of Logstash. Pure.
//!
//! Logstash tells an unknown option when it starts, which is too late: the
//! machines wait for it. Here each plugin and option is held against
//! `schemas/outputs/logstash.json`, which lists those of the plugins that
//! Logstash's open-source builds and the OpenSearch project's image hold.

mod options;
pub(super) mod syntax;

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::fault::{Fault, Faults};
use crate::load::source_file::SourceFile;

pub use syntax::{Arm, Item, Plugin, PluginOption, Section, Value, ValueKind, parse};

const BUILT_IN: &str = include_str!("../../../../schemas/outputs/logstash.json");

/// A position in the text and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
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

/// Which options each plugin has: section (`input`, `filter`, `output`) →
/// plugin → option → type, with `!` at its end if it is required. Below
/// `common` stand those that every plugin of a section has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    common: BTreeMap<String, BTreeMap<String, String>>,
    plugins: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
}

/// The check with its schema, read once.
#[derive(Debug)]
pub struct LogstashCheck {
    schema: Schema,
}

impl LogstashCheck {
    /// Reads the schema that is built in.
    pub fn new() -> Result<Self, serde_json::Error> {
        Ok(Self {
            schema: serde_json::from_str(BUILT_IN)?,
        })
    }

    /// Everything that is wrong with a pipeline. `file` is reported in faults.
    pub fn check(&self, file: &str, text: &str) -> Faults {
        let findings = match parse(text) {
            Err(finding) => vec![finding],
            Ok(sections) => options::check(&sections, &self.schema),
        };
        if findings.is_empty() {
            return Faults::new();
        }
        let source = SourceFile::new(file, text);
        let place = |finding: Finding| {
            let fault =
                Fault::input(finding.message).at(source.place(finding.offset, finding.offset));
            match finding.hint {
                Some(hint) => fault.hint(hint),
                None => fault,
            }
        };
        findings.into_iter().map(place).collect()
    }
}

#[cfg(test)]
mod tests;
