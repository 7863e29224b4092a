//! What pods may do on their machine. Pure.
//!
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::super::Flag;
use super::super::change::{
    Change, Found, containers, items, legible, names, pod_spec, text, texts,
};
use super::super::parts::Reported;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some(new) = change.new_value().and_then(pod_spec) else {
        return;
    };
    let nothing = json!({});
    let old = change.old_value().and_then(pod_spec);
    let (before, is_new) = (old.unwrap_or(&nothing), old.is_none());
    let mut tell = |what: &str| found.push(Flag::PrivilegeWidens, what, None);
    for (field, what) in [
        ("hostNetwork", "pods use the machine's network"),
        ("hostPID", "pods see all processes of the machine"),
        ("hostIPC", "pods share memory with the machine"),
    ] {
        // A new workload may need the network of its machine, to be reported beside its source.
        if is_true(new, field) && !is_true(before, field) && !(is_new && field == "hostNetwork") {
            tell(what);
        }
    }
    if !is_new {
        check_identity(before, new, &mut tell);
    }
    if !is_new {
        check_mounts(before, new, &mut tell);
    }
    let mut reported = Reported::new(Flag::PrivilegeWidens);
    let old_containers: BTreeMap<&str, &Json> = containers(before).into_iter().collect();
    for (name, container) in containers(new) {
        let mut tell = |what: &str| reported.push(what, name);
        let old = old_containers.get(name).copied();
        if is_set(container, "privileged", true)
            && !old.is_some_and(|old| is_set(old, "privileged", true))
        {
            tell("a container is privileged: it may do what the machine's root may");
        }
        if let Some(old) = old {
            check_container([before, new], old, container, &mut tell);
        }
    }
    reported.finish(found);
}

fn is_set(container: &Json, field: &str, value: bool) -> bool {
    container.pointer(&format!("/securityContext/{field}")) == Some(&Json::Bool(value))
}

/// A container that was there before, in the specifications of its pods.
fn check_container(
    [before, after]: [&Json; 2],
    old: &Json,
    new: &Json,
    tell: &mut impl FnMut(&str),
) {
    for (field, safe, what) in [
        (
            "allowPrivilegeEscalation",
            false,
            "a container's processes may gain privileges",
        ),
        (
            "readOnlyRootFilesystem",
            true,
            "a container may write to its own files",
        ),
    ] {
        if is_set(old, field, safe) && !is_set(new, field, safe) {
            tell(what);
        }
    }
    if is_unconfined(after, new) && !is_unconfined(before, old) {
        tell("a container may make any call to the machine's kernel");
    }
    if may_be_root(after, new) && !may_be_root(before, old) {
        tell("a container may run as root");
    }
    check_capabilities(old, new, tell);
}

/// Who pods are at the API of Kubernetes.
fn check_identity(before: &Json, new: &Json, tell: &mut impl FnMut(&str)) {
    let account = |spec: &Json| match text(spec, "/serviceAccountName") {
        "" => "default".to_owned(),
        name => name.to_owned(),
    };
    if account(before) != account(new) {
        let what = format!(
            "pods have the rights of the ServiceAccount `{}` instead of `{}`",
            legible(&account(new)),
            legible(&account(before))
        );
        tell(&what);
    }
    let field = "automountServiceAccountToken";
    let refused = before.get(field) == Some(&Json::Bool(false));
    // Where nothing is said the ServiceAccount decides.
    let asked = is_true(new, field) && !is_true(before, field);
    if asked || refused && new.get(field) != Some(&Json::Bool(false)) {
        tell("pods get the token of their ServiceAccount");
    }
}

/// Whether nothing filters a container's calls; what it says holds before what
/// the pod says. Without either nothing does, unless the machine is reported to
/// (<https://kubernetes.io/docs/tutorials/security/seccomp/>).
fn is_unconfined(spec: &Json, container: &Json) -> bool {
    let at = "/securityContext/seccompProfile/type";
    let setting = container.pointer(at).or_else(|| spec.pointer(at));
    setting.is_none_or(|kind| kind == "Unconfined")
}

fn is_true(value: &Json, field: &str) -> bool {
    value.get(field) == Some(&Json::Bool(true))
}

/// What the container says holds before what the pod says.
fn may_be_root(spec: &Json, container: &Json) -> bool {
    let setting = |field: &str| {
        let at = format!("/securityContext/{field}");
        container.pointer(&at).or_else(|| spec.pointer(&at))
    };
    match setting("runAsUser") {
        Some(user) => user == 0,
        None => setting("runAsNonRoot") != Some(&Json::Bool(true)),
    }
}

fn check_capabilities(old: &Json, new: &Json, tell: &mut impl FnMut(&str)) {
    let list = |container: &Json, list: &str| -> BTreeSet<String> {
        let all = container.pointer("/securityContext/capabilities");
        texts(all.and_then(|all| all.get(list)))
            .into_iter()
            .collect()
    };
    let (before, after) = (list(old, "add"), list(new, "add"));
    if !before.contains("ALL") && !after.is_subset(&before) {
        let what = format!("a container gets {}", names(after.difference(&before)));
        tell(&what);
    }
    if !list(old, "drop").is_subset(&list(new, "drop")) && !list(new, "drop").contains("ALL") {
        tell("a container keeps capabilities that it gave up");
    }
}

/// Folders of the machine, and whether something may write there.
fn mounts(spec: &Json) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    for volume in items(spec, "volumes") {
        let Some(path) = volume.pointer("/hostPath/path").and_then(Json::as_str) else {
            continue;
        };
        let name = text(volume, "/name");
        let mounts = containers(spec)
            .into_iter()
            .flat_map(|(_, container)| items(container, "volumeMounts"));
        for mount in mounts.filter(|mount| text(mount, "/name") == name) {
            *found.entry(path.to_owned()).or_insert(false) |= !is_true(mount, "readOnly");
        }
    }
    found
}

fn check_mounts(old: &Json, new: &Json, tell: &mut impl FnMut(&str)) {
    let before = mounts(old);
    for (path, writes) in mounts(new) {
        let above = before.iter().filter(|(other, _)| {
            let rest = path.strip_prefix(other.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let wrote: Vec<bool> = above.map(|(_, wrote)| *wrote).collect();
        if wrote.is_empty() {
            let access = if writes { "writes to" } else { "reads" };
            tell(&format!(
                "a container {access} another folder of the machine"
            ));
        } else if writes && !wrote.contains(&true) {
            tell("a container may write to a folder of the machine that it only read");
        }
    }
}
