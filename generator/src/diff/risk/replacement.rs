//! Resources of AWS that can't be changed where they are, only made anew. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value as Json;

use super::row::Among;
use super::values::text;

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

/// The properties that can't be changed on a resource, and do.
pub(super) fn of_resource(old: &Json, new: &Json) -> Option<String> {
    let paths = CREATE_ONLY.get(text(new, "/Type"))?.iter();
    let property = |value: &Json, path: &str| value.pointer(&format!("/Properties{path}")).cloned();
    let changed: Vec<String> = paths
        .filter(|path| property(old, path) != property(new, path))
        .map(|path| path.trim_start_matches('/').replace('/', "."))
        .collect();
    (!changed.is_empty()).then(|| changed.join(" and "))
}

/// What becomes of the old one.
pub(super) fn what_becomes(among: &Among<'_>) -> String {
    let [old, new] = among.values().map(|value| value.unwrap_or(&Json::Null));
    let old_one = match text(old, "/UpdateReplacePolicy") {
        "Retain" => "leaves the old one",
        _ => "deletes the old one",
    };
    let page = page(text(new, "/Type"));
    format!("CloudFormation makes a new one and {old_one} ({page})")
}
