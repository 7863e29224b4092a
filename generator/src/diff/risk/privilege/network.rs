//! `NetworkPolicies`: who may connect to pods, and where pods may connect to. Pure.
//!
//! <https://kubernetes.io/docs/concepts/services-networking/network-policies/>

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, is_workload, items, objects, text, texts};

/// The lists of a policy, what in their rules says with whom, and what they mean.
const DIRECTIONS: [(&str, &str, &str, &str); 2] = [
    ("Ingress", "ingress", "from", "more may connect to pods"),
    ("Egress", "egress", "to", "pods may connect to more"),
];

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let is_policy = |value: &&Json| text(value, "/kind") == "NetworkPolicy";
    if let Some(old) = change.removed_object().filter(is_policy) {
        if has_pods(change, old) {
            let what = "nothing limits any more who may connect to pods (`NetworkPolicy`)";
            let live = change.around.applier.of_removed();
            found.push(Flag::PrivilegeWidens, what, Some(live));
        }
        return;
    }
    let Some((old, new)) = change.values().filter(|(_, new)| is_policy(new)) else {
        return;
    };
    let [old_spec, new_spec] = [old, new].map(|value| value.get("spec").unwrap_or(&Json::Null));
    if old_spec.get("podSelector") != new_spec.get("podSelector") {
        let what = "a NetworkPolicy is for other pods";
        found.push(Flag::PrivilegeWidens, what, None);
    }
    for (kind, list, peers, what) in DIRECTIONS {
        let [before, after] = [old_spec, new_spec].map(|spec| {
            let is_limited = limits(spec, kind, list);
            is_limited.then(|| items(spec, list))
        });
        let Some(before) = before else {
            continue;
        };
        let is_kept = |rule: &Json| before.iter().any(|old| takes(old, rule, peers));
        if !after.is_some_and(|after| after.iter().all(is_kept)) {
            let what = format!("{what} (`NetworkPolicy`)");
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
}

/// Whether a policy says anything of a direction. Without `policyTypes` it does
/// of what comes in, and of what goes out if it has rules for it.
fn limits(spec: &Json, kind: &str, list: &str) -> bool {
    match spec.get("policyTypes") {
        None => kind == "Ingress" || spec.get(list).is_some(),
        kinds => texts(kinds).iter().any(|own| own == kind),
    }
}

/// Whether a rule permits all that another one does. Rules without peers or
/// ports are for all of them.
fn takes(old: &Json, new: &Json, peers: &str) -> bool {
    [peers, "ports"].iter().all(|key| {
        let (before, after) = (items(old, key), items(new, key));
        before.is_empty() || !after.is_empty() && after.iter().all(|one| before.contains(one))
    })
}

/// Whether pods that a policy was for are still there.
fn has_pods(change: &Change<'_>, policy: &Json) -> bool {
    let labels = policy.pointer("/spec/podSelector/matchLabels");
    let wanted = labels
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default();
    let is_of = |object: &Json| {
        let own = object.pointer("/spec/template/metadata/labels");
        is_workload(text(object, "/kind"))
            && wanted
                .iter()
                .all(|(key, value)| own.and_then(|own| own.get(key)) == Some(value))
    };
    objects(change.around.head, "template").any(is_of)
}
