//! Every setting, changed: something that is rendered must change, or the change
//! is refused. So a setting without any effect is found when it is made.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::bench::{Bench, SCHEMA};
use crate::check::fluentd::FluentdCheck;
use crate::layers::inherit::expand;
use crate::layers::input_schema::{InputKind, input_schema};
use crate::resolve::{KubernetesSource, image};
use crate::settings::Settings;
use crate::tree::RenderedTree;

/// Clusters that between them use everything.
pub(super) const CLUSTERS: [(&str, &str); 3] = [
    (
        "kops",
        r#"
name: kops.example.com
environment: production
distribution: kops
region: eu-central-1
account: "111122223333"
kubernetes:
  oidc_provider: oidc.example.com/id/A
  monitoring: { labels: { release: prometheus } }
aws: { tags: { owner: team } }
gitops:
  tool: argo_cd
  repository: { url: "https://git.example.com/platform/logs.git" }
  destination: { server: "https://api.example.com" }
node_groups:
  masters: { role: control_plane, taints: { masters: { value: a, effects: [NoSchedule] } } }
  nodes: { role: node, taints: { nodes: { value: a, effects: [NoExecute] } } }
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com", authentication: { type: basic } }
  audit: { backend: opensearch, version: 3, url: "https://audit.example.com", authentication: { type: client_certificate, subject: CN=a } }
  cloudwatch: { backend: cloudwatch, give_up_after_minutes: 60 }
  archive: { backend: s3, expiry_days: 90, glacier_after_days: 30 }
fluentd:
  tolerations: { all: { key: x, effect: NoExecute, toleration_seconds: 5 } }
  image:
    repository: registry.example.com/logging
    tag: a
    plugins: [fluent-plugin-cloudwatch-logs, fluent-plugin-opensearch, fluent-plugin-s3, fluent-plugin-concat, fluent-plugin-kubernetes_metadata_filter, fluent-plugin-parser-cri, fluent-plugin-prometheus, fluent-plugin-record-modifier, fluent-plugin-rewrite-tag-filter, fluent-plugin-systemd]
sources:
  kubernetes:
    applications:
      records:
        exclude: { a: { containers: { namespaces: [a], pods: [y], containers: [x] }, reason: because } }
        multiline: { a: { order: 5, containers: { namespaces: [b], pods: [b], containers: [c] }, first_line: '^\d' }, b: { order: 6, containers: { namespaces: [c] }, first_line: '^\d' } }
        keep: { a: { containers: { namespaces: [f], pods: [b], containers: [c] }, when: { stream: a }, reason: because } }
        remove: { kubernetes.pod_ip: true }
        metadata: { annotations: { example.com/owner: true } }
        drop: { a: { containers: { namespaces: [c], pods: [b], containers: [c] }, field: stream, matches: a, reason: because, expires: 2027-03-31 } }
        enrich:
          constant: { from: constant, value: a }
          label: { from: pod_label, key: app }
          team: { from: pod_annotation, key: example.com/team }
          text: { from: field, name: time }
        routes:
          a: { order: 1, when: { namespaces: [d], pods: [b], containers: [c], labels: { a: b }, fields: { stream: a } }, stream: nodes }
          b: { order: 2, when: { namespaces: [e] }, stream: nodes }
    control_plane: { audit_log: { enabled: true } }
    nodes:
      records:
        multiline: { a: { containers: { pods: [b] }, first_line: '^\d' } }
        drop: { a: { matches: a, reason: because } }
  machines:
    nodes:
      files:
        own: { paths: [/var/log/own.log], multiline: { first_line: '^\d' }, stream: nodes }
      records:
        keep: { a: { when: { message: a }, reason: because } }
        drop: { a: { when: { message: a }, reason: because, expires: 2027-03-31 } }
        mask: { a: { field: log.file.path, matches: a, replacement: b, reason: because } }
        parse: { a: { field: log.file.path, pattern: '(?<a>b)', reason: because } }
    masters:
      journal: { kernel_stream: nodes, exclude: { c.service: { reason: because } } }
  aws:
    forwarder: { code: { bucket: "code-{region}", key: forwarder.zip }, reserved_concurrency: 5 }
    resource_group: { tags: { a: { b: true } } }
    alarms: { actions: { "arn:aws:sns:eu-central-1:111122223333:on-call": true } }
    ec2: { metric_filters: { a: { pattern: a, value: "2", alarm_at: 1 } } }
    s3: { method: data_events }
    vpc:
      fields: { version: true, account-id: true, srcaddr: true, dstaddr: true, action: true }
      tag_fields: { instance: { a: true } }
readers:
  a: { streams: { applications: true }, filter: { field: kubernetes.namespace_name, values: { a: true, b: true } }, users: { a: true, b: true }, groups: { a: true, b: true }, iam_roles: { "arn:aws:iam::111122223333:role/readers": true } }
stream_defaults: { destinations: { main: true } }
streams:
  applications:
    description: a
    dataset: kubernetes.apps
    destinations: { main: true, audit: true, archive: true, cloudwatch: true }
    cloudwatch:
      subscriptions:
        own:
          alerts: { destination_arn: "arn:aws:lambda:eu-central-1:111122223333:function:own" }
          vendor: { http_endpoint: { url: "https://vendor.example.com", secret_arn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:vendor-AbCdEf" } }
      metric_filters:
        errors: { pattern: "{ $.level = 1 }", namespace: shop, metric: Errors, dimensions: { Service: $.service } }
        all: { pattern: "", default_value: 0 }
    mapping: { fields: { team: keyword } }
    labels: { team: a }
    life_cycle:
      priority: 5
      warm: { after_days: 3, replicas: 2, priority: 3, nodes: { temp: warm } }
      cold: { after_days: 9, replicas: 2, priority: 2, nodes: { temp: cold } }
    buffer: { chunk_mebibytes: 2 }
  nodes: { destinations: { main: true, audit: true } }
  machines: { destinations: { main: true, cloudwatch: true } }
  aws_vpc:
    destinations: { main: true, archive: true }
    labels: { team: a }
  aws_cloudtrail:
    destinations: { main: true }
    cloudwatch:
      subscriptions:
        account: { enabled: true, destination_arn: "arn:aws:logs:eu-central-1:222222222222:destination:a" }
"#,
    ),
    (
        "eks",
        r#"
name: eks
environment: production
distribution: eks
region: eu-central-1
account: "111122223333"
index: { namespace: eks }
account_defaults: { tags: { owner: team } }
proxy: { http: "http://proxy.example.com:3128", https: "http://proxy.example.com:3128", no_proxy: { internal.example.com: true } }
kubernetes: { role_arn: "arn:aws:iam::111122223333:role/logs", credentials: { type: external_secrets } }
gitops:
  tool: flux
  repository: { url: "ssh://git@git.example.com/platform/logs.git", secret: "kubernetes-secret:logs" }
  flux: { service_account: logs }
node_groups: { nodes: { role: node, taints: { nodes: { effects: [NoSchedule] } } } }
destinations:
  main: { backend: elasticsearch, version: 8, url: "https://logs.example.com", authentication: { type: api_key } }
  amazon: { backend: opensearch, version: 2, url: "https://logs.example.org", authentication: { type: aws_sigv4, region: eu-west-1, account: "222222222222" } }
fluentd:
  image:
    repository: registry.example.com/logging
    tag: a
    plugins: [fluent-plugin-concat, fluent-plugin-elasticsearch, fluent-plugin-kubernetes_metadata_filter, fluent-plugin-opensearch, fluent-plugin-parser-cri, fluent-plugin-prometheus, fluent-plugin-record-modifier, fluent-plugin-rewrite-tag-filter, fluent-plugin-systemd]
sources:
  machines: { filebeat: { version: 8.19.0 } }
  aws:
    forwarder: { code: { bucket: "code-{region}", key: forwarder.zip } }
    iam: { roles: { "team-*": true } }
stream_defaults: { destinations: { main: true } }
streams:
  applications: { destinations: { amazon: true } }
"#,
    ),
    (
        "logstash",
        r#"
name: logstash
environment: production
distribution: kops
region: eu-central-1
account: "111122223333"
kubernetes: { credentials: { type: reconciler }, log_format: docker }
node_groups:
  masters: { role: control_plane, taints: { masters: { effects: [NoSchedule] } } }
  nodes: { role: node, taints: { nodes: { effects: [NoSchedule] } } }
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com/path", authentication: { type: basic, secret: "aws-secretsmanager:logs" } }
sources:
  kubernetes:
    nodes: { journal: { enabled: false } }
    control_plane: { read: files }
  machines:
    masters: { operating_system: debian_11, read: files }
    nodes: { journal: { units: { a.service: true, b.service: true } } }
    logstash: { runs_on: machine, address: logstash.example.com, tags: { a: b } }
  aws: { enabled: false }
"#,
    ),
];

/// Settings whose change may render nothing: where (`*` is any key), and why. What
/// is below one is meant, too.
const WITHOUT_EFFECT: [(&str, &str); 21] = [
    (
        "reconciler.enabled",
        "it is made of a fleet, which these clusters have none of: resolve/reconciler/tests.rs",
    ),
    (
        "sources.aws.ec2.status",
        "what is so already may be asked for",
    ),
    (
        "sources.aws.ec2.console_output",
        "what is so already may be asked for",
    ),
    (
        "sources.aws.elb.classic",
        "what is so already may be asked for",
    ),
    (
        "sources.aws.metrics.enabled",
        "what is so already may be asked for",
    ),
    (
        "sources.kubernetes.*.records.multiline.*.order",
        "only which is the lower one counts",
    ),
    (
        "stream_defaults.retired",
        "a stream of which all are isn't fed, which is told of each",
    ),
    (
        "stream_defaults.cloudwatch.subscriptions.firehose.enabled",
        "what is so already may be asked for",
    ),
    (
        "account_defaults.*.read",
        "what the fleet's sources say already may be said",
    ),
    (
        "account_defaults.*.write",
        "what the fleet's sources say already may be said",
    ),
    (
        "sources.kubernetes.*.records.routes.*.order",
        "only which is the lower one counts",
    ),
    ("schema_version", "there is one version"),
    (
        "node_groups.*.architecture",
        "images are checked against it, and exist for both",
    ),
    (
        "sources.machines.logstash.enabled",
        "what is so already may be asked for",
    ),
    (
        "sources.machines.masters.enabled",
        "EKS has none, and it may be said",
    ),
    (
        "sources.machines.*.operating_system",
        "several have the same files",
    ),
    (
        "sources.kubernetes.events.image.architectures",
        "node groups are checked against it",
    ),
    (
        "fluentd.image.architectures",
        "node groups are checked against it",
    ),
    (
        "sources.kubernetes.*.fluentd.image.architectures",
        "node groups are checked against it",
    ),
    (
        "stream_defaults.description",
        "each built-in stream has its own",
    ),
    (
        "destinations.*.authentication.account",
        "the role of one's own may be for any",
    ),
];

/// Of these, settings that nothing is rendered of in any cluster.
const NEVER_RENDERED: [&str; 10] = [
    "reconciler.enabled",
    // There is one rule.
    "sources.kubernetes.nodes.records.multiline.*.order",
    "stream_defaults.cloudwatch.subscriptions.firehose.enabled",
    "destinations.amazon.authentication.account",
    "schema_version",
    "node_groups.*.architecture",
    "sources.kubernetes.events.image.architectures",
    "fluentd.image.architectures",
    "sources.kubernetes.*.fluentd.image.architectures",
    "stream_defaults.description",
];

/// Texts that a setting of a type may have.
const TEXTS: &[(&str, &[&str])] = &[
    ("Account", &["999988887777"]),
    ("AgentVersion", &["1.300072.0b1"]),
    ("ApiServerUrl", &["https://other.example.com"]),
    ("ArgoClusterName", &["other"]),
    ("AwsClusterName", &["other"]),
    ("AwsTagValue", &["other"]),
    (
        "CopyDestinationArn",
        &["arn:aws:lambda:eu-central-1:111122223333:function:other"],
    ),
    ("EventField", &["$.other"]),
    ("FieldLabel", &["other"]),
    ("MetricName", &["Other"]),
    ("MetricNamespace", &["other/logs"]),
    ("ProxyUrl", &["http://other.example.com:8080"]),
    ("HttpsUrl", &["https://other.example.com"]),
    (
        "SecretArn",
        &["arn:aws:secretsmanager:eu-central-1:111122223333:secret:other-AbCdEf"],
    ),
    ("BucketName", &["other-bucket"]),
    ("ClusterName", &["other"]),
    ("CodeBucket", &["other-{region}"]),
    ("CodeKey", &["other.zip"]),
    ("CronSchedule", &["30 * * * *"]),
    ("DataStreamPart", &["other"]),
    ("Day", &["2028-01-01"]),
    ("EnvironmentName", &["other"]),
    ("ExternalId", &["other"]),
    ("FieldName", &["kubernetes.host", "message"]),
    ("FileGlob", &["/var/log/other.log"]),
    ("FilePath", &["certificates/other.pem"]),
    ("RepositoryPath", &["deployed/rendered"]),
    ("FilterPattern", &["other"]),
    ("GitRevision", &["other"]),
    ("GitUrl", &["https://git.example.com/other.git"]),
    ("Glob", &["other-*"]),
    ("HostName", &["other.example.com"]),
    ("HostPath", &["/var/other"]),
    ("IamRoleName", &["other"]),
    (
        "ImageDigest",
        &["sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
    ),
    ("ImageRepository", &["registry.example.com/other"]),
    ("ImageTag", &["v9.9.9-opensearch-elasticsearch"]),
    ("KubernetesName", &["other"]),
    ("KubernetesSecretReference", &["kubernetes-secret:other"]),
    ("LabelValue", &["other"]),
    ("LogGroupName", &["other"]),
    (
        "LogsDestinationArn",
        &["arn:aws:logs:eu-central-1:222222222222:destination:other"],
    ),
    ("MetricValue", &["3"]),
    ("Name", &["events"]),
    ("NodeAttributeValue", &["other"]),
    ("ObjectName", &["other"]),
    ("OidcProvider", &["oidc.example.com/id/B"]),
    ("PackageVersion", &["9.6.0"]),
    ("Pattern", &["other", "(?<other>b)"]),
    ("QualifiedName", &["other"]),
    ("Quantity", &["7"]),
    ("Region", &["eu-west-1"]),
    ("Replacement", &["other"]),
    ("RoleArn", &["arn:aws:iam::111122223333:role/other"]),
    ("SecretKeyName", &["other"]),
    ("SecretReference", &["aws-secretsmanager:other"]),
    ("StackOwner", &["other"]),
    ("TagValue", &["other"]),
    ("Url", &["https://other.example.com"]),
];

/// One setting with another value.
#[derive(Debug)]
struct Change {
    path: Vec<String>,
    value: Value,
}

impl Change {
    fn nested(&self) -> Value {
        let keys = self.path.iter().rev();
        keys.fold(self.value.clone(), |inner, key| json!({ key: inner }))
    }
}

/// What comes of a change.
#[derive(Debug, PartialEq)]
enum Outcome {
    Rendered,
    Reported,
    Nothing,
}

struct Walk<'s> {
    root: &'s Value,
    found: Vec<Change>,
    /// Types of texts that nobody has an example of.
    unknown: BTreeSet<String>,
}

impl<'s> Walk<'s> {
    /// The schema that is meant, and the name of its type.
    fn resolve(&self, schema: &'s Value, value: Option<&Value>) -> Option<(&'s Value, &'s str)> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next()?;
            let (found, own) = self.resolve(&self.root["$defs"][name], value)?;
            return Some((found, if own.is_empty() { name } else { own }));
        }
        let Some(forms) = schema["anyOf"]
            .as_array()
            .or_else(|| schema["oneOf"].as_array())
        else {
            return Some((schema, ""));
        };
        if forms.iter().any(|form| !form["const"].is_null()) {
            return Some((schema, ""));
        }
        let forms = forms.iter().filter(|form| form["type"] != "null");
        let forms = forms.filter_map(|form| self.resolve(form, value));
        let mut forms = forms.filter(|(form, _)| {
            let properties = form["properties"].as_object().into_iter().flatten();
            let mut tags = properties.filter(|(_, property)| !property["const"].is_null());
            tags.all(|(key, property)| value.is_some_and(|own| own[key] == property["const"]))
        });
        forms.next()
    }

    fn push(&mut self, path: &[String], value: Value) {
        self.found.push(Change {
            path: path.to_vec(),
            value,
        });
    }

    fn walk(&mut self, schema: &'s Value, value: Option<&Value>, path: &mut Vec<String>) {
        let value = value.filter(|value| !value.is_null());
        let Some((schema, name)) = self.resolve(schema, value) else {
            return;
        };
        if !schema["const"].is_null() {
            return;
        }
        if name == "Retention" {
            self.numbers(&schema["anyOf"][0], value, path);
            if value != Some(&json!("never")) {
                self.push(path, json!("never"));
            }
            return;
        }
        let is = |kind: &str| schema["type"] == kind || schema["type"][0] == kind;
        let words = schema["oneOf"]
            .as_array()
            .or_else(|| schema["anyOf"].as_array());
        if let Some(words) = words {
            for word in words.iter().map(|word| &word["const"]) {
                if Some(word) != value {
                    self.push(path, word.clone());
                }
            }
        } else if let Some(options) = schema["enum"].as_array() {
            let others = options.iter().filter(|option| Some(*option) != value);
            for option in others.take(2) {
                self.push(path, option.clone());
            }
        } else if is("boolean") {
            // One that says nothing may be either already.
            for flag in [true, false] {
                if value != Some(&json!(flag)) {
                    self.push(path, json!(flag));
                }
            }
        } else if is("integer") {
            self.numbers(schema, value, path);
        } else if is("string") {
            self.texts(name, schema, value, path);
        } else if is("array") {
            self.items(schema, value, path);
        } else if let Some(values) = map_values(schema) {
            for (key, inner) in value.and_then(Value::as_object).into_iter().flatten() {
                path.push(key.clone());
                self.walk(values, Some(inner), path);
                path.pop();
            }
        } else if let (Some(properties), Some(value)) = (schema["properties"].as_object(), value) {
            for (key, inner) in properties {
                path.push(key.clone());
                self.walk(inner, value.get(key), path);
                path.pop();
            }
        }
    }

    /// The least and the most, and the next ones.
    fn numbers(&mut self, schema: &Value, value: Option<&Value>, path: &[String]) {
        let (least, most) = (schema["minimum"].as_u64(), schema["maximum"].as_u64());
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(u64::from(u32::MAX)));
        let step = schema["multipleOf"].as_u64().unwrap_or(1);
        let now = value.and_then(Value::as_u64);
        let mut numbers = BTreeSet::from([least, most]);
        if let Some(now) = now {
            numbers.extend([now.saturating_sub(step), now + step]);
        }
        numbers.retain(|number| (least..=most).contains(number) && Some(*number) != now);
        for number in numbers {
            self.push(path, json!(number));
        }
    }

    fn texts(&mut self, name: &str, schema: &Value, value: Option<&Value>, path: &[String]) {
        let known = TEXTS
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, texts)| *texts);
        let texts = match known {
            Some(texts) => texts,
            None if schema["pattern"].is_null() => &["other text"],
            None => {
                self.unknown.insert(name.to_owned());
                return;
            }
        };
        for text in texts {
            if value.and_then(Value::as_str) != Some(text) {
                self.push(path, json!(text));
            }
        }
    }

    /// A list with another item in the place of its first one.
    fn items(&mut self, schema: &'s Value, value: Option<&Value>, path: &[String]) {
        let now = value.and_then(Value::as_array).cloned().unwrap_or_default();
        let mut walk = Self {
            root: self.root,
            found: Vec::new(),
            unknown: BTreeSet::new(),
        };
        walk.walk(&schema["items"], now.first(), &mut Vec::new());
        for change in walk.found.into_iter().take(1) {
            let mut items = now.clone();
            items.truncate(0);
            items.push(change.value);
            self.push(path, Value::Array(items));
        }
        self.unknown.extend(walk.unknown);
    }
}

