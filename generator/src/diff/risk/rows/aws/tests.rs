//! What is reported for resources of AWS, and what isn't.

use serde_json::{Value as Json, json};

use crate::diff::risk::tests::{of_resource, of_values};

fn stops(kind: &str, old: &Json, new: &Json) -> Vec<String> {
    let reported = of_resource(kind, old, new).into_iter();
    reported
        .filter_map(|reported| Some(reported.strip_prefix("source-stops: ")?.to_owned()))
        .collect()
}

#[test]
fn a_flow_log_that_records_less_is_reported() {
    let kind = "AWS::EC2::FlowLog";
    let all = json!({"TrafficType": "ALL", "LogFormat": "${srcaddr} ${dstaddr}"});
    assert_eq!(
        stops(
            kind,
            &all,
            &json!({"TrafficType": "REJECT", "LogFormat": "${dstaddr}"})
        ),
        [
            "the flow log `One` records only REJECT traffic instead of ALL",
            "records of the flow log `One` no longer have srcaddr",
        ]
    );
    let rejected = json!({"TrafficType": "REJECT", "LogFormat": "${dstaddr}"});
    assert!(stops(kind, &rejected, &all).is_empty());
}

#[test]
fn a_forwarder_that_leaves_more_out_is_reported() {
    let function = |percent: Option<u8>, exclude: &[&str]| {
        let configuration = json!({
            "version": 1,
            "cluster": { "name": "alpha", "environment": "test", "region": "eu-central-1", "account": "1" },
            "index": { "type": "logs", "namespace": "own" },
            "log_group_prefix": "/logfleet/alpha/",
            "log_groups": { "aws/vpc": { "stream": "aws_vpc", "accepted_percent": percent } },
            "streams": { "aws_vpc": { "dataset": "aws.vpc", "to": [], "log_streams": { "exclude": exclude } } },
            "destinations": {},
            "dead_letter_bucket": "dead",
        });
        json!({"Environment": {"Variables": {"LOGFLEET_CONFIGURATION": configuration.to_string()}}})
    };
    let kind = "AWS::Lambda::Function";
    let (all, some) = (function(None, &[]), function(Some(10), &[]));
    assert_eq!(
        stops(kind, &all, &some),
        ["the function `One` brings 10 of a hundred accepted flows, not 100"]
    );
    assert!(stops(kind, &some, &all).is_empty());
    let without = function(None, &["eni-*"]);
    assert_eq!(
        stops(kind, &all, &without),
        ["the function `One` chooses other log streams for `aws_vpc`"]
    );
    assert!(stops(kind, &without, &all).is_empty());
}

