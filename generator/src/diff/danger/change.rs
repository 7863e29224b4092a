//! What a rule looks at: one file before and after. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{DangerFinding, Flag};
use crate::diff::veil;
use crate::resolve::ResolvedGitops;
use crate::settings::GitopsTool;
use crate::tree::RenderedTree;

/// Longest sentence, in characters.
const LONGEST: usize = 300;
/// Most names in one sentence.
const MOST_NAMES: usize = 5;

/// Who applies a cluster's Kubernetes objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::diff) enum Applier {
    /// A tool that deletes what is no longer rendered.
    Prunes(&'static str),
    /// Nobody does.
    #[default]
    Nobody,
}

impl Applier {
    /// That of a cluster.
    pub(in crate::diff) fn of(gitops: Option<&ResolvedGitops>) -> Self {
        match gitops {
            Some(gitops) if gitops.sync.prune => match gitops.tool {
                GitopsTool::ArgoCd => Self::Prunes("Argo CD"),
                GitopsTool::Flux => Self::Prunes("Flux"),
                GitopsTool::None => Self::Nobody,
            },
            _ => Self::Nobody,
        }
    }

    /// What becomes of an object that is no longer rendered (`gitops.sync.prune`).
    pub(super) fn of_removed(self) -> String {
        match self {
            Self::Prunes(tool) => format!("{tool} deletes it with the next sync"),
            Self::Nobody => "nothing deletes it by itself".to_owned(),
        }
    }
}

/// What is around a file.
#[derive(Clone, Copy)]
pub(in crate::diff) struct Surroundings<'t> {
    /// All files at the base.
    pub(in crate::diff) base: &'t RenderedTree,
    /// All files at the head.
    pub(in crate::diff) head: &'t RenderedTree,
    /// Who applies them.
    pub(in crate::diff) applier: Applier,
}

/// A file on one side.
#[derive(Clone, Copy)]
pub(in crate::diff) struct Side<'t> {
    /// Its path below the cluster's folder.
    pub(in crate::diff) path: &'t str,
    /// Its text.
    pub(in crate::diff) text: &'t str,
    /// What it means, if it is one document.
    pub(in crate::diff) value: Option<&'t Json>,
}

/// A file before and after.
#[derive(Clone, Copy)]
pub(in crate::diff) struct Change<'t> {
    pub(in crate::diff) old: Option<Side<'t>>,
    pub(in crate::diff) new: Option<Side<'t>>,
    pub(in crate::diff) around: Surroundings<'t>,
}

impl<'t> Change<'t> {
    /// The path that it is told by.
    pub(super) fn path(&self) -> &'t str {
        self.new.or(self.old).map_or("", |side| side.path)
    }

    /// Its value at the base.
    pub(super) fn old_value(&self) -> Option<&'t Json> {
        self.old?.value
    }

    /// Its value at the head.
    pub(super) fn new_value(&self) -> Option<&'t Json> {
        self.new?.value
    }

    /// Both values, if both sides have one.
    pub(super) fn values(&self) -> Option<(&'t Json, &'t Json)> {
        self.old_value().zip(self.new_value())
    }

    /// The path at the base, of a file that is gone or called otherwise.
    pub(super) fn gone_path(&self) -> Option<&'t str> {
        let old = self.old?.path;
        (self.new.map(|new| new.path) != Some(old)).then_some(old)
    }

    /// The object of Kubernetes at the base, if no file of the head has it.
    pub(super) fn gone_object(&self) -> Option<&'t Json> {
        let old = self.old_value()?;
        let identity = identity(old)?;
        let same = self.new_value().and_then(self::identity) == Some(identity);
        let is_patch = self.old?.path.contains("/patches/");
        (!same && !is_patch && !has_object(self.around.head, identity)).then_some(old)
    }

    /// The resources of CloudFormation that differ, by logical id.
    pub(super) fn resources(&self) -> Vec<Resource<'t>> {
        let of =
            |value: Option<&'t Json>| value.and_then(|value| value.get("Resources")?.as_object());
        let (old, new) = (of(self.old_value()), of(self.new_value()));
        let ids: BTreeSet<&String> = old
            .into_iter()
            .chain(new)
            .flat_map(|map| map.keys())
            .collect();
        let resources = ids.into_iter().map(|id| Resource {
            id,
            old: old.and_then(|map| map.get(id)),
            new: new.and_then(|map| map.get(id)),
        });
        resources
            .filter(|resource| resource.old != resource.new)
            .collect()
    }
}

