//! Makes `rendered/<cluster>/` match what was rendered, and nothing else.
//!
//! A run has three steps. [`plan`] (reads) compares a cluster's rendered tree
//! with the disk and with the cluster's ownership file, and returns a
//! [`WritePlan`], which is data, or the faults. [`stage`] (writes) puts the new
//! files into the cluster's staging folder, where nobody looks, and lets go of
//! their bytes. Only when every cluster is staged and none has a fault does the
//! caller [`commit`] (writes) them: by renames, as all bytes are on the disk.
//! Otherwise it [`abandon`]s them, and nothing has changed. Clusters are
//! independent of one another: all three may run on all threads.
//! [`plan_removed`] plans for folders whose cluster is no longer in the fleet.
//!
//! # What is touched
//! - A file is written only if its bytes differ, into the staging folder, and
//!   renamed; so a run with nothing to do changes no date.
//! - `.logfleet.json` in the cluster's folder (`ownership`) lists what we
//!   wrote, with hashes. Only a file whose bytes are the recorded ones is
//!   replaced or removed. One with other bytes was edited by hand: a fault,
//!   unless forced. A file that isn't listed is foreign: never touched, adopted
//!   where it already has the rendered bytes, a fault where it stands in the
//!   way (forced: replaced).
//! - Where git merged two outputs (`merge`), a file that gen wrote on either
//!   side, or that git made of both, is as good as recorded. An ownership file
//!   in conflict stands for what both of its sides list.
//! - Symbolic links are never followed and never replaced, and a folder with
//!   anything foreign in it is never removed, forced or not.
//! - Between planning and committing nothing is looked at again: an edit made
//!   within those moments is lost.
//!
//! # Interruptions
//! The order of the steps makes any of them safe to be the last one:
//! 1. New files are staged in `rendered/.<cluster>.logfleet-tmp/`, under the
//!    paths that they are to have. The first of them is an ownership file, which
//!    lists the others: what it lists is ours to remove, the rest is not. A
//!    run that finds such a folder removes it and begins anew.
//! 2. The staging folder of a new cluster is renamed, and that is all: its
//!    ownership file is the cluster's.
//! 3. In a folder that exists, the ownership file is first replaced by one
//!    that lists the old hashes and, under `writing`, the new ones. Then come
//!    deletions, emptied folders, and the staged files, each by a rename; then
//!    the final ownership file. Last, the empty staging folder is removed. The
//!    temporary file of the ownership file is ours if it begins like one.
//!    (Releases before this wrote a temporary file beside each file; those
//!    named under `writing` are ours, too.)
//!
//! A killed process loses nothing this way, as the system still has what it
//! wrote. **Nothing is synced to the disk itself** (`fsync`): for a fleet that
//! costs minutes on a real disk, and the folder is committed. After a power
//! cut, a file can be empty although its rename survived; the next run then
//! reports it as edited by hand, and `--force`, or a checkout, restores it.

mod change;
mod commit;
mod disk;
mod faults;
mod folder;
mod in_place;
#[cfg(test)]
mod interruption;
mod merge;
pub(crate) mod names;
mod output;
pub(crate) mod ownership;
mod plan;
mod planner;
mod removed;
mod stage;
mod staging;
#[cfg(test)]
mod tests;

pub(crate) use in_place::is_in_place;
pub(crate) use names::OWNERSHIP as OWNERSHIP_FILE;

pub use change::ClusterChange;
pub use commit::{WriteSummary, commit};
pub use output::Output;
pub use plan::{WriteOptions, WritePlan, plan};
pub use removed::plan_removed;
pub use stage::{StagedChange, abandon, leave_unstaged, stage};
