//! Amazon Resource Names of what a cluster has in one Region. Pure.
//!
//! The forms are those of <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

use logfleet_contract::secrets::arn_for_policy;

use super::super::name::partition;

/// The Region in which a partition's global services write events and
/// measurements: IAM its calls, Route 53 queries and counts.
pub(in crate::resolve) fn global_region(region: &str) -> &'static str {
    partition(region).global_region
}

/// Whether a Region's accounts have the Regions that most have.
pub(in crate::resolve) fn is_standard_partition(region: &str) -> bool {
    partition(region).id == "aws"
}

/// Paths of a domain of Amazon OpenSearch Service.
#[derive(Clone, Copy, Debug)]
pub(in crate::resolve) enum DomainPaths {
    /// Those of bulk requests, `/_bulk` and `/<index>/_bulk`.
    Bulk,
    /// `/`.
    Root,
}

/// Makes the ARNs of one account in one Region.
#[derive(Clone, Copy, Debug)]
pub(in crate::resolve) struct Arns<'a> {
    account: &'a str,
    region: &'a str,
    partition: &'static str,
}

impl<'a> Arns<'a> {
    pub(in crate::resolve) fn new(account: &'a str, region: &'a str) -> Self {
        Self {
            account,
            region,
            partition: partition(region).id,
        }
    }

    /// The same where the Region is `*`: in the partition of another one.
    pub(in crate::resolve) fn in_partition_of(self, region: &str) -> Self {
        Self {
            partition: partition(region).id,
            ..self
        }
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }

    fn global(&self, service: &str, account: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{account}:{resource}", self.partition)
    }

    pub(in crate::resolve) fn log_group(&self, name: &str) -> String {
        self.arn("logs", &format!("log-group:{name}"))
    }

    pub(in crate::resolve) fn delivery_destination(&self, name: &str) -> String {
        self.arn("logs", &format!("delivery-destination:{name}"))
    }

    /// Everything of CloudWatch Logs, as it names the sources of its own calls.
    pub(in crate::resolve) fn logs(&self) -> String {
        self.arn("logs", "*")
    }

    pub(in crate::resolve) fn rule(&self, name: &str) -> String {
        self.arn("events", &format!("rule/{name}"))
    }

    pub(in crate::resolve) fn function(&self, name: &str) -> String {
        self.arn("lambda", &format!("function:{name}"))
    }

    /// Everything of EC2, as Lambda wants it allowed to whoever runs in a network:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>.
    pub(in crate::resolve) fn network_interfaces(&self) -> String {
        self.arn("ec2", "*/*")
    }

    pub(in crate::resolve) fn firehose(&self, name: &str) -> String {
        self.arn("firehose", &format!("deliverystream/{name}"))
    }

    pub(in crate::resolve) fn trail(&self, name: &str) -> String {
        self.arn("cloudtrail", &format!("trail/{name}"))
    }

    pub(in crate::resolve) fn eks_cluster(&self, name: &str) -> String {
        self.arn("eks", &format!("cluster/{name}"))
    }

    pub(in crate::resolve) fn resource_group(&self, name: &str) -> String {
        self.arn("resource-groups", &format!("group/{name}"))
    }

    pub(in crate::resolve) fn instances(&self) -> String {
        self.arn("ec2", "instance/*")
    }

    pub(in crate::resolve) fn flow_logs(&self) -> String {
        self.arn("ec2", "vpc-flow-log/*")
    }

    pub(in crate::resolve) fn classic_load_balancers(&self) -> String {
        self.arn("elasticloadbalancing", "loadbalancer/*")
    }

    /// What answers at the paths of a domain
    /// (<https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ac.html>).
    pub(in crate::resolve) fn domain(&self, name: &str, paths: DomainPaths) -> String {
        let path = match paths {
            DomainPaths::Bulk => "*_bulk",
            DomainPaths::Root => "",
        };
        self.arn("es", &format!("domain/{name}/{path}"))
    }

    /// Every log group of the account in the Region: listing them can't be
    /// allowed for single ones
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html>).
    pub(in crate::resolve) fn log_groups(&self) -> String {
        self.log_group("*")
    }

    /// Parameters in AWS Systems Manager.
    pub(in crate::resolve) fn parameter(&self, resource: &str) -> String {
        self.arn("ssm", resource)
    }

    /// A secret by its name: Secrets Manager adds `-` and six characters.
    pub(in crate::resolve) fn secret(&self, name: &str) -> String {
        if name.starts_with("arn:") {
            arn_for_policy(name)
        } else {
            self.arn("secretsmanager", &format!("secret:{name}-??????"))
        }
    }

    pub(in crate::resolve) fn role(&self, name: &str) -> String {
        self.global("iam", self.account, &format!("role/{name}"))
    }

    pub(in crate::resolve) fn open_id_connect_provider(&self, name: &str) -> String {
        self.global("iam", self.account, &format!("oidc-provider/{name}"))
    }

    pub(in crate::resolve) fn bucket(&self, name: &str) -> String {
        self.global("s3", "", name)
    }

    pub(in crate::resolve) fn hosted_zones(&self) -> String {
        self.global("route53", "", "hostedzone/*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_lie_in_the_partition_of_their_region() {
        let arns = |region| {
            let arns = Arns::new("111122223333", region);
            [
                arns.log_group("/a"),
                arns.role("r"),
                arns.bucket("b"),
                arns.secret("logfleet/c/main"),
            ]
        };
        assert_eq!(
            arns("eu-central-1"),
            [
                "arn:aws:logs:eu-central-1:111122223333:log-group:/a",
                "arn:aws:iam::111122223333:role/r",
                "arn:aws:s3:::b",
                "arn:aws:secretsmanager:eu-central-1:111122223333:secret:logfleet/c/main-??????",
            ]
        );
        assert_eq!(arns("cn-north-1")[2], "arn:aws-cn:s3:::b");
        assert_eq!(arns("us-gov-east-1")[2], "arn:aws-us-gov:s3:::b");
        assert_eq!(arns("us-iso-west-1")[2], "arn:aws-iso:s3:::b");
        assert_eq!(arns("us-isob-east-1")[2], "arn:aws-iso-b:s3:::b");
        assert_eq!(arns("eusc-de-east-1")[2], "arn:aws-eusc:s3:::b");
        assert_eq!(global_region("cn-northwest-1"), "cn-north-1");
        assert_eq!(global_region("us-isob-west-1"), "us-isob-east-1");
        assert_eq!(global_region("us-gov-east-1"), "us-gov-west-1");
        assert_eq!(global_region("eu-central-1"), "us-east-1");
    }
}
