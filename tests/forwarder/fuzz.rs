//! Changes calls at random for some time, as text, as gzip and as base64, and holds
//! what is read of them, and the documents made of that, against their promises.
//!
//! `cargo test --package logfleet-forwarder --test fuzz_decode -- --seconds 60 [--seed N]`;
//! without arguments one second. A finding prints the seed and the round, by which it comes again.

#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]
#![allow(
    unreachable_pub,
    reason = "a test binary exports nothing; `pub` marks what other modules of it use"
)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and this one runs by the clock"
)]

mod chance;
#[allow(dead_code, reason = "formats are tried by the parsers' own test")]
#[path = "../events/promises.rs"]
mod promises;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use logfleet_contract::forwarder::Configuration;
use logfleet_forwarder::batch::Batch;
use logfleet_forwarder::decode::{self, Envelope, Header};
use logfleet_forwarder::document::{self, Event, Head, Origin};
use logfleet_forwarder::invocation::{self, Invocation};
use logfleet_forwarder::{example, letter, route};
use serde_json::{Value, json};

use chance::Chance;
use promises::{Unique, events, formats};

/// When everything is sent.
const NOW: i64 = 1_795_900_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    let seconds = number("--seconds").unwrap_or(1);
    let seed = number("--seed").unwrap_or(1);
    let tried = Tried {
        configuration: example::configuration("https://one.example.com"),
        corpus: formats()
            .iter()
            .flat_map(|(case, _)| events(case))
            .collect(),
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut round, mut read, mut compared) = (0_u64, 0_u64, 0_u64);
    while Instant::now() < end {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round);
        let call = tried.call(&mut chance);
        let Ok((events, same)) = catch_unwind(AssertUnwindSafe(|| tried.check(&call))) else {
            let text = String::from_utf8_lossy(&call.json);
            println!("a promise is broken, --seed {seed}, round {round}:\n{text}");
            return ExitCode::FAILURE;
        };
        read += events;
        compared += u64::from(same);
        round += 1;
    }
    println!(
        "{round} calls in {seconds} s, seed {seed}: {read} events were read of them, {compared} calls as another reader of JSON read them; every promise was kept"
    );
    ExitCode::SUCCESS
}

/// A call, and what it was made of.
struct Call {
    event: String,
    json: Vec<u8>,
    /// Whether only the JSON was changed.
    whole: bool,
}

struct Tried {
    configuration: Configuration,
    corpus: Vec<String>,
}

