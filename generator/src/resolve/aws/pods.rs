//! The role of the pods, where the cluster's stack makes it: who may take it on,
//! and what for. Pure.
//!
//! It holds what the rendered configuration makes the pods call, and nothing
//! else; `check/aws/calls.rs` knows the calls and compares.

use std::collections::BTreeSet;

use super::super::{LogWriter, ResolvedAuthentication};
use super::Known;
use super::arn::{Arns, DomainPaths};
use super::forwarder::domain_arns;
use super::resolved::{AwsLogGroup, PodsRole};
use crate::settings::LogstashPlace;

/// The role, if the stack is to make one.
pub(super) fn role(known: Known<'_>, role: &str, groups: &[AwsLogGroup]) -> Option<PodsRole> {
    let kubernetes = &known.settings.kubernetes;
    // A role that somebody names is somebody's own.
    if kubernetes.role_arn.is_some() {
        return None;
    }
    let provider = kubernetes.oidc_provider.as_ref()?.as_str();
    let cluster = known.cluster;
    let arns = Arns::new(&cluster.account, &cluster.region);
    let by_fluentd = written_by_fluentd(known);
    let by_logstash = written_by_logstash(known);
    let written: Vec<&AwsLogGroup> = groups
        .iter()
        .filter(|group| {
            group.group.writer == LogWriter::Shippers
                && streams_of_fluentd(known).contains(group.group.stream.as_str())
        })
        .collect();
    let regions: BTreeSet<&str> = written
        .iter()
        .map(|group| group.group.region.as_str())
        .collect();
    let archives = known.archives.iter().filter(|own| {
        known.streams.iter().any(|stream| {
            streams_of_fluentd(known).contains(stream.name.as_str())
                && stream.shipped_to.contains(&own.name)
        })
    });
    let fluentd_signs = known.daemon_sets.iter().any(|daemon| daemon.needs_role);
    let accounts = [
        ("fluentd", fluentd_signs),
        (
            "logstash",
            !domain_arns(known.destinations, &by_logstash, DomainPaths::Root).is_empty(),
        ),
    ];
    Some(PodsRole {
        role: role.rsplit('/').next().unwrap_or_default().to_owned(),
        provider_arn: arns.open_id_connect_provider(provider),
        provider: provider.to_owned(),
        service_accounts: accounts
            .iter()
            .filter(|(_, signs)| *signs)
            .map(|(name, _)| format!("system:serviceaccount:{}:{name}", kubernetes.namespace))
            .collect(),
        log_group_arns: written.iter().map(|group| group.arn.clone()).collect(),
        listed_log_groups: regions
            .into_iter()
            .map(|region| Arns::new(&cluster.account, region).log_groups())
            .collect(),
        objects: archives
            .map(|archive| format!("{}/{}*", arns.bucket(&archive.bucket), archive.prefix))
            .collect(),
        bulk: domain_arns(
            known.destinations,
            &by_fluentd.union(&by_logstash).copied().collect(),
            DomainPaths::Bulk,
        ),
        roots: domain_arns(known.destinations, &by_logstash, DomainPaths::Root),
    })
}

/// The names of the streams that Fluentd feeds.
fn streams_of_fluentd(known: Known<'_>) -> BTreeSet<&str> {
    let daemons = known.daemon_sets.iter();
    daemons
        .flat_map(|daemon| daemon.streams.iter().map(String::as_str))
        .collect()
}

/// The names of the servers that Fluentd writes to.
fn written_by_fluentd(known: Known<'_>) -> BTreeSet<&str> {
    let daemons = known.daemon_sets.iter();
    daemons
        .flat_map(|daemon| daemon.destinations.iter().map(String::as_str))
        .collect()
}

/// The names of the servers that a Logstash on Kubernetes writes to.
fn written_by_logstash(known: Known<'_>) -> BTreeSet<&str> {
    known
        .logstash
        .iter()
        .filter(|logstash| logstash.runs_on == LogstashPlace::Kubernetes)
        .flat_map(|logstash| logstash.destinations.iter().map(String::as_str))
        .filter(|name| {
            known.destinations.iter().any(|destination| {
                destination.name == *name
                    && matches!(
                        destination.authentication,
                        ResolvedAuthentication::AwsSigv4 { .. }
                    )
            })
        })
        .collect()
}
