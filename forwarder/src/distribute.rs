//! The distributor of an account: copies what the account logs once to the log
//! groups of the clusters that it belongs to.
//!
//! Whether an event is a cluster's is decided by [`Registration::claims`]. A call
//! that fails is made again by Lambda, and what it had copied is copied twice; the
//! forwarders go by the event's own id.

use std::collections::BTreeMap;
use std::sync::Arc;

use logfleet_contract::account::{AccountConfiguration, KnownMembers, Registration};
use logfleet_contract::members::Member;
use tokio::sync::Mutex;

use crate::aws::logs::{self, Written};
use crate::aws::{Aws, AwsError, Place, groups, parameters};
use crate::clock;
use crate::decode::{self, Envelope};
use crate::deliver::Failed;
use crate::handle::{Context, Outcome};
use crate::http::TrustError;
use crate::invocation::{self, Invocation};
use crate::metrics::Counters;

/// How long what is known of the clusters counts, in milliseconds.
const FRESH: i64 = 5 * 60_000;

/// What is known of the clusters of an account.
#[derive(Debug, Default)]
struct Clusters {
    read_at: Option<i64>,
    known: Arc<Vec<(Registration, KnownMembers)>>,
}

/// Where an event is copied to: a Region and a log group.
type Target = (String, String);

/// The distributor of an account in a Region.
#[derive(Debug)]
pub struct Distributor {
    configuration: AccountConfiguration,
    aws: Aws,
    clusters: Mutex<Clusters>,
    function: String,
}

impl Distributor {
    /// Prepares it. Nothing is sent before the first call.
    pub fn new(
        configuration: AccountConfiguration,
        place: Place,
        function: &str,
    ) -> Result<Self, TrustError> {
        Ok(Self {
            configuration,
            aws: Aws::new(place)?,
            clusters: Mutex::default(),
            function: function.to_owned(),
        })
    }

    /// Carries out a call.
    pub async fn handle(&self, event: &str, context: &Context) -> Outcome {
        let now = clock::now();
        let mut counters = Counters::default();
        let (kind, result) = match invocation::read(event) {
            Ok(Invocation::Logs(data)) => {
                let result = self.distribute(&data, now, &mut counters).await;
                ("distribute", result)
            }
            Ok(_) => (
                "unknown",
                Err(Failed("the event isn't from a log group".to_owned())),
            ),
            Err(error) => ("unknown", Err(Failed(error))),
        };
        if let Err(Failed(cause)) = &result {
            counters.note(cause.clone());
        }
        Outcome {
            line: counters.line(&self.function, &context.request, kind, now),
            result,
        }
    }

    async fn distribute(
        &self,
        data: &str,
        now: i64,
        counters: &mut Counters,
    ) -> Result<(), Failed> {
        let unreadable =
            |error: decode::DecodeError| Failed(format!("the call can't be read: {error}"));
        let packed = decode::packed(data).map_err(unreadable)?;
        let mut envelope = Envelope::open(&packed).map_err(unreadable)?;
        let header = envelope.header().clone();
        if header.is_control() {
            return Ok(());
        }
        let Some(source) = self
            .configuration
            .log_groups
            .get(&header.log_group)
            .copied()
        else {
            return Err(Failed(format!(
                "the log group `{}` isn't configured",
                header.log_group
            )));
        };
        let clusters = self.clusters(now, counters).await?;
        let mut batches: BTreeMap<Target, Batch> = BTreeMap::new();
        while let Some(next) = envelope.next().map_err(unreadable)? {
            counters.events += 1;
            let Ok(log) = next else {
                counters.rejected += 1;
                continue;
            };
            // What is no record of CloudTrail belongs to nobody; it stays in the account's log group.
            let Ok(record) = serde_json::from_str(&log.message) else {
                counters.unparsed += 1;
                continue;
            };
            let time = log.timestamp.unwrap_or(now);
            counters.saw(time, now);
            let mut is_claimed = false;
            for (registration, members) in clusters.iter() {
                let Some(wanted) = registration.claims(source, &record, members) else {
                    continue;
                };
                is_claimed = true;
                let target = (wanted.region.clone(), wanted.log_group.clone());
                let batch = batches.entry(target.clone()).or_default();
                let full = (!batch.has_room(&log.message)).then(|| std::mem::take(batch));
                batch.push(time, log.message.clone().into_owned());
                if let Some(full) = full {
                    self.write(&target, &header.log_stream, full, counters)
                        .await?;
                }
            }
            counters.foreign += u64::from(!is_claimed);
        }
        for (target, batch) in batches {
            self.write(&target, &header.log_stream, batch, counters)
                .await?;
        }
        Ok(())
    }

