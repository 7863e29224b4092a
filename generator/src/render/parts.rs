//! The files that index templates name: component templates, and on
//! Elasticsearch a policy. Pure.
//!
//! They are named by their bytes, so an index template can only name them
//! once they are rendered. A fleet's own template of one of these takes part
//! by where it is: `_component_template/` or `_ilm/policy/`.

use std::collections::BTreeMap;

use serde::Serialize;
use tera::Value;

use super::pattern::{Item, ItemKind};
use crate::resolve::IndexTemplate;
use crate::tree::TreePath;

/// A folder whose files index templates name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Folder {
    ComponentTemplates,
    Policies,
}

/// What was rendered so far: by destination, kind and place among its kind, the
/// names of the files of each folder, in the order in which they were rendered.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<(String, ItemKind, usize, Folder), Vec<String>>);

/// An index template with the names of its parts.
#[derive(Serialize)]
struct WithParts<'a> {
    #[serde(flatten)]
    template: &'a IndexTemplate,
    composed_of: Vec<&'a str>,
    policy: Option<&'a str>,
}

impl Parts {
    /// Takes down a rendered file, if an index template may name it.
    pub(super) fn add(&mut self, destination: &str, kind: ItemKind, place: usize, path: &TreePath) {
        if !kind.is_part() {
            return;
        }
        let below = format!("elasticsearch/{destination}/");
        let Some((folder, file)) = path
            .as_str()
            .strip_prefix(&below)
            .and_then(|path| path.rsplit_once('/'))
        else {
            return;
        };
        let folder = match folder {
            "_component_template" => Folder::ComponentTemplates,
            "_ilm/policy" => Folder::Policies,
            _ => return,
        };
        let name = file.strip_suffix(".json").unwrap_or(file);
        self.0
            .entry((destination.to_owned(), kind, place, folder))
            .or_default()
            .push(name.to_owned());
    }

    /// What a template sees of an item.
    pub(super) fn value(&self, destination: &str, item: Item<'_>) -> Result<Value, tera::Error> {
        match item {
            Item::Stream(stream) => Value::try_from_serializable(stream),
            Item::Mapping(mapping) => Value::try_from_serializable(mapping),
            Item::Settings(settings) => Value::try_from_serializable(settings),
            Item::LifeCycle(life_cycle) => Value::try_from_serializable(life_cycle),
            Item::IndexTemplate(template) => {
                Value::try_from_serializable(&self.with_parts(destination, template))
            }
        }
    }

    fn with_parts<'a>(&'a self, destination: &str, template: &'a IndexTemplate) -> WithParts<'a> {
        let named = |kind, place, folder| {
            let names = self.0.get(&(destination.to_owned(), kind, place, folder));
            names.into_iter().flatten().map(String::as_str)
        };
        let components = |kind, place| named(kind, place, Folder::ComponentTemplates);
        let mut policies = template
            .life_cycle
            .into_iter()
            .flat_map(|place| named(ItemKind::LifeCycle, place, Folder::Policies));
        WithParts {
            template,
            composed_of: components(ItemKind::Mapping, template.mapping)
                .chain(components(ItemKind::Settings, template.settings))
                .collect(),
            policy: policies.next(),
        }
    }
}
