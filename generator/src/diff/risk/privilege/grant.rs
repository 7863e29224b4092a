//! Grants: what may be done, with what, in parts that are patterns. Pure.

use logfleet_contract::pattern::matches;

/// Patterns, in an order of their maker's. One takes another if each part does.
pub(super) type Grant = [String; 4];

/// A grant of these parts; what isn't said has no limit.
pub(super) fn grant(parts: [&str; 4]) -> Grant {
    parts.map(str::to_owned)
}

/// The grants that none of the old ones takes.
pub(super) fn beyond<'g>(old: &[Grant], new: &'g [Grant]) -> Vec<&'g Grant> {
    let is_taken = |grant: &&Grant| old.iter().any(|old| takes(old, grant));
    new.iter().filter(|grant| !is_taken(grant)).collect()
}

fn takes(old: &Grant, new: &Grant) -> bool {
    let mut parts = old.iter().zip(new);
    parts.all(|(old, new)| matches(old, new))
}

/// Each with each.
pub(super) fn product(lists: &[Vec<String>; 4]) -> Vec<Grant> {
    let mut found = vec![Grant::default()];
    for (at, list) in lists.iter().enumerate() {
        let with = |grant: Grant| {
            list.iter().map(move |part| {
                let mut grant = grant.clone();
                grant[at].clone_from(part);
                grant
            })
        };
        found = found.into_iter().flat_map(with).collect();
    }
    found
}
