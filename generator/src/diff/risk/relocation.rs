//! A cluster that moves: to another Region or account, or its objects to
//! another namespace. Everything in it has another place then, which is reported
//! once; what else changes is found beside it. Pure.

use super::{Applier, Flag, RiskFinding};
use crate::resolve::ResolvedCluster;
use crate::tree::{RenderedTree, TreePath};

/// Where a cluster was, and where it is.
pub(in crate::diff) struct Move {
    /// Its Region and account, each before and after.
    aws: Vec<(String, String)>,
    /// Its namespace before and after, if that is another one.
    namespace: Option<(String, String)>,
}

impl Move {
    /// That of a cluster; nothing if it stays where it is.
    pub(in crate::diff) fn of(base: &ResolvedCluster, head: &ResolvedCluster) -> Option<Self> {
        let pair = |old: &String, new: &String| (old != new).then(|| (old.clone(), new.clone()));
        let (old, new) = (&base.cluster, &head.cluster);
        let aws = [
            pair(&old.region, &new.region),
            pair(&old.account, &new.account),
        ];
        let aws: Vec<(String, String)> = aws.into_iter().flatten().collect();
        let namespace = pair(&base.kubernetes.namespace, &head.kubernetes.namespace);
        (!aws.is_empty() || namespace.is_some()).then_some(Self { aws, namespace })
    }

    /// The base's files as they would be if it had been there all along.
    pub(in crate::diff) fn translate(&self, base: &RenderedTree) -> RenderedTree {
        let files = base.0.iter().map(|(path, bytes)| {
            let Ok(text) = std::str::from_utf8(bytes) else {
                return (path.clone(), bytes.clone());
            };
            let name = self.in_aws(path.as_str());
            let name = TreePath::new(name).unwrap_or_else(|_| path.clone());
            let text = self.in_namespace(&self.in_aws(text));
            (name, text.into_bytes())
        });
        RenderedTree(files.collect())
    }

    fn in_aws(&self, text: &str) -> String {
        let replace = |text: String, (old, new): &(String, String)| replace_words(&text, old, new);
        self.aws.iter().fold(text.to_owned(), replace)
    }

    /// Where objects of Kubernetes and roles of AWS name the namespace.
    fn in_namespace(&self, text: &str) -> String {
        let Some((old, new)) = &self.namespace else {
            return text.to_owned();
        };
        let account = |name: &str| format!("system:serviceaccount:{name}:");
        let text = text.replace(&account(old), &account(new));
        let is_namespace = text.lines().any(|line| line.trim() == "kind: Namespace");
        let keys: &[&str] = if is_namespace {
            &["namespace:", "name:"]
        } else {
            &["namespace:"]
        };
        let lines = text.split_inclusive('\n').map(|line| {
            let start = line.trim_start().trim_start_matches("- ");
            let value = keys.iter().find_map(|key| start.strip_prefix(key));
            match value.map(|value| value.trim().trim_matches(['"', '\''])) {
                Some(value) if value == old => line.replacen(value, new, 1),
                _ => line.to_owned(),
            }
        });
        lines.collect()
    }

    /// What the move itself does.
    pub(in crate::diff) fn risks(&self, base: &RenderedTree, applier: Applier) -> Vec<RiskFinding> {
        let has_stacks = base
            .0
            .keys()
            .any(|path| path.as_str().ends_with("/stack.json"));
        let stacks = (has_stacks && !self.aws.is_empty()).then(|| self.of_stacks());
        let namespace = self.namespace.as_ref();
        let namespace = namespace.map(|(old, new)| of_namespace(old, new, applier));
        stacks.into_iter().chain(namespace).collect()
    }

    fn of_stacks(&self) -> RiskFinding {
        let places = |side: fn(&(String, String)) -> &String| {
            let all: Vec<&str> = self.aws.iter().map(|pair| side(pair).as_str()).collect();
            all.join(", ")
        };
        let (old, new) = (places(|(old, _)| old), places(|(_, new)| new));
        finding(
            Flag::AwsObjectReplaced,
            format!("every stack is recreated in {new} instead of {old}"),
            format!(
                "the stacks in {old} stay, with everything in them, and keep working until someone deletes them; records of old log groups stay there"
            ),
        )
    }
}

