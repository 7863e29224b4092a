//! What rows and their facts read: who applies files, values of objects, names in sentences. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Flag, RiskFinding};
use crate::diff::documents::{Document, Documents};
use crate::diff::redact;
use crate::resolve::ResolvedGitops;
use crate::settings::GitopsTool;

/// Longest sentence, in characters.
const LONGEST: usize = 480;
/// Longest name, in characters: that of most resources of AWS fits.
const LONGEST_NAME: usize = 128;
/// Most names in one sentence.
const MOST_NAMES: usize = 5;

/// Who applies a cluster's Kubernetes objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::diff) enum Applier {
    /// A tool that deletes what is no longer rendered.
    Prunes(&'static str),
    /// Argo CD, which applies and deletes nothing until somebody presses Sync
    /// (<https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/>).
    Waits,
    /// Flux, which does nothing until it goes on; then it deletes
    /// (<https://fluxcd.io/flux/components/kustomize/kustomizations/#suspend>).
    Suspended,
    /// Nobody does.
    #[default]
    Nobody,
}

impl Applier {
    /// That of a cluster.
    pub(in crate::diff) fn of(gitops: Option<&ResolvedGitops>) -> Self {
        let Some(gitops) = gitops.filter(|gitops| gitops.sync.prune) else {
            return Self::Nobody;
        };
        match (gitops.tool, gitops.sync.automated) {
            (GitopsTool::ArgoCd, true) => Self::Prunes("Argo CD"),
            (GitopsTool::ArgoCd, false) => Self::Waits,
            (GitopsTool::Flux, true) => Self::Prunes("Flux"),
            (GitopsTool::Flux, false) => Self::Suspended,
            (GitopsTool::None, _) => Self::Nobody,
        }
    }

    /// What becomes of an object that is no longer rendered (`gitops.sync.prune`).
    pub(super) fn of_removed(self) -> String {
        match self {
            Self::Prunes(tool) => format!("{tool} deletes it with the next sync"),
            Self::Waits => {
                "nothing deletes it automatically: Argo CD does when someone syncs with pruning"
                    .to_owned()
            }
            Self::Suspended => {
                "nothing deletes it as long as Flux is suspended; Flux does when it is resumed"
                    .to_owned()
            }
            Self::Nobody => "nothing deletes it by itself".to_owned(),
        }
    }
}

/// What is around a file.
#[derive(Clone, Copy)]
pub(in crate::diff) struct Surroundings<'t> {
    /// All files at the base.
    pub(in crate::diff) base: &'t Documents<'t>,
    /// All files at the head.
    pub(in crate::diff) head: &'t Documents<'t>,
    /// Who applies them.
    pub(in crate::diff) applier: Applier,
}

/// What becomes of resources that leave a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stack {
    /// The whole template is removed, and its stack isn't.
    Stays,
    /// The stack is updated by the template.
    Updated,
    /// The resources are of the members' stack, which is made of fragments.
    OfMembers,
}

impl Stack {
    /// What becomes of a resource that nothing keeps.
    pub(super) fn of_removed(self) -> &'static str {
        match self {
            Self::Stays => "it stays as long as its stack, which nothing deletes by itself",
            Self::Updated => "CloudFormation deletes it when the stack is updated",
            Self::OfMembers => {
                "CloudFormation deletes it for every member when the members' stack is recreated"
            }
        }
    }
}

/// Whether it is a fragment: what hangs on the members of one type
/// (docs/decisions/0013-cloudformation-and-fragments.md).
pub(super) fn is_fragment(value: &Json) -> bool {
    value.get("member_type").is_some()
}

/// The resources of a template, or of a fragment, by logical id.
pub(super) fn resources(value: Option<&Json>) -> BTreeMap<&str, &Json> {
    let Some(value) = value else {
        return BTreeMap::new();
    };
    let lists: &[&str] = if is_fragment(value) {
        &["resources", "once"]
    } else {
        &["Resources"]
    };
    let maps = lists.iter().filter_map(|list| value.get(list)?.as_object());
    let all = maps.flatten();
    all.map(|(id, resource)| (id.as_str(), resource)).collect()
}

