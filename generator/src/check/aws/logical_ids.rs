//! Names of a template's own objects: what is named must be in it, or
//! CloudFormation refuses the whole template. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Template, list};
use crate::fault::Faults;
use crate::nearest::did_you_mean;

pub(super) fn check(template: &Template<'_>, faults: &mut Faults) {
    // Fragments are made whole by the members' stack.
    if template.is_fragment {
        return;
    }
    let known: BTreeSet<&str> = ["Resources", "Parameters"]
        .iter()
        .filter_map(|part| template.value.get(part)?.as_object())
        .flat_map(|part| part.keys().map(String::as_str))
        .collect();
    for resource in template.resources() {
        let mut named = Vec::new();
        gather(resource.value, &mut named);
        named.extend(
            list(&resource.value["DependsOn"])
                .into_iter()
                .filter_map(Value::as_str),
        );
        named.sort_unstable();
        named.dedup();
        for name in named {
            if known.contains(name) || name.starts_with("AWS::") {
                continue;
            }
            let fault = template.fault(
                &resource,
                &format!(
                    "there is no `{name}` in this template, so CloudFormation would refuse it"
                ),
            );
            faults.push(
                fault.hint(
                    did_you_mean(name, known.iter().copied()).unwrap_or_else(|| {
                        "add it to `Resources`, or write the name of what exists already as text"
                            .to_owned()
                    }),
                ),
            );
        }
    }
}

/// The logical ids that a value names.
fn gather<'v>(value: &'v Value, named: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, named)),
        Value::Object(entries) => {
            for (key, inner) in entries {
                match (key.as_str(), inner) {
                    ("Ref", Value::String(name)) => named.push(name),
                    ("Fn::GetAtt", Value::Array(parts)) => {
                        named.extend(parts.first().and_then(Value::as_str));
                    }
                    ("Fn::GetAtt", Value::String(text)) => {
                        named.extend(text.split('.').next());
                    }
                    ("Fn::Sub", Value::String(text)) => in_text(text, &[], named),
                    ("Fn::Sub", Value::Array(parts)) => {
                        let text = parts.first().and_then(Value::as_str);
                        let own = parts.get(1).and_then(Value::as_object);
                        let own: Vec<&str> = own
                            .into_iter()
                            .flat_map(|own| own.keys().map(String::as_str))
                            .collect();
                        in_text(text.unwrap_or_default(), &own, named);
                        parts.iter().skip(1).for_each(|part| gather(part, named));
                    }
                    _ => gather(inner, named),
                }
            }
        }
        _ => {}
    }
}

/// Those of a text of `Fn::Sub`, `${Name}` or `${Name.Attribute}`; `${!` is no name.
fn in_text<'v>(text: &'v str, own: &[&str], named: &mut Vec<&'v str>) {
    for part in text.split("${").skip(1) {
        let Some((inside, _)) = part.split_once('}') else {
            continue;
        };
        let name = inside.trim().split('.').next().unwrap_or_default();
        if !inside.starts_with('!') && !own.contains(&name) {
            named.push(name);
        }
    }
}
