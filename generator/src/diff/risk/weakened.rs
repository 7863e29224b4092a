//! Resources of AWS that stay, and bring fewer logs along. Pure.

use std::collections::BTreeSet;

use logfleet_contract::forwarder::{CONFIGURATION_VARIABLE, Configuration, LogGroup};
use serde_json::Value as Json;

use super::change::{Change, Found, Resource, items, legible, names, text, texts};
use super::selection;
use super::{Flag, Removed};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        let Some((old, new)) = resource.both() else {
            continue;
        };
        let mut reported = Vec::new();
        compare(&resource, old, new, &mut reported);
        for (what, live) in reported {
            found.push(Flag::SourceStops, what, Some(live.to_owned()));
        }
    }
}

/// What happens, and what becomes of it where it runs.
type Reported = Vec<(String, &'static str)>;

/// What is true of most of it.
const UPDATED: &str =
    "it holds as soon as the stack is updated; what isn't recorded can't be fetched later";

fn compare(resource: &Resource<'_>, old: &Json, new: &Json, reported: &mut Reported) {
    let mut tell = |what: String| reported.push((what, UPDATED));
    let id = legible(resource.id);
    match resource.kind() {
        "AWS::EC2::FlowLog" => flow_log(&id, old, new, &mut tell),
        "AWS::Events::Rule" => event_rule(&id, old, new, &mut tell),
        "AWS::CloudTrail::Trail" => trail(&id, old, new, &mut tell),
        "AWS::Logs::SubscriptionFilter" => subscription(&id, old, new, &mut tell),
        "AWS::ResourceGroups::Group" => {
            if let Some(lost) = selection::of_group(old, new) {
                tell(format!(
                    "the resource group `{id}` has fewer members: {lost}"
                ));
            }
        }
        "AWS::Logs::Delivery" => {
            let fields = |value: &Json| texts(property(value, "RecordFields"));
            let lost = lost(fields(old), fields(new));
            if !lost.is_empty() && !fields(new).is_empty() {
                let lost = names(&lost);
                tell(format!(
                    "records of the delivery `{id}` no longer have {lost}"
                ));
            }
        }
        "AWS::Scheduler::Schedule" if turns(old, new, "State", "DISABLED") => {
            tell(format!("the schedule `{id}` is switched off"));
        }
        "AWS::Lambda::EventSourceMapping" if turns(old, new, "Enabled", "false") => {
            tell(format!("the event source mapping `{id}` is switched off"));
        }
        "AWS::S3::Bucket" if loses(old, new, "NotificationConfiguration") => {
            tell(format!(
                "the bucket `{id}` tells nobody of new objects any more"
            ));
        }
        "AWS::Lambda::Function" => function(&id, old, new, reported),
        "AWS::Lambda::EventInvokeConfig" => {
            let place = "/Properties/DestinationConfig/OnFailure/Destination";
            if old.pointer(place).is_some() && new.pointer(place).is_none() {
                reported.push((
                    format!("calls that `{id}` gives up are kept nowhere"),
                    GIVEN_UP,
                ));
            }
        }
        _ => {}
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
const GIVEN_UP: &str = "records of a call that fails again and again are lost";

fn property<'j>(resource: &'j Json, name: &str) -> Option<&'j Json> {
    resource.get("Properties")?.get(name)
}

fn word(resource: &Json, name: &str) -> String {
    texts(property(resource, name)).join(",")
}

/// Whether a property has that value, and had another one.
fn turns(old: &Json, new: &Json, name: &str, value: &str) -> bool {
    word(new, name) == value && word(old, name) != value
}

/// Whether a property was set, and no longer is.
fn loses(old: &Json, new: &Json, name: &str) -> bool {
    property(old, name).is_some() && property(new, name).is_none()
}

fn lost(old: Vec<String>, new: Vec<String>) -> BTreeSet<String> {
    let new: BTreeSet<String> = new.into_iter().collect();
    old.into_iter().filter(|item| !new.contains(item)).collect()
}

/// The fields of a record if none are named
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>).
const FLOW_FIELDS: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

