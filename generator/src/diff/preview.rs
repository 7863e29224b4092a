//! What a change does to the rendered files of a fleet: the data that every
//! format of `gen diff` is laid out from, and the document of `--format json`.
//!
//! Values in it are fit to be shown: what looks like a secret is masked. In a
//! group of several clusters `{cluster}` stands for the name of each, in any
//! spelling and as the namespace of its data streams; `{account}`, `{region}`,
//! `{environment}` and `{aws_name}`, a shortened name in AWS, for what each has of its own.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::fault::Fault;
use crate::settings::Flag;

/// The format of the document; a later one that can't be read as this has another.
pub const FORMAT: u32 = 1;

/// A preview.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Preview {
    /// [`FORMAT`].
    pub logfleet_preview: u32,
    /// What happens, in one line.
    pub verdict: String,
    /// What is compared with.
    pub base: Side,
    /// What is looked at.
    pub head: Side,
    /// What can lose, leak or break something; what nobody has acknowledged first.
    #[serde(rename = "dangers")]
    pub risks: Vec<Risk>,
    /// What of the acknowledgements can't be made out, or counts no more: it acknowledges nothing.
    pub acknowledgement_faults: Vec<Fault>,
    /// The settings that changed, those of the fleet first, then those of environments and clusters.
    pub settings: Vec<SettingChange>,
    /// Clusters by what becomes of them.
    pub clusters: ClusterTotals,
    /// Files of all clusters, whole clusters that come or go included.
    pub files: Totals,
    /// Kubernetes objects, resources of `CloudFormation`, and bodies for Elasticsearch or OpenSearch.
    pub objects: Totals,
    /// The clusters that don't stay as they are, by name.
    pub changed_clusters: Vec<ClusterChange>,
    /// What clusters ship that are new, those that ship the same reported once.
    pub new_clusters: Vec<NewClusters>,
    /// What changes in clusters that stay, equal changes reported once. Those of comments only come last.
    pub groups: Vec<Group>,
    /// Which inputs changed, and how far that reaches.
    pub blast_radius: BlastRadius,
    /// What is wrong at the head.
    pub head_faults: Vec<Fault>,
    /// What is wrong at the base only; its clusters are not compared.
    pub base_faults: Vec<Fault>,
}

/// One side of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// What it was called: a revision, or `worktree`.
    pub revision: String,
    /// The commit; none for the working tree.
    pub commit: Option<String>,
    /// How it came to be this one, such as "the merge base with main".
    pub taken: String,
}

/// Something that a reviewer has to know before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// Its kind.
    pub flag: Flag,
    /// What happens, in a sentence without its end.
    pub what: String,
    /// What is deleted where it runs, in a sentence without its end.
    pub live: Option<String>,
    /// The clusters, by name.
    pub clusters: Vec<String>,
    /// Where it was found, below `rendered/<cluster>/`; empty for clusters as a whole.
    pub files: Vec<String>,
    /// Who says that it is meant; none if nobody does.
    pub acknowledged: Option<Acknowledgement>,
    /// What differs; none where that isn't one property.
    pub key: Option<FactKey>,
    /// What it was, in one word; none where it isn't known, or not the same in all clusters.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// A property of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FactKey {
    /// The kind of object, such as `AWS::EC2::FlowLog`, `DaemonSet` or `container`.
    pub kind: String,
    /// Which one, such as `aws/eu-central-1/stack/FlowLog`; none for several.
    pub object: Option<String>,
    /// The way to the property; empty for the object as a whole.
    pub aspect: String,
}

/// Somebody's word that a risk is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Acknowledgement {
    /// Where it stands: `commit 1f0c9a52`, or a file and its line; of several the first, and how many more.
    pub place: String,
    /// Why it is meant, in their words.
    pub reason: Option<String>,
}

/// A setting that a layer sets otherwise than at the base, or that several
/// layers of one kind set otherwise in the same way. A patch and a rule for
/// records are one setting each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingChange {
    /// Its path, such as `stream_defaults.retention_days`.
    pub path: String,
    /// Whose layer says it: that of the fleet, of an environment or of a cluster.
    pub scope: InputScope,
    /// What the layer says at the base; not there if it says nothing. A `null` removes what lower layers say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// What it says at the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// Where it says so: at the head, or where it is removed, at the base.
    pub places: Vec<SettingPlace>,
    /// What is rendered otherwise where its value is another one.
    pub reach: SettingReach,
}

