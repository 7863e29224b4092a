//! The index objects of one server in one rendered tree, and which of them hold
//! for a data stream. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use logfleet_contract::pattern::matches;

use super::composed::compose;
use crate::diff::documents::Documents;
use crate::diff::risk::retention::policy;
use crate::diff::risk::values::texts;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diff::risk) enum Kind {
    DataStream,
    IndexTemplate,
    ComponentTemplate,
    /// Of Elasticsearch (ILM), which settings name.
    LifecyclePolicy,
    /// Of OpenSearch (ISM), which names data streams.
    StatePolicy,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::DataStream,
        Self::IndexTemplate,
        Self::ComponentTemplate,
        Self::LifecyclePolicy,
        Self::StatePolicy,
    ];

    fn folder(self) -> &'static str {
        match self {
            Self::DataStream => "_data_stream",
            Self::IndexTemplate => "_index_template",
            Self::ComponentTemplate => "_component_template",
            Self::LifecyclePolicy => "_ilm/policy",
            Self::StatePolicy => "_plugins/_ism/policies",
        }
    }

    /// That of a file by its path below its server's folder, and its name.
    pub(super) fn of(path: &str) -> Option<(Self, &str)> {
        let name_in = |kind: Self| {
            let name = path.strip_prefix(kind.folder())?.strip_prefix('/')?;
            Some((kind, name.strip_suffix(".json")?))
        };
        Self::ALL.into_iter().find_map(name_in)
    }

    /// The path of the file of an object.
    pub(in crate::diff::risk) fn path(self, server: &str, name: &str) -> String {
        format!("elasticsearch/{server}/{}/{name}.json", self.folder())
    }
}

/// All objects of one server.
#[derive(Debug, Default)]
pub(super) struct Server<'t> {
    objects: BTreeMap<(Kind, String), &'t Json>,
    /// Its index templates, each with its component templates.
    composed: BTreeMap<String, Json>,
    /// Whether there is one that can't be read: nobody knows what it holds for.
    pub(super) is_unreadable: bool,
}

/// The policy that says when records of a data stream are deleted.
#[derive(Clone, Copy, Debug)]
pub(in crate::diff::risk) struct Policy<'s> {
    pub(in crate::diff::risk) kind: Kind,
    pub(in crate::diff::risk) name: &'s str,
    /// What it says, if it is rendered.
    pub(in crate::diff::risk) value: Option<&'s Json>,
}

/// What holds for a data stream.
#[derive(Clone, Copy, Debug)]
pub(in crate::diff::risk) struct Held<'s> {
    /// The name of its index template.
    pub(super) template: Option<&'s str>,
    /// That with its component templates; null without a template.
    pub(in crate::diff::risk) composed: &'s Json,
    pub(in crate::diff::risk) policy: Option<Policy<'s>>,
}

impl<'t> Server<'t> {
    /// Those of a server in a tree.
    pub(super) fn of(files: &'t Documents<'t>, server: &str) -> Self {
        let start = format!("elasticsearch/{server}/");
        let mut found = Self::default();
        for file in files.iter() {
            let below = file.path().strip_prefix(&start);
            let Some((kind, name)) = below.and_then(Kind::of) else {
                continue;
            };
            match file.value() {
                Some(value) => {
                    found.objects.insert((kind, name.to_owned()), value);
                }
                None => found.is_unreadable = true,
            }
        }
        found.composed = found.compose();
        found
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> Option<&'t Json> {
        self.objects.get(&(kind, name.to_owned())).copied()
    }

    fn of_kind(&self, wanted: Kind) -> impl Iterator<Item = (&str, &'t Json)> {
        let all = self.objects.iter();
        all.filter(move |((kind, _), _)| *kind == wanted)
            .map(|((_, name), value)| (name.as_str(), *value))
    }

    /// The names of its data streams.
    pub(super) fn streams(&self) -> BTreeSet<&str> {
        self.of_kind(Kind::DataStream)
            .map(|(name, _)| name)
            .collect()
    }

    fn compose(&self) -> BTreeMap<String, Json> {
        let templates = self.of_kind(Kind::IndexTemplate);
        let composed = templates.map(|(name, template)| {
            let components = components(template);
            let components = components
                .iter()
                .filter_map(|name| self.get(Kind::ComponentTemplate, name));
            (name.to_owned(), compose(components.chain([template])))
        });
        composed.collect()
    }

