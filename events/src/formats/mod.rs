//! One module for each way in which a format is written. Pure.

mod columns;
mod event_bridge;
mod kubernetes;
mod load_balancer;
mod machine;
mod object;
mod safe;
pub(crate) mod vpc_flow_log;

use crate::compiled::Compiled;
use crate::fault::Fault;
use crate::field::TableName;
use crate::value;
use crate::writer::Writer;
use vpc_flow_log::FlowLogFields;

/// What the text of an event is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// A record of CloudTrail.
    CloudTrail,
    /// A flow log, with the fields of its records in their order.
    VpcFlowLog(FlowLogFields),
    /// Any of the logs of load balancers; which one shows by the text.
    LoadBalancer,
    /// The access log of an Application Load Balancer.
    ApplicationLoadBalancer,
    /// The access log of a Network Load Balancer.
    NetworkLoadBalancer,
    /// The access log of a Classic Load Balancer.
    ClassicLoadBalancer,
    /// The server access log of a bucket, as text or as CloudWatch Logs gets it.
    S3Access,
    /// Queries for names in public zones and queries of networks; which one
    /// shows by the text.
    Route53,
    /// Queries for names in public zones.
    Route53Query,
    /// Queries that a network's resolver got.
    ResolverQuery,
    /// An event of EventBridge, CloudTrail's among them.
    EventBridge,
    /// What a control plane of EKS logs.
    EksControlPlane,
    /// Lines of the kernel.
    Kernel,
    /// Lines of syslog, in any of its forms.
    Syslog,
    /// A measurement, as the forwarder makes it of `GetMetricData`.
    Metric,
    /// The status of a machine, as `DescribeInstanceStatus` has it.
    InstanceStatus,
    /// Anything: the text is kept, and nothing is read from it.
    Text,
}

impl Format {
    /// The format of what a source writes, such as `aws.vpc`; flow logs with
    /// the fields that AWS chooses. None for a source that isn't known.
    pub fn of_source(source: &str) -> Option<Self> {
        Some(match source {
            "aws.cloudtrail" | "aws.dynamodb" => Self::CloudTrail,
            "aws.vpc" => Self::VpcFlowLog(FlowLogFields::default()),
            "aws.elb" => Self::LoadBalancer,
            "aws.s3" => Self::S3Access,
            "aws.route53" => Self::Route53,
            "aws.ec2" | "aws.ebs" | "aws.iam" => Self::EventBridge,
            "kubernetes.control_plane" => Self::EksControlPlane,
            _ => return None,
        })
    }

    /// Whether the forwarder makes the text itself, so that it isn't kept
    /// beside what is read from it.
    pub(crate) const fn is_made_here(&self) -> bool {
        matches!(self, Self::Metric | Self::InstanceStatus)
    }
}

/// Writes what is read from a text.
pub(crate) fn write(format: &Format, text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    match format {
        Format::Text => Ok(()),
        Format::CloudTrail => object::write(TableName::CloudTrail, text, writer),
        Format::ResolverQuery => object::write(TableName::ResolverQuery, text, writer),
        Format::Metric => object::write(TableName::Metric, text, writer),
        Format::InstanceStatus => object::write(TableName::InstanceStatus, text, writer),
        Format::EventBridge => event_bridge::write(text, writer),
        Format::VpcFlowLog(fields) => vpc_flow_log::write(fields, text, writer),
        Format::LoadBalancer => load_balancer::write(text, writer),
        Format::ApplicationLoadBalancer => {
            columns::write(TableName::ApplicationLoadBalancer, text, writer)
        }
        Format::NetworkLoadBalancer => columns::write(TableName::NetworkLoadBalancer, text, writer),
        Format::ClassicLoadBalancer => columns::write(TableName::ClassicLoadBalancer, text, writer),
        Format::S3Access if is_of_cloudtrail(text) => {
            object::write(TableName::CloudTrail, text, writer)
        }
        Format::S3Access => columns::write(TableName::S3Access, text, writer),
        Format::Route53 if is_object(text) => object::write(TableName::ResolverQuery, text, writer),
        Format::Route53 | Format::Route53Query => {
            columns::write(TableName::Route53Query, text, writer)
        }
        Format::EksControlPlane => kubernetes::write(text, writer),
        Format::Kernel => machine::kernel(text, writer),
        Format::Syslog => machine::syslog(text, writer),
    }
}

/// Writes the values that fields have if no source gave one.
fn otherwise(compiled: &Compiled, writer: &mut Writer<'_>) {
    for (field, value) in &compiled.otherwise {
        value::write_text(field, value, writer);
    }
}

/// Whether a text is an object of JSON, if it is of any use.
fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// Data events of a bucket come through the same log group as its access log.
fn is_of_cloudtrail(text: &str) -> bool {
    is_object(text) && memchr::memmem::find(text.as_bytes(), b"\"eventVersion\"").is_some()
}