fn map_values(schema: &Value) -> Option<&Value> {
    let values = schema.get("additionalProperties");
    values.filter(|values| values.is_object())
}

/// Whether something around a setting is switched off: it waits to be switched on.
fn waits(settings: &Value, path: &[String]) -> bool {
    let is_off = |around: Option<&Value>| around.is_some_and(|own| own["enabled"] == json!(false));
    let off = (1..path.len()).any(|depth| {
        let mut around = path[..depth].iter();
        let around = around.try_fold(settings, |value, key| value.get(key));
        is_off(around) && path[depth..] != ["enabled".to_owned()]
    });
    let of_aws =
        path[0] == "account_defaults" || path[0] == "streams" && path[1].starts_with("aws_");
    let no_tool = path[0] == "gitops" && settings["gitops"]["tool"] == "none";
    off || (no_tool && path[1] != "tool") || (of_aws && is_off(Some(&settings["sources"]["aws"])))
}

fn is_of(path: &[String], pattern: &str) -> bool {
    let keys: Vec<&str> = pattern.split('.').collect();
    let mut pairs = keys.iter().zip(path);
    keys.len() <= path.len() && pairs.all(|(key, own)| *key == "*" || key == own)
}

/// A text that a setting has already is no change.
fn is_new(settings: &Value, change: &Change) -> bool {
    let mut path = change.path.iter();
    path.try_fold(settings, |value, key| value.get(key)) != Some(&change.value)
}

