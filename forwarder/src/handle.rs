//! Carries a call of the function out.

mod files;
mod logs;
mod machines;
mod measurements;
pub mod members;
pub mod retries;
pub mod tags;

use std::collections::BTreeMap;

use logfleet_contract::forwarder::{Configuration, ScheduleInput};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use self::members::Members;
use self::tags::KnownTags;
use crate::aws::{Aws, AwsError, Place, s3};
use crate::clock;
use crate::deliver::server::Server;
use crate::deliver::store::Store;
use crate::deliver::{Call, Failed, Filing, Means, deadline};
use crate::http::TrustError;
use crate::invocation::{self, Invocation, Object};
use crate::letter::Shelf;
use crate::metrics::Counters;

/// Bytes of a document that something is written for.
const DOCUMENT: usize = 4 * 1024;

/// The forwarder of a cluster in a Region.
#[derive(Debug)]
pub struct Forwarder {
    configuration: Configuration,
    aws: Aws,
    servers: BTreeMap<String, Server>,
    store: Store,
    members: tokio::sync::Mutex<Members>,
    tags: tokio::sync::Mutex<KnownTags>,
    function: String,
}

/// What Lambda says of a call.
#[derive(Clone, Debug)]
pub struct Context {
    /// The call's id, the same in every try of it.
    pub request: String,
    /// Until when it must be over, in milliseconds since 1970.
    pub deadline: u64,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The line for the function's own log.
    pub line: String,
    /// Why the call failed, if it did.
    pub result: Result<(), Failed>,
}

impl Forwarder {
    /// Prepares it. Nothing is sent before the first call.
    pub fn new(
        configuration: Configuration,
        place: Place,
        function: &str,
    ) -> Result<Self, TrustError> {
        let servers = configuration.destinations.iter();
        let region = &configuration.cluster.region;
        let servers = servers.map(|(name, settings)| (name.clone(), Server::new(settings, region)));
        Ok(Self {
            servers: servers.collect(),
            store: Store::new(&configuration.dead_letter_bucket),
            aws: Aws::new(place)?,
            members: tokio::sync::Mutex::default(),
            tags: tokio::sync::Mutex::default(),
            function: function.to_owned(),
            configuration,
        })
    }

    /// What it is told of its cluster.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    fn means(&self) -> Means<'_> {
        Means {
            aws: &self.aws,
            servers: &self.servers,
            store: &self.store,
        }
    }

    /// Carries out a call.
    pub async fn handle(&self, event: &str, context: &Context) -> Outcome {
        let now = clock::now();
        let deadline = deadline(context.deadline, now);
        let (kind, counters, result) = match invocation::read(event) {
            Err(error) => ("unknown", Counters::default(), Err(Failed(error))),
            Ok(Invocation::Test) => ("test", Counters::default(), Ok(())),
            Ok(Invocation::Schedule(ScheduleInput::Retries {})) => {
                let mut counters = Counters::default();
                let result = self.send_again(deadline, &mut counters).await;
                ("retries", counters, result)
            }
            Ok(invocation) => {
                let filing = Filing {
                    may_fail: true,
                    first: now,
                    attempt: 0,
                    name: context.request.clone(),
                    now,
                };
                let mut call = Call::new(self.means(), filing, deadline);
                let result = self.carry_out(&mut call, &invocation, event, 0, now).await;
                let result = result.map(|_| ());
                (kind(&invocation), std::mem::take(call.counters()), result)
            }
        };
        let mut counters = counters;
        if let Err(Failed(cause)) = &result {
            counters.note(cause.clone());
        }
        Outcome {
            line: counters.line(&self.function, &context.request, kind, now),
            result,
        }
    }

    /// Brings everything that a call is about to its destinations. The first `from` parts of it were
    /// dealt with. The destinations that took nothing, with the reason.
    async fn carry_out(
        &self,
        call: &mut Call<'_>,
        invocation: &Invocation<'_>,
        event: &str,
        from: u64,
        now: i64,
    ) -> Result<BTreeMap<String, String>, Failed> {
        match invocation {
            Invocation::Logs(data) => {
                self.logs(call, event, data, from, now).await?;
                call.finish().await
            }
            Invocation::Objects(objects) => {
                self.objects(call, objects, from, now).await?;
                call.finish().await
            }
            Invocation::Schedule(ScheduleInput::Machines {
                stream,
                status,
                console_output,
            }) => {
                self.machines(call, stream, *status, *console_output, now)
                    .await
            }
            Invocation::Schedule(ScheduleInput::Metrics {
                stream,
                period_seconds,
                metrics,
            }) => {
                self.measurements(call, stream, *period_seconds, metrics, now)
                    .await
            }
            Invocation::Schedule(ScheduleInput::Retries {}) | Invocation::Test => {
                Ok(BTreeMap::new())
            }
        }
    }

    /// What was left under a key; its default if nothing was, or nothing that can be read.
    async fn state<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T, AwsError> {
        let stored = s3::get(&self.aws, self.store.bucket(), key).await?;
        Ok(stored
            .and_then(|own| serde_json::from_slice(&own).ok())
            .unwrap_or_default())
    }

    async fn set_state<T: Serialize>(&self, key: &str, state: &T) -> Result<(), AwsError> {
        // These types hold nothing that JSON hasn't.
        let body = serde_json::to_vec(state).unwrap_or_default();
        s3::put(&self.aws, self.store.bucket(), key, body).await
    }
}

fn kind(invocation: &Invocation<'_>) -> &'static str {
    match invocation {
        Invocation::Logs(_) => "logs",
        Invocation::Objects(_) => "objects",
        Invocation::Schedule(ScheduleInput::Machines { .. }) => "machines",
        Invocation::Schedule(ScheduleInput::Metrics { .. }) => "metrics",
        Invocation::Schedule(ScheduleInput::Retries {}) => "retries",
        Invocation::Test => "test",
    }
}

/// Something of AWS failed that a call can't do without: it is made again.
fn failed(error: &AwsError) -> Failed {
    Failed(error.to_string())
}

/// A notification of objects, as S3 writes it.
fn notification(objects: &[Object]) -> String {
    let records: Vec<_> = objects
        .iter()
        .map(|object| {
            let key: String = object.key.bytes().map(invocation::encoded).collect();
            serde_json::json!({
                "eventSource": "aws:s3",
                "eventTime": object.time.map(crate::time::text),
                "s3": { "bucket": { "name": object.bucket }, "object": { "key": key } },
            })
        })
        .collect();
    serde_json::json!({ "Records": records }).to_string()
}

/// Keeps a call of which so much was dealt with until there is time for the rest.
fn keep_rest(call: &mut Call<'_>, event: &str, from: u64) {
    call.keep(Shelf::Retry, event, from, "no time left");
}

/// The time that is left, for work that isn't a call's.
fn is_over(deadline: Instant) -> bool {
    Instant::now() + std::time::Duration::from_secs(10) >= deadline
}
