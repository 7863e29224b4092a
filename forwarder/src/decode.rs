//! What CloudWatch Logs hands a function: JSON in gzip in base64
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html>).
//! Pure.
//!
//! Events are taken one after another out of a stream that is unpacked as it
//! is read, so that memory doesn't grow with what a megabyte may unpack to. What
//! can't be read is told, and everything before it is still delivered.

use std::borrow::Cow;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, ScanError, Scanner, Value};

/// Bytes that an envelope may unpack to. CloudWatch hands over a megabyte at
/// most, and logs pack to a tenth or twentieth.
pub const MOST_UNPACKED: u64 = 256 * 1024 * 1024;

/// Bytes of one event. CloudWatch's own limit is a mebibyte, which JSON may write
/// in six times as many
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_InputLogEvent.html>).
pub const LONGEST_EVENT: usize = 7 * 1024 * 1024;

/// Why an envelope couldn't be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It isn't base64.
    #[error("it is not base64: {0}")]
    Base64(base64::DecodeError),
    /// It isn't gzip, is damaged, or ends early.
    #[error("its gzip is damaged: {0}")]
    Gzip(io::Error),
    /// It unpacks to more than is read.
    #[error("it unpacks to more than {MOST_UNPACKED} bytes")]
    TooLarge,
    /// What was packed isn't JSON of the right form.
    #[error("{0}")]
    Json(ScanError),
    /// Something is missing in it.
    #[error("it has no `{0}`")]
    Missing(&'static str),
}

impl From<ScanError> for DecodeError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Read(error) if error.kind() == io::ErrorKind::FileTooLarge => Self::TooLarge,
            ScanError::Read(error) => Self::Gzip(error),
            error => Self::Json(error),
        }
    }
}

/// What is said of all events of an envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `DATA_MESSAGE`, or `CONTROL_MESSAGE` where CloudWatch only tries whether somebody listens.
    pub message_type: String,
    /// The account that the log group is in.
    pub owner: String,
    /// The log group.
    pub log_group: String,
    /// The log stream.
    pub log_stream: String,
}

impl Header {
    /// Whether it has no logs: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>.
    pub fn is_control(&self) -> bool {
        self.message_type == "CONTROL_MESSAGE"
    }
}

/// A log event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvent<'e> {
    /// Its id, the same in every subscription.
    pub id: Cow<'e, str>,
    /// The time that it was written under, in milliseconds.
    pub timestamp: Option<i64>,
    /// What was logged.
    pub message: Cow<'e, str>,
    /// The account it came from, if `emitSystemFields` says so.
    pub account: Option<Cow<'e, str>>,
    /// The Region it came from, likewise.
    pub region: Option<Cow<'e, str>>,
    /// The log group it came from, likewise.
    pub source_log: Option<Cow<'e, str>>,
}

/// Why an event of an envelope isn't one. The others are read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEvent {
    /// What is wrong with it.
    pub reason: String,
    /// Its text, or the beginning of one that is too long.
    pub text: String,
}

/// Reads no more than this many bytes, and says so.
#[derive(Debug)]
struct Capped<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}

type Unpacked<'p> = Scanner<Capped<GzDecoder<&'p [u8]>>>;

/// Undoes the base64.
pub fn packed(data: &str) -> Result<Vec<u8>, DecodeError> {
    STANDARD.decode(data.trim()).map_err(DecodeError::Base64)
}

/// An envelope whose events are taken one after another.
#[derive(Debug)]
pub struct Envelope<'p> {
    header: Header,
    scanner: Unpacked<'p>,
    /// Whether an event was taken.
    begun: bool,
    ended: bool,
}

impl<'p> Envelope<'p> {
    /// Opens an envelope that was packed with gzip.
    pub fn open(packed: &'p [u8]) -> Result<Self, DecodeError> {
        let mut header = Header::default();
        let mut scanner = scanner(packed);
        let found_events = read_members(&mut scanner, &mut header, true)?;
        if header.message_type.is_empty() || header.log_group.is_empty() {
            // Members may come in another order; then all but the events is read first.
            let mut whole = self::scanner(packed);
            read_members(&mut whole, &mut header, false)?;
        }
        if header.message_type.is_empty() {
            return Err(DecodeError::Missing("messageType"));
        }
        if !header.is_control() {
            if header.log_group.is_empty() {
                return Err(DecodeError::Missing("logGroup"));
            }
            if !found_events {
                return Err(DecodeError::Missing("logEvents"));
            }
        }
        Ok(Self {
            ended: !found_events || header.is_control(),
            header,
            scanner,
            begun: false,
        })
    }

    /// What is said of all events.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next event; none at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "an event borrows from the envelope, which no iterator's may"
    )]
    pub fn next(&mut self) -> Result<Option<Result<LogEvent<'_>, BadEvent>>, DecodeError> {
        if self.ended {
            return Ok(None);
        }
        if self.scanner.take_if(b']')? {
            self.ended = true;
            // Whatever follows must be whole: else the sum that gzip ends with isn't looked at.
            while self.scanner.peek()?.is_some() {
                if !self.scanner.take_if(b'}')? {
                    self.scanner.take_if(b',')?;
                    if self.scanner.peek()?.is_some() {
                        self.scanner.value()?;
                        self.scanner.take_if(b':')?;
                    }
                }
            }
            return Ok(None);
        }
        if self.begun {
            self.scanner.expect(b',')?;
        }
        self.begun = true;
        Ok(Some(match self.scanner.value()? {
            Value::Whole(bytes) => read_event(bytes),
            Value::TooLong(head, length) => Err(BadEvent {
                reason: format!("an event of {length} bytes; {LONGEST_EVENT} are the most"),
                text: String::from_utf8_lossy(head).into_owned(),
            }),
        }))
    }
}

