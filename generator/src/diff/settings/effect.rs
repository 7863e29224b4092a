//! Which clusters of those that have another value render another file. Pure.

use std::collections::BTreeMap;

use logfleet_contract::folder::{ACCOUNTS, FLEET, is_shared};

use super::AlteredSetting;
use crate::diff::preview::{
    ClusterChange, ClusterStatus, ClusterTotals, InputScope, SettingChange, SettingReach,
};
use crate::diff::redact;
use crate::layers::input_schema::OF_FLEET;
use crate::layers::merge::ValuePath;

/// Tells of each setting what it reaches.
pub(in crate::diff) fn with_effects(
    settings: Vec<AlteredSetting>,
    changes: &[ClusterChange],
    totals: ClusterTotals,
) -> Vec<SettingChange> {
    let effects = Effects {
        statuses: changes
            .iter()
            .map(|change| (change.name.as_str(), change.status))
            .collect(),
        clusters: totals.added + totals.changed + totals.unchanged + totals.not_compared,
    };
    let settings = settings.into_iter().map(|setting| SettingChange {
        reach: effects.of(&setting),
        path: redact::text(&setting.path.to_string()),
        scope: setting.scope,
        before: setting.before,
        after: setting.after,
        places: setting.places,
    });
    settings.collect()
}

struct Effects<'a> {
    /// What becomes of each cluster and folder that doesn't stay as it is.
    statuses: BTreeMap<&'a str, ClusterStatus>,
    /// How many clusters there are at the head.
    clusters: usize,
}

impl Effects<'_> {
    fn of(&self, setting: &AlteredSetting) -> SettingReach {
        let shared = self.shared_folders(&setting.path);
        if !shared.is_empty() && is_of_fleet(&setting.path) {
            return SettingReach::SharedFiles { folders: shared };
        }
        let status = |name: &str| self.statuses.get(name).copied();
        let is_in = |name: &str, wanted: &[ClusterStatus]| {
            status(name).is_some_and(|status| wanted.contains(&status))
        };
        let differing = [ClusterStatus::Changed, ClusterStatus::Added];
        let reached = setting.clusters.iter();
        let reached: Vec<String> = reached
            .filter(|name| is_in(name, &differing))
            .map(ToString::to_string)
            .collect();
        let faulty = [ClusterStatus::HeadFaulty, ClusterStatus::BaseFaulty];
        let is_faulty = |name: &str| is_in(name, &faulty);
        let is_unknown = if setting.clusters.is_empty() {
            // Clusters that can't be read are in no list, whatever their own layer says.
            let is_own = |name: &str| {
                let folder = format!("clusters/{name}/");
                setting.scope != InputScope::Cluster
                    || setting
                        .places
                        .iter()
                        .any(|own| own.file.starts_with(&folder))
            };
            let mut names = self.statuses.keys();
            names.any(|name| is_faulty(name) && is_own(name))
        } else {
            setting.clusters.iter().any(|name| is_faulty(name))
        };
        match reached.len() {
            0 if !shared.is_empty() && !setting.clusters.is_empty() => {
                SettingReach::SharedFiles { folders: shared }
            }
            0 if is_unknown => SettingReach::NotCompared,
            0 => SettingReach::Nothing,
            some if some == self.clusters && some > 1 => SettingReach::AllClusters { count: some },
            _ => SettingReach::Clusters {
                clusters: reached,
                of: self.clusters,
            },
        }
    }

    /// The folders of no cluster in which files differ, and that a setting may be for.
    fn shared_folders(&self, setting: &ValuePath) -> Vec<String> {
        let wanted: &[&str] = match setting.parts().first().map(String::as_str) {
            Some("reconciler") => &[FLEET],
            Some("accounts" | "account_defaults") => &[ACCOUNTS],
            _ => &[FLEET, ACCOUNTS],
        };
        let differs = |folder: &&&str| {
            let status = self.statuses.get(**folder);
            let changed = [ClusterStatus::FleetFiles, ClusterStatus::AccountFiles];
            is_shared(folder) && status.is_some_and(|status| changed.contains(status))
        };
        let folders = wanted.iter().filter(differs);
        folders.map(ToString::to_string).collect()
    }
}

/// Whether a setting holds for no cluster alone.
fn is_of_fleet(setting: &ValuePath) -> bool {
    let first = setting.parts().first();
    first.is_some_and(|first| OF_FLEET.contains(&first.as_str()))
}
