//! Of resources of AWS.

use serde_json::{Value as Json, json};

use super::flagged;
use crate::diff::risk::tests::{STACK, of_resource, of_values, resource};

/// A template with a resource that was there, and more.
fn with(more: &Json) -> Json {
    let mut template = resource("AWS::SNS::Topic", &json!({"TopicName": "old"}));
    template["Resources"]["Group"] = json!({"Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": "/aws/111122223333"}});
    template["Resources"]["Role"] =
        json!({"Type": "AWS::IAM::Role", "Properties": {"RoleName": "old"}});
    for (id, value) in more.as_object().expect("resources") {
        template["Resources"][id] = value.clone();
    }
    template
}

fn of_added(kind: &str, properties: &Json) -> Vec<String> {
    let new = with(&json!({"New": {"Type": kind, "Properties": properties}}));
    of_values(STACK, &with(&json!({})), &new)
}

fn allow(who: &Json, action: &str, resource: &str) -> Json {
    let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    if !who.is_null() {
        statement["Principal"] = who.clone();
    }
    json!({"Statement": [statement]})
}

#[test]
fn new_resources_of_aws_may_be_for_others() {
    let other = json!({"AWS": "arn:aws:iam::999988887777:root"});
    let nobody = Json::Null;
    for (kind, properties, what) in [
        (
            "AWS::Lambda::Url",
            json!({"AuthType": "NONE"}),
            "everybody may call a function by its URL, without authentication",
        ),
        (
            "AWS::S3::BucketPolicy",
            json!({"PolicyDocument": allow(&other, "s3:GetObject", "arn:aws:s3:::b/*")}),
            "a new policy lets another account in: 999988887777",
        ),
        (
            "AWS::S3::BucketPolicy",
            json!({"PolicyDocument": allow(&json!("*"), "s3:GetObject", "arn:aws:s3:::b/*")}),
            "a new policy lets everybody in: s3:GetObject",
        ),
        (
            "AWS::IAM::Role",
            json!({"AssumeRolePolicyDocument": allow(&json!({"AWS": "*"}), "sts:AssumeRole", "")}),
            "a new policy lets everybody in: take a role",
        ),
        (
            "AWS::Logs::SubscriptionFilter",
            json!({"DestinationArn": "arn:aws:logs:eu-west-1:999988887777:destination:x"}),
            "logs go to another account: 999988887777",
        ),
        (
            "AWS::Logs::DeliveryDestination",
            json!({"DestinationResourceArn": "arn:aws:logs:eu-west-1:999988887777:log-group:x"}),
            "logs go to another account: 999988887777",
        ),
        (
            "AWS::IAM::RolePolicy",
            json!({"RoleName": "old", "PolicyDocument": allow(&nobody, "s3:*", "arn:aws:s3:::b")}),
            "a policy permits s3:* as well",
        ),
        (
            "AWS::IAM::ManagedPolicy",
            json!({"Roles": [{"Ref": "Role"}], "PolicyDocument": allow(&nobody, "iam:*", "*")}),
            "a policy permits iam:* as well",
        ),
        (
            "AWS::IAM::Role",
            json!({"Policies": [{"PolicyDocument": allow(&nobody, "s3:*", "*")}]}),
            "a new policy permits s3:* on everything",
        ),
        (
            "AWS::IAM::Role",
            json!({"Policies": [{"PolicyDocument": allow(&nobody, "*", "*")}]}),
            "a new policy permits everything on everything",
        ),
        (
            "AWS::IAM::Role",
            json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
            "a role gets the managed policy `AdministratorAccess`",
        ),
        (
            "AWS::Lambda::Permission",
            json!({"Principal": "*"}),
            "everybody may call a function",
        ),
        (
            "AWS::Lambda::Permission",
            json!({"Principal": "999988887777"}),
            "another account may call a function: 999988887777",
        ),
        (
            "AWS::S3::Bucket",
            json!({"AccessControl": "PublicRead"}),
            "a bucket is readable by everybody",
        ),
    ] {
        assert_eq!(
            of_added(kind, &properties),
            flagged(&format!("{what} (`New`)")),
            "{kind}"
        );
    }
    let service = json!({"Service": "delivery.logs.amazonaws.com"});
    for (kind, properties) in [
        ("AWS::Lambda::Url", json!({"AuthType": "AWS_IAM"})),
        (
            "AWS::S3::BucketPolicy",
            json!({"PolicyDocument": allow(&service, "s3:PutObject", "arn:aws:s3:::b/*")}),
        ),
        (
            "AWS::Logs::SubscriptionFilter",
            json!({"DestinationArn": "arn:aws:logs:eu-west-1:111122223333:destination:x"}),
        ),
        (
            "AWS::Lambda::Permission",
            json!({"Principal": "logs.amazonaws.com", "SourceAccount": "111122223333"}),
        ),
        (
            "AWS::IAM::Role",
            json!({"Policies": [{"PolicyDocument": allow(&nobody, "logs:PutLogEvents", "*")}],
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"]}),
        ),
        (
            "AWS::IAM::ManagedPolicy",
            json!({"PolicyDocument": allow(&nobody, "logs:PutLogEvents", "*")}),
        ),
    ] {
        assert_eq!(of_added(kind, &properties), [""; 0], "{kind}");
    }
}

#[test]
fn resources_of_aws_open() {
    let code = |bucket: &str| json!({"Code": {"S3Bucket": bucket, "S3Key": "forwarder/1.zip"}});
    let owner = |owner: &str| json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": owner}]}});
    for (kind, old, new, what) in [
        (
            "AWS::IAM::Role",
            json!({"PermissionsBoundary": "a"}),
            json!({}),
            "a role has no permissions boundary any more",
        ),
        (
            "AWS::S3::Bucket",
            json!({}),
            json!({"AccessControl": "PublicReadWrite"}),
            "a bucket is readable by everybody",
        ),
        (
            "AWS::S3::Bucket",
            owner("BucketOwnerEnforced"),
            owner("ObjectWriter"),
            "objects in a bucket may belong to other accounts, which control who reads them",
        ),
        (
            "AWS::Lambda::Function",
            code("ours"),
            code("theirs"),
            "a function's code comes from theirs instead of ours",
        ),
        (
            "AWS::Lambda::Function",
            json!({"Code": {"ImageUri": "1.dkr.example.com/a:1"}}),
            json!({"Code": {"ImageUri": "2.dkr.example.com/a:2"}}),
            "a function's code comes from 2.dkr.example.com/a instead of 1.dkr.example.com/a",
        ),
        (
            "AWS::Logs::SubscriptionFilter",
            json!({"DestinationArn": {"Fn::GetAtt": ["F", "Arn"]}}),
            json!({"DestinationArn": "arn:aws:logs:eu-west-1:999988887777:destination:x"}),
            "logs go to another account: 999988887777",
        ),
        (
            "AWS::Lambda::Url",
            json!({"AuthType": "AWS_IAM"}),
            json!({"AuthType": "NONE"}),
            "everybody may call a function by its URL, without authentication",
        ),
    ] {
        // That logs go elsewhere is a risk of its own, too.
        let mut risks = of_resource(kind, &old, &new);
        risks.retain(|risk| !risk.starts_with("source-stops: "));
        assert_eq!(risks, flagged(&format!("{what} (`One`)")), "{kind}");
        assert!(of_resource(kind, &new, &new).is_empty());
    }
    let newer = json!({"Code": {"S3Bucket": "ours", "S3Key": "forwarder/2.zip"}});
    assert!(of_resource("AWS::Lambda::Function", &code("ours"), &newer).is_empty());
}

#[test]
fn the_name_of_what_is_new_hides_nothing_else() {
    let with_policy = |resource: &str, more: &Json| {
        let mut template = with(more);
        let document = json!({"Statement": [{"Effect": "Allow", "Action": "logs:Put",
            "Resource": ["arn:aws:logs:eu-west-1:1:log-group:/old:*", resource]}]});
        template["Resources"]["Role"]["Properties"]["Policies"] =
            json!([{"PolicyName": "p", "PolicyDocument": document}]);
        template
    };
    let old = with_policy("arn:aws:logs:eu-west-1:1:log-group:/old:*", &json!({}));
    let group = json!({"New": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/logfleet/new"}}});
    let own = "arn:aws:logs:eu-west-1:1:log-group:/logfleet/new:*";
    assert_eq!(of_values(STACK, &old, &with_policy(own, &group)), [""; 0]);
    for name in ["logfleet", "arn:", "log-group"] {
        let topic = json!({"New": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}});
        let wide = "arn:aws:logs:*:*:log-group:/logfleet/*";
        assert_eq!(
            of_values(STACK, &old, &with_policy(wide, &topic)),
            flagged("a policy permits logs:Put on more resources (`Role`)"),
            "{name}"
        );
    }
}
