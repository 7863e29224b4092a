//! What the rendered programs call of AWS, from their own sources, and whether
//! their roles allow it. Pure.
//!
//! [`CALLS`] is the one table of it. A role that allows less ships nothing, and
//! says so only in the program's own log; that is a fault here. That a role allows
//! no more is seen by a test, since a fleet's own template may add programs
//! that nobody here knows.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::forwarder::{Authentication, ScheduleInput};
use logfleet_contract::secrets::SecretArn;
use logfleet_contract::{account, names, stack};
use serde_json::Value;

use super::super::fluentd::syntax as fluentd;
use super::super::logstash::syntax as logstash;
use super::{Resource, Template, list};
use crate::fault::Faults;
use crate::resolve::DomainHost;

/// A program that calls AWS as a role of the cluster's stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Program {
    /// Fluentd's output `cloudwatch_logs`.
    FluentdCloudwatchLogs,
    /// Fluentd's output `s3`.
    FluentdS3,
    /// Fluentd's output `opensearch` with an `<endpoint>`.
    FluentdOpensearch,
    /// Logstash's output `opensearch` with `aws_iam`.
    LogstashOpensearch,
    /// The CloudWatch agent.
    CloudwatchAgent,
    /// The script that sets a machine's shippers up.
    InstallScript,
    /// The forwarder, and Lambda for it.
    Forwarder,
    /// The distributor of an account, and Lambda for it.
    Distributor,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::FluentdCloudwatchLogs => "Fluentd's output `cloudwatch_logs`",
            Self::FluentdS3 => "Fluentd's output `s3`",
            Self::FluentdOpensearch => "Fluentd's output `opensearch`",
            Self::LogstashOpensearch => "Logstash's output `opensearch`",
            Self::CloudwatchAgent => "the CloudWatch agent",
            Self::InstallScript => "`install.sh`",
            Self::Forwarder => "the forwarder",
            Self::Distributor => "the distributor",
        }
    }
}

