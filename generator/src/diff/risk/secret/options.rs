//! Options of connections that take a secret from a variable of the
//! environment, or name a secret: of Fluentd, Logstash and Filebeat. Pure.

use serde_json::Value as Json;

use super::{MAX_DEPTH, References};
use crate::diff::compare::blocks::Block;
use crate::diff::compare::language::{self, Language};
use crate::secrets::{self, Secrecy};

/// A configuration of Fluentd or Logstash.
pub(super) fn of_text(path: &str, text: &str, found: &mut References) {
    if Language::of(path) != Some(Language::Conf) {
        return;
    }
    if let Some(root) = language::blocks_of(text) {
        of_block(&root, "", found);
    }
}

/// Only blocks with an id: others can't be told apart.
fn of_block(block: &Block, above: &str, found: &mut References) {
    let id = block.id.as_deref().unwrap_or(above);
    if !id.is_empty() {
        for (name, value) in &block.options {
            add(&format!("the connection `{id}`"), name, value, found);
        }
    }
    for inner in &block.blocks {
        of_block(inner, id, found);
    }
}

/// A configuration in YAML or JSON.
pub(super) fn of_value(value: &Json, found: &mut References) {
    walk(value, "", 0, found);
}

fn walk(value: &Json, path: &str, depth: usize, found: &mut References) {
    let Json::Object(members) = value else {
        return;
    };
    if depth > MAX_DEPTH || members.contains_key("Resources") {
        return;
    }
    for (key, inner) in members {
        let way = format!("{path}.{key}");
        match inner {
            Json::String(text) => {
                let (place, name) = way.rsplit_once('.').unwrap_or_default();
                add(
                    &format!("`{}`", place.trim_start_matches('.')),
                    name,
                    text,
                    found,
                );
            }
            _ => walk(inner, &way, depth + 1, found),
        }
    }
}

fn add(owner: &str, name: &str, value: &str, found: &mut References) {
    found.add_owner(owner);
    if secrets::secrecy(name) == Secrecy::None {
        return;
    }
    let variables = variables(value);
    if variables.is_empty() && !value.is_empty() {
        found.add_literal(owner, name);
        return;
    }
    for variable in variables {
        found.add(owner, name, &[variable]);
    }
}

/// The variables of the environment in a value, as `#{ENV['NAME']}` or
/// `${NAME}`. What stands behind a name is what holds without it.
fn variables(value: &str) -> Vec<&str> {
    let after = |open: &'static str| {
        value.match_indices(open).map(move |(at, _)| {
            let rest = value[at + open.len()..].trim_start_matches(['\'', '"']);
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
    };
    let all = after("ENV[").chain(after("ENV.fetch(")).chain(after("${"));
    all.filter(|name| !name.is_empty()).collect()
}
