//! Workloads and other objects of Kubernetes, and the rows about their fields. Pure.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/>

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value as Json, json};

use super::rows;
use crate::diff::risk::amounts::{lower_limits, lower_requests, requests};
use crate::diff::risk::machines::{asks_for_more, lost_folders, lost_tolerations, more_labels};
use crate::diff::risk::objects::{
    CONTAINER, GENERATED, KUSTOMIZATION, KUSTOMIZE_IMAGE, OBJECT, PODS,
};
use crate::diff::risk::privilege::{network, rbac};
use crate::diff::risk::role;
use crate::diff::risk::row::{Live, Read, Row, When};
use crate::diff::risk::values::{containers, items, text, texts};
use crate::diff::risk::wording::names;
use crate::diff::risk::{config_map, image};
use crate::settings::Flag;
use Live::{Is, OfApplier, Unsaid};
use Read::{By, Of, Value};
use When::{
    Becomes, Ceases, Changes, Each, EachAmong, EachOfNew, Fewer, Gone, GoneIf, Has, Higher, If,
    Lower, More,
};

const WORKLOADS: &str = "DaemonSet|Deployment|StatefulSet|CronJob|Job|Pod";
const ENDS: Live = Is("its pods are terminated when it is applied");
const FEWER: Live =
    Is("its pods on other machines are terminated, and what is logged there is not shipped");
const NEEDED: &str = "{title} is removed, but pods still need it";
const RESTARTED: Live = Is("its pods are restarted with it as soon as it is applied");
const NO_START: Live = Is("pods that need it don't start any more, or run without it");
const IMMUTABLE: &str = "{aspect} of {title} changes, which Kubernetes refuses";
const REFUSED: Live =
    Is("nothing changes until someone deletes the object so that it is recreated");

