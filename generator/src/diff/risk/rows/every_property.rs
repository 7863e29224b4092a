//! Every property of every object that the templates render: which row or rule
//! judges it, or why it can't lose, leak or break anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;

use super::TABLES;
use crate::diff::documents::Document;
use crate::diff::risk::change::{containers, is_fragment, pod_spec, resources, text};
use crate::diff::risk::fact::{CONTAINER, PODS};
use crate::diff::risk::replacement::is_create_only;

type Table = &'static [(&'static str, &'static [&'static str], &'static str)];

/// What rules judge that aren't rows: kinds, properties, and the rule.
const BY_RULES: Table = &[
    (
        "AWS::CloudTrail::Trail",
        &["AdvancedEventSelectors"],
        "a row about all properties (`selection`)",
    ),
    (
        "AWS::IAM::Role",
        &["AssumeRolePolicyDocument", "Policies"],
        "privilege/iam",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        &["PolicyDocument"],
        "privilege/iam",
    ),
    (
        "AWS::Logs::LogGroup",
        &["ResourcePolicyDocument"],
        "privilege/iam",
    ),
    (
        "AWS::S3::BucketPolicy",
        &["PolicyDocument"],
        "privilege/iam, tls/store",
    ),
    (
        "AWS::Lambda::Permission",
        &["Principal", "SourceAccount", "SourceArn"],
        "privilege/exposure",
    ),
    (
        "AWS::Logs::DeliveryDestination",
        &["DestinationResourceArn"],
        "privilege/exposure",
    ),
    (
        "AWS::Logs::SubscriptionFilter",
        &["DestinationArn"],
        "privilege/exposure",
    ),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
        &["DestinationArn"],
        "privilege/exposure",
    ),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        &["DeliveryStreamEncryptionConfigurationInput"],
        "a row about all properties (`encryption`)",
    ),
    (
        "AWS::S3::Bucket",
        &["BucketEncryption"],
        "a row about all properties (`encryption`)",
    ),
    (
        "AWS::SSM::Document",
        &["Content"],
        "image/program, by the versions that the settings say",
    ),
    ("ClusterRole", &["rules"], "privilege/rbac"),
    ("ClusterRoleBinding", &["subjects"], "privilege/rbac"),
    (
        "ServiceAccount",
        &["automountServiceAccountToken"],
        "privilege/rbac",
    ),
    (
        "NetworkPolicy",
        &[
            "spec/egress",
            "spec/ingress",
            "spec/podSelector",
            "spec/policyTypes",
        ],
        "privilege/network",
    ),
    (
        "ExternalSecret",
        &["spec/data", "spec/secretStoreRef", "spec/target"],
        "secret/external",
    ),
    (
        "DaemonSet|Deployment|StatefulSet",
        &["spec/template"],
        "rows about pods and containers",
    ),
    (
        "CronJob",
        &["spec/jobTemplate"],
        "rows about pods and containers",
    ),
    (
        "Kustomization",
        &["namespace", "patches", "resources"],
        "effective_objects, relocation",
    ),
    (
        "argoproj.io/Application",
        &["spec/destination", "spec/project", "spec/syncPolicy"],
        "rows about the specification",
    ),
    (
        "argoproj.io/ApplicationSet",
        &["spec/template"],
        "rows about the specification",
    ),
    (PODS, &["containers"], "rows about containers"),
    (PODS, &["volumes"], "rows about mounts; secret/pod"),
    (
        PODS,
        &["affinity", "nodeSelector", "tolerations"],
        "rows about DaemonSets",
    ),
    (
        PODS,
        &["securityContext"],
        "rows about containers, which have it from their pod",
    ),
    (CONTAINER, &["env", "envFrom"], "secret/pod"),
    (CONTAINER, &["volumeMounts"], "rows about mounts"),
    (
        CONTAINER,
        &[
            "securityContext/capabilities",
            "securityContext/runAsNonRoot",
        ],
        "rows about containers",
    ),
];

