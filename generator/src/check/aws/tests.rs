use serde_json::{Value, json};

use super::*;
use crate::tree::TreePath;

/// What is reported for one template.
#[expect(clippy::needless_pass_by_value, reason = "it reads best at the calls")]
fn reported(resources: Value) -> Vec<String> {
    reported_of(
        &[(
            "aws/eu-central-1/stack.json",
            json!({ "Resources": resources }),
        )],
        "",
    )
}

fn reported_of(files: &[(&str, Value)], fluentd: &str) -> Vec<String> {
    let texts: Vec<(TreePath, String)> = files
        .iter()
        .map(|(path, value)| {
            (
                TreePath::new((*path).to_owned()).expect("a path"),
                serde_json::to_string_pretty(value).expect("JSON"),
            )
        })
        .collect();
    let templates: Vec<Template<'_>> = texts
        .iter()
        .map(|(path, text)| {
            assert!(is_template(path.as_str()), "{path}");
            let value = serde_json::from_str(text);
            Template::new(path.as_str(), path.to_string(), text, value).expect("JSON")
        })
        .collect();
    let fluentd = Configuration {
        path: "kubernetes/applications/fluent.conf",
        text: fluentd,
    };
    check("alpha", &templates, &[fluentd])
        .sorted()
        .into_iter()
        .map(|fault| fault.message)
        .collect()
}

fn configuration() -> Value {
    json!({
        "version": 1,
        "cluster": { "name": "alpha", "environment": "test", "region": "eu-central-1", "account": "111122223333" },
        "index": { "type": "logs", "namespace": "alpha" },
        "log_group_prefix": "/logfleet/alpha/",
        "log_groups": { "applications": { "stream": "applications" } },
        "streams": { "applications": { "dataset": "kubernetes.applications", "to": [] } },
        "destinations": {},
        "dead_letter_bucket": "dead",
    })
}

fn function() -> Value {
    json!({ "Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": "f",
        "LoggingConfig": { "LogGroup": "/own" },
        "Environment": { "Variables": { "LOGFLEET_CONFIGURATION": configuration().to_string() } },
    } })
}

#[test]
fn the_forwarder_can_read_what_it_is_reported() {
    let mut function = function();
    let mut other = configuration();
    other["log_groups"]["applications"]["streams"] = json!("applications");
    function["Properties"]["Environment"]["Variables"]["LOGFLEET_CONFIGURATION"] =
        json!(other.to_string());
    let reported = reported(json!({ "F": function }));
    assert_eq!(reported.len(), 1);
    let start =
        "`F`: the forwarder couldn't read `LOGFLEET_CONFIGURATION`: unknown field `streams`";
    assert!(reported[0].starts_with(start), "{reported:?}");
}

fn subscription(group: &str) -> Value {
    json!({ "Type": "AWS::Logs::SubscriptionFilter", "Properties": {
        "FilterName": "f", "LogGroupName": group, "FilterPattern": "", "DestinationArn": { "Fn::GetAtt": ["F", "Arn"] } } })
}

fn group(name: &str) -> Value {
    json!({ "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": name } })
}

#[test]
fn the_forwarders_own_log_is_never_subscribed() {
    for group in ["/own", "/aws/lambda/f", "/aws/kinesisfirehose/x"] {
        assert_eq!(
            reported(json!({ "F": function(), "S": subscription(group) })),
            [format!(
                "`S`: it is subscribed to `{group}`, which the forwarder or a Firehose writes"
            )]
        );
    }
    assert_eq!(
        reported(json!({ "F": function(), "S": subscription("/else") })),
        [""; 0]
    );
}

fn trail(arns: &Value) -> Value {
    let mut fields = vec![
        json!({ "Field": "eventCategory", "Equals": ["Data"] }),
        json!({ "Field": "resources.type", "Equals": ["AWS::S3::Object"] }),
    ];
    if !arns.is_null() {
        fields.push(arns.clone());
    }
    json!({ "Type": "AWS::CloudTrail::Trail", "Properties": { "TrailName": "abc", "AdvancedEventSelectors": [{ "FieldSelectors": fields }] } })
}

