//! How fast events are unpacked, read and written as documents, on one thread and
//! without a network; and how fast each part of that is.
//!
//! `cargo run --profile lambda --package logfleet-forwarder --example throughput`

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what the clock says"
)]

use std::hint::black_box;
use std::io::Read as _;
use std::time::{Duration, Instant};

use logfleet_forwarder::batch::{self, Batch};
use logfleet_forwarder::decode::Envelope;
use logfleet_forwarder::document::{self, Event, Head, Origin};
use logfleet_forwarder::{example, route};
use serde_json::json;

/// Events of one call.
const EVENTS: u64 = 5_000;
/// The best of several rounds counts, since other programs only add to it.
const ROUNDS: usize = 15;
const NOW: i64 = 1_795_900_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let envelope = envelope();
    let packed = batch::gzip(&envelope);
    let configuration = example::configuration("https://logs.example.com");
    let mut documents = 0;
    let mut batch = Batch::default();
    let parts = [
        ("unpack", best(|| black_box(unpack(&packed)).len() as u64)),
        (
            "unpack and read",
            best(|| {
                let mut envelope = Envelope::open(&packed).expect("an envelope");
                let mut events = 0;
                while let Some(event) = envelope.next().expect("whole") {
                    events += u64::from(black_box(event).is_ok());
                }
                events
            }),
        ),
        (
            "unpack, read and write documents",
            best(|| {
                batch = shape(&configuration, &packed);
                documents = batch.bytes();
                batch.len() as u64
            }),
        ),
        ("pack them", best(|| batch.packed().len() as u64)),
    ];
    println!(
        "{EVENTS} flow logs, {:.2} MB of JSON, {:.2} MB packed; {:.2} MB of documents, {:.2} MB packed",
        megabytes(envelope.len()),
        megabytes(packed.len()),
        megabytes(documents),
        megabytes(batch.packed().len()),
    );
    println!("{:<36} {:>9} {:>16}", "", "µs each", "MB of JSON/s");
    for (name, took) in parts {
        let each = took.as_secs_f64() * 1e6 / f64::from(u32::try_from(EVENTS)?);
        let speed = megabytes(envelope.len()) / took.as_secs_f64();
        println!("{name:<36} {each:>9.3} {speed:>16.0}");
    }
    Ok(())
}

/// A call as CloudWatch Logs makes it, as `ci/bench/forwarder` has it.
fn envelope() -> Vec<u8> {
    let event = |number: u64| {
        let message = format!(
            "2 111122223333 eni-{:017x} 10.{}.{}.{} 10.0.{}.{} {} {} 6 {} {} 1795899940 1795899998 {} OK",
            number * 7919 % 997,
            number % 7,
            number * 31 % 251,
            number * 17 % 253,
            number % 3,
            number * 13 % 254,
            1024 + number * 101 % 60_000,
            [443, 9200, 5432, 53][(number % 4) as usize],
            number * 37 % 900,
            number * 4241 % 900_000,
            ["ACCEPT", "ACCEPT", "ACCEPT", "REJECT"][(number * 3 % 4) as usize],
        );
        json!({ "id": format!("{number:056}"), "timestamp": NOW, "message": message })
    };
    let events: Vec<_> = (0..EVENTS).map(event).collect();
    let envelope = json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/logfleet/alpha/aws/vpc",
        "logStream": "eni-0a1b2c3d4e5f60718-all", "subscriptionFilters": ["logfleet"], "logEvents": events,
    });
    envelope.to_string().into_bytes()
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::bufread::GzDecoder::new(packed)
        .read_to_end(&mut out)
        .expect("gzip");
    out
}

/// What the function does with a call up to a bulk request's body.
fn shape(configuration: &logfleet_contract::forwarder::Configuration, packed: &[u8]) -> Batch {
    let mut envelope = Envelope::open(packed).expect("an envelope");
    let header = envelope.header().clone();
    let route = route::of_log_group(configuration, &header).expect("a route");
    let origin = Origin {
        log_group: Some(&header.log_group),
        log_stream: Some(&header.log_stream),
        ..Origin::default()
    };
    let head = Head::new(configuration, &route, origin, NOW);
    let place = document::hash(&[&header.log_group, &header.log_stream]);
    let mut batch = Batch::default();
    let mut out = Vec::new();
    while let Some(event) = envelope.next().expect("whole") {
        let log = event.expect("an event");
        let own = document::own_id(&log.message, &log.id);
        let id = document::id(log.timestamp.unwrap_or_default(), &place, &own);
        out.clear();
        let event = Event {
            id: Some(&log.id),
            received: log.timestamp,
            account: Some(&header.owner),
            region: Some("eu-central-1"),
            source_log: None,
            text: &log.message,
        };
        document::write(&head, &route, &event, NOW, &mut out);
        batch.push(&id, &out);
    }
    batch
}

/// The shortest time that all events took.
fn best(mut work: impl FnMut() -> u64) -> Duration {
    let mut round = || {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    let mut best = round();
    for _ in 1..ROUNDS {
        best = best.min(round());
    }
    best
}

#[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
