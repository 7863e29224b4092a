//! Two trees of rendered files, and how they differ. Pure.
//!
//! ```text
//! files       bytes first, and which files came, went or got another name (renames)
//! language    what a file is written in …
//! structure   … YAML and JSON by path, items by their keys …
//! blocks      … Fluentd and Logstash by block and option …
//! text        … and all else by line
//! embedded    documents in texts of others
//! finding     where something differs, and what
//! ```

pub(super) mod blocks;
mod embedded;
pub(super) mod files;
pub(super) mod finding;
mod keys;
pub(super) mod language;
mod logstash;
mod matching;
mod renames;
mod scalars;
mod structure;
#[cfg(test)]
mod tests;
pub(super) mod text;
