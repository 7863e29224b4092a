//! The objects of a file, each by what it is. Pure.
//!
//! An object that got another file is the same object. Pods and containers whose workload got
//! another name are those of the file; roles, network policies, and what is below `elasticsearch/`,
//! are compared with what their file was, too.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::applier::Stack;
use super::data_streams::DataStreams;
use super::values::{containers, identity, is_fragment, items, pod_spec, resources, text};
use super::{rows, secret, tls};
use crate::diff::documents::Document;

/// An object of one side.
#[derive(Clone, Debug)]
pub(super) struct Object<'t> {
    pub(super) kind: Cow<'static, str>,
    pub(super) identity: String,
    /// How the files call it; empty if they don't.
    pub(super) name: Cow<'t, str>,
    /// How people call it, and what it is.
    pub(super) known_as: Cow<'t, str>,
    pub(super) noun: Cow<'t, str>,
    pub(super) value: Cow<'t, Json>,
    pub(super) file: Cow<'t, str>,
    /// What becomes of it if it leaves its file.
    pub(super) stack: Stack,
    /// All of its file, before and after.
    pub(super) in_file: [Option<&'t Json>; 2],
}

impl Object<'_> {
    pub(super) fn id(&self) -> (Cow<'static, str>, String) {
        (self.kind.clone(), self.identity.clone())
    }
}

/// Any resource of AWS.
pub(super) const RESOURCE: &str = "resource";
/// Any object of Kubernetes.
pub(super) const OBJECT: &str = "object";
/// Any object of Argo CD or Flux.
pub(super) const GITOPS: &str = "GitOps object";
/// Any object of Elasticsearch or OpenSearch.
pub(super) const SERVER_OBJECT: &str = "object of a server";
/// The type of a resource of AWS.
pub(super) const RESOURCE_TYPE: &str = "type of a resource";
/// A call of an API that a fragment asks for, for what CloudFormation can't own.
pub(super) const CALL: &str = "call";
/// A call that says how long records are kept: a log group that nothing limits is kept for ever.
pub(super) const RETENTION_CALL: &str = "call for retention";
/// The specification of an Application, or of those that an `ApplicationSet` makes.
pub(super) const APPLICATION: &str = "Application specification";
/// The pods of a workload.
pub(super) const PODS: &str = "pods";
/// A container, with what holds for it of its pod's security context.
pub(super) const CONTAINER: &str = "container";
/// What kustomize makes objects by.
pub(super) const KUSTOMIZATION: &str = "Kustomization";
/// An image that a kustomization names.
pub(super) const KUSTOMIZE_IMAGE: &str = "image of a kustomization";
/// A `ConfigMap` that a kustomization generates; its name ends in a hash of its content.
pub(super) const GENERATED: &str = "generated ConfigMap";
/// The certificates in a file.
pub(super) const CERTIFICATES: &str = "certificates";
/// How something in a file talks to something else.
pub(super) const CONNECTION: &str = "connection";
/// What something in a file refers to of secrets.
pub(super) const REFERENCES: &str = "references to secrets";
/// Which index template holds for a data stream.
pub(super) const STREAM_TEMPLATE: &str = "index template of a data stream";
/// What its index template is, with its component templates.
pub(super) const STREAM_MAPPING: &str = "mapping of a data stream";
/// When its records are deleted.
pub(super) const STREAM_RETENTION: &str = "retention of a data stream";
/// What is no object that is applied by itself.
pub(super) const PARTS_OF_OBJECTS: [&str; 15] = [
    RESOURCE_TYPE,
    CALL,
    RETENTION_CALL,
    APPLICATION,
    PODS,
    CONTAINER,
    KUSTOMIZATION,
    KUSTOMIZE_IMAGE,
    GENERATED,
    CERTIFICATES,
    CONNECTION,
    REFERENCES,
    STREAM_TEMPLATE,
    STREAM_MAPPING,
    STREAM_RETENTION,
];

