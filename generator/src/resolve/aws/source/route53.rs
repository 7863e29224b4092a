//! Queries for names: those for public zones, which Route 53 writes, and those of
//! machines, which a query log of the resolver delivers.

use super::{Details, SourceOfAws, Stacking, Way, nothing};
use crate::resolve::aws::arn::{global_region, is_standard_partition};
use crate::resolve::aws::find;
use crate::resolve::aws::members::Composing;
use crate::resolve::aws::resolved::{ResolverQueryLog, WriterKind, ZoneMembers};
use crate::resolve::name::NameKind;
use crate::resolve::{AwsRegion, Identity, Problems};
use crate::settings::{Route53, Settings};

const ID: &str = "aws.route53";

impl SourceOfAws for Route53 {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        let home = cluster.region.as_str();
        let zones = Way::own("route53", global_region(home), Some(WriterKind::Route53));
        let machines = Way::own("route53-resolver", home, Some(WriterKind::Resolver));
        vec![
            self.public.then_some(zones),
            self.resolver.then_some(machines),
        ]
    }

    fn check(&self, settings: &Settings, problems: &mut Problems) {
        if !self.public && !self.resolver {
            nothing("route53", "`public` or `resolver`", problems);
        }
        if self.public && !is_standard_partition(settings.region.as_str()) {
            problems.push(
                &["sources", "aws", "route53", "public"],
                "Route 53 writes queries for public zones to `us-east-1` only, which this Region's accounts don't have",
                "set this to `false`",
            );
        }
    }

    fn in_region(&self, stacking: &mut Stacking<'_, '_, '_>) {
        let group = find(stacking.groups, ID, WriterKind::Resolver);
        stacking.stack.resolver = group.map(|group| {
            let name = stacking.give(NameKind::ResolverQueryLog, "resolver");
            ResolverQueryLog {
                export: format!("{name}-id"),
                name,
                log_group: group.group.logical_id.clone(),
                log_group_arn: group.arn.clone(),
            }
        });
    }

    fn in_members(&self, composing: &mut Composing<'_, '_, '_>) {
        if let Some(group) = find(composing.groups, ID, WriterKind::Route53) {
            composing.fragment("hosted-zone");
            composing.members.hosted_zone = Some(ZoneMembers {
                log_group_arn: group.arn.clone(),
            });
        }
        if let Some(resolver) = &composing.home.resolver {
            composing.fragment("vpc");
            let networks = composing.members.vpc.get_or_insert_default();
            networks.resolver_export = Some(resolver.export.clone());
        }
    }

    fn details(&self, _: &Settings, regions: &[AwsRegion]) -> Details {
        let logs = regions.iter().filter_map(|region| region.resolver.as_ref());
        Details {
            objects: logs
                .map(|log| format!("resolver query log {}", log.name))
                .collect(),
            ..Details::default()
        }
    }
}
