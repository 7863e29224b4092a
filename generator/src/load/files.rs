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
//! Nothing is read from outside the root, nor by a link that leaves it; and
//! nothing that is not a plain file, so that a pipe can't hold up a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::node::Node;
use super::source::{FileId, SourceFile, Sources};
use super::yaml::{self, MAX_BYTES};
use crate::fault::{Fault, Faults};
use crate::tree::TreePath;

/// The folder people write in.
pub const CLUSTERS: &str = "clusters";
/// Folders of it that are no cluster.
pub const OTHER_FOLDERS: [&str; 2] = ["certificates", "environments"];
/// The folder of templates that replace or add to the built-in ones.
pub const TEMPLATES: &str = "templates";

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
    /// Templates of the fleet's own: path below `templates/` → text.
    pub template_overrides: BTreeMap<String, String>,
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
pub fn load(root: &Path, selection: Selection<'_>) -> (LoadedFleet, Faults) {
    let mut faults = Faults::new();
    let mut fleet = LoadedFleet::default();
    match Root::open(root) {
        Ok(root) => load_from(&root, selection, &mut fleet, &mut faults),
        Err(fault) => faults.push(fault),
    }
    (fleet, faults)
}

/// Reads the file that a setting names by a path below `folder`, which is
/// itself below `root`. The fault has no place; the caller knows the setting's.
pub fn read_below(root: &Path, folder: &str, relative: &str) -> Result<Vec<u8>, Fault> {
    let relative = TreePath::new(relative).map_err(|error| Fault::input(error.to_string()))?;
    let root = Root::open(&root.join(folder))
        .map_err(|fault| fault.hint(format!("`{relative}` is read from it")))?;
    root.read(relative.as_str()).map_err(|mut fault| {
        fault.place = None;
        fault
    })
}

