//! What the reconciler has to know of a cluster. Pure.

use std::collections::BTreeSet;

use super::super::{ResolvedAuthentication, ResolvedCluster, ResolvedDestination};
use crate::settings::Backend;

/// What the reconciler has to know of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconciledCluster {
    /// The servers that its streams go to.
    pub(super) destinations: Vec<ReconciledDestination>,
    /// The Regions in which it may have stacks.
    pub(super) regions: BTreeSet<String>,
}

/// A destination of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReconciledDestination {
    pub name: String,
    pub backend: Backend,
    pub scheme: String,
    pub host: String,
    pub port: u16,
    pub path: String,
    /// The file below `clusters/` with the authority that signs its certificate.
    pub authority: Option<String>,
    /// Whether the certificate is checked.
    pub verify: bool,
    /// The secret in AWS Secrets Manager, where the reconciler keeps a password: its name, if it isn't the default.
    pub password: Option<Option<String>>,
}

impl ReconciledCluster {
    /// Keeps what matters.
    pub fn of(cluster: &ResolvedCluster) -> Self {
        let regions = cluster.aws.regions.iter().map(|region| region.name.clone());
        Self {
            destinations: cluster.destinations.iter().map(destination).collect(),
            regions: regions.chain([cluster.cluster.region.clone()]).collect(),
        }
    }
}

fn destination(own: &ResolvedDestination) -> ReconciledDestination {
    // As the templates of users ask: one that nothing writes to has none.
    let password = match &own.authentication {
        ResolvedAuthentication::Basic(secret) if !own.written.is_empty() => {
            Some(secret.secrets_manager_name.clone())
        }
        _ => None,
    };
    ReconciledDestination {
        name: own.name.clone(),
        backend: own.backend,
        scheme: own.scheme.clone(),
        host: own.host.clone(),
        port: own.port,
        path: own.path.clone(),
        authority: own.ca_certificate_from.clone(),
        verify: own.verify,
        password,
    }
}
