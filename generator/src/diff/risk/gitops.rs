//! Objects of Argo CD and Flux: who applies the files, from where, to where,
//! as whom, and what is deleted. Pure.
//!
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/>,
//! <https://fluxcd.io/flux/components/>

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, identity, items, legible, names, text, texts};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    if let Some(removed) = change
        .removed_object()
        .filter(|removed| is_of_tool(removed))
    {
        check_removed(change, removed, found);
    }
    let Some((old, new)) = change.values() else {
        return;
    };
    if !is_of_tool(new) || identity(old) != identity(new) {
        return;
    }
    let object = named(new);
    check_source(&object, old, new, found);
    check_secrets(&object, old, new, found);
    match text(new, "/kind") {
        "AppProject" => check_project(&object, old, new, found),
        "Application" => check_application(&object, "/spec", old, new, found),
        "ApplicationSet" => {
            check_application(&object, "/spec/template/spec", old, new, found);
            check_application_set(&object, old, new, found);
        }
        "Kustomization" => check_kustomization(&object, old, new, found),
        _ => {}
    }
}

/// Whether an object is one of Argo CD or Flux, and not a file of kustomize.
fn is_of_tool(object: &Json) -> bool {
    let version = text(object, "/apiVersion");
    version.starts_with("argoproj.io/") || version.contains(".toolkit.fluxcd.io/")
}

fn named(object: &Json) -> String {
    let [kind, name] = ["/kind", "/metadata/name"].map(|at| legible(text(object, at)));
    format!("the {kind} `{name}`")
}

/// What becomes of what it applied
/// (<https://argo-cd.readthedocs.io/en/stable/user-guide/app_deletion/>,
/// <https://fluxcd.io/flux/components/kustomize/kustomizations/#deletion-policy>).
fn check_removed(change: &Change<'_>, removed: &Json, found: &mut Found) {
    let keeps = "what it applied stays as it is, and it changes nothing any more";
    let deletes = "what it applied is deleted with it, as soon as the object itself is";
    let live = match text(removed, "/kind") {
        "Kustomization" => match (
            text(removed, "/spec/deletionPolicy"),
            removed.pointer("/spec/prune"),
        ) {
            ("Orphan", _) => keeps,
            ("Delete", _) | (_, Some(Json::Bool(true))) => deletes,
            _ => keeps,
        },
        "ApplicationSet"
            if removed.pointer("/spec/syncPolicy/preserveResourcesOnDeletion")
                != Some(&Json::Bool(true)) =>
        {
            "its Applications are deleted with it, and all that these applied"
        }
        "ApplicationSet" => "its Applications are deleted with it; what these applied stays",
        "Application" if has_finalizer(removed) => deletes,
        "AppProject" => "Argo CD applies nothing of its Applications any more",
        "GitRepository" => "Flux finds no files any more, and applies nothing",
        _ => keeps,
    };
    let what = format!("{} is no longer rendered", named(removed));
    found.push_removed_file(change, Flag::SourceStops, what, live);
}

fn has_finalizer(object: &Json) -> bool {
    let finalizers = object.pointer("/metadata/finalizers");
    texts(finalizers)
        .iter()
        .any(|name| name.starts_with("resources-finalizer.argocd.argoproj.io"))
}

/// Where files are taken from.
const SOURCES: [(&str, &str); 12] = [
    ("/spec/source/repoURL", "repository"),
    ("/spec/source/targetRevision", "revision"),
    ("/spec/source/path", "path"),
    ("/spec/template/spec/source/repoURL", "repository"),
    ("/spec/template/spec/source/targetRevision", "revision"),
    ("/spec/template/spec/source/path", "path"),
    ("/spec/url", "repository"),
    ("/spec/ref/branch", "branch"),
    ("/spec/ref/name", "reference"),
    ("/spec/ref/commit", "commit"),
    ("/spec/path", "path"),
    ("/spec/sourceRef/name", "source"),
];

