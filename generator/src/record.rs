//! What a render of the whole fleet leaves for the next one, so that a cluster
//! of which nothing has changed need not be rendered to be compared.
//!
//! A record says: *this program makes these outputs of these inputs*. Both are
//! digests (of the inputs; and the digest of the ownership file, which lists the digest
//! of every file). It says nothing of what is on disk: that is read and hashed
//! each time (`write/in_place.rs`), and compared with the record.
//! Rendering is pure, so what it says stays true whatever happens to the clock,
//! the checkout or the run that wrote it. It is no more than a shortcut: without
//! one, or with one that isn't understood, everything is rendered.
//!
//! It may only be trusted as far as `record/inputs.rs` covers everything that a cluster
//! is rendered from. Decision 20 lists the risks, and what meets each.

mod inputs;
mod store;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::layers::fleet::FleetLayers;
use crate::patch::SharedPatch;
use crate::resolve::GroupKind;
use crate::write::ownership::Digest;

pub(crate) use inputs::FleetInputs;
pub use store::Store;

/// What a program made of a whole fleet without a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The bytes of the program.
    pub(crate) program: Digest,
    /// What all clusters are rendered from.
    pub(crate) shared: Digest,
    /// The clusters by name.
    pub(crate) clusters: BTreeMap<String, RecordedCluster>,
    /// The folders that are no cluster's, by name; those without files aren't there.
    pub(crate) shared_folders: BTreeMap<String, Digest>,
}

/// What a program made of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedCluster {
    /// What only this cluster is rendered from.
    pub(crate) inputs: Digest,
    /// The text of the ownership file.
    pub(crate) output: Digest,
    /// The kinds of objects that were rendered.
    pub(crate) kinds: Vec<GroupKind>,
    /// The patches of shared layers that changed something.
    pub(crate) patches: Vec<SharedPatch>,
}

/// Reads the record of the last run, and writes that of this one.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Where it is.
    store: Store,
    /// The running program.
    executable: PathBuf,
}

impl Recorder {
    /// Keeps the record of the fleet at `root` below the user's cache folder.
    pub fn new(cache: &Path, root: &Path, executable: &Path) -> io::Result<Self> {
        Ok(Self {
            store: Store::new(cache, root)?,
            executable: executable.to_owned(),
        })
    }

    /// The digest of the program's own file: another build, release or source
    /// is another program, whatever it calls itself. None if it can't be read;
    /// then there is no record.
    pub(crate) fn program(&self) -> Option<Digest> {
        store::digest_of_file(&self.executable).ok()
    }

    /// What the record says of a fleet.
    pub(crate) fn recall(&self, program: Digest, layers: &FleetLayers) -> Option<Recalled> {
        let inputs = FleetInputs::of(layers)?;
        Some(Recalled::new(program, inputs, self.store.read()))
    }

    /// Leaves a record for the next run. One that can't be written costs that
    /// run time and nothing else, so it is no fault.
    pub(crate) fn leave(&self, record: &Record) {
        let _ = self.store.write(record);
    }
}

/// The record of the last run, as far as it is about this one.
#[derive(Debug)]
pub(crate) struct Recalled {
    program: Digest,
    inputs: FleetInputs,
    known: Option<Record>,
}

impl Recalled {
    /// Keeps a record if this very program wrote it, and what clusters share is
    /// as it was.
    pub(crate) fn new(program: Digest, inputs: FleetInputs, record: Option<Record>) -> Self {
        let is_about_this =
            |record: &Record| record.program == program && record.shared == inputs.shared;
        Self {
            program,
            known: record.filter(is_about_this),
            inputs,
        }
    }

    /// What was made of a cluster, if it has the same inputs.
    pub(crate) fn cluster(&self, name: &str) -> Option<&RecordedCluster> {
        let known = self.known.as_ref()?.clusters.get(name)?;
        (self.inputs.clusters.get(name) == Some(&known.inputs)).then_some(known)
    }

