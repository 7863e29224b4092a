//! Resources of AWS, and the rows about their properties. Pure.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>

use std::collections::BTreeSet;

use logfleet_contract::account::Registration;
use logfleet_contract::forwarder::{CONFIGURATION_VARIABLE, Configuration, LogGroup};
use serde_json::{Value as Json, json};

use super::rows;
use crate::diff::risk::applier::Stack;
use crate::diff::risk::image::{is_lower, version_of_code};
use crate::diff::risk::objects::{CALL, RESOURCE, RESOURCE_TYPE, RETENTION_CALL};
use crate::diff::risk::privilege::{exposure, iam};
use crate::diff::risk::retention::aws as retention;
use crate::diff::risk::row::{Live, Read, Row, When, word};
use crate::diff::risk::values::{items, text, texts};
use crate::diff::risk::wording::{legible, names};
use crate::diff::risk::{replacement, selection, tls};
use crate::settings::Flag;
use Live::{ByBoth, Is, OfStack, Unsaid};
use Read::{By, Value};
use When::{
    Becomes, Ceases, Changes, ChangesBut, Each, EachAmong, EachOfNew, Fewer, GoneIf, GoneTogether,
    If, Lost, Off,
};

/// What types of resources are called.
const NOUNS: [(&str, &str); 19] = [
    (CALL, "call"),
    ("AWS::CloudTrail::Trail", "trail"),
    ("AWS::EC2::FlowLog", "flow log"),
    ("AWS::Events::Rule", "event rule"),
    ("AWS::IAM::Role", "role of IAM"),
    ("AWS::Kinesis::Stream", "stream of Kinesis"),
    ("AWS::KinesisFirehose::DeliveryStream", "delivery stream"),
    ("AWS::Lambda::EventSourceMapping", "event source mapping"),
    ("AWS::Lambda::Function", "function"),
    ("AWS::Lambda::Permission", "permission to call a function"),
    ("AWS::Logs::Delivery", "delivery of logs"),
    ("AWS::Logs::LogGroup", "log group"),
    ("AWS::Logs::SubscriptionFilter", "subscription filter"),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
        "query log",
    ),
    ("AWS::S3::Bucket", "bucket"),
    ("AWS::SQS::Queue", "queue"),
    ("AWS::SSM::Association", "association of Systems Manager"),
    ("AWS::SSM::Document", "document of Systems Manager"),
    ("AWS::Scheduler::Schedule", "schedule"),
];

/// What a type is called.
pub(in crate::diff::risk) fn noun(kind: &str) -> &'static str {
    let noun = NOUNS.iter().find(|(own, _)| *own == kind);
    noun.map_or("resource", |(_, noun)| noun)
}

/// The name under which people know a resource that holds records; of others
/// it is the logical id.
pub(in crate::diff::risk) fn known_as(resource: &Json) -> Option<&str> {
    const KEYS: [&str; 5] = [
        "LogGroupName",
        "BucketName",
        "DeliveryStreamName",
        "Name",
        "QueueName",
    ];
    if !PLACES
        .split('|')
        .any(|kind| kind == text(resource, "/Type"))
    {
        return None;
    }
    let properties = resource.get("Properties")?;
    KEYS.iter().find_map(|key| properties.get(*key)?.as_str())
}

/// What of AWS brings logs along.
const SHIPPERS: &str = "AWS::Logs::SubscriptionFilter|AWS::Events::Rule|AWS::Scheduler::Schedule|AWS::CloudTrail::Trail|AWS::EC2::FlowLog|AWS::Logs::Delivery|AWS::Lambda::Function|AWS::Lambda::EventSourceMapping|AWS::Lambda::Permission|AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation|AWS::SSM::Association|AWS::SSM::Document";
/// What of AWS holds records, or is where they are written.
const PLACES: &str = "AWS::Logs::LogGroup|AWS::S3::Bucket|AWS::KinesisFirehose::DeliveryStream|AWS::Kinesis::Stream|AWS::SQS::Queue";

/// What is true of most of it.
const UPDATED: Live =
    Is("it holds as soon as the stack is updated; what isn't recorded can't be fetched later");
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
const GIVEN_UP: Live = Is("records of a call that fails again and again are lost");
const NO_CALL: Live = Is(
    "Lambda refuses every call; what is handed to it asynchronously is given up after six hours",
);
const OLD_PLACE: Live = Is("what is in the old bucket stays there");
const NOT_YET: Live = Is("nothing yet");
const IN_BETWEEN: Live = Is("what comes and goes in between isn't seen");