    async fn write(
        &self,
        (region, group): &Target,
        stream: &str,
        batch: Batch,
        counters: &mut Counters,
    ) -> Result<(), Failed> {
        let aws = self.aws.in_region(region);
        for events in batch.requests() {
            let refused = logs::put(&aws, group, stream, &events)
                .await
                .map_err(|error| Failed(format!("`{group}` in {region}: {error}")))?;
            counters.delivered += (events.len() as u64).saturating_sub(refused);
            counters.rejected += refused;
        }
        Ok(())
    }

    /// The clusters and their members, read again if what is known is old.
    async fn clusters(
        &self,
        now: i64,
        counters: &mut Counters,
    ) -> Result<Arc<Vec<(Registration, KnownMembers)>>, Failed> {
        let mut clusters = self.clusters.lock().await;
        if clusters.read_at.is_none_or(|at| now - at >= FRESH) {
            let known = self.read_clusters(counters).await;
            clusters.known = Arc::new(known.map_err(|error| Failed(error.to_string()))?);
            clusters.read_at = Some(now);
        }
        Ok(Arc::clone(&clusters.known))
    }

    async fn read_clusters(
        &self,
        counters: &mut Counters,
    ) -> Result<Vec<(Registration, KnownMembers)>, AwsError> {
        let registry = &self.configuration.registry;
        let aws = self.aws.in_region(&registry.region);
        let mut known = Vec::new();
        for parameter in parameters::below(&aws, &registry.path).await? {
            let registration = match Registration::parse(&parameter.value) {
                Ok(registration) => registration,
                // It concerns that cluster only.
                Err(error) => {
                    counters.note(format!("`{}` can't be read: {error}", parameter.name));
                    continue;
                }
            };
            let members = self.members(&registration).await?;
            known.push((registration, members));
        }
        Ok(known)
    }

    async fn members(&self, registration: &Registration) -> Result<KnownMembers, AwsError> {
        let mut found = Vec::new();
        for (region, group) in &registration.resource_groups {
            let aws = self.aws.in_region(region);
            match groups::members(&aws, group).await {
                Ok(arns) => found.extend(arns.into_iter().map(member)),
                // A cluster whose stack isn't there yet, or no more, has no members.
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(KnownMembers::of(&found))
    }
}

/// A member as events name it: by its ARN, or by the end of it.
fn member(arn: String) -> Member {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(&arn);
    let id = resource.rsplit(['/', ':']).next().unwrap_or(resource);
    Member {
        member_type: String::new(),
        id: id.to_owned(),
        arn,
    }
}

/// Events for one log group.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Written>,
    bytes: usize,
}

impl Batch {
    fn has_room(&self, text: &str) -> bool {
        self.events.len() < logs::MOST_EVENTS
            && self.bytes + text.len() + logs::BYTES_OF_EVENT <= logs::LARGEST_BATCH
    }

    fn push(&mut self, time: i64, text: String) {
        self.bytes += text.len() + logs::BYTES_OF_EVENT;
        self.events.push((time, text));
    }

    /// As CloudWatch Logs takes them: in the order of their times, and within a day.
    fn requests(mut self) -> Vec<Vec<Written>> {
        self.events.sort_by_key(|(time, _)| *time);
        let mut requests: Vec<Vec<Written>> = Vec::new();
        for event in self.events {
            match requests.last_mut() {
                Some(last) if event.0 - last[0].0 < logs::LONGEST_SPAN => last.push(event),
                _ => requests.push(vec![event]),
            }
        }
        requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_by_bytes_and_by_days() {
        let mut batch = Batch::default();
        let text = "x".repeat(400_000);
        for time in [3 * logs::LONGEST_SPAN, 5] {
            assert!(batch.has_room(&text));
            batch.push(time, text.clone());
        }
        assert!(!batch.has_room(&text));
        assert!(batch.has_room("x"));
        batch.push(1, "x".to_owned());
        let times: Vec<Vec<i64>> = batch
            .requests()
            .iter()
            .map(|events| events.iter().map(|(time, _)| *time).collect())
            .collect();
        assert_eq!(times, [vec![1, 5], vec![3 * logs::LONGEST_SPAN]]);
    }

    #[test]
    fn a_member_is_named_by_the_end_of_its_arn() {
        for (arn, id) in [
            (
                "arn:aws:ec2:eu-central-1:1:vpc/vpc-0a1b2c3d",
                "vpc-0a1b2c3d",
            ),
            ("arn:aws:s3:::bucket", "bucket"),
            ("arn:aws:dynamodb:eu-central-1:1:table/users", "users"),
        ] {
            assert_eq!(member(arn.to_owned()).id, id);
        }
    }
}
