//! Configurations of Fluentd and Logstash: blocks of options, compared by what
//! stands in their first line, and option by option. Pure.
//!
//! A block's order is meaning: a record goes to the first that matches.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::finding::{Findings, Path};
use super::structure::{self, compare_order};
use crate::check::fluentd::{Section, Value};
use crate::diff::preview::Detail;
use crate::diff::redact::{self, Under};

/// A block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::diff) struct Block {
    /// Its first line: `<match **>`, or `if [type] == "syslog"`.
    pub(in crate::diff) head: String,
    /// The name that its author gave it, which it keeps when its first line changes.
    pub(in crate::diff) id: Option<String>,
    /// Its options, in order.
    pub(in crate::diff) options: Vec<(String, String)>,
    /// The blocks in it.
    pub(in crate::diff) blocks: Vec<Block>,
}

impl Block {
    /// A section of Fluentd's configuration.
    pub(in crate::diff) fn of_fluentd(section: &Section<'_>) -> Self {
        let argument = section.argument.text.as_ref();
        let head = match argument {
            "" => format!("<{}>", section.name),
            _ => format!("<{} {argument}>", section.name),
        };
        let options = section.parameters.iter();
        let options = options.map(|own| (own.key.to_string(), text_of(&own.value)));
        Self {
            head,
            id: section.get("@id").map(|id| id.text.to_string()),
            options: options.collect(),
            blocks: section.sections.iter().map(Self::of_fluentd).collect(),
        }
    }

    /// What it goes by among its siblings: the first word of its head, and its
    /// id if it has one, its whole head otherwise.
    fn label(&self) -> String {
        let Some(id) = &self.id else {
            return self.head.clone();
        };
        let word = |head: &str| head.split([' ', '>']).next().unwrap_or_default().to_owned();
        match self.head.strip_prefix('<') {
            Some(head) => format!("<{} @id={id}>", word(head)),
            None => format!("{} id={id}", word(&self.head)),
        }
    }

    /// As a value, to be shown as a whole.
    fn to_json(&self) -> Json {
        let options = by_name(&self.options).into_iter();
        let mut members: Map<String, Json> = options
            .map(|(name, value)| {
                (
                    redact::line(&name),
                    redact::value(Under::key(&name), &value),
                )
            })
            .collect();
        for (label, block) in labelled(&self.blocks) {
            members.insert(redact::line(&label), block.to_json());
        }
        Json::Object(members)
    }
}

/// A value of Fluentd; Ruby that isn't run, as it stands in single quotes, is
/// told from Ruby that is.
fn text_of(value: &Value<'_>) -> String {
    if value.text.contains("#{") && !value.is_dynamic {
        format!("'{}'", value.text)
    } else {
        value.text.to_string()
    }
}

/// The blocks with a label each that none of the others has.
fn labelled(blocks: &[Block]) -> Vec<(String, &Block)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let label = |block: &Block, number: usize| match number {
        1 => block.label(),
        number => format!("{} #{number}", block.label()),
    };
    let mut result = Vec::with_capacity(blocks.len());
    for block in blocks {
        let number = seen.entry(block.label()).or_default();
        *number += 1;
        result.push((label(block, *number), block));
    }
    result
}

/// Compares the options and blocks in two blocks.
pub(in crate::diff) fn compare(path: &Path, old: &Block, new: &Block, found: &mut Findings<'_>) {
    compare_options(path, &old.options, &new.options, found);
    let (old, new) = (labelled(&old.blocks), labelled(&new.blocks));
    let (of_old, of_new) = (by_label(&old), by_label(&new));
    for (label, block) in &old {
        let here = path.block(label);
        if let Some(other) = of_new.get(label.as_str()) {
            compare_heads(&here, block, other, found);
            compare(&here, block, other, found);
        } else {
            let old = block.to_json();
            found.push(&here, Detail::Removed { old });
        }
    }
    for (label, block) in &new {
        if !of_old.contains_key(label.as_str()) {
            let new = block.to_json();
            found.push(&path.block(label), Detail::Added { new });
        }
    }
    let labels = |blocks: &[(String, &Block)]| -> Vec<String> {
        blocks.iter().map(|(label, _)| label.clone()).collect()
    };
    compare_order(path, &labels(&old), &labels(&new), found);
}

fn by_label<'b>(blocks: &'b [(String, &'b Block)]) -> BTreeMap<&'b str, &'b Block> {
    let blocks = blocks.iter();
    blocks
        .map(|(label, block)| (label.as_str(), *block))
        .collect()
}

/// The first lines of two blocks of one id.
fn compare_heads(path: &Path, old: &Block, new: &Block, found: &mut Findings<'_>) {
    if old.head != new.head {
        let detail = Detail::Changed {
            old: redact::line(&old.head).into(),
            new: redact::line(&new.head).into(),
        };
        found.push(path, detail);
    }
}

/// Compares options by name. All that one name has are compared, as Logstash
/// takes them together.
fn compare_options(
    path: &Path,
    old: &[(String, String)],
    new: &[(String, String)],
    found: &mut Findings<'_>,
) {
    let (old, new) = (by_name(old), by_name(new));
    for (name, value) in &old {
        let (here, under) = (path.option(name), Under::key(name));
        match new.get(name) {
            Some(other) => structure::compare(&here, under, value, other, found),
            None => found.push(&here, structure::removed(under, value)),
        }
    }
    for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let added = structure::added(Under::key(name), value);
        found.push(&path.option(name), added);
    }
}

/// The value of each option; a list for one that is given more than once.
fn by_name(options: &[(String, String)]) -> Map<String, Json> {
    let mut values: Map<String, Json> = Map::new();
    for (name, value) in options {
        let value = Json::from(value.as_str());
        match values.get_mut(name) {
            None => {
                values.insert(name.clone(), value);
            }
            Some(Json::Array(several)) => several.push(value),
            Some(one) => *one = Json::Array(vec![one.take(), value]),
        }
    }
    values
}
