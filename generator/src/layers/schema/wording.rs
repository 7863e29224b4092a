//! How what a schema wants, and what was found instead, are said. Pure.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value as Json;

use super::super::merge::ValuePath;
use super::PATTERN_MEANING;
use crate::load::node::{Node, Value};
use crate::load::syntax;
use crate::nearest::did_you_mean;
use crate::secrets;

/// Up to this many keys or values, all that are allowed are listed.
const MAX_LISTED: usize = 22;
/// The most characters of a text that are shown in a message.
const MAX_SHOWN: usize = 60;

pub(super) fn pointer(path: &ValuePath) -> String {
    path.parts()
        .iter()
        .flat_map(|part| ["/".to_owned(), part.replace('~', "~0").replace('/', "~1")])
        .collect()
}

/// Whether a branch is only the `null` of an `Option`.
pub(super) fn is_null_type(error: &ValidationError<'_>, path: &ValuePath) -> bool {
    matches!(
        error.kind(),
        Kind::Type {
            kind: TypeKind::Single(JsonType::Null)
        }
    ) && error.instance_path().as_str() == pointer(path)
}

/// Whether an error says that the value as a whole is something else.
pub(super) fn is_other_kind(error: &ValidationError<'_>, path: &ValuePath) -> bool {
    matches!(
        error.kind(),
        Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. }
    ) && error.instance_path().as_str() == pointer(path)
}

pub(super) fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn types_of(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(many) => many.iter().collect(),
    }
}

pub(super) fn name_types(types: &[JsonType]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for kind in types {
        let name = match kind {
            JsonType::Array => "a list",
            JsonType::Boolean => "true or false",
            JsonType::Integer => "a whole number",
            JsonType::Number => "a number",
            JsonType::Object => "a mapping",
            JsonType::String => "a text",
            JsonType::Null => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        "null".into()
    } else {
        names.join(" or ")
    }
}

/// Whether a node is a text that refers to a secret kept elsewhere.
pub(super) fn is_reference(node: &Node) -> bool {
    node.as_str().is_some_and(secrets::is_reference)
}

/// What stands there, with secrets masked.
pub(super) fn describe(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".into(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Integer(number) => format!("the number {number}"),
        Value::Float(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {:?}", shown_text(text)),
        Value::Sequence(_) => "a list".into(),
        Value::Mapping(_) => "a mapping".into(),
    }
}

fn shown_text(text: &str) -> String {
    let masked = secrets::mask(text);
    match masked.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

pub(super) fn subject(path: &ValuePath) -> String {
    if path.parts().is_empty() {
        "the file".into()
    } else {
        format!("`{}`", shown_path(path))
    }
}

pub(super) fn shown_path(path: &ValuePath) -> String {
    secrets::mask(&path.to_string())
}

pub(super) fn shown_json(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Whether a mapping has names of the user's as keys, each `true` or `false`.
pub(super) fn is_map_of_flags(root: &Json, schema: &Json) -> bool {
    let values = schema.get("additionalProperties");
    values.is_some_and(|values| takes_flag(resolve(root, values).unwrap_or(values)))
}

/// Whether a schema takes `true` and `false`; a layer's takes `null`, too.
fn takes_flag(schema: &Json) -> bool {
    match (schema.get("type"), schema.get("anyOf")) {
        (Some(Json::Array(kinds)), _) => kinds.iter().any(|kind| kind == "boolean"),
        (Some(kind), _) => kind == "boolean",
        (None, Some(Json::Array(branches))) => branches.iter().any(takes_flag),
        (None, _) => false,
    }
}

/// What to do where a value of the wrong type is a usual slip. `of_flags`: a
/// mapping is wanted of names that are `true`.
pub(super) fn type_hint(
    types: &[JsonType],
    key: &str,
    of_flags: bool,
    found: &Node,
) -> Option<String> {
    let wants = |kind: JsonType| types.contains(&kind);
    let number = wants(JsonType::Integer) || wants(JsonType::Number);
    match &found.value {
        Value::String(text) if wants(JsonType::Boolean) => boolean_hint(text),
        Value::String(text) if number => number_hint(text, key),
        Value::String(text) if wants(JsonType::Object) => mapping_hint(text, of_flags),
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) if wants(JsonType::String) => {
            Some("put it in quotes".into())
        }
        Value::Float(_) if wants(JsonType::Integer) => Some("write it without a fraction".into()),
        Value::String(_) | Value::Integer(_) | Value::Bool(_) if wants(JsonType::Array) => {
            Some("write a list, also of one: `[…]`, or a line with `- ` for each item".into())
        }
        Value::Sequence(items) if wants(JsonType::Object) => {
            Some(no_list_hint(items.first(), of_flags))
        }
        _ => None,
    }
}

/// What to write in place of a text where a mapping is wanted.
fn mapping_hint(text: &str, of_flags: bool) -> Option<String> {
    let first = text.split_whitespace().next()?;
    if let Some((key, value)) = syntax::glued_pair(first) {
        return Some(format!(
            "write `{key}: {}`, with a space after the `:`",
            shown_text(value)
        ));
    }
    of_flags.then(|| format!("write `{}: true`", shown_text(text)))
}

/// What to write in place of a list where a mapping is wanted.
fn no_list_hint(first: Option<&Node>, of_flags: bool) -> String {
    let name = first.and_then(|item| match &item.value {
        Value::String(name) => Some(name.as_str()),
        _ => item.get("name").and_then(Node::as_str),
    });
    match name.map(shown_text) {
        Some(name) if of_flags => format!("write `{name}: true` in place of each list item"),
        Some(name) => {
            format!("write `{name}:` with its settings indented below in place of each list item")
        }
        None => "write `name: …` in place of each list item".to_owned(),
    }
}

fn boolean_hint(text: &str) -> Option<String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" => Some(format!("YAML 1.2 reads `{text}` as text; write true")),
        "no" | "n" | "off" => Some(format!("YAML 1.2 reads `{text}` as text; write false")),
        "true" | "false" => Some("remove the quotes".into()),
        _ => None,
    }
}

