//! Puts the steps together: checkout, wanted, observe, plan, apply. IO.

mod clusters;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use clusters::see_deliveries;

use crate::aws::{Access, Accounts, AwsError};
use crate::checkout::{Checkout, FleetLocation};
use crate::client::{Client, Connection, Retry};
use crate::credential::Form;
use crate::fault::Fault;
use crate::identity::{Identity, Role};
use crate::kubernetes::ApiServer;
use crate::plan::{Plan, Subject, TargetPlan};
use crate::server::apply::{Report, Target, apply};
use crate::server::observe::{Observed, observe};
use crate::server::plan::{Decisions, plan};
use crate::settings::{Administrator, Environment, SecretSource, Server, Settings};
use crate::shard::Shard;
use crate::stacks::context::{Context, Pace};
use crate::stacks::plan::Options;
use crate::stacks::session::{Prepared, prepare};
use crate::stacks::wanted::Rendered;
use crate::store::aws::AwsStore;
use crate::store::{SecretStore, Stores};
use crate::wanted::{Wanted, WantedServer};
use crate::work::Work;

/// What a run needs from outside.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Environment variables.
    pub environment: &'a dyn Environment,
    /// Signs in at AWS.
    pub sign_in: &'a dyn Fn(Access) -> Result<Accounts, AwsError>,
    /// Makes the stores of the settings.
    pub stores: &'a dyn Fn(&Settings) -> Result<Stores, Vec<Fault>>,
    /// How requests are sent again.
    pub retry: Retry,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Whether the run is to end: what was begun is finished, and nothing more is begun.
    pub ended: &'a AtomicBool,
    /// Whether somebody watches standard error, so that a bar may be drawn there.
    pub watched: bool,
}

/// The settings, and where they were read.
#[derive(Debug)]
pub struct Configured {
    /// The settings.
    pub settings: Settings,
    /// The folder that paths in them are relative to.
    folder: PathBuf,
}

/// A server that can be spoken to.
#[derive(Debug)]
pub struct Reached {
    /// How it is reached.
    pub connection: Connection,
    /// As the administrator.
    pub client: Client,
    /// What it holds.
    pub observed: Observed,
}

/// Everything that is known before something is done.
#[derive(Debug)]
pub struct Observation {
    /// What is to be.
    pub wanted: Wanted,
    /// The commit.
    pub commit: Option<String>,
    /// What is, or why it isn't known.
    pub servers: BTreeMap<String, Result<Reached, Fault>>,
    /// The API servers of clusters whose Secrets are written.
    pub api_servers: BTreeMap<String, ApiServer>,
    /// What is rendered.
    pub rendered: Checkout,
    /// What would be done in AWS, where that is looked at.
    pub aws: Option<InAws>,
}

/// What would be done in AWS, and the way there.
#[derive(Debug)]
pub struct InAws {
    /// What would be done.
    pub prepared: Prepared,
    accounts: Accounts,
}