pub(super) const ROWS: &[Row] = rows! {
    WORKLOADS => {
        "": Value, Gone => SourceStops, "{title} is no longer applied", OfApplier;
    }
    OBJECT => {
        "spec/replicas": Value, Becomes("0") => SourceStops, "{title} no longer runs any pods", ENDS;
    }
    // Pods of others run on whatever machine is left.
    "DaemonSet" => {
        "spec/template/spec/tolerations": Value, If(lost_tolerations) => SourceStops,
            "{title} no longer tolerates {it}", FEWER;
        "spec/template/spec/nodeSelector": Value, If(more_labels) => SourceStops,
            "{title} runs only on machines with {it}", FEWER;
        "spec/template/spec/affinity": Value, If(asks_for_more) => SourceStops,
            "the node affinity of {title} is stricter", FEWER;
        "spec/template/spec": Value, If(lost_folders) => SourceStops,
            "{title} no longer mounts {it} of its machine", Unsaid;
    }
    // <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates>
    "DaemonSet|Deployment|StatefulSet" => {
        "spec/selector": Value, Changes => KubernetesObjectReplaced, IMMUTABLE, REFUSED;
    }
    // <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>
    "StatefulSet" => {
        "spec/serviceName" | "spec/volumeClaimTemplates" | "spec/podManagementPolicy": Value, Changes
            => KubernetesObjectReplaced, IMMUTABLE, REFUSED;
    }
    // <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#clusterrolebinding-example>
    "ClusterRoleBinding|RoleBinding" => {
        "": Value, GoneIf(role::is_needed) => RoleRemoved, NEEDED, OfApplier;
        "roleRef": Value, Changes => PrivilegeWidens,
            "the subjects of a binding get another role", Unsaid;
        "roleRef/name": Value, Has("cluster-admin") => PrivilegeWidens,
            "the subjects of a binding may do everything in the whole cluster", Unsaid;
        "subjects": Value, EachAmong(rbac::more_subjects) => PrivilegeWidens, "{it}", Unsaid;
        "roleRef": Value, Changes => KubernetesObjectReplaced, IMMUTABLE, REFUSED;
    }
    "ClusterRole|Role" => {
        "": Value, GoneIf(role::is_needed) => RoleRemoved, NEEDED, OfApplier;
        "rules": Value, If(rbac::more_rights) => PrivilegeWidens, "a role may {it} as well", Unsaid;
        "all rights": By(rbac::has_all_rights), Has("true") => PrivilegeWidens,
            "a role may do everything with every kind of object", Unsaid;
        "aggregationRule/clusterRoleSelectors": Value, More => PrivilegeWidens,
            "a role may do whatever other roles permit (`aggregationRule`)", Unsaid;
        "metadata/labels": By(rbac::added_to), More => PrivilegeWidens,
            "what a role permits is added to {it}", Unsaid;
    }
    "ServiceAccount" => {
        "": Value, GoneIf(role::is_needed) => RoleRemoved, NEEDED, OfApplier;
        "metadata/annotations": By(rbac::role_of_aws), If(rbac::another_role) => PrivilegeWidens,
            "a ServiceAccount gets {it}", Unsaid;
        "automountServiceAccountToken": Value, Ceases("false") => PrivilegeWidens,
            "pods of a ServiceAccount get its token automatically", Unsaid;
    }
    "NetworkPolicy" => {
        "": Value, GoneIf(network::has_pods) => PrivilegeWidens,
            "a NetworkPolicy no longer limits who may connect to pods", OfApplier;
        "spec/podSelector": Value, Changes => PrivilegeWidens,
            "a NetworkPolicy selects other pods", Unsaid;
        "spec": Value, Each(network::opens) => PrivilegeWidens, "{it} (`NetworkPolicy`)", Unsaid;
    }
    "Service" => {
        "spec/clusterIP": Value, If(fixed_address) => KubernetesObjectReplaced, IMMUTABLE, REFUSED;
        "spec/type": Value, Higher(reach) => PrivilegeWidens,
            "{title} is exposed further: it is a {after} instead of a {before}", Unsaid;
        "spec/type": Value, Lower(reach) => SourceStops,
            "{title} is exposed less far: it is a {after} instead of a {before}",
            Is("what is sent to it from there is not received");
        "spec/selector": Value, Changes => SourceStops,
            "{title} selects its pods by other labels", Is("what is sent to it is not received if no pod has them");
        "spec/ports": Of("/spec/ports", "/port"), Fewer => SourceStops, "{title} no longer has the port {it}",
            Is("what is sent there is not received");
    }
    // <https://kubernetes.io/docs/concepts/security/pod-security-standards/>
    PODS => {
        // A new workload may need the network of its machine, to be reported beside its source.
        "hostNetwork": Value, Becomes("true") => PrivilegeWidens, "pods use the machine's network", Unsaid;
        "hostPID": Value, Has("true") => PrivilegeWidens,
            "pods see all processes of the machine", Unsaid;
        "hostIPC": Value, Has("true") => PrivilegeWidens,
            "pods share memory with the machine", Unsaid;
        "serviceAccountName": By(account), Changes => PrivilegeWidens,
            "pods have the rights of the ServiceAccount `{after}` instead of `{before}`", Unsaid;
        // Where nothing is said the ServiceAccount decides.
        "automountServiceAccountToken": Value, Ceases("false") => PrivilegeWidens,
            "pods get the token of their ServiceAccount", Unsaid;
        "automountServiceAccountToken": Value, Becomes("true") => PrivilegeWidens,
            "pods get the token of their ServiceAccount", Unsaid;
        "priorityClassName": Value, Lower(priority) => SourceStops,
            "pods have the priority {quoted after} instead of {quoted before}",
            Is("on a full machine, pods of lower priority are evicted for others");
        "mounts": By(mounts), Each(more_folders) => PrivilegeWidens, "a container {it}", Unsaid;
    }
    CONTAINER => {
        "securityContext/privileged": Value, Has("true") => PrivilegeWidens,
            "a container is privileged: it may do what the machine's root may ({parts})", Unsaid;
        "securityContext/allowPrivilegeEscalation": Value, Ceases("false") => PrivilegeWidens,
            "a container's processes may gain privileges ({parts})", Unsaid;
        "securityContext/readOnlyRootFilesystem": Value, Ceases("true") => PrivilegeWidens,
            "a container may write to its own root file system ({parts})", Unsaid;
        "securityContext/seccompProfile": By(is_unconfined), Becomes("true") => PrivilegeWidens,
            "a container may make any system call ({parts})", Unsaid;
        "securityContext/runAsUser": By(may_be_root), Becomes("true") => PrivilegeWidens,
            "a container may run as root ({parts})", Unsaid;
        "securityContext/capabilities/add": Value, If(more_capabilities) => PrivilegeWidens,
            "a container gets {it} ({parts})", Unsaid;
        "securityContext/capabilities/drop": Value, If(drops_less) => PrivilegeWidens,
            "a container keeps capabilities that it used to drop ({parts})", Unsaid;
        "image": Value, EachOfNew(image::of_container) => ImageDowngrade, "the image {it}", Unsaid;
        "command": Value, Changes => SourceStops,
            "a container runs the command {quoted after} instead of {quoted before} ({parts})", RESTARTED;
        "args": Value, Changes => SourceStops,
            "a container runs with the arguments {quoted after} instead of {quoted before} ({parts})", RESTARTED;
        "envFrom": By(config_map::sources), Fewer => SourceStops,
            "a container no longer has the variables of {it} ({parts})", RESTARTED;
        "resources/limits": Value, Each(lower_limits) => SourceStops, "a container {it} ({parts})",
            Is("above its memory limit a container is killed, and loses what it has only in memory; above its CPU limit it is throttled");
        // <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>
        "resources/requests": By(requests), Each(lower_requests) => SourceStops, "a container {it} ({parts})",
            Is("on a machine that runs short, pods that use more than they request are evicted first, and get less CPU");
    }
    // A key is a file of a volume, or a variable.
    GENERATED => {
        "behavior": Value, Changes => SourceStops,
            "{title} is made with `behavior: {after}` instead of {quoted before}",
            Is("without another one to merge with or replace kustomize fails, and nothing is applied");
        "options/disableNameSuffixHash": Value, Becomes("true") => SourceStops,
            "{title} keeps its name when its content changes, so pods keep the old one",
            Is("pods read it when they start, and a change no longer restarts them");
    }
    "ConfigMap|generated ConfigMap" => {
        "": Value, GoneIf(config_map::is_needed) => SourceStops, NEEDED, NO_START;
        "contents": By(config_map::contents), EachAmong(config_map::loses) => SourceStops, "{title} {it}", NO_START;
    }
    KUSTOMIZATION => {
        "namespace": Value, Changes => KubernetesObjectReplaced,
            "every object is recreated in the namespace {quoted after} instead of {quoted before}", OfApplier;
        "generatorOptions/disableNameSuffixHash": Value, Becomes("true") => SourceStops,
            "generated ConfigMaps keep their names when their content changes, so pods keep the old one",
            Is("pods read it when they start, and a change no longer restarts them");
    }
    KUSTOMIZE_IMAGE => {
        "": Value, EachOfNew(image::of_kustomization) => ImageDowngrade, "the image {it}", Unsaid;
    }
};

