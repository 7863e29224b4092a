//! The resolve step: layers in, what they mean out. Pure.

mod cluster;

pub use cluster::*;
