//! Values of YAML and JSON, compared by path. Pure.
//!
//! Keys of a mapping have no order. Items of a list are matched by their key
//! where they have one ([`keys`]), and otherwise by their order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use similar::DiffOp;

use super::finding::{Findings, Path};
use super::matching::match_items;
use super::{embedded, keys};
use crate::diff::preview::Detail;
use crate::diff::redact;
use crate::diff::redact::Under;

/// Compares two values that stand there.
pub(in crate::diff) fn compare(
    path: &Path,
    under: Under<'_>,
    old: &Json,
    new: &Json,
    found: &mut Findings<'_>,
) {
    match (old, new) {
        _ if old == new => {}
        (Json::Object(old), Json::Object(new)) => compare_maps(path, under, old, new, found),
        (Json::Array(old), Json::Array(new)) => compare_lists(path, under, old, new, found),
        (Json::String(old), Json::String(new)) => {
            embedded::compare(path, under, old, new, found);
        }
        _ => found.push(path, changed(under, old, new)),
    }
}

/// Another value in the same place, as it may be shown.
pub(in crate::diff) fn changed(under: Under<'_>, old: &Json, new: &Json) -> Detail {
    Detail::Changed {
        old: redact::value(under, old),
        new: redact::value(under, new),
    }
}

pub(in crate::diff) fn added(under: Under<'_>, value: &Json) -> Detail {
    let new = redact::value(under, value);
    Detail::Added { new }
}

pub(in crate::diff) fn removed(under: Under<'_>, value: &Json) -> Detail {
    let old = redact::value(under, value);
    Detail::Removed { old }
}

fn compare_maps(
    path: &Path,
    under: Under<'_>,
    old: &Map<String, Json>,
    new: &Map<String, Json>,
    found: &mut Findings<'_>,
) {
    let mut came = NewMembers::of(old, new);
    for (key, value) in old {
        let here = path.key(key);
        let below = under.member(key, old);
        if let Some(other) = new.get(key) {
            compare(&here, below.or(under.member(key, new)), value, other, found);
        } else if let Some(to) = came.take(value) {
            let to = redact::line(to);
            found.push(&here, Detail::Renamed { to });
        } else {
            found.push(&here, removed(below, value));
        }
    }
    for (key, value) in came.rest() {
        found.push(&path.key(key), added(under.member(key, new), value));
    }
}

/// The members of a map that the other hasn't.
struct NewMembers<'m> {
    members: Vec<(&'m String, &'m Json)>,
    /// The numbers of those whose value is telling, by value, the last first.
    by_value: BTreeMap<String, Vec<usize>>,
    taken: BTreeSet<usize>,
}

impl<'m> NewMembers<'m> {
    fn of(old: &Map<String, Json>, new: &'m Map<String, Json>) -> Self {
        let came = new.iter().filter(|(key, _)| !old.contains_key(*key));
        let members: Vec<_> = came.collect();
        let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let is_any_removed = old.keys().any(|key| !new.contains_key(key));
        for (number, (_, value)) in members.iter().enumerate().rev() {
            if is_any_removed && is_telling(value) {
                by_value.entry(sorted(value)).or_default().push(number);
            }
        }
        Self {
            members,
            by_value,
            taken: BTreeSet::new(),
        }
    }

    /// The key of one with that value, once.
    fn take(&mut self, value: &Json) -> Option<&'m String> {
        if self.by_value.is_empty() || !is_telling(value) {
            return None;
        }
        let number = self.by_value.get_mut(&sorted(value))?.pop()?;
        self.taken.insert(number);
        self.members.get(number).map(|(key, _)| *key)
    }

    fn rest(self) -> impl Iterator<Item = (&'m String, &'m Json)> {
        let members = self.members.into_iter().enumerate();
        let rest = members.filter(move |(number, _)| !self.taken.contains(number));
        rest.map(|(_, member)| member)
    }
}