/// An address that nobody asked for isn't fixed by the file.
fn fixed_address(old: &Json, _: &Json) -> Option<String> {
    let is_asked_for = !old.is_null() && *old != json!("");
    is_asked_for.then(String::new)
}

/// How far away those may be who reach a Service of that type
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types>).
fn reach(kind: &Json) -> Option<u64> {
    let kind = if kind.is_null() { "" } else { kind.as_str()? };
    Some(match kind {
        "LoadBalancer" => 2,
        "NodePort" => 1,
        _ => 0,
    })
}

/// Of classes of one's own nothing is known but that they are below those of the system
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/>).
fn priority(class: &Json) -> Option<u64> {
    let class = if class.is_null() { "" } else { class.as_str()? };
    Some(match class {
        "system-node-critical" => 3,
        "system-cluster-critical" => 2,
        "" => 0,
        _ => 1,
    })
}

fn account(spec: &Json) -> Json {
    match text(spec, "/serviceAccountName") {
        "" => "default".into(),
        name => name.into(),
    }
}

/// Whether nothing filters a container's calls. Where nothing is said nothing
/// does, unless the machine is told to (<https://kubernetes.io/docs/tutorials/security/seccomp/>).
fn is_unconfined(container: &Json) -> Json {
    let kind = container.pointer("/securityContext/seccompProfile/type");
    kind.is_none_or(|kind| kind == "Unconfined").into()
}

fn may_be_root(container: &Json) -> Json {
    let setting = |field: &str| container.pointer(&format!("/securityContext/{field}"));
    let may = match setting("runAsUser") {
        Some(user) => user == 0,
        None => setting("runAsNonRoot") != Some(&Json::Bool(true)),
    };
    may.into()
}

fn set(list: &Json) -> BTreeSet<String> {
    texts(Some(list)).into_iter().collect()
}

fn more_capabilities(old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (set(old), set(new));
    let is_more = !before.contains("ALL") && !after.is_subset(&before);
    is_more.then(|| names(after.difference(&before)))
}

fn drops_less(old: &Json, new: &Json) -> Option<String> {
    let after = set(new);
    let is_less = !set(old).is_subset(&after) && !after.contains("ALL");
    is_less.then(String::new)
}

/// Folders of the machine, and whether something may write there.
fn mounts(spec: &Json) -> Json {
    let mut found: BTreeMap<&str, bool> = BTreeMap::new();
    for volume in items(spec, "volumes") {
        let Some(path) = volume.pointer("/hostPath/path").and_then(Json::as_str) else {
            continue;
        };
        let containers = containers(spec).into_iter();
        let mounts = containers.flat_map(|(_, container)| items(container, "volumeMounts"));
        for mount in mounts.filter(|mount| mount.get("name") == volume.get("name")) {
            let writes = mount.get("readOnly") != Some(&Json::Bool(true));
            *found.entry(path).or_insert(false) |= writes;
        }
    }
    json!(found)
}

fn more_folders(old: &Json, new: &Json) -> Vec<String> {
    let folders = |value: &Json| value.as_object().cloned().unwrap_or_default();
    let before = folders(old);
    let more = folders(new).into_iter().filter_map(|(path, writes)| {
        let above = before
            .iter()
            .filter(|(other, _)| Path::new(&path).starts_with(other));
        let wrote: Vec<bool> = above.map(|(_, wrote)| wrote == true).collect();
        let writes = writes == true;
        match (wrote.is_empty(), writes) {
            (true, true) => Some("writes to another folder of the machine"),
            (true, false) => Some("reads another folder of the machine"),
            (false, true) if !wrote.contains(&true) => {
                Some("may write to a folder of the machine that it only read")
            }
            _ => None,
        }
    });
    let more: BTreeSet<&str> = more.collect();
    more.into_iter().map(str::to_owned).collect()
}
