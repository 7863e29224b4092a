//! The resolve step: settings in, what they mean out. Pure.
//!
//! [`resolve_cluster`] turns one cluster's merged and checked [`Settings`]
//! into a [`ResolvedCluster`], or into every [`Problem`] that a schema can't
//! see. What comes out needs no further question: rendering can't fail on it.

mod built_in;
mod cluster;
mod container;
pub mod day;
mod destination;
mod fleet;
mod name;
mod pattern;
mod problem;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod workload;

use crate::settings::Settings;

pub use cluster::*;
pub use fleet::*;
pub use problem::{Problem, Problems};

/// Resolves one cluster. `patches` are the names of the cluster's own
/// kustomize patches.
pub fn resolve_cluster(
    settings: &Settings,
    patches: &[String],
) -> Result<ResolvedCluster, Problems> {
    let mut problems = Problems::default();
    let cluster = Identity {
        name: settings.name.to_string(),
        slug: name::slug(settings.name.as_str()),
        environment: settings.environment.to_string(),
        distribution: settings.distribution,
        region: settings.region.to_string(),
        account: settings.account.to_string(),
    };
    let sources = source::resolve_sources(settings, &mut problems);
    source::find_streams_nobody_feeds(settings, &mut problems);
    let streams =
        stream::resolve_streams(settings, &cluster, &source::fed(&sources), &mut problems);
    let mut destinations = destination::resolve_destinations(settings, &cluster, &mut problems);
    for destination in &mut destinations {
        destination.data_streams = streams
            .iter()
            .filter(|stream| stream.destinations.contains(&destination.name))
            .map(|stream| stream.data_stream.clone())
            .collect();
        destination.data_streams.sort();
    }
    destinations.retain(|destination| !destination.data_streams.is_empty());
    let daemon_sets =
        workload::resolve_daemon_sets(settings, &sources, &streams, &destinations, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems);
    }
    let role_arn = destinations
        .iter()
        .find_map(|destination| match &destination.authentication {
            ResolvedAuthentication::AwsSigv4 { role_arn, .. } => Some(role_arn.clone()),
            _ => None,
        });
    Ok(ResolvedCluster {
        kubernetes: ResolvedKubernetes {
            namespace: settings.kubernetes.namespace.to_string(),
            log_format: settings.kubernetes.log_format,
            credentials: settings.kubernetes.credentials.clone(),
            monitoring: settings.kubernetes.monitoring.clone(),
            patches: patches.to_vec(),
            role_arn,
        },
        cluster,
        destinations,
        streams,
        sources,
        daemon_sets,
    })
}