/// When a program makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Whatever its options.
    Always,
    /// When this option is `true`; the flag is its default.
    True(&'static str, bool),
    /// When this option is there.
    Given(&'static str),
    /// Never with success: the reason why the role is not to allow it.
    Withheld(&'static str),
}

/// On what a call is authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    /// A log group and its streams.
    LogGroup,
    /// All log groups of the account in the Region: it can't be allowed for one.
    EveryLogGroup,
    /// An object of the bucket.
    Object,
    /// The bucket.
    Bucket,
    /// `/<index>/_bulk` of the domain.
    Bulk,
    /// `/` of the domain.
    Root,
    /// A secret.
    Secret,
    /// What the forwarder put aside to be sent again, and calls that Lambda gave up.
    Waiting,
    /// These, and how far schedules came.
    Kept,
    /// A network interface.
    NetworkInterface,
    /// An object in the bucket of Classic Load Balancers.
    ClassicObject,
    /// The path of the parameters that register clusters.
    Registry,
    /// A log group of a cluster, in any Region.
    ClusterLogGroup,
    /// A log group that calls the forwarder, without its streams.
    CallingLogGroup,
    /// The resource group.
    ResourceGroup,
    /// A machine.
    Machine,
    /// Nothing that has an ARN.
    Anything,
}

/// A call that a program makes.
#[derive(Clone, Copy, Debug)]
struct Call {
    program: Program,
    when: When,
    action: &'static str,
    on: On,
    /// The repository and the file that say so.
    source: &'static str,
}

const CLOUDWATCH_LOGS: &str = "fluent-plugins-nursery/fluent-plugin-cloudwatch-logs, lib/fluent/plugin/out_cloudwatch_logs.rb";
const S3: &str = "fluent/fluent-plugin-s3, lib/fluent/plugin/out_s3.rb";
const OPENSEARCH: &str = "fluent/fluent-plugin-opensearch, lib/fluent/plugin/out_opensearch.rb";
const OPENSEARCH_RUBY: &str =
    "opensearch-project/opensearch-ruby, lib/opensearch/api/actions/bulk.rb";
const LOGSTASH_CLIENT: &str =
    "opensearch-project/logstash-output-opensearch, lib/logstash/outputs/opensearch/http_client.rb";
const LOGSTASH_POOL: &str = "opensearch-project/logstash-output-opensearch, lib/logstash/outputs/opensearch/http_client/pool.rb";
const AGENT: &str =
    "aws/amazon-cloudwatch-agent, plugins/outputs/cloudwatchlogs/internal/pusher/target.go";
const AGENT_SENDER: &str =
    "aws/amazon-cloudwatch-agent, plugins/outputs/cloudwatchlogs/internal/pusher/sender.go";
const INSTALL: &str = "this repository, templates/machines/_install.sh";
const FORWARDER_SERVER: &str = "this repository, forwarder/src/deliver/server.rs";
const FORWARDER_FILES: &str = "this repository, forwarder/src/handle/files.rs";
const FORWARDER_RETRIES: &str = "this repository, forwarder/src/handle/retries.rs";
const FORWARDER_MEMBERS: &str = "this repository, forwarder/src/aws/groups.rs";
const FORWARDER_TAGS: &str = "this repository, forwarder/src/handle/tags.rs";
const FORWARDER_METRICS: &str = "this repository, forwarder/src/aws/cloudwatch.rs";
const FORWARDER_MACHINES: &str = "this repository, forwarder/src/aws/ec2.rs";
const DISTRIBUTOR: &str = "this repository, forwarder/src/distribute.rs";
/// Lambda's own calls for a function:
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>.
const LAMBDA: &str = "AWS Lambda, Developer Guide";
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
const LAMBDA_NETWORK: &str =
    "AWS Lambda, Developer Guide, Giving Lambda functions access to resources in a VPC";

const MADE_BY_THE_STACK: &str = "the stack makes log groups; while one is missing, records wait";

#[rustfmt::skip]
const CALLS: [Call; 55] = {
    use Program as P;
    use When::{Always, Given, True, Withheld};
    const fn call(program: Program, when: When, action: &'static str, on: On, source: &'static str) -> Call {
        Call { program, when, action, on, source }
    }
    [
        // check_log_group_existence, before the first write to a group; no option turns it off.
        call(P::FluentdCloudwatchLogs, Always, "logs:DescribeLogGroups", On::EveryLogGroup, CLOUDWATCH_LOGS),
        call(P::FluentdCloudwatchLogs, Always, "logs:DescribeLogStreams", On::LogGroup, CLOUDWATCH_LOGS),
        call(P::FluentdCloudwatchLogs, True("auto_create_stream", false), "logs:CreateLogStream", On::LogGroup, CLOUDWATCH_LOGS),
        call(P::FluentdCloudwatchLogs, Always, "logs:PutLogEvents", On::LogGroup, CLOUDWATCH_LOGS),
        call(P::FluentdCloudwatchLogs, Withheld(MADE_BY_THE_STACK), "logs:CreateLogGroup", On::LogGroup, CLOUDWATCH_LOGS),
        call(P::FluentdCloudwatchLogs, Given("retention_in_days"), "logs:PutRetentionPolicy", On::LogGroup, CLOUDWATCH_LOGS),
        // Object#put, never in parts.
        call(P::FluentdS3, Always, "s3:PutObject", On::Object, S3),
        call(P::FluentdS3, True("check_apikey_on_start", true), "s3:ListBucket", On::Bucket, S3),
        call(P::FluentdS3, True("check_bucket", true), "s3:ListBucket", On::Bucket, S3),
        call(P::FluentdS3, True("check_object", true), "s3:GetObject", On::Object, S3),
        call(P::FluentdS3, Withheld("the stack makes the bucket"), "s3:CreateBucket", On::Bucket, S3),
        call(P::FluentdS3, Given("acl"), "s3:PutObjectAcl", On::Object, S3),
        call(P::FluentdS3, Given("tagging"), "s3:PutObjectTagging", On::Object, S3),
        call(P::FluentdS3, Given("bucket_lifecycle_rule"), "s3:GetLifecycleConfiguration", On::Bucket, S3),
        call(P::FluentdS3, Given("bucket_lifecycle_rule"), "s3:PutLifecycleConfiguration", On::Bucket, S3),
        // Up to version 3.4 of opensearch-ruby, which the image of today holds; from 4.0 on with PUT.
        call(P::FluentdOpensearch, Always, "es:ESHttpPost", On::Bulk, OPENSEARCH_RUBY),
        call(P::FluentdOpensearch, Always, "es:ESHttpPut", On::Bulk, OPENSEARCH_RUBY),
        call(P::FluentdOpensearch, True("verify_os_version_at_startup", true), "es:ESHttpGet", On::Root, OPENSEARCH),
        // A health check at the start and every five seconds while the domain is away; then its version.
        call(P::LogstashOpensearch, Always, "es:ESHttpHead", On::Root, LOGSTASH_POOL),
        call(P::LogstashOpensearch, Always, "es:ESHttpGet", On::Root, LOGSTASH_POOL),
        call(P::LogstashOpensearch, Always, "es:ESHttpPost", On::Bulk, LOGSTASH_CLIENT),
        call(P::CloudwatchAgent, Always, "logs:PutLogEvents", On::LogGroup, AGENT_SENDER),
        call(P::CloudwatchAgent, Always, "logs:CreateLogStream", On::LogGroup, AGENT),
        call(P::CloudwatchAgent, Given("retention_in_days"), "logs:DescribeLogGroups", On::EveryLogGroup, AGENT),
        call(P::CloudwatchAgent, Given("retention_in_days"), "logs:PutRetentionPolicy", On::LogGroup, AGENT),
        call(P::CloudwatchAgent, Withheld(MADE_BY_THE_STACK), "logs:CreateLogGroup", On::LogGroup, AGENT),
        call(P::InstallScript, Always, "secretsmanager:GetSecretValue", On::Secret, INSTALL),
        call(P::Forwarder, Always, "logs:CreateLogStream", On::LogGroup, LAMBDA),
        call(P::Forwarder, Always, "logs:PutLogEvents", On::LogGroup, LAMBDA),
        // What three tries didn't bring away; the program puts aside, and lists, in the same bucket.
        call(P::Forwarder, Always, "s3:PutObject", On::Object, LAMBDA),
        call(P::Forwarder, Always, "s3:ListBucket", On::Bucket, LAMBDA),
        call(P::Forwarder, Given("network"), "ec2:CreateNetworkInterface", On::NetworkInterface, LAMBDA_NETWORK),
        call(P::Forwarder, Given("network"), "ec2:DeleteNetworkInterface", On::NetworkInterface, LAMBDA_NETWORK),
        call(P::Forwarder, Given("network"), "ec2:AssignPrivateIpAddresses", On::NetworkInterface, LAMBDA_NETWORK),
        call(P::Forwarder, Given("network"), "ec2:UnassignPrivateIpAddresses", On::NetworkInterface, LAMBDA_NETWORK),
        call(P::Forwarder, Given("network"), "ec2:DescribeNetworkInterfaces", On::Anything, LAMBDA_NETWORK),
        call(P::Forwarder, Given("network"), "ec2:DescribeSubnets", On::Anything, LAMBDA_NETWORK),
        call(P::Forwarder, Always, "s3:GetObject", On::Kept, FORWARDER_RETRIES),
        call(P::Forwarder, Always, "s3:DeleteObject", On::Waiting, FORWARDER_RETRIES),
        call(P::Forwarder, Given("classic_load_balancers"), "s3:GetObject", On::ClassicObject, FORWARDER_FILES),
        call(P::Forwarder, Always, "secretsmanager:GetSecretValue", On::Secret, FORWARDER_SERVER),
        call(P::Forwarder, Always, "es:ESHttpPost", On::Bulk, FORWARDER_SERVER),
        call(P::Forwarder, Given("resource_group"), "resource-groups:ListGroupResources", On::ResourceGroup, FORWARDER_MEMBERS),
        call(P::Forwarder, Given("resource_group"), "tag:GetResources", On::Anything, FORWARDER_MEMBERS),
        call(P::Forwarder, Given("log_group_tags"), "logs:ListTagsForResource", On::CallingLogGroup, FORWARDER_TAGS),
        call(P::Distributor, Always, "logs:CreateLogStream", On::LogGroup, LAMBDA),
        call(P::Distributor, Always, "logs:PutLogEvents", On::LogGroup, LAMBDA),
        call(P::Distributor, Always, "s3:PutObject", On::Object, LAMBDA),
        call(P::Distributor, Always, "s3:ListBucket", On::Bucket, LAMBDA),
        call(P::Distributor, Always, "ssm:GetParametersByPath", On::Registry, DISTRIBUTOR),
        call(P::Distributor, Always, "resource-groups:ListGroupResources", On::ResourceGroup, DISTRIBUTOR),
        call(P::Distributor, Always, "tag:GetResources", On::Anything, DISTRIBUTOR),
        call(P::Distributor, Always, "logs:CreateLogStream", On::ClusterLogGroup, DISTRIBUTOR),
        call(P::Distributor, Always, "logs:PutLogEvents", On::ClusterLogGroup, DISTRIBUTOR),
        // The polls stand in the rules that call it.
        call(P::Forwarder, Given("poll_metrics"), "cloudwatch:GetMetricData", On::Anything, FORWARDER_METRICS),
    ]
};

/// The forwarder's other polls.
#[rustfmt::skip]
const POLLS: [Call; 3] = [
    Call { program: Program::Forwarder, when: When::Given("poll_metrics"), action: "cloudwatch:ListMetrics", on: On::Anything, source: FORWARDER_METRICS },
    Call { program: Program::Forwarder, when: When::Given("poll_status"), action: "ec2:DescribeInstanceStatus", on: On::Anything, source: FORWARDER_MACHINES },
    Call { program: Program::Forwarder, when: When::Given("poll_console_output"), action: "ec2:GetConsoleOutput", on: On::Machine, source: FORWARDER_MACHINES },
];

fn calls() -> impl Iterator<Item = &'static Call> {
    CALLS.iter().chain(&POLLS)
}

