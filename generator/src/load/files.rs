//! Finds and reads the files of a fleet. Does IO: it reads, and never writes.
//!
//! ```text
//! clusters/fleet.yaml                    what holds for every cluster
//! clusters/environments/<name>.yaml      what holds for one environment
//! clusters/<cluster>/cluster.yaml        one cluster
//! clusters/<cluster>/kubernetes/*.yaml   its own kustomize patches
//! templates/…                            templates that replace built-in ones
//! ```
//!
//! Nothing is read from outside the [`Root`], nor by a link that leaves it; and
//! nothing that is not a plain file, so that a pipe can't hold up a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::certificates::Certificates;
use super::conflict;
use super::entry::{Entry, EntryKind};
use super::names::{CLUSTERS, FLEET_FILE, OTHER_FOLDERS, TEMPLATES};
use super::node::Node;
use super::root::Root;
use super::source_file::{FileId, SourceFile, Sources};
use super::yaml;
use crate::fault::{Fault, Faults};
use crate::nearest::did_you_mean;

/// One layer of settings, as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The file, for its path and text.
    pub file: FileId,
    /// What it says; [`super::node::Value::Null`] for an empty file.
    pub node: Node,
}

/// One cluster's own files.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedCluster {
    /// Its `cluster.yaml`.
    pub layer: Layer,
    /// Its kustomize patches: the file's name below `kubernetes/` → bytes.
    pub patches: BTreeMap<String, Vec<u8>>,
}

/// Everything that was read. What had a fault is left out.
#[derive(Debug, Default)]
pub struct LoadedFleet {
    /// The text of every YAML file, for places.
    pub sources: Sources,
    /// `fleet.yaml`, if there is one.
    pub fleet: Option<Layer>,
    /// The environments by name.
    pub environments: BTreeMap<String, Layer>,
    /// The clusters read, by the name of their folder.
    pub clusters: BTreeMap<String, LoadedCluster>,
    /// The names of all cluster folders, also of those not read.
    pub cluster_names: BTreeSet<String>,
    /// Whether these are all: the folder could be listed.
    pub names_are_whole: bool,
    /// The CA certificates that layers name.
    pub certificates: Certificates,
    /// Templates of the fleet's own: path below `templates/` → text.
    pub template_overrides: BTreeMap<String, String>,
    /// Whether all that every cluster depends on could be read: `fleet.yaml` and the templates.
    pub shared_is_whole: bool,
}

/// Which clusters are read.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// All.
    All,
    /// Those named; of the others only the name is known.
    Only(&'a BTreeSet<String>),
}

/// Reads a fleet. What can be read is returned beside the faults, so that
/// later steps can tell theirs in the same run.
pub fn load(root: &Root, selection: Selection<'_>) -> (LoadedFleet, Faults) {
    let mut faults = Faults::new();
    let mut fleet = LoadedFleet::default();
    load_from(root, selection, &mut fleet, &mut faults);
    (fleet, faults)
}

/// Those clusters whose `cluster.yaml` may have one of these texts as a value. Its text
/// is searched and not read as YAML, so that it takes a fraction of loading them.
pub fn that_may_say<'n>(
    root: &Root,
    clusters: impl Iterator<Item = &'n String>,
    values: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let values = values.iter().map(|value| regex::escape(value));
    // A quoted text may write any character as an escape.
    let patterns: Vec<String> = values.chain([r"\\".to_owned()]).collect();
    let pattern = regex::bytes::Regex::new(&patterns.join("|")).ok();
    let may_say = |name: &&String| {
        let bytes = root.read(&format!("{CLUSTERS}/{name}/cluster.yaml"));
        // What can't be read is reported where it is loaded.
        bytes.is_ok_and(|bytes| pattern.as_ref().is_none_or(|own| own.is_match(&bytes)))
    };
    let clusters: Vec<&String> = clusters.collect();
    let found = clusters.into_par_iter().filter(may_say).cloned();
    found.collect()
}

