//! Compares a folder that exists with what was rendered. Reads.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::Stat;

use super::faults::{self, Obstacle};
use super::folder::{self, File, Found, Walk};
use super::names;
use super::ownership::{self, Digest, FORMAT, Ownership, OwnershipError};
use super::plan::{WriteOptions, WritePlan};
use crate::fault::{Fault, Faults};
use crate::tree::{RenderedTree, TreePath};

/// The ownership file as it stands on disk.
struct Recorded {
    text: Vec<u8>,
    stat: Stat,
}

/// Plans one cluster's folder.
pub(super) struct Planner<'f> {
    folder: BorrowedFd<'f>,
    shown: &'f str,
    walk: Walk<'f>,
    options: WriteOptions,
    plan: WritePlan,
    faults: Faults,
}

impl<'f> Planner<'f> {
    /// Begins with an open folder.
    pub(super) fn new(
        folder: &'f OwnedFd,
        shown: &'f str,
        cluster: &str,
        options: WriteOptions,
    ) -> Self {
        let folder = folder.as_fd();
        let plan = WritePlan {
            cluster: cluster.to_owned(),
            check_only: options.check_only,
            ..WritePlan::default()
        };
        let walk = Walk::new(folder, shown);
        Self {
            folder,
            shown,
            walk,
            options,
            plan,
            faults: Faults::new(),
        }
    }

    /// Compares with a tree.
    pub(super) fn plan(mut self, tree: RenderedTree) -> Result<WritePlan, Faults> {
        let recorded = self.recorded()?;
        self.find_ownership_leftover()?;
        let found = self.look_at_all(&tree)?;
        if let Some(recorded) = &recorded
            && found.iter().all(|found| is_settled(found, &recorded.stat))
            && ownership::lists_exactly(&recorded.text, &self.plan.cluster, &tree)
        {
            self.plan.unchanged = found.len();
            return Ok(self.plan);
        }
        let owned = match &recorded {
            Some(recorded) => self.owned(&recorded.text)?,
            None => ownership::record(&self.plan.cluster, BTreeMap::new()),
        };
        self.compare(tree, found, &owned, recorded.as_ref())
    }

    /// Plans to remove everything of ours, as the cluster is gone; `None` if
    /// the folder isn't ours.
    pub(super) fn plan_removal(mut self) -> Result<Option<WritePlan>, Faults> {
        let Some(recorded) = self.recorded()? else {
            return Ok(None);
        };
        // Without knowing what is ours there is nothing to force.
        let owned = self.understood(&recorded.text)?;
        if owned.cluster != self.plan.cluster {
            return Ok(None);
        }
        self.find_ownership_leftover()?;
        self.plan.removes_cluster = true;
        self.compare(RenderedTree::default(), Vec::new(), &owned, Some(&recorded))
            .map(Some)
    }

    fn recorded(&self) -> Result<Option<Recorded>, Fault> {
        let shown = self.walk.shown(names::OWNERSHIP);
        let refused = |error| faults::refused(&shown, "read", error);
        match folder::open_file(self.folder, names::OWNERSHIP).map_err(refused)? {
            File::Open(file, stat) => {
                let mut text = Vec::new();
                let end = folder::read(file.as_fd(), &stat, &mut text)
                    .map_err(refused)?
                    .len();
                text.truncate(end);
                Ok(Some(Recorded { text, stat }))
            }
            File::Missing => Ok(None),
            File::Obstacle(obstacle) => Err(faults::not_a_file(&shown, obstacle)),
        }
    }

    /// What the ownership file says; nothing, if it is broken and that is
    /// forced or only checked.
    fn owned(&self, text: &[u8]) -> Result<Ownership, Fault> {
        match Ownership::parse(text) {
            Err(OwnershipError::Broken(_)) if self.overrides() => {
                Ok(ownership::record(&self.plan.cluster, BTreeMap::new()))
            }
            _ => self.understood(text),
        }
    }

    fn understood(&self, text: &[u8]) -> Result<Ownership, Fault> {
        let shown = self.walk.shown(names::OWNERSHIP);
        Ownership::parse(text).map_err(|error| match error {
            OwnershipError::Newer(found) => faults::ownership_newer(&shown, found, FORMAT),
            OwnershipError::Broken(why) => faults::ownership_unreadable(&shown, &why),
        })
    }

    fn overrides(&self) -> bool {
        self.options.force || self.options.check_only
    }

    fn look_at_all(&mut self, tree: &RenderedTree) -> Result<Vec<Found>, Faults> {
        let mut found = Vec::with_capacity(tree.0.len());
        for (path, bytes) in &tree.0 {
            match self.walk.look(path.as_str(), Some(bytes)) {
                Ok(one) => found.push(one),
                Err(fault) => self.faults.push(fault),
            }
        }
        std::mem::take(&mut self.faults).into_result(found)
    }