/// A file that makes a program call AWS.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) struct Configuration<'t> {
    /// Its path below the cluster's folder.
    pub path: &'t str,
    /// Its text.
    pub text: &'t str,
}

/// Whether a file makes a program call AWS as a role of the cluster's stacks.
pub(in crate::check) fn is_configuration(path: &str) -> bool {
    let kubernetes = path.starts_with("kubernetes/")
        && (path.ends_with("/fluent.conf")
            || (path.starts_with("kubernetes/logstash/") && path.ends_with(".conf")));
    let machines = path.starts_with("machines/")
        && (path.ends_with("/install.sh") || path.ends_with("/amazon-cloudwatch-agent.json"));
    kubernetes || machines
}

/// The log groups that a file makes programs write to, each with its Region.
pub(in crate::check) fn log_groups(configuration: &Configuration<'_>) -> Vec<(String, String)> {
    let callers = if configuration.path.starts_with("machines/") {
        of_machine(configuration)
    } else {
        of_kubernetes(configuration)
    };
    callers
        .into_iter()
        .flat_map(|caller| {
            let region = caller.region;
            let names = caller.log_groups.into_iter();
            names.map(move |name| (region.clone(), name))
        })
        .collect()
}

/// A program as it is configured in one place.
#[derive(Clone, Debug)]
struct Caller {
    program: Program,
    options: BTreeMap<String, String>,
    region: String,
    /// What it calls, by what that is: names of log groups, buckets, hosts, secrets.
    log_groups: BTreeSet<String>,
    buckets: BTreeSet<String>,
    /// Each with its domain's Region.
    hosts: BTreeMap<String, String>,
    secrets: BTreeSet<String>,
    /// Where secrets are that are named without a Region, if not where the program is.
    secrets_region: Option<String>,
    classic: BTreeSet<String>,
    groups: BTreeSet<String>,
    /// The path of parameters, with its Region.
    registry: Option<(String, String)>,
    /// Log groups of clusters.
    cluster_log_groups: BTreeSet<String>,
    /// Log groups that call the forwarder.
    calling_log_groups: BTreeSet<String>,
}

