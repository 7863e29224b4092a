//! A destination: its credential, its pace, and what is done with what it
//! answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request};
use logfleet_contract::forwarder::{Authentication, Destination};
use tokio::time::Instant;

use crate::adapt::{self, LONGEST_RETRY_AFTER, MOST_TRIES, Pace};
use crate::answer::{self, Answer, Item, Verdict};
use crate::aws::Aws;
use crate::aws::secrets::{self, Secret, Stage};
use crate::batch::Batch;
use crate::clock;
use crate::http::{Client, SendError, Trust};
use crate::letter::Rejected;

/// Only what is looked at, which is a tenth of it:
/// <https://www.elastic.co/docs/reference/elasticsearch/rest-apis/common-options>.
const FILTER: &str = "filter_path=error.type,items.*.status,items.*.error.type,items.*.error.reason,items.*.failure_store";

/// Bytes of an answer. A reason may quote its document.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 2_000;

/// Times that a credential is read again for one batch.
const MOST_RENEWALS: u32 = 2;

/// How a destination is spoken to, until its credential is replaced.
#[derive(Debug)]
struct Session {
    client: Client,
    authorization: Option<HeaderValue>,
    secret: Option<Secret>,
}

/// A destination.
#[derive(Debug)]
pub struct Server {
    settings: Destination,
    /// The cluster's.
    region: String,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    pace: Mutex<Pace>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Sent {
    /// Bytes of the batch.
    pub bytes: usize,
    /// Documents that are in the index.
    pub delivered: u64,
    /// Those of them that had been there before.
    pub duplicates: u64,
    /// Documents that were refused for good.
    pub rejected: Vec<Rejected>,
    /// Documents that weren't taken.
    pub left: Vec<Batch>,
    /// Why not.
    pub cause: Option<String>,
    /// Whether trying more at this destination is of no use for now.
    pub blocks: bool,
    /// Whether somebody must mend the destination first.
    pub stopped: bool,
    /// Whether something may be in the index.
    pub maybe_stored: bool,
    /// Requests that weren't carried out.
    pub failed_requests: u64,
}

impl Sent {
    fn leave(&mut self, batches: impl IntoIterator<Item = Batch>, cause: String) {
        self.left.extend(batches);
        self.blocks = true;
        self.cause = Some(cause);
    }

    fn stop(&mut self, batches: impl IntoIterator<Item = Batch>, cause: String) {
        self.stopped = true;
        self.leave(batches, cause);
    }
}

impl Server {
    /// A destination by its settings, of a cluster in a Region. Nothing is sent.
    pub fn new(settings: &Destination, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            pace: Mutex::new(Pace::new(settings.bulk_bytes)),
            session: tokio::sync::Mutex::new(None),
            settings: settings.clone(),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of a batch.
    pub fn batch_bytes(&self) -> usize {
        self.pace().bytes()
    }

    /// Requests that may be on their way.
    pub fn in_flight(&self) -> usize {
        self.pace().in_flight()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.settings.timeout_seconds.into())
    }

    /// The time that a request must have to be begun.
    fn answer_time(&self) -> Duration {
        self.pace().answer_time().min(self.timeout())
    }

    fn secret(&self) -> Option<&str> {
        match &self.settings.authentication {
            Authentication::Basic { secret }
            | Authentication::ApiKey { secret }
            | Authentication::ClientCertificate { secret } => Some(secret),
            Authentication::AwsSigv4 { .. } => None,
        }
    }

    /// Reads the secret: by an ARN in the Region that it names, by a name in the cluster's own, wherever the function is.
    async fn read(&self, aws: &Aws, name: &str, stage: Stage) -> Result<Option<Secret>, String> {
        let of_arn = name
            .strip_prefix("arn:")
            .and_then(|own| own.split(':').nth(2));
        let aws = aws.in_region(of_arn.unwrap_or(&self.region));
        secrets::read(&aws, name, stage)
            .await
            .map_err(|error| error.to_string())
    }

    /// The session, begun if there is none.
    async fn session(&self, aws: &Aws) -> Result<Arc<Session>, String> {
        let mut session = self.session.lock().await;
        if let Some(session) = &*session {
            return Ok(Arc::clone(session));
        }
        let secret = match self.secret() {
            Some(name) => Some(
                self.read(aws, name, Stage::Current)
                    .await?
                    .ok_or_else(|| format!("there is no secret {name}"))?,
            ),
            None => None,
        };
        let begun = Arc::new(self.begin(secret)?);
        *session = Some(Arc::clone(&begun));
        Ok(begun)
    }

    /// Another session than one whose credential was refused; none if there is no other credential.
    async fn renew(
        &self,
        aws: &Aws,
        refused: &Arc<Session>,
    ) -> Result<Option<Arc<Session>>, String> {
        let mut session = self.session.lock().await;
        match &*session {
            // Somebody else was faster.
            Some(session) if !Arc::ptr_eq(session, refused) => {
                return Ok(Some(Arc::clone(session)));
            }
            _ => {}
        }
        let Some(name) = self.secret() else {
            return Ok(None);
        };
        for stage in [Stage::Current, Stage::Previous] {
            let secret = self.read(aws, name, stage).await?;
            if secret.is_some() && secret != refused.secret {
                let begun = Arc::new(self.begin(secret)?);
                *session = Some(Arc::clone(&begun));
                return Ok(Some(begun));
            }
        }
        Ok(None)
    }

