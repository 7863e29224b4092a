//! Every property of every object that the templates render: which row
//! judges it, or why it can't lose, leak or break anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Value as Json, json};

use crate::diff::documents::{Document, Documents};
use crate::diff::risk::applier::Applier;
use crate::diff::risk::effective_objects::Applied;
use crate::diff::risk::objects::{CONTAINER, PODS};
use crate::diff::risk::replacement::is_create_only;
use crate::diff::risk::values::{is_fragment, items, pod_spec, text};
use crate::diff::risk::{find, rows};
use crate::tree::{RenderedTree, TreePath};

/// What rows judge that are about all of an object, or about what is in it. Each line: kinds, properties, the row.
const BY_WHOLE: &str = "
AWS::CloudTrail::Trail — AdvancedEventSelectors — a row about all properties (`selection`)
AWS::IAM::Role — AssumeRolePolicyDocument Policies — privilege/iam
AWS::IAM::ManagedPolicy — PolicyDocument — privilege/iam
AWS::Logs::LogGroup — ResourcePolicyDocument — privilege/iam
AWS::S3::BucketPolicy — PolicyDocument — privilege/iam, tls/store
AWS::Lambda::Permission — Principal SourceAccount SourceArn — privilege/exposure
AWS::Logs::DeliveryDestination — DestinationResourceArn — privilege/exposure
AWS::Logs::SubscriptionFilter — DestinationArn — privilege/exposure
AWS::Route53Resolver::ResolverQueryLoggingConfig — DestinationArn — privilege/exposure
AWS::KinesisFirehose::DeliveryStream — DeliveryStreamEncryptionConfigurationInput — a row about all properties (`encryption`)
AWS::S3::Bucket — BucketEncryption — a row about all properties (`encryption`)
ClusterRole — rules — privilege/rbac
ClusterRoleBinding — subjects — privilege/rbac
ServiceAccount — automountServiceAccountToken — privilege/rbac
NetworkPolicy — spec/egress spec/ingress spec/podSelector spec/policyTypes — privilege/network
ExternalSecret — spec/data spec/secretStoreRef spec/target — secret/external
DaemonSet|Deployment|StatefulSet — spec/template — rows about pods and containers
CronJob — spec/jobTemplate — rows about pods and containers
Kustomization — configMapGenerator patches resources — rows about generated ConfigMaps, and about objects as they are applied
argoproj.io/Application — spec/destination spec/project spec/syncPolicy — rows about the specification
argoproj.io/ApplicationSet — spec/template — rows about the specification
pods — containers — rows about containers
pods — volumes — rows about mounts; secret/pod
pods — affinity nodeSelector tolerations — rows about DaemonSets
pods — securityContext — rows about containers, which have it from their pod
container — env — secret/pod
container — volumeMounts — rows about mounts
container — securityContext/capabilities securityContext/runAsNonRoot — rows about containers
";