/// What can't lose, leak or break anything by itself, and why.
const HARMLESS: Table = &[
    (
        "AWS::CloudWatch::Alarm|AWS::CloudWatch::Dashboard|AWS::Logs::MetricFilter",
        &[
            "AlarmActions",
            "AlarmDescription",
            "ComparisonOperator",
            "DashboardBody",
            "Dimensions",
            "EvaluationPeriods",
            "FilterPattern",
            "MetricName",
            "MetricTransformations",
            "Metrics",
            "Namespace",
            "OKActions",
            "Period",
            "Statistic",
            "Threshold",
            "TreatMissingData",
        ],
        "watches logs, and ships none",
    ),
    (
        "AWS::Events::Rule|AWS::IAM::ManagedPolicy|AWS::Lambda::Function|AWS::SSM::Parameter|argoproj.io/AppProject",
        &["Description", "spec/description"],
        "describes",
    ),
    (
        "AWS::Lambda::Function",
        &["Architectures", "Handler", "Runtime"],
        "a wrong one fails at once, and is retried and seen",
    ),
    (
        "AWS::Lambda::Function",
        &["LoggingConfig"],
        "the function's own log",
    ),
    (
        "AWS::SSM::Association",
        &[
            "AssociationName",
            "ComplianceSeverity",
            "MaxConcurrency",
            "Name",
        ],
        "names it, or how fast it is applied",
    ),
    (
        "AWS::SSM::Document",
        &["DocumentFormat", "TargetType", "UpdateMethod"],
        "how it is written and replaced",
    ),
    ("AWS::SSM::Parameter", &["Tier", "Type"], "how it is stored"),
    (
        "AWS::CloudTrail::Trail",
        &["CloudWatchLogsRoleArn"],
        "its role is judged by its policies",
    ),
    (
        "AWS::Logs::SubscriptionFilter|AWS::Lambda::Function",
        &["RoleArn", "Role"],
        "the role is judged by its policies",
    ),
    (
        "CronJob",
        &[
            "spec/failedJobsHistoryLimit",
            "spec/successfulJobsHistoryLimit",
            "spec/timeZone",
        ],
        "what is kept of past runs, and how the schedule is read",
    ),
    (
        "DaemonSet|Deployment",
        &["spec/updateStrategy", "spec/strategy"],
        "how pods are replaced",
    ),
    (
        "ExternalSecret",
        &["spec/refreshInterval"],
        "how often it is read",
    ),
    (
        "Kustomization",
        &["commonAnnotations", "labels"],
        "labels and annotations",
    ),
    (
        "PodDisruptionBudget",
        &["spec/maxUnavailable", "spec/selector"],
        "what of pods may be moved at a time",
    ),
    (
        "PodMonitor|PrometheusRule",
        &["spec/podMetricsEndpoints", "spec/selector", "spec/groups"],
        "watches pods",
    ),
    (
        "argoproj.io/ApplicationSet",
        &["spec/goTemplate", "spec/goTemplateOptions"],
        "how the template is read",
    ),
    (
        PODS,
        &[
            "enableServiceLinks",
            "restartPolicy",
            "terminationGracePeriodSeconds",
            "topologySpreadConstraints",
            "securityContext/fsGroup",
            "securityContext/fsGroupChangePolicy",
            "securityContext/runAsGroup",
        ],
        "how pods run, on the same machines and with the same rights",
    ),
    (
        CONTAINER,
        &[
            "imagePullPolicy",
            "livenessProbe",
            "name",
            "readinessProbe",
            "startupProbe",
            "terminationMessagePolicy",
        ],
        "how a container is watched and named",
    ),
];

/// What could matter and isn't judged yet, and how.
const OPEN: Table = &[
    (
        "AWS::SSM::Parameter",
        &["Value"],
        "what the account's functions bring for the cluster",
    ),
    (
        "AWS::Events::Rule",
        &["ScheduleExpression"],
        "something runs less often",
    ),
    (
        "AWS::Lambda::EventInvokeConfig",
        &["MaximumEventAgeInSeconds", "MaximumRetryAttempts"],
        "calls are given up earlier",
    ),
    (
        "AWS::Lambda::Function",
        &["MemorySize", "Timeout"],
        "calls fail that had room and time before",
    ),
    (
        "AWS::SSM::Association",
        &["MaxErrors", "ScheduleExpression"],
        "fewer machines get their shipper",
    ),
    (
        "CronJob",
        &[
            "spec/concurrencyPolicy",
            "spec/schedule",
            "spec/startingDeadlineSeconds",
        ],
        "something runs less often",
    ),
    (
        "Kustomization",
        &["configMapGenerator"],
        "a generated ConfigMap isn't compared by the objects that mount it",
    ),
    (
        "Service",
        &[
            "spec/ports",
            "spec/publishNotReadyAddresses",
            "spec/selector",
            "spec/type",
        ],
        "pods are no longer found, or by others",
    ),
    (
        "argoproj.io/ApplicationSet",
        &["spec/templatePatch"],
        "a text that changes Applications",
    ),
    (
        PODS,
        &["priorityClassName"],
        "pods are evicted before others",
    ),
    (
        CONTAINER,
        &["args", "command", "ports", "resources"],
        "a program runs otherwise, or with less room",
    ),
];