    fn begin(&self, secret: Option<Secret>) -> Result<Session, String> {
        let settings = &self.settings;
        let of = |key: &str, setting: &str| -> Result<String, String> {
            let key = settings.keys.get(setting).map_or(key, String::as_str);
            let value = secret.as_ref().and_then(|own| own.get(key));
            value
                .map(ToOwned::to_owned)
                .ok_or_else(|| format!("the secret has no `{key}`"))
        };
        let mut identity = None;
        let authorization = match &settings.authentication {
            Authentication::Basic { .. } => {
                let pair = format!(
                    "{}:{}",
                    of("username", "username_in")?,
                    of("password", "password_in")?
                );
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            Authentication::ApiKey { .. } => {
                let pair = format!("{}:{}", of("id", "id_in")?, of("api_key", "api_key_in")?);
                Some(format!("ApiKey {}", STANDARD.encode(pair)))
            }
            Authentication::ClientCertificate { .. } => {
                identity = Some((
                    of("tls.crt", "certificate_in")?,
                    of("tls.key", "private_key_in")?,
                ));
                None
            }
            Authentication::AwsSigv4 { .. } => None,
        };
        let trust = Trust {
            authority: settings
                .own_ca
                .then(|| of("ca_certificate", ""))
                .transpose()?,
            any_certificate: settings.accept_any_certificate || settings.url.starts_with("http://"),
            minimum_tls: settings.minimum_tls,
            identity,
        };
        let authorization = authorization.map(|own| {
            HeaderValue::from_str(&own).map(|mut value| {
                value.set_sensitive(true);
                value
            })
        });
        Ok(Session {
            client: Client::new(&trust).map_err(|error| error.to_string())?,
            authorization: authorization
                .transpose()
                .map_err(|error| error.to_string())?,
            secret,
        })
    }

    /// Sends a batch until everything of it is dealt with, or it is of no use any more.
    pub async fn deliver(
        &self,
        aws: &Aws,
        data_stream: &str,
        batch: Batch,
        until: Instant,
    ) -> Sent {
        let mut sent = Sent {
            bytes: batch.bytes(),
            ..Sent::default()
        };
        let mut queue = VecDeque::from([batch]);
        let mut session = match self.session(aws).await {
            Ok(session) => session,
            Err(cause) => {
                sent.stop(queue, cause);
                return sent;
            }
        };
        let (mut tries, mut renewals) = (0, 0);
        while let Some(batch) = queue.pop_front() {
            let (retry_after, cause, rest) = match self
                .request(aws, &session, data_stream, &batch, until)
                .await
            {
                Err(SendError::NotSent(cause)) => (None, cause, batch),
                Err(SendError::Unknown(cause)) => {
                    sent.maybe_stored = true;
                    (None, cause, batch)
                }
                Ok((Answer::Items(items), retry_after)) => {
                    match self.settle(&mut sent, batch, items) {
                        Settled::All => {
                            tries = 0;
                            continue;
                        }
                        Settled::Stop(batch, cause) => {
                            queue.push_front(batch);
                            sent.stop(queue, cause);
                            return sent;
                        }
                        Settled::Rest(rest, cause) => (retry_after, cause, rest),
                    }
                }
                Ok((Answer::Unauthorized, _)) => {
                    sent.failed_requests += 1;
                    queue.push_front(batch);
                    renewals += 1;
                    let renewed = if renewals > MOST_RENEWALS {
                        Ok(None)
                    } else {
                        self.renew(aws, &session).await
                    };
                    match renewed {
                        Ok(Some(renewed)) => session = renewed,
                        Ok(None) => {
                            sent.stop(
                                queue,
                                "status 401: the credential in its secret is not accepted"
                                    .to_owned(),
                            );
                            return sent;
                        }
                        Err(cause) => {
                            sent.stop(queue, cause);
                            return sent;
                        }
                    }
                    continue;
                }
                Ok((Answer::Stop(cause), _)) => {
                    sent.failed_requests += 1;
                    queue.push_front(batch);
                    sent.stop(
                        queue,
                        format!("{cause}: the data stream or the right to write it is missing"),
                    );
                    return sent;
                }
                Ok((Answer::Divide(status), _)) => {
                    self.divide(&mut sent, &mut queue, &batch, status);
                    continue;
                }
                Ok((Answer::Busy, retry_after)) => {
                    self.pace().overloaded();
                    (retry_after, "the server is overloaded".to_owned(), batch)
                }
                Ok((Answer::Unknown(cause), retry_after)) => {
                    sent.maybe_stored = true;
                    (retry_after, cause, batch)
                }
            };
            sent.failed_requests += 1;
            tries += 1;
            queue.push_front(rest);
            let wait = adapt::wait(tries, clock::chance(), retry_after);
            let answered = Instant::now() + wait + self.answer_time();
            let too_long = wait > LONGEST_RETRY_AFTER || answered >= until;
            if tries >= MOST_TRIES || too_long {
                sent.leave(queue, cause);
                return sent;
            }
            tokio::time::sleep(wait).await;
        }
        sent
    }

    /// Halves a batch that is too large, or that holds something which makes all of it unreadable.
    fn divide(&self, sent: &mut Sent, queue: &mut VecDeque<Batch>, batch: &Batch, status: u16) {
        if status == 413 {
            self.pace().too_large(batch.bytes());
        }
        if batch.len() > 1 {
            let (first, second) = batch.halves();
            queue.push_front(second);
            queue.push_front(first);
            return;
        }
        let kind = if status == 413 {
            "request_too_large"
        } else {
            "request_unreadable"
        };
        let item = Item {
            status,
            kind: Some(kind.to_owned()),
            ..Item::default()
        };
        sent.rejected.extend(rejected(batch, 0, item));
    }

    /// Counts what an answer says of each document; what of them must be sent again.
    fn settle(&self, sent: &mut Sent, batch: Batch, items: Vec<Item>) -> Settled {
        let verdicts: Vec<Verdict> = items.iter().map(answer::classify).collect();
        let kind_of = |wanted: Verdict| {
            let found = items
                .iter()
                .zip(&verdicts)
                .find(|(_, verdict)| **verdict == wanted);
            found.map(|(item, _)| match &item.kind {
                Some(kind) => format!("status {}, {kind}", item.status),
                None => format!("status {}", item.status),
            })
        };
        if verdicts.iter().all(|verdict| *verdict == Verdict::Stop) {
            let cause = kind_of(Verdict::Stop).unwrap_or_default();
            return Settled::Stop(
                batch,
                format!("{cause}: the data stream or the right to write it is missing"),
            );
        }
        let cause = kind_of(Verdict::Again).or_else(|| kind_of(Verdict::Stop));
        let mut again = vec![false; items.len()];
        for (number, (item, verdict)) in items.into_iter().zip(&verdicts).enumerate() {
            match verdict {
                Verdict::Done => {
                    sent.maybe_stored = true;
                    sent.delivered += 1;
                    sent.duplicates += u64::from(item.is_duplicate());
                }
                Verdict::Dead => sent.rejected.extend(rejected(&batch, number, item)),
                Verdict::Again | Verdict::Stop => again[number] = true,
            }
        }
        let Some(cause) = cause else {
            self.pace().taken();
            return Settled::All;
        };
        self.pace().overloaded();
        Settled::Rest(batch.kept(|number| again[number]), cause)
    }

    async fn request(
        &self,
        aws: &Aws,
        session: &Session,
        data_stream: &str,
        batch: &Batch,
        until: Instant,
    ) -> Result<(Answer, Option<Duration>), SendError> {
        let timeout = self.timeout();
        let start = Instant::now();
        let left = until.saturating_duration_since(start);
        // Once it is sent, a request may be carried out, whether its answer is waited for or not.
        if left < self.answer_time() {
            return Err(SendError::NotSent("no time left".to_owned()));
        }
        let url = format!(
            "{}/{data_stream}/_bulk?{FILTER}",
            self.settings.url.trim_end_matches('/')
        );
        let mut request = Request::post(url)
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", "gzip")
            .header("accept-encoding", "gzip")
            .body(batch.packed())
            .map_err(|error| SendError::NotSent(error.to_string()))?;
        if let Some(authorization) = &session.authorization {
            request
                .headers_mut()
                .insert("authorization", authorization.clone());
        }
        if let Authentication::AwsSigv4 { region } = &self.settings.authentication {
            aws.sign(&mut request, region, "es")
                .map_err(|error| SendError::NotSent(error.to_string()))?;
        }
        let answer = session
            .client
            .send(request, LARGEST_ANSWER, timeout.min(left))
            .await;
        if !matches!(answer, Err(SendError::NotSent(_))) {
            self.pace().waited(start.elapsed());
        }
        let response = answer?;
        let now = u64::try_from(clock::now() / 1000).unwrap_or_default();
        let retry_after = response
            .retry_after
            .as_deref()
            .and_then(|own| adapt::retry_after(own, now));
        Ok((
            answer::read(response.status, &response.body, batch.len()),
            retry_after,
        ))
    }
}

/// What is left of a batch after an answer.
enum Settled {
    /// Nothing.
    All,
    /// These documents, to be sent again.
    Rest(Batch, String),
    /// All of it, and there is no use in sending it again.
    Stop(Batch, String),
}

fn rejected(batch: &Batch, number: usize, item: Item) -> Option<Rejected> {
    let (id, document) = batch.document(number)?;
    Some(Rejected {
        id: id.to_owned(),
        document: document.to_vec(),
        status: item.status,
        kind: item
            .kind
            .or(item.failure_store.map(|own| format!("failure_store_{own}"))),
        reason: item
            .reason
            .map(|own| own.chars().take(LONGEST_REASON).collect()),
    })
}