    fn compare(
        mut self,
        tree: RenderedTree,
        found: Vec<Found>,
        owned: &Ownership,
        recorded: Option<&Recorded>,
    ) -> Result<WritePlan, Faults> {
        self.plan.before = owned.writing.clone();
        self.plan.before.extend(
            owned
                .files
                .iter()
                .map(|(path, digest)| (path.clone(), *digest)),
        );
        let gone: BTreeSet<&str> = owned
            .paths()
            .filter(|path| !tree.0.contains_key(*path))
            .collect();
        self.plan.emptied = emptied(&gone, &tree);
        self.find_leftovers(owned)?;
        for path in gone {
            self.compare_gone(path, owned)?;
        }
        let mut folders = Vec::new();
        for ((path, bytes), found) in tree.0.into_iter().zip(found) {
            if let Found::Obstacle(Obstacle::Folder) = found {
                folders.push(path.clone());
            }
            self.compare_rendered(
                path,
                bytes,
                found,
                owned,
                recorded.map(|recorded| &recorded.stat),
            );
        }
        for path in folders {
            self.check_folder_goes(path.as_str())?;
        }
        self.settle_ownership(recorded)?;
        if self.plan.ownership_changes && !self.plan.removes_cluster {
            self.check_temporaries_free()?;
        }
        self.faults.into_result(self.plan)
    }

    /// Decides about a recorded file that is no longer rendered.
    fn compare_gone(&mut self, path: &str, owned: &Ownership) -> Result<(), Fault> {
        match self.walk.look(path, None)? {
            Found::Other(digest) if owned.wrote(path, digest) => self.delete(path, digest),
            Found::Other(digest) => {
                self.contest(path, faults::edited);
                self.plan.takes_over = true;
                self.delete(path, digest);
            }
            Found::Obstacle(obstacle @ (Obstacle::Link | Obstacle::Special)) => {
                self.faults
                    .push(faults::not_a_file(&self.walk.shown(path), obstacle));
            }
            Found::Behind(above, obstacle @ (Obstacle::Link | Obstacle::Special)) => {
                self.faults
                    .push(faults::not_a_folder(&self.walk.shown(&above), obstacle));
            }
            // Somebody removed it, or put something of their own there.
            Found::Missing | Found::Equal(_) | Found::Obstacle(_) | Found::Behind(..) => {}
        }
        Ok(())
    }

    /// Decides about a rendered file.
    fn compare_rendered(
        &mut self,
        path: TreePath,
        bytes: Vec<u8>,
        found: Found,
        owned: &Ownership,
        recorded: Option<&Stat>,
    ) {
        match found {
            Found::Equal(stat) => {
                self.plan.unchanged += 1;
                let settled = owned.writing.is_empty()
                    && recorded.is_some_and(|recorded| !folder::newer(&stat, recorded));
                let digest = match owned.files.get(path.as_str()) {
                    Some(digest) if settled => *digest,
                    _ => Digest::of(&bytes),
                };
                self.plan.before.insert(path.as_str().to_owned(), digest);
                self.plan.kept.insert(path.as_str().to_owned(), digest);
            }
            Found::Other(digest) => {
                if !owned.wrote(path.as_str(), digest) {
                    let known = owned.paths().any(|known| known == path.as_str());
                    self.contest(
                        path.as_str(),
                        if known {
                            faults::edited
                        } else {
                            faults::foreign
                        },
                    );
                }
                self.plan.before.insert(path.as_str().to_owned(), digest);
                self.plan.updated.insert(path, bytes);
            }
            // `check_folder_goes` decides about a folder.
            Found::Missing | Found::Obstacle(Obstacle::Folder) => {
                self.plan.created.insert(path, bytes);
            }
            Found::Behind(above, Obstacle::File) => {
                self.plan.created.insert(path, bytes);
                self.clear_the_way(&above);
            }
            Found::Behind(above, obstacle) => {
                self.faults
                    .push(faults::not_a_folder(&self.walk.shown(&above), obstacle));
            }
            Found::Obstacle(obstacle) => {
                self.faults.push(faults::not_a_file(
                    &self.walk.shown(path.as_str()),
                    obstacle,
                ));
            }
        }
    }

    /// Deletes a file that stands where a folder belongs, if we may. A file of
    /// ours was decided about already, as no rendered file has its path.
    fn clear_the_way(&mut self, path: &str) {
        if self.plan.deleted.contains(path) || self.plan.edited.contains(path) {
            return;
        }
        match self.walk.look(path, None) {
            Ok(Found::Other(digest)) => {
                self.contest(path, faults::foreign_above);
                self.plan.takes_over = true;
                self.delete(path, digest);
            }
            Ok(_) => {}
            Err(fault) => self.faults.push(fault),
        }
    }

