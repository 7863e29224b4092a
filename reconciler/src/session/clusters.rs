//! The API servers of clusters whose Secrets are written: how each is reached, and what it holds. IO.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use logfleet_contract::authentication::KubernetesSecret;

use super::{Configured, Surroundings};
use crate::aws::{Access, Accounts};
use crate::client::{Client, Connection};
use crate::credential::CredentialName;
use crate::fault::Fault;
use crate::identity::{Identity, Role};
use crate::kubernetes::{ApiServer, Delivery, EksWay, Way};
use crate::server::observe::Observed;
use crate::server::plan::Decisions;
use crate::server::write::PARALLEL;
use crate::settings::{self, EksCluster, SignIn};
use crate::wanted::WantedServer;

/// How long a request to an API server of Kubernetes may take.
const API_SERVER_TIMEOUT: Duration = Duration::from_secs(30);

impl Configured {
    /// The API servers of clusters, with the reconciler's token of each.
    pub(super) fn api_servers(
        &self,
        surroundings: &Surroundings<'_>,
    ) -> Result<BTreeMap<String, ApiServer>, Vec<Fault>> {
        let mut servers = BTreeMap::new();
        let mut faults = Vec::new();
        let mut accounts = BTreeMap::new();
        for (cluster, settings) in &self.settings.kubernetes {
            match self.api_server(cluster, settings, surroundings, &mut accounts) {
                Ok(server) => {
                    servers.insert(cluster.clone(), server);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(servers)
        } else {
            Err(faults)
        }
    }

    fn api_server(
        &self,
        cluster: &str,
        settings: &settings::ApiServer,
        surroundings: &Surroundings<'_>,
        accounts: &mut ByExternalId,
    ) -> Result<ApiServer, Fault> {
        let place = format!("kubernetes.{cluster}");
        let authorities = settings.certificate_authority.as_deref();
        let authorities = self.authorities(&place, authorities)?;
        let way = match &settings.sign_in {
            SignIn::Token(source) => {
                let connection = Connection {
                    url: settings.url.clone().unwrap_or_default(),
                    authorities,
                    timeout: API_SERVER_TIMEOUT,
                    retry: surroundings.retry,
                };
                let place = format!("{place}.token");
                let token = self.secret(&place, source, surroundings.environment)?;
                Way::Token(Box::new(Client::new(&connection, Identity::token(&token))?))
            }
            SignIn::Eks(eks) => Way::Eks(Box::new(EksWay {
                role: Role {
                    accounts: signed_in(accounts, eks, &place, surroundings)?,
                    region: eks.region.clone(),
                    role_arn: eks.role_arn.clone(),
                },
                cluster: eks.name.clone(),
                url: settings.url.clone(),
                authorities,
                timeout: API_SERVER_TIMEOUT,
                retry: surroundings.retry,
                client: OnceLock::new(),
            })),
        };
        Ok(ApiServer { place, way })
    }
}

/// Accounts by what their roles' trust policies ask for, so that clusters share what was signed in.
type ByExternalId = BTreeMap<Option<String>, Arc<Accounts>>;

fn signed_in(
    accounts: &mut ByExternalId,
    eks: &EksCluster,
    place: &str,
    surroundings: &Surroundings<'_>,
) -> Result<Arc<Accounts>, Fault> {
    let external_id = eks.external_id.clone();
    if let Some(known) = accounts.get(&external_id) {
        return Ok(Arc::clone(known));
    }
    let access = Access {
        external_id: external_id.clone(),
        ..Access::default()
    };
    let own = (surroundings.sign_in)(access).map_err(|error| error.fault(place))?;
    let own = Arc::new(own);
    accounts.insert(external_id, Arc::clone(&own));
    Ok(own)
}

/// Sees what clusters hold of their credentials, a few at a time.
pub(super) fn see_deliveries(
    observed: &mut Observed,
    wanted: &WantedServer,
    decisions: &Decisions,
    api_servers: &BTreeMap<String, ApiServer>,
) {
    let chosen = decisions.clusters.as_ref();
    let secrets: Vec<_> = wanted
        .credentials
        .iter()
        .filter(|(name, _)| chosen.is_none_or(|chosen| chosen.contains(&name.cluster)))
        .filter_map(|(name, own)| Some((name, own.kubernetes.as_ref()?)))
        .collect();
    let records = &observed.ledger.inventory.credentials;
    let see = |(name, secret): &(&CredentialName, &KubernetesSecret)| {
        let server = api_servers.get(&name.cluster);
        let seen = |server: &ApiServer| server.delivery(secret, records.get(name));
        ((*name).clone(), server.map_or(Delivery::Others, seen))
    };
    let mut seen = BTreeMap::new();
    for chunk in secrets.chunks(PARALLEL) {
        seen.extend(std::thread::scope(|scope| {
            let started: Vec<_> = chunk
                .iter()
                .map(|one| scope.spawn(move || see(one)))
                .collect();
            let ended = started.into_iter().filter_map(|thread| thread.join().ok());
            ended.collect::<Vec<_>>()
        }));
    }
    observed.deliveries = seen;
}
