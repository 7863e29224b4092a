//! Whether a cluster's folder is what a record says. Reads.

use std::os::fd::AsFd;

use super::change::ClusterChange;
use super::folder::{self, File, Found, Opened, Walk};
use super::names;
use super::output::Output;
use super::ownership::{Digest, Ownership};
use super::stage::StagedChange;
use super::staging;
use crate::fault::Fault;

/// The unchanged cluster, if its ownership file has this digest and every file
/// that it lists has the digest listed there, and nothing is left of a run that
/// was killed. Each file is read.
///
/// None stands for anything else, also for what can't be read: planning tells it.
pub(crate) fn is_in_place(
    output: &Output,
    cluster: &str,
    ownership: Digest,
) -> Option<StagedChange> {
    look(output, cluster, ownership).ok().flatten()
}

fn look(output: &Output, cluster: &str, ownership: Digest) -> Result<Option<StagedChange>, Fault> {
    let Some(top) = output.folder() else {
        return Ok(None);
    };
    let Ok(Opened::Folder(folder)) = folder::open(top, cluster) else {
        return Ok(None);
    };
    let folder = folder.as_fd();
    let temporary = names::temporary(names::OWNERSHIP);
    if staging::find(output, top, cluster)?.is_some()
        || !matches!(folder::kind(folder, &temporary), Ok(None))
    {
        return Ok(None);
    }
    let mut text = Vec::new();
    let Ok(File::Open(file, stat)) = folder::open_file(folder, names::OWNERSHIP) else {
        return Ok(None);
    };
    let Ok(text) = folder::read(file.as_fd(), &stat, &mut text) else {
        return Ok(None);
    };
    if Digest::of(text) != ownership {
        return Ok(None);
    }
    let Ok(owned) = Ownership::parse(text) else {
        return Ok(None);
    };
    let mut walk = Walk::new(folder, &output.shown);
    for (path, listed) in &owned.files {
        match walk.look(path, None)? {
            Found::Other(digest) if digest == *listed => {}
            _ => return Ok(None),
        }
    }
    let is_ours = owned.cluster == cluster && owned.writing.is_empty();
    let unchanged = ClusterChange::none(cluster, owned.files.len());
    Ok(is_ours.then(|| StagedChange::unchanged(unchanged)))
}