pub(super) const ROWS: &[Row] = rows! {
    SHIPPERS => {
        "": Value, GoneTogether => SourceStops, "gone", OfStack(what_stops);
    }
    PLACES => {
        "": Value, GoneTogether => StreamRemoved, "no longer rendered", OfStack(what_is_in_it);
        "/DeletionPolicy": By(deletion_keeps), Off => StreamRemoved,
            "{title} is no longer kept when its stack is deleted or it leaves the stack", NOT_YET;
        "/UpdateReplacePolicy": By(replacement_keeps), Off => StreamRemoved,
            "{title} is no longer kept when it is replaced", NOT_YET;
    }
    "AWS::IAM::Role" => {
        "": Value, GoneTogether => RoleRemoved, "no longer rendered", OfStack(who_is_refused);
    }
    "AWS::EC2::FlowLog" => {
        "TrafficType": Value, ChangesBut("ALL") => SourceStops,
            "the flow log `{name}` records {after} traffic alone, and recorded {before}", UPDATED;
        "LogFormat": By(fields_of_flows), Fewer => SourceStops,
            "records of the flow log `{name}` no longer have {it}", UPDATED;
    }
    "AWS::Events::Rule" => {
        "State": Value, Becomes("DISABLED") => SourceStops,
            "the event rule `{name}` is switched off", UPDATED;
        "State": Value, If(no_calls_that_read) => SourceStops,
            "the event rule `{name}` no longer sees calls that only read", UPDATED;
        "EventPattern": Value, If(fewer_events) => SourceStops,
            "the event rule `{name}` matches fewer events: {it}", UPDATED;
        "Targets": By(ids_of_targets), Fewer => SourceStops,
            "the event rule `{name}` no longer hands its events to {it}", UPDATED;
        "places of targets": By(places_of_targets), If(another_place) => SourceStops,
            "the event rule `{name}` hands its events to another place ({it})", UPDATED;
        "ScheduleExpression": Value, If(rarer) => SourceStops,
            "the event rule `{name}` runs at {after} instead of {before}", IN_BETWEEN;
    }
    "AWS::CloudTrail::Trail" => {
        "IsLogging": Value, Off => SourceStops,
            "the trail `{name}` records nothing any more", UPDATED;
        "IsMultiRegionTrail": Value, Off => SourceStops,
            "the trail `{name}` records its own Region alone", UPDATED;
        "IncludeGlobalServiceEvents": Value, Off => SourceStops,
            "the trail `{name}` no longer records global services, such as IAM", UPDATED;
        "CloudWatchLogsLogGroupArn": Value, Lost => SourceStops,
            "the trail `{name}` no longer writes to CloudWatch Logs", UPDATED;
        "S3BucketName": Value, Changes => SourceStops,
            "the trail `{name}` writes its files to another bucket", OLD_PLACE;
        "/Properties": Value, If(selection::of_trail) => SourceStops,
            "the trail `{name}` records fewer events: {it}", UPDATED;
    }
    "AWS::Logs::SubscriptionFilter" => {
        "FilterPattern": Value, If(narrower_filter) => SourceStops,
            "the subscription filter `{name}` hands on only what matches `{after}`", UPDATED;
        "DestinationArn": Value, Changes => SourceStops,
            "the subscription filter `{name}` hands its log events to another place", UPDATED;
    }
    "AWS::ResourceGroups::Group" => {
        "ResourceQuery/Query": Value, If(selection::of_group) => SourceStops,
            "the resource group `{name}` has fewer members: {it}", UPDATED;
    }
    "AWS::KinesisFirehose::DeliveryStream" => {
        "ExtendedS3DestinationConfiguration/BucketARN": Value, Changes => SourceStops,
            "the delivery stream `{name}` writes to another bucket", OLD_PLACE;
    }
    "AWS::Logs::DeliverySource" => {
        "LogType": Value, Changes => SourceStops,
            "the delivery source `{name}` is for {after} instead of {before}", UPDATED;
        "ResourceArn": Value, Changes => SourceStops,
            "the delivery source `{name}` is for another resource", UPDATED;
    }
    "AWS::SSM::Association" => {
        "Targets": Value, Changes => SourceStops,
            "the association `{name}` is for other machines",
            // <https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-about.html>
            Is("machines that it is no longer for keep what it installed, and get no updates");
        "MaxErrors": Value, If(lower) => SourceStops,
            "the association `{name}` gives up after {after} failed machines instead of {before}",
            Is("machines that it doesn't get to keep what they have");
    }
    "AWS::SSM::Parameter" => {
        "Value": Value, Each(registers_less) => SourceStops,
            "the account's functions no longer know {it} as the cluster's", UPDATED;
    }
    "AWS::Logs::Delivery" => {
        "RecordFields": Value, If(fewer_fields) => SourceStops,
            "records of the delivery `{name}` no longer have {it}", UPDATED;
    }
    "AWS::Scheduler::Schedule" => {
        "State": Value, Becomes("DISABLED") => SourceStops,
            "the schedule `{name}` is switched off", UPDATED;
        "ScheduleExpression": Value, If(rarer) => SourceStops,
            "the schedule `{name}` runs at {after} instead of {before}", IN_BETWEEN;
    }
    "AWS::Lambda::EventSourceMapping" => {
        "Enabled": Value, Becomes("false") => SourceStops,
            "the event source mapping `{name}` is switched off", UPDATED;
    }
    "AWS::Lambda::EventInvokeConfig" => {
        "DestinationConfig/OnFailure/Destination": Value, Lost => SourceStops,
            "calls that `{name}` gives up are kept nowhere", GIVEN_UP;
    }
    "AWS::Lambda::Function" => {
        "ReservedConcurrentExecutions": Value, Becomes("0") => SourceStops,
            "the function `{name}` may no longer run", NO_CALL;
        "Environment": Value, Each(brings_less) => SourceStops,
            "the function `{name}` {it}", UPDATED;
        "DeadLetterConfig": Value, Lost => SourceStops,
            "calls that `{name}` gives up are kept nowhere", GIVEN_UP;
        "Code/S3Bucket": Value, If(another_source) => PrivilegeWidens,
            "a function's code comes from {it} ({parts})", Unsaid;
        "Code/ImageUri": Value, If(another_source) => PrivilegeWidens,
            "a function's code comes from {it} ({parts})", Unsaid;
        "Code/S3Key": Value, If(older_code) => ImageDowngrade,
            "the code of a function goes from {it}", Unsaid;
    }
    "AWS::Lambda::Url" => {
        "AuthType": Value, EachOfNew(asks_for_nothing) => PrivilegeWidens,
            "everybody may call a function by its address, which asks for nothing ({parts})", Unsaid;
    }
    "AWS::Logs::LogGroup" => {
        "RetentionInDays": Value, If(retention::of_log_group) => RetentionShrinks,
            "records are {it}",
            // <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html>
            Is("what is older is deleted for good, usually within 72 hours after this is applied");
    }
    "AWS::SQS::Queue" => {
        "MessageRetentionPeriod": Value, If(retention::of_queue) => RetentionShrinks,
            "messages of a queue are {it}",
            // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
            Is("what is older is deleted for good, within 15 minutes after this is applied");
    }
    "AWS::Kinesis::Stream" => {
        "RetentionPeriodHours": Value, If(retention::of_stream) => RetentionShrinks,
            "records are {it}", Is("what is older is deleted for good once this is applied");
    }
    "AWS::S3::Bucket" => {
        "NotificationConfiguration": Value, Lost => SourceStops,
            "the bucket `{name}` notifies nothing of new objects any more", UPDATED;
        "NotificationConfiguration": Value, If(notifies_less) => SourceStops,
            "the bucket `{name}` no longer notifies what it notified of new objects", UPDATED;
        "LifecycleConfiguration": Value, Each(retention::of_bucket) => RetentionShrinks,
            "{it}", RULES_HOLD;
        "VersioningConfiguration/Status": Value, Ceases("Enabled") => RetentionShrinks,
            "a bucket keeps no older versions of what is deleted or written over", RULES_HOLD;
        "/Properties": Value, If(retention::lock_of_bucket) => RetentionShrinks,
            "objects are locked against deletion for a shorter time, or no longer", RULES_HOLD;
        "AccessControl": Value, EachOfNew(everybody_reads) => PrivilegeWidens,
            "a bucket is readable by everybody ({parts})", Unsaid;
        "PublicAccessBlockConfiguration": Value, If(blocks_less) => PrivilegeWidens,
            "a bucket may be made public ({parts})", Unsaid;
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
        "OwnershipControls/Rules/0/ObjectOwnership": Value, Ceases("BucketOwnerEnforced") => PrivilegeWidens,
            "objects of a bucket may belong to others, who say who reads them ({parts})", Unsaid;
    }
    "AWS::Lambda::Permission" => {
        "": Value, EachAmong(exposure::other_callers) => PrivilegeWidens, "{it} ({parts})", Unsaid;
    }
    RESOURCE => {
        "": Value, If(replacement::of_resource) => AwsObjectReplaced,
            "{kind} `{name}` is replaced, because {it} changes", ByBoth(replacement::what_becomes);
        "": Value, EachAmong(iam::widened) => PrivilegeWidens, "{it} ({parts})", Unsaid;
        "": Value, EachAmong(exposure::other_targets) => PrivilegeWidens,
            "logs go to another account: {it} ({parts})", Unsaid;
        "refuses plain connections": By(tls::denies_plain), Off => TlsWeakens,
            "a policy no longer refuses connections that aren't encrypted", Unsaid;
        "": Value, GoneIf(tls::bucket_stays) => TlsWeakens,
            "a policy no longer refuses connections that aren't encrypted", Unsaid;
        "ManagedPolicyArns": Value, EachOfNew(more_policies) => PrivilegeWidens,
            "a role gets the managed policy {it} ({parts})", Unsaid;
        "PermissionsBoundary": Value, If(bounds_less) => PrivilegeWidens,
            "{it} what a role may get ({parts})", Unsaid;
        "EnableLogFileValidation": Value, Off => TlsWeakens,
            "files of a trail are no longer signed", Unsaid;
        "encryption": By(encryption), If(encrypted_less) => TlsWeakens, "a store is {it}", Unsaid;
    }
    RESOURCE_TYPE => {
        "": Value, Changes => AwsObjectReplaced, "the resource `{name}` is of another type",
            Is("CloudFormation refuses it, or deletes the old one and makes the new one");
    }
    CALL => {
        "": Value, GoneTogether => SourceStops, "no longer made for each member",
            Is("it is undone for every member when the members' stack is recreated");
        "parameters": By(switched_on), Fewer => SourceStops, "`{name}` no longer switches on {it}",
            Is("it holds as soon as the call is made; what isn't recorded can't be fetched later");
    }
    RETENTION_CALL => {
        "parameters/retentionInDays": Value, If(retention::of_log_group) => RetentionShrinks,
            "records are {it}", Is("what is older is deleted within 72 hours after the call");
    }
};

