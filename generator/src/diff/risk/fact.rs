//! What is known of one side: facts, each by what it is about and never by its file. Pure.
//!
//! The objects of the files that differ are taken apart once ([`super::objects`]). A fact is one
//! property of one object, as the rows about that kind of object read it ([`super::rows`]).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value as Json;

use super::Surroundings;
use super::applier::Stack;
use super::data_streams::DataStreams;
use super::objects::{File, Object};
use super::values::is_fragment;
use super::wording::legible;
use super::{rows, secret};
use crate::diff::compare::files::Pair;
use crate::diff::documents::Document;
use crate::diff::preview::FactKey;
use crate::diff::redact;

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The kind of object.
    pub(super) kind: Cow<'static, str>,
    /// Which object.
    pub(super) object: String,
    /// What of it: the way there, below its properties; empty for all of it.
    pub(super) aspect: &'static str,
}

/// What holds for something.
#[derive(Debug)]
pub(super) struct Fact<'t> {
    /// Null if nothing is said.
    pub(super) value: Cow<'t, Json>,
    pub(super) object: Rc<Object<'t>>,
}

impl Fact<'_> {
    /// The object as sentences have it.
    pub(super) fn title(&self) -> String {
        let object = &self.object;
        format!(
            "the {} `{}`",
            legible(&object.noun),
            legible(&object.known_as)
        )
    }
}

impl Key {
    /// As the preview has it.
    pub(super) fn public(&self) -> FactKey {
        FactKey {
            kind: redact::text(&self.kind),
            object: Some(redact::text(&self.object)),
            aspect: self.aspect.trim_start_matches('/').to_owned(),
        }
    }
}

pub(super) type Facts<'t> = BTreeMap<Key, Fact<'t>>;

/// The facts of both sides, from the files that differ and from the data streams of their servers.
pub(super) fn of_pairs<'d>(
    pairs: &[Pair<'d, 'd>],
    around: Surroundings<'d>,
    streams: &'d DataStreams<'d>,
) -> [Facts<'d>; 2] {
    let (mut before, mut after) = (Facts::new(), Facts::new());
    for (old, new) in pairs.iter().copied() {
        let paths = [old, new].map(|document| document.map(Document::path));
        let place = paths[1].or(paths[0]).unwrap_or_default();
        let value = |document: Option<&'d Document<'d>>| document.and_then(Document::value);
        // What can't be read at the head isn't removed: nobody knows.
        let is_unreadable = value(old).is_some()
            && value(new).is_none()
            && (new.is_some() || around.head.has(place));
        let old = old.filter(|_| !is_unreadable);
        let file = File {
            place,
            stack: match value(old) {
                Some(value) if is_fragment(value) => Stack::OfMembers,
                _ if new.is_none() => Stack::Stays,
                _ => Stack::Updated,
            },
            paths,
            values: [value(old), value(new)],
            may_refer: [old, new]
                .into_iter()
                .filter_map(|document| document?.text())
                .any(secret::may_refer),
        };
        let objects_of = |document: Option<&'d Document<'d>>| {
            document.map_or_else(Vec::new, |document| file.objects(document, streams))
        };
        let (at_base, at_head) = (objects_of(old), objects_of(new));
        let same = same(&at_base, &at_head);
        for (facts, objects) in [(&mut before, at_base), (&mut after, at_head)] {
            let differ = objects
                .into_iter()
                .filter(|object| !same.contains(&object.id()));
            for object in differ {
                add(facts, object);
            }
        }
    }
    for (facts, objects) in [&mut before, &mut after].into_iter().zip(streams.objects()) {
        for object in objects {
            add(facts, object);
        }
    }
    [before, after]
}

/// The objects that a file has on both sides, and that are the same.
fn same(old: &[Object<'_>], new: &[Object<'_>]) -> BTreeSet<(Cow<'static, str>, String)> {
    let before: BTreeMap<_, _> = old
        .iter()
        .map(|object| (object.id(), &object.value))
        .collect();
    let same = new
        .iter()
        .filter(|object| before.get(&object.id()) == Some(&&object.value));
    same.map(Object::id).collect()
}

/// Adds the facts of an object.
fn add<'d>(facts: &mut Facts<'d>, object: Object<'d>) {
    let object = Rc::new(object);
    for row in rows::of(&object.kind) {
        let value = match &object.value {
            Cow::Borrowed(value) => row.read(value),
            Cow::Owned(value) => Cow::Owned(row.read(value).into_owned()),
        };
        let (kind, identity) = object.id();
        let key = Key {
            kind,
            object: identity,
            aspect: row.aspect,
        };
        let object = Rc::clone(&object);
        facts.insert(key, Fact { value, object });
    }
}
