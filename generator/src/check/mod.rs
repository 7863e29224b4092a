//! The check step: what was rendered is read again and judged, before
//! anything is written. Pure.

pub mod fluentd;
