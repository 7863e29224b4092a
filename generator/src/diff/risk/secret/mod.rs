//! References to secrets that change. Pure. Only names are reported, never values.

mod external;
mod options;
mod pod;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::row::Among;
use super::values::{pod_spec, text};
use super::wording::{legible, quoted};
pub(super) use external::{is_needed, target};

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

/// What something in a file refers to, as a fact has it: a container, a connection, a resource.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Owner {
    /// By the names of its places, such as variables and options: which secrets.
    of: BTreeMap<String, BTreeSet<String>>,
    /// What has a value of its own instead.
    literals: BTreeSet<String>,
    /// Whether all its places are known, so that one that goes is a loss.
    is_known: bool,
    /// Whether its references only permit to read: fewer of them are no loss.
    is_permitted: bool,
}

/// What is said of secrets in a file, by what has it.
#[derive(Debug, Default)]
struct References(BTreeMap<String, Owner>);

impl References {
    fn entry(&mut self, owner: &str) -> &mut Owner {
        self.0.entry(owner.to_owned()).or_default()
    }

    /// Adds what may refer to secrets, and where all is known of it.
    fn add_owner(&mut self, owner: &str) {
        self.entry(owner).is_known = true;
    }

    /// Adds a reference; its parts are a secret, and what of it is meant.
    fn add(&mut self, owner: &str, place: &str, parts: &[&str]) {
        let parts: Vec<&str> = parts
            .iter()
            .copied()
            .filter(|part| !part.is_empty())
            .collect();
        if !parts.is_empty() {
            let places = &mut self.entry(owner).of;
            let own = places.entry(place.to_owned()).or_default();
            own.insert(parts.join("/"));
        }
    }

    fn add_literal(&mut self, owner: &str, place: &str) {
        self.entry(owner).literals.insert(place.to_owned());
    }

    /// All places, each with what it refers to.
    fn places(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.0.values().flat_map(|owner| &owner.of)
    }
}

/// Whether a text may refer to a secret: most files don't, and aren't asked.
pub(super) fn may_refer(text: &str) -> bool {
    let mut words = ["ecret", "ENV", "${"].iter();
    words.any(|word| text.contains(word))
}

/// What is said of secrets in a file, by what has it; null of what could refer to one.
pub(super) fn references(path: &str, text: &str, value: Option<&Json>) -> BTreeMap<String, Json> {
    let owners = read(path, text, value).0.into_iter();
    let facts = owners.filter_map(|(name, owner)| {
        let is_empty = owner.of.is_empty() && owner.literals.is_empty();
        if is_empty {
            return owner.is_known.then_some((name, Json::Null));
        }
        Some((name, serde_json::to_value(owner).ok()?))
    });
    facts.collect()
}

fn read(path: &str, text: &str, value: Option<&Json>) -> References {
    let mut found = References::default();
    let Some(value) = value else {
        options::of_text(path, text, &mut found);
        return found;
    };
    match self::text(value, "/kind") {
        "ExternalSecret" | "ClusterExternalSecret" => external::read(value, &mut found),
        "" => options::of_value(value, &mut found),
        _ => {
            if let Some(spec) = pod_spec(value) {
                pod::read(spec, &mut found);
            }
        }
    }
    if let Some(resources) = value.get("Resources").and_then(Json::as_object) {
        for (id, resource) in resources {
            template::read(id, resource, &mut found);
        }
    }
    found
}

/// What an owner refers to otherwise than before.
pub(super) fn changed(among: &Among<'_>) -> Vec<String> {
    let [Some(old), Some(new)] = among.values().map(|value| Owner::of_json(value?)) else {
        return Vec::new();
    };
    let owner = among.old.map_or("", |fact| &fact.object.known_as);
    let mut found = of_places(owner, &old, &new);
    found.extend(of_all_places(among, owner, &old, &new));
    found
}

/// Places that stay, and refer to something else.
fn of_places(owner: &str, old: &Owner, new: &Owner) -> Vec<String> {
    let changed = old.of.iter().filter_map(|(name, before)| {
        if new.literals.contains(name) {
            return Some(format!(
                "`{}` of {} is no longer read from {}, but is in the file itself",
                legible(name),
                owner,
                quoted(before)
            ));
        }
        let after = new.of.get(name).filter(|after| *after != before)?;
        // What may be read comes and goes with what reads it.
        let is_exchanged = !after.is_superset(before) && !before.is_superset(after);
        exchanged(before, after).filter(|_| is_exchanged || !new.is_permitted)
    });
    changed.collect()
}

/// Places of other names, or fewer of them.
fn of_all_places(among: &Among<'_>, owner: &str, old: &Owner, new: &Owner) -> Option<String> {
    let removed = old.of_places_that_only(new);
    let came = new.of_places_that_only(old);
    let all =
        |owner: &Owner| -> BTreeSet<String> { owner.of.values().flatten().cloned().collect() };
    let (all_old, all_new) = (all(old), all(new));
    let removed: BTreeSet<String> = removed.difference(&all_new).cloned().collect();
    let came: BTreeSet<String> = came.difference(&all_old).cloned().collect();
    let is_loss = || {
        let is_kept = |reference: &String| pod::still_needs(among, reference);
        !old.is_permitted && (!owner.starts_with(pod::OWNER) || removed.iter().any(is_kept))
    };
    let is_risk = old.is_known && new.is_known && !removed.is_empty();
    (is_risk && (!came.is_empty() || is_loss())).then(|| exchanged(&removed, &came))?
}

impl Owner {
    fn of_json(value: &Json) -> Option<Self> {
        if value.is_null() {
            return Some(Self {
                is_known: true,
                ..Self::default()
            });
        }
        Self::deserialize(value).ok()
    }

    /// What it refers to at places that the other side hasn't got at all.
    fn of_places_that_only(&self, other: &Self) -> BTreeSet<String> {
        let own = self
            .of
            .iter()
            .filter(|(name, _)| !other.of.contains_key(*name) && !other.literals.contains(*name));
        own.flat_map(|(_, references)| references.clone()).collect()
    }
}

fn exchanged(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<String> {
    let removed: BTreeSet<String> = before.difference(after).cloned().collect();
    let came: BTreeSet<String> = after.difference(before).cloned().collect();
    Some(match (removed.is_empty(), came.is_empty()) {
        (true, true) => return None,
        (false, false) => format!(
            "a secret is read from {} instead of {}",
            quoted(&came),
            quoted(&removed)
        ),
        (true, _) => format!("a secret is also read from {}", quoted(&came)),
        (_, true) => format!("a secret is no longer read from {}", quoted(&removed)),
    })
}