/// Kind, namespace and name of an object of Kubernetes.
pub(super) type Identity<'t> = (&'t str, &'t str, &'t str);

pub(super) fn identity(value: &Json) -> Option<Identity<'_>> {
    let name = value.pointer("/metadata/name")?.as_str()?;
    let kind = value.get("kind")?.as_str()?;
    Some((kind, text(value, "/metadata/namespace"), name))
}

/// Whether an object is among the files, which are read for it.
pub(super) fn has_object(files: &Documents<'_>, wanted: Identity<'_>) -> bool {
    objects(files, wanted.2).any(|value| identity(value) == Some(wanted))
}

/// The objects of Kubernetes whose text has that word in it.
pub(super) fn objects<'d>(
    files: &'d Documents<'_>,
    word: &'d str,
) -> impl Iterator<Item = &'d Json> {
    let objects = files.iter().filter(move |file| {
        let path = file.path();
        let is_object = path.ends_with(".yaml") && !path.contains("/patches/");
        is_object && file.text().is_some_and(|text| text.contains(word))
    });
    objects.filter_map(Document::value)
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
        .map(|name| legible(name))
        .collect();
    match all.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A name or value, fit to be shown. Of a long one both ends tell which it is.
pub(super) fn legible(value: &str) -> String {
    let plain: String = value.chars().filter(|c| !c.is_control()).collect();
    shorten(&redact::text(&plain), LONGEST_NAME)
}

/// A text of that many characters at most, with a mark where some are left out.
fn shorten(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let before = most.saturating_sub(1).div_ceil(2);
    let after = most.saturating_sub(1) - before;
    let start: String = text.chars().take(before).collect();
    let end: String = text.chars().skip(length - after).collect();
    format!("{start}…{end}")
}

/// Risks, each once.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<RiskFinding>,
}

impl Found {
    /// Adds a risk, unless it is there.
    pub(super) fn push(&mut self, flag: Flag, what: impl AsRef<str>, live: Option<String>) {
        self.push_finding(RiskFinding {
            flag,
            what: what.as_ref().to_owned(),
            live,
            file: None,
            removed: None,
            difference: None,
        });
    }

    pub(super) fn push_finding(&mut self, finding: RiskFinding) {
        let what = shorten(&redact::text(&finding.what), LONGEST);
        let finding = RiskFinding { what, ..finding };
        let is_same = |other: &RiskFinding| {
            (other.flag, &other.file, &other.what, &other.live)
                == (finding.flag, &finding.file, &finding.what, &finding.live)
        };
        if !self.findings.iter().any(is_same) {
            self.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{STACK, of_texts, of_trees, resource};
    use super::*;

    #[test]
    fn a_long_name_is_cut_with_a_mark_and_keeps_its_end() {
        assert_eq!(legible("short"), "short");
        let long = format!("{}-the-end", "a".repeat(200));
        let reported = legible(&long);
        assert_eq!(reported.chars().count(), LONGEST_NAME);
        assert!(
            reported.contains('…') && reported.ends_with("-the-end"),
            "{reported}"
        );
    }

    #[test]
    fn what_can_no_longer_be_read_is_not_removed() {
        let group = resource("AWS::Logs::LogGroup", &json!({})).to_string();
        assert!(of_texts(STACK, &group, "{ \"Resources\": ").is_empty());
        let set = "kind: DaemonSet\nmetadata:\n  name: x\n";
        assert!(of_texts("kubernetes/x.yaml", set, &format!("{set}---\n{set}")).is_empty());
        assert_eq!(
            of_trees(&[("kubernetes/x.yaml", set.to_owned())], &[]).len(),
            1
        );
    }

    #[test]
    fn what_a_tool_deletes_depends_on_whether_it_syncs_by_itself() {
        assert!(
            Applier::Waits
                .of_removed()
                .starts_with("nothing deletes it automatically")
        );
        assert!(Applier::Suspended.of_removed().contains("suspended"));
    }
}
