//! What clusters want of their accounts, and what accounts can't give. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::{Source, Wanted};
use serde::Serialize;

use super::super::aws::Clash;
use super::super::aws::arn::global_region;
use super::super::name;
use super::settings::{FleetAccounts, ResolvedSettings};
use crate::sentence::first_of;

/// What a cluster shares with others of its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountShare {
    /// The cluster.
    pub cluster: String,
    /// Its account.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// What it wants.
    pub wants: BTreeMap<Source, Wanted>,
    /// Days that it would keep files of trails.
    pub expiry_days: u16,
}

/// Clusters that are named in a message; of more their number is reported.
const MOST_NAMED: usize = 3;

/// What is wrong with an account, reported once for all clusters that meet it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    account: String,
    message: String,
    hint: String,
}

/// Finds what accounts can't give their clusters.
pub(in crate::resolve) fn find_clashes<'s>(
    shares: impl IntoIterator<Item = &'s AccountShare>,
    accounts: &FleetAccounts,
) -> Vec<Clash> {
    let mut found: BTreeMap<Problem, Vec<&str>> = BTreeMap::new();
    let mut regions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for share in shares {
        let settings = accounts.of_account(&share.account);
        let home = global_region(&share.region);
        let of_account = regions.entry(&share.account).or_default();
        of_account.insert(&share.region);
        if share.wants.contains_key(&Source::Cloudtrail) {
            of_account.insert(home);
        }
        let mut problems = Vec::new();
        for (source, wanted) in &share.wants {
            problems.extend(unmet(
                *source,
                wanted,
                home,
                &settings,
                accounts,
                &share.account,
            ));
        }
        problems.extend(of_code(&settings, of_account.len() > 1));
        problems.extend(of_existing(&settings, home, &share.account));
        problems.extend(of_expiry(share, accounts));
        for (message, hint) in problems {
            let problem = Problem {
                account: share.account.clone(),
                message,
                hint,
            };
            found.entry(problem).or_default().push(&share.cluster);
        }
    }
    found
        .into_iter()
        .filter_map(|(problem, clusters)| {
            Some(Clash {
                cluster: (*clusters.last()?).to_owned(),
                message: format!(
                    "account {}: {} (needed by {})",
                    problem.account,
                    problem.message,
                    first_of(clusters.iter().map(|name| format!("`{name}`")), MOST_NAMED)
                ),
                hint: problem.hint,
            })
        })
        .collect()
}

/// The key of an account's setting, and that of the cluster's, for a source.
fn keys(source: Source) -> (&'static str, &'static str, &'static str) {
    match source {
        Source::Cloudtrail => ("calls", "cloudtrail", "calls"),
        Source::Dynamodb => ("tables", "dynamodb.data_events", "requests at tables"),
        Source::S3 => ("buckets", "s3.data_events", "requests at buckets"),
    }
}

/// What the account doesn't write down though the cluster wants it. A cluster
/// that says nothing wants what there is.
fn unmet(
    source: Source,
    wanted: &Wanted,
    home: &str,
    settings: &ResolvedSettings<'_>,
    accounts: &FleetAccounts,
    account: &str,
) -> Vec<(String, String)> {
    let (key, of_cluster, what) = keys(source);
    let own = format!("accounts.\"{account}\".{key}");
    let is_off = match source {
        Source::Cloudtrail => settings.region_of_calls(home).is_none(),
        _ => !settings.writes_down(source),
    };
    if is_off {
        let hint = if source == Source::Cloudtrail && !settings.has_calls {
            format!("set `{own}.enabled: true` in `clusters/fleet.yaml`")
        } else {
            format!("set `{own}.write: true` in `clusters/fleet.yaml`")
        };
        return vec![(format!("it doesn't record {what}"), hint)];
    }
    if source == Source::Cloudtrail && settings.existing.is_some() {
        // What that trail writes down is not known here.
        return Vec::new();
    }
    let (given, fleet) = (settings.data(source), accounts.fleet_data(source));
    let mut found = Vec::new();
    for (kind, verb, wants, gives, fleet) in [
        ("read", "read", wanted.read, given.read, fleet.read),
        ("write", "write", wanted.write, given.write, fleet.write),
    ] {
        if wants && !gives && !fleet {
            found.push((
                format!("its trail leaves out {what} that {verb}"),
                format!(
                    "set `{own}.{kind}: true` in `clusters/fleet.yaml`, or remove `sources.aws.{of_cluster}.{kind}: true`"
                ),
            ));
        }
    }
    if source == Source::Cloudtrail {
        for service in settings.exclude.difference(&wanted.exclude) {
            if accounts.fleet_excludes(service) {
                found.push((
                    format!("its trail leaves out calls of `{service}`"),
                    format!(
                        "set `{own}.exclude: {{ {service}: false }}` in `clusters/fleet.yaml`, or remove `{service}: false` from `sources.aws.cloudtrail.exclude`"
                    ),
                ));
            }
        }
    }
    found
}

/// What is wrong with where the distributor's program is.
fn of_code(settings: &ResolvedSettings<'_>, has_regions: bool) -> Option<(String, String)> {
    let Some(code) = settings.code else {
        return Some((
            "the location of its distributor's program isn't set".to_owned(),
            "add `account_defaults.code: { bucket: <bucket>-{region}, key: <object> }` to `clusters/fleet.yaml`; or set `sources.aws.account_stack: false`, and the cluster has trails of its own".to_owned(),
        ));
    };
    let bucket = code.bucket.as_str();
    (has_regions && !bucket.contains("{region}")).then(|| {
        (
            "it has distributors in several Regions, and a function reads its program from a bucket of its own Region".to_owned(),
            format!("name the buckets by their Regions: `account_defaults.code.bucket: {bucket}-{{region}}` in `clusters/fleet.yaml`"),
        )
    })
}

/// What is wrong with the log group of another trail.
fn of_existing(
    settings: &ResolvedSettings<'_>,
    home: &str,
    account: &str,
) -> Option<(String, String)> {
    let region = settings.existing?.region.as_str();
    let is_known = crate::partition::of_region(region)
        .is_some_and(|found| found.id == name::partition(home).id);
    (!is_known).then(|| {
        (
            format!("the Region `{region}` of the trail's log group isn't in its partition"),
            format!("correct `accounts.\"{account}\".calls.existing_log_group.region` in `clusters/fleet.yaml`"),
        )
    })
}

/// What single clusters can't say.
fn of_expiry(share: &AccountShare, accounts: &FleetAccounts) -> Option<(String, String)> {
    (share.expiry_days != accounts.fleet_expiry_days()).then(|| {
        (
            "a cluster can't set how long the files of the account's trails are kept".to_owned(),
            format!(
                "set `accounts.\"{}\".expiry_days` in `clusters/fleet.yaml`, and remove `sources.aws.cloudtrail.expiry_days` from the cluster and its environment",
                share.account
            ),
        )
    })
}
