//! A configuration for tests.

use logfleet_contract::forwarder::Configuration;
use serde_json::json;

/// A cluster with two log groups, whose events go to a server at this address.
///
/// # Panics
/// Never: it is a configuration.
#[allow(clippy::expect_used, reason = "it is a configuration")]
pub fn configuration(url: &str) -> Configuration {
    let text = json!({
        "version": 1,
        "cluster": { "name": "alpha", "environment": "test", "region": "eu-central-1", "account": "111122223333" },
        "index": { "type": "logs", "namespace": "alpha" },
        "log_group_prefix": "/logfleet/alpha/",
        "log_groups": {
            "aws/ec2": { "stream": "aws_ec2", "source": "aws.ec2", "members_only": true },
            "aws/vpc": { "stream": "aws_vpc", "source": "aws.vpc" },
        },
        "streams": {
            "aws_ec2": { "dataset": "aws.ec2", "to": ["main"] },
            "aws_vpc": { "dataset": "aws.vpc", "to": ["main"] },
        },
        "destinations": { "main": {
            "backend": "opensearch",
            "url": url,
            "timeout_seconds": 5,
            "bulk_bytes": 262_144,
            "minimum_tls": "1.2",
            "authentication": { "type": "basic", "secret": "logfleet/alpha/main" },
            // The other key is called as ever.
            "keys": { "username_in": "es.user" },
        } },
        "dead_letter_bucket": "dead",
        "resource_group": "members",
        "classic_load_balancers": { "stream": "aws_vpc" },
    });
    Configuration::parse(&text.to_string()).expect("a configuration")
}
