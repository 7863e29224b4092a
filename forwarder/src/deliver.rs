//! Brings documents to their destinations, and puts aside what isn't taken.
//!
//! A [`Call`] gathers documents into batches and sends them. Until a server has
//! stored something of it, a call may fail, and Lambda hands the whole event over
//! again. After that it doesn't fail any more: handing stored documents over again
//! after a rollover would double them, since ids count within one backing index
//! only. What is left is put aside under `retry/` instead.

pub mod server;
pub mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;

use self::server::{Sent, Server};
use self::store::Store;
use crate::adapt::MOST_DOCUMENTS;
use crate::aws::Aws;
use crate::batch::{Batch, Gathering};
use crate::letter::{self, CALL, Key, Rejected, Shelf};
use crate::metrics::Counters;

/// Bytes that are kept to be put aside before they are.
const MOST_KEPT: usize = 8 * 1024 * 1024;

/// What a call needs.
#[derive(Clone, Copy, Debug)]
pub struct Means<'m> {
    /// The way to AWS.
    pub aws: &'m Aws,
    /// The destinations.
    pub servers: &'m BTreeMap<String, Server>,
    /// Where things are put aside.
    pub store: &'m Store,
}

/// How a call is filed if something of it is put aside.
#[derive(Clone, Debug)]
pub struct Filing {
    /// Whether it may fail, so that whoever called calls again.
    pub may_fail: bool,
    /// When it was put aside first, or now, in milliseconds.
    pub first: i64,
    /// How often it was tried since.
    pub attempt: u32,
    /// What tells its objects from others.
    pub name: String,
    /// Now, in milliseconds.
    pub now: i64,
}

/// Why a call failed. Nothing of it is lost: it will be made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// Where documents go: a destination and a data stream.
type Lane = (String, String);

/// Documents that wait to be put aside.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<Batch>,
    cause: String,
}

/// What is done for one event, or one object under `retry/`.
pub struct Call<'m> {
    means: Means<'m>,
    filing: Filing,
    deadline: Instant,
    /// What is gathered. There are few.
    lanes: Vec<(Lane, Gathering)>,
    flights: FuturesUnordered<BoxFuture<'m, (Lane, Sent)>>,
    /// Requests on their way, by destination.
    flying: BTreeMap<String, usize>,
    flying_bytes: usize,
    waiting: BTreeMap<Lane, Waiting>,
    rejected: BTreeMap<Lane, Vec<Rejected>>,
    /// Calls of which not everything was dealt with, or which can't be read.
    calls: Vec<(Shelf, String, u64, String)>,
    kept_bytes: usize,
    /// Destinations that nothing more is sent to, with the reason.
    blocked: BTreeMap<String, String>,
    stored: bool,
    objects: u32,
    counters: Counters,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("filing", &self.filing)
            .finish_non_exhaustive()
    }
}

impl<'m> Call<'m> {
    /// Begins. At the deadline everything must be over.
    pub fn new(means: Means<'m>, filing: Filing, deadline: Instant) -> Self {
        Self {
            means,
            filing,
            deadline,
            lanes: Vec::new(),
            flights: FuturesUnordered::new(),
            flying: BTreeMap::new(),
            flying_bytes: 0,
            waiting: BTreeMap::new(),
            rejected: BTreeMap::new(),
            calls: Vec::new(),
            kept_bytes: 0,
            blocked: BTreeMap::new(),
            stored: false,
            objects: 0,
            counters: Counters::default(),
        }
    }

    /// What was counted so far.
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// Nothing is sent to these destinations.
    pub fn block(&mut self, blocked: &BTreeMap<String, String>) {
        self.blocked.extend(
            blocked
                .iter()
                .map(|(name, cause)| (name.clone(), cause.clone())),
        );
    }

    /// Until when something may be sent: what is left then must still be put aside.
    fn until(&self) -> Instant {
        let gathered = self.lanes.iter().map(|(_, own)| own.batch().bytes());
        let lanes: usize = gathered.sum();
        let reserve = self
            .means
            .store
            .time_for(lanes + self.flying_bytes + self.kept_bytes);
        self.deadline
            .checked_sub(reserve)
            .unwrap_or_else(Instant::now)
    }

    /// Whether there is no time to send more.
    pub fn is_late(&self) -> bool {
        Instant::now() >= self.until()
    }

