//! Workloads that stay, and run on fewer machines. Pure.
//!
//! <https://kubernetes.io/docs/concepts/scheduling-eviction/>

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::values::{containers, items, text, texts};
use super::wording::some_names;

pub(super) fn lost_tolerations(old: &Json, new: &Json) -> Option<String> {
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let after = list(new);
    let lost = list(old).into_iter();
    let lost = lost.filter(|old| !after.iter().any(|new| tolerates(new, old)));
    some_names(lost.map(|toleration| taint(&toleration)))
}

/// Labels of `nodeSelector` that are asked for as well.
pub(super) fn more_labels(old: &Json, new: &Json) -> Option<String> {
    let labels = new.as_object().into_iter().flatten();
    let more = labels.filter(|(key, value)| old.get(key) != Some(value) && !is_linux(key, value));
    let more = more.map(|(key, value)| format!("`{key}={}`", texts(Some(value)).join(",")));
    some_names(more)
}

pub(super) fn asks_for_more(old: &Json, new: &Json) -> Option<String> {
    let is_more = required(new).is_some_and(|new| !takes_all(&new, required(old).as_deref()));
    is_more.then(String::new)
}

/// A container for Linux starts on no other system, so asking for it leaves no
/// machine out (<https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-os>).
fn is_linux(key: &str, value: &Json) -> bool {
    key == "kubernetes.io/os" && value == "linux"
}

/// Whether what is asked for leaves no machine out: Fargate runs no `DaemonSet`
/// (<https://docs.aws.amazon.com/eks/latest/userguide/fargate.html>).
fn is_no_fargate(expression: &Json) -> bool {
    text(expression, "/key") == "eks.amazonaws.com/compute-type"
        && text(expression, "/operator") == "NotIn"
        && texts(expression.get("values")) == ["fargate"]
}

/// Whether a toleration tolerates all that another one does
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>).
fn tolerates(wider: &Json, narrower: &Json) -> bool {
    let field = |toleration: &Json, key: &str| text(toleration, &format!("/{key}")).to_owned();
    let takes_any_value = field(wider, "operator") == "Exists";
    let key = field(wider, "key");
    let same_key = key == field(narrower, "key") || key.is_empty() && takes_any_value;
    let takes_value = takes_any_value
        || field(narrower, "operator") != "Exists"
            && field(wider, "value") == field(narrower, "value");
    let effect = field(wider, "effect");
    same_key && takes_value && (effect.is_empty() || effect == field(narrower, "effect"))
}

/// A taint as `kubectl taint` writes it.
fn taint(toleration: &Json) -> String {
    let [key, value, effect] =
        ["key", "value", "effect"].map(|key| text(toleration, &format!("/{key}")));
    let key = if key.is_empty() { "every taint" } else { key };
    let part = |sign: &str, part: &str| match part {
        "" => String::new(),
        part => format!("{sign}{part}"),
    };
    format!("`{key}{}{}`", part("=", value), part(":", effect))
}

/// What of a machine is asked for: terms, of which one must hold.
fn required(affinity: &Json) -> Option<Vec<Json>> {
    let at = "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    Some(affinity.pointer(at)?.as_array()?.clone())
}

fn takes_all(new: &[Json], old: Option<&[Json]>) -> bool {
    let any_machine = [json!({})];
    let old = old.unwrap_or(&any_machine);
    old.iter()
        .all(|narrower| new.iter().any(|wider| takes_term(wider, narrower)))
}

/// Whether all that a term asks for is asked for by another one as well.
fn takes_term(wider: &Json, narrower: &Json) -> bool {
    ["matchExpressions", "matchFields"].iter().all(|list| {
        let theirs = items(narrower, list);
        items(wider, list)
            .iter()
            .filter(|asked| !is_no_fargate(asked))
            .all(|asked| theirs.iter().any(|other| is_implied(asked, other)))
    })
}

fn is_implied(asked: &Json, by: &Json) -> bool {
    let same = ["key", "operator"]
        .iter()
        .all(|key| asked.get(key) == by.get(key));
    let (ours, theirs) = (texts(asked.get("values")), texts(by.get("values")));
    same && match text(asked, "/operator") {
        "In" => theirs.iter().all(|value| ours.contains(value)),
        "NotIn" => ours.iter().all(|value| theirs.contains(value)),
        _ => ours == theirs,
    }
}

