//! What exists in an account, as its services list it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Account;

/// Names by the kind of object, which is CloudFormation's name of its type.
pub type Inventory = BTreeMap<&'static str, BTreeSet<String>>;

/// How a service lists the objects of one kind.
struct Listing {
    kind: &'static str,
    service: &'static str,
    operation: &'static str,
    /// The parameters, as JSON.
    parameters: &'static str,
    /// Where the list is in the answer.
    list: &'static str,
    /// What names an object of it; none where it's a text itself.
    name: Option<&'static str>,
}

const fn listing(
    kind: &'static str,
    service: &'static str,
    operation: &'static str,
    list: &'static str,
    name: &'static str,
) -> Listing {
    Listing {
        kind,
        service,
        operation,
        parameters: "{}",
        list,
        name: Some(name),
    }
}

/// What each Region has.
const REGIONAL: &[Listing] = &[
    listing(
        "AWS::CloudFormation::Stack",
        "cloudformation",
        "describe_stacks",
        "Stacks",
        "StackName",
    ),
    listing(
        "AWS::CloudTrail::Trail",
        "cloudtrail",
        "list_trails",
        "Trails",
        "TrailARN",
    ),
    listing(
        "AWS::CloudWatch::Alarm",
        "cloudwatch",
        "describe_alarms",
        "MetricAlarms",
        "AlarmName",
    ),
    listing(
        "AWS::CloudWatch::Dashboard",
        "cloudwatch",
        "list_dashboards",
        "DashboardEntries",
        "DashboardName",
    ),
    listing(
        "AWS::EC2::FlowLog",
        "ec2",
        "describe_flow_logs",
        "FlowLogs",
        "FlowLogId",
    ),
    listing("AWS::Events::Rule", "events", "list_rules", "Rules", "Name"),
    Listing {
        name: None,
        ..listing(
            "AWS::KinesisFirehose::DeliveryStream",
            "firehose",
            "list_delivery_streams",
            "DeliveryStreamNames",
            "",
        )
    },
    listing(
        "AWS::Lambda::Function",
        "lambda",
        "list_functions",
        "Functions",
        "FunctionName",
    ),
    listing(
        "AWS::Logs::Delivery",
        "logs",
        "describe_deliveries",
        "deliveries",
        "id",
    ),
    listing(
        "AWS::Logs::DeliveryDestination",
        "logs",
        "describe_delivery_destinations",
        "deliveryDestinations",
        "name",
    ),
    listing(
        "AWS::Logs::DeliverySource",
        "logs",
        "describe_delivery_sources",
        "deliverySources",
        "name",
    ),
    listing(
        "AWS::Logs::Destination",
        "logs",
        "describe_destinations",
        "destinations",
        "destinationName",
    ),
    listing(
        "AWS::Logs::LogGroup",
        "logs",
        "describe_log_groups",
        "logGroups",
        "logGroupName",
    ),
    listing(
        "AWS::Logs::MetricFilter",
        "logs",
        "describe_metric_filters",
        "metricFilters",
        "filterName",
    ),
    listing(
        "AWS::Logs::ResourcePolicy",
        "logs",
        "describe_resource_policies",
        "resourcePolicies",
        "policyName",
    ),
    listing(
        "AWS::ResourceGroups::Group",
        "resource-groups",
        "list_groups",
        "GroupIdentifiers",
        "GroupName",
    ),
    listing(
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
        "route53resolver",
        "list_resolver_query_log_configs",
        "ResolverQueryLogConfigs",
        "Name",
    ),
    listing(
        "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
        "route53resolver",
        "list_resolver_query_log_config_associations",
        "ResolverQueryLogConfigAssociations",
        "ResourceId",
    ),
    listing(
        "AWS::SSM::Association",
        "ssm",
        "list_associations",
        "Associations",
        "AssociationName",
    ),
    Listing {
        parameters: r#"{ "Filters": [{ "Key": "Owner", "Values": ["Self"] }] }"#,
        ..listing(
            "AWS::SSM::Document",
            "ssm",
            "list_documents",
            "DocumentIdentifiers",
            "Name",
        )
    },
    Listing {
        name: None,
        ..listing("AWS::SQS::Queue", "sqs", "list_queues", "QueueUrls", "")
    },
    listing(
        "AWS::Scheduler::Schedule",
        "scheduler",
        "list_schedules",
        "Schedules",
        "Name",
    ),
    listing(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        "list_schedule_groups",
        "ScheduleGroups",
        "Name",
    ),
];

/// What the account has, whichever Region is asked.
const GLOBAL: &[Listing] = &[
    listing(
        "AWS::IAM::InstanceProfile",
        "iam",
        "list_instance_profiles",
        "InstanceProfiles",
        "InstanceProfileName",
    ),
    Listing {
        parameters: r#"{ "Scope": "Local" }"#,
        ..listing(
            "AWS::IAM::ManagedPolicy",
            "iam",
            "list_policies",
            "Policies",
            "PolicyName",
        )
    },
    listing("AWS::IAM::Role", "iam", "list_roles", "Roles", "RoleName"),
    listing(
        "query logging of AWS::Route53::HostedZone",
        "route53",
        "list_query_logging_configs",
        "QueryLoggingConfigs",
        "HostedZoneId",
    ),
    listing("AWS::S3::Bucket", "s3", "list_buckets", "Buckets", "Name"),
];

