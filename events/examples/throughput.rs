//! How fast each format is read, on the events of `tests/cases/events`, and how
//! that compares with writing the same texts unread as `message`.
//!
//! `cargo run --release --package logfleet-events --example throughput`

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what the clock says"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use logfleet_events::{FlowLogFields, Format, flow_log_columns, write_fields};

/// The time of one round; the best of several counts, since other programs only add to it.
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all = FlowLogFields::parse(&flow_log_columns().join(" "))?;
    let cases = [
        ("vpc_flow_log", Format::VpcFlowLog(FlowLogFields::default())),
        ("vpc_flow_log_all_fields", Format::VpcFlowLog(all)),
        ("load_balancer", Format::LoadBalancer),
        ("s3_access", Format::S3Access),
        ("route53", Format::Route53),
        ("cloudtrail", Format::CloudTrail),
        ("event_bridge", Format::EventBridge),
        ("eks_control_plane", Format::EksControlPlane),
        ("syslog", Format::Syslog),
    ];
    println!(
        "{:<24} {:>10} {:>9} {:>9} {:>12} {:>12}",
        "format", "bytes each", "µs each", "MB/s", "× unread", "bytes out/in"
    );
    for (case, format) in cases {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/events");
        let text = fs::read_to_string(path.join(case).join("events.txt"))?;
        // Those of the documentation; what isn't of its format costs next to nothing.
        let mut out = Vec::new();
        let events: Vec<&str> = text
            .lines()
            .filter(|event| !write_fields(&format, event, &mut out).unparsed)
            .collect();
        let bytes: usize = events.iter().map(|event| event.len()).sum();
        let (read, written) = best(&format, &events);
        let (unread, _) = best(&Format::Text, &events);
        let count = u32::try_from(events.len())?;
        println!(
            "{case:<24} {:>10} {:>9.3} {:>9.0} {:>12.1} {:>12.2}",
            bytes / events.len(),
            (read / count).as_secs_f64() * 1e6,
            megabytes(bytes) / read.as_secs_f64(),
            read.as_secs_f64() / unread.as_secs_f64(),
            megabytes(written) / megabytes(bytes),
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few kilobytes")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// The shortest time that all events took, and the bytes that were written.
fn best(format: &Format, events: &[&str]) -> (Duration, usize) {
    let mut out = Vec::with_capacity(1 << 20);
    let mut best = Duration::MAX;
    let mut written = 0;
    for _ in 0..ROUNDS {
        let (start, mut passes) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            out.clear();
            for event in events {
                black_box(write_fields(format, black_box(event), &mut out));
            }
            written = out.len();
            passes += 1;
        }
        best = best.min(start.elapsed() / passes);
    }
    (best, written)
}
