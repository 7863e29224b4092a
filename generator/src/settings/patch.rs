//! Changes to what is rendered.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::text;

/// A change to rendered files, made after all templates and before all checks.
/// One of `type`, `kind` and `path` says what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Resources of CloudFormation of this type, in every template and fragment.
    pub r#type: Option<ResourceType>,
    /// Kubernetes objects of this kind, those of Argo CD and Flux included.
    pub kind: Option<ObjectKind>,
    /// Files of this path below `rendered/<cluster>/`; `*` stands for any text without `/`.
    pub path: Option<PatchPath>,
    /// Only resources of this logical id, or objects of this name; `*` stands for any text.
    pub name: Option<PatchName>,
    /// What is merged in: by JSON Merge Patch, or, into Kubernetes objects, as a strategic merge
    /// patch of kustomize. A higher layer replaces it as a whole, since `null` in it has a meaning of its own.
    #[schemars(extend("type" = "object", "minProperties" = 1))]
    pub merge: serde_json::Value,
}

text! {
    /// A type of CloudFormation's resources.
    ResourceType, r"^[A-Za-z0-9]{2,64}(::[A-Za-z0-9]{2,64}){2,3}$", max 204,
    "a type of CloudFormation such as `AWS::Logs::LogGroup`"
}
text! {
    /// A kind of Kubernetes objects.
    ObjectKind, r"^[A-Z][A-Za-z0-9]*$", max 63,
    "a kind of Kubernetes objects such as `DaemonSet`"
}
text! {
    /// The path of rendered files.
    PatchPath, r"^[A-Za-z0-9_@{}.*-][A-Za-z0-9_@{}.*/-]*[.](json|yaml)$", max 512,
    "the path of a `.json` or `.yaml` file below `rendered/<cluster>/`, with `*` for any text without `/`"
}
text! {
    /// The name of an object, or a resource's logical id.
    PatchName, r"^[A-Za-z0-9*]([A-Za-z0-9_.*-]*[A-Za-z0-9*])?$", max 253,
    "the name of an object, or a resource's logical id, with `*` for any text"
}