fn load_from(root: &Root, selection: Selection<'_>, fleet: &mut LoadedFleet, faults: &mut Faults) {
    let listed = list_clusters(root, faults);
    let environments = list_environments(root, faults);
    let wanted = select(&listed, selection, faults);
    let mut paths: Vec<String> = Vec::new();
    if listed.has_fleet {
        paths.push(FLEET_FILE.to_owned());
    }
    paths.extend(
        environments
            .iter()
            .map(|name| format!("{CLUSTERS}/environments/{name}.yaml")),
    );
    paths.extend(
        wanted
            .iter()
            .map(|name| format!("{CLUSTERS}/{name}/cluster.yaml")),
    );

    let mut layers = read_layers(root, paths, &mut fleet.sources, faults).into_iter();
    if listed.has_fleet {
        fleet.fleet = layers.next().flatten();
    }
    fleet.shared_is_whole = listed.has_fleet == fleet.fleet.is_some();
    for name in environments {
        if let Some(layer) = layers.next().flatten() {
            fleet.environments.insert(name, layer);
        }
    }
    let patches: Vec<_> = wanted
        .par_iter()
        .map(|name| read_patches(root, name))
        .collect();
    for ((name, layer), patches) in wanted.into_iter().zip(layers).zip(patches) {
        match (layer, patches) {
            (Some(layer), Ok(patches)) => {
                fleet
                    .clusters
                    .insert(name, LoadedCluster { layer, patches });
            }
            (_, Err(found)) => faults.append(found),
            (None, Ok(_)) => {}
        }
    }
    let layers = fleet.fleet.iter().chain(fleet.environments.values());
    let layers = layers.chain(fleet.clusters.values().map(|cluster| &cluster.layer));
    fleet.certificates = Certificates::read(root, layers.map(|layer| &layer.node));
    fleet.cluster_names = listed.names;
    fleet.names_are_whole = listed.is_whole;
    match read_templates(root) {
        Ok(templates) => fleet.template_overrides = templates,
        Err(found) => {
            fleet.shared_is_whole = false;
            faults.append(found);
        }
    }
}

/// What stands in `clusters/`.
struct Listed {
    names: BTreeSet<String>,
    has_fleet: bool,
    is_whole: bool,
}

fn list_clusters(root: &Root, faults: &mut Faults) -> Listed {
    let mut listed = Listed {
        names: BTreeSet::new(),
        has_fleet: false,
        is_whole: false,
    };
    let mut unlisted = Faults::new();
    let Some(entries) = root.list(CLUSTERS, &mut unlisted) else {
        let fault = Fault::environment(format!(
            "there is no folder `{CLUSTERS}` in {}",
            root.description()
        ));
        faults.push(fault.hint("run this in the fleet's repository, or name its folder"));
        return listed;
    };
    listed.is_whole = unlisted.is_empty();
    faults.append(unlisted);
    for Entry { name, kind, .. } in entries {
        match kind {
            EntryKind::Folder if OTHER_FOLDERS.contains(&name.as_str()) => {}
            EntryKind::Folder => {
                listed.names.insert(name);
            }
            EntryKind::File if name == "fleet.yaml" => listed.has_fleet = true,
            EntryKind::File => refuse_yml(&format!("{CLUSTERS}/{name}"), faults),
        }
    }
    listed
}

fn list_environments(root: &Root, faults: &mut Faults) -> Vec<String> {
    let folder = format!("{CLUSTERS}/environments");
    let mut names = Vec::new();
    for Entry { name, kind, .. } in root.list(&folder, faults).unwrap_or_default() {
        match (name.strip_suffix(".yaml"), kind) {
            (Some(environment), EntryKind::File) => names.push(environment.to_owned()),
            _ => refuse_yml(&format!("{folder}/{name}"), faults),
        }
    }
    names
}

/// Tells of a file that would be taken for a layer by anybody but us.
fn refuse_yml(path: &str, faults: &mut Faults) {
    if let Some(stem) = path.strip_suffix(".yml") {
        faults.push(
            Fault::input(format!("`{path}` is not read"))
                .hint(format!("rename it to `{stem}.yaml`")),
        );
    }
}

fn select(listed: &Listed, selection: Selection<'_>, faults: &mut Faults) -> Vec<String> {
    let Selection::Only(names) = selection else {
        return listed.names.iter().cloned().collect();
    };
    let (known, unknown): (Vec<String>, Vec<String>) = names
        .iter()
        .cloned()
        .partition(|name| listed.names.contains(name));
    for name in unknown {
        let fault = Fault::input(format!("there is no cluster `{name}`"));
        let names = listed.names.iter().map(String::as_str);
        faults.push(match did_you_mean(&name, names) {
            Some(hint) => fault.hint(hint),
            None => fault.hint(format!(
                "a cluster is a folder of `{CLUSTERS}/` that has a `cluster.yaml`"
            )),
        });
    }
    known
}

/// Reads and parses files in parallel; `None` for one with a fault.
fn read_layers(
    root: &Root,
    paths: Vec<String>,
    sources: &mut Sources,
    faults: &mut Faults,
) -> Vec<Option<Layer>> {
    let first = sources.len();
    let read: Vec<_> = paths
        .into_par_iter()
        .enumerate()
        .map(|(number, path)| {
            let file = FileId(u32::try_from(first + number).unwrap_or(u32::MAX));
            read_layer(root, path, file)
        })
        .collect();
    let mut layers = Vec::with_capacity(read.len());
    for (source, layer) in read {
        // One with a fault keeps its number, as those after it have theirs.
        sources.push(source);
        layers.push(layer.map_err(|found| faults.append(found)).ok());
    }
    layers
}

