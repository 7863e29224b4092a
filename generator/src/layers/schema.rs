//! Checks a value against a JSON Schema and tells every fault in plain words,
//! at the place of the part that is wrong. Pure.
//!
//! The schemas are those that schemars derives from the settings types. Of a
//! tagged alternative only the faults of the branch that the tag names are
//! reported, never "not valid under any of the schemas".

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, PatternCache, ValidationError, Validator};
use serde_json::Value as Json;

use super::merge::{Removal, ValuePath};
use crate::fault::{Fault, Faults};
use crate::load::node::{Node, Value};
use crate::load::source_file::{Sources, Span};
use crate::load::syntax;
use crate::nearest::did_you_mean;
use crate::secrets;

/// The most faults reported for one value.
const MAX_FAULTS: usize = 50;
/// Up to this many keys or values, all that are allowed are listed.
const MAX_LISTED: usize = 22;
/// The most characters of a text that are shown in a message.
const MAX_SHOWN: usize = 60;
/// The keyword that says in words what a `pattern` asks for.
pub const PATTERN_MEANING: &str = "x-pattern-meaning";

/// A schema, compiled once for all clusters.
#[derive(Debug)]
pub struct SchemaCheck {
    schema: Json,
    validator: Validator,
    /// What a key is called in messages.
    noun: &'static str,
}

/// A schema that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid JSON Schema: {0}")]
pub struct SchemaError(String);

impl SchemaCheck {
    /// Compiles a schema.
    pub fn new(schema: Json) -> Result<Self, SchemaError> {
        // Schemas of inputs have nearly all of their patterns in common.
        static PATTERNS: LazyLock<PatternCache> = LazyLock::new(PatternCache::new);
        let options = jsonschema::options().with_pattern_cache(PATTERNS.clone());
        let validator = options
            .build(&schema)
            .map_err(|error| SchemaError(error.to_string()))?;
        Ok(Self {
            schema,
            validator,
            noun: "setting",
        })
    }

    /// The same check with another word for a key than `setting`.
    #[must_use]
    pub fn calling_keys(self, noun: &'static str) -> Self {
        Self { noun, ..self }
    }

    /// The schema as given.
    pub fn schema(&self) -> &Json {
        &self.schema
    }

    /// Checks a value.
    pub fn check(&self, node: &Node, sources: &Sources) -> Faults {
        self.check_json(&node.to_json(), node, sources)
    }

    /// Checks a value whose JSON is at hand already; `json` is
    /// [`Node::to_json`] of `node`.
    pub fn check_json(&self, json: &Json, node: &Node, sources: &Sources) -> Faults {
        self.check_merged(json, node, sources, &|_| None)
    }

    /// The same for a value that layers merge to. `removal_of` finds the `null`
    /// of a layer that removes a setting; what is missing for it is reported there.
    pub fn check_merged(
        &self,
        json: &Json,
        node: &Node,
        sources: &Sources,
        removal_of: &dyn Fn(&ValuePath) -> Option<Removal>,
    ) -> Faults {
        if self.validator.is_valid(json) {
            return Faults::new();
        }
        let mut reported = Teller {
            schema: &self.schema,
            root: node,
            sources,
            noun: self.noun,
            removal_of,
            removals: Vec::new(),
            faults: Vec::new(),
        };
        for error in self.validator.iter_errors(json).take(MAX_FAULTS) {
            reported.tell(&error);
        }
        reported.tell_removals();
        reported.faults.into_iter().take(MAX_FAULTS).collect()
    }
}

/// Turns errors of the validator into faults.
struct Teller<'a> {
    schema: &'a Json,
    root: &'a Node,
    sources: &'a Sources,
    noun: &'static str,
    removal_of: &'a dyn Fn(&ValuePath) -> Option<Removal>,
    /// What each removal leaves out that is required.
    removals: Vec<(Removal, Vec<ValuePath>)>,
    faults: Vec<Fault>,
}

