//! What is put aside in the bucket: under `retry/` what may be taken later,
//! under `dead/` what won't be as it is. Pure.
//!
//! An object is newline-delimited JSON in gzip: a header, then either documents
//! with their ids, or one call as Lambda handed it over, of which the first
//! so many parts were dealt with. Its key says enough to choose it:
//!
//! ```text
//! retry/2026/11/29/<destination>/<data stream>/<first>-<not before>-<attempt>-<name>.ndjson.gz
//! ```
//!
//! where `first` is when it was put aside for the first time, and `not before`
//! when to try again, in milliseconds since 1970. A call has `_call` for its destination.

use logfleet_contract::kept;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::batch::{Batch, gzip};
use crate::json::write_text;
use crate::time;

/// The version of the objects' format.
pub const VERSION: u64 = 1;

/// Stands for the destination where a whole call is kept.
pub const CALL: &str = "_call";

/// How long something is tried again before it is given up.
pub const LONGEST_RETRY: i64 = 3 * time::DAY;

/// Time between the first two tries; it doubles up to [`LONGEST_BETWEEN`].
const FIRST_BETWEEN: i64 = 4 * 60_000;

/// The longest time between two tries.
const LONGEST_BETWEEN: i64 = 60 * 60_000;

const END: &str = ".ndjson.gz";

/// Where something is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shelf {
    /// It is tried again.
    Retry,
    /// It isn't, unless somebody asks.
    Dead,
}

impl Shelf {
    /// The folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Retry => kept::RETRY,
            Self::Dead => kept::DEAD,
        }
    }
}

/// The key of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Where it is.
    pub shelf: Shelf,
    /// When it was put aside first, in milliseconds.
    pub first: i64,
    /// The destination, or [`CALL`].
    pub destination: String,
    /// The data stream.
    pub data_stream: String,
    /// When to try it again, in milliseconds.
    pub not_before: i64,
    /// How often it was tried since it was put aside.
    pub attempt: u32,
    /// What tells it from others.
    pub name: String,
}

impl Key {
    /// The key as it is written.
    pub fn path(&self) -> String {
        format!(
            "{}{:013}-{:013}-{:03}-{}{END}",
            kept::folder(
                self.shelf.folder(),
                &time::folder(self.first),
                &self.destination,
                &self.data_stream
            ),
            self.first,
            self.not_before,
            self.attempt,
            self.name
        )
    }

    /// Reads a key; none if it isn't one of these.
    pub fn parse(path: &str) -> Option<Self> {
        let shelf = [Shelf::Retry, Shelf::Dead]
            .into_iter()
            .find(|shelf| path.starts_with(shelf.folder()))?;
        let mut parts = path.strip_prefix(shelf.folder())?.split('/').skip(3);
        let (destination, data_stream, file) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let mut numbers = file.strip_suffix(END)?.splitn(4, '-');
        Some(Self {
            shelf,
            destination: destination.to_owned(),
            data_stream: data_stream.to_owned(),
            first: numbers.next()?.parse().ok()?,
            not_before: numbers.next()?.parse().ok()?,
            attempt: numbers.next()?.parse().ok()?,
            name: numbers.next()?.to_owned(),
        })
    }

    /// Whether it was tried for as long as anything is.
    pub fn is_given_up(&self, now: i64) -> bool {
        now.saturating_sub(self.first) > LONGEST_RETRY
    }
}

/// When something that was tried so often is tried again.
pub fn next_try(attempt: u32, now: i64) -> i64 {
    let between = FIRST_BETWEEN
        .saturating_mul(1 << attempt.min(20))
        .min(LONGEST_BETWEEN);
    now.saturating_add(between)
}

/// The first line of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version.
    pub version: u64,
    /// What follows.
    #[serde(flatten)]
    pub content: Content,
    /// Why it was put aside.
    pub cause: String,
}

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum Content {
    /// Documents.
    Documents {
        /// Where they go.
        destination: String,
        /// The data stream.
        data_stream: String,
    },
    /// A call, as it was handed over.
    Call {
        /// How much of it was dealt with: events, or bytes of a file.
        from: u64,
    },
}

/// A document that a server refused, with what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its id.
    pub id: String,
    /// The document.
    pub document: Vec<u8>,
    /// The status.
    pub status: u16,
    /// The error's type.
    pub kind: Option<String>,
    /// The error's reason.
    pub reason: Option<String>,
}

fn head(header: &Header) -> Vec<u8> {
    // These types hold nothing that JSON hasn't.
    let mut out = serde_json::to_vec(header).unwrap_or_default();
    out.push(b'\n');
    out
}

/// The object of documents that may be taken later.
pub fn waiting(destination: &str, data_stream: &str, cause: &str, batches: &[Batch]) -> Vec<u8> {
    let mut out = head(&documents(destination, data_stream, cause));
    for (id, document) in batches.iter().flat_map(Batch::documents) {
        line(&mut out, id, |_| (), document);
    }
    gzip(&out)
}

/// The object of documents that were refused.
pub fn rejected(
    destination: &str,
    data_stream: &str,
    cause: &str,
    documents_of: &[Rejected],
) -> Vec<u8> {
    let mut out = head(&documents(destination, data_stream, cause));
    for own in documents_of {
        let reason = |out: &mut Vec<u8>| {
            out.extend_from_slice(format!(",\"status\":{}", own.status).as_bytes());
            for (name, value) in [("type", &own.kind), ("reason", &own.reason)] {
                if let Some(value) = value {
                    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                    write_text(value, out);
                }
            }
        };
        line(&mut out, &own.id, reason, &own.document);
    }
    gzip(&out)
}

