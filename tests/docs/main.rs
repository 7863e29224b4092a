//! Tests of the documentation: what it shows is what happens.
//!
//! - `docs/settings.md` is generated from the settings' types and defaults,
//!   `docs/fields.md` from the table of fields that rules may name.
//!   `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes it anew.
//! - Every `gen …` in a `console` block runs, and prints what the block says.
//! - Every link to a file of the repository leads somewhere.

#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod aws;
mod commands;
mod fields;
mod links;
mod settings;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every Markdown file that people are to read, by its path in the repository.
fn documents() -> Vec<(String, String)> {
    let mut paths = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    for folder in [
        "docs",
        "docs/dangers",
        "docs/decisions",
        "templates",
        "clusters",
        "schemas",
        "schemas/outputs",
    ] {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name)
                .extension()
                .is_some_and(|extension| extension == "md")
            {
                paths.push(format!("{folder}/{name}"));
            }
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(repository().join(&path)).unwrap();
            (path, text)
        })
        .collect()
}
