//! Holds every plugin and option against the schema. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::syntax::{Item, Plugin, PluginOption, Section, ValueKind};
use super::{Finding, Schema};
use crate::nearest::did_you_mean;

pub(super) fn check(sections: &[Section<'_>], schema: &Schema) -> Vec<Finding> {
    let mut judge = Judge {
        schema,
        ids: BTreeSet::new(),
        findings: Vec::new(),
    };
    for section in sections {
        judge.items(section.kind, &section.items);
    }
    judge.findings
}

struct Judge<'s> {
    schema: &'s Schema,
    ids: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn items(&mut self, section: &str, items: &[Item<'_>]) {
        for item in items {
            match item {
                Item::Plugin(plugin) => self.plugin(section, plugin),
                Item::Branch(arms) => {
                    for arm in arms {
                        self.items(section, &arm.items);
                    }
                }
            }
        }
    }

    fn plugin(&mut self, section: &str, plugin: &Plugin<'_>) {
        let schema = self.schema;
        let none = BTreeMap::new();
        let plugins = schema.plugins.get(section);
        let Some(known) = plugins.and_then(|plugins| plugins.get(plugin.name)) else {
            let finding = Finding::new(
                plugin.offset,
                format!("Logstash has no {section} plugin `{}`", plugin.name),
            );
            let names = plugins.into_iter().flat_map(BTreeMap::keys);
            return self
                .findings
                .push(with_nearest(finding, plugin.name, names));
        };
        let common = schema.common.get(section).unwrap_or(&none);
        let mut seen = BTreeSet::new();
        for option in &plugin.options {
            if !seen.insert(option.name) {
                self.findings.push(Finding::new(
                    option.offset,
                    format!("duplicate `{}`", option.name),
                ));
            }
            let Some(kind) = known.get(option.name).or_else(|| common.get(option.name)) else {
                let finding = Finding::new(
                    option.offset,
                    format!("`{}` has no option `{}`", plugin.name, option.name),
                );
                let names = known.keys().chain(common.keys());
                self.findings
                    .push(with_nearest(finding, option.name, names));
                continue;
            };
            self.findings
                .extend(wrong_value(option, kind.trim_end_matches('!')));
            if option.name == "id"
                && let ValueKind::Text(id) = option.value.kind
                && !self.ids.insert(id.to_owned())
            {
                self.findings.push(Finding::new(
                    option.value.offset,
                    format!("the id `{id}` belongs to two plugins"),
                ));
            }
        }
        for (name, _) in known.iter().filter(|(_, kind)| kind.ends_with('!')) {
            if !seen.contains(name.as_str()) {
                self.findings.push(Finding::new(
                    plugin.offset,
                    format!("`{}` needs `{name}`", plugin.name),
                ));
            }
        }
    }
}

fn with_nearest<'k>(
    finding: Finding,
    wanted: &str,
    known: impl Iterator<Item = &'k String>,
) -> Finding {
    match did_you_mean(wanted, known.map(String::as_str)) {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn wrong_value(option: &PluginOption<'_>, kind: &str) -> Option<Finding> {
    use ValueKind::{Hash, List, Number, Plugin, Text, Word};
    let value = &option.value.kind;
    // A variable's value is known on the machine only.
    if let Text(text) = value
        && text.contains("${")
    {
        return None;
    }
    let wanted = match kind {
        "number" => (!matches!(value, Number(_))
            && !matches!(value, Text(text) if text.parse::<f64>().is_ok()))
        .then(|| "a number".to_owned()),
        "boolean" => (!matches!(value, Word("true" | "false") | Text("true" | "false")))
            .then(|| "`true` or `false`".to_owned()),
        "list" => {
            matches!(value, Hash(_) | Plugin(_)).then(|| "a list such as `[\"a\"]`".to_owned())
        }
        "hash" => (!matches!(value, Hash(_) | List(_)))
            .then(|| "a hash such as `{ \"a\" => \"b\" }`".to_owned()),
        "codec" => matches!(value, List(_) | Hash(_) | Number(_)).then(|| "a codec".to_owned()),
        "text" => matches!(value, List(_) | Hash(_) | Plugin(_)).then(|| "a text".to_owned()),
        choice => match choice.strip_prefix("enum:") {
            Some(choices) => {
                let allowed = |text: &str| choices.split('|').any(|choice| choice == text);
                let fits = match value {
                    Text(text) | Word(text) | Number(text) => allowed(text),
                    List(items) => items
                        .iter()
                        .all(|item| matches!(item.kind, Text(text) | Word(text) if allowed(text))),
                    _ => false,
                };
                (!fits).then(|| format!("one of `{}`", choices.replace('|', "`, `")))
            }
            None => None,
        },
    };
    wanted.map(|wanted| {
        Finding::new(
            option.value.offset,
            format!("`{}` should be {wanted}", option.name),
        )
    })
}
