//! Sizes and names that AWS takes. Pure.

use serde_json::Value;

use super::{Resource, Template, list};
use crate::fault::Faults;

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const MOST_BYTES: usize = 1_000_000;
const MOST_RESOURCES: usize = 500;
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html>
const MOST_WIDGETS: usize = 500;
/// All inline policies of a role: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const ROLE_POLICIES: usize = 10_240;
/// A managed policy, and those of a role, with the quota raised from 10 as far as it goes.
const MANAGED_POLICY: usize = 6144;
const MANAGED_POLICIES: usize = 25;
/// A trust policy, with the quota raised as far as it goes.
const TRUST_POLICY: usize = 8192;
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>
const BUCKET_POLICY: usize = 20_480;
/// A log group's own: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html>
const LOG_GROUP_POLICY: usize = 51_200;
/// One of an account's ten.
const ACCOUNT_LOGS_POLICY: usize = 5120;
const ACCOUNT_LOGS_POLICIES: usize = 10;
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const FUNCTION_POLICY: usize = 20_480;
const FUNCTION_ENVIRONMENT: usize = 4096;
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
const EVENT_PATTERN: usize = 2048;
const TARGET_INPUT: usize = 8192;
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html>
const FILTER_PATTERN: usize = 1024;
/// Filters of metrics on a log group: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>
const METRIC_FILTERS: usize = 100;

/// A property that holds a name, its longest form, and characters it may have beside letters and digits.
type NameRule = (&'static str, &'static str, usize, &'static str);

const NAMES: [NameRule; 18] = [
    ("AWS::IAM::Role", "RoleName", 64, "+=,.@_-"),
    (
        "AWS::IAM::ManagedPolicy",
        "ManagedPolicyName",
        128,
        "+=,.@_-",
    ),
    ("AWS::Lambda::Function", "FunctionName", 64, "_-"),
    ("AWS::Events::Rule", "Name", 64, "._-"),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        "DeliveryStreamName",
        64,
        "._-",
    ),
    ("AWS::Logs::DeliverySource", "Name", 60, "_-"),
    ("AWS::Logs::DeliveryDestination", "Name", 60, "_-"),
    ("AWS::Logs::LogGroup", "LogGroupName", 512, "._-/#"),
    (
        "AWS::Logs::SubscriptionFilter",
        "LogGroupName",
        512,
        "._-/#",
    ),
    ("AWS::Logs::SubscriptionFilter", "FilterName", 512, "._-/# "),
    ("AWS::Logs::MetricFilter", "FilterName", 512, "._-/# "),
    ("AWS::S3::Bucket", "BucketName", 63, ".-"),
    ("AWS::ResourceGroups::Group", "Name", 128, "._-"),
    ("AWS::CloudTrail::Trail", "TrailName", 128, "._-"),
    ("AWS::SQS::Queue", "QueueName", 80, "_-"),
    ("AWS::CloudWatch::Dashboard", "DashboardName", 255, "_-"),
    ("AWS::CloudWatch::Alarm", "AlarmName", 255, "._-/ :"),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
        "Name",
        64,
        "_- ",
    ),
];

