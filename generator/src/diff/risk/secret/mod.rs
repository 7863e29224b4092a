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

use super::change::{legible, names, pod_spec, text};
use super::row::Among;
pub(super) use external::{is_needed, target};

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

/// What refers to a secret: a variable of a container, an option of a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// What has it.
    owner: String,
    /// Its name in there.
    name: String,
}

impl Place {
    fn new(owner: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
        }
    }
}

/// What is said of secrets in a file.
#[derive(Debug, Default)]
struct References {
    /// To which secrets something refers.
    of: BTreeMap<Place, BTreeSet<String>>,
    /// What has a value of its own instead.
    literals: BTreeSet<Place>,
    /// What may refer to secrets.
    owners: BTreeSet<String>,
    /// Owners whose references only permit to read: fewer of them are no loss.
    permitted: BTreeSet<String>,
}

impl References {
    /// Adds a reference; its parts are a secret, and what of it is meant.
    fn add(&mut self, place: Place, parts: &[&str]) {
        let parts: Vec<&str> = parts
            .iter()
            .copied()
            .filter(|part| !part.is_empty())
            .collect();
        if !parts.is_empty() {
            let reference = parts.join("/");
            self.of.entry(place).or_default().insert(reference);
        }
    }
}

/// What one owner refers to, as a fact has it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct OfOwner {
    owner: String,
    /// By the names of its places.
    of: BTreeMap<String, BTreeSet<String>>,
    literals: BTreeSet<String>,
    /// Whether references that go are a loss.
    is_owner: bool,
    is_permitted: bool,
}

/// What is said of secrets in a file, by what has it; null of what could refer to one.
pub(super) fn references(path: &str, text: &str, value: Option<&Json>) -> BTreeMap<String, Json> {
    let all = read(path, text, value);
    let mut owners: BTreeMap<String, OfOwner> = BTreeMap::new();
    for (place, references) in all.of {
        let own = owners.entry(place.owner).or_default();
        own.of.insert(place.name, references);
    }
    for place in all.literals {
        let own = owners.entry(place.owner).or_default();
        own.literals.insert(place.name);
    }
    let with_owners = owners.into_iter().map(|(owner, references)| {
        let references = OfOwner {
            is_owner: all.owners.contains(&owner),
            is_permitted: all.permitted.contains(&owner),
            owner: owner.clone(),
            ..references
        };
        (owner, serde_json::to_value(references).unwrap_or_default())
    });
    let with_owners: BTreeMap<String, Json> = with_owners.collect();
    let others = all.owners.iter().map(|owner| (owner.clone(), Json::Null));
    others.chain(with_owners).collect()
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
    let [Some(old), Some(new)] = among.values().map(|value| OfOwner::of_json(value?)) else {
        return Vec::new();
    };
    let mut found = of_places(&old, &new);
    found.extend(of_all_places(among, &old, &new));
    found
}

/// Places that stay, and refer to something else.
fn of_places(old: &OfOwner, new: &OfOwner) -> Vec<String> {
    let changed = old.of.iter().filter_map(|(name, before)| {
        if new.literals.contains(name) {
            return Some(format!(
                "`{}` of {} is no longer read from {}, but is in the file itself",
                legible(name),
                old.owner,
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
fn of_all_places(among: &Among<'_>, old: &OfOwner, new: &OfOwner) -> Option<String> {
    let removed = old.of_places_that_only(new);
    let came = new.of_places_that_only(old);
    let all =
        |owner: &OfOwner| -> BTreeSet<String> { owner.of.values().flatten().cloned().collect() };
    let (all_old, all_new) = (all(old), all(new));
    let removed: BTreeSet<String> = removed.difference(&all_new).cloned().collect();
    let came: BTreeSet<String> = came.difference(&all_old).cloned().collect();
    let is_loss = || {
        let is_kept = |reference: &String| pod::still_needs(among, reference);
        !old.is_permitted && (!old.owner.contains(pod::OWNER) || removed.iter().any(is_kept))
    };
    let is_risk = old.is_owner && new.is_owner && !removed.is_empty();
    (is_risk && (!came.is_empty() || is_loss())).then(|| exchanged(&removed, &came))?
}

impl OfOwner {
    fn of_json(value: &Json) -> Option<Self> {
        if value.is_null() {
            let is_owner = true;
            return Some(Self {
                is_owner,
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

fn quoted(references: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = references
        .iter()
        .map(|reference| format!("`{reference}`"))
        .collect();
    names(&quoted)
}
