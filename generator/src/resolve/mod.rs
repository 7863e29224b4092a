//! Turns layers into one checked value per cluster. Pure.

pub mod merge;