    /// What holds for a data stream: of what matches, that of the highest priority.
    pub(super) fn held(&self, stream: &str) -> Held<'_> {
        let templates = self.of_kind(Kind::IndexTemplate);
        let matching = templates.filter(|(_, template)| {
            let patterns = texts(template.get("index_patterns"));
            patterns.iter().any(|pattern| matches(pattern, stream))
        });
        let template = matching
            .max_by_key(|(_, template)| priority(template))
            .map(|(name, _)| name);
        let composed = template.and_then(|name| self.composed.get(name));
        let composed = composed.unwrap_or(&Json::Null);
        let policy = self.state_policy(stream).or_else(|| {
            let name = policy::named(composed)?;
            let value = self.get(Kind::LifecyclePolicy, name);
            let kind = Kind::LifecyclePolicy;
            Some(Policy { kind, name, value })
        });
        Held {
            template,
            composed,
            policy,
        }
    }

    /// The policy of OpenSearch that takes the indices of a data stream
    /// (<https://docs.opensearch.org/latest/im-plugin/ism/policies/#ism-templates>).
    fn state_policy(&self, stream: &str) -> Option<Policy<'_>> {
        let policies = self.of_kind(Kind::StatePolicy);
        let claims = policies.flat_map(|(name, value)| {
            let templates = policy::templates(value).iter();
            templates.map(move |template| (name, value, template))
        });
        let index = first_index(stream);
        let matching = claims.filter(|(_, _, template)| {
            let patterns = texts(template.get("index_patterns"));
            let mut patterns = patterns.iter();
            patterns.any(|pattern| matches(pattern, stream) || matches(pattern, &index))
        });
        let (name, value, _) = matching.max_by_key(|(_, _, template)| priority(template))?;
        Some(Policy {
            kind: Kind::StatePolicy,
            name,
            value: Some(value),
        })
    }

    /// The objects that hold for nothing beside these data streams.
    pub(super) fn only_of(&self, streams: &BTreeSet<&str>) -> BTreeSet<(Kind, String)> {
        let templates: BTreeSet<&str> = self
            .of_kind(Kind::IndexTemplate)
            .filter(|(_, template)| are_names(&texts(template.get("index_patterns")), streams))
            .map(|(name, _)| name)
            .collect();
        let is_only_of = |kind: Kind, name: &str, value: &Json| match kind {
            Kind::DataStream => false,
            Kind::IndexTemplate => templates.contains(name),
            Kind::ComponentTemplate => {
                let all = self.of_kind(Kind::IndexTemplate);
                let users = all.filter(|(_, all)| components(all).iter().any(|part| part == name));
                are_all_of(users.map(|(name, _)| name), &templates)
            }
            Kind::LifecyclePolicy => {
                let all = self.composed.iter();
                let users = all.filter(|(_, template)| policy::named(template) == Some(name));
                are_all_of(users.map(|(name, _)| name.as_str()), &templates)
            }
            Kind::StatePolicy => {
                let patterns = policy::templates(value).iter();
                let patterns = patterns.flat_map(|template| texts(template.get("index_patterns")));
                are_names(&patterns.collect::<Vec<_>>(), streams)
            }
        };
        let objects = self.objects.iter();
        let only = objects.filter(|((kind, name), value)| is_only_of(*kind, name, value));
        only.map(|(object, _)| object.clone()).collect()
    }
}

/// Whether there are users, and each is one of these.
fn are_all_of<'s>(users: impl Iterator<Item = &'s str>, templates: &BTreeSet<&str>) -> bool {
    let mut users = users.peekable();
    users.peek().is_some() && users.all(|name| templates.contains(name))
}

/// The names of the component templates of an index template.
pub(super) fn components(template: &Json) -> Vec<String> {
    texts(template.get("composed_of"))
}

fn priority(template: &Json) -> i64 {
    let priority = template.get("priority").and_then(Json::as_i64);
    priority.unwrap_or_default()
}

/// Whether there are patterns, and each is one of these data streams or its indices.
fn are_names(patterns: &[String], streams: &BTreeSet<&str>) -> bool {
    let is_name = |pattern: &String| {
        let indices = pattern.strip_prefix(".ds-");
        let stream = indices.and_then(|indices| indices.strip_suffix("-*"));
        streams.contains(stream.unwrap_or(pattern))
    };
    !patterns.is_empty() && patterns.iter().all(is_name)
}

/// An index of a data stream, as patterns are for it.
fn first_index(stream: &str) -> String {
    format!(".ds-{stream}-000001")
}
