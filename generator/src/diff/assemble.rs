//! From what becomes of each cluster to the preview of all. Pure.

use std::collections::BTreeMap;

use logfleet_contract::folder::{ACCOUNTS, FLEET, is_shared};

use super::blast::Reach;
use super::comparison::{Comparison, Outcome, Whole};
use super::group::{ChangedCluster, group};
use super::preview::{
    AccountRegions, ClusterChange, ClusterRisk, ClusterStatus, ClusterTotals, FORMAT,
    GeneratorVersions, Group, NewClusters, Preview, RenamedCluster, Risk, Side, Totals,
};
use super::risk::{Words, acknowledge, gather, tell_earlier};
use super::settings::{AlteredSetting, with_effects};
use super::{redact, shipping};
use crate::fault::{Fault, Faults};
use crate::settings::Flag;

/// All that a preview is made of.
#[derive(Debug)]
pub struct Compared<'a> {
    /// What is compared with.
    pub base: Side,
    /// What is looked at.
    pub head: Side,
    /// The clusters that don't stay as they are, by name.
    pub comparisons: Vec<Comparison>,
    /// How many stay as they are.
    pub unchanged: usize,
    /// The settings that changed.
    pub settings: Vec<AlteredSetting>,
    /// What is said of its risks.
    pub words: Words,
    /// The inputs.
    pub reach: Reach<'a>,
    /// Other releases that wrote `rendered/` of the base, each with its number of clusters.
    pub recorded_releases: BTreeMap<String, usize>,
    /// What they wrote beside what this release renders of the same, by name of the cluster.
    pub by_release: Vec<Comparison>,
    /// What is wrong at the head.
    pub head_faults: Faults,
    /// What is wrong at the base only.
    pub base_faults: Faults,
}

impl Compared<'_> {
    /// Puts it together.
    pub fn into_preview(self) -> Preview {
        let clusters = self.comparisons.iter().filter(|one| one.is_of_cluster());
        let names: Vec<String> = clusters.map(|one| one.name.clone()).collect();
        let generator = generator(self.recorded_releases, self.by_release);
        let blast_radius = self.reach.of(&names, generator);
        let mut changed_clusters = describe_clusters(&self.comparisons);
        let of_folder = |name: &str| {
            let change = changed_clusters.iter().find(|change| change.name == name);
            change.map(|change| change.status)
        };
        let shared = [
            ("files of the whole fleet", of_folder(FLEET)),
            ("files of accounts", of_folder(ACCOUNTS)),
        ];
        let clusters_at_risk = self
            .comparisons
            .iter()
            .filter_map(Comparison::clusters_at_risk);
        let risks = gather(&clusters_at_risk.collect::<Vec<_>>());
        let risks = acknowledge(risks, &self.words.given);
        mark_risks(&mut changed_clusters, &risks);
        let mut acknowledgement_faults = self.words.faults;
        acknowledgement_faults.append(tell_earlier(&risks, &self.words.earlier));
        let new_clusters = new_clusters(&self.comparisons);
        let groups = group(&changed(self.comparisons));
        let clusters = count_clusters(&changed_clusters, self.unchanged);
        let settings = with_effects(self.settings, &changed_clusters, clusters);
        let mut files = Totals::default();
        let mut objects = Totals::default();
        // What is compared with nothing is no change.
        let compared = |change: &&ClusterChange| change.status != ClusterStatus::BaseFaulty;
        for change in changed_clusters.iter().filter(compared) {
            files.add(change.files);
            objects.add(change.objects);
        }
        let changes = verdict(clusters, &shared, files, &groups);
        let changes = changes.unwrap_or_else(|| match clusters.unchanged {
            0 if !self.head_faults.is_empty() => {
                "Nothing was compared: the head has an error".into()
            }
            unchanged => nothing_changes(unchanged),
        });
        Preview {
            logfleet_preview: FORMAT,
            verdict: count_risks(&risks) + &changes + &by_release_alone(&blast_radius.generator),
            base: shown_side(self.base),
            head: shown_side(self.head),
            risks,
            acknowledgement_faults: acknowledgement_faults.sorted(),
            settings,
            clusters,
            files,
            objects,
            changed_clusters,
            new_clusters,
            groups,
            blast_radius,
            head_faults: shown_faults(self.head_faults),
            base_faults: shown_faults(self.base_faults),
        }
    }
}

/// A side whose names are fit to be shown: a branch may be called anything.
fn shown_side(side: Side) -> Side {
    Side {
        revision: redact::text(&side.revision),
        taken: redact::text(&side.taken),
        ..side
    }
}

