//! Objects that are applied to the API server.

use logfleet_generator::load::node::Node;
use logfleet_generator::load::source_file::{FileId, SourceFile};
use logfleet_generator::load::yaml;

use crate::client::Answer;
use crate::kubernetes::server::ApiServer;

/// An object as `kustomize build` writes it.
#[derive(Clone, Debug)]
pub struct Object {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    /// Its YAML, which goes to the server as it is.
    pub text: String,
}

impl Object {
    /// Every object of a stream of documents.
    pub fn all(stream: &str) -> Vec<Self> {
        stream.split("\n---\n").map(Self::parse).collect()
    }

    fn parse(text: &str) -> Self {
        let node = yaml::parse(FileId(0), &SourceFile::new("kustomize", text))
            .unwrap_or_else(|faults| panic!("{:?}\n{text}", faults.sorted()));
        let part = |path: &[&str]| {
            let found = path.iter().try_fold(&node, |node, key| node.get(key));
            found.and_then(Node::as_str).map(ToOwned::to_owned)
        };
        Self {
            api_version: part(&["apiVersion"]).expect("apiVersion"),
            kind: part(&["kind"]).expect("kind"),
            name: part(&["metadata", "name"]).expect("metadata.name"),
            namespace: part(&["metadata", "namespace"]),
            text: text.to_owned(),
        }
    }
}

impl ApiServer {
    /// Applies an object without keeping it, every field checked strictly.
    pub fn apply_dry(&self, object: &Object) -> Answer {
        self.apply_to(&self.path_of(object), &object.text, "&dryRun=All")
    }

    /// Applies an object, and keeps it.
    pub fn apply(&self, object: &Object) -> Answer {
        self.apply_to(&self.path_of(object), &object.text, "")
    }

    /// The path of an object, by what the server says of its kind.
    pub fn path_of(&self, object: &Object) -> String {
        let group = match object.api_version.as_str() {
            "v1" => "api/v1".to_owned(),
            other => format!("apis/{other}"),
        };
        let resources = self.admin.send("GET", &group, None).body;
        let resource = resources["resources"]
            .as_array()
            .and_then(|list| {
                list.iter().find(|one| {
                    one["kind"] == object.kind.as_str()
                        && one["name"].as_str().is_some_and(|name| !name.contains('/'))
                })
            })
            .unwrap_or_else(|| panic!("the server has no {} in {group}", object.kind));
        let plural = resource["name"].as_str().expect("a name");
        let namespace = match (resource["namespaced"] == true, &object.namespace) {
            (true, Some(namespace)) => format!("namespaces/{namespace}/"),
            (true, None) => panic!("{} `{}` is in no namespace", object.kind, object.name),
            (false, _) => String::new(),
        };
        format!("{group}/{namespace}{plural}/{}", object.name)
    }
}
