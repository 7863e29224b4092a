//! What a file is written in, and how two of its versions are compared. Pure.

use serde_json::Value as Json;

use super::blocks::{self, Block};
use super::finding::{Findings, Path};
use super::{logstash, scalars, structure, text};
use crate::check::fluentd;
use crate::diff::redact::{self, Under};
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::secrets;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diff) enum Language {
    /// JSON.
    Json,
    /// YAML, one document.
    Yaml,
    /// The configuration of Fluentd or Logstash; which, its text tells.
    Conf,
    /// Certificates: nobody reads them line by line.
    Pem,
}

impl Language {
    /// By a file's name; nothing for a text that is read by line.
    pub(in crate::diff) fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "conf" => Some(Self::Conf),
            "pem" | "crt" => Some(Self::Pem),
            _ => None,
        }
    }
}

/// Compares two different texts; by line, if they are of no language that is
/// known, or one can't be read.
pub(in crate::diff) fn compare(
    language: Option<Language>,
    path: &Path,
    old: &str,
    new: &str,
    found: &mut Findings<'_>,
) {
    match language {
        Some(Language::Pem) => found.push_text(path, text::opaque(old.as_bytes(), new.as_bytes())),
        Some(Language::Conf) => compare_blocks(path, old, new, found),
        Some(language) => match (value(language, old), value(language, new)) {
            (Some(one), Some(two)) => compare_read(language, path, (old, &one), (new, &two), found),
            // Which lines of it are secret can't be reported then.
            _ if [old, new].into_iter().any(secrets::names_secret) => {
                found.push_text(path, text::opaque(old.as_bytes(), new.as_bytes()));
            }
            _ => found.push_text(path, text::compare(old, new)),
        },
        None => found.push_text(path, text::compare(old, new)),
    }
}

/// Compares two different texts whose values are known.
pub(in crate::diff) fn compare_read(
    language: Language,
    path: &Path,
    (old_text, old): (&str, &Json),
    (new_text, new): (&str, &Json),
    found: &mut Findings<'_>,
) {
    let before = found.len();
    structure::compare(path, Under::default(), old, new, found);
    if found.len() == before {
        // Its lines are of the same values, which may be anywhere in them.
        let change = if redact::has_secret(new) {
            text::opaque(old_text.as_bytes(), new_text.as_bytes())
        } else if means_the_same(language, old_text, new_text) {
            text::compare_layout(old_text, new_text)
        } else {
            text::compare(old_text, new_text)
        };
        found.push_text(path, change);
    }
}

/// Whether two texts of the same value are so to every program that may read them.
fn means_the_same(language: Language, old: &str, new: &str) -> bool {
    match language {
        Language::Json => scalars::are_same_in_json(old, new),
        Language::Yaml => scalars::are_same_in_yaml(old, new),
        Language::Conf | Language::Pem => true,
    }
}

fn compare_blocks(path: &Path, old: &str, new: &str, found: &mut Findings<'_>) {
    let (Some(old_blocks), Some(new_blocks)) = (blocks_of(old), blocks_of(new)) else {
        return found.push_text(path, text::compare(old, new));
    };
    let before = found.len();
    blocks::compare(path, &old_blocks, &new_blocks, found);
    if found.len() == before {
        found.push_text(path, text::compare_layout(old, new));
    }
}

/// The value of a text, if it is one document of that language.
pub(in crate::diff) fn value(language: Language, text: &str) -> Option<Json> {
    match language {
        Language::Json => serde_json::from_str(text).ok(),
        Language::Yaml => {
            let node = yaml::parse(FileId(0), &SourceFile::new("", text)).ok()?;
            Some(node.to_json())
        }
        Language::Conf | Language::Pem => None,
    }
}

/// The blocks of a configuration of Fluentd or Logstash.
pub(in crate::diff) fn blocks_of(text: &str) -> Option<Block> {
    let fluentd = fluentd::parse(text)
        .ok()
        .map(|root| Block::of_fluentd(&root));
    let read = fluentd.or_else(|| logstash::parse(text))?;
    (!read.blocks.is_empty()).then_some(read)
}