    /// The record, if each cluster has the same inputs, and no other was there:
    /// then they were found right beside each other, too.
    pub(crate) fn fleet_summary(&self) -> Option<&Record> {
        let known = self.known.as_ref()?;
        let recorded = known.clusters.iter();
        let recorded = recorded.map(|(name, cluster)| (name, &cluster.inputs));
        recorded.eq(&self.inputs.clusters).then_some(known)
    }

    /// What is to be recorded of a cluster that was rendered.
    pub(crate) fn rendered(
        &self,
        name: &str,
        output: Digest,
        kinds: Vec<GroupKind>,
        patches: Vec<SharedPatch>,
    ) -> Option<RecordedCluster> {
        let inputs = *self.inputs.clusters.get(name)?;
        Some(RecordedCluster {
            inputs,
            output,
            kinds,
            patches,
        })
    }

    /// The record of this run; none if the last one says the same.
    pub(crate) fn next(
        &self,
        clusters: BTreeMap<String, RecordedCluster>,
        shared_folders: BTreeMap<String, Digest>,
    ) -> Option<Record> {
        let record = Record {
            program: self.program,
            shared: self.inputs.shared,
            clusters,
            shared_folders,
        };
        (self.known.as_ref() != Some(&record)).then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn inputs(shared: &str, clusters: &[(&str, &str)]) -> FleetInputs {
        let clusters = clusters.iter();
        FleetInputs {
            shared: digest(shared),
            clusters: clusters
                .map(|(name, text)| ((*name).to_owned(), digest(text)))
                .collect(),
        }
    }

    /// The record of a run of `program` over clusters `a` and `b`.
    fn record() -> Record {
        let recalled = Recalled::new(digest("program"), inputs("shared", AB), None);
        let cluster = |name: &str| {
            let recorded = recalled.rendered(name, digest("output"), Vec::new(), Vec::new());
            (name.to_owned(), recorded.expect("an input"))
        };
        let clusters = ["a", "b"].map(cluster).into();
        recalled.next(clusters, BTreeMap::new()).expect("another")
    }

    const AB: &[(&str, &str)] = &[("a", "1"), ("b", "2")];

    /// The clusters that needn't be rendered, and whether that is all there is.
    fn recalled(program: &str, inputs: FleetInputs) -> (Vec<&'static str>, bool) {
        let recalled = Recalled::new(digest(program), inputs, Some(record()));
        let known = ["a", "b", "c"]
            .into_iter()
            .filter(|name| recalled.cluster(name).is_some());
        (known.collect(), recalled.fleet_summary().is_some())
    }

    #[test]
    fn a_cluster_is_known_by_its_own_inputs_and_those_of_all() {
        let same = (vec!["a", "b"], true);
        assert_eq!(recalled("program", inputs("shared", AB)), same);
        assert_eq!(recalled("program", inputs("other", AB)), (vec![], false));
        assert_eq!(recalled("older", inputs("shared", AB)), (vec![], false));
        let changed = inputs("shared", &[("a", "1"), ("b", "3")]);
        assert_eq!(recalled("program", changed), (vec!["a"], false));
        let renamed = inputs("shared", &[("a", "1"), ("c", "2")]);
        assert_eq!(recalled("program", renamed), (vec!["a"], false));
        let exchanged = inputs("shared", &[("a", "2"), ("b", "1")]);
        assert_eq!(recalled("program", exchanged), (vec![], false));
    }

    #[test]
    fn the_fleet_is_known_only_with_just_its_clusters() {
        let fewer = inputs("shared", &AB[..1]);
        assert_eq!(recalled("program", fewer), (vec!["a"], false));
        let more = inputs("shared", &[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(recalled("program", more), (vec!["a", "b"], false));
    }

    #[test]
    fn nothing_is_recorded_again() {
        let record = record();
        let recalled = Recalled::new(
            digest("program"),
            inputs("shared", AB),
            Some(record.clone()),
        );
        let clusters = record.clusters;
        assert_eq!(recalled.next(clusters.clone(), BTreeMap::new()), None);
        let shared = BTreeMap::from([("_fleet".to_owned(), digest("output"))]);
        assert!(recalled.next(clusters, shared).is_some());
    }
}
