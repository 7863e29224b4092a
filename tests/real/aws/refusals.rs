//! What AWS refuses is refused by the emulator too: a template that passes
//! here has said nothing that nobody looked at.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::inventory::everything_of;
use super::stacks::Failed;
use super::{Account, Aws};

const REGION: &str = "eu-central-1";

fn template(resources: &Value) -> String {
    json!({ "Resources": resources }).to_string()
}

fn group(properties: &Value) -> Value {
    json!({ "Type": "AWS::Logs::LogGroup", "Properties": properties })
}

/// The reason for which a resource `Bad` beside a good one is refused; nothing may be left of both.
fn refusal(account: &Account<'_>, bad: &Value) -> String {
    let resources = json!({ "Good": group(&json!({ "LogGroupName": "good" })), "Bad": bad });
    let failed = account
        .deploy("refused", REGION, &template(&resources), &json!({}))
        .err()
        .unwrap_or_else(|| panic!("{bad} was made"));
    assert_eq!(failed.status, "ROLLBACK_COMPLETE");
    account.delete("refused", REGION).unwrap();
    let left: usize = everything_of(account, REGION)
        .into_iter()
        // Every account has its default group of schedules.
        .filter(|(kind, _)| *kind != "AWS::Scheduler::ScheduleGroup")
        .map(|(_, names)| names.len())
        .sum();
    assert_eq!(left, 0, "what was made is deleted again");
    failed.reasons["refused"].clone()
}

#[test]
fn what_aws_refuses_fails() {
    let Some(aws) = Aws::shared() else { return };
    let account = aws.account("300000000001");
    let logs = |properties: Value| group(&properties);
    let cases = [
        (json!({ "Type": "AWS::Logs::Nothing" }), "no resource type"),
        (json!({ "Type": "AWS::SNS::Topic" }), "no resource type"),
        (
            logs(json!({ "RetentionInDays": 31 })),
            "/RetentionInDays: 31 is not one of",
        ),
        (
            logs(json!({ "RetentionDays": 30 })),
            "'RetentionDays' was unexpected",
        ),
        (logs(json!({ "Arn": "arn" })), "/Arn: read only"),
        (logs(json!({ "LogGroupName": "a b" })), "does not match"),
        (logs(json!({ "LogGroupName": "good" })), "already exists"),
        (
            logs(json!({ "LogGroupName": { "Ref": "Absent" } })),
            "Unresolved resource dependencies",
        ),
        (
            logs(json!({ "LogGroupName": { "Fn::Upper": "a" } })),
            "doesn't know the function",
        ),
        (
            logs(json!({ "LogGroupName": { "Fn::Sub": "${Good.Name}" } })),
            "has no attribute Name",
        ),
        (
            logs(json!({ "LogGroupName": { "Fn::ImportValue": "absent" } })),
            "No export named absent",
        ),
        (
            logs(json!({ "DataProtectionPolicy": {} })),
            "the rig doesn't know this property",
        ),
        (
            json!({
                "Type": "AWS::Logs::SubscriptionFilter",
                "Properties": {
                    "LogGroupName": { "Ref": "Good" },
                    "FilterPattern": "",
                    "DestinationArn": "arn:aws:lambda:eu-central-1:300000000001:function:absent",
                },
            }),
            "Could not execute the lambda function",
        ),
        (
            json!({
                "Type": "AWS::IAM::Role",
                "Properties": { "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [{ "Effect": "Perhaps" }] } },
            }),
            "MalformedPolicyDocument",
        ),
        (
            json!({
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": { "DashboardName": "has.dots", "DashboardBody": "no JSON" },
            }),
            "InvalidParameterInput",
        ),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(bad, wanted)| {
            let reason = refusal(&account, bad);
            (!reason.contains(wanted)).then(|| format!("{bad}: {reason:?} instead of {wanted:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_change_that_fails_leaves_everything_as_it_was() {
    let Some(aws) = Aws::shared() else { return };
    let account = aws.account("300000000002");
    let with = |days: u16, name: &str, pattern: &str| {
        template(&json!({
            "Kept": group(&json!({ "LogGroupName": "kept", "RetentionInDays": days })),
            "Named": group(&json!({ "LogGroupName": name })),
            "Filter": {
                "Type": "AWS::Logs::MetricFilter",
                "DependsOn": ["Kept", "Named"],
                "Properties": {
                    "FilterName": "errors",
                    "LogGroupName": { "Ref": "Kept" },
                    "FilterPattern": pattern,
                    "MetricTransformations": [{ "MetricName": "Errors", "MetricNamespace": "Test", "MetricValue": "1" }],
                },
            },
        }))
    };
    let deploy = |template: &str| account.deploy("kept", REGION, template, &json!({}));
    let update = |template: &str| account.update("kept", REGION, template, &json!({}));
    deploy(&with(7, "named", "ERROR")).unwrap();
    let before = everything_of(&account, REGION);

    let too_long = "x".repeat(1025);
    let failed = update(&with(14, "other", &too_long)).unwrap_err();
    assert_eq!(failed.status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(everything_of(&account, REGION), before);
    let groups = account.call(REGION, "logs", "describe_log_groups", &json!({}));
    let days: BTreeSet<Option<u64>> = groups["logGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["retentionInDays"].as_u64())
        .collect();
    assert_eq!(days, BTreeSet::from([None, Some(7)]));

    let same: Failed = update(&with(7, "named", "ERROR")).unwrap_err();
    assert_eq!(same.status, "FAILED", "a change set without a change");

    update(&with(14, "renamed", "ERROR")).unwrap();
    let names = &everything_of(&account, REGION)["AWS::Logs::LogGroup"];
    assert_eq!(names, &BTreeSet::from(["kept".into(), "renamed".into()]));
    account.delete("kept", REGION).unwrap();
}

#[test]
fn a_long_template_comes_from_a_bucket() {
    let Some(aws) = Aws::shared() else { return };
    let account = aws.account("300000000003");
    let groups: serde_json::Map<String, Value> = (0..400)
        .map(|number| {
            let name = format!("{number:0>100}");
            (
                format!("Group{number}"),
                group(&json!({ "LogGroupName": name })),
            )
        })
        .collect();
    let long = template(&Value::Object(groups));
    let refusal = account
        .ask(
            REGION,
            "cloudformation",
            "create_change_set",
            &json!({
                "StackName": "long",
                "ChangeSetName": "long",
                "ChangeSetType": "CREATE",
                "TemplateBody": long,
            }),
        )
        .unwrap_err();
    assert_eq!(refusal.code, "ValidationError");
    account.deploy("long", REGION, &long, &json!({})).unwrap();
    assert_eq!(account.resources("long", REGION).len(), 400);
}
