//! Hostile settings: each is rendered right, which is looked at in the parsed
//! templates, or gives one clear fault.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::check::Checker;
use crate::layers::inherit::expand;
use crate::layers::input_schema::{InputKind, input_schema};
use crate::layers::merge::merge;
use crate::layers::schema::SchemaCheck;
use crate::load::node::Node;
use crate::load::source_file::{FileId, SourceFile, Sources};
use crate::load::yaml;
use crate::render::filter::to_json;
use crate::render::{Templates, render};
use crate::resolve::aws::quotas;
use crate::resolve::{FleetAccounts, OwnFiles, ResolvedCluster, account, resolve_cluster};
use crate::settings::{DEFAULTS, Settings};

mod environment;

const CLUSTER: &str = r#"
name: prod-eu.example.com
environment: production
distribution: kops
region: eu-central-1
account: "111122223333"
node_groups:
  masters: { role: control_plane, taints: { node-role.kubernetes.io/control-plane: { effects: [NoSchedule] } } }
  nodes: { role: node }
destinations:
  main: { backend: opensearch, version: 3, url: "https://logs.example.com", authentication: { type: basic } }
sources: { aws: { forwarder: { code: { bucket: "code-{region}", key: forwarder.zip } } } }
"#;

/// Everything that is needed to try settings.
struct Bench {
    base: Node,
    schema: SchemaCheck,
    templates: Templates,
    checker: Checker,
    sources: Sources,
}

impl Bench {
    fn new() -> Self {
        let mut sources = Sources::default();
        sources.push(SourceFile::new("settings", ""));
        Self {
            base: merge(parse(DEFAULTS), &parse(CLUSTER)),
            schema: SchemaCheck::new(input_schema(InputKind::Settings)).expect("a schema"),
            templates: Templates::compile(&[]).expect("templates"),
            checker: Checker::new().expect("schemas"),
            sources,
        }
    }

    /// The cluster, or what is reported for its settings.
    fn resolve(&self, change: &Value) -> Result<ResolvedCluster, Vec<String>> {
        let merged = expand(merge(
            self.base.clone(),
            &parse(&to_json(change).expect("JSON")),
        ));
        let json = merged.to_json();
        let faults = self.schema.check_json(&json, &merged, &self.sources);
        if !faults.is_empty() {
            return Err(faults
                .sorted()
                .into_iter()
                .map(|fault| fault.message)
                .collect());
        }
        let settings: Settings = serde_json::from_value(json).expect("settings");
        resolve_cluster(&settings, &OwnFiles::default()).map_err(|problems| {
            problems
                .0
                .into_iter()
                .map(|problem| format!("`{}`: {}", problem.setting.join("."), problem.message))
                .collect()
        })
    }

    /// The templates of CloudFormation, by path, all checked.
    fn render(&self, change: &Value) -> Result<Vec<(String, Value)>, Vec<String>> {
        Ok(self
            .files(change)?
            .into_iter()
            .filter(|(path, _)| path.starts_with("aws/"))
            .map(|(path, text)| {
                let value = serde_json::from_str(&text).expect("JSON");
                (path, value)
            })
            .collect())
    }

    /// All files, by path, all checked.
    fn files(&self, change: &Value) -> Result<Vec<(String, String)>, Vec<String>> {
        let cluster = self.resolve(change)?;
        let tree = render(&cluster, &self.templates).map_err(|faults| {
            faults
                .sorted()
                .into_iter()
                .map(|fault| fault.message)
                .collect::<Vec<_>>()
        })?;
        self.checker
            .check(&cluster.cluster.name, tree.files())
            .map_err(|faults| {
                faults
                    .sorted()
                    .into_iter()
                    .map(|fault| format!("rendered wrong: {}", fault.message))
                    .collect::<Vec<_>>()
            })?;
        Ok(tree
            .files()
            .map(|(path, bytes)| {
                let text = std::str::from_utf8(bytes).expect("UTF-8");
                (path.to_string(), text.to_owned())
            })
            .collect())
    }
}

fn parse(text: &str) -> Node {
    yaml::parse(FileId(0), &SourceFile::new("settings", text)).expect("valid YAML")
}

