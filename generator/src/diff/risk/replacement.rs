//! What can't be changed where it is, only made anew. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::Flag;
use super::change::{Change, Found, Resource, legible, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        check_resource(&resource, found);
    }
    if let Some((old, new)) = change.values() {
        check_object(old, new, found);
    }
}

/// For each type of CloudFormation that is rendered, the paths below `Properties` that can't be changed on a resource that
/// exists: from AWS's own registry, written and compared by `ci/create-only-properties`.
static CREATE_ONLY: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let text = include_str!("../../../../schemas/outputs/cloudformation/create-only.json");
    // A test reads it.
    serde_json::from_str(text).unwrap_or_default()
});

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

/// What Kubernetes lets nobody change
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates>,
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>,
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#clusterrolebinding-example>).
const FIXED: [(&str, &[&str]); 6] = [
    ("DaemonSet", &["/spec/selector"]),
    ("Deployment", &["/spec/selector"]),
    (
        "StatefulSet",
        &[
            "/spec/selector",
            "/spec/serviceName",
            "/spec/volumeClaimTemplates",
            "/spec/podManagementPolicy",
        ],
    ),
    ("ClusterRoleBinding", &["/roleRef"]),
    ("RoleBinding", &["/roleRef"]),
    ("Service", &["/spec/clusterIP"]),
];

fn check_object(old: &Json, new: &Json, found: &mut Found) {
    let same = ["/kind", "/metadata/name", "/metadata/namespace"];
    if same.iter().any(|at| old.pointer(at) != new.pointer(at)) {
        return;
    }
    let kind = text(new, "/kind");
    let Some((kind, fields)) = FIXED.iter().find(|(name, _)| *name == kind) else {
        return;
    };
    for field in *fields {
        if old.pointer(field) != new.pointer(field) && is_refused(field, old) {
            let name = field.trim_start_matches('/').replace('/', ".");
            let object = legible(text(new, "/metadata/name"));
            found.push(
                Flag::KubernetesObjectReplaced,
                format!("`{name}` of the {kind} `{object}` changes, which Kubernetes refuses"),
                Some(
                    "nothing changes until someone deletes the object so that it is recreated"
                        .to_owned(),
                ),
            );
        }
    }
}

/// An address that nobody asked for isn't fixed by the file.
fn is_refused(field: &str, old: &Json) -> bool {
    field != "/spec/clusterIP"
        || !matches!(old.pointer(field), None | Some(Json::Null))
            && old.pointer(field) != Some(&json!(""))
}
