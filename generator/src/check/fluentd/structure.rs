//! Rules that no single option shows. Pure.
//!
//! - Every label that something sends to exists, and every label is sent to.
//! - In each label, and at the top for what has no label, some `match` takes
//!   every record; what stands behind a match of all is dead.
//! - No two plugins share an `@id`, a position file or a buffer.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::schema::{Schema, SectionSchema};
use super::syntax::{Section, Value};

/// Labels that Fluentd itself sends to.
const BUILT_IN_LABELS: [&str; 2] = ["@ERROR", "@FLUENT_LOG"];

/// Inputs that emit no records.
const SILENT_INPUTS: [&str; 4] = [
    "prometheus",
    "prometheus_monitor",
    "prometheus_output_monitor",
    "prometheus_tail_monitor",
];

pub(super) fn check(root: &Section<'_>, schema: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut walk = Walk {
        schema,
        sent_to: BTreeMap::new(),
        owned: BTreeMap::new(),
        findings: Vec::new(),
    };
    walk.sections(root);
    let Walk {
        sent_to,
        findings: more,
        ..
    } = walk;
    findings.extend(more);

    let mut labels = BTreeSet::new();
    for label in root
        .sections
        .iter()
        .filter(|section| section.name == "label")
    {
        let name: &str = &label.argument.text;
        if !labels.insert(name) {
            findings.push(Finding::new(
                label.offset,
                format!("duplicate label `{name}`"),
            ));
        }
        if !sent_to.contains_key(name) && !BUILT_IN_LABELS.contains(&name) {
            findings.push(Finding::new(
                label.offset,
                format!("nothing is ever sent to the label `{name}`"),
            ));
        }
        findings.extend(pipeline(label));
    }
    for (name, offset) in &sent_to {
        if !labels.contains(name) {
            findings.push(Finding::new(*offset, format!("there is no label `{name}`")));
        }
    }
    findings.extend(unlabelled_sources(root));
    findings.extend(dead_matches(root));
    findings
}

struct Walk<'s, 't> {
    schema: &'s Schema,
    /// Label → where it is first named.
    sent_to: BTreeMap<&'t str, usize>,
    /// What must be one plugin's own: kind and value.
    owned: BTreeMap<(&'static str, &'t str), usize>,
    findings: Vec<Finding>,
}

impl<'t> Walk<'_, 't> {
    fn sections(&mut self, parent: &'t Section<'t>) {
        for section in &parent.sections {
            if matches!(section.name, "source" | "match" | "store" | "filter") {
                self.plugin(section);
            }
            if section.name == "buffer" {
                self.own("buffer", section.get("path"));
            }
            if section.name == "storage" {
                self.own("position file", section.get("path"));
            }
            if section.name == "rule" {
                self.send(section.get("label"));
            }
            self.sections(section);
        }
    }

    fn plugin(&mut self, section: &'t Section<'t>) {
        self.own("@id", section.get("@id"));
        self.own("position file", section.get("pos_file"));
        if section.name != "filter" {
            self.send(section.get("@label"));
        }
        let kind = if section.name == "store" {
            "match"
        } else {
            section.name
        };
        let plugin: Option<&SectionSchema> = section
            .get("@type")
            .and_then(|name| self.schema.plugins.get(kind)?.get(&*name.text));
        for name in plugin
            .map(|plugin| &plugin.label_options)
            .into_iter()
            .flatten()
        {
            self.send(section.get(name));
        }
        if plugin.is_some_and(|plugin| plugin.relabel) && section.get("@label").is_none() {
            self.findings
                .push(Finding::new(section.offset, "`relabel` needs `@label`"));
        }
    }

    fn send(&mut self, label: Option<&'t Value<'t>>) {
        if let Some(label) = label {
            self.sent_to.entry(&label.text).or_insert(label.offset);
        }
    }

    fn own(&mut self, what: &'static str, value: Option<&'t Value<'t>>) {
        if let Some(value) = value
            && self
                .owned
                .insert((what, &value.text), value.offset)
                .is_some()
        {
            self.findings.push(Finding::new(
                value.offset,
                format!("the {what} `{}` belongs to two plugins", value.text),
            ));
        }
    }
}

/// In a label, the last match takes all, and nothing stands behind one that does.
fn pipeline(label: &Section<'_>) -> Vec<Finding> {
    let mut findings = dead_matches(label);
    if !label
        .sections
        .iter()
        .any(|section| section.name == "match" && takes_all(section))
    {
        findings.push(
            Finding::new(
                label.offset,
                format!(
                    "records of some tags are lost in the label `{}`",
                    label.argument.text
                ),
            )
            .hint("its last section should be `<match **>`"),
        );
    }
    findings
}

/// What stands behind a match of all tags never sees a record.
fn dead_matches(parent: &Section<'_>) -> Vec<Finding> {
    let mut sections = parent
        .sections
        .iter()
        .filter(|section| matches!(section.name, "match" | "filter"));
    let all = sections
        .by_ref()
        .find(|section| section.name == "match" && takes_all(section));
    if all.is_none() {
        return Vec::new();
    }
    sections
        .map(|section| {
            Finding::new(
                section.offset,
                format!(
                    "a `<match **>` above takes everything before this `<{}>`",
                    section.name
                ),
            )
        })
        .collect()
}

fn takes_all(section: &Section<'_>) -> bool {
    section
        .argument
        .text
        .split_whitespace()
        .any(|pattern| pattern == "**")
}

/// Sources without a label need a match at the top.
fn unlabelled_sources(root: &Section<'_>) -> Vec<Finding> {
    let matched = |tag: &str| {
        root.sections
            .iter()
            .filter(|section| section.name == "match")
            .flat_map(|section| section.argument.text.split_whitespace())
            .any(|pattern| tag_matches(pattern, tag))
    };
    root.sections
        .iter()
        .filter(|section| section.name == "source" && section.get("@label").is_none())
        .filter(|section| {
            !section
                .get("@type")
                .is_some_and(|name| SILENT_INPUTS.contains(&&*name.text))
        })
        .filter(|section| section.get("tag").is_some_and(|tag| !matched(&tag.text)))
        .map(|section| {
            Finding::new(section.offset, "no output takes what this source reads")
                .hint("give it a `@label`, or a `<match>` for its tag")
        })
        .collect()
}

/// Fluentd's patterns: `*` is one part, `**` any number
/// (<https://docs.fluentd.org/configuration/config-file#how-match-patterns-work>).
/// A `*` at a tag's end stands for a path of any number of parts.
fn tag_matches(pattern: &str, tag: &str) -> bool {
    fn parts(pattern: &[&str], tag: &[&str]) -> bool {
        match (pattern.split_first(), tag.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) => (0..=tag.len()).any(|skip| parts(rest, &tag[skip..])),
            (Some((&first, rest)), Some((part, tag_rest))) => {
                (first == "*" || first == *part) && parts(rest, tag_rest)
            }
            _ => false,
        }
    }
    parts(
        &pattern.split('.').collect::<Vec<_>>(),
        &tag.split('.').collect::<Vec<_>>(),
    )
}