#[test]
fn no_trail_writes_down_requests_at_buckets_of_logs() {
    let bucket = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": "dead" } });
    for arns in [
        json!({ "Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::dead/"] }),
        json!({ "Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::de"] }),
        json!({ "Field": "resources.ARN", "Equals": ["arn:aws:s3:::dead/x"] }),
    ] {
        assert_eq!(
            reported(json!({ "B": bucket, "T": trail(&arns) })),
            ["`T`: it records requests to `dead`, which logs are kept in"]
        );
    }
    assert_eq!(
        reported(json!({ "B": bucket, "T": trail(&Value::Null) })),
        ["`T`: it records requests to all buckets, its own among them"]
    );
    let other = json!({ "Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::deadline/"] });
    assert_eq!(
        reported(json!({ "B": bucket, "T": trail(&other) })),
        [""; 0]
    );
}

#[test]
fn own_buckets_are_members_of_nothing_and_call_nobody_who_writes_them() {
    let bucket = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": "dead" } });
    let stack = (
        "aws/eu-central-1/stack.json",
        json!({ "Resources": { "B": bucket } }),
    );
    let fragment = |never: Value| {
        (
            "aws/members/bucket.json",
            json!({ "member_type": "AWS::S3::Bucket", "region": "eu-central-1", "never": never, "resources": { "A": { "Type": "AWS::Logs::DeliverySource" } } }),
        )
    };
    assert_eq!(
        reported_of(&[stack.clone(), fragment(json!([]))], ""),
        ["requests at `dead` would be logged, which logs are kept in"]
    );
    assert_eq!(
        reported_of(&[stack, fragment(json!(["arn:aws:s3:::dead"]))], ""),
        [""; 0]
    );
    let calling = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": "in", "NotificationConfiguration": { "LambdaConfigurations": [{}] } } });
    let role = json!({ "Type": "AWS::IAM::Role", "Properties": { "RoleName": "r", "Policies": [{ "PolicyDocument": { "Statement": [
        { "Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::in/*"] }] } }] } });
    assert_eq!(
        reported(json!({ "B": calling, "R": role, "F": function() })),
        ["`B`: it calls a function that may write into it"]
    );
    let itself = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": "in", "LoggingConfiguration": { "DestinationBucketName": { "Ref": "B" } } } });
    assert_eq!(
        reported(json!({ "B": itself })),
        ["`B`: its access logs would be written into itself"]
    );
}

#[test]
fn a_log_group_has_two_subscriptions_and_is_made_by_somebody() {
    assert_eq!(
        reported(
            json!({ "G": group("/logfleet/alpha/a"), "S1": subscription("/logfleet/alpha/a"), "S2": subscription("/logfleet/alpha/a"), "S3": subscription("/logfleet/alpha/a"), "F": function() })
        ),
        ["`S3`: the log group `/logfleet/alpha/a` would have more than 2 subscriptions"]
    );
    assert_eq!(
        reported(json!({ "S": subscription("/logfleet/alpha/b"), "F": function() })),
        ["`S`: nothing creates the log group `/logfleet/alpha/b`"]
    );
}

#[test]
fn no_container_log_goes_two_ways() {
    let stack = (
        "aws/eu-central-1/stack.json",
        json!({ "Resources": {
        "F": function(), "G": group("/logfleet/alpha/applications"), "S": subscription("/logfleet/alpha/applications") } }),
    );
    let fluentd = |name: &str| format!("data_stream_name \"{name}\"\n");
    assert_eq!(
        reported_of(
            std::slice::from_ref(&stack),
            &fluentd("logs-kubernetes.applications-alpha")
        ),
        [
            "`S`: Fluentd writes to the data stream `logs-kubernetes.applications-alpha` already, so each record would be there twice"
        ]
    );
    assert_eq!(
        reported_of(&[stack], &fluentd("logs-kubernetes.applications-alpha_2")),
        [""; 0]
    );
}

fn role(statement: &Value) -> Value {
    json!({ "Type": "AWS::IAM::Role", "Properties": { "RoleName": "r", "Policies": [{ "PolicyDocument": { "Statement": [statement] } }] } })
}