/// What a call switches on: types of logs of EKS
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html>), or the access log of
/// a load balancer (<https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_AccessLog.html>).
fn switched_on(call: &Json) -> Json {
    let setups = call.pointer("/parameters/logging");
    let setups = setups
        .map_or(&[][..], |all| items(all, "clusterLogging"))
        .iter();
    let on = setups.filter(|setup| setup.get("enabled") == Some(&Json::Bool(true)));
    let types = on.flat_map(|setup| texts(setup.get("types")));
    let attributes = call.pointer("/parameters/LoadBalancerAttributes");
    let attributes = attributes.and_then(Json::as_object).into_iter().flatten();
    let on = attributes.filter(|(_, own)| own.get("Enabled") == Some(&Json::Bool(true)));
    types.chain(on.map(|(name, _)| name.clone())).collect()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html>
const RULES_HOLD: Live = Is("rules hold for objects that exist, too; they are run once a day");

/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-about.html>
fn what_stops(resource: &Json, stack: Stack) -> Option<&'static str> {
    let is_of_machines = text(resource, "/Type").starts_with("AWS::SSM::");
    (stack == Stack::Updated && is_of_machines)
        .then_some("CloudFormation deletes it; what it installed on machines keeps running")
}

fn what_is_in_it(resource: &Json, stack: Stack) -> Option<&'static str> {
    match stack {
        Stack::Stays => None,
        _ if keeps(resource, "DeletionPolicy") => {
            Some("CloudFormation leaves it, with what is in it, and out of the stack")
        }
        _ if text(resource, "/Type") == "AWS::S3::Bucket" => {
            Some("CloudFormation deletes it if it is empty, and fails otherwise")
        }
        _ => Some("CloudFormation deletes it, with what is in it, when the stack is updated"),
    }
}

