//! Every name that more than one side derives, in one place, so that shippers,
//! indices, privileges and stacks can't drift apart. Pure.
//!
//! Names in AWS, with their limits, are in [`aws`](NameKind); those that only
//! templates need are the generator's own.

mod aws;

pub use aws::{
    ACCOUNT, NameKind, PREFIX, REGION_STACK, account_members_stack, account_name, account_stack,
    aws_name, hash, machines_stack, members_stack, region_stack,
};

/// A cluster's name as part of names that allow neither `-` nor `.`.
///
/// A data stream's parts are separated by `-`, so its namespace must not hold
/// one (<https://www.elastic.co/docs/reference/fleet/data-streams>).
pub fn slug(cluster: &str) -> String {
    cluster.replace(['-', '.'], "_")
}

/// `<type>-<dataset>-<namespace>`.
pub fn data_stream(r#type: &str, dataset: &str, namespace: &str) -> String {
    format!("{type}-{dataset}-{namespace}")
}

/// The role and the user that may only write.
pub fn writer(slug: &str) -> String {
    format!("logfleet-{slug}-writer")
}

/// The role that may only read.
pub fn reader(slug: &str) -> String {
    format!("logfleet-{slug}-reader")
}

/// A role that may only read, of those that the settings name.
pub fn own_reader(slug: &str, name: &str) -> String {
    format!("{}-{name}", reader(slug))
}

/// A cluster's credential in AWS Secrets Manager, unless the settings name another.
pub fn secrets_manager(cluster: &str, destination: &str) -> String {
    format!("logfleet/{cluster}/{destination}")
}

/// How the names of a cluster's own log groups begin. A log group's name may
/// have 512 characters, dots and slashes among them:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>.
pub fn log_group_prefix(cluster: &str) -> String {
    format!("/logfleet/{cluster}/")
}

/// The log group of a stream that the cluster's own shippers write.
pub fn log_group(cluster: &str, stream: &str) -> String {
    log_group_prefix(cluster) + stream
}

/// The log group that logs of AWS come through. No stream is called `aws/…`,
/// so it is none of [`log_group`].
pub fn log_group_of_source(cluster: &str, source: &str) -> String {
    format!("{}aws/{source}", log_group_prefix(cluster))
}

/// Below which the log groups of an account are, which belong to no single
/// cluster; no cluster's name starts with `_`.
pub const ACCOUNT_LOG_GROUPS: &str = "/logfleet/_account/";

/// The log group of an account that a source of all its clusters comes through.
pub fn log_group_of_account(source: &str) -> String {
    format!("{ACCOUNT_LOG_GROUPS}{source}")
}

/// Below which the parameters in AWS Systems Manager are by which an account's
/// distributors know its clusters. All are in the Region of global services.
pub const REGISTRY: &str = "/logfleet/clusters/";

/// The parameter by which the distributors know a cluster.
pub fn registration(cluster: &str) -> String {
    format!("{REGISTRY}{cluster}")
}

/// How a log group is written where there is room for little: without the
/// prefix if it is the cluster's own, otherwise whole. `:`, which no log group
/// has in its name, is put before a whole name that doesn't begin with `/`.
pub fn short_log_group(prefix: &str, name: &str) -> String {
    match name.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => rest.to_owned(),
        _ if name.starts_with('/') => name.to_owned(),
        _ => format!(":{name}"),
    }
}

/// The log group that [`short_log_group`] wrote.
pub fn full_log_group(prefix: &str, short: &str) -> String {
    match short.strip_prefix(':') {
        Some(name) => name.to_owned(),
        None if short.starts_with('/') => short.to_owned(),
        None => format!("{prefix}{short}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_log_group_is_shortened_if_it_is_the_clusters_own() {
        let short = |name| short_log_group("/logfleet/alpha/", name);
        assert_eq!(short("/logfleet/alpha/aws/ec2"), "aws/ec2");
        assert_eq!(short("/aws/eks/alpha/cluster"), "/aws/eks/alpha/cluster");
        assert_eq!(short("aws/ec2"), ":aws/ec2");
        assert_eq!(short("/logfleet/alpha//a"), "/logfleet/alpha//a");
    }

    proptest! {
        #[test]
        fn a_shortened_log_group_leads_back(
            name in "(/logfleet/alpha)?[A-Za-z0-9._/#-]{1,40}",
            other in "(/logfleet/alpha)?[A-Za-z0-9._/#-]{1,40}",
        ) {
            let prefix = log_group_prefix("alpha");
            let short = short_log_group(&prefix, &name);
            prop_assert_eq!(full_log_group(&prefix, &short), &name[..]);
            if name != other {
                prop_assert_ne!(short, short_log_group(&prefix, &other));
            }
        }
    }
}
