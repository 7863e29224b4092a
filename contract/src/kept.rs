//! The folders of the bucket in which the forwarder keeps what it couldn't deliver. Pure.

/// What may be taken later; the forwarder sends it again.
pub const RETRY: &str = "retry/";

/// What a destination refused for good.
pub const DEAD: &str = "dead/";

/// Where documents of a data stream are that were put aside on a day, such as `2026/11/29` (UTC).
pub fn folder(shelf: &str, day: &str, destination: &str, data_stream: &str) -> String {
    format!("{shelf}{day}/{destination}/{data_stream}/")
}

/// Where Lambda puts calls of a function that failed each time
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).
pub fn failed_calls(function: &str) -> String {
    format!("aws/lambda/async/{function}/")
}
