//! What the reconciler has to know of a cluster. Pure.

use std::collections::BTreeSet;

use logfleet_contract::partition;

use super::super::{ResolvedAuthentication, ResolvedCluster, ResolvedDestination};
use crate::settings::{Backend, CredentialDelivery, Distribution};

/// What the reconciler has to know of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconciledCluster {
    /// The servers that its streams go to.
    pub(super) destinations: Vec<ReconciledDestination>,
    /// The Regions in which it may have stacks.
    pub(super) regions: BTreeSet<String>,
    /// Whether its Secrets of Kubernetes are the reconciler's to write.
    pub(super) takes_secrets: bool,
    /// Its name in EKS, if it is there.
    pub(super) eks_name: Option<String>,
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
    /// The secret in AWS Secrets Manager, where the reconciler keeps the credential.
    pub secret: Option<String>,
    /// The domain of Amazon OpenSearch Service that it is, if clusters write there by a role.
    pub domain: Option<ReconciledDomain>,
}

/// A domain of Amazon OpenSearch Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReconciledDomain {
    pub region: String,
    pub account: String,
    /// Its name; none where the host is somebody's own and doesn't say it.
    pub name: Option<String>,
}

impl ReconciledDomain {
    /// The domain's API; of a domain whose name isn't known, that of all domains there.
    pub(super) fn arn(&self) -> String {
        let partition = partition::of_region(&self.region).map_or("aws", |own| own.id);
        format!(
            "arn:{partition}:es:{}:{}:domain/{}/*",
            self.region,
            self.account,
            self.name.as_deref().unwrap_or("*")
        )
    }
}

impl ReconciledCluster {
    /// Keeps what matters.
    pub fn of(cluster: &ResolvedCluster) -> Self {
        let regions = cluster.aws.regions.iter().map(|region| region.name.clone());
        Self {
            destinations: cluster.destinations.iter().map(destination).collect(),
            regions: regions.chain([cluster.cluster.region.clone()]).collect(),
            takes_secrets: matches!(
                cluster.kubernetes.credentials,
                CredentialDelivery::Reconciler {}
            ),
            eks_name: (cluster.cluster.distribution == Distribution::Eks)
                .then(|| cluster.cluster.aws_name.clone()),
        }
    }
}

fn destination(own: &ResolvedDestination) -> ReconciledDestination {
    // As `authentication.json` has it: one that nothing writes to has no credential, and a Secret of Kubernetes is
    // somebody's own.
    let secret = match &own.authentication {
        ResolvedAuthentication::Basic(secret) | ResolvedAuthentication::ApiKey(secret)
            if !own.written.is_empty() =>
        {
            secret.secrets_manager_name.clone()
        }
        _ => None,
    };
    let domain = match &own.authentication {
        ResolvedAuthentication::AwsSigv4 {
            region,
            account,
            domain,
            ..
        } => Some(ReconciledDomain {
            region: region.clone(),
            account: account.clone(),
            name: domain.clone(),
        }),
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
        secret,
        domain,
    }
}
