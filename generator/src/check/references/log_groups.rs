//! Log groups that programs write to: somebody must make them, since their
//! roles may not. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Files;
use crate::check::aws::calls::{self, Configuration};
use crate::nearest::did_you_mean;

pub(super) fn check(files: &mut Files<'_>) {
    let mut used = Vec::new();
    for (path, bytes) in files.tree.files() {
        let path = path.as_str();
        if !calls::is_configuration(path) {
            continue;
        }
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let written = calls::log_groups(&Configuration { path, text }).into_iter();
        // What holds a placeholder is known at run time only.
        let written = written.filter(|(_, name)| !name.contains('{'));
        used.extend(written.map(|own| (path.to_owned(), own)));
    }
    if used.is_empty() {
        return;
    }
    let declared = declared(files);
    for (path, (region, name)) in used {
        if declared.contains(&(region.clone(), name.clone())) {
            continue;
        }
        let of_region = declared.iter().filter(|(own, _)| *own == region);
        let hint =
            did_you_mean(&name, of_region.map(|(_, name)| name.as_str())).unwrap_or_else(|| {
                format!("declare it in a template of CloudFormation, `aws/{region}/…`")
            });
        files.tell_text(
            &path,
            &name,
            format!("no template declares the log group `{name}` in {region}, so nothing can be written there"),
            hint,
        );
    }
}

/// The log groups that the cluster's stacks make, each with its Region.
fn declared(files: &Files<'_>) -> BTreeSet<(String, String)> {
    let stacks = files.tree.files().filter_map(|(path, bytes)| {
        let (region, file) = path.as_str().strip_prefix("aws/")?.split_once('/')?;
        let is_stack = region != "members" && !file.contains('/');
        let template: Value = serde_json::from_slice(bytes).ok()?;
        is_stack.then(|| (region.to_owned(), template))
    });
    let names = |(region, template): (String, Value)| -> Vec<(String, String)> {
        let resources = template["Resources"].as_object();
        let groups = resources.into_iter().flatten().filter_map(|(_, resource)| {
            let is_group = resource["Type"] == "AWS::Logs::LogGroup";
            let name = resource["Properties"]["LogGroupName"].as_str()?;
            is_group.then(|| (region.clone(), name.to_owned()))
        });
        groups.collect()
    };
    stacks.flat_map(names).collect()
}
