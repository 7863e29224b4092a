//! Every type of resource that the emulator knows, in one template: made,
//! changed and deleted, and each time seen by the services' own operations.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::inventory::{everything_of, global_of};
use super::{Account, Aws};

const REGION: &str = "eu-central-1";
const STACK: &str = "sample";

/// What a service is to answer: service, operation, parameters, where in the answer, and what.
type Sight = (&'static str, &'static str, Value, &'static str, Value);

fn template() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/cases/aws/rig/every-type.json"
    );
    let text = fs::read_to_string(path).expect("the case is there");
    serde_json::from_str(&text).expect("the case is JSON")
}

/// Makes what the template's parameters name, and gives them back.
fn surroundings(account: &Account<'_>) -> Value {
    let (code, logged) = (
        format!("code-{}", account.number),
        format!("logged-{}", account.number),
    );
    account.make_bucket(&code, REGION);
    account.make_bucket(&logged, REGION);
    let object = json!({ "Bucket": code, "Key": "forwarder.zip", "Body": "never run" });
    account.call(REGION, "s3", "put_object", &object);
    let all = |operation: &str| account.call(REGION, "ec2", operation, &json!({}));
    let subnets = all("describe_subnets")["Subnets"].take();
    let balancer = account.call(
        REGION,
        "elbv2",
        "create_load_balancer",
        &json!({
            "Name": "sample",
            "Subnets": [subnets[0]["SubnetId"], subnets[1]["SubnetId"]],
        }),
    );
    json!({
        "Vpc": all("describe_vpcs")["Vpcs"][0]["VpcId"],
        "Balancer": balancer["LoadBalancers"][0]["LoadBalancerArn"],
        "LoggedBucket": logged,
        "CodeBucket": code,
    })
}

/// Sets values of a template, each by its pointer below `Resources`.
fn changed(mut template: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        *template["Resources"]
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("the template has no {pointer}")) = value.clone();
    }
    template
}

/// JSON that a service gives as a text, where an object is wanted.
fn within(value: &Value, wanted: &Value) -> Value {
    match value.as_str() {
        Some(text) if wanted.is_object() => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => value.clone(),
    }
}