/// Where a layer says something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SettingPlace {
    /// The file.
    pub file: String,
    /// The line of the setting's name, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
}

/// How far the change of a setting reaches. Which of several settings changes
/// a file isn't known: each is said to reach the clusters that have another
/// value by it and whose files differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettingReach {
    /// Every cluster that there is at the head.
    AllClusters {
        /// How many these are.
        count: usize,
    },
    /// Some clusters.
    Clusters {
        /// These, by name.
        clusters: Vec<String>,
        /// How many there are at the head.
        of: usize,
    },
    /// Only files that are no cluster's.
    SharedFiles {
        /// Their folders below `rendered/`.
        folders: Vec<String>,
    },
    /// Nothing that is rendered.
    Nothing,
    /// Only clusters that can't be compared.
    NotCompared,
}

/// Clusters by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClusterTotals {
    /// New ones.
    pub added: usize,
    /// Those with a file that differs.
    pub changed: usize,
    /// Those that are no longer in the fleet.
    pub removed: usize,
    /// Those that stay as they are.
    pub unchanged: usize,
    /// Those that can't be compared, since one side has a fault.
    pub not_compared: usize,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Totals {
    /// Only at the head.
    pub added: usize,
    /// On both sides, and different.
    pub changed: usize,
    /// Only at the base.
    pub removed: usize,
}

impl Totals {
    /// Whether there is none.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// Adds those of another.
    pub fn add(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.removed += other.removed;
    }
}

/// What becomes of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterStatus {
    /// It is new.
    Added,
    /// It is no longer in the fleet.
    Removed,
    /// Some of its files differ.
    Changed,
    /// It is no cluster: the files of the whole fleet, `rendered/_fleet/`, differ.
    FleetFiles,
    /// It is no cluster: the files of accounts, `rendered/_accounts/`, differ.
    AccountFiles,
    /// The head has a fault that keeps it from being rendered.
    HeadFaulty,
    /// The base has one; what the head renders is counted, and compared with nothing.
    BaseFaulty,
}

/// A cluster that doesn't stay as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterChange {
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub status: ClusterStatus,
    /// Its files.
    pub files: Totals,
    /// Its objects.
    pub objects: Totals,
    /// The removed cluster that it is under another name.
    pub renamed_from: Option<RenamedCluster>,
    /// Of the files of accounts, those that come or go as a whole.
    #[serde(skip_serializing_if = "AccountRegions::is_empty")]
    pub account_regions: AccountRegions,
    /// The kinds of risk in it, the worst first.
    #[serde(rename = "dangers")]
    pub risks: Vec<ClusterRisk>,
}

/// The Regions of accounts that only one side has files of, each as
/// `<account>/<region>`. Like those of a new cluster, these files are counted and
/// judged, and in no group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AccountRegions {
    /// Those that only the head has.
    pub added: Vec<String>,
    /// Those that only the base has.
    pub removed: Vec<String>,
}

impl AccountRegions {
    /// Whether both sides have the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// A kind of risk in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ClusterRisk {
    /// The kind.
    pub flag: Flag,
    /// Whether somebody says that it is meant.
    pub acknowledged: bool,
}

/// A removed cluster that a new one is like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RenamedCluster {
    /// The removed one's name.
    pub name: String,
    /// How many files are the same but for the cluster's own values.
    pub same_files: usize,
}

/// New clusters that ship the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewClusters {
    /// The clusters, by name.
    pub clusters: Vec<String>,
    /// Where their logs end.
    pub ships: Vec<Shipment>,
    /// The logs that they have and don't ship.
    pub leaves_out: Vec<LeftOut>,
}

/// Sources that end at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shipment {
    /// The place: a destination, with its Region if it is in CloudWatch.
    pub at: String,
    /// Days that a record is kept there; none where it is kept for good, or others decide it.
    pub kept_days: Option<u16>,
    /// Whether nothing there is ever deleted.
    pub kept_for_good: bool,
    /// The sources, such as `kubernetes.applications`.
    pub sources: Vec<String>,
}

/// A source that isn't shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The source.
    pub source: String,
    /// The reason, in a sentence without its end.
    pub why: String,
}

/// Changes that the same clusters have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The clusters, by name.
    pub clusters: Vec<String>,
    /// Whether nothing but comments and layout changes.
    pub comments_only: bool,
    /// The changes.
    pub parts: Vec<Part>,
}