fn who_is_refused(_: &Json, stack: Stack) -> Option<&'static str> {
    match stack {
        Stack::Stays => None,
        Stack::Updated => {
            Some("CloudFormation deletes it when the stack is updated: what uses it is refused")
        }
        Stack::OfMembers => Some(
            "CloudFormation deletes it for every member when the members' stack is recreated: what uses it is refused",
        ),
    }
}

/// Whether a resource outlives its place in the stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>).
fn keeps(resource: &Json, policy: &str) -> bool {
    matches!(
        text(resource, &format!("/{policy}")),
        "Retain" | "RetainExceptOnCreate"
    )
}

fn deletion_keeps(resource: &Json) -> Json {
    keeps(resource, "DeletionPolicy").into()
}

fn replacement_keeps(resource: &Json) -> Json {
    keeps(resource, "UpdateReplacePolicy").into()
}

/// The fields of a record if none are named
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>).
const FLOW_FIELDS: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

fn fields_of_flows(flow_log: &Json) -> Json {
    let format = flow_log
        .pointer("/Properties/LogFormat")
        .and_then(Json::as_str);
    let fields = format.unwrap_or(FLOW_FIELDS).split_whitespace();
    fields
        .map(|field| field.trim_matches(['$', '{', '}']))
        .collect()
}