fn load_from(root: &Root, selection: Selection<'_>, fleet: &mut LoadedFleet, faults: &mut Faults) {
    let listed = list_clusters(root, faults);
    let environments = list_environments(root, faults);
    let wanted = select(&listed, selection, faults);
    let mut paths: Vec<String> = Vec::new();
    if listed.has_fleet {
        paths.push(format!("{CLUSTERS}/fleet.yaml"));
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
    fleet.cluster_names = listed.names;
    match read_templates(root) {
        Ok(templates) => fleet.template_overrides = templates,
        Err(found) => faults.append(found),
    }
}

/// What stands in `clusters/`.
struct Listed {
    names: BTreeSet<String>,
    has_fleet: bool,
}

fn list_clusters(root: &Root, faults: &mut Faults) -> Listed {
    let mut listed = Listed {
        names: BTreeSet::new(),
        has_fleet: false,
    };
    let Some(entries) = root.list(CLUSTERS, faults) else {
        let fault = Fault::environment(format!(
            "there is no folder `{CLUSTERS}` in `{}`",
            root.given.display()
        ));
        faults.push(fault.hint("run this in the fleet's repository, or name its folder"));
        return listed;
    };
    for (name, kind) in entries {
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
    for (name, kind) in root.list(&folder, faults).unwrap_or_default() {
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
        let nearest = listed
            .names
            .iter()
            .map(|known| (strsim::damerau_levenshtein(known, &name), known))
            .min();
        faults.push(match nearest {
            Some((distance, nearest)) if distance <= (name.chars().count() / 3).max(1) => {
                fault.hint(format!("did you mean `{nearest}`?"))
            }
            _ => fault.hint(format!(
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
    for (name, kind) in root.list(&folder, &mut faults).unwrap_or_default() {
        let path = format!("{folder}/{name}");
        match kind {
            EntryKind::File if has_extension(&name, "yaml") => match root.read(&path) {
                Ok(bytes) => {
                    patches.insert(name, bytes);
                }
                Err(fault) => faults.push(fault),
            },
            EntryKind::File if has_extension(&name, "md") => {}
            _ => faults.push(
                Fault::input(format!("`{path}` is not taken up"))
                    .hint("the kustomize patches of a cluster are `.yaml` files, without folders"),
            ),
        }
    }
    faults.into_result(patches)
}

fn read_templates(root: &Root) -> Result<BTreeMap<String, String>, Faults> {
    let top = root.given.join(TEMPLATES);
    let mut faults = Faults::new();
    let mut templates = BTreeMap::new();
    if !top.exists() {
        return Ok(templates);
    }
    for entry in WalkDir::new(&top)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !is_hidden(entry.file_name()))
    {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => match read_template(root, &top, entry.path()) {
                Ok((path, text)) => {
                    templates.insert(path, text);
                }
                Err(fault) => faults.push(fault),
            },
            Err(error) => faults.push(Fault::environment(format!(
                "can't list `{TEMPLATES}`: {error}"
            ))),
        }
    }
    faults.into_result(templates)
}

fn read_template(root: &Root, top: &Path, path: &Path) -> Result<(String, String), Fault> {
    let below = path.strip_prefix(top).unwrap_or(path);
    let Some(below) = below.to_str() else {
        return Err(not_unicode(below));
    };
    let below = below.replace(std::path::MAIN_SEPARATOR, "/");
    let path = format!("{TEMPLATES}/{below}");
    let source = SourceFile::from_bytes(path.as_str(), root.read(&path)?)?;
    Ok((below, source.text().to_owned()))
}

/// What an entry of a folder is, after links that stay within the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryKind {
    File,
    Folder,
}

/// A folder that nothing is read outside of.
struct Root {
    given: PathBuf,
    /// Without links, to compare with.
    real: PathBuf,
}

impl Root {
    fn open(given: &Path) -> Result<Self, Fault> {
        let real = given.canonicalize().map_err(|error| {
            Fault::environment(format!(
                "can't open `{}`: {}",
                given.display(),
                reason(&error)
            ))
        })?;
        Ok(Self {
            given: given.to_owned(),
            real,
        })
    }

    /// The visible entries of a folder, sorted; `None` if it doesn't exist.
    fn list(&self, folder: &str, faults: &mut Faults) -> Option<Vec<(String, EntryKind)>> {
        let entries = match fs::read_dir(self.real.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                faults.push(unreadable(folder, &error));
                return Some(Vec::new());
            }
        };
        if let Err(fault) = self.stay_within(folder) {
            faults.push(fault);
            return Some(Vec::new());
        }
        let mut found = Vec::new();
        for entry in entries {
            match entry
                .map_err(|error| unreadable(folder, &error))
                .and_then(|entry| self.classify(folder, &entry))
            {
                Ok(Some(entry)) => found.push(entry),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Some(found)
    }

    fn classify(
        &self,
        folder: &str,
        entry: &fs::DirEntry,
    ) -> Result<Option<(String, EntryKind)>, Fault> {
        let name = entry.file_name();
        if is_hidden(&name) {
            return Ok(None);
        }
        let Some(name) = name.to_str() else {
            return Err(not_unicode(Path::new(&name)));
        };
        let path = format!("{folder}/{name}");
        let mut kind = entry
            .file_type()
            .map_err(|error| unreadable(&path, &error))?;
        if kind.is_symlink() {
            self.stay_within(&path)?;
            kind = fs::metadata(entry.path())
                .map_err(|error| unreadable(&path, &error))?
                .file_type();
        }
        let kind = if kind.is_dir() {
            EntryKind::Folder
        } else {
            EntryKind::File
        };
        Ok(Some((name.to_owned(), kind)))
    }

    /// Refuses a path that a link leads out of the root.
    fn stay_within(&self, path: &str) -> Result<(), Fault> {
        let real = self
            .real
            .join(path)
            .canonicalize()
            .map_err(|error| unreadable(path, &error))?;
        if real.starts_with(&self.real) {
            return Ok(());
        }
        Err(
            Fault::input(format!("`{path}` is a link that leaves its folder"))
                .hint("copy the file in instead"),
        )
    }

    /// The bytes of a plain file of at most [`MAX_BYTES`].
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let full = self.real.join(path);
        self.stay_within(path)
            .map_err(|fault| self.missing_cluster(path).unwrap_or(fault))?;
        let about = fs::metadata(&full).map_err(|error| unreadable(path, &error))?;
        if !about.is_file() {
            return Err(Fault::input(format!("`{path}` is not a plain file")));
        }
        if about.len() > MAX_BYTES as u64 {
            return Err(yaml::too_large(path));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        // A file may grow between the two calls.
        let limit = MAX_BYTES as u64 + 1;
        File::open(&full)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| unreadable(path, &error))?;
        if bytes.len() > MAX_BYTES {
            Err(yaml::too_large(path))
        } else {
            Ok(bytes)
        }
    }

    /// The fault of a folder without its `cluster.yaml`.
    fn missing_cluster(&self, path: &str) -> Option<Fault> {
        let folder = path.strip_suffix("/cluster.yaml")?;
        if fs::symlink_metadata(self.real.join(path)).is_ok() {
            return None;
        }
        let fault = Fault::input(format!("the folder `{folder}` has no `cluster.yaml`"));
        let short = format!("{folder}/cluster.yml");
        Some(if self.real.join(&short).exists() {
            fault.hint(format!("rename `{short}` to `cluster.yaml`"))
        } else {
            fault.hint("add one, or remove the folder")
        })
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn not_unicode(path: &Path) -> Fault {
    Fault::input(format!("the name `{}` is not Unicode", path.display())).hint("rename it")
}

/// A missing file is the input's fault, anything else that of the surroundings.
fn unreadable(path: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::input(format!("there is no file `{path}`")),
        _ => Fault::environment(format!("can't read `{path}`: {}", reason(error))),
    }
}

/// What the system says, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
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

        fn told(&self) -> String {
            to_text(
                load(self.0.path(), Selection::All).1,
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
        let (fleet, faults) = load(Fleet::new(&GOOD).0.path(), Selection::All);
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
        let (loaded, faults) = load(fleet.0.path(), Selection::Only(&names));
        assert!(faults.is_empty());
        assert_eq!(loaded.clusters.keys().collect::<Vec<_>>(), ["y"]);
        assert_eq!(loaded.cluster_names.len(), 2);
        let names = BTreeSet::from(["zz".to_owned()]);
        let faults = load(fleet.0.path(), Selection::Only(&names)).1.sorted();
        assert_eq!(faults[0].message, "there is no cluster `zz`");
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
        insta::assert_snapshot!(fleet.told());
        assert!(
            load(fleet.0.path(), Selection::All)
                .0
                .clusters
                .contains_key("y")
        );
    }

    #[test]
    fn a_missing_root_is_the_surroundings_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        let faults = load(folder.path(), Selection::All).1.sorted();
        assert_eq!(faults.len(), 1);
        assert_eq!(crate::report::exit_code(&faults), 2);
        assert_eq!(
            load(&folder.path().join("nowhere"), Selection::All)
                .1
                .sorted()
                .len(),
            1
        );
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
        insta::assert_snapshot!(fleet.told());
        let read = |path: &str| {
            read_below(fleet.0.path(), "clusters", path).map_err(|fault| fault.message)
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
