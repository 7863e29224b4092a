//! What objects of a server name among themselves: policies, templates, data
//! streams. Pure.

use std::collections::BTreeMap;

use logfleet_contract::index::{Kind, ObjectPath};
use logfleet_contract::rendered::Place;
use serde_json::Value;

use super::Files;
use crate::glob::overlap_globs;
use crate::nearest::{did_you_mean, nearest};
use crate::sentence::list;

/// Policies that Elasticsearch brings itself
/// (<https://github.com/elastic/elasticsearch/tree/main/x-pack/plugin/core/template-resources/src/main/resources>).
const BUILT_IN_POLICIES: [&str; 9] = [
    "7-days-default",
    "7-days@lifecycle",
    "30-days-default",
    "30-days@lifecycle",
    "90-days@lifecycle",
    "180-days@lifecycle",
    "365-days@lifecycle",
    "logs",
    "logs@lifecycle",
];

/// The objects of one destination.
#[derive(Default)]
struct Objects {
    by_kind: BTreeMap<Kind, BTreeMap<String, (String, Value)>>,
}

impl Objects {
    fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, &str, &Value)> {
        let objects = self.by_kind.get(&kind).into_iter().flatten();
        objects.map(|(name, (path, value))| (name.as_str(), path.as_str(), value))
    }

    fn names(&self, kind: Kind) -> Vec<&str> {
        self.of(kind).map(|(name, _, _)| name).collect()
    }
}

pub(super) fn check(files: &mut Files<'_>) {
    let mut destinations: BTreeMap<String, Objects> = BTreeMap::new();
    for (path, bytes) in files.tree.files() {
        let Ok(Place::Object {
            destination,
            path: ObjectPath { kind, name },
        }) = Place::of(path.as_str())
        else {
            continue;
        };
        let Ok(value) = serde_json::from_slice(bytes) else {
            continue;
        };
        let objects = destinations.entry(destination).or_default();
        let of_kind = objects.by_kind.entry(kind).or_default();
        of_kind.insert(name, (path.as_str().to_owned(), value));
    }
    for objects in destinations.values() {
        policies(files, objects);
        templates(files, objects);
    }
}