/// Units that a setting's name ends with.
const UNITS: [&str; 7] = [
    "days",
    "hours",
    "minutes",
    "seconds",
    "bytes",
    "mebibytes",
    "gibibytes",
];

fn number_hint(text: &str, key: &str) -> Option<String> {
    let of = text
        .find(|c: char| !c.is_ascii_digit())
        .filter(|at| *at > 0);
    if let Some((digits, unit)) = of.map(|at| text.split_at(at))
        && unit.trim().chars().all(char::is_alphabetic)
    {
        let of_key = UNITS
            .iter()
            .find(|known| key.rsplit('_').next() == Some(known));
        return Some(match of_key {
            // `30d` of days, not `12h`.
            Some(known) if known.starts_with(&unit.trim().to_lowercase()[..1]) => {
                format!("write `{digits}`: the unit is {known}")
            }
            Some(known) => format!("write a whole number of {known}, without a unit"),
            None => "write it without a unit".to_owned(),
        });
    }
    let digits = text.trim_start_matches(['-', '+']);
    if digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some("write it without the leading zero".into());
    }
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    is_number.then(|| "remove the quotes".into())
}

/// What a value must be, as the end of a sentence; `{found}` stands for it.
pub(super) fn rule(kind: &Kind, parent: &Json) -> String {
    match kind {
        Kind::Minimum { limit } => format!("must be at least {limit}, found {{found}}"),
        Kind::Maximum { limit } => format!("must be at most {limit}, found {{found}}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, found {{found}}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, found {{found}}"),
        Kind::MultipleOf { multiple_of } => {
            format!("must be a multiple of {multiple_of}, found {{found}}")
        }
        Kind::MinLength { limit: 1 }
        | Kind::MinItems { limit: 1 }
        | Kind::MinProperties { limit: 1 } => "must not be empty".into(),
        Kind::MinLength { limit } => {
            format!("must have at least {limit} characters, found {{found}}")
        }
        Kind::MaxLength { limit } => {
            format!("must have at most {limit} characters, found {{found}}")
        }
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("must have at least {limit} keys"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} keys"),
        Kind::UniqueItems => "lists an item twice".into(),
        Kind::Format { format } => format!("must be a valid {format}, found {{found}}"),
        Kind::Pattern { pattern } => match parent.get(PATTERN_MEANING).and_then(Json::as_str) {
            Some(meaning) => format!("must be {meaning}, found {{found}}"),
            None => format!("must match the pattern `{pattern}`, found {{found}}"),
        },
        Kind::OneOfMultipleValid { .. } => "fits more than one of its alternatives".into(),
        Kind::Not { .. } | Kind::FalseSchema => "is not allowed here".into(),
        other => format!("breaks the rule `{}`", other.keyword()),
    }
}

/// The description of a schema, through its `$ref` if it has none itself.
pub(super) fn description(root: &Json, schema: &Json) -> Option<String> {
    let own = schema.get("description").and_then(Json::as_str);
    let text = own.or_else(|| resolve(root, schema)?.get("description")?.as_str())?;
    let first = text.split("\n\n").next().unwrap_or_default();
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then(|| line.trim_end_matches('.').to_owned())
}

fn resolve<'s>(root: &'s Json, schema: &Json) -> Option<&'s Json> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// Every property that a schema names, also by reference and alternative.
pub(super) fn known_keys(root: &Json, schema: &Json, depth: usize) -> Vec<String> {
    // References can go in circles.
    if depth > 8 {
        return Vec::new();
    }
    let own = schema.get("properties").and_then(Json::as_object);
    let mut keys: Vec<String> = own
        .into_iter()
        .flat_map(|properties| properties.keys().cloned())
        .collect();
    if let Some(target) = resolve(root, schema) {
        keys.extend(known_keys(root, target, depth + 1));
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for branch in schema
            .get(keyword)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            keys.extend(known_keys(root, branch, depth + 1));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

/// "did you mean …?", or the valid ones if they are few.
pub(super) fn suggest(written: &str, known: &[String], intro: &str) -> Option<String> {
    did_you_mean(written, known.iter().map(String::as_str)).or_else(|| {
        (!known.is_empty() && known.len() <= MAX_LISTED).then(|| format!("{intro} {}", list(known)))
    })
}

/// The allowed numbers on both sides of the one that was written: digits that
/// look alike say nothing of a number.
pub(super) fn suggest_number(written: f64, options: &[Json]) -> Option<String> {
    let numbers = options
        .iter()
        .filter_map(|option| Some((option.as_f64()?, option)));
    let below = numbers
        .clone()
        .filter(|(number, _)| *number < written)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let above = numbers
        .filter(|(number, _)| *number > written)
        .min_by(|one, other| one.0.total_cmp(&other.0));
    Some(match (below, above) {
        (Some((_, below)), Some((_, above))) => {
            format!("the nearest that are allowed are `{below}` and `{above}`")
        }
        (Some((_, only)), None) | (None, Some((_, only))) => {
            format!("the nearest that is allowed is `{only}`")
        }
        (None, None) => return None,
    })
}

pub(super) fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