/// The stores of AWS that the settings name.
pub fn aws_stores(settings: &Settings) -> Result<Stores, Vec<Fault>> {
    let mut stores = Stores::new();
    let mut faults = Vec::new();
    for (name, store) in &settings.secret_stores {
        match AwsStore::new(name, &store.aws_secrets_manager) {
            Ok(store) => {
                stores.insert(name.clone(), Box::new(store) as Box<dyn SecretStore>);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(stores)
    } else {
        Err(faults)
    }
}

impl Configured {
    /// Reads the settings.
    pub fn read(path: &Path) -> Result<Self, Vec<Fault>> {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Ok(Self {
            settings: Settings::read(path)?,
            folder: folder.to_owned(),
        })
    }

    /// How a server is reached, and a client that signs in as its administrator.
    pub fn connect(
        &self,
        name: &str,
        surroundings: &Surroundings<'_>,
    ) -> Result<(Connection, Client), Fault> {
        let server = &self.settings.servers[name];
        let connection = self.connection(name, server, surroundings.retry)?;
        let client = Client::new(&connection, self.administrator(name, server, surroundings)?)?;
        Ok((connection, client))
    }

    fn connection(&self, name: &str, server: &Server, retry: Retry) -> Result<Connection, Fault> {
        let authorities = server.certificate_authority.as_deref();
        let authorities = self.authorities(&format!("servers.{name}"), authorities)?;
        Ok(Connection {
            url: server.url.clone(),
            authorities,
            timeout: Duration::from_secs(server.timeout_seconds.into()),
            retry,
        })
    }

    fn administrator(
        &self,
        name: &str,
        server: &Server,
        surroundings: &Surroundings<'_>,
    ) -> Result<Identity, Fault> {
        let place = format!("servers.{name}.administrator");
        match &server.administrator {
            Administrator::User { username, password } => {
                let place = format!("{place}.password");
                let password = self.secret(&place, password, surroundings.environment)?;
                Ok(Identity::user(username, &password))
            }
            Administrator::Role(role) => {
                let accounts = (surroundings.sign_in)(Access::default());
                let accounts = accounts.map_err(|error| error.fault(&place))?;
                Ok(Identity::role(Role {
                    accounts: Arc::new(accounts),
                    region: role.region.clone(),
                    role_arn: role.role_arn.clone(),
                }))
            }
        }
    }

    /// The certificates of a PEM file.
    fn authorities(&self, place: &str, path: Option<&Path>) -> Result<Option<Vec<u8>>, Fault> {
        let read = path.map(|path| {
            let path = self.folder.join(path);
            fs::read(&path).map_err(|error| {
                Fault::new(
                    path.display().to_string(),
                    format!("`{place}.certificate_authority` can't be read: {error}"),
                )
            })
        });
        read.transpose()
    }

    fn secret(
        &self,
        place: &str,
        source: &SecretSource,
        environment: &dyn Environment,
    ) -> Result<SecretString, Fault> {
        match source {
            SecretSource::File(path) => {
                let path = self.folder.join(path);
                let text = fs::read_to_string(&path)
                    .map(SecretString::from)
                    .map_err(|error| {
                        Fault::new(place, format!("{} can't be read: {error}", path.display()))
                    })?;
                let trimmed =
                    secrecy::ExposeSecret::expose_secret(&text).trim_end_matches(['\r', '\n']);
                Ok(SecretString::from(trimmed))
            }
            SecretSource::Variable(variable) => environment
                .variable(variable)
                .map(SecretString::from)
                .ok_or_else(|| {
                    Fault::new(
                        place,
                        format!("the environment variable `{variable}` isn't set"),
                    )
                }),
        }
    }

    /// Reads what is rendered, and what every server holds.
    pub fn observe(
        &self,
        fleet: &FleetLocation,
        decisions: &Decisions,
        surroundings: &Surroundings<'_>,
    ) -> Result<Observation, Vec<Fault>> {
        let checkout = fleet.read()?;
        let wanted = Wanted::of(&checkout, &self.settings, decisions.scope)?;
        let mut servers = BTreeMap::new();
        let mut api_servers = BTreeMap::new();
        if decisions.scope.has_servers() {
            api_servers = self.api_servers(surroundings)?;
            servers = self.reach(&wanted, surroundings, decisions.shard);
        }
        if decisions.scope.has_credentials() {
            for (name, reached) in &mut servers {
                if let (Ok(reached), Some(wanted)) = (reached, wanted.servers.get(name)) {
                    see_deliveries(&mut reached.observed, wanted, decisions, &api_servers);
                }
            }
        }
        Ok(Observation {
            api_servers,
            wanted,
            commit: checkout.commit.clone(),
            servers,
            rendered: checkout,
            aws: None,
        })
    }

    /// Reads what is in AWS, and asks what would change there; nothing where the settings don't say how.
    pub fn observe_aws(
        &self,
        rendered: &Checkout,
        decisions: &Decisions,
        work: Work<'_>,
    ) -> Result<Option<InAws>, Vec<Fault>> {
        let settings = match &self.settings.aws {
            Some(settings) if decisions.scope.has_aws() => settings,
            None if !decisions.scope.has_servers() => {
                return Err(vec![
                    Fault::new("--only aws", "the settings have no `aws`")
                        .hint("set `aws.owner` at least: docs/reconciler-aws.md"),
                ]);
            }
            _ => return Ok(None),
        };
        let access = Access {
            role: settings.role.clone(),
            external_id: settings.external_id.clone(),
            ..Access::default()
        };
        let accounts = Accounts::sign_in(access).map_err(|error| vec![error.fault("aws")])?;
        let context = Context {
            accounts: &accounts,
            settings,
            pace: Pace::default(),
            work,
        };
        let options = Options {
            owner: settings.owner.clone(),
            rendered: rendered.clusters.keys().cloned().collect(),
            only: decisions.clusters.clone(),
            confirmed: decisions.removed.clone(),
            drift: decisions.drift,
            most_deleted: decisions.most_deleted,
            shard: decisions.shard,
        };
        let rendered = Rendered {
            clusters: &rendered.clusters,
            accounts: rendered.accounts.as_ref(),
        };
        let prepared = prepare(&context, rendered, &options)?;
        Ok(Some(InAws { prepared, accounts }))
    }

    /// Carries out what was prepared for AWS.
    pub fn apply_aws(&self, aws: &InAws, work: Work<'_>) -> BTreeMap<String, Report> {
        let Some(settings) = &self.settings.aws else {
            return BTreeMap::new();
        };
        let context = Context {
            accounts: &aws.accounts,
            settings,
            pace: Pace::default(),
            work,
        };
        let outcomes = aws.prepared.apply(&context).into_iter();
        let reports = outcomes.map(|(target, outcome)| {
            let report = Report {
                done: outcome.done,
                failed: outcome.failed,
            };
            (target, report)
        });
        reports.collect()
    }

    /// Reads what every server holds that belongs to this run, all of them at the same time.
    pub fn reach(
        &self,
        wanted: &Wanted,
        surroundings: &Surroundings<'_>,
        shard: Option<Shard>,
    ) -> BTreeMap<String, Result<Reached, Fault>> {
        let now = (surroundings.now)();
        // Passwords are read here, since an environment isn't shared among threads.
        let clients: BTreeMap<&String, _> = self
            .settings
            .servers
            .keys()
            .filter(|name| shard.is_none_or(|shard| shard.has_server(name)))
            .map(|name| (name, self.connect(name, surroundings)))
            .collect();
        std::thread::scope(|scope| {
            let started: Vec<_> = clients
                .into_iter()
                .map(|(name, client)| {
                    let backend = self.settings.servers[name].backend;
                    let has_api_keys = wanted.servers.get(name).is_some_and(|server| {
                        let mut credentials = server.credentials.values();
                        credentials.any(|own| own.layout.form == Form::ApiKey)
                    });
                    let thread = scope.spawn(move || {
                        let (connection, client) = client?;
                        let observed = observe(name, &client, backend, has_api_keys, now)?;
                        Ok(Reached {
                            connection,
                            client,
                            observed,
                        })
                    });
                    (name.clone(), thread)
                })
                .collect();
            let ended = started.into_iter().map(|(name, thread)| {
                let result = thread.join();
                let failed = |_| Err(Fault::new(&name, "the thread that read it failed"));
                let result = result.unwrap_or_else(failed);
                (name, result)
            });
            ended.collect()
        })
    }
}

impl Observation {
    /// Says what would be done everywhere. A server that can't be read is a stop.
    pub fn plan(&self, decisions: &Decisions) -> Plan {
        let empty = WantedServer::default();
        let decisions = Decisions {
            rendered: self.wanted.clusters.clone(),
            ..decisions.clone()
        };
        let targets = self.servers.iter().map(|(name, reached)| {
            let target = match reached {
                Ok(reached) => {
                    let wanted = self.wanted.servers.get(name).unwrap_or(&empty);
                    plan(name, wanted, &reached.observed, &decisions)
                }
                Err(fault) => TargetPlan {
                    stops: vec![fault.clone()],
                    ..TargetPlan::default()
                },
            };
            (format!("server/{name}"), target)
        });
        let mut targets: BTreeMap<String, TargetPlan> = targets.collect();
        targets.extend(self.aws.iter().flat_map(|aws| aws.prepared.targets()));
        Plan {
            commit: self.commit.clone(),
            targets,
        }
    }

    /// The stores of credentials, if the plan needs them.
    pub fn stores(
        &self,
        plan: &Plan,
        configured: &Configured,
        surroundings: &Surroundings<'_>,
    ) -> Result<Stores, Vec<Fault>> {
        let mut steps = plan.targets.values().flat_map(|target| &target.steps);
        if steps.any(|step| matches!(step.subject, Subject::Credential(_))) {
            (surroundings.stores)(&configured.settings)
        } else {
            Ok(Stores::new())
        }
    }

    /// Carries a plan out, all servers at the same time.
    pub fn apply(
        &self,
        plan: &Plan,
        stores: &Stores,
        options: &ApplyOptions,
        now: fn() -> Timestamp,
        work: Work<'_>,
    ) -> BTreeMap<String, Report> {
        let empty = WantedServer::default();
        std::thread::scope(|scope| {
            let mut started = Vec::new();
            for (name, reached) in &self.servers {
                let (Ok(reached), Some(target_plan)) =
                    (reached, plan.targets.get(&format!("server/{name}")))
                else {
                    continue;
                };
                let target = Target {
                    server: name,
                    client: &reached.client,
                    connection: &reached.connection,
                    wanted: self.wanted.servers.get(name).unwrap_or(&empty),
                    observed: &reached.observed,
                    stores,
                    api_servers: &self.api_servers,
                    overlap: options.overlap,
                    take_over: options.take_over.as_deref(),
                    now,
                    work,
                };
                started.push((name, scope.spawn(move || apply(target, target_plan))));
            }
            let ended = started.into_iter().map(|(name, thread)| {
                let report = thread.join().unwrap_or_else(|_| Report {
                    failed: vec![Fault::new(name, "the thread that applied the plan failed")],
                    ..Report::default()
                });
                (format!("server/{name}"), report)
            });
            ended.collect()
        })
    }
}

/// How a plan is applied.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// How long an old credential works beside the new one.
    pub overlap: SignedDuration,
    /// A dead run whose place is taken.
    pub take_over: Option<String>,
}

/// Every fault of reports.
pub fn faults(reports: &BTreeMap<String, Report>) -> BTreeSet<&Fault> {
    reports.values().flat_map(|report| &report.failed).collect()
}