/// The properties of all objects in a folder, by kind.
fn properties(folder: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
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
                of_document(value, found);
            }
        }
    }
}

fn of_document(value: &Json, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut add = |kind: &str, above: &str, members: Option<&Json>, without: &[&str]| {
        let members = members.and_then(Json::as_object).into_iter().flatten();
        let names = members.filter(|(name, _)| !without.contains(&name.as_str()));
        let own = found.entry(kind.to_owned()).or_default();
        own.extend(names.map(|(name, _)| format!("{above}{name}")));
    };
    if value.get("Resources").is_some() || is_fragment(value) {
        for resource in resources(Some(value)).values() {
            add(text(resource, "/Type"), "", resource.get("Properties"), &[]);
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
    add(
        &name,
        "",
        Some(value),
        &["apiVersion", "kind", "metadata", "spec"],
    );
    add(&name, "spec/", value.get("spec"), &[]);
    let Some(spec) = pod_spec(value) else {
        return;
    };
    add(PODS, "", Some(spec), &["initContainers"]);
    add(
        PODS,
        "securityContext/",
        spec.get("securityContext"),
        &["runAsNonRoot", "runAsUser", "seccompProfile"],
    );
    for (_, container) in containers(spec) {
        add(CONTAINER, "", Some(container), &["securityContext"]);
        add(
            CONTAINER,
            "securityContext/",
            container.get("securityContext"),
            &[],
        );
    }
}

fn is_in(table: Table, kind: &str, property: &str) -> bool {
    let own = |kinds: &str| kinds.split('|').any(|own| own == kind);
    let mut entries = table.iter().filter(|(kinds, ..)| own(kinds));
    entries.any(|(_, properties, _)| properties.contains(&property))
}

fn is_in_a_row(kind: &str, property: &str) -> bool {
    let inner = |aspect: &str| {
        let rest = aspect.trim_start_matches('/').strip_prefix(property);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut rows = TABLES.into_iter().flatten();
    rows.any(|row| row.is_of(kind) && inner(row.aspect))
}

#[test]
fn every_rendered_property_is_judged_or_known_not_to_matter() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeMap::new();
    properties(&root.join("rendered"), &mut found);
    assert!(found.len() > 30, "{:?}", found.keys());
    let all = || {
        let kinds = found.iter();
        kinds.flat_map(|(kind, properties)| {
            properties
                .iter()
                .map(move |own| (kind.as_str(), own.as_str()))
        })
    };
    let is_known = |(kind, property): &(&str, &str)| {
        is_in_a_row(kind, property)
            || is_create_only(kind, property)
            || [BY_RULES, HARMLESS, OPEN]
                .iter()
                .any(|table| is_in(table, kind, property))
    };
    let unknown: Vec<_> = all().filter(|one| !is_known(one)).collect();
    assert_eq!(
        unknown,
        [],
        "nothing says whether these matter: add a row, or say why not"
    );
    // What is said of nothing that is rendered is stale.
    for (kinds, properties, _) in [BY_RULES, HARMLESS, OPEN].into_iter().flatten() {
        for property in *properties {
            let is_rendered =
                |kind: &str| found.get(kind).is_some_and(|own| own.contains(*property));
            assert!(
                kinds.split('|').any(is_rendered),
                "{kinds} {property} isn't rendered"
            );
        }
    }
    // An open one that gets a row is open no more.
    let closed =
        all().filter(|(kind, property)| is_in(OPEN, kind, property) && is_in_a_row(kind, property));
    assert_eq!(closed.collect::<Vec<_>>(), []);
}