#[test]
fn every_setting_changes_what_is_rendered_or_is_refused() {
    let schema = input_schema(InputKind::Settings);
    let mut without = Vec::new();
    // Settings that rendered nothing in a cluster, and those that did in one.
    let (mut idle, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (name, cluster) in CLUSTERS {
        let bench = Bench::new(cluster);
        bench.render(&json!({})).expect("the cluster has no fault");
        // With what types fill in.
        let settings: Settings =
            serde_json::from_value(expand(bench.base.clone()).to_json()).expect("settings");
        let settings = serde_json::to_value(&settings).expect("settings are JSON");
        let mut walk = Walk {
            root: &schema,
            found: Vec::new(),
            unknown: BTreeSet::new(),
        };
        walk.walk(&schema, Some(&bench.base.to_json()), &mut Vec::new());
        assert_eq!(walk.unknown, BTreeSet::new(), "types without an example");
        assert!(walk.found.len() > 300, "only {} changes", walk.found.len());
        let whole = bench.render_with_fleet(&json!({})).expect("no fault");
        let outcomes: Vec<(&Change, Outcome)> = walk
            .found
            .par_iter()
            .filter(|change| is_new(&settings, change) && !waits(&settings, &change.path))
            .map(|change| (change, outcome(&bench, change, &whole)))
            .collect();
        for (change, outcome) in outcomes {
            match outcome {
                Outcome::Rendered => used.insert(change.path.clone()),
                Outcome::Nothing => idle.insert(change.path.clone()),
                Outcome::Reported => continue,
            };
            let mut excused = WITHOUT_EFFECT.iter();
            if outcome == Outcome::Nothing && !excused.any(|(own, _)| is_of(&change.path, own)) {
                without.push(format!(
                    "{name}: {} = {}",
                    change.path.join("."),
                    change.value
                ));
            }
        }
    }
    without.sort();
    assert!(
        without.is_empty(),
        "{} changes render nothing and nobody is told:\n{}",
        without.len(),
        without.join("\n")
    );
    let never: Vec<String> = idle
        .difference(&used)
        .filter(|path| !NEVER_RENDERED.iter().any(|own| is_of(path, own)))
        .map(|path| path.join("."))
        .collect();
    assert!(never.is_empty(), "never rendered: {never:#?}");
}

fn outcome(bench: &Bench, change: &Change, whole: &RenderedTree) -> Outcome {
    match bench.render_with_fleet(&change.nested()) {
        Ok(tree) if tree == *whole => Outcome::Nothing,
        Ok(_) => Outcome::Rendered,
        // A value that can't be says nothing of its setting.
        Err(faults) if faults.iter().any(|fault| fault.starts_with(SCHEMA)) => Outcome::Nothing,
        Err(_) => Outcome::Reported,
    }
}

#[test]
fn an_image_needs_the_plugins_that_its_configuration_names() {
    let check = FluentdCheck::new().expect("the schema");
    for (name, cluster) in CLUSTERS {
        let bench = Bench::new(cluster);
        let settings: Settings =
            serde_json::from_value(expand(bench.base.clone()).to_json()).expect("settings");
        let cluster = bench.resolve(&json!({})).expect("no fault");
        let tree = bench.render_unchecked(&json!({})).expect("no fault");
        for daemon in &cluster.daemon_sets {
            let path = format!("kubernetes/{}/fluent.conf", daemon.folder);
            let mut files = tree.files();
            let (_, bytes) = files
                .find(|(own, _)| own.as_str() == path)
                .expect("rendered");
            let rendered = check.gems(std::str::from_utf8(bytes).expect("UTF-8"));
            let rendered: BTreeSet<&str> = rendered.keys().map(String::as_str).collect();
            let streams = cluster
                .streams
                .iter()
                .filter(|own| daemon.streams.contains(&own.name));
            let ends: BTreeSet<&String> = streams.flat_map(|stream| &stream.shipped_to).collect();
            let ends: Vec<_> = settings
                .destinations
                .iter()
                .filter(|(name, _)| ends.contains(&name.to_string()))
                .collect();
            let source = KubernetesSource::ALL
                .into_iter()
                .find(|own| own.key() == daemon.source);
            let source = source.expect("a source");
            let needed = image::Needed::new(source, &cluster.sources, &settings);
            assert_eq!(needed.with_outputs(&ends), rendered, "{name}: {path}");
        }
    }
}
