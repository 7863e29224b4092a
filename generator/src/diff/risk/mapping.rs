//! Mappings that existing indices don't take, and such that refuse records. Pure.
//!
//! A field's type and most of its parameters are fixed once an index has it
//! (<https://www.elastic.co/docs/manage-data/data-store/mapping/update-mappings-examples>).

use serde_json::Value as Json;

use super::Surroundings;
use super::data_streams::split;
use super::row::Among;
use super::values::text;
use super::wording::legible;
use crate::diff::documents::Documents;

/// Deepest nesting of fields.
const MAX_DEPTH: usize = 32;

/// Parameters that an index doesn't let change, as Elasticsearch and OpenSearch
/// define them for each type: `Parameter`s of their field mappers that aren't
/// updateable. Others, such as `ignore_above`, `coerce`, `meta` or
/// `search_analyzer`, may change.
const FIXED: [&str; 19] = [
    "index",
    "doc_values",
    "store",
    "analyzer",
    "normalizer",
    "similarity",
    "format",
    "locale",
    "enabled",
    "subobjects",
    "index_options",
    "null_value",
    "scaling_factor",
    "term_vector",
    "index_prefixes",
    "index_phrases",
    "position_increment_gap",
    "include_in_parent",
    "include_in_root",
];

/// What existing indices refuse of a template, or of a data stream's with its component templates.
pub(super) fn refused_by_indices(among: &Among<'_>) -> Vec<String> {
    of_both(among).fixed
}

/// Which records are refused.
pub(super) fn refused_records(among: &Among<'_>) -> Vec<String> {
    of_both(among).refuses
}

/// What is found of a mapping.
#[derive(Default)]
struct Judged {
    fixed: Vec<String>,
    refuses: Vec<String>,
}

fn of_both(among: &Among<'_>) -> Judged {
    let mut found = Judged::default();
    let server = server_of(among.path());
    let is_other = server.is_some_and(|server| is_other_product(among.around, server));
    if let [Some(old), Some(new)] = among.values().map(|value| value.filter(|_| !is_other)) {
        for pointer in ["/template/mappings", "/mappings"] {
            if let (Some(old), Some(new)) = (old.pointer(pointer), new.pointer(pointer)) {
                check_dynamic("", old, new, &mut found);
                compare(old, new, "properties", &mut Vec::new(), &mut found);
            }
        }
        check_settings(old, new, &mut found);
    }
    found
}

/// The server that a path is of.
pub(super) fn server_of(path: &str) -> Option<&str> {
    split(path).map(|(server, _)| server)
}

/// Whether the server is of the other product than before: then it is another
/// server, and none of its indices has the old mapping.
fn is_other_product(around: Surroundings<'_>, server: &str) -> bool {
    let has = |files: &Documents<'_>, folder: &str| {
        let start = format!("elasticsearch/{server}/{folder}/");
        files.iter().any(|file| file.path().starts_with(&start))
    };
    let is_opensearch = |files| has(files, "_plugins");
    let is_elasticsearch = |files| has(files, "_ilm") || has(files, "_security");
    let (base, head) = (around.base, around.head);
    is_opensearch(base) && is_elasticsearch(head) && !is_opensearch(head)
        || is_elasticsearch(base) && is_opensearch(head) && !is_opensearch(base)
}

/// The fields that both have, and the fields in these; `above` are the names
/// on the way there.
fn compare(old: &Json, new: &Json, list: &str, above: &mut Vec<String>, found: &mut Judged) {
    let fields = |value: &Json| value.get(list).and_then(Json::as_object).cloned();
    let (Some(old), Some(new)) = (fields(old), fields(new)) else {
        return;
    };
    for (name, old) in &old {
        let Some(new) = new.get(name).filter(|new| *new != old) else {
            continue;
        };
        above.push(name.clone());
        compare_field(&above.join("."), old, new, found);
        if above.len() < MAX_DEPTH {
            compare(old, new, "properties", above, found);
            compare(old, new, "fields", above, found);
        }
        above.pop();
    }
}