fn no_calls_that_read(old: &Json, new: &Json) -> Option<String> {
    let is_so = word(new) == "ENABLED" && word(old).starts_with("ENABLED_");
    is_so.then(String::new)
}

fn fewer_events(old: &Json, new: &Json) -> Option<String> {
    let is_there = !old.is_null() && !new.is_null();
    is_there.then(|| selection::of_events(old, new))?
}

/// Whether a rate has a longer interval. One by `cron` can't be compared
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>).
fn rarer(old: &Json, new: &Json) -> Option<String> {
    let minutes = |expression: &Json| -> Option<u64> {
        let rate = expression
            .as_str()?
            .strip_prefix("rate(")?
            .strip_suffix(')')?;
        let (number, unit) = rate.split_once(' ')?;
        let minutes = match unit.trim_end_matches('s') {
            "minute" => 1,
            "hour" => 60,
            "day" => 24 * 60,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(minutes)
    };
    (minutes(new)? > minutes(old)?).then(String::new)
}

/// Numbers, or shares in percent
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-associations-creating.html>).
fn lower(old: &Json, new: &Json) -> Option<String> {
    let read = |limit: &Json| {
        let limit = word(limit);
        let number: Option<u64> = limit.trim_end_matches('%').parse().ok();
        Some((number?, limit.ends_with('%')))
    };
    let ((old, of_percent), (new, is_percent)) = (read(old)?, read(new)?);
    (of_percent == is_percent && new < old).then(String::new)
}

/// By what the account's functions know a cluster's events; what it wants of sources its settings say.
fn registers_less(old: &Json, new: &Json) -> Vec<String> {
    let read = |value: &Json| Registration::parse(value.as_str()?).ok();
    let (Some(old), Some(new)) = (read(old), read(new)) else {
        return Vec::new();
    };
    // One whose name has its Region in it, and that moves, is another one to them.
    if old.cluster != new.cluster {
        return Vec::new();
    }
    let groups = |own: &Registration| own.resource_groups.values().cloned().collect();
    let [old, new] = [old, new].map(|own| -> [(&str, BTreeSet<String>); 3] {
        let groups = groups(&own);
        [
            ("the resource group", groups),
            ("roles called", own.roles),
            ("the EKS cluster", own.eks.into_iter().collect()),
        ]
    });
    let lost = old
        .into_iter()
        .zip(new)
        .filter_map(|((what, old), (_, new))| {
            let lost: BTreeSet<String> = old.difference(&new).cloned().collect();
            (!lost.is_empty()).then(|| format!("{what} {}", names(&lost)))
        });
    lost.collect()
}

fn ids_of_targets(rule: &Json) -> Json {
    let targets = rule
        .get("Properties")
        .map_or(&[][..], |own| items(own, "Targets"));
    targets.iter().map(|target| text(target, "/Id")).collect()
}