fn flow_log(id: &str, old: &Json, new: &Json, tell: &mut impl FnMut(String)) {
    let traffic = |value: &Json| word(value, "TrafficType");
    let (before, after) = (traffic(old), traffic(new));
    if before != after && after != "ALL" {
        let (before, after) = (legible(&before), legible(&after));
        tell(format!(
            "the flow log `{id}` records {after} traffic alone, and recorded {before}"
        ));
    }
    let fields = |value: &Json| -> Vec<String> {
        let format = property(value, "LogFormat").and_then(Json::as_str);
        let fields = format.unwrap_or(FLOW_FIELDS).split_whitespace();
        fields
            .map(|field| field.trim_matches(['$', '{', '}']).to_owned())
            .collect()
    };
    let lost = lost(fields(old), fields(new));
    if !lost.is_empty() {
        let lost = names(&lost);
        tell(format!(
            "records of the flow log `{id}` no longer have {lost}"
        ));
    }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html>
fn event_rule(id: &str, old: &Json, new: &Json, tell: &mut impl FnMut(String)) {
    if turns(old, new, "State", "DISABLED") {
        tell(format!("the event rule `{id}` is switched off"));
    } else if turns(old, new, "State", "ENABLED") && word(old, "State").starts_with("ENABLED_") {
        tell(format!(
            "the event rule `{id}` no longer sees calls that only read"
        ));
    }
    if let (Some(old), Some(new)) = (property(old, "EventPattern"), property(new, "EventPattern"))
        && let Some(lost) = selection::of_events(old, new)
    {
        tell(format!(
            "the event rule `{id}` matches fewer events: {lost}"
        ));
    }
    let targets = |value: &Json| -> Vec<String> {
        let targets = property(value, "Targets").and_then(Json::as_array);
        let targets = targets.into_iter().flatten();
        targets
            .map(|target| text(target, "/Id").to_owned())
            .collect()
    };
    let lost = lost(targets(old), targets(new));
    if !lost.is_empty() {
        let lost = names(&lost);
        tell(format!(
            "the event rule `{id}` no longer hands its events to {lost}"
        ));
    }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html>
fn trail(id: &str, old: &Json, new: &Json, tell: &mut impl FnMut(String)) {
    for (name, what) in [
        ("IsLogging", "records nothing any more"),
        ("IsMultiRegionTrail", "records its own Region alone"),
        (
            "IncludeGlobalServiceEvents",
            "no longer records global services, such as IAM",
        ),
    ] {
        let is_true = |value: &Json| word(value, name) == "true";
        if is_true(old) && !is_true(new) {
            tell(format!("the trail `{id}` {what}"));
        }
    }
    if loses(old, new, "CloudWatchLogsLogGroupArn") {
        tell(format!(
            "the trail `{id}` no longer writes to CloudWatch Logs"
        ));
    }
    if let Some(lost) = selection::of_trail(old, new) {
        tell(format!("the trail `{id}` records fewer events: {lost}"));
    }
}

fn subscription(id: &str, old: &Json, new: &Json, tell: &mut impl FnMut(String)) {
    let (before, after) = (word(old, "FilterPattern"), word(new, "FilterPattern"));
    // What is asked for beside what was asked for is more.
    let is_wider =
        after.is_empty() || after.starts_with('?') && after.contains(&before) && !before.is_empty();
    if before != after && !is_wider {
        let after = legible(&after);
        tell(format!(
            "the subscription filter `{id}` hands on only what matches `{after}`"
        ));
    }
    if property(old, "DestinationArn") != property(new, "DestinationArn") {
        tell(format!(
            "the subscription filter `{id}` hands its log events to another place"
        ));
    }
}

fn function(id: &str, old: &Json, new: &Json, reported: &mut Reported) {
    if turns(old, new, "ReservedConcurrentExecutions", "0") {
        let live = "Lambda refuses every call; what is handed to it asynchronously is given up after six hours";
        reported.push((format!("the function `{id}` may no longer run"), live));
    }
    reported.extend(
        brings_less(id, old, new)
            .into_iter()
            .map(|what| (what, UPDATED)),
    );
    if loses(old, new, "DeadLetterConfig") {
        reported.push((
            format!("calls that `{id}` gives up are kept nowhere"),
            GIVEN_UP,
        ));
    }
}

/// What a forwarder is reported to leave out that it brought before.
fn brings_less(id: &str, old: &Json, new: &Json) -> Vec<String> {
    let reported = |resource: &Json| {
        let variables = resource.pointer("/Properties/Environment/Variables")?;
        Configuration::parse(variables.get(CONFIGURATION_VARIABLE)?.as_str()?).ok()
    };
    let (Some(old), Some(new)) = (reported(old), reported(new)) else {
        return Vec::new();
    };
    let mut less = Vec::new();
    for (name, group) in &new.log_groups {
        let percent = |group: &LogGroup| group.accepted_percent.unwrap_or(100);
        let before = old.log_groups.get(name).map_or(0, percent);
        let after = percent(group);
        if after < before {
            less.push(format!(
                "the function `{id}` brings {after} of a hundred accepted flows, not {before}"
            ));
        }
    }
    for (name, stream) in &new.streams {
        let before = old.streams.get(name).map(|own| &own.log_streams);
        if before
            .is_some_and(|before| *before != stream.log_streams && !stream.log_streams.is_all())
        {
            less.push(format!(
                "the function `{id}` chooses other log streams for `{name}`"
            ));
        }
    }
    less
}

/// A call of an API that a fragment asks for, for what CloudFormation can't own.
pub(super) fn check_calls(change: &Change<'_>, found: &mut Found) {
    if change.is_unreadable() {
        return;
    }
    let Some(old) = change
        .old_value()
        .filter(|value| value.get("member_type").is_some())
    else {
        return;
    };
    let of_new = change
        .new_value()
        .map_or(&[][..], |new| items(new, "calls"));
    for before in items(old, "calls") {
        let same = |after: &&Json| {
            ["service", "action"]
                .iter()
                .all(|key| before.get(key) == after.get(key))
        };
        let name = ["service", "action"]
            .map(|key| text(before, &format!("/{key}")))
            .join(":");
        let name = legible(&name);
        match of_new.iter().find(same) {
            Some(after) => compare_calls(&name, before, after, found),
            // A log group that nothing limits is kept for ever.
            None if text(before, "/action") == "PutRetentionPolicy" => {}
            None => {
                let removed = Removed {
                    noun: "call",
                    name,
                    how: "no longer made for each member",
                };
                let live = "it is undone for every member when the members' stack is recreated";
                found.push_removed(change, Flag::SourceStops, removed, live);
            }
        }
    }
}

fn compare_calls(name: &str, old: &Json, new: &Json, found: &mut Found) {
    let days = |call: &Json| {
        call.pointer("/parameters/retentionInDays")
            .and_then(Json::as_u64)
    };
    if let (Some(before), Some(after)) = (days(old), days(new))
        && after < before
    {
        let what = format!("records are deleted after {after} days instead of {before} days");
        let live = "what is older is deleted within 72 hours after the call";
        found.push(Flag::RetentionShrinks, what, Some(live.to_owned()));
    }
    let lost: BTreeSet<String> = switched_on(old)
        .difference(&switched_on(new))
        .cloned()
        .collect();
    if !lost.is_empty() {
        let what = format!("`{name}` no longer switches on {}", names(&lost));
        found.push(
            Flag::SourceStops,
            what,
            Some(UPDATED.replace("the stack is updated", "the call is made")),
        );
    }
}

/// What a call switches on: types of logs of EKS
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html>), or the access log of
/// a load balancer (<https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_AccessLog.html>).
fn switched_on(call: &Json) -> BTreeSet<String> {
    let mut on = BTreeSet::new();
    let setups = call
        .pointer("/parameters/logging/clusterLogging")
        .and_then(Json::as_array);
    for setup in setups.into_iter().flatten() {
        if setup.get("enabled") == Some(&Json::Bool(true)) {
            on.extend(texts(setup.get("types")));
        }
    }
    let attributes = call
        .pointer("/parameters/LoadBalancerAttributes")
        .and_then(Json::as_object);
    for (name, attribute) in attributes.into_iter().flatten() {
        if attribute.get("Enabled") == Some(&Json::Bool(true)) {
            on.insert(name.clone());
        }
    }
    on
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{of_resource, of_values};
    use super::*;

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
                "the flow log `One` records REJECT traffic alone, and recorded ALL",
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
        for (kind, on, off, what) in [
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
                "the event rule `One` no longer sees calls that only read",
            ),
            (
                "AWS::CloudTrail::Trail",
                json!({"IsLogging": true}),
                json!({"IsLogging": false}),
                "the trail `One` records nothing any more",
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
                "the subscription filter `One` hands on only what matches `ERROR`",
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
}
