//! What hangs on members of the resource group. Pure.

use logfleet_contract::account::Source;

use super::super::account::{self, AccountShare};
use super::super::name::{self, NameKind};
use super::super::problem::Problems;
use super::super::{CopyDestination, LogSubscription};
use super::arn::{Arns, global_region};
use super::resolved::{
    AwsLogGroup, AwsRegion, ClassicMembers, DeliveredLog, DeliveredMembers, EksMember, FlowLog,
    MemberSubscription, Members, VpcMembers, ZoneMembers,
};
use super::trail::Trails;
use super::{Resolving, flow_log};
use crate::settings::S3Method;

/// Stands for a member's hash where a name is made: as long as that is.
const HASH: &str = "0123456789abcdef";

/// Resolves it. `home` is the stack of the cluster's own Region.
pub(super) fn resolve(
    resolving: &mut Resolving<'_, '_>,
    regions: &[AwsRegion],
    trails: Trails,
    share: Option<&AccountShare>,
    groups: &[AwsLogGroup],
    problems: &mut Problems,
) -> Option<Members> {
    let aws = &resolving.settings.sources.aws;
    if !aws.enabled {
        return None;
    }
    let region = resolving.cluster.region.clone();
    let home = regions.iter().find(|own| own.name == region)?;
    let arns = Arns::new(&resolving.cluster.account, &region);
    let delivery = |logical_id: &str| {
        home.deliveries
            .iter()
            .find(|delivery| delivery.logical_id == logical_id)
            .map(|delivery| delivery.arn.clone())
    };
    let mut delivered = |logical_id: &str, logs: &[(bool, &'static str, &'static str, &str)]| {
        let logs: Vec<DeliveredLog> = logs
            .iter()
            .filter(|(on, ..)| *on)
            .map(|(_, logical_id, log_type, purpose)| DeliveredLog {
                logical_id,
                log_type,
                source_name: resolving
                    .names
                    .give(NameKind::Delivery, &region, &format!("{purpose}-{HASH}"))
                    .replace(HASH, "${member.hash}"),
            })
            .collect();
        let destination_arn = delivery(logical_id)?;
        (!logs.is_empty()).then_some(DeliveredMembers {
            destination_arn,
            logs,
        })
    };
    let elb = &aws.elb;
    let application_load_balancer = delivered(
        "Elb",
        &[
            (elb.application, "Access", "ALB_ACCESS_LOGS", "alb"),
            (elb.connections, "Connections", "ALB_CONNECTION_LOGS", "alc"),
            (
                elb.health_checks,
                "HealthChecks",
                "ALB_HEALTH_CHECK_LOGS",
                "alh",
            ),
        ],
    );
    let network_load_balancer =
        delivered("Elb", &[(elb.network, "Access", "NLB_ACCESS_LOGS", "nlb")]);
    let server_access_logs = aws.s3.method == S3Method::ServerAccessLogs;
    let bucket = delivered(
        "S3",
        &[(server_access_logs, "Access", "S3_SERVER_ACCESS_LOGS", "s3")],
    );
    let find = |source: &str| {
        groups
            .iter()
            .find(|group| group.source.as_deref() == Some(source))
    };
    let flow_log = home
        .flow_logs
        .as_ref()
        .zip(find("aws.vpc"))
        .map(|(role, group)| {
            flow_log::check(&aws.vpc, problems);
            FlowLog {
                traffic: aws.vpc.traffic,
                aggregation_seconds: aws.vpc.aggregation_seconds,
                log_group: group.group.name.clone(),
                role_arn: arns.role(&role.role),
                format: flow_log::format(&aws.vpc),
                tag_fields: flow_log::tag_fields(&aws.vpc, problems),
            }
        });
    let resolver_export = home
        .resolver
        .as_ref()
        .map(|resolver| resolver.export.clone());
    let vpc = (flow_log.is_some() || resolver_export.is_some()).then_some(VpcMembers {
        flow_log,
        resolver_export,
    });
    let zone = groups.iter().find(|group| {
        group
            .written_by
            .as_ref()
            .is_some_and(|by| by.kind == "route53")
    });
    Some(Members {
        own_buckets: own_buckets(regions, share, &arns),
        vpc,
        application_load_balancer,
        network_load_balancer,
        classic_load_balancer: home.classic.as_ref().map(|classic| ClassicMembers {
            bucket: classic.bucket.clone(),
            minutes: elb.classic_minutes,
        }),
        bucket,
        bucket_trail: trails.buckets,
        table_trail: trails.tables,
        joins_buckets: share.is_some_and(|own| own.wants.contains_key(&Source::S3)),
        joins_tables: share.is_some_and(|own| own.wants.contains_key(&Source::Dynamodb)),
        contributor_insights: aws.dynamodb.enabled && aws.dynamodb.contributor_insights,
        hosted_zone: zone.map(|group| ZoneMembers {
            log_group_arn: group.arn.clone(),
        }),
        eks: find("kubernetes.control_plane").map(|group| eks(resolving, group, home, &arns)),
        region,
    })
}

