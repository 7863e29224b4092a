//! An emulator of AWS's APIs, and CloudFormation on it as strict as AWS's own:
//! what is rendered below `aws/` is really deployed, changed and deleted.
//! `rigs/aws/README.md` tells how.

mod emulator;
mod inventory;
mod members;
mod partitions;
mod reconciler;
mod refusals;
mod rendered;
mod sample;
mod sources;
mod stacks;
mod tagging;

use serde_json::json;

pub use emulator::{Account, Aws, INSTALLED};

#[test]
fn a_parameter_that_aws_does_not_know_is_refused() {
    let Some(aws) = Aws::shared() else { return };
    let refusal = aws
        .account("100000000001")
        .ask(
            "eu-central-1",
            "logs",
            "create_log_group",
            &json!({ "logGroupName": "a", "retention": 3 }),
        )
        .unwrap_err();
    assert_eq!(refusal.code, "ParamValidationError");
}

#[test]
fn accounts_see_nothing_of_each_other() {
    let Some(aws) = Aws::shared() else { return };
    let (one, other) = (aws.account("100000000002"), aws.account("100000000003"));
    one.call(
        "eu-central-1",
        "logs",
        "create_log_group",
        &json!({ "logGroupName": "a" }),
    );
    let groups = |account: &Account<'_>, region: &str| {
        let answer = account.call(region, "logs", "describe_log_groups", &json!({}));
        answer["logGroups"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(groups(&one, "eu-central-1"), 1);
    assert_eq!(groups(&one, "us-east-1"), 0);
    assert_eq!(groups(&other, "eu-central-1"), 0);
}
