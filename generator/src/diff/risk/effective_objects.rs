//! The objects as kustomize hands them on: with the patches of
//! `kubernetes/kustomization.yaml`, and without the files that it doesn't list. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::RiskFinding;
use super::values::{items, text};
use crate::diff::compare::files::differing;
use crate::diff::compare::language::{self, Language};
use crate::diff::documents::{Document, Documents};
use crate::patch::strategic;

const FOLDER: &str = "kubernetes/";
const KUSTOMIZATION: &str = "kubernetes/kustomization.yaml";
/// Where a cluster's own patches are.
const PATCHES: &str = "kubernetes/patches/";

/// The files of both sides, with the objects as they are applied.
pub(in crate::diff) struct Applied<'t> {
    pub(in crate::diff) base: Documents<'t>,
    pub(in crate::diff) head: Documents<'t>,
    /// What of the kustomization makes an object of a file another one.
    causes: Causes,
}

type Causes = BTreeMap<String, BTreeSet<String>>;

impl<'t> Applied<'t> {
    /// Those of a cluster; nothing where the files are what is applied, or
    /// no object differs.
    pub(in crate::diff) fn of(base: &Documents<'t>, head: &Documents<'t>) -> Option<Self> {
        if !differs(base, head) {
            return None;
        }
        let (old, new) = (Kustomization::read(base)?, Kustomization::read(head)?);
        let removed: BTreeSet<&String> = old.resources.difference(&new.resources).collect();
        if removed.is_empty() && old.changes_nothing() && new.changes_nothing() {
            return None;
        }
        let mut causes = Causes::new();
        for path in &removed {
            let all = causes.entry((*path).clone()).or_default();
            all.insert(KUSTOMIZATION.to_owned());
        }
        let base = old.apply(base, &BTreeSet::new(), &mut causes);
        let head = new.apply(head, &removed, &mut causes);
        (!causes.is_empty()).then_some(Self { base, head, causes })
    }

    /// A finding with the file that a reviewer sees change: where the object's
    /// own doesn't, a patch of it or the kustomization.
    pub(in crate::diff) fn placed(
        &self,
        finding: RiskFinding,
        (base, head): (&Documents<'_>, &Documents<'_>),
    ) -> RiskFinding {
        let differs = |path: &str| match (base.get(path), head.get(path)) {
            (Some(old), Some(new)) => !old.is_same(new),
            (old, new) => old.is_some() || new.is_some(),
        };
        let Some(file) = finding.file.as_deref().filter(|file| !differs(file)) else {
            return finding;
        };
        let mut causes = self.causes.get(file).into_iter().flatten();
        let cause = causes.find(|cause| differs(cause));
        match cause.cloned() {
            Some(cause) => RiskFinding {
                file: Some(cause),
                ..finding
            },
            None => finding,
        }
    }
}

fn is_object_or_patch(path: &str) -> bool {
    path.starts_with(FOLDER) && path.ends_with(".yaml")
}

fn is_object(path: &str) -> bool {
    is_object_or_patch(path) && !path.starts_with(PATCHES) && path != KUSTOMIZATION
}

/// Whether an object, a patch or the kustomization differs.
fn differs(base: &Documents<'_>, head: &Documents<'_>) -> bool {
    let pairs = differing(base, head).into_iter();
    let mut files = pairs.flat_map(|(old, new)| [old, new]).flatten();
    files.any(|file| is_object_or_patch(file.path()))
}

/// What a kustomization says of objects.
struct Kustomization {
    resources: BTreeSet<String>,
    patches: Vec<Patch>,
    replicas: BTreeMap<String, Json>,
}

/// A patch, and which objects it is for.
struct Patch {
    /// The file; the kustomization itself of one that stands in it.
    path: String,
    change: Json,
    target: Target,
}

