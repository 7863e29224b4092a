//! What an index template is with its component templates. Pure.

use serde_json::{Map, Value as Json};

use crate::diff::risk::values::text;

/// One template of several, of which a later one overrides those before it
/// (<https://www.elastic.co/docs/manage-data/data-store/templates#component-templates>).
/// Settings have their full names as keys, however they were nested.
pub(super) fn compose<'t>(parts: impl IntoIterator<Item = &'t Json>) -> Json {
    let (mut settings, mut mappings) = (Map::new(), Map::new());
    let mut template = Map::new();
    for part in parts.into_iter().filter_map(|part| part.get("template")) {
        if let Some(own) = part.get("settings") {
            flatten("", own, &mut settings);
        }
        if let Some(own) = part.get("mappings").and_then(Json::as_object) {
            merge_mapping(&mut mappings, own);
        }
        if let Some(own) = part.get("lifecycle") {
            template.insert("lifecycle".to_owned(), own.clone());
        }
    }
    template.insert("settings".to_owned(), settings.into());
    template.insert("mappings".to_owned(), mappings.into());
    Json::Object(Map::from_iter([("template".to_owned(), template.into())]))
}

fn flatten(name: &str, value: &Json, settings: &mut Map<String, Json>) {
    if let Json::Object(all) = value {
        for (key, value) in all {
            let name = match name {
                "" => key.clone(),
                above => format!("{above}.{key}"),
            };
            flatten(&name, value, settings);
        }
        return;
    }
    let name = match name.strip_prefix("index.") {
        Some(_) => name.to_owned(),
        None => format!("index.{name}"),
    };
    settings.insert(name, value.clone());
}

fn merge_mapping(mapping: &mut Map<String, Json>, own: &Map<String, Json>) {
    for (key, value) in own {
        match (mapping.get_mut(key), value) {
            (Some(Json::Object(fields)), Json::Object(own)) if key == "properties" => {
                merge_fields(fields, own);
            }
            _ => {
                mapping.insert(key.clone(), value.clone());
            }
        }
    }
}

fn merge_fields(fields: &mut Map<String, Json>, own: &Map<String, Json>) {
    for (name, field) in own {
        match (fields.get_mut(name), field) {
            (Some(before), Json::Object(own)) if has_fields(before) && has_fields(field) => {
                if let Json::Object(before) = before {
                    merge_mapping(before, own);
                }
            }
            _ => {
                fields.insert(name.clone(), field.clone());
            }
        }
    }
}

/// Whether a field is an object, whose fields are merged; another one is replaced.
fn has_fields(field: &Json) -> bool {
    matches!(text(field, "/type"), "" | "object" | "nested")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_later_template_overrides_what_it_names() {
        let first = json!({"template": {
            "settings": {"index": {"codec": "best", "lifecycle": {"name": "a"}}},
            "mappings": {"dynamic": false, "properties": {
                "a": {"properties": {"b": {"type": "long"}, "c": {"type": "long"}}},
                "d": {"type": "keyword", "ignore_above": 1},
            }},
            "lifecycle": {"data_retention": "1d"},
        }});
        let second = json!({"template": {
            "settings": {"lifecycle.name": "b"},
            "mappings": {"properties": {
                "a": {"properties": {"b": {"type": "ip"}}}, "d": {"type": "keyword"},
            }},
        }});
        let none = json!({"version": 1});
        assert_eq!(
            compose([&first, &none, &second]),
            json!({"template": {
                "settings": {"index.codec": "best", "index.lifecycle.name": "b"},
                "mappings": {"dynamic": false, "properties": {
                    "a": {"properties": {"b": {"type": "ip"}, "c": {"type": "long"}}},
                    "d": {"type": "keyword"},
                }},
                "lifecycle": {"data_retention": "1d"},
            }})
        );
    }
}
