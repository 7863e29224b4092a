//! Patches: what settings change in rendered files, after the templates and
//! before the checks. Pure.
//!
//! ```text
//! select     which files, and which objects in them
//! merge      JSON Merge Patch, or a strategic merge patch for Kubernetes
//! list_keys  which lists have items with a key
//! digests    names that tell a digest follow what was changed
//! ```
//!
//! A `.json` file stays canonical; a `.yaml` file keeps the comments at its top
//! and loses others.

mod digests;
pub mod list_keys;
pub mod strategic;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use logfleet_contract::pattern::{matches, matches_path};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::fault::{Fault, Faults};
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml as yaml_reader;
use crate::nearest::did_you_mean;
use crate::render::json;
use crate::resolve::PlacedPatch;
use crate::settings::{ObjectKind, Patch, PatchName, ResourceType};
use crate::tree::{RenderedTree, TreePath};

/// What tells a patch that several clusters share from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedPatch {
    /// The file that it stands in.
    file: String,
    /// Its name.
    name: String,
}

impl PlacedPatch {
    fn shared(&self) -> SharedPatch {
        SharedPatch {
            file: self.place.file.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether it may have changed something in a file, of these bytes as they are now.
    pub(crate) fn is_for(&self, path: &str, bytes: &[u8]) -> bool {
        let selector = Selector { patch: &self.patch };
        selector.takes_file(path)
            && Document::read(path, bytes).is_some_and(|mut document| {
                let mut count = 0;
                document.each(&selector, &mut |_, _| count += 1);
                count > 0
            })
    }

    fn fault(&self, message: &str) -> Fault {
        Fault::input(format!("`patches.{}` {message}", self.name)).at(self.place.clone())
    }
}

/// Patches that fleet and environments have: which of them met something in
/// some cluster, from any thread.
#[derive(Debug, Default)]
pub(crate) struct PatchesSeen(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    met: BTreeSet<SharedPatch>,
    missed: BTreeMap<SharedPatch, Fault>,
}

impl PatchesSeen {
    /// Adds what met something.
    pub(crate) fn add_met(&self, met: impl IntoIterator<Item = SharedPatch>) {
        self.lock().met.extend(met);
    }

    /// Adds what a cluster's patches did.
    pub(crate) fn add(&self, applied: &Applied) {
        let mut seen = self.lock();
        seen.met.extend(applied.met.iter().cloned());
        let missed = applied.missed.iter();
        seen.missed
            .extend(missed.map(|(patch, fault)| (patch.clone(), fault.clone())));
    }

    /// The faults of those that met nothing in any cluster.
    pub(crate) fn faults(&self) -> Faults {
        let seen = self.lock();
        let missed = seen.missed.iter();
        let missed = missed.filter(|(patch, _)| !seen.met.contains(*patch));
        missed.map(|(_, fault)| fault.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        // A thread that panicked left the sets as they were.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the shared patches of a cluster did.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Those that changed something.
    pub(crate) met: Vec<SharedPatch>,
    /// Those that changed nothing here, with the fault if none does anywhere.
    missed: Vec<(SharedPatch, Fault)>,
}

/// Applies a cluster's patches, in the order of their names. One of its own
/// that changes nothing is a fault.
pub(crate) fn apply(tree: &mut RenderedTree, patches: &[PlacedPatch]) -> Result<Applied, Faults> {
    let mut applied = Applied::default();
    let mut faults = Faults::new();
    let mut renames = false;
    for patch in patches {
        let selector = Selector {
            patch: &patch.patch,
        };
        let mut outcome = Outcome::default();
        let files = tree.0.iter_mut();
        for (path, bytes) in files.filter(|(path, _)| selector.takes_file(path.as_str())) {
            if let Some(changed) = change(path, bytes, &selector, patch, &mut outcome) {
                *bytes = changed;
                renames |= path.as_str().starts_with("elasticsearch/");
            }
        }
        if outcome.changed > 0 {
            applied.met.push(patch.shared());
            continue;
        }
        let fault = unmet(patch, &selector, &outcome);
        if patch.is_own {
            faults.push(
                fault.hint(
                    "remove it, or correct what it is for; `gen explain` shows where it is set",
                ),
            );
        } else {
            let hint = "remove it, or correct what it is for; it holds for several clusters, and changes nothing in any";
            applied.missed.push((patch.shared(), fault.hint(hint)));
        }
    }
    if renames {
        digests::rename(tree);
    }
    faults.into_result(applied)
}

/// What a patch met in all files.
#[derive(Debug, Default)]
struct Outcome {
    found: usize,
    changed: usize,
    /// What else there was, for a hint.
    seen: BTreeSet<String>,
}

/// The new bytes of a file, if a patch changes it.
fn change(
    path: &TreePath,
    bytes: &[u8],
    selector: &Selector<'_>,
    patch: &PlacedPatch,
    outcome: &mut Outcome,
) -> Option<Vec<u8>> {
    let mut document = Document::read(path.as_str(), bytes)?;
    document.see(selector, &mut outcome.seen);
    let merge = &patch.patch.merge;
    let mut changed = 0;
    document.each(selector, &mut |value, is_kubernetes| {
        outcome.found += 1;
        let before = value.clone();
        if is_kubernetes {
            // Deleting an object is the kustomization's, which lists its file.
            if let Some(after) = strategic::patched(value, merge) {
                *value = after;
            }
        } else {
            merge_patch(value, merge);
        }
        changed += usize::from(*value != before);
    });
    outcome.changed += changed;
    (changed > 0)
        .then(|| document.text(bytes, &patch.name))
        .flatten()
}

fn unmet(patch: &PlacedPatch, selector: &Selector<'_>, outcome: &Outcome) -> Fault {
    if outcome.found > 0 {
        let what = if outcome.found == 1 {
            "what it is for has".to_owned()
        } else {
            format!("the {} that it is for have", outcome.found)
        };
        return patch.fault(&format!("changes nothing: {what} these values already"));
    }
    let fault = patch.fault(&format!(
        "matches nothing: {} is rendered",
        selector.nothing()
    ));
    let wanted = selector.wanted();
    let others = outcome.seen.iter().filter(|seen| *seen != wanted);
    match did_you_mean(wanted, others.map(String::as_str)) {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

/// What a patch is for.
struct Selector<'p> {
    patch: &'p Patch,
}

impl Selector<'_> {
    fn takes_file(&self, path: &str) -> bool {
        let is_of_language = match (&self.patch.r#type, &self.patch.kind) {
            (Some(_), _) => {
                path.ends_with(".json")
                    && (path.starts_with("aws/") || path == "machines/stack.json")
            }
            (None, Some(_)) => is_of_kubernetes(path),
            (None, None) => has_no_copy(path),
        };
        is_of_language
            && self
                .patch
                .path
                .as_ref()
                .is_none_or(|pattern| matches_path(pattern.as_str(), path))
    }

    fn takes_name(&self, name: &str) -> bool {
        self.patch
            .name
            .as_ref()
            .is_none_or(|pattern| matches(pattern.as_str(), name))
    }

    /// What isn't there, for a sentence.
    fn nothing(&self) -> String {
        let named = self
            .patch
            .name
            .as_ref()
            .map(|name| format!(" `{name}`"))
            .unwrap_or_default();
        let below = self
            .patch
            .path
            .as_ref()
            .map(|path| format!(" in `{path}`"))
            .unwrap_or_default();
        match (&self.patch.r#type, &self.patch.kind) {
            (Some(kind), _) => format!("no resource{named} of the type `{kind}`{below}"),
            (None, Some(kind)) => format!("no {kind}{named}{below}"),
            (None, None) => format!("no file{below} that a patch may change"),
        }
    }

    /// The word that may be mistyped.
    fn wanted(&self) -> &str {
        let patch = self.patch;
        let name = patch.name.as_ref().map(PatchName::as_str);
        let of = patch.r#type.as_ref().map(ResourceType::as_str);
        let kind = patch.kind.as_ref().map(ObjectKind::as_str);
        name.or(of).or(kind).unwrap_or_default()
    }
}

fn is_of_kubernetes(path: &str) -> bool {
    (path.starts_with("kubernetes/") || path.starts_with("gitops/"))
        && path.ends_with(".yaml")
        && !path.starts_with("kubernetes/patches/")
        && has_no_copy(path)
}

/// Whether no other file holds the same text. What machines install is also in
/// their scripts, user data and documents; what pods mount is a plain file.
fn has_no_copy(path: &str) -> bool {
    let is_of_machines = path.starts_with("machines/") && path != "machines/stack.json";
    !is_of_machines
        && !path.starts_with("kubernetes/patches/")
        && path != "kubernetes/events/config.yaml"
}

/// A file as a value.
struct Document {
    value: Json,
    kind: DocumentKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DocumentKind {
    /// Of CloudFormation: where its resources are.
    Template(&'static [&'static str]),
    Kubernetes,
    Json,
    Yaml,
}

impl Document {
    fn read(path: &str, bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (value, kind) = if path.ends_with(".json") {
            let kind = if path.starts_with("aws/members/") {
                DocumentKind::Template(&["resources", "once"])
            } else if path.starts_with("aws/") || path == "machines/stack.json" {
                DocumentKind::Template(&["Resources"])
            } else {
                DocumentKind::Json
            };
            (serde_json::from_str(text).ok()?, kind)
        } else {
            let node = yaml_reader::parse(FileId(0), &SourceFile::new(path, text)).ok()?;
            let kind = if is_of_kubernetes(path) {
                DocumentKind::Kubernetes
            } else {
                DocumentKind::Yaml
            };
            (node.to_json(), kind)
        };
        Some(Self { value, kind })
    }

    /// Hands over everything that a patch is for, and whether it is merged as
    /// Kubernetes objects are.
    fn each(&mut self, selector: &Selector<'_>, take: &mut impl FnMut(&mut Json, bool)) {
        let is_kubernetes = self.kind == DocumentKind::Kubernetes;
        match (&selector.patch.r#type, self.kind) {
            (Some(of_type), DocumentKind::Template(parts)) => {
                for part in parts {
                    let resources = self.value.get_mut(part).and_then(Json::as_object_mut);
                    for (id, resource) in resources.into_iter().flatten() {
                        if resource["Type"] == of_type.as_str() && selector.takes_name(id) {
                            take(resource, false);
                        }
                    }
                }
            }
            (Some(_), _) => {}
            (None, _) => {
                let kind = selector.patch.kind.as_ref().map(ObjectKind::as_str);
                let is_kind = kind.is_none_or(|kind| self.value["kind"] == kind);
                let name = self.value["metadata"]["name"].as_str().unwrap_or_default();
                if is_kind && selector.takes_name(name) {
                    take(&mut self.value, is_kubernetes);
                }
            }
        }
    }

    /// What there is of what a patch may be for.
    fn see(&self, selector: &Selector<'_>, seen: &mut BTreeSet<String>) {
        let wants_name = selector.patch.name.is_some();
        let text = |value: &Json| value.as_str().map(str::to_owned);
        if let (Some(of_type), DocumentKind::Template(parts)) = (&selector.patch.r#type, self.kind)
        {
            let resources = parts
                .iter()
                .filter_map(|part| self.value.get(part)?.as_object());
            for (id, resource) in resources.flatten() {
                if !wants_name {
                    seen.extend(text(&resource["Type"]));
                } else if resource["Type"] == of_type.as_str() {
                    seen.insert(id.clone());
                }
            }
        } else if let Some(kind) = &selector.patch.kind {
            if !wants_name {
                seen.extend(text(&self.value["kind"]));
            } else if self.value["kind"] == kind.as_str() {
                seen.extend(text(&self.value["metadata"]["name"]));
            }
        }
    }

    /// The file's new text.
    fn text(&self, before: &[u8], patch: &str) -> Option<Vec<u8>> {
        let text = match self.kind {
            DocumentKind::Template(_) | DocumentKind::Json => {
                json::canonical(&self.value.to_string()).ok()?
            }
            DocumentKind::Kubernetes | DocumentKind::Yaml => {
                let before = std::str::from_utf8(before).ok()?;
                let comments = before.lines().take_while(|line| line.starts_with('#'));
                let mut text: String = comments.flat_map(|line| [line, "\n"]).collect();
                text.push_str("# Changed by `patches.");
                text.push_str(patch);
                text.push_str("`.\n");
                text + &yaml::emit(&self.value)
            }
        };
        Some(text.into_bytes())
    }
}

/// JSON Merge Patch (<https://www.rfc-editor.org/rfc/rfc7396#section-2>).
fn merge_patch(value: &mut Json, patch: &Json) {
    let Json::Object(changes) = patch else {
        value.clone_from(patch);
        return;
    };
    if !value.is_object() {
        *value = Json::Object(serde_json::Map::new());
    }
    if let Json::Object(members) = value {
        for (key, change) in changes {
            if change.is_null() {
                members.shift_remove(key);
            } else {
                merge_patch(members.entry(key.as_str()).or_insert(Json::Null), change);
            }
        }
    }
}

#[cfg(test)]
mod tests;
