//! Choices of containers by name: whether one covers another, and whether two
//! have anything in common. Pure.

use logfleet_contract::pattern::matches;

use crate::glob::overlap_globs;
use crate::settings::{ContainerSelector, Glob};

/// Whether every container that `narrow` chooses is one that `wide` chooses.
pub(super) fn covers(wide: &ContainerSelector, narrow: &ContainerSelector) -> bool {
    let part = |wide: &[Glob], narrow: &[Glob]| {
        let covered = |name: &Glob| {
            let mut globs = wide.iter();
            globs.any(|glob| matches(glob.as_str(), name.as_str()))
        };
        let every = wide.is_empty() || wide.iter().any(|glob| glob.as_str() == "*");
        every || (!narrow.is_empty() && narrow.iter().all(covered))
    };
    part(&wide.namespaces, &narrow.namespaces)
        && part(&wide.pods, &narrow.pods)
        && part(&wide.containers, &narrow.containers)
}

/// Whether any of the names can be one of `known`. Nothing chosen is everything.
pub(super) fn any_of(globs: &[Glob], known: &[String]) -> bool {
    globs.is_empty()
        || globs.iter().any(|glob| {
            let mut known = known.iter();
            known.any(|known| overlap_globs(glob.as_str(), known))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(namespaces: &[&str], containers: &[&str]) -> ContainerSelector {
        let globs = |names: &[&str]| names.iter().map(|&name| Glob(name.to_owned())).collect();
        ContainerSelector {
            namespaces: globs(namespaces),
            pods: Vec::new(),
            containers: globs(containers),
        }
    }

    #[test]
    fn a_choice_covers_another_in_all_of_its_parts() {
        let every = selector(&[], &["*"]);
        let shop = selector(&["shop-*"], &[]);
        let backend = selector(&["shop-a", "shop-b"], &["backend"]);
        assert!(covers(&every, &shop) && covers(&every, &backend));
        assert!(covers(&shop, &backend));
        assert!(!covers(&backend, &shop));
        assert!(!covers(&shop, &every));
        assert!(!covers(&selector(&["shop-a"], &[]), &backend));
    }
}
