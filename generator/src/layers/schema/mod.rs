//! Checks a value against a JSON Schema and tells every fault in plain words,
//! at the place of the part that is wrong. Pure.
//!
//! The schemas are those that schemars derives from the settings types. Of a
//! tagged alternative only the faults of the branch that the tag names are
//! reported, never "not valid under any of the schemas".

mod faults;
#[cfg(test)]
mod tests;
mod wording;

use std::sync::LazyLock;

use jsonschema::{PatternCache, Validator};
use serde_json::Value as Json;

use super::merge::{Removal, ValuePath};
use crate::fault::Faults;
use crate::load::node::Node;
use crate::load::source_file::Sources;
use faults::Teller;

/// The keyword that says in words what a `pattern` asks for.
pub const PATTERN_MEANING: &str = "x-pattern-meaning";

/// A schema, compiled once for all clusters.
#[derive(Debug)]
pub struct SchemaCheck {
    schema: Json,
    validator: Validator,
    /// What a key is called in messages.
    noun: &'static str,
}

/// A schema that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid JSON Schema: {0}")]
pub struct SchemaError(String);

impl SchemaCheck {
    /// Compiles a schema.
    pub fn new(schema: Json) -> Result<Self, SchemaError> {
        // Schemas of inputs have nearly all of their patterns in common.
        static PATTERNS: LazyLock<PatternCache> = LazyLock::new(PatternCache::new);
        let options = jsonschema::options().with_pattern_cache(PATTERNS.clone());
        let validator = options
            .build(&schema)
            .map_err(|error| SchemaError(error.to_string()))?;
        Ok(Self {
            schema,
            validator,
            noun: "setting",
        })
    }

    /// The same check with another word for a key than `setting`.
    #[must_use]
    pub fn calling_keys(self, noun: &'static str) -> Self {
        Self { noun, ..self }
    }

    /// The schema as given.
    pub fn schema(&self) -> &Json {
        &self.schema
    }

    /// Checks a value.
    pub fn check(&self, node: &Node, sources: &Sources) -> Faults {
        self.check_json(&node.to_json(), node, sources)
    }

    /// Checks a value whose JSON is at hand already; `json` is
    /// [`Node::to_json`] of `node`.
    pub fn check_json(&self, json: &Json, node: &Node, sources: &Sources) -> Faults {
        self.check_merged(json, node, sources, &|_| None)
    }

    /// The same for a value that layers merge to. `removal_of` finds the `null`
    /// of a layer that removes a setting; what is missing for it is reported there.
    pub fn check_merged(
        &self,
        json: &Json,
        node: &Node,
        sources: &Sources,
        removal_of: &dyn Fn(&ValuePath) -> Option<Removal>,
    ) -> Faults {
        if self.validator.is_valid(json) {
            return Faults::new();
        }
        let teller = Teller::new(&self.schema, node, sources, self.noun, removal_of);
        teller.faults(self.validator.iter_errors(json))
    }
}