impl Caller {
    fn new(program: Program, region: impl Into<String>) -> Self {
        Self {
            program,
            options: BTreeMap::new(),
            region: region.into(),
            log_groups: BTreeSet::new(),
            buckets: BTreeSet::new(),
            hosts: BTreeMap::new(),
            secrets: BTreeSet::new(),
            secrets_region: None,
            classic: BTreeSet::new(),
            groups: BTreeSet::new(),
            registry: None,
            cluster_log_groups: BTreeSet::new(),
            calling_log_groups: BTreeSet::new(),
        }
    }

    fn makes(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::True(option, default) => self
                .options
                .get(option)
                .map_or(default, |value| value == "true"),
            When::Given(option) => self.options.contains_key(option),
            When::Withheld(_) => false,
        }
    }

    /// An object below each of these prefixes of the buckets.
    fn in_buckets(&self, prefixes: &[&str]) -> Vec<Request> {
        let below = |bucket: &String| {
            let bucket = bucket.clone();
            prefixes.iter().map(move |prefix| Request {
                service: "s3",
                region: String::new(),
                resource: format!("{bucket}{prefix}any"),
            })
        };
        self.buckets.iter().flat_map(below).collect()
    }

    /// The requests of a call: service, Region and resource of the ARN that each is authorised on.
    fn requests(&self, on: On) -> Vec<Request> {
        let own = |service: &'static str, resource: String| Request {
            service,
            region: self.region.clone(),
            resource,
        };
        let global = |resource: String| Request {
            service: "s3",
            region: String::new(),
            resource,
        };
        let domain = |(host, region): (&String, &String), path: &str| {
            let name = DomainHost::read(host).map_or("of-ones-own", |reported| reported.name);
            Request {
                service: "es",
                region: region.clone(),
                resource: format!("domain/{name}/{path}"),
            }
        };
        match on {
            On::LogGroup => self
                .log_groups
                .iter()
                .map(|name| own("logs", format!("log-group:{name}:log-stream:any")))
                .collect(),
            On::EveryLogGroup => vec![own("logs", "log-group::log-stream:".to_owned())],
            On::Object => self
                .buckets
                .iter()
                .map(|bucket| global(format!("{bucket}any")))
                .collect(),
            On::Bucket => self
                .buckets
                .iter()
                .map(|bucket| global(bucket.split('/').next().unwrap_or_default().to_owned()))
                .collect(),
            On::ClassicObject => self
                .classic
                .iter()
                .map(|bucket| global(format!("{bucket}any")))
                .collect(),
            On::Bulk => self
                .hosts
                .iter()
                .map(|host| domain(host, "any/_bulk"))
                .collect(),
            On::Root => self.hosts.iter().map(|host| domain(host, "")).collect(),
            On::Secret => self
                .secrets
                .iter()
                .map(|name| {
                    let (region, name) = match SecretArn::read(name) {
                        Some(arn) => (Some(arn.region), format!("{}-AbCdEf", arn.name)),
                        None => (self.secrets_region.as_deref(), format!("{name}-AbCdEf")),
                    };
                    Request {
                        service: "secretsmanager",
                        region: region.unwrap_or(&self.region).to_owned(),
                        resource: format!("secret:{name}"),
                    }
                })
                .collect(),
            On::Waiting => self.in_buckets(&["aws/lambda/async/", "retry/"]),
            On::Kept => self.in_buckets(&["aws/lambda/async/", "retry/", "state/"]),
            On::NetworkInterface => {
                vec![own(
                    "ec2",
                    "network-interface/eni-0123456789abcdef0".to_owned(),
                )]
            }
            On::Registry => self
                .registry
                .iter()
                .flat_map(|(region, path)| {
                    // The path itself, and what is below it.
                    let path = path.trim_end_matches('/');
                    ["", "/any"].map(|below| Request {
                        service: "ssm",
                        region: region.clone(),
                        resource: format!("parameter{path}{below}"),
                    })
                })
                .collect(),
            On::ClusterLogGroup => self
                .cluster_log_groups
                .iter()
                .map(|name| own("logs", format!("log-group:{name}:log-stream:any")))
                .collect(),
            On::CallingLogGroup => self
                .calling_log_groups
                .iter()
                .map(|name| own("logs", format!("log-group:{name}")))
                .collect(),
            On::ResourceGroup => self
                .groups
                .iter()
                .map(|name| own("resource-groups", format!("group/{name}")))
                .collect(),
            On::Machine => vec![own("ec2", "instance/i-0123456789abcdef0".to_owned())],
            On::Anything => vec![own("any", "any".to_owned())],
        }
    }
}

