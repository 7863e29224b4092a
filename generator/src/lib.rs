//! Turns one small `cluster.yaml` per cluster into every file that ships that
//! cluster's logs.
//!
//! The pipeline, one module per step:
//!
//! | Step | Module | Does IO | From → to |
//! |---|---|---|---|
//! | load | [`load`] | reads | files → [`layers::fleet::FleetLayers`] of spanned values |
//! | resolve | [`layers`], [`resolve`] | no | layers, checked and merged → [`settings::Settings`] → a [`resolve::ResolvedCluster`] each |
//! | render | [`render`] | no | resolved cluster + templates → [`tree::RenderedTree`] |
//! | plan | [`write`](mod@write) | reads | rendered tree + `rendered/<cluster>/` → [`write::WritePlan`] |
//! | check | [`check`] | no | what would be written → faults, or none |
//! | diff | [`diff`] | no | two rendered trees of each cluster → a [`diff::preview::Preview`] |
//! | stage | [`write`](mod@write) | writes | plans → the clusters' staging folders |
//! | commit | [`write`](mod@write) | writes | staged files → `rendered/<cluster>/` |
//!
//! [`pipeline`] puts them together; [`publish`] commits what was written to
//! another branch; [`record`] lets a run skip what is as the last one left it. Every step reports [`fault::Fault`]s, all
//! of a run together. What is rendered depends on no clock, environment or
//! network, so the same inputs give the same bytes anywhere.

pub mod check;
pub mod cli;
pub mod diff;
pub mod expiry;
pub mod fault;
mod filter_pattern;
pub mod fleet_page;
mod glob;
pub mod kinds;
pub mod layers;
pub mod load;
pub mod nearest;
pub mod patch;
pub mod pipeline;
pub mod publish;
pub mod record;
pub mod render;
mod repeats;
pub mod report;
pub mod resolve;
mod sentence;
pub mod settings;
pub mod sources;
pub mod write;

// What forwarder and reconciler must know, too.
pub use logfleet_contract::{members, partition, secrets, tree};
