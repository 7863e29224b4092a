//! Tests of planning and applying together, on real folders.

mod behaviour;
mod interrupted;
mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::interruption::{Interruption, Manner};
use super::{
    Output, StagedChange, WriteOptions, WriteSummary, abandon, commit, plan, plan_removed, stage,
};
use crate::fault::Faults;
use crate::tree::{RenderedTree, TreePath};

const PLAIN: WriteOptions = WriteOptions {
    force: false,
    check_only: false,
};
const FORCE: WriteOptions = WriteOptions {
    force: true,
    check_only: false,
};
const CHECK: WriteOptions = WriteOptions {
    force: false,
    check_only: true,
};

/// A fleet's trees by cluster.
type Fleet = BTreeMap<String, RenderedTree>;

fn tree(files: &[(&str, &str)]) -> RenderedTree {
    let file = |(path, text): &(&str, &str)| {
        (
            TreePath::new(*path).expect("a valid path"),
            text.as_bytes().to_vec(),
        )
    };
    RenderedTree(files.iter().map(file).collect())
}

fn fleet(clusters: &[(&str, &[(&str, &str)])]) -> Fleet {
    clusters
        .iter()
        .map(|(name, files)| ((*name).to_owned(), tree(files)))
        .collect()
}

/// What the command does: stage every cluster, and only without any fault commit.
fn run(root: &Path, fleet: &Fleet, options: WriteOptions) -> Result<Vec<WriteSummary>, Faults> {
    run_until(root, fleet, options, None).0
}

/// The same, stopped at a step; also tells how many steps there were.
fn run_until(
    root: &Path,
    fleet: &Fleet,
    options: WriteOptions,
    at: Option<(u64, Manner)>,
) -> (Result<Vec<WriteSummary>, Faults>, u64) {
    let mut output = match Output::open(root, Path::new("rendered"), options.check_only) {
        Ok(output) => output,
        Err(fault) => return (Err(fault.into()), 0),
    };
    output.disk.interruption = Interruption {
        at,
        ..Interruption::default()
    };
    let staged = stage_all(&output, fleet, options);
    if staged.is_err() {
        abandon(&output);
    }
    let result = staged.and_then(|staged| {
        let commits = staged.iter().map(|staged| commit(&output, staged));
        commits.collect()
    });
    (result, output.disk.interruption.steps.into_inner())
}

fn stage_all(
    output: &Output,
    fleet: &Fleet,
    options: WriteOptions,
) -> Result<Vec<StagedChange>, Faults> {
    let mut faults = Faults::new();
    let mut staged = Vec::new();
    for (cluster, tree) in fleet {
        let plan = plan(output, cluster, tree.clone(), options);
        match plan.and_then(|plan| stage(output, plan)) {
            Ok(change) => staged.push(change),
            Err(found) => faults.append(found),
        }
    }
    let existing: BTreeSet<&str> = fleet.keys().map(String::as_str).collect();
    match plan_removed(output, &existing, options) {
        Ok(removed) => {
            for plan in removed {
                staged.push(stage(output, plan)?);
            }
        }
        Err(found) => faults.append(found),
    }
    faults.into_result(staged)
}

/// Everything below a folder: files with their bytes, folders, links.
fn snapshot(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(folder, "", &mut found);
    found
}

fn collect(folder: &Path, above: &str, found: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.expect("an entry");
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().expect("a type");
        if kind.is_symlink() {
            found.insert(path, "link".to_owned());
        } else if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
            found.insert(path, "folder".to_owned());
        } else if !kind.is_file() {
            found.insert(path, "special".to_owned());
        } else {
            let bytes = fs::read(entry.path()).expect("readable");
            found.insert(path, format!("file {}", String::from_utf8_lossy(&bytes)));
        }
    }
}

/// What a fleet looks like when written into an empty folder, undisturbed.
fn undisturbed(fleet: &Fleet) -> BTreeMap<String, String> {
    let root = tempfile::tempdir().expect("a folder");
    run(root.path(), fleet, PLAIN).expect("no faults");
    snapshot(root.path())
}

fn messages<T: std::fmt::Debug>(result: Result<T, Faults>) -> Vec<String> {
    result
        .expect_err("faults")
        .sorted()
        .into_iter()
        .map(|fault| fault.message)
        .collect()
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, text).expect("written");
}
