//! Texts in values that are documents themselves: policies and dashboards in
//! JSON, files in a `ConfigMap`. Pure.

use serde_json::Value as Json;

use super::finding::{Findings, Path};
use super::language::{self, Language};
use super::{structure, text};
use crate::diff::redact::Under;

/// Compares two different texts that stand there.
pub(in crate::diff) fn compare(
    path: &Path,
    under: Under<'_>,
    old: &str,
    new: &str,
    found: &mut Findings<'_>,
) {
    let is_secret = under.is_secret;
    if let (false, Some(old), Some(new)) = (is_secret, json(old), json(new)) {
        let before = found.len();
        structure::compare(&path.embedded(), Under::default(), &old, &new, found);
        if found.len() > before {
            return;
        }
    }
    let is_file = old.contains('\n') || new.contains('\n');
    let language = Language::of(under.name);
    let is_hidden = language.is_none() && (under.hides(old) || under.hides(new));
    if is_secret || is_hidden || !is_file {
        let (old, new) = (Json::from(old), Json::from(new));
        return found.push(path, structure::changed(under, &old, &new));
    }
    match language {
        None => found.push_text(path, text::compare(old, new)),
        language => language::compare(language, &path.embedded(), old, new, found),
    }
}

/// The value of a text that is a JSON object or list.
fn json(text: &str) -> Option<Json> {
    let begins = text.trim_start().starts_with(['{', '[']);
    let value = begins.then(|| serde_json::from_str(text).ok())??;
    matches!(value, Json::Object(_) | Json::Array(_)).then_some(value)
}
