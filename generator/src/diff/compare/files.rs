//! Two rendered trees of one cluster, file by file. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::finding::{Finding, Findings, Path};
use super::language::{self, Language};
use super::renames;
use super::text::{self, TextChange};
use crate::diff::placeholders::Placeholders;
use crate::diff::preview::{Detail, Totals};
use crate::diff::redact;
use crate::diff::risk::{self, Change, DataStreams, RiskFinding, Side, Surroundings};
use crate::secrets;
use crate::tree::{RenderedTree, TreePath};

/// What differs between two trees.
#[derive(Debug, Default)]
pub(in crate::diff) struct TreeComparison {
    /// Its files.
    pub(in crate::diff) files: Vec<FileComparison>,
    /// How many files came, changed and went.
    pub(in crate::diff) file_totals: Totals,
    /// The same of objects.
    pub(in crate::diff) object_totals: Totals,
    /// What in it is risky.
    pub(in crate::diff) risks: Vec<RiskFinding>,
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

/// A file and what it means, read once.
struct Version<'t> {
    file: File<'t>,
    text: Option<&'t str>,
    value: Option<Json>,
}

impl<'t> Version<'t> {
    fn read(file: File<'t>) -> Self {
        let text = std::str::from_utf8(file.bytes).ok();
        let value = text.and_then(|text| language::value(Language::of(file.path)?, text));
        Self { file, text, value }
    }

    /// The Kubernetes object in it: `Kind namespace/name`.
    fn object(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        let kind = value.get("kind")?.as_str()?;
        let metadata = value.get("metadata")?;
        let name = metadata.get("name")?.as_str()?;
        let name = match metadata.get("namespace").and_then(Json::as_str) {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        Some(redact::text(&name))
    }

    /// What in it has a life of its own where it is applied: each resource of
    /// a `CloudFormation` template, a Kubernetes object, or a body for
    /// Elasticsearch or OpenSearch.
    fn objects(&self) -> BTreeMap<&str, &Json> {
        let Some(value) = &self.value else {
            return BTreeMap::new();
        };
        if let Some(Json::Object(resources)) = value.get("Resources") {
            let resources = resources.iter();
            return resources.map(|(id, value)| (id.as_str(), value)).collect();
        }
        let is_kustomization = self.file.path.ends_with("kustomization.yaml");
        let is_object = value.get("kind").is_some() && !is_kustomization;
        if is_object || self.file.path.starts_with("elasticsearch/") {
            BTreeMap::from([("", value)])
        } else {
            BTreeMap::new()
        }
    }

    /// As the rules of risks see it; nothing if it is no text.
    fn side(&self) -> Option<Side<'_>> {
        Some(Side {
            path: self.file.path,
            text: self.text?,
            value: self.value.as_ref(),
        })
    }

    fn comparison(&self, findings: Vec<Finding>) -> FileComparison {
        FileComparison {
            path: redact::text(self.file.path),
            object: self.object(),
            findings,
        }
    }
}

/// Compares what two trees of a cluster hold, which has these values of its
/// own: bytes first, and where these differ, what they mean.
pub(in crate::diff) fn compare_trees(
    around: Surroundings<'_>,
    known: &Placeholders,
) -> TreeComparison {
    let mut result = TreeComparison::default();
    let streams = DataStreams::of(around);
    for (old, new) in differing(around.base, around.head) {
        let [old, new] = [old, new].map(|file| file.map(Version::read));
        match (&old, &new) {
            (Some(old), Some(new)) if old.file.path == new.file.path => {
                result.push_changed(compare_versions(old, new, known), old, new);
            }
            (Some(old), Some(new)) => result.push_renamed(old, new, known),
            (Some(old), None) => result.push_removed(old, known),
            (None, Some(new)) => result.push_added(new, known),
            (None, None) => {}
        }
        let risks = risks_of(old.as_ref(), new.as_ref(), around, &streams);
        result.risks.extend(risks);
    }
    add_new(&mut result.risks, streams.risks(around));
    result.files.sort_by(|a, b| a.path.cmp(&b.path));
    result
}

/// What is risky about the files that differ, and nothing else of them.
pub(in crate::diff) fn risks(around: Surroundings<'_>) -> Vec<RiskFinding> {
    let streams = DataStreams::of(around);
    let risks = differing(around.base, around.head)
        .into_iter()
        .flat_map(|pair| {
            let [old, new] = <[_; 2]>::from(pair).map(|file| file.map(Version::read));
            risks_of(old.as_ref(), new.as_ref(), around, &streams)
        });
    let mut risks: Vec<RiskFinding> = risks.collect();
    add_new(&mut risks, streams.risks(around));
    risks
}

/// Adds what isn't reported already, of a file that is for data streams and more.
fn add_new(risks: &mut Vec<RiskFinding>, of_streams: Vec<RiskFinding>) {
    for risk in of_streams {
        if !risks.contains(&risk) {
            risks.push(risk);
        }
    }
}

