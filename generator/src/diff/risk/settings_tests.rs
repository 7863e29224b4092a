//! A cluster of a few settings, for tests of what is asked of resolved clusters.

use crate::layers::inherit::expand;
use crate::layers::merge::merge;
use crate::load::node::Node;
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::resolve::{OwnFiles, ResolvedCluster, resolve_cluster};
use crate::settings::DEFAULTS;

const CLUSTER: &str = r#"
name: a
environment: production
distribution: kops
region: eu-central-1
account: "111122223333"
node_groups:
  masters: { role: control_plane }
  nodes: { role: node }
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com", authentication: { type: basic } }
sources: { aws: { enabled: false, forwarder: { code: { bucket: "code-{region}", key: forwarder.zip } } } }
"#;

fn parse(text: &str) -> Node {
    yaml::parse(FileId(0), &SourceFile::new("test.yaml", text)).expect("valid YAML")
}

/// The cluster with one more layer over it.
pub(in crate::diff::risk) fn resolved(change: &str) -> ResolvedCluster {
    let layers = merge(parse(DEFAULTS), &parse(CLUSTER));
    let merged = match change {
        "" => layers,
        change => merge(layers, &parse(change)),
    };
    let settings = serde_json::from_value(expand(merged).to_json()).expect("valid settings");
    resolve_cluster(&settings, &OwnFiles::default()).expect("no problems")
}
