//! Objects of Argo CD and Flux: who applies the files, from where, to where,
//! as whom, and what is deleted. Pure.
//!
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/>,
//! <https://fluxcd.io/flux/components/>

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::rows;
use crate::diff::risk::objects::{APPLICATION, GITOPS};
use crate::diff::risk::row::{Live, Read, Row, When, word};
use crate::diff::risk::values::{text, texts};
use crate::diff::risk::wording::{legible, names};
use crate::settings::Flag;
use Live::{Is, Unsaid};
use Read::{By, Value};
use When::{Becomes, Ceases, Changes, Gone, If, Lost};

const APPLICATION_SET: &str = "argoproj.io/ApplicationSet";
const PROJECT: &str = "argoproj.io/AppProject";
const KUSTOMIZATION: &str = "kustomize.toolkit.fluxcd.io/Kustomization";

const TAKEN: Live =
    Is("what is there replaces what is deployed; what isn't there is deleted if the tool prunes");
const PRUNED: Live = Is(
    "what was removed from the files earlier but is still deployed is deleted with the next sync",
);
const SECRET: &str = "{title} reads its secret from {quoted after} instead of {quoted before}";
const NOT_YET: Live = Is("nothing yet");

pub(super) const ROWS: &[Row] = rows! {
    GITOPS => {
        "": Value, Gone => SourceStops, "{title} is no longer rendered", Live::By(what_it_applied);
        "spec/source/repoURL" | "spec/template/spec/source/repoURL" | "spec/url": Value, Changes => SourceStops,
            "{title} takes files from the repository {quoted after} instead of {quoted before}", TAKEN;
        "spec/source/targetRevision" | "spec/template/spec/source/targetRevision": Value, Changes => SourceStops,
            "{title} takes files from the revision {quoted after} instead of {quoted before}", TAKEN;
        "spec/source/path" | "spec/template/spec/source/path" | "spec/path": Value, Changes => SourceStops,
            "{title} takes files from the path {quoted after} instead of {quoted before}", TAKEN;
        "spec/ref/branch": Value, Changes => SourceStops,
            "{title} takes files from the branch {quoted after} instead of {quoted before}", TAKEN;
        "spec/ref/name": Value, Changes => SourceStops,
            "{title} takes files from the reference {quoted after} instead of {quoted before}", TAKEN;
        "spec/ref/commit": Value, Changes => SourceStops,
            "{title} takes files from the commit {quoted after} instead of {quoted before}", TAKEN;
        "spec/sourceRef/name": Value, Changes => SourceStops,
            "{title} takes files from the source {quoted after} instead of {quoted before}", TAKEN;
        "spec/generators": Value, Changes => SourceStops,
            "{title} generates Applications from other files", Is("Applications that it no longer generates are deleted");
        "spec/secretRef/name" | "spec/verify/secretRef/name" | "spec/decryption/secretRef/name": Value, Changes
            => SecretReferenceChanges, SECRET, Unsaid;
        "spec/kubeConfig/secretRef/name": Value, Changes => SecretReferenceChanges, SECRET,
            Is("another kubeconfig may mean another cluster");
    }
    APPLICATION => {
        "destination": By(place), Changes => SourceStops,
            "{title} applies to the cluster `{after}` instead of `{before}`",
            Is("what runs in the old one keeps running; nothing changes or deletes it");
        "project": Value, Changes => PrivilegeWidens,
            "{title} is limited by the project `{after}` instead of `{before}`", Unsaid;
        "syncPolicy/automated": Value, Lost => SourceStops,
            "{title} no longer syncs automatically", Is("changes wait until someone presses Sync");
        "syncPolicy/automated/prune": Value, Becomes("true") => SourceStops,
            "{title} now deletes what is no longer rendered", PRUNED;
    }
    APPLICATION_SET => {
        "spec/syncPolicy/preserveResourcesOnDeletion": Value, Ceases("true") => SourceStops,
            "{title} no longer keeps what its Applications applied when they are removed", NOT_YET;
        "spec/templatePatch": Value, Changes => SourceStops,
            "{title} patches its Applications differently (`templatePatch`)", TAKEN;
    }
    // <https://fluxcd.io/flux/components/kustomize/kustomizations/>
    KUSTOMIZATION => {
        "spec/suspend": Value, Becomes("true") => SourceStops,
            "{title} is suspended", Is("Flux applies no change until it is resumed");
        "spec/prune": Value, Becomes("true") => SourceStops,
            "{title} now deletes what is no longer rendered", PRUNED;
        "spec/deletionPolicy": Value, Ceases("Orphan") => SourceStops,
            "{title} deletes everything that it applied when it is removed", NOT_YET;
        "spec/serviceAccountName": Value, If(another_account) => PrivilegeWidens,
            "{title} is applied as {it}", Unsaid;
    }
    // <https://argo-cd.readthedocs.io/en/stable/user-guide/projects/>
    PROJECT => {
        "spec/sourceRepos": Value, If(more_repositories) => PrivilegeWidens,
            "{title} lets in files of {it} as well", Unsaid;
        "spec/destinations" | "spec/clusterResourceWhitelist" | "spec/namespaceResourceWhitelist": Value,
            If(permits_any) => PrivilegeWidens, "{title} permits whatever matches `*` in {aspect}", Unsaid;
    }
};