fn scanner(packed: &[u8]) -> Unpacked<'_> {
    let reader = Capped {
        reader: GzDecoder::new(packed),
        left: MOST_UNPACKED,
    };
    Scanner::new(reader, LONGEST_EVENT)
}

/// Reads the members of the envelope, up to its events if it is to stop there; whether there are any.
fn read_members(
    scanner: &mut Unpacked<'_>,
    header: &mut Header,
    stop_at_events: bool,
) -> Result<bool, DecodeError> {
    scanner.expect(b'{')?;
    let mut first = true;
    loop {
        if scanner.take_if(b'}')? {
            return Ok(false);
        }
        if !first {
            scanner.expect(b',')?;
        }
        first = false;
        let name = text(&scanner.value()?);
        scanner.expect(b':')?;
        if name == "logEvents" {
            if stop_at_events {
                scanner.expect(b'[')?;
                return Ok(true);
            }
            skip_array(scanner)?;
            continue;
        }
        let value = scanner.value()?;
        match name.as_str() {
            "messageType" => header.message_type = text(&value),
            "owner" => header.owner = text(&value),
            "logGroup" => header.log_group = text(&value),
            "logStream" => header.log_stream = text(&value),
            _ => {}
        }
    }
}

fn skip_array(scanner: &mut Unpacked<'_>) -> Result<(), DecodeError> {
    scanner.expect(b'[')?;
    let mut first = true;
    while !scanner.take_if(b']')? {
        if !first {
            scanner.expect(b',')?;
        }
        first = false;
        scanner.value()?;
    }
    Ok(())
}

fn text(value: &Value<'_>) -> String {
    let (Value::Whole(bytes) | Value::TooLong(bytes, _)) = value;
    let (text, _) = json::lenient(bytes);
    json::text_of(&text)
        .map(Cow::into_owned)
        .unwrap_or_default()
}

/// An event as CloudWatch writes nearly all of them, which one pass reads.
#[derive(Deserialize)]
struct Usual<'e> {
    #[serde(borrow)]
    id: Cow<'e, str>,
    timestamp: i64,
    #[serde(borrow)]
    message: Cow<'e, str>,
    #[serde(borrow, rename = "extractedFields")]
    extracted: Option<&'e RawValue>,
}

/// An event as it is written. Each member is read by itself, so that one of an unknown form
/// takes nothing else with it.
#[derive(Deserialize)]
struct Written<'e> {
    #[serde(borrow)]
    id: Option<&'e RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'e RawValue>,
    #[serde(borrow)]
    message: Option<&'e RawValue>,
    #[serde(borrow, rename = "extractedFields")]
    extracted: Option<&'e RawValue>,
}

/// What `emitSystemFields` adds:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html>.
#[derive(Default, Deserialize)]
struct SystemFields<'e> {
    #[serde(borrow, rename = "@aws.account")]
    account: Option<json::Text<'e>>,
    #[serde(borrow, rename = "@aws.region")]
    region: Option<json::Text<'e>>,
    #[serde(borrow, rename = "@source.log")]
    source_log: Option<json::Text<'e>>,
}

fn read_event(bytes: &[u8]) -> Result<LogEvent<'_>, BadEvent> {
    match json::lenient(bytes) {
        (Cow::Borrowed(text), _) => read_text(text).map_err(|reason| BadEvent {
            reason,
            text: text.to_owned(),
        }),
        (Cow::Owned(text), _) => match read_text(&text) {
            Ok(event) => Ok(owned(event)),
            Err(reason) => Err(BadEvent { reason, text }),
        },
    }
}

fn owned(event: LogEvent<'_>) -> LogEvent<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    LogEvent {
        id: own(event.id),
        timestamp: event.timestamp,
        message: own(event.message),
        account: event.account.map(own),
        region: event.region.map(own),
        source_log: event.source_log.map(own),
    }
}

fn read_text(text: &str) -> Result<LogEvent<'_>, String> {
    if let Ok(usual) = serde_json::from_str::<Usual<'_>>(text) {
        let system = system_fields(usual.extracted);
        return Ok(LogEvent {
            id: usual.id,
            timestamp: Some(usual.timestamp),
            message: usual.message,
            account: system.account.map(|own| own.0),
            region: system.region.map(|own| own.0),
            source_log: system.source_log.map(|own| own.0),
        });
    }
    let told = |error: serde_json::Error| format!("not an event: {error}");
    let written: Written<'_> = serde_json::from_str(text).map_err(told)?;
    let id = written.id.ok_or("not an event: it has no `id`")?;
    let message = written.message.ok_or("not an event: it has no `message`")?;
    let system = system_fields(written.extracted);
    Ok(LogEvent {
        id: json::text_of(id.get()).map_err(told)?,
        timestamp: written.timestamp.and_then(|own| own.get().parse().ok()),
        message: json::text_of(message.get()).map_err(told)?,
        account: system.account.map(|own| own.0),
        region: system.region.map(|own| own.0),
        source_log: system.source_log.map(|own| own.0),
    })
}

fn system_fields(extracted: Option<&RawValue>) -> SystemFields<'_> {
    extracted
        .and_then(|own| serde_json::from_str(own.get()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
