//! Configurations of Fluentd and Logstash: blocks of options, compared by what
//! stands in their first line, and option by option. Pure.
//!
//! A block's order is meaning: a record goes to the first that matches.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::finding::{Findings, Path};
use super::preview::Detail;
use super::structure::{self, compare_order};
use super::veil::{self, Under};
use crate::check::fluentd::Section;

/// A block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// Its first line: `<match **>`, or `if [type] == "syslog"`.
    pub(super) head: String,
    /// The name that its author gave it, which it keeps when its first line changes.
    pub(super) id: Option<String>,
    /// Its options, in order.
    pub(super) options: Vec<(String, String)>,
    /// The blocks in it.
    pub(super) blocks: Vec<Block>,
}

impl Block {
    /// A section of Fluentd's configuration.
    pub(super) fn of_fluentd(section: &Section<'_>) -> Self {
        let argument = section.argument.text.as_ref();
        let head = match argument {
            "" => format!("<{}>", section.name),
            _ => format!("<{} {argument}>", section.name),
        };
        let options = section.parameters.iter();
        let options = options.map(|own| (own.key.to_string(), own.value.text.to_string()));
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
        let options = self.options.iter();
        let mut members: Map<String, Json> = options
            .map(|(name, value)| {
                (
                    name.clone(),
                    veil::shown(Under::key(name), &Json::from(value.as_str())),
                )
            })
            .collect();
        for (label, block) in labelled(&self.blocks) {
            members.insert(veil::shown_line(&label), block.to_json());
        }
        Json::Object(members)
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
pub(super) fn compare(path: &Path, old: &Block, new: &Block, found: &mut Findings<'_>) {
    compare_options(path, &old.options, &new.options, found);
    let (old, new) = (labelled(&old.blocks), labelled(&new.blocks));
    let find = |blocks: &[(String, &Block)], label: &str| -> Option<Block> {
        let found = blocks.iter().find(|(other, _)| other == label)?;
        Some(found.1.clone())
    };
    for (label, block) in &old {
        let here = path.block(label);
        match find(&new, label) {
            Some(other) => {
                compare_heads(&here, block, &other, found);
                compare(&here, block, &other, found);
            }
            None => found.push(
                &here,
                Detail::Removed {
                    old: block.to_json(),
                },
            ),
        }
    }
    for (label, block) in &new {
        if find(&old, label).is_none() {
            let new = block.to_json();
            found.push(&path.block(label), Detail::Added { new });
        }
    }
    let labels = |blocks: &[(String, &Block)]| -> Vec<String> {
        blocks.iter().map(|(label, _)| label.clone()).collect()
    };
    compare_order(path, &labels(&old), &labels(&new), found);
}

/// The first lines of two blocks of one id.
fn compare_heads(path: &Path, old: &Block, new: &Block, found: &mut Findings<'_>) {
    if old.head != new.head {
        let detail = Detail::Changed {
            old: veil::shown_line(&old.head).into(),
            new: veil::shown_line(&new.head).into(),
        };
        found.push(path, detail);
    }
}

fn compare_options(
    path: &Path,
    old: &[(String, String)],
    new: &[(String, String)],
    found: &mut Findings<'_>,
) {
    let map = |options: &[(String, String)]| -> Map<String, Json> {
        let pairs = options.iter();
        pairs
            .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
            .collect()
    };
    let (old, new) = (map(old), map(new));
    for (name, value) in &old {
        let here = path.option(name);
        match new.get(name) {
            Some(other) => structure::compare(&here, Under::key(name), value, other, found),
            None => found.push(
                &here,
                Detail::Removed {
                    old: veil::shown(Under::key(name), value),
                },
            ),
        }
    }
    for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let new = veil::shown(Under::key(name), value);
        found.push(&path.option(name), Detail::Added { new });
    }
}
