//! A patch of kustomize, applied to an object: what kustomize makes of it, the
//! order of lists included. Pure.
//!
//! Strategic merge patches
//! (<https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md>)
//! and JSON patches (<https://datatracker.ietf.org/doc/html/rfc6902>), as far as rules look at what they change.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::list_keys::{self, Lists};

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

/// What a patch makes of an object; nothing if it deletes it.
pub fn patched(object: &Json, patch: &Json) -> Option<Json> {
    if patch.is_array() {
        // kustomize refuses operations that don't fit, so that nothing changes.
        return Some(by_operations(object, patch).unwrap_or_else(|| object.clone()));
    }
    let mut result = object.clone();
    // Of kinds that Kubernetes doesn't know, no list has a key.
    let api_version = text(object, "/apiVersion");
    let kind = format!("{api_version} {}", text(object, "/kind"));
    let lists = is_built_in(api_version).then(|| list_keys::of_kind(&kind));
    merge(&mut result, patch, lists, 0).then_some(result)
}

fn by_operations(object: &Json, patch: &Json) -> Option<Json> {
    let operations = json_patch::Patch::deserialize(patch).ok()?;
    let mut result = object.clone();
    json_patch::patch(&mut result, &operations).ok()?;
    Some(result)
}

fn is_built_in(api_version: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// Merges a patch in; false if the value goes.
fn merge(value: &mut Json, patch: &Json, lists: Option<Lists>, depth: usize) -> bool {
    let Json::Object(changes) = patch else {
        value.clone_from(patch);
        return true;
    };
    match text(patch, "/$patch") {
        "delete" => return false,
        "replace" => {
            *value = plain(patch);
            return true;
        }
        _ => {}
    }
    if !value.is_object() {
        *value = json!({});
    }
    if let (Json::Object(members), true) = (value, depth < MAX_DEPTH) {
        merge_members(members, changes, lists, depth);
    }
    true
}

fn merge_members(
    members: &mut Map<String, Json>,
    changes: &Map<String, Json>,
    lists: Option<Lists>,
    depth: usize,
) {
    if let Some(Json::Array(kept)) = changes.get("$retainKeys") {
        members.retain(|key, _| kept.iter().any(|kept| kept == key.as_str()));
    }
    for (key, change) in changes {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Json::Array(items)), Json::Array(gone)) = (members.get_mut(list), change) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        let keys = lists.and_then(|lists| lists.key_of(key));
        match (change, keys) {
            (Json::Null, _) => {
                members.shift_remove(key);
            }
            (Json::Array(items), Some(keys)) => {
                let list = members.entry(key.as_str()).or_insert_with(|| json!([]));
                merge_list(list, items, (keys, lists), depth);
            }
            _ => {
                let member = members.entry(key.as_str()).or_insert(Json::Null);
                if !merge(member, change, lists, depth + 1) {
                    members.shift_remove(key);
                }
            }
        }
    }
}

/// Whether two items are the same one: their first fields are equal, and each other
/// field that both have.
fn are_same(one: &Json, other: &Json, keys: &[String]) -> bool {
    keys.iter().enumerate().all(|(number, key)| {
        let values = (one.get(key), other.get(key));
        match values {
            (Some(one), Some(other)) => one == other,
            _ => number > 0,
        }
    })
}

/// Whether more than one field tells items of these lists apart.
fn has_second(list: &[Json], changes: &[Json], keys: &[String]) -> bool {
    let mut items = list.iter().chain(changes);
    items.any(|item| keys.iter().skip(1).any(|key| item.get(key).is_some()))
}

/// What a patch lists comes first, in its order: so does kustomize. Where items
/// have two keys, that holds only for new ones, and others stay where they are.
fn merge_list(
    list: &mut Json,
    changes: &[Json],
    (keys, lists): (&[String], Option<Lists>),
    depth: usize,
) {
    let directive = |item: &Json, wanted: &str| text(item, "/$patch") == wanted;
    if changes.iter().any(|item| directive(item, "replace")) {
        let items = changes.iter().filter(|item| !directive(item, "replace"));
        *list = items.map(plain).collect();
        return;
    }
    let Json::Array(items) = list else {
        *list = changes.iter().map(plain).collect();
        return;
    };
    let stays_in_place = has_second(items, changes, keys);
    let mut first = Vec::with_capacity(changes.len());
    for change in changes {
        let at = items.iter().position(|item| are_same(item, change, keys));
        match at {
            Some(at) => {
                let mut item = items.remove(at);
                if merge(&mut item, change, lists, depth + 1) {
                    if stays_in_place {
                        items.insert(at, item);
                    } else {
                        first.push(item);
                    }
                }
            }
            None if directive(change, "delete") => {}
            None => first.push(plain(change)),
        }
    }
    first.append(items);
    *items = first;
}

