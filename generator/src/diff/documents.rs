//! The files of a rendered tree, each parsed at most once and only if somebody asks. Pure.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde_json::Value as Json;

use super::compare::language::{self, Language};
use crate::tree::RenderedTree;

/// A file.
pub(super) struct Document<'t> {
    path: Cow<'t, str>,
    bytes: Cow<'t, [u8]>,
    value: OnceCell<Option<Json>>,
    /// Whether it is something else than was rendered: a step changed its value.
    is_altered: bool,
}

impl<'t> Document<'t> {
    pub(super) fn of(path: &'t str, bytes: &'t [u8]) -> Self {
        Self {
            path: Cow::Borrowed(path),
            bytes: Cow::Borrowed(bytes),
            value: OnceCell::new(),
            is_altered: false,
        }
    }

    /// A file with another value than was rendered.
    pub(super) fn with_value(path: String, value: Json) -> Self {
        Self {
            path: Cow::Owned(path),
            bytes: Cow::Owned(value.to_string().into_bytes()),
            value: OnceCell::from(Some(value)),
            is_altered: true,
        }
    }

    /// Its path below the cluster's folder.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its text; nothing if it is none.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// What it means, if it is one document of a language that is known.
    pub(super) fn value(&self) -> Option<&Json> {
        let read = || language::value(Language::of(&self.path)?, self.text()?);
        self.value.get_or_init(read).as_ref()
    }

    /// Whether two files are the same: by their bytes, and by their values where
    /// one isn't as it was rendered.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        if self.bytes == other.bytes {
            return true;
        }
        let is_value = self.is_altered || other.is_altered;
        is_value && self.value().is_some() && self.value() == other.value()
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)
    }
}

/// The files of a tree, by path. Steps share those that they leave as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents<'t>(BTreeMap<Cow<'t, str>, Rc<Document<'t>>>);

impl<'t> Documents<'t> {
    pub(super) fn of(tree: &'t RenderedTree) -> Self {
        let files = tree.files();
        files
            .map(|(path, bytes)| Rc::new(Document::of(path.as_str(), bytes)))
            .collect()
    }

    pub(super) fn get(&self, path: &str) -> Option<&Document<'t>> {
        self.0.get(path).map(AsRef::as_ref)
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// All of them, sorted by path.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Document<'t>> {
        self.0.values().map(AsRef::as_ref)
    }

    /// The same, as a step hands them on.
    pub(super) fn shared(&self) -> impl Iterator<Item = &Rc<Document<'t>>> {
        self.0.values()
    }
}

impl<'t> FromIterator<Rc<Document<'t>>> for Documents<'t> {
    fn from_iter<I: IntoIterator<Item = Rc<Document<'t>>>>(documents: I) -> Self {
        let documents = documents.into_iter();
        Self(
            documents
                .map(|document| (document.path.clone(), document))
                .collect(),
        )
    }
}