/// Folders of the machine that a container saw, and none does now.
pub(super) fn lost_folders(old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (folders(old), folders(new));
    // A folder below it is what is needed of it.
    let is_seen = |path: &str, other: &str| {
        Path::new(path).starts_with(other) || Path::new(other).starts_with(path)
    };
    let is_lost = |path: &String| !after.iter().any(|other| is_seen(path, other));
    some_names(before.into_iter().filter(is_lost))
}

fn folders(spec: &Json) -> BTreeSet<String> {
    let containers = containers(spec).into_iter();
    let mounted: BTreeSet<&str> = containers
        .flat_map(|(_, container)| items(container, "volumeMounts"))
        .map(|mount| text(mount, "/name"))
        .collect();
    let volumes = items(spec, "volumes").iter();
    let mounted = volumes.filter(|volume| mounted.contains(text(volume, "/name")));
    let paths = mounted.filter_map(|volume| volume.pointer("/hostPath/path")?.as_str());
    paths.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of_pods, of_values};
    use super::*;

    fn stops(old: &Json, new: &Json) -> Vec<String> {
        of_pods(old, new)
    }

    #[test]
    fn machines_that_are_no_longer_reached_are_reported() {
        let with = |tolerations: Json| json!({"tolerations": tolerations});
        let all = with(json!([{"operator": "Exists"}]));
        let some = with(json!([{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]));
        assert_eq!(
            stops(&all, &some),
            ["source-stops: the DaemonSet `x` no longer tolerates `every taint`"]
        );
        assert_eq!(
            stops(&some, &with(json!([]))),
            ["source-stops: the DaemonSet `x` no longer tolerates `gpu:NoSchedule`"]
        );
        assert!(stops(&some, &all).is_empty());
        let one = with(json!([{"key": "a", "value": "1", "effect": "NoSchedule"}]));
        assert!(stops(&one, &with(json!([{"key": "a", "operator": "Exists"}]))).is_empty());
        assert_eq!(
            stops(&one, &with(json!([{"key": "a", "value": "2"}]))).len(),
            1
        );
        let linux = json!({"nodeSelector": {"os": "linux"}});
        let arm = json!({"nodeSelector": {"os": "linux", "arch": "arm64"}});
        assert_eq!(
            stops(&linux, &arm),
            ["source-stops: the DaemonSet `x` runs only on machines with `arch=arm64`"]
        );
        assert!(stops(&arm, &linux).is_empty());
    }

    #[test]
    fn what_no_machine_of_ours_lacks_leaves_none_out() {
        let plain = json!({});
        let linux = json!({"nodeSelector": {"kubernetes.io/os": "linux"}});
        let windows = json!({"nodeSelector": {"kubernetes.io/os": "windows"}});
        assert!(stops(&plain, &linux).is_empty());
        assert_eq!(stops(&plain, &windows).len(), 1);
        let without = |kind: &str| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": [kind]}]}
            ]}}}})
        };
        assert!(stops(&plain, &without("fargate")).is_empty());
        assert_eq!(stops(&plain, &without("auto")).len(), 1);
    }

    #[test]
    fn affinities_that_ask_for_more_are_reported() {
        let with = |terms: Json| json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
        let of = |values: &[&str]| json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": values}]}]);
        let (one, two) = (with(of(&["a"])), with(of(&["a", "b"])));
        assert_eq!(stops(&json!({}), &two).len(), 1);
        assert_eq!(stops(&two, &one).len(), 1);
        for (old, new) in [(&one, &two), (&two, &json!({})), (&two, &two)] {
            assert!(stops(old, new).is_empty());
        }
    }

    #[test]
    fn folders_that_are_no_longer_seen_are_reported() {
        let with = |path: &str| {
            json!({"containers": [{"name": "a", "volumeMounts": [{"name": "v", "readOnly": true}]}],
                "volumes": [{"name": "v", "hostPath": {"path": path}}]})
        };
        let reported = stops(&with("/var/log"), &json!({}));
        assert_eq!(
            reported,
            ["source-stops: the DaemonSet `x` no longer mounts /var/log of its machine"]
        );
        assert!(
            !stops(&with("/var/log/pods"), &with("/var/log"))
                .concat()
                .contains("no longer sees")
        );
    }

    #[test]
    fn what_runs_no_pod_is_reported() {
        let set = |replicas: u64| json!({"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": replicas}});
        let path = "kubernetes/x.yaml";
        assert_eq!(
            of_values(path, &set(2), &set(0)),
            ["source-stops: the Deployment `x` no longer runs any pods"]
        );
        assert!(of_values(path, &set(2), &set(1)).is_empty());
        assert!(of_values(path, &set(0), &set(2)).is_empty());
    }
}