/// Panics, with all of them, if services don't show what they are to.
fn see(account: &Account<'_>, sights: &[Sight]) {
    let missing: Vec<String> = sights
        .iter()
        .filter_map(|(service, operation, parameters, pointer, wanted)| {
            let answer = account.call(REGION, service, operation, parameters);
            let seen = answer.pointer(pointer).map(|value| within(value, wanted));
            (seen.as_ref() != Some(wanted)).then(|| {
                format!(
                    "{service} {operation} {pointer}: {seen:?} instead of {wanted}, in {answer}"
                )
            })
        })
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn sights_of_logs(retention: u16, pattern: &str, fields: &Value) -> Vec<Sight> {
    let of_group = json!({ "logGroupName": "/sample/logs" });
    vec![
        (
            "logs",
            "describe_log_groups",
            json!({ "logGroupNamePrefix": "/sample/logs" }),
            "/logGroups/0/retentionInDays",
            json!(retention),
        ),
        (
            "logs",
            "describe_subscription_filters",
            of_group.clone(),
            "/subscriptionFilters/1/distribution",
            json!("Random"),
        ),
        (
            "logs",
            "describe_subscription_filters",
            of_group.clone(),
            "/subscriptionFilters/0/filterPattern",
            json!(pattern),
        ),
        (
            "logs",
            "describe_metric_filters",
            of_group,
            "/metricFilters/0/filterPattern",
            json!("ERROR"),
        ),
        (
            "logs",
            "describe_subscription_filters",
            json!({ "logGroupName": "/sample/flow" }),
            "/subscriptionFilters/0/destinationArn",
            json!("arn:aws:logs:eu-central-1:200000000001:destination:sample-destination"),
        ),
        (
            "logs",
            "describe_deliveries",
            json!({}),
            "/deliveries/0/recordFields",
            fields.clone(),
        ),
        (
            "logs",
            "describe_delivery_sources",
            json!({}),
            "/deliverySources/0/logType",
            json!("ALB_ACCESS_LOGS"),
        ),
        (
            "logs",
            "describe_delivery_sources",
            json!({}),
            "/deliverySources/1/resourceArns/0",
            json!("arn:aws:s3:::logged-200000000001"),
        ),
        (
            "logs",
            "describe_delivery_destinations",
            json!({}),
            "/deliveryDestinations/0/outputFormat",
            json!("json"),
        ),
        (
            "logs",
            "list_tags_for_resource",
            json!({ "resourceArn": "arn:aws:logs:eu-central-1:200000000001:log-group:/sample/logs" }),
            "/tags/cluster",
            json!("sample"),
        ),
        (
            "logs",
            "describe_metric_filters",
            json!({ "logGroupName": "/sample/logs" }),
            "/metricFilters/0/metricTransformations/0/metricNamespace",
            json!("Sample"),
        ),
        (
            "logs",
            "describe_resource_policies",
            json!({ "resourceArn": "arn:aws:logs:eu-central-1:200000000001:log-group:/sample/flow" }),
            "/resourcePolicies/0/policyScope",
            json!("RESOURCE"),
        ),
    ]
}

fn sights_of_functions(memory: u16, age: u16, threshold: f64) -> Vec<Sight> {
    let function = json!({ "FunctionName": "sample-forwarder" });
    vec![
        (
            "lambda",
            "get_function_configuration",
            function.clone(),
            "/MemorySize",
            json!(memory),
        ),
        (
            "lambda",
            "get_function_configuration",
            function.clone(),
            "/Environment/Variables/CLUSTER",
            json!("sample"),
        ),
        (
            "lambda",
            "get_function_concurrency",
            function.clone(),
            "/ReservedConcurrentExecutions",
            json!(10),
        ),
        (
            "lambda",
            "get_function_event_invoke_config",
            function.clone(),
            "/MaximumEventAgeInSeconds",
            json!(age),
        ),
        (
            "lambda",
            "get_function_event_invoke_config",
            function,
            "/DestinationConfig/OnFailure/Destination",
            json!("arn:aws:sqs:eu-central-1:200000000001:sample-failures"),
        ),
        (
            "cloudwatch",
            "describe_alarms",
            json!({}),
            "/MetricAlarms/0/Threshold",
            json!(threshold),
        ),
        (
            "cloudwatch",
            "describe_alarms",
            json!({}),
            "/MetricAlarms/0/Dimensions/0/Value",
            json!("sample-forwarder"),
        ),
        (
            "lambda",
            "get_function_configuration",
            json!({ "FunctionName": "sample-forwarder" }),
            "/Architectures/0",
            json!("arm64"),
        ),
        (
            "lambda",
            "list_tags",
            json!({ "Resource": "arn:aws:lambda:eu-central-1:200000000001:function:sample-forwarder" }),
            "/Tags/cluster",
            json!("sample"),
        ),
        (
            "ssm",
            "describe_document",
            json!({ "Name": "sample-agent" }),
            "/Document/TargetType",
            json!("/AWS::EC2::Instance"),
        ),
        (
            "ssm",
            "list_associations",
            json!({}),
            "/Associations/0/Targets/0/Key",
            json!("tag:kubernetes.io/cluster/sample"),
        ),
        (
            "cloudwatch",
            "get_dashboard",
            json!({ "DashboardName": "sample" }),
            "/DashboardName",
            json!("sample"),
        ),
    ]
}

fn sights_of_places(days: u16, visibility: &str, prefix: &str) -> Vec<Sight> {
    let bucket = json!({ "Bucket": "sample-archive-200000000001" });
    let queue = json!({
        "QueueUrl": "http://sqs.eu-central-1.amazonaws.com/200000000001/sample-failures",
        "AttributeNames": ["All"],
    });
    let stream = json!({ "DeliveryStreamName": "sample-archive" });
    vec![
        (
            "s3",
            "get_bucket_lifecycle_configuration",
            bucket.clone(),
            "/Rules/0/Expiration/Days",
            json!(days),
        ),
        (
            "s3",
            "get_bucket_lifecycle_configuration",
            bucket.clone(),
            "/Rules/0/Transitions/0/StorageClass",
            json!("GLACIER"),
        ),
        (
            "s3",
            "get_bucket_encryption",
            bucket.clone(),
            "/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault/SSEAlgorithm",
            json!("AES256"),
        ),
        (
            "s3",
            "get_public_access_block",
            bucket.clone(),
            "/PublicAccessBlockConfiguration/RestrictPublicBuckets",
            json!(true),
        ),
        (
            "s3",
            "get_bucket_ownership_controls",
            bucket.clone(),
            "/OwnershipControls/Rules/0/ObjectOwnership",
            json!("BucketOwnerEnforced"),
        ),
        (
            "s3",
            "get_bucket_notification_configuration",
            bucket.clone(),
            "/QueueConfigurations/0/Filter/Key/FilterRules/0/Value",
            json!("elb/"),
        ),
        (
            "s3",
            "get_bucket_tagging",
            bucket,
            "/TagSet/0/Value",
            json!("sample"),
        ),
        (
            "sqs",
            "get_queue_attributes",
            queue.clone(),
            "/Attributes/VisibilityTimeout",
            json!(visibility),
        ),
        (
            "sqs",
            "get_queue_attributes",
            queue,
            "/Attributes/RedrivePolicy",
            json!({"deadLetterTargetArn": "arn:aws:sqs:eu-central-1:200000000001:sample-dead-letters", "maxReceiveCount": 5}),
        ),
        (
            "firehose",
            "describe_delivery_stream",
            stream,
            "/DeliveryStreamDescription/Destinations/0/ExtendedS3DestinationDescription/Prefix",
            json!(prefix),
        ),
        (
            "s3",
            "get_bucket_encryption",
            json!({ "Bucket": "sample-archive-200000000001" }),
            "/ServerSideEncryptionConfiguration/Rules/0/BucketKeyEnabled",
            json!(true),
        ),
        (
            "s3",
            "get_bucket_lifecycle_configuration",
            json!({ "Bucket": "sample-archive-200000000001" }),
            "/Rules/0/AbortIncompleteMultipartUpload/DaysAfterInitiation",
            json!(7),
        ),
        (
            "firehose",
            "describe_delivery_stream",
            json!({ "DeliveryStreamName": "sample-archive" }),
            "/DeliveryStreamDescription/Destinations/0/ExtendedS3DestinationDescription/CompressionFormat",
            json!("GZIP"),
        ),
    ]
}

fn sights_of_watchers(tables: &Value, values: &Value, state: &str, rate: &str) -> Vec<Sight> {
    let query = json!({
        "ResourceTypeFilters": ["AWS::AllSupported"],
        "TagFilters": [{ "Key": "kubernetes.io/cluster/sample", "Values": values }],
    });
    let trail = json!({ "TrailName": "sample-trail" });
    vec![
        (
            "cloudtrail",
            "get_event_selectors",
            trail,
            "/AdvancedEventSelectors/0/FieldSelectors/2/Equals",
            tables.clone(),
        ),
        (
            "cloudtrail",
            "get_trail_status",
            json!({ "Name": "sample-trail" }),
            "/IsLogging",
            json!(true),
        ),
        (
            "resource-groups",
            "get_group_query",
            json!({ "GroupName": "sample-members" }),
            "/GroupQuery/ResourceQuery/Query",
            query,
        ),
        (
            "events",
            "describe_rule",
            json!({ "Name": "sample-ec2" }),
            "/State",
            json!(state),
        ),
        (
            "events",
            "list_targets_by_rule",
            json!({ "Rule": "sample-ec2" }),
            "/Targets/0/Arn",
            json!("arn:aws:logs:eu-central-1:200000000001:log-group:/sample/logs"),
        ),
        (
            "scheduler",
            "get_schedule",
            json!({ "Name": "sample-poll", "GroupName": "sample-schedules" }),
            "/ScheduleExpression",
            json!(rate),
        ),
        (
            "route53resolver",
            "list_resolver_query_log_configs",
            json!({}),
            "/ResolverQueryLogConfigs/0/AssociationCount",
            json!(1),
        ),
        (
            "iam",
            "get_role",
            json!({ "RoleName": "sample-flow-logs" }),
            "/Role/AssumeRolePolicyDocument/Statement/0/Principal/Service",
            json!("vpc-flow-logs.amazonaws.com"),
        ),
        (
            "iam",
            "get_instance_profile",
            json!({ "InstanceProfileName": "sample-instance" }),
            "/InstanceProfile/Roles/0/RoleName",
            json!("sample-instance"),
        ),
        (
            "cloudtrail",
            "get_trail",
            json!({ "Name": "sample-trail" }),
            "/Trail/CloudWatchLogsLogGroupArn",
            json!("arn:aws:logs:eu-central-1:200000000001:log-group:/sample/logs:*"),
        ),
        (
            "ec2",
            "describe_flow_logs",
            json!({}),
            "/FlowLogs/0/TagFieldSpecifications/0/TagKeys/0",
            json!("kubernetes.io/cluster/sample"),
        ),
        (
            "ec2",
            "describe_flow_logs",
            json!({}),
            "/FlowLogs/0/Tags/0/Value",
            json!("sample"),
        ),
        (
            "scheduler",
            "get_schedule",
            json!({ "Name": "sample-poll", "GroupName": "sample-schedules" }),
            "/Target/RetryPolicy/MaximumRetryAttempts",
            json!(2),
        ),
        (
            "iam",
            "list_attached_role_policies",
            json!({ "RoleName": "sample-instance" }),
            "/AttachedPolicies/0/PolicyName",
            json!("CloudWatchAgentServerPolicy"),
        ),
        (
            "iam",
            "get_role_policy",
            json!({ "RoleName": "sample-trail", "PolicyName": "write" }),
            "/PolicyDocument/Statement/0/Action/1",
            json!("logs:PutLogEvents"),
        ),
    ]
}

#[test]
fn every_type_is_made_changed_and_deleted() {
    let Some(aws) = Aws::shared() else { return };
    let account = aws.account("200000000001");
    let parameters = surroundings(&account);
    let before = (everything_of(&account, REGION), global_of(&account));

    let made = template();
    let outputs = account
        .deploy(STACK, REGION, &made.to_string(), &parameters)
        .unwrap();
    assert_eq!(
        outputs["FunctionArn"],
        "arn:aws:lambda:eu-central-1:200000000001:function:sample-forwarder"
    );
    let kinds: BTreeSet<&str> = made["Resources"]
        .as_object()
        .unwrap()
        .values()
        .map(|resource| resource["Type"].as_str().unwrap())
        .collect();
    let present = (everything_of(&account, REGION), global_of(&account));
    for kind in kinds {
        let count = |inventories: &(super::inventory::Inventory, super::inventory::Inventory)| {
            [&inventories.0, &inventories.1]
                .iter()
                .filter_map(|one| one.get(kind))
                .map(BTreeSet::len)
                .sum::<usize>()
        };
        let of_template = made["Resources"]
            .as_object()
            .unwrap()
            .values()
            .filter(|resource| resource["Type"] == kind)
            .count();
        let listed = count(&present) - count(&before);
        // Policies that stand within a role are listed as those beside it are.
        assert!(
            listed == of_template || (kind == "AWS::IAM::RolePolicy" && listed > of_template),
            "{kind}: {listed} instead of {of_template}"
        );
    }
    see(
        &account,
        &sights_of_logs(
            30,
            r#"{ $.detail.state = "terminated" }"#,
            &json!(["time", "elb"]),
        ),
    );
    see(&account, &sights_of_functions(256, 21_600, 0.0));
    see(&account, &sights_of_places(90, "60", "logs/"));
    let table = |name: &str| format!("arn:aws:dynamodb:eu-central-1:200000000001:table/{name}");
    see(
        &account,
        &sights_of_watchers(
            &json!([table("one")]),
            &json!(["owned", "shared"]),
            "ENABLED",
            "rate(5 minutes)",
        ),
    );

    let other = changed(
        made,
        &[
            ("/Logs/Properties/RetentionInDays", json!(400)),
            (
                "/FunctionFilter/Properties/FilterPattern",
                json!("{ $.x = \"ä\\\"\" }"),
            ),
            ("/Delivery/Properties/RecordFields", json!(["time"])),
            ("/Function/Properties/MemorySize", json!(512)),
            (
                "/InvokeConfig/Properties/MaximumEventAgeInSeconds",
                json!(60),
            ),
            ("/Alarm/Properties/Threshold", json!(3)),
            ("/Document/Properties/Content/description", json!("changed")),
            (
                "/Archive/Properties/LifecycleConfiguration/Rules/0/ExpirationInDays",
                json!(365),
            ),
            ("/Failures/Properties/VisibilityTimeout", json!(90)),
            (
                "/Stream/Properties/ExtendedS3DestinationConfiguration/Prefix",
                json!("moved/"),
            ),
            (
                "/Trail/Properties/AdvancedEventSelectors/0/FieldSelectors/2/Equals",
                json!([table("one"), table("two")]),
            ),
            (
                "/Group/Properties/ResourceQuery/Query/TagFilters/0/Values",
                json!(["owned"]),
            ),
            ("/StateRule/Properties/State", json!("DISABLED")),
            (
                "/Schedule/Properties/ScheduleExpression",
                json!("rate(1 minutes)"),
            ),
            ("/FlowLog/Properties/MaxAggregationInterval", json!(600)),
        ],
    );
    let flow_log = account.resources(STACK, REGION)["FlowLog"].1.clone();
    account
        .update(STACK, REGION, &other.to_string(), &parameters)
        .unwrap();
    see(
        &account,
        &sights_of_logs(400, "{ $.x = \"ä\\\"\" }", &json!(["time"])),
    );
    see(&account, &sights_of_functions(512, 60, 3.0));
    see(&account, &sights_of_places(365, "90", "moved/"));
    see(
        &account,
        &sights_of_watchers(
            &json!([table("one"), table("two")]),
            &json!(["owned"]),
            "DISABLED",
            "rate(1 minutes)",
        ),
    );
    let document = json!({ "Name": "sample-agent" });
    let document = account.call(REGION, "ssm", "get_document", &document);
    let content: Value = serde_json::from_str(document["Content"].as_str().unwrap()).unwrap();
    assert_eq!(content["description"], "changed");
    let flow_logs = account.call(REGION, "ec2", "describe_flow_logs", &json!({}));
    let flow_logs = flow_logs["FlowLogs"].as_array().unwrap();
    assert_eq!(flow_logs.len(), 1, "the old one is gone");
    assert_ne!(
        flow_logs[0]["FlowLogId"],
        flow_log.as_str(),
        "it was replaced"
    );
    assert_eq!(flow_logs[0]["MaxAggregationInterval"], 600);

    account.delete(STACK, REGION).unwrap();
    assert_eq!(
        (everything_of(&account, REGION), global_of(&account)),
        before
    );
}
