//! Changes to rendered files.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::text;

/// A change to rendered files, made after all templates and before all checks. One of `type`, `kind` and `path` selects
/// what it applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// CloudFormation resources of this type, in every template and fragment.
    pub r#type: Option<ResourceType>,
    /// Kubernetes objects of this kind, including those of Argo CD and Flux.
    pub kind: Option<ObjectKind>,
    /// Files with this path below `rendered/<cluster>/`; `*` matches any text without `/`.
    pub path: Option<PatchPath>,
    /// Only the resource with this logical id, or the object with this name; `*` matches any text.
    pub name: Option<PatchName>,
    /// What is merged in: as a JSON Merge Patch, or for Kubernetes objects as a strategic merge patch, like in
    /// kustomize. A higher layer replaces it as a whole, because `null` in it is meant for the rendered file.
    #[schemars(extend("type" = "object", "minProperties" = 1))]
    pub merge: serde_json::Value,
}

text! {
    /// The type of a CloudFormation resource.
    ResourceType, r"^[A-Za-z0-9]{2,64}(::[A-Za-z0-9]{2,64}){2,3}$", max 204,
    "a type of CloudFormation such as `AWS::Logs::LogGroup`"
}
text! {
    /// The kind of a Kubernetes object.
    ObjectKind, r"^[A-Z][A-Za-z0-9]*$", max 63,
    "a kind of Kubernetes objects such as `DaemonSet`"
}
text! {
    /// The path of rendered files.
    PatchPath, r"^[A-Za-z0-9_@{}.*-][A-Za-z0-9_@{}.*/-]*[.](json|yaml)$", max 512,
    "the path of a `.json` or `.yaml` file below `rendered/<cluster>/`, with `*` for any text without `/`"
}
text! {
    /// The name of an object, or the logical id of a resource.
    PatchName, r"^[A-Za-z0-9*]([A-Za-z0-9_.*-]*[A-Za-z0-9*])?$", max 253,
    "the name of an object, or a resource's logical id, with `*` for any text"
}
