//! What is known of one side: facts, each by what it is about and never by its file. Pure.
//!
//! The objects of the files that differ are taken apart once. A fact is one
//! property of one object, as the rows about that kind of object read it
//! ([`super::rows`]). An object that got another file is the same object; pods
//! and containers whose workload got another name are those of the file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::change::{Stack, containers, identity, is_fragment, items, legible, pod_spec, text};
use super::rows;
use crate::diff::compare::files::Pair;
use crate::diff::documents::{Document, Documents};
use crate::diff::preview::FactKey;
use crate::diff::redact;

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The kind of object.
    pub(super) kind: Cow<'static, str>,
    /// Which object.
    pub(super) object: String,
    /// What of it: the way there, below its properties; empty for all of it.
    pub(super) aspect: &'static str,
}

/// What holds for something.
#[derive(Debug)]
pub(super) struct Fact<'t> {
    /// Null if nothing is said.
    pub(super) value: Cow<'t, Json>,
    /// How the files call the object.
    pub(super) name: &'t str,
    /// How people call it, and what it is.
    pub(super) known_as: &'t str,
    pub(super) noun: &'t str,
    pub(super) file: &'t str,
    /// What becomes of it if it leaves its file.
    pub(super) stack: Stack,
}

impl Fact<'_> {
    /// The object as sentences have it.
    pub(super) fn title(&self) -> String {
        format!("the {} `{}`", legible(self.noun), legible(self.known_as))
    }
}

impl Key {
    /// As the preview has it.
    pub(super) fn public(&self) -> FactKey {
        FactKey {
            kind: redact::text(&self.kind),
            object: Some(redact::text(&self.object)),
            aspect: self.aspect.trim_start_matches('/').to_owned(),
        }
    }
}

pub(super) type Facts<'t> = BTreeMap<Key, Fact<'t>>;

/// An object of one side.
struct Object<'t> {
    kind: Cow<'static, str>,
    identity: String,
    name: &'t str,
    known_as: &'t str,
    noun: &'t str,
    value: Cow<'t, Json>,
}

/// The facts of both sides, from the files that differ.
pub(super) fn of_pairs<'d>(pairs: &[Pair<'d, '_>], head: &Documents<'_>) -> (Facts<'d>, Facts<'d>) {
    let (mut before, mut after) = (Facts::new(), Facts::new());
    for (old, new) in pairs {
        // What can't be read at the head isn't removed: nobody knows.
        let place = new.or(*old).map_or("", |document| document.path());
        let is_unreadable =
            new.and_then(Document::value).is_none() && (new.is_some() || head.has(place));
        let stack = match old.and_then(Document::value) {
            Some(value) if is_fragment(value) => Stack::OfMembers,
            _ if new.is_none() => Stack::Stays,
            _ => Stack::Updated,
        };
        let objects_of = |document: Option<&'d Document<'_>>| {
            document.map_or_else(Vec::new, |document| objects(document, place, *new))
        };
        let old = old.filter(|_| !is_unreadable);
        let (at_base, at_head) = (objects_of(old), objects_of(*new));
        let same = same(&at_base, &at_head);
        for (facts, document, objects) in
            [(&mut before, old, &at_base), (&mut after, *new, &at_head)]
        {
            let differ = objects.iter().filter(|object| !same.contains(&object.id()));
            for object in differ {
                add(
                    facts,
                    document.map_or("", |document| document.path()),
                    object,
                    stack,
                );
            }
        }
    }
    (before, after)
}

/// The objects that a file has on both sides, and that are the same.
fn same<'o>(old: &'o [Object<'_>], new: &'o [Object<'_>]) -> BTreeSet<(&'o str, &'o str)> {
    let before: BTreeMap<_, _> = old
        .iter()
        .map(|object| (object.id(), &object.value))
        .collect();
    let same = new
        .iter()
        .filter(|object| before.get(&object.id()) == Some(&&object.value));
    same.map(Object::id).collect()
}

/// Adds the facts of an object.
fn add<'d>(facts: &mut Facts<'d>, file: &'d str, object: &Object<'d>, stack: Stack) {
    for row in rows::of(&object.kind) {
        let value = match &object.value {
            Cow::Borrowed(value) => row.read(value),
            Cow::Owned(value) => Cow::Owned(row.read(value).into_owned()),
        };
        let key = Key {
            kind: object.kind.clone(),
            object: object.identity.clone(),
            aspect: row.aspect,
        };
        let fact = Fact {
            value,
            name: object.name,
            known_as: object.known_as,
            noun: object.noun,
            file,
            stack,
        };
        facts.insert(key, fact);
    }
}

impl Object<'_> {
    fn id(&self) -> (&str, &str) {
        (&self.kind, &self.identity)
    }
}