pub(super) fn check(template: &Template<'_>, faults: &mut Faults) {
    if template.text.len() > MOST_BYTES {
        faults.push(template.fault_at(
            "Resources",
            format!(
                "a template of {} bytes is larger than CloudFormation's {MOST_BYTES}",
                template.text.len()
            ),
        ));
    }
    let count = template.resources().count();
    if count > MOST_RESOURCES {
        faults.push(template.fault_at(
            "Resources",
            format!(
                "a template with {count} resources has more than CloudFormation's {MOST_RESOURCES}"
            ),
        ));
    }
    let mut account_policies = 0;
    let mut permissions = 0;
    let mut metric_filters = std::collections::BTreeMap::<&str, usize>::new();
    for resource in template.resources() {
        let mut reported = |message: String| faults.push(template.fault(&resource, &message));
        if !resource.id.chars().all(|c| c.is_ascii_alphanumeric()) || resource.id.len() > 200 {
            reported(
                "a logical id has letters and digits only, and room for a member's hash".to_owned(),
            );
        }
        for message in names(&resource).chain(sizes(&resource)) {
            reported(message);
        }
        match resource.kind() {
            "AWS::IAM::Role" => {
                let count = managed_policies(template, &resource);
                if count > MANAGED_POLICIES {
                    reported(format!(
                        "it has {count} managed policies, and AWS allows {MANAGED_POLICIES}"
                    ));
                }
            }
            "AWS::Logs::ResourcePolicy" => account_policies += 1,
            "AWS::Lambda::Permission" => permissions += written_length(resource.value),
            "AWS::Logs::MetricFilter" => {
                let filters = metric_filters
                    .entry(resource.text("LogGroupName").unwrap_or_default())
                    .or_default();
                *filters += 1;
                if *filters == METRIC_FILTERS + 1 {
                    reported(format!(
                        "its log group would have more than {METRIC_FILTERS} of these"
                    ));
                }
            }
            _ => {}
        }
    }
    if account_policies > ACCOUNT_LOGS_POLICIES {
        faults.push(template.fault_at("Resources", format!("{account_policies} policies of CloudWatch Logs are more than an account's {ACCOUNT_LOGS_POLICIES}"))
            .hint("give log groups policies of their own, by `ResourcePolicyDocument`"));
    }
    if permissions > FUNCTION_POLICY {
        faults.push(template.fault_at("Resources", format!("the permissions of the function have {permissions} bytes, more than its policy's {FUNCTION_POLICY}"))
            .hint("let one with a `*` in its `SourceArn` stand for many"));
    }
}

/// The managed policies of a role: those that it names, and those of the template that name it.
fn managed_policies(template: &Template<'_>, role: &Resource<'_>) -> usize {
    let names_it = |policy: &Resource<'_>| {
        let roles = list(policy.property("Roles"));
        roles.iter().any(|own| own["Ref"].as_str() == Some(role.id))
    };
    let named = template
        .of_type("AWS::IAM::ManagedPolicy")
        .filter(names_it)
        .count();
    list(role.property("ManagedPolicyArns")).len() + named
}

fn names<'r>(resource: &'r Resource<'_>) -> impl Iterator<Item = String> + 'r {
    NAMES
        .iter()
        .filter(|(kind, ..)| *kind == resource.kind())
        .filter_map(|(_, property, longest, others)| {
            let name = resource
                .text(property)?
                .replace("${member.hash}", "0123456789abcdef");
            let wrong = name
                .chars()
                .find(|c| !c.is_ascii_alphanumeric() && !others.contains(*c));
            if name.is_empty() || name.chars().count() > *longest {
                Some(format!(
                    "`{property}` has {} characters, and AWS allows 1 to {longest}",
                    name.chars().count()
                ))
            } else {
                wrong.map(|c| format!("`{property}` can't have `{}`", c.escape_debug()))
            }
        })
        .chain(reserved(resource))
}

fn reserved(resource: &Resource<'_>) -> Option<String> {
    match resource.kind() {
        "AWS::ResourceGroups::Group" => {
            let name = resource.text("Name")?;
            name.to_lowercase()
                .starts_with("aws")
                .then(|| "a resource group's name can't begin with `AWS`".to_owned())
        }
        "AWS::CloudTrail::Trail" => {
            let name = resource.text("TrailName")?;
            let adjacent = name
                .as_bytes()
                .windows(2)
                .any(|pair| pair.iter().all(|byte| b"._-".contains(byte)));
            (adjacent || name.len() < 3).then(|| {
                "a trail's name has at least 3 characters, and no two of `._-` next to each other"
                    .to_owned()
            })
        }
        "AWS::Logs::LogGroup" => resource
            .text("LogGroupName")?
            .starts_with("aws/")
            .then(|| "a log group's name can't begin with `aws/`".to_owned()),
        _ => None,
    }
}

