//! Requests at load balancers: delivered to a log group, and those of Classic
//! Load Balancers by a bucket.

use super::{Details, Idle, SourceOfAws, Stacking, Way, nothing};
use crate::resolve::aws::forwarded::Forwarded;
use crate::resolve::aws::members::Composing;
use crate::resolve::aws::resolved::{ClassicBucket, ClassicMembers, WriterKind};
use crate::resolve::name::NameKind;
use crate::resolve::{AwsRegion, Identity, Problems};
use crate::settings::{Elb, Settings};

impl Elb {
    fn is_delivered(&self) -> bool {
        self.application || self.connections || self.health_checks || self.network
    }
}

/// Whether logs of Classic Load Balancers are collected.
pub(in crate::resolve::aws) fn has_classic(settings: &Settings) -> bool {
    let aws = &settings.sources.aws;
    aws.enabled && aws.elb.enabled && Forwarded::ClassicLoadBalancers.is_on(settings)
}

impl SourceOfAws for Elb {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        let delivered = Way::own("elb", &cluster.region, Some(WriterKind::Delivery));
        vec![self.is_delivered().then_some(delivered)]
    }

    fn check(&self, settings: &Settings, problems: &mut Problems) {
        if !self.is_delivered() && !has_classic(settings) {
            nothing("elb", "`application`, `network` or `classic`", problems);
        }
    }

    fn idle(&self, settings: &Settings) -> Option<Idle> {
        (!has_classic(settings)).then_some(Idle {
            keys: &["classic_minutes"],
            why: "logs of Classic Load Balancers are off",
            hint: "set `classic: true`, or remove it",
        })
    }

    fn in_region(&self, stacking: &mut Stacking<'_, '_, '_>) {
        let (cluster, settings) = (stacking.resolving.cluster, stacking.resolving.settings);
        if stacking.stack.name == cluster.region && has_classic(settings) {
            stacking.stack.classic = Some(ClassicBucket {
                bucket: stacking.give(NameKind::Bucket, "elb"),
                source_arn: stacking.arns().classic_load_balancers(),
                expiry_days: settings.sources.aws.dead_letters.expiry_days,
            });
        }
    }

    fn in_members(&self, composing: &mut Composing<'_, '_, '_>) {
        composing.members.application_load_balancer = composing.delivered(
            "Elb",
            "application-load-balancer",
            &[
                (self.application, "Access", "ALB_ACCESS_LOGS", "alb"),
                (
                    self.connections,
                    "Connections",
                    "ALB_CONNECTION_LOGS",
                    "alc",
                ),
                (
                    self.health_checks,
                    "HealthChecks",
                    "ALB_HEALTH_CHECK_LOGS",
                    "alh",
                ),
            ],
        );
        composing.members.network_load_balancer = composing.delivered(
            "Elb",
            "network-load-balancer",
            &[(self.network, "Access", "NLB_ACCESS_LOGS", "nlb")],
        );
        if let Some(classic) = &composing.home.classic {
            composing.fragment("classic-load-balancer");
            composing.members.classic_load_balancer = Some(ClassicMembers {
                bucket: classic.bucket.clone(),
                minutes: self.classic_minutes,
            });
        }
    }

    fn details(&self, _: &Settings, regions: &[AwsRegion]) -> Details {
        let classic = regions.iter().filter_map(|region| region.classic.as_ref());
        let buckets: Vec<&String> = classic.map(|classic| &classic.bucket).collect();
        Details {
            reads: buckets
                .iter()
                .map(|bucket| format!("s3://{bucket}"))
                .collect(),
            objects: buckets
                .iter()
                .map(|bucket| format!("bucket {bucket}"))
                .collect(),
        }
    }
}
