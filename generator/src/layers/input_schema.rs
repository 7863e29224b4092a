//! The JSON Schemas of the inputs, generated from the types in
//! [`crate::settings`]. Pure.

use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

use super::patch_schema::patch_schema;
use super::schema::PATTERN_MEANING;
use crate::settings::{FORMS_OF_KEYS, Flag, Settings};

/// A kind of input file, or what they merge to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputKind {
    /// `clusters/<cluster>/cluster.yaml`.
    Cluster,
    /// `clusters/environments/<environment>.yaml`.
    Environment,
    /// `clusters/fleet.yaml`.
    Fleet,
    /// All layers of a cluster, merged.
    Settings,
    /// `clusters/<cluster>/acknowledge.yaml`.
    Acknowledge,
}

impl InputKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Cluster,
        Self::Environment,
        Self::Fleet,
        Self::Settings,
        Self::Acknowledge,
    ];

    /// Its word on the command line and in file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Environment => "environment",
            Self::Fleet => "fleet",
            Self::Settings => "settings",
            Self::Acknowledge => "acknowledge",
        }
    }

    /// The name of its schema's file.
    pub fn file_name(self) -> String {
        format!("{}.schema.json", self.word())
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cluster => "Settings of one cluster: clusters/<cluster>/cluster.yaml",
            Self::Environment => {
                "Settings of an environment: clusters/environments/<environment>.yaml"
            }
            Self::Fleet => "Settings of the whole fleet: clusters/fleet.yaml",
            Self::Settings => "Settings of a cluster after its layers are merged",
            Self::Acknowledge => {
                "Dangers of a change that are meant: clusters/<cluster>/acknowledge.yaml"
            }
        }
    }
}

/// What only the whole fleet can say: clusters of one account can't disagree on
/// what it has once, nor clusters of a fleet on its reconciler.
pub const OF_FLEET: [&str; 3] = ["account_defaults", "accounts", "reconciler"];

/// The schema of a kind of input.
pub fn input_schema(kind: InputKind) -> Json {
    let mut schema = match kind {
        InputKind::Acknowledge => acknowledge_schema(),
        _ => settings_schema(kind),
    };
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!(kind.title()));
        root.shift_insert(
            1.min(root.len()),
            "$id".into(),
            json!(format!("https://logfleet.dev/schemas/{}", kind.file_name())),
        );
    }
    schema
}

fn settings_schema(kind: InputKind) -> Json {
    let settings = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Settings>();
    let mut settings = settings.to_value();
    say_keys(&mut settings);
    if kind == InputKind::Settings {
        return settings;
    }
    let mut schema = patch_schema(&settings);
    // What a cluster alone can say: a shared layer would say it of all.
    if matches!(kind, InputKind::Environment | InputKind::Fleet)
        && let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut)
    {
        properties.shift_remove("name");
        properties.shift_remove("environment");
    }
    if kind != InputKind::Fleet
        && let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut)
    {
        for key in OF_FLEET {
            properties.shift_remove(key);
        }
    }
    schema
}

/// Says in words what keys of mappings must be, and how long they may be.
fn say_keys(schema: &mut Json) {
    match schema {
        Json::Object(keywords) => {
            if let Some(Json::Object(values)) = keywords.get("patternProperties")
                && let Some((pattern, values)) = values.iter().next()
                && let Some(form) = FORMS_OF_KEYS.iter().find(|form| form.pattern == pattern)
            {
                let values = values.clone();
                keywords.shift_remove("patternProperties");
                keywords.insert(
                    "propertyNames".into(),
                    json!({ "pattern": form.pattern, "maxLength": form.longest, PATTERN_MEANING: form.meaning }),
                );
                keywords.insert("additionalProperties".into(), values);
            }
            keywords.values_mut().for_each(say_keys);
        }
        Json::Array(items) => items.iter_mut().for_each(say_keys),
        _ => {}
    }
}

/// Every flag there is, each with a reason.
fn acknowledge_schema() -> Json {
    let reason = |flag: Flag| {
        json!({
            "description": format!("Why it is meant that {}. It counts for the change that writes or changes it.", flag.title()),
            "type": "string",
            "pattern": r"\S",
            PATTERN_MEANING: "a reason, such as `agreed with the auditors, OPS-17`",
        })
    };
    let flags = Flag::ALL.into_iter();
    let flags: serde_json::Map<String, Json> = flags
        .map(|flag| (flag.id().to_owned(), reason(flag)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": flags,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn find_patterns(schema: &Json, found: &mut Vec<String>) {
        match schema {
            Json::Object(keywords) => {
                if let Some(Json::Object(patterns)) = keywords.get("patternProperties") {
                    found.extend(patterns.keys().cloned());
                }
                keywords
                    .values()
                    .for_each(|inner| find_patterns(inner, found));
            }
            Json::Array(items) => items.iter().for_each(|item| find_patterns(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_key_has_a_form_in_words() {
        let mut found = Vec::new();
        find_patterns(&input_schema(InputKind::Settings), &mut found);
        assert_eq!(
            found, [""; 0],
            "these types of keys are missing in FORMS_OF_KEYS"
        );
        let patterns: BTreeSet<&str> = FORMS_OF_KEYS.iter().map(|form| form.pattern).collect();
        assert_eq!(patterns.len(), FORMS_OF_KEYS.len(), "two have one pattern");
    }
}