/// Which objects a patch is for
/// (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/>).
enum Target {
    /// The one that the patch names.
    Named {
        group: String,
        kind: String,
        name: String,
    },
    /// All that these patterns take.
    Selected {
        patterns: Vec<(&'static str, Regex)>,
        selectors: Vec<(&'static str, String)>,
    },
}

impl Kustomization {
    fn read(files: &Documents<'_>) -> Option<Self> {
        let value = files.get(KUSTOMIZATION)?.value()?;
        let below = |path: &str| format!("{FOLDER}{}", path.trim_start_matches("./"));
        let resources = items(value, "resources").iter().filter_map(Json::as_str);
        let replicas = items(value, "replicas").iter();
        let patches = items(value, "patches").iter();
        Some(Self {
            resources: resources.map(below).collect(),
            patches: patches
                .filter_map(|entry| Patch::read(files, entry))
                .collect(),
            replicas: replicas
                .filter_map(|entry| {
                    Some((text(entry, "/name").to_owned(), entry.get("count")?.clone()))
                })
                .collect(),
        })
    }

    /// Whether objects are applied as their files have them.
    fn changes_nothing(&self) -> bool {
        self.patches.is_empty() && self.replicas.is_empty()
    }

    /// The files with the objects as they are applied, without these and without patches.
    fn apply<'t>(
        &self,
        files: &Documents<'t>,
        without: &BTreeSet<&String>,
        causes: &mut Causes,
    ) -> Documents<'t> {
        let applied = files.shared().filter_map(|document| {
            let path = document.path();
            if !is_object(path) {
                return (!path.starts_with(PATCHES)).then(|| Rc::clone(document));
            }
            let is_left_out = without.iter().any(|left| *left == path);
            (!is_left_out).then(|| self.apply_to(document, causes))?
        });
        applied.collect()
    }

    /// What is applied of an object's file; nothing if a patch deletes it.
    fn apply_to<'t>(
        &self,
        document: &Rc<Document<'t>>,
        causes: &mut Causes,
    ) -> Option<Rc<Document<'t>>> {
        let written = document.text().unwrap_or_default();
        let may_be = |patch: &&Patch| patch.target.may_be_in(written);
        let patches: Vec<&Patch> = self.patches.iter().filter(may_be).collect();
        let mut names = self.replicas.keys();
        if patches.is_empty() && !names.any(|name| written.contains(name.as_str())) {
            return Some(Rc::clone(document));
        }
        let Some(before) = document.value() else {
            return Some(Rc::clone(document));
        };
        let path = document.path();
        let mut object = before.clone();
        for patch in patches {
            if patch.target.takes(&object) {
                let all = causes.entry(path.to_owned()).or_default();
                all.insert(patch.path.clone());
                object = strategic::patched(&object, &patch.change)?;
            }
        }
        let count = self.replicas.get(text(&object, "/metadata/name"));
        if let (Some(count), Some(replicas)) = (count, object.pointer_mut("/spec/replicas")) {
            let all = causes.entry(path.to_owned()).or_default();
            all.insert(KUSTOMIZATION.to_owned());
            replicas.clone_from(count);
        }
        if object == *before {
            return Some(Rc::clone(document));
        }
        Some(Rc::new(Document::with_value(path.to_owned(), object)))
    }
}

impl Patch {
    fn read(files: &Documents<'_>, entry: &Json) -> Option<Self> {
        let (path, mut change) = match (text(entry, "/path"), text(entry, "/patch")) {
            ("", inline) => (
                KUSTOMIZATION.to_owned(),
                language::value(Language::Yaml, inline)?,
            ),
            (path, _) => {
                let path = format!("{FOLDER}{}", path.trim_start_matches("./"));
                let change = files.get(&path)?.value()?.clone();
                (path, change)
            }
        };
        let target = match entry.get("target") {
            Some(target) => Target::selected(target)?,
            None => Target::named(&change)?,
        };
        if let Json::Object(members) = &mut change {
            forget_identity(members);
            // Annotations alone, such as those of a wave, change nothing that a rule looks at.
            let is_annotating = members.is_empty();
            if is_annotating {
                return None;
            }
        }
        Some(Self {
            path,
            change,
            target,
        })
    }
}

