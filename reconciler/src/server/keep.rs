//! What isn't rendered any more and can't be removed yet, since it is in use. Pure.
//!
//! Data streams stay when a cluster leaves, since they hold its records. What they need
//! to live, and to end by their retention, stays with them: index templates, what these are composed of,
//! and policies. Servers refuse to delete most of it anyway.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::index::{Kind, ObjectPath, Template};
use logfleet_contract::pattern::matches;
use serde_json::Value;

use crate::server::observe::Observed;
use crate::wanted::WantedObject;

/// Why templates and policies stay.
const USED: &str = "a data stream that is kept still uses it";

/// Which of the objects that would be deleted stay, and why.
pub fn kept(
    observed: &Observed,
    wanted: &BTreeMap<ObjectPath, WantedObject>,
    deleted: &BTreeSet<ObjectPath>,
) -> BTreeMap<ObjectPath, String> {
    let of_kind = |kind: Kind| {
        let all = deleted.iter().filter(move |path| path.kind == kind);
        all.filter_map(|path| Some((path, observed.objects.get(path)?)))
    };
    let streams = || {
        let all = observed
            .objects
            .keys()
            .filter(|path| path.kind == Kind::DataStream);
        all.filter(|path| !deleted.contains(path))
            .map(|path| path.name.as_str())
    };
    // A stream that is rendered has a template and a policy that are.
    let orphans = || {
        streams().filter(|name| {
            let path = ObjectPath {
                kind: Kind::DataStream,
                name: (*name).to_owned(),
            };
            !wanted.contains_key(&path)
        })
    };
    let mut kept = BTreeMap::new();
    for (path, body) in of_kind(Kind::IndexTemplate) {
        let template = Template::of(body);
        if orphans().any(|stream| matches_any(&template.patterns, stream)) {
            kept.insert(path.clone(), USED.to_owned());
        }
    }
    for (path, body) in of_kind(Kind::StatePolicy) {
        let patterns = policy_patterns(body);
        if orphans().any(|stream| matches_any(&patterns, stream)) {
            kept.insert(path.clone(), USED.to_owned());
        }
    }
    for (path, body) in of_kind(Kind::LifecyclePolicy) {
        let indices = body["in_use_by"]["indices"]
            .as_array()
            .into_iter()
            .flatten();
        let mut indices = indices.filter_map(Value::as_str);
        let is_going = |index: &str| {
            let mut streams = deleted.iter().filter(|path| path.kind == Kind::DataStream);
            streams.any(|stream| is_backing(index, &stream.name))
        };
        if indices.any(|index| !is_going(index)) {
            kept.insert(
                path.clone(),
                "indices that are kept still use it".to_owned(),
            );
        }
    }
    for (path, _) in of_kind(Kind::ComponentTemplate) {
        let mut templates = observed
            .objects
            .iter()
            .filter(|(other, _)| other.kind == Kind::IndexTemplate);
        let is_used = templates.any(|(other, body)| {
            let stays = !deleted.contains(other) || kept.contains_key(other);
            let body = wanted.get(other).map_or(body, |wanted| &wanted.content);
            stays && composed_of(body).any(|part| part == path.name)
        });
        if is_used {
            kept.insert(
                path.clone(),
                "an index template is composed of it".to_owned(),
            );
        }
    }
    kept
}

/// Whether an index is a data stream's: `.ds-<stream>-<date>-<generation>`
/// (<https://www.elastic.co/docs/manage-data/data-store/data-streams#backing-indices>).
fn is_backing(index: &str, stream: &str) -> bool {
    let rest = index
        .strip_prefix(".ds-")
        .and_then(|rest| rest.strip_prefix(stream));
    rest.is_some_and(|rest| rest.starts_with('-'))
}

fn composed_of(body: &Value) -> impl Iterator<Item = &str> {
    let parts = body["composed_of"].as_array().into_iter().flatten();
    parts.filter_map(Value::as_str)
}

/// The patterns of streams and indices that a policy of OpenSearch is for.
pub fn policy_patterns(body: &Value) -> BTreeSet<String> {
    let templates = match &body["policy"]["ism_template"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let patterns = templates.iter().flat_map(|template| {
        let all = template["index_patterns"].as_array().cloned();
        all.unwrap_or_default()
    });
    patterns
        .filter_map(|pattern| pattern.as_str().map(ToOwned::to_owned))
        .collect()
}

fn matches_any(patterns: &BTreeSet<String>, name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> ObjectPath {
        ObjectPath::parse(&format!("{text}.json")).expect(text)
    }

    #[test]
    fn what_a_kept_stream_needs_stays_and_the_rest_goes() {
        let mut observed = Observed::default();
        for (name, body) in [
            ("_component_template/used", json!({})),
            ("_component_template/unused", json!({})),
            (
                "_index_template/used",
                json!({"index_patterns": ["logs-a"], "composed_of": ["used"]}),
            ),
            (
                "_index_template/unused",
                json!({"index_patterns": ["logs-b"], "composed_of": ["unused"]}),
            ),
            ("_data_stream/logs-a", json!({})),
            ("_data_stream/logs-b", json!({})),
            (
                "_plugins/_ism/policies/used",
                json!({"policy": {"ism_template": [{"index_patterns": ["logs-a"]}]}}),
            ),
            (
                "_ilm/policy/used",
                json!({"in_use_by": {"indices": [".ds-logs-a-2026.01.01-000001"]}}),
            ),
            (
                "_ilm/policy/unused",
                json!({"in_use_by": {"indices": [".ds-logs-b-2026.01.01-000001"]}}),
            ),
        ] {
            observed.objects.insert(path(name), body);
        }
        let mut deleted: BTreeSet<ObjectPath> = observed.objects.keys().cloned().collect();
        deleted.remove(&path("_data_stream/logs-a"));
        let kept = kept(&observed, &BTreeMap::new(), &deleted);
        let names: Vec<String> = kept.keys().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "_component_template/used",
                "_ilm/policy/used",
                "_plugins/_ism/policies/used",
                "_index_template/used"
            ]
        );
    }
}
