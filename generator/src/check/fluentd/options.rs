//! Holds every option against the schema. Pure.

use super::Finding;
use super::schema::{OptionKind, OptionType, Schema, SectionSchema};
use super::syntax::{Parameter, Section, Value};
use crate::nearest::did_you_mean;

/// Options whose empty list chooses everything, by plugin: an empty set that
/// was made from settings means nothing, and must not be written so.
const EMPTY_IS_EVERYTHING: [(&str, &str); 2] = [("systemd", "filters"), ("systemd", "matches")];

/// What every plugin has (<https://docs.fluentd.org/configuration/plugin-common-parameters>).
const COMMON: [&str; 4] = ["@type", "@id", "@label", "@log_level"];

pub(super) fn check(root: &Section<'_>, schema: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    for parameter in &root.parameters {
        findings.push(Finding::new(
            parameter.offset,
            format!("`{}` is outside of any section", parameter.key),
        ));
    }
    top_level(root, schema, &mut findings);
    findings
}

fn top_level(parent: &Section<'_>, schema: &Schema, findings: &mut Vec<Finding>) {
    for section in &parent.sections {
        let Some(known) = schema.root.get(section.name) else {
            findings.push(unknown_section(section, schema.root.keys()));
            continue;
        };
        if known.label {
            if !section.argument.text.starts_with('@') {
                findings.push(Finding::new(
                    section.offset,
                    "a label's name starts with `@`",
                ));
            }
            for parameter in &section.parameters {
                findings.push(unknown_option(parameter, section, std::iter::empty()));
            }
            top_level(section, schema, findings);
        } else {
            one(section, known, schema, findings);
        }
    }
}

fn one(section: &Section<'_>, known: &SectionSchema, schema: &Schema, findings: &mut Vec<Finding>) {
    if known.argument.as_deref() == Some("pattern") && section.argument.text.is_empty() {
        findings.push(Finding::new(
            section.offset,
            format!("`<{}>` needs the tags that it is for", section.name),
        ));
    }
    let known = match &known.kind {
        Some(kind) => match plugin(section, kind, known, schema) {
            Ok(plugin) => plugin,
            Err(finding) => return findings.push(finding),
        },
        None => known,
    };
    if known.any {
        return;
    }
    for parameter in &section.parameters {
        if COMMON.contains(&&*parameter.key) {
            continue;
        }
        match known.options.get(&*parameter.key) {
            None => findings.push(unknown_option(parameter, section, known.options.keys())),
            Some(option) => findings.extend(wrong_value(parameter, option)),
        }
    }
    for name in &known.required_options {
        match section.get(name) {
            None => findings.push(Finding::new(
                section.offset,
                format!("{} needs `{name}`", reported(section)),
            )),
            Some(value) if value.text.is_empty() && !value.is_dynamic => {
                findings.push(Finding::new(value.offset, format!("`{name}` is empty")));
            }
            Some(_) => {}
        }
    }
    for (_, name) in EMPTY_IS_EVERYTHING
        .iter()
        .filter(|(plugin, _)| section.get("@type").is_some_and(|own| own.text == *plugin))
    {
        if let Some(value) = section.get(name).filter(|value| is_empty_list(value)) {
            findings.push(
                Finding::new(
                    value.offset,
                    format!("`{name}` is empty, which Fluentd takes for everything"),
                )
                .hint("leave the source out where nothing is to be read"),
            );
        }
    }
    for (name, inner) in &known.sections {
        if inner.required && !section.sections.iter().any(|section| section.name == name) {
            findings.push(Finding::new(
                section.offset,
                format!("{} needs `<{name}>`", reported(section)),
            ));
        }
    }
    for inner in &section.sections {
        match known.sections.get(inner.name) {
            None => findings.push(unknown_section(inner, known.sections.keys())),
            Some(known) => one(inner, known, schema, findings),
        }
    }
}

