//! What is collected of AWS, row by row, for the list of sources. Pure.

use logfleet_contract::account::Source as AccountSource;

use super::super::account::{self, AccountShare};
use super::arn::global_region;
use super::forwarded::Forwarded;
use super::resolved::{AwsLogGroup, AwsRegion, AwsSource, Members};
use super::source::{self, Source};
use crate::settings::Settings;

/// The rows of the sources that are on, in their fixed order.
pub(super) fn rows(
    settings: &Settings,
    regions: &[AwsRegion],
    members: Option<&Members>,
    groups: &[AwsLogGroup],
    share: Option<&AccountShare>,
) -> Vec<AwsSource> {
    let mut rows: Vec<AwsSource> = source::all(&settings.sources.aws)
        .iter()
        .filter(|source| source.enabled)
        .map(|source| {
            let (reads, mut objects, fragments) = details(source.key, settings, regions, members);
            objects.extend(share.and_then(|share| of_account(source.key, settings, share)));
            let own = row(
                &source.id(),
                source.stream.as_str(),
                groups,
                (reads, objects),
                &fragments,
                source.metrics.is_some() && source::metrics_on(settings),
            );
            AwsSource {
                gaps: gaps(source, settings),
                ..own
            }
        })
        .collect();
    if let Some(stream) = source::eks_stream(settings) {
        rows.push(row(
            "kubernetes.control_plane",
            stream.as_str(),
            groups,
            (Vec::new(), vec!["logging of the EKS cluster".to_owned()]),
            &["eks-cluster"],
            false,
        ));
    }
    rows
}

/// The trail of the account that a source comes from.
fn of_account(key: &str, settings: &Settings, share: &AccountShare) -> Option<String> {
    let (source, _) = share.wants.iter().find(|(own, _)| own.word() == key)?;
    let of_account = settings.accounts.get(&settings.account);
    let calls = &of_account.unwrap_or(&settings.account_defaults).calls;
    if *source == AccountSource::Cloudtrail
        && let Some(existing) = &calls.existing_log_group
    {
        let (name, region) = (&existing.name, &existing.region);
        return Some(format!("log group {name} of the account in {region}"));
    }
    let region = match source {
        AccountSource::Cloudtrail => global_region(&share.region),
        _ => &share.region,
    };
    let name = account::trail(&share.account, region, *source);
    Some(format!("trail {name} in {region}"))
}

fn row(
    id: &str,
    stream: &str,
    groups: &[AwsLogGroup],
    (reads, mut objects): (Vec<String>, Vec<String>),
    fragments: &[&str],
    metrics: bool,
) -> AwsSource {
    let own: Vec<&AwsLogGroup> = groups
        .iter()
        .filter(|group| group.source.as_deref() == Some(id))
        .collect();
    let mut files: Vec<String> = own
        .iter()
        .filter(|_| id.starts_with("aws."))
        .map(|group| format!("aws/{}/stack.json", group.group.region))
        .collect();
    files.sort_unstable();
    files.dedup();
    files.extend(
        fragments
            .iter()
            .map(|fragment| format!("aws/members/{fragment}.json")),
    );
    objects.extend(
        own.iter()
            .map(|group| format!("log group {} in {}", group.group.name, group.group.region)),
    );
    AwsSource {
        source: id.to_owned(),
        stream: stream.to_owned(),
        log_groups: own
            .iter()
            .map(|group| (group.group.region.clone(), group.group.name.clone()))
            .collect(),
        reads,
        objects,
        files,
        metrics,
        gaps: Vec::new(),
    }
}

/// What of a source no destination of its stream can take.
fn gaps(source: &Source<'_>, settings: &Settings) -> Vec<String> {
    let of_source = Forwarded::ALL.into_iter().filter(|own| match own {
        Forwarded::Metrics => source.has_metrics(),
        _ => own.setting()[2] == source.key,
    });
    of_source
        .filter_map(|own| own.off_by_itself(settings))
        .collect()
}

/// What a source reads beside log groups, its objects, and its fragments.
fn details(
    key: &str,
    settings: &Settings,
    regions: &[AwsRegion],
    members: Option<&Members>,
) -> (Vec<String>, Vec<String>, Vec<&'static str>) {
    let rule = |kind: &str| -> Vec<String> {
        regions
            .iter()
            .flat_map(|region| region.event_rules.iter().map(move |rule| (region, rule)))
            .filter(|(_, rule)| rule.kind == kind)
            .map(|(region, rule)| format!("event rule {} in {}", rule.name, region.name))
            .collect()
    };
    let mut reads = Vec::new();
    let mut objects = rule(key);
    let mut fragments = Vec::new();
    let mut fragment = |on: bool, name| {
        if on {
            fragments.push(name);
        }
    };
    match key {
        "ec2" => {
            for (on, what) in [
                (Forwarded::MachineStatus, "EC2: status of machines"),
                (Forwarded::ConsoleOutput, "EC2: console output"),
            ] {
                if on.is_on(settings) {
                    reads.push(what.to_owned());
                }
            }
            let schedules = regions
                .iter()
                .filter_map(|region| region.forwarder.as_ref());
            objects.extend(
                schedules
                    .flat_map(|forwarder| &forwarder.schedules)
                    .filter(|schedule| schedule.logical_id == "PollMachines")
                    .map(|schedule| format!("schedule {}", schedule.name)),
            );
        }
        "elb" => {
            if let Some(members) = members {
                fragment(
                    members.application_load_balancer.is_some(),
                    "application-load-balancer",
                );
                fragment(
                    members.network_load_balancer.is_some(),
                    "network-load-balancer",
                );
                fragment(
                    members.classic_load_balancer.is_some(),
                    "classic-load-balancer",
                );
            }
            for classic in regions.iter().filter_map(|region| region.classic.as_ref()) {
                reads.push(format!("s3://{}", classic.bucket));
                objects.push(format!("bucket {}", classic.bucket));
            }
        }
        "s3" => fragment(
            members.is_some_and(|own| {
                own.bucket.is_some() || own.bucket_trail.is_some() || own.joins_buckets
            }),
            "bucket",
        ),
        "dynamodb" => fragment(
            members.is_some_and(|own| own.table_trail.is_some() || own.joins_tables),
            "table",
        ),
        "route53" => {
            if let Some(members) = members {
                fragment(members.hosted_zone.is_some(), "hosted-zone");
                fragment(
                    members
                        .vpc
                        .as_ref()
                        .is_some_and(|vpc| vpc.resolver_export.is_some()),
                    "vpc",
                );
            }
            let logs = regions.iter().filter_map(|region| region.resolver.as_ref());
            objects.extend(logs.map(|log| format!("resolver query log {}", log.name)));
        }
        "vpc" => {
            fragment(
                members
                    .is_some_and(|own| own.vpc.as_ref().is_some_and(|vpc| vpc.flow_log.is_some())),
                "vpc",
            );
            objects.push("flow log of each network".to_owned());
        }
        "cloudtrail" => {
            let trails = regions.iter().filter_map(|region| region.trail.as_ref());
            objects.extend(
                trails
                    .filter_map(|trail| trail.own.as_ref())
                    .map(|own| format!("trail {}", own.name)),
            );
        }
        _ => {}
    }
    (reads, objects, fragments)
}
