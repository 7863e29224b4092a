//! Checks a rendered file below `kubernetes/` or `gitops/` as strictly as an API server
//! does. Pure: the same [`FileKind`] and text always give the same faults, so
//! a caller may remember the answer.
//!
//! The schemas are derived from what a real API server publishes
//! (`schemas/outputs/README.md`), with every object closed. What a schema
//! can't see, such as a selector that matches no label, is left to the tests
//! against a real server.

mod loosen;
mod yaml11;

use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::fault::{Fault, Faults};
use crate::layers::schema::SchemaCheck;
use crate::load::node::{Node, Value};
use crate::load::source_file::{FileId, SourceFile, Sources, Span};
use crate::load::yaml;
use crate::nearest::did_you_mean;

/// What a `.yaml` file below `kubernetes/` or `gitops/` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A whole object.
    Object,
    /// One of the cluster's own kustomize patches.
    Patch,
    /// What kubernetes-event-exporter reads.
    EventExporter,
}

impl FileKind {
    /// What a path below the cluster's folder says it is.
    pub fn of(path: &str) -> Self {
        match path {
            "kubernetes/events/config.yaml" => Self::EventExporter,
            _ if path.starts_with("kubernetes/patches/") => Self::Patch,
            _ => Self::Object,
        }
    }
}

/// `apiVersion`, `kind` and schema of every kind that is known.
const KINDS: [(&str, &str, &str); 25] = [
    (
        "v1",
        "ConfigMap",
        include_str!("../../../schemas/outputs/kubernetes/configmap.json"),
    ),
    (
        "v1",
        "Namespace",
        include_str!("../../../schemas/outputs/kubernetes/namespace.json"),
    ),
    (
        "v1",
        "Secret",
        include_str!("../../../schemas/outputs/kubernetes/secret.json"),
    ),
    (
        "v1",
        "Service",
        include_str!("../../../schemas/outputs/kubernetes/service.json"),
    ),
    (
        "v1",
        "ServiceAccount",
        include_str!("../../../schemas/outputs/kubernetes/serviceaccount.json"),
    ),
    (
        "apps/v1",
        "DaemonSet",
        include_str!("../../../schemas/outputs/kubernetes/daemonset.json"),
    ),
    (
        "apps/v1",
        "Deployment",
        include_str!("../../../schemas/outputs/kubernetes/deployment.json"),
    ),
    (
        "apps/v1",
        "StatefulSet",
        include_str!("../../../schemas/outputs/kubernetes/statefulset.json"),
    ),
    (
        "argoproj.io/v1alpha1",
        "AppProject",
        include_str!("../../../schemas/outputs/kubernetes/appproject.json"),
    ),
    (
        "argoproj.io/v1alpha1",
        "Application",
        include_str!("../../../schemas/outputs/kubernetes/application.json"),
    ),
    (
        "argoproj.io/v1alpha1",
        "ApplicationSet",
        include_str!("../../../schemas/outputs/kubernetes/applicationset.json"),
    ),
    (
        "batch/v1",
        "CronJob",
        include_str!("../../../schemas/outputs/kubernetes/cronjob.json"),
    ),
    (
        "external-secrets.io/v1",
        "ExternalSecret",
        include_str!("../../../schemas/outputs/kubernetes/externalsecret.json"),
    ),
    (
        "kustomize.config.k8s.io/v1beta1",
        "Kustomization",
        include_str!("../../../schemas/outputs/kubernetes/kustomization.json"),
    ),
    (
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        include_str!("../../../schemas/outputs/kubernetes/flux-kustomization.json"),
    ),
    (
        "monitoring.coreos.com/v1",
        "PodMonitor",
        include_str!("../../../schemas/outputs/kubernetes/podmonitor.json"),
    ),
    (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        include_str!("../../../schemas/outputs/kubernetes/prometheusrule.json"),
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        include_str!("../../../schemas/outputs/kubernetes/networkpolicy.json"),
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        include_str!("../../../schemas/outputs/kubernetes/poddisruptionbudget.json"),
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        include_str!("../../../schemas/outputs/kubernetes/clusterrole.json"),
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        include_str!("../../../schemas/outputs/kubernetes/clusterrolebinding.json"),
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "Role",
        include_str!("../../../schemas/outputs/kubernetes/role.json"),
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        include_str!("../../../schemas/outputs/kubernetes/rolebinding.json"),
    ),
    (
        "scheduling.k8s.io/v1",
        "PriorityClass",
        include_str!("../../../schemas/outputs/kubernetes/priorityclass.json"),
    ),
    (
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        include_str!("../../../schemas/outputs/kubernetes/gitrepository.json"),
    ),
];

