//! Turns the schema of a kind into that of a strategic merge patch of it
//! (<https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md>).
//! Pure.
//!
//! A patch may leave anything out, removes a field by `null`, and gives
//! directives by keys that start with `$`; but a field that the kind doesn't
//! have is as wrong in it as in the whole object.

use serde_json::{Value as Json, json};

/// The schema of a patch.
pub(super) fn loosen(mut schema: Json) -> Json {
    loosen_in_place(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        // Which object is patched must be said.
        root.insert("required".into(), json!(["apiVersion", "kind", "metadata"]));
    }
    schema
}

fn loosen_in_place(schema: &mut Json) {
    match schema {
        Json::Object(keywords) => {
            keywords.values_mut().for_each(loosen_in_place);
            if keywords.get("required").is_some_and(Json::is_array) {
                keywords.shift_remove("required");
            }
            if keywords.get("additionalProperties") == Some(&json!(false)) {
                keywords.insert("patternProperties".into(), json!({ "^\\$": {} }));
            }
            allow_null(keywords);
        }
        Json::Array(items) => items.iter_mut().for_each(loosen_in_place),
        _ => {}
    }
}

fn allow_null(keywords: &mut serde_json::Map<String, Json>) {
    match keywords.get_mut("type") {
        Some(Json::Array(types)) => types.push(json!("null")),
        Some(one @ Json::String(_)) => *one = json!([one.clone(), "null"]),
        _ => {}
    }
    if let Some(Json::Array(options)) = keywords.get_mut("enum") {
        options.push(Json::Null);
    }
}