/// The object of a call.
pub fn call(event: &str, from: u64, cause: &str) -> Vec<u8> {
    let mut out = head(&Header {
        version: VERSION,
        content: Content::Call { from },
        cause: cause.to_owned(),
    });
    // An event is one line to whoever reads it: its own line ends are space between its tokens.
    out.extend(event.bytes().map(|byte| {
        if byte == b'\n' || byte == b'\r' {
            b' '
        } else {
            byte
        }
    }));
    out.push(b'\n');
    gzip(&out)
}

fn documents(destination: &str, data_stream: &str, cause: &str) -> Header {
    Header {
        version: VERSION,
        content: Content::Documents {
            destination: destination.to_owned(),
            data_stream: data_stream.to_owned(),
        },
        cause: cause.to_owned(),
    }
}

fn line(out: &mut Vec<u8>, id: &str, more: impl FnOnce(&mut Vec<u8>), document: &[u8]) {
    out.extend_from_slice(b"{\"id\":");
    write_text(id, out);
    more(out);
    out.extend_from_slice(b",\"document\":");
    out.extend_from_slice(document);
    out.extend_from_slice(b"}\n");
}

/// A line of an object with documents.
#[derive(Debug, Deserialize)]
pub struct Line<'l> {
    /// The document's id.
    pub id: String,
    /// The error's type, if it was refused.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The document.
    #[serde(borrow)]
    pub document: &'l RawValue,
}

/// What Lambda writes into the bucket of a call that failed three times
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).
#[derive(Debug, Deserialize)]
pub struct FailedCall<'l> {
    /// The event of the call.
    #[serde(borrow, rename = "requestPayload")]
    pub event: &'l RawValue,
}

/// Where Lambda writes them: `aws/lambda/async/<function>/<yyyy>/<mm>/<dd>/<time>-<uuid>`.
pub fn failed_calls(function: &str) -> String {
    kept::failed_calls(function)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use super::*;

    const NOW: i64 = 1_795_900_000_000;

    fn key() -> Key {
        Key {
            shelf: Shelf::Retry,
            first: NOW,
            destination: "main".into(),
            data_stream: "logs-aws.vpc-alpha".into(),
            not_before: NOW + 5,
            attempt: 2,
            name: "7f-1".into(),
        }
    }

    fn lines(object: &[u8]) -> Vec<String> {
        let reader = flate2::read::GzDecoder::new(object);
        BufReader::new(reader)
            .lines()
            .map(|line| line.expect("text"))
            .collect()
    }

    #[test]
    fn a_key_says_what_it_is_and_is_read_back() {
        let path = key().path();
        assert_eq!(
            path,
            "retry/2026/11/28/main/logs-aws.vpc-alpha/1795900000000-1795900000005-002-7f-1.ndjson.gz"
        );
        assert_eq!(Key::parse(&path), Some(key()));
        for foreign in [
            "retry/",
            "state/machines.json",
            "retry/2026/11/28/main/x/y.ndjson.gz",
            "other/2026/11/28/a/b/1-2-3-x.ndjson.gz",
        ] {
            assert_eq!(Key::parse(foreign), None, "{foreign}");
        }
        assert!(!key().is_given_up(NOW + LONGEST_RETRY));
        assert!(key().is_given_up(NOW + LONGEST_RETRY + 1));
        assert_eq!(next_try(0, NOW), NOW + FIRST_BETWEEN);
        assert_eq!(next_try(99, NOW), NOW + LONGEST_BETWEEN);
    }

    #[test]
    fn objects_hold_documents_with_what_was_said_of_them_or_a_call() {
        let mut batch = Batch::default();
        batch.push("1", br#"{"a":1}"#);
        let object = lines(&waiting("main", "s", "status 503", &[batch]));
        assert_eq!(
            object[0],
            r#"{"version":1,"content":"documents","destination":"main","data_stream":"s","cause":"status 503"}"#
        );
        assert_eq!(object[1..], [r#"{"id":"1","document":{"a":1}}"#]);
        let line: Line<'_> = serde_json::from_str(&object[1]).expect("a line");
        assert_eq!((line.id.as_str(), line.document.get()), ("1", r#"{"a":1}"#));
        let refused = Rejected {
            id: "1".into(),
            document: b"{}".to_vec(),
            status: 400,
            kind: Some("mapper_parsing_exception".into()),
            reason: Some("a \"b\"".into()),
        };
        assert_eq!(
            lines(&rejected("main", "s", "rejected", &[refused]))[1],
            r#"{"id":"1","status":400,"type":"mapper_parsing_exception","reason":"a \"b\"","document":{}}"#
        );
        let object = lines(&call("{\n\"awslogs\":{}}", 7, "no time"));
        let header: Header = serde_json::from_str(&object[0]).expect("a header");
        assert_eq!(header.content, Content::Call { from: 7 });
        assert_eq!(object[1..], [r#"{ "awslogs":{}}"#]);
        let record = r#"{"version":"1.0","requestContext":{},"requestPayload":{"awslogs":{}},"responsePayload":null}"#;
        let failed: FailedCall<'_> = serde_json::from_str(record).expect("a record");
        assert_eq!(failed.event.get(), r#"{"awslogs":{}}"#);
    }
}