/// The kinds of the core group that a file may hold and that have no schema
/// above (<https://kubernetes.io/docs/reference/kubernetes-api/>).
const CORE_KINDS: [&str; 8] = [
    "Endpoints",
    "LimitRange",
    "List",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicationController",
    "ResourceQuota",
];

const EVENT_EXPORTER_SCHEMA: &str =
    include_str!("../../../schemas/outputs/kubernetes/event-exporter.json");

/// One file's schema, compiled when it is first needed: a run compiles only
/// those of the kinds that it renders.
#[derive(Debug, Default)]
struct Compiled(OnceLock<Option<SchemaCheck>>);

impl Compiled {
    fn get(&self, text: &str, prepare: impl FnOnce(Json) -> Json) -> Option<&SchemaCheck> {
        let compile = || {
            let schema = prepare(serde_json::from_str(text).ok()?);
            Some(SchemaCheck::new(schema).ok()?.calling_keys("field"))
        };
        self.0.get_or_init(compile).as_ref()
    }
}

/// Checks files below `kubernetes/` and `gitops/`.
#[derive(Debug, Default)]
pub struct KubernetesCheck {
    whole: [Compiled; KINDS.len()],
    patches: [Compiled; KINDS.len()],
    event_exporter: Compiled,
}

impl KubernetesCheck {
    /// Nothing is compiled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the text of one `.yaml` file; faults are placed in `shown_path`.
    pub fn check(&self, kind: FileKind, shown_path: &str, text: &str) -> Faults {
        let source = SourceFile::new(shown_path, text);
        match yaml::parse(FileId(0), &source) {
            Ok(node) => self.check_read(kind, &node, source),
            Err(faults) => faults,
        }
    }

    /// Checks what a file was read as, the first of its sources.
    pub(super) fn check_read(&self, kind: FileKind, node: &Node, source: SourceFile) -> Faults {
        let mut sources = Sources::default();
        sources.push(source);
        let mut faults = Faults::new();
        yaml11::refuse_misread(node, &sources, &mut faults);
        faults.append(self.check_node(kind, node, &sources));
        faults
    }

    fn check_node(&self, file: FileKind, node: &Node, sources: &Sources) -> Faults {
        match file {
            FileKind::EventExporter => run(
                self.event_exporter
                    .get(EVENT_EXPORTER_SCHEMA, |schema| schema),
                node,
                sources,
            ),
            // Operations of JSON Patch, whose target stands in the kustomization.
            FileKind::Patch if matches!(node.value, Value::Sequence(_)) => Faults::new(),
            FileKind::Patch => check_object(&self.patches, loosen::loosen, node, sources),
            FileKind::Object => check_object(&self.whole, |schema| schema, node, sources),
        }
    }
}

/// Checks an object by the one of `schemas` that is of its kind.
fn check_object(
    schemas: &[Compiled],
    prepare: fn(Json) -> Json,
    node: &Node,
    sources: &Sources,
) -> Faults {
    let (Some(api_version), Some(kind)) = (text_of(node, "apiVersion"), text_of(node, "kind"))
    else {
        return no_object(node, sources);
    };
    let known = KINDS
        .iter()
        .zip(schemas)
        .find(|(known, _)| known.0 == api_version && known.1 == kind);
    match known {
        Some((known, compiled)) => run(compiled.get(known.2, prepare), node, sources),
        None => check_unknown(api_version, kind, node, sources),
    }
}

