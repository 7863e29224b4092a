//! The reconciler from outside, against a played server that fails wherever a test wants it to. `real.rs` has the tests
//! against real servers.

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
    dead_code,
    reason = "modules are shared with other test binaries, which need other parts of them"
)]

mod api_keys;
#[path = "../real/certificates.rs"]
mod certificates;
mod converge;
mod delivery;
mod deployed;
mod domain;
mod eks;
mod failures;
mod fleet;
mod kills;
mod model;
mod normal;
mod played;
mod program;
mod random;
mod report;
mod rounds;
mod scale;
mod store;