/// Faults whose files' names are fit to be shown.
fn shown_faults(faults: Faults) -> Vec<Fault> {
    let mut faults = faults.sorted();
    for fault in &mut faults {
        if let Some(place) = &mut fault.place {
            place.file = redact::text(&place.file);
        }
        fault.message = redact::text(&fault.message);
    }
    faults
}

fn generator(releases: BTreeMap<String, usize>, by_release: Vec<Comparison>) -> GeneratorVersions {
    // A file says of itself which release wrote it, and may say anything.
    let mut recorded: BTreeMap<String, usize> = BTreeMap::new();
    for (release, clusters) in releases {
        *recorded.entry(redact::line(&release)).or_default() += clusters;
    }
    let mut versions = GeneratorVersions {
        running: env!("CARGO_PKG_VERSION").to_owned(),
        recorded,
        ..GeneratorVersions::default()
    };
    for change in describe_clusters(&by_release) {
        versions.files.add(change.files);
        versions.objects.add(change.objects);
        versions.changed_clusters.push(change.name);
    }
    let clusters_at_risk = by_release.iter().filter_map(Comparison::clusters_at_risk);
    versions.risks = gather(&clusters_at_risk.collect::<Vec<_>>());
    versions.groups = group(&changed(by_release));
    versions
}

fn changed(comparisons: Vec<Comparison>) -> Vec<ChangedCluster> {
    let changed = comparisons.into_iter().filter_map(|one| match one.outcome {
        Outcome::Changed { cluster, .. } | Outcome::Fleet { files: cluster, .. } => Some(cluster),
        Outcome::Added { renamed, .. } => renamed?.changed,
        _ => None,
    });
    changed.collect()
}

fn new_clusters(comparisons: &[Comparison]) -> Vec<NewClusters> {
    shipping::tell(comparisons.iter().filter_map(|one| match &one.outcome {
        Outcome::Added { shipping, .. } => Some((one.name.as_str(), shipping)),
        _ => None,
    }))
}

fn describe_clusters(comparisons: &[Comparison]) -> Vec<ClusterChange> {
    comparisons.iter().map(describe).collect()
}

fn describe(one: &Comparison) -> ClusterChange {
    let only_added = |whole: &Whole| {
        let added = |added| Totals {
            added,
            ..Totals::default()
        };
        (added(whole.files), added(whole.objects))
    };
    let mut renamed_from = None;
    let mut account_regions = AccountRegions::default();
    let (status, (files, objects)) = match &one.outcome {
        Outcome::Changed { files, objects, .. } => (ClusterStatus::Changed, (*files, *objects)),
        Outcome::Fleet {
            file_totals,
            object_totals,
            regions,
            ..
        } => {
            account_regions = regions.clone();
            let status = match one.name.as_str() {
                ACCOUNTS => ClusterStatus::AccountFiles,
                _ => ClusterStatus::FleetFiles,
            };
            (status, (*file_totals, *object_totals))
        }
        Outcome::Added { whole, renamed, .. } => {
            renamed_from = renamed.as_ref().map(|renamed| RenamedCluster {
                name: renamed.rename.from.clone(),
                same_files: renamed.rename.same_files,
            });
            (ClusterStatus::Added, only_added(whole))
        }
        Outcome::BaseFaulty { whole, .. } => (ClusterStatus::BaseFaulty, only_added(whole)),
        Outcome::HeadFaulty => (ClusterStatus::HeadFaulty, Default::default()),
        Outcome::Removed { whole, .. } => {
            let removed = |removed| Totals {
                removed,
                ..Totals::default()
            };
            (
                ClusterStatus::Removed,
                (removed(whole.files), removed(whole.objects)),
            )
        }
    };
    ClusterChange {
        name: one.name.clone(),
        status,
        files,
        objects,
        renamed_from,
        account_regions,
        risks: Vec::new(),
    }
}

/// Says of each cluster which kinds of risk are in it. A kind is acknowledged
/// if each of its risks there is.
fn mark_risks(changes: &mut [ClusterChange], risks: &[Risk]) {
    let mut kinds: BTreeMap<&str, BTreeMap<Flag, bool>> = BTreeMap::new();
    for risk in risks {
        for cluster in &risk.clusters {
            let kinds = kinds.entry(cluster).or_default();
            *kinds.entry(risk.flag).or_insert(true) &= risk.acknowledged.is_some();
        }
    }
    for change in changes {
        let kinds = kinds.remove(change.name.as_str()).unwrap_or_default();
        let kinds = kinds.into_iter();
        let kinds = kinds.map(|(flag, acknowledged)| ClusterRisk { flag, acknowledged });
        change.risks = kinds.collect();
    }
}

