//! The reconciler from outside: against a played server that fails wherever a test wants it to, and against real ones.

#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![allow(
    unreachable_pub,
    reason = "a test binary exports nothing; `pub` marks what other modules of it use"
)]

#[path = "../real/certificates.rs"]
mod certificates;
#[path = "../real/client.rs"]
#[allow(dead_code, reason = "other tests need what these don't")]
mod client;
mod converge;
#[path = "../real/elasticsearch.rs"]
#[allow(dead_code, reason = "other tests need what these don't")]
mod elasticsearch;
mod failures;
mod fleet;
mod model;
#[path = "../real/opensearch.rs"]
#[allow(dead_code, reason = "other tests need what these don't")]
mod opensearch;
mod played;
mod program;
mod real;
mod relay;
#[path = "../real/rig.rs"]
#[allow(dead_code, reason = "other tests need what these don't")]
mod rig;
mod store;