impl Teller<'_> {
    fn tell(&mut self, error: &ValidationError<'_>) {
        let path = ValuePath::from_pointer(error.instance_path().as_str());
        let parent = self.parent_schema(error);
        match error.kind() {
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                for key in unexpected.iter().take(MAX_FAULTS) {
                    self.unknown_key(&path, key, &parent);
                }
            }
            Kind::Required { property } => {
                self.missing_key(&path, property.as_str().unwrap_or_default(), &parent);
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.tell_alternatives(&path, context);
            }
            Kind::Enum { options } => {
                let options = options.as_array().cloned().unwrap_or_default();
                self.not_allowed(&path, &options);
            }
            Kind::Constant { expected_value } => {
                self.not_allowed(&path, &[expected_value.as_ref().clone()]);
            }
            Kind::Type { kind } => self.wrong_type(&path, &types_of(kind), &parent),
            Kind::PropertyNames { error } => self.wrong_key(&path, error),
            Kind::Pattern { .. } if self.is_placeholder(&path) => {
                let message = format!(
                    "{} is still a placeholder, {}",
                    subject(&path),
                    self.found(&path).trim_start_matches("the text ")
                );
                self.push(
                    self.value_span(&path),
                    message,
                    description(self.schema, &parent),
                );
            }
            other => {
                let message = format!("{} {}", subject(&path), rule(other, &parent));
                let message = message.replace("{found}", &self.found(&path));
                self.push(
                    self.value_span(&path),
                    message,
                    self.meaning(other, &parent),
                );
            }
        }
    }

    fn push(&mut self, span: Span, message: String, hint: Option<String>) {
        let fault = Fault::input(message).at(self.sources.place(span));
        self.faults.push(match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
    }

    /// The schema object that holds the keyword that failed.
    fn parent_schema(&self, error: &ValidationError<'_>) -> Json {
        let pointer = error.schema_path().as_str();
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.schema.pointer(parent).cloned().unwrap_or_default()
    }

    /// Whether the text there has a part such as `<host>`, as `gen init` writes
    /// them for what only the user knows.
    fn is_placeholder(&self, path: &ValuePath) -> bool {
        let text = path.find(self.root).and_then(Node::as_str);
        let inside = text.and_then(|text| {
            let (_, after) = text.split_once('<')?;
            Some(after.split_once('>')?.0)
        });
        inside.is_some_and(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c))
        })
    }

    fn found(&self, path: &ValuePath) -> String {
        let below_secret_key = path
            .parts()
            .last()
            .is_some_and(|key| secrets::is_secret_key(key));
        match path.find(self.root) {
            None => "nothing".into(),
            Some(node) if below_secret_key && node.entries().is_none() && !is_reference(node) => {
                "a secret in clear".into()
            }
            Some(node) => describe(node),
        }
    }

    /// The span of the value there, or of the deepest part of the path that is.
    fn value_span(&self, path: &ValuePath) -> Span {
        let mut node = self.root;
        for part in path.parts() {
            match node.part(part) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span
    }

    /// The span of the key there; of the value where it has no key.
    fn key_span(&self, path: &ValuePath) -> Span {
        let key = path.parts().split_last().and_then(|(key, above)| {
            ValuePath::new(above.iter().cloned())
                .find(self.root)?
                .entry(key)
                .map(|entry| entry.key_span)
        });
        key.unwrap_or_else(|| self.value_span(path))
    }

    fn unknown_key(&mut self, path: &ValuePath, key: &str, parent: &Json) {
        let known = known_keys(self.schema, parent, 0);
        let at = path.join(key);
        let message = format!("`{}` is not a {}", shown_path(&at), self.noun);
        let intro = format!("the {}s here are", self.noun);
        self.push(self.key_span(&at), message, suggest(key, &known, &intro));
    }

    fn missing_key(&mut self, path: &ValuePath, key: &str, parent: &Json) {
        let property = parent
            .get("properties")
            .and_then(|properties| properties.get(key));
        let hint = property.and_then(|property| description(self.schema, property));
        self.require(path, &path.join(key), hint);
    }

    /// Tells that a setting is missing: at the `null` that removes it, or else
    /// at the key that it would be below.
    fn require(&mut self, below: &ValuePath, missing: &ValuePath, hint: Option<String>) {
        let Some(removal) = (self.removal_of)(missing) else {
            let message = format!("`{}` is required", shown_path(missing));
            return self.push(self.key_span(below), message, hint);
        };
        match self
            .removals
            .iter_mut()
            .find(|(known, _)| *known == removal)
        {
            Some((_, all)) => all.push(missing.clone()),
            None => self.removals.push((removal, vec![missing.clone()])),
        }
    }

    /// One fault for each `null`, however much is missing for it.
    fn tell_removals(&mut self) {
        for (removal, missing) in std::mem::take(&mut self.removals) {
            let removed = shown_path(&removal.setting);
            let message = match missing.as_slice() {
                all if all.contains(&removal.setting) => {
                    format!("`{removed}` can't be removed: it is required")
                }
                [first, others @ ..] => {
                    let more = match others.len() {
                        0 => String::new(),
                        count => format!(" and {count} more"),
                    };
                    let first = shown_path(first);
                    let verb = if others.is_empty() { "is" } else { "are" };
                    format!("`{removed}` can't be removed: `{first}`{more} {verb} required")
                }
                [] => continue,
            };
            let hint = "delete the `null` to keep what the layers below set, or write a value";
            self.push(removal.span, message, Some(hint.to_owned()));
        }
    }

    fn not_allowed(&mut self, path: &ValuePath, options: &[Json]) {
        let names: Vec<String> = options
            .iter()
            .filter(|option| !option.is_null())
            .map(shown_json)
            .collect();
        let found = path.find(self.root);
        let text = found.and_then(Node::as_str).unwrap_or_default();
        let message = match names.as_slice() {
            [one] => format!(
                "{} must be `{one}`, found {}",
                subject(path),
                self.found(path)
            ),
            _ => format!(
                "{} can't be {}",
                subject(path),
                self.found(path).trim_start_matches("the text ")
            ),
        };
        let number = found
            .and_then(|found| found.to_json().as_f64())
            .filter(|_| options.iter().any(Json::is_number));
        let hint = match number {
            Some(number) => suggest_number(number, options),
            None if names.len() > 1 => suggest(text, &names, "allowed are"),
            None => None,
        };
        self.push(self.value_span(path), message, hint);
    }

    fn wrong_type(&mut self, path: &ValuePath, types: &[JsonType], parent: &Json) {
        let message = format!(
            "{}: expected {}, found {}",
            subject(path),
            name_types(types),
            self.found(path)
        );
        let key = path.parts().last().map_or("", String::as_str);
        let of_flags = is_map_of_flags(self.schema, parent);
        let hint = path
            .find(self.root)
            .and_then(|found| type_hint(types, key, of_flags, found))
            .or_else(|| description(self.schema, parent));
        self.push(self.value_span(path), message, hint);
    }

    fn wrong_key(&mut self, path: &ValuePath, error: &ValidationError<'_>) {
        let key = error.instance().as_str().unwrap_or_default().to_owned();
        let parent = self.parent_schema(error);
        let at = path.join(&key);
        let message = format!(
            "the key `{}` {}",
            shown_path(&at),
            rule(error.kind(), &parent)
        )
        .replace("{found}", &format!("`{}`", secrets::mask(&key)));
        self.push(
            self.key_span(&at),
            message,
            self.meaning(error.kind(), &parent),
        );
    }

    /// What a schema says in words about a rule that is no sentence of its own.
    fn meaning(&self, kind: &Kind, parent: &Json) -> Option<String> {
        let pattern_reported =
            matches!(kind, Kind::Pattern { .. }) && parent.get(PATTERN_MEANING).is_some();
        if pattern_reported {
            None
        } else {
            description(self.schema, parent)
        }
    }

    /// Tells the faults of the alternative that was meant.
    fn tell_alternatives(&mut self, path: &ValuePath, context: &[Vec<ValidationError<'static>>]) {
        let branches: Vec<&Vec<ValidationError<'static>>> = context
            .iter()
            .filter(|branch| !branch.iter().any(|error| is_null_type(error, path)))
            .collect();
        if let Some(tag) = self.find_tag(path, &branches) {
            return self.tell_tagged(path, &tag, &branches);
        }
        let fitting = branches
            .iter()
            .filter(|branch| !branch.iter().any(|error| is_other_kind(error, path)));
        if let Some(branch) = fitting.min_by_key(|branch| branch.len()) {
            branch.iter().for_each(|error| self.tell(error));
            return;
        }
        self.none_fits(path, &branches);
    }

    /// The name of the property whose constant tells the branches apart.
    fn find_tag(
        &self,
        path: &ValuePath,
        branches: &[&Vec<ValidationError<'static>>],
    ) -> Option<String> {
        if !matches!(path.find(self.root)?.value, Value::Mapping(_)) {
            return None;
        }
        branches
            .iter()
            .flat_map(|branch| branch.iter())
            .find_map(|error| match error.kind() {
                Kind::Constant { .. } => {
                    let tag = ValuePath::from_pointer(error.instance_path().as_str());
                    let (name, above) = tag.parts().split_last()?;
                    (above == path.parts()).then(|| name.clone())
                }
                Kind::Required { property } if error.instance_path().as_str() == pointer(path) => {
                    let name = property.as_str()?;
                    let tag = self.parent_schema(error);
                    tag.pointer(&format!("/properties/{name}/const"))
                        .map(|_| name.to_owned())
                }
                _ => None,
            })
    }

    fn tell_tagged(
        &mut self,
        path: &ValuePath,
        tag: &str,
        branches: &[&Vec<ValidationError<'static>>],
    ) {
        let tag_path = path.join(tag);
        let at = pointer(&tag_path);
        let of_tag = |error: &ValidationError<'_>| error.instance_path().as_str() == at;
        let chosen = branches.iter().find(|branch| !branch.iter().any(of_tag));
        if tag_path.find(self.root).is_some() {
            if let Some(branch) = chosen {
                branch.iter().for_each(|error| self.tell(error));
                return;
            }
            let options: Vec<Json> = branches
                .iter()
                .flat_map(|branch| branch.iter())
                .filter_map(|error| match error.kind() {
                    Kind::Constant { expected_value } if of_tag(error) => {
                        Some(expected_value.as_ref().clone())
                    }
                    _ => None,
                })
                .collect();
            return self.not_allowed(&tag_path, &options);
        }
        let names: Vec<String> = branches
            .iter()
            .filter_map(|branch| self.tag_value(branch, tag))
            .collect();
        let hint = (!names.is_empty()).then(|| format!("it is one of {}", list(&names)));
        self.require(path, &tag_path, hint);
    }

    /// The constant that a branch wants its tag to be.
    fn tag_value(&self, branch: &[ValidationError<'static>], tag: &str) -> Option<String> {
        branch.iter().find_map(|error| {
            let value = self
                .parent_schema(error)
                .pointer(&format!("/properties/{tag}/const"))?
                .clone();
            Some(shown_json(&value))
        })
    }

    /// What is neither the number nor one of the words that are meant: what begins
    /// as a number is reported as one.
    fn number_or_word(&mut self, path: &ValuePath, types: &[JsonType], words: &[Json]) {
        let found = path.find(self.root);
        let text = found.and_then(Node::as_str);
        if text.is_none_or(starts_with_digit) {
            return self.wrong_type(path, types, &Json::Null);
        }
        let words = words.iter().filter(|word| !word.is_null());
        let words: Vec<String> = words.map(shown_json).collect();
        let message = format!(
            "{}: expected {} or {}, found {}",
            subject(path),
            name_types(types),
            list(&words),
            self.found(path)
        );
        let hint = did_you_mean(text.unwrap_or_default(), words.iter().map(String::as_str));
        self.push(self.value_span(path), message, hint);
    }

    /// No branch even begins to fit: tells all that would.
    fn none_fits(&mut self, path: &ValuePath, branches: &[&Vec<ValidationError<'static>>]) {
        let mut types = Vec::new();
        let mut options = Vec::new();
        for error in branches.iter().flat_map(|branch| branch.iter()) {
            match error.kind() {
                Kind::Type { kind } => types.extend(types_of(kind)),
                Kind::Constant { expected_value } => options.push(expected_value.as_ref().clone()),
                Kind::Enum { options: more } => {
                    options.extend(more.as_array().cloned().unwrap_or_default());
                }
                _ => {}
            }
        }
        let is_number = |kind: &JsonType| matches!(kind, JsonType::Integer | JsonType::Number);
        if !options.is_empty() && types.iter().any(is_number) {
            return self.number_or_word(path, &types, &options);
        }
        if types.is_empty()
            || (!options.is_empty()
                && path
                    .find(self.root)
                    .is_some_and(|node| node.as_str().is_some()))
        {
            return self.not_allowed(path, &options);
        }
        if !options.is_empty() {
            types.push(JsonType::String);
        }
        self.wrong_type(path, &types, &Json::Null);
    }
}

fn pointer(path: &ValuePath) -> String {
    path.parts()
        .iter()
        .flat_map(|part| ["/".to_owned(), part.replace('~', "~0").replace('/', "~1")])
        .collect()
}

/// Whether a branch is only the `null` of an `Option`.
fn is_null_type(error: &ValidationError<'_>, path: &ValuePath) -> bool {
    matches!(
        error.kind(),
        Kind::Type {
            kind: TypeKind::Single(JsonType::Null)
        }
    ) && error.instance_path().as_str() == pointer(path)
}

/// Whether an error says that the value as a whole is something else.
fn is_other_kind(error: &ValidationError<'_>, path: &ValuePath) -> bool {
    matches!(
        error.kind(),
        Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. }
    ) && error.instance_path().as_str() == pointer(path)
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn types_of(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(many) => many.iter().collect(),
    }
}

fn name_types(types: &[JsonType]) -> String {
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
fn is_reference(node: &Node) -> bool {
    node.as_str().is_some_and(secrets::is_reference)
}

/// What stands there, with secrets masked.
fn describe(node: &Node) -> String {
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

fn subject(path: &ValuePath) -> String {
    if path.parts().is_empty() {
        "the file".into()
    } else {
        format!("`{}`", shown_path(path))
    }
}

fn shown_path(path: &ValuePath) -> String {
    secrets::mask(&path.to_string())
}

fn shown_json(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Whether a mapping has names of the user's as keys, each `true` or `false`.
fn is_map_of_flags(root: &Json, schema: &Json) -> bool {
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
fn type_hint(types: &[JsonType], key: &str, of_flags: bool, found: &Node) -> Option<String> {
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
fn rule(kind: &Kind, parent: &Json) -> String {
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
fn description(root: &Json, schema: &Json) -> Option<String> {
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
fn known_keys(root: &Json, schema: &Json, depth: usize) -> Vec<String> {
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
fn suggest(written: &str, known: &[String], intro: &str) -> Option<String> {
    did_you_mean(written, known.iter().map(String::as_str)).or_else(|| {
        (!known.is_empty() && known.len() <= MAX_LISTED).then(|| format!("{intro} {}", list(known)))
    })
}

/// The allowed numbers on both sides of the one that was written: digits that
/// look alike say nothing of a number.
fn suggest_number(written: f64, options: &[Json]) -> Option<String> {
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

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::layers::patch_schema::patch_schema;
    use crate::load::source_file::SourceFile;
    use crate::load::yaml;
    use crate::report::{Style, to_text};

    /// What the tests configure.
    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its schema is used")]
    struct Settings {
        /// The name of the cluster. It is the folder's name.
        name: Name,
        streams: BTreeMap<String, Stream>,
        destination: Option<Destination>,
        mode: Option<Mode>,
        level: Option<Level>,
        #[schemars(length(min = 1))]
        regions: Option<Vec<String>>,
        account: Option<String>,
    }

    #[derive(schemars::JsonSchema)]
    #[schemars(transparent, extend("x-pattern-meaning" = "lower-case letters, digits and hyphens"))]
    #[allow(dead_code, reason = "only its schema is used")]
    struct Name(#[schemars(regex(pattern = r"^[a-z0-9-]+$"))] String);

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its schema is used")]
    struct Stream {
        /// Whole days that logs are kept.
        #[schemars(range(min = 1, max = 3650))]
        retention_days: u32,
        enabled: Option<bool>,
    }

    #[derive(schemars::JsonSchema)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    #[allow(dead_code, reason = "only its schema is used")]
    enum Destination {
        Elasticsearch {
            url: String,
            username: Option<String>,
        },
        Opensearch {
            url: String,
            shards: u32,
        },
    }

    #[derive(schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code, reason = "only its schema is used")]
    enum Mode {
        Fast,
        Thorough,
    }

    #[derive(schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code, reason = "only its schema is used")]
    enum Level {
        /// Everything.
        Debug,
        /// Only what is wrong.
        Error,
    }

    fn strict() -> Json {
        serde_json::to_value(schemars::schema_for!(Settings)).expect("a schema")
    }

    fn reported_by(schema: Json, text: &str) -> String {
        let mut sources = Sources::default();
        let file = sources.push(SourceFile::new("clusters/x/cluster.yaml", text));
        let node = yaml::parse(file, sources.get(file).expect("there")).expect("valid YAML");
        let check = SchemaCheck::new(schema).expect("a schema");
        to_text(
            check.check(&node, &sources),
            "nothing was written",
            Style::Plain,
        )
    }

    fn reported(text: &str) -> String {
        reported_by(strict(), text)
    }

    #[test]
    fn says_nothing_of_a_good_value() {
        let text = "name: a\nstreams: {a: {retention_days: 3.0}}\ndestination: {type: opensearch, url: u, shards: 1}\n";
        assert_eq!(reported(text), "");
    }

    #[test]
    fn tells_all_faults_each_at_its_place() {
        insta::assert_snapshot!(reported(concat!(
            "name: Prod_EU\n",
            "streams:\n",
            "  applications:\n",
            "    retention_day: 30\n",
            "    retention_days: thirty\n",
            "    enabled: yes\n",
            "  nodes:\n",
            "    enabled: \"true\"\n",
            "    retention_days: \"30\"\n",
            "  kernel:\n",
            "    retention_days: 0\n",
            "  events: {retention_days: 1.5, enabled: On}\n",
            "mode: fats\n",
            "level: warn\n",
            "regions: eu-central-1\n",
            "account: 123456789012\n",
            "nonsense: 1\n",
        )));
    }

    #[test]
    fn tells_the_faults_of_the_branch_that_the_tag_names() {
        let text = "name: a\nstreams: {}\ndestination:\n  type: opensearch\n  url: 3\n  sahrds: 2\nregions: []\n";
        insta::assert_snapshot!(reported(text));
    }

    #[test]
    fn tells_an_unknown_or_missing_tag() {
        insta::assert_snapshot!(reported(
            "name: a\nstreams: {}\ndestination: {type: elastic_search, url: u}\n"
        ));
        insta::assert_snapshot!(reported("name: a\nstreams: {}\ndestination:\n  url: u\n"));
        insta::assert_snapshot!(reported("name: a\nstreams: {}\ndestination: https://a\n"));
    }

    #[test]
    fn tells_what_is_missing() {
        insta::assert_snapshot!(reported("mode: fast\n"));
        insta::assert_snapshot!(reported("[]"));
    }

    #[test]
    fn shows_no_secret() {
        let secret = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let reported = reported(&format!(
            "name: {secret}\nstreams: {{}}\nmode: {secret}\n{secret}: 1\n"
        ));
        assert!(
            reported.contains("3 errors") && !reported.contains(&secret),
            "{reported}"
        );
    }

    #[test]
    fn a_layer_may_leave_out_and_remove_but_not_invent() {
        let layer = patch_schema(&strict());
        for text in [
            "{}",
            "name: null",
            "streams: {applications: null}",
            "streams: {applications: {enabled: null}}",
            "destination: {url: u}",
            "destination: {shards: 3, username: u}",
            "destination: null",
            "mode: null",
            "level: null",
            "level: error",
        ] {
            assert_eq!(reported_by(layer.clone(), text), "", "{text}");
        }
        insta::assert_snapshot!(reported_by(
            layer,
            concat!(
                "streams: {a: {retention: 3, retention_days: 0}}\n",
                "destination: {type: elastic, shard: 1, shards: x}\n",
                "level: warn\n",
            )
        ));
    }
}