fn count_clusters(changes: &[ClusterChange], unchanged: usize) -> ClusterTotals {
    let mut totals = ClusterTotals {
        unchanged,
        ..ClusterTotals::default()
    };
    for change in changes.iter().filter(|change| !is_shared(&change.name)) {
        *match change.status {
            ClusterStatus::Added => &mut totals.added,
            ClusterStatus::Changed => &mut totals.changed,
            ClusterStatus::Removed => &mut totals.removed,
            ClusterStatus::HeadFaulty | ClusterStatus::BaseFaulty => &mut totals.not_compared,
            ClusterStatus::FleetFiles | ClusterStatus::AccountFiles => continue,
        } += 1;
    }
    totals
}

/// "2 risks, 1 acknowledged; "; nothing without any.
fn count_risks(risks: &[Risk]) -> String {
    let acknowledged = risks.iter().filter(|risk| risk.acknowledged.is_some());
    match (risks.len(), acknowledged.count()) {
        (0, _) => String::new(),
        (1, 0) => "1 danger; ".to_owned(),
        (1, _) => "1 danger, acknowledged; ".to_owned(),
        (all, 0) => format!("{all} dangers; "),
        (all, some) if all == some => format!("{all} dangers, all acknowledged; "),
        (all, some) => format!("{all} dangers, {some} acknowledged; "),
    }
}

/// Where all that there is stays as it is.
fn nothing_changes(unchanged: usize) -> String {
    match unchanged {
        0 => "Nothing changes: there is no cluster".to_owned(),
        1 => "Nothing changes: 1 cluster unchanged".to_owned(),
        count => format!("Nothing changes: {count} clusters unchanged"),
    }
}

/// "; gen 0.2.0 alone changes 2 clusters"; nothing where another release wrote the same.
fn by_release_alone(generator: &GeneratorVersions) -> String {
    let gen_alone = format!("; gen {} alone changes", generator.running);
    let clusters = match generator.changed_clusters.len() {
        0 => return String::new(),
        1 => format!("{gen_alone} 1 cluster"),
        count => format!("{gen_alone} {count} clusters"),
    };
    match generator.risks.len() {
        0 => clusters,
        1 => format!("{clusters}, which is a danger"),
        count => format!("{clusters}, {count} dangers in it"),
    }
}

/// What becomes of the clusters, in one line; nothing if they stay as they are.
fn verdict(
    clusters: ClusterTotals,
    shared: &[(&str, Option<ClusterStatus>)],
    files: Totals,
    groups: &[Group],
) -> Option<String> {
    let counted = [
        (clusters.added, "added"),
        (clusters.changed, "changed"),
        (clusters.removed, "removed"),
        (clusters.not_compared, "not compared"),
    ];
    let mut what = list_counts(&counted, "cluster");
    for (folder, status) in shared {
        let done = match status {
            None => continue,
            Some(ClusterStatus::FleetFiles | ClusterStatus::AccountFiles) => "changed",
            Some(_) => "not compared",
        };
        let separator = if what.is_empty() { "" } else { ", " };
        what = format!("{what}{separator}{folder} {done}");
    }
    let unchanged = match clusters.unchanged {
        0 => String::new(),
        1 => ", 1 unchanged".to_owned(),
        count => format!(", {count} unchanged"),
    };
    if what.is_empty() {
        return None;
    }
    let files = [
        (files.added, "added"),
        (files.changed, "changed"),
        (files.removed, "removed"),
    ];
    let files = match list_counts(&files, "file") {
        none if none.is_empty() => String::new(),
        counts => format!("; {counts}"),
    };
    let is_quiet = !groups.is_empty() && groups.iter().all(|group| group.comments_only);
    let only_changed = clusters.added + clusters.removed + clusters.not_compared == 0;
    let comments = if is_quiet && only_changed {
        "; comments only"
    } else {
        ""
    };
    Some(format!("{what}{unchanged}{files}{comments}"))
}

/// "2 clusters added, 1 removed"; nothing without any.
fn list_counts(counts: &[(usize, &str)], noun: &str) -> String {
    let mut text = String::new();
    for (count, done) in counts.iter().filter(|(count, _)| *count > 0) {
        match (text.is_empty(), count) {
            (true, 1) => text.push_str(&format!("1 {noun} {done}")),
            (true, _) => text.push_str(&format!("{count} {noun}s {done}")),
            (false, _) => text.push_str(&format!(", {count} {done}")),
        }
    }
    text
}
