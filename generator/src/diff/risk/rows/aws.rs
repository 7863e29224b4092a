//! Resources of AWS, and the rows about their properties. Pure.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>

mod protection;
mod shipping;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use super::rows;
use crate::diff::risk::objects::{CALL, RESOURCE, RESOURCE_TYPE, RETENTION_CALL};
use crate::diff::risk::privilege::{exposure, iam};
use crate::diff::risk::retention::aws as retention;
use crate::diff::risk::row::{Live, Read, Row, When};
use crate::diff::risk::values::text;
use crate::diff::risk::{replacement, selection, tls};
use crate::settings::Flag;
use Live::{ByBoth, Is, OfStack, Unsaid};
use Read::{By, Of, Value};
use When::{
    Becomes, Ceases, Changes, ChangesBut, Each, EachAmong, EachOfNew, Fewer, GoneIf, GoneTogether,
    Has, Higher, If, Lost,
};
use protection::{
    another_source, blocks_less, bounds_less, deletion_keeps, encrypted_less, encryption,
    is_public, more_policies, older_code, replacement_keeps, what_is_in_it, who_is_refused,
};
use shipping::{
    another_place, brings_less, fewer_events, fewer_fields, fields_of_flows, lower, minutes,
    narrower_filter, notifies_less, places_of_targets, registers_less, switched_on, what_stops,
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
    Is("it takes effect when the stack is updated; what isn't recorded can't be fetched later");
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
const GIVEN_UP: Live = Is("records of a call that fails again and again are lost");
const NO_CALL: Live =
    Is("Lambda refuses every call; asynchronous ones are given up after six hours");
const OLD_PLACE: Live = Is("what is in the old bucket stays there");
const NOT_YET: Live = Is("nothing yet");
const IN_BETWEEN: Live = Is("what comes and goes in between isn't seen");
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html>
const RULES_HOLD: Live = Is("the rules also apply to existing objects, and run once a day");

pub(super) const ROWS: &[Row] = rows! {
    SHIPPERS => {
        "": Value, GoneTogether => SourceStops, "gone", OfStack(what_stops);
    }
    PLACES => {
        "": Value, GoneTogether => StreamRemoved, "no longer rendered", OfStack(what_is_in_it);
        "/DeletionPolicy": By(deletion_keeps), Ceases("true") => StreamRemoved,
            "{title} is no longer retained when its stack is deleted or it leaves the stack", NOT_YET;
        "/UpdateReplacePolicy": By(replacement_keeps), Ceases("true") => StreamRemoved,
            "{title} is no longer retained when it is replaced", NOT_YET;
    }
    "AWS::IAM::Role" => {
        "": Value, GoneTogether => RoleRemoved, "no longer rendered", OfStack(who_is_refused);
    }
    "AWS::EC2::FlowLog" => {
        "TrafficType": Value, ChangesBut("ALL") => SourceStops,
            "the flow log `{name}` records only {after} traffic instead of {before}", UPDATED;
        "LogFormat": By(fields_of_flows), Fewer => SourceStops,
            "records of the flow log `{name}` no longer have {it}", UPDATED;
    }
    "AWS::Events::Rule" => {
        "State": Value, Becomes("DISABLED") => SourceStops,
            "the event rule `{name}` is switched off", UPDATED;
        "State": Value, Ceases("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") => SourceStops,
            "the event rule `{name}` no longer matches read-only calls", UPDATED;
        "EventPattern": Value, If(fewer_events) => SourceStops,
            "the event rule `{name}` matches fewer events: {it}", UPDATED;
        "Targets": Of("/Properties/Targets", "/Id"), Fewer => SourceStops,
            "the event rule `{name}` no longer sends its events to {it}", UPDATED;
        "places of targets": By(places_of_targets), If(another_place) => SourceStops,
            "the event rule `{name}` sends its events to another target ({it})", UPDATED;
        "ScheduleExpression": Value, Higher(minutes) => SourceStops,
            "the event rule `{name}` runs at {after} instead of {before}", IN_BETWEEN;
    }
    "AWS::CloudTrail::Trail" => {
        "IsLogging": Value, Ceases("true") => SourceStops,
            "the trail `{name}` no longer records anything", UPDATED;
        "IsMultiRegionTrail": Value, Ceases("true") => SourceStops,
            "the trail `{name}` records only its own Region", UPDATED;
        "IncludeGlobalServiceEvents": Value, Ceases("true") => SourceStops,
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
            "the subscription filter `{name}` only forwards what matches `{after}`", UPDATED;
        "DestinationArn": Value, Changes => SourceStops,
            "the subscription filter `{name}` sends its log events to another destination", UPDATED;
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
            "the delivery source `{name}` delivers {after} instead of {before}", UPDATED;
        "ResourceArn": Value, Changes => SourceStops,
            "the delivery source `{name}` delivers the logs of another resource", UPDATED;
    }
    "AWS::SSM::Association" => {
        "Targets": Value, Changes => SourceStops,
            "the association `{name}` targets other machines",
            // <https://docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-about.html>
            Is("machines it no longer targets keep what it installed, without updates");
        "MaxErrors": Value, If(lower) => SourceStops,
            "the association `{name}` gives up after {after} failed machines instead of {before}",
            Is("machines it doesn't reach keep what they have");
    }
    // Versions in it are those of the settings, which are compared.
    "AWS::SSM::Document" => {
        "Content": Of("/Properties/Content/mainSteps", "/name"), Fewer => SourceStops,
            "the document `{name}` no longer has the step {it}",
            Is("machines keep what it did before, and get no updates of it");
    }
    "AWS::SSM::Parameter" => {
        "Value": Value, Each(registers_less) => SourceStops,
            "the account's functions no longer assign {it} to the cluster", UPDATED;
    }
    "AWS::Logs::Delivery" => {
        "RecordFields": Value, If(fewer_fields) => SourceStops,
            "records of the delivery `{name}` no longer have {it}", UPDATED;
    }
    "AWS::Scheduler::Schedule" => {
        "State": Value, Becomes("DISABLED") => SourceStops,
            "the schedule `{name}` is switched off", UPDATED;
        "ScheduleExpression": Value, Higher(minutes) => SourceStops,
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
    // <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
    "AWS::Lambda::Url" => {
        "AuthType": Value, Has("NONE") => PrivilegeWidens,
            "everybody may call a function by its URL, without authentication ({parts})", Unsaid;
    }
    "AWS::Logs::LogGroup" => {
        "RetentionInDays": Value, If(retention::of_log_group) => RetentionShrinks,
            "records are {it}",
            // <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html>
            Is("older records are deleted for good, usually within 72 hours after this is applied");
    }
    "AWS::SQS::Queue" => {
        "MessageRetentionPeriod": Value, If(retention::of_queue) => RetentionShrinks,
            "messages of a queue are {it}",
            // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
            Is("older messages are deleted for good, within 15 minutes after this is applied");
    }
    "AWS::Kinesis::Stream" => {
        "RetentionPeriodHours": Value, If(retention::of_stream) => RetentionShrinks,
            "records are {it}", Is("older records are deleted for good once this is applied");
    }
    "AWS::S3::Bucket" => {
        "NotificationConfiguration": Value, Lost => SourceStops,
            "the bucket `{name}` no longer sends notifications of new objects", UPDATED;
        "NotificationConfiguration": Value, If(notifies_less) => SourceStops,
            "the bucket `{name}` no longer sends all of its notifications of new objects", UPDATED;
        "LifecycleConfiguration": Value, Each(retention::of_bucket) => RetentionShrinks,
            "{it}", RULES_HOLD;
        "VersioningConfiguration/Status": Value, Ceases("Enabled") => RetentionShrinks,
            "a bucket no longer keeps older versions of deleted or overwritten objects", RULES_HOLD;
        "/Properties": Value, If(retention::lock_of_bucket) => RetentionShrinks,
            "objects are locked against deletion for a shorter time, or no longer", RULES_HOLD;
        "AccessControl": By(is_public), Has("true") => PrivilegeWidens,
            "a bucket is readable by everybody ({parts})", Unsaid;
        "PublicAccessBlockConfiguration": Value, If(blocks_less) => PrivilegeWidens,
            "a bucket may be made public ({parts})", Unsaid;
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
        "OwnershipControls/Rules/0/ObjectOwnership": Value, Ceases("BucketOwnerEnforced") => PrivilegeWidens,
            "objects in a bucket may belong to other accounts, which control who reads them ({parts})", Unsaid;
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
        "refuses plain connections": By(tls::denies_plain), Ceases("true") => TlsWeakens,
            "a policy no longer refuses unencrypted connections", Unsaid;
        "": Value, GoneIf(tls::bucket_stays) => TlsWeakens,
            "a policy no longer refuses unencrypted connections", Unsaid;
        "ManagedPolicyArns": Value, EachOfNew(more_policies) => PrivilegeWidens,
            "a role gets the managed policy {it} ({parts})", Unsaid;
        "PermissionsBoundary": Value, If(bounds_less) => PrivilegeWidens,
            "{it} ({parts})", Unsaid;
        "EnableLogFileValidation": Value, Ceases("true") => TlsWeakens,
            "log file validation of a trail is switched off", Unsaid;
        "encryption": By(encryption), If(encrypted_less) => TlsWeakens, "a store is {it}", Unsaid;
    }
    RESOURCE_TYPE => {
        "": Value, Changes => AwsObjectReplaced, "the resource `{name}` changes its type",
            Is("CloudFormation refuses it, or deletes the old one and makes the new one");
    }
    CALL => {
        "": Value, GoneTogether => SourceStops, "no longer made for each member",
            Is("it is undone for every member when the members' stack is recreated");
        "parameters": By(switched_on), Fewer => SourceStops, "`{name}` no longer switches on {it}",
            Is("it takes effect when the call is made; what isn't recorded can't be fetched later");
    }
    RETENTION_CALL => {
        "parameters/retentionInDays": Value, If(retention::of_log_group) => RetentionShrinks,
            "records are {it}", Is("older records are deleted within 72 hours after the call");
    }
};
