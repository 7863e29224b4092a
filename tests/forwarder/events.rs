//! Events as CloudWatch Logs hands them over.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// When the events were.
pub fn time(number: u64) -> u64 {
    let now = u64::try_from(logfleet_forwarder::clock::now()).expect("after 1970");
    now - 60_000 + number % 1000
}

/// An event with a number that tells it from all others.
pub fn event(number: u64, message: &str) -> Value {
    json!({
        "id": format!("{number:056}"),
        "timestamp": time(number),
        "message": message,
    })
}

/// A call with these events of a log group.
pub fn call(log_group: &str, events: &[Value]) -> String {
    wrap(
        json!({
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": log_group,
            "logStream": "stream",
            "subscriptionFilters": ["logfleet"],
            "logEvents": events,
        })
        .to_string()
        .as_bytes(),
    )
}

/// A call with these bytes.
pub fn wrap(bytes: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    let packed = encoder.finish().expect("memory");
    json!({ "awslogs": { "data": STANDARD.encode(packed) } }).to_string()
}