/// The buckets that the cluster's stacks and those of its account make.
pub(super) fn own_buckets(
    regions: &[AwsRegion],
    share: Option<&AccountShare>,
    arns: &Arns<'_>,
) -> Vec<String> {
    let shared = share.into_iter().flat_map(|share| {
        let regions = [share.region.as_str(), global_region(&share.region)];
        regions.map(|region| account::buckets(&share.account, region))
    });
    let mut found: Vec<String> = regions
        .iter()
        .flat_map(|region| {
            let archives = region
                .archives
                .iter()
                .map(|archive| &archive.archive.bucket);
            let forwarder = region.forwarder.iter().map(|own| &own.dead_letter_bucket);
            let trail = region.trail.iter().map(|trail| &trail.bucket);
            let classic = region.classic.iter().map(|classic| &classic.bucket);
            let backup = region.http_backup.iter().map(|backup| &backup.bucket);
            archives
                .chain(forwarder)
                .chain(trail)
                .chain(classic)
                .chain(backup)
        })
        .map(|bucket| arns.bucket(bucket))
        .chain(shared.flatten().map(|bucket| arns.bucket(&bucket)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn eks(
    resolving: &Resolving<'_, '_>,
    group: &AwsLogGroup,
    home: &AwsRegion,
    arns: &Arns<'_>,
) -> EksMember {
    let kinds = resolving.settings.sources.aws.eks.types.all();
    let chosen = |wanted: bool| {
        kinds
            .iter()
            .filter(|(_, on)| *on == wanted)
            .map(|(kind, _)| *kind)
            .collect()
    };
    EksMember {
        name: resolving.cluster.aws_name.clone(),
        arn: arns.eks_cluster(&resolving.cluster.aws_name),
        on: chosen(true),
        off: chosen(false),
        log_group: group.group.name.clone(),
        retention_days: group.group.retention_days,
        metric_filters: home
            .metric_filters
            .iter()
            .filter(|filter| filter.of_member)
            .cloned()
            .collect(),
        subscriptions: group
            .group
            .subscriptions
            .iter()
            .filter_map(|subscription| member_subscription(subscription, group, home, arns))
            .collect(),
    }
}

fn member_subscription(
    subscription: &LogSubscription,
    group: &AwsLogGroup,
    home: &AwsRegion,
    arns: &Arns<'_>,
) -> Option<MemberSubscription> {
    let (logical_id, name, pattern) = match subscription {
        LogSubscription::Function { name, pattern } => ("Function", name, pattern),
        LogSubscription::Firehose { name, pattern, .. } => ("Firehose", name, pattern),
        LogSubscription::Account { name, pattern, .. } => ("Account", name, pattern),
        LogSubscription::Own {
            name,
            pattern,
            logical_id,
            ..
        } => (logical_id.as_str(), name, pattern),
    };
    let (destination_arn, role_arn) = match subscription {
        LogSubscription::Function { .. } => (home.forwarder.as_ref()?.arn.clone(), None),
        LogSubscription::Firehose { .. } => {
            let logical_id = name::logical_id(&group.group.stream);
            let firehose = home
                .firehoses
                .iter()
                .find(|firehose| firehose.logical_id == logical_id)?;
            let role = home.subscription_role.as_ref()?;
            (firehose.arn.clone(), Some(arns.role(&role.role)))
        }
        LogSubscription::Account {
            destination_arn, ..
        } => (destination_arn.clone(), None),
        LogSubscription::Own { logical_id, to, .. } => match to {
            CopyDestination::Function { arn } => (arn.clone(), None),
            CopyDestination::Stream { arn, role_arn } => {
                let made = home.subscription_role.as_ref();
                let made = made.map(|role| arns.role(&role.role));
                (arn.clone(), role_arn.clone().or(made))
            }
            CopyDestination::HttpEndpoint { .. } => {
                let mut firehoses = home.http_firehoses.iter();
                let firehose = firehoses.find(|own| own.logical_id == *logical_id)?;
                let role = home.subscription_role.as_ref()?;
                (firehose.arn.clone(), Some(arns.role(&role.role)))
            }
        },
    };
    Some(MemberSubscription {
        logical_id: logical_id.to_owned(),
        name: name.clone(),
        pattern: pattern.clone(),
        destination_arn,
        role_arn,
    })
}