/// What a call is authorised on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    service: &'static str,
    region: String,
    resource: String,
}

impl Request {
    /// Whether a statement's resource holds it. Accounts and partitions are others' business.
    fn is_held_by(&self, arn: &str) -> bool {
        if arn == "*" {
            return true;
        }
        let mut parts = arn.splitn(6, ':').skip(2);
        let (Some(service), Some(region), Some(_), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        service == self.service
            && (matches!(region, "" | "*") || region == self.region)
            && matches_glob(resource, &self.resource)
    }
}

/// Whether a text matches a pattern of IAM, with `*` and `?`.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(b'?') => {
                at += 1;
                seen += 1;
            }
            Some(byte) if *byte == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                at = after + 1;
                seen = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// A role or policy of a stack, and the programs that act as it.
struct Acting<'t> {
    template: &'t Template<'t>,
    resource: Resource<'t>,
    statements: Vec<&'t Value>,
    callers: Vec<Caller>,
}

impl Acting<'_> {
    fn allows(&self, action: &str, request: &Request) -> bool {
        self.statements.iter().any(|statement| {
            list(&statement["Action"]).iter().any(|own| *own == action)
                && list(&statement["Resource"])
                    .iter()
                    .filter_map(|arn| arn_of(arn))
                    .any(|arn| request.is_held_by(&arn))
        })
    }
}

