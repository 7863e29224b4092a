//! Says of what AWS logs which sources arrive, and for the others the first place where they end.
//!
//! | Step | Module | IO | What it does |
//! |---|---|---|---|
//! | path | [`path`] | no | what is rendered → the ways from a log group to a data stream |
//! | look | [`look`] | yes | a log group, its subscriptions, the function → what is there; writes a marker |
//! | search | [`search`] | yes | the index → whether a marker arrived, and the last document |
//! | judge | [`judge`] | no | all of it → a verdict for each path |
//!
//! A marker is an event of one line in a log stream of its own ([`path::LOG_STREAM`]). It is deleted by the retentions of
//! the log group and the data stream, not from here.

pub mod judge;
pub mod look;
pub mod path;
pub mod search;