/// Takes out by what a patch is found, and what only describes the object.
fn forget_identity(patch: &mut Map<String, Json>) {
    patch.shift_remove("apiVersion");
    patch.shift_remove("kind");
    if let Some(Json::Object(metadata)) = patch.get_mut("metadata") {
        for key in ["name", "namespace", "annotations", "labels"] {
            metadata.shift_remove(key);
        }
        if metadata.is_empty() {
            patch.shift_remove("metadata");
        }
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

impl Target {
    fn named(patch: &Json) -> Option<Self> {
        let [kind, name] = ["/kind", "/metadata/name"].map(|at| text(patch, at).to_owned());
        let group = group_of(text(patch, "/apiVersion")).to_owned();
        (!kind.is_empty() && !name.is_empty()).then_some(Self::Named { group, kind, name })
    }

    /// Every pattern is for the whole text.
    fn selected(target: &Json) -> Option<Self> {
        let mut patterns = Vec::new();
        for key in ["group", "kind", "name", "namespace"] {
            let pattern = text(target, &format!("/{key}"));
            if !pattern.is_empty() {
                patterns.push((key, Regex::new(&format!("^(?:{pattern})$")).ok()?));
            }
        }
        let selectors = [
            ("labelSelector", "/metadata/labels"),
            ("annotationSelector", "/metadata/annotations"),
        ];
        let selectors = selectors.into_iter().filter_map(|(key, at)| {
            let selector = text(target, &format!("/{key}"));
            (!selector.is_empty()).then(|| (at, selector.to_owned()))
        });
        Some(Self::Selected {
            patterns,
            selectors: selectors.collect(),
        })
    }

    /// Whether a text can have such an object in it.
    fn may_be_in(&self, written: &str) -> bool {
        match self {
            Self::Named { name, .. } => written.contains(name.as_str()),
            Self::Selected { .. } => true,
        }
    }

    fn takes(&self, object: &Json) -> bool {
        let own = |key: &str| match key {
            "group" => group_of(text(object, "/apiVersion")),
            "kind" => text(object, "/kind"),
            _ => text(object, &format!("/metadata/{key}")),
        };
        match self {
            Self::Named { group, kind, name } => {
                [own("group"), own("kind"), own("name")] == [group.as_str(), kind, name]
            }
            Self::Selected {
                patterns,
                selectors,
            } => {
                // The kustomization gives the namespace; files rarely say it.
                let fits = |(key, pattern): &(&str, Regex)| {
                    *key == "namespace" || pattern.is_match(own(key))
                };
                patterns.iter().all(fits)
                    && selectors
                        .iter()
                        .all(|(at, selector)| selects(object, at, selector))
            }
        }
    }
}

/// Selectors of labels with `=`, `==`, `!=`, `key` and `!key`
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>);
/// of others nothing is known, so they are taken to fit.
fn selects(object: &Json, at: &str, selector: &str) -> bool {
    let label = |key: &str| {
        object
            .pointer(at)
            .and_then(|labels| labels.get(key.trim())?.as_str())
    };
    selector.split(',').all(|part| {
        if let Some((key, value)) = part.split_once("!=") {
            label(key) != Some(value.trim())
        } else if let Some((key, value)) = part.split_once('=') {
            label(key) == Some(value.trim_start_matches('=').trim())
        } else if let Some(key) = part.trim().strip_prefix('!') {
            label(key).is_none()
        } else {
            part.contains(['(', ')']) || label(part).is_some()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{of_trees, tree};
    use super::super::{Applier, find};
    use super::*;

    const SET: &str = "kubernetes/x/daemonset.yaml";
    const PATCH: &str = "kubernetes/patches/a.yaml";

    fn set(spec: &Json) -> Json {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "x"}, "spec": {"template": {"spec": spec}}})
    }

    fn object() -> Json {
        set(
            &json!({"tolerations": [{"operator": "Exists"}], "containers": [{"name": "a", "image": "a:2.0.0",
            "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}]}]}),
        )
    }

    /// A cluster with that kustomization, and an object and patches.
    fn files(
        kustomization: &Json,
        patches: &[(&'static str, &Json)],
    ) -> Vec<(&'static str, String)> {
        let mut files = vec![
            (KUSTOMIZATION, kustomization.to_string()),
            (SET, object().to_string()),
        ];
        files.extend(
            patches
                .iter()
                .map(|(path, patch)| (*path, patch.to_string())),
        );
        files
    }

    fn listed(patches: &Json) -> Json {
        json!({"kind": "Kustomization", "resources": ["x/daemonset.yaml"], "patches": patches})
    }

    /// What is reported for objects as they are applied, each with its file.
    fn reported(base: &[(&str, String)], head: &[(&str, String)]) -> Vec<String> {
        let (base, head) = (tree(base), tree(head));
        let (base, head) = (Documents::of(&base), Documents::of(&head));
        let Some(applied) = Applied::of(&base, &head) else {
            return vec!["not looked at".to_owned()];
        };
        let placed = |finding| applied.placed(finding, (&base, &head));
        let findings = find(&applied.base, &applied.head, Applier::Nobody);
        let findings = findings.into_iter().map(placed);
        findings
            .map(|finding| {
                format!(
                    "{}: {} ({})",
                    finding.flag.id(),
                    finding.what,
                    finding.file.unwrap_or_default()
                )
            })
            .collect()
    }

    fn of_patch(patch: &Json) -> Vec<String> {
        let with = listed(&json!([{"path": "patches/a.yaml"}]));
        reported(
            &files(&listed(&json!([])), &[]),
            &files(&with, &[(PATCH, patch)]),
        )
    }

    #[test]
    fn a_patch_is_judged_by_what_it_makes_of_an_object() {
        let image = json!([{"name": "a", "image": "a:1.0.0"}]);
        let secret = json!([{"name": "a", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "two", "key": "k"}}}]}]);
        for (spec, what) in [
            (
                json!({"tolerations": null}),
                "source-stops: the DaemonSet `x` no longer tolerates `every taint`",
            ),
            (
                json!({"hostNetwork": true}),
                "privilege-widens: pods use the machine's network",
            ),
            (
                json!({"containers": image}),
                "image-downgrade: the image `a` goes from 2.0.0 back to 1.0.0",
            ),
            (
                json!({"containers": secret}),
                "secret-reference-changes: a secret is read from `two/k` instead of `one/k`",
            ),
        ] {
            assert_eq!(of_patch(&set(&spec)), [format!("{what} ({PATCH})")]);
        }
        let mut removed = set(&json!({}));
        removed["$patch"] = json!("delete");
        assert_eq!(
            of_patch(&removed),
            [format!(
                "source-stops: the DaemonSet `x` is no longer applied ({PATCH})"
            )]
        );
        let operations =
            json!([{"op": "add", "path": "/spec/template/spec/hostPID", "value": true}]);
        let target = json!([{"path": "patches/a.yaml", "target": {"kind": "Daemon.*|Deployment"}}]);
        assert_eq!(
            reported(
                &files(&listed(&json!([])), &[]),
                &files(&listed(&target), &[(PATCH, &operations)])
            ),
            [format!(
                "privilege-widens: pods see all processes of the machine ({PATCH})"
            )]
        );
    }

    #[test]
    fn what_a_patch_pinned_is_missed_and_what_is_harmless_is_not() {
        let pin = set(&json!({"containers": [{"name": "a", "image": "a:3.0.0"}]}));
        let with = files(
            &listed(&json!([{"path": "patches/a.yaml"}])),
            &[(PATCH, &pin)],
        );
        let without = files(&listed(&json!([])), &[]);
        assert_eq!(
            reported(&with, &without),
            [format!(
                "image-downgrade: the image `a` goes from 3.0.0 back to 2.0.0 ({PATCH})"
            )]
        );
        assert!(reported(&without, &with).is_empty());
        let labels = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "x", "labels": {"a": "b"}}});
        assert_eq!(of_patch(&labels), ["not looked at"]);
        assert_eq!(reported(&with, &with), ["not looked at"]);
    }

    #[test]
    fn what_the_kustomization_leaves_out_is_no_longer_applied() {
        let none = json!({"kind": "Kustomization", "resources": []});
        let (base, head) = (files(&listed(&json!([])), &[]), files(&none, &[]));
        assert_eq!(
            reported(&base, &head),
            [format!(
                "source-stops: the DaemonSet `x` is no longer applied ({KUSTOMIZATION})"
            )]
        );
        assert!(of_trees(&base, &head).is_empty());
        // What it never listed was never applied by it.
        let mut other = head.clone();
        other[1].1 += "\n";
        assert_eq!(reported(&head, &other), ["not looked at"]);
    }

    #[test]
    fn a_kustomization_may_scale() {
        let stateful = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"replicas": 2}}).to_string();
        let mut kustomization = listed(&json!([]));
        let base = [
            (KUSTOMIZATION, kustomization.to_string()),
            ("kubernetes/s.yaml", stateful.clone()),
        ];
        kustomization["replicas"] = json!([{"name": "s", "count": 0}]);
        let head = [
            (KUSTOMIZATION, kustomization.to_string()),
            ("kubernetes/s.yaml", stateful),
        ];
        assert_eq!(
            reported(&base, &head),
            [format!(
                "source-stops: the StatefulSet `s` no longer runs any pods ({KUSTOMIZATION})"
            )]
        );
    }
}
