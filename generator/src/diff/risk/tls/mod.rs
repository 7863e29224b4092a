//! Connections and stores that are less protected than before, or that are new
//! and not protected. Pure.

mod authority;
mod blocks;
mod connection;
mod options;
mod store;
#[cfg(test)]
mod tests;
mod values;

use serde_json::Value as Json;

use super::row::Among;
use super::values::text;
use crate::diff::compare::language::{self, Language};
use crate::diff::documents::Documents;
pub(super) use authority::{another_authority, certificates};
use connection::{Connection, Connections, Weakness};
pub(super) use store::{bucket_stays, denies_plain};

/// All connections of a file, each by the way to it.
pub(super) fn connections_in(path: &str, content: &str, value: Option<&Json>) -> Connections {
    let mut found = Connections::new();
    match value {
        None => read_file(path, content, "", &mut found),
        Some(value) if text(value, "/kind") == "ConfigMap" => read_embedded(value, &mut found),
        Some(value) => values::read(value, "", &mut found),
    }
    found
}

/// The files in a `ConfigMap`.
fn read_embedded(value: &Json, found: &mut Connections) {
    let files = value.get("data").and_then(Json::as_object);
    for (name, file) in files.into_iter().flatten() {
        if let Some(file) = file.as_str() {
            read_file(name, file, &format!("{name}:"), found);
        }
    }
}

fn read_file(name: &str, text: &str, place: &str, found: &mut Connections) {
    match Language::of(name) {
        Some(Language::Conf) => {
            if let Some(root) = language::blocks_of(text) {
                blocks::read(&root, place, found);
            }
        }
        Some(language) => {
            if let Some(value) = language::value(language, text) {
                values::read(&value, place, found);
            }
        }
        None => {}
    }
}

/// How a connection is weaker than before, or weak if it is new.
pub(super) fn weakened(among: &Among<'_>) -> Vec<String> {
    let [before, after] = among
        .values()
        .map(|value| value.and_then(Connection::of_json));
    match (before, after) {
        (Some(before), Some(after)) => compare(&before, &after),
        (None, Some(after)) => weak_and_new(among, &after),
        _ => Vec::new(),
    }
}

fn compare(before: &Connection, after: &Connection) -> Vec<String> {
    let is_other = after.address != before.address && !before.is_known();
    let words = |weakness: &Weakness| {
        let words = if is_other {
            weakness.of_new()
        } else {
            weakness.of_changed()
        };
        words.to_owned()
    };
    let mut found: Vec<String> = after.weak.difference(&before.weak).map(words).collect();
    if after.lowest < before.lowest && after.weak.is_empty() {
        found.push(match after.lowest {
            Some(lowest) => format!("TLS 1.{} is allowed again", lowest % 10),
            None => "no minimum TLS version is set any more".to_owned(),
        });
    }
    if before.own_authority && !after.own_authority && after.weak.is_empty() {
        let what = "every public authority is trusted, not only the one that was named";
        found.push(what.to_owned());
    }
    found
}

/// A connection that the file hadn't. If another one of the base goes to the
/// same place and is as weak, it weakens nothing.
fn weak_and_new(among: &Among<'_>, after: &Connection) -> Vec<String> {
    if after.weak.is_empty() {
        return Vec::new();
    }
    let known = weaknesses_towards(among.around.base, &after.address);
    let more = after
        .weak
        .iter()
        .filter(|weakness| !known.contains(weakness));
    more.map(|weakness| weakness.of_new().to_owned()).collect()
}

/// How connections of files to a host are weak; nothing if none is named.
fn weaknesses_towards(files: &Documents<'_>, address: &str) -> Vec<Weakness> {
    if address.is_empty() {
        return Vec::new();
    }
    let same = files.iter().flat_map(|file| {
        let text = file.text().filter(|text| text.contains(address));
        let found = text.map(|text| connections_in(file.path(), text, file.value()));
        found.unwrap_or_default().into_values()
    });
    let same = same.filter(|connection| connection.address == address);
    same.flat_map(|connection| connection.weak).collect()
}