fn compare_field(name: &str, old: &Json, new: &Json, found: &mut Judged) {
    let (old_type, new_type) = (kind(old), kind(new));
    if old_type != new_type {
        let what = format!(
            "the field `{}` is {} instead of {}",
            legible(name),
            legible(new_type),
            legible(old_type)
        );
        found.fixed.push(what);
        return;
    }
    for parameter in FIXED {
        if value(old, parameter) != value(new, parameter) {
            let what = format!("`{parameter}` of the field `{}` changes", legible(name));
            found.fixed.push(what);
        }
    }
    // It may be given up, but not be taken up again.
    let norms = |field: &Json| value(field, "norms") == Some(Json::Bool(true));
    if norms(new) && !norms(old) {
        let what = format!("`norms` of the field `{}` changes", legible(name));
        found.fixed.push(what);
    }
    let is_lax = |field: &Json| value(field, "ignore_malformed") == Some(Json::Bool(true));
    if is_lax(old) && !is_lax(new) {
        let what = format!(
            "records are refused whose field `{}` has a value that doesn't fit",
            legible(name)
        );
        found.refuses.push(what);
    }
    check_dynamic(name, old, new, found);
}

/// A parameter of a field, or what it is without it.
fn value(field: &Json, parameter: &str) -> Option<Json> {
    match field.get(parameter) {
        None | Some(Json::Null) => default(kind(field), parameter),
        Some(Json::String(text)) if text == "true" => Some(true.into()),
        Some(Json::String(text)) if text == "false" => Some(false.into()),
        Some(value) => Some(value.clone()),
    }
}

fn default(kind: &str, parameter: &str) -> Option<Json> {
    Some(match (parameter, kind) {
        ("index" | "doc_values" | "enabled" | "subobjects", _) | ("norms", "text") => true.into(),
        ("store" | "norms" | "index_phrases" | "include_in_parent" | "include_in_root", _) => {
            false.into()
        }
        ("similarity", _) => "BM25".into(),
        ("index_options", "text") => "positions".into(),
        ("index_options", _) => "docs".into(),
        ("term_vector", _) => "no".into(),
        ("position_increment_gap", _) => 100.into(),
        ("format", "date") => "strict_date_optional_time||epoch_millis".into(),
        _ => return None,
    })
}

/// A field with fields in it is an object unless it says what it is.
fn kind(field: &Json) -> &str {
    match text(field, "/type") {
        "" => "object",
        kind => kind,
    }
}

/// What becomes of fields that the mapping hasn't got
/// (<https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dynamic>).
fn check_dynamic(name: &str, old: &Json, new: &Json, found: &mut Judged) {
    let is_strict = |value: &Json| value.get("dynamic").is_some_and(|value| value == "strict");
    if is_strict(new) && !is_strict(old) {
        let place = match name {
            "" => String::new(),
            name => format!(" below `{}`", legible(name)),
        };
        let what = format!("records with unmapped fields{place} are refused");
        found.refuses.push(what);
    }
}

