//! Every name that is made from another, in one place, so that the shippers,
//! the indices and the privileges can't drift apart. Pure.
//!
//! Names at the indices and in Kubernetes are made here; those of AWS, with
//! their limits, in [`aws`]; those of Argo CD and Flux in [`gitops`].

mod aws;
pub(super) mod gitops;

use crate::settings::IndexNaming;

pub use aws::{AwsName, NameKind};
pub(super) use aws::{
    AwsNames, log_group, log_group_of_source, logical_id, partition, role_arn, subscription_filter,
};

/// A cluster's name as part of names that allow neither `-` nor `.`.
///
/// A data stream's parts are separated by `-`, so its namespace must not hold
/// one (<https://www.elastic.co/docs/reference/fleet/data-streams>).
pub(super) fn slug(cluster: &str) -> String {
    cluster.replace(['-', '.'], "_")
}

/// The namespace of a cluster's data streams.
pub(super) fn namespace(cluster: &str, naming: &IndexNaming) -> String {
    naming
        .namespace
        .as_ref()
        .map_or_else(|| slug(cluster), ToString::to_string)
}

/// `<type>-<dataset>-<namespace>`.
pub(super) fn data_stream(naming: &IndexNaming, dataset: &str, namespace: &str) -> String {
    format!("{}-{dataset}-{namespace}", naming.r#type)
}

/// The dataset of a stream that has none set.
pub(super) fn dataset(stream: &str) -> String {
    format!("kubernetes.{}", stream.replace('-', "_"))
}

/// The role and the user that may only write.
pub(super) fn writer(slug: &str) -> String {
    format!("logfleet-{slug}-writer")
}

/// The role that may only read.
pub(super) fn reader(slug: &str) -> String {
    format!("logfleet-{slug}-reader")
}

/// A destination's name as part of a Kubernetes object's name.
pub(super) fn kubernetes_name(destination: &str) -> String {
    destination.replace('_', "-")
}

/// The Kubernetes Secret that holds a destination's credential.
pub(super) fn secret(destination: &str) -> String {
    format!("logfleet-{}", kubernetes_name(destination))
}

/// A cluster's credential in AWS Secrets Manager.
pub(super) fn secrets_manager(cluster: &str, destination: &str) -> String {
    format!("logfleet/{cluster}/{destination}")
}

/// Start of the environment variables that hold a destination's credential.
pub(super) fn environment_prefix(destination: &str) -> String {
    format!("LOGFLEET_{}", destination.to_uppercase().replace('-', "_"))
}