fn places_of_targets(rule: &Json) -> Json {
    let targets = rule
        .get("Properties")
        .map_or(&[][..], |own| items(own, "Targets"));
    let places = targets.iter().map(|target| {
        let place = target.get("Arn").unwrap_or(&Json::Null);
        (text(target, "/Id").to_owned(), place.clone())
    });
    places.collect::<serde_json::Map<_, _>>().into()
}

/// The targets that stay, and have another address.
fn another_place(old: &Json, new: &Json) -> Option<String> {
    let before = old.as_object()?.iter();
    let moved = before.filter(|(id, place)| new.get(id).is_some_and(|after| after != *place));
    let moved: Vec<String> = moved.map(|(id, _)| id.clone()).collect();
    (!moved.is_empty()).then(|| names(&moved))
}

/// Each kind of notification is a list of events with the place that hears of them.
fn notifies_less(old: &Json, new: &Json) -> Option<String> {
    let mut kinds = old.as_object()?.iter();
    let after = new.as_object()?;
    let is_less = |(kind, before): (&String, &Json)| match before.as_array() {
        Some(before) => {
            let after = items(new, kind);
            before.iter().any(|own| !after.contains(own))
        }
        None => !after.contains_key(kind),
    };
    kinds.any(is_less).then(String::new)
}

fn narrower_filter(old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (word(old), word(new));
    // What is asked for beside what was asked for is more.
    let is_wider =
        after.is_empty() || after.starts_with('?') && after.contains(&before) && !before.is_empty();
    (before != after && !is_wider).then_some(after)
}

fn fewer_fields(old: &Json, new: &Json) -> Option<String> {
    let after = texts(Some(new));
    let lost = texts(Some(old)).into_iter();
    let lost: Vec<String> = lost.filter(|field| !after.contains(field)).collect();
    (!lost.is_empty() && !after.is_empty()).then(|| names(&lost))
}

/// What a forwarder is told to leave out that it brought before.
fn brings_less(old: &Json, new: &Json) -> Vec<String> {
    let read = |environment: &Json| {
        let variables = environment.get("Variables")?;
        Configuration::parse(variables.get(CONFIGURATION_VARIABLE)?.as_str()?).ok()
    };
    let (Some(old), Some(new)) = (read(old), read(new)) else {
        return Vec::new();
    };
    let percent = |group: &LogGroup| group.accepted_percent.unwrap_or(100);
    let groups = new.log_groups.iter().filter_map(|(name, group)| {
        let before = old.log_groups.get(name).map_or(0, percent);
        let after = percent(group);
        (after < before)
            .then(|| format!("brings {after} of a hundred accepted flows, not {before}"))
    });
    let streams = new.streams.iter().filter_map(|(name, stream)| {
        let before = &old.streams.get(name)?.log_streams;
        (*before != stream.log_streams && !stream.log_streams.is_all())
            .then(|| format!("chooses other log streams for `{name}`"))
    });
    groups.chain(streams).collect()
}

/// Whoever may write there says what runs.
fn another_source(old: &Json, new: &Json) -> Option<String> {
    let source = |value: &Json| {
        texts(Some(value))
            .first()
            .map(|own| repository(own).to_owned())
    };
    let (before, after) = (source(old)?, source(new)?);
    (before != after).then(|| format!("{} instead of {}", legible(&after), legible(&before)))
}

/// An image without its tag and digest; anything else as it is.
fn repository(source: &str) -> &str {
    let name = source.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && !name.starts_with('{') => repository,
        _ => name,
    }
}

fn older_code(old: &Json, new: &Json) -> Option<String> {
    let (old, new) = (
        old.as_str().unwrap_or_default(),
        new.as_str().unwrap_or_default(),
    );
    let (before, after) = (version_of_code(old)?, version_of_code(new)?);
    is_lower(&after, &before).then(|| format!("{} back to {}", legible(&before), legible(&after)))
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
fn asks_for_nothing(old: Option<&Json>, new: &Json) -> Vec<String> {
    once(new == "NONE" && old.is_none_or(|old| old != "NONE"))
}

fn once(is_so: bool) -> Vec<String> {
    let words = is_so.then(String::new);
    words.into_iter().collect()
}

fn everybody_reads(old: Option<&Json>, new: &Json) -> Vec<String> {
    let is_wide = |acl: &Json| {
        let acl = acl.as_str().unwrap_or_default();
        acl.starts_with("Public") || acl == "AuthenticatedRead"
    };
    once(is_wide(new) && !old.is_some_and(is_wide))
}

fn is_yes(value: &Json) -> bool {
    value == true || value == "true"
}

fn blocks_less(old: &Json, new: &Json) -> Option<String> {
    let mut blocks = old.as_object().into_iter().flatten();
    let is_lost =
        |(name, value): (&String, &Json)| is_yes(value) && !new.get(name).is_some_and(is_yes);
    blocks.any(is_lost).then(String::new)
}

/// Policies of AWS that permit everything, or everything with a service, by
/// their names' ends
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html>).
const FAR_POLICIES: [&str; 3] = ["AdministratorAccess", "PowerUserAccess", "FullAccess"];