fn plugin<'s>(
    section: &Section<'_>,
    kind: &str,
    known: &'s SectionSchema,
    schema: &'s Schema,
) -> Result<&'s SectionSchema, Finding> {
    let plugins = schema.plugins.get(kind).ok_or_else(|| {
        Finding::new(
            section.offset,
            format!("no plugins of kind `{kind}` are known"),
        )
    })?;
    let (name, offset) = match (section.get("@type"), &known.optional_type) {
        (Some(value), _) => (&*value.text, value.offset),
        (None, Some(name)) => (name.as_str(), section.offset),
        (None, None) => {
            return Err(Finding::new(
                section.offset,
                format!("`<{}>` needs `@type`", section.name),
            ));
        }
    };
    plugins.get(name).ok_or_else(|| {
        let finding = Finding::new(offset, format!("the image has no {kind} plugin `{name}`"));
        with_nearest(finding, name, plugins.keys())
    })
}

fn is_empty_list(value: &Value<'_>) -> bool {
    serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&value.text)
        .map_or(value.text.is_empty(), |items| items.is_empty())
}

fn reported(section: &Section<'_>) -> String {
    section.get("@type").map_or_else(
        || format!("`<{}>`", section.name),
        |value| format!("`{}`", value.text),
    )
}

fn unknown_option<'k>(
    parameter: &Parameter<'_>,
    section: &Section<'_>,
    known: impl Iterator<Item = &'k String>,
) -> Finding {
    let finding = Finding::new(
        parameter.offset,
        format!("{} has no option `{}`", reported(section), parameter.key),
    );
    with_nearest(finding, &parameter.key, known)
}

fn unknown_section<'k>(section: &Section<'_>, known: impl Iterator<Item = &'k String>) -> Finding {
    let finding = Finding::new(
        section.offset,
        format!("`<{}>` isn't allowed here", section.name),
    );
    with_nearest(finding, section.name, known)
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

fn wrong_value(parameter: &Parameter<'_>, option: &OptionType) -> Option<Finding> {
    let Value {
        text,
        is_dynamic,
        offset,
    } = &parameter.value;
    if *is_dynamic {
        return None;
    }
    let wanted = match &option.kind {
        OptionKind::Text => return None,
        OptionKind::Integer => text
            .parse::<i64>()
            .is_err()
            .then(|| "a whole number".to_owned()),
        OptionKind::Float => text.parse::<f64>().is_err().then(|| "a number".to_owned()),
        OptionKind::Bool => {
            (!matches!(&**text, "true" | "false")).then(|| "`true` or `false`".to_owned())
        }
        OptionKind::Size => {
            (!is_quantity(text, "kmgtKMGT")).then(|| "a size such as `8m`".to_owned())
        }
        OptionKind::Time => (!is_quantity(text, "smhd")).then(|| "a time such as `30s`".to_owned()),
        OptionKind::Regexp => {
            (!is_regexp(text)).then(|| "a regular expression such as `/…/`".to_owned())
        }
        OptionKind::Array => text
            .is_empty()
            .then(|| "a list such as `[\"a\", \"b\"]`".to_owned()),
        OptionKind::Hash => {
            (!text.starts_with('{')).then(|| "a hash such as `{\"a\": \"b\"}`".to_owned())
        }
        OptionKind::Label => (!text.starts_with('@')).then(|| "a label such as `@NAME`".to_owned()),
        OptionKind::OneOf(values) => (!values.iter().any(|value| value == text))
            .then(|| format!("one of `{}`", values.join("`, `"))),
    };
    wanted.map(|wanted| {
        Finding::new(
            *offset,
            format!("`{}` should be {wanted}, not `{text}`", parameter.key),
        )
    })
}

/// A number, perhaps negative or with a fraction, and perhaps a unit.
fn is_quantity(text: &str, units: &str) -> bool {
    let number = text.strip_suffix(|c| units.contains(c)).unwrap_or(text);
    number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Slashes around it, and perhaps `i`, `m` or `x` behind.
fn is_regexp(text: &str) -> bool {
    text.strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
        .is_some_and(|(_, flags)| flags.chars().all(|flag| "imx".contains(flag)))
}
