//! `ConfigMap`s that pods need, and that are gone, have less in them, or take it from elsewhere: such as are
//! rendered, and such as a kustomization generates. Pure.

use serde_json::{Map, Value as Json};

use super::row::Among;
use super::values::{containers, items, objects, pod_spec, text, texts};
use super::wording::legible;
use crate::diff::documents::Document;

/// What is in one, each with where it is from: a file, a value, or the `ConfigMap` itself
/// (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/>).
pub(super) fn contents(config_map: &Json) -> Json {
    let mut found = Map::new();
    for list in ["data", "binaryData"] {
        let members = config_map.get(list).and_then(Json::as_object);
        let keys = members.into_iter().flatten().map(|(key, _)| key.clone());
        found.extend(keys.map(|key| (key, Json::Null)));
    }
    for file in texts(config_map.get("files")) {
        let name = file.rsplit('/').next().unwrap_or_default();
        let (key, path) = file.split_once('=').unwrap_or((name, &file));
        found.insert(key.to_owned(), path.into());
    }
    for literal in texts(config_map.get("literals")) {
        let (key, value) = literal.split_once('=').unwrap_or((&literal, ""));
        found.insert(key.to_owned(), format!("={value}").into());
    }
    found.into()
}

/// Those that a container has all variables of.
pub(super) fn sources(container: &Json) -> Json {
    let sources = items(container, "envFrom").iter();
    let names = sources.map(|source| text(source, "/configMapRef/name"));
    let named = names.filter(|name| !name.is_empty());
    named
        .map(|name| format!("the ConfigMap `{name}`"))
        .collect()
}

/// What pods of the head need of it that isn't there any more, or is another file or value.
pub(super) fn loses(among: &Among<'_>) -> Vec<String> {
    let [Some(old), Some(new)] = among.values() else {
        return Vec::new();
    };
    let contents = old.as_object().into_iter().flatten();
    let changed = contents.filter(|(key, source)| new.get(key.as_str()) != Some(source));
    let needed = changed.filter(|(key, source)| {
        let is_value = text(source, "").starts_with('=');
        let is_still_there = !is_value && is_file(among, text(source, ""));
        is_still_there || is_named(among, key)
    });
    let said = needed.map(|(key, source)| {
        let after = new.get(key.as_str());
        let key = legible(key);
        match after {
            None => format!("no longer has `{key}`"),
            Some(after) => match [source, after].map(|source| text(source, "")) {
                [old, new] if new.starts_with('=') || old.starts_with('=') => {
                    format!("has another `{key}`")
                }
                [old, new] => format!(
                    "takes `{key}` from {} instead of {}",
                    legible(new),
                    legible(old)
                ),
            },
        }
    });
    said.collect()
}

/// Whether the head has a file that a generator takes.
fn is_file(among: &Among<'_>, path: &str) -> bool {
    let (folder, _) = among.path().rsplit_once('/').unwrap_or_default();
    !path.is_empty() && among.around.head.has(&format!("{folder}/{path}"))
}

/// Whether another file of the head names what is in it, such as a configuration a certificate.
fn is_named(among: &Among<'_>, key: &str) -> bool {
    let files = among.around.head.iter();
    let mut others = files.filter(|file| file.path() != among.path());
    others.any(|file| Document::text(file).is_some_and(|text| text.contains(key)))
}

