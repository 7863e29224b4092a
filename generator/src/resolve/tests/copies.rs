//! Copies of log groups' events for what is the user's, and counts of them.

use serde_json::{Value, json};

use super::bench::Bench;
use super::effects::CLUSTERS;

const FUNCTION: &str = "arn:aws:lambda:eu-central-1:111122223333:function:own";
const KINESIS: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/own";
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:vendor-AbCdEf";

/// A change of the stream's part in CloudWatch.
fn cloudwatch(stream: &str, part: &Value) -> Value {
    json!({ "streams": { stream: { "cloudwatch": part } } })
}

/// The clusters have some already, which go.
fn own(stream: &str, own: &Value) -> Value {
    let mut own = own.clone();
    for key in ["alerts", "vendor"] {
        if own[key].is_null() {
            own[key] = Value::Null;
        }
    }
    cloudwatch(stream, &json!({ "subscriptions": { "own": own } }))
}

fn file(change: &Value, cluster: usize, path: &str) -> Value {
    let tree = Bench::new(CLUSTERS[cluster].1)
        .render(change)
        .expect("no fault");
    let (_, bytes) = tree
        .files()
        .find(|(own, _)| own.as_str() == path)
        .expect("it is rendered");
    serde_json::from_slice(bytes).expect("JSON")
}

fn stack(change: &Value) -> Value {
    file(change, 0, "aws/eu-central-1/stack.json")["Resources"].take()
}

fn reported(change: &Value) -> Vec<String> {
    let rendered = Bench::new(CLUSTERS[0].1).render(change);
    rendered.err().unwrap_or_default()
}

#[test]
fn a_function_of_the_users_is_called_by_its_log_group_alone() {
    let stack = stack(&own(
        "applications",
        &json!({ "alerts": { "destination_arn": FUNCTION, "pattern": "ERROR" } }),
    ));
    let filter = &stack["SubscriptionOwnApplicationsApplicationsAlerts"];
    assert_eq!(
        filter,
        &json!({
            "Type": "AWS::Logs::SubscriptionFilter",
            "DependsOn": ["LogGroupApplications", "CalledByApplicationsApplicationsAlerts"],
            "Properties": {
                "FilterName": "logfleet-kops.example.com-own-alerts",
                "LogGroupName": "/logfleet/kops.example.com/applications",
                "FilterPattern": "ERROR",
                "DestinationArn": FUNCTION,
            },
        })
    );
    assert_eq!(
        stack["CalledByApplicationsApplicationsAlerts"]["Properties"],
        json!({
            "FunctionName": FUNCTION,
            "Action": "lambda:InvokeFunction",
            "Principal": "logs.amazonaws.com",
            "SourceAccount": "111122223333",
            "SourceArn": "arn:aws:logs:eu-central-1:111122223333:log-group:/logfleet/kops.example.com/applications:*",
        })
    );
}

