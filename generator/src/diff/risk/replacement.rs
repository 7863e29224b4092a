//! Resources of AWS that can't be changed where they are, only made anew. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, Resource, legible, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        check_resource(&resource, found);
    }
}

/// For each type of CloudFormation that is rendered, the paths below `Properties` that can't be changed on a resource that
/// exists: from AWS's own registry, written and compared by `ci/create-only-properties`.
static CREATE_ONLY: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let text = include_str!("../../../../schemas/outputs/cloudformation/create-only.json");
    // A test reads it.
    serde_json::from_str(text).unwrap_or_default()
});

/// Whether a property, or a part of it, can't be changed.
#[cfg(test)]
pub(super) fn is_create_only(kind: &str, property: &str) -> bool {
    let mut paths = CREATE_ONLY.get(kind).into_iter().flatten();
    paths.any(|path| path.split('/').nth(1) == Some(property))
}

/// The page of a type's properties.
fn page(kind: &str) -> String {
    let name = kind.replace("AWS::", "").replace("::", "-").to_lowercase();
    format!(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-{name}.html"
    )
}

fn check_resource(resource: &Resource<'_>, found: &mut Found) {
    let Some((old, new)) = resource.old.zip(resource.new) else {
        return;
    };
    if resource.both().is_none() {
        let what = format!("the resource `{}` is of another type", legible(resource.id));
        let live = "CloudFormation refuses it, or deletes the old one and makes the new one";
        found.push(Flag::AwsObjectReplaced, what, Some(live.to_owned()));
        return;
    }
    let kind = resource.kind();
    let Some(paths) = CREATE_ONLY.get(kind) else {
        return;
    };
    let property = |value: &Json, path: &str| value.pointer(&format!("/Properties{path}")).cloned();
    let changed: Vec<String> = paths
        .iter()
        .filter(|path| property(old, path) != property(new, path))
        .map(|path| path.trim_start_matches('/').replace('/', "."))
        .collect();
    if !changed.is_empty() {
        let what = format!(
            "{kind} `{}` is replaced, because {} changes",
            legible(resource.id),
            changed.join(" and ")
        );
        let old_one = match text(old, "/UpdateReplacePolicy") {
            "Retain" => "leaves the old one",
            _ => "deletes the old one",
        };
        let live = format!(
            "CloudFormation makes a new one and {old_one} ({})",
            page(kind)
        );
        found.push(Flag::AwsObjectReplaced, what, Some(live));
    }
}
