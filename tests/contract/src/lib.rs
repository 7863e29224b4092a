//! Reads a whole `rendered/` by the contract alone, as forwarder and reconciler
//! will: the walk over the disk, which the contract leaves to its users, and a
//! count of what was read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use logfleet_contract::folder::{ACCOUNTS, FLEET, OWNERSHIP_FILE, is_reserved};
use logfleet_contract::rendered::{
    AccountPlace, Place, ReadFault, RenderedAccounts, RenderedCluster, RenderedFleet,
};
use logfleet_contract::tree::{RenderedTree, TreePath};

/// How many files of each kind were read.
pub type Counts = BTreeMap<&'static str, usize>;

/// Everything that was rendered for a fleet.
#[derive(Debug)]
pub struct Rendered {
    /// The clusters, by name.
    pub clusters: BTreeMap<String, RenderedCluster>,
    /// What is rendered once for all of them.
    pub fleet: Option<RenderedFleet>,
    /// What is rendered once for each account.
    pub accounts: Option<RenderedAccounts>,
    /// How many files there are of each kind.
    pub counts: Counts,
    /// How many files there are.
    pub files: usize,
    /// Files that were read into no type: of no known kind, or not `gen`'s.
    pub unread: Vec<String>,
}

/// Why a folder could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The disk refused.
    Disk(io::Error),
    /// Files are wrong, each with the folder that it is in.
    Files(Vec<(String, ReadFault)>),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Reads a folder as `gen render` writes it.
pub fn read(rendered: &Path) -> Result<Rendered, ReadError> {
    let mut read = Rendered {
        clusters: BTreeMap::new(),
        fleet: None,
        accounts: None,
        counts: Counts::new(),
        files: 0,
        unread: Vec::new(),
    };
    let mut faults = Vec::new();
    for entry in fs::read_dir(rendered)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| not_text(&name))?;
        if !entry.file_type()?.is_dir() || is_reserved(&name) {
            continue;
        }
        let mut tree = RenderedTree::default();
        walk(&entry.path(), "", &mut tree)?;
        let total = tree.0.len();
        read.files += total;
        let found = if name == FLEET {
            read.fleet(tree, total)
        } else if name == ACCOUNTS {
            read.accounts(tree, total)
        } else {
            read.cluster(&name, tree, total)
        };
        if let Err(found) = found {
            faults.extend(found.into_iter().map(|fault| (name.clone(), fault)));
        }
    }
    if faults.is_empty() {
        Ok(read)
    } else {
        faults.sort();
        Err(ReadError::Files(faults))
    }
}

impl Rendered {
    fn cluster(
        &mut self,
        name: &str,
        tree: RenderedTree,
        total: usize,
    ) -> Result<(), Vec<ReadFault>> {
        for (path, _) in tree.files() {
            self.count(path);
        }
        let cluster = RenderedCluster::read(name, tree)?;
        self.leave(name, &cluster.foreign, cluster.other.keys());
        let typed = typed_files(&cluster);
        if typed + cluster.foreign.len() + cluster.other.len() != total {
            self.unread
                .push(format!("{name}: {typed} of {total} files"));
        }
        self.clusters.insert(name.to_owned(), cluster);
        Ok(())
    }

    fn fleet(&mut self, tree: RenderedTree, total: usize) -> Result<(), Vec<ReadFault>> {
        for (path, _) in tree.files() {
            self.count(path);
        }
        let fleet = RenderedFleet::read(tree)?;
        self.leave(FLEET, &fleet.foreign, fleet.other.keys());
        let typed = 1 + fleet.gitops.len() + fleet.reconciler.len();
        if typed + fleet.foreign.len() + fleet.other.len() != total {
            self.unread
                .push(format!("{FLEET}: {typed} of {total} files"));
        }
        self.fleet = Some(fleet);
        Ok(())
    }

    fn accounts(&mut self, tree: RenderedTree, total: usize) -> Result<(), Vec<ReadFault>> {
        for (path, _) in tree.files() {
            self.count_as(path, AccountPlace::of(path.as_str()).word());
        }
        let accounts = RenderedAccounts::read(tree)?;
        self.leave(ACCOUNTS, &accounts.foreign, accounts.other.keys());
        let of_region = accounts.regions.values();
        let typed = 1 + of_region
            .map(|own| usize::from(own.template.is_some()) + own.fragments.len())
            .sum::<usize>();
        if typed + accounts.foreign.len() + accounts.other.len() != total {
            self.unread
                .push(format!("{ACCOUNTS}: {typed} of {total} files"));
        }
        self.accounts = Some(accounts);
        Ok(())
    }

    fn count(&mut self, path: &TreePath) {
        // Reading it says what is wrong.
        if let Ok(place) = Place::of(path.as_str()) {
            self.count_as(path, place.word());
        }
    }

    fn count_as(&mut self, path: &TreePath, word: &'static str) {
        let word = match path.as_str() {
            OWNERSHIP_FILE => "ownership files",
            _ => word,
        };
        *self.counts.entry(word).or_default() += 1;
    }

    fn leave<'p>(
        &mut self,
        folder: &str,
        foreign: &[TreePath],
        other: impl Iterator<Item = &'p TreePath>,
    ) {
        let foreign = foreign.iter();
        let foreign = foreign.map(|path| format!("{folder}/{path} is not gen's"));
        let other = other.map(|path| format!("{folder}/{path} is of no known kind"));
        self.unread.extend(foreign.chain(other));
    }
}

/// How many files of a cluster became part of a type, the ownership file among them.
fn typed_files(cluster: &RenderedCluster) -> usize {
    let objects = cluster.destinations.values();
    let objects: usize = objects.map(|destination| destination.objects.len()).sum();
    let machines: usize = cluster.machines.values().map(BTreeMap::len).sum();
    1 + objects
        + machines
        + cluster.stacks.len()
        + cluster.fragments.len()
        + usize::from(cluster.machines_stack.is_some())
        + usize::from(cluster.authentication.is_some())
        + cluster.kubernetes.len()
        + cluster.gitops.len()
}

/// Reads all files below a folder. A link is no file of `gen`'s.
fn walk(folder: &Path, below: &str, tree: &mut RenderedTree) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| not_text(&name))?;
        let path = format!("{below}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), tree)?;
        } else if kind.is_file() {
            let path = TreePath::new(path).map_err(io::Error::other)?;
            tree.0.insert(path, fs::read(entry.path())?);
        } else {
            return Err(io::Error::other(format!("`{path}` is no file")));
        }
    }
    Ok(())
}

fn not_text(name: &std::ffi::OsStr) -> io::Error {
    io::Error::other(format!("`{}` is not UTF-8", name.display()))
}
