//! Words and numbers as all formats have them. Pure.

use serde_json::Value as Json;

use super::preview::{ClusterChange, ClusterStatus, InputScope, Line, PartFile, Shipment, Totals};

/// Clusters that are named beside a file; more are counted.
const MAX_NAMED: usize = 3;
/// Characters of one value.
const MAX_VALUE: usize = 240;

/// What becomes of a cluster.
pub(super) fn status_words(change: &ClusterChange) -> String {
    match (change.status, &change.renamed_from) {
        (ClusterStatus::Added, Some(from)) => {
            format!(
                "added, like {} ({} files the same)",
                from.name, from.same_files
            )
        }
        (ClusterStatus::Added, None) => "added".to_owned(),
        (ClusterStatus::Removed, _) => "removed".to_owned(),
        (ClusterStatus::Changed, _) => "changed".to_owned(),
        (ClusterStatus::FleetFiles, _) => "the whole fleet".to_owned(),
        (ClusterStatus::HeadFaulty, _) => "not compared: the head has a fault".to_owned(),
        (ClusterStatus::BaseFaulty, _) => "not compared: the base has a fault".to_owned(),
    }
}

/// What stands above what a new file has otherwise than in most clusters.
pub(super) fn added_otherwise_words(lines: &[Line]) -> &'static str {
    if lines.is_empty() {
        "a new file, otherwise in lines that are left out"
    } else {
        "a new file, with otherwise"
    }
}

/// In which of a group's clusters a file is, if not in all of them.
pub(super) fn only_in_words(file: &PartFile) -> Option<String> {
    let (named, more) = file.only_in.split_at(file.only_in.len().min(MAX_NAMED));
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!named.is_empty()).then(|| format!("only in {}{more}", named.join(", ")))
}

/// Where sources end, and how long records are kept there.
pub(super) fn shipment_words(shipment: &Shipment) -> String {
    match shipment.kept_days {
        Some(days) => format!("{}, {}", shipment.at, count(usize::from(days), "day")),
        None => shipment.at.clone(),
    }
}

/// Whom an input is for, after its path.
pub(super) fn scope_words(scope: InputScope) -> &'static str {
    match scope {
        InputScope::Fleet => "  for every cluster",
        InputScope::Environment => "  for the clusters of that environment",
        InputScope::Template => "  a template, for every cluster",
        InputScope::Cluster => "",
        InputScope::Named => "  for the clusters that name it",
    }
}

/// `+2 ~1 -3`; nothing for none.
pub(super) fn counts(totals: Totals) -> String {
    let parts = [
        ('+', totals.added),
        ('~', totals.changed),
        ('-', totals.removed),
    ];
    let parts = parts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(sign, count)| format!("{sign}{count}"))
        .collect();
    parts.join(" ")
}

/// A number of things.
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// Each leaf as `path: value`; a value that is one itself as it is.
pub(super) fn collect_leaves(path: &str, value: &Json, leaves: &mut Vec<String>) {
    let join = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                collect_leaves(&join(key), value, leaves);
            }
        }
        Json::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, item) in items.iter().enumerate() {
                collect_leaves(&format!("{path}[{number}]"), item, leaves);
            }
        }
        _ if path.is_empty() => leaves.push(value.to_string()),
        _ => leaves.push(format!("{path}: {value}")),
    }
}

/// A value as far as it is shown.
pub(super) fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= MAX_VALUE {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_VALUE).collect();
    format!("{start}… ({count} characters)")
}
