//! The lists of Kubernetes' objects whose items have a key, as its API says. Pure.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The lists by kind, such as `apps/v1 DaemonSet`.
fn all() -> &'static BTreeMap<String, BTreeMap<String, Vec<String>>> {
    static ALL: OnceLock<BTreeMap<String, BTreeMap<String, Vec<String>>>> = OnceLock::new();
    let text = include_str!("../../../schemas/outputs/kubernetes/list-keys.json");
    // A test reads it.
    ALL.get_or_init(|| serde_json::from_str(text).unwrap_or_default())
}

/// The lists of a kind, or of all of them.
#[derive(Clone, Copy, Debug)]
pub struct Lists(Option<&'static BTreeMap<String, Vec<String>>>);

/// The lists of a kind, such as `apps/v1 DaemonSet`; of one that is not known, those of all others.
pub fn of_kind(kind: &str) -> Lists {
    Lists(all().get(kind))
}

impl Lists {
    /// The fields by which items of a list are told apart.
    pub fn key_of(self, list: &str) -> Option<&'static [String]> {
        let keys = match self.0 {
            Some(lists) => lists.get(list),
            None => all().values().find_map(|lists| lists.get(list)),
        };
        keys.map(Vec::as_slice)
    }
}

/// The keys that lists of a name have in any kind, each once.
pub fn of_any_kind(list: &str) -> Vec<&'static [String]> {
    let mut keys: Vec<&[String]> = all()
        .values()
        .filter_map(|lists| lists.get(list))
        .map(Vec::as_slice)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_key_of_its_kind() {
        let key = |kind, list| of_kind(kind).key_of(list).map(<[String]>::to_vec);
        let fields = |fields: &[&str]| Some(fields.iter().map(ToString::to_string).collect());
        assert_eq!(key("apps/v1 DaemonSet", "containers"), fields(&["name"]));
        assert_eq!(
            key("apps/v1 DaemonSet", "ports"),
            fields(&["containerPort", "protocol"])
        );
        assert_eq!(key("v1 Service", "ports"), fields(&["port", "protocol"]));
        assert_eq!(key("apps/v1 DaemonSet", "tolerations"), None);
        assert_eq!(key("networking.k8s.io/v1 NetworkPolicy", "ports"), None);
        assert_eq!(key("v1 Pod", "volumeMounts"), fields(&["mountPath"]));
    }
}
