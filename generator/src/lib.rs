//! Turns one small `cluster.yaml` per cluster into every file that ships that
//! cluster's logs.
//!
//! The pipeline, one module per step:
//!
//! | Step | Module | Does IO | From → to |
//! |---|---|---|---|
//! | load | [`load`] | reads | files → [`load::Layer`]s of spanned values |
//! | resolve | [`resolve`] | no | layers → [`resolve::ResolvedFleet`] |
//! | render | [`render`] | no | resolved cluster + templates → [`tree::RenderedTree`] |
//! | check | [`check`] | no | rendered tree → the same tree, or faults |
//! | write | [`write`] | writes | rendered tree → `rendered/<cluster>/` |
//!
//! Every step reports [`fault::Fault`]s, all of a run together. Nothing
//! between load and write reads a clock, the environment or the network, so
//! the same inputs give the same bytes anywhere.

pub mod check;
pub mod cli;
pub mod expiry;
pub mod fault;
pub mod load;
pub mod pipeline;
pub mod render;
mod repeats;
pub mod report;
pub mod resolve;
pub mod secrets;
pub mod settings;
pub mod sources;
pub mod tree;
pub mod write;
