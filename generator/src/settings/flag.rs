//! The kinds of risks of a change, each with an id that stays: `acknowledge.yaml`
//! and trailers of commits say by it which of them are meant.

use serde::{Serialize, Serializer};

/// A kind of danger. Its id is in commits and files of users, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// A cluster leaves the fleet.
    ClusterRemoved,
    /// The base can't be rendered, so nothing else is known.
    NotCompared,
    /// What was shipped is no longer, or not to as many places.
    SourceStops,
    /// Records, or what holds them, are taken out of the files.
    StreamRemoved,
    /// Records are deleted earlier.
    RetentionShrinks,
    /// What a shipper or a reader is permitted by is gone.
    RoleRemoved,
    /// Somebody may do more.
    PrivilegeWidens,
    /// A connection or a store is less protected.
    TlsWeakens,
    /// A secret is read from elsewhere.
    SecretReferenceChanges,
    /// A resource of AWS is made anew.
    AwsObjectReplaced,
    /// An object of Kubernetes can't be changed so.
    KubernetesObjectReplaced,
    /// Existing indices don't take the mapping.
    MappingRejected,
    /// An older or a floating image.
    ImageDowngrade,
}

impl Flag {
    /// All of them, the worst first.
    pub const ALL: [Self; 13] = [
        Self::ClusterRemoved,
        Self::NotCompared,
        Self::SourceStops,
        Self::StreamRemoved,
        Self::RetentionShrinks,
        Self::RoleRemoved,
        Self::PrivilegeWidens,
        Self::TlsWeakens,
        Self::SecretReferenceChanges,
        Self::AwsObjectReplaced,
        Self::KubernetesObjectReplaced,
        Self::MappingRejected,
        Self::ImageDowngrade,
    ];

    /// The name by which it is acknowledged, and of its page in `docs/dangers/`.
    pub fn id(self) -> &'static str {
        self.words().0
    }

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ClusterRemoved => ("cluster-removed", "a cluster leaves the fleet"),
            Self::NotCompared => ("not-compared", "a cluster can't be compared"),
            Self::SourceStops => ("source-stops", "a source stops shipping"),
            Self::StreamRemoved => ("stream-removed", "a place of records is removed"),
            Self::RetentionShrinks => ("retention-shrinks", "records are deleted earlier"),
            Self::RoleRemoved => ("role-removed", "a role is removed"),
            Self::PrivilegeWidens => ("privilege-widens", "a privilege widens"),
            Self::TlsWeakens => ("tls-weakens", "encryption weakens"),
            Self::SecretReferenceChanges => (
                "secret-reference-changes",
                "a reference to a secret changes",
            ),
            Self::AwsObjectReplaced => ("aws-object-replaced", "a resource of AWS is replaced"),
            Self::KubernetesObjectReplaced => (
                "kubernetes-object-replaced",
                "an object of Kubernetes has to be made anew",
            ),
            Self::MappingRejected => ("mapping-rejected", "existing indices don't take a mapping"),
            Self::ImageDowngrade => ("image-downgrade", "an image goes back"),
        }
    }

    /// That of an id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.id() == id)
    }
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn they_stand_in_their_order_and_have_ids_of_their_own() {
        assert!(Flag::ALL.is_sorted());
        for flag in Flag::ALL {
            assert_eq!(Flag::of_id(flag.id()), Some(flag));
        }
    }

    #[test]
    fn each_has_a_page_and_each_page_is_of_one() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dangers");
        let names = fs::read_dir(&folder)
            .expect("docs/dangers")
            .map(|entry| entry.expect("a page").file_name().into_string())
            .map(|name| name.expect("a name").trim_end_matches(".md").to_owned());
        let pages: BTreeSet<String> = names
            .filter(|name| !["README", "acknowledge"].contains(&name.as_str()))
            .collect();
        let ids = Flag::ALL.map(|flag| flag.id().to_owned());
        assert_eq!(pages, ids.iter().cloned().collect());
        let index = fs::read_to_string(folder.join("README.md")).expect("an index");
        for id in ids {
            let page = fs::read_to_string(folder.join(format!("{id}.md"))).expect("a page");
            assert!(page.starts_with(&format!("# `{id}`: ")), "{id}");
            assert!(index.contains(&format!("({id}.md)")), "{id}");
        }
    }
}