/// A resource of CloudFormation before and after.
#[derive(Clone, Copy)]
pub(super) struct Resource<'t> {
    pub(super) id: &'t str,
    pub(super) old: Option<&'t Json>,
    pub(super) new: Option<&'t Json>,
}

impl<'t> Resource<'t> {
    /// Its type at the base, or at the head if it is new.
    pub(super) fn kind(&self) -> &'t str {
        self.old
            .or(self.new)
            .map_or("", |value| text(value, "/Type"))
    }

    /// That at the base, if the head hasn't got it.
    pub(super) fn gone(&self) -> Option<&'t Json> {
        self.old.filter(|_| self.new.is_none())
    }

    /// Both, if they are of one type.
    pub(super) fn both(&self) -> Option<(&'t Json, &'t Json)> {
        let (old, new) = self.old.zip(self.new)?;
        (text(old, "/Type") == text(new, "/Type")).then_some((old, new))
    }
}

/// Kind, namespace and name of an object of Kubernetes.
pub(super) type Identity<'t> = (&'t str, &'t str, &'t str);

pub(super) fn identity(value: &Json) -> Option<Identity<'_>> {
    let name = value.pointer("/metadata/name")?.as_str()?;
    let kind = value.get("kind")?.as_str()?;
    Some((kind, text(value, "/metadata/namespace"), name))
}

/// Whether a tree has that object. Only asked of what is gone, as files are read.
pub(super) fn has_object(tree: &RenderedTree, wanted: Identity<'_>) -> bool {
    objects(tree, wanted.2).any(|value| identity(&value) == Some(wanted))
}

/// The objects of Kubernetes whose text has that word in it.
pub(super) fn objects<'t>(
    tree: &'t RenderedTree,
    word: &'t str,
) -> impl Iterator<Item = Json> + 't {
    use crate::diff::language::{self, Language};
    tree.files().filter_map(move |(path, bytes)| {
        let path = path.as_str();
        let is_object = path.ends_with(".yaml") && !path.contains("/patches/");
        let text = std::str::from_utf8(bytes).ok().filter(|_| is_object)?;
        text.contains(word)
            .then(|| language::value(Language::Yaml, text))?
    })
}

/// Whether a kind of Kubernetes runs pods.
pub(super) fn is_workload(kind: &str) -> bool {
    matches!(
        kind,
        "DaemonSet" | "Deployment" | "StatefulSet" | "CronJob" | "Job" | "Pod"
    )
}

/// The specification of the pods that an object runs.
pub(super) fn pod_spec(value: &Json) -> Option<&Json> {
    match text(value, "/kind") {
        "Pod" => value.get("spec"),
        "CronJob" => value.pointer("/spec/jobTemplate/spec/template/spec"),
        kind if is_workload(kind) => value.pointer("/spec/template/spec"),
        _ => None,
    }
}

/// The containers of a pod, each with its name, those of its start among them.
pub(super) fn containers(spec: &Json) -> Vec<(&str, &Json)> {
    let lists = ["containers", "initContainers"].into_iter();
    let items = lists.flat_map(|list| items(spec, list));
    items.map(|item| (text(item, "/name"), item)).collect()
}

/// The text at a pointer; empty if there is none.
pub(super) fn text<'t>(value: &'t Json, pointer: &str) -> &'t str {
    value
        .pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_default()
}

/// The items of a list under a key; none if it is no list.
pub(super) fn items<'t>(value: &'t Json, key: &str) -> &'t [Json] {
    value
        .get(key)
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A value that is one text or a list of such, as texts; what is no text as JSON.
pub(super) fn texts(value: Option<&Json>) -> Vec<String> {
    let one = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.iter().map(one).collect(),
        Some(value) => vec![one(value)],
    }
}

/// A few names, fit to be shown.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let all: BTreeSet<&String> = names.into_iter().collect();
    let shown: Vec<String> = all
        .iter()
        .take(MOST_NAMES)
        .map(|name| shown(name))
        .collect();
    match all.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A name or value, fit to be shown.
pub(super) fn shown(value: &str) -> String {
    let plain: String = value.chars().filter(|c| !c.is_control()).take(80).collect();
    veil::shown_text(&plain)
}

/// What the rules found in one file.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<DangerFinding>,
}

impl Found {
    /// Adds a danger, unless it is there.
    pub(super) fn push(&mut self, flag: Flag, what: impl AsRef<str>, live: Option<String>) {
        let masked = veil::shown_text(what.as_ref());
        let finding = DangerFinding {
            flag,
            what: masked.chars().take(LONGEST).collect(),
            live,
            file: None,
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}