/// Life cycles that nothing has, and names of some that aren't there.
fn policies(files: &mut Files<'_>, objects: &Objects) {
    let streams = objects.names(Kind::DataStream);
    for (name, path, policy) in objects.of(Kind::StatePolicy) {
        let of_policy = match &policy["policy"]["ism_template"] {
            Value::Array(templates) => templates.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let patterns: Vec<&str> = of_policy
            .iter()
            .filter_map(|template| template["index_patterns"].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if patterns.is_empty() {
            files.tell(
                path,
                (0, 0),
                format!("the policy `{name}` has no `ism_template`, so it is of no index and nothing is ever deleted by it"),
                "name the indices in `policy.ism_template`: `.ds-<data stream>-*`".to_owned(),
            );
        }
        for pattern in patterns.into_iter().filter(|own| !own.starts_with('-')) {
            let is_of = |stream: &&str| {
                overlap_globs(pattern, stream) || overlap_globs(pattern, &format!(".ds-{stream}-*"))
            };
            if !streams.iter().any(is_of) {
                files.tell_text(
                    path,
                    pattern,
                    format!("no data stream there has indices like `{pattern}`, so this policy is not theirs"),
                    near_stream(pattern, &streams),
                );
            }
        }
    }
    let named = |value: &Value| lifecycle_name(value).map(ToOwned::to_owned);
    let by_templates: Vec<(String, String)> = [Kind::IndexTemplate, Kind::ComponentTemplate]
        .into_iter()
        .flat_map(|kind| objects.of(kind))
        .filter_map(|(_, path, value)| Some((path.to_owned(), named(value)?)))
        .collect();
    let known = objects.names(Kind::LifecyclePolicy);
    for (path, policy) in &by_templates {
        if !known.contains(&policy.as_str()) && !BUILT_IN_POLICIES.contains(&policy.as_str()) {
            let hint = did_you_mean(policy, known.iter().copied()).unwrap_or_else(|| {
                format!("render it too: `elasticsearch/{{destination}}/_ilm/policy/{policy}.json`")
            });
            files.tell_text(
                path,
                policy,
                format!(
                    "no policy `{policy}` is rendered, so these indices would have no life cycle"
                ),
                hint,
            );
        }
    }
    for (name, path, _) in objects.of(Kind::LifecyclePolicy) {
        if !by_templates.iter().any(|(_, policy)| policy == name) {
            files.tell(
                path,
                (0, 0),
                format!("no template names the policy `{name}`, so it is of no index"),
                "set `index.lifecycle.name` in a template, or remove the policy".to_owned(),
            );
        }
    }
}

fn lifecycle_name(template: &Value) -> Option<&str> {
    let settings = &template["template"]["settings"];
    let index = &settings["index"];
    [
        &index["lifecycle"]["name"],
        &index["lifecycle.name"],
        &settings["index.lifecycle.name"],
        &settings["lifecycle"]["name"],
        &settings["index.lifecycle"]["name"],
    ]
    .into_iter()
    .find_map(Value::as_str)
}

/// Index templates of no data stream, data streams of none, and parts that aren't there.
fn templates(files: &mut Files<'_>, objects: &Objects) {
    let streams = objects.names(Kind::DataStream);
    let components = objects.names(Kind::ComponentTemplate);
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::Array(items) => items
                .iter()
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect(),
            Value::String(one) => vec![one.clone()],
            _ => Vec::new(),
        }
    };
    let mut patterns = Vec::new();
    let mut composed = Vec::new();
    for (_, path, template) in objects.of(Kind::IndexTemplate) {
        for pattern in texts(&template["index_patterns"]) {
            // A template may be for indices of others; one that nearly names ours is a slip.
            let is_ours = streams.iter().any(|stream| overlap_globs(&pattern, stream));
            if !is_ours && let Some(hint) = did_you_mean(&pattern, streams.iter().copied()) {
                files.tell_text(
                    path,
                    &pattern,
                    format!("no data stream there is called like `{pattern}`, so this template is for none"),
                    hint,
                );
            }
            patterns.push(pattern);
        }
        let may_miss = texts(&template["ignore_missing_component_templates"]);
        for component in texts(&template["composed_of"]) {
            // Names of others may be the server's own.
            let ours = component.starts_with("logfleet-");
            if ours && !components.contains(&component.as_str()) && !may_miss.contains(&component) {
                let hint =
                    did_you_mean(&component, components.iter().copied()).unwrap_or_else(|| {
                        format!("those that are rendered are {}", list(&components))
                    });
                files.tell_text(
                    path,
                    &component,
                    format!("no component template `{component}` is rendered, so the server would refuse this one"),
                    hint,
                );
            }
            composed.push(component);
        }
    }
    for (stream, path, _) in objects.of(Kind::DataStream) {
        if !patterns
            .iter()
            .any(|pattern| overlap_globs(pattern, stream))
        {
            files.tell(
                path,
                (0, 0),
                format!("no index template is for the data stream `{stream}`, so the server would refuse it"),
                "name it in the `index_patterns` of one".to_owned(),
            );
        }
    }
    // `logs@custom` and others are for templates that a server brings itself.
    let ours = objects
        .of(Kind::ComponentTemplate)
        .filter(|(name, _, _)| name.starts_with("logfleet-"));
    for (component, path, _) in ours {
        if !composed.iter().any(|own| own == component) {
            files.tell(
                path,
                (0, 0),
                format!("no index template is composed of `{component}`, so it has no effect"),
                "name it in `composed_of`, or remove it".to_owned(),
            );
        }
    }
}

fn near_stream(pattern: &str, streams: &[&str]) -> String {
    let plain = pattern.trim_start_matches(".ds-");
    let plain = plain.trim_end_matches('*').trim_end_matches('-');
    nearest(plain, streams.iter().copied()).map_or_else(
        || format!("the data streams there are {}", list(streams)),
        |near| format!("did you mean `{}`?", pattern.replace(plain, near)),
    )
}
