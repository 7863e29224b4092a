//! Derives the schema of one layer from the schema of the merged value. Pure.
//!
//! A layer is a JSON Merge Patch: nothing is required in it and `null` stands
//! for removal, but a key that no setting has is wrong in every layer. A list
//! replaces the one below as a whole, so what stands in a list is checked as
//! strictly as in the merged value.

use serde_json::{Map, Value as Json, json};

/// Rules that a part of a value needn't meet before it is merged.
const RULES_OF_THE_WHOLE: [&str; 8] = [
    "required",
    "minProperties",
    "dependentRequired",
    "dependentSchemas",
    "not",
    "if",
    "then",
    "else",
];
/// What a definition is called where it is meant as a whole, in lists.
const WHOLE: &str = ".whole";

/// The schema of a layer of what `schema` describes. Descriptions stay, so
/// that editors can still complete and explain. `$id` goes: it names another.
pub fn patch_schema(schema: &Json) -> Json {
    let Some(root) = schema.as_object() else {
        return schema.clone();
    };
    let definitions = root
        .get("$defs")
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default();
    let patch = Patch {
        definitions: &definitions,
    };
    let mut result = match patch.of(schema) {
        Json::Object(result) => result,
        other => return other,
    };
    result.remove("$id");
    if let Some(kind) = root.get("type") {
        // A file is a mapping; `null` for all of it would remove the fleet.
        result.insert("type".into(), kind.clone());
    }
    let mut all = Map::new();
    for (name, definition) in &definitions {
        all.insert(name.clone(), patch.of(definition));
        all.insert(format!("{name}{WHOLE}"), whole(definition));
    }
    keep_referenced(&mut result, all);
    Json::Object(result)
}

struct Patch<'s> {
    definitions: &'s Map<String, Json>,
}

impl Patch<'_> {
    fn of(&self, schema: &Json) -> Json {
        let Some(schema) = schema.as_object() else {
            return schema.clone();
        };
        if let Some(merged) = self.merge_branches(schema) {
            return merged;
        }
        let mut result = Map::new();
        for (keyword, value) in schema {
            self.put(&mut result, keyword, value);
        }
        Json::Object(result)
    }

    fn put(&self, result: &mut Map<String, Json>, keyword: &str, value: &Json) {
        match (keyword, value) {
            ("$defs", _) => {}
            ("type", Json::String(_) | Json::Array(_)) => {
                result.insert("type".into(), with_null(value, &json!("null")));
            }
            ("const", _) => {
                result.insert("enum".into(), json!([value, null]));
            }
            ("enum", _) => {
                result.insert("enum".into(), with_null(value, &Json::Null));
            }
            ("oneOf" | "anyOf", Json::Array(branches)) => {
                // Two branches may both fit a part, as they both fit `null`.
                result.insert(
                    "anyOf".into(),
                    branches.iter().map(|branch| self.of(branch)).collect(),
                );
            }
            ("allOf", Json::Array(branches)) => {
                result.insert(
                    "allOf".into(),
                    branches.iter().map(|branch| self.of(branch)).collect(),
                );
            }
            ("additionalProperties" | "unevaluatedProperties", _) => {
                result.insert(keyword.into(), self.of(value));
            }
            ("items" | "prefixItems" | "contains" | "propertyNames", _) => {
                result.insert(keyword.into(), whole(value));
            }
            ("properties", Json::Object(members)) => {
                let members = members
                    .iter()
                    .map(|(name, schema)| (name.clone(), self.of(schema)));
                result.insert(keyword.into(), Json::Object(members.collect()));
            }
            _ if RULES_OF_THE_WHOLE.contains(&keyword) => {}
            _ => {
                result.insert(keyword.into(), value.clone());
            }
        }
    }

    /// A tagged alternative as one mapping that may hold any property of any
    /// branch: a layer may change one without repeating the tag. `None` where
    /// the branches are not all mappings.
    fn merge_branches(&self, schema: &Map<String, Json>) -> Option<Json> {
        let branches = schema.get("oneOf")?.as_array()?;
        let mut properties: Map<String, Json> = Map::new();
        let mut closed = true;
        for branch in branches {
            let mut own = Map::new();
            closed &= self.gather_properties(branch, &mut own, 0)?;
            for (name, property) in own {
                let merged = match properties.remove(&name) {
                    Some(before) => either(before, property),
                    None => property,
                };
                properties.insert(name, merged);
            }
        }
        let mut result: Map<String, Json> = schema
            .iter()
            .filter(|(keyword, _)| {
                matches!(
                    keyword.as_str(),
                    "$schema" | "title" | "description" | "default"
                )
            })
            .map(|(keyword, value)| (keyword.clone(), value.clone()))
            .collect();
        let properties = properties
            .into_iter()
            .map(|(name, property)| (name, self.of(&property)));
        result.insert("type".into(), json!(["object", "null"]));
        result.insert("properties".into(), Json::Object(properties.collect()));
        if closed {
            result.insert("additionalProperties".into(), json!(false));
        }
        Some(Json::Object(result))
    }

    /// The properties of a branch and of what it refers to; whether it forbids
    /// others. `None` if it is no mapping.
    fn gather_properties(
        &self,
        branch: &Json,
        found: &mut Map<String, Json>,
        depth: usize,
    ) -> Option<bool> {
        let is_closed = |keyword: &str| branch.get(keyword) == Some(&Json::Bool(false));
        let mut closed = is_closed("additionalProperties") || is_closed("unevaluatedProperties");
        let own = branch.get("properties").and_then(Json::as_object);
        if let Some(own) = own {
            found.extend(own.clone());
        }
        let target = branch
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|name| name.strip_prefix("#/$defs/"));
        if let Some(target) = target.and_then(|name| self.definitions.get(name))
            && depth < 8
        {
            closed |= self.gather_properties(target, found, depth + 1)?;
        } else if own.is_none() && branch.get("type") != Some(&json!("object")) {
            return None;
        }
        Some(closed)
    }
}

