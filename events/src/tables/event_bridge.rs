//! Events of EventBridge, of EC2 and EBS above all.

use crate::field::{Reading as R, Shape, Table, TableName, field};

#[rustfmt::skip]
pub(super) const EVENT: Table = Table {
    name: TableName::EventBridge,
    title: "EventBridge events",
    page: "https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html",
    shape: Shape::Json,
    fields: &[
        field("version", "aws.eventbridge.version", R::Keyword, "The version of the event"),
        field("id", "event.id", R::Keyword, "The event's id"),
        field("detail-type", "aws.eventbridge.detail_type", R::Keyword, "The type of event, such as `EC2 Instance State-change Notification`"),
        field("source", "event.provider", R::Keyword, "The service, such as `aws.ec2`"),
        field("account", "cloud.account.id", R::Keyword, "The account"),
        field("time", "event.start", R::DateTime, "When it happened"),
        field("region", "cloud.region", R::Keyword, "The Region"),
        field("resources", "aws.eventbridge.resources", R::Keyword, "The ARNs of the resources concerned"),
        field("detail", "aws.event", R::Rest, "All details from the service, as `aws.event.detail`, up to 8 KiB. For a CloudTrail record, its own fields are read instead"),
        field("detail.instance-id", "cloud.instance.id", R::Keyword, "The machine"),
        field("detail.EC2InstanceId", "cloud.instance.id", R::Keyword, "The machine in an Auto Scaling event"),
        field("detail.state", "aws.eventbridge.state", R::Keyword, "The machine's state"),
        field("detail.instance-action", "aws.eventbridge.instance_action", R::Keyword, "What a Spot interruption will do"),
        field("detail.event", "event.action", R::Keyword, "What happened to a volume or a snapshot, such as `createVolume`"),
        field("detail.result", "aws.eventbridge.result", R::Keyword, "How it ended"),
        field("detail.cause", "event.reason", R::Keyword, "Why it failed"),
        field("detail.request-id", "aws.eventbridge.request_id", R::Keyword, "The request that caused it"),
        field("detail.snapshot_id", "aws.eventbridge.snapshot", R::Keyword, "The snapshot"),
        field("detail.source", "aws.eventbridge.snapshot_source", R::Keyword, "The source of the snapshot"),
        field("detail.startTime", "aws.eventbridge.started", R::DateTime, "When it began"),
        field("detail.endTime", "event.end", R::DateTime, "When it ended"),
        field("detail.eventTypeCode", "aws.eventbridge.health_event", R::Keyword, "The AWS Health event, such as scheduled maintenance"),
    ],
    time: &["time"],
    otherwise: &[],
};
