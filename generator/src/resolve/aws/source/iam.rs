//! Who used and changed the cluster's roles: CloudTrail's events by EventBridge.

use super::{SourceOfAws, Stacking, Way};
use crate::resolve::aws::arn::global_region;
use crate::resolve::aws::resolved::WriterKind;
use crate::resolve::{Identity, Problems};
use crate::settings::{Distribution, Iam, Settings};

/// Patterns of the names of the cluster's roles.
pub(in crate::resolve::aws) fn role_patterns(iam: &Iam, cluster: &Identity) -> Vec<String> {
    if iam.roles.is_empty() {
        let name = &cluster.aws_name;
        return vec![match cluster.distribution {
            Distribution::Kops => format!("*.{name}"),
            Distribution::Eks => format!("*{name}*"),
        }];
    }
    let roles = iam.roles.iter().filter(|(_, on)| **on);
    roles.map(|(role, _)| role.to_string()).collect()
}

impl SourceOfAws for Iam {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        let home = cluster.region.as_str();
        let global = global_region(home);
        let way = |region| Way::own("iam", region, Some(WriterKind::Events));
        vec![Some(way(home)), (global != home).then(|| way(global))]
    }

    fn check(&self, _: &Settings, problems: &mut Problems) {
        if !self.roles.is_empty() && self.roles.values().all(|on| !on) {
            problems.push(
                &["sources", "aws", "iam", "roles"],
                "no role is watched",
                "set a role to `true`, or `sources.aws.iam.enabled` to `false`; without any entry the cluster's own roles are watched",
            );
        }
    }

    fn in_region(&self, stacking: &mut Stacking<'_, '_, '_>) {
        let roles = role_patterns(self, stacking.resolving.cluster);
        let role_arns = roles.iter().map(|role| stacking.arns().role(role));
        let role_arns: Vec<String> = role_arns.collect();
        let rules = stacking.stack.event_rules.iter_mut();
        for rule in rules.filter(|rule| rule.kind == "iam") {
            rule.role_arns.clone_from(&role_arns);
            rule.roles.clone_from(&roles);
            rule.read_only_events = self.read_only_events;
        }
    }
}
