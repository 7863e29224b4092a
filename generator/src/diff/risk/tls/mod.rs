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

use super::Flag;
use super::change::{Change, Found, Side, text};
use super::parts::Reported;
use crate::diff::compare::language::{self, Language};
use crate::diff::documents::Documents;
use connection::{Connection, Connections, Weakness};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    store::check(change, found);
    authority::check(change, found);
    let Some(new) = change.new else {
        return;
    };
    let before = change.old.map(connections_in).unwrap_or_default();
    compare(change, &before, &connections_in(new), found);
}

/// All connections of a file, each by the way to it.
fn connections_in(side: Side<'_>) -> Connections {
    let mut found = Connections::new();
    match side.value {
        None => read_file(side.path, side.text, "", &mut found),
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

/// What is weak at the head and wasn't at the base.
fn compare(change: &Change<'_>, old: &Connections, new: &Connections, found: &mut Found) {
    let mut reported = Reported::new(Flag::TlsWeakens);
    for (place, after) in new {
        let mut tell = |what: &str| reported.push(what, &after.address);
        match old.get(place) {
            Some(before) => compare_one(before, after, &mut tell),
            None => check_new(change, after, &mut tell),
        }
    }
    reported.finish(found);
}

fn compare_one(before: &Connection, after: &Connection, tell: &mut dyn FnMut(&str)) {
    for weakness in after.weak.difference(&before.weak) {
        let is_other = after.address != before.address && !before.is_known();
        tell(if is_other {
            weakness.of_new()
        } else {
            weakness.of_changed()
        });
    }
    if after.lowest < before.lowest && after.weak.is_empty() {
        match after.lowest {
            Some(lowest) => tell(&format!("TLS 1.{} is allowed again", lowest % 10)),
            None => tell("no lowest version of TLS is said any more"),
        }
    }
    if before.own_authority && !after.own_authority && after.weak.is_empty() {
        tell("every public authority is trusted, and not only the one that was named");
    }
}

/// A connection that the file hadn't. If another one of the base goes to the
/// same place and is as weak, it weakens nothing.
fn check_new(change: &Change<'_>, after: &Connection, tell: &mut dyn FnMut(&str)) {
    if after.weak.is_empty() {
        return;
    }
    let known = weaknesses_towards(change.around.base, &after.address);
    for weakness in &after.weak {
        if !known.contains(weakness) {
            tell(weakness.of_new());
        }
    }
}

/// How connections of files to a host are weak; nothing if none is named.
fn weaknesses_towards(files: &Documents<'_>, address: &str) -> Vec<Weakness> {
    if address.is_empty() {
        return Vec::new();
    }
    let naming = files
        .iter()
        .filter(|file| file.text().is_some_and(|text| text.contains(address)));
    let sides = naming.filter_map(Side::of);
    let same = sides.flat_map(|side| connections_in(side).into_values());
    let same = same.filter(|connection| connection.address == address);
    same.flat_map(|connection| connection.weak).collect()
}
