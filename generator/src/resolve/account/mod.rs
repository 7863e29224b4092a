//! What accounts have once for all of their clusters: `_accounts/`. Pure.
//!
//! A stack says nothing of which clusters there are, so that a new cluster
//! changes no file of its account: it depends on what `clusters/fleet.yaml` says
//! of the account, and on whether a cluster is there to need it.

mod claims;
pub(super) mod resolved;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::{AccountConfiguration, Registry, Source, VERSION};
use logfleet_contract::names::{self, ACCOUNT, ACCOUNT_LOG_GROUPS, REGISTRY};

pub use claims::AccountShare;
pub(super) use claims::find_clashes;
pub(super) use resolved::AccountStack;
pub use settings::FleetAccounts;
use settings::ResolvedSettings;

use super::aws::arn::{Arns, global_region};
use super::aws::resolved::{
    Alarm, CallingLogGroups, DataTrail, Measure, OwnTrail, RegionMetricFilter, Trail,
};
use super::aws::{metric_filter, read_only};
use super::name::{self, AwsName, NameKind};
use resolved::{
    AccountIdentity, AccountLogGroup, AccountMembers, AccountPartition, AccountRegion,
    ResolvedDistributor,
};

/// The namespace of an account's own counts; no cluster's name starts with `_`.
const NAMESPACE: &str = "logfleet/_account";

/// The buckets of an account in a Region, which are never logged themselves.
pub(super) fn buckets(account: &str, region: &str) -> [String; 2] {
    ["trails", "failed"]
        .map(|purpose| names::account_name(NameKind::Bucket, account, region, purpose))
}

/// The name of the account's trail of a source.
pub(super) fn trail(account: &str, region: &str, source: Source) -> String {
    let purpose = match source {
        Source::Cloudtrail => "calls",
        Source::Dynamodb => "tables",
        Source::S3 => "buckets",
    };
    names::account_name(NameKind::Trail, account, region, purpose)
}

/// The stacks that accounts need for what their clusters share, and all names
/// that are given there.
pub(super) fn resolve<'s>(
    shares: impl IntoIterator<Item = &'s AccountShare>,
    accounts: &FleetAccounts,
) -> Vec<AccountStack> {
    // By account: whether calls are wanted, and the Regions that clusters are in.
    let mut needs: BTreeMap<&str, (bool, BTreeSet<&str>, &str)> = BTreeMap::new();
    for share in shares {
        let entry = needs.entry(&share.account).or_default();
        entry.0 |= share.wants.contains_key(&Source::Cloudtrail);
        entry.1.insert(&share.region);
        entry.2 = global_region(&share.region);
    }
    let mut stacks = Vec::new();
    for (account, (calls, mut regions, home)) in needs {
        let settings = accounts.of_account(account);
        let of_calls = settings.region_of_calls(home).filter(|_| calls);
        regions.extend(of_calls);
        for region in regions {
            let stack = Resolving {
                account,
                region,
                home,
                settings: &settings,
                names: BTreeSet::new(),
            };
            stacks.extend(stack.resolve(of_calls == Some(region)));
        }
    }
    stacks
}

/// A stack on its way.
struct Resolving<'a> {
    account: &'a str,
    region: &'a str,
    /// The Region of global services.
    home: &'a str,
    settings: &'a ResolvedSettings<'a>,
    names: BTreeSet<AwsName>,
}

