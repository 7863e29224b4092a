//! Commands for people: what would be sent, and sending again.

use std::collections::BTreeMap;
use std::time::Duration;

use logfleet_contract::forwarder::Configuration;
use logfleet_forwarder::decode::{self, Envelope};
use logfleet_forwarder::document::{self, Event, Head, Origin};
use logfleet_forwarder::handle::Forwarder;
use logfleet_forwarder::handle::retries::{Choice, Replayed};
use logfleet_forwarder::invocation::{self, Invocation};
use logfleet_forwarder::letter::Shelf;
use logfleet_forwarder::metrics::Counters;
use logfleet_forwarder::{clock, route, time};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The longest that one object may take.
const OBJECT: Duration = Duration::from_secs(15 * 60);

/// Prints what would be sent for an event of CloudWatch Logs: the route, then an id and a document a
/// line.
pub(crate) fn explain(
    configuration: &Configuration,
    event: &str,
    region: &str,
    print: impl Fn(&str),
) -> Result<(), String> {
    let data = match invocation::read(event)? {
        Invocation::Logs(data) => data,
        Invocation::Objects(objects) => {
            for object in objects {
                print(&json!({ "bucket": object.bucket, "object": object.key }).to_string());
            }
            return Ok(());
        }
        other => {
            print(&format!("{other:?}"));
            return Ok(());
        }
    };
    let packed = decode::packed(&data).map_err(|error| error.to_string())?;
    let mut envelope = Envelope::open(&packed).map_err(|error| error.to_string())?;
    let header = envelope.header().clone();
    if header.is_control() {
        print("a control message: nothing is sent");
        return Ok(());
    }
    let Some(route) = route::of_log_group(configuration, &header) else {
        return Err(format!(
            "the log group `{}` isn't configured",
            header.log_group
        ));
    };
    print(
        &json!({
            "log_group": header.log_group,
            "stream": route.stream,
            "data_stream": route.data_stream,
            "to": route.to,
            "source": route.source,
            "members_only": route.members_only,
            "format": format!("{:?}", route.format),
        })
        .to_string(),
    );
    let origin = Origin {
        log_group: Some(&header.log_group),
        log_stream: Some(&header.log_stream),
        ..Origin::default()
    };
    let now = clock::now();
    let head = Head::new(configuration, &route, origin, now);
    let place = document::hash(&[&header.log_group, &header.log_stream]);
    while let Some(next) = envelope.next().map_err(|error| error.to_string())? {
        let log = match next {
            Ok(log) => log,
            Err(bad) => {
                print(&json!({ "rejected": bad.reason }).to_string());
                continue;
            }
        };
        let mut out = Vec::new();
        let written = Event {
            id: Some(&log.id),
            received: log.timestamp,
            account: Some(log.account.as_deref().unwrap_or(&header.owner)),
            region: Some(log.region.as_deref().unwrap_or(region)),
            source_log: log.source_log.as_deref(),
            text: &log.message,
        };
        let parsed = document::write(&head, &route, &written, now, &mut out);
        let document: Value = serde_json::from_slice(&out).map_err(|error| error.to_string())?;
        let own = document::own_id(&log.message, &log.id);
        let id = document::id(log.timestamp.unwrap_or_default(), &place, &own);
        print(&json!({ "id": id, "unparsed": parsed.unparsed, "document": document }).to_string());
    }
    Ok(())
}

/// What `replay` is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    shelf: Shelf,
    choice: Choice,
    dry_run: bool,
}

/// Reads the options of `replay`.
pub(crate) fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        shelf: Shelf::Dead,
        choice: Choice::default(),
        dry_run: false,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--dry-run" {
            options.dry_run = true;
            continue;
        }
        let mut value = || {
            words
                .next()
                .cloned()
                .ok_or_else(|| format!("{word} needs a value"))
        };
        let time = |text: String| {
            time::parse(&text)
                .ok_or_else(|| format!("{text} isn't a time such as 2026-11-29T00:00:00Z"))
        };
        match word.as_str() {
            "--shelf" => {
                options.shelf = match value()?.as_str() {
                    "retry" => Shelf::Retry,
                    "dead" => Shelf::Dead,
                    other => return Err(format!("--shelf {other}: use retry or dead")),
                }
            }
            "--stream" => options.choice.data_stream = Some(value()?),
            "--reason" => options.choice.kind = Some(value()?),
            "--from" => options.choice.from = Some(time(value()?)?),
            "--until" => options.choice.until = Some(time(value()?)?),
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(options)
}

/// Sends again what was put aside.
pub(crate) async fn replay(
    forwarder: &Forwarder,
    options: &Options,
    print: impl Fn(&str),
) -> Result<(), String> {
    let keys = forwarder
        .shelved(options.shelf, &options.choice)
        .await
        .map_err(|error| error.to_string())?;
    let mut counters = Counters::default();
    let mut failures = 0;
    for key in &keys {
        let path = key.path();
        if options.dry_run {
            print(&path);
            continue;
        }
        let mut blocked = BTreeMap::new();
        let deadline = Instant::now() + OBJECT;
        let replayed = forwarder
            .replay(key, &options.choice, deadline, &mut blocked, &mut counters)
            .await;
        match replayed {
            Ok(Replayed::Whole) if blocked.is_empty() => print(&format!("{path}: sent")),
            Ok(Replayed::Whole) => {
                failures += 1;
                let causes: Vec<String> = blocked
                    .into_iter()
                    .map(|(name, cause)| format!("{name}: {cause}"))
                    .collect();
                print(&format!("{path}: put aside again; {}", causes.join("; ")));
            }
            Ok(Replayed::Part) => print(&format!("{path}: partly sent, so it is kept")),
            Ok(Replayed::Gone) => print(&format!("{path}: gone")),
            Err(error) => {
                failures += 1;
                print(&error.to_string());
            }
        }
    }
    print(&format!(
        "{} objects; {} documents delivered, {} of them existed already, {} rejected, {} put aside again",
        keys.len(),
        counters.delivered,
        counters.duplicates,
        counters.rejected,
        counters.retried
    ));
    if failures > 0 {
        return Err(format!(
            "{failures} of {} objects could not be sent",
            keys.len()
        ));
    }
    Ok(())
}