/// Whether pods of the head need one that is gone.
pub(super) fn is_needed(among: &Among<'_>) -> bool {
    let Some(fact) = among.old else {
        return false;
    };
    let name = fact.object.name.as_ref();
    let is_it = |value: &Json, at: &str| text(value, at) == name;
    let reads = |spec: &Json| {
        let in_volume = |volume: &Json| {
            let sources = items(volume, "/projected/sources").iter();
            let mut sources = sources.chain([volume]);
            sources.any(|source| is_it(source, "/configMap/name"))
        };
        let in_container = |(_, container): &(&str, &Json)| {
            let mut variables = items(container, "env").iter();
            let mut all = items(container, "envFrom").iter();
            variables.any(|own| is_it(own, "/valueFrom/configMapKeyRef/name"))
                || all.any(|own| is_it(own, "/configMapRef/name"))
        };
        items(spec, "volumes").iter().any(in_volume) || containers(spec).iter().any(in_container)
    };
    let mut workloads = objects(among.around.head, name).filter_map(pod_spec);
    workloads.any(reads)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::tests::{of_trees, pod};

    /// What is reported of a cluster with pods that mount `c`.
    fn reported(path: &str, old: &Json, new: &Json) -> Vec<String> {
        let pods = pod(&json!({
            "containers": [{"name": "a", "args": ["/etc/b.conf"], "env": [
                {"name": "R", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "REGION"}}}]}],
            "volumes": [{"name": "v", "configMap": {"name": "c"}}],
        }));
        let files = |own: &Json| {
            vec![
                (path, own.to_string()),
                ("kubernetes/a.conf", "x".to_owned()),
                ("kubernetes/x/daemonset.yaml", pods.to_string()),
            ]
        };
        of_trees(&files(old), &files(new))
    }

    #[test]
    fn what_a_generated_config_map_loses_is_reported() {
        let generated = |own: Json| json!({"kind": "Kustomization", "configMapGenerator": own});
        let of = |own: Json| {
            let full = json!([{"name": "c", "files": ["a.conf", "b.conf=x/b.conf", "d.conf"],
                "literals": ["REGION=a", "NAME=b"]}]);
            let path = "kubernetes/kustomization.yaml";
            reported(path, &generated(full), &generated(own))
        };
        let one = |what: &str| vec![format!("source-stops: the ConfigMap `c` {what}")];
        let all = ["a.conf", "b.conf=x/b.conf", "d.conf"];
        let variables = ["REGION=a", "NAME=b"];
        for (own, expected) in [
            (json!([]), one("is removed, but pods still need it")),
            (
                json!([{"name": "c", "files": all[1..], "literals": variables}]),
                one("no longer has `a.conf`"),
            ),
            (
                json!([{"name": "c", "files": [all[0], all[2]], "literals": variables}]),
                one("no longer has `b.conf`"),
            ),
            (
                json!([{"name": "c", "files": [all[0], "b.conf=y", all[2]], "literals": variables}]),
                one("takes `b.conf` from y instead of x/b.conf"),
            ),
            // Nothing names it, and the file is gone with it.
            (
                json!([{"name": "c", "files": all[..2], "literals": variables}]),
                vec![],
            ),
            (
                json!([{"name": "c", "files": all, "literals": ["REGION=b", "NAME=c"]}]),
                one("has another `REGION`"),
            ),
            (
                json!([{"name": "c", "files": all, "literals": variables, "behavior": "merge"}]),
                one("is made with `behavior: merge` instead of none"),
            ),
            (
                json!([{"name": "c", "files": all, "literals": variables, "options": {"disableNameSuffixHash": true}}]),
                one("keeps its name when its content changes, so pods keep the old one"),
            ),
            (
                json!([{"name": "c", "files": all, "literals": variables, "options": {"labels": {"a": "b"}}}]),
                vec![],
            ),
        ] {
            assert_eq!(of(own), expected);
        }
    }

    #[test]
    fn a_key_that_is_too_long_to_be_shown_is_still_found() {
        let of = |path: &str| {
            let file = format!("{}={path}", "k".repeat(200));
            json!({"kind": "Kustomization", "configMapGenerator": [{"name": "c", "files": [file]}]})
        };
        let path = "kubernetes/kustomization.yaml";
        let reported = reported(path, &of("a.conf"), &of("y"));
        assert_eq!(reported.len(), 1);
        assert!(
            reported[0].ends_with("` from y instead of a.conf"),
            "{reported:?}"
        );
    }

    #[test]
    fn what_a_rendered_one_loses_is_reported() {
        let config_map = |name: &str, data: Json| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
        let of = |new: Json| {
            let old = config_map("c", json!({"b.conf": "1", "other": "2"}));
            reported("kubernetes/c.yaml", &old, &new)
        };
        assert_eq!(
            of(config_map("c", json!({"other": "3"}))),
            ["source-stops: the ConfigMap `c` no longer has `b.conf`"]
        );
        assert!(of(config_map("c", json!({"b.conf": "3"}))).is_empty());
        assert_eq!(
            of(config_map("d", json!({}))),
            ["source-stops: the ConfigMap `c` is removed, but pods still need it"]
        );
    }
}
