//! Sends again what was put aside.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};

use flate2::read::GzDecoder;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{Forwarder, failed, is_over};
use crate::aws::s3;
use crate::clock;
use crate::deliver::{Call, Failed, Filing};
use crate::invocation::{self, Invocation};
use crate::letter::{self, CALL, Content, FailedCall, Header, Key, Line, Shelf};
use crate::metrics::Counters;

/// Bytes that an object may unpack to: what is put aside is kept in memory before.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;

/// Objects that are counted, however many there are.
const MOST_COUNTED: u64 = 10_000;

/// What of an object is sent again.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Only what was refused with an error of this type.
    pub kind: Option<String>,
    /// Only what goes to this data stream.
    pub data_stream: Option<String>,
    /// Only what was put aside at this time or later, in milliseconds.
    pub from: Option<i64>,
    /// Only what was put aside before this time, in milliseconds.
    pub until: Option<i64>,
}

impl Choice {
    fn has(&self, key: &Key) -> bool {
        self.data_stream
            .as_ref()
            .is_none_or(|own| *own == key.data_stream)
            && self.from.is_none_or(|from| key.first >= from)
            && self.until.is_none_or(|until| key.first < until)
    }

    fn has_line(&self, kind: Option<&str>) -> bool {
        self.kind.is_none() || self.kind.as_deref() == kind
    }
}

/// What came of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// Everything of it is stored, or put aside anew; it was removed.
    Whole,
    /// Some of it wasn't chosen, so it stays.
    Part,
    /// It is gone.
    Gone,
}

impl Forwarder {
    /// Sends again what is due under `retry/`, and what Lambda gave up.
    pub(super) async fn send_again(
        &self,
        deadline: Instant,
        counters: &mut Counters,
    ) -> Result<(), Failed> {
        let now = clock::now();
        let mut blocked = BTreeMap::new();
        let mut waiting = 0;
        let mut oldest: Option<i64> = None;
        let mut due = Vec::new();
        let mut token = None;
        loop {
            let listed = s3::list(
                &self.aws,
                self.store.bucket(),
                Shelf::Retry.folder(),
                token.as_deref(),
            )
            .await;
            let (objects, next) = listed.map_err(|error| failed(&error))?;
            for key in objects.iter().filter_map(|own| Key::parse(&own.key)) {
                waiting += 1;
                oldest = Some(oldest.map_or(key.first, |first| first.min(key.first)));
                if key.not_before <= now {
                    due.push(key);
                }
            }
            token = next;
            if token.is_none() || waiting >= MOST_COUNTED {
                break;
            }
        }
        counters.waiting = Some(waiting);
        counters.waiting_age = Some(oldest.map_or(0, |first| now - first));
        let (mut tried, mut unsent) = (0_u64, Vec::new());
        for key in due {
            if is_over(deadline) {
                break;
            }
            if blocked.contains_key(&key.destination) {
                continue;
            }
            tried += 1;
            let choice = Choice::default();
            let replayed = self.replay(&key, &choice, deadline, &mut blocked, counters);
            // What can't be sent stays where it is, and holds nothing else back.
            if let Err(Failed(cause)) = replayed.await {
                if key.is_given_up(now) {
                    self.give_up(&key).await?;
                    counters.rejected += 1;
                }
                unsent.push(Failed(cause));
            }
        }
        for object in self.given_up_calls(counters).await? {
            if is_over(deadline) || self.servers.keys().all(|name| blocked.contains_key(name)) {
                break;
            }
            tried += 1;
            let made = self.given_up_call(&object, deadline, &mut blocked, counters);
            unsent.extend(made.await.err());
        }
        for Failed(cause) in &unsent {
            counters.note(cause.clone());
        }
        match unsent.first() {
            None => Ok(()),
            Some(Failed(first)) => Err(Failed(format!(
                "{} of {tried} objects could not be sent again: {first}",
                unsent.len()
            ))),
        }
    }