fn risks_of(
    old: Option<&Version<'_>>,
    new: Option<&Version<'_>>,
    around: Surroundings<'_>,
    streams: &DataStreams,
) -> Vec<RiskFinding> {
    let [old, new] = [old, new].map(|version| version.and_then(Version::side));
    let change = Change {
        old,
        new,
        around,
        streams,
    };
    risk::of_change(&change)
}

/// The files that aren't the same on both sides, each with what it was: those
/// that differ, then those that went, then those that came or have another name.
fn differing<'t>(
    base: &'t RenderedTree,
    head: &'t RenderedTree,
) -> Vec<(Option<File<'t>>, Option<File<'t>>)> {
    let (removed, added) = (only_in(base, head), only_in(head, base));
    let renames = renames::find(&removed, &added);
    let mut pairs = Vec::new();
    for (path, new) in head.files() {
        if let Some(old) = base.0.get(path).filter(|old| *old != new) {
            let path = path.as_str();
            let file = |bytes| Some(File { path, bytes });
            pairs.push((file(old), file(new)));
        }
    }
    let is_renamed = |file: &File<'_>| renames.iter().any(|(from, _)| from.path == file.path);
    let removed = removed.into_iter().filter(|file| !is_renamed(file));
    pairs.extend(removed.map(|file| (Some(file), None)));
    pairs.extend(added.into_iter().map(|file| {
        let renamed = renames.iter().find(|(_, to)| to.path == file.path);
        (renamed.map(|(from, _)| *from), Some(file))
    }));
    pairs
}

/// How many files and objects there are in a tree.
pub(in crate::diff) fn count(tree: &RenderedTree) -> (usize, usize) {
    let count = |(path, bytes): (&TreePath, &[u8])| {
        let path = path.as_str();
        Version::read(File { path, bytes }).objects().len()
    };
    (tree.0.len(), tree.files().map(count).sum())
}

fn only_in<'t>(one: &'t RenderedTree, other: &RenderedTree) -> Vec<File<'t>> {
    let only = one
        .0
        .iter()
        .filter(|(path, _)| !other.0.contains_key(*path));
    let files = only.map(|(path, bytes)| File {
        path: path.as_str(),
        bytes,
    });
    files.collect()
}

impl TreeComparison {
    fn push_changed(&mut self, findings: Vec<Finding>, old: &Version<'_>, new: &Version<'_>) {
        self.file_totals.changed += 1;
        self.object_totals
            .add(compare_objects(&old.objects(), &new.objects()));
        self.files.push(new.comparison(findings));
    }

    fn push_renamed(&mut self, old: &Version<'_>, new: &Version<'_>, known: &Placeholders) {
        let from = redact::text(old.file.path);
        let mut findings = whole(TextChange::shown(Detail::FileRenamed { from }), known);
        if old.file.bytes != new.file.bytes {
            findings.extend(compare_versions(old, new, known));
        }
        self.push_changed(findings, old, new);
    }

    fn push_removed(&mut self, old: &Version<'_>, known: &Placeholders) {
        self.file_totals.removed += 1;
        self.object_totals.removed += old.objects().len();
        let findings = whole(TextChange::shown(Detail::FileRemoved), known);
        self.files.push(old.comparison(findings));
    }

    fn push_added(&mut self, new: &Version<'_>, known: &Placeholders) {
        self.file_totals.added += 1;
        self.object_totals.added += new.objects().len();
        let findings = whole(file_added(new), known);
        self.files.push(new.comparison(findings));
    }
}

/// A new file with its text, unless that is nothing to be shown.
fn file_added<'t>(new: &Version<'t>) -> TextChange<'t> {
    let is_secret = match &new.value {
        Some(value) => redact::has_secret(value),
        None => new.text.is_some_and(secrets::names_secret),
    };
    let is_readable = Language::of(new.file.path) != Some(Language::Pem);
    let text = new.text.filter(|_| is_readable && !is_secret);
    text::file_added(new.file.bytes, text)
}

/// What becomes of a file as a whole.
fn whole(change: TextChange<'_>, known: &Placeholders) -> Vec<Finding> {
    let mut found = Findings::new(known);
    found.push_text(&Path::default(), change);
    found.into_list()
}

fn compare_versions(old: &Version<'_>, new: &Version<'_>, known: &Placeholders) -> Vec<Finding> {
    let mut found = Findings::new(known);
    let top = Path::default();
    match (old.text, new.text) {
        (Some(old_text), Some(new_text)) => {
            let language = Language::of(new.file.path);
            match (language, &old.value, &new.value) {
                (Some(language), Some(one), Some(two)) => {
                    let (old, new) = ((old_text, one), (new_text, two));
                    language::compare_read(language, &top, old, new, &mut found);
                }
                _ => language::compare(language, &top, old_text, new_text, &mut found),
            }
        }
        _ => found.push_text(&top, text::opaque(old.file.bytes, new.file.bytes)),
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