fn objects<'d>(
    document: &'d Document<'_>,
    place: &str,
    at_head: Option<&Document<'_>>,
) -> Vec<Object<'d>> {
    let Some(value) = document.value() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let template = place.trim_end_matches(".json");
    for (id, resource) in super::change::resources(Some(value)) {
        let kind = text(resource, "/Type");
        found.push(Object {
            kind: kind.to_owned().into(),
            identity: format!("{template}/{id}"),
            name: id,
            known_as: rows::known_as(resource).unwrap_or(id),
            noun: rows::noun(kind),
            value: Cow::Borrowed(resource),
        });
    }
    let is_kustomization = text(value, "/kind") == "Kustomization";
    let images = items(value, "images").iter();
    for image in images.filter(|_| is_kustomization) {
        let name = text(image, "/name");
        found.push(Object {
            kind: KUSTOMIZE_IMAGE.into(),
            identity: format!("{template}/{name}"),
            name,
            known_as: name,
            noun: "image",
            value: Cow::Borrowed(image),
        });
    }
    if let Some(folder) = rows::folder_of(document.path()) {
        found.push(Object {
            kind: folder.into(),
            identity: document.path().trim_end_matches(".json").to_owned(),
            name: document.path(),
            known_as: document.path(),
            noun: "object",
            value: Cow::Borrowed(value),
        });
    }
    if !document.path().contains("/patches/") {
        of_kubernetes(value, at_head, &mut found);
    }
    found
}

/// Any resource of AWS.
pub(super) const RESOURCE: &str = "resource";
/// Any object of Kubernetes.
pub(super) const OBJECT: &str = "object";
/// Any object of Argo CD or Flux.
pub(super) const GITOPS: &str = "GitOps object";
/// The specification of an Application, or of those that an `ApplicationSet` makes.
pub(super) const APPLICATION: &str = "Application specification";
/// The pods of a workload.
pub(super) const PODS: &str = "pods";
/// A container, with what holds for it of its pod's security context.
pub(super) const CONTAINER: &str = "container";
/// An image that a kustomization names.
pub(super) const KUSTOMIZE_IMAGE: &str = "image of a kustomization";
/// What is no object that is applied by itself.
pub(super) const PARTS_OF_OBJECTS: [&str; 4] = [APPLICATION, PODS, CONTAINER, KUSTOMIZE_IMAGE];

fn of_kubernetes<'d>(value: &'d Json, at_head: Option<&Document<'_>>, found: &mut Vec<Object<'d>>) {
    let version = text(value, "/apiVersion");
    let is_of_tool = version.starts_with("argoproj.io/") || version.contains(".toolkit.fluxcd.io/");
    if let Some((kind, namespace, name)) = identity(value) {
        let mut add = |own: String, value: &'d Json| {
            found.push(Object {
                kind: own.into(),
                identity: format!("{kind} {namespace}/{name}"),
                name,
                known_as: name,
                noun: kind,
                value: Cow::Borrowed(value),
            });
        };
        let group = version.split('/').next().filter(|_| is_of_tool);
        add(
            group.map_or_else(|| kind.to_owned(), |group| format!("{group}/{kind}")),
            value,
        );
        let specification = match kind {
            "Application" => value.get("spec"),
            "ApplicationSet" => value.pointer("/spec/template/spec"),
            _ => None,
        };
        if let Some(specification) = specification.filter(|_| is_of_tool) {
            add(APPLICATION.to_owned(), specification);
        }
    }
    if let Some(spec) = pod_spec(value) {
        of_pods(value, spec, at_head, found);
    }
}

/// Pods are those of the head's workload in the same file, however it is called.
fn of_pods<'d>(
    workload: &'d Json,
    spec: &'d Json,
    at_head: Option<&Document<'_>>,
    found: &mut Vec<Object<'d>>,
) {
    let head = at_head.and_then(Document::value);
    let owner = head
        .filter(|head| pod_spec(head).is_some())
        .unwrap_or(workload);
    let [kind, namespace, name] =
        ["/kind", "/metadata/namespace", "/metadata/name"].map(|at| text(owner, at));
    let identity = format!("{kind} {namespace}/{name}");
    found.push(Object {
        kind: PODS.into(),
        identity: identity.clone(),
        name: text(workload, "/metadata/name"),
        known_as: text(workload, "/metadata/name"),
        noun: text(workload, "/kind"),
        value: Cow::Borrowed(spec),
    });
    for (name, container) in containers(spec) {
        found.push(Object {
            kind: CONTAINER.into(),
            identity: format!("{identity}/{name}"),
            name,
            known_as: name,
            noun: "container",
            value: Cow::Owned(with_context_of_pod(container, spec)),
        });
    }
}

/// What the container says holds before what the pod says.
fn with_context_of_pod(container: &Json, spec: &Json) -> Json {
    let context = |value: &Json| {
        value
            .get("securityContext")
            .and_then(Json::as_object)
            .cloned()
    };
    let mut own = context(spec).unwrap_or_default();
    own.extend(context(container).unwrap_or_default());
    let mut members = Map::new();
    members.insert("securityContext".to_owned(), own.into());
    if let Some(image) = container.get("image") {
        members.insert("image".to_owned(), image.clone());
    }
    members.into()
}
