//! Tests against real servers, installed by `ci/rigs/*`, and a real browser.
//! What isn't installed is skipped visibly; in CI (`CI=true`) that is a failure.

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

mod aws;
mod browser;
mod certificates;
mod client;
mod documents;
mod elasticsearch;
mod fleet;
mod forwarder;
mod indices;
mod kubernetes;
mod opensearch;
mod page;
mod rig;
