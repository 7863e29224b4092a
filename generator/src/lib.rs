//! Turns one small `cluster.yaml` per cluster into every file that ships that
//! cluster's logs.
//!
//! The pipeline, one module per step:
//!
//! | Step | Module | Does IO | From → to |
//! |---|---|---|---|
//! | load | [`load`] | reads | files → [`resolve::FleetLayers`] of spanned values |
//! | resolve | [`layers`], [`resolve`] | no | layers, checked and merged → a [`resolve::ResolvedCluster`] each |
//! | render | [`render`] | no | resolved cluster + templates → [`tree::RenderedTree`] |
//! | plan | [`write`](mod@write) | reads | rendered tree + `rendered/<cluster>/` → [`write::WritePlan`] |
//! | check | [`check`] | no | what would be written → faults, or none |
//! | diff | [`diff`] | no | two rendered trees of each cluster → a [`diff::preview::Preview`] |
//! | write | [`write`](mod@write) | writes | plans → `rendered/<cluster>/` |
//!
//! [`pipeline`] puts them together; [`publish`] commits what was written to
//! another branch. Every step reports [`fault::Fault`]s, all
//! of a run together. What is rendered depends on no clock, environment or
//! network, so the same inputs give the same bytes anywhere.

pub mod check;
pub mod cli;
pub mod diff;
pub mod expiry;
pub mod fault;
pub mod fleet_page;
pub mod kinds;
pub mod layers;
pub mod load;
pub mod members;
pub mod partition;
pub mod pipeline;
pub mod publish;
pub mod render;
mod repeats;
pub mod report;
pub mod resolve;
pub mod secrets;
pub mod settings;
pub mod sources;
pub mod tree;
pub mod write;