/// A few changes of bytes.
fn change(bytes: &mut Vec<u8>, most: u64, chance: &mut Chance) {
    let below = |chance: &mut Chance, end: usize| {
        usize::try_from(chance.below(u64::try_from(end.max(1)).unwrap())).unwrap()
    };
    for _ in 0..chance.below(most) {
        let at = below(chance, bytes.len());
        match chance.below(6) {
            0 if !bytes.is_empty() => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            1 if !bytes.is_empty() => {
                bytes.remove(at);
            }
            2 => {
                let signs = b"{}[]\"\\:,- \x00\xff0";
                bytes.insert(at, signs[below(chance, signs.len())]);
            }
            3 if chance.below(4) == 0 => bytes.truncate(at),
            4 => {
                let end = (at + below(chance, 60)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = below(chance, bytes.len());
                bytes.splice(to..to, part);
            }
            _ => {
                let words: [&[u8]; 10] = [
                    b"\\ud800",
                    b"\\u0000",
                    b"1e999",
                    b"null",
                    b",{\"id\":\"7\",\"message\":\"m\"}",
                    b"\"id\":\"8\",",
                    b"\"logEvents\":[],",
                    b"\"messageType\":\"CONTROL_MESSAGE\",",
                    b"[[[[[[[[",
                    b"\xed\xa0\x80",
                ];
                let at = below(chance, bytes.len());
                bytes.splice(at..at, words[below(chance, words.len())].iter().copied());
            }
        }
    }
}

impl Tried {
    fn call(&self, chance: &mut Chance) -> Call {
        let logged: Vec<Value> = (0..chance.below(5))
            .map(|number| {
                let at = chance.below(u64::try_from(self.corpus.len()).unwrap());
                let text = &self.corpus[usize::try_from(at).unwrap()];
                json!({ "id": number.to_string(), "timestamp": 1_795_899_000_000_u64 + number, "message": text })
            })
            .collect();
        let envelope = json!({
            "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/logfleet/alpha/aws/vpc",
            "logStream": "stream", "subscriptionFilters": ["logfleet"], "logEvents": logged,
        });
        let mut json = envelope.to_string().into_bytes();
        change(&mut json, 6, chance);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&json).unwrap();
        let mut packed = encoder.finish().unwrap();
        let mut whole = true;
        if chance.below(8) == 0 {
            change(&mut packed, 4, chance);
            whole = false;
        }
        let mut data = STANDARD.encode(packed).into_bytes();
        if chance.below(16) == 0 {
            change(&mut data, 4, chance);
            whole = false;
        }
        let data = String::from_utf8_lossy(&data).into_owned();
        let event = json!({ "awslogs": { "data": data } }).to_string();
        Call { event, json, whole }
    }

    /// The events that were read, and whether another reader of JSON could be asked.
    fn check(&self, call: &Call) -> (u64, bool) {
        let Ok(Invocation::Logs(data)) = invocation::read(&call.event) else {
            panic!("the call itself is whole");
        };
        let mut found = Vec::new();
        let mut ended = false;
        let mut control = false;
        if let Ok(packed) = decode::packed(&data)
            && let Ok(mut envelope) = Envelope::open(&packed)
        {
            let header = envelope.header().clone();
            control = header.is_control();
            loop {
                match envelope.next() {
                    Ok(Some(Ok(event))) => {
                        self.written(&header, &event);
                        found.push(Some((event.id.into_owned(), event.message.into_owned())));
                    }
                    Ok(Some(Err(_))) => found.push(None),
                    Ok(None) => {
                        ended = true;
                        break;
                    }
                    Err(_) => break,
                }
                assert!(found.len() <= call.json.len(), "it never ends");
            }
            assert!(!ended || envelope.next().unwrap().is_none(), "it ends once");
        }
        let count = u64::try_from(found.len()).unwrap();
        // What is changed below the JSON mustn't seem whole.
        if !call.whole {
            return (count, false);
        }
        let Ok(Unique(value)) = serde_json::from_slice(&call.json) else {
            return (count, false);
        };
        let Some(wanted) = wanted(&value) else {
            return (count, false);
        };
        assert!(ended, "what is whole is read to its end");
        let wanted = if control { Vec::new() } else { wanted };
        assert_eq!(found, wanted);
        (count, true)
    }

    /// The document of an event is one line of JSON with the event's text, and so is its action.
    fn written(&self, header: &Header, log: &decode::LogEvent<'_>) {
        let known = Header {
            log_group: "/logfleet/alpha/aws/vpc".into(),
            ..header.clone()
        };
        let route = route::of_log_group(&self.configuration, &known).unwrap();
        let origin = Origin {
            log_group: Some(&header.log_group),
            log_stream: Some(&header.log_stream),
            ..Origin::default()
        };
        let head = Head::new(&self.configuration, &route, origin, NOW);
        let event = Event {
            id: Some(&log.id),
            received: log.timestamp,
            account: log.account.as_deref(),
            region: log.region.as_deref(),
            source_log: log.source_log.as_deref(),
            text: &log.message,
        };
        let mut out = Vec::new();
        document::write(&head, &route, &event, NOW, &mut out);
        let Unique(document) = serde_json::from_slice(&out).unwrap();
        assert_eq!(document["message"], *log.message);
        let own = document::own_id(&log.message, &log.id);
        let id = document::id(log.timestamp.unwrap_or_default(), "0123456789abcdef", &own);
        let mut batch = Batch::default();
        batch.push(&id, &out);
        let lines: Vec<&[u8]> = batch.body().split(|byte| *byte == b'\n').collect();
        assert!(
            lines.len() == 3 && lines[1] == out,
            "a document is one line"
        );
        let action: Value = serde_json::from_slice(lines[0]).unwrap();
        assert_eq!(action["create"]["_id"], id);
        assert!(letter::Key::parse(&log.message).is_none_or(|key| !key.name.contains('/')));
    }
}

/// The ids and messages of an envelope, none for what is no event; nothing if it isn't an envelope.
fn wanted(value: &Value) -> Option<Vec<Option<(String, String)>>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    // Others than texts are taken as they are written, which a reader of values doesn't know.
    let kind = text(&value["messageType"])?;
    let group = text(&value["logGroup"])?;
    let events = value["logEvents"].as_array()?;
    if kind.is_empty() || group.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for event in events {
        let Some(members) = event.as_object() else {
            // An array is read as an event whose members have no names.
            if event.is_array() {
                return None;
            }
            found.push(None);
            continue;
        };
        found.push(match (members.get("id"), members.get("message")) {
            (Some(id), Some(message)) => Some((text(id)?, text(message)?)),
            _ => None,
        });
    }
    Some(found)
}
