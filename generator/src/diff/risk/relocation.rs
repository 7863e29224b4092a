//! A cluster that moves: to another Region or account, or its objects to
//! another namespace. Everything in it has another place then, which is reported
//! once; what else changes is found beside it. Pure.

use std::rc::Rc;

use serde_json::Value as Json;

use super::{Applier, Flag, RiskFinding};
use crate::diff::documents::{Document, Documents};
use crate::resolve::ResolvedCluster;

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 96;

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
    pub(in crate::diff) fn relocated<'t>(&self, base: &Documents<'t>) -> Documents<'t> {
        let files = base.shared();
        files.map(|document| self.document(document)).collect()
    }

    fn document<'t>(&self, document: &Rc<Document<'t>>) -> Rc<Document<'t>> {
        let path = self.in_aws(document.path());
        let Some(text) = document.text().filter(|text| self.may_name(text)) else {
            return Rc::clone(document);
        };
        let relocated = match document.value() {
            Some(value) => {
                let mut value = value.clone();
                self.in_value(&mut value, 0);
                self.in_object(&mut value);
                Document::with_value(path, value)
            }
            None => Document::with_text(path, self.in_text(text)),
        };
        Rc::new(relocated)
    }

    /// Whether a text may have the old place in it.
    fn may_name(&self, text: &str) -> bool {
        let mut old = self.aws.iter().chain(&self.namespace);
        old.any(|(old, _)| text.contains(old.as_str()))
    }

    fn in_aws(&self, text: &str) -> String {
        let replace = |text: String, (old, new): &(String, String)| replace_words(&text, old, new);
        self.aws.iter().fold(text.to_owned(), replace)
    }

    /// The place in AWS, and the namespace where a role of AWS names an account of Kubernetes.
    fn in_text(&self, text: &str) -> String {
        let text = self.in_aws(text);
        let account = |name: &str| format!("system:serviceaccount:{name}:");
        match &self.namespace {
            Some((old, new)) => text.replace(&account(old), &account(new)),
            None => text,
        }
    }

    fn in_value(&self, value: &mut Json, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Json::String(text) => *text = self.in_text(text),
            Json::Array(items) => {
                for item in items {
                    self.in_value(item, depth + 1);
                }
            }
            Json::Object(members) => {
                let old = std::mem::take(members);
                for (key, mut inner) in old {
                    self.in_value(&mut inner, depth + 1);
                    if key == "namespace" {
                        self.in_name(&mut inner);
                    }
                    members.insert(self.in_aws(&key), inner);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// The namespace itself is an object, too.
    fn in_object(&self, object: &mut Json) {
        if object.get("kind").is_some_and(|kind| kind == "Namespace")
            && let Some(name) = object.pointer_mut("/metadata/name")
        {
            self.in_name(name);
        }
    }

    fn in_name(&self, name: &mut Json) {
        if let Some((old, new)) = &self.namespace
            && *name == *old
        {
            *name = Json::String(new.clone());
        }
    }

    /// What the move itself does.
    pub(in crate::diff) fn risks(
        &self,
        base: &Documents<'_>,
        applier: Applier,
    ) -> Vec<RiskFinding> {
        let has_stacks = base.iter().any(|file| file.path().ends_with("/stack.json"));
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
        difference: None,
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
    fn files_are_relocated_where_they_name_the_old_place() {
        let moved = Move {
            aws: vec![("eu-central-1".to_owned(), "eu-west-1".to_owned())],
            namespace: Some(("logs".to_owned(), "logs2".to_owned())),
        };
        let files = |region: &str, namespace: &str| {
            tree(&[
                (
                    &format!("aws/{region}/stack.json"),
                    format!("{{\"{region}\": [\"arn:aws:logs:{region}:1:* xeu-central-1\"]}}"),
                ),
                (
                    "kubernetes/a.yaml",
                    format!(
                        "- namespace: \"{namespace}\"\n  path: /var/log/logs\n- a: {{ namespace: {namespace} }}\n- name: logs\n"
                    ),
                ),
                (
                    "kubernetes/namespace.yaml",
                    format!("kind: Namespace\nmetadata:\n  name: {namespace}\n"),
                ),
                (
                    "aws/role.json",
                    format!("\"system:serviceaccount:{namespace}:fluentd\""),
                ),
                ("fluent.conf", format!("region {region}\npath logs\n")),
                ("other.conf", "path /var/log\n".to_owned()),
            ])
        };
        let (old, new) = (files("eu-central-1", "logs"), files("eu-west-1", "logs2"));
        let (old, new) = (moved.relocated(&Documents::of(&old)), Documents::of(&new));
        let paths = |documents: &Documents<'_>| -> Vec<String> {
            documents
                .iter()
                .map(|file| file.path().to_owned())
                .collect()
        };
        assert_eq!(paths(&old), paths(&new));
        for (old, new) in old.iter().zip(new.iter()) {
            assert!(old.is_same(new), "{old:?}");
        }
    }

    #[test]
    fn what_becomes_of_the_old_place_is_reported() {
        let stacks = tree(&[("aws/a/stack.json", "{}".to_owned())]);
        let moved = Move {
            aws: vec![("a".to_owned(), "b".to_owned())],
            namespace: Some(("logs".to_owned(), "logs2".to_owned())),
        };
        let reported = moved.risks(&Documents::of(&stacks), Applier::Prunes("Flux"));
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
        let reported = moved.risks(&Documents::default(), Applier::Nobody);
        assert_eq!(reported.len(), 1);
    }
}
