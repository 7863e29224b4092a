//! The check step: what was rendered, against the rules of whoever reads it. Pure.

pub mod kubernetes;