/// An ARN as far as it can be read: what CloudFormation fills in is the stack's own, and left out.
fn arn_of(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value["Fn::Sub"].as_str())?;
    let own = text
        .replace("${AWS::Partition}", "")
        .replace("${AWS::Region}", "")
        .replace("${AWS::AccountId}", "");
    Some(own)
}

/// Tells which calls of the configured programs their roles refuse.
pub(super) fn check(
    templates: &[Template<'_>],
    configurations: &[Configuration<'_>],
    faults: &mut Faults,
) {
    for acting in acting(templates, configurations) {
        let mut reported = BTreeSet::new();
        for caller in &acting.callers {
            for call in calls().filter(|call| call.program == caller.program) {
                if !caller.makes(call.when) {
                    continue;
                }
                for request in caller.requests(call.on) {
                    if !acting.allows(call.action, &request)
                        && reported.insert((call.program, call.action, request.clone()))
                    {
                        faults.push(
                            acting
                                .template
                                .fault(
                                    &acting.resource,
                                    &format!(
                                        "{} calls `{}`{}, which this doesn't allow",
                                        call.program.name(),
                                        call.action,
                                        place_of(&request)
                                    ),
                                )
                                .hint(format!("allow it; the call is in {}", call.source)),
                        );
                    }
                }
            }
        }
    }
}

fn place_of(request: &Request) -> String {
    match request.service {
        "any" => String::new(),
        "s3" => format!(" on `{}`", request.resource),
        _ => format!(" on `{}` in {}", request.resource, request.region),
    }
}

/// The roles and policies that programs act by.
fn acting<'t>(
    templates: &'t [Template<'t>],
    configurations: &[Configuration<'_>],
) -> Vec<Acting<'t>> {
    let mut found = Vec::new();
    for template in templates.iter().filter(|template| !template.is_fragment) {
        for resource in template.of_type("AWS::IAM::Role") {
            let trust = &resource.property("AssumeRolePolicyDocument")["Statement"];
            let of_pods = list(trust)
                .iter()
                .any(|statement| !statement["Principal"]["Federated"].is_null());
            let callers = if of_pods {
                configurations.iter().flat_map(of_kubernetes).collect()
            } else {
                functions(template, resource.id)
            };
            if callers.is_empty() {
                continue;
            }
            let policies = list(resource.property("Policies"));
            found.push(Acting {
                template,
                resource,
                statements: policies
                    .into_iter()
                    .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
                    .filter(|statement| statement["Effect"] != "Deny")
                    .collect(),
                callers,
            });
        }
        for resource in template.of_type("AWS::IAM::ManagedPolicy") {
            let Some(role) = resource.id.strip_suffix("Policy") else {
                continue;
            };
            let folder = format!("machines/{}/", role.to_lowercase());
            let callers: Vec<Caller> = configurations
                .iter()
                .filter(|configuration| configuration.path.starts_with(&folder))
                .flat_map(of_machine)
                .collect();
            if !callers.is_empty() {
                found.push(Acting {
                    template,
                    resource,
                    statements: list(&resource.property("PolicyDocument")["Statement"]),
                    callers,
                });
            }
        }
    }
    found
}

/// The programs of a file in the cluster that act as the role of the pods.
fn of_kubernetes(configuration: &Configuration<'_>) -> Vec<Caller> {
    let mut found = Vec::new();
    if configuration.path.ends_with("/fluent.conf") {
        if let Ok(root) = fluentd::parse(configuration.text) {
            of_fluentd(&root, &mut found);
        }
    } else if configuration.path.starts_with("kubernetes/logstash/")
        && let Ok(sections) = logstash::parse(configuration.text)
    {
        for section in sections.iter().filter(|section| section.kind == "output") {
            of_logstash(&section.items, &mut found);
        }
    }
    found
}