/// A change at one place of one or more files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// The files, by path below `rendered/<cluster>/`.
    pub files: Vec<PartFile>,
    /// Where in the file, such as `spec.template.spec.containers[fluentd].image`; empty for the whole file.
    pub path: String,
    /// What it changes from and to: first what most clusters have, then those that differ from it.
    pub variants: Vec<Variant>,
}

/// A file that a change is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PartFile {
    /// Its path below `rendered/<cluster>/`.
    pub path: String,
    /// What object it holds, such as `DaemonSet logging/fluentd-nodes`.
    pub object: Option<String>,
    /// In how many clusters it changes so.
    pub clusters: usize,
    /// Which these are, if they aren't all that the part is of.
    pub only_in: Vec<String>,
}

/// What some of the clusters of a [`Part`] have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// The clusters, by name.
    pub clusters: Vec<String>,
    /// What changes.
    pub detail: Detail,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Detail {
    /// A value that was not there.
    Added {
        /// The value.
        new: Json,
    },
    /// A value that is no longer there.
    Removed {
        /// The value.
        old: Json,
    },
    /// A value that is another one.
    Changed {
        /// At the base.
        old: Json,
        /// At the head.
        new: Json,
    },
    /// A value that stands under another key.
    Renamed {
        /// The key at the head.
        to: String,
    },
    /// Items, the same, in another order.
    Reordered {
        /// At the base.
        old: Vec<String>,
        /// At the head.
        new: Vec<String>,
    },
    /// A text whose lines differ.
    Lines {
        /// Those that differ, and some around them.
        lines: Vec<Line>,
        /// How many more there are.
        omitted: usize,
    },
    /// Nothing but comments and layout differs.
    Comments {
        /// As those of [`Detail::Lines`].
        lines: Vec<Line>,
        /// How many more there are.
        omitted: usize,
    },
    /// Nothing but the ends of lines differs.
    LineEnds,
    /// What can't be shown differs: no text, a certificate, or too much.
    Opaque {
        /// Bytes at the base.
        old_bytes: usize,
        /// Bytes at the head.
        new_bytes: usize,
    },
    /// A file that was not there.
    FileAdded {
        /// Its lines.
        lines: Vec<Line>,
        /// How many more there are.
        omitted: usize,
    },
    /// A file that was not there, and that most of the clusters have otherwise.
    FileAddedOtherwise {
        /// What it has otherwise than theirs; none if that is in lines that are left out.
        lines: Vec<Line>,
        /// How many of its lines are left out.
        omitted: usize,
    },
    /// A file that is no longer there.
    FileRemoved,
    /// A file that was called otherwise.
    FileRenamed {
        /// Its path at the base.
        from: String,
    },
}

impl Detail {
    /// Whether it changes nothing that a program reads. A script reads the
    /// ends of its lines.
    pub fn is_comment(&self) -> bool {
        matches!(self, Self::Comments { .. })
    }

    /// Whether what was and what is are shown to differ.
    pub(super) fn tells_a_difference(&self) -> bool {
        match self {
            Self::Changed { old, new } => old != new,
            Self::Reordered { old, new } => old != new,
            Self::Lines { lines, .. } | Self::Comments { lines, .. } => {
                let of = |sign| lines.iter().filter(move |line| line.sign == sign);
                let texts = |sign| of(sign).map(|line| line.text.as_str());
                !texts(Sign::Removed).eq(texts(Sign::Added))
            }
            _ => true,
        }
    }

    /// The same without lines that stay, if it has lines.
    pub(super) fn without_context(&self) -> Option<Self> {
        let differing = |lines: &[Line]| -> Vec<Line> {
            let lines = lines.iter().filter(|line| line.sign != Sign::Context);
            lines.cloned().collect()
        };
        match self {
            Self::Lines { lines, omitted } => Some(Self::Lines {
                lines: differing(lines),
                omitted: *omitted,
            }),
            Self::Comments { lines, omitted } => Some(Self::Comments {
                lines: differing(lines),
                omitted: *omitted,
            }),
            _ => None,
        }
    }

