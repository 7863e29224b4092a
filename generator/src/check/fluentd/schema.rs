//! Which options each plugin has. Pure.
//!
//! The file `schemas/outputs/fluentd.json` has a format of its own:
//!
//! - `root`: the sections at the top and in a `<label>`, by name;
//! - `plugins`: kind → `@type` → a section's description;
//! - a section's description holds `options` (name → type, `!` at its end if
//!   required), `sections` (name → description), `required`, or `any` for
//!   free keys; `kind` says that `@type` chooses among that kind of plugin,
//!   `optional_type` which is taken without it; `argument` what may stand
//!   behind the section's name; `gem` which plugin it comes with.
//!
//! Types: `string`, `integer`, `float`, `bool`, `size` (`8m`), `time` (`30s`),
//! `regexp` (`/…/`), `array`, `hash`, `label` and `enum:a|b`.

use std::collections::BTreeMap;

use serde::Deserialize;

const BUILT_IN: &str = include_str!("../../../../schemas/outputs/fluentd.json");

/// The built-in schema can't be read, which a test excludes.
#[derive(Debug, thiserror::Error)]
#[error("schemas/outputs/fluentd.json: {0}")]
pub struct SchemaError(#[from] serde_json::Error);

/// All plugins.
#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    pub(super) root: BTreeMap<String, SectionSchema>,
    pub(super) plugins: BTreeMap<String, BTreeMap<String, SectionSchema>>,
}

/// What may stand in a section.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionSchema {
    #[serde(default)]
    pub(super) options: BTreeMap<String, OptionType>,
    #[serde(default)]
    pub(super) sections: BTreeMap<String, SectionSchema>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) any: bool,
    #[serde(default)]
    pub(super) label: bool,
    /// Whether it sends on to the label of its parameter `@label`.
    #[serde(default)]
    pub(super) relabel: bool,
    pub(super) kind: Option<String>,
    pub(super) optional_type: Option<String>,
    pub(super) argument: Option<String>,
    pub(super) gem: Option<String>,
    /// Those of the options that are required, and that name a label: looked
    /// up for every section of every cluster.
    #[serde(skip)]
    pub(super) required_options: Vec<String>,
    #[serde(skip)]
    pub(super) label_options: Vec<String>,
}

impl SectionSchema {
    fn index(&mut self) {
        let names = |chosen: fn(&OptionType) -> bool| {
            self.options
                .iter()
                .filter(|(_, option)| chosen(option))
                .map(|(name, _)| name.clone())
                .collect()
        };
        (self.required_options, self.label_options) = (
            names(|option| option.required),
            names(|option| option.kind == OptionKind::Label),
        );
        self.sections.values_mut().for_each(Self::index);
    }
}

/// The type of an option's value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(super) struct OptionType {
    pub(super) kind: OptionKind,
    pub(super) required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OptionKind {
    Text,
    Integer,
    Float,
    Bool,
    Size,
    Time,
    Regexp,
    Array,
    Hash,
    Label,
    OneOf(Vec<String>),
}

impl From<String> for OptionType {
    fn from(text: String) -> Self {
        let (name, required) = text
            .strip_suffix('!')
            .map_or((text.as_str(), false), |name| (name, true));
        let kind = match name {
            "integer" => OptionKind::Integer,
            "float" => OptionKind::Float,
            "bool" => OptionKind::Bool,
            "size" => OptionKind::Size,
            "time" => OptionKind::Time,
            "regexp" => OptionKind::Regexp,
            "array" => OptionKind::Array,
            "hash" => OptionKind::Hash,
            "label" => OptionKind::Label,
            _ => name
                .strip_prefix("enum:")
                .map_or(OptionKind::Text, |values| {
                    OptionKind::OneOf(values.split('|').map(ToOwned::to_owned).collect())
                }),
        };
        Self { kind, required }
    }
}

impl Schema {
    pub(super) fn built_in() -> Result<Self, SchemaError> {
        let mut schema: Self = serde_json::from_str(BUILT_IN)?;
        schema
            .root
            .values_mut()
            .chain(schema.plugins.values_mut().flat_map(BTreeMap::values_mut))
            .for_each(SectionSchema::index);
        Ok(schema)
    }
}