fn more_policies(old: Option<&Json>, new: &Json) -> Vec<String> {
    let before = old.map(|old| texts(Some(old)));
    let is_far = |arn: &String| FAR_POLICIES.iter().any(|name| arn.ends_with(name));
    let more = texts(Some(new)).into_iter().filter(|arn| match &before {
        Some(before) => !before.contains(arn),
        None => is_far(arn),
    });
    let more = more.map(|arn| format!("`{}`", arn.rsplit('/').next().unwrap_or_default()));
    let more: Vec<String> = more.collect();
    let said = (!more.is_empty()).then(|| names(&more));
    said.into_iter().collect()
}

fn bounds_less(old: &Json, new: &Json) -> Option<String> {
    let words = if new.is_null() {
        "nothing bounds any more"
    } else {
        "another policy bounds"
    };
    (!old.is_null()).then(|| words.to_owned())
}

/// Properties by which a store is encrypted
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>).
const ENCRYPTION: [&str; 8] = [
    "BucketEncryption",
    "KmsKeyId",
    "KMSKeyId",
    "KmsMasterKeyId",
    "DeliveryStreamEncryptionConfigurationInput",
    "SSESpecification",
    "StreamEncryption",
    "EncryptionAtRestOptions",
];

/// By which properties a store is encrypted, and whether by a key of KMS.
fn encryption(resource: &Json) -> Json {
    let property = |name: &str| resource.pointer(&format!("/Properties/{name}"));
    let mut by: Vec<&str> = ENCRYPTION
        .into_iter()
        .filter(|name| property(name).is_some_and(says))
        .collect();
    by.extend(
        property("SqsManagedSseEnabled")
            .filter(|value| is_yes(value))
            .map(|_| "SqsManagedSseEnabled"),
    );
    let rules = property("BucketEncryption");
    let rules = rules.map_or(&[][..], |all| {
        items(all, "ServerSideEncryptionConfiguration")
    });
    let is_of_kms = |rule: &Json| {
        text(rule, "/ServerSideEncryptionByDefault/SSEAlgorithm").starts_with("aws:kms")
    };
    let of_stream = "/Properties/DeliveryStreamEncryptionConfigurationInput/KeyType";
    let has_own_key =
        rules.iter().any(is_of_kms) || text(resource, of_stream) == "CUSTOMER_MANAGED_CMK";
    if by.is_empty() && !has_own_key {
        return Json::Null;
    }
    json!({"by": by, "key of KMS": has_own_key})
}

/// Whether a property says something: not if it is there with nothing in it.
fn says(value: &Json) -> bool {
    let is_off = |key: &str| value.get(key) == Some(&Json::Bool(false));
    let is_empty = match value {
        Json::Null => true,
        Json::Object(members) => members
            .values()
            .all(|member| *member == Json::Array(vec![])),
        _ => false,
    };
    !is_empty && !is_off("Enabled") && !is_off("SSEEnabled")
}

fn encrypted_less(old: &Json, new: &Json) -> Option<String> {
    let by = |value: &Json| -> BTreeSet<String> { texts(value.get("by")).into_iter().collect() };
    let has_own_key = |value: &Json| value.get("key of KMS") == Some(&Json::Bool(true));
    let what = if !by(old).is_subset(&by(new)) {
        "no longer encrypted as it is told to be"
    } else if has_own_key(old) && !has_own_key(new) {
        "encrypted by a key of the service, and no longer by one of KMS"
    } else {
        return None;
    };
    Some(what.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
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
                "the account's functions no longer know roles called a* as the cluster's",
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
