//! Names of the objects of Argo CD and Flux.

use sha2::{Digest as _, Sha256};

/// The name of the fleet's own objects.
pub(in crate::resolve) const FLEET: &str = "logfleet";

/// The longest end that is put behind the name of [`of_cluster`].
const LONGEST_END: &str = "-credentials";

/// Both tools put the name into a label of every object: Flux always
/// (`kustomize.toolkit.fluxcd.io/name`), Argo CD when it tracks by label. A
/// label's value ends at 63 characters
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/>).
const LONGEST: usize = 63 - LONGEST_END.len();

/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 8;

/// The name of a cluster's objects: `logfleet-<cluster>`, shortened where it is too long.
pub(in crate::resolve) fn of_cluster(cluster: &str) -> String {
    let whole = format!("{FLEET}-{cluster}");
    if whole.len() <= LONGEST {
        return whole;
    }
    let digest = Sha256::digest(cluster);
    let hash = base16ct::lower::encode_string(&digest[..HASH_DIGITS / 2]);
    let cut = &whole[..LONGEST - HASH_DIGITS - 1];
    format!("{}-{hash}", cut.trim_end_matches(['-', '.']))
}

/// The Secret with a cluster's kubeconfig, named as by Cluster API
/// (<https://cluster-api.sigs.k8s.io/tasks/certs/generate-kubeconfig>).
pub(in crate::resolve) fn kubeconfig_secret(cluster: &str) -> String {
    format!("{cluster}-kubeconfig")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_a_label_and_stays_its_clusters_own() {
        assert_eq!(
            of_cluster("prod-eu.example.com"),
            "logfleet-prod-eu.example.com"
        );
        let long = "a".repeat(99);
        let names = [
            of_cluster(&format!("{long}b")),
            of_cluster(&format!("{long}c")),
        ];
        assert_ne!(names[0], names[1]);
        for name in names {
            assert_eq!(name.len() + LONGEST_END.len(), 63, "{name}");
        }
        // Cut behind a dot, which no part of a name may end with.
        let name = of_cluster(&format!("{}.{}", "a".repeat(32), "b".repeat(40)));
        assert!(!name.contains(".-") && !name.contains("--"), "{name}");
    }
}
