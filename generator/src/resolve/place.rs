//! Where a cluster is. Its names and addresses follow from that, so only resolving it tells what another
//! place makes of them. Pure.

use super::ResolvedCluster;
use crate::settings::Settings;

/// The Region, account and namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its Region.
    pub region: String,
    /// Its account.
    pub account: String,
    /// The namespace of its Kubernetes objects.
    pub namespace: String,
}

impl Place {
    /// That of a cluster.
    pub fn of(cluster: &ResolvedCluster) -> Self {
        Self {
            region: cluster.cluster.region.clone(),
            account: cluster.cluster.account.clone(),
            namespace: cluster.kubernetes.namespace.clone(),
        }
    }

    /// Puts a cluster there.
    pub(super) fn put(&self, settings: &mut Settings) {
        settings.region.0.clone_from(&self.region);
        settings.account.0.clone_from(&self.account);
        let namespace = &mut settings.kubernetes.namespace.0;
        namespace.clone_from(&self.namespace);
    }
}
