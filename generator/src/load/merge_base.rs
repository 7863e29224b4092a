//! The merge base: the commit where a change left the branch that it goes to.
//! Does IO: it reads the repository.

use std::collections::BTreeSet;
use std::fs;

use git2::{ErrorCode, Oid, Repository};

use crate::fault::Fault;

/// Where the head left the base's branch.
pub(super) struct MergeBase {
    /// The commit.
    pub(super) id: Oid,
    /// Whether it is what the base's branch is at.
    is_tip: bool,
    /// How many there are: more than one if each was merged into the other.
    of: usize,
    /// Whether a later one may lie beyond what a shallow clone has.
    is_uncertain: bool,
}

impl MergeBase {
    /// Looks for it.
    pub(super) fn find(
        repository: &Repository,
        base: &str,
        one: Oid,
        other: Oid,
    ) -> Result<Self, Fault> {
        let find = || -> Result<Self, git2::Error> {
            let id = repository.merge_base(one, other)?;
            let all = repository.merge_bases(one, other)?;
            Ok(Self {
                id,
                is_tip: id == one,
                of: all.len(),
                is_uncertain: has_cut_off(repository, [one, other], &all)?,
            })
        };
        find().map_err(|error| no_merge_base(repository, base, &error))
    }

    /// How the base came to be it.
    pub(super) fn taken(&self, base: &str) -> String {
        if self.is_tip {
            return format!("tip of {base}");
        }
        let which = match self.of {
            0 | 1 => "the merge base".to_owned(),
            several => format!("one of {several} merge bases"),
        };
        let known = if self.is_uncertain {
            ", as far as this shallow clone goes: `git fetch --unshallow` may find a later one"
        } else {
            ""
        };
        format!("{which} with {base}{known}")
    }
}

/// Whether the history of a shallow clone is cut off between one of the tips
/// and the merge bases that were found. What is beyond may have a later one.
fn has_cut_off(
    repository: &Repository,
    tips: [Oid; 2],
    found: &[Oid],
) -> Result<bool, git2::Error> {
    if !repository.is_shallow() || tips.iter().any(|tip| found.contains(tip)) {
        return Ok(false);
    }
    // Git's own list: a commit a line.
    let listed = fs::read_to_string(repository.commondir().join("shallow"));
    let listed = listed.unwrap_or_default();
    let cut_off: BTreeSet<&str> = listed.lines().map(str::trim).collect();
    let mut walk = repository.revwalk()?;
    for tip in tips {
        walk.push(tip)?;
    }
    for merge_base in found {
        walk.hide(*merge_base)?;
    }
    for id in walk {
        if cut_off.contains(id?.to_string().as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_merge_base(repository: &Repository, base: &str, error: &git2::Error) -> Fault {
    if repository.is_shallow() {
        return Fault::environment(format!(
            "this clone is shallow: the commit where the head left `{base}` isn't in it"
        ))
        .hint("`git fetch --unshallow`, or `--deepen=<number>`; in a CI job, fetch with depth 0");
    }
    match error.code() {
        ErrorCode::NotFound => {
            Fault::environment(format!("the head and `{base}` have no commit in common"))
                .hint("name another base: `--base <revision>`")
        }
        _ => Fault::environment(format!(
            "can't look for the merge base with `{base}`: {}",
            error.message()
        )),
    }
}
