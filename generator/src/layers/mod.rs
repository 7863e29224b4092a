//! Layers of settings: each checked by itself, then merged by one rule. Pure.
//!
//! [`merge`] is JSON Merge Patch (RFC 7396) over values that know where they
//! stand, and tells which layer set what; [`inherit`] spreads blocks that hold
//! for many places by the same rule. [`schema`] turns what a JSON Schema says
//! into faults in plain words; [`input_schema`] and [`patch_schema`] make the
//! schemas of merged settings and of a layer. [`literals`] refuses secrets.
//! [`fleet`] does all of it for the layers of a whole fleet.

pub mod fleet;
pub mod inherit;
pub mod input_schema;
pub mod literals;
pub mod merge;
pub mod patch_schema;
pub mod schema;
