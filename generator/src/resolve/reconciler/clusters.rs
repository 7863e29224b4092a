//! The clusters whose Secrets the reconciler writes. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::FleetCluster;
use super::super::address::Address;
use super::super::problem::Problems;
use super::aws::role_in;
use super::{CopiedAuthority, MountedKey, SECRETS};
use crate::nearest::did_you_mean;
use crate::settings::{ClusterName, Reconciler, ReconcilerCluster};

/// A cluster whose Secrets the reconciler writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedReconcilerCluster {
    /// Its name.
    pub name: String,
    /// The address of its API server; none where EKS is asked for it.
    pub api_server: Option<String>,
    /// The port of it.
    pub port: u16,
    /// The PEM file of its authorities, beside the settings.
    pub certificate_authority: Option<String>,
    /// The Secret with the token for it; none with a role.
    pub token: Option<MountedKey>,
    /// The cluster of EKS that lets a role in; none with a token.
    pub eks: Option<EksCluster>,
}

/// A cluster of EKS, and the role that it lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EksCluster {
    /// Its name in EKS.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// The role to assume; none for the reconciler's own.
    pub role_arn: Option<String>,
}

impl EksCluster {
    /// Its ARN, as the table of calls has ARNs: policies are the same in each account.
    pub(super) fn arn(&self) -> String {
        format!(
            "arn:aws:eks:{}:<account>:cluster/{}",
            self.region, self.name
        )
    }
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
    let taking: Vec<&FleetCluster> = taking.copied().collect();
    check_names(own, &taking, problems);
    let in_eks = |cluster: &&&FleetCluster| own.eks_tokens && cluster.reconciled.eks_name.is_some();
    if own.eks_tokens && !taking.iter().any(|cluster| in_eks(&cluster)) {
        problems.push(
            &["reconciler", "eks_tokens"],
            "no cluster of EKS has `kubernetes.credentials: { type: reconciler }`, so this has no effect",
            "remove it",
        );
    }
    let mut names: BTreeSet<&str> = own.clusters.keys().map(ClusterName::as_str).collect();
    names.extend(
        taking
            .iter()
            .filter(in_eks)
            .map(|own| own.cluster.name.as_str()),
    );
    let mut authorities = Vec::new();
    let mut found = Vec::new();
    for name in names {
        let settings = own.clusters.get(&ClusterName(name.to_owned()));
        let cluster = taking.iter().find(|cluster| cluster.cluster.name == name);
        let has_secret = settings.is_some_and(|own| own.secret.is_some() || own.token_in.is_some());
        let eks = cluster
            .filter(|cluster| in_eks(cluster) && !has_secret)
            .and_then(|cluster| eks_cluster(own, cluster));
        let api_server = settings.and_then(|settings| settings.api_server.as_ref());
        if api_server.is_none() && eks.is_none() && cluster.is_some() {
            problems.push(
                &["reconciler", "clusters", name, "api_server"],
                format!("the address of the API server of `{name}` isn't known"),
                "set it; or, for a cluster of EKS without a `secret` here, `reconciler.eks_tokens: true`",
            );
        }
        let authority = settings.and_then(|settings| settings.ca_certificate.as_ref());
        let certificate_authority = authority.map(|file| {
            let copied = CopiedAuthority {
                from: [file.to_string()].into(),
                to: format!("authorities-cluster-{name}.pem"),
            };
            authorities.push(copied.clone());
            copied.to
        });
        let token = settings.filter(|_| eks.is_none());
        found.push(ResolvedReconcilerCluster {
            name: name.to_owned(),
            port: api_server.map_or(443, |own| Address::parse(own.as_str()).port),
            api_server: api_server.map(ToString::to_string),
            certificate_authority,
            // Volumes are numbered, since a name may be longer than theirs.
            token: token.map(|settings| token_of(name, settings, found.len())),
            eks,
        });
    }
    (found, authorities)
}

/// Says which clusters take no Secrets.
fn check_names(own: &Reconciler, taking: &[&FleetCluster], problems: &mut Problems) {
    let known = || taking.iter().map(|cluster| cluster.cluster.name.as_str());
    for name in own.clusters.keys().map(ClusterName::as_str) {
        if known().any(|known| known == name) {
            continue;
        }
        problems.push(
            &["reconciler", "clusters", name],
            format!("no Secrets are written into `{name}`: no cluster of this name has `kubernetes.credentials: {{ type: reconciler }}`"),
            did_you_mean(name, known()).unwrap_or_else(|| "remove it".to_owned()),
        );
    }
}

fn eks_cluster(own: &Reconciler, cluster: &FleetCluster) -> Option<EksCluster> {
    let account = cluster.cluster.account.clone();
    Some(EksCluster {
        name: cluster.reconciled.eks_name.clone()?,
        region: cluster.cluster.region.clone(),
        role_arn: role_in(&own.aws, &account),
        account,
    })
}

fn token_of(name: &str, settings: &ReconcilerCluster, number: usize) -> MountedKey {
    let key = settings.token_in.as_ref();
    MountedKey {
        volume: format!("cluster-{number}"),
        secret: settings.secret.as_ref().map_or_else(
            || format!("logfleet-cluster-{name}"),
            |secret| secret.name().to_owned(),
        ),
        key: key.map_or_else(|| "token".to_owned(), ToString::to_string),
        folder: format!("{SECRETS}/clusters/{name}"),
    }
}
