//! Every name that is made from another, in one place, so that the shippers,
//! the indices and the privileges can't drift apart. Pure.
//!
//! Names at the indices and in Kubernetes are made here; those of AWS in
//! [`aws`]; those of Argo CD and Flux in [`gitops`]. What forwarder and
//! reconciler derive, too, is made in [`logfleet_contract::names`].

mod aws;
pub(super) mod gitops;

use crate::settings::IndexNaming;

pub use aws::{AwsName, NameKind};
pub(super) use aws::{AwsNames, logical_id, partition, role_arn, subscription_filter};
pub(super) use logfleet_contract::names::{
    log_group, log_group_of_source, log_group_prefix, own_reader, reader, secrets_manager, slug,
    writer,
};

/// The namespace of a cluster's data streams.
pub(super) fn namespace(cluster: &str, naming: &IndexNaming) -> String {
    naming
        .namespace
        .as_ref()
        .map_or_else(|| slug(cluster), ToString::to_string)
}

/// `<type>-<dataset>-<namespace>`.
pub(super) fn data_stream(naming: &IndexNaming, dataset: &str, namespace: &str) -> String {
    logfleet_contract::names::data_stream(naming.r#type.as_str(), dataset, namespace)
}

/// The dataset of a stream that has none set.
pub(super) fn dataset(stream: &str) -> String {
    format!("kubernetes.{}", stream.replace('-', "_"))
}

/// A destination's name as part of a Kubernetes object's name.
pub(super) fn kubernetes_name(destination: &str) -> String {
    destination.replace('_', "-")
}

/// The Kubernetes Secret that holds a destination's credential.
pub(super) fn secret(destination: &str) -> String {
    format!("logfleet-{}", kubernetes_name(destination))
}

/// Start of the environment variables that hold a destination's credential.
pub(super) fn environment_prefix(destination: &str) -> String {
    format!("LOGFLEET_{}", destination.to_uppercase().replace('-', "_"))
}