impl Resolving<'_> {
    fn give(&mut self, kind: NameKind, purpose: &str) -> String {
        let name = names::account_name(kind, self.account, self.region, purpose);
        self.names.insert(AwsName {
            kind,
            space: kind.space(self.account, self.region),
            name: name.clone(),
        });
        name
    }

    fn arns(&self) -> Arns<'_> {
        Arns::new(self.account, self.region)
    }

    /// The stack; none where nothing is to be shared.
    fn resolve(mut self, has_calls: bool) -> Option<AccountStack> {
        let log_groups = self.log_groups(has_calls);
        if log_groups.is_empty() {
            return None;
        }
        let stack = self.give(NameKind::Stack, names::REGION_STACK);
        let trail = self.trail(&log_groups);
        let members = self.members(trail.as_ref(), &log_groups);
        let distributor = self.distributor(&log_groups);
        let (metric_filters, mut alarms) = self.metric_filters(&log_groups);
        if self.settings.alarms.enabled {
            alarms.extend(self.alarms(&distributor));
        } else {
            alarms.clear();
        }
        let partition = name::partition(self.region);
        Some(AccountStack {
            account: AccountIdentity {
                id: self.account.to_owned(),
                tags: self.settings.tags.clone(),
            },
            aws: AccountPartition {
                partition: partition.id,
                dns_suffix: partition.dns_suffix,
            },
            region: AccountRegion {
                name: self.region.to_owned(),
                alarm_actions: self.settings.alarm_actions(self.region),
                stack,
                trail,
                log_groups,
                distributor,
                metric_filters,
                alarms,
            },
            members,
            names: self.names,
        })
    }

    /// The log groups that the distributor is subscribed to. Those of requests
    /// at data are there whatever clusters want, so that none changes the stack.
    fn log_groups(&self, has_calls: bool) -> Vec<AccountLogGroup> {
        let arns = self.arns();
        let own = |source: Source| {
            let name = names::log_group_of_account(source.word());
            AccountLogGroup {
                source,
                logical_id: name::logical_id(source.word()),
                arn: arns.log_group(&name),
                name,
                retention_days: self.settings.retention_days,
                declared: true,
            }
        };
        let mut groups = Vec::new();
        if has_calls {
            groups.push(match self.settings.existing {
                Some(existing) => AccountLogGroup {
                    logical_id: "ExistingTrail".to_owned(),
                    arn: arns.log_group(existing.name.as_str()),
                    name: existing.name.to_string(),
                    declared: false,
                    ..own(Source::Cloudtrail)
                },
                None => own(Source::Cloudtrail),
            });
        }
        groups.extend(
            [Source::Dynamodb, Source::S3]
                .into_iter()
                .filter(|source| self.settings.writes_down(*source))
                .map(own),
        );
        groups
    }

    fn trail(&mut self, groups: &[AccountLogGroup]) -> Option<Trail> {
        let written: Vec<&AccountLogGroup> = groups.iter().filter(|group| group.declared).collect();
        if written.is_empty() {
            return None;
        }
        let names: Vec<String> = written
            .iter()
            .map(|group| {
                let name = trail(self.account, self.region, group.source);
                self.names.insert(AwsName {
                    kind: NameKind::Trail,
                    space: NameKind::Trail.space(self.account, self.region),
                    name: name.clone(),
                });
                name
            })
            .collect();
        let arns = self.arns();
        let trail_arns = names.iter().map(|name| arns.trail(name)).collect();
        let own = written.iter().zip(&names).find_map(|(group, name)| {
            (group.source == Source::Cloudtrail).then(|| OwnTrail {
                name: name.clone(),
                log_group: group.logical_id.clone(),
                read_only: read_only(&self.settings.calls),
                exclude: self.settings.exclude.iter().cloned().collect(),
            })
        });
        Some(Trail {
            own,
            trail_arns,
            log_group_arns: written.iter().map(|group| group.arn.clone()).collect(),
            expiry_days: self.settings.expiry_days,
            bucket: self.give(NameKind::Bucket, "trails"),
            role: self.give(NameKind::Role, &format!("trails-{}", self.region)),
        })
    }

    /// The trails that members of all clusters fill.
    fn members(
        &self,
        shared: Option<&Trail>,
        groups: &[AccountLogGroup],
    ) -> Option<AccountMembers> {
        let shared = shared?;
        let data = |source: Source| {
            let group = groups.iter().find(|group| group.source == source)?;
            Some(DataTrail {
                name: trail(self.account, self.region, source),
                bucket: shared.bucket.clone(),
                role_arn: self.arns().role(&shared.role),
                log_group_arn: group.arn.clone(),
                read_only: read_only(self.settings.data(source)),
            })
        };
        let (tables, buckets_trail) = (data(Source::Dynamodb), data(Source::S3));
        if tables.is_none() && buckets_trail.is_none() {
            return None;
        }
        let arns = self.arns();
        let mut own_buckets = buckets(self.account, self.region).map(|name| arns.bucket(&name));
        own_buckets.sort_unstable();
        Some(AccountMembers {
            region: self.region.to_owned(),
            own_buckets: own_buckets.to_vec(),
            tables,
            buckets: buckets_trail,
        })
    }

    fn distributor(&mut self, groups: &[AccountLogGroup]) -> ResolvedDistributor {
        let function = self.give(NameKind::Function, "distributor");
        let role = self.give(NameKind::Role, &format!("distributor-{}", self.region));
        let failed_bucket = self.give(NameKind::Bucket, "failed");
        let arns = self.arns();
        let log_group = format!("/aws/lambda/{function}");
        let everywhere = Arns::new(self.account, "*").in_partition_of(self.region);
        let registry = Arns::new(self.account, self.home);
        let parameters = format!("parameter{}", REGISTRY.trim_end_matches('/'));
        let settings = self.settings;
        let mut sources: Vec<Source> = groups.iter().map(|group| group.source).collect();
        sources.sort_unstable();
        ResolvedDistributor {
            arn: arns.function(&function),
            log_group_arn: arns.log_group(&log_group),
            log_group,
            settings: settings.forwarder.clone(),
            code_bucket: settings.code_bucket(self.region),
            code_key: settings.code_key(),
            failed_bucket_arn: arns.bucket(&failed_bucket),
            failed_bucket,
            failed_days: settings.dead_letter_days,
            configuration: AccountConfiguration {
                version: VERSION,
                account: self.account.to_owned(),
                registry: Registry {
                    region: self.home.to_owned(),
                    path: REGISTRY.to_owned(),
                },
                log_groups: groups
                    .iter()
                    .map(|group| (group.name.clone(), group.source))
                    .collect(),
            },
            registry_arns: vec![
                registry.parameter(&parameters),
                registry.parameter(&format!("{parameters}/*")),
            ],
            resource_groups_arn: everywhere.resource_group(&format!("{}-*-members", names::PREFIX)),
            target_arns: sources
                .into_iter()
                .map(|source| {
                    let name = name::log_group_of_source("*", source.word());
                    everywhere.log_group(&format!("{name}:*"))
                })
                .collect(),
            called_by: called_by(&arns, groups),
            function,
            role,
        }
    }

    fn metric_filters(
        &mut self,
        groups: &[AccountLogGroup],
    ) -> (Vec<RegionMetricFilter>, Vec<Alarm>) {
        let (mut filters, mut alarms) = (Vec::new(), Vec::new());
        let calls = groups
            .iter()
            .find(|group| group.source == Source::Cloudtrail);
        for (group, (key, filter)) in calls.into_iter().flat_map(|group| {
            self.settings
                .metric_filters
                .iter()
                .map(move |own| (group, own))
        }) {
            let metric = format!("cloudtrail_{key}");
            let logical_id = format!("{}{}", group.logical_id, name::logical_id(key.as_str()));
            let resolved = RegionMetricFilter {
                logical_id: logical_id.clone(),
                name: name::subscription_filter(ACCOUNT, &metric),
                log_group: group.name.clone(),
                depends_on: group.declared.then(|| group.logical_id.clone()),
                ..metric_filter(filter, NAMESPACE, &metric)
            };
            if let Some(threshold) = filter.alarm_at {
                alarms.push(Alarm {
                    name: self.give(NameKind::Alarm, &metric),
                    description: format!("Log events of {} match the filter {key}", group.name),
                    measure: Measure::Metric {
                        namespace: resolved.namespace.clone(),
                        metric: resolved.metric.clone(),
                        dimensions: Vec::new(),
                        statistic: "Sum",
                    },
                    threshold,
                    periods: 1,
                    logical_id,
                });
            }
            filters.push(resolved);
        }
        (filters, alarms)
    }

    /// Alarms of the distributor: without it no cluster gets what it shares.
    fn alarms(&mut self, distributor: &ResolvedDistributor) -> Vec<Alarm> {
        let thresholds = self.settings.alarms;
        [
            (
                "Errors",
                "Calls of the distributor fail",
                "Sum",
                thresholds.errors,
                1,
            ),
            (
                "Throttles",
                "The distributor is called more often than it may run",
                "Sum",
                thresholds.throttles,
                1,
            ),
            (
                "AsyncEventsDropped",
                "Calls of the distributor were given up: their events lie in its bucket",
                "Sum",
                thresholds.dead_letters,
                1,
            ),
            (
                "AsyncEventAge",
                "Logs wait too long for the distributor",
                "Maximum",
                // CloudWatch counts it in milliseconds.
                u32::from(thresholds.age_seconds) * 1000,
                3,
            ),
        ]
        .into_iter()
        .map(
            |(metric, description, statistic, threshold, periods)| Alarm {
                logical_id: format!("Distributor{metric}"),
                name: self.give(
                    NameKind::Alarm,
                    &format!("distributor-{}", metric.to_lowercase()),
                ),
                description: description.to_owned(),
                measure: Measure::Metric {
                    namespace: "AWS/Lambda".to_owned(),
                    metric: metric.to_owned(),
                    dimensions: vec![("FunctionName".to_owned(), distributor.function.clone())],
                    statistic,
                },
                threshold,
                periods,
            },
        )
        .collect()
    }
}

/// The log groups that may call the distributor: the account's own by one statement.
fn called_by(arns: &Arns<'_>, groups: &[AccountLogGroup]) -> Vec<CallingLogGroups> {
    let mut found = Vec::new();
    if groups.iter().any(|group| group.declared) {
        found.push(CallingLogGroups {
            logical_id: "Own".to_owned(),
            arn: arns.log_group(&format!("{ACCOUNT_LOG_GROUPS}*")),
        });
    }
    let foreign = groups.iter().filter(|group| !group.declared);
    found.extend(foreign.map(|group| CallingLogGroups {
        logical_id: group.logical_id.clone(),
        arn: format!("{}:*", group.arn),
    }));
    found
}

#[cfg(test)]
mod tests;