/// A value as text that is the same for equal ones: keys have no order.
fn sorted(value: &Json) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    value.to_string()
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

fn compare_lists(
    path: &Path,
    under: Under<'_>,
    old: &[Json],
    new: &[Json],
    found: &mut Findings<'_>,
) {
    let keys = |items| keys::of_items(under.name, items);
    match (keys(old), keys(new)) {
        // A key might be a part of a secret.
        _ if under.is_secret => compare_in_order(path, under, old, new, found),
        (Some(old_keys), Some(new_keys)) => {
            compare_keyed(path, (&old_keys, old), (&new_keys, new), found);
        }
        _ => compare_in_order(path, under, old, new, found),
    }
}

type KeyedItems<'a> = (&'a [String], &'a [Json]);

fn compare_keyed(path: &Path, old: KeyedItems<'_>, new: KeyedItems<'_>, found: &mut Findings<'_>) {
    let of_new: BTreeMap<&String, &Json> = new.0.iter().zip(new.1).collect();
    let of_old: BTreeSet<&String> = old.0.iter().collect();
    for (key, value) in old.0.iter().zip(old.1) {
        let here = path.item(key);
        match of_new.get(key) {
            Some(other) => compare(&here, Under::default(), value, other, found),
            None => found.push(&here, removed(Under::default(), value)),
        }
    }
    for (key, value) in new.0.iter().zip(new.1) {
        if !of_old.contains(key) {
            found.push(&path.item(key), added(Under::default(), value));
        }
    }
    compare_order(path, old.0, new.0, found);
}

/// Tells items that both sides have in another order.
pub(in crate::diff) fn compare_order(
    path: &Path,
    old: &[String],
    new: &[String],
    found: &mut Findings<'_>,
) {
    let common = |keys: &[String], others: &[String]| -> Vec<String> {
        let others: BTreeSet<&String> = others.iter().collect();
        let both = keys.iter().filter(|key| others.contains(key));
        both.cloned().collect()
    };
    let (old_order, new_order) = (common(old, new), common(new, old));
    if old_order != new_order {
        let shown = |keys: &[String]| keys.iter().map(|key| redact::line(key)).collect();
        let detail = Detail::Reordered {
            old: shown(&old_order),
            new: shown(&new_order),
        };
        found.push(path, detail);
    }
}

/// Compares items where order is meaning: what came and went between the
/// items that both have, and pairs of what stands in the same place.
fn compare_in_order(
    path: &Path,
    under: Under<'_>,
    old: &[Json],
    new: &[Json],
    found: &mut Findings<'_>,
) {
    let texts = |items: &[Json]| -> Vec<String> { items.iter().map(Json::to_string).collect() };
    let (old_texts, new_texts) = (texts(old), texts(new));
    let (old_under, new_under) = (under.items(old), under.items(new));
    if is_permutation(&old_texts, &new_texts) {
        let shown = |items: &[Json], places: &[Under<'_>]| -> Vec<String> {
            let items = items.iter().zip(places);
            let shown = items.map(|(item, under)| redact::value(*under, item).to_string());
            shown.collect()
        };
        let detail = Detail::Reordered {
            old: shown(old, &old_under),
            new: shown(new, &new_under),
        };
        return found.push(path, detail);
    }
    for op in match_items(&old_texts, &new_texts) {
        let (old_range, new_range) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let pairs = old_range.len().min(new_range.len());
        for (old_at, new_at) in old_range.clone().zip(new_range.clone()) {
            let under = old_under[old_at].or(new_under[new_at]);
            compare(
                &path.index(new_at),
                under,
                &old[old_at],
                &new[new_at],
                found,
            );
        }
        for at in old_range.skip(pairs) {
            found.push(&path.removed(at), removed(old_under[at], &old[at]));
        }
        for at in new_range.skip(pairs) {
            found.push(&path.index(at), added(new_under[at], &new[at]));
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
