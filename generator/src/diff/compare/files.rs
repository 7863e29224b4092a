//! Two rendered trees of one cluster, file by file. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::finding::{Finding, Findings, Path};
use super::language::{self, Language};
use super::renames;
use super::text::{self, TextChange};
use crate::diff::documents::{Document, Documents};
use crate::diff::placeholders::Placeholders;
use crate::diff::preview::{Detail, Totals};
use crate::diff::redact;
use crate::secrets;
use crate::tree::RenderedTree;

/// What differs between two trees.
#[derive(Debug, Default)]
pub(in crate::diff) struct TreeComparison {
    /// Its files.
    pub(in crate::diff) files: Vec<FileComparison>,
    /// How many files came, changed and went.
    pub(in crate::diff) file_totals: Totals,
    /// The same of objects.
    pub(in crate::diff) object_totals: Totals,
}

/// What differs in one file.
#[derive(Debug)]
pub(in crate::diff) struct FileComparison {
    /// Its path below the cluster's folder.
    pub(in crate::diff) path: String,
    /// The object in it.
    pub(in crate::diff) object: Option<String>,
    /// What differs.
    pub(in crate::diff) findings: Vec<Finding>,
}

/// A file of a tree.
#[derive(Clone, Copy)]
pub(in crate::diff) struct File<'t> {
    pub(in crate::diff) path: &'t str,
    pub(in crate::diff) bytes: &'t [u8],
}

/// The Kubernetes object in a file: `Kind namespace/name`.
fn object_in(document: &Document<'_>) -> Option<String> {
    let value = document.value()?;
    let kind = value.get("kind")?.as_str()?;
    let metadata = value.get("metadata")?;
    let name = metadata.get("name")?.as_str()?;
    let name = match metadata.get("namespace").and_then(Json::as_str) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    Some(redact::text(&name))
}

/// What in a file has a life of its own where it is applied: each resource of
/// a `CloudFormation` template, a Kubernetes object, or a body for
/// Elasticsearch or OpenSearch.
fn objects_in<'d>(document: &'d Document<'_>) -> BTreeMap<&'d str, &'d Json> {
    let Some(value) = document.value() else {
        return BTreeMap::new();
    };
    if let Some(Json::Object(resources)) = value.get("Resources") {
        let resources = resources.iter();
        return resources.map(|(id, value)| (id.as_str(), value)).collect();
    }
    let is_kustomization = document.path().ends_with("kustomization.yaml");
    let is_object = value.get("kind").is_some() && !is_kustomization;
    if is_object || document.path().starts_with("elasticsearch/") {
        BTreeMap::from([("", value)])
    } else {
        BTreeMap::new()
    }
}

fn comparison(document: &Document<'_>, findings: Vec<Finding>) -> FileComparison {
    FileComparison {
        path: redact::text(document.path()),
        object: object_in(document),
        findings,
    }
}

/// Compares what two trees of a cluster hold, which has these values of its
/// own: bytes first, and where these differ, what they mean.
pub(in crate::diff) fn compare_trees(
    base: &Documents<'_>,
    head: &Documents<'_>,
    known: &Placeholders,
) -> TreeComparison {
    let mut result = TreeComparison::default();
    for pair in differing(base, head) {
        match pair {
            (Some(old), Some(new)) if old.path() == new.path() => {
                result.push_changed(compare_documents(old, new, known), old, new);
            }
            (Some(old), Some(new)) => result.push_renamed(old, new, known),
            (Some(old), None) => result.push_removed(old, known),
            (None, Some(new)) => result.push_added(new, known),
            (None, None) => {}
        }
    }
    result.files.sort_by(|a, b| a.path.cmp(&b.path));
    result
}

/// A file at the base, and the same at the head.
pub(in crate::diff) type Pair<'d, 't> = (Option<&'d Document<'t>>, Option<&'d Document<'t>>);

/// The files that aren't the same on both sides, each with what it was: those
/// that differ, then those that went, then those that came or have another name.
pub(in crate::diff) fn differing<'d, 't>(
    base: &'d Documents<'t>,
    head: &'d Documents<'t>,
) -> Vec<Pair<'d, 't>> {
    let (removed, added) = (only_in(base, head), only_in(head, base));
    let renames = renames::find(&files(&removed), &files(&added));
    let mut pairs = Vec::new();
    for new in head.iter() {
        let old = base.get(new.path());
        if let Some(old) = old.filter(|old| !old.is_same(new)) {
            pairs.push((Some(old), Some(new)));
        }
    }
    let is_renamed =
        |file: &&Document<'_>| renames.iter().any(|(from, _)| from.path == file.path());
    let gone = removed.iter().copied().filter(|file| !is_renamed(file));
    pairs.extend(gone.map(|file| (Some(file), None)));
    pairs.extend(added.iter().map(|file| {
        let renamed = renames.iter().find(|(_, to)| to.path == file.path());
        let old = renamed.and_then(|(from, _)| base.get(from.path));
        (old, Some(*file))
    }));
    pairs
}