#[test]
fn a_role_may_what_is_named() {
    for (statement, message) in [
        (
            json!({ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*" }),
            "`R`: it allows `s3:GetObject` on everything",
        ),
        (
            json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a" }),
            "`R`: it allows `s3:*`, which is more than one action",
        ),
        (
            json!({ "Effect": "Allow", "NotAction": ["s3:GetObject"], "Resource": "arn:aws:s3:::a" }),
            "`R`: a statement uses `NotAction`, which allows everything but a list",
        ),
    ] {
        assert_eq!(reported(json!({ "R": role(&statement) })), [message]);
    }
    let without_resource =
        json!({ "Effect": "Allow", "Action": ["cloudwatch:GetMetricData"], "Resource": ["*"] });
    assert_eq!(reported(json!({ "R": role(&without_resource) })), [""; 0]);
}

#[test]
fn a_service_acts_for_this_accounts_objects() {
    let trust = |principal: Value, condition: Value| {
        json!({ "R": { "Type": "AWS::IAM::Role", "Properties": { "RoleName": "r", "AssumeRolePolicyDocument": { "Statement": [
            { "Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"], "Condition": condition }] } } } })
    };
    let service = json!({ "Service": "lambda.amazonaws.com" });
    let account = json!({ "StringEquals": { "aws:SourceAccount": "1" } });
    let both = json!({ "StringEquals": { "aws:SourceAccount": "1" }, "ArnLike": { "aws:SourceArn": "arn" } });
    assert_eq!(
        reported(trust(service.clone(), account)),
        ["`R`: a service may assume it on behalf of any account"]
    );
    assert_eq!(reported(trust(service, both)), [""; 0]);
    assert_eq!(
        reported(trust(json!({ "AWS": "*" }), Value::Null)),
        ["`R`: anyone may assume it"]
    );
    assert_eq!(
        reported(trust(json!({ "Federated": "arn" }), Value::Null)),
        ["`R`: every service account may assume it"]
    );
    let open = json!({ "P": { "Type": "AWS::S3::BucketPolicy", "Properties": { "PolicyDocument": { "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["a"] }] } } } });
    assert_eq!(
        reported(open),
        ["`P`: its policy allows access to everyone"]
    );
    let permission = json!({ "P": { "Type": "AWS::Lambda::Permission", "Properties": { "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com" } } });
    assert_eq!(
        reported(permission),
        ["`P`: a service may call the function on behalf of any account"]
    );
}

#[test]
fn sizes_and_names_are_those_that_aws_takes() {
    let named = |kind: &str, property: &str, name: String| json!({ "R": { "Type": kind, "Properties": { property: name } } });
    for (resources, message) in [
        (
            named("AWS::IAM::Role", "RoleName", "a".repeat(65)),
            "`R`: `RoleName` has 65 characters, and AWS allows 1 to 64",
        ),
        (
            named("AWS::Lambda::Function", "FunctionName", "a.b".to_owned()),
            "`R`: `FunctionName` can't have `.`",
        ),
        (
            named("AWS::Logs::DeliverySource", "Name", "a".repeat(61)),
            "`R`: `Name` has 61 characters, and AWS allows 1 to 60",
        ),
        (
            named("AWS::ResourceGroups::Group", "Name", "awsome".to_owned()),
            "`R`: a resource group's name can't begin with `AWS`",
        ),
        (
            named("AWS::CloudTrail::Trail", "TrailName", "a--b".to_owned()),
            "`R`: a trail's name has at least 3 characters, and no two of `._-` next to each other",
        ),
        (
            named("AWS::Logs::LogGroup", "LogGroupName", "aws/x".to_owned()),
            "`R`: a log group's name can't begin with `aws/`",
        ),
        (
            named(
                "AWS::Logs::SubscriptionFilter",
                "FilterPattern",
                "a".repeat(1025),
            ),
            "`R`: its pattern has 1025 bytes, and AWS allows 1024",
        ),
        (
            named("AWS::Events::Rule", "EventPattern", "a".repeat(2049)),
            "`R`: its pattern has 2049 bytes, and AWS allows 2048",
        ),
        (
            named(
                "AWS::CloudWatch::Dashboard",
                "DashboardBody",
                "{".to_owned(),
            ),
            "`R`: its body is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            json!({ "a-b": { "Type": "X" } }),
            "`a-b`: a logical id has letters and digits only, and room for a member's hash",
        ),
        (
            json!({ "F": { "Type": "AWS::Lambda::Function", "Properties": { "FunctionName": "f", "Environment": { "Variables": { "A": "a".repeat(4096) } } } } }),
            "`F`: its environment has 4097 bytes, and AWS allows 4096",
        ),
    ] {
        assert_eq!(reported(resources), [message]);
    }
    let many: Map<String, Value> = (0..501)
        .map(|n| (format!("R{n}"), json!({ "Type": "X" })))
        .collect();
    assert_eq!(
        reported(many.into()),
        ["a template with 501 resources has more than CloudFormation's 500"]
    );
    let policies: Map<String, Value> = (0..11)
        .map(|n| {
            (
                format!("P{n}"),
                json!({ "Type": "AWS::Logs::ResourcePolicy" }),
            )
        })
        .collect();
    assert_eq!(
        reported(policies.into()),
        ["11 policies of CloudWatch Logs are more than an account's 10"]
    );
    let widgets = json!({ "widgets": vec![0; 501] }).to_string();
    assert_eq!(
        reported(named(
            "AWS::CloudWatch::Dashboard",
            "DashboardBody",
            widgets
        )),
        ["`R`: it shows 501 widgets, and AWS allows 500"]
    );
}

#[test]
fn a_role_has_room_for_what_it_may() {
    let domains = |count: usize| -> Value {
        let arns = (0..count).map(|number| json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:es:eu-central-1:111122223333:domain/logs-{number:06}/*") }));
        let arns: Vec<Value> = arns.collect();
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": ["es:ESHttpGet"], "Resource": arns }] })
    };
    let role = |document: Value, arns: usize| {
        json!({ "Type": "AWS::IAM::Role", "Properties": { "Policies": [{ "PolicyDocument": document }],
        "ManagedPolicyArns": vec!["arn:aws:iam::aws:policy/A"; arns] } })
    };
    let managed = |document: Value| json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": { "Roles": [{ "Ref": "R" }], "PolicyDocument": document } });
    // 74 characters each: what puts an ARN together isn't counted.
    assert_eq!(
        reported(json!({ "R": role(domains(137), 24), "P": managed(domains(81)) })),
        [""; 0]
    );
    let mut wrong = reported(json!({ "R": role(domains(138), 25), "P": managed(domains(82)) }));
    wrong.sort();
    assert_eq!(
        wrong,
        [
            "`P`: its policy has 6164 bytes, and AWS allows 6144",
            "`R`: it has 26 managed policies, and AWS allows 25",
            "`R`: what its policies say has 10308 bytes, and AWS allows 10240",
        ]
    );
}

/// Every spelling of a policy, in every type that may have one as a text.
#[test]
fn a_policy_is_judged_however_it_is_written() {
    let open = json!({ "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "a:B" }] });
    let text = open.to_string();
    for (kind, property) in [
        ("AWS::Logs::ResourcePolicy", "PolicyDocument"),
        ("AWS::Logs::Destination", "DestinationPolicy"),
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
        ("AWS::SNS::TopicPolicy", "PolicyDocument"),
        ("AWS::KMS::Key", "KeyPolicy"),
        ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"),
    ] {
        for spelling in [
            open.clone(),
            json!(text),
            json!({ "Fn::Sub": text }),
            json!({ "Fn::Join": ["", [text]] }),
        ] {
            let resource = json!({ "A": { "Type": kind, "Properties": { property: spelling } } });
            assert_eq!(
                reported(resource),
                ["`A`: its policy allows access to everyone"],
                "{kind}"
            );
        }
    }
    let service = json!({ "Statement": [{ "Effect": "Allow", "Principal": { "Service": "es.amazonaws.com" }, "Action": "logs:*" }] });
    assert_eq!(
        reported(
            json!({ "A": { "Type": "AWS::Logs::ResourcePolicy", "Properties": { "PolicyDocument": service.to_string() } } })
        ),
        [
            "`A`: its policy allows more than one action by a `*`",
            "`A`: its policy lets a service act on behalf of any account"
        ]
    );
    let wide = json!({ "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } });
    assert_eq!(
        reported(
            json!({ "A": { "Type": "AWS::IAM::ManagedPolicy", "Properties": { "PolicyDocument": { "Fn::Sub": wide.to_string() } } } })
        ),
        ["`A`: it allows `s3:*`, which is more than one action"]
    );
    assert_eq!(
        reported(
            json!({ "A": { "Type": "AWS::Logs::ResourcePolicy", "Properties": { "PolicyDocument": { "Ref": "AWS::StackName" } } } })
        ),
        [
            "`A`: its `PolicyDocument` can't be read: its text is not JSON: expected value at line 1 column 1"
        ]
    );
}

#[test]
fn days_and_patterns_that_aws_does_not_take_are_reported() {
    for (days, is_right) in [
        (json!(4), false),
        (json!("4"), false),
        (json!(0), false),
        (json!(731), true),
        (json!("30"), true),
        (json!({ "Ref": "AWS::StackName" }), true),
        (json!(5000), false),
        (json!(7.5), false),
    ] {
        let group = json!({ "A": { "Type": "AWS::Logs::LogGroup", "Properties": { "RetentionInDays": days } } });
        let expected =
            (!is_right).then(|| format!("`A`: CloudWatch Logs can't keep events for {days} days"));
        assert_eq!(reported(group), Vec::from_iter(expected));
    }
    let fragment = json!({
        "member_type": "AWS::EKS::Cluster",
        "region": "eu-central-1",
        "calls": [{ "when": "before", "service": "logs", "action": "PutRetentionPolicy",
            "parameters": { "logGroupName": "x", "retentionInDays": 15 } }],
        "resources": {},
    });
    let reported_of_fragment = reported_of(&[("aws/members/eks.json", fragment)], "");
    assert!(
        reported_of_fragment
            .contains(&"`calls`: CloudWatch Logs can't keep events for 15 days".to_owned()),
        "{reported_of_fragment:?}"
    );
    for kind in ["AWS::Logs::MetricFilter", "AWS::Logs::SubscriptionFilter"] {
        let filter =
            json!({ "A": { "Type": kind, "Properties": { "FilterPattern": "{ $.a = }" } } });
        let reported = reported(filter);
        let expected = "`A`: its `FilterPattern` isn't valid: nothing follows the `=` of `$.a`";
        assert!(reported.contains(&expected.to_owned()), "{reported:?}");
    }
}

#[test]
fn what_a_template_names_is_in_it() {
    let of = |properties: Value| {
        reported(
            json!({ "Own": { "Type": "AWS::Logs::MetricFilter", "Properties": properties }, "Group": group("/logfleet/alpha/a") }),
        )
    };
    let named = |name: &str| {
        format!("`Own`: there is no `{name}` in this template, so CloudFormation would refuse it")
    };
    for (value, missing) in [
        (json!({ "Ref": "Group" }), None),
        (json!({ "Ref": "AWS::Region" }), None),
        (json!({ "Ref": "Groups" }), Some("Groups")),
        (json!({ "Fn::GetAtt": ["Grup", "Arn"] }), Some("Grup")),
        (json!({ "Fn::GetAtt": "Grup.Arn" }), Some("Grup")),
        (
            json!({ "Fn::Sub": "${AWS::Partition}:${Group.Arn}:${!Literal}" }),
            None,
        ),
        (json!({ "Fn::Sub": "a:${Own2}" }), Some("Own2")),
        (
            json!({ "Fn::Sub": ["${A}:${B}", { "A": { "Ref": "Group" } }] }),
            Some("B"),
        ),
        (json!({ "Fn::Join": ["", [{ "Ref": "C" }]] }), Some("C")),
    ] {
        let expected: Vec<String> = missing.map(named).into_iter().collect();
        assert_eq!(of(json!({ "LogGroupName": value })), expected, "{value}");
    }
}
