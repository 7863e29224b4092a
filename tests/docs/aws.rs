//! What is rendered for AWS, as people review it: the roles with all they may,
//! and the members' stacks as they are composed.
//!
//! `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes the composed stacks anew.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use logfleet_generator::members::{Fragment, Member, compose};
use serde_json::Value;

use super::repository;

/// The clusters of the example fleet.
fn clusters() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(repository().join("rendered"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(['_', '.']))
        .collect();
    names.sort();
    names
}

fn json_files(folder: &Path) -> Vec<(String, Value)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<(String, Value)> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

/// Every role of every cluster of the example fleet, with exactly what it may.
#[test]
fn roles_may_what_is_reviewed_here() {
    let mut table = String::new();
    for cluster in clusters() {
        let folder = repository().join("rendered").join(&cluster).join("aws");
        let mut regions: Vec<_> = fs::read_dir(&folder)
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        regions.sort();
        for (region, (_, stack)) in regions
            .iter()
            .filter(|path| !path.ends_with("members"))
            .flat_map(|path| {
                let region = path.file_name().unwrap().to_str().unwrap().to_owned();
                json_files(path)
                    .into_iter()
                    .map(move |file| (region.clone(), file))
            })
        {
            for (id, resource) in stack["Resources"].as_object().unwrap() {
                if resource["Type"] == "AWS::IAM::Role" {
                    writeln!(table, "{cluster} {region} {id}").unwrap();
                    role(&mut table, &resource["Properties"]);
                }
            }
        }
    }
    assert!(table.contains("ForwarderRole"), "{table}");
    insta::assert_snapshot!(table);
}

fn role(table: &mut String, properties: &Value) {
    writeln!(table, "  role {}", properties["RoleName"].as_str().unwrap()).unwrap();
    for statement in properties["AssumeRolePolicyDocument"]["Statement"]
        .as_array()
        .unwrap()
    {
        writeln!(
            table,
            "  taken on by {} if {}",
            statement["Principal"], statement["Condition"]
        )
        .unwrap();
    }
    for policy in properties["Policies"].as_array().into_iter().flatten() {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            writeln!(
                table,
                "    {} {}",
                statement["Effect"].as_str().unwrap(),
                statement["Sid"].as_str().unwrap()
            )
            .unwrap();
            for action in texts(&statement["Action"]) {
                writeln!(table, "      {action}").unwrap();
            }
            for resource in texts(&statement["Resource"]) {
                writeln!(table, "      on {resource}").unwrap();
            }
            if let Some(condition) = statement.get("Condition") {
                writeln!(table, "      if {condition}").unwrap();
            }
        }
    }
}

/// A member of each type, and two of some.
fn members(region: &str, account: &str) -> BTreeSet<Member> {
    let elb = format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer");
    [
        (
            "AWS::EC2::VPC",
            format!("arn:aws:ec2:{region}:{account}:vpc/vpc-0a1b2c3d4e5f60718"),
            "vpc-0a1b2c3d4e5f60718",
        ),
        (
            "AWS::EC2::VPC",
            format!("arn:aws:ec2:{region}:{account}:vpc/vpc-1a1b2c3d4e5f60718"),
            "vpc-1a1b2c3d4e5f60718",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            format!("{elb}/app/shop/0123456789abcdef"),
            "shop",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            format!("{elb}/net/api/0123456789abcdef"),
            "api",
        ),
        (
            "AWS::ElasticLoadBalancing::LoadBalancer",
            format!("{elb}/legacy"),
            "legacy",
        ),
        (
            "AWS::S3::Bucket",
            "arn:aws:s3:::example-shop-images".to_owned(),
            "example-shop-images",
        ),
        (
            "AWS::DynamoDB::Table",
            format!("arn:aws:dynamodb:{region}:{account}:table/carts"),
            "carts",
        ),
        (
            "AWS::DynamoDB::Table",
            format!("arn:aws:dynamodb:{region}:{account}:table/orders"),
            "orders",
        ),
        (
            "AWS::Route53::HostedZone",
            "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ".to_owned(),
            "Z0123456789ABCDEFGHIJ",
        ),
    ]
    .map(|(member_type, arn, id)| Member {
        member_type: member_type.to_owned(),
        arn,
        id: id.to_owned(),
    })
    .into()
}

/// `tests/cases/aws/members/`: cfn-lint and the emulator judge them, too.
#[test]
fn composed_stacks_are_up_to_date() {
    let folder = repository().join("tests/cases/aws/members");
    let mut composed = 0;
    for cluster in clusters() {
        let fragments: Vec<Fragment> = json_files(
            &repository()
                .join("rendered")
                .join(&cluster)
                .join("aws/members"),
        )
        .into_iter()
        .map(|(name, value)| {
            serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"))
        })
        .collect();
        let Some(region) = fragments.first().map(|fragment| fragment.region.clone()) else {
            continue;
        };
        let account = if cluster.starts_with("staging") || cluster.starts_with("dev") {
            "444455556666"
        } else {
            "111122223333"
        };
        let members = members(&region, account);
        let composition = compose(&fragments, &members, &BTreeMap::new()).unwrap();
        for (number, stack) in composition.stacks.iter().enumerate() {
            assert!(!stack["Resources"].as_object().unwrap().is_empty());
            compare(&folder.join(format!("{cluster}-{number}.json")), stack);
            composed += 1;
        }
        let calls = serde_json::to_value(&composition.calls).unwrap();
        compare(
            &repository().join(format!("tests/cases/aws/calls/{cluster}.json")),
            &calls,
        );
    }
    assert!(composed >= 3, "{composed}");
}

fn compare(path: &Path, value: &Value) {
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &text).unwrap();
    }
    let committed =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        committed == text,
        "{} is out of date: LOGFLEET_WRITE_DOCS=1 cargo test --test docs",
        path.display()
    );
}
