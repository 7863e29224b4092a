//! The clusters whose Secrets the reconciler writes. Pure.

use serde::Serialize;

use super::super::FleetCluster;
use super::super::address::Address;
use super::super::problem::Problems;
use super::{CopiedAuthority, MountedKey, SECRETS};
use crate::fault::list;
use crate::settings::Reconciler;

/// A cluster whose Secrets the reconciler writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedReconcilerCluster {
    /// Its name.
    pub name: String,
    /// The address of its API server.
    pub api_server: String,
    /// The port of it.
    pub port: u16,
    /// The PEM file of its authorities, beside the settings.
    pub certificate_authority: Option<String>,
    /// The Secret with the token for it.
    pub token: MountedKey,
}

/// Finds the clusters, by name, and the authorities that are copied.
pub(super) fn resolve(
    own: &Reconciler,
    clusters: &[&FleetCluster],
    problems: &mut Problems,
) -> (Vec<ResolvedReconcilerCluster>, Vec<CopiedAuthority>) {
    let taking = clusters
        .iter()
        .filter(|cluster| cluster.reconciled.takes_secrets);
    let taking: Vec<&str> = taking
        .map(|cluster| cluster.cluster.name.as_str())
        .collect();
    let mut authorities = Vec::new();
    let mut found = Vec::new();
    for (number, (name, settings)) in own.clusters.iter().enumerate() {
        let name = name.as_str();
        if !taking.contains(&name) {
            problems.push(
                &["reconciler", "clusters", name],
                format!("no Secrets are written into `{name}`: no cluster of this name has `kubernetes.credentials: {{ type: reconciler }}`"),
                if taking.is_empty() {
                    "remove it".to_owned()
                } else {
                    format!("remove it; clusters that have: {}", list(&taking))
                },
            );
        }
        let certificate_authority = settings.ca_certificate.as_ref().map(|file| {
            let copied = CopiedAuthority {
                from: [file.to_string()].into(),
                to: format!("authorities-cluster-{name}.pem"),
            };
            authorities.push(copied.clone());
            copied.to
        });
        let key = settings.token_in.as_ref();
        found.push(ResolvedReconcilerCluster {
            name: name.to_owned(),
            port: Address::parse(settings.api_server.as_str()).port,
            api_server: settings.api_server.to_string(),
            certificate_authority,
            token: MountedKey {
                volume: format!("cluster-{number}"),
                secret: settings.secret.as_ref().map_or_else(
                    || format!("logfleet-cluster-{name}"),
                    |secret| secret.name().to_owned(),
                ),
                key: key.map_or_else(|| "token".to_owned(), ToString::to_string),
                folder: format!("{SECRETS}/clusters/{name}"),
            },
        });
    }
    (found, authorities)
}