fn read_layer(root: &Root, path: String, file: FileId) -> (SourceFile, Result<Layer, Faults>) {
    let source = match root
        .read(&path)
        .and_then(|bytes| SourceFile::from_bytes(path.as_str(), bytes))
    {
        Ok(source) => source,
        Err(fault) => return (SourceFile::new(path, ""), Err(fault.into())),
    };
    let layer = yaml::parse(file, &source).map(|node| Layer { file, node });
    (source, layer)
}

fn read_patches(root: &Root, cluster: &str) -> Result<BTreeMap<String, Vec<u8>>, Faults> {
    let folder = format!("{CLUSTERS}/{cluster}/kubernetes");
    let mut faults = Faults::new();
    let mut patches = BTreeMap::new();
    for Entry { name, kind, .. } in root.list(&folder, &mut faults).unwrap_or_default() {
        let path = format!("{folder}/{name}");
        match kind {
            EntryKind::File if has_extension(&name, "yaml") => match read_patch(root, &path) {
                Ok(bytes) => {
                    patches.insert(name, bytes);
                }
                Err(fault) => faults.push(fault),
            },
            EntryKind::File if has_extension(&name, "md") => {}
            _ => faults.push(
                Fault::input(format!("`{path}` is not used"))
                    .hint("the kustomize patches of a cluster are `.yaml` files, without folders"),
            ),
        }
    }
    faults.into_result(patches)
}

/// A patch is kustomize's to read; of one that is no text, the check tells.
fn read_patch(root: &Root, path: &str) -> Result<Vec<u8>, Fault> {
    let bytes = root.read(path)?;
    if let Ok(text) = std::str::from_utf8(&bytes) {
        conflict::refuse(&SourceFile::new(path, text))?;
    }
    Ok(bytes)
}