    /// Adds a document for each of the destinations.
    pub async fn add(
        &mut self,
        to: &[String],
        data_stream: &str,
        id: &str,
        document: &[u8],
    ) -> Result<(), Failed> {
        for destination in to {
            let Some(server) = self.means.servers.get(destination) else {
                continue;
            };
            let limit = server.batch_bytes();
            let gathering = self.lane(destination, data_stream, limit);
            let batch = gathering.batch();
            if batch.is_full_for(document.len(), limit, MOST_DOCUMENTS) {
                let full = std::mem::replace(gathering, Gathering::up_to(limit));
                let lane = (destination.clone(), data_stream.to_owned());
                self.launch(lane, full.finish()).await?;
            }
            self.lane(destination, data_stream, limit)
                .push(id, document);
        }
        Ok(())
    }

    /// What is gathered for a destination's data stream. Only the first document makes names.
    fn lane(&mut self, destination: &str, data_stream: &str, limit_bytes: usize) -> &mut Gathering {
        let mut lanes = self.lanes.iter();
        let known =
            lanes.position(|((own, stream), _)| own == destination && stream == data_stream);
        let at = known.unwrap_or_else(|| {
            let lane = (destination.to_owned(), data_stream.to_owned());
            self.lanes.push((lane, Gathering::up_to(limit_bytes)));
            self.lanes.len() - 1
        });
        &mut self.lanes[at].1
    }

    /// Puts a text that is no event aside, for each of the destinations.
    pub fn reject(&mut self, to: &[String], data_stream: &str, rejected: &Rejected) {
        for destination in to {
            let lane = (destination.clone(), data_stream.to_owned());
            self.kept_bytes += rejected.document.len();
            self.counters.rejected += 1;
            self.rejected
                .entry(lane)
                .or_default()
                .push(rejected.clone());
        }
    }

    /// Keeps a whole call, of which so much was dealt with.
    pub fn keep(&mut self, shelf: Shelf, event: &str, from: u64, cause: impl Into<String>) {
        let cause = cause.into();
        self.counters.note(cause.clone());
        match shelf {
            Shelf::Retry => self.counters.retried += 1,
            Shelf::Dead => self.counters.rejected += 1,
        }
        self.kept_bytes += event.len();
        self.calls.push((shelf, event.to_owned(), from, cause));
    }

    /// Sends a batch as soon as its destination has room for it.
    async fn launch(&mut self, lane: Lane, batch: Batch) -> Result<(), Failed> {
        let Some(server) = self.means.servers.get(&lane.0) else {
            return Ok(());
        };
        while self.flying.get(&lane.0).copied().unwrap_or_default() >= server.in_flight() {
            self.land().await?;
        }
        let late = self.is_late().then(|| "no time left".to_owned());
        if let Some(cause) = self.blocked.get(&lane.0).cloned().or(late) {
            return self.set_aside(lane, vec![batch], &cause).await;
        }
        let until = self.until();
        *self.flying.entry(lane.0.clone()).or_default() += 1;
        self.flying_bytes += batch.bytes();
        let aws = self.means.aws;
        self.flights.push(Box::pin(async move {
            let sent = server.deliver(aws, &lane.1, batch, until).await;
            (lane, sent)
        }));
        Ok(())
    }

    /// Waits for the end of one batch.
    async fn land(&mut self) -> Result<(), Failed> {
        let Some((lane, sent)) = self.flights.next().await else {
            return Ok(());
        };
        if let Some(flying) = self.flying.get_mut(&lane.0) {
            *flying = flying.saturating_sub(1);
        }
        self.flying_bytes = self.flying_bytes.saturating_sub(sent.bytes);
        self.stored |= sent.maybe_stored;
        let counters = &mut self.counters;
        counters.delivered += sent.delivered;
        counters.duplicates += sent.duplicates;
        counters.failed_requests += sent.failed_requests;
        counters.stopped += u64::from(sent.stopped);
        counters.rejected += sent.rejected.len() as u64;
        for kind in sent.rejected.iter().filter_map(|own| own.kind.as_deref()) {
            counters.note(format!("{}: rejected, {kind}", lane.0));
        }
        if !sent.rejected.is_empty() {
            self.kept_bytes += sent
                .rejected
                .iter()
                .map(|own| own.document.len())
                .sum::<usize>();
            self.rejected
                .entry(lane.clone())
                .or_default()
                .extend(sent.rejected);
        }
        if sent.left.is_empty() {
            return self.put_aside_if_much().await;
        }
        let cause = sent.cause.unwrap_or_else(|| "refused for now".to_owned());
        if sent.blocks {
            self.blocked.insert(lane.0.clone(), cause.clone());
        }
        self.set_aside(lane, sent.left, &cause).await
    }