#[test]
fn what_is_switched_off_is_reported() {
    let registered = |roles: &[&str], groups: Json| {
        let registration = json!({"version": 1, "cluster": "a", "resource_groups": groups, "roles": roles, "sources": {}});
        json!({"Value": registration.to_string()})
    };
    for (kind, on, off, what) in [
        (
            "AWS::Events::Rule",
            json!({"ScheduleExpression": "rate(30 minutes)"}),
            json!({"ScheduleExpression": "rate(1 hour)"}),
            "the event rule `One` runs at rate(1 hour) instead of rate(30 minutes)",
        ),
        (
            "AWS::SSM::Association",
            json!({"MaxErrors": "10%"}),
            json!({"MaxErrors": "5%"}),
            "the association `One` gives up after 5% failed machines instead of 10%",
        ),
        (
            "AWS::SSM::Parameter",
            registered(&["a*", "b"], json!({"eu-west-1": "members"})),
            registered(&["b"], json!({"eu-west-1": "members"})),
            "the account's functions no longer assign roles called a* to the cluster",
        ),
        (
            "AWS::Events::Rule",
            json!({"State": "ENABLED"}),
            json!({"State": "DISABLED"}),
            "the event rule `One` is switched off",
        ),
        (
            "AWS::Events::Rule",
            json!({"State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}),
            json!({"State": "ENABLED"}),
            "the event rule `One` no longer matches read-only calls",
        ),
        (
            "AWS::CloudTrail::Trail",
            json!({"IsLogging": true}),
            json!({"IsLogging": false}),
            "the trail `One` no longer records anything",
        ),
        (
            "AWS::CloudTrail::Trail",
            json!({"IsMultiRegionTrail": true, "CloudWatchLogsLogGroupArn": "a"}),
            json!({"IsMultiRegionTrail": true}),
            "the trail `One` no longer writes to CloudWatch Logs",
        ),
        (
            "AWS::Lambda::Function",
            json!({}),
            json!({"ReservedConcurrentExecutions": 0}),
            "the function `One` may no longer run",
        ),
        (
            "AWS::Lambda::EventInvokeConfig",
            json!({"DestinationConfig": {"OnFailure": {"Destination": "a"}}}),
            json!({}),
            "calls that `One` gives up are kept nowhere",
        ),
        (
            "AWS::Logs::SubscriptionFilter",
            json!({"FilterPattern": ""}),
            json!({"FilterPattern": "ERROR"}),
            "the subscription filter `One` only forwards what matches `ERROR`",
        ),
    ] {
        assert_eq!(stops(kind, &on, &off), [what]);
        assert!(stops(kind, &off, &on).is_empty(), "{what}");
        assert!(stops(kind, &on, &on).is_empty(), "{what}");
    }
}

#[test]
fn choices_that_become_narrower_are_reported() {
    let pattern = |sources: &[&str]| json!({"EventPattern": {"source": sources}});
    let rule = "AWS::Events::Rule";
    assert_eq!(
        stops(
            rule,
            &pattern(&["aws.ec2", "aws.iam"]),
            &pattern(&["aws.ec2"])
        ),
        ["the event rule `One` matches fewer events: aws.iam"]
    );
    assert!(
        stops(
            rule,
            &pattern(&["aws.ec2"]),
            &pattern(&["aws.ec2", "aws.iam"])
        )
        .is_empty()
    );
    let wider = json!({"EventPattern": {"source": [{"prefix": "aws."}]}});
    assert!(stops(rule, &pattern(&["aws.ec2"]), &wider).is_empty());
    let group = |tags: Json| json!({"ResourceQuery": {"Query": {"ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": tags}}});
    let one = group(json!([{"Key": "cluster", "Values": ["a"]}]));
    let two = group(json!([{"Key": "cluster", "Values": ["a"]}, {"Key": "team"}]));
    let kind = "AWS::ResourceGroups::Group";
    assert_eq!(
        stops(kind, &one, &two),
        ["the resource group `One` has fewer members: the tag `team` is asked for as well"]
    );
    assert!(stops(kind, &two, &one).is_empty());
    let trail = |fields: Json| json!({"AdvancedEventSelectors": [{"Name": "Calls", "FieldSelectors": fields}]});
    let all = trail(json!([{"Field": "eventCategory", "Equals": ["Management"]}]));
    let writes = trail(
        json!([{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["false"]}]),
    );
    let kind = "AWS::CloudTrail::Trail";
    assert_eq!(
        stops(kind, &all, &writes),
        ["the trail `One` records fewer events: only readOnly Equals false"]
    );
    assert!(stops(kind, &writes, &all).is_empty());
}

#[test]
fn fragments_for_members_are_looked_at() {
    let path = "aws/members/eks-cluster.json";
    let fragment = |types: &[&str], days: u64| {
        json!({"member_type": "AWS::EKS::Cluster",
            "calls": [
                {"service": "eks", "action": "UpdateClusterConfig",
                    "parameters": {"logging": {"clusterLogging": [{"types": types, "enabled": true}]}}},
                {"service": "logs", "action": "PutRetentionPolicy", "parameters": {"retentionInDays": days}},
            ],
            "resources": {"To": {"Type": "AWS::Logs::SubscriptionFilter", "Properties": {}}},
            "once": {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"IsLogging": true}}}})
    };
    let all = fragment(&["api", "audit"], 14);
    assert_eq!(
        of_values(path, &all, &fragment(&["api"], 7)),
        [
            "source-stops: `eks:UpdateClusterConfig` no longer switches on audit",
            "retention-shrinks: records are deleted after 7 days instead of 14 days",
        ]
    );
    assert!(of_values(path, &fragment(&["api"], 7), &all).is_empty());
    assert_eq!(
        of_values(path, &all, &json!({"member_type": "AWS::EKS::Cluster"})),
        [
            "source-stops: the subscription filter `To` is gone",
            "source-stops: the trail `Trail` is gone",
            "source-stops: the call `eks:UpdateClusterConfig` is no longer made for each member",
        ]
    );
}
