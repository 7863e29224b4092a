//! Folders whose cluster is no longer in the fleet. Reads.

use std::collections::{BTreeMap, BTreeSet};

use super::change::ClusterChange;
use super::folder::{self, Opened};
use super::names;
use super::output::Output;
use super::ownership::{self, Ownership};
use super::plan::{WriteOptions, WritePlan};
use super::planner::Planner;
use super::{faults, staging};
use crate::fault::Faults;

/// Plans to remove what is ours of every cluster that no longer exists.
///
/// Such is a folder with an ownership file that names that very folder's
/// cluster; one that was copied from elsewhere is somebody's own. Foreign files
/// stay, and so do the folders that hold them. A file that was edited by hand
/// is a fault, unless forced.
pub fn plan_removed(
    output: &Output,
    existing: &BTreeSet<&str>,
    options: WriteOptions,
) -> Result<Vec<WritePlan>, Faults> {
    let Some(top) = output.folder() else {
        return Ok(Vec::new());
    };
    let entries =
        folder::list(top).map_err(|error| faults::refused(&output.shown, "read", error))?;
    let mut plans = Vec::new();
    let mut faults = Faults::new();
    for name in entries
        .iter()
        .filter(|name| !existing.contains(name.as_str()))
    {
        match plan_entry(output, name, existing, options) {
            Ok(plan) => plans.extend(plan),
            Err(found) => faults.append(found),
        }
    }
    faults.into_result(plans)
}

fn plan_entry(
    output: &Output,
    name: &str,
    existing: &BTreeSet<&str>,
    options: WriteOptions,
) -> Result<Option<WritePlan>, Faults> {
    let Some(top) = output.folder() else {
        return Ok(None);
    };
    if let Some(cluster) = names::name_of_temporary(name) {
        if existing.contains(cluster) {
            return Ok(None);
        }
        let stale_staging = staging::find(output, top, cluster)?;
        return Ok(stale_staging.is_some().then(|| WritePlan {
            change: ClusterChange {
                check_only: options.check_only,
                stale_staging,
                ..ClusterChange::none(cluster, 0)
            },
            new: BTreeMap::new(),
            ownership: nothing(cluster),
        }));
    }
    let shown = format!("{}/{name}", output.shown);
    match folder::open(top, name) {
        Ok(Opened::Folder(folder)) => Planner::new(
            &folder,
            (output.path.join(name), &shown),
            nothing(name),
            options,
        )
        .plan_removal(),
        Ok(Opened::Missing | Opened::Obstacle(_)) => Ok(None),
        Err(error) => Err(faults::refused(&shown, "read", error).into()),
    }
}

/// Nothing is ours in the end.
fn nothing(cluster: &str) -> Ownership {
    ownership::record(cluster, BTreeMap::new())
}