    /// Keeps an object that couldn't be sent for days as it is, where nothing tries it again.
    async fn give_up(&self, key: &Key) -> Result<(), Failed> {
        let (path, bucket) = (key.path(), self.store.bucket());
        let kept = Key {
            shelf: Shelf::Dead,
            ..key.clone()
        };
        let object = s3::get(&self.aws, bucket, &path).await;
        if let Some(object) = object.map_err(|error| failed(&error))? {
            let put = self.store.put(&self.aws, &kept.path(), object).await;
            put.map_err(|error| failed(&error))?;
            let removed = s3::delete(&self.aws, bucket, &path).await;
            removed.map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The calls that Lambda gave up after three tries.
    async fn given_up_calls(&self, counters: &mut Counters) -> Result<Vec<s3::Listed>, Failed> {
        let prefix = letter::failed_calls(&self.function);
        let listed = s3::list(&self.aws, self.store.bucket(), &prefix, None).await;
        let (objects, _) = listed.map_err(|error| failed(&error))?;
        counters.waiting = counters
            .waiting
            .map(|waiting| waiting + objects.len() as u64);
        if let Some(age) = objects.iter().map(|own| clock::now() - own.written).max() {
            counters.waiting_age = counters.waiting_age.map(|oldest| oldest.max(age));
        }
        Ok(objects)
    }

    /// Carries out a call that Lambda gave up, and removes it.
    async fn given_up_call(
        &self,
        object: &s3::Listed,
        deadline: Instant,
        blocked: &mut BTreeMap<String, String>,
        counters: &mut Counters,
    ) -> Result<(), Failed> {
        let record = s3::get(&self.aws, self.store.bucket(), &object.key).await;
        let Some(record) = record.map_err(|error| failed(&error))? else {
            return Ok(());
        };
        let filing = Filing {
            may_fail: false,
            first: object.written,
            attempt: 1,
            name: name_of(&object.key),
            now: clock::now(),
        };
        let mut call = Call::new(self.means(), filing, deadline);
        call.block(blocked);
        let made = if let Ok(own) = serde_json::from_slice::<FailedCall<'_>>(&record) {
            let event = own.event.get();
            self.call_again(&mut call, event, 0, blocked).await
        } else {
            let text = String::from_utf8_lossy(&record);
            let cause = "the record of a failed call can't be read";
            call.keep(Shelf::Dead, &text, 0, cause);
            call.finish().await.map(|_| ())
        };
        add(counters, call.counters());
        made.map_err(|Failed(cause)| Failed(format!("{}: {cause}", object.key)))?;
        self.remove(&object.key, call.has_stored(), counters).await
    }

    /// Removes an object that was carried out. If it stays, it is carried out again, and
    /// after a rollover the documents that were stored are there twice.
    async fn remove(
        &self,
        key: &str,
        has_stored: bool,
        counters: &mut Counters,
    ) -> Result<(), Failed> {
        let removed = s3::delete(&self.aws, self.store.bucket(), key).await;
        removed.map_err(|error| {
            counters.possible_duplicates += u64::from(has_stored);
            failed(&error)
        })
    }

    /// Sends again what an object holds, and removes it when all of it is stored or put aside anew.
    pub async fn replay(
        &self,
        key: &Key,
        choice: &Choice,
        deadline: Instant,
        blocked: &mut BTreeMap<String, String>,
        counters: &mut Counters,
    ) -> Result<Replayed, Failed> {
        let path = key.path();
        let object = s3::get(&self.aws, self.store.bucket(), &path).await;
        let Some(object) = object.map_err(|error| failed(&error))? else {
            return Ok(Replayed::Gone);
        };
        let filing = Filing {
            may_fail: false,
            first: key.first,
            attempt: key.attempt + 1,
            name: key.name.clone(),
            now: clock::now(),
        };
        let mut call = Call::new(self.means(), filing, deadline);
        call.block(blocked);
        let whole = self
            .replay_content(&mut call, &object, choice, blocked)
            .await;
        add(counters, call.counters());
        let whole = whole.map_err(|Failed(cause)| Failed(format!("{path}: {cause}")))?;
        if !whole {
            return Ok(Replayed::Part);
        }
        self.remove(&path, call.has_stored(), counters).await?;
        Ok(Replayed::Whole)
    }

    /// Whether all of it was chosen.
    async fn replay_content(
        &self,
        call: &mut Call<'_>,
        object: &[u8],
        choice: &Choice,
        blocked: &mut BTreeMap<String, String>,
    ) -> Result<bool, Failed> {
        let told = |error: &dyn std::fmt::Display| Failed(format!("it can't be read: {error}"));
        let mut reader = BufReader::new(GzDecoder::new(object).take(MOST_UNPACKED));
        let mut line = String::new();
        reader.read_line(&mut line).map_err(|error| told(&error))?;
        let header: Header = serde_json::from_str(&line).map_err(|error| told(&error))?;
        if header.version != letter::VERSION {
            return Err(told(&format!("its format has version {}", header.version)));
        }
        let mut whole = true;
        match header.content {
            Content::Call { from } => {
                line.clear();
                reader.read_line(&mut line).map_err(|error| told(&error))?;
                if !choice.has_line(None) {
                    return Ok(false);
                }
                self.call_again(call, line.trim_end(), from, blocked)
                    .await?;
            }
            Content::Documents {
                destination,
                data_stream,
            } => {
                if !self.servers.contains_key(&destination) {
                    return Err(Failed(format!(
                        "the destination `{destination}` isn't configured any more"
                    )));
                }
                let to = [destination];
                loop {
                    line.clear();
                    if reader.read_line(&mut line).map_err(|error| told(&error))? == 0 {
                        break;
                    }
                    let own: Line<'_> =
                        serde_json::from_str(&line).map_err(|error| told(&error))?;
                    if choice.has_line(own.kind.as_deref()) {
                        let document: &RawValue = own.document;
                        call.add(&to, &data_stream, &own.id, document.get().as_bytes())
                            .await?;
                    } else {
                        whole = false;
                    }
                }
                blocked.extend(call.finish().await?);
            }
        }
        Ok(whole)
    }

    /// Carries out a call that was kept.
    async fn call_again(
        &self,
        call: &mut Call<'_>,
        event: &str,
        from: u64,
        blocked: &mut BTreeMap<String, String>,
    ) -> Result<(), Failed> {
        match invocation::read(event) {
            // What a schedule asks for, it asks for again.
            Ok(Invocation::Schedule(_)) => return Ok(()),
            Ok(invocation) => {
                let done = self.carry_out(call, &invocation, event, from, clock::now());
                // It is the one call that may lead back here, and only by way of the bucket.
                blocked.extend(Box::pin(done).await?);
            }
            Err(cause) => {
                call.keep(Shelf::Dead, event, from, cause);
                call.finish().await?;
            }
        }
        Ok(())
    }

    /// The keys of what is put aside on a shelf and chosen.
    pub async fn shelved(&self, shelf: Shelf, choice: &Choice) -> Result<Vec<Key>, Failed> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let listed = s3::list(
                &self.aws,
                self.store.bucket(),
                shelf.folder(),
                token.as_deref(),
            )
            .await;
            let (objects, next) = listed.map_err(|error| failed(&error))?;
            let keys = objects.iter().filter_map(|own| Key::parse(&own.key));
            found.extend(keys.filter(|key| choice.has(key) || key.destination == CALL));
            token = next;
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn name_of(key: &str) -> String {
    let file = key.rsplit('/').next().unwrap_or(key);
    file.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}

fn add(total: &mut Counters, own: &Counters) {
    total.events += own.events;
    total.foreign += own.foreign;
    total.left_out += own.left_out;
    total.calls_left_out += own.calls_left_out;
    total.unparsed += own.unparsed;
    total.untagged += own.untagged;
    total.delivered += own.delivered;
    total.duplicates += own.duplicates;
    total.rejected += own.rejected;
    total.retried += own.retried;
    total.failed_requests += own.failed_requests;
    total.possible_duplicates += own.possible_duplicates;
    total.stopped += own.stopped;
    for note in &own.notes {
        total.note(note.clone());
    }
}
