//! Turns errors of the validator into faults, each at its place. Pure.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{JsonType, ValidationError};
use serde_json::Value as Json;

use super::super::merge::{Removal, ValuePath};
use super::PATTERN_MEANING;
use super::wording::{
    describe, description, is_map_of_flags, is_null_type, is_other_kind, is_reference, known_keys,
    list, name_types, pointer, rule, shown_json, shown_path, starts_with_digit, subject, suggest,
    suggest_number, type_hint, types_of,
};
use crate::fault::{Fault, Faults};
use crate::load::node::{Node, Value};
use crate::load::source_file::{Sources, Span};
use crate::nearest::did_you_mean;
use crate::secrets;

/// The most faults reported for one value.
const MAX_FAULTS: usize = 50;

/// Turns errors of the validator into faults.
pub(super) struct Teller<'a> {
    schema: &'a Json,
    root: &'a Node,
    sources: &'a Sources,
    noun: &'static str,
    removal_of: &'a dyn Fn(&ValuePath) -> Option<Removal>,
    /// What each removal leaves out that is required.
    removals: Vec<(Removal, Vec<ValuePath>)>,
    faults: Vec<Fault>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        schema: &'a Json,
        root: &'a Node,
        sources: &'a Sources,
        noun: &'static str,
        removal_of: &'a dyn Fn(&ValuePath) -> Option<Removal>,
    ) -> Self {
        Self {
            schema,
            root,
            sources,
            noun,
            removal_of,
            removals: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The faults of these errors.
    pub(super) fn faults<'e>(
        mut self,
        errors: impl Iterator<Item = ValidationError<'e>>,
    ) -> Faults {
        for error in errors.take(MAX_FAULTS) {
            self.tell(&error);
        }
        self.tell_removals();
        self.faults.into_iter().take(MAX_FAULTS).collect()
    }
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
