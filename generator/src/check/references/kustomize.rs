//! What `kustomization.yaml` names, and what the cluster's own patches change.
//! Pure.
//!
//! kustomize refuses everything where one file is missing, or one patch finds
//! no object
//! (<https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/builtins/PatchTransformer.go>).

use super::Files;
use crate::load::node::{Node, Value};
use crate::nearest::did_you_mean;
use crate::sentence::list;

const KUSTOMIZATION: &str = "kubernetes/kustomization.yaml";

/// An object that is rendered, as a patch names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    api_version: String,
    kind: String,
    name: String,
}

impl Object {
    fn of(node: &Node) -> Option<Self> {
        let text = |node: Option<&Node>| node.and_then(Node::as_str).map(ToOwned::to_owned);
        Some(Self {
            api_version: text(node.get("apiVersion"))?,
            kind: text(node.get("kind"))?,
            name: text(node.get("metadata")?.get("name"))?,
        })
    }
}

pub(super) fn check(files: &mut Files<'_>) {
    let Some(kustomization) = files.yaml(KUSTOMIZATION) else {
        return;
    };
    let mut named = Vec::new();
    let resources = items(kustomization.get("resources"));
    named.extend(
        resources
            .iter()
            .filter_map(|own| Some((*own, own.as_str()?))),
    );
    for generator in ["configMapGenerator", "secretGenerator"] {
        for generated in items(kustomization.get(generator)) {
            for file in items(generated.get("files")) {
                let Some(text) = file.as_str() else { continue };
                named.push((file, text.split_once('=').map_or(text, |(_, path)| path)));
            }
        }
    }
    let patches = items(kustomization.get("patches"));
    named.extend(patches.iter().filter_map(|patch| {
        let path = patch.get("path")?;
        Some((path, path.as_str()?))
    }));
    for (node, path) in &named {
        // What is elsewhere is not ours to know.
        if path.contains(':') || path.starts_with("..") {
            continue;
        }
        let own = format!("kubernetes/{path}");
        if !files.has(&own) && !files.has(&format!("{own}/kustomization.yaml")) {
            files.tell_node(
                KUSTOMIZATION,
                node,
                format!("`{path}` is named here and not rendered, so kustomize would refuse the whole cluster"),
                "a template that renders nothing creates no file: remove its name in a template `kubernetes/kustomization.yaml` of your own".to_owned(),
            );
        }
    }
    let with_target: Vec<String> = patches
        .iter()
        .filter(|patch| patch.get("target").is_some())
        .filter_map(|patch| Some(patch.get("path")?.as_str()?.to_owned()))
        .collect();
    let of_patches: Vec<String> = files
        .tree
        .files()
        .map(|(path, _)| path.as_str().to_owned())
        .filter(|path| path.starts_with("kubernetes/patches/") && path.ends_with(".yaml"))
        .filter(|path| !with_target.iter().any(|own| path.ends_with(own.as_str())))
        .collect();
    if of_patches.is_empty() {
        return;
    }
    let objects = objects(files, &kustomization, &resources);
    for path in of_patches {
        check_patch(files, &path, &objects);
    }
}

fn items(node: Option<&Node>) -> Vec<&Node> {
    match node.map(|node| &node.value) {
        Some(Value::Sequence(items)) => items.iter().collect(),
        _ => Vec::new(),
    }
}

/// Every object that kustomize knows of.
fn objects(files: &Files<'_>, kustomization: &Node, resources: &[&Node]) -> Vec<Object> {
    let mut found: Vec<Object> = resources
        .iter()
        .filter_map(|resource| {
            let node = files.yaml(&format!("kubernetes/{}", resource.as_str()?))?;
            Object::of(&node)
        })
        .collect();
    for (generator, kind) in [
        ("configMapGenerator", "ConfigMap"),
        ("secretGenerator", "Secret"),
    ] {
        let generated = items(kustomization.get(generator));
        found.extend(generated.into_iter().filter_map(|own| {
            Some(Object {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                name: own.get("name")?.as_str()?.to_owned(),
            })
        }));
    }
    found
}

fn check_patch(files: &mut Files<'_>, path: &str, objects: &[Object]) {
    let Some(patch) = files.yaml(path) else {
        return;
    };
    if matches!(patch.value, Value::Sequence(_)) {
        files.tell(
            path,
            (patch.span.start as usize, patch.span.start as usize),
            "a list of operations doesn't say which object it is for, so kustomize would refuse the whole cluster".to_owned(),
            "write the object's `apiVersion`, `kind` and `metadata.name`, and what changes in it".to_owned(),
        );
        return;
    }
    let name = patch
        .get("metadata")
        .and_then(|metadata| metadata.get("name"));
    let (Some(object), Some(name)) = (Object::of(&patch), name) else {
        if name.is_none() && patch.get("kind").is_some() {
            files.tell(
                path,
                (patch.span.start as usize, patch.span.start as usize),
                "the patch doesn't name its object, so kustomize would refuse the whole cluster"
                    .to_owned(),
                "add `metadata: { name: … }`".to_owned(),
            );
        }
        return;
    };
    if objects.contains(&object) {
        let namespace = patch
            .get("metadata")
            .and_then(|metadata| metadata.get("namespace"))
            // What kustomize takes no namespace for.
            .filter(|namespace| namespace.as_str() != Some("default"));
        if let Some(namespace) = namespace {
            files.tell_node(
                path,
                namespace,
                "objects get their namespace after patches, so kustomize finds none in this one and would refuse the whole cluster".to_owned(),
                "remove `metadata.namespace`".to_owned(),
            );
        }
        return;
    }
    let same = |other: &&Object| other.kind == object.kind && other.name == object.name;
    if let Some(other) = objects.iter().find(same) {
        if let Some(version) = patch.get("apiVersion") {
            files.tell_node(
                path,
                version,
                format!("`{} {}` is of `{}`, so kustomize finds none and would refuse the whole cluster", object.kind, object.name, other.api_version),
                format!("write `apiVersion: {}`", other.api_version),
            );
        }
        return;
    }
    let of_kind: Vec<&str> = objects
        .iter()
        .filter(|other| other.kind == object.kind)
        .map(|other| other.name.as_str())
        .collect();
    let hint = match did_you_mean(&object.name, of_kind.iter().copied()) {
        Some(hint) => hint,
        None if of_kind.is_empty() => format!("no `{}` is rendered: remove the patch", object.kind),
        None => format!("those of this kind are {}", list(&of_kind)),
    };
    let message = format!(
        "no `{} {}` is rendered, so kustomize would refuse the whole cluster",
        object.kind, object.name
    );
    files.tell_node(path, name, message, hint);
}