fn read_templates(root: &Root) -> Result<BTreeMap<String, String>, Faults> {
    let mut faults = Faults::new();
    let mut templates = BTreeMap::new();
    let mut folders = vec![TEMPLATES.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in root.list(&folder, &mut faults).unwrap_or_default() {
            let path = format!("{folder}/{}", entry.name);
            // A link to a folder could lead round in circles; it is read as the file that it isn't.
            if entry.kind == EntryKind::Folder && !entry.is_link {
                folders.push(path);
                continue;
            }
            match read_template(root, &path) {
                Ok((name, text)) => {
                    templates.insert(name, text);
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    faults.into_result(templates)
}

fn read_template(root: &Root, path: &str) -> Result<(String, String), Fault> {
    let source = SourceFile::from_bytes(path, root.read(path)?)?;
    conflict::refuse(&source)?;
    let name = path.strip_prefix(TEMPLATES).unwrap_or(path);
    let name = name.trim_start_matches('/').to_owned();
    Ok((name, source.text().to_owned()))
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::yaml::MAX_BYTES;
    use super::*;
    use crate::report::{Style, to_text};

    struct Fleet(tempfile::TempDir);

    impl Fleet {
        fn new(files: &[(&str, &str)]) -> Self {
            let fleet = Self(tempfile::tempdir().expect("a folder"));
            for (path, text) in files {
                fleet.write(path, text);
            }
            fleet
        }

        fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, bytes).expect("written");
        }

        fn root(&self) -> Root {
            Root::folder(self.0.path()).expect("a folder")
        }

        fn reported(&self) -> String {
            to_text(
                load(&self.root(), Selection::All).1,
                "nothing was written",
                Style::Plain,
            )
        }
    }

    const GOOD: [(&str, &str); 8] = [
        ("clusters/fleet.yaml", "a: 1\n"),
        ("clusters/environments/prod.yaml", "b: 2\n"),
        ("clusters/certificates/logs.pem", "PEM"),
        ("clusters/README.md", "read me"),
        ("clusters/x/cluster.yaml", "environment: prod\n"),
        ("clusters/x/kubernetes/patch.yaml", "kind: Patch\n"),
        ("clusters/y/cluster.yaml", ""),
        ("templates/kubernetes/namespace.yaml", "kind: Namespace\n"),
    ];

    #[test]
    fn reads_a_whole_fleet() {
        let (fleet, faults) = load(&Fleet::new(&GOOD).root(), Selection::All);
        assert!(faults.is_empty(), "{faults:?}");
        assert!(fleet.fleet.is_some());
        assert_eq!(fleet.environments.keys().collect::<Vec<_>>(), ["prod"]);
        assert_eq!(fleet.clusters.keys().collect::<Vec<_>>(), ["x", "y"]);
        let x = &fleet.clusters["x"];
        assert_eq!(fleet.sources.path(x.layer.file), "clusters/x/cluster.yaml");
        assert_eq!(x.layer.node.span.file, x.layer.file);
        assert_eq!(x.patches["patch.yaml"], b"kind: Patch\n");
        assert!(fleet.clusters["y"].layer.node.is_null());
        assert_eq!(
            fleet.template_overrides["kubernetes/namespace.yaml"],
            "kind: Namespace\n"
        );
    }

    #[test]
    fn reads_only_the_clusters_named_but_knows_all() {
        let fleet = Fleet::new(&GOOD);
        let names = BTreeSet::from(["y".to_owned()]);
        let (loaded, faults) = load(&fleet.root(), Selection::Only(&names));
        assert!(faults.is_empty());
        assert_eq!(loaded.clusters.keys().collect::<Vec<_>>(), ["y"]);
        assert_eq!(loaded.cluster_names.len(), 2);
        let names = BTreeSet::from(["zz".to_owned()]);
        let faults = load(&fleet.root(), Selection::Only(&names)).1.sorted();
        assert_eq!(faults[0].message, "there is no cluster `zz`");
    }

    #[test]
    fn clusters_that_may_say_a_value_are_found_without_reading_yaml() {
        let fleet = Fleet::new(&[
            ("clusters/a/cluster.yaml", "account: \"111122223333\"\n"),
            ("clusters/b/cluster.yaml", "account: \"444455556666\"\n"),
            (
                "clusters/escaped/cluster.yaml",
                "account: \"1111\\x322223333\"\n",
            ),
            ("clusters/folder/notes.txt", "111122223333"),
        ]);
        let names = ["a", "b", "escaped", "folder"].map(str::to_owned);
        let values = BTreeSet::from(["111122223333"]);
        let found = that_may_say(&fleet.root(), names.iter(), &values);
        assert_eq!(found, BTreeSet::from(["a", "escaped"].map(str::to_owned)));
    }

    #[test]
    fn tells_all_faults_of_a_fleet_and_reads_the_rest() {
        let fleet = Fleet::new(&GOOD);
        fleet.write("clusters/fleet.yml", "");
        fleet.write("clusters/environments/test.yml", "");
        fleet.write("clusters/empty/notes.txt", "");
        fleet.write("clusters/short/cluster.yml", "");
        fleet.write("clusters/x/kubernetes/patch.json", "{}");
        fleet.write("clusters/bytes/cluster.yaml", b"a: \xff");
        fleet.write("clusters/tabs/cluster.yaml", "a:\n\tb: 1\n");
        fleet.write("clusters/large/cluster.yaml", vec![b'a'; MAX_BYTES + 1]);
        fs::create_dir_all(fleet.0.path().join("clusters/folder/cluster.yaml")).expect("made");
        insta::assert_snapshot!(fleet.reported());
        assert!(
            load(&fleet.root(), Selection::All)
                .0
                .clusters
                .contains_key("y")
        );
    }

    #[test]
    fn a_missing_root_is_the_surroundings_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root::folder(folder.path()).expect("a folder");
        let faults = load(&root, Selection::All).1.sorted();
        assert_eq!(faults.len(), 1);
        assert_eq!(crate::report::exit_code(&faults), 2);
        let fault = Root::folder(&folder.path().join("nowhere")).expect_err("nothing there");
        assert_eq!(crate::report::exit_code(&[fault]), 2);
    }

    #[cfg(unix)]
    #[test]
    fn follows_no_link_out_of_the_root() {
        use std::os::unix::fs::symlink;
        let outside = Fleet::new(&[("cluster.yaml", "a: 1\n")]);
        let fleet = Fleet::new(&GOOD);
        let clusters = fleet.0.path().join("clusters");
        symlink(outside.0.path(), clusters.join("linked")).expect("linked");
        fs::create_dir(clusters.join("file")).expect("made");
        symlink(
            outside.0.path().join("cluster.yaml"),
            clusters.join("file/cluster.yaml"),
        )
        .expect("linked");
        symlink("logs.pem", clusters.join("certificates/inside.pem")).expect("linked");
        symlink(
            outside.0.path().join("cluster.yaml"),
            clusters.join("certificates/outside.pem"),
        )
        .expect("linked");
        insta::assert_snapshot!(fleet.reported());
        let read = |path: &str| {
            fleet
                .root()
                .read_below("clusters", path)
                .map_err(|fault| fault.message)
        };
        assert_eq!(read("certificates/logs.pem"), Ok(b"PEM".to_vec()));
        assert_eq!(read("certificates/inside.pem"), Ok(b"PEM".to_vec()));
        for path in [
            "certificates/outside.pem",
            "../secret",
            "/etc/passwd",
            "a/../../b",
            "nowhere.pem",
            "certificates",
        ] {
            assert!(read(path).is_err(), "{path}");
        }
    }
}
