//! The reconciler's stacks: against the emulator of AWS in `tests/real/rigs/aws`, whose CloudFormation is
//! strict, and against a played server for what no emulator knows.

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
#![allow(
    dead_code,
    reason = "the rigs are those of tests/real, which uses all of them"
)]

#[path = "../real/aws/emulator.rs"]
mod emulator;
mod failures;
mod faults;
mod fleet;
#[path = "../real/forwarder/http.rs"]
mod http;
mod large;
mod line;
mod played;
#[path = "../real/rig.rs"]
mod rig;
mod run;
