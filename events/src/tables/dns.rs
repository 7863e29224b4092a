//! Queries for names.

use crate::field::{Reading as R, Shape, Table, TableName, field};

#[rustfmt::skip]
pub(super) const PUBLIC: Table = Table {
    name: TableName::Route53Query,
    title: "DNS queries to public zones",
    page: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html",
    shape: Shape::Columns {
        columns: &[
            "version",
            "query_timestamp",
            "hosted_zone_id",
            "query_name",
            "query_type",
            "response_code",
            "protocol",
            "edge_location",
            "resolver_ip",
            "edns_client_subnet",
        ],
        at_least: 9,
        also: &[],
    },
    fields: &[
        field("version", "aws.route53.version", R::Keyword, "The version of the record"),
        field("query_timestamp", "event.start", R::DateTime, "When the query arrived"),
        field("hosted_zone_id", "aws.route53.hosted_zone_id", R::Keyword, "The zone"),
        field("query_name", "dns.question.name", R::Domain, "The queried name"),
        field("query_type", "dns.question.type", R::Keyword, "The record type, such as `A`"),
        field("response_code", "dns.response_code", R::Keyword, "The response code, such as `NOERROR`"),
        field("protocol", "network.transport", R::Lower, "`tcp` or `udp`"),
        field("edge_location", "aws.route53.edge_location", R::Keyword, "The location that answered, as an airport code"),
        field("resolver_ip", "source.ip", R::Ip, "The resolver that sent the query"),
        field("edns_client_subnet", "aws.route53.edns_client_subnet", R::Keyword, "The client's network"),
    ],
    time: &["query_timestamp"],
    otherwise: &[],
};

#[rustfmt::skip]
pub(super) const RESOLVER: Table = Table {
    name: TableName::ResolverQuery,
    title: "DNS queries from a VPC",
    page: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html",
    shape: Shape::Json,
    fields: &[
        field("version", "aws.route53.version", R::Keyword, "The version of the record"),
        field("account_id", "cloud.account.id", R::Keyword, "The VPC's account"),
        field("region", "cloud.region", R::Keyword, "The VPC's Region"),
        field("vpc_id", "aws.route53.vpc_id", R::Keyword, "The network"),
        field("query_timestamp", "event.start", R::DateTime, "When the query arrived"),
        field("query_name", "dns.question.name", R::Domain, "The queried name"),
        field("query_type", "dns.question.type", R::Keyword, "The record type, such as `A`"),
        field("query_class", "dns.question.class", R::Keyword, "The class, such as `IN`"),
        field("rcode", "dns.response_code", R::Keyword, "The response code, such as `NOERROR`"),
        field("answers[].Rdata", "dns.answers.data", R::Keyword, "The answers"),
        field("answers[].Rdata", "dns.resolved_ip", R::Ip, "The IP addresses among the answers"),
        field("answers[].Type", "dns.answers.type", R::Keyword, "The types of the answers"),
        field("answers[].Class", "dns.answers.class", R::Keyword, "The classes of the answers"),
        field("srcaddr", "source.ip", R::Ip, "Who sent the query"),
        field("srcaddr", "source.address", R::NotIp, "The same, if it isn't an IP address"),
        field("srcport", "source.port", R::Long, "The client's port"),
        field("transport", "network.transport", R::Lower, "`tcp` or `udp`"),
        field("srcids.instance", "cloud.instance.id", R::Keyword, "The machine that sent the query"),
        field("srcids.resolver_endpoint", "aws.route53.resolver_endpoint", R::Keyword, "The endpoint that sent the query"),
        field("srcids.resolver_network_interface", "aws.route53.resolver_network_interface", R::Keyword, "The endpoint's network interface"),
        field("firewall_rule_group_id", "aws.route53.firewall.rule_group_id", R::Keyword, "The DNS Firewall's rule group that matched"),
        field("firewall_rule_action", "aws.route53.firewall.rule_action", R::Keyword, "`ALERT` or `BLOCK`"),
        field("firewall_domain_list_id", "aws.route53.firewall.domain_list_id", R::Keyword, "The domain list that matched"),
    ],
    time: &["query_timestamp"],
    otherwise: &[],
};