/// What can't lose, leak or break anything by itself. Each line: kinds, properties, the reason.
const HARMLESS: &str = "
AWS::CloudWatch::Alarm|AWS::CloudWatch::Dashboard|AWS::Logs::MetricFilter — AlarmActions AlarmDescription ComparisonOperator DashboardBody Dimensions EvaluationPeriods FilterPattern MetricName MetricTransformations Metrics Namespace OKActions Period Statistic Threshold TreatMissingData — watches logs, and ships none
AWS::Events::Rule|AWS::IAM::ManagedPolicy|AWS::Lambda::Function|AWS::SSM::Parameter|argoproj.io/AppProject — Description spec/description — describes
AWS::Lambda::Function — Architectures Handler Runtime — a wrong one fails at once, and is retried and seen
AWS::Lambda::Function — MemorySize Timeout — a call that fails for it is tried again, then given up: where to is judged
AWS::Lambda::EventInvokeConfig — MaximumEventAgeInSeconds MaximumRetryAttempts — what is given up is kept: where is judged
AWS::SSM::Association — ScheduleExpression — how often it is repeated where it was applied already; a new machine has it at once
Service — spec/publishNotReadyAddresses — of the metrics of pods that aren't ready
AWS::Lambda::Function — LoggingConfig — the function's own log
AWS::SSM::Association — AssociationName ComplianceSeverity MaxConcurrency Name — names it, or how fast it is applied
AWS::SSM::Document — DocumentFormat TargetType UpdateMethod — how it is written and replaced
AWS::SSM::Parameter — Tier Type — how it is stored
AWS::CloudTrail::Trail — CloudWatchLogsRoleArn — its role is judged by its policies
AWS::Logs::SubscriptionFilter|AWS::Lambda::Function — RoleArn Role — the role is judged by its policies
CronJob — spec/failedJobsHistoryLimit spec/successfulJobsHistoryLimit spec/concurrencyPolicy spec/schedule spec/startingDeadlineSeconds spec/timeZone — when the reconciler runs, and what is kept of past runs: what differs waits until then
DaemonSet|Deployment — spec/updateStrategy spec/strategy — how pods are replaced
ExternalSecret — spec/refreshInterval — how often it is read
Kustomization — commonAnnotations labels — labels and annotations
PodDisruptionBudget — spec/maxUnavailable spec/selector — what of pods may be moved at a time
PodMonitor|PrometheusRule — spec/podMetricsEndpoints spec/selector spec/groups — watches pods
argoproj.io/ApplicationSet — spec/goTemplate spec/goTemplateOptions — how the template is read
pods — enableServiceLinks restartPolicy terminationGracePeriodSeconds topologySpreadConstraints securityContext/fsGroup securityContext/fsGroupChangePolicy securityContext/runAsGroup — how pods run, on the same machines and with the same rights
container — imagePullPolicy livenessProbe name ports readinessProbe startupProbe terminationMessagePolicy — how a container is watched, and what of it has a name
";

/// Where templates and fragments have resources.
const RESOURCES: [&str; 3] = ["Resources", "resources", "once"];

/// Where a property is: a file, and the way there.
struct Place {
    path: String,
    pointer: String,
    /// The kind of object in the file.
    object: String,
    value: Json,
}

/// By kind and property, a place for each value that it has somewhere.
type Properties = BTreeMap<String, BTreeMap<String, Vec<Place>>>;

/// The properties of all objects in a folder.
fn properties(folder: &Path, found: &mut Properties) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            properties(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let name = path.to_str().expect("a name");
            let document = Document::of(name, &bytes);
            let value = document.value().filter(|_| !name.contains("/patches/"));
            if let Some(value) = value {
                of_document(value, name, found);
            }
        }
    }
}

fn of_document(value: &Json, path: &str, found: &mut Properties) {
    let object = text(value, "/kind");
    let mut add = |kind: &str, above: &str, at: &str, without: &[&str]| {
        let own = found.entry(kind.to_owned()).or_default();
        let members = value.pointer(at).and_then(Json::as_object);
        for (name, value) in members.into_iter().flatten() {
            if !without.contains(&name.as_str()) {
                let places = own.entry(format!("{above}{name}")).or_default();
                let is_same = |place: &Place| (&place.value, &*place.object) == (value, object);
                if !places.iter().any(is_same) {
                    places.push(Place {
                        object: object.to_owned(),
                        path: path.to_owned(),
                        pointer: format!("{at}/{name}"),
                        value: value.clone(),
                    });
                }
            }
        }
    };
    if value.get("Resources").is_some() || is_fragment(value) {
        for list in RESOURCES {
            let resources = value.get(list).and_then(Json::as_object);
            for (id, resource) in resources.into_iter().flatten() {
                let at = format!("/{list}/{id}/Properties");
                add(text(resource, "/Type"), "", &at, &[]);
            }
        }
        return;
    }
    let (kind, version) = (text(value, "/kind"), text(value, "/apiVersion"));
    if kind.is_empty() || version.is_empty() || matches!(kind, "ConfigMap" | "Namespace" | "Secret")
    {
        return;
    }
    let is_of_tool = version.contains("argoproj.io/") || version.contains("fluxcd.io/");
    let group = version.split('/').next().filter(|_| is_of_tool);
    let name = group.map_or_else(|| kind.to_owned(), |group| format!("{group}/{kind}"));
    add(&name, "", "", &["apiVersion", "kind", "metadata", "spec"]);
    add(&name, "spec/", "/spec", &[]);
    let pods = match kind {
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "Pod" => "/spec",
        _ => "/spec/template/spec",
    };
    let Some(spec) = pod_spec(value) else {
        return;
    };
    add(PODS, "", pods, &["initContainers"]);
    add(
        PODS,
        "securityContext/",
        &format!("{pods}/securityContext"),
        &["runAsNonRoot", "runAsUser", "seccompProfile"],
    );
    for list in ["containers", "initContainers"] {
        for number in 0..items(spec, list).len() {
            let at = format!("{pods}/{list}/{number}");
            add(CONTAINER, "", &at, &["securityContext"]);
            let at = format!("{at}/securityContext");
            add(CONTAINER, "securityContext/", &at, &[]);
        }
    }
}