/// What becomes of what it applied
/// (<https://argo-cd.readthedocs.io/en/stable/user-guide/app_deletion/>,
/// <https://fluxcd.io/flux/components/kustomize/kustomizations/#deletion-policy>).
fn what_it_applied(removed: &Json) -> &'static str {
    let keeps = "what it applied stays, and is no longer updated";
    let deletes = "what it applied is deleted together with the object";
    let is_true = |at: &str| removed.pointer(at) == Some(&Json::Bool(true));
    match text(removed, "/kind") {
        "Kustomization" => match text(removed, "/spec/deletionPolicy") {
            "Orphan" => keeps,
            "Delete" => deletes,
            _ if is_true("/spec/prune") => deletes,
            _ => keeps,
        },
        "ApplicationSet" if is_true("/spec/syncPolicy/preserveResourcesOnDeletion") => {
            "its Applications are deleted with it; what they applied stays"
        }
        "ApplicationSet" => "its Applications are deleted with it, and everything they applied",
        "Application" if has_finalizer(removed) => deletes,
        "AppProject" => "Argo CD no longer syncs its Applications",
        "GitRepository" => "Flux no longer finds any files, and applies nothing",
        _ => keeps,
    }
}

fn has_finalizer(object: &Json) -> bool {
    let finalizers = texts(object.pointer("/metadata/finalizers"));
    let mut finalizers = finalizers.iter();
    finalizers.any(|name| name.starts_with("resources-finalizer.argocd.argoproj.io"))
}

/// Where an Application applies what it finds.
fn place(specification: &Json) -> Json {
    let places = ["/destination/name", "/destination/server"];
    let mut places = places.iter().map(|at| text(specification, at));
    places.find(|place| !place.is_empty()).into()
}

/// One account instead of Flux's own is less.
fn another_account(old: &Json, new: &Json) -> Option<String> {
    let [before, after] = [old, new].map(|value| legible(&word(value)));
    let what = match after.as_str() {
        "" => format!("Flux itself, and no longer as `{before}`"),
        after => format!("the service account `{after}`"),
    };
    (!before.is_empty()).then_some(what)
}

/// A repository that takes another one's place is reported where it is read.
fn more_repositories(old: &Json, new: &Json) -> Option<String> {
    let list = |value: &Json| -> BTreeSet<String> { texts(Some(value)).into_iter().collect() };
    let (before, after) = (list(old), list(new));
    let is_more = after.len() > before.len() || after.contains("*") && !before.contains("*");
    is_more.then(|| names(after.difference(&before)))
}

fn permits_any(old: &Json, new: &Json) -> Option<String> {
    let has_star = |entry: &&Json| {
        let members = entry.as_object().into_iter().flatten();
        let mut values = members.filter_map(|(_, value)| value.as_str());
        values.any(|value| value.contains('*'))
    };
    let any = |value: &Json| {
        let entries = value.as_array().into_iter().flatten();
        entries.filter(has_star).count()
    };
    (any(new) > any(old)).then(String::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::risk::tests::{of_trees, of_values};

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
                "privilege-widens: the Application `a` is limited by the project `default` instead of `logs`",
            ),
            (
                application(|spec| spec["syncPolicy"] = json!({})),
                "source-stops: the Application `a` no longer syncs automatically",
            ),
            (
                application(|spec| spec["syncPolicy"]["automated"]["prune"] = json!(true)),
                "source-stops: the Application `a` now deletes what is no longer rendered",
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
                "source-stops: the Kustomization `a` deletes everything that it applied when it is removed",
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
            [
                "privilege-widens: the AppProject `p` permits whatever matches `*` in `spec.destinations`"
            ]
        );
        // A new cluster of the fleet.
        assert!(of_values(path, &one, &project(&["a"], &["x", "y"])).is_empty());
    }
}
