use serde_json::json;

use super::*;
use crate::members::Member;

fn registration_example() -> Value {
    json!({
        "version": 1,
        "cluster": "alpha",
        "resource_groups": { "eu-central-1": "logfleet-alpha-members" },
        "roles": ["*.alpha.example.com"],
        "eks": "Alpha",
        "sources": {
            "cloudtrail": {
                "region": "eu-central-1",
                "log_group": "/logfleet/alpha/aws/cloudtrail",
                "read": true,
                "write": true,
                "exclude": ["kms.amazonaws.com"],
            },
            "s3": {
                "region": "eu-central-1",
                "log_group": "/logfleet/alpha/aws/s3",
                "read": false,
                "write": true,
            },
        },
    })
}

fn configuration_example() -> Value {
    json!({
        "version": 1,
        "account": "111122223333",
        "registry": { "region": "us-east-1", "path": "/logfleet/clusters/" },
        "log_groups": { "/logfleet/_account/cloudtrail": "cloudtrail" },
    })
}

fn example() -> Registration {
    Registration::parse(&registration_example().to_string()).expect("a registration")
}

#[test]
fn both_formats_are_written_as_they_were_read_and_refuse_what_is_unknown() {
    assert_eq!(
        serde_json::to_value(example()).expect("JSON"),
        registration_example()
    );
    let read = AccountConfiguration::parse(&configuration_example().to_string());
    assert_eq!(
        serde_json::to_value(read.expect("one")).expect("JSON"),
        configuration_example()
    );
    let told = |example: &Value, key: &str, value: Value| {
        let mut changed = example.clone();
        changed[key] = value;
        let text = changed.to_string();
        let registration = Registration::parse(&text).map(|_| ());
        let configuration = AccountConfiguration::parse(&text).map(|_| ());
        let error = if example["cluster"].is_null() {
            configuration
        } else {
            registration
        };
        error.expect_err("a fault").to_string()
    };
    for example in [registration_example(), configuration_example()] {
        assert_eq!(
            told(&example, "version", json!(2)),
            "it has version 2, and this release reads version 1"
        );
        assert!(told(&example, "zone", json!("a")).contains("unknown field `zone`"));
    }
    let unknown = json!({ "/logfleet/_account/x": "x" });
    assert!(told(&configuration_example(), "log_groups", unknown).contains("unknown variant `x`"));
}

fn members() -> KnownMembers {
    let member = |member_type: &str, arn: &str, id: &str| Member {
        member_type: member_type.to_owned(),
        arn: arn.to_owned(),
        id: id.to_owned(),
    };
    KnownMembers::of(&[
        member(
            "AWS::EC2::VPC",
            "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0a1b2c3d",
            "vpc-0a1b2c3d",
        ),
        member("AWS::S3::Bucket", "arn:aws:s3:::orders", "orders"),
        member(
            "AWS::DynamoDB::Table",
            "arn:aws:dynamodb:eu-central-1:111122223333:table/carts",
            "carts",
        ),
    ])
}

/// Whether the example claims a record of calls.
fn claims(record: &Value) -> bool {
    let registration = example();
    let wanted = registration.claims(Source::Cloudtrail, record, &members());
    wanted.is_some()
}

#[test]
fn an_event_belongs_to_the_cluster_whose_member_role_or_eks_cluster_it_names() {
    let role = |name: &str| json!({ "type": "AssumedRole", "sessionContext": { "sessionIssuer": { "type": "Role", "userName": name } } });
    for (why, record, belongs) in [
        (
            "the id of a network, whatever the service",
            json!({ "eventSource": "elasticloadbalancing.amazonaws.com", "requestParameters": { "filters": [{ "vpcId": "vpc-0a1b2c3d" }] } }),
            true,
        ),
        (
            "another network",
            json!({ "eventSource": "ec2.amazonaws.com", "requestParameters": { "vpcId": "vpc-0a1b2c3e" } }),
            false,
        ),
        (
            "a bucket by its name",
            json!({ "eventSource": "s3.amazonaws.com", "requestParameters": { "bucketName": "orders" } }),
            true,
        ),
        (
            "the same word of another service",
            json!({ "eventSource": "sqs.amazonaws.com", "requestParameters": { "queueName": "orders" } }),
            false,
        ),
        (
            "an object in a bucket",
            json!({ "eventSource": "s3.amazonaws.com", "resources": [{ "ARN": "arn:aws:s3:::orders/2026/a:b" }] }),
            true,
        ),
        (
            "a bucket whose name only begins so",
            json!({ "eventSource": "s3.amazonaws.com", "resources": [{ "ARN": "arn:aws:s3:::orders-old/a" }] }),
            false,
        ),
        (
            "an index of a table",
            json!({ "eventSource": "dynamodb.amazonaws.com", "resources": [{ "ARN": "arn:aws:dynamodb:eu-central-1:111122223333:table/carts/index/a" }] }),
            true,
        ),
        (
            "what an answer names",
            json!({ "eventSource": "ec2.amazonaws.com", "responseElements": { "subnet": { "vpcId": "vpc-0a1b2c3d" } } }),
            true,
        ),
        (
            "a call by a role",
            json!({ "eventSource": "ec2.amazonaws.com", "userIdentity": role("nodes.alpha.example.com") }),
            true,
        ),
        (
            "a call by another's role",
            json!({ "eventSource": "ec2.amazonaws.com", "userIdentity": role("nodes.beta.example.com") }),
            false,
        ),
        (
            "somebody takes a role on",
            json!({ "eventSource": "sts.amazonaws.com", "requestParameters": { "roleArn": "arn:aws:iam::111122223333:role/path/masters.alpha.example.com" } }),
            true,
        ),
        (
            "a role is changed",
            json!({ "eventSource": "iam.amazonaws.com", "requestParameters": { "roleName": "masters.alpha.example.com" } }),
            true,
        ),
        (
            "the cluster of EKS",
            json!({ "eventSource": "eks.amazonaws.com", "requestParameters": { "name": "Alpha" } }),
            true,
        ),
        (
            "a cluster of another service",
            json!({ "eventSource": "ecs.amazonaws.com", "requestParameters": { "name": "Alpha" } }),
            false,
        ),
        (
            "the root user, whatever it does",
            json!({ "eventSource": "signin.amazonaws.com", "userIdentity": { "type": "Root" } }),
            true,
        ),
        (
            "a service in the root user's name",
            json!({ "eventSource": "kms.amazonaws.com", "userIdentity": { "type": "Root", "invokedBy": "ec2.amazonaws.com" } }),
            false,
        ),
        (
            "somebody else who names nothing",
            json!({ "eventSource": "signin.amazonaws.com", "userIdentity": { "type": "IAMUser", "userName": "anna" } }),
            false,
        ),
        ("no record at all", json!("text"), false),
    ] {
        assert_eq!(claims(&record), belongs, "{why}");
    }
}

