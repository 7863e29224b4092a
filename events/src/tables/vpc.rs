//! Flow logs of networks.

use crate::field::{Field, Reading as R, Shape, Table, TableName, field};

/// How many fields AWS writes if none is chosen.
pub(crate) const DEFAULT_COLUMNS: usize = 14;

/// The place of `log-status`.
pub(crate) const LOG_STATUS: usize = 13;

/// Versions 2 to 5, 7 to 11; 6 is that of transit gateways.
pub(super) const COLUMNS: &[&str] = &[
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id",
    "reject-reason",
    "resource-id",
    "encryption-status",
    "instance-tag",
    "instance-tag-2",
    "interface-tag",
    "interface-tag-2",
    "asg-tag",
    "asg-tag-2",
    "interface-type",
    "next-hop-interface-id",
    "next-hop-subnet-id",
    "next-hop-az-id",
    "next-hop-vpc-id",
    "next-hop-interface-type",
];

#[rustfmt::skip]
const FIELDS: &[Field] = &[
    field("version", "aws.vpcflow.version", R::Keyword, "The version of the record: the highest of its fields"),
    field("account-id", "cloud.account.id", R::Keyword, "The account that owns the network interface"),
    field("interface-id", "aws.vpcflow.interface_id", R::Keyword, "The network interface"),
    field("srcaddr", "source.ip", R::Ip, "Where the flow comes from, as the interface sees it"),
    field("srcaddr", "source.address", R::NotIp, "The same, if it isn't an IP address"),
    field("dstaddr", "destination.ip", R::Ip, "Where the flow goes, as the interface sees it"),
    field("dstaddr", "destination.address", R::NotIp, "The same, if it isn't an IP address"),
    field("srcport", "source.port", R::Long, "The port that the flow comes from"),
    field("dstport", "destination.port", R::Long, "The port that the flow goes to"),
    field("protocol", "network.iana_number", R::Keyword, "The protocol's number"),
    field("protocol", "network.transport", R::Transport, "The protocol's name, if its number is one of the common ones"),
    field("packets", "source.packets", R::Long, "Packets of the flow"),
    field("packets", "network.packets", R::Long, "Packets of the flow"),
    field("bytes", "source.bytes", R::Long, "Bytes of the flow"),
    field("bytes", "network.bytes", R::Long, "Bytes of the flow"),
    field("start", "event.start", R::Seconds, "When the first packet arrived"),
    field("end", "event.end", R::Seconds, "When the last packet arrived"),
    field("action", "event.action", R::Lower, "`accept` or `reject`"),
    field("action", "event.outcome", R::Outcome, "`success` or `failure`"),
    field("log-status", "aws.vpcflow.log_status", R::Keyword, "`OK`; `NODATA` if there was no traffic, `SKIPDATA` if records are missing"),
    field("vpc-id", "aws.vpcflow.vpc_id", R::Keyword, "The network"),
    field("subnet-id", "aws.vpcflow.subnet_id", R::Keyword, "The subnet"),
    field("instance-id", "cloud.instance.id", R::Keyword, "The machine"),
    field("tcp-flags", "aws.vpcflow.tcp_flags", R::Long, "TCP flags, as the sum of their bits: FIN 1, SYN 2, RST 4, SYN-ACK 18"),
    field("type", "network.type", R::Lower, "`ipv4`, `ipv6` or `efa`"),
    field("pkt-srcaddr", "aws.vpcflow.pkt_srcaddr", R::Ip, "Where the packets come from, behind NAT"),
    field("pkt-dstaddr", "aws.vpcflow.pkt_dstaddr", R::Ip, "Where the packets go, behind NAT"),
    field("region", "cloud.region", R::Keyword, "The Region"),
    field("az-id", "aws.vpcflow.az_id", R::Keyword, "The Availability Zone's id"),
    field("sublocation-type", "aws.vpcflow.sublocation_type", R::Keyword, "`wavelength`, `outpost` or `localzone`"),
    field("sublocation-id", "aws.vpcflow.sublocation_id", R::Keyword, "Its id"),
    field("pkt-src-aws-service", "aws.vpcflow.pkt_src_aws_service", R::Keyword, "The AWS service that the packets come from"),
    field("pkt-dst-aws-service", "aws.vpcflow.pkt_dst_aws_service", R::Keyword, "The AWS service that the packets go to"),
    field("flow-direction", "network.direction", R::Lower, "`ingress` or `egress`"),
    field("traffic-path", "aws.vpcflow.traffic_path", R::Long, "How outgoing traffic leaves, as an AWS code"),
    field("ecs-cluster-arn", "aws.vpcflow.ecs.cluster_arn", R::Keyword, "The ECS cluster"),
    field("ecs-cluster-name", "aws.vpcflow.ecs.cluster_name", R::Keyword, "Its name"),
    field("ecs-container-instance-arn", "aws.vpcflow.ecs.container_instance_arn", R::Keyword, "The ECS container instance"),
    field("ecs-container-instance-id", "aws.vpcflow.ecs.container_instance_id", R::Keyword, "Its id"),
    field("ecs-container-id", "aws.vpcflow.ecs.container_id", R::Keyword, "The first container"),
    field("ecs-second-container-id", "aws.vpcflow.ecs.second_container_id", R::Keyword, "The second container"),
    field("ecs-service-name", "aws.vpcflow.ecs.service_name", R::Keyword, "The ECS service"),
    field("ecs-task-definition-arn", "aws.vpcflow.ecs.task_definition_arn", R::Keyword, "The task definition"),
    field("ecs-task-arn", "aws.vpcflow.ecs.task_arn", R::Keyword, "The task"),
    field("ecs-task-id", "aws.vpcflow.ecs.task_id", R::Keyword, "Its id"),
    field("reject-reason", "event.reason", R::Keyword, "Why traffic was rejected, such as `BPA`"),
    field("resource-id", "aws.vpcflow.resource_id", R::Keyword, "What the traffic goes through, such as a regional NAT gateway"),
    field("encryption-status", "aws.vpcflow.encryption_status", R::Keyword, "How the flow is encrypted, as an AWS code"),
    field("instance-tag", "aws.vpcflow.instance_tag", R::Keyword, "The machine's first selected tag, percent-encoded"),
    field("instance-tag-2", "aws.vpcflow.instance_tag_2", R::Keyword, "The second one"),
    field("interface-tag", "aws.vpcflow.interface_tag", R::Keyword, "The network interface's first selected tag, percent-encoded"),
    field("interface-tag-2", "aws.vpcflow.interface_tag_2", R::Keyword, "The second one"),
    field("asg-tag", "aws.vpcflow.asg_tag", R::Keyword, "The Auto Scaling group's first selected tag, percent-encoded"),
    field("asg-tag-2", "aws.vpcflow.asg_tag_2", R::Keyword, "The second one"),
    field("interface-type", "aws.vpcflow.interface_type", R::Keyword, "What the interface belongs to, such as `nat_gateway`"),
    field("next-hop-interface-id", "aws.vpcflow.next_hop.interface_id", R::Keyword, "The interface at the other end of the hop"),
    field("next-hop-subnet-id", "aws.vpcflow.next_hop.subnet_id", R::Keyword, "Its subnet"),
    field("next-hop-az-id", "aws.vpcflow.next_hop.az_id", R::Keyword, "Its Availability Zone's id"),
    field("next-hop-vpc-id", "aws.vpcflow.next_hop.vpc_id", R::Keyword, "Its network"),
    field("next-hop-interface-type", "aws.vpcflow.next_hop.interface_type", R::Keyword, "What it belongs to"),
];

pub(super) const FLOW_LOG: Table = Table {
    name: TableName::VpcFlowLog,
    title: "VPC flow logs",
    page: "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html",
    shape: Shape::Columns {
        columns: COLUMNS,
        // The flow log itself says which ones there are.
        at_least: 0,
        also: &[],
    },
    fields: FIELDS,
    time: &["end", "start"],
    otherwise: &[],
};

#[cfg(test)]
mod tests {
    #[test]
    fn the_status_is_where_it_is_said_to_be() {
        assert_eq!(super::COLUMNS[super::LOG_STATUS], "log-status");
        assert_eq!(super::LOG_STATUS + 1, super::DEFAULT_COLUMNS);
    }
}