    fn delete(&mut self, path: &str, digest: Digest) {
        self.plan.before.insert(path.to_owned(), digest);
        self.plan.deleted.insert(path.to_owned());
    }

    /// Notes that a file to be replaced or deleted isn't as we wrote it.
    fn contest(&mut self, path: &str, fault: fn(&str) -> Fault) {
        if self.overrides() {
            self.plan.edited.insert(path.to_owned());
        } else {
            self.faults.push(fault(&self.walk.shown(path)));
        }
    }

    /// A folder may stand where a file belongs if all in it goes.
    fn check_folder_goes(&mut self, path: &str) -> Result<(), Fault> {
        let shown = self.walk.shown(path);
        if !self.plan.emptied.iter().any(|emptied| emptied == path) {
            self.faults
                .push(faults::not_a_file(&shown, Obstacle::Folder));
        } else if let Some(foreign) = self.foreign_below(path)? {
            self.faults
                .push(faults::folder_kept(&shown, &self.walk.shown(&foreign)));
        }
        Ok(())
    }

    /// The first entry below a folder that stays.
    fn foreign_below(&mut self, path: &str) -> Result<Option<String>, Fault> {
        for name in self.walk.list(path)? {
            let entry = format!("{path}/{name}");
            let goes = self.plan.deleted.contains(&entry) || self.plan.leftovers.contains(&entry);
            if !goes && !self.plan.emptied.contains(&entry) {
                return Ok(Some(entry));
            }
            if !goes && let Some(foreign) = self.foreign_below(&entry)? {
                return Ok(Some(foreign));
            }
        }
        Ok(None)
    }

    /// Looks for the temporary files of the run that left its journal.
    fn find_leftovers(&mut self, owned: &Ownership) -> Result<(), Fault> {
        for path in owned.writing.keys() {
            let temporary = names::temporary_path(path);
            if self.walk.kind(&temporary)? == Some(Obstacle::File) {
                self.plan.leftovers.insert(temporary);
            }
        }
        Ok(())
    }

    /// Looks for a torn ownership file, which no journal can announce.
    fn find_ownership_leftover(&mut self) -> Result<(), Fault> {
        let temporary = names::temporary(names::OWNERSHIP);
        let shown = self.walk.shown(&temporary);
        let refused = |error| faults::refused(&shown, "read", error);
        if folder::kind(self.folder, &temporary).map_err(refused)? != Some(Obstacle::File) {
            return Ok(());
        }
        if let File::Open(file, stat) =
            folder::open_file(self.folder, &temporary).map_err(refused)?
        {
            let mut text = Vec::new();
            let text = folder::read(file.as_fd(), &stat, &mut text).map_err(refused)?;
            if ownership::is_torn_or_whole(text) {
                self.plan.leftovers.insert(temporary);
            }
        }
        Ok(())
    }

    /// The temporary files we need must not be somebody's files.
    fn check_temporaries_free(&mut self) -> Result<(), Fault> {
        let mut needed: Vec<String> = (self.plan.created.keys())
            .chain(self.plan.updated.keys())
            .map(|path| names::temporary_path(path.as_str()))
            .collect();
        needed.push(names::temporary(names::OWNERSHIP));
        for temporary in needed {
            if !self.plan.leftovers.contains(&temporary) && self.walk.kind(&temporary)?.is_some() {
                self.faults
                    .push(faults::temporary_taken(&self.walk.shown(&temporary)));
            }
        }
        Ok(())
    }

    fn settle_ownership(&mut self, recorded: Option<&Recorded>) -> Result<(), Fault> {
        let writes = !self.plan.created.is_empty() || !self.plan.updated.is_empty();
        let text = ownership::record(&self.plan.cluster, self.plan.kept.clone())
            .text()
            .map_err(|error| Fault::environment(format!("`{}`: {error}", self.shown)))?;
        self.plan.ownership_changes = writes
            || self.plan.removes_cluster
            || recorded.is_none_or(|recorded| recorded.text != text);
        Ok(())
    }
}

/// Whether a file is as rendered, and its recorded hash is beyond doubt: a
/// file changed after the ownership file may have been given the rendered
/// bytes by somebody else, and its hash be that of older ones.
fn is_settled(found: &Found, recorded: &Stat) -> bool {
    matches!(found, Found::Equal(stat) if !folder::newer(stat, recorded))
}

/// The folders of files that go which no rendered file needs, deepest first.
fn emptied(gone: &BTreeSet<&str>, tree: &RenderedTree) -> Vec<String> {
    let needed: BTreeSet<&str> = tree
        .0
        .keys()
        .flat_map(|path| names::folders_above(path.as_str()))
        .collect();
    let folders: BTreeSet<&str> = (gone.iter().flat_map(|path| names::folders_above(path)))
        .filter(|folder| !needed.contains(folder))
        .collect();
    folders.into_iter().rev().map(str::to_owned).collect()
}