/// The setting of all fields that say nothing else
/// (<https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/ignore-malformed>).
fn check_settings(old: &Json, new: &Json, found: &mut Judged) {
    let is_lax = |template: &Json| {
        let settings = template.pointer("/template/settings");
        let nested = settings.and_then(|all| all.pointer("/index/mapping/ignore_malformed"));
        let flat = || settings.and_then(|all| all.get("index.mapping.ignore_malformed"));
        let value = nested.or_else(flat);
        value.is_some_and(|value| value == true || value == "true")
    };
    if is_lax(old) && !is_lax(new) {
        let what = "records with a malformed value are refused";
        found.refuses.push(what.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::risk::tests::{of_trees, of_values};

    const MAPPINGS: &str = "elasticsearch/main/_component_template/x@mappings.json";

    fn template(field: &Json) -> Json {
        json!({"template": {"mappings": {"properties": {"a": {"properties": {"b": field}}}}}})
    }

    fn of_fields(old: &Json, new: &Json) -> Vec<String> {
        of_values(MAPPINGS, &template(old), &template(new))
    }

    fn flagged(what: &str) -> Vec<String> {
        vec![format!("mapping-rejected: {what}")]
    }

    #[test]
    fn what_an_index_has_is_fixed() {
        let [keyword, text] = ["keyword", "text"].map(|kind| json!({"type": kind}));
        assert_eq!(
            of_fields(&keyword, &text),
            flagged("the field `a.b` is text instead of keyword")
        );
        assert!(of_fields(&json!({"properties": {}}), &json!({"type": "object"})).is_empty());
        for (kind, parameter, old, new) in [
            ("date", "format", json!(null), json!("epoch_second")),
            ("object", "enabled", json!(null), json!(false)),
            ("text", "norms", json!(false), json!(null)),
            ("keyword", "norms", json!(null), json!(true)),
            ("text", "index_options", json!(null), json!("offsets")),
            ("keyword", "null_value", json!(null), json!("none")),
            ("scaled_float", "scaling_factor", json!(10), json!(100)),
            ("keyword", "doc_values", json!(true), json!("false")),
            ("keyword", "index", json!(null), json!(false)),
        ] {
            let field = |value: &Json| json!({"type": kind, parameter: value});
            assert_eq!(
                of_fields(&field(&old), &field(&new)),
                flagged(&format!("`{parameter}` of the field `a.b` changes"))
            );
        }
        for (kind, parameter, old, new) in [
            ("text", "norms", json!(true), json!(false)),
            ("keyword", "index", json!(null), json!(true)),
            (
                "object",
                "properties",
                json!({}),
                json!({"new": {"type": "date"}}),
            ),
            ("text", "index_options", json!(null), json!("positions")),
            (
                "date",
                "format",
                json!(null),
                json!("strict_date_optional_time||epoch_millis"),
            ),
            ("keyword", "ignore_above", json!(1), json!(2)),
            (
                "keyword",
                "eager_global_ordinals",
                json!(false),
                json!(true),
            ),
            ("ip", "ignore_malformed", json!(false), json!(true)),
            ("object", "dynamic", json!(true), json!(false)),
        ] {
            let field = |value: &Json| json!({"type": kind, parameter: value});
            assert_eq!(
                of_fields(&field(&old), &field(&new)),
                [""; 0],
                "{parameter}"
            );
        }
    }

    #[test]
    fn records_are_refused() {
        assert_eq!(
            of_fields(
                &json!({"type": "ip", "ignore_malformed": true}),
                &json!({"type": "ip"})
            ),
            flagged("records are refused whose field `a.b` has a value that doesn't fit")
        );
        assert_eq!(
            of_fields(&json!({"dynamic": false}), &json!({"dynamic": "strict"})),
            flagged("records with unmapped fields below `a.b` are refused")
        );
        let whole = |dynamic: &Json| json!({"template": {"mappings": {"dynamic": dynamic}}});
        assert_eq!(
            of_values(MAPPINGS, &whole(&json!(false)), &whole(&json!("strict"))),
            flagged("records with unmapped fields are refused")
        );
        assert!(of_values(MAPPINGS, &whole(&json!("strict")), &whole(&json!(false))).is_empty());
        let path = "elasticsearch/main/_component_template/x@settings.json";
        let lax = |lax: bool| json!({"template": {"settings": {"index": {"mapping": {"ignore_malformed": lax}}}}});
        assert_eq!(
            of_values(path, &lax(true), &lax(false)),
            flagged("records with a malformed value are refused")
        );
        assert!(of_values(path, &lax(false), &lax(true)).is_empty());
    }

    #[test]
    fn another_product_has_no_old_indices() {
        let tree = |folder: &'static str, kind: &str| {
            [
                (MAPPINGS, template(&json!({"type": kind})).to_string()),
                (folder, "{}".to_owned()),
            ]
        };
        let elasticsearch = tree("elasticsearch/main/_data/_ilm.json", "flattened");
        let to = tree(
            "elasticsearch/main/_plugins/_ism/policies/y.json",
            "flat_object",
        );
        assert_eq!(
            of_trees(&elasticsearch, &to),
            flagged("the field `a.b` is flat_object instead of flattened")
        );
        let elasticsearch = tree("elasticsearch/main/_security/role/y.json", "flattened");
        let reported = of_trees(&elasticsearch, &to);
        assert!(
            !reported.concat().contains("mapping-rejected"),
            "{reported:?}"
        );
    }
}