#[test]
fn a_cluster_gets_what_it_wants_of_what_it_owns() {
    let of_bucket = |read_only: Value, service: &str| {
        json!({
            "eventSource": service,
            "readOnly": read_only,
            "resources": [{ "ARN": "arn:aws:s3:::orders/a" }],
        })
    };
    let registration = example();
    let goes_to = |source, record: &Value| {
        let wanted = registration.claims(source, record, &members());
        wanted.map(|wanted| wanted.log_group.clone())
    };
    let s3 = "s3.amazonaws.com";
    let calls = Some("/logfleet/alpha/aws/cloudtrail".to_owned());
    let requests = Some("/logfleet/alpha/aws/s3".to_owned());
    assert_eq!(
        goes_to(Source::Cloudtrail, &of_bucket(json!(true), s3)),
        calls
    );
    assert_eq!(goes_to(Source::S3, &of_bucket(json!(true), s3)), None);
    assert_eq!(goes_to(Source::S3, &of_bucket(json!("true"), s3)), None);
    assert_eq!(goes_to(Source::S3, &of_bucket(json!(false), s3)), requests);
    // Where it isn't known, it may have written.
    assert_eq!(goes_to(Source::S3, &of_bucket(json!(null), s3)), requests);
    let kms = of_bucket(json!(false), "kms.amazonaws.com");
    assert_eq!(goes_to(Source::Cloudtrail, &kms), None);
    assert_eq!(
        goes_to(Source::Dynamodb, &of_bucket(json!(false), s3)),
        None
    );
}

fn template(resources: &Value) -> Value {
    json!({ "Resources": resources })
}

fn parameter(name: &str, value: &Value) -> Value {
    json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Name": name, "Value": value } })
}

fn function(text: &Value) -> Value {
    json!({ "Type": "AWS::Lambda::Function", "Properties": { "Environment": { "Variables": { CONFIGURATION_VARIABLE: text } } } })
}

fn told<T: std::fmt::Debug>(read: Result<T, Vec<ResourceFault>>) -> Vec<String> {
    let faults = read.expect_err("a fault");
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn distributor_and_registration_are_read_out_of_templates() {
    let text = json!(configuration_example().to_string());
    let read = distributor(&template(&json!({ "D": function(&text) })));
    assert_eq!(read.expect("no fault").expect("one").logical_id, "D");
    assert_eq!(distributor(&template(&json!({}))), Ok(None));
    assert_eq!(
        told(distributor(&template(
            &json!({ "D": function(&text), "E": function(&text) })
        ))),
        ["`E`: `D` is the distributor already"]
    );
    assert_eq!(
        told(distributor(&template(&json!({ "D": function(&json!(1)) })))),
        ["`D`: the distributor couldn't read `LOGFLEET_ACCOUNT_CONFIGURATION`: it isn't a text"]
    );

    let text = json!(registration_example().to_string());
    let own = parameter("/logfleet/clusters/alpha", &text);
    let read = registration(&template(
        &json!({ "R": own, "Of": parameter("/other", &json!("a")) }),
    ));
    assert_eq!(read, Ok(Some(example())));
    assert_eq!(registration(&template(&json!({}))), Ok(None));
    assert_eq!(
        told(registration(&template(&json!({ "R": own, "S": own })))),
        ["`S`: `R` registers the cluster already"]
    );
    assert_eq!(
        told(registration(&template(
            &json!({ "R": parameter("/logfleet/clusters/beta", &text) })
        ))),
        ["`R`: it is registered under another name than `/logfleet/clusters/alpha`"]
    );
    assert_eq!(
        told(registration(&template(
            &json!({ "R": parameter("/logfleet/clusters/a", &json!("{}")) })
        ))),
        ["`R`: the distributor couldn't read it: missing field `version` at line 1 column 2"]
    );
}
