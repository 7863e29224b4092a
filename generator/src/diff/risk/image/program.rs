//! Versions of programs that are no images: what scripts install on machines,
//! and the code of functions. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, legible, text};
use super::version::is_lower;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let (Some(old), Some(new)) = (change.old, change.new) else {
        return;
    };
    compare(&installed(old.text), &installed(new.text), found);
    for resource in change.resources() {
        if let Some((old, new)) = resource.both() {
            compare(&code(old), &code(new), found);
        }
    }
}

/// Versions by what they are of.
type Versions = BTreeMap<String, String>;

fn compare(old: &Versions, new: &Versions, found: &mut Found) {
    for (name, after) in new {
        if let Some(before) = old.get(name).filter(|before| is_lower(after, before)) {
            let what = format!(
                "{name} goes from {} back to {}",
                legible(before),
                legible(after)
            );
            found.push(Flag::ImageDowngrade, what, None);
        }
    }
}

/// What a script installs, wherever it stands: a function `install_…`, with
/// its version in a variable.
fn installed(text: &str) -> Versions {
    const FUNCTION: &str = "install_";
    const VERSION: &str = "local version=";
    let mut found = Versions::new();
    for (at, _) in text.match_indices(VERSION) {
        let value = text[at + VERSION.len()..].trim_start_matches(['\'', '"', '\\']);
        let end =
            value.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_' | '+'));
        let version = &value[..end.unwrap_or(value.len())];
        let function = text[..at]
            .rfind(FUNCTION)
            .map(|at| &text[at + FUNCTION.len()..]);
        let name = function
            .and_then(|rest| rest.split_once("()"))
            .map(|(name, _)| name);
        let is_name = |name: &&str| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if let Some(name) = name.filter(is_name) {
            let name = format!("`{}` on machines", name.replace('_', "-"));
            found.insert(name, version.to_owned());
        }
    }
    found
}

/// The code of a function, by the name of its file and the version in it or in
/// a folder above.
fn code(resource: &Json) -> Versions {
    let key = text(resource, "/Properties/Code/S3Key");
    let name = key.trim_end_matches(".zip");
    let parts: Vec<&str> = name.split(['/', '-']).collect();
    let is_version = |part: &str| {
        let part = part.strip_prefix('v').unwrap_or(part);
        part.starts_with(|c: char| c.is_ascii_digit())
    };
    let Some(at) = parts.iter().position(|part| is_version(part)) else {
        return Versions::new();
    };
    let version = parts[at..].join("-");
    Versions::from([("the code of a function".to_owned(), version)])
}
