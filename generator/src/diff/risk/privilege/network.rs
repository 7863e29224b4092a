//! `NetworkPolicies`: who may connect to pods, and where pods may connect to. Pure.
//!
//! <https://kubernetes.io/docs/concepts/services-networking/network-policies/>

use serde_json::Value as Json;

use crate::diff::risk::row::Among;
use crate::diff::risk::values::{is_workload, items, objects, text, texts};

/// The lists of a policy, what in their rules says with whom, and what they mean.
const DIRECTIONS: [(&str, &str, &str, &str); 2] = [
    ("Ingress", "ingress", "from", "more may connect to pods"),
    ("Egress", "egress", "to", "pods may connect to more"),
];

/// What the specification of a policy permits as well.
pub(in crate::diff::risk) fn opens(old: &Json, new: &Json) -> Vec<String> {
    let directions = DIRECTIONS
        .into_iter()
        .filter_map(|(kind, list, peers, what)| {
            let limits = |spec| limits(spec, kind, list).then(|| items(spec, list));
            let before = limits(old)?;
            let is_kept = |rule: &Json| before.iter().any(|old| takes(old, rule, peers));
            let is_as_closed = limits(new).is_some_and(|after| after.iter().all(is_kept));
            (!is_as_closed).then(|| what.to_owned())
        });
    directions.collect()
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
pub(in crate::diff::risk) fn has_pods(among: &Among<'_>) -> bool {
    let policy = among.values()[0];
    let labels = policy.and_then(|policy| policy.pointer("/spec/podSelector/matchLabels"));
    let wanted = labels
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default();
    let is_of = |object: &Json| {
        let own = object.pointer("/spec/template/metadata/labels");
        let has = |(key, value)| own.and_then(|own| own.get(key)) == Some(value);
        is_workload(text(object, "/kind")) && wanted.iter().all(has)
    };
    objects(among.around.head, "template").any(is_of)
}