fn of_namespace(old: &str, new: &str, applier: Applier) -> RiskFinding {
    let live = match applier {
        Applier::Prunes(tool) if !["default", "kube-system"].contains(&old) => format!(
            "{tool} deletes the namespace `{old}` with everything in it, what others put there as well; buffers on machines stay"
        ),
        Applier::Prunes(tool) => format!("{tool} deletes the old ones with the next sync"),
        _ => format!(
            "{}: what is in `{old}` keeps shipping next to the new one until someone deletes it, so records arrive twice",
            applier
                .of_removed()
                .replace("deletes it", "deletes the old one")
        ),
    };
    finding(
        Flag::KubernetesObjectReplaced,
        format!(
            "every object is recreated in the namespace `{new}` instead of `{old}`; Secrets that others create must exist there first"
        ),
        live,
    )
}

fn finding(flag: Flag, what: String, live: String) -> RiskFinding {
    RiskFinding {
        flag,
        what,
        live: Some(live),
        file: None,
        removed: None,
    }
}

/// Replaces a value where it is not a part of a longer word.
fn replace_words(text: &str, old: &str, new: &str) -> String {
    if !text.contains(old) {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let is_part = before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
            || after.chars().next().is_some_and(char::is_alphanumeric);
        result.push_str(before);
        result.push_str(if is_part { old } else { new });
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    #[test]
    fn files_are_translated_where_they_name_the_old_place() {
        let moved = Move {
            aws: vec![("eu-central-1".to_owned(), "eu-west-1".to_owned())],
            namespace: Some(("logs".to_owned(), "logs2".to_owned())),
        };
        let old = tree(&[
            (
                "aws/eu-central-1/stack.json",
                "arn:aws:logs:eu-central-1:1:* xeu-central-1".to_owned(),
            ),
            (
                "kubernetes/a.yaml",
                "namespace: \"logs\"\npath: /var/log/logs\n  - namespace: logs\nname: logs\n"
                    .to_owned(),
            ),
            (
                "kubernetes/namespace.yaml",
                "kind: Namespace\nmetadata:\n  name: logs\n".to_owned(),
            ),
            (
                "aws/role.json",
                "system:serviceaccount:logs:fluentd".to_owned(),
            ),
        ]);
        let new = tree(&[
            (
                "aws/eu-west-1/stack.json",
                "arn:aws:logs:eu-west-1:1:* xeu-central-1".to_owned(),
            ),
            (
                "kubernetes/a.yaml",
                "namespace: \"logs2\"\npath: /var/log/logs\n  - namespace: logs2\nname: logs\n"
                    .to_owned(),
            ),
            (
                "kubernetes/namespace.yaml",
                "kind: Namespace\nmetadata:\n  name: logs2\n".to_owned(),
            ),
            (
                "aws/role.json",
                "system:serviceaccount:logs2:fluentd".to_owned(),
            ),
        ]);
        assert_eq!(moved.translate(&old), new);
    }

    #[test]
    fn what_becomes_of_the_old_place_is_reported() {
        let stacks = tree(&[("aws/a/stack.json", "{}".to_owned())]);
        let moved = Move {
            aws: vec![("a".to_owned(), "b".to_owned())],
            namespace: Some(("logs".to_owned(), "logs2".to_owned())),
        };
        let reported = moved.risks(&stacks, Applier::Prunes("Flux"));
        assert_eq!(reported.len(), 2);
        assert_eq!(
            reported[0].what,
            "every stack is recreated in b instead of a"
        );
        let live = reported[1].live.clone().expect("what becomes of it");
        assert!(
            live.starts_with("Flux deletes the namespace `logs`"),
            "{live}"
        );
        let reported = moved.risks(&RenderedTree::default(), Applier::Nobody);
        assert_eq!(reported.len(), 1);
    }
}