/// What a case comes to.
enum Expected {
    /// A value in a file, by JSON pointer, and whether it is text of JSON.
    Right(&'static str, String, Value),
    /// As `Right`, for JSON inside JSON.
    Inside(&'static str, String, String, Value),
    /// Rendered, and right as far as the checks see.
    Passes,
    /// One fault, which the snapshot shows.
    Fault,
}

struct Case {
    name: String,
    change: Value,
    expected: Expected,
}

const HOME: &str = "aws/eu-central-1/stack.json";
const VPC_SUBSCRIPTION: &str = "/Resources/SubscriptionFunctionAwsVpc/Properties/FilterPattern";

fn case(name: impl Into<String>, change: Value, expected: Expected) -> Case {
    Case {
        name: name.into(),
        change,
        expected,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it reads best at the calls")]
fn aws(settings: Value) -> Value {
    json!({ "sources": { "aws": settings } })
}

/// A change that puts a text into one place.
type Change<'c> = &'c dyn Fn(&str) -> Value;

fn patterns() -> Vec<Case> {
    let longest = "a".repeat(1024);
    let right = [
        "",
        " ",
        "ERROR ",
        " ERROR",
        "\"quoted text\"",
        "\"'single'\"",
        "{ $.a = \"b\" }",
        "{ $.a = \"b \\\" c\" }",
        "{ ($.errorCode = \"*Unauthorized*\") || ($.errorCode = \"AccessDenied*\") }",
        "{ $.a = \"\\u00fc\" }",
        "[version, account, ..., action=REJECT, status]",
        "[w1=\"a,b\", w2]",
        "?ERROR ?WARN -DEBUG",
        "%[0-9]{3}%",
        "ü ö ä",
        "日本語",
        "\"\u{1f600}\"",
        "\"a\\b\"",
        "\"a\\\\b\"",
        "\"#{hostname}\"",
        "\"${AWS::Region}\"",
        "\"${version}\"",
        "\"x {{ cluster.name }}\"",
        "\"x {% raw %}\"",
        "null",
        "yes",
        "0x10",
        "\"- a\"",
        "\": b\"",
        "\"# no comment\"",
        "\"/* no comment */\"",
        "\"// no comment\"",
        "\"<script>\"",
        "a\u{85}b",
        "a\u{2028}b",
        longest.as_str(),
    ];
    let wrong = [
        "\"open".to_owned(),
        "{ $.a = 1".to_owned(),
        "{ $.a == 1 }".to_owned(),
        "{ $.a = 1 and }".replace("= 1 and", ""),
        "[a, b".to_owned(),
        "{ ($.a = 1 }".to_owned(),
        "a\nb".to_owned(),
        "a\tb".to_owned(),
        "a\u{7f}b".to_owned(),
        "a".repeat(1025),
    ];
    let change = |pattern: &str| json!({ "streams": { "aws_vpc": { "cloudwatch": { "subscriptions": { "function": { "pattern": pattern } } } } } });
    let mut cases: Vec<Case> = right
        .iter()
        .map(|pattern| {
            let shown: String = pattern.chars().take(40).collect();
            case(
                format!("pattern {shown:?}"),
                change(pattern),
                Expected::Right(HOME, VPC_SUBSCRIPTION.to_owned(), json!(pattern)),
            )
        })
        .collect();
    cases.extend(wrong.iter().map(|pattern| {
        let shown: String = pattern.chars().take(40).collect();
        case(
            format!("pattern {shown:?}"),
            change(pattern),
            Expected::Fault,
        )
    }));
    // The same texts stand in two more places, each quoted on its own.
    let metric_filter = |pattern: &str| {
        aws(json!({ "vpc": { "metric_filters": { "own": { "pattern": pattern } } } }))
    };
    let account = |pattern: &str| {
        json!({ "streams": { "aws_elb": { "cloudwatch": { "subscriptions": { "account": {
            "enabled": true,
            "destination_arn": "arn:aws:logs:eu-central-1:444455556666:destination:central",
            "pattern": pattern,
        } } } } } })
    };
    let places: [(&str, Change<'_>, &str); 2] = [
        (
            "metric filter",
            &metric_filter,
            "/Resources/MetricFilterAwsVpcOwn/Properties/FilterPattern",
        ),
        (
            "account",
            &account,
            "/Resources/SubscriptionAccountAwsElb/Properties/FilterPattern",
        ),
    ];
    for (place, change, pointer) in places {
        cases.extend(right.iter().map(|pattern| {
            case(
                format!("{place} {:?}", pattern.chars().take(40).collect::<String>()),
                change(pattern),
                Expected::Right(HOME, pointer.to_owned(), json!(pattern)),
            )
        }));
        cases.extend(wrong.iter().map(|pattern| {
            case(
                format!("{place} {:?}", pattern.chars().take(40).collect::<String>()),
                change(pattern),
                Expected::Fault,
            )
        }));
    }
    cases
}

fn tags() -> Vec<Case> {
    let query = "/Resources/ResourceGroup/Properties/ResourceQuery/Query/TagFilters/0";
    let right = [
        ("kubernetes.io/cluster/prod", "owned"),
        ("Name", ""),
        ("a b", "c d"),
        ("key:with:colons", "value=1"),
        ("path/like@this", "a+b-c_d.e"),
        ("größe", "groß"),
        ("日本", "東京"),
        ("yes", "no"),
        ("1", "0x1F"),
        ("null", "true"),
        (" leading", "trailing "),
    ];
    let mut cases: Vec<Case> = right
        .iter()
        .map(|(key, value)| {
            case(
                format!("tag {key:?}: {value:?}"),
                json!({ "sources": {
                    "aws": { "resource_group": { "tags": { (*key): { (*value): true } } } },
                    // Systems Manager aims at fewer tags than there can be.
                    "machines": { "masters": { "tags": { "a": "b" } }, "nodes": { "tags": { "a": "b" } } },
                } }),
                Expected::Right(
                    HOME,
                    query.to_owned(),
                    json!({ "Key": key, "Values": [value] }),
                ),
            )
        })
        .collect();
    cases.push(case(
        "tag of any value",
        aws(json!({ "resource_group": { "tags": { "team": {} } } })),
        Expected::Right(HOME, query.to_owned(), json!({ "Key": "team" })),
    ));
    cases.push(case(
        "tag as a condition of the forwarder's role",
        aws(json!({ "resource_group": { "tags": { "a b/c": { "x y": true } } } })),
        Expected::Right(
            HOME,
            "/Resources/ForwarderRole/Properties/Policies/0/PolicyDocument/Statement/11/Condition"
                .to_owned(),
            json!({ "StringLike": { "aws:ResourceTag/a b/c": ["x y"] } }),
        ),
    ));
    let wrong = [
        ("tag with a quote", json!({ "a\"b": {} })),
        ("tag with a star", json!({ "a*": {} })),
        ("tag with a line break", json!({ "a\nb": {} })),
        ("tag without a key", json!({ "": {} })),
        ("tag of 129 characters", json!({ "k".repeat(129): {} })),
        (
            "tag's value of 257 characters",
            json!({ "k": { "v".repeat(257): true } }),
        ),
        (
            "tag's value with a bracket",
            json!({ "k": { "{v}": true } }),
        ),
        (
            "tag without a value that counts",
            json!({ "k": { "v": false } }),
        ),
        (
            "AWS's own tag of any value",
            json!({ "aws:autoscaling:groupName": {} }),
        ),
    ];
    cases.extend(wrong.into_iter().map(|(name, tags)| {
        case(
            name,
            aws(json!({ "resource_group": { "tags": tags } })),
            Expected::Fault,
        )
    }));
    let many: serde_json::Map<String, Value> = (0..50)
        .map(|n| (format!("{n}{}", "k".repeat(100)), json!({})))
        .collect();
    cases.push(case(
        "tags longer than a query",
        aws(json!({ "resource_group": { "tags": many } })),
        Expected::Fault,
    ));
    cases
}

fn names() -> Vec<Case> {
    let names = [
        "a".to_owned(),
        "a1".to_owned(),
        "manager-live-2.eu-central-1.k8s.exa.com".to_owned(),
        "prod-eu-central-1-blue.k8s.shop.example-co.com".to_owned(),
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w".to_owned(),
        "a--b.example.com".to_owned(),
        "0.1.2.3".to_owned(),
        "aws-eu.example.com".to_owned(),
        "x".repeat(63),
        "y".repeat(100),
        "forty-five.characters.with-dots.example.co.uk".to_owned(),
        "null".to_owned(),
        "1e3".to_owned(),
        "c-.d".replace("-.", "-1."),
        format!("{}.{}", "a".repeat(49), "b".repeat(50)),
        "logfleet-logfleet".to_owned(),
        "trail.bucket.role-forwarder".to_owned(),
        "a-1-2-3.b-4-5-6.c-7-8-9".to_owned(),
    ];
    let regions = [
        "eu-central-1",
        "us-east-1",
        "ap-southeast-4",
        "us-gov-west-1",
        "cn-northwest-1",
    ];
    names
        .iter()
        .flat_map(|name| regions.map(|region| (name, region)))
        .map(|(name, region)| {
            let public = !region.starts_with("us-gov") && !region.starts_with("cn-");
            case(
                format!("cluster {name} in {region}"),
                json!({ "name": name, "region": region, "sources": { "aws": { "route53": { "public": public } } } }),
                Expected::Passes,
            )
        })
        .collect()
}

fn values() -> Vec<Case> {
    let in_vpc = |pointer: &str, change: Value, value: Value| {
        case(
            format!("flow log {pointer}: {value}"),
            aws(json!({ "vpc": change })),
            Expected::Right(
                "aws/members/vpc.json",
                format!("/resources/FlowLog/Properties/{pointer}"),
                value,
            ),
        )
    };
    let mut cases = vec![
        in_vpc("TrafficType", json!({ "traffic": "REJECT" }), json!("REJECT")),
        in_vpc("MaxAggregationInterval", json!({ "aggregation_seconds": 60 }), json!(60)),
        in_vpc(
            "LogFormat",
            json!({ "fields": { "pkt-srcaddr": true, "version": true, "bytes": false } }),
            json!("${version} ${pkt-srcaddr}"),
        ),
        in_vpc(
            "TagFieldSpecifications",
            json!({ "tag_fields": { "instance": { "Name": true, "a b/\"c": true } } }),
            json!([{ "ResourceType": "instance", "TagKeys": ["Name", "a b/\"c"] }]),
        ),
        in_vpc(
            "LogFormat",
            json!({ "tag_fields": { "instance": { "Name": true, "b": true, "off": false } } }),
            json!("${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${instance-tag} ${instance-tag-2}"),
        ),
        in_vpc(
            "LogFormat",
            json!({ "fields": { "dstaddr": true }, "tag_fields": { "auto_scaling_group": { "a": true } } }),
            json!("${dstaddr} ${asg-tag}"),
        ),
        case(
            "metrics are handed over as JSON inside JSON",
            aws(json!({ "ec2": { "metrics": { "Own/Space": { "Odd %(name)": true, "off": false } } } })),
            Expected::Inside(
                HOME,
                "/Resources/SchedulePollMetrics/Properties/Targets/0/Input".to_owned(),
                "/metrics/Own~1Space".to_owned(),
                json!(["Odd %(name)"]),
            ),
        ),
        case(
            "the forwarder's configuration is JSON inside JSON",
            json!({ "index": { "namespace": "own_space" } }),
            Expected::Inside(
                HOME,
                "/Resources/Forwarder/Properties/Environment/Variables/LOGFLEET_CONFIGURATION".to_owned(),
                "/index".to_owned(),
                json!({ "type": "logs", "namespace": "own_space" }),
            ),
        ),
        case(
            "the dashboard is JSON inside JSON",
            json!({}),
            Expected::Inside(
                HOME,
                "/Resources/Dashboard/Properties/DashboardBody".to_owned(),
                "/widgets/0/properties/metrics/0".to_owned(),
                json!(["AWS/Lambda", "Invocations", "FunctionName", "logfleet-prod-eu-example-com-forwarder"]),
            ),
        ),
        case(
            "role patterns reach the rule",
            aws(json!({ "iam": { "roles": { "a+b=c,d.e@f_*": true, "off": false } } })),
            Expected::Right(
                HOME,
                "/Resources/EventRuleIam/Properties/EventPattern/$or/2/detail/requestParameters/roleName".to_owned(),
                json!([{ "wildcard": "a+b=c,d.e@f_*" }]),
            ),
        ),
        case(
            "an existing trail's log group",
            aws(json!({ "cloudtrail": { "existing_log_group": "/org/trail#1" } })),
            Expected::Right(
                HOME,
                "/Resources/SubscriptionFunctionExistingTrail/Properties/LogGroupName".to_owned(),
                json!("/org/trail#1"),
            ),
        ),
        case(
            "calls that write only",
            aws(json!({ "account_stack": false, "cloudtrail": { "read": false, "exclude": { "kms.amazonaws.com": null, "rdsdata.amazonaws.com": null } } })),
            Expected::Right(
                HOME,
                "/Resources/Trail/Properties/AdvancedEventSelectors/0/FieldSelectors".to_owned(),
                json!([{ "Field": "eventCategory", "Equals": ["Management"] }, { "Field": "readOnly", "Equals": ["false"] }]),
            ),
        ),
        case(
            "one minute is singular",
            aws(json!({ "ec2": { "poll_minutes": 1 } })),
            Expected::Right(HOME, "/Resources/SchedulePollMachines/Properties/ScheduleExpression".to_owned(), json!("rate(1 minute)")),
        ),
        case(
            "the code's key",
            aws(json!({ "forwarder": { "code": { "key": "a/b!c_d.e*f'(g)-h" } } })),
            Expected::Right(HOME, "/Resources/Forwarder/Properties/Code".to_owned(), json!({ "S3Bucket": "code-eu-central-1", "S3Key": "a/b!c_d.e*f'(g)-h" })),
        ),
        case(
            "another account's destination",
            json!({ "streams": { "aws_elb": { "cloudwatch": { "subscriptions": { "account": { "enabled": true, "destination_arn": "arn:aws:logs:eu-central-1:444455556666:destination:a/b" } } } } } }),
            Expected::Right(HOME, "/Resources/SubscriptionAccountAwsElb/Properties/DestinationArn".to_owned(), json!("arn:aws:logs:eu-central-1:444455556666:destination:a/b")),
        ),
        case("everything of AWS is off", aws(json!({ "enabled": false })), Expected::Passes),
        case("requests at buckets by a trail", aws(json!({ "account_stack": false, "s3": { "method": "data_events" } })), Expected::Passes),
        case("requests at buckets by the account's trail", aws(json!({ "s3": { "method": "data_events" } })), Expected::Right("aws/members/bucket.json", "/joins".to_owned(), json!("bucket"))),
        case("requests at tables by the account's trail", json!({}), Expected::Right("aws/members/table.json", "/joins".to_owned(), json!("table"))),
        case("nothing is shared", aws(json!({ "account_stack": false })), Expected::Right("aws/members/table.json", "/once/TableTrail/Type".to_owned(), json!("AWS::CloudTrail::Trail"))),
        case("EKS", json!({ "distribution": "eks", "node_groups": { "masters": null }, "sources": { "aws": { "cluster_name": "Prod_Cluster" } } }), Expected::Passes),
    ];
    let wrong = [
        ("no code", json!({ "forwarder": { "code": null } })),
        (
            "code in one Region for two",
            json!({ "forwarder": { "code": { "bucket": "code" } } }),
        ),
        (
            "code's bucket too long",
            json!({ "forwarder": { "code": { "bucket": format!("{}-{{region}}", "c".repeat(51)) } } }),
        ),
        (
            "code's bucket in capitals",
            json!({ "forwarder": { "code": { "bucket": "Code-{region}" } } }),
        ),
        (
            "code's bucket with another placeholder",
            json!({ "forwarder": { "code": { "bucket": "code-{account}" } } }),
        ),
        (
            "code's key with a blank",
            json!({ "forwarder": { "code": { "key": "a b" } } }),
        ),
        (
            "memory of 64 MiB",
            json!({ "forwarder": { "memory_mebibytes": 64 } }),
        ),
        (
            "timeout of an hour",
            json!({ "forwarder": { "timeout_seconds": 3600 } }),
        ),
        (
            "no copies",
            json!({ "forwarder": { "reserved_concurrency": 0 } }),
        ),
        (
            "retention that AWS doesn't know",
            json!({ "forwarder": { "log_retention_days": 15 } }),
        ),
        (
            "period of 90 seconds",
            json!({ "metrics": { "period_seconds": 90 } }),
        ),
        (
            "poll every two hours",
            json!({ "ec2": { "poll_minutes": 120 } }),
        ),
        (
            "unknown field of flow logs",
            json!({ "vpc": { "fields": { "src-addr": true } } }),
        ),
        (
            "no field of flow logs",
            json!({ "vpc": { "fields": { "version": false } } }),
        ),
        (
            "three tags of flow logs",
            json!({ "vpc": { "tag_fields": { "instance": { "a": true, "b": true, "c": true } } } }),
        ),
        (
            "tags of something else",
            json!({ "vpc": { "tag_fields": { "volume": { "a": true } } } }),
        ),
        (
            "aggregation of 5 minutes",
            json!({ "vpc": { "aggregation_seconds": 300 } }),
        ),
        (
            "no requests at tables",
            json!({ "dynamodb": { "data_events": { "read": false, "write": false } } }),
        ),
        (
            "no calls",
            json!({ "cloudtrail": { "read": false, "write": false } }),
        ),
        (
            "nothing of load balancers",
            json!({ "elb": { "application": false, "network": false, "classic": false } }),
        ),
        (
            "nothing of machines",
            json!({ "ec2": { "state_changes": false, "status": false, "console_output": false } }),
        ),
        (
            "nothing of names",
            json!({ "route53": { "public": false, "resolver": false } }),
        ),
        (
            "a stream that isn't there",
            json!({ "vpc": { "stream": "nowhere" } }),
        ),
        (
            "a topic that is none",
            json!({ "alarms": { "actions": { "on-call": true } } }),
        ),
        (
            "an age of a day",
            json!({ "alarms": { "age_seconds": 86400 } }),
        ),
        (
            "a service that is none",
            json!({ "cloudtrail": { "exclude": { "kms": true } } }),
        ),
        (
            "a log group with a blank",
            json!({ "cloudtrail": { "existing_log_group": "a b" } }),
        ),
        (
            "a metric's value in words",
            json!({ "vpc": { "metric_filters": { "own": { "pattern": "a", "value": "many" } } } }),
        ),
        (
            "a metric's namespace with a colon",
            json!({ "ec2": { "metrics": { "a:b": { "c": true } } } }),
        ),
        (
            "a role with a blank",
            json!({ "iam": { "roles": { "a b": true } } }),
        ),
        (
            "a kind of EKS's logs in other letters",
            json!({ "eks": { "types": { "controllerManager": true } } }),
        ),
        ("an unknown key", json!({ "ec2": { "consoles": true } })),
    ];
    cases.extend(wrong.map(|(name, change)| case(name, aws(change), Expected::Fault)));
    let many: serde_json::Map<String, Value> = (0..300)
        .map(|n| (format!("{n}{}", "m".repeat(40)), json!(true)))
        .collect();
    cases.push(case(
        "more metrics than a rule hands over",
        aws(json!({ "ec2": { "metrics": { "Own": many } } })),
        Expected::Fault,
    ));
    cases.push(case(
        "public zones in China",
        json!({ "region": "cn-north-1" }),
        Expected::Fault,
    ));
    cases.push(case(
        "a credential that AWS can't read",
        json!({ "destinations": { "main": { "authentication": { "secret": "kubernetes-secret:own" } } } }),
        Expected::Fault,
    ));
    cases.push(case(
        "measurements that can only go to an archive",
        json!({ "destinations": { "archive": { "backend": "s3", "expiry_days": 30 } }, "streams": { "aws_metrics": { "destinations": { "archive": true } } }, "sources": { "aws": { "metrics": { "enabled": true } } } }),
        Expected::Fault,
    ));
    cases.push(case(
        "machines' status that can only go to an archive",
        json!({ "destinations": { "archive": { "backend": "s3", "expiry_days": 30 } }, "streams": { "aws_ec2": { "destinations": { "archive": true } } }, "sources": { "aws": { "ec2": { "status": true } } } }),
        Expected::Fault,
    ));
    cases.push(case(
        "a third subscription",
        json!({ "destinations": { "archive": { "backend": "s3", "expiry_days": 30 } }, "streams": { "aws_vpc": { "destinations": { "main": true, "archive": true }, "cloudwatch": { "subscriptions": { "account": { "enabled": true, "destination_arn": "arn:aws:logs:eu-central-1:444455556666:destination:a" } } } } } }),
        Expected::Fault,
    ));
    cases
}

#[test]
fn hostile_settings_render_right_or_give_one_clear_fault() {
    let bench = Bench::new();
    let cases: Vec<Case> = patterns()
        .into_iter()
        .chain(tags())
        .chain(names())
        .chain(values())
        .collect();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let (mut reported, mut wrong) = (String::new(), Vec::new());
    for case in &cases {
        match verdict(&bench, case) {
            Ok(Some(fault)) => {
                let shown: String = fault.chars().take(300).collect();
                writeln!(reported, "{}\n    {shown}", case.name).expect("memory");
            }
            Ok(None) => {}
            Err(why) => wrong.push(format!("{}: {why}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!(reported);
}

/// The one fault of a case that must have one; what is wrong with it otherwise.
fn verdict(bench: &Bench, case: &Case) -> Result<Option<String>, String> {
    let rendered = bench.render(&case.change);
    if matches!(case.expected, Expected::Fault) {
        return match rendered {
            Ok(_) => Err("no fault".to_owned()),
            Err(faults) if faults.len() == 1 => Ok(faults.into_iter().next()),
            Err(faults) => Err(format!("several faults: {faults:#?}")),
        };
    }
    let files = rendered.map_err(|faults| format!("{faults:?}"))?;
    let find = |path: &str, pointer: &str| -> Result<Value, String> {
        let file = files.iter().find(|(name, _)| name == path);
        let (_, file) = file.ok_or_else(|| format!("no {path}"))?;
        let found = file.pointer(pointer).cloned();
        found.ok_or_else(|| format!("nothing at {pointer}"))
    };
    let (found, wanted) = match &case.expected {
        Expected::Right(path, pointer, value) => (find(path, pointer)?, value),
        Expected::Inside(path, pointer, inner, value) => {
            let text = find(path, pointer)?;
            let inside: Value = serde_json::from_str(text.as_str().unwrap_or_default())
                .map_err(|error| error.to_string())?;
            (inside.pointer(inner).cloned().unwrap_or_default(), value)
        }
        Expected::Passes | Expected::Fault => return Ok(None),
    };
    if found == *wanted {
        Ok(None)
    } else {
        Err(format!("{found} is not {wanted}"))
    }
}

/// What clusters of one account are reported, each with its changes.
fn clashes(changes: &[(&str, Value)]) -> Vec<String> {
    let bench = Bench::new();
    let clusters: Vec<ResolvedCluster> = changes
        .iter()
        .map(|(name, change)| {
            let mut change = change.clone();
            change["name"] = json!(name);
            bench.resolve(&change).expect("no problems")
        })
        .collect();
    let claims: Vec<_> = clusters.iter().map(super::AwsClaims::of).collect();
    let shares: Vec<_> = claims.iter().filter_map(super::AwsClaims::share).collect();
    let stacks = account::resolve(shares, &FleetAccounts::by_default(&bench.base));
    super::find_clashes(&claims, &stacks)
        .into_iter()
        .map(|clash| format!("{}: {}", clash.cluster, clash.message))
        .collect()
}

#[test]
fn clusters_of_an_account_share_what_can_be_shared_only() {
    let tags = aws(json!({ "resource_group": { "tags": { "team": { "shop": true } } } }));
    let existing = aws(json!({ "cloudtrail": { "existing_log_group": "shared" } }));
    let own = aws(json!({ "account_stack": false }));
    assert_eq!(
        clashes(&[("a", own.clone()), ("b", own.clone())]),
        [""; 0],
        "two clusters have four trails"
    );
    assert_eq!(
        clashes(&[("a", tags.clone()), ("b", tags.clone())]),
        [
            "b: the clusters `a` and `b` claim the same objects of AWS: those with the tag `team` in account 111122223333, eu-central-1"
        ]
    );
    let mut elsewhere = tags.clone();
    elsewhere["account"] = json!("444455556666");
    assert_eq!(clashes(&[("a", tags), ("b", elsewhere)]), [""; 0]);
    assert_eq!(
        clashes(&[("a", own.clone()), ("b", own.clone()), ("c", own.clone())]),
        [
            "c: the clusters of account 111122223333 would have 6 trails in eu-central-1, and AWS allows 5: `a`, `b`, `c` have their own"
        ]
    );
    let shared = |name| (name, json!({}));
    let many: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
    let all: Vec<_> = many.iter().map(|name| shared(name.as_str())).collect();
    assert_eq!(clashes(&all), [""; 0], "a hundred that share");
    // The account's two count as well.
    assert_eq!(
        clashes(&[("a", own.clone()), ("b", own.clone()), shared("c")]),
        [
            "b: the clusters of account 111122223333 would have 6 trails in eu-central-1, and AWS allows 5: `a`, `b` have their own"
        ]
    );
    assert_eq!(clashes(&[("a", own.clone()), shared("c")]), [""; 0]);
    // A trail of all Regions counts in each.
    let mut far = own.clone();
    far["region"] = json!("eu-west-1");
    assert_eq!(
        clashes(&[
            ("a", own.clone()),
            ("b", own.clone()),
            ("c", far.clone()),
            ("d", far)
        ]),
        [
            "d: the clusters of account 111122223333 would have 6 trails in eu-central-1, and AWS allows 5: `a`, `b`, `c`, `d` have their own",
        ]
    );
    assert_eq!(
        clashes(&[("a", existing.clone()), ("b", existing.clone())]),
        [""; 0]
    );
    assert_eq!(
        clashes(&[
            ("a", existing.clone()),
            ("b", existing.clone()),
            ("c", existing)
        ]),
        [
            "c: the log group `shared` of account 111122223333, eu-central-1 would have 3 subscriptions, by the clusters `a`, `b`, `c`, and AWS allows 2"
        ]
    );
}

/// The sources of AWS, and their measurements.
fn sources() -> Vec<&'static str> {
    super::SOURCES.iter().copied().chain(["metrics"]).collect()
}

/// Settings by which some sources share a stream of their own.
fn sharing(sources: &[&str]) -> Value {
    let streams = sources
        .iter()
        .map(|source| ((*source).to_owned(), json!({ "stream": "aws_shared" })));
    let mut change = aws(streams.collect::<serde_json::Map<_, _>>().into());
    change["streams"] = json!({ "aws_shared": { "dataset": "aws.shared" } });
    change
}

/// What the forwarder of the cluster's Region is reported.
fn forwarders_configuration(bench: &Bench, change: &Value) -> Value {
    let files = bench.render(change).expect("rendered and found right");
    let pointer = "/Resources/Forwarder/Properties/Environment/Variables/LOGFLEET_CONFIGURATION";
    let (_, stack) = files
        .iter()
        .find(|(path, _)| path == "aws/eu-central-1/stack.json")
        .expect("the Region has a stack");
    let text = stack.pointer(pointer).and_then(Value::as_str);
    serde_json::from_str(text.expect("a forwarder")).expect("JSON")
}

/// The template of rules names each source that comes by one.
#[test]
fn every_source_that_comes_by_a_rule_has_its_pattern() {
    let bench = Bench::new();
    let cluster = bench.resolve(&json!({})).expect("no problems");
    let files = bench.render(&json!({})).expect("rendered and found right");
    let regions = cluster.aws.regions.iter();
    for (region, rule) in
        regions.flat_map(|own| own.event_rules.iter().map(move |rule| (own, rule)))
    {
        let path = format!("aws/{}/stack.json", region.name);
        let (_, stack) = files.iter().find(|(own, _)| *own == path).expect("a stack");
        let properties = format!("/Resources/EventRule{}/Properties", rule.logical_id);
        let properties = stack.pointer(&properties).expect("a rule");
        let services = properties["EventPattern"]["source"].as_array();
        assert!(services.is_some_and(|all| !all.is_empty()), "{}", rule.kind);
    }
}

/// Measurements of Route 53 lie in the Region of global services, whatever source names them.
#[test]
fn measurements_bring_a_forwarder_to_the_region_where_they_lie() {
    let bench = Bench::new();
    let with = |metrics: Value| {
        let mut change = aws(json!({ "account_stack": false, "ec2": { "metrics": metrics } }));
        for source in ["iam", "route53"] {
            change["sources"]["aws"][source] = json!({ "enabled": false });
        }
        let cluster = bench.resolve(&change).expect("no problems");
        let regions = cluster.aws.regions.iter().map(|region| {
            let forwarder = region.forwarder.as_ref();
            (
                region.name.clone(),
                forwarder.is_some_and(|own| own.reads_metrics),
            )
        });
        regions.collect::<Vec<_>>()
    };
    let home = ("eu-central-1".to_owned(), true);
    assert_eq!(with(json!({})), std::slice::from_ref(&home));
    assert_eq!(
        with(json!({ "AWS/Route53": { "DNSQueries": true } })),
        [home, ("us-east-1".to_owned(), true)]
    );
}

#[test]
fn sources_that_share_a_stream_end_in_one_data_stream() {
    let bench = Bench::new();
    let all = sources();
    for shared in [
        &["ec2", "ebs", "iam", "s3", "dynamodb"][..],
        &["cloudtrail", "metrics"],
        &all,
    ] {
        let change = sharing(shared);
        let stream_of = |source: &str| {
            let is_shared = shared.contains(&source);
            (if is_shared { "shared" } else { source }).to_owned()
        };

        let cluster = bench.resolve(&change).expect("no problems");
        let mut wanted: Vec<String> = all.iter().copied().map(stream_of).collect();
        wanted.sort();
        wanted.dedup();
        let of_aws = |name: &&String| name.starts_with("logs-aws.");
        let data_streams = cluster.destinations[0].data_streams.iter();
        let data_streams: Vec<&String> = data_streams.filter(of_aws).collect();
        let name = |stream: &String| format!("logs-aws.{stream}-prod_eu_example_com");
        let names: Vec<String> = wanted.iter().map(name).collect();
        assert_eq!(data_streams, names.iter().collect::<Vec<_>>());

        for row in crate::sources::list(&cluster) {
            let Some(source) = row.source.strip_prefix("aws.") else {
                continue;
            };
            let ends: Vec<&str> = row
                .ends
                .iter()
                .filter(|end| end.destination.as_deref() == Some("main"))
                .map(|end| end.name.as_str())
                .collect();
            assert_eq!(ends, [name(&stream_of(source))], "{source}");
        }

        let reported = forwarders_configuration(&bench, &change);
        for (group, entry) in reported["log_groups"].as_object().expect("log groups") {
            let source = entry["source"].as_str().expect("a source");
            let source = source.trim_start_matches("aws.");
            let stream = format!("aws_{}", stream_of(source));
            assert_eq!(entry["stream"], stream, "{group}");
        }
        let streams = reported["streams"].as_object().expect("streams");
        let datasets = streams.values().map(|stream| stream["dataset"].clone());
        let datasets: Vec<Value> = datasets.collect();
        let dataset = |stream: &String| json!(format!("aws.{stream}"));
        assert_eq!(datasets, wanted.iter().map(dataset).collect::<Vec<_>>());
    }
}

/// The table in docs/aws.md, of what a cluster by default needs.
fn table_of_quotas() -> String {
    let cluster = Bench::new().resolve(&json!({})).expect("no problems");
    let count = |kind, region: &str| {
        let needed = quotas::needed(&cluster, kind);
        let space = kind.space("111122223333", region);
        needed.get(&space).copied().unwrap_or_default()
    };
    let mut table = String::from(
        "| Quota | Default | A cluster in `eu-central-1` needs there | and in `us-east-1` | So it is enough for |\n|---|---|---|---|---|\n",
    );
    for quota in quotas::QUOTAS {
        let (home, global) = (
            count(quota.kind, "eu-central-1"),
            count(quota.kind, "us-east-1"),
        );
        let of_account = quota.kind.space("1", "a") == quota.kind.space("1", "b");
        let most = match (home, global) {
            (0, 0) => "any number".to_owned(),
            (home, global) => format!("{} clusters", quota.most / home.max(global)),
        };
        let global = if of_account {
            "the same".to_owned()
        } else {
            global.to_string()
        };
        let _ = writeln!(
            table,
            "| [{}]({}) of {}{} | {} | {home} | {global} | {most} |",
            quota.name,
            quota.source,
            quota.service,
            if quota.adjustable {
                ""
            } else {
                ", which AWS doesn't raise"
            },
            quota.most,
        );
    }
    table
}

#[test]
fn the_docs_say_what_a_default_cluster_needs_of_each_quota() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/aws.md");
    let docs = std::fs::read_to_string(path).expect("the page");
    let table = table_of_quotas();
    assert!(docs.contains(&table), "docs/aws.md should have\n{table}");
}