fn of_fluentd(section: &fluentd::Section<'_>, found: &mut Vec<Caller>) {
    let text = |section: &fluentd::Section<'_>, key: &str| {
        section.get(key).map(|value| value.text.to_string())
    };
    let kind = text(section, "@type").unwrap_or_default();
    if matches!(section.name, "match" | "store") {
        let endpoint = section.sections.iter().find(|own| own.name == "endpoint");
        let caller = match (kind.as_str(), endpoint) {
            ("cloudwatch_logs", _) => {
                let region = text(section, "region").unwrap_or_default();
                let mut caller = Caller::new(Program::FluentdCloudwatchLogs, region);
                caller.log_groups.extend(text(section, "log_group_name"));
                Some(caller)
            }
            ("s3", _) => {
                let region = text(section, "s3_region").unwrap_or_default();
                let mut caller = Caller::new(Program::FluentdS3, region);
                let path = text(section, "path").unwrap_or_default();
                let bucket = text(section, "s3_bucket").unwrap_or_default();
                caller.buckets.insert(format!("{bucket}/{path}"));
                Some(caller)
            }
            ("opensearch", Some(endpoint)) => {
                let region = text(endpoint, "region").unwrap_or_default();
                let mut caller = Caller::new(Program::FluentdOpensearch, region.clone());
                caller.hosts = text(endpoint, "url")
                    .map(|url| (host(&url), region))
                    .into_iter()
                    .collect();
                Some(caller)
            }
            _ => None,
        };
        if let Some(mut caller) = caller {
            let parameters = section.parameters.iter();
            caller.options = parameters
                .map(|own| (own.key.to_string(), own.value.text.to_string()))
                .chain(
                    section
                        .sections
                        .iter()
                        .map(|own| (own.name.to_owned(), String::new())),
                )
                .collect();
            found.push(caller);
        }
    }
    for inner in &section.sections {
        of_fluentd(inner, found);
    }
}

fn of_logstash(items: &[logstash::Item<'_>], found: &mut Vec<Caller>) {
    for item in items {
        match item {
            logstash::Item::Branch(arms) => {
                for arm in arms {
                    of_logstash(&arm.items, found);
                }
            }
            logstash::Item::Plugin(plugin) if plugin.name == "opensearch" => {
                let option = |name: &str| {
                    let mut options = plugin.options.iter();
                    options
                        .find(|option| option.name == name)
                        .map(|option| &option.value.kind)
                };
                let Some(logstash::ValueKind::Hash(auth)) = option("auth_type") else {
                    continue;
                };
                let of_auth = |name: &str| {
                    let mut pairs = auth.iter();
                    pairs
                        .find(|(key, _)| text_of(&key.kind) == Some(name))
                        .and_then(|(_, value)| text_of(&value.kind))
                };
                if of_auth("type") != Some("aws_iam") {
                    continue;
                }
                let region = of_auth("region").unwrap_or_default();
                let mut caller = Caller::new(Program::LogstashOpensearch, region);
                if let Some(logstash::ValueKind::List(hosts)) = option("hosts") {
                    let urls = hosts.iter().filter_map(|url| text_of(&url.kind));
                    caller.hosts = urls.map(|url| (host(url), region.to_owned())).collect();
                }
                found.push(caller);
            }
            logstash::Item::Plugin(_) => {}
        }
    }
}

fn text_of<'t>(value: &logstash::ValueKind<'t>) -> Option<&'t str> {
    match value {
        logstash::ValueKind::Text(text) | logstash::ValueKind::Word(text) => Some(text),
        _ => None,
    }
}

/// The host of an address.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// The programs of a file for a machine.
fn of_machine(configuration: &Configuration<'_>) -> Vec<Caller> {
    if configuration.path.ends_with("/install.sh") {
        return of_install_script(configuration.text).into_iter().collect();
    }
    let Ok(settings) = serde_json::from_str::<Value>(configuration.text) else {
        return Vec::new();
    };
    let region = settings["agent"]["region"].as_str().unwrap_or_default();
    let mut caller = Caller::new(Program::CloudwatchAgent, region);
    for kind in ["files", "journald"] {
        for one in list(&settings["logs"]["logs_collected"][kind]["collect_list"]) {
            caller
                .log_groups
                .extend(one["log_group_name"].as_str().map(ToOwned::to_owned));
            if one["retention_in_days"]
                .as_i64()
                .is_some_and(|days| days > 0)
            {
                caller
                    .options
                    .insert("retention_in_days".to_owned(), String::new());
            }
        }
    }
    vec![caller]
}

fn of_install_script(text: &str) -> Option<Caller> {
    let mut caller = Caller::new(Program::InstallScript, "");
    for line in text
        .lines()
        .filter(|line| line.contains("get-secret-value"))
    {
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let value = |word: Option<&str>| word.unwrap_or_default().replace('\'', "");
            match word {
                "--region" => caller.region = value(words.next()),
                "--secret-id" => {
                    caller.secrets.insert(value(words.next()));
                }
                _ => {}
            }
        }
    }
    (!caller.secrets.is_empty()).then_some(caller)
}

/// The forwarders and distributors of a template that act as a role.
fn functions(template: &Template<'_>, role: &str) -> Vec<Caller> {
    let functions = template
        .of_type("AWS::Lambda::Function")
        .filter(|function| {
            list(&function.property("Role")["Fn::GetAtt"])
                .first()
                .is_some_and(|id| *id == role)
        });
    functions
        .filter_map(|function| {
            forwarder(template, &function).or_else(|| distributor(template, &function))
        })
        .collect()
}

