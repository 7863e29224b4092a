//! The forwarder against servers that fail as real ones do: a bulk API with a
//! script of faults, and as much of AWS as it calls.

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

mod account;
mod bulk;
mod chance;
mod cursor;
mod delivery;
mod distribute;
mod events;
mod handlers;
mod hostile;
mod loss;
mod rig;
mod web;
