//! Connections in the network: flow logs of the cluster's networks.

use logfleet_contract::forwarder::LogGroup;

use super::{Details, SourceOfAws, Stacking, Way, flow_log};
use crate::resolve::aws::members::Composing;
use crate::resolve::aws::resolved::{AwsLogGroup, FlowLog, FlowLogRole};
use crate::resolve::name::NameKind;
use crate::resolve::{AwsRegion, Identity};
use crate::settings::{Settings, Vpc};

fn group_of(groups: &[AwsLogGroup]) -> Option<&AwsLogGroup> {
    let mut groups = groups.iter();
    groups.find(|group| group.source.as_deref() == Some("aws.vpc"))
}

impl SourceOfAws for Vpc {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        vec![Some(Way::own("vpc", &cluster.region, None))]
    }

    fn tell(&self, log_group: &mut LogGroup) {
        log_group.flow_log_format = flow_log::format(self);
        log_group.accepted_percent = Some(self.accepted_percent).filter(|percent| *percent < 100);
    }

    fn in_region(&self, stacking: &mut Stacking<'_, '_, '_>) {
        stacking.stack.flow_logs = group_of(stacking.groups).map(|group| FlowLogRole {
            role: stacking.give(NameKind::Role, "flow-logs"),
            log_group_arn: group.arn.clone(),
            source_arn: stacking.arns().flow_logs(),
        });
    }

    fn in_members(&self, composing: &mut Composing<'_, '_, '_>) {
        let role = composing.home.flow_logs.as_ref();
        if let Some((role, group)) = role.zip(group_of(composing.groups)) {
            composing.fragment("vpc");
            flow_log::check(self, composing.problems);
            let role_arn = composing.arns().role(&role.role);
            composing.members.vpc.get_or_insert_default().flow_log = Some(FlowLog {
                traffic: self.traffic,
                aggregation_seconds: self.aggregation_seconds,
                log_group: group.group.name.clone(),
                role_arn,
                format: flow_log::format(self),
                tag_fields: flow_log::tag_fields(self, composing.problems),
            });
        }
    }

    fn details(&self, _: &Settings, _: &[AwsRegion]) -> Details {
        Details {
            objects: vec!["flow log of each network".to_owned()],
            ..Details::default()
        }
    }
}