    /// Keeps batches that weren't taken; or fails, if the whole call can be made again without harm.
    async fn set_aside(
        &mut self,
        lane: Lane,
        mut batches: Vec<Batch>,
        cause: &str,
    ) -> Result<(), Failed> {
        self.counters.note(format!("{}: {cause}", lane.0));
        let waiting = self.waiting.entry(lane).or_default();
        cause.clone_into(&mut waiting.cause);
        self.kept_bytes += batches.iter().map(Batch::bytes).sum::<usize>();
        batches.iter_mut().for_each(Batch::forget_packed);
        waiting.batches.extend(batches);
        if self.filing.may_fail && !self.stored {
            // Others may be on their way still.
            if self.flights.is_empty() {
                return Err(self.failure());
            }
            return Ok(());
        }
        self.put_aside_if_much().await
    }

    fn failure(&self) -> Failed {
        let causes = self
            .waiting
            .iter()
            .map(|((destination, _), own)| format!("{destination}: {}", own.cause));
        let causes: Vec<String> = causes
            .chain(self.calls.iter().map(|own| own.3.clone()))
            .collect();
        Failed(causes.join("; "))
    }

    async fn put_aside_if_much(&mut self) -> Result<(), Failed> {
        if self.kept_bytes < MOST_KEPT || (self.filing.may_fail && !self.stored) {
            return Ok(());
        }
        self.put_aside().await
    }

    /// Writes everything that is kept into the bucket.
    async fn put_aside(&mut self) -> Result<(), Failed> {
        let mut retried = 0;
        for ((destination, data_stream), own) in std::mem::take(&mut self.waiting) {
            let documents: usize = own.batches.iter().map(Batch::len).sum();
            retried += documents as u64;
            let object = letter::waiting(&destination, &data_stream, &own.cause, &own.batches);
            drop(own);
            self.write(Shelf::Retry, destination, data_stream, object)
                .await?;
        }
        self.counters.retried += retried;
        for ((destination, data_stream), own) in std::mem::take(&mut self.rejected) {
            let object = letter::rejected(&destination, &data_stream, "rejected", &own);
            drop(own);
            self.write(Shelf::Dead, destination, data_stream, object)
                .await?;
        }
        for (shelf, event, from, cause) in std::mem::take(&mut self.calls) {
            let object = letter::call(&event, from, &cause);
            self.write(shelf, CALL.to_owned(), CALL.to_owned(), object)
                .await?;
        }
        self.kept_bytes = 0;
        Ok(())
    }

    async fn write(
        &mut self,
        shelf: Shelf,
        destination: String,
        data_stream: String,
        object: Vec<u8>,
    ) -> Result<(), Failed> {
        let filing = &self.filing;
        // What was tried for days is given up.
        let key = Key {
            shelf,
            first: filing.first,
            destination,
            data_stream,
            not_before: letter::next_try(filing.attempt, filing.now),
            attempt: filing.attempt,
            name: format!("{}-{}", filing.name, self.objects),
        };
        let key = match shelf {
            Shelf::Retry if key.is_given_up(filing.now) => Key {
                shelf: Shelf::Dead,
                ..key
            },
            _ => key,
        };
        self.objects += 1;
        let written = self
            .means
            .store
            .put(self.means.aws, &key.path(), object)
            .await;
        written.map_err(|error| {
            if self.stored {
                self.counters.possible_duplicates += 1;
            }
            Failed(format!("nothing could be put aside: {error}"))
        })
    }

    /// Whether something of it may be stored.
    pub fn has_stored(&self) -> bool {
        self.stored
    }

    /// Sends what is gathered, waits for everything, and puts aside what isn't taken. The
    /// destinations that took nothing, with the reason.
    pub async fn finish(&mut self) -> Result<BTreeMap<String, String>, Failed> {
        for (lane, gathering) in std::mem::take(&mut self.lanes) {
            if !gathering.batch().is_empty() {
                self.launch(lane, gathering.finish()).await?;
            }
        }
        while !self.flights.is_empty() {
            self.land().await?;
        }
        let unfinished =
            !self.waiting.is_empty() || self.calls.iter().any(|own| own.0 == Shelf::Retry);
        if unfinished && self.filing.may_fail && !self.stored {
            return Err(self.failure());
        }
        self.put_aside().await?;
        Ok(std::mem::take(&mut self.blocked))
    }
}

/// The time until a deadline that Lambda gives, in milliseconds since 1970.
pub fn deadline(milliseconds: u64, now: i64) -> Instant {
    let left = i64::try_from(milliseconds)
        .unwrap_or(i64::MAX)
        .saturating_sub(now);
    Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or_default())
}