#[test]
fn a_stream_of_the_users_is_written_by_the_stacks_role_or_by_theirs() {
    let made = stack(&own(
        "applications",
        &json!({ "lake": { "destination_arn": KINESIS } }),
    ));
    let statements =
        &made["SubscriptionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    let writes: Vec<&Value> = statements
        .as_array()
        .into_iter()
        .flatten()
        .filter(|statement| statement["Sid"] == "WriteKinesis")
        .collect();
    assert_eq!(
        writes,
        [
            &json!({ "Sid": "WriteKinesis", "Effect": "Allow", "Action": ["kinesis:PutRecord"], "Resource": [KINESIS] })
        ]
    );
    let filter = "SubscriptionOwnApplicationsApplicationsLake";
    assert_eq!(
        made[filter]["Properties"]["RoleArn"],
        json!({ "Fn::GetAtt": ["SubscriptionRole", "Arn"] })
    );
    let role = "arn:aws:iam::111122223333:role/lake";
    let theirs = stack(&own(
        "applications",
        &json!({ "lake": { "destination_arn": KINESIS, "role_arn": role } }),
    ));
    assert_eq!(theirs[filter]["Properties"]["RoleArn"], role);
    assert!(!theirs["SubscriptionRole"].to_string().contains("kinesis"));
}

#[test]
fn an_endpoint_gets_a_firehose_that_may_read_its_secret_alone() {
    let endpoint =
        json!({ "url": "https://logs.example.com/in", "secret_arn": SECRET, "retry_seconds": 60 });
    let stack = stack(&own(
        "applications",
        &json!({ "vendor": { "http_endpoint": endpoint } }),
    ));
    let firehose = &stack["HttpFirehoseApplicationsVendor"]["Properties"];
    let sends = &firehose["HttpEndpointDestinationConfiguration"];
    assert_eq!(
        sends["EndpointConfiguration"],
        json!({ "Name": "vendor", "Url": "https://logs.example.com/in" })
    );
    assert_eq!(sends["SecretsManagerConfiguration"]["SecretARN"], SECRET);
    assert_eq!(sends["RetryOptions"]["DurationInSeconds"], 60);
    assert_eq!(sends["S3BackupMode"], "FailedDataOnly");
    let role = &stack["HttpFirehoseRoleApplicationsVendor"]["Properties"];
    let reads = &role["Policies"][0]["PolicyDocument"]["Statement"][0];
    assert_eq!(reads["Action"], json!(["secretsmanager:GetSecretValue"]));
    assert_eq!(reads["Resource"], json!([SECRET]));
    let filter = &stack["SubscriptionOwnApplicationsApplicationsVendor"]["Properties"];
    assert_eq!(
        filter["DestinationArn"],
        json!({ "Fn::GetAtt": ["HttpFirehoseApplicationsVendor", "Arn"] })
    );
    // Requests at the bucket of what wasn't taken are not logged.
    let bucket = stack["HttpBackup"]["Properties"]["BucketName"].clone();
    let never = file(
        &own(
            "applications",
            &json!({ "vendor": { "http_endpoint": endpoint } }),
        ),
        0,
        "aws/members/bucket.json",
    );
    let bucket = bucket.as_str().expect("a name");
    assert!(never["never"].to_string().contains(bucket), "{never}");
}

#[test]
fn what_eks_logs_is_copied_and_counted_in_the_members_stack() {
    let change = cloudwatch(
        "control_plane",
        &json!({
            "subscriptions": { "own": { "lake": { "destination_arn": KINESIS } } },
            "metric_filters": { "denied": { "pattern": "{ $.responseStatus.code = 403 }", "metric": "Denied" } },
        }),
    );
    let fragment = file(&change, 1, "aws/members/eks-cluster.json");
    let copies = &fragment["resources"]["ControlPlaneLake"]["Properties"];
    assert_eq!(copies["DestinationArn"], KINESIS);
    assert!(
        copies["RoleArn"]
            .as_str()
            .is_some_and(|arn| arn.contains("subscriptions"))
    );
    let counts = &fragment["resources"]["MetricFilterControlPlaneStreamDenied"]["Properties"];
    assert_eq!(counts["LogGroupName"], "/aws/eks/eks/cluster");
    let stack = file(&change, 1, "aws/eu-central-1/stack.json");
    assert_eq!(
        stack["Resources"].get("MetricFilterControlPlaneStreamDenied"),
        None
    );
    assert!(
        stack["Resources"]["SubscriptionRole"]
            .to_string()
            .contains(KINESIS)
    );
}

#[test]
fn any_log_group_is_counted_with_all_that_aws_knows() {
    let filters = json!({ "errors": {
        "pattern": "{ $.level = \"error\" }",
        "namespace": "shop/logs",
        "metric": "Errors",
        "value": "$.count",
        "dimensions": { "Service": "$.service" },
    }, "all": { "pattern": "", "default_value": 0 } });
    let stack = stack(&cloudwatch(
        "applications",
        &json!({ "metric_filters": filters }),
    ));
    let transformation = |id: &str| stack[id]["Properties"]["MetricTransformations"][0].clone();
    assert_eq!(
        transformation("MetricFilterApplicationsStreamErrors"),
        json!({
            "MetricNamespace": "shop/logs",
            "MetricName": "Errors",
            "MetricValue": "$.count",
            "Dimensions": [{ "Key": "Service", "Value": "$.service" }],
        })
    );
    assert_eq!(
        transformation("MetricFilterApplicationsStreamAll"),
        json!({
            "MetricNamespace": "logfleet/kops.example.com",
            "MetricName": "applications_all",
            "MetricValue": "1",
            "DefaultValue": 0,
        })
    );
}

#[test]
fn what_leads_nowhere_or_aws_would_refuse_is_reported() {
    let copies = |own_: Value| reported(&own("applications", &own_));
    assert_eq!(
        copies(json!({ "a": {} })),
        [
            "`streams.applications.cloudwatch.subscriptions.own.a`: it must name exactly one receiver of the events"
        ]
    );
    assert_eq!(
        copies(
            json!({ "a": { "destination_arn": "arn:aws:lambda:eu-west-1:111122223333:function:own" } })
        ),
        [
            "`streams.applications.cloudwatch.subscriptions.own.a`: the stream `applications` has no log group in eu-west-1, where `arn:aws:lambda:eu-west-1:111122223333:function:own` is"
        ]
    );
    assert_eq!(
        copies(
            json!({ "a": { "destination_arn": "arn:aws:lambda:eu-central-1:222222222222:function:own" } })
        ),
        [
            "`streams.applications.cloudwatch.subscriptions.own.a`: `arn:aws:lambda:eu-central-1:222222222222:function:own` is of account 222222222222, and log groups of account 111122223333 can't hand events to it"
        ]
    );
    assert_eq!(
        copies(
            json!({ "a": { "destination_arn": FUNCTION, "role_arn": "arn:aws:iam::111122223333:role/a" } })
        ),
        [
            "`streams.applications.cloudwatch.subscriptions.own.a.role_arn`: only a Kinesis data stream or a Firehose is written by a role of yours"
        ]
    );
    let three = json!({ "a": { "destination_arn": FUNCTION }, "b": { "destination_arn": KINESIS }, "c": { "destination_arn": KINESIS } });
    assert_eq!(
        copies(three),
        [
            "`streams.applications.cloudwatch.subscriptions.own`: a log group of the stream `applications` would have 3 subscriptions, and AWS allows two"
        ]
    );
    let counts = |filter: Value| {
        reported(&cloudwatch(
            "applications",
            &json!({ "metric_filters": { "a": filter } }),
        ))
    };
    let setting = "`streams.applications.cloudwatch.metric_filters.a";
    assert_eq!(
        counts(json!({ "pattern": "ERROR", "value": "$.bytes" })),
        [format!(
            "{setting}.pattern`: a pattern of words finds no fields, so there is no `$.bytes`"
        )]
    );
    assert_eq!(
        counts(
            json!({ "pattern": "{ $.a = 1 }", "dimensions": { "A": "$.a" }, "default_value": 0, "alarm_at": 1, "namespace": "AWS/Logs" })
        ),
        [
            format!("{setting}.namespace`: namespaces that begin with `AWS/` are AWS's own"),
            format!(
                "{setting}.default_value`: AWS allows no default together with dimensions, since it wouldn't know for which of their values"
            ),
            format!(
                "{setting}.alarm_at`: each value of a dimension is a metric of its own, so an alarm on all of them would never ring"
            ),
        ]
    );
}
