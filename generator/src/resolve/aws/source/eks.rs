//! The control plane of EKS, which writes a log group of its own. It is a source
//! of Kubernetes, and comes as those of AWS do.

use super::Way;
use crate::resolve::aws::arn::Arns;
use crate::resolve::aws::members::Composing;
use crate::resolve::aws::resolved::{AwsLogGroup, AwsRegion, EksMember, MemberSubscription};
use crate::resolve::{CopyDestination, Identity, LogSubscription, name};
use crate::settings::{Distribution, Name, Settings};

/// Its id.
pub(in crate::resolve::aws) const ID: &str = "kubernetes.control_plane";

/// Its stream, if its logs are collected.
pub(in crate::resolve::aws) fn stream(settings: &Settings) -> Option<&Name> {
    let control_plane = &settings.sources.kubernetes.control_plane;
    let aws = &settings.sources.aws;
    let on = settings.distribution == Distribution::Eks
        && aws.enabled
        && control_plane.enabled
        && aws.eks.types.all().iter().any(|(_, on)| *on);
    on.then_some(&control_plane.records.stream)
}

/// The log group that EKS makes:
/// <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>.
pub(super) fn log_group(cluster: &Identity) -> Way<'_> {
    let name = format!("/aws/eks/{}/cluster", cluster.aws_name);
    Way::foreign(name, &cluster.region, "ControlPlane")
}

/// Whether EKS makes a log group.
pub(in crate::resolve::aws) fn makes(group: &AwsLogGroup) -> bool {
    group.source.as_deref() == Some(ID)
}

/// The cluster as EKS knows it, if its logs are collected.
pub(in crate::resolve::aws) fn member(composing: &Composing<'_, '_, '_>) -> Option<EksMember> {
    let group = composing.groups.iter().find(|group| makes(group))?;
    let (home, arns) = (composing.home, composing.arns());
    let cluster = composing.resolving.cluster;
    let kinds = composing.resolving.settings.sources.aws.eks.types.all();
    let chosen = |wanted: bool| {
        kinds
            .iter()
            .filter(|(_, on)| *on == wanted)
            .map(|(kind, _)| *kind)
            .collect()
    };
    Some(EksMember {
        name: cluster.aws_name.clone(),
        arn: arns.eks_cluster(&cluster.aws_name),
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
            .filter_map(|subscription| member_subscription(subscription, group, home, &arns))
            .collect(),
    })
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