/// Everything of the services that we use in a Region of an account, without what is global.
/// What has no list of its own stands under its owner: `<log group> <filter>`, `<function> <statement>`.
pub fn everything_of(account: &Account<'_>, region: &str) -> Inventory {
    let mut all = listed(account, region, REGIONAL);
    // A trail of another Region is shown here as well.
    let own = format!(":{region}:");
    if let Some(trails) = all.get_mut("AWS::CloudTrail::Trail") {
        trails.retain(|arn| arn.contains(&own));
    }
    for group in of(&all, "AWS::Logs::LogGroup") {
        let parameters = json!({ "logGroupName": group });
        let children = [
            (
                "AWS::Logs::SubscriptionFilter",
                "describe_subscription_filters",
                "subscriptionFilters",
                "filterName",
            ),
            (
                "AWS::Logs::LogStream",
                "describe_log_streams",
                "logStreams",
                "logStreamName",
            ),
        ];
        for (kind, operation, list, name) in children {
            let answer = account.call(region, "logs", operation, &parameters);
            add(&mut all, kind, &group, names(&answer[list], Some(name)));
        }
    }
    for function in of(&all, "AWS::Lambda::Function") {
        let parameters = json!({ "FunctionName": function });
        if let Ok(answer) = account.ask(region, "lambda", "get_policy", &parameters) {
            let policy: Value =
                serde_json::from_str(answer["Policy"].as_str().expect("a text")).expect("JSON");
            let statements = names(&policy["Statement"], Some("Sid"));
            add(&mut all, "AWS::Lambda::Permission", &function, statements);
        }
        let answer = account.call(
            region,
            "lambda",
            "list_function_event_invoke_configs",
            &parameters,
        );
        let configurations = names(&answer["FunctionEventInvokeConfigs"], Some("FunctionArn"));
        add(
            &mut all,
            "AWS::Lambda::EventInvokeConfig",
            &function,
            configurations,
        );
    }
    for rule in of(&all, "AWS::Events::Rule") {
        let answer = account.call(
            region,
            "events",
            "list_targets_by_rule",
            &json!({ "Rule": rule }),
        );
        add(
            &mut all,
            "target of AWS::Events::Rule",
            &rule,
            names(&answer["Targets"], Some("Id")),
        );
    }
    for queue in of(&all, "AWS::SQS::Queue") {
        let parameters = json!({ "QueueUrl": queue, "AttributeNames": ["Policy"] });
        let answer = account.call(region, "sqs", "get_queue_attributes", &parameters);
        if answer["Attributes"]["Policy"]
            .as_str()
            .is_some_and(|policy| !policy.is_empty())
        {
            all.entry("AWS::SQS::QueuePolicy")
                .or_default()
                .insert(queue);
        }
    }
    all
}

/// Everything of the services that we use which belongs to no Region.
pub fn global_of(account: &Account<'_>) -> Inventory {
    const REGION: &str = "us-east-1";
    let mut all = listed(account, REGION, GLOBAL);
    for role in of(&all, "AWS::IAM::Role") {
        let parameters = json!({ "RoleName": role });
        let answer = account.call(REGION, "iam", "list_role_policies", &parameters);
        add(
            &mut all,
            "AWS::IAM::RolePolicy",
            &role,
            names(&answer["PolicyNames"], None),
        );
        let answer = account.call(REGION, "iam", "list_attached_role_policies", &parameters);
        let attached = names(&answer["AttachedPolicies"], Some("PolicyArn"));
        add(&mut all, "attached to AWS::IAM::Role", &role, attached);
    }
    for bucket in of(&all, "AWS::S3::Bucket") {
        let parameters = json!({ "Bucket": bucket });
        if account
            .ask(REGION, "s3", "get_bucket_policy", &parameters)
            .is_ok()
        {
            all.entry("AWS::S3::BucketPolicy")
                .or_default()
                .insert(bucket);
        }
    }
    all
}

fn listed(account: &Account<'_>, region: &str, listings: &[Listing]) -> Inventory {
    listings
        .iter()
        .map(|one| {
            let parameters = serde_json::from_str(one.parameters).expect("JSON");
            let answer = account.call(region, one.service, one.operation, &parameters);
            (one.kind, names(&answer[one.list], one.name))
        })
        .collect()
}

fn of(all: &Inventory, kind: &str) -> BTreeSet<String> {
    all.get(kind).cloned().unwrap_or_default()
}

fn add(all: &mut Inventory, kind: &'static str, owner: &str, names: BTreeSet<String>) {
    let names = names.into_iter().map(|name| format!("{owner} {name}"));
    all.entry(kind).or_default().extend(names);
}

fn names(list: &Value, name: Option<&str>) -> BTreeSet<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let value = name.map_or(one, |name| &one[name]);
            value
                .as_str()
                .unwrap_or_else(|| panic!("{one} has no {name:?}"))
                .to_owned()
        })
        .collect()
}