fn check_source(object: &str, old: &Json, new: &Json, found: &mut Found) {
    let live = "what is there takes the place of what runs; what isn't there is deleted where the tool prunes";
    for (at, what) in SOURCES {
        let (before, after) = (text(old, at), text(new, at));
        if before != after && !(before.is_empty() && after.is_empty()) {
            let value = |value: &str| match value {
                "" => "none".to_owned(),
                value => format!("`{}`", legible(value)),
            };
            let what = format!(
                "{object} takes files from the {what} {} instead of {}",
                value(after),
                value(before)
            );
            found.push(Flag::SourceStops, what, Some(live.to_owned()));
        }
    }
    let generators = |value: &Json| value.pointer("/spec/generators").cloned();
    if generators(old) != generators(new) {
        let what = format!("{object} makes Applications of other files");
        let live = "Applications that it makes no longer are deleted";
        found.push(Flag::SourceStops, what, Some(live.to_owned()));
    }
}

/// Where an Application applies what it finds, of which project, and whether by itself.
fn check_application(object: &str, at: &str, old: &Json, new: &Json, found: &mut Found) {
    let at = |field: &str| format!("{at}/{field}");
    let place = |value: &Json| {
        let [name, server] = ["destination/name", "destination/server"]
            .map(|field| text(value, &at(field)).to_owned());
        if name.is_empty() { server } else { name }
    };
    let (before, after) = (place(old), place(new));
    if before != after {
        let what = format!(
            "{object} applies to the cluster `{}` instead of `{}`",
            legible(&after),
            legible(&before)
        );
        let live = "what runs in the old one keeps running; nothing changes or deletes it";
        found.push(Flag::SourceStops, what, Some(live.to_owned()));
    }
    let project = |value: &Json| text(value, &at("project")).to_owned();
    let (before, after) = (project(old), project(new));
    if before != after {
        let what = format!(
            "{object} may do what the project `{}` permits, and not `{}`",
            legible(&after),
            legible(&before)
        );
        found.push(Flag::PrivilegeWidens, what, None);
    }
    let automated = |value: &Json| value.pointer(&at("syncPolicy/automated")).is_some();
    let prunes =
        |value: &Json| value.pointer(&at("syncPolicy/automated/prune")) == Some(&Json::Bool(true));
    if automated(old) && !automated(new) {
        let what = format!("{object} applies nothing by itself any more");
        let live = "changes wait until someone presses Sync";
        found.push(Flag::SourceStops, what, Some(live.to_owned()));
    } else if automated(old) && prunes(new) && !prunes(old) {
        begins_to_prune(object, found);
    }
}

fn begins_to_prune(object: &str, found: &mut Found) {
    let what = format!("{object} deletes what is no longer rendered, and didn't before");
    let live =
        "what was taken out of the files earlier, and runs still, is deleted with the next sync";
    found.push(Flag::SourceStops, what, Some(live.to_owned()));
}

fn check_application_set(object: &str, old: &Json, new: &Json, found: &mut Found) {
    let keeps = |value: &Json| {
        value.pointer("/spec/syncPolicy/preserveResourcesOnDeletion") == Some(&Json::Bool(true))
    };
    if keeps(old) && !keeps(new) {
        let what = format!("{object} no longer keeps what its Applications applied when these go");
        found.push(Flag::SourceStops, what, Some("nothing yet".to_owned()));
    }
}

