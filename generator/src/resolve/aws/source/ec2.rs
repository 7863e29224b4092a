//! Machines, as their hypervisor sees them: events by EventBridge, and what the
//! forwarder asks for.

use logfleet_contract::forwarder::LogGroup;

use super::{Details, Idle, SourceOfAws, Way, nothing};
use crate::resolve::aws::forwarded::Forwarded;
use crate::resolve::aws::resolved::WriterKind;
use crate::resolve::{AwsRegion, Identity, Problems};
use crate::settings::{Ec2, Settings};

/// What is asked for, with its name in the list of sources.
const ASKED_FOR: [(Forwarded, &str); 2] = [
    (Forwarded::MachineStatus, "EC2: status of machines"),
    (Forwarded::ConsoleOutput, "EC2: console output"),
];

fn asks(settings: &Settings) -> bool {
    ASKED_FOR.iter().any(|(own, _)| own.is_on(settings))
}

impl SourceOfAws for Ec2 {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        let events = Way::own("ec2", &cluster.region, Some(WriterKind::Events));
        vec![self.state_changes.then_some(events)]
    }

    fn check(&self, settings: &Settings, problems: &mut Problems) {
        if !self.state_changes && !asks(settings) {
            let choices = "`state_changes`, `status` or `console_output`";
            nothing("ec2", choices, problems);
        }
    }

    fn idle(&self, settings: &Settings) -> Option<Idle> {
        (!asks(settings)).then_some(Idle {
            keys: &["poll_minutes"],
            why: "neither the status nor the console is asked for",
            hint: "set `status` or `console_output` to `true`, or remove it",
        })
    }

    fn tell(&self, log_group: &mut LogGroup) {
        // Events carry ids, not tags, so other clusters' come, too.
        log_group.members_only = true;
    }

    fn details(&self, settings: &Settings, regions: &[AwsRegion]) -> Details {
        let on = ASKED_FOR.iter().filter(|(own, _)| own.is_on(settings));
        let forwarders = regions.iter().filter_map(|own| own.forwarder.as_ref());
        let schedules = forwarders.flat_map(|forwarder| &forwarder.schedules);
        Details {
            reads: on.map(|(_, what)| (*what).to_owned()).collect(),
            objects: schedules
                .filter(|schedule| schedule.logical_id == "PollMachines")
                .map(|schedule| format!("schedule {}", schedule.name))
                .collect(),
        }
    }
}
