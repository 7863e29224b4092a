//! References to secrets that change. Pure. Only names are reported, never values.

mod external;
mod options;
mod pod;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, legible, names, pod_spec, text};

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    external::check_removed(change, found);
    let (Some(old), Some(new)) = (change.old, change.new) else {
        return;
    };
    let (old, new) = (
        references(old.path, old.text, old.value),
        references(new.path, new.text, new.value),
    );
    compare_places(&old, &new, found);
    compare_owners(change, &old, &new, found);
}

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

    /// All references of an owner.
    fn of_owner(&self, owner: &str) -> BTreeSet<String> {
        let own = self.of.iter().filter(|(place, _)| place.owner == owner);
        own.flat_map(|(_, references)| references.clone()).collect()
    }
}

fn references(path: &str, text: &str, value: Option<&Json>) -> References {
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

/// Places that stay, and refer to something else.
fn compare_places(old: &References, new: &References, found: &mut Found) {
    for (place, before) in &old.of {
        if new.literals.contains(place) {
            let what = format!(
                "`{}` of {} is no longer read from {}, but is in the file itself",
                legible(&place.name),
                place.owner,
                quoted(before)
            );
            found.push(Flag::SecretReferenceChanges, what, None);
        } else if let Some(after) = new.of.get(place).filter(|after| *after != before) {
            // What may be read comes and goes with what reads it.
            let is_exchanged = !after.is_superset(before) && !before.is_superset(after);
            if is_exchanged || !new.permitted.contains(&place.owner) {
                tell(before, after, found);
            }
        }
    }
}

/// Owners that stay, and whose references have other names, or are removed.
fn compare_owners(change: &Change<'_>, old: &References, new: &References, found: &mut Found) {
    for owner in old.owners.intersection(&new.owners) {
        let removed = of_places_that_only(old, new, owner);
        let came = of_places_that_only(new, old, owner);
        let (all_old, all_new) = (old.of_owner(owner), new.of_owner(owner));
        let removed: BTreeSet<String> = removed.difference(&all_new).cloned().collect();
        let came: BTreeSet<String> = came.difference(&all_old).cloned().collect();
        let is_loss = || {
            let is_kept = |reference: &String| pod::still_needs(change, reference);
            !old.permitted.contains(owner)
                && (!owner.contains(pod::OWNER) || removed.iter().any(is_kept))
        };
        if !removed.is_empty() && (!came.is_empty() || is_loss()) {
            tell(&removed, &came, found);
        }
    }
}

/// What an owner refers to at places that the other side hasn't got at all.
fn of_places_that_only(one: &References, other: &References, owner: &str) -> BTreeSet<String> {
    let own = one.of.iter().filter(|(place, _)| {
        place.owner == owner && !other.of.contains_key(place) && !other.literals.contains(place)
    });
    own.flat_map(|(_, references)| references.clone()).collect()
}

fn tell(before: &BTreeSet<String>, after: &BTreeSet<String>, found: &mut Found) {
    let removed: BTreeSet<String> = before.difference(after).cloned().collect();
    let came: BTreeSet<String> = after.difference(before).cloned().collect();
    let what = match (removed.is_empty(), came.is_empty()) {
        (true, true) => return,
        (false, false) => format!(
            "a secret is read from {} instead of {}",
            quoted(&came),
            quoted(&removed)
        ),
        (true, _) => format!("a secret is also read from {}", quoted(&came)),
        (_, true) => format!("a secret is no longer read from {}", quoted(&removed)),
    };
    found.push(Flag::SecretReferenceChanges, what, None);
}

fn quoted(references: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = references
        .iter()
        .map(|reference| format!("`{reference}`"))
        .collect();
    names(&quoted)
}
