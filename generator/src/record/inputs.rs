//! Digests of everything that a cluster is rendered from. Pure.
//!
//! Resolving and rendering get a [`FleetLayers`] and read nothing else, so what
//! isn't in there can't matter. Each type is taken apart field by field: a new
//! field doesn't compile until it is decided here what it is.

use std::collections::BTreeMap;

use crate::layers::fleet::FleetLayers;
use crate::load::certificates::Certificates;
use crate::load::files::{Layer, LoadedCluster, LoadedFleet};
use crate::load::source_file::Sources;
use crate::write::ownership::Digest;

/// What a fleet is rendered from, beside the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FleetInputs {
    /// What every cluster may depend on: `fleet.yaml`, all environments, all
    /// certificates, and the fleet's own templates.
    pub(crate) shared: Digest,
    /// What only the cluster itself depends on, by name.
    pub(crate) clusters: BTreeMap<String, Digest>,
}

impl FleetInputs {
    /// The digests of a fleet that was read whole; none of one without its texts.
    pub(crate) fn of(layers: &FleetLayers) -> Option<Self> {
        let FleetLayers {
            // Part of the program.
            defaults: _,
            loaded,
        } = layers;
        let LoadedFleet {
            sources,
            fleet,
            environments,
            clusters,
            // Beside `clusters`, these say what could not be read, or was not
            // asked for.
            cluster_names: _,
            names_are_whole: _,
            shared_is_whole: _,
            certificates,
            template_overrides,
        } = loaded;
        let mut shared = Parts::default();
        shared.add_count(fleet.iter().count());
        if let Some(layer) = fleet {
            shared.add(text(layer, sources)?);
        }
        shared.add_count(environments.len());
        for (name, layer) in environments {
            shared.add(name);
            shared.add(text(layer, sources)?);
        }
        add_certificates(&mut shared, certificates);
        shared.add_count(template_overrides.len());
        for (name, text) in template_overrides {
            shared.add(name);
            shared.add(text);
        }
        let clusters = clusters.iter().map(|(name, cluster)| {
            let digest = of_cluster(name, cluster, sources)?;
            Some((name.clone(), digest))
        });
        Some(Self {
            shared: shared.digest(),
            clusters: clusters.collect::<Option<_>>()?,
        })
    }
}

fn of_cluster(name: &str, cluster: &LoadedCluster, sources: &Sources) -> Option<Digest> {
    let LoadedCluster { layer, patches } = cluster;
    let mut parts = Parts::default();
    parts.add(name);
    parts.add(text(layer, sources)?);
    parts.add_count(patches.len());
    for (name, bytes) in patches {
        parts.add(name);
        parts.add(bytes);
    }
    Some(parts.digest())
}

fn text<'s>(layer: &Layer, sources: &'s Sources) -> Option<&'s str> {
    let Layer {
        file,
        // Parsed from the text.
        node: _,
    } = layer;
    Some(sources.get(*file)?.text())
}

fn add_certificates(parts: &mut Parts, certificates: &Certificates) {
    parts.add_count(certificates.files().count());
    for (file, read) in certificates.files() {
        parts.add(file);
        parts.add_count(usize::from(read.is_ok()));
        match read {
            Ok(bytes) => parts.add(bytes),
            // One that no cluster uses is no fault, whatever is wrong with it.
            Err(fault) => parts.add(&fault.message),
        }
    }
}

/// Texts one after the other, each with its length, so that none can be taken
/// for another's end.
#[derive(Default)]
struct Parts(Vec<u8>);

impl Parts {
    fn add(&mut self, bytes: impl AsRef<[u8]>) {
        self.add_count(bytes.as_ref().len());
        self.0.extend_from_slice(bytes.as_ref());
    }

    fn add_count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::pipeline::load_layers;

    const CERTIFICATE: &str =
        include_str!("../../../tests/cases/base/clusters/certificates/main.pem");

    const FILES: [(&str, &str); 7] = [
        ("clusters/fleet.yaml", "a: 1\n"),
        ("clusters/environments/prod.yaml", "b: 2\n"),
        ("clusters/certificates/ca.pem", CERTIFICATE),
        (
            "clusters/x/cluster.yaml",
            "destinations: { d: { tls: { ca_certificate: certificates/ca.pem } } }\n",
        ),
        ("clusters/x/kubernetes/p.yaml", "kind: Patch\n"),
        ("clusters/y/cluster.yaml", "name: y\n"),
        ("templates/kubernetes/t.yaml", "kind: T\n"),
    ];

    fn inputs(changes: &[(&str, &str)]) -> FleetInputs {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in FILES.iter().chain(changes) {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let (layers, faults) = load_layers(folder.path(), None);
        assert!(faults.is_empty(), "{faults:?}");
        FleetInputs::of(&layers).expect("texts")
    }

    /// What differs from the fleet without changes.
    fn differing(changes: &[(&str, &str)]) -> BTreeSet<String> {
        let (before, after) = (inputs(&[]), inputs(changes));
        let names = before.clusters.keys().chain(after.clusters.keys());
        let differs = |name: &&String| before.clusters.get(*name) != after.clusters.get(*name);
        let mut differing: BTreeSet<String> = names.filter(differs).cloned().collect();
        if before.shared != after.shared {
            differing.insert("shared".to_owned());
        }
        differing
    }

    #[test]
    fn every_file_that_is_read_is_an_input() {
        assert_eq!(differing(&[]), BTreeSet::new());
        for (path, of) in [
            ("clusters/fleet.yaml", "shared"),
            ("clusters/environments/prod.yaml", "shared"),
            ("clusters/environments/new.yaml", "shared"),
            ("templates/kubernetes/t.yaml", "shared"),
            ("templates/_part.conf", "shared"),
            ("clusters/x/kubernetes/p.yaml", "x"),
            ("clusters/x/kubernetes/q.yaml", "x"),
            ("clusters/y/cluster.yaml", "y"),
            ("clusters/z/cluster.yaml", "z"),
        ] {
            let changed = differing(&[(path, "c: 3\n")]);
            assert_eq!(changed, BTreeSet::from([of.to_owned()]), "{path}");
        }
        for other in [CERTIFICATE.repeat(2).as_str(), "no certificate"] {
            let changed = differing(&[("clusters/certificates/ca.pem", other)]);
            assert_eq!(changed, BTreeSet::from(["shared".to_owned()]));
        }
    }

    #[test]
    fn a_comment_is_another_input_and_an_unread_file_none() {
        let comment = differing(&[("clusters/y/cluster.yaml", "name: y # why\n")]);
        assert_eq!(comment, BTreeSet::from(["y".to_owned()]));
        let unread = [("clusters/certificates/other.pem", "x"), ("README.md", "x")];
        assert_eq!(differing(&unread), BTreeSet::new());
    }

    #[test]
    fn where_a_text_ends_matters() {
        let parts = |texts: &[&str]| {
            let mut parts = Parts::default();
            for text in texts {
                parts.add(text);
            }
            parts.digest()
        };
        assert_ne!(parts(&["ab", "c"]), parts(&["a", "bc"]));
        assert_ne!(parts(&["", "a"]), parts(&["a", ""]));
    }
}
