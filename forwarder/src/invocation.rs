//! What a call of the function is about. Pure.

use std::borrow::Cow;

use logfleet_contract::forwarder::ScheduleInput;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::time;

/// A call of the function.
#[derive(Debug, PartialEq)]
pub enum Invocation<'e> {
    /// Log events, packed:
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>.
    Logs(Cow<'e, str>),
    /// Objects that were written:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
    Objects(Vec<Object>),
    /// It is time to ask for something.
    Schedule(ScheduleInput),
    /// S3 tries whether it may call.
    Test,
}

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// When it was written, in milliseconds.
    pub time: Option<i64>,
}

#[derive(Deserialize)]
struct Written<'e> {
    #[serde(borrow)]
    awslogs: Option<Logs<'e>>,
    #[serde(borrow, rename = "Records")]
    records: Option<Vec<&'e RawValue>>,
    #[serde(borrow)]
    poll: Option<&'e RawValue>,
    #[serde(borrow, rename = "Event")]
    event: Option<Cow<'e, str>>,
}

#[derive(Deserialize)]
struct Logs<'e> {
    #[serde(borrow)]
    data: Cow<'e, str>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventSource")]
    source: String,
    #[serde(rename = "eventTime")]
    time: Option<String>,
    s3: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    bucket: BucketName,
    object: ObjectKey,
}

#[derive(Deserialize)]
struct BucketName {
    name: String,
}

#[derive(Deserialize)]
struct ObjectKey {
    key: String,
}

/// Reads an event; what is wrong with it, without its content, if it is of no kind that is known.
pub fn read(event: &str) -> Result<Invocation<'_>, String> {
    let malformed = |error: serde_json::Error| {
        format!(
            "the event is not JSON of a known form: line {}, column {}",
            error.line(),
            error.column()
        )
    };
    let written: Written<'_> = serde_json::from_str(event).map_err(malformed)?;
    if let Some(logs) = written.awslogs {
        return Ok(Invocation::Logs(logs.data));
    }
    if written.poll.is_some() {
        let input: ScheduleInput = serde_json::from_str(event).map_err(malformed)?;
        return Ok(Invocation::Schedule(input));
    }
    if let Some(records) = written.records {
        let objects: Result<Vec<Object>, String> = records
            .into_iter()
            .map(|record| object(serde_json::from_str(record.get()).map_err(malformed)?))
            .collect();
        return Ok(Invocation::Objects(objects?));
    }
    if written.event.as_deref() == Some("s3:TestEvent") {
        return Ok(Invocation::Test);
    }
    Err("the event isn't from CloudWatch Logs, S3 or a schedule".to_owned())
}

fn object(record: Record) -> Result<Object, String> {
    match record.s3 {
        Some(place) if record.source == "aws:s3" => Ok(Object {
            bucket: place.bucket.name,
            key: decoded(&place.object.key),
            time: record.time.as_deref().and_then(time::parse),
        }),
        _ => Err("a record isn't from S3".to_owned()),
    }
}

/// A key as a notification writes it, in the way of forms.
fn decoded(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |at: usize| {
            after
                .get(at)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = &after[2..];
            }
            (b'+', ..) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A byte of a key as a notification writes it.
pub fn encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
            char::from(byte).to_string()
        }
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn calls_are_told_apart() {
        assert_eq!(
            read(r#"{"awslogs":{"data":"H4sI"}}"#),
            Ok(Invocation::Logs("H4sI".into()))
        );
        let record = r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-11-28T21:06:40.000Z","s3":{"bucket":{"name":"b","arn":"a"},"object":{"key":"AWSLogs/1/a%3D+b%2Bc.log","size":5}}}]}"#;
        let object = Object {
            bucket: "b".into(),
            key: "AWSLogs/1/a= b+c.log".into(),
            time: Some(1_795_900_000_000),
        };
        assert_eq!(read(record), Ok(Invocation::Objects(vec![object])));
        assert_eq!(
            read(r#"{"poll":"retries"}"#),
            Ok(Invocation::Schedule(ScheduleInput::Retries {}))
        );
        assert_eq!(
            read(r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#),
            Ok(Invocation::Test)
        );
        for (wrong, told) in [
            (
                "",
                "the event is not JSON of a known form: line 1, column 0",
            ),
            (
                "{}",
                "the event isn't from CloudWatch Logs, S3 or a schedule",
            ),
            (
                r#"{"awslogs":{}}"#,
                "the event is not JSON of a known form: line 1, column 13",
            ),
            (
                r#"{"poll":"zones"}"#,
                "the event is not JSON of a known form: line 1, column 15",
            ),
            (
                r#"{"Records":[{"eventSource":"aws:sqs"}]}"#,
                "a record isn't from S3",
            ),
        ] {
            assert_eq!(read(wrong), Err(told.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn no_event_makes_it_panic(text in ".{0,60}") {
            let _ = read(&text);
            let written: String = text.bytes().map(encoded).collect();
            prop_assert_eq!(decoded(&written), text);
        }
    }
}
