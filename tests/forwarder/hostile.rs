//! What may come of a log, and what nobody should send.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::bulk::Fault;
use crate::events::{call, event, wrap};
use crate::rig::{Rig, count, notes, run};

const VPC: &str = "/logfleet/alpha/aws/vpc";

/// Memory of this process at its most, in kibibytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    line.split_whitespace()
        .nth(1)
        .and_then(|own| own.parse().ok())
        .expect("a number")
}

/// Every one ends with its reason under `dead/`, and the call isn't made again: it would never end.
#[test]
fn what_cannot_be_read_is_put_aside_whole() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    let packed =
        |bytes: &[u8]| json!({ "awslogs": { "data": STANDARD.encode(bytes) } }).to_string();
    for (number, (event, told)) in [
        (
            json!({ "awslogs": { "data": "%%%" } }).to_string(),
            "the call can't be read: it is not base64",
        ),
        (
            packed(b"not gzip"),
            "the call can't be read: its gzip is damaged",
        ),
        (packed(&[]), "the call can't be read: its gzip is damaged"),
        (wrap(b"[1]"), "the call can't be read: it is not JSON"),
        (
            wrap(b"{}"),
            "the call can't be read: it has no `messageType`",
        ),
        (
            call("/aws/lambda/other", &[event(1, "a")]),
            "the log group `/aws/lambda/other` isn't configured",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = run(&forwarder, &event, 30);
        assert_eq!(outcome.result, Ok(()));
        assert!(notes(&outcome).contains(told), "{}", outcome.line);
        let lines = rig.account.lines("dead/");
        assert!(
            lines.contains(&serde_json::from_str(&event).expect("JSON")),
            "{number}"
        );
        rig.account.state().objects.clear();
    }
    assert_eq!(rig.server.state().documents().count(), 0);
    assert!(run(&forwarder, "{\"x\":1}", 30).result.is_err());
}

#[test]
fn events_of_every_form_arrive() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    let keys: serde_json::Map<String, Value> = (0..10_000)
        .map(|number| (format!("key{number}"), number.into()))
        .collect();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let messages = [
        String::new(),
        "x".repeat(1024 * 1024),
        "a\u{0}b\u{7}\u{2028}\"\\".to_owned(),
        Value::Object(keys).to_string(),
        deep,
        "\u{1f600}".repeat(1000),
    ];
    let mut events: Vec<Value> = messages
        .iter()
        .enumerate()
        .map(|(number, message)| event(number as u64, message))
        .collect();
    for (number, timestamp) in [
        json!(-62_135_596_800_000_i64),
        json!(253_402_300_799_000_i64),
        json!(i64::MIN),
        json!(1e300),
        json!("soon"),
        json!(null),
    ]
    .into_iter()
    .enumerate()
    {
        let mut own = event(100 + number as u64, &format!("time {number}"));
        own["timestamp"] = timestamp;
        events.push(own);
    }
    let outcome = run(&forwarder, &call(VPC, &events), 60);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Rejected")),
        (12, 0),
        "{}",
        outcome.line
    );
    let state = rig.server.state();
    let mut stored: Vec<&str> = state
        .documents()
        .map(|own| own["message"].as_str().expect("a message"))
        .collect();
    stored.sort_unstable();
    let times: Vec<String> = (0..6).map(|number| format!("time {number}")).collect();
    let mut wanted: Vec<&str> = messages.iter().chain(&times).map(String::as_str).collect();
    wanted.sort_unstable();
    assert!(stored == wanted);
    for document in state.documents() {
        let time = document["@timestamp"].as_str().expect("a time");
        assert!(time.starts_with("20"), "{time}");
    }
}

#[test]
fn what_is_broken_in_an_envelope_takes_nothing_else_with_it() {
    let rig = Rig::always(Fault::None);
    let mut bytes = br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/logfleet/alpha/aws/vpc","logStream":"s","logEvents":[{"id":"1","timestamp":1,"message":"lone \ud800 surrogate"},{"id":"2","message":""#.to_vec();
    bytes.extend_from_slice(b"bad \xff byte");
    bytes.extend_from_slice(br#""},7,{"id":"3","timestamp":1,"message":"c"}]}"#);
    let outcome = run(&rig.forwarder(), &wrap(&bytes), 30);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Rejected")),
        (3, 1)
    );
    assert_eq!(rig.account.lines("dead/")[0]["type"], "unreadable_event");
    // Cut in the middle: what came before is stored, the rest told.
    let events: Vec<Value> = (0..20_000)
        .map(|number| event(number, &format!("{number} {}", number * 7919 % 10_007)))
        .collect();
    let whole: Value = serde_json::from_str(&call(VPC, &events)).expect("JSON");
    let packed = STANDARD
        .decode(whole["awslogs"]["data"].as_str().expect("text"))
        .expect("base64");
    let cut =
        json!({ "awslogs": { "data": STANDARD.encode(&packed[..packed.len() / 2]) } }).to_string();
    let outcome = run(&rig.forwarder(), &cut, 60);
    assert_eq!(outcome.result, Ok(()));
    assert!(count(&outcome, "Delivered") > 1000, "{}", outcome.line);
    assert!(
        notes(&outcome).contains("the call can't be read to its end: its gzip is damaged"),
        "{}",
        outcome.line
    );
}

/// A megabyte that unpacks to seven hundred, as one text and as very many events.
#[test]
fn a_bomb_needs_little_memory() {
    let start = |encoder: &mut GzEncoder<Vec<u8>>| {
        encoder.write_all(br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/logfleet/alpha/aws/vpc","logStream":"s","logEvents":["#).expect("memory");
    };
    let mut one = GzEncoder::new(Vec::new(), Compression::best());
    start(&mut one);
    one.write_all(br#"{"id":"1","timestamp":1,"message":""#)
        .expect("memory");
    let filler = vec![b'x'; 1024 * 1024];
    for _ in 0..700 {
        one.write_all(&filler).expect("memory");
    }
    let bombs = [one.finish().expect("memory")];
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    let before = peak();
    for bomb in bombs {
        assert!(bomb.len() < 1024 * 1024);
        let event = json!({ "awslogs": { "data": STANDARD.encode(&bomb) } }).to_string();
        let outcome = run(&forwarder, &event, 120);
        assert_eq!(outcome.result, Ok(()));
        assert!(
            notes(&outcome).contains("it unpacks to more than"),
            "{}",
            outcome.line
        );
    }
    // Other tests of this process may take memory, too; none of them takes a tenth of it.
    let grown = (peak() - before) / 1024;
    assert!(grown < 200, "{grown} MiB more");
}
