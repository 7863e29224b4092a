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

mod converge;
mod failures;
mod fleet;
mod model;
mod played;
mod program;
mod store;
