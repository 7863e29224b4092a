//! Values of objects of AWS and Kubernetes, as rows and facts read them. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::diff::documents::{Document, Documents};

/// Whether it is a fragment: what hangs on the members of one type
/// (docs/decisions/0013-cloudformation-and-fragments.md).
pub(super) fn is_fragment(value: &Json) -> bool {
    value.get("member_type").is_some()
}

/// The resources of a template, or of a fragment, by logical id.
pub(super) fn resources(value: Option<&Json>) -> BTreeMap<&str, &Json> {
    let Some(value) = value else {
        return BTreeMap::new();
    };
    let lists: &[&str] = if is_fragment(value) {
        &["resources", "once"]
    } else {
        &["Resources"]
    };
    let maps = lists.iter().filter_map(|list| value.get(list)?.as_object());
    let all = maps.flatten();
    all.map(|(id, resource)| (id.as_str(), resource)).collect()
}

/// Kind, namespace and name of an object of Kubernetes.
pub(super) type Identity<'t> = (&'t str, &'t str, &'t str);

pub(super) fn identity(value: &Json) -> Option<Identity<'_>> {
    let name = value.pointer("/metadata/name")?.as_str()?;
    let kind = value.get("kind")?.as_str()?;
    Some((kind, text(value, "/metadata/namespace"), name))
}

/// Whether an object is among the files, which are read for it.
pub(super) fn has_object(files: &Documents<'_>, wanted: Identity<'_>) -> bool {
    objects(files, wanted.2).any(|value| identity(value) == Some(wanted))
}

/// The objects of Kubernetes whose text has that word in it.
pub(super) fn objects<'d>(
    files: &'d Documents<'_>,
    word: &'d str,
) -> impl Iterator<Item = &'d Json> {
    let objects = files.iter().filter(move |file| {
        let path = file.path();
        let is_object = path.ends_with(".yaml") && !path.contains("/patches/");
        is_object && file.text().is_some_and(|text| text.contains(word))
    });
    objects.filter_map(Document::value)
}

/// Whether a kind of Kubernetes runs pods.
pub(super) fn is_workload(kind: &str) -> bool {
    matches!(
        kind,
        "DaemonSet" | "Deployment" | "StatefulSet" | "CronJob" | "Job" | "Pod"
    )
}

/// The specification of the pods that an object runs.
pub(super) fn pod_spec(value: &Json) -> Option<&Json> {
    match text(value, "/kind") {
        "Pod" => value.get("spec"),
        "CronJob" => value.pointer("/spec/jobTemplate/spec/template/spec"),
        kind if is_workload(kind) => value.pointer("/spec/template/spec"),
        _ => None,
    }
}

/// The containers of a pod, each with its name, those of its start among them.
pub(super) fn containers(spec: &Json) -> Vec<(&str, &Json)> {
    let lists = ["containers", "initContainers"].into_iter();
    let items = lists.flat_map(|list| items(spec, list));
    items.map(|item| (text(item, "/name"), item)).collect()
}

/// The text at a pointer; empty if there is none.
pub(super) fn text<'t>(value: &'t Json, pointer: &str) -> &'t str {
    value
        .pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_default()
}

/// The items of a list under a key, or at a pointer, which begins with `/`; none if it is no list.
pub(super) fn items<'t>(value: &'t Json, at: &str) -> &'t [Json] {
    let list = if at.starts_with('/') {
        value.pointer(at)
    } else {
        value.get(at)
    };
    list.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// A value that is one text or a list of such, as texts; what is no text as JSON.
pub(super) fn texts(value: Option<&Json>) -> Vec<String> {
    let one = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.iter().map(one).collect(),
        Some(value) => vec![one(value)],
    }
}

/// All texts in a value, at any depth.
pub(super) fn texts_in(value: &Json) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Json::String(text) => found.push(text.as_str()),
            Json::Array(items) => open.extend(items),
            Json::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    found
}