fn only_in<'d, 't>(one: &'d Documents<'t>, other: &Documents<'_>) -> Vec<&'d Document<'t>> {
    let all = one.iter();
    all.filter(|file| !other.has(file.path())).collect()
}

fn files<'d>(documents: &[&'d Document<'_>]) -> Vec<File<'d>> {
    let all = documents.iter();
    all.map(|document| File {
        path: document.path(),
        bytes: document.bytes(),
    })
    .collect()
}

/// How many files and objects there are in a tree.
pub(in crate::diff) fn count(tree: &RenderedTree) -> (usize, usize) {
    let documents = tree.files();
    let objects = documents.map(|(path, bytes)| {
        let document = Document::of(path.as_str(), bytes);
        objects_in(&document).len()
    });
    (tree.0.len(), objects.sum())
}

impl TreeComparison {
    fn push_changed(&mut self, findings: Vec<Finding>, old: &Document<'_>, new: &Document<'_>) {
        self.file_totals.changed += 1;
        self.object_totals
            .add(compare_objects(&objects_in(old), &objects_in(new)));
        self.files.push(comparison(new, findings));
    }

    fn push_renamed(&mut self, old: &Document<'_>, new: &Document<'_>, known: &Placeholders) {
        let from = redact::text(old.path());
        let mut findings = whole(TextChange::shown(Detail::FileRenamed { from }), known);
        if old.bytes() != new.bytes() {
            findings.extend(compare_documents(old, new, known));
        }
        self.push_changed(findings, old, new);
    }

    fn push_removed(&mut self, old: &Document<'_>, known: &Placeholders) {
        self.file_totals.removed += 1;
        self.object_totals.removed += objects_in(old).len();
        let findings = whole(TextChange::shown(Detail::FileRemoved), known);
        self.files.push(comparison(old, findings));
    }

    fn push_added(&mut self, new: &Document<'_>, known: &Placeholders) {
        self.file_totals.added += 1;
        self.object_totals.added += objects_in(new).len();
        let findings = whole(file_added(new), known);
        self.files.push(comparison(new, findings));
    }
}

/// A new file with its text, unless that is nothing to be shown.
fn file_added<'d>(new: &'d Document<'_>) -> TextChange<'d> {
    let text = new.text();
    let is_secret = match new.value() {
        Some(value) => redact::has_secret(value),
        None => text.is_some_and(secrets::names_secret),
    };
    let is_readable = Language::of(new.path()) != Some(Language::Pem);
    let text = text.filter(|_| is_readable && !is_secret);
    text::file_added(new.bytes(), text)
}

/// What becomes of a file as a whole.
fn whole(change: TextChange<'_>, known: &Placeholders) -> Vec<Finding> {
    let mut found = Findings::new(known);
    found.push_text(&Path::default(), change);
    found.into_list()
}

fn compare_documents(old: &Document<'_>, new: &Document<'_>, known: &Placeholders) -> Vec<Finding> {
    let mut found = Findings::new(known);
    let top = Path::default();
    match (old.text(), new.text()) {
        (Some(old_text), Some(new_text)) => {
            let language = Language::of(new.path());
            match (language, old.value(), new.value()) {
                (Some(language), Some(one), Some(two)) => {
                    let (old, new) = ((old_text, one), (new_text, two));
                    language::compare_read(language, &top, old, new, &mut found);
                }
                _ => language::compare(language, &top, old_text, new_text, &mut found),
            }
        }
        _ => found.push_text(&top, text::opaque(old.bytes(), new.bytes())),
    }
    found.into_list()
}

fn compare_objects(old: &BTreeMap<&str, &Json>, new: &BTreeMap<&str, &Json>) -> Totals {
    let is_new = |id: &&&str| !old.contains_key(**id);
    let is_removed = |id: &&&str| !new.contains_key(**id);
    let differs =
        |(id, value): &(&&str, &&Json)| old.get(**id).is_some_and(|other| other != *value);
    Totals {
        added: new.keys().filter(is_new).count(),
        changed: new.iter().filter(differs).count(),
        removed: old.keys().filter(is_removed).count(),
    }
}