/// Characters of a value as AWS counts them: without blanks.
fn length(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::String(text) => text.len(),
        value => written_length(value),
    }
}

/// Characters of a policy as AWS counts them: a function that puts a text together isn't part of it.
fn policy_length(policy: &Value) -> usize {
    fn substituted(value: &Value) -> Value {
        match value {
            Value::Object(map) => match map.get("Fn::Sub") {
                Some(text @ Value::String(_)) => text.clone(),
                _ => Value::Object(
                    map.iter()
                        .map(|(key, value)| (key.clone(), substituted(value)))
                        .collect(),
                ),
            },
            Value::Array(values) => values.iter().map(substituted).collect(),
            other => other.clone(),
        }
    }
    length(&substituted(policy))
}

/// The bytes of a value as JSON without blanks, which nobody needs to see.
fn written_length(value: &Value) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // A value is always text, and to count never fails.
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX, |()| counter.0)
}

fn sizes(resource: &Resource<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |what: &str, size: usize, largest: usize| {
        if size > largest {
            found.push(format!("{what} has {size} bytes, and AWS allows {largest}"));
        }
    };
    match resource.kind() {
        "AWS::IAM::Role" => {
            let policies = list(resource.property("Policies"));
            let size = policies
                .iter()
                .map(|policy| policy_length(&policy["PolicyDocument"]))
                .sum();
            check("what its policies say", size, ROLE_POLICIES);
            check(
                "its trust",
                policy_length(resource.property("AssumeRolePolicyDocument")),
                TRUST_POLICY,
            );
        }
        "AWS::IAM::ManagedPolicy" => check(
            "its policy",
            policy_length(resource.property("PolicyDocument")),
            MANAGED_POLICY,
        ),
        "AWS::S3::BucketPolicy" => check(
            "its policy",
            policy_length(resource.property("PolicyDocument")),
            BUCKET_POLICY,
        ),
        "AWS::Logs::LogGroup" => check(
            "its policy",
            policy_length(resource.property("ResourcePolicyDocument")),
            LOG_GROUP_POLICY,
        ),
        "AWS::Logs::ResourcePolicy" => check(
            "its policy",
            policy_length(resource.property("PolicyDocument")),
            ACCOUNT_LOGS_POLICY,
        ),
        "AWS::Lambda::Function" => {
            let variables = resource.property("Environment")["Variables"].as_object();
            let size = variables
                .into_iter()
                .flatten()
                .map(|(name, value)| name.len() + length(value))
                .sum();
            check("its environment", size, FUNCTION_ENVIRONMENT);
        }
        "AWS::Events::Rule" => {
            check(
                "its pattern",
                length(resource.property("EventPattern")),
                EVENT_PATTERN,
            );
            for target in list(resource.property("Targets")) {
                check("what it hands over", length(&target["Input"]), TARGET_INPUT);
            }
        }
        "AWS::Logs::SubscriptionFilter" | "AWS::Logs::MetricFilter" => {
            let pattern = resource.text("FilterPattern").unwrap_or_default();
            check("its pattern", pattern.chars().count(), FILTER_PATTERN);
        }
        "AWS::CloudWatch::Dashboard" => {
            let body = resource.text("DashboardBody").unwrap_or_default();
            match serde_json::from_str::<Value>(body) {
                Ok(body) => {
                    let widgets = body["widgets"].as_array().map_or(0, Vec::len);
                    if widgets > MOST_WIDGETS {
                        found.push(format!(
                            "it shows {widgets} widgets, and AWS allows {MOST_WIDGETS}"
                        ));
                    }
                }
                Err(error) => found.push(format!("its body is not JSON: {error}")),
            }
        }
        _ => {}
    }
    found
}
