//! The kinds of Kubernetes objects that a cluster's tree holds. Pure.
//!
//! Whoever applies the tree must be permitted these, and no others. They are
//! read off what was rendered, so that a fleet's own templates count too. It
//! is done for each cluster, so lines are looked at, not YAML: templates are
//! written in block style, and [`crate::check`] reads the YAML.

use std::collections::BTreeSet;

use crate::tree::RenderedTree;

/// Group and kind of every object below `kubernetes/`, the core group being
/// empty. A kustomization makes its own config maps, and is itself no object.
pub fn kinds_in(tree: &RenderedTree) -> BTreeSet<(&str, &str)> {
    let mut kinds = BTreeSet::new();
    for (path, bytes) in tree.files() {
        let path = path.as_str();
        if !path.starts_with("kubernetes/")
            || !path.ends_with(".yaml")
            || path.starts_with("kubernetes/patches/")
        {
            continue;
        }
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        match kind_of(text) {
            Some(("kustomize.config.k8s.io", _)) => {
                if text.contains("\nconfigMapGenerator:") {
                    kinds.insert(("", "ConfigMap"));
                }
                if text.contains("\nsecretGenerator:") {
                    kinds.insert(("", "Secret"));
                }
            }
            Some(kind) => {
                kinds.insert(kind);
            }
            None => {}
        }
    }
    kinds
}

/// What the lines of the outermost level say.
fn kind_of(text: &str) -> Option<(&str, &str)> {
    let value = |key| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let value = line.split(" #").next().unwrap_or_default().trim();
        Some(value.trim_matches(['"', '\''])).filter(|value| !value.is_empty())
    };
    let api_version = value("apiVersion:")?;
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Some((group, value("kind:")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreePath;

    #[test]
    fn reads_kinds_off_what_is_applied_only() {
        let files = [
            (
                "kubernetes/a.yaml",
                "# Why.\napiVersion: v1\nkind: Namespace # no other\n",
            ),
            (
                "kubernetes/b/c.yaml",
                "apiVersion: \"apps/v1\"\nkind: 'DaemonSet'\nspec:\n  kind: Inner\n",
            ),
            ("kubernetes/events/config.yaml", "logLevel: warn\n"),
            ("kubernetes/patches/p.yaml", "apiVersion: v1\nkind: Pod\n"),
            ("kubernetes/x/fluent.conf", "apiVersion: v1\nkind: Pod\n"),
            (
                "kubernetes/kustomization.yaml",
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nconfigMapGenerator: []\n",
            ),
            (
                "gitops/application.yaml",
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\n",
            ),
        ];
        let tree = files.into_iter().map(|(path, text)| {
            (
                TreePath::new(path).expect("a path"),
                text.as_bytes().to_vec(),
            )
        });
        let tree = RenderedTree(tree.collect());
        let kinds: Vec<_> = kinds_in(&tree).into_iter().collect();
        assert_eq!(
            kinds,
            [("", "ConfigMap"), ("", "Namespace"), ("apps", "DaemonSet")]
        );
    }
}
