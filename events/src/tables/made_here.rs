//! What the forwarder asks for and writes itself, and lines of machines.

use crate::field::{Reading as R, Shape, Table, TableName, field};

#[rustfmt::skip]
pub(super) const METRIC: Table = Table {
    name: TableName::Metric,
    title: "Metrics",
    page: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html",
    shape: Shape::Json,
    fields: &[
        field("start", "event.start", R::DateTime, "The beginning of the period"),
        field("namespace", "metric.namespace", R::Keyword, "The namespace, such as `AWS/EC2`"),
        field("name", "metric.name", R::Keyword, "The metric, such as `CPUUtilization`"),
        field("unit", "metric.unit", R::Keyword, "The unit"),
        field("period_seconds", "metric.period_seconds", R::Long, "Length of the period in seconds"),
        field("sum", "metric.sum", R::Double, "The sum of the values"),
        field("average", "metric.average", R::Double, "Their average"),
        field("minimum", "metric.minimum", R::Double, "The minimum"),
        field("maximum", "metric.maximum", R::Double, "The maximum"),
        field("sample_count", "metric.sample_count", R::Double, "The number of values"),
        field("dimensions", "metric.dimensions", R::Map, "What was measured, such as `metric.dimensions.InstanceId`"),
    ],
    time: &["start"],
    otherwise: &[],
};

#[rustfmt::skip]
pub(super) const INSTANCE_STATUS: Table = Table {
    name: TableName::InstanceStatus,
    title: "EC2 instance status",
    page: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatus.html",
    shape: Shape::Json,
    fields: &[
        field("InstanceId", "cloud.instance.id", R::Keyword, "The machine"),
        field("AvailabilityZone", "cloud.availability_zone", R::Keyword, "Where it runs"),
        field("InstanceState.Name", "aws.ec2.state", R::Keyword, "Its state, such as `running`"),
        field("InstanceStatus.Status", "aws.ec2.instance_status", R::Keyword, "Whether it is reachable: `ok` or `impaired`"),
        field("SystemStatus.Status", "aws.ec2.system_status", R::Keyword, "The same for its host"),
        field("AttachedEbsStatus.Status", "aws.ec2.attached_ebs_status", R::Keyword, "The same for its volumes"),
        field("InstanceStatus.ImpairedSince", "event.start", R::DateTime, "When it became unreachable"),
        field("Events[].Code", "aws.ec2.events.code", R::Keyword, "What is scheduled, such as `system-reboot`"),
        field("Events[].Description", "aws.ec2.events.description", R::Keyword, "AWS's description"),
        field("Events[].NotBefore", "aws.ec2.events.not_before", R::DateTime, "The earliest start"),
        field("Events[].NotAfter", "aws.ec2.events.not_after", R::DateTime, "The latest end"),
        field("OutpostArn", "aws.ec2.outpost_arn", R::Keyword, "The Outpost that it runs on"),
    ],
    time: &[],
    otherwise: &[],
};

#[rustfmt::skip]
pub(super) const MACHINE: Table = Table {
    name: TableName::Machine,
    title: "Lines from machines",
    page: "https://www.rfc-editor.org/rfc/rfc5424",
    shape: Shape::Lines,
    // The fields are those that Filebeat has for the journal.
    fields: &[
        field("time", "event.start", R::DateTime, "When it was logged, if the line has a year"),
        field("host", "host.name", R::Keyword, "The machine"),
        field("program", "systemd.identifier", R::Keyword, "The program, such as `sshd`"),
        field("process", "systemd.pid", R::Long, "Its process"),
        field("severity", "systemd.priority", R::Priority, "Severity, from 0 (emergency) to 7 (debug)"),
    ],
    time: &["time"],
    otherwise: &[],
};
