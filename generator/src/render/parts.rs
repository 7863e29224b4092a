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
            Item::Reader(reader) => Value::try_from_serializable(reader),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value as Json;
    use sha2::{Digest as _, Sha256};

    use crate::pipeline::{Timings, load_fleet};
    use crate::render::{Templates, render};

    /// The files of a server, by folder and name.
    fn files<'t>(
        tree: &'t crate::tree::RenderedTree,
        destination: &str,
        folder: &str,
    ) -> Vec<(String, &'t [u8])> {
        let start = format!("elasticsearch/{destination}/{folder}/");
        let name = |path: &str| {
            let name = path.strip_prefix(&start)?.strip_suffix(".json")?;
            Some(name.to_owned())
        };
        tree.files()
            .filter_map(|(path, bytes)| Some((name(path.as_str())?, bytes)))
            .collect()
    }

    /// Everything that an index template names is rendered, and nothing beside it;
    /// it is named by its bytes, and says nothing of the cluster.
    #[test]
    fn index_templates_name_what_is_rendered_and_clusters_share_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let fleet =
            load_fleet(&root, None, &Timings::default()).expect("the example fleet is valid");
        let templates = Templates::compile(&[]).expect("the templates compile");
        let mut clusters_with = BTreeSet::new();
        for member in &fleet.members {
            let cluster = &member.cluster;
            let tree = render(cluster, &templates).expect("the cluster can be rendered");
            for destination in &cluster.destinations {
                let mut named = BTreeSet::new();
                for (_, bytes) in files(&tree, &destination.name, "_index_template") {
                    let template: Json = serde_json::from_slice(bytes).expect("JSON");
                    let parts = template["composed_of"].as_array().expect("a list");
                    let policy = &template["template"]["settings"]["index"]["lifecycle"]["name"];
                    assert_eq!(parts.len(), 2, "{template}");
                    let parts = parts.iter().chain([policy]).filter_map(Json::as_str);
                    named.extend(parts.map(ToOwned::to_owned));
                }
                let mut rendered = BTreeSet::new();
                for folder in ["_component_template", "_ilm/policy"] {
                    for (name, bytes) in files(&tree, &destination.name, folder) {
                        let digest = &base16ct::lower::encode_string(&Sha256::digest(bytes))[..16];
                        assert!(name.ends_with(&format!("-{digest}")), "{name}");
                        let text = String::from_utf8_lossy(bytes);
                        for own in [&cluster.cluster.name, &cluster.cluster.slug] {
                            assert!(!text.contains(own.as_str()), "{name} names the cluster");
                        }
                        clusters_with.insert((name.clone(), cluster.cluster.name.clone()));
                        rendered.insert(name);
                    }
                }
                assert_eq!(rendered, named, "{}", cluster.cluster.name);
            }
        }
        let names: BTreeSet<&String> = clusters_with.iter().map(|(name, _)| name).collect();
        assert!(
            names.len() < clusters_with.len(),
            "no two clusters share a file"
        );
    }
}
