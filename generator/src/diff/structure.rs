//! Values of YAML and JSON, compared by path. Pure.
//!
//! Keys of a mapping have no order. Items of a list are matched by their key
//! where they have one ([`keys`]), and otherwise by their order.

use serde_json::{Map, Value as Json};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::finding::{Findings, Path};
use super::preview::Detail;
use super::{embedded, keys, veil};

/// Compares two values; `name` is the key that they stand under.
pub(super) fn compare(path: &Path, name: &str, old: &Json, new: &Json, found: &mut Findings<'_>) {
    match (old, new) {
        _ if old == new => {}
        (Json::Object(old), Json::Object(new)) => compare_maps(path, old, new, found),
        (Json::Array(old), Json::Array(new)) => compare_lists(path, name, old, new, found),
        (Json::String(old), Json::String(new)) => {
            embedded::compare(path, name, old, new, found);
        }
        _ => found.push(path, changed(name, old, new)),
    }
}

/// Another value under the same key, as it may be shown.
pub(super) fn changed(name: &str, old: &Json, new: &Json) -> Detail {
    Detail::Changed {
        old: veil::shown(name, old),
        new: veil::shown(name, new),
    }
}

fn added(name: &str, value: &Json) -> Detail {
    let new = veil::shown(name, value);
    Detail::Added { new }
}

fn removed(name: &str, value: &Json) -> Detail {
    let old = veil::shown(name, value);
    Detail::Removed { old }
}

fn compare_maps(
    path: &Path,
    old: &Map<String, Json>,
    new: &Map<String, Json>,
    found: &mut Findings<'_>,
) {
    let mut came: Vec<&String> = new.keys().filter(|key| !old.contains_key(*key)).collect();
    for (key, value) in old {
        let here = path.key(key);
        if let Some(other) = new.get(key) {
            compare(&here, key, value, other, found);
            continue;
        }
        let same = |name: &&String| new.get(*name) == Some(value);
        match came.iter().position(same) {
            Some(at) if is_telling(value) => {
                let to = veil::shown_text(came.remove(at));
                found.push(&here, Detail::Renamed { to });
            }
            _ => found.push(&here, removed(key, value)),
        }
    }
    for key in came {
        if let Some(value) = new.get(key) {
            found.push(&path.key(key), added(key, value));
        }
    }
}

/// Whether two equal values are hardly so by chance.
fn is_telling(value: &Json) -> bool {
    match value {
        Json::Object(members) => members.len() > 1,
        Json::Array(items) => items.len() > 2,
        Json::String(text) => text.len() > 40,
        _ => false,
    }
}

fn compare_lists(path: &Path, name: &str, old: &[Json], new: &[Json], found: &mut Findings<'_>) {
    match (keys::of_items(name, old), keys::of_items(name, new)) {
        (Some(old_keys), Some(new_keys)) => {
            compare_keyed(path, (&old_keys, old), (&new_keys, new), found);
        }
        _ => compare_in_order(path, name, old, new, found),
    }
}

type KeyedItems<'a> = (&'a [String], &'a [Json]);

fn compare_keyed(path: &Path, old: KeyedItems<'_>, new: KeyedItems<'_>, found: &mut Findings<'_>) {
    let get = |(keys, items): KeyedItems<'_>, key: &String| -> Option<Json> {
        let at = keys.iter().position(|other| other == key)?;
        items.get(at).cloned()
    };
    for (key, value) in old.0.iter().zip(old.1) {
        let here = path.item(key);
        match get(new, key) {
            Some(other) => compare(&here, "", value, &other, found),
            None => found.push(&here, removed("", value)),
        }
    }
    for (key, value) in new.0.iter().zip(new.1) {
        if !old.0.contains(key) {
            found.push(&path.item(key), added("", value));
        }
    }
    compare_order(path, old.0, new.0, found);
}

/// Tells items that both sides have in another order.
pub(super) fn compare_order(path: &Path, old: &[String], new: &[String], found: &mut Findings<'_>) {
    let common = |keys: &[String], others: &[String]| -> Vec<String> {
        let both = keys.iter().filter(|key| others.contains(key));
        both.map(|key| veil::shown_text(key)).collect()
    };
    let (old_order, new_order) = (common(old, new), common(new, old));
    if old_order != new_order {
        let detail = Detail::Reordered {
            old: old_order,
            new: new_order,
        };
        found.push(path, detail);
    }
}

/// Compares items where order is meaning: what came and went between the
/// items that both have, and pairs of what stands in the same place.
fn compare_in_order(path: &Path, name: &str, old: &[Json], new: &[Json], found: &mut Findings<'_>) {
    let texts = |items: &[Json]| -> Vec<String> { items.iter().map(Json::to_string).collect() };
    let (old_texts, new_texts) = (texts(old), texts(new));
    if is_permutation(&old_texts, &new_texts) {
        return compare_order(path, &old_texts, &new_texts, found);
    }
    for op in capture_diff_slices(Algorithm::Myers, &old_texts, &new_texts) {
        let (old_range, new_range) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let pairs = old_range.len().min(new_range.len());
        for (at, (old_at, new_at)) in old_range.clone().zip(new_range.clone()).enumerate() {
            debug_assert!(at < pairs);
            compare(&path.index(new_at), name, &old[old_at], &new[new_at], found);
        }
        for at in old_range.skip(pairs) {
            found.push(&path.gone(at), removed(name, &old[at]));
        }
        for at in new_range.skip(pairs) {
            found.push(&path.index(at), added(name, &new[at]));
        }
    }
}

/// Whether both have the same items, each once, in another order.
fn is_permutation(old: &[String], new: &[String]) -> bool {
    let sorted = |texts: &[String]| {
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        texts
    };
    let (old, new) = (sorted(old), sorted(new));
    old == new && old.windows(2).all(|pair| pair[0] != pair[1])
}