fn run(check: Option<&SchemaCheck>, node: &Node, sources: &Sources) -> Faults {
    match check {
        Some(check) => check.check(node, sources),
        None => Fault::environment("a schema that is built into the program is broken").into(),
    }
}

fn text_of<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key)
        .and_then(Node::as_str)
        .filter(|text| !text.is_empty())
}

fn no_object(node: &Node, sources: &Sources) -> Faults {
    Fault::input("this is not a Kubernetes object: `apiVersion` and `kind` are required, as text")
        .at(sources.place(start_of(node)))
        .hint("a file below `kubernetes/` that is something else needs another name than `.yaml`")
        .into()
}

/// The first byte, so that the caret doesn't underline a whole file.
fn start_of(node: &Node) -> Span {
    Span {
        end: node.span.start,
        ..node.span
    }
}

/// A kind of somebody else's, from a fleet's own template: it has a name at
/// least. One that Kubernetes itself has under another `apiVersion` is a slip.
fn check_unknown(api_version: &str, kind: &str, node: &Node, sources: &Sources) -> Faults {
    let mut faults = Faults::new();
    if api_version == "v1"
        && !CORE_KINDS.contains(&kind)
        && !KINDS.iter().any(|known| known.1 == kind)
    {
        let at = node
            .get("kind")
            .map_or_else(|| start_of(node), |value| value.span);
        let fault =
            Fault::input(format!("Kubernetes has no `{kind}` in `v1`")).at(sources.place(at));
        let own = KINDS
            .iter()
            .filter(|known| known.0 == "v1")
            .map(|known| known.1);
        let hint = did_you_mean(kind, own.chain(CORE_KINDS)).unwrap_or_else(|| {
            "a kind of your own has a group: `apiVersion: example.com/v1`".to_owned()
        });
        faults.push(fault.hint(hint));
    }
    let known = KINDS
        .iter()
        .find(|known| known.1 == kind && is_built_in(known.0));
    if let Some((right, ..)) = known
        && is_built_in(api_version)
        && let Some(value) = node.get("apiVersion")
    {
        faults.push(
            Fault::input(format!("Kubernetes has no `{kind}` in `{api_version}`"))
                .at(sources.place(value.span))
                .hint(format!("write `{right}`")),
        );
    }
    if node
        .get("metadata")
        .and_then(|metadata| text_of(metadata, "name"))
        .is_none()
    {
        let at = node
            .entry("metadata")
            .map_or_else(|| start_of(node), |entry| entry.key_span);
        faults.push(Fault::input("`metadata.name` is required, as text").at(sources.place(at)));
    }
    faults
}

/// Whether Kubernetes itself serves the group: its groups have no dot, or end
/// in `.k8s.io`, which nobody else may use
/// (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2337-k8s.io-group-protection>).
fn is_built_in(api_version: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || group.ends_with(".k8s.io")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Style, to_text};

    const PATH: &str = "kubernetes/applications/daemonset.yaml";

    const DAEMON_SET: &str = r#"apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: fluentd
spec:
  selector: { matchLabels: { app: fluentd } }
  updateStrategy: { rollingUpdate: { maxUnavailable: "10%", maxSurge: 0 } }
  template:
    metadata: { labels: { app: fluentd } }
    spec:
      containers:
        - name: fluentd
          image: "fluentd:1"
          imagePullPolicy: IfNotPresent
          livenessProbe: { httpGet: { path: /metrics, port: metrics } }
          resources: { limits: { cpu: 1, memory: 512Mi } }
