//! Makes `rendered/<cluster>/` match what was rendered, and nothing else.
//!
//! A run has two phases. [`plan`] (reads) compares a cluster's rendered tree
//! with the disk and with the cluster's ownership file, and returns a
//! [`WritePlan`], which is data, or the faults. Only when no cluster has a
//! fault does the caller [`apply`] (writes) the plans. Clusters are independent
//! of one another: both functions may run on all threads. [`plan_removed`]
//! plans for folders whose cluster is no longer in the fleet.
//!
//! # What is touched
//! - A file is written only if its bytes differ, by a temporary file beside it
//!   and a rename; so a run with nothing to do changes no date.
//! - `.logfleet.json` in the cluster's folder (`ownership`) lists what we
//!   wrote, with hashes. Only a file whose bytes are the recorded ones is
//!   replaced or removed. One with other bytes was edited by hand: a fault,
//!   unless forced. A file that isn't listed is foreign: never touched, adopted
//!   where it already has the rendered bytes, a fault where it stands in the
//!   way (forced: replaced).
//! - Symbolic links are never followed and never replaced, and a folder with
//!   anything foreign in it is never removed, forced or not.
//! - Between planning and applying nothing is looked at again: an edit made
//!   within those moments is lost.
//!
//! # Interruptions
//! The order of the steps makes any of them safe to be the last one:
//! 1. A new cluster is written into `rendered/.<cluster>.logfleet-tmp/`, its
//!    ownership file first, and that folder is renamed in the end. What such
//!    a folder's ownership file lists is ours to remove, the rest is not.
//! 2. In a folder that exists, the ownership file is first replaced by one
//!    that lists the old hashes and, under `writing`, the new ones. Then come
//!    deletions, emptied folders, and writes; last, the final ownership file.
//!    Temporary files are ours if the file they stand for is under `writing`;
//!    that of the ownership file, if it begins like one.
//!
//! A killed process loses nothing this way, as the system still has what it
//! wrote. **Nothing is synced to the disk itself** (`fsync`): for a fleet that
//! costs minutes on a real disk, and the folder is committed. After a power
//! cut, a file can be empty although its rename survived; the next run then
//! reports it as edited by hand, and `--force`, or a checkout, restores it.

mod apply;
mod disk;
mod faults;
mod folder;
#[cfg(test)]
mod interruption;
pub(crate) mod names;
mod output;
pub(crate) mod ownership;
mod plan;
mod planner;
mod removed;
mod staging;
#[cfg(test)]
mod tests;

pub(crate) use names::OWNERSHIP as OWNERSHIP_FILE;

pub use apply::{WriteSummary, apply};
pub use output::Output;
pub use plan::{WriteOptions, WritePlan, plan};
pub use removed::plan_removed;
