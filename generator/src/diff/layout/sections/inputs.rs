//! The files that changed, and how far that reaches.

use crate::diff::layout::document::{Row, Section, Table, Text};
use crate::diff::layout::words::{count, scope_words};
use crate::diff::preview::{BlastRadius, InputChange};

pub(in crate::diff) fn inputs(radius: &BlastRadius) -> Section<'_> {
    let rows = radius.inputs.iter().map(|input| {
        let change = match input.change {
            InputChange::Added => "added",
            InputChange::Changed => "changed",
            InputChange::Removed => "removed",
        };
        let scope = match scope_words(input.scope) {
            "" => Text::default(),
            scope => Text::default().words(scope),
        };
        Row::of([
            Text::default().words(change),
            Text::default().code(&input.path),
            scope,
        ])
    });
    let table = Table {
        class: "inputs",
        columns: &[],
        narrow: 1,
        below: 0,
        noun: "input",
        max_rows: 20,
        rows: rows.collect(),
        rest: None,
    };
    let warnings = radius.across.iter().map(|across| {
        let words = " is in the folder of one cluster and alters others: ";
        let text = Text::default().code(&across.path).words(words);
        with_names(text, &across.clusters)
    });
    let facts = [
        ("affected by shared files", &radius.by_shared_files),
        ("affected by their own files", &radius.by_own_files),
    ];
    let facts = facts.into_iter().filter(|(_, names)| !names.is_empty());
    let facts = facts.map(|(label, names)| (label, with_names(Text::default(), names)));
    Section {
        warnings: warnings.collect(),
        summary: affected(radius).map(|words| Text::default().words(words)),
        facts: facts.collect(),
        ..Section::of("Inputs", table)
    }
}

fn with_names<'p>(text: Text<'p>, names: &'p [String]) -> Text<'p> {
    let number = count(names.len(), "cluster");
    text.clusters(names.iter().map(String::as_str), number)
}

/// How many clusters what they share affects; nothing where they share nothing that changed.
fn affected(radius: &BlastRadius) -> Option<String> {
    let own = match radius.by_own_files.len() {
        0 => String::new(),
        1 => ", 1 by its own".to_owned(),
        own => format!(", {own} by their own"),
    };
    let shared = radius.by_shared_files.len();
    let clusters = count(shared, "cluster");
    (shared > 0).then(|| format!("{clusters} affected by shared files{own}"))
}