"#;

    fn reported_at(path: &str, text: &str) -> String {
        let faults = KubernetesCheck::new().check(FileKind::of(path), path, text);
        to_text(faults, "nothing was written", Style::Plain)
    }

    fn reported_if(from: &str, to: &str) -> String {
        assert!(DAEMON_SET.contains(from), "{from}");
        reported_at(PATH, &DAEMON_SET.replace(from, to))
    }

    #[test]
    fn every_schema_compiles_and_says_its_kind() {
        for (api_version, kind, text) in KINDS {
            let schema: Json = serde_json::from_str(text).expect("JSON");
            assert_eq!(schema["properties"]["kind"]["const"], kind);
            assert_eq!(schema["properties"]["apiVersion"]["const"], api_version);
            assert!(
                Compiled::default().get(text, |schema| schema).is_some(),
                "{kind}"
            );
            assert!(
                Compiled::default().get(text, loosen::loosen).is_some(),
                "{kind}"
            );
        }
        assert!(
            Compiled::default()
                .get(EVENT_EXPORTER_SCHEMA, |schema| schema)
                .is_some()
        );
    }

    #[test]
    fn says_nothing_of_a_good_object() {
        assert_eq!(reported_at(PATH, DAEMON_SET), "");
    }

    #[test]
    fn tells_a_misspelt_field() {
        insta::assert_snapshot!(reported_if("imagePullPolicy", "imagePullPolcy"));
    }

    #[test]
    fn tells_a_value_that_no_such_field_has() {
        insta::assert_snapshot!(reported_if("IfNotPresent", "Sometimes"));
        insta::assert_snapshot!(reported_if("name: fluentd\n          image", "image"));
        insta::assert_snapshot!(reported_if("maxSurge: 0", "maxSurge: true"));
    }

    #[test]
    fn tells_a_word_that_kubernetes_reads_as_something_else() {
        insta::assert_snapshot!(reported_if("\"fluentd:1\"", "y"));
        insta::assert_snapshot!(reported_if(
            "{ labels: { app: fluentd } }",
            "{ labels: { app: 012, on: 1_000 } }"
        ));
    }

    #[test]
    fn tells_a_duplicate_key() {
        insta::assert_snapshot!(reported_if(
            "kind: DaemonSet",
            "kind: DaemonSet\nkind: DaemonSet"
        ));
    }

    #[test]
    fn tells_what_is_no_object() {
        insta::assert_snapshot!(reported_at(PATH, "just: words\n"));
        insta::assert_snapshot!(reported_if(
            "apiVersion: apps/v1",
            "apiVersion: extensions/v1beta1"
        ));
    }

    #[test]
    fn a_kind_of_somebody_else_needs_a_name() {
        let own = "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: a\nspec: { anything: 1 }\n";
        assert_eq!(reported_at("kubernetes/widget.yaml", own), "");
        insta::assert_snapshot!(reported_at(
            "kubernetes/widget.yaml",
            &own.replace("name: a", "labels: {}")
        ));
    }

    #[test]
    fn a_patch_may_leave_out_but_not_invent() {
        let patch = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: fluentd\nspec:\n  template:\n    spec:\n      \
            priorityClassName: null\n      containers:\n        - name: fluentd\n          $patch: delete\n          \
            ports:\n            - $patch: replace\n";
        let path = "kubernetes/patches/a.yaml";
        assert_eq!(reported_at(path, patch), "");
        assert_eq!(reported_at(path, "- op: remove\n  path: /spec\n"), "");
        insta::assert_snapshot!(reported_at(
            path,
            &patch.replace("priorityClassName", "priorityClass")
        ));
    }

    #[test]
    fn knows_the_event_exporters_options() {
        let text = "logLevel: warn\nroute: { routes: [{ match: [{ receiver: a }] }] }\nreceivers: [{ name: a, stdout: {} }]\n";
        assert_eq!(reported_at("kubernetes/events/config.yaml", text), "");
        insta::assert_snapshot!(reported_at(
            "kubernetes/events/config.yaml",
            &text.replace("logLevel", "loglevel")
        ));
    }
}
