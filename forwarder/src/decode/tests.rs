use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn pack(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn envelope(events: &str) -> Vec<u8> {
    pack(
        format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":{events}}}"#
        )
        .as_bytes(),
    )
}

/// What is read of an envelope: messages, `!` before what is no event, and how it ends.
fn read(packed: &[u8]) -> (Vec<String>, Option<String>) {
    let mut found = Vec::new();
    let mut envelope = match Envelope::open(packed) {
        Ok(envelope) => envelope,
        Err(error) => return (found, Some(error.to_string())),
    };
    loop {
        match envelope.next() {
            Ok(Some(Ok(event))) => found.push(format!("{} {}", event.id, event.message)),
            Ok(Some(Err(bad))) => found.push(format!("! {}", bad.reason)),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error.to_string())),
        }
    }
}

#[test]
fn events_are_read_with_what_cloudwatch_says_of_them() {
    let packed = envelope(
        r#"[{"id":"1","timestamp":1795900000000,"message":"a\nb","extractedFields":{"@aws.account":"222233334444","@aws.region":"eu-west-1","@source.log":"x","n":null}},
            {"id":"2","timestamp":1e30,"message":{"transformed":true}}]"#,
    );
    let mut read = Envelope::open(&packed).expect("an envelope");
    assert_eq!(
        (
            read.header().log_group.as_str(),
            read.header().owner.as_str()
        ),
        ("g", "111122223333")
    );
    let first = read
        .next()
        .expect("no fault")
        .expect("one")
        .expect("an event");
    assert_eq!(first.message, "a\nb");
    assert_eq!(first.timestamp, Some(1_795_900_000_000));
    assert_eq!(first.account.as_deref(), Some("222233334444"));
    assert_eq!(first.region.as_deref(), Some("eu-west-1"));
    assert_eq!(first.source_log.as_deref(), Some("x"));
    let second = read
        .next()
        .expect("no fault")
        .expect("one")
        .expect("an event");
    assert_eq!(second.message, r#"{"transformed":true}"#);
    assert_eq!(second.timestamp, None);
    assert!(read.next().expect("no fault").is_none());
}

#[test]
fn a_control_message_has_no_events_and_members_may_stand_in_any_order() {
    let control = json!({ "messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logEvents": [{ "id": "", "timestamp": 0, "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose." }] });
    let packed = pack(control.to_string().as_bytes());
    assert!(
        Envelope::open(&packed)
            .expect("an envelope")
            .header()
            .is_control()
    );
    assert_eq!(read(&packed), (vec![], None));
    let turned = r#"{"logEvents":[{"id":"1","message":"a"}],"logStream":"s","logGroup":"g","more":[{}],"messageType":"DATA_MESSAGE"}"#;
    assert_eq!(read(&pack(turned.as_bytes())), (vec!["1 a".into()], None));
    assert_eq!(read(&envelope("[]")), (vec![], None));
}

#[test]
fn what_is_hostile_is_told_and_takes_nothing_else_with_it() {
    assert!(matches!(packed("%%%"), Err(DecodeError::Base64(_))));
    assert!(matches!(packed("YQ"), Err(DecodeError::Base64(_))));
    let one = r#"{"id":"1","message":"a"}"#;
    let cut = |text: &str| {
        let packed = envelope(text);
        packed[..packed.len() - 12].to_vec()
    };
    let told = |packed: &[u8]| {
        let (found, end) = read(packed);
        (found.join(" | "), end.unwrap_or_default())
    };
    let starts = |packed: &[u8], events: &str, end: &str| {
        let (found, told) = told(packed);
        assert_eq!(found, events);
        assert!(
            told.starts_with(end) && told.is_empty() == end.is_empty(),
            "{told}"
        );
    };
    starts(b"not gzip", "", "its gzip is damaged");
    starts(b"", "", "its gzip is damaged");
    starts(&cut(&format!("[{one}]")), "", "its gzip is damaged");
    starts(
        &pack(b"[1]"),
        "",
        "it is not JSON: unexpected byte 0x5b at 0",
    );
    starts(&pack(b"{}"), "", "it has no `messageType`");
    starts(
        &pack(br#"{"messageType":"DATA_MESSAGE"}"#),
        "",
        "it has no `logGroup`",
    );
    starts(
        &pack(br#"{"messageType":"DATA_MESSAGE","logGroup":"g"}"#),
        "",
        "it has no `logEvents`",
    );
    starts(
        &envelope(&format!("[{one},7,{one}]")),
        "1 a | ! not an event: invalid type: integer `7`, expected struct Written at line 1 column 1 | 1 a",
        "",
    );
    starts(
        &envelope(r#"[{"id":"1"},{"message":"a"}]"#),
        "! not an event: it has no `message` | ! not an event: it has no `id`",
        "",
    );
    starts(
        &envelope(&format!("[{one}")),
        "1 a",
        "it is not JSON: unexpected byte 0x7d",
    );
    starts(
        &envelope(r#"[{"id":"1","message":"a\ud800"}]"#),
        "1 a\u{fffd}\u{fffd}\u{fffd}",
        "",
    );
    let mut broken =
        br#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"id":"1","message":""#
            .to_vec();
    broken.extend_from_slice(b"a\xff\xfe");
    broken.extend_from_slice(br#""}]}"#);
    starts(&pack(&broken), "1 a\u{fffd}\u{fffd}", "");
    let deep = format!(
        r#"{{"id":"1","message":"a","deep":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (found, _) = told(&envelope(&format!("[{deep},{one}]")));
    assert!(found.ends_with("1 a"), "{found}");
    let keys: String = (0..10_000)
        .map(|key| format!(r#""k{key}":{key},"#))
        .collect();
    starts(
        &envelope(&format!(r#"[{{{keys}"id":"1","message":"a"}}]"#)),
        "1 a",
        "",
    );
    let long = "x".repeat(1024 * 1024);
    let (found, _) = told(&envelope(&format!(r#"[{{"id":"1","message":"{long}"}}]"#)));
    assert_eq!(found.len(), long.len() + 2);
}

#[test]
fn a_bomb_is_read_to_the_limit_in_little_memory() {
    // A mebibyte or less that unpacks to 700: one text, and very many events.
    let filler = vec![b'x'; 1024 * 1024];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"id":"1","message":"a"},{"id":"2","message":""#).expect("memory");
    for _ in 0..300 {
        encoder.write_all(&filler).expect("memory");
    }
    let packed = encoder.finish().expect("memory");
    let mut envelope = Envelope::open(&packed).expect("an envelope");
    assert!(envelope.next().expect("no fault").expect("one").is_ok());
    assert!(matches!(envelope.next(), Err(DecodeError::TooLarge)));
    assert!(
        envelope.scanner.capacity() < 2 * LONGEST_EVENT + 1024 * 1024,
        "{}",
        envelope.scanner.capacity()
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..300) {
        read(&bytes);
        read(&pack(&bytes));
        let whole = envelope(r#"[{"id":"1","timestamp":1,"message":"a"},{"id":"2","timestamp":1,"message":"b"}]"#);
        let mut damaged = whole.clone();
        let at = at % whole.len();
        damaged[at] ^= 0x55;
        read(&damaged);
        read(&whole[..at]);
    }
}