/// One of two schemas; constants become one list of what is allowed.
fn either(before: Json, after: Json) -> Json {
    if before == after {
        return before;
    }
    let values = |schema: &Json| match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Json::Array(values))) => Some(values.clone()),
        _ => None,
    };
    if let (Some(mut all), Some(more)) = (values(&before), values(&after)) {
        all.extend(
            more.into_iter()
                .filter(|value| !all.contains(value))
                .collect::<Vec<_>>(),
        );
        return json!({ "enum": all });
    }
    match before {
        Json::Object(mut members) if members.len() == 1 && members.contains_key("anyOf") => {
            if let Some(Json::Array(branches)) = members.get_mut("anyOf") {
                branches.push(after);
            }
            Json::Object(members)
        }
        before => json!({ "anyOf": [before, after] }),
    }
}

/// The type, or the list of types or values, with null among them.
fn with_null(value: &Json, nothing: &Json) -> Json {
    match value {
        Json::Array(values) if values.contains(nothing) => value.clone(),
        Json::Array(values) => values.iter().chain([nothing]).cloned().collect(),
        one if one == nothing => value.clone(),
        one => json!([one, nothing]),
    }
}

/// The schema as it is, referring to whole definitions.
fn whole(schema: &Json) -> Json {
    match schema {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .map(|(keyword, value)| match (keyword.as_str(), value) {
                    ("$ref", Json::String(target)) => {
                        (keyword.clone(), json!(format!("{target}{WHOLE}")))
                    }
                    _ => (keyword.clone(), whole(value)),
                })
                .collect(),
        ),
        Json::Array(items) => items.iter().map(whole).collect(),
        other => other.clone(),
    }
}

/// Adds the definitions that are referred to, directly or by one another.
fn keep_referenced(result: &mut Map<String, Json>, all: Map<String, Json>) {
    let mut kept: Map<String, Json> = Map::new();
    let mut open = Vec::new();
    gather_references(&Json::Object(result.clone()), &mut open);
    while let Some(name) = open.pop() {
        if let Some(definition) = all.get(&name)
            && !kept.contains_key(&name)
        {
            gather_references(definition, &mut open);
            kept.insert(name, definition.clone());
        }
    }
    let ordered: Map<String, Json> = all
        .into_iter()
        .filter(|(name, _)| kept.contains_key(name))
        .collect();
    if !ordered.is_empty() {
        result.insert("$defs".into(), Json::Object(ordered));
    }
}

fn gather_references(schema: &Json, found: &mut Vec<String>) {
    match schema {
        Json::Object(members) => {
            if let Some(name) = members
                .get("$ref")
                .and_then(Json::as_str)
                .and_then(|r| r.strip_prefix("#/$defs/"))
            {
                found.push(name.to_owned());
            }
            members
                .values()
                .for_each(|value| gather_references(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| gather_references(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(schema: &Json, value: &Json) -> bool {
        jsonschema::validator_for(schema)
            .expect("a schema")
            .is_valid(value)
    }

    #[test]
    fn a_property_named_like_a_keyword_stays() {
        let schema = json!({"type": "object", "properties": {"required": {"type": "string"}, "type": {"type": "integer"}}, "required": ["type"], "additionalProperties": false});
        let patch = patch_schema(&schema);
        assert!(accepts(&patch, &json!({"required": "x"})));
        assert!(accepts(&patch, &json!({"required": null, "type": null})));
        assert!(!accepts(&patch, &json!({"type": "x"})));
        assert!(!accepts(&patch, &json!(null)));
    }

    #[test]
    fn what_stands_in_a_list_is_checked_as_a_whole() {
        let schema = json!({
            "type": "object",
            "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/Item"}}, "one": {"$ref": "#/$defs/Item"}},
            "$defs": {
                "Item": {"type": "object", "properties": {"a": {"$ref": "#/$defs/Name"}}, "required": ["a"]},
                "Name": {"type": "string"},
                "Unused": {"type": "string"},
            },
        });
        let patch = patch_schema(&schema);
        assert!(accepts(&patch, &json!({"one": {"a": null}})));
        assert!(accepts(&patch, &json!({"one": {}, "items": [{"a": "x"}]})));
        assert!(!accepts(&patch, &json!({"items": [{}]})));
        assert!(!accepts(&patch, &json!({"items": [{"a": null}]})));
        let names: Vec<&String> = patch["$defs"]
            .as_object()
            .expect("definitions")
            .keys()
            .collect();
        assert_eq!(names, ["Item", "Item.whole", "Name", "Name.whole"]);
    }

    #[test]
    fn keeps_descriptions_and_allows_null_for_constants() {
        let schema = json!({"properties": {"a": {"description": "An a.", "const": "x"}, "b": {"enum": ["y", "z"]}}});
        let patch = patch_schema(&schema);
        assert_eq!(
            patch["properties"]["a"],
            json!({"description": "An a.", "enum": ["x", null]})
        );
        assert_eq!(patch["properties"]["b"], json!({"enum": ["y", "z", null]}));
    }
}
