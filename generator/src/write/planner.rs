//! Compares a folder that exists with what was rendered. Reads.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use super::change::ClusterChange;
use super::faults::{self, Obstacle};
use super::folder::{self, File, Found, Walk};
use super::merge::Merge;
use super::names;
use super::ownership::{self, Digest, FORMAT, Owner, Ownership, OwnershipError};
use super::plan::{WriteOptions, WritePlan};
use crate::fault::{Fault, Faults};
use crate::tree::{RenderedTree, TreePath};

/// Plans one cluster's folder.
pub(super) struct Planner<'f> {
    folder: BorrowedFd<'f>,
    shown: &'f str,
    walk: Walk<'f>,
    /// The folder's path, for git.
    path: PathBuf,
    /// The merge that the folder comes from, once it matters.
    merge: OnceCell<Option<Merge>>,
    options: WriteOptions,
    plan: WritePlan,
    faults: Faults,
}

impl<'f> Planner<'f> {
    /// Begins with an open folder, and what its ownership file is to list.
    pub(super) fn new(
        folder: &'f OwnedFd,
        (path, shown): (PathBuf, &'f str),
        ownership: Ownership,
        options: WriteOptions,
    ) -> Self {
        let folder = folder.as_fd();
        let plan = WritePlan {
            change: ClusterChange {
                check_only: options.check_only,
                ..ClusterChange::none(&ownership.cluster, 0)
            },
            new: BTreeMap::new(),
            ownership,
        };
        let walk = Walk::new(folder, shown);
        Self {
            folder,
            shown,
            walk,
            path,
            merge: OnceCell::new(),
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
        let is_listed = recorded.as_ref() == Some(&self.text()?);
        self.plan.change.ownership_changes = !is_listed;
        if is_listed && found.iter().all(|found| matches!(found, Found::Equal)) {
            self.plan.change.unchanged = found.len();
            return Ok(self.plan);
        }
        let owned = match &recorded {
            Some(recorded) => self.owned(recorded)?,
            None => ownership::record(&self.plan.change.cluster, BTreeMap::new()),
        };
        self.compare(tree, found, &owned)
    }

    /// Plans to remove everything of ours, as the cluster is gone; `None` if
    /// the folder isn't ours.
    pub(super) fn plan_removal(mut self) -> Result<Option<WritePlan>, Faults> {
        let Some(recorded) = self.recorded()? else {
            return Ok(None);
        };
        // Without knowing what is ours there is nothing to force.
        let owned = self.understood(&recorded)?;
        if owned.cluster != self.plan.change.cluster {
            return Ok(None);
        }
        self.find_ownership_leftover()?;
        self.plan.change.removes_cluster = true;
        self.plan.change.ownership_changes = true;
        self.compare(RenderedTree::default(), Vec::new(), &owned)
            .map(Some)
    }

    /// The text of the ownership file as it stands on disk.
    fn recorded(&self) -> Result<Option<Vec<u8>>, Fault> {
        let shown = self.walk.displayed(names::OWNERSHIP);
        let refused = |error| faults::refused(&shown, "read", error);
        match folder::open_file(self.folder, names::OWNERSHIP).map_err(refused)? {
            File::Open(file, stat) => {
                let mut text = Vec::new();
                let end = folder::read(file.as_fd(), &stat, &mut text)
                    .map_err(refused)?
                    .len();
                text.truncate(end);
                Ok(Some(text))
            }
            File::Missing => Ok(None),
            File::Obstacle(obstacle) => Err(faults::not_a_file(&shown, obstacle)),
        }
    }

    /// What the ownership file says; nothing, if it is broken and that is
    /// forced or only checked.
    fn owned(&self, text: &[u8]) -> Result<Ownership, Fault> {
        match read(text) {
            Err(OwnershipError::Broken(_)) if self.overrides() => Ok(ownership::record(
                &self.plan.change.cluster,
                BTreeMap::new(),
            )),
            _ => self.understood(text),
        }
    }

    fn understood(&self, text: &[u8]) -> Result<Ownership, Fault> {
        let shown = self.walk.displayed(names::OWNERSHIP);
        read(text).map_err(|error| match error {
            OwnershipError::Newer(found) => faults::ownership_newer(&shown, found, FORMAT),
            error => faults::ownership_unreadable(&shown, &error.reason()),
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
    ) -> Result<WritePlan, Faults> {
        self.plan.change.before = owned.writing.clone();
        self.plan.change.before.extend(
            owned
                .files
                .iter()
                .map(|(path, digest)| (path.clone(), *digest)),
        );
        let gone: BTreeSet<&str> = owned
            .paths()
            .filter(|path| !tree.0.contains_key(*path))
            .collect();
        self.plan.change.emptied = emptied(&gone, &tree);
        self.find_leftovers(owned)?;
        for path in gone {
            self.compare_gone(path, owned)?;
        }
        let mut folders = Vec::new();
        for ((path, bytes), found) in tree.0.into_iter().zip(found) {
            if let Found::Obstacle(Obstacle::Folder) = found {
                folders.push(path.clone());
            }
            self.compare_rendered(path, bytes, found, owned);
        }
        for path in folders {
            self.check_folder_goes(path.as_str())?;
        }
        // While files are replaced, another one says so.
        self.plan.change.ownership_changes |= !self.plan.new.is_empty();
        if self.plan.change.ownership_changes && !self.plan.change.removes_cluster {
            self.check_temporary_free()?;
        }
        self.faults.into_result(self.plan)
    }

    /// Decides about a recorded file that is no longer rendered.
    fn compare_gone(&mut self, path: &str, owned: &Ownership) -> Result<(), Fault> {
        match self.walk.look(path, None)? {
            Found::Other(digest) if owned.wrote(path, digest) => self.delete(path, digest),
            Found::Other(digest) => {
                self.contest(path, digest, owned, faults::edited);
                self.plan.change.takes_over = true;
                self.delete(path, digest);
            }
            Found::Obstacle(obstacle @ (Obstacle::Link | Obstacle::Special)) => {
                self.faults
                    .push(faults::not_a_file(&self.walk.displayed(path), obstacle));
            }
            Found::Behind(above, obstacle @ (Obstacle::Link | Obstacle::Special)) => {
                self.faults
                    .push(faults::not_a_folder(&self.walk.displayed(&above), obstacle));
            }
            // Somebody removed it, or put something of their own there.
            Found::Missing | Found::Equal | Found::Obstacle(_) | Found::Behind(..) => {}
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
    ) {
        match found {
            Found::Equal => {
                self.plan.change.unchanged += 1;
                let before = &mut self.plan.change.before;
                if let Some(digest) = self.plan.ownership.files.get(path.as_str()) {
                    before.insert(path.as_str().to_owned(), *digest);
                }
            }
            Found::Other(digest) => {
                match owned.owner_of(path.as_str(), digest) {
                    Owner::Us => {}
                    Owner::Editor => self.contest(path.as_str(), digest, owned, faults::edited),
                    Owner::Somebody => self.contest(path.as_str(), digest, owned, faults::foreign),
                }
                self.plan
                    .change
                    .before
                    .insert(path.as_str().to_owned(), digest);
                self.plan.change.updated.insert(path.clone());
                self.plan.new.insert(path, bytes);
            }
            // `check_folder_goes` decides about a folder.
            Found::Missing | Found::Obstacle(Obstacle::Folder) => {
                self.create(path, bytes);
            }
            Found::Behind(above, Obstacle::File) => {
                self.create(path, bytes);
                self.clear_the_way(&above, owned);
            }
            Found::Behind(above, obstacle) => {
                self.faults
                    .push(faults::not_a_folder(&self.walk.displayed(&above), obstacle));
            }
            Found::Obstacle(obstacle) => {
                self.faults.push(faults::not_a_file(
                    &self.walk.displayed(path.as_str()),
                    obstacle,
                ));
            }
        }
    }

    /// Deletes a file that stands where a folder belongs, if we may. A file of
    /// ours was decided about already, as no rendered file has its path.
    fn clear_the_way(&mut self, path: &str, owned: &Ownership) {
        if self.plan.change.deleted.contains(path) || self.plan.change.edited.contains(path) {
            return;
        }
        match self.walk.look(path, None) {
            Ok(Found::Other(digest)) => {
                self.contest(path, digest, owned, faults::foreign_above);
                self.plan.change.takes_over = true;
                self.delete(path, digest);
            }
            Ok(_) => {}
            Err(fault) => self.faults.push(fault),
        }
    }

    fn create(&mut self, path: TreePath, bytes: Vec<u8>) {
        self.plan.change.created.insert(path.clone());
        self.plan.new.insert(path, bytes);
    }

    fn delete(&mut self, path: &str, digest: Digest) {
        self.plan.change.before.insert(path.to_owned(), digest);
        self.plan.change.deleted.insert(path.to_owned());
    }

    /// Notes that a file to be replaced or deleted isn't as we wrote it.
    fn contest(&mut self, path: &str, digest: Digest, owned: &Ownership, fault: fn(&str) -> Fault) {
        let merge = self.merge.get_or_init(|| Merge::find(&self.path, owned));
        if merge
            .as_ref()
            .is_some_and(|merge| merge.explains(path, digest))
        {
            return;
        }
        if self.overrides() {
            self.plan.change.edited.insert(path.to_owned());
        } else {
            self.faults.push(fault(&self.walk.displayed(path)));
        }
    }

    /// A folder may stand where a file belongs if all in it goes.
    fn check_folder_goes(&mut self, path: &str) -> Result<(), Fault> {
        let shown = self.walk.displayed(path);
        if !self
            .plan
            .change
            .emptied
            .iter()
            .any(|emptied| emptied == path)
        {
            self.faults
                .push(faults::not_a_file(&shown, Obstacle::Folder));
        } else if let Some(foreign) = self.foreign_below(path)? {
            self.faults
                .push(faults::folder_kept(&shown, &self.walk.displayed(&foreign)));
        }
        Ok(())
    }

    /// The first entry below a folder that stays.
    fn foreign_below(&mut self, path: &str) -> Result<Option<String>, Fault> {
        for name in self.walk.list(path)? {
            let entry = format!("{path}/{name}");
            let goes = self.plan.change.deleted.contains(&entry)
                || self.plan.change.leftovers.contains(&entry);
            if !goes && !self.plan.change.emptied.contains(&entry) {
                return Ok(Some(entry));
            }
            if !goes && let Some(foreign) = self.foreign_below(&entry)? {
                return Ok(Some(foreign));
            }
        }
        Ok(None)
    }

    /// Looks for the temporary files of the run that left its journal: a
    /// release before this one wrote each beside the file it stands for.
    fn find_leftovers(&mut self, owned: &Ownership) -> Result<(), Fault> {
        for path in owned.writing.keys() {
            let temporary = names::temporary_path(path);
            if self.walk.kind(&temporary)? == Some(Obstacle::File) {
                self.plan.change.leftovers.insert(temporary);
            }
        }
        Ok(())
    }

    /// Looks for a torn ownership file, which no journal can announce.
    fn find_ownership_leftover(&mut self) -> Result<(), Fault> {
        let temporary = names::temporary(names::OWNERSHIP);
        let shown = self.walk.displayed(&temporary);
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
                self.plan.change.leftovers.insert(temporary);
            }
        }
        Ok(())
    }

    /// The temporary file we need must not be somebody's file.
    fn check_temporary_free(&mut self) -> Result<(), Fault> {
        let temporary = names::temporary(names::OWNERSHIP);
        let is_ours = self.plan.change.leftovers.contains(&temporary);
        if !is_ours && self.walk.kind(&temporary)?.is_some() {
            self.faults
                .push(faults::temporary_taken(&self.walk.displayed(&temporary)));
        }
        Ok(())
    }

    /// What the ownership file is to be.
    fn text(&self) -> Result<Vec<u8>, Fault> {
        let text = self.plan.ownership.text();
        text.map_err(|error| Fault::environment(format!("`{}`: {error}", self.shown)))
    }
}

/// What an ownership file lists, or both sides of one in conflict.
fn read(text: &[u8]) -> Result<Ownership, OwnershipError> {
    match Ownership::parse(text) {
        Err(OwnershipError::Conflict) => Ownership::parse_conflict(text),
        read => read,
    }
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