/// What can't be read is reported by the check of the distributor itself.
fn distributor(template: &Template<'_>, function: &Resource<'_>) -> Option<Caller> {
    let distributor = account::distributor(&template.value).ok()??;
    if distributor.logical_id != function.id {
        return None;
    }
    let settings = distributor.configuration;
    let region = template.shown.rsplit('/').nth(1).unwrap_or_default();
    let mut caller = Caller::new(Program::Distributor, region);
    let log_group = &function.property("LoggingConfig")["LogGroup"];
    caller
        .log_groups
        .extend(log_group.as_str().map(ToOwned::to_owned));
    // Where calls go that were given up.
    for calls in template.of_type("AWS::Lambda::EventInvokeConfig") {
        let failed = &calls.property("DestinationConfig")["OnFailure"]["Destination"];
        let bucket = failed["Fn::GetAtt"][0].as_str().and_then(|id| {
            let mut buckets = template.of_type("AWS::S3::Bucket");
            buckets.find(|bucket| bucket.id == id)?.text("BucketName")
        });
        caller.buckets.extend(bucket.map(|name| format!("{name}/")));
    }
    caller.registry = Some((settings.registry.region, settings.registry.path));
    let group = names::aws_name(
        names::NameKind::ResourceGroup,
        "any",
        &settings.account,
        region,
        "members",
    );
    caller.groups.insert(group);
    let sources = settings.log_groups.values();
    caller.cluster_log_groups = sources
        .map(|source| names::log_group_of_source("any", source.word()))
        .collect();
    Some(caller)
}

/// What can't be read is reported by the check of the forwarder itself.
fn forwarder(template: &Template<'_>, function: &Resource<'_>) -> Option<Caller> {
    let forwarder = stack::forwarder(&template.value).ok()??;
    if forwarder.logical_id != function.id {
        return None;
    }
    let settings = forwarder.configuration;
    let region = template.shown.rsplit('/').nth(1).unwrap_or_default();
    let mut caller = Caller::new(Program::Forwarder, region);
    let log_group = &function.property("LoggingConfig")["LogGroup"];
    caller
        .log_groups
        .extend(log_group.as_str().map(ToOwned::to_owned));
    caller
        .buckets
        .insert(format!("{}/", settings.dead_letter_bucket));
    let options = [
        ("resource_group", settings.resource_group.is_some()),
        ("network", !function.property("VpcConfig").is_null()),
        (
            "classic_load_balancers",
            settings.classic_load_balancers.is_some(),
        ),
        ("log_group_tags", !settings.log_group_tags.is_empty()),
    ];
    for (option, _) in options.into_iter().filter(|(_, is_on)| *is_on) {
        caller.options.insert(option.to_owned(), String::new());
    }
    caller.calling_log_groups.extend(settings.log_group_names());
    caller.groups.extend(settings.resource_group);
    caller.secrets_region = Some(settings.cluster.region);
    for destination in settings.destinations.into_values() {
        match destination.authentication {
            Authentication::Basic { secret }
            | Authentication::ApiKey { secret }
            | Authentication::ClientCertificate { secret } => {
                caller.secrets.insert(secret);
            }
            Authentication::AwsSigv4 { region } => {
                caller.hosts.insert(host(&destination.url), region);
            }
        }
    }
    for bucket in template.of_type("AWS::S3::Bucket") {
        if !bucket.property("NotificationConfiguration").is_null() {
            let account = &settings.cluster.account;
            let name = bucket.text("BucketName");
            caller
                .classic
                .extend(name.map(|name| format!("{name}/AWSLogs/{account}/")));
        }
    }
    let polls = forwarder.schedules.values().flat_map(polls);
    caller
        .options
        .extend(polls.map(|poll| (poll.to_owned(), String::new())));
    Some(caller)
}

fn polls(input: &ScheduleInput) -> Vec<&'static str> {
    match input {
        ScheduleInput::Metrics { .. } => vec!["poll_metrics"],
        ScheduleInput::Machines {
            status,
            console_output,
            ..
        } => [
            ("poll_status", *status),
            ("poll_console_output", *console_output),
        ]
        .into_iter()
        .filter_map(|(poll, is_on)| is_on.then_some(poll))
        .collect(),
        ScheduleInput::Retries {} => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
