//! `docs/settings.md`: every setting, from the types and the built-in defaults.

use std::env;
use std::fmt::Write as _;
use std::fs;

use logfleet_generator::layers::input_schema::{InputKind, input_schema};
use logfleet_generator::load::source_file::{FileId, SourceFile};
use logfleet_generator::load::yaml;
use logfleet_generator::settings::DEFAULTS;
use serde_json::Value;

use super::repository;

const INTRODUCTION: &str = "\
# Settings

<!-- Generated from the types in generator/src/settings and from its defaults.yaml.
     Don't edit; `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes it anew. -->

Every setting of `clusters/fleet.yaml`, `clusters/environments/<environment>.yaml` and
`clusters/<cluster>/cluster.yaml`. `name` and `environment` can only be set in the last one; every
other setting can be set in any of them. A higher layer overrides a lower one; maps are merged, everything
else is replaced, and `null` removes ([RFC 7396](https://www.rfc-editor.org/rfc/rfc7396)).

`<…>` is a name of your choice. *required*: there is no default, so one of the layers must set it;
*optional*: it can be left out. `gen explain <cluster> <setting>` shows which layer set a value.
";

/// Parts that stand in several places and are described once: the type, and where.
const DESCRIBED_ELSEWHERE: [(&str, &str); 3] = [
    ("FluentdSettings", "[fluentd](#fluentd)"),
    ("Records", "[records](#sourceskubernetessourcerecords)"),
    ("Stream", "[stream_defaults](#stream_defaults)"),
];

/// The sources that have `records`.
const SOURCES: [&str; 3] = ["applications", "nodes", "control_plane"];

#[test]
fn the_reference_of_settings_is_up_to_date() {
    let path = repository().join("docs/settings.md");
    let text = Reference::new().text();
    if env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/settings.md is out of date; LOGFLEET_WRITE_DOCS=1 cargo test --test docs writes it anew"
    );
}

struct Reference {
    schema: Value,
    defaults: Value,
    out: String,
}

impl Reference {
    fn new() -> Self {
        let source = SourceFile::new("defaults.yaml", DEFAULTS);
        let defaults = yaml::parse(FileId(0), &source).unwrap().to_json();
        Self {
            schema: input_schema(InputKind::Settings),
            defaults,
            out: INTRODUCTION.to_owned(),
        }
    }

    fn text(mut self) -> String {
        let root = self.schema.clone();
        let properties = root["properties"].as_object().unwrap();
        self.section("The cluster", "");
        for (name, schema) in properties {
            if !self.is_structure(schema) {
                self.setting(std::slice::from_ref(name), schema, true);
            }
        }
        for (name, schema) in properties {
            if self.is_structure(schema) {
                self.section(name, schema["description"].as_str().unwrap_or_default());
                let path = [name.clone()];
                if name == "stream_defaults" || name == "fluentd" {
                    let resolved = self.resolve(schema).clone();
                    self.object(&path, &resolved);
                } else {
                    self.descend(&path, schema);
                }
                if name == "sources" {
                    self.records();
                }
            }
        }
        self.out
    }

    fn records(&mut self) {
        self.section(
            "sources.kubernetes.`<source>`.records",
            "The same for each of the sources `applications`, `nodes` and `control_plane`.",
        );
        let records = self.schema["$defs"]["Records"].clone();
        let path = ["sources", "kubernetes", "<source>", "records"].map(str::to_owned);
        self.object(&path, &records);
    }

    fn section(&mut self, title: &str, about: &str) {
        write!(self.out, "\n## {title}\n").unwrap();
        if !about.is_empty() {
            write!(self.out, "\n{}\n", one_line(about)).unwrap();
        }
        self.out
            .push_str("\n| Setting | Meaning | Values | Default |\n|---|---|---|---|\n");
    }

    /// The schema that a reference stands for.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let schema = match schema["anyOf"].as_array() {
            Some(choices) => choices
                .iter()
                .find(|choice| choice["type"] != "null")
                .unwrap(),
            None => schema,
        };
        match definition_name(schema) {
            Some(name) => &self.schema["$defs"][name],
            None => schema,
        }
    }

    /// Whether a setting holds others.
    fn is_structure(&self, schema: &Value) -> bool {
        let resolved = self.resolve(schema);
        resolved["properties"].is_object()
            || variants(resolved).is_some()
            || map_values(resolved).is_some_and(|values| self.is_structure(values))
    }

    /// Writes the rows of a setting: its own, or those of what it holds.
    fn descend(&mut self, path: &[String], schema: &Value) {
        let name = definition_name(schema);
        if let Some((_, place)) = DESCRIBED_ELSEWHERE
            .iter()
            .find(|(part, _)| Some(*part) == name)
        {
            let about = one_line(schema["description"].as_str().unwrap_or_default());
            let row = format!("| `{}` | {about} | see {place} | |\n", path.join("."));
            self.out.push_str(&row);
            return;
        }
        let resolved = self.resolve(schema).clone();
        if let Some(variants) = variants(&resolved) {
            for variant in variants {
                self.variant(path, variant);
            }
        } else if resolved["properties"].is_object() {
            self.object(path, &resolved);
        } else if let Some(values) = map_values(&resolved) {
            let key = format!("<{}>", singular(path.last().unwrap()));
            self.descend(&[path, &[key]].concat(), values);
        }
    }

    fn object(&mut self, path: &[String], schema: &Value) {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, property) in schema["properties"].as_object().unwrap() {
            let path = [path, std::slice::from_ref(name)].concat();
            if self.is_structure(property) {
                self.descend(&path, property);
            } else {
                self.setting(&path, property, required.contains(&name.as_str()));
            }
        }
    }

    /// One form of a setting that has several, told apart by a word in it.
    fn variant(&mut self, path: &[String], schema: &Value) {
        let properties = schema["properties"].as_object().unwrap();
        let (tag, word) = properties
            .iter()
            .find_map(|(key, value)| Some((key, value["const"].as_str()?)))
            .unwrap();
        let default = match self.default_at(&[path, std::slice::from_ref(tag)].concat()) {
            Some(value) if value == word => "the default",
            _ => "",
        };
        let about = one_line(schema["description"].as_str().unwrap_or_default());
        let at = path.join(".");
        writeln!(self.out, "| `{at}.{tag}: {word}` | {about} | | {default} |").unwrap();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, property) in properties.iter().filter(|(name, _)| *name != tag) {
            self.setting(
                &[path, std::slice::from_ref(name)].concat(),
                property,
                required.contains(&name.as_str()),
            );
        }
    }

    fn setting(&mut self, path: &[String], schema: &Value, required: bool) {
        let about = one_line(schema["description"].as_str().unwrap_or_default());
        let values = self.values(schema);
        let default = self.default(path, schema, required);
        let at = path.join(".");
        writeln!(self.out, "| `{at}` | {about} | {values} | {default} |").unwrap();
    }

    fn default(&self, path: &[String], schema: &Value, required: bool) -> String {
        if let Some(value) = self
            .default_at(path)
            .or_else(|| schema.get("default").cloned())
        {
            return format!("`{}`", spaced(&value));
        }
        if let Some(position) = path.iter().position(|part| part == "<source>") {
            let by_source = SOURCES.iter().filter_map(|source| {
                let mut path = path.to_vec();
                (*source).clone_into(&mut path[position]);
                Some(format!("{source}: `{}`", spaced(&self.default_at(&path)?)))
            });
            let by_source: Vec<String> = by_source.collect();
            if !by_source.is_empty() {
                return by_source.join(", ");
            }
        }
        if required { "*required*" } else { "*optional*" }.to_owned()
    }

    /// The built-in default, if it is the same for all that the path stands for.
    fn default_at(&self, path: &[String]) -> Option<Value> {
        let mut values = vec![&self.defaults];
        for part in path {
            values = if part == "<source>" {
                SOURCES
                    .iter()
                    .map(|source| values[0].get(source))
                    .collect::<Option<_>>()?
            } else {
                values
                    .iter()
                    .map(|value| value.get(part))
                    .collect::<Option<_>>()?
            };
        }
        let first = values.first()?;
        values
            .iter()
            .all(|value| value == first)
            .then(|| (*first).clone())
    }

    /// Which values a setting may have.
    fn values(&self, schema: &Value) -> String {
        let resolved = self.resolve(schema);
        if let Some(meaning) = resolved["x-pattern-meaning"].as_str() {
            return one_line(meaning);
        }
        if let Some(word) = resolved["const"].as_str() {
            return format!("`{word}`");
        }
        if let Some(forms) = resolved["anyOf"].as_array() {
            let forms: Vec<String> = forms.iter().map(|form| self.values(form)).collect();
            return forms.join("<br>");
        }
        if let Some(choices) = resolved["oneOf"].as_array() {
            let choice = |choice: &Value| {
                let word = choice["const"].as_str().unwrap_or_default();
                format!(
                    "`{word}`: {}",
                    one_line(choice["description"].as_str().unwrap_or_default())
                )
            };
            return choices.iter().map(choice).collect::<Vec<_>>().join("<br>");
        }
        if let Some(values) = map_values(resolved) {
            return format!("a map to {}", self.values(values));
        }
        if resolved["items"].is_object() {
            return format!("a list of: {}", self.values(&resolved["items"]));
        }
        let kinds = match &resolved["type"] {
            Value::Array(kinds) => kinds.clone(),
            kind => vec![kind.clone()],
        };
        match kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
        {
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("object") => "a map".to_owned(),
            Some("integer") => format!("a whole number{}", range(schema, resolved)),
            _ => match resolved["maxLength"].as_u64() {
                Some(most) => format!("text of at most {most} characters"),
                None => "text".to_owned(),
            },
        }
    }
}

fn range(schema: &Value, resolved: &Value) -> String {
    let bound = |key: &str| schema[key].as_u64().or_else(|| resolved[key].as_u64());
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

fn definition_name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// The forms of a setting that has several; a choice of words is none.
fn variants(schema: &Value) -> Option<&Vec<Value>> {
    schema["oneOf"].as_array().filter(|choices| {
        choices
            .iter()
            .all(|choice| choice["properties"].is_object())
    })
}

/// What the keys of a map lead to.
fn map_values(schema: &Value) -> Option<&Value> {
    schema
        .get("additionalProperties")
        .filter(|values| values.is_object())
}

/// What one entry of a map is called.
fn singular(name: &str) -> String {
    match name {
        "drop" | "exclude" | "multiline" => "rule".to_owned(),
        "enrich" => "field".to_owned(),
        "patches" => "patch".to_owned(),
        name => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
        .replace(" <", " \\<")
}

/// A value as JSON with blanks, so that a narrow column can break it.
fn spaced(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value
            .to_string()
            .replace(",\"", ", \"")
            .replace("\":", "\": ")
            .replace('|', "\\|"),
    }
}