/// <https://fluxcd.io/flux/components/kustomize/kustomizations/>
fn check_kustomization(object: &str, old: &Json, new: &Json, found: &mut Found) {
    let is_true = |value: &Json, field: &str| {
        value.pointer(&format!("/spec/{field}")) == Some(&Json::Bool(true))
    };
    if is_true(new, "suspend") && !is_true(old, "suspend") {
        let what = format!("{object} is suspended");
        let live = "Flux applies no change until it is resumed";
        found.push(Flag::SourceStops, what, Some(live.to_owned()));
    }
    if is_true(new, "prune") && !is_true(old, "prune") {
        begins_to_prune(object, found);
    }
    let policy = |value| text(value, "/spec/deletionPolicy");
    if policy(old) == "Orphan" && policy(new) != "Orphan" {
        let what = format!("{object} takes all that it applied along when it goes");
        found.push(Flag::SourceStops, what, Some("nothing yet".to_owned()));
    }
    let account = |value| text(value, "/spec/serviceAccountName");
    let (before, after) = (account(old), account(new));
    if before != after {
        let what = match after {
            "" => format!(
                "{object} is applied as Flux itself, and no longer as `{}`",
                legible(before)
            ),
            after => format!(
                "{object} is applied as the service account `{}`",
                legible(after)
            ),
        };
        // One account instead of Flux's own is less.
        if !before.is_empty() {
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
}

/// <https://argo-cd.readthedocs.io/en/stable/user-guide/projects/>
fn check_project(object: &str, old: &Json, new: &Json, found: &mut Found) {
    let list = |value: &Json, field: &str| -> BTreeSet<String> {
        let list = value.pointer(&format!("/spec/{field}"));
        texts(list).into_iter().collect()
    };
    let (before, after) = (list(old, "sourceRepos"), list(new, "sourceRepos"));
    // A repository that takes another one's place is reported where it is read.
    if after.len() > before.len() || after.contains("*") && !before.contains("*") {
        let more = names(after.difference(&before));
        let what = format!("{object} lets in files of {more} as well");
        found.push(Flag::PrivilegeWidens, what, None);
    }
    for field in [
        "destinations",
        "clusterResourceWhitelist",
        "namespaceResourceWhitelist",
    ] {
        let any = |value: &Json| {
            let spec = value.get("spec").map_or(&[][..], |spec| items(spec, field));
            spec.iter().filter(|entry| has_star(entry)).count()
        };
        if any(new) > any(old) {
            let what = format!("{object} permits whatever matches `*` in `{field}`");
            found.push(Flag::PrivilegeWidens, what, None);
        }
    }
}

fn has_star(entry: &Json) -> bool {
    let members = entry.as_object().into_iter().flatten();
    let mut values = members.filter_map(|(_, value)| value.as_str());
    values.any(|value| value.contains('*'))
}

/// Secrets by which a repository is read, and a cluster is reached.
const SECRETS: [&str; 4] = [
    "/spec/secretRef/name",
    "/spec/kubeConfig/secretRef/name",
    "/spec/verify/secretRef/name",
    "/spec/decryption/secretRef/name",
];

fn check_secrets(object: &str, old: &Json, new: &Json, found: &mut Found) {
    for at in SECRETS {
        let (before, after) = (text(old, at), text(new, at));
        if before != after {
            let [removed, came] = [before, after].map(|name| match name {
                "" => "none".to_owned(),
                name => format!("`{}`", legible(name)),
            });
            let what = format!("{object} reads its secret from {came} instead of {removed}");
            let live = "of another kubeconfig it is another cluster that is changed".to_owned();
            let live = at.contains("kubeConfig").then_some(live);
            found.push(Flag::SecretReferenceChanges, what, live);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{of_trees, of_values};
    use super::*;

    fn application(change: impl Fn(&mut Json)) -> Json {
        let mut object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"}, "spec": {
            "project": "logs", "source": {"repoURL": "https://git", "targetRevision": "main", "path": "rendered/a/kubernetes"},
            "destination": {"name": "a", "namespace": "logs"}, "syncPolicy": {"automated": {"prune": false, "selfHeal": true}}}});
        change(&mut object["spec"]);
        object
    }

    fn kustomization(change: impl Fn(&mut Json)) -> Json {
        let mut object = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "a"}, "spec": {
            "path": "./rendered/a", "prune": false, "deletionPolicy": "Orphan", "serviceAccountName": "logs",
            "kubeConfig": {"secretRef": {"name": "a-kubeconfig"}}}});
        change(&mut object["spec"]);
        object
    }

    const PATH: &str = "gitops/application.yaml";

    #[test]
    fn what_an_application_does_otherwise_is_reported() {
        let same = application(|_| {});
        for (new, what) in [
            (
                application(|spec| spec["source"]["repoURL"] = json!("https://other")),
                "source-stops: the Application `a` takes files from the repository `https://other` instead of `https://git`",
            ),
            (
                application(|spec| spec["destination"]["name"] = json!("b")),
                "source-stops: the Application `a` applies to the cluster `b` instead of `a`",
            ),
            (
                application(|spec| spec["project"] = json!("default")),
                "privilege-widens: the Application `a` may do what the project `default` permits, and not `logs`",
            ),
            (
                application(|spec| spec["syncPolicy"] = json!({})),
                "source-stops: the Application `a` applies nothing by itself any more",
            ),
            (
                application(|spec| spec["syncPolicy"]["automated"]["prune"] = json!(true)),
                "source-stops: the Application `a` deletes what is no longer rendered, and didn't before",
            ),
        ] {
            assert_eq!(of_values(PATH, &same, &new), [what]);
        }
        let retries = application(|spec| spec["syncPolicy"]["retry"] = json!({"limit": 7}));
        assert!(of_values(PATH, &same, &retries).is_empty());
        assert!(of_trees(&[], &[(PATH, same.to_string())]).is_empty());
        assert_eq!(
            of_trees(&[(PATH, same.to_string())], &[]),
            ["source-stops: the Application `a` is no longer rendered"]
        );
    }

    #[test]
    fn what_flux_does_otherwise_is_reported() {
        let path = "gitops/flux/shippers.yaml";
        let same = kustomization(|_| {});
        for (new, what) in [
            (
                kustomization(|spec| spec["suspend"] = json!(true)),
                "source-stops: the Kustomization `a` is suspended",
            ),
            (
                kustomization(|spec| spec["deletionPolicy"] = json!("Delete")),
                "source-stops: the Kustomization `a` takes all that it applied along when it goes",
            ),
            (
                kustomization(|spec| spec["serviceAccountName"] = Json::Null),
                "privilege-widens: the Kustomization `a` is applied as Flux itself, and no longer as `logs`",
            ),
            (
                kustomization(|spec| spec["kubeConfig"]["secretRef"]["name"] = json!("b")),
                "secret-reference-changes: the Kustomization `a` reads its secret from `b` instead of `a-kubeconfig`",
            ),
        ] {
            assert_eq!(of_values(path, &same, &new), [what]);
        }
        let waits = kustomization(|spec| spec["wait"] = json!(true));
        assert!(of_values(path, &same, &waits).is_empty());
        let repository = |name: &str, branch: &str| {
            json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "a"},
                "spec": {"url": "ssh://git", "ref": {"branch": branch}, "secretRef": {"name": name}}})
        };
        let reported = of_values(
            "gitops/flux/source.yaml",
            &repository("a", "main"),
            &repository("b", "next"),
        );
        assert_eq!(
            reported,
            [
                "source-stops: the GitRepository `a` takes files from the branch `next` instead of `main`",
                "secret-reference-changes: the GitRepository `a` reads its secret from `b` instead of `a`",
            ]
        );
    }

    #[test]
    fn projects_that_permit_more_are_reported() {
        let project = |repositories: &[&str], clusters: &[&str]| {
            let clusters: Vec<Json> = clusters
                .iter()
                .map(|name| json!({"name": name, "namespace": "logs"}))
                .collect();
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "p"},
                "spec": {"sourceRepos": repositories, "destinations": clusters}})
        };
        let path = "gitops/argo-cd/project.yaml";
        let one = project(&["a"], &["x"]);
        assert_eq!(
            of_values(path, &one, &project(&["a", "b"], &["x"])).len(),
            1
        );
        assert_eq!(
            of_values(path, &one, &project(&["a"], &["x", "*"])),
            ["privilege-widens: the AppProject `p` permits whatever matches `*` in `destinations`"]
        );
        // A new cluster of the fleet.
        assert!(of_values(path, &one, &project(&["a"], &["x", "y"])).is_empty());
    }
}