/// What is given to somebody by its name: a role that is called otherwise is compared with what it was.
const COMPARED_BY_FILE: [&str; 6] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "ServiceAccount",
];

/// A file that differs.
#[derive(Clone, Copy)]
pub(super) struct File<'t> {
    /// Its path at the head, or at the base if it is removed.
    pub(super) place: &'t str,
    pub(super) stack: Stack,
    /// Its path on both sides, and what it is.
    pub(super) paths: [Option<&'t str>; 2],
    pub(super) values: [Option<&'t Json>; 2],
    /// Whether one of its sides may refer to secrets.
    pub(super) may_refer: bool,
}

impl<'t> File<'t> {
    /// The objects of one of its sides.
    pub(super) fn objects(
        &self,
        document: &'t Document<'_>,
        streams: &DataStreams<'_>,
    ) -> Vec<Object<'t>> {
        let path = document.path();
        let object = |kind: &str, identity: String, value: Cow<'t, Json>| Object {
            kind: kind.to_owned().into(),
            identity,
            name: "".into(),
            known_as: "".into(),
            noun: "object".into(),
            value,
            file: path.into(),
            stack: self.stack,
            in_file: self.values,
        };
        let part = |name: &str| format!("{}#{name}", self.place);
        let mut found = Vec::new();
        if let Some(text) = document.text() {
            for (way, connection) in tls::connections_in(path, text, document.value()) {
                let value = Cow::Owned(connection.to_json());
                found.push(Object {
                    name: connection.address.into(),
                    ..object(CONNECTION, part(&way), value)
                });
            }
        }
        // Of these only what was there before can be another one.
        let is_on_both_sides = self.paths.iter().all(Option::is_some);
        if let Some(text) = document.text().filter(|_| is_on_both_sides) {
            let certificates = tls::certificates(text);
            if !certificates.is_empty() {
                let value = Cow::Owned(certificates.into_iter().collect());
                found.push(object(CERTIFICATES, part(""), value));
            }
            let references = self
                .may_refer
                .then(|| secret::references(path, text, document.value()));
            for (owner, references) in references.into_iter().flatten() {
                let identity = part(&owner);
                found.push(Object {
                    known_as: owner.into(),
                    ..object(REFERENCES, identity, Cow::Owned(references))
                });
            }
        }
        let Some(value) = document.value() else {
            return found;
        };
        self.of_template(value, &object, &mut found);
        if is_kustomization(value) {
            let identity = self.place.to_owned();
            found.push(object(KUSTOMIZATION, identity, Cow::Borrowed(value)));
            for (list, kind, noun) in [
                ("images", KUSTOMIZE_IMAGE, "image"),
                ("configMapGenerator", GENERATED, "ConfigMap"),
            ] {
                for entry in items(value, list) {
                    let name = text(entry, "/name");
                    let identity = format!("{}/{list}/{name}", self.place);
                    found.push(object(kind, identity, Cow::Borrowed(entry)).named(name, noun));
                }
            }
        }
        if let Some(folder) = rows::folder_of(path) {
            let of = |path: &'t str| {
                let identity = path.trim_end_matches(".json").to_owned();
                object(folder, identity, Cow::Borrowed(value)).named(path, "object")
            };
            let [old, new] = self.paths;
            if !streams.know(old, new) {
                found.push(of(self.place));
            }
            if path != self.place && !streams.know(Some(path), None) {
                found.push(of(path));
            }
        }
        if !path.contains("/patches/") {
            self.of_kubernetes(value, &object, &mut found);
        }
        found
    }

    fn of_template(
        &self,
        value: &'t Json,
        object: &impl Fn(&str, String, Cow<'t, Json>) -> Object<'t>,
        found: &mut Vec<Object<'t>>,
    ) {
        let template = self.place.trim_end_matches(".json");
        for (id, resource) in resources(Some(value)) {
            let kind = text(resource, "/Type");
            let identity = format!("{template}/{id}");
            if let Some(kind) = resource.get("Type") {
                let object = object(RESOURCE_TYPE, identity.clone(), Cow::Borrowed(kind));
                found.push(object.named(id, "resource"));
            }
            found.push(Object {
                known_as: rows::known_as(resource).unwrap_or(id).into(),
                ..object(kind, identity, Cow::Borrowed(resource)).named(id, rows::noun(kind))
            });
        }
        for call in items(value, "calls").iter().filter(|_| is_fragment(value)) {
            let action = text(call, "/action");
            let name = format!("{}:{action}", text(call, "/service"));
            let kind = match action {
                "PutRetentionPolicy" => RETENTION_CALL,
                _ => CALL,
            };
            found.push(Object {
                name: name.clone().into(),
                known_as: name.clone().into(),
                noun: "call".into(),
                ..object(kind, format!("{template}/{name}"), Cow::Borrowed(call))
            });
        }
    }

    fn of_kubernetes(
        &self,
        value: &'t Json,
        object: &impl Fn(&str, String, Cow<'t, Json>) -> Object<'t>,
        found: &mut Vec<Object<'t>>,
    ) {
        let version = text(value, "/apiVersion");
        let is_of_tool =
            version.starts_with("argoproj.io/") || version.contains(".toolkit.fluxcd.io/");
        // What the file has at the head.
        let at_head = self.values[1];
        if let Some((kind, namespace, name)) = identity(value) {
            let own = format!("{kind} {namespace}/{name}");
            let mut add = |of_kind: &str, identity: String, value: &'t Json| {
                let value = Cow::Borrowed(value);
                found.push(object(of_kind, identity, value).named(name, kind));
            };
            match version.split('/').next().filter(|_| is_of_tool) {
                Some(group) => add(&format!("{group}/{kind}"), own.clone(), value),
                None => add(kind, own.clone(), value),
            }
            let renamed = at_head
                .and_then(identity)
                .filter(|_| COMPARED_BY_FILE.contains(&kind));
            if let Some((same_kind, namespace, name)) = renamed
                && same_kind == kind
            {
                add(kind, format!("{kind} {namespace}/{name}"), value);
            }
            let specification = match kind {
                "Application" => value.get("spec"),
                "ApplicationSet" => value.pointer("/spec/template/spec"),
                _ => None,
            };
            if let Some(specification) = specification.filter(|_| is_of_tool) {
                add(APPLICATION, own, specification);
            }
        }
        if let Some(spec) = pod_spec(value) {
            let owner = at_head
                .filter(|head| pod_spec(head).is_some())
                .unwrap_or(value);
            let [kind, namespace, name] =
                ["/kind", "/metadata/namespace", "/metadata/name"].map(|at| text(owner, at));
            let identity = format!("{kind} {namespace}/{name}");
            let (name, kind) = (text(value, "/metadata/name"), text(value, "/kind"));
            let pods = object(PODS, identity.clone(), Cow::Borrowed(spec));
            found.push(pods.named(name, kind));
            for (name, container) in containers(spec) {
                let identity = format!("{identity}/{name}");
                let value = Cow::Owned(with_context_of_pod(container, spec));
                found.push(object(CONTAINER, identity, value).named(name, "container"));
            }
        }
    }
}

impl<'t> Object<'t> {
    fn named(self, name: &'t str, noun: &'t str) -> Self {
        Self {
            name: name.into(),
            known_as: name.into(),
            noun: noun.into(),
            ..self
        }
    }
}

/// Whether it is one of kustomize itself, and not of Flux.
fn is_kustomization(value: &Json) -> bool {
    text(value, "/kind") == KUSTOMIZATION && value.get("spec").is_none()
}

/// What the container says holds before what the pod says.
fn with_context_of_pod(container: &Json, spec: &Json) -> Json {
    let contexts = [spec, container].map(|value| value.get("securityContext"));
    let contexts = contexts.into_iter().flatten().filter_map(Json::as_object);
    let context: Map<String, Json> = contexts
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut members = container.as_object().cloned().unwrap_or_default();
    members.insert("securityContext".to_owned(), context.into());
    members.into()
}
