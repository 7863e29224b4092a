//! Turns layers into one checked value per cluster. Pure.

pub mod literals;
pub mod merge;
pub mod patch_schema;
pub mod schema;
