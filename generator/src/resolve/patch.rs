//! What a schema can't see of patches. Pure.

use super::Problems;
use crate::fault::Place;
use crate::settings::{Patch, Settings};

/// A patch of a cluster, with where somebody wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedPatch {
    /// Its name in `patches`.
    pub name: String,
    /// What it says.
    pub patch: Patch,
    /// Where.
    pub place: Place,
    /// Where what it merges is.
    pub merge_place: Place,
    /// Whether the cluster's own file says something of it.
    pub is_own: bool,
}

const DOCS: &str = "see docs/patches.md";

pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    for (name, patch) in &settings.patches {
        let mut reported = |message: &str, hint: &str| {
            problems.push(&["patches", name.as_str()], message.to_owned(), hint);
        };
        match (&patch.r#type, &patch.kind, &patch.path) {
            (Some(_), Some(_), _) => reported(
                "it has a `type` and a `kind`",
                "`type` is for CloudFormation, `kind` for Kubernetes: make two patches of it",
            ),
            (None, None, None) => reported(
                "it doesn't name what it patches",
                "add `type`, `kind` or `path`",
            ),
            (None, None, Some(_)) if patch.name.is_some() => reported(
                "it has a `name`, but neither `type` nor `kind`",
                "add one of them, or remove `name`",
            ),
            _ => {}
        }
        if let Some(field) = identity(patch) {
            problems.push(
                &["patches", name.as_str(), "merge"],
                format!("it would change `{field}`, by which others find it"),
                DOCS,
            );
        }
    }
}

/// Whether a path is of Kubernetes objects.
fn names_objects(patch: &Patch) -> bool {
    let path = patch.path.as_ref().map_or("", |path| path.as_str());
    path.starts_with("kubernetes/") || path.starts_with("gitops/")
}

/// A field that a patch sets and may not.
fn identity(patch: &Patch) -> Option<&'static str> {
    let has = |pointer: &str| patch.merge.pointer(pointer).is_some();
    let fields: &[(&str, &str)] = if patch.r#type.is_some() {
        &[("Type", "/Type")]
    } else if patch.kind.is_some() || names_objects(patch) {
        &[
            ("apiVersion", "/apiVersion"),
            ("kind", "/kind"),
            ("metadata.name", "/metadata/name"),
            ("metadata.namespace", "/metadata/namespace"),
            ("$patch", "/$patch"),
        ]
    } else {
        &[("$patch", "/$patch")]
    };
    let found = fields.iter().find(|(_, pointer)| has(pointer));
    found.map(|(field, _)| *field)
}
