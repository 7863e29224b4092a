use std::collections::BTreeSet;

use super::*;
use crate::tree::TreePath;

fn tree(path: &str, file: &Value) -> RenderedTree {
    let mut tree = RenderedTree::default();
    let path = TreePath::new(path.to_owned()).expect("a path");
    tree.0.insert(path, file.to_string().into_bytes());
    tree
}

/// What the only file of a tree holds after tags `team: shop` were given.
fn tagged(path: &str, file: &Value) -> (Value, Vec<String>) {
    let mut tree = tree(path, file);
    let tags = [("team".to_owned(), "shop".to_owned())].into();
    let faults = apply(&mut tree, "alpha", &tags);
    let faults = faults.sorted().into_iter();
    let faults = faults.map(|fault| fault.message).collect();
    let bytes = tree.0.values().next().expect("a file");
    (serde_json::from_slice(bytes).expect("JSON"), faults)
}

#[test]
fn every_form_of_tags_is_written() {
    let (file, faults) = tagged(
        "aws/eu-central-1/stack.json",
        &json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {
                "Plain": { "Type": "AWS::S3::Bucket" },
                "Own": { "Type": "AWS::SQS::Queue", "Properties": { "Tags": [{ "Key": "team", "Value": "own" }, { "Key": "a", "Value": "b" }] } },
                "Map": { "Type": "AWS::SSM::Parameter", "Properties": { "Name": "/a", "Tags": { "a": "b" } } },
                "None": { "Type": "AWS::Logs::MetricFilter", "Properties": {} },
                "Replaced": { "Type": "AWS::Route53Resolver::ResolverQueryLoggingConfig", "Properties": {} },
                "Unknown": { "Type": "AWS::Example::Thing", "Properties": { "Tags": [] } },
            },
        }),
    );
    assert_eq!(faults, [""; 0]);
    assert_eq!(
        file["Resources"],
        json!({
            "Plain": { "Type": "AWS::S3::Bucket", "Properties": { "Tags": [{ "Key": "team", "Value": "shop" }] } },
            "Own": { "Type": "AWS::SQS::Queue", "Properties": { "Tags": [{ "Key": "team", "Value": "own" }, { "Key": "a", "Value": "b" }] } },
            "Map": { "Type": "AWS::SSM::Parameter", "Properties": { "Name": "/a", "Tags": { "a": "b", "team": "shop" } } },
            "None": { "Type": "AWS::Logs::MetricFilter", "Properties": {} },
            "Replaced": { "Type": "AWS::Route53Resolver::ResolverQueryLoggingConfig", "Properties": {} },
            "Unknown": { "Type": "AWS::Example::Thing", "Properties": { "Tags": [] } },
        })
    );
}

#[test]
fn fragments_are_tagged_and_other_files_are_not() {
    let flow_log = json!({ "Type": "AWS::EC2::FlowLog", "Properties": {} });
    let (file, _) = tagged(
        "aws/members/vpc.json",
        &json!({ "member_type": "AWS::EC2::VPC", "resources": { "A": flow_log }, "once": { "B": flow_log } }),
    );
    let tags = json!([{ "Key": "team", "Value": "shop" }]);
    assert_eq!(file["resources"]["A"]["Properties"]["Tags"], tags);
    assert_eq!(file["once"]["B"]["Properties"]["Tags"], tags);
    let other = json!({ "resources": { "A": flow_log }, "Resources": { "A": flow_log } });
    assert_eq!(tagged("elasticsearch/main/a.json", &other).0, other);
}

#[test]
fn a_type_that_is_not_known_is_a_fault() {
    let (_, faults) = tagged(
        "aws/eu-central-1/stack.json",
        &json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": { "A": { "Type": "AWS::Example::Thing" } } }),
    );
    assert_eq!(
        faults,
        [
            "`A` is to get the tags of `aws.tags`, and gen doesn't know how `AWS::Example::Thing` takes them"
        ]
    );
}

#[test]
fn types_are_sorted_and_named_once() {
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    let sorted: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), sorted.len());
}