/// The text at a pointer; none is empty.
fn text<'j>(value: &'j Json, pointer: &str) -> &'j str {
    let found = value.pointer(pointer).and_then(Json::as_str);
    found.unwrap_or_default()
}

/// A patch's value without its directives, and without what it takes away.
fn plain(patch: &Json) -> Json {
    match patch {
        Json::Object(members) => {
            let members = members
                .iter()
                .filter(|(key, value)| !key.starts_with('$') && !value.is_null());
            Json::Object(
                members
                    .map(|(key, value)| (key.clone(), plain(value)))
                    .collect(),
            )
        }
        Json::Array(items) => {
            let stays = |item: &&Json| text(item, "/$patch").is_empty();
            items.iter().filter(stays).map(plain).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(spec: &Json) -> Json {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "x"}, "spec": {"template": {"spec": spec}}})
    }

    fn merged(old: &Json, patch: &Json) -> Json {
        patched(&set(old), &set(patch)).expect("it stays")["spec"]["template"]["spec"].clone()
    }

    #[test]
    fn maps_are_merged_and_null_takes_away() {
        let old = json!({"tolerations": [{"key": "a"}], "nodeSelector": {"a": "1"}});
        assert_eq!(
            merged(
                &old,
                &json!({"tolerations": null, "nodeSelector": {"b": "2"}})
            ),
            json!({"nodeSelector": {"a": "1", "b": "2"}})
        );
    }

    #[test]
    fn lists_are_merged_by_their_keys_or_replaced() {
        let old = json!({
            "containers": [{"name": "a", "image": "a:2", "env": [{"name": "E", "value": "1"}],
                "volumeMounts": [{"mountPath": "/a", "name": "v"}]}, {"name": "b"}],
            "tolerations": [{"key": "a"}],
        });
        let patch = json!({
            "containers": [{"name": "a", "image": "a:1", "env": [{"name": "E", "value": "2"}, {"name": "F"}],
                "volumeMounts": [{"mountPath": "/a", "$patch": "delete"}]}, {"name": "b", "$patch": "delete"}],
            "tolerations": [{"key": "b"}],
        });
        assert_eq!(
            merged(&old, &patch),
            json!({
                "containers": [{"name": "a", "image": "a:1", "env": [{"name": "E", "value": "2"}, {"name": "F"}], "volumeMounts": []}],
                "tolerations": [{"key": "b"}],
            })
        );
        let replaced = json!({"containers": [{"$patch": "replace"}, {"name": "c"}]});
        assert_eq!(
            merged(&old, &replaced)["containers"],
            json!([{"name": "c"}])
        );
    }

    #[test]
    fn objects_are_deleted_and_replaced_as_a_whole() {
        let old = set(&json!({"a": 1}));
        assert_eq!(
            patched(&old, &json!({"$patch": "delete", "kind": "DaemonSet"})),
            None
        );
        let patch = json!({"spec": {"$patch": "replace", "b": 2}});
        assert_eq!(
            patched(&old, &patch).expect("it stays")["spec"],
            json!({"b": 2})
        );
    }

    #[test]
    fn kinds_of_others_have_no_keyed_lists() {
        let old = json!({"apiVersion": "example.com/v1", "spec": {"env": [{"name": "a"}]}});
        let patch = json!({"spec": {"env": [{"name": "b"}]}});
        assert_eq!(
            patched(&old, &patch).expect("it stays")["spec"]["env"],
            json!([{"name": "b"}])
        );
    }

    #[test]
    fn operations_are_done_in_order() {
        let patch = json!([
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "b"},
            {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "d"}},
            {"op": "remove", "path": "/spec/template/spec/nodeSelector"},
            {"op": "copy", "from": "/kind", "path": "/metadata/a~1b"},
        ]);
        let old = set(&json!({"containers": [{"image": "a"}], "nodeSelector": {}}));
        let new = patched(&old, &patch).expect("it stays");
        assert_eq!(
            new["spec"]["template"]["spec"],
            json!({"containers": [{"image": "b"}, {"name": "d"}]})
        );
        assert_eq!(new["metadata"]["a/b"], "DaemonSet");
    }

    #[test]
    fn nothing_changes_if_one_operation_does_not_fit() {
        let patch = json!([
            {"op": "add", "path": "/spec/paused", "value": true},
            {"op": "remove", "path": "/spec/nowhere/1"},
        ]);
        let old = set(&json!({"containers": []}));
        assert_eq!(patched(&old, &patch), Some(old));
    }
}