    /// The same with other texts.
    #[must_use]
    pub(super) fn map_texts(&self, map: &dyn Fn(&str) -> String) -> Self {
        let value = |value: &Json| map_value(value, map);
        let texts = |texts: &[String]| texts.iter().map(|text| map(text)).collect();
        let lines = |lines: &[Line]| -> Vec<Line> {
            let lines = lines.iter().map(|line| Line {
                sign: line.sign,
                text: map(&line.text),
            });
            lines.collect()
        };
        match self {
            Self::Added { new } => Self::Added { new: value(new) },
            Self::Removed { old } => Self::Removed { old: value(old) },
            Self::Changed { old, new } => Self::Changed {
                old: value(old),
                new: value(new),
            },
            Self::Renamed { to } => Self::Renamed { to: map(to) },
            Self::Reordered { old, new } => Self::Reordered {
                old: texts(old),
                new: texts(new),
            },
            Self::Lines {
                lines: all,
                omitted,
            } => Self::Lines {
                lines: lines(all),
                omitted: *omitted,
            },
            Self::Comments {
                lines: all,
                omitted,
            } => Self::Comments {
                lines: lines(all),
                omitted: *omitted,
            },
            Self::FileAdded {
                lines: all,
                omitted,
            } => Self::FileAdded {
                lines: lines(all),
                omitted: *omitted,
            },
            Self::FileAddedOtherwise {
                lines: all,
                omitted,
            } => Self::FileAddedOtherwise {
                lines: lines(all),
                omitted: *omitted,
            },
            Self::FileRenamed { from } => Self::FileRenamed { from: map(from) },
            Self::LineEnds | Self::Opaque { .. } | Self::FileRemoved => self.clone(),
        }
    }
}

/// A value with other texts; a number that has another text becomes one.
fn map_value(value: &Json, map: &dyn Fn(&str) -> String) -> Json {
    match value {
        Json::String(text) => Json::String(map(text)),
        Json::Number(number) => {
            let text = number.to_string();
            let mapped = map(&text);
            if mapped == text {
                value.clone()
            } else {
                Json::String(mapped)
            }
        }
        Json::Array(items) => items.iter().map(|item| map_value(item, map)).collect(),
        Json::Object(members) => {
            let mut mapped = serde_json::Map::new();
            for (key, value) in members {
                // Two keys never become one.
                let free = Some(map(key)).filter(|key| !mapped.contains_key(key));
                let key = free.unwrap_or_else(|| key.clone());
                mapped.insert(key, map_value(value, map));
            }
            Json::Object(mapped)
        }
        Json::Null | Json::Bool(_) => value.clone(),
    }
}

/// A line of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Line {
    /// Which side has it.
    pub sign: Sign,
    /// The line, without its end.
    pub text: String,
}

/// Which side has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Both.
    Context,
    /// The head.
    Added,
    /// The base.
    Removed,
    /// Neither: lines are left out here.
    Gap,
}

/// Which inputs changed, and how far that reaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BlastRadius {
    /// The inputs that differ, by path.
    pub inputs: Vec<ChangedInput>,
    /// Clusters that change, and have a changed input of their own.
    pub by_own_files: Vec<String>,
    /// Clusters that change only by what clusters share.
    pub by_shared_files: Vec<String>,
    /// Files of one cluster that alter others.
    pub across: Vec<Across>,
    /// Which releases wrote `rendered/` at the base.
    pub generator: GeneratorVersions,
}

/// An input that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChangedInput {
    /// Its path.
    pub path: String,
    /// Whether it came, went or changed.
    pub change: InputChange,
    /// Whom it is for.
    pub scope: InputScope,
}

/// Whether an input came, went or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputChange {
    /// It is new.
    Added,
    /// It is another one.
    Changed,
    /// It is removed.
    Removed,
}

/// Whom an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputScope {
    /// Every cluster.
    Fleet,
    /// The clusters of an environment.
    Environment,
    /// A template: every cluster.
    Template,
    /// One cluster.
    Cluster,
    /// The clusters that name it, such as a certificate.
    Named,
}

/// A file of one cluster that alters others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Across {
    /// Its path.
    pub path: String,
    /// The clusters that change by it, other than its own.
    pub clusters: Vec<String>,
}

/// Which releases of gen wrote `rendered/`, and what of a change is theirs:
/// what no input makes, but that this release renders otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GeneratorVersions {
    /// The one that made this preview, both sides.
    pub running: String,
    /// Others, as the ownership files of the base say, each with its number of clusters.
    pub recorded: BTreeMap<String, usize>,
    /// The clusters whose base this release renders otherwise than the other did.
    pub changed_clusters: Vec<String>,
    /// How many of their files.
    pub files: Totals,
    /// How many of their objects.
    pub objects: Totals,
    /// What in it is risky. It comes with the release, whatever the change is, so it isn't denied.
    #[serde(rename = "dangers")]
    pub risks: Vec<Risk>,
    /// What differs, equal changes reported once.
    pub groups: Vec<Group>,
}