fn entries(table: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    table.trim().lines().map(|line| {
        let mut parts = line.split(" — ");
        let (kinds, properties) = (parts.next(), parts.next());
        assert!(parts.next().is_some(), "{line} says no reason");
        let properties = properties.expect("properties").split(' ');
        (kinds.expect("kinds"), properties.collect())
    })
}

fn is_in(table: &str, kind: &str, property: &str) -> bool {
    let own = |kinds: &str| kinds.split('|').any(|own| own == kind);
    let mut entries = entries(table).filter(|(kinds, _)| own(kinds));
    entries.any(|(_, properties)| properties.contains(&property))
}

fn is_in_a_row(kind: &str, property: &str) -> bool {
    let inner = |aspect: &str| {
        let rest = aspect.trim_start_matches('/').strip_prefix(property);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    rows::of(kind).any(|row| inner(row.aspect))
}

fn rendered() -> Properties {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeMap::new();
    properties(&root.join("rendered"), &mut found);
    assert!(found.len() > 30, "{:?}", found.keys());
    found
}

#[test]
fn every_rendered_property_is_judged_or_known_not_to_matter() {
    let found = rendered();
    let all = || {
        let kinds = found.iter();
        kinds.flat_map(|(kind, properties)| {
            properties
                .keys()
                .map(move |own| (kind.as_str(), own.as_str()))
        })
    };
    let is_known = |(kind, property): &(&str, &str)| {
        is_in_a_row(kind, property)
            || is_create_only(kind, property)
            || is_in(BY_WHOLE, kind, property)
            || is_in(HARMLESS, kind, property)
    };
    let unknown: Vec<_> = all().filter(|one| !is_known(one)).collect();
    assert_eq!(
        unknown,
        [],
        "nothing says whether these matter: add a row, or say why not"
    );
    // What is said of nothing that is rendered is stale.
    for (kinds, properties) in [BY_WHOLE, HARMLESS].into_iter().flat_map(entries) {
        for property in properties {
            let has = |kind: &str| {
                found
                    .get(kind)
                    .is_some_and(|own| own.contains_key(property))
            };
            assert!(
                kinds.split('|').any(has),
                "{kinds} {property} isn't rendered"
            );
        }
    }
}

/// Others than a value: without a part of it, with another part, with more.
fn others(value: &Json) -> Vec<Json> {
    let words = [
        "",
        "DISABLED",
        "LoadBalancer",
        "rate(30 days)",
        "1%",
        "*",
        "other",
        "http://other",
        "latest",
        "0.0.1",
        "999988887777",
    ];
    let mut found = vec![Json::Null];
    match value {
        Json::Bool(own) => found.push(Json::Bool(!own)),
        Json::Number(_) => found.extend([0.into(), 1.into()]),
        Json::String(own) => {
            let inner: Option<Json> = serde_json::from_str(own).ok();
            let inner = inner.filter(|inner| inner.is_object() || inner.is_array());
            let inner = inner.iter().flat_map(others);
            found.extend(inner.map(|inner| inner.to_string().into()));
            found.extend(words.map(Json::from));
            let image = own
                .rsplit_once(':')
                .map(|(name, _)| format!("{name}:latest"));
            found.extend(image.map(Json::from));
        }
        Json::Array(own) => {
            found.extend([Json::from([""; 0]), Json::from(vec![json!({})])]);
            found.push(own.iter().cloned().chain(["*".into()]).collect());
            for (number, item) in own.iter().enumerate() {
                found.extend(others(item).into_iter().map(|item| {
                    let mut list = own.clone();
                    list[number] = item;
                    list.into()
                }));
            }
        }
        Json::Object(own) => {
            found.push(json!({}));
            for (key, inner) in own {
                let mut without = own.clone();
                without.shift_remove(key);
                found.push(without.into());
                found.extend(others(inner).into_iter().map(|inner| {
                    let mut members = own.clone();
                    members.insert(key.clone(), inner);
                    members.into()
                }));
            }
        }
        Json::Null => {}
    }
    found
}

/// Whether some other value of a property at a place is a risk: instead of what is rendered, or before it; beside
/// what stands beside it, or alone.
fn is_judged(place: &Place) -> bool {
    let (folder, path) = place
        .path
        .split_once("/rendered/")
        .expect("a rendered file");
    let (cluster, path) = path.split_once('/').expect("a folder of a cluster");
    let bytes = std::fs::read(&place.path).expect("a file");
    let document = Document::of(path, &bytes);
    let mut value = document.value().expect("a value").clone();
    // One resource is enough, and faster.
    let way = place.pointer.split('/').skip(1);
    for (list, resources) in value.as_object_mut().expect("members") {
        let resources = resources.as_object_mut();
        if let Some(resources) = resources.filter(|_| RESOURCES.contains(&list.as_str())) {
            let own = way.clone().nth(1);
            resources.retain(|id, _| way.clone().next() == Some(list) && Some(id.as_str()) == own);
        }
    }
    // A kustomization decides of all objects.
    let files = match place.object.as_str() {
        "Kustomization" => files_below(&Path::new(folder).join("rendered").join(cluster)),
        _ => RenderedTree::default(),
    };
    let others_of_file = Documents::of(&files);
    let documents = |value: Json| -> Documents<'_> {
        let own = Rc::new(Document::with_value(path.to_owned(), value));
        let all = others_of_file.shared().cloned().chain([own]);
        all.collect()
    };
    let is_risk = |old: &Documents<'_>, new: &Documents<'_>| match Applied::of(old, new) {
        Some(applied) => !find(&applied.base, &applied.head, Applier::Nobody).is_empty(),
        None => !find(old, new, Applier::Nobody).is_empty(),
    };
    let mut alone = value.clone();
    let (above, name) = place.pointer.rsplit_once('/').expect("a way");
    let beside = alone.pointer_mut(above).and_then(Json::as_object_mut);
    beside.expect("members").retain(|other, _| other == name);
    let all = [value, alone].into_iter();
    let mut pairs = all.flat_map(|value| {
        others(&place.value).into_iter().map(move |other| {
            let mut changed = value.clone();
            *changed.pointer_mut(&place.pointer).expect("a property") = other;
            (value.clone(), changed)
        })
    });
    pairs.any(|(value, changed)| {
        let [value, changed] = [value, changed].map(documents);
        is_risk(&value, &changed) || is_risk(&changed, &value)
    })
}

fn files_below(folder: &Path) -> RenderedTree {
    let files = walkdir::WalkDir::new(folder).into_iter();
    let files = files.map(|entry| entry.expect("an entry").into_path());
    let read = |path: PathBuf| {
        let name = path
            .strip_prefix(folder)
            .expect("a path below")
            .to_str()
            .expect("a name");
        let bytes = std::fs::read(&path).expect("a file");
        (TreePath::new(name).expect("a path"), bytes)
    };
    RenderedTree(files.filter(|path| path.is_file()).map(read).collect())
}

/// What is said to be judged is: some other value of it is a risk.
#[test]
fn what_is_said_to_be_judged_gives_risks() {
    let found = rendered();
    let mut silent = BTreeSet::new();
    for (kind, properties) in &found {
        for (property, places) in properties {
            let is_said = is_in(BY_WHOLE, kind, property) || is_in_a_row(kind, property);
            if is_said && !places.iter().any(is_judged) {
                silent.insert(format!("{kind} {property}"));
            }
        }
    }
    assert_eq!(silent, BTreeSet::new());
}
